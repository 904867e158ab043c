//! Bearer secrets: whoever has one is let in, so the store keeps only its digest.

use crate::base::{Moment, Secret};

use super::{Digest, base64url, from_base64url, is_base64url};

/// The use of a bearer secret. Each kind has a prefix that leak scanners can look for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BearerKind {
    /// A session, as a cookie or as a bearer token.
    Session,
    /// The browser that sent a registration.
    Browser,
    /// The page that makes the first administrator.
    SetUp,
    /// An invitation to register.
    Invitation,
    /// A login that waits for the second factor.
    PendingLogin,
    /// A browser that is not asked for the second factor.
    TrustedBrowser,
    /// A browser that asked to log in by mail.
    MailLogin,
    /// A program that acts in somebody's name.
    ApiToken,
    /// A program that speaks HTTP Basic to applications behind the reverse proxy.
    AppPassword,
    /// The next turn of a session with short-lived access tokens.
    Refresh,
    /// The cookie by which other applications know a session (forward auth).
    Door,
    /// What carries a door to another domain, once.
    DoorCode,
}

impl BearerKind {
    const ALL: [Self; 12] = [
        Self::Session,
        Self::Browser,
        Self::SetUp,
        Self::Invitation,
        Self::PendingLogin,
        Self::TrustedBrowser,
        Self::MailLogin,
        Self::ApiToken,
        Self::AppPassword,
        Self::Refresh,
        Self::Door,
        Self::DoorCode,
    ];

    /// Whether a text begins as the secrets of some kind of ours do, well formed or not.
    #[must_use]
    pub fn is_of_any(text: &str) -> bool {
        Self::ALL.iter().any(|kind| text.starts_with(kind.prefix()))
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Session => "gls_",
            Self::Browser => "glb_",
            Self::SetUp => "glf_",
            Self::Invitation => "gli_",
            Self::PendingLogin => "glp_",
            Self::TrustedBrowser => "glw_",
            Self::MailLogin => "glm_",
            Self::ApiToken => "gla_",
            Self::AppPassword => "glk_",
            Self::Refresh => "glr_",
            Self::Door => "glo_",
            Self::DoorCode => "glh_",
        }
    }
}

/// Bytes by which a refresh token names its family; those of its turn follow.
const FAMILY_BYTES: usize = 16;
const TURN_BYTES: usize = 32;

/// A 256-bit random secret in its text form.
#[derive(Clone, Debug)]
pub struct Bearer(Secret<String>);

impl Bearer {
    /// Draws a new secret.
    pub fn draw(kind: BearerKind, moment: &mut Moment) -> Self {
        Self(Secret::new(format!("{}{}", kind.prefix(), base64url(&moment.bytes::<32>()))))
    }

    /// Draws the first refresh token of a new family.
    pub fn draw_family(moment: &mut Moment) -> Self {
        Self::turn_of(&moment.bytes::<FAMILY_BYTES>(), moment)
    }

    /// Draws the refresh token that follows this one.
    #[must_use]
    pub fn next_turn(&self, moment: &mut Moment) -> Self {
        Self::turn_of(self.refresh_bytes().unwrap_or_default().get(..FAMILY_BYTES).unwrap_or_default(), moment)
    }

    fn turn_of(family: &[u8], moment: &mut Moment) -> Self {
        let bytes = [family, &moment.bytes::<TURN_BYTES>()].concat();
        Self(Secret::new(format!("{}{}", BearerKind::Refresh.prefix(), base64url(&bytes))))
    }

    fn refresh_bytes(&self) -> Option<Vec<u8>> {
        from_base64url(self.expose().strip_prefix(BearerKind::Refresh.prefix())?)
    }

    /// Returns what the store calls the family of a refresh token; other secrets have none.
    #[must_use]
    pub fn family(&self) -> Option<Digest> {
        // Without the bytes of the turn, so that a token that was used before still leads to its session and ends it.
        self.refresh_bytes().map(|bytes| Digest::of(bytes.get(..FAMILY_BYTES).unwrap_or_default()))
    }

    /// Returns what opens the session: the access token derived from a refresh token, or the secret itself. The access
    /// token reveals nothing about the refresh token.
    #[must_use]
    pub fn access(&self) -> Self {
        match self.refresh_bytes() {
            None => self.clone(),
            Some(bytes) => {
                // One way: whoever sees an access token must not be able to renew the session.
                let derived = Digest::of(&[b"access token\0", &bytes[..]].concat());
                Self(Secret::new(format!("{}{}", BearerKind::Session.prefix(), base64url(&derived.0))))
            }
        }
    }

    /// Returns the secret by which applications below a domain know the session of this secret. It reveals nothing about
    /// the session's own, nor about that of another domain, and is another one as soon as the session's is.
    #[must_use]
    pub fn door(&self, domain: &str) -> Self {
        // The domain holds no zero byte and the secret stands last: no two pairs are hashed alike.
        let derived = Digest::of(&[b"door\0", domain.as_bytes(), b"\0", self.expose().as_bytes()].concat());
        Self(Secret::new(format!("{}{}", BearerKind::Door.prefix(), base64url(&derived.0))))
    }

    /// Parses a presented secret of this kind; anything of another form is none.
    #[must_use]
    pub fn parse(kind: BearerKind, text: &str) -> Option<Self> {
        is_well_formed(kind, text).then(|| Self(Secret::new(text.to_owned())))
    }

    /// Returns the digest of a presented secret of this kind, for a mere look-up: nothing of it is kept, or allocated.
    #[must_use]
    pub fn digest_of(kind: BearerKind, text: &str) -> Option<Digest> {
        is_well_formed(kind, text).then(|| Digest::of(text.as_bytes()))
    }

    /// Exposes the text that is handed to the client.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Returns what the store keeps and looks up.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // A plain digest, found by equality: 256 random bits cannot be guessed, so they need neither salt, nor a
        // slow hash, nor a comparison in constant time.
        Digest::of(self.expose().as_bytes())
    }
}

fn is_well_formed(kind: BearerKind, text: &str) -> bool {
    let length = if kind == BearerKind::Refresh { 64 } else { 43 };
    text.strip_prefix(kind.prefix()).is_some_and(|body| body.len() == length && is_base64url(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;

    #[test]
    fn a_secret_is_recognised_by_its_kind_only() {
        let secret = Bearer::draw(BearerKind::Session, &mut Moment::new(Timestamp::default(), [1; 32]));
        let again = Bearer::parse(BearerKind::Session, secret.expose()).expect("well formed");
        assert_eq!(again.digest(), secret.digest());
        assert_eq!(Bearer::digest_of(BearerKind::Session, secret.expose()), Some(secret.digest()));
        assert!(Bearer::parse(BearerKind::Browser, secret.expose()).is_none());
    }

    #[test]
    fn garbage_is_no_secret() {
        for text in ["", "gls_", "gls_AAAA", &format!("gls_{}", "!".repeat(43)), &format!("gls_{}", "A".repeat(44))] {
            assert!(Bearer::parse(BearerKind::Session, text).is_none(), "{text}");
            assert!(Bearer::digest_of(BearerKind::Session, text).is_none(), "{text}");
        }
    }
}
