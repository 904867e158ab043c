//! Series that are known by heart: numbers, the calendar, and lines that everybody knows.

use super::patterns::Cost;

/// The cost of the first word, of each further one that is the next, and of each that is another.
const FIRST: Cost = 85;
const NEXT: Cost = 10;
const OTHER: Cost = 30;
/// Fewer words beside each other are chance.
const FEWEST: usize = 3;

/// Words that belong together.
struct Series {
    words: &'static [&'static str],
    /// Whether any of them may follow another; else only the next.
    in_any_order: bool,
    initials: Initials,
}

/// The letters with which words begin, a bit for each: most characters begin none of them.
type Initials = u32;

const SERIES: [Series; 10] = [
    of_a_kind(&[
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    ]),
    of_a_kind(&["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]),
    of_a_kind(&[
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ]),
    of_a_kind(&["spring", "summer", "autumn", "fall", "winter"]),
    of_a_kind(&[
        "red", "orange", "yellow", "green", "blue", "indigo", "violet", "purple", "pink", "black", "white", "brown",
    ]),
    line(&["lorem", "ipsum", "dolor", "sit", "amet", "consectetur", "adipiscing", "elit"]),
    line(&["may", "the", "force", "be", "with", "you"]),
    line(&["to", "be", "or", "not", "to", "be", "that", "is", "the", "question"]),
    line(&["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog"]),
    line(&["once", "upon", "a", "time"]),
];

const fn of_a_kind(words: &'static [&'static str]) -> Series {
    Series { words, in_any_order: true, initials: initials(words) }
}

const fn line(words: &'static [&'static str]) -> Series {
    Series { words, in_any_order: false, initials: initials(words) }
}

const fn initials(words: &[&str]) -> Initials {
    let (mut all, mut at) = (0, 0);
    while at < words.len() {
        all |= initial(words[at].as_bytes()[0] as char);
        at += 1;
    }
    all
}

const fn initial(letter: char) -> Initials {
    if letter.is_ascii_lowercase() { 1 << (letter as u32 - 'a' as u32) } else { 0 }
}

/// Finds each length of words by heart at the beginning of `text`, which
/// is in lower case; a sign may stand between two.
pub(super) fn by_heart(text: &[char], mut found: impl FnMut(usize, Cost)) {
    let first = text.first().map_or(0, |letter| initial(*letter));
    for Series { words, in_any_order, .. } in SERIES.iter().filter(|series| series.initials & first != 0) {
        let (mut length, mut count, mut cost, mut last) = (0, 0, 0, None);
        loop {
            let between = usize::from(count > 0 && text.get(length).is_some_and(|sign| !sign.is_alphanumeric()));
            let rest = &text[length + between..];
            let next = last.map_or(0, |last| last + 1);
            let fits = |at: &usize| words.get(*at).is_some_and(|word| begins(rest, word));
            let any = || (0..words.len()).filter(fits).max_by_key(|at| words[*at].len());
            let Some(at) = Some(next).filter(fits).or_else(|| any().filter(|_| *in_any_order || count == 0)) else {
                break;
            };
            cost += match last {
                None => FIRST,
                Some(_) if at == next => NEXT,
                Some(_) => OTHER,
            };
            length += between + words[at].len();
            (count, last) = (count + 1, Some(at));
            if count >= FEWEST {
                found(length, cost);
            }
        }
    }
}

/// Whether `text` begins with all of `word`.
pub(super) fn begins(text: &[char], word: &str) -> bool {
    let mut text = text.iter();
    word.chars().all(|letter| text.next() == Some(&letter))
}
