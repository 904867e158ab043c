//! Is this one of the passwords that everybody tries first?

use sha2::{Digest, Sha256};

/// 46,880 common passwords as sorted 32-bit prefixes of SHA-256, packed; `blocklist/build.py` makes it and says how.
static COMMON: &[u8] = include_bytes!("blocklist/common.bin");

/// Whether `password`, in any case, is a common password or a short piece of one repeated.
///
/// A password that is not on the list is taken for one with a chance of 1 in 91,000.
pub(super) fn is_common(password: &str) -> bool {
    let folded = password.to_lowercase();
    let unit = smallest_unit(&folded);
    is_listed(&folded) || (unit.len() < folded.len() && (unit.chars().count() < 5 || is_listed(unit)))
}

fn is_listed(word: &str) -> bool {
    let digest = Sha256::digest(word.as_bytes());
    let half = |at: usize| u16::from_be_bytes([digest[at], digest[at + 1]]);
    lows(half(0)).contains(&half(2))
}

/// The lower halves of those whose upper half this is.
fn lows(upper: u16) -> Vec<u16> {
    let Some((length, rest)) = COMMON.split_first_chunk::<4>() else { return vec![] };
    let (bits, lows) = rest.split_at(u32::from_be_bytes(*length) as usize);
    let (lows, _) = lows.as_chunks::<2>();
    // Each value of the upper half ends with a zero; a one stands for a password.
    let (mut zeros, mut ones) = (0, 0);
    let mut found = Vec::new();
    // Eight bytes at a time are only counted, up to those in which the value is reached.
    let mut counted = 0;
    for word in bits.as_chunks::<8>().0 {
        let word = u64::from_ne_bytes(*word);
        if zeros + word.count_zeros() >= u32::from(upper) {
            break;
        }
        (zeros, ones) = (zeros + word.count_zeros(), ones + word.count_ones() as usize);
        counted += 8;
    }
    for byte in &bits[counted..] {
        for place in 0..8 {
            if byte >> place & 1 == 0 {
                zeros += 1;
                if zeros > u32::from(upper) {
                    return found;
                }
            } else {
                if zeros == u32::from(upper) {
                    found.extend(lows.get(ones).map(|low| u16::from_be_bytes(*low)));
                }
                ones += 1;
            }
        }
    }
    found
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
    fn all_of_them_are_there_and_in_order() {
        const PASSWORDS: usize = 46_880;
        let (length, rest) = COMMON.split_first_chunk::<4>().expect("a length");
        let (bits, all) = rest.split_at(u32::from_be_bytes(*length) as usize);
        assert_eq!(bits.iter().map(|byte| byte.count_ones() as usize).sum::<usize>(), PASSWORDS);
        assert_eq!(all.len(), PASSWORDS * 2);
        let some: Vec<Vec<u16>> = (0..=u16::MAX).step_by(509).map(lows).collect();
        assert!(some.iter().all(|lows| lows.is_sorted()) && some.iter().any(|lows| lows.len() > 1));
        let last = u16::from_be_bytes([all[all.len() - 2], all[all.len() - 1]]);
        assert_eq!((0..=u16::MAX).map(|upper| lows(upper).len()).sum::<usize>(), PASSWORDS);
        let highest = (0..=u16::MAX).rev().map(lows).find(|lows| !lows.is_empty());
        assert_eq!(highest.and_then(|lows| lows.last().copied()), Some(last));
    }

    #[test]
    fn phrases_are_not_common() {
        for password in ["correct horse battery staple", "a lodge at the gate", "eight kites over the moor"] {
            assert!(!is_common(password), "{password}");
        }
    }
}
