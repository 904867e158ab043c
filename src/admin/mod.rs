//! Commands of administrators. The command line sends them through the control socket, or executes them itself when no
//! server runs; programs use the administrators' part of the API.

mod adding;
pub mod answers;
mod approvals;
mod clock;
pub mod command;
mod execute;
mod groups;
mod inspection;
mod invitations;
mod limits;
mod log;
mod mail_test;
mod mails;
mod named;
mod reach;
mod refusal;
mod sealing;
mod sessions;
mod tokens;
mod users;
mod webhooks;

pub use adding::precheck;
pub use approvals::waiting_registrations;
pub use command::{AuditWanted, Command};
pub use execute::{document, execute};
pub use mail_test::send_test;
pub use refusal::{Refusal, RefusalKind, Remedy};
pub use sealing::{RotationError, reseal, rotate_sealing_key};
pub use tokens::{TokenDraft, make_token, tokens_of};
pub use users::GOOD_PASSWORD;
pub use webhooks::send_sample;

/// The most rows of one answer.
const MAX_ROWS: usize = 1000;

/// Parses what was typed. `what` says what it should have been.
fn parse<T, E>(text: &str, what: &str, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, Refusal> {
    let hint = match what {
        "an e-mail address" => "write it like alice@example.org",
        "a permission" => "it is a word or more, like files:read",
        _ => "",
    };
    let remedy = match what {
        "an account's id" => Some(Remedy::ListAccounts),
        "a mail's id" => Some(Remedy::ListMails),
        "an invitation's id" => Some(Remedy::ListInvitations),
        _ => None,
    };
    let refusal = || Refusal::invalid(format!("{} is not {what}", quoted(text)), hint);
    parse(text).map_err(|_| Refusal { remedy, ..refusal() })
}

/// Quotes what was typed, shortened.
fn quoted(text: &str) -> String {
    const MAX_CHARS: usize = 100;
    let shown: String = text.chars().take(MAX_CHARS).collect();
    if shown.len() < text.len() { format!("{shown:?}…") } else { format!("{shown:?}") }
}
