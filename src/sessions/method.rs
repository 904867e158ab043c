//! The methods by which people prove who they are.

use std::cmp::Ordering;

use serde_json::Value;

use crate::store::{Damaged, Field, Reader};

/// Declares the methods with their words, in one list: none can be written that cannot be read back.
macro_rules! methods {
    ($($(#[$doc:meta])* $method:ident $word:literal,)*) => {
        /// A method by which somebody proved who they are. A session notes all that it was proved by; the `amr` of
        /// RFC 8176 is read from these.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Method { $($(#[$doc])* $method,)* }

        impl Method {
            /// All methods.
            pub const ALL: &[Self] = &[$(Self::$method),*];

            /// The word under which it is stored, shown by the API and audited. It never changes.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$method => $word,)* }
            }

            fn of_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$method),)* _ => None }
            }
        }
    };
}

methods! {
    /// The account's password.
    Password "password",
    /// A mailed link that confirms an address or sets a password.
    Link "link",
    /// A mailed link that logs in.
    LoginLink "login-link",
    /// Digits that were mailed to log in.
    LoginCode "login-code",
    /// An authenticator app.
    Totp "totp",
    /// A code that was mailed, besides a first step.
    MailCode "mail-code",
    /// A code by text message, besides a first step.
    TextCode "sms-code",
    /// A recovery code.
    RecoveryCode "recovery-code",
    /// A token that somebody made for a program.
    ApiToken "api-token",
    /// A password that somebody made for an application.
    AppPassword "app-password",
}

impl Method {
    /// Whether it proves more than a first step does.
    #[must_use]
    pub const fn is_second_factor(self) -> bool {
        match self {
            Self::Totp | Self::MailCode | Self::TextCode | Self::RecoveryCode => true,
            Self::Password | Self::Link | Self::LoginLink | Self::LoginCode | Self::ApiToken | Self::AppPassword => {
                false
            }
        }
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
        let methods: BTreeSet<Method> = Method::ALL.iter().copied().collect();
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
