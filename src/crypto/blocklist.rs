//! Is this one of the passwords that everybody tries first?

use sha2::{Digest, Sha256};

/// 46,881 common passwords as sorted 40-bit prefixes of SHA-256; `blocklist/build.py` makes it.
static COMMON: &[u8] = include_bytes!("blocklist/common.bin");
const PREFIX_BYTES: usize = 5;

/// Whether `password`, in any case, is a common password or a short piece of one repeated.
///
/// A password that is not on the list is taken for one with a chance of 1 in 23 million.
pub(super) fn is_common(password: &str) -> bool {
    let folded = password.to_lowercase();
    let unit = smallest_unit(&folded);
    is_listed(&folded) || (unit.len() < folded.len() && (unit.chars().count() < 5 || is_listed(unit)))
}

fn is_listed(word: &str) -> bool {
    let digest = Sha256::digest(word.as_bytes());
    let (entries, _) = COMMON.as_chunks::<PREFIX_BYTES>();
    entries.binary_search_by(|entry| entry.as_slice().cmp(&digest[..PREFIX_BYTES])).is_ok()
}

/// The shortest piece that, repeated, gives `text`: `ab` for `ababab`.
fn smallest_unit(text: &str) -> &str {
    let repeats = |length: &usize| {
        text.is_char_boundary(*length)
            && text.len().is_multiple_of(*length)
            && text.as_bytes().chunks(*length).all(|piece| piece == &text.as_bytes()[..*length])
    };
    (1..text.len()).find(repeats).map_or(text, |length| &text[..length])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_passwords_are_recognised() {
        for password in [
            "password",
            "PassWord",
            "1234567890",
            "qwertyuiop",
            "passwordpassword",
            "aaaaaaaaaaaaaaaa",
            "abababababababab",
        ] {
            assert!(is_common(password), "{password}");
        }
    }

    #[test]
    fn phrases_are_not_common() {
        for password in ["correct horse battery staple", "a lodge at the gate", "eight kites over the moor"] {
            assert!(!is_common(password), "{password}");
        }
    }
}
