//! Accounts, and what people do with them: one file per use case.
//!
//! A use case is a plain function over a unit of [`Work`] and its input. A refusal is
//! an outcome; an `Err` means that *we* failed and undoes the transaction.

mod accept_registration;
pub mod account_recovery;
pub mod administer;
pub mod administrators;
mod already_registered;
pub mod api_tokens;
pub mod approvals;
pub mod attempt_limits;
pub mod attention;
pub mod bearable;
pub mod change_address;
pub mod change_password;
pub mod change_refused;
pub mod choose_language;
pub mod confirm;
pub mod confirm_links;
pub mod correct;
pub mod create_account;
pub mod delete_account;
pub mod end_sessions;
mod env;
pub mod factor_changes;
pub mod factor_resets;
pub mod find_people;
pub mod first_administrator;
pub mod forgot;
pub mod former_addresses;
pub mod hash_costs;
pub mod identity;
pub mod invitations;
pub mod keyring;
pub mod known_devices;
pub mod links;
pub mod login;
pub mod login_by_mail;
mod login_notices;
pub mod login_outcome;
pub mod mail_requests;
mod mail_rules;
pub mod notice_summaries;
pub mod notices;
pub mod owner;
pub mod permissions;
pub mod person;
pub mod process_mail_requests;
pub mod reauthentication;
mod recovery_link;
pub mod register;
pub mod registration;
pub mod search_index;
pub mod second_factor;
pub mod second_step;
pub mod set_up;
pub mod spent;
pub mod standing;
pub mod start_session;
pub mod usernames;
mod work;

pub use env::Env;
pub use person::{Account, Person};
pub use registration::Registration;
pub use work::Work;
