//! Alternative spellings of a text, which whoever guesses tries along with it.

use crate::base::plain_letters;

/// Returns the text as it was typed, and without disguises of its letters: wide ones, accents, a sign behind each.
pub(super) fn spellings(text: &str) -> Vec<String> {
    let mut all = vec![text.to_owned()];
    let plain = plain_letters(text);
    if plain != text {
        all.push(plain);
    }
    let closed: Vec<String> = all.iter().filter_map(|text| closed(text)).collect();
    all.extend(closed);
    all
}

/// Removes the sign that stands behind each letter: `password` of `p-a-s-s-w-o-r-d`.
fn closed(text: &str) -> Option<String> {
    let sign = text.chars().nth(1).filter(|sign| !sign.is_alphanumeric())?;
    let is_spaced = text.chars().skip(1).step_by(2).all(|other| other == sign);
    is_spaced.then(|| text.chars().step_by(2).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguises_are_taken_off() {
        for (text, other) in [
            ("Ｐａｓｓ１", Some("Pass1")),
            ("pässwörd", Some("password")),
            ("p a s s", Some("pass")),
            ("p-a-s-s", Some("pass")),
            ("p-a.s-s", None),
            ("pass word", None),
        ] {
            assert_eq!(spellings(text).get(1).map(String::as_str), other, "{text}");
        }
    }
}
