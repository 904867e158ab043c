//! Commands of administrators. The command line sends them through the control socket, or executes them itself when no
//! server runs; programs use the administrators' part of the API.

mod adding;
pub mod answers;
mod app_passwords;
mod approvals;
mod clock;
pub mod command;
mod correcting;
mod execute;
mod groups;
mod inspection;
mod invitations;
mod limits;
mod log;
mod mail_test;
mod mails;
mod named;
mod overview;
mod people;
mod reach;
mod refusal;
mod sealing;
mod sessions;
mod tokens;
mod users;
mod webhooks;

pub use adding::precheck;
pub use app_passwords::{AppPasswordDraft, MAX_HOSTS, app_passwords_of, make_app_password};
pub use approvals::{waiting_registration, waiting_registrations};
pub use command::{AuditWanted, Command, PeopleWanted};
pub use execute::{document, execute};
pub use inspection::readiness;
pub use mail_test::send_test;
pub use mails::queued_mail;
pub use refusal::{Refusal, RefusalKind, Remedy};
pub use sealing::{RotationError, reseal, rotate_sealing_key};
pub use tokens::{TokenDraft, make_token, tokens_of};
pub use webhooks::send_sample;

use crate::texts::{self, Text};

/// The most rows of one answer.
const MAX_ROWS: usize = 1000;

/// What a text that was typed should be.
#[derive(Clone, Copy)]
enum Wanted {
    AccountId,
    RegistrationId,
    MailId,
    InvitationId,
    Address,
    Username,
    Name,
    Permission,
    /// Where a list goes on.
    Place,
    PointInTime,
}

impl Wanted {
    /// Refuses a text that is something else.
    fn refuse(self, text: &str) -> Refusal {
        use texts::refusal as say;
        let text = quoted(text);
        let (message, hint): (Text, Option<Text>) = match self {
            Self::AccountId => (say::not_an_account_id(text), None),
            Self::RegistrationId => (say::not_a_registration_id(text), None),
            Self::MailId => (say::not_a_mail_id(text), None),
            Self::InvitationId => (say::not_an_invitation_id(text), None),
            Self::Address => (say::not_an_address(text), Some(say::written_like("alice@example.org"))),
            Self::Username => (say::not_a_username(text), None),
            Self::Name => (say::not_a_name(text), None),
            Self::Permission => (say::not_a_permission(text), Some(say::permission_like())),
            Self::Place => (say::not_a_place(text), None),
            Self::PointInTime => (say::not_a_point_in_time(text), None),
        };
        let remedy = match self {
            Self::AccountId => Some(Remedy::ListAccounts),
            Self::MailId => Some(Remedy::ListMails),
            Self::InvitationId => Some(Remedy::ListInvitations),
            _ => None,
        };
        Refusal { remedy, ..Refusal::invalid(message, hint) }
    }
}

/// Parses what was typed.
fn parse<T, E>(text: &str, wanted: Wanted, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, Refusal> {
    parse(text).map_err(|_| wanted.refuse(text))
}

/// Quotes what was typed, shortened.
fn quoted(text: &str) -> String {
    const MAX_CHARS: usize = 100;
    let shown: String = text.chars().take(MAX_CHARS).collect();
    if shown.len() < text.len() { format!("{shown:?}…") } else { format!("{shown:?}") }
}
