//! Words that come one after the other by heart: those that count, those of the calendar, and lines that everybody knows.

use super::guesses::Cost;

/// Their first word, each further one that is the next, and each that is another.
const FIRST: Cost = 85;
const NEXT: Cost = 10;
const OTHER: Cost = 30;
/// Fewer words beside each other are chance.
const FEWEST: usize = 3;

/// Words of one kind, in their order.
const KINDS: [&[&str]; 5] = [
    &["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"],
    &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
    &[
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
    ],
    &["spring", "summer", "autumn", "fall", "winter"],
    &["red", "orange", "yellow", "green", "blue", "indigo", "violet", "purple", "pink", "black", "white", "brown"],
];
/// Lines, of which only the next word follows.
const LINES: [&[&str]; 5] = [
    &["lorem", "ipsum", "dolor", "sit", "amet", "consectetur", "adipiscing", "elit"],
    &["may", "the", "force", "be", "with", "you"],
    &["to", "be", "or", "not", "to", "be", "that", "is", "the", "question"],
    &["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog"],
    &["once", "upon", "a", "time"],
];

/// Each length of words by heart at the beginning of `text`, which is in lower case; between two may stand a sign.
pub(super) fn by_heart(text: &[char], mut found: impl FnMut(usize, Cost)) {
    for (words, in_any_order) in KINDS.iter().map(|words| (words, true)).chain(LINES.iter().map(|words| (words, false)))
    {
        let (mut length, mut count, mut cost, mut last) = (0, 0, 0, None);
        loop {
            let between = usize::from(count > 0 && text.get(length).is_some_and(|sign| !sign.is_alphanumeric()));
            let rest = &text[length + between..];
            let next = last.map_or(0, |last| last + 1);
            let fits = |at: &usize| words.get(*at).is_some_and(|word| begins(rest, word));
            let any = || (0..words.len()).filter(fits).max_by_key(|at| words[*at].len());
            let Some(at) = Some(next).filter(fits).or_else(|| any().filter(|_| in_any_order || count == 0)) else {
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

/// The words are of ASCII.
fn begins(text: &[char], word: &str) -> bool {
    word.len() <= text.len() && word.chars().zip(text).all(|(one, other)| one == *other)
}
