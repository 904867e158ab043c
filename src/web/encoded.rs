//! Percent-encoding: forms, queries, segments of paths.

use super::failure::Failure;

/// The most fields of a form, members of a JSON body or parameters of a query: none of ours has ten.
pub(super) const MAX_FIELDS: usize = 64;

/// Parses the names and values of a form or a query.
///
/// # Errors
/// When there are too many, or one is not well formed.
pub(super) fn parse_form(encoded: &[u8]) -> Result<Vec<(String, String)>, Failure> {
    let pieces = || encoded.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty());
    // Counted before anything is decoded or compared, so that the cost of a request grows with its length only.
    if pieces().nth(MAX_FIELDS).is_some() {
        return Err(Failure::TooManyFields);
    }
    let part = |bytes: &[u8]| {
        let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        percent_decoded(&spaced)
    };
    let pair = |piece: &[u8]| {
        let (name, value) = piece.split_at(piece.iter().position(|byte| *byte == b'=').unwrap_or(piece.len()));
        Ok((part(name)?, part(value.get(1..).unwrap_or_default())?))
    };
    pieces().map(pair).collect()
}

/// Percent-decodes strictly (RFC 3986, 2.1): no broken escape, no NUL, UTF-8 only. A lenient decoder may read something
/// else than the proxy in front has read.
///
/// # Errors
/// When it is not well formed.
pub(super) fn percent_decoded(encoded: &[u8]) -> Result<String, Failure> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded.iter();
    while let Some(byte) = rest.next() {
        let mut digit = || rest.next().and_then(|digit| char::from(*digit).to_digit(16));
        decoded.push(match byte {
            b'%' => match (digit(), digit()) {
                (Some(high), Some(low)) => u8::try_from(high << 4 | low).map_err(|_| Failure::MalformedRequest)?,
                _ => return Err(Failure::MalformedRequest),
            },
            byte => *byte,
        });
    }
    if decoded.contains(&0) {
        return Err(Failure::MalformedRequest);
    }
    String::from_utf8(decoded).map_err(|_| Failure::MalformedRequest)
}

/// Returns a token without what was copied along with it: the full stop or bracket of a sentence, a blank, a soft line
/// break. No token holds any of these (RFC 4648, section 5).
pub(super) fn whole_token(text: &str) -> &str {
    let is_ours = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.trim_start_matches(|c: char| !is_ours(c)).trim_end_matches(|c: char| !is_ours(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_copied_along_with_a_token_is_left_off() {
        let token = "glt_aB3-_x-";
        for behind in ["", ".", ")", ",", ">", " ", "=", "\u{200b}", "\u{a0}", "\r\n", ").", "\u{201d}"] {
            assert_eq!(whole_token(&format!("{token}{behind}")), token);
            assert_eq!(whole_token(&format!("<{token}{behind}")), token);
        }
        assert_eq!((whole_token("a.b"), whole_token("..."), whole_token("")), ("a.b", "", ""));
    }

    #[test]
    fn forms_are_decoded_strictly() {
        assert_eq!(
            parse_form(b"a=b+c%20d&e=&f").expect("well formed"),
            [("a".into(), "b c d".into()), ("e".into(), String::new()), ("f".into(), String::new())]
        );
        for broken in ["a=%ff", "a=%zz", "a=%", "a=%4", "a=%+1", "a=%00", "%zz=a", "a=\0"] {
            assert_eq!(parse_form(broken.as_bytes()), Err(Failure::MalformedRequest), "{broken:?}");
        }
    }
}
