//! Ids: 128 random bits each, never reused, opaque to clients.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use super::Moment;

/// A random id of one kind of thing; the kinds do not mix.
pub struct Id<Kind>([u8; 16], PhantomData<fn() -> Kind>);

/// Marks the id of an account.
pub enum OfAccount {}
/// Marks the id of a session; it is not the digest of the session's secret.
pub enum OfSession {}
/// Marks the id of a registration that waits to be confirmed.
pub enum OfRegistration {}
/// Marks the id of a queued mail.
pub enum OfMail {}
/// Marks the id of a job.
pub enum OfJob {}

/// Marks the id of an invitation.
pub enum OfInvitation {}

/// Marks the id of a second factor.
pub enum OfFactor {}
/// Marks the id of a browser that is trusted.
pub enum OfBrowser {}

/// Marks the id of an API token.
pub enum OfApiToken {}

/// Identifies an API token; it is not the digest of its secret.
pub type ApiTokenId = Id<OfApiToken>;
/// Identifies a second factor.
pub type FactorId = Id<OfFactor>;
/// Identifies a browser that is trusted.
pub type BrowserId = Id<OfBrowser>;
/// Identifies an invitation.
pub type InvitationId = Id<OfInvitation>;
/// Identifies an account.
pub type AccountId = Id<OfAccount>;
/// Identifies a session.
pub type SessionId = Id<OfSession>;
/// Identifies a pending registration.
pub type RegistrationId = Id<OfRegistration>;
/// Identifies a mail in the outbox.
pub type MailId = Id<OfMail>;
/// Identifies a job that a worker has to do.
pub type JobId = Id<OfJob>;

impl<Kind> Id<Kind> {
    /// Draws a new id.
    pub fn draw(moment: &mut Moment) -> Self {
        Self::from_bytes(moment.bytes())
    }

    /// Draws a new id that sorts behind those of earlier seconds: rows of one moment lie together, which
    /// spares the disk, and come back in the order in which they were made. It reveals when it was drawn, so
    /// it is for ids that are never shown to anybody.
    pub fn draw_in_order(moment: &mut Moment) -> Self {
        let mut bytes: [u8; 16] = moment.bytes();
        bytes[..6].copy_from_slice(&moment.earliest().seconds().to_be_bytes()[2..]);
        Self::from_bytes(bytes)
    }

    /// Makes the id with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes, PhantomData)
    }

    /// Returns its bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Formats it as thirty-two lower-case hexadecimal digits.
impl<Kind> fmt::Display for Id<Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<Kind> fmt::Debug for Id<Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not an id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotAnId;

impl<Kind> FromStr for Id<Kind> {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let digits = text.as_bytes();
        // Lower case alone, so that an id has one text.
        let lower_hex = |digit: &u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() != 32 || !digits.iter().all(lower_hex) {
            return Err(NotAnId);
        }
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = str::from_utf8(pair).map_err(|_| NotAnId)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| NotAnId)?;
        }
        Ok(Self::from_bytes(bytes))
    }
}

// Written out because deriving would require the same of `Kind`, which is never a value.
impl<Kind> Clone for Id<Kind> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<Kind> Copy for Id<Kind> {}
impl<Kind> PartialEq for Id<Kind> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<Kind> Eq for Id<Kind> {}
impl<Kind> PartialOrd for Id<Kind> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<Kind> Ord for Id<Kind> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<Kind> std::hash::Hash for Id<Kind> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;

    #[test]
    fn an_id_survives_its_text() {
        let id = AccountId::from_bytes([0xa5; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn ordered_ids_follow_the_time() {
        let at = |seconds, seed| JobId::draw_in_order(&mut Moment::new(Timestamp::from_seconds(seconds), [seed; 32]));
        assert!(at(1_795_000_000, 9) < at(1_795_000_001, 1));
        assert_ne!(at(1_795_000_000, 9), at(1_795_000_000, 1));
    }

    #[test]
    fn other_texts_are_no_ids() {
        for text in ["", "a5", &"A5".repeat(16), &"+5".repeat(16), &"a5".repeat(17)] {
            assert_eq!(text.parse::<AccountId>(), Err(NotAnId), "{text}");
        }
    }
}
