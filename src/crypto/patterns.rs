//! How one character leads to another: along the digits, the alphabet, and the rows and columns of keyboards.

/// Walks that fingers take, in the order in which they are taken; each may be walked backwards too, and begins again at its end.
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
/// Their lengths, in characters.
const LENGTHS: [usize; WALKS.len()] = [26, 26, 26, 26, 32, 32, 36, 36, 19];
const DIGITS: &str = "0123456789";
/// What stands below what.
const ROWS: [&str; 4] = ["1234567890", "qwertyuiop", "asdfghjkl;", "zxcvbnm,./"];
/// What a shifted digit is on the keyboards of most.
const SHIFTED: [char; 10] = [')', '!', '@', '#', '$', '%', '^', '&', '*', '('];
/// Digits also lead to the next but one, and to the one above on a block of digits.
const DIGIT_STEPS: [usize; 6] = [1, 9, 2, 8, 3, 7];

/// Ways in which one character leads to another, a bit for each.
pub(super) type Ways = u32;

/// Where a character, in lower case, stands on the walks, among the digits, and on the keyboard.
pub(super) struct Standing {
    letter: char,
    digit: Option<usize>,
    walks: [Option<usize>; WALKS.len()],
    /// Row and column.
    key: Option<(usize, usize)>,
}

impl Standing {
    pub(super) fn of(letter: char) -> Self {
        let on = |line: &str| line.chars().position(|other| other == letter);
        let shifted = || SHIFTED.iter().position(|other| *other == letter);
        Self {
            letter,
            digit: on(DIGITS).or_else(shifted),
            walks: WALKS.map(on),
            key: ROWS.iter().enumerate().find_map(|(row, keys)| Some((row, on(keys)?))),
        }
    }

    /// The ways that lead from here to there.
    pub(super) fn ways(&self, to: &Self) -> Ways {
        if self.letter == to.letter {
            return 1;
        }
        let mut found = 0;
        let mut bit = 1;
        let mut note = |holds: bool| {
            bit <<= 1;
            found |= if holds { bit } else { 0 };
        };
        let digits = self.digit.zip(to.digit);
        for step in DIGIT_STEPS {
            note(digits.is_some_and(|(from, to)| (from + step) % 10 == to));
        }
        for (walk, (from, to)) in LENGTHS.iter().zip(self.walks.iter().zip(&to.walks)) {
            let walked = from.zip(*to);
            note(walked.is_some_and(|(from, to)| (from + 1) % walk == to));
            note(walked.is_some_and(|(from, to)| (to + 1) % walk == from));
        }
        let keys = self.key.zip(to.key).filter(|(from, to)| from.1 == to.1);
        note(keys.is_some_and(|(from, to)| from.0 + 1 == to.0));
        note(keys.is_some_and(|(from, to)| to.0 + 1 == from.0));
        found
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
        for (walk, length) in WALKS.iter().zip(LENGTHS) {
            let keys: std::collections::BTreeSet<char> = walk.chars().collect();
            assert_eq!((keys.len(), walk.chars().count()), (length, length), "{walk}");
        }
    }
}
