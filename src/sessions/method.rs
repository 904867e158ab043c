//! The methods by which people prove who they are.

use std::cmp::Ordering;

use serde_json::Value;

use crate::store::{Damaged, Field, Reader};

/// A method by which somebody proved who they are. A session notes all that it was proved by; the `amr` of RFC 8176 is
/// read from these.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    /// The account's password.
    Password,
    /// A mailed link that confirms an address or sets a password.
    Link,
    /// A mailed link that logs in.
    LoginLink,
    /// Digits that were mailed to log in.
    LoginCode,
    /// An authenticator program.
    Totp,
    /// A code that was mailed, besides a first step.
    MailCode,
    /// A code by text message, besides a first step.
    TextCode,
    /// A recovery code.
    RecoveryCode,
    /// A token that somebody made for a program.
    ApiToken,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 9] = [
        Self::Password,
        Self::Link,
        Self::LoginLink,
        Self::LoginCode,
        Self::Totp,
        Self::MailCode,
        Self::TextCode,
        Self::RecoveryCode,
        Self::ApiToken,
    ];

    /// The word under which it is stored, shown by the API and audited. It never changes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Link => "link",
            Self::LoginLink => "login-link",
            Self::LoginCode => "login-code",
            Self::Totp => "totp",
            Self::MailCode => "mail-code",
            Self::TextCode => "sms-code",
            Self::RecoveryCode => "recovery-code",
            Self::ApiToken => "api-token",
        }
    }

    /// Whether it proves more than a first step does.
    #[must_use]
    pub const fn is_second_factor(self) -> bool {
        match self {
            Self::Totp | Self::MailCode | Self::TextCode | Self::RecoveryCode => true,
            Self::Password | Self::Link | Self::LoginLink | Self::LoginCode | Self::ApiToken => false,
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == word)
    }
}

/// Orders methods by their words, so that a set of them is stored as it was when it held words.
impl Ord for Method {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for Method {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Field for Method {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_str().to_owned().put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        Self::of_word(&String::take(input)?).ok_or(Damaged)
    }

    fn to_json(&self) -> Value {
        self.as_str().into()
    }

    fn from_json(shown: &Value) -> Result<Self, Damaged> {
        shown.as_str().and_then(Self::of_word).ok_or(Damaged)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Frozen: sessions that exist must stay readable.
    #[test]
    fn a_set_of_methods_is_stored_as_a_set_of_their_words() {
        let methods = BTreeSet::from(Method::ALL);
        let words: BTreeSet<String> = Method::ALL.iter().map(|method| method.as_str().to_owned()).collect();
        assert_eq!(words.len(), Method::ALL.len());
        let (mut stored, mut expected) = (Vec::new(), Vec::new());
        methods.put(&mut stored);
        words.put(&mut expected);
        assert_eq!(stored, expected);
        assert_eq!(<BTreeSet<Method> as Field>::take(&mut Reader(&expected)), Ok(methods.clone()));
        assert_eq!(Field::to_json(&methods), Field::to_json(&words));
        assert_eq!(BTreeSet::<Method>::from_json(&Field::to_json(&words)), Ok(methods));
    }

    #[test]
    fn what_is_no_method_is_damaged() {
        let mut stored = Vec::new();
        "guess".to_owned().put(&mut stored);
        assert_eq!(Method::take(&mut Reader(&stored)), Err(Damaged));
    }
}
