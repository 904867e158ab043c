//! Finds the word that somebody meant who mistyped it.

/// Returns the known word that is nearest to what was typed, if one is near enough to be meant.
/// Case, dashes, underscores and blanks do not count.
#[must_use]
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = folded(typed);
    if typed.is_empty() {
        return None;
    }
    let near = known.into_iter().filter_map(|word| Some((distance_if_near(&typed, &folded(word))?, word)));
    near.min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

fn folded(word: &str) -> Vec<char> {
    /// The most characters that are compared: the time grows with the square, and no known word is as long.
    const MAX_CHARS: usize = 64;
    word.chars().filter(|c| !"-_ ".contains(*c)).flat_map(char::to_lowercase).take(MAX_CHARS).collect()
}

/// Returns the distance, if it is small: a third of the letters may be wrong; or one word begins as
/// the other does, as `invitation` and `invite`.
fn distance_if_near(typed: &[char], word: &[char]) -> Option<usize> {
    const MANY: usize = 4;
    let distance = distance(typed, word);
    let same = typed.iter().zip(word).take_while(|(a, b)| a == b).count();
    let shorter = typed.len().min(word.len());
    let is_near = distance <= typed.len().max(word.len()) / 3 || distance <= 1 && shorter > 1;
    (is_near || same >= MANY && same * 3 >= shorter * 2).then_some(distance)
}

/// Returns how many letters are wrong, missing, too many, or swapped with their neighbour (optimal string alignment, a
/// restricted form of the Damerau-Levenshtein distance).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = vec![];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(x != y);
            let mut least = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && x == &b[j - 1] && &a[i - 1] == y {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_word_leads_to_the_one_that_was_meant() {
        let known = ["site", "security", "port", "tls", "invite", "open", "password_file", "starttls", "certificate"];
        for (typed, meant) in [
            ("sitee", "site"),
            ("securty", "security"),
            ("prot", "port"),
            ("tsl", "tls"),
            ("invitation", "invite"),
            ("password", "password_file"),
            ("STARTTLS", "starttls"),
            ("start-tls", "starttls"),
            ("cert", "certificate"),
            ("certifcate", "certificate"),
        ] {
            assert_eq!(nearest(typed, known), Some(meant), "{typed}");
        }
        for typed in ["", "x", "passkeys", "zebra", "-"] {
            assert_eq!(nearest(typed, known), None, "{typed}");
        }
    }

    #[test]
    fn a_swap_counts_once() {
        let distance = |a: &str, b: &str| distance(&folded(a), &folded(b));
        assert_eq!(distance("prot", "port"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("smpt", "smtp"), 1);
    }
}
