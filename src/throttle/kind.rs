//! The kinds of buckets, and the rate limit of each.

use serde_json::Value;

use crate::base::MINUTE;
use crate::config::{Rate, Throttle as Settings};
use crate::store::Key;

/// The purpose of a mail to an address. Each has a limit of its own: a flood of registrations does not hold up a reset.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum MailPurpose {
    /// A link that confirms.
    Confirm,
    /// A link that sets a new password.
    Reset,
    /// A notice that the address has an account.
    Known,
    /// A notice to an administrator that somebody waits for approval.
    Approval,
    /// A link that logs in.
    LogIn,
    /// A code by text message.
    Text,
    /// An invitation.
    Invite,
    /// A code by mail, for the second step of a login or a proof.
    Code,
    /// A link that makes an address an account's: apart from those that confirm a registration, so that nobody with an
    /// account uses up the mails by which the owner of an address registers.
    Change,
}

impl MailPurpose {
    /// The limit over all mails in which it counts as well, if strangers can cause such mails.
    pub(super) const fn crowd(self) -> Option<Kind> {
        match self {
            Self::Confirm | Self::Change => Some(Kind::MailStrangers),
            Self::Reset | Self::Known | Self::LogIn => Some(Kind::MailEverybody),
            Self::Approval | Self::Text | Self::Invite | Self::Code => None,
        }
    }
}

/// The kind of attempt or action that a bucket counts.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// A name as it was typed, known or not: by a keyed digest of its canonical form.
    Name,
    /// An account, by whatever name; for unknown names a stand-in of the same form.
    Account,
    /// A browser that somebody logged in with before.
    Device,
    /// A network: an IPv4 address, or an IPv6 /64.
    Network,
    /// An IPv6 /48.
    WideNetwork,
    /// Everybody together.
    Everybody,
    /// The share of networks that have hardly failed, while the bucket of everybody is empty.
    Reserve,
    /// A session, for the reauthentication of its holder. Strangers cannot empty it.
    Session,
    /// Failures of all known browsers and sessions of an account together. It refuses nobody; it is counted so that the
    /// owner is told.
    KnownDevices,
    /// A network that asks for mails.
    MailNetwork,
    /// A wide network that asks for mails.
    MailWideNetwork,
    /// Mails to accounts that somebody asked for without being logged in, over all accounts.
    MailEverybody,
    /// The same to addresses without an account yet, over all of them.
    MailStrangers,
    /// Mails to addresses that are not the account's own, caused by one account.
    MailByAccount,
    /// An address that mails of one purpose go to.
    MailAddress(MailPurpose),
    /// A network that tries links which do not work.
    LinkNetwork,
    /// Wrong codes for an account whose first step was passed.
    SecondFactor,
    /// Wrong digits, of those mailed to an account's owner to log in by.
    MailedDigits,
    /// Actions of an account with nothing but a session.
    Acts,
    /// Actions of an account with its password: apart, so that a stolen session cannot use them up.
    ProvenActs,
    /// Actions of an administrator for others.
    AdminActs,
    /// Logins to an account that succeed.
    Logins,
    /// Logins that succeed from one known browser.
    DeviceLogins,
    /// Logins to an account that pass the first step and wait for the second.
    HalfLogins,
    /// Actions of one session when others have used up its account's: a thief does not keep the owner from acting.
    SessionActs,
    /// Mails for networks that ask for few, while the limit over all mails is used up.
    MailReserve,
}

impl Kind {
    /// The number in keys. It is stored: none is ever given another meaning.
    const fn code(self) -> u8 {
        match self {
            Self::Name => 1,
            Self::Account => 2,
            Self::Device => 3,
            Self::Network => 4,
            Self::WideNetwork => 5,
            Self::Everybody => 6,
            Self::MailNetwork => 7,
            Self::MailWideNetwork => 8,
            Self::MailEverybody => 9,
            Self::LinkNetwork => 10,
            Self::SecondFactor => 11,
            Self::Reserve => 12,
            Self::Session => 13,
            Self::KnownDevices => 14,
            Self::MailedDigits => 15,
            Self::MailStrangers => 32,
            Self::MailByAccount => 33,
            Self::Acts => 34,
            Self::ProvenActs => 35,
            Self::AdminActs => 36,
            Self::Logins => 37,
            Self::DeviceLogins => 38,
            Self::HalfLogins => 39,
            Self::SessionActs => 40,
            Self::MailReserve => 41,
            Self::MailAddress(MailPurpose::Change) => 24,
            Self::MailAddress(MailPurpose::Confirm) => 16,
            Self::MailAddress(MailPurpose::Reset) => 17,
            Self::MailAddress(MailPurpose::Known) => 18,
            Self::MailAddress(MailPurpose::Approval) => 19,
            Self::MailAddress(MailPurpose::LogIn) => 20,
            Self::MailAddress(MailPurpose::Text) => 21,
            Self::MailAddress(MailPurpose::Invite) => 22,
            Self::MailAddress(MailPurpose::Code) => 23,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Name,
            2 => Self::Account,
            3 => Self::Device,
            4 => Self::Network,
            5 => Self::WideNetwork,
            6 => Self::Everybody,
            7 => Self::MailNetwork,
            8 => Self::MailWideNetwork,
            9 => Self::MailEverybody,
            10 => Self::LinkNetwork,
            11 => Self::SecondFactor,
            12 => Self::Reserve,
            13 => Self::Session,
            14 => Self::KnownDevices,
            15 => Self::MailedDigits,
            32 => Self::MailStrangers,
            33 => Self::MailByAccount,
            34 => Self::Acts,
            35 => Self::ProvenActs,
            36 => Self::AdminActs,
            37 => Self::Logins,
            38 => Self::DeviceLogins,
            39 => Self::HalfLogins,
            40 => Self::SessionActs,
            41 => Self::MailReserve,
            24 => Self::MailAddress(MailPurpose::Change),
            16 => Self::MailAddress(MailPurpose::Confirm),
            17 => Self::MailAddress(MailPurpose::Reset),
            18 => Self::MailAddress(MailPurpose::Known),
            19 => Self::MailAddress(MailPurpose::Approval),
            20 => Self::MailAddress(MailPurpose::LogIn),
            21 => Self::MailAddress(MailPurpose::Text),
            22 => Self::MailAddress(MailPurpose::Invite),
            23 => Self::MailAddress(MailPurpose::Code),
            _ => return None,
        })
    }

    /// The number by which lists go on.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.code()
    }

    /// The kind of this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Self::from_code(number)
    }

    /// The word for lists and the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Account => "account",
            Self::Device => "device",
            Self::Network => "network",
            Self::WideNetwork => "wide-network",
            Self::Everybody => "everybody",
            Self::MailNetwork => "mail-network",
            Self::MailWideNetwork => "mail-wide-network",
            Self::MailEverybody => "mail-everybody",
            Self::MailAddress(MailPurpose::Text) => "text-account",
            Self::MailAddress(MailPurpose::Code) => "code-account",
            Self::MailAddress(_) => "mail-address",
            Self::LinkNetwork => "link-network",
            Self::SecondFactor => "second-factor",
            Self::Reserve => "reserve",
            Self::Session => "session",
            Self::KnownDevices => "known-devices",
            Self::MailedDigits => "mailed-digits",
            Self::MailStrangers => "mail-strangers",
            Self::MailByAccount => "mail-by-account",
            Self::Acts => "acts",
            Self::ProvenActs => "proven-acts",
            Self::AdminActs => "admin-acts",
            Self::Logins => "logins",
            Self::DeviceLogins => "device-logins",
            Self::HalfLogins => "half-logins",
            Self::SessionActs => "session-acts",
            Self::MailReserve => "mail-reserve",
        }
    }

    /// The rate limit of this kind.
    #[must_use]
    pub const fn rate(self, settings: &Settings) -> Rate {
        match self {
            Self::Name | Self::Account => settings.name,
            Self::Device | Self::Session | Self::KnownDevices => settings.device,
            Self::Network => settings.network,
            Self::WideNetwork => settings.wide_network,
            Self::Everybody => settings.everybody,
            Self::Reserve => settings.reserve,
            Self::MailReserve => Rate::new(60, MINUTE),
            Self::MailNetwork => settings.mail_network,
            Self::MailWideNetwork => settings.mail_wide_network,
            Self::MailEverybody | Self::MailStrangers => settings.mail_everybody,
            Self::MailByAccount => settings.mail_by_account,
            Self::MailAddress(MailPurpose::Text) => settings.text_account,
            Self::MailAddress(MailPurpose::Code) => settings.code_account,
            Self::MailAddress(MailPurpose::LogIn) => settings.mail_logins,
            Self::MailAddress(_) => settings.mail_address,
            Self::LinkNetwork => settings.link_network,
            Self::SecondFactor | Self::MailedDigits => settings.second_factor,
            Self::Acts | Self::ProvenActs => settings.acts,
            Self::AdminActs => settings.admin_acts,
            Self::Logins | Self::DeviceLogins | Self::HalfLogins => settings.logins,
            Self::SessionActs => Rate::new(3, 5 * MINUTE),
        }
    }

    /// The kinds that count for one account, by its id.
    pub const OF_ACCOUNTS: [Self; 12] = [
        Self::Account,
        Self::SecondFactor,
        Self::MailedDigits,
        Self::KnownDevices,
        Self::MailByAccount,
        Self::Acts,
        Self::ProvenActs,
        Self::AdminActs,
        Self::Logins,
        Self::HalfLogins,
        Self::MailAddress(MailPurpose::Text),
        Self::MailAddress(MailPurpose::Code),
    ];

    /// Whether failures in a row count, however long they take.
    #[must_use]
    pub const fn counts_in_a_row(self) -> bool {
        matches!(self, Self::Account | Self::Device | Self::SecondFactor | Self::MailedDigits | Self::Session)
    }
}

impl Key for Kind {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(self.code());
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        Self::from_code(u8::take(input)?)
    }

    fn key_to_json(&self) -> Value {
        self.code().into()
    }

    fn key_from_json(shown: &Value) -> Option<Self> {
        u8::key_from_json(shown).and_then(Self::from_code)
    }
}
