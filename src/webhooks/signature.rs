//! Signatures of webhooks by the Standard Webhooks specification, for which receivers find libraries.

use crate::base::{Secret, Timestamp};
use crate::crypto::{base64, from_base64, hmac_sha256};

use super::WebhookEvent;

/// The least length of a secret, in bytes.
const MIN_BYTES: usize = 16;

/// Signs events for one receiver.
pub struct Signer(Secret<Vec<u8>>);

/// The reason why a secret cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unusable {
    /// It begins with `whsec_`, and the rest is not base64.
    NotBase64,
    /// It is too short to be one.
    TooShort,
}

impl Unusable {
    /// Says it in words.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::NotBase64 => "what follows whsec_ is not base64",
            Self::TooShort => "it has less than 16 bytes; `openssl rand -base64 32` makes a good one",
        }
    }
}

impl Signer {
    /// Reads the first line of a secret's file: bytes in base64 behind `whsec_`, or the text itself.
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        let line = text.lines().next().unwrap_or_default().trim();
        let bytes = match line.strip_prefix("whsec_") {
            Some(encoded) => from_base64(encoded).ok_or(Unusable::NotBase64)?,
            None => line.as_bytes().to_vec(),
        };
        if bytes.len() < MIN_BYTES { Err(Unusable::TooShort) } else { Ok(Self(Secret::new(bytes))) }
    }

    /// Returns the value of `webhook-signature` for an event that is sent at `now`.
    #[must_use]
    pub fn sign(&self, event: &WebhookEvent, now: Timestamp) -> String {
        // Id and time are signed as well, so that receivers can refuse a replayed event.
        let signed = format!("{}.{}.{}", event.id, now.seconds(), event.body);
        format!("v1,{}", base64(&hmac_sha256(self.0.expose(), signed.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    #[test]
    fn it_signs_as_the_specification_does() {
        let signer = Signer::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").expect("a secret");
        let event = WebhookEvent {
            number: 1,
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek".into(),
            at: Timestamp::default(),
            body: r#"{"test": 2432232314}"#.into(),
        };
        let signature = signer.sign(&event, Timestamp::from_seconds(1_614_265_330));
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        assert_eq!(Signer::parse("").err(), Some(Unusable::TooShort));
        assert_eq!(Signer::parse("short").err(), Some(Unusable::TooShort));
        assert_eq!(Signer::parse("whsec_????").err(), Some(Unusable::NotBase64));
        assert!(Signer::parse("a text of some length").is_ok());
    }
}
