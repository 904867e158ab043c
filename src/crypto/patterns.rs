//! Patterns in which one character leads to another: along the digits, the
//! alphabet, and the rows and columns of keyboards.

use std::sync::LazyLock;

/// A cost, in tenths of a bit.
pub(super) type Cost = u32;

/// Walks that fingers take, in the order in which they are taken; each may be
/// walked backwards too, and begins again at its end.
const WALKS: [&str; 9] = [
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "абвгдежзийклмнопрстуфхцчшщъыьэюя",
    "йцукенгшщзхъфывапролджэячсмитьбю",
    // Columns, down and down again, or down and up.
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1qazxsw23edcvfr45tgbnhy67ujmki89olp0",
    "qawsedrftgyhujikolp",
];
const DIGITS: &str = "0123456789";
/// The rows of keys, from the top.
const ROWS: [&str; 4] = ["1234567890", "qwertyuiop", "asdfghjkl;", "zxcvbnm,./"];
/// The signs of the shifted digits on most keyboards.
const SHIFTED: [char; 10] = [')', '!', '@', '#', '$', '%', '^', '&', '*', '('];
/// Digits also lead to the next but one, and to the one above on a block of digits.
const DIGIT_STEPS: [usize; 6] = [1, 9, 2, 8, 3, 7];

/// Ways in which one character leads to another, a bit for each.
pub(super) type Ways = u32;

/// A step of each kind along the digits, each walk forwards and backwards, a key down and up.
const WAYS: usize = DIGIT_STEPS.len() + 2 * WALKS.len() + 2;

/// A place on a way.
type Place = u8;

/// Nothing leads to one, and nothing stands on the other.
const STANDS_NOWHERE: Place = Place::MAX;
const LEADS_NOWHERE: Place = Place::MAX - 1;

/// Where a character, in lower case, stands on each way, and where that leads.
#[derive(Clone, Copy)]
pub(super) struct Standing {
    letter: char,
    stands: [Place; WAYS],
    leads: [Place; WAYS],
}

/// The characters that most passwords are made of, looked up once.
static ASCII: LazyLock<[Standing; 128]> =
    LazyLock::new(|| std::array::from_fn(|code| Standing::look_up(char::from(u8::try_from(code).unwrap_or_default()))));

impl Standing {
    pub(super) fn of(letter: char) -> Self {
        ASCII.get(letter as usize).copied().unwrap_or_else(|| Self::look_up(letter))
    }

    fn look_up(letter: char) -> Self {
        let on = |line: &str| line.chars().position(|other| other == letter);
        let digit = on(DIGITS).or_else(|| SHIFTED.iter().position(|other| *other == letter));
        let digits = DIGIT_STEPS.map(|step| digit.map(|at| (at, (at + step) % DIGITS.len())));
        let walks = WALKS.into_iter().flat_map(|walk| {
            let length = walk.chars().count();
            [1, length - 1].map(|step| on(walk).map(|at| (at, (at + step) % length)))
        });
        let key = ROWS.iter().enumerate().find_map(|(row, keys)| Some((row, on(keys)?)));
        // Counted so that above the first row there is room for one more.
        let place = |row: usize, column: usize| row * ROWS[0].len() + column;
        let keys = [2, 0].map(|to| key.map(|(row, column)| (place(row + 1, column), place(row + to, column))));
        let mut standing = Self { letter, stands: [STANDS_NOWHERE; WAYS], leads: [LEADS_NOWHERE; WAYS] };
        for (way, step) in digits.into_iter().chain(walks).chain(keys).enumerate() {
            if let Some((at, to)) = step {
                let place = |at: usize| Place::try_from(at).expect("ways are shorter");
                (standing.stands[way], standing.leads[way]) = (place(at), place(to));
            }
        }
        standing
    }

    /// Returns the ways that lead from this character to the other.
    pub(super) fn ways(&self, to: &Self) -> Ways {
        if self.letter == to.letter {
            return 1;
        }
        let each = self.leads.iter().zip(&to.stands);
        each.fold(0, |found, (leads, stands)| (found | Ways::from(leads == stands)) << 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(pair: &str) -> Ways {
        let [from, to] = &pair.chars().map(Standing::of).collect::<Vec<_>>()[..] else { panic!("{pair}") };
        from.ways(to)
    }

    #[test]
    fn neighbours_lead_to_each_other_and_strangers_do_not() {
        for pair in ["12", "21", "90", "24", "14", "ab", "za", "qw", "pa", "qa", "aq", "1q", "q1", "aa", "!@", "йц"] {
            assert_ne!(ways(pair), 0, "{pair}");
        }
        for pair in ["16", "qt", "1x", " a", "ae", "цб"] {
            assert_eq!(ways(pair), 0, "{pair}");
        }
    }

    #[test]
    fn no_walk_comes_by_a_key_twice() {
        for walk in WALKS {
            let keys: std::collections::BTreeSet<char> = walk.chars().collect();
            assert_eq!(keys.len(), walk.chars().count(), "{walk}");
        }
    }
}
