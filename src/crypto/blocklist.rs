//! The blocklist: words and passwords that everybody tries first.

/// 90,153 common words and passwords, with how early they are tried, and 28,401 common passwords of 15 to 32
/// characters, as packed digests; `blocklist/build.py` makes both and says how.
static WORDS: Table = Table { packed: include_bytes!("blocklist/words.bin") };
static LONG: Table = Table { packed: include_bytes!("blocklist/long.bin") };

/// The longest text that is listed, in characters.
pub(super) const LONGEST: usize = 32;

/// How early a listed text is tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Early {
    /// Among the first 200 of its list.
    First,
    /// Among the first 2,000.
    Soon,
    /// Among the first 15,000.
    Later,
    /// Further down.
    Last,
    /// A password of 15 characters or more that more than one person chose.
    Long,
}

/// A digest that grows by a character at a time: FNV-1a of 64 bits. That it is easily
/// inverted does no harm: what is listed is no secret.
#[derive(Clone, Copy)]
pub(super) struct Digested(u64);

impl Digested {
    pub(super) const EMPTY: Self = Self(0xCBF2_9CE4_8422_2325);

    pub(super) fn and(self, letter: char) -> Self {
        let mut utf8 = [0; 4];
        let octets = letter.encode_utf8(&mut utf8).bytes();
        Self(octets.fold(self.0, |value, octet| (value ^ u64::from(octet)).wrapping_mul(0x0100_0000_01B3)))
    }

    /// Returns where the text stands on the lists. One that is on neither is taken
    /// for listed with a chance of 1 in 3 million.
    pub(super) fn listed(self, characters: usize) -> Option<Early> {
        let value = (self.0 ^ self.0 >> 32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let [first, second, low @ .., _, _, _] = value.to_be_bytes();
        let (upper, lower) = (u16::from_be_bytes([first, second]), lower_of(low));
        let word = WORDS.lows(upper).find(|low| low >> 2 == lower >> 2).map(|low| match low & 3 {
            0 => Early::First,
            1 => Early::Soon,
            2 => Early::Later,
            _ => Early::Last,
        });
        let long = || (characters >= 15 && LONG.lows(upper).any(|low| low == lower)).then_some(Early::Long);
        word.or_else(long)
    }
}

/// Returns where `text`, in lower case, stands on the lists.
pub(super) fn listed(text: &str) -> Option<Early> {
    text.chars().fold(Digested::EMPTY, Digested::and).listed(text.chars().count())
}

/// Reads the lower bits of a digest.
fn lower_of([first, second, third]: [u8; 3]) -> u32 {
    u32::from_be_bytes([0, first, second, third])
}

/// A sorted table of 40-bit digests.
struct Table {
    packed: &'static [u8],
}

impl Table {
    /// Every so-manieth value of the upper bits has its place in the index.
    const EVERY: u16 = 16;
    const PLACES: usize = (1 << 16) / Self::EVERY as usize;

    /// Returns the lower 24 bits of the digests with these upper 16.
    fn lows(&self, upper: u16) -> impl Iterator<Item = u32> {
        let (places, rest) = self.packed.split_at(Self::PLACES * 4);
        let place = |index: usize| places.as_chunks::<4>().0.get(index).map(|place| u32::from_be_bytes(*place));
        let index = usize::from(upper / Self::EVERY);
        let start = place(index).unwrap_or_default() as usize;
        // A zero ends each value, a one stands for a digest: of the bits before, all but so many zeros are ones.
        let (before, values) = (start - index * usize::from(Self::EVERY), usize::from(upper % Self::EVERY));
        let (at, count) = nth_run(rest, start, values);
        let ones = before + (at - start) - values;
        let lows = rest[self.bits()..].as_chunks::<3>().0;
        lows[ones..ones + count].iter().map(|low| lower_of(*low))
    }

    /// Returns how many bytes hold the upper halves: a bit for each value and each digest of three bytes.
    fn bits(&self) -> usize {
        let length = self.packed.len() - Self::PLACES * 4;
        // length = ceil((65,536 + n) / 8) + 3 n
        let entries = (length * 8 - (1 << 16)) / 25;
        length - entries * 3
    }
}

/// Returns where, from `start` on, the ones after the `n`th zero begin, and how many they are. A password is looked up
/// in hundreds of pieces, so this goes from zero to zero in a word, not bit by bit.
fn nth_run(bits: &[u8], start: usize, n: usize) -> (usize, usize) {
    /// So many bits are in a word of eight bytes wherever in its first byte they begin.
    const SEEN: u32 = 57;
    let next = bits[start / 8..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word) >> (start % 8));
    let mut zeros = !next;
    for _ in 1..n {
        zeros &= zeros.wrapping_sub(1);
    }
    let begin = if n == 0 { 0 } else { zeros.trailing_zeros() + 1 };
    let count = next.checked_shr(begin).unwrap_or_default().trailing_ones();
    if begin + count < SEEN {
        return (start + begin as usize, count as usize);
    }
    let bit = |at: usize| bits[at / 8] >> (at % 8) & 1 == 1;
    let mut left = n;
    let mut at = start;
    while left > 0 {
        left -= usize::from(!bit(at));
        at += 1;
    }
    (at, (at..bits.len() * 8).take_while(|at| bit(*at)).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_in_a_word_and_beyond_it() {
        let by_bits = |bits: &[u8], start: usize, n: usize| {
            let text: Vec<bool> = (0..bits.len() * 8).map(|at| bits[at / 8] >> (at % 8) & 1 == 1).collect();
            let zeros = (start..text.len()).filter(|at| !text[*at]);
            let begin = if n == 0 { start } else { zeros.clone().nth(n - 1).expect("so many zeros") + 1 };
            (begin, text[begin..].iter().take_while(|bit| **bit).count())
        };
        let sparse: Vec<u8> = (0..40_u8).map(|byte| byte.wrapping_mul(97) ^ byte >> 1).chain([0; 8]).collect();
        let dense: Vec<u8> = (0..40).map(|byte| if byte % 9 == 0 { 0xf7 } else { 0xff }).chain([0; 8]).collect();
        for bits in [sparse, dense] {
            for (start, n) in (0..150).flat_map(|start| (0..16).map(move |n| (start, n))) {
                assert_eq!(nth_run(&bits, start, n), by_bits(&bits, start, n), "{start} {n}");
            }
        }
    }

    #[test]
    fn words_and_passwords_are_found_with_their_rank() {
        for (text, early) in [
            ("password", Some(Early::First)),
            ("letmein", Some(Early::First)),
            ("tidal", Some(Early::Last)),
            ("correcthorsebatterystaple", Some(Early::Long)),
            ("manchesterunited", Some(Early::Long)),
            ("nuncateolvidare", Some(Early::Long)),
            ("nuncateolvidara", None),
            ("correct horse battery staple", None),
            ("", None),
        ] {
            assert_eq!(listed(text), early, "{text}");
        }
    }

    #[test]
    fn all_of_them_are_there_and_in_order() {
        for (table, entries) in [(&WORDS, 90_153), (&LONG, 28_401)] {
            let all: Vec<Vec<u32>> = (0..=u16::MAX).map(|upper| table.lows(upper).collect()).collect();
            assert_eq!(all.iter().map(Vec::len).sum::<usize>(), entries);
            assert!(all.iter().all(|lows| lows.is_sorted()) && all.iter().any(|lows| lows.len() > 1));
        }
    }
}
