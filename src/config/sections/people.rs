//! Who may register and log in, how, and how often they may try.

use serde::{Deserialize, Serialize};

use crate::base::{DAY, EmailAddress, GroupName, HOUR, IdentityKind, MINUTE, Username};
use crate::config::reserved::{is_reserved, reads_as};
use crate::config::site_url::listed_origins;
use crate::config::{FrontEndUrl, HostName, MailDomain, Rate, SiteUrl, Span};
use crate::crypto::Cost;
use std::collections::BTreeSet;

/// Who may register.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegistrationMode {
    /// Everybody.
    #[default]
    Open,
    /// Everybody, then an administrator decides.
    Approval,
    /// Whoever was invited.
    Invite,
    /// Nobody: administrators make the accounts.
    Closed,
}

impl RegistrationMode {
    /// Returns the word that the file uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approval => "approval",
            Self::Invite => "invite",
            Self::Closed => "closed",
        }
    }

    /// Returns the mode of a word in the file.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Open, Self::Approval, Self::Invite, Self::Closed].into_iter().find(|mode| mode.as_str() == word)
    }
}

/// Whether people have a user name.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UsernameRule {
    /// Whoever wants one.
    #[default]
    Optional,
    /// Everybody who registers.
    Required,
    /// Only those whom an administrator gives one.
    Off,
}

/// `[registration]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Registration {
    /// Who may register.
    pub mode: RegistrationMode,
    /// Whether an address must be confirmed before its account exists.
    pub confirm_email: bool,
    /// Whether people have a user name.
    pub username: UsernameRule,
    /// User names that nobody may choose, besides those that are reserved everywhere.
    pub reserved_usernames: Vec<Username>,
    /// The domains whose addresses may register; without any, all.
    pub allowed_domains: Vec<MailDomain>,
    /// The domains whose addresses may not register, whatever is allowed.
    pub blocked_domains: Vec<MailDomain>,
    /// With mode "approval": how long a registration waits for a decision.
    pub approve_within: Span,
}

impl Registration {
    /// Whether nobody may choose this user name. Administrators may give it to
    /// somebody, and whoever has it already keeps it.
    #[must_use]
    pub fn reserves(&self, name: &Username, site: &str) -> bool {
        is_reserved(name, &self.reserved_usernames) || reads_as(name, site)
    }

    /// Whether an address may be registered, or chosen in place of another. Administrators may add any.
    #[must_use]
    pub fn lets_in(&self, address: &EmailAddress) -> bool {
        let one_of = |domains: &[MailDomain]| domains.iter().any(|domain| domain.includes(address));
        (self.allowed_domains.is_empty() || one_of(&self.allowed_domains)) && !one_of(&self.blocked_domains)
    }
}

impl Default for Registration {
    fn default() -> Self {
        Self {
            mode: RegistrationMode::Open,
            confirm_email: true,
            username: UsernameRule::Optional,
            reserved_usernames: vec![],
            allowed_domains: vec![],
            blocked_domains: vec![],
            approve_within: Span::from_seconds(30 * DAY),
        }
    }
}

/// `[password]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Passwords {
    /// The least length, in Unicode code points.
    pub min_length: usize,
    /// The memory of argon2id, in KiB.
    pub memory_kib: u32,
    /// The passes of argon2id.
    pub iterations: u32,
    /// The lanes of argon2id.
    pub lanes: u32,
}

impl Passwords {
    /// Returns the cost of a hash with these settings.
    #[must_use]
    pub fn cost(&self) -> Cost {
        Cost { memory_kib: self.memory_kib, iterations: self.iterations, lanes: self.lanes }
    }
}

/// OWASP's first recommendation for argon2id; the length is that of NIST SP 800-63B-4.
impl Default for Passwords {
    fn default() -> Self {
        Self { min_length: 15, memory_kib: 19456, iterations: 2, lanes: 1 }
    }
}

/// `[tokens]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tokens {
    /// How long a registration or a change of address can be confirmed.
    pub confirm_within: Span,
    /// How long a reset link is valid.
    pub reset_within: Span,
    /// Whether the browser that confirms is logged in.
    pub login_after_confirm: bool,
    /// Whether the browser that resets is logged in.
    pub login_after_reset: bool,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            confirm_within: Span::from_seconds(2 * DAY),
            reset_within: Span::from_seconds(HOUR),
            login_after_confirm: false,
            login_after_reset: false,
        }
    }
}

/// `[throttle]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Throttle {
    /// Whether rate limits are applied.
    pub enabled: bool,
    /// Wrong passwords for one name, and for one account by whatever name.
    pub name: Rate,
    /// Wrong passwords from a browser that the owner logged in with before.
    pub device: Rate,
    /// Wrong passwords from one network: an IPv4 address, or an IPv6 /64.
    pub network: Rate,
    /// Wrong passwords from one IPv6 /48.
    pub wide_network: Rate,
    /// Wrong passwords from everybody together, except from known browsers.
    /// Whoever comes when it is empty waits for a while.
    pub everybody: Rate,
    /// The share of networks that have hardly failed, while `everybody` is empty.
    pub reserve: Rate,
    /// Requests from one network that may lead to a mail: register, resend, forgot.
    pub mail_network: Rate,
    /// The same from one IPv6 /48.
    pub mail_wide_network: Rate,
    /// Mails requested by somebody who is not logged in, over all accounts; and, counted separately, over all addresses
    /// without an account. What is beyond it is mailed later.
    pub mail_everybody: Rate,
    /// Mails of one purpose to one address that is not the account's own, or that somebody requested
    /// without being logged in. One an hour goes on for ever, because greylisting and spam filters lose
    /// some, and an owner who asks again must get one.
    pub mail_address: Rate,
    /// Mails to log in by, to one address: as often as such a mail lives, so
    /// that strangers leave its owner one that is valid.
    pub mail_logins: Rate,
    /// Mails to addresses that are not the account's own, caused by one account.
    pub mail_by_account: Rate,
    /// Codes by mail to one account.
    pub code_account: Rate,
    /// Codes by text message to one account.
    pub text_account: Rate,
    /// Invalid links, tried from one network.
    pub link_network: Rate,
    /// Wrong codes of a second factor for one account; and, counted separately,
    /// wrong digits of those that were mailed to log in.
    pub second_factor: Rate,
    /// Changes that one account makes; counted separately, those for which it gives its password.
    pub acts: Rate,
    /// Changes that one administrator makes for others, by page or API. The command line has no limit.
    pub admin_acts: Rate,
    /// Successful logins to one account; counted separately, those from one known browser.
    pub logins: Rate,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            enabled: true,
            name: Rate::new(10, 15 * MINUTE),
            device: Rate::new(10, 5 * MINUTE),
            network: Rate::new(30, MINUTE),
            wide_network: Rate::new(120, 20),
            everybody: Rate::new(1000, 2),
            reserve: Rate::new(50, 1),
            mail_network: Rate::new(20, 3 * MINUTE),
            mail_wide_network: Rate::new(60, MINUTE),
            mail_everybody: Rate::new(300, 10),
            mail_address: Rate::new(5, HOUR),
            mail_logins: Rate::new(5, 10 * MINUTE),
            mail_by_account: Rate::new(10, HOUR),
            code_account: Rate::new(10, 5 * MINUTE),
            text_account: Rate::new(10, 15 * MINUTE),
            link_network: Rate::new(60, 10),
            second_factor: Rate::new(10, 5 * MINUTE),
            acts: Rate::new(60, MINUTE),
            admin_acts: Rate::new(1000, 1),
            logins: Rate::new(60, MINUTE),
        }
    }
}

/// `[session]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sessions {
    /// How long an unused session lives, with "remember me".
    pub idle: Span,
    /// How long a session lives at most, with "remember me".
    pub absolute: Span,
    /// How long a session lives at most that a program carries as a bearer token, refreshed or not; by default as long
    /// as `absolute`, so that shortening that one does not leave these out.
    pub bearer: Option<Span>,
    /// How long a session lives at most without it; its cookie dies with the browser.
    pub browser: Span,
    /// How long an authentication counts as fresh, which sensitive acts require.
    pub fresh: Span,
}

impl Sessions {
    /// Returns how long a session lives at most that is carried as a bearer token.
    #[must_use]
    pub fn bearer_lifetime(&self) -> Span {
        self.bearer.unwrap_or(self.absolute)
    }
}

/// The logins that the owner of an account is notified of.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoginNotices {
    /// Those from a device or a network that is new.
    #[default]
    DeviceOrNetwork,
    /// Those from a device that is new.
    Device,
    /// None.
    Never,
}

/// `[login]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogIns {
    /// The kinds of identities, in the order in which what people type is tried.
    pub identities: Vec<IdentityKind>,
    /// Whether people may log in by a mailed link or code instead of their password.
    pub by_mail: bool,
    /// The logins that the owner is notified of.
    pub notices: LoginNotices,
    /// Hosts that a login may lead back to, by https, besides this site.
    pub return_hosts: Vec<HostName>,
}

impl Default for LogIns {
    fn default() -> Self {
        Self {
            identities: vec![IdentityKind::Email, IdentityKind::Username],
            by_mail: false,
            notices: LoginNotices::default(),
            return_hosts: vec![],
        }
    }
}

impl LogIns {
    /// Whether a user name would be taken for something else: for an account's id, which goes first wherever an account
    /// is named, or for a telephone number, `004930123456`.
    #[must_use]
    pub fn takes_otherwise(&self, name: &Username) -> bool {
        name.is_an_id() || self.identities.contains(&IdentityKind::Phone) && name.is_dialled()
    }

    /// Says it in words, for people: "e-mail address or user name".
    #[must_use]
    pub fn identities_in_words(&self) -> String {
        let words: Vec<&str> = self.identities.iter().map(|kind| kind.in_words()).collect();
        match words.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        }
    }
}

/// `[spa]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spa {
    /// The front end whose pages mailed links lead to in the end; without it, ours.
    pub url: Option<FrontEndUrl>,
    /// The origins whose scripts may use the API, besides this site's own.
    #[serde(deserialize_with = "listed_origins")]
    pub origins: Vec<SiteUrl>,
    /// How long an access token is valid that a refresh token renews.
    pub access: Span,
}

impl Default for Spa {
    fn default() -> Self {
        Self { url: None, origins: vec![], access: Span::from_seconds(15 * MINUTE) }
    }
}

/// `[second_factor]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the file")]
pub struct SecondFactors {
    /// The groups whose members must have one.
    pub required_for: Vec<String>,
    /// Whether a code by mail may be one.
    pub mail_codes: bool,
    /// Whether a code by text message may be one.
    pub sms_codes: bool,
    /// Whether the owner is notified of each login with one; with a recovery code in any case.
    pub tell_uses: bool,
    /// Whether a browser may be trusted to need none for a while.
    pub trust_browsers: bool,
    /// How long a browser is trusted.
    pub trust_browser_for: Span,
    /// How long an administrator's reset waits, so that the owner can object; without it, the reset is immediate.
    pub reset_after: Option<Span>,
}

impl SecondFactors {
    /// Whether somebody in these groups must have a second factor.
    #[must_use]
    pub fn is_required_for(&self, groups: &BTreeSet<GroupName>) -> bool {
        groups.iter().any(|group| self.required_for.iter().any(|name| name == group.as_str()))
    }
}

impl Default for SecondFactors {
    fn default() -> Self {
        Self {
            required_for: vec![],
            mail_codes: false,
            sms_codes: false,
            tell_uses: true,
            trust_browsers: true,
            trust_browser_for: Span::from_seconds(30 * DAY),
            reset_after: None,
        }
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            idle: Span::from_seconds(7 * DAY),
            absolute: Span::from_seconds(30 * DAY),
            bearer: None,
            browser: Span::from_seconds(DAY),
            fresh: Span::from_seconds(15 * MINUTE),
        }
    }
}
