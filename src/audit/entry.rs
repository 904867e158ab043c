//! The entries of the audit log.

use std::fmt;

use serde_json::Value;

use crate::base::{AccountId, ClockState, Timestamp};

use super::subject::Subject;
use crate::store::{Damaged, Field, Reader, record, stored_enum};

stored_enum! {
    /// What was done, or attempted.
    Act {
        /// Somebody registered an address; the subject is the registration.
        Registered = 1 "registered",
        /// A registration became an account.
        Confirmed = 2 "confirmed",
        /// Somebody logged in, or was refused.
        Login = 3 "login",
        /// Somebody logged out.
        Logout = 4 "logout",
        /// Somebody ended one of their sessions.
        SessionEnded = 5 "session-ended",
        /// Somebody ended all their other sessions.
        SessionsEnded = 6 "sessions-ended",
        /// Somebody asked for a reset link; whether there is an account was not looked up.
        ResetRequested = 7 "reset-wished",
        /// Somebody asked for a confirmation again; whether there is anything to confirm was not looked up.
        ConfirmationRequested = 8 "confirmation-wished",
        /// A reset link was mailed to the account's address.
        ResetMailed = 9 "reset-mailed",
        /// A link to confirm an address was mailed.
        ConfirmationMailed = 10 "confirmation-mailed",
        /// A password was set by a mailed link.
        PasswordReset = 11 "password-reset",
        /// A password was changed by somebody who knew the old one, or tried to.
        PasswordChanged = 12 "password-changed",
        /// An administrator set a password.
        PasswordSet = 13 "password-set",
        /// Somebody asked for another address.
        AddressChangeAsked = 14 "address-change-asked",
        /// An address was confirmed, and belongs to the account from now on.
        AddressChanged = 15 "address-changed",
        /// An account was deleted.
        AccountDeleted = 16 "account-deleted",
        /// An administrator made an account.
        AccountAdded = 17 "account-added",
        /// An administrator confirmed an address in its owner's stead.
        AddressConfirmed = 18 "address-confirmed",
        /// An account was disabled.
        AccountDisabled = 19 "account-disabled",
        /// An account was enabled again.
        AccountEnabled = 20 "account-enabled",
        /// Somebody was put into a group.
        GroupJoined = 21 "group-joined",
        /// Somebody was taken out of a group.
        GroupLeft = 22 "group-left",
        /// A new key signs mailed links.
        KeyRotated = 23 "key-rotated",
        /// So many attempts failed that further ones are refused for a while.
        Throttled = 24 "throttled",
        /// An administrator lifted a rate limit.
        ThrottleLifted = 25 "throttle-lifted",
        /// The highest believed time was set back to the clock's.
        ClockReset = 26 "clock-reset",
        /// A mail was given up.
        MailGivenUp = 27 "mail-given-up",
        /// Mails were queued again.
        MailRetried = 28 "mail-retried",
        /// Mails that a restore held back were released.
        MailReleased = 29 "mail-released",
        /// A backup was made.
        BackupMade = 30 "backup-made",
        /// This store was restored from a backup.
        Restored = 31 "restored",
        /// Accounts were imported from elsewhere.
        Imported = 32 "imported",
        /// The appliance started.
        Started = 33 "started",
        /// The configuration was read again; the detail names the settings that were applied.
        Reconfigured = 34 "reconfigured",
        /// An authority issued a certificate; the detail names the hosts.
        CertificateIssued = 35 "certificate-issued",
        /// The permissions of a group were changed; the detail names group and permission.
        GroupPermitted = 36 "group-permitted",
        /// A permission was taken from a group.
        GroupForbidden = 37 "group-forbidden",
        /// Everybody was taken out of a group, and its permissions with it.
        GroupDisbanded = 38 "group-disbanded",
        /// An administrator invited somebody; the subject is the invitation.
        Invited = 39 "invited",
        /// An invitation was withdrawn.
        InvitationRevoked = 40 "invitation-revoked",
        /// Somebody confirmed a registration that an administrator is to decide on.
        ApprovalAsked = 41 "approval-asked",
        /// An administrator approved a registration: the account exists.
        RegistrationApproved = 42 "registration-approved",
        /// An administrator declined a registration.
        RegistrationDeclined = 43 "registration-declined",
        /// Somebody who knows the password gave a wrong code.
        SecondFactor = 44 "second-factor",
        /// Somebody reauthenticated.
        ProvedAgain = 45 "proved-again",
        /// Somebody added a second factor; the detail names its kind.
        FactorAdded = 46 "factor-added",
        /// Somebody removed a second factor.
        FactorRemoved = 47 "factor-removed",
        /// Somebody made new recovery codes.
        RecoveryCodesMade = 48 "recovery-codes-made",
        /// Somebody made a browser trusted, which is not asked for a code from then on.
        BrowserTrusted = 49 "browser-trusted",
        /// Somebody ended the trust in a browser.
        TrustEnded = 50 "trust-ended",
        /// An administrator asked for the removal of somebody's second factors, after a time.
        FactorResetAsked = 51 "factor-reset-asked",
        /// Somebody's second factors were removed.
        FactorsReset = 52 "factors-reset",
        /// Somebody asked to log in by mail; whether there is an account was not looked up.
        LoginRequested = 53 "login-wished",
        /// A link that logs in was mailed to the account's address.
        LoginMailed = 54 "login-mailed",
        /// Somebody chose another user name.
        UsernameChanged = 55 "username-changed",
        /// Somebody asked for a forgotten user name; whether there is an account was not looked up.
        UsernameRequested = 56 "username-wished",
        /// A user name was mailed to the account's address.
        UsernameMailed = 57 "username-mailed",
        /// Somebody made an API token, or an administrator did for them; the detail is its id.
        ApiTokenMade = 58 "api-token-made",
        /// Somebody revoked an API token; the detail is its id.
        ApiTokenRevoked = 59 "api-token-revoked",
        /// A refresh token was used twice, which ended its session.
        RefreshReused = 60 "refresh-reused",
        /// The owner of an account took it back from an intruder.
        TakenBack = 61 "taken-back",
        /// The owner of an account undid a change of its address.
        AddressRestored = 62 "address-restored",
        /// A webhook did not get an event; the detail is its name and the number of the row.
        WebhookGivenUp = 63 "webhook-given-up",
        /// An administrator gave an account another telephone number, or removed it.
        PhoneChanged = 64 "phone-changed",
        /// An administrator made a webhook try again; the detail is its name.
        WebhookRetried = 65 "webhook-retried",
        /// An address was taken from an account that never confirmed it, for its owner, who did.
        AddressReleased = 66 "address-released",
        /// A request for mail could not be read, or its mail could not be written; the detail is its kind.
        MailRequestDropped = 67 "mail-request-dropped",
        /// Somebody made an application password, or an administrator did for them; the detail is its id.
        AppPasswordMade = 68 "app-password-made",
        /// Somebody revoked an application password; the detail is its id.
        AppPasswordRevoked = 69 "app-password-revoked",
        /// An administrator freed a user name that was given up; the subject is its former owner.
        UsernameFreed = 70 "username-freed",
        /// Somebody chose another language for pages and mails; the detail is which, if any.
        LanguageChanged = 80 "language-changed",
        /// The log was found changed from outside; the detail says how.
        AuditBroken = 90 "audit-broken",
        /// Somebody lost the right to what they asked for while it waited, and it
        /// was not done; the detail says what was missing.
        RightLost = 100 "right-lost",
        /// Somebody's second factors stayed: whoever had asked for their removal is not an administrator any more.
        FactorResetDropped = 101 "factor-reset-dropped",
        /// An administrator ended somebody's sessions; the detail is how many.
        SessionsEndedFor = 102 "sessions-ended-for",
        /// An administrator, or the help desk, had a link mailed by which somebody sets a password.
        ResetSent = 110 "reset-sent",
        /// An administrator gave somebody another display name, or removed it.
        NameChanged = 111 "name-changed",
        /// An administrator dropped a mail; the detail is its kind.
        MailDropped = 112 "mail-dropped",
        /// An administrator ended everybody's sessions; the detail is how many of them ended in this transaction.
        SessionsEndedForAll = 103 "sessions-ended-for-all",
    }
}

stored_enum! {
    /// The outcome of an act.
    Outcome {
        /// It was done.
        Done = 0 "done",
        /// The password was not the right one.
        WrongPassword = 1 "wrong-password",
        /// No account has this name.
        Unknown = 2 "unknown",
        /// The account is disabled.
        Disabled = 3 "disabled",
        /// The address is not confirmed.
        Unconfirmed = 4 "unconfirmed",
        /// Too many attempts had failed before; the password was not considered.
        Barred = 5 "barred",
        /// The account was changed while the password was checked.
        Overtaken = 6 "overtaken",
        /// The password was right; a second factor was asked for.
        SecondFactorNeeded = 7 "second-factor-needed",
        /// The code was wrong, or used before.
        WrongCode = 8 "wrong-code",
    }
}

/// An act by itself counts as done.
impl From<Act> for (Act, Outcome) {
    fn from(act: Act) -> Self {
        (act, Outcome::Done)
    }
}

/// Who did it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Actor {
    /// Somebody who has not authenticated.
    Anyone,
    /// The owner of an account.
    Account(AccountId),
    /// An administrator at the command line, by the number of their system user.
    CommandLine(u32),
    /// The appliance itself.
    Appliance,
}

impl Field for Actor {
    fn put(&self, out: &mut Vec<u8>) {
        let mut id = [0; 16];
        let kind: u32 = match self {
            Self::Anyone => 0,
            Self::Account(account) => {
                id = *account.bytes();
                1
            }
            Self::CommandLine(user) => {
                id[12..].copy_from_slice(&user.to_be_bytes());
                2
            }
            Self::Appliance => 3,
        };
        kind.put(out);
        id.put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        let kind = u32::take(input)?;
        let id = <[u8; 16]>::take(input)?;
        match kind {
            0 => Ok(Self::Anyone),
            1 => Ok(Self::Account(AccountId::from_bytes(id))),
            2 => Ok(Self::CommandLine(u32::from_be_bytes([id[12], id[13], id[14], id[15]]))),
            3 => Ok(Self::Appliance),
            _ => Err(Damaged),
        }
    }

    fn to_json(&self) -> Value {
        self.to_string().into()
    }

    fn from_json(shown: &Value) -> Result<Self, Damaged> {
        let text = shown.as_str().ok_or(Damaged)?;
        if let Some(id) = text.strip_prefix("account ") {
            return id.parse().map(Self::Account).map_err(|_| Damaged);
        }
        if let Some(user) = text.strip_prefix("command line, user ") {
            return user.parse().map(Self::CommandLine).map_err(|_| Damaged);
        }
        [Self::Anyone, Self::Appliance].into_iter().find(|actor| actor.to_string() == text).ok_or(Damaged)
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("anyone"),
            Self::Account(id) => write!(f, "account {id}"),
            Self::CommandLine(user) => write!(f, "command line, user {user}"),
            Self::Appliance => f.write_str("appliance"),
        }
    }
}

/// The source of an act: who, and from where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Source {
    /// Who did it.
    pub actor: Actor,
    /// The network address; empty for what happens on this machine.
    pub network: String,
}

impl Source {
    /// Makes the source of somebody who has not authenticated.
    #[must_use]
    pub fn anyone(network: &str) -> Self {
        Self { actor: Actor::Anyone, network: network.to_owned() }
    }

    /// Makes the source of an account's owner.
    #[must_use]
    pub fn account(id: AccountId, network: &str) -> Self {
        Self { actor: Actor::Account(id), network: network.to_owned() }
    }

    /// Makes the source of an administrator at the command line.
    #[must_use]
    pub fn command_line(user: u32) -> Self {
        Self { actor: Actor::CommandLine(user), network: String::new() }
    }

    /// Makes the source of the appliance itself.
    #[must_use]
    pub fn appliance() -> Self {
        Self { actor: Actor::Appliance, network: String::new() }
    }
}

/// An entry of the log: one act.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// When it was done.
    pub at: Timestamp,
    /// Whether the clock was believed then; the order of the rows is true in any case.
    pub clock: ClockState,
    /// What was done.
    pub act: Act,
    /// The outcome.
    pub outcome: Outcome,
    /// Who did it.
    pub actor: Actor,
    /// The network address it came from; empty on this machine.
    pub network: String,
    /// What it is about.
    pub subject: Subject,
    /// A word of ours that says more: a group, a limit, a version.
    pub detail: String,
}
record!(part Entry { at, clock, act, outcome, actor, network, subject, detail });

impl Field for ClockState {
    fn put(&self, out: &mut Vec<u8>) {
        let code: u32 = match self {
            Self::Sure => 0,
            Self::Behind => 1,
            Self::Leapt => 2,
        };
        code.put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        match u32::take(input)? {
            0 => Ok(Self::Sure),
            1 => Ok(Self::Behind),
            2 => Ok(Self::Leapt),
            _ => Err(Damaged),
        }
    }

    fn to_json(&self) -> Value {
        self.as_str().into()
    }

    fn from_json(shown: &Value) -> Result<Self, Damaged> {
        let states = [Self::Sure, Self::Behind, Self::Leapt];
        states.into_iter().find(|state| shown == state.as_str()).ok_or(Damaged)
    }
}
