//! The people whom a rule names.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::{EmailAddress, Identity, Username};

/// A user name or an e-mail address, in the one form of all its spellings.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct RuleUser(String);

impl From<&Username> for RuleUser {
    fn from(name: &Username) -> Self {
        Self(name.to_string())
    }
}

impl TryFrom<String> for RuleUser {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "neither a user name nor an address; write \"alice\" or \"alice@example.org\"";
        match Identity::parse(&text) {
            Identity::Username(name) => Ok(Self::from(&name)),
            Identity::Email(address) => Ok(Self::from(&address)),
            Identity::Phone(_) | Identity::Nobody => Err(WRONG),
        }
    }
}

impl From<&EmailAddress> for RuleUser {
    fn from(address: &EmailAddress) -> Self {
        // Only an address has an `@`.
        Self(address.canonical())
    }
}

impl From<RuleUser> for String {
    fn from(user: RuleUser) -> Self {
        user.0
    }
}

impl fmt::Display for RuleUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> Option<RuleUser> {
        RuleUser::try_from(text.to_owned()).ok()
    }

    #[test]
    fn every_spelling_names_the_same_person() {
        assert_eq!(user("John"), user("john"));
        assert_eq!(user("Ada@Example.org"), user("ada@EXAMPLE.ORG"));
        assert_ne!(user("ada"), user("ada@example.org"));
        for nobody in ["", "a b", "+49 30 123456", "a@b@c"] {
            assert_eq!(user(nobody), None, "{nobody}");
        }
    }
}
