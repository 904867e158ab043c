//! From when until when a certificate is good: the one thing that is read of it here, so that nobody needs a whole parser.

use crate::base::Timestamp;

/// Beginning and end of a certificate's validity (RFC 5280, 4.1.2.5). None if `der` is no certificate.
#[must_use]
pub fn validity(der: &[u8]) -> Option<(Timestamp, Timestamp)> {
    const SEQUENCE: u8 = 0x30;
    const INTEGER: u8 = 0x02;
    const VERSION: u8 = 0xa0;
    let mut certificate = expect(&mut { der }, SEQUENCE)?;
    let mut body = expect(&mut certificate, SEQUENCE)?;
    if body.first() == Some(&VERSION) {
        expect(&mut body, VERSION)?;
    }
    expect(&mut body, INTEGER)?;
    // The algorithm and the issuer.
    expect(&mut body, SEQUENCE)?;
    expect(&mut body, SEQUENCE)?;
    let mut validity = expect(&mut body, SEQUENCE)?;
    let mut next = || {
        let (tag, content) = take(&mut validity)?;
        time(tag, std::str::from_utf8(content).ok()?)
    };
    Some((next()?, next()?))
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

fn expect<'a>(input: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    take(input).filter(|(found, _)| *found == tag).map(|(_, content)| content)
}

/// The next element: its tag and content (X.690, 8.1, in the definite form that DER demands).
fn take<'a>(input: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&[tag, first], mut rest) = input.split_first_chunk::<2>()?;
    let length = if first < 0x80 {
        usize::from(first)
    } else {
        let (bytes, behind) = rest.split_at_checked(usize::from(first & 0x7f))?;
        rest = behind;
        bytes.iter().try_fold(0usize, |length, byte| length.checked_mul(256)?.checked_add(usize::from(*byte)))?
    };
    let (content, behind) = rest.split_at_checked(length)?;
    *input = behind;
    Some((tag, content))
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
