//! The recipients that the outbox sends to.

use serde_json::Value;

use crate::base::{EmailAddress, PhoneNumber};
use crate::store::{Damaged, Field, Reader};

/// The way by which a message leaves. Each has its own order of due times, so that one that is stuck holds up no other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Channel {
    /// A mail, to a mail server.
    Mail,
    /// A text message, to a gateway.
    Text,
}

/// The recipient of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Recipient {
    /// Reached by mail.
    Email(EmailAddress),
    /// Reached by text message.
    Phone(PhoneNumber),
}

impl Recipient {
    /// Returns the way by which the recipient is reached.
    #[must_use]
    pub const fn channel(&self) -> Channel {
        match self {
            Self::Email(_) => Channel::Mail,
            Self::Phone(_) => Channel::Text,
        }
    }

    /// Returns the address, if it is one.
    #[must_use]
    pub fn email(&self) -> Option<&EmailAddress> {
        match self {
            Self::Email(address) => Some(address),
            Self::Phone(_) => None,
        }
    }

    /// Returns it as text: an address has an `@`, a number begins with a plus sign.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(address) => address.as_str(),
            Self::Phone(number) => number.as_str(),
        }
    }

    fn parse(text: &str) -> Result<Self, Damaged> {
        match PhoneNumber::parse(text) {
            Ok(number) => Ok(Self::Phone(number)),
            Err(_) => EmailAddress::parse(text).map(Self::Email).map_err(|_| Damaged),
        }
    }
}

/// Stored as text, so that mails queued before there were text messages can still be read.
impl Field for Recipient {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_str().to_owned().put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        Self::parse(&String::take(input)?)
    }

    fn to_json(&self) -> Value {
        self.as_str().into()
    }

    fn from_json(shown: &Value) -> Result<Self, Damaged> {
        Self::parse(shown.as_str().ok_or(Damaged)?)
    }
}
