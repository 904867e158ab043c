//! Every mail there is.

use crate::base::{DAY, EmailAddress, Seconds, Timestamp};
use crate::config::Span;
use crate::templates::{BuiltIn, context};

/// What a mail says. None carries anything that an unconfirmed person typed, but the address.
#[derive(Clone, Debug)]
pub enum Letter {
    /// To a registered address: the link that confirms it.
    ConfirmRegistration {
        /// The link.
        link: String,
        /// How long it works.
        within: Span,
    },
    /// To an address that somebody registered although it has an account.
    AlreadyRegistered {
        /// Where its owner logs in.
        login: String,
        /// Where its owner sets a new password.
        forgot: String,
    },
    /// To somebody who forgot a password: the link that sets a new one.
    ResetPassword {
        /// The link.
        link: String,
        /// How long it works.
        within: Span,
    },
    /// To the owner: the password is another.
    PasswordChanged {
        /// When.
        at: Timestamp,
        /// Where the owner takes the account back.
        forgot: String,
    },
    /// To a new address, or to one that an administrator entered: the link that confirms it.
    ConfirmAddress {
        /// The link.
        link: String,
        /// How long it works.
        within: Span,
    },
    /// To the present address: somebody with the password asked for another.
    AddressChangeAsked {
        /// The new address, masked.
        new: String,
        /// Where the owner takes the account back.
        forgot: String,
    },
    /// To the old and to the new address: the change has happened.
    AddressChanged {
        /// The address that served until now, masked.
        old: String,
        /// The address that serves now, masked.
        new: String,
    },
    /// To the owner: somebody keeps trying to log in.
    LoginsFailed {
        /// Whether the password opens nothing any more, but from browsers that are known.
        is_out_of_use: bool,
        /// Where the owner sets a new password.
        forgot: String,
    },
    /// To the owner: the account is gone.
    AccountDeleted {
        /// When.
        at: Timestamp,
    },
    /// To somebody whom an administrator invites.
    Invitation {
        /// The link.
        link: String,
        /// When it was written.
        at: Timestamp,
        /// Until when the link works.
        until: Timestamp,
    },
    /// To an administrator: somebody waits for a decision.
    ApprovalAsked {
        /// Whose address was confirmed.
        address: String,
        /// Where to decide.
        link: String,
    },
    /// To whoever registered: an administrator let them in.
    RegistrationApproved {
        /// Where to log in.
        login: String,
    },
    /// To whoever registered: an administrator did not.
    RegistrationDeclined,
    /// To whom an administrator chose: mail works.
    Test,
}

/// Notices are worth reading for as long as a server may be down.
const NOTICE_USEFUL: Seconds = 4 * DAY;

impl Letter {
    /// One of each, to see whether the templates can be rendered.
    pub(super) fn samples() -> Vec<Self> {
        let link = || "https://auth.example.org/confirm/glt_x".to_owned();
        let (within, at) = (Span::from_seconds(DAY), Timestamp::from_seconds(1_795_000_000));
        let masked = |letter: char| format!("{letter}…@example.org");
        vec![
            Self::ConfirmRegistration { link: link(), within },
            Self::AlreadyRegistered { login: link(), forgot: link() },
            Self::ResetPassword { link: link(), within },
            Self::PasswordChanged { at, forgot: link() },
            Self::ConfirmAddress { link: link(), within },
            Self::AddressChangeAsked { new: masked('b'), forgot: link() },
            Self::AddressChanged { old: masked('a'), new: masked('b') },
            Self::LoginsFailed { is_out_of_use: true, forgot: link() },
            Self::AccountDeleted { at },
            Self::Invitation { link: link(), at, until: at.plus(DAY) },
            Self::ApprovalAsked { address: "ada@example.org".into(), link: link() },
            Self::RegistrationApproved { login: link() },
            Self::RegistrationDeclined,
            Self::Test,
        ]
    }

    /// The name of its templates, and of its kind in lists.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ConfirmRegistration { .. } => "confirm-registration",
            Self::AlreadyRegistered { .. } => "already-registered",
            Self::ResetPassword { .. } => "reset-password",
            Self::PasswordChanged { .. } => "password-changed",
            Self::ConfirmAddress { .. } => "confirm-address",
            Self::AddressChangeAsked { .. } => "address-change-asked",
            Self::AddressChanged { .. } => "address-changed",
            Self::LoginsFailed { .. } => "logins-failed",
            Self::AccountDeleted { .. } => "account-deleted",
            Self::Invitation { .. } => "invitation",
            Self::ApprovalAsked { .. } => "approval-asked",
            Self::RegistrationApproved { .. } => "registration-approved",
            Self::RegistrationDeclined => "registration-declined",
            Self::Test => "test",
        }
    }

    /// Seconds for which delivering it makes sense: a dead link is not worth sending.
    #[must_use]
    pub fn useful_for(&self) -> Seconds {
        match self {
            Self::ConfirmRegistration { within, .. }
            | Self::ResetPassword { within, .. }
            | Self::ConfirmAddress { within, .. } => within.seconds().min(NOTICE_USEFUL),
            Self::Invitation { at, until, .. } => until.since(*at),
            _ => NOTICE_USEFUL,
        }
    }

    /// What its templates may use, besides `site`.
    pub(super) fn values(&self, site: &str, to: &EmailAddress) -> crate::templates::Value {
        let to = to.as_str();
        match self {
            Self::ConfirmRegistration { link, within }
            | Self::ResetPassword { link, within }
            | Self::ConfirmAddress { link, within } => {
                context! { site, to, link, within => within.in_words() }
            }
            Self::AlreadyRegistered { login, forgot } => context! { site, to, login, forgot },
            Self::PasswordChanged { at, forgot } => context! { site, to, forgot, at => at.in_words() },
            Self::AddressChangeAsked { new, forgot } => context! { site, to, new, forgot },
            Self::AddressChanged { old, new } => context! { site, to, old, new },
            Self::LoginsFailed { is_out_of_use, forgot } => context! { site, to, is_out_of_use, forgot },
            Self::AccountDeleted { at } => context! { site, to, at => at.in_words() },
            Self::Invitation { link, until, .. } => context! { site, to, link, until => until.in_words() },
            Self::ApprovalAsked { address, link } => context! { site, to, address, link },
            Self::RegistrationApproved { login } => context! { site, to, login },
            Self::RegistrationDeclined | Self::Test => context! { site, to },
        }
    }
}

macro_rules! built_in {
    ($($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!("templates/", $name)))),*] };
}

/// The built-in texts. The first line of each `.txt` is the subject.
pub const TEMPLATES: &[BuiltIn] = built_in![
    "mail-layout.html",
    "confirm-registration.txt",
    "confirm-registration.html",
    "already-registered.txt",
    "already-registered.html",
    "reset-password.txt",
    "reset-password.html",
    "password-changed.txt",
    "password-changed.html",
    "confirm-address.txt",
    "confirm-address.html",
    "address-change-asked.txt",
    "address-change-asked.html",
    "address-changed.txt",
    "address-changed.html",
    "logins-failed.txt",
    "logins-failed.html",
    "account-deleted.txt",
    "account-deleted.html",
    "invitation.txt",
    "invitation.html",
    "approval-asked.txt",
    "approval-asked.html",
    "registration-approved.txt",
    "registration-approved.html",
    "registration-declined.txt",
    "registration-declined.html",
    "test.txt",
    "test.html",
];
