//! The fields of a certificate (RFC 5280, 4.1) that are looked at here.

use crate::base::Timestamp;

use super::der::{self, BIT_STRING, INTEGER, SEQUENCE};

/// The parts of a certificate.
pub(super) struct Parsed<'a> {
    whole: &'a [u8],
    issuer: &'a [u8],
    subject: &'a [u8],
    signature: &'a [u8],
    key_kind: &'a [u8],
    public_key: &'a [u8],
    pub begins_at: Timestamp,
    pub ends_at: Timestamp,
}

/// Returns the beginning and end of a certificate's validity (RFC 5280, 4.1.2.5); `None` if `der` is no certificate.
#[must_use]
pub(super) fn validity(der: &[u8]) -> Option<(Timestamp, Timestamp)> {
    Parsed::of(der).map(|parsed| (parsed.begins_at, parsed.ends_at))
}

impl<'a> Parsed<'a> {
    /// Parses a certificate; `None` if it is none.
    #[must_use]
    pub(super) fn of(whole: &'a [u8]) -> Option<Self> {
        const VERSION: u8 = 0xa0;
        let mut certificate = der::expect(&mut { whole }, SEQUENCE)?;
        let mut body = der::expect(&mut certificate, SEQUENCE)?;
        if body.first() == Some(&VERSION) {
            der::expect(&mut body, VERSION)?;
        }
        der::expect(&mut body, INTEGER)?;
        let signature = der::expect(&mut body, SEQUENCE)?;
        let issuer = der::expect(&mut body, SEQUENCE)?;
        let mut validity = der::expect(&mut body, SEQUENCE)?;
        let subject = der::expect(&mut body, SEQUENCE)?;
        let mut key = der::expect(&mut body, SEQUENCE)?;
        let mut next = || {
            let (tag, content) = der::take(&mut validity)?;
            time(tag, std::str::from_utf8(content).ok()?)
        };
        let (begins_at, ends_at) = (next()?, next()?);
        let key_kind = der::expect(&mut key, SEQUENCE)?;
        let public_key = der::expect(&mut key, BIT_STRING)?;
        Some(Self { whole, issuer, subject, signature, key_kind, public_key, begins_at, ends_at })
    }

    /// Whether it certifies this public key, in the form of RFC 5280, 4.1.2.7. The algorithm's parameters may be
    /// encoded differently.
    #[must_use]
    pub(super) fn has_key(&self, public_key: &[u8]) -> bool {
        let content = der::expect(&mut { public_key }, SEQUENCE);
        content.is_some_and(|mut content| {
            der::expect(&mut content, SEQUENCE).is_some()
                && der::expect(&mut content, BIT_STRING).is_some_and(|bits| bits == self.public_key)
        })
    }

    #[must_use]
    pub(super) fn is_issued_by(&self, other: &Self) -> bool {
        self.issuer == other.subject
    }

    #[must_use]
    pub(super) fn is_by_itself(&self) -> bool {
        self.issuer == self.subject
    }

    /// Whether the issuer has this name, as lists of roots hold it: with its outer tag, or without.
    #[must_use]
    pub(super) fn is_issued_by_name(&self, name: &[u8]) -> bool {
        name == self.issuer || der::expect(&mut { name }, SEQUENCE) == Some(self.issuer)
    }

    /// Whether its key is of this algorithm or curve.
    #[must_use]
    pub(super) fn has_kind(&self, oid: &[u8]) -> bool {
        der::names(self.key_kind, oid)
    }

    #[must_use]
    pub(super) fn is_signed_with(&self, oid: &[u8]) -> bool {
        der::names(self.signature, oid)
    }

    /// Whether an object identifier occurs anywhere in it, as those of extensions do.
    #[must_use]
    pub(super) fn mentions(&self, oid: &[u8]) -> bool {
        der::names(self.whole, oid)
    }

    /// Returns the issuer's common name, or else its organisation.
    #[must_use]
    pub(super) fn issuer_in_words(&self) -> String {
        const COMMON_NAME: &[u8] = &[0x06, 3, 0x55, 0x04, 0x03];
        const ORGANISATION: &[u8] = &[0x06, 3, 0x55, 0x04, 0x0a];
        let named = [COMMON_NAME, ORGANISATION].into_iter().find_map(|oid| {
            let at = self.issuer.windows(oid.len()).position(|window| window == oid)?;
            let (_, text) = der::take(&mut &self.issuer[at + oid.len()..])?;
            std::str::from_utf8(text).ok().map(str::to_owned)
        });
        named.unwrap_or_else(|| "somebody without a name".into())
    }
}

fn time(tag: u8, text: &str) -> Option<Timestamp> {
    const UTC_TIME: u8 = 0x17;
    const GENERALIZED_TIME: u8 = 0x18;
    let (century, rest) = match tag {
        // Two digits stand for 1950 to 2049.
        UTC_TIME if text.get(..2)? < "50" => ("20", text),
        UTC_TIME => ("19", text),
        GENERALIZED_TIME => text.split_at_checked(2)?,
        _ => return None,
    };
    let digits = rest.strip_suffix('Z').filter(|digits| digits.len() == 12 && digits.is_ascii())?;
    let pair = |at: usize| &digits[at..at + 2];
    let [year, month, day, hour, minute, second] = [0, 2, 4, 6, 8, 10].map(pair);
    Timestamp::parse(&format!("{century}{year}-{month}-{day}T{hour}:{minute}:{second}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    fn certificate(year: i32) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["auth.example.org".to_owned()]).expect("a name");
        params.not_before = date_time_ymd(2026, 1, 31);
        params.not_after = date_time_ymd(year, 11, 25);
        let key = KeyPair::generate().expect("a key");
        params.self_signed(&key).expect("signed").der().to_vec()
    }

    fn began() -> Timestamp {
        Timestamp::parse("2026-01-31T00:00:00Z").expect("a time")
    }

    #[test]
    fn the_end_is_found_in_either_form() {
        for year in [2031, 2049, 2050, 2106] {
            let expected = Timestamp::parse(&format!("{year}-11-25T00:00:00Z"));
            assert!(expected.is_some());
            assert_eq!(validity(&certificate(year)), Some((began(), expected.expect("a time"))), "{year}");
        }
    }

    proptest! {
        #[test]
        fn garbage_has_no_end_and_does_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0usize..400) {
            let _ = validity(&bytes);
            let whole = certificate(2031);
            let _ = validity(&whole[..cut.min(whole.len())]);
        }
    }
}
