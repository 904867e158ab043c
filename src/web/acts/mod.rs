//! What a request asks for, once for pages and API: take the fields, call the use case, name the refusal.

mod account;
mod entry;

pub use account::{change_email, change_password, check_reset, delete_account, end_session, forgot, reset};
pub use entry::{confirm, hand_over, log_in, log_out, register, resend, set_up};
