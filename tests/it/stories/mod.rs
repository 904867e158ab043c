//! What people do, told as stories.

mod account;
mod account_recovery;
mod app_passwords;
mod approving;
mod auditing;
mod clocks;
mod done_already;
mod doors;
mod ending_sessions;
mod few_rows_at_once;
mod finding;
mod former_usernames;
mod freshness;
mod front_ends;
mod grouping;
mod guessing;
mod identities;
mod inviting;
mod languages;
mod limits;
mod logging_in;
mod losing_rights;
mod mailed_logins;
mod mailing;
mod operating;
mod pages;
mod programs;
mod reaching;
mod registering;
mod resetting;
mod restoring;
mod second_factors;
mod setting_up;
mod tokens;

pub use second_factors::{halfway_with_a_phone, read_key};
