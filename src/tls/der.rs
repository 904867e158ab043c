//! A minimal reader of DER (X.690, 8.1, in the definite form that DER demands).

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const SEQUENCE: u8 = 0x30;

/// Takes the content of the next element, if it has this tag.
pub(super) fn expect<'a>(input: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    take(input).filter(|(found, _)| *found == tag).map(|(_, content)| content)
}

/// Takes the next element: its tag and content.
pub(super) fn take<'a>(input: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&[tag, first], mut rest) = input.split_first_chunk::<2>()?;
    let length = if first < 0x80 {
        usize::from(first)
    } else {
        let (bytes, behind) = rest.split_at_checked(usize::from(first & 0x7f))?;
        rest = behind;
        // Checked: the length may claim up to 127 bytes, and comes from a file or a server.
        bytes.iter().try_fold(0usize, |length, byte| length.checked_mul(256)?.checked_add(usize::from(*byte)))?
    };
    let (content, behind) = rest.split_at_checked(length)?;
    *input = behind;
    Some((tag, content))
}

/// Whether an object identifier occurs anywhere in the bytes. A false match is possible, but only misleads a warning.
pub(super) fn names(der: &[u8], oid: &[u8]) -> bool {
    der.windows(oid.len() + 2)
        .any(|window| window[0] == 0x06 && usize::from(window[1]) == oid.len() && &window[2..] == oid)
}

/// Returns the number of bits of an RSA key: the first big number in a public or private one (RFC 8017, A.1).
pub(super) fn rsa_bits(key: &[u8]) -> Option<usize> {
    let mut content = expect(&mut { key }, SEQUENCE)?;
    // In a private key a version precedes it.
    let first = expect(&mut content, INTEGER)?;
    let modulus = if first.len() > 1 { first } else { expect(&mut content, INTEGER)? };
    let modulus = modulus.iter().position(|byte| *byte != 0).map(|start| &modulus[start..])?;
    Some(modulus.len() * 8 - usize::try_from(modulus[0].leading_zeros()).ok()?)
}
