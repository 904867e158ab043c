//! What people do, told as stories.

mod account;
mod approving;
mod auditing;
mod clocks;
mod grouping;
mod guessing;
mod inviting;
mod logging_in;
mod mailing;
mod operating;
mod pages;
mod registering;
mod resetting;
mod setting_up;
