//! The names of people and groups.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AccountId, EmailAddress, NotAName, PhoneNumber, bare, is_hidden, is_visible};

/// A user name: `[a-z0-9][a-z0-9._-]{1,31}`.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Username(String);

impl TryFrom<String> for Username {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).map_err(|_| "not a user name; write 2 to 32 of a-z, 0-9, dot, dash and underscore")
    }
}

impl From<Username> for String {
    fn from(name: Username) -> Self {
        name.0
    }
}

impl Username {
    const MAX_BYTES: usize = 32;

    /// Parses a user name, in any ASCII case: telephones capitalise the first letter.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let text = bare(text).to_ascii_lowercase();
        let fits = (2..=Self::MAX_BYTES).contains(&text.len());
        if fits && is_slug(&text) { Ok(Self(text)) } else { Err(NotAName) }
    }

    /// Whether it reads as the id of an account.
    #[must_use]
    pub fn is_an_id(&self) -> bool {
        self.0.parse::<AccountId>().is_ok()
    }

    /// Whether it reads as a telephone number with its country: `004930123456`.
    #[must_use]
    pub fn is_dialled(&self) -> bool {
        PhoneNumber::parse(&self.0).is_ok()
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a group of people: as a user name, but one letter is enough.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupName(String);

impl TryFrom<String> for GroupName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).map_err(|_| "not a group's name; write 1 to 32 of a-z, 0-9, dot, dash and underscore")
    }
}

impl From<GroupName> for String {
    fn from(name: GroupName) -> Self {
        name.0
    }
}

impl GroupName {
    /// The group whose members administer the appliance.
    pub const ADMINISTRATORS: &str = "admins";

    /// Parses a group's name.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let fits = (1..=Username::MAX_BYTES).contains(&text.len());
        if fits && is_slug(text) { Ok(Self(text.to_owned())) } else { Err(NotAName) }
    }

    /// The group whose members help people who cannot log in.
    pub const HELPDESK: &str = "helpdesk";

    /// Returns the help desk's group.
    #[must_use]
    pub fn helpdesk() -> Self {
        Self(Self::HELPDESK.to_owned())
    }

    /// Whether its members have a part in running the appliance.
    #[must_use]
    pub fn is_privileged(&self) -> bool {
        matches!(self.0.as_str(), Self::ADMINISTRATORS | Self::HELPDESK)
    }

    /// Returns the administrators' group.
    #[must_use]
    pub fn administrators() -> Self {
        Self(Self::ADMINISTRATORS.to_owned())
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A permission, in one word that means something to an application: `[a-z0-9][a-z0-9._:-]{0,63}`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Permission(String);

impl Permission {
    const MAX_BYTES: usize = 64;

    /// Parses a permission.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let fits = (1..=Self::MAX_BYTES).contains(&text.len());
        let is_word = text.split(':').all(|part| part.is_empty() || is_slug(part)) && !text.starts_with(':');
        if fits && is_word { Ok(Self(text.to_owned())) } else { Err(NotAName) }
    }

    /// Returns the word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_slug(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.bytes().next().is_some_and(plain) && text.bytes().all(|b| plain(b) || b"._-".contains(&b))
}

/// The name by which a person is addressed on pages and in mails to themselves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DisplayName(String);

impl DisplayName {
    /// The longest name, in Unicode code points.
    pub const MAX_CHARS: usize = 100;

    /// Parses a name: 1 to 100 code points, all of them visible.
    ///
    /// # Errors
    /// When the text is empty, too long, or holds hidden characters.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        // Blanks are trimmed, ends of lines are not: U+2028 at an end is refused like everywhere else.
        let text = text.trim_matches(|c: char| c.is_whitespace() && (c.is_ascii() || !is_hidden(c)));
        let length = text.chars().count();
        let fits = (1..=Self::MAX_CHARS).contains(&length) && is_visible(text);
        if fits { Ok(Self(text.to_owned())) } else { Err(NotAName) }
    }

    /// Accepts a name that is stored: an older version allowed more characters, and whoever has such a name keeps it.
    #[must_use]
    pub fn stored(text: String) -> Option<Self> {
        let is_short = (1..=Self::MAX_CHARS).contains(&text.chars().count());
        (is_short && !text.chars().any(char::is_control)).then_some(Self(text))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The identity that somebody types.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Identity {
    /// An e-mail address.
    Email(EmailAddress),
    /// A user name.
    Username(Username),
    /// A telephone number.
    Phone(PhoneNumber),
    /// None of these, so it belongs to nobody; the text is not kept.
    Nobody,
}

/// The kinds of identities.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityKind {
    /// An e-mail address.
    Email,
    /// A user name.
    Username,
    /// A telephone number.
    Phone,
}

impl IdentityKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Email, Self::Username, Self::Phone];

    /// Says it in words, for people.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Email => "e-mail address",
            Self::Username => "user name",
            Self::Phone => "telephone number",
        }
    }
}

impl Identity {
    /// Parses what [`Identity::typed`] returned, or an administrator typed. A user name may look like a
    /// number that is dialled, but has no plus sign.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match Username::parse(text) {
            Ok(name) => Self::Username(name),
            Err(NotAName) => Self::parse_as(text, &IdentityKind::ALL),
        }
    }

    /// Parses what was typed as the first of these kinds whose rule it follows: an address has an `@`, a telephone
    /// number is in international form, a user name may be typed in any ASCII case. Where telephone numbers are among
    /// them nobody chooses one as a user name, so a number goes before a name, whatever comes first.
    #[must_use]
    pub fn parse_as(text: &str, kinds: &[IdentityKind]) -> Self {
        let as_one = |kind: &IdentityKind| match kind {
            IdentityKind::Email => {
                text.contains('@').then(|| EmailAddress::parse(text).map_or(Self::Nobody, Self::Email))
            }
            IdentityKind::Phone => PhoneNumber::parse(text).ok().map(Self::Phone),
            IdentityKind::Username => Username::parse(text).ok().map(Self::Username),
        };
        let dialled = || kinds.contains(&IdentityKind::Phone).then(|| as_one(&IdentityKind::Phone)).flatten();
        dialled().or_else(|| kinds.iter().find_map(as_one)).unwrap_or(Self::Nobody)
    }

    /// Returns a text that parses to it again; empty for nobody.
    #[must_use]
    pub fn typed(&self) -> String {
        match self {
            Self::Email(address) => address.as_str().to_owned(),
            Self::Username(name) => name.as_str().to_owned(),
            Self::Phone(number) => number.as_str().to_owned(),
            Self::Nobody => String::new(),
        }
    }

    /// Returns one text for every spelling of a name, different for each kind; none for nobody.
    #[must_use]
    pub fn canonical(&self) -> Option<String> {
        match self {
            Self::Email(address) => Some(format!("email:{}", address.canonical())),
            Self::Username(name) => Some(format!("username:{name}")),
            Self::Phone(number) => Some(format!("phone:{number}")),
            Self::Nobody => None,
        }
    }
}

macro_rules! prints_as_its_text {
    ($($name:ty),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}
prints_as_its_text!(Username, GroupName, DisplayName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_follow_the_rule() {
        for good in ["al", "alice", "a.b-c_d", "0x", "Alice", " ada\u{a0}", "ADA\n", &"a".repeat(32)] {
            assert!(Username::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "-al", ".al", "al ice", "älice", "a@b", "al\0", &"a".repeat(33)] {
            assert!(Username::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_has_no_hidden_characters() {
        assert!(DisplayName::parse("Alice Ö'Neill").is_ok());
        assert_eq!(DisplayName::parse("  Alice\u{3000}").as_ref().map(DisplayName::as_str), Ok("Alice"));
        for bad in ["", "  ", "a\nb", "a\u{202e}b", "a\u{200b}", "\u{2028}a", "Eve\u{2029}Bcc", &"x".repeat(101)] {
            assert!(DisplayName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn whoever_has_a_name_of_an_older_version_keeps_it() {
        for name in ["Eve\u{200b}", "\u{2028}Eve", "admin\u{e0041}"] {
            assert_eq!(DisplayName::stored(name.to_owned()).expect("kept").as_str(), name);
        }
        assert_eq!(DisplayName::stored(String::new()), None);
        assert_eq!(DisplayName::stored("a\nb".to_owned()), None);
    }

    #[test]
    fn an_identity_is_an_address_or_a_user_name() {
        assert!(matches!(Identity::parse(" Alice@example.org "), Identity::Email(_)));
        assert_eq!(Identity::parse("ALICE"), Identity::Username(Username("alice".into())));
        assert_eq!(Identity::parse("not a name"), Identity::Nobody);
        assert_eq!(Identity::parse("a@b@c"), Identity::Nobody);
        assert!(matches!(Identity::parse("\u{feff}<mailto:alice@example.org>\t"), Identity::Email(_)));
    }

    #[test]
    fn a_number_goes_before_a_name_where_numbers_are_names() {
        let kinds = [IdentityKind::Email, IdentityKind::Username, IdentityKind::Phone];
        let number = PhoneNumber::parse("+4930123456").expect("a number");
        for text in ["004930123456", "0049-30-123456", "+49 30 123456", "\u{a0}0049 (30) 123456\n"] {
            assert_eq!(Identity::parse_as(text, &kinds), Identity::Phone(number.clone()), "{text}");
        }
        assert!(matches!(Identity::parse_as("004930123456", &kinds[..2]), Identity::Username(_)));
        assert!(matches!(Identity::parse_as("030123456", &kinds), Identity::Username(_)));
        // What is written down is read as it was meant.
        assert!(matches!(Identity::parse("004930123456"), Identity::Username(_)));
        assert_eq!(Identity::parse(&Identity::Phone(number.clone()).typed()), Identity::Phone(number));
    }
}
