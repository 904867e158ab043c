//! Accounts, and what people do with them: one file per use case.
//!
//! A use case is a plain function over a unit of [`Work`] and its input. A refusal is
//! an outcome; an `Err` means that *we* failed and undoes the transaction.

pub mod administer;
pub mod administrators;
pub mod api_tokens;
pub mod approvals;
pub mod change_address;
pub mod change_password;
pub mod close;
pub mod confirm;
pub mod confirm_links;
pub mod costs;
pub mod end_sessions;
mod env;
pub mod factor_changes;
pub mod factor_resets;
pub mod forgot;
pub mod identity;
pub mod invitations;
pub mod keyring;
pub mod known_devices;
pub mod links;
pub mod login;
pub mod login_by_mail;
pub mod notices;
pub mod opening;
pub mod permissions;
pub mod person;
pub mod proving_again;
pub mod register;
pub mod second_step;
pub mod set_up;
pub mod spent;
pub mod standing;
pub mod taking_back;
pub mod tries;
pub mod usernames;
pub mod wishes;
mod work;

pub use env::Env;
pub use person::{Account, Person};
pub use register::Registration;
pub use work::Work;
