//! Letters: every mail that the appliance sends.

use crate::base::{EmailAddress, Secret, Timestamp};
use crate::config::Span;
use crate::templates::context;
use crate::texts::{Text, Voice};

/// The content of a mail. None carries anything that an unconfirmed person typed, but the address.
#[derive(Clone, Debug)]
pub enum Letter {
    /// To a registered address: the link that confirms it.
    ConfirmRegistration {
        /// The link.
        link: String,
        /// How long it is valid.
        within: Span,
    },
    /// To an address that somebody registered although it has an account.
    AlreadyRegistered {
        /// The page where its owner logs in.
        login: String,
        /// The page where its owner sets a new password.
        forgot: String,
    },
    /// To somebody who forgot a password: the link that sets a new one.
    ResetPassword {
        /// The link.
        link: String,
        /// How long it is valid.
        within: Span,
    },
    /// To somebody for whom an administrator made an account: the link that sets
    /// its first password, and confirms the address.
    ChoosePassword {
        /// The link.
        link: String,
        /// How long it is valid.
        within: Span,
    },
    /// To the owner, who took the account back: the link that sets a new password.
    TakenBack {
        /// The link.
        link: String,
        /// How long it is valid.
        within: Span,
        /// The page to ask for another.
        forgot: String,
    },
    /// To the owner: the password was changed.
    PasswordChanged {
        /// When it was changed.
        at: Timestamp,
        /// Whether an administrator set it.
        by_administrator: bool,
        /// The page where the owner takes the account back.
        forgot: String,
    },
    /// To a new address, or to one that an administrator entered: the link that confirms it.
    ConfirmAddress {
        /// The link.
        link: String,
        /// How long it is valid.
        within: Span,
        /// The account that gets the address, in words; empty for a new one.
        account: String,
    },
    /// To the present address: somebody asked for another.
    AddressChangeAsked {
        /// Whether they gave the password; an account may have none.
        knew_password: bool,
        /// The new address, masked.
        new: String,
        /// The page where the owner takes the account back.
        forgot: String,
    },
    /// To the old and to the new address: the change has happened.
    AddressChanged {
        /// The former address, masked.
        old: String,
        /// The present address, masked.
        new: String,
        /// To the old one: the link that restores it; else empty.
        undo: String,
    },
    /// To the owner: an administrator gave the account another telephone number, or removed it.
    PhoneChanged {
        /// The new one; empty if there is none.
        phone: String,
        /// When it was changed.
        at: Timestamp,
    },
    /// To the owner: a login from a device or a network that is new.
    NewLogin {
        /// When it happened.
        at: Timestamp,
        /// The network address that it came from.
        network: String,
        /// The browser or program.
        device: Text,
        /// The link by which the owner takes the account back.
        link: String,
    },
    /// To the owner: somebody keeps trying to log in.
    LoginsFailed {
        /// Whether the password is out of use, except in browsers that are known.
        is_out_of_use: bool,
        /// The page where the owner sets a new password.
        forgot: String,
    },
    /// To the owner: the account is gone.
    AccountDeleted {
        /// When it was deleted.
        at: Timestamp,
        /// Whether an administrator deleted it.
        by_administrator: bool,
    },
    /// To the owner: the user name was changed.
    UsernameChanged {
        /// The new one.
        username: String,
        /// When it was changed.
        at: Timestamp,
        /// The page where the owner takes the account back.
        forgot: String,
    },
    /// To the owner, who forgot the user name.
    Username {
        /// The user name; empty if there is none.
        username: String,
        /// The page to log in.
        login: String,
    },
    /// To the owner: the link and the digits that log in.
    LogIn {
        /// The link.
        link: String,
        /// The digits.
        code: Secret<String>,
        /// How long both are valid.
        within: Span,
    },
    /// To the owner: the digits that they need for the second step.
    SecondFactorCode {
        /// The digits.
        code: Secret<String>,
        /// The page where the owner sets a new password.
        forgot: String,
    },
    /// To the owner: somebody with the password keeps trying codes.
    CodesFailed {
        /// The page where the owner sets a new password.
        forgot: String,
    },
    /// To the owner: a second factor was added.
    FactorAdded {
        /// When it was added.
        at: Timestamp,
        /// The page where the owner takes the account back.
        forgot: String,
    },
    /// To the owner: somebody logged in with a second factor.
    FactorUsed {
        /// When it was used.
        at: Timestamp,
        /// The page where the owner takes the account back.
        forgot: String,
    },
    /// To the owner: a second factor was removed.
    FactorRemoved {
        /// When it was removed.
        at: Timestamp,
        /// Whether none is left.
        is_last: bool,
        /// The page where the owner takes the account back.
        forgot: String,
    },
    /// To the owner: somebody logged in with a recovery code.
    RecoveryCodeUsed {
        /// When it was used.
        at: Timestamp,
        /// How many are left.
        left: usize,
        /// The page where the owner takes the account back.
        forgot: String,
    },
    /// To the owner: there are new recovery codes.
    RecoveryCodesMade {
        /// When they were made.
        at: Timestamp,
        /// The page where the owner takes the account back.
        forgot: String,
    },
    /// To the owner: an administrator has asked for the removal of the second factors.
    FactorResetAsked {
        /// When they will be removed.
        due: Timestamp,
        /// The page where the owner objects, by logging in.
        login: String,
    },
    /// To the owner: the second factors were removed.
    FactorsReset {
        /// When they were removed.
        at: Timestamp,
        /// Whether the next login requires to set one up.
        must_have_one: bool,
        /// The page where the owner takes the account back.
        forgot: String,
    },
    /// To the owner: there is a new API token.
    ApiTokenMade {
        /// Its scopes. Its name is left out: whoever made it could write to the owner by it.
        scopes: String,
        /// When it was made.
        at: Timestamp,
        /// The page where the owner revokes it.
        tokens: String,
    },
    /// To the owner: there is a new application password.
    AppPasswordMade {
        /// When it was made. Name and hosts are left out: whoever made it could write to the owner by them.
        at: Timestamp,
        /// The page where the owner revokes it.
        app_passwords: String,
    },
    /// To the owner: what they were notified of happened more often.
    MoreNotices {
        /// What happened, and how often: one line each.
        lines: Vec<Text>,
        /// When the owner was last notified of such a thing.
        since: Timestamp,
        /// When it last happened.
        last: Timestamp,
        /// What to do if it was not the owner.
        advice: Text,
        /// The page where the owner does that.
        link: String,
    },
    /// To somebody whom an administrator invited.
    Invitation {
        /// The link.
        link: String,
        /// When it was written.
        at: Timestamp,
        /// Until when the link is valid.
        until: Timestamp,
    },
    /// To an administrator: somebody waits for a decision.
    ApprovalAsked {
        /// The address that was confirmed.
        address: String,
        /// The page where to decide.
        link: String,
    },
    /// To whoever registered: an administrator approved it.
    RegistrationApproved {
        /// The page to log in.
        login: String,
        /// What the administrator adds; may be empty.
        note: String,
    },
    /// To whoever registered: an administrator declined it.
    RegistrationDeclined {
        /// What the administrator adds; may be empty.
        note: String,
    },
    /// To an administrator: what needs them.
    AttentionNeeded {
        /// The mails that were given up since the last such letter.
        failed_mails: usize,
        /// Why there is no new certificate, or empty.
        certificate: String,
        /// Whether the disk is nearly full.
        disk_is_short: bool,
        /// Whether snapshots are overdue.
        snapshots_overdue: bool,
        /// The page of the state at a glance.
        link: String,
    },
    /// To an address that an administrator chose: mail works.
    Test,
}

impl Letter {
    /// Returns the name of its templates, and of its kind in lists.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ConfirmRegistration { .. } => "confirm-registration",
            Self::AlreadyRegistered { .. } => "already-registered",
            Self::ResetPassword { .. } => "reset-password",
            Self::ChoosePassword { .. } => "choose-password",
            Self::TakenBack { .. } => "taken-back",
            Self::PasswordChanged { .. } => "password-changed",
            Self::ConfirmAddress { .. } => "confirm-address",
            Self::AddressChangeAsked { .. } => "address-change-asked",
            Self::AddressChanged { .. } => "address-changed",
            Self::PhoneChanged { .. } => "phone-changed",
            Self::NewLogin { .. } => "new-login",
            Self::LoginsFailed { .. } => "logins-failed",
            Self::AccountDeleted { .. } => "account-deleted",
            Self::UsernameChanged { .. } => "username-changed",
            Self::Username { .. } => "username",
            Self::LogIn { .. } => "log-in",
            Self::SecondFactorCode { .. } => "second-factor-code",
            Self::CodesFailed { .. } => "codes-failed",
            Self::FactorAdded { .. } => "factor-added",
            Self::FactorUsed { .. } => "factor-used",
            Self::FactorRemoved { .. } => "factor-removed",
            Self::RecoveryCodeUsed { .. } => "recovery-code-used",
            Self::RecoveryCodesMade { .. } => "recovery-codes-made",
            Self::FactorResetAsked { .. } => "factor-reset-asked",
            Self::FactorsReset { .. } => "factors-reset",
            Self::ApiTokenMade { .. } => "api-token-made",
            Self::AppPasswordMade { .. } => "app-password-made",
            Self::MoreNotices { .. } => "more-notices",
            Self::Invitation { .. } => "invitation",
            Self::ApprovalAsked { .. } => "approval-asked",
            Self::RegistrationApproved { .. } => "registration-approved",
            Self::RegistrationDeclined { .. } => "registration-declined",
            Self::AttentionNeeded { .. } => "attention-needed",
            Self::Test => "test",
        }
    }

    /// Returns the values that its templates may use, besides `site`.
    pub(super) fn values(&self, voice: &Voice, site: &str, to: &EmailAddress) -> crate::templates::Value {
        let to = to.as_str();
        let within = |span: &Span| voice.length("within", span.seconds());
        match self {
            Self::ConfirmRegistration { link, within: span }
            | Self::ResetPassword { link, within: span }
            | Self::ChoosePassword { link, within: span } => {
                context! { site, to, link, within => within(span) }
            }
            Self::ConfirmAddress { link, within: span, account } => {
                context! { site, to, link, account, within => within(span) }
            }
            Self::TakenBack { link, within: span, forgot } => {
                context! { site, to, link, forgot, within => within(span) }
            }
            Self::AlreadyRegistered { login, forgot } => context! { site, to, login, forgot },
            Self::PasswordChanged { at, by_administrator, forgot } => {
                context! { site, to, forgot, by_administrator, at => voice.time(*at) }
            }
            Self::AddressChangeAsked { knew_password, new, forgot } => {
                context! { site, to, knew_password, new, forgot }
            }
            Self::AddressChanged { old, new, undo } => context! { site, to, old, new, undo },
            Self::PhoneChanged { phone, at } => context! { site, to, phone, at => voice.time(*at) },
            Self::NewLogin { at, network, device, link } => {
                context! { site, to, network, link, device => voice.say(device), at => voice.time(*at) }
            }
            Self::LoginsFailed { is_out_of_use, forgot } => context! { site, to, is_out_of_use, forgot },
            Self::AccountDeleted { at, by_administrator } => {
                context! { site, to, by_administrator, at => voice.time(*at) }
            }
            Self::UsernameChanged { username, at, forgot } => {
                context! { site, to, username, forgot, at => voice.time(*at) }
            }
            Self::Username { username, login } => context! { site, to, username, login },
            Self::LogIn { link, code, within: span } => {
                context! { site, to, link, code => code.expose(), within => within(span) }
            }
            Self::SecondFactorCode { code, forgot } => context! { site, to, code => code.expose(), forgot },
            Self::CodesFailed { forgot } => context! { site, to, forgot },
            Self::FactorAdded { at, forgot }
            | Self::FactorUsed { at, forgot }
            | Self::RecoveryCodesMade { at, forgot } => {
                context! { site, to, forgot, at => voice.time(*at) }
            }
            Self::FactorRemoved { at, is_last, forgot } => {
                context! { site, to, forgot, is_last, at => voice.time(*at) }
            }
            Self::RecoveryCodeUsed { at, left, forgot } => {
                context! { site, to, forgot, left, at => voice.time(*at) }
            }
            Self::FactorResetAsked { due, login } => context! { site, to, login, due => voice.time(*due) },
            Self::FactorsReset { at, must_have_one, forgot } => {
                context! { site, to, forgot, must_have_one, at => voice.time(*at) }
            }
            Self::ApiTokenMade { scopes, at, tokens } => {
                context! { site, to, tokens, scopes, at => voice.time(*at) }
            }
            Self::AppPasswordMade { at, app_passwords } => context! { site, to, app_passwords, at => voice.time(*at) },
            Self::MoreNotices { lines, since, last, advice, link } => {
                context! { site, to, link, advice => voice.say(advice), lines => lines.iter().map(|line| voice.say(line)).collect::<Vec<_>>(), since => voice.time(*since), last => voice.time(*last) }
            }
            Self::Invitation { link, until, .. } => context! { site, to, link, until => voice.time(*until) },
            Self::ApprovalAsked { address, link } => context! { site, to, address, link },
            Self::RegistrationApproved { login, note } => context! { site, to, login, note },
            Self::RegistrationDeclined { note } => context! { site, to, note },
            Self::AttentionNeeded { failed_mails, certificate, disk_is_short, snapshots_overdue, link } => {
                context! { site, to, failed_mails, certificate, disk_is_short, snapshots_overdue, link }
            }
            Self::Test => context! { site, to },
        }
    }
}
