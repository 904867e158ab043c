//! Estimates how many guesses a password takes whoever knows what people choose: the
//! cheapest way to put it together from known pieces.
//!
//! The idea is zxcvbn's (Wheeler, USENIX Security 2016): a password is cut into pieces, each costs what it takes to
//! guess it, and of all ways to cut it the cheapest counts. Costs are in tenths of a bit. They are rough on purpose,
//! and lean towards those who choose: pieces that are in no list cost what a random character does.

use super::blocklist::{Digested, Early, LONGEST};
use super::patterns::{Cost, Standing, Ways};
use super::series::{begins, by_heart};

/// The cost of beginning one more piece.
const JOIN: Cost = 15;
/// A word about the person or the site.
const NAMED: Cost = 20;
/// Capitals in a word where they are usual, at its start or throughout; and elsewhere.
const CAPITAL: Cost = 5;
const CAPITALS: Cost = 25;
/// A word written backwards, or with digits and signs for letters.
const DISGUISED: Cost = 20;
/// What was there before once more, or backwards.
const AGAIN: Cost = 55;
/// Characters that each follow, in the same way, from the one so many before; and for each further way.
const FOLLOWING: Cost = 30;
const WAY: Cost = 35;
/// A year of this century up to now or soon, one from 1900 on, and a day of either.
const NEW_YEAR: Cost = 45;
const YEAR: Cost = 65;
const DAY: Cost = 150;
/// The longest way back to the character from which one follows: that of `1qaz2wsx`, or of a row of three digits.
const FURTHEST: usize = 6;
/// A digit of a text of digits alone: so drawn ones are not taken for rows and days by chance.
const NUMBER: Cost = 40;
/// The most characters that are judged: of a longer text half as many at its beginning and at its end. The time grows
/// with the square of the length, and whoever registers need not be known.
const JUDGED: usize = 128;
/// Shorter repetitions are chance.
const SHORTEST_REPETITION: usize = 3;

/// The kind of piece that most of a password consists of.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Piece {
    /// Characters that follow from nothing.
    Free,
    /// Words about the person or the site.
    Named,
    /// Common words and passwords, dates.
    Word,
    /// Rows of digits, letters or keys.
    Row,
    /// The same again, or backwards.
    Repetition,
}

/// Returns what it takes to guess `text`, and what most of it consists of. `names`
/// are words about person and site, in lower case.
///
/// It takes two milliseconds at most.
pub(super) fn guesses(text: &str, names: &[String]) -> (Cost, Piece) {
    let letters = Letters::of(text);
    let mut ways = Cheapest::to_nowhere(letters.typed.len());
    let is_number = letters.lower.iter().all(char::is_ascii_digit);
    let repeated = letters.repetitions();
    let follows = letters.following();
    let reversed = letters.reversed();
    let backwards: Vec<String> = names.iter().map(|name| name.chars().rev().collect()).collect();
    for at in 0..letters.typed.len() {
        let cost = if is_number { NUMBER } else { free(letters.lower[at]) };
        ways.free(at, cost);
        letters.listed(at, &reversed[at], |length, cost| ways.take(at, length, cost, Piece::Word));
        by_heart(&letters.lower[at..], |length, cost| ways.take(at, length, cost, Piece::Word));
        for (names, cost) in [(names, NAMED), (&backwards, NAMED + DISGUISED)] {
            for name in names.iter().filter(|name| begins(&letters.lower[at..], name)) {
                ways.take(at, name.chars().count(), cost, Piece::Named);
            }
        }
        if let Some((length, cost)) = letters.date(at) {
            ways.take(at, length, cost, Piece::Word);
        }
        for (back, row) in (1..).zip(&follows) {
            in_step(&row[at..], back, |length, cost| ways.take(at, length, cost, Piece::Row));
        }
        for length in SHORTEST_REPETITION..=repeated[at] {
            ways.take(at, length, AGAIN, Piece::Repetition);
        }
    }
    let (cost, piece) = ways.outcome();
    match letters.few() {
        Some(few) if few < cost => (few, Piece::Free),
        _ => (cost, piece),
    }
}

/// Returns the cost of a character that follows from nothing. Fewer are likely than are possible.
fn free(letter: char) -> Cost {
    match letter {
        '0'..='9' => 33,
        ' ' | '-' | '.' | '_' => 20,
        '!' | ',' | '?' => 30,
        'a'..='z' | 'а'..='я' => 45,
        _ => 50,
    }
}

/// Returns the cost of a word, by how early it is tried.
fn word(early: Early) -> Cost {
    match early {
        Early::First => 85,
        Early::Soon => 100,
        Early::Later => 120,
        Early::Last | Early::Long => 140,
    }
}

/// The cheapest ways to each place of a text.
struct Cheapest {
    /// For each place: its cost, where the last piece began, and what that was.
    to: Vec<(Cost, usize, Piece)>,
}

impl Cheapest {
    fn to_nowhere(length: usize) -> Self {
        let mut to = vec![(Cost::MAX, 0, Piece::Free); length + 1];
        to[0].0 = 0;
        Self { to }
    }

    /// Adds one free character. Beside other free ones it is no piece of its own.
    fn free(&mut self, at: usize, cost: Cost) {
        let (so_far, _, piece) = self.to[at];
        let join = if at == 0 || piece == Piece::Free { 0 } else { JOIN };
        self.offer(at, 1, so_far + join + cost, Piece::Free);
    }

    fn take(&mut self, at: usize, length: usize, cost: Cost, piece: Piece) {
        let join = if at == 0 { 0 } else { JOIN };
        self.offer(at, length, self.to[at].0 + join + cost, piece);
    }

    fn offer(&mut self, at: usize, length: usize, cost: Cost, piece: Piece) {
        let known = &mut self.to[at + length];
        if cost < known.0 {
            *known = (cost, at, piece);
        }
    }

    /// Returns the cost of the whole, and the kind that covers most characters.
    fn outcome(&self) -> (Cost, Piece) {
        let mut characters = [Piece::Named, Piece::Word, Piece::Row, Piece::Repetition].map(|piece| (0, piece));
        let mut at = self.to.len() - 1;
        while at > 0 {
            let (_, from, piece) = self.to[at];
            characters.iter_mut().filter(|(_, kind)| *kind == piece).for_each(|(count, _)| *count += at - from);
            at = from;
        }
        let most = characters.into_iter().max().filter(|(count, _)| *count > 0).map_or(Piece::Free, |(_, piece)| piece);
        (self.to.last().map_or(0, |(cost, ..)| *cost), most)
    }
}

/// A text, letter by letter.
struct Letters {
    typed: Vec<char>,
    lower: Vec<char>,
}

impl Letters {
    fn of(text: &str) -> Self {
        let mut typed: Vec<char> = text.chars().collect();
        if typed.len() > JUDGED {
            typed.drain(JUDGED / 2..typed.len() - JUDGED / 2);
        }
        // One for one, so that places stay the same.
        let lower = typed.iter().map(|letter| letter.to_lowercase().next().unwrap_or(*letter)).collect();
        Self { typed, lower }
    }

    /// Returns what a text of two or three different characters costs at most: choosing these, and then among them.
    fn few(&self) -> Option<Cost> {
        let mut different = self.lower.clone();
        different.sort_unstable();
        different.dedup();
        let (characters, each) = match different.len() {
            2 => (2, 10),
            3 => (3, 16),
            _ => return None,
        };
        Some(Cost::try_from(self.lower.len()).unwrap_or(Cost::MAX).saturating_mul(each) + characters * 45)
    }

    /// Finds each listed word that begins at a place: as it stands, with signs read as letters, backwards.
    fn listed(&self, at: usize, reversed: &[(usize, Early)], mut found: impl FnMut(usize, Cost)) {
        let rest = &self.lower[at..self.lower.len().min(at + LONGEST)];
        let mut capitals = (0, false);
        let mut digests = [Digested::EMPTY; 3];
        let mut disguised = false;
        for (length, letter) in (1..).zip(rest) {
            let (one, other) = unmask(*letter);
            disguised |= one != *letter;
            digests = [digests[0].and(*letter), digests[1].and(one), digests[2].and(other)];
            if self.typed[at + length - 1] != *letter {
                capitals = (capitals.0 + 1, capitals.1 || length == 1);
            }
            if length < 3 {
                continue;
            }
            let capital = match capitals {
                (0, _) => 0,
                (1, true) => CAPITAL,
                (count, _) if count == length => CAPITAL,
                _ => CAPITALS,
            };
            if let Some(early) = digests[0].listed(length) {
                found(length, word(early) + capital);
            }
            if disguised && let Some(early) = digests[1].listed(length).or_else(|| digests[2].listed(length)) {
                found(length, word(early) + capital + DISGUISED);
            }
            if let Some((_, early)) = reversed.iter().find(|(reversed, _)| *reversed == length) {
                found(length, word(*early) + capital + DISGUISED);
            }
        }
    }

    /// Returns for each place how long the listed words are that begin there and are written backwards.
    fn reversed(&self) -> Vec<Vec<(usize, Early)>> {
        let mut reversed = vec![Vec::new(); self.lower.len()];
        for end in 1..=self.lower.len() {
            let mut digest = Digested::EMPTY;
            for (length, letter) in (1..=LONGEST_BACKWARDS).zip(self.lower[..end].iter().rev()) {
                digest = digest.and(*letter);
                if length >= SHORTEST_BACKWARDS
                    && let Some(early) = digest.listed(length)
                {
                    reversed[end - length].push((length, early));
                }
            }
        }
        reversed
    }

    /// Finds a year, or a day of a year in digits, at the beginning or the
    /// end of a run of digits: within it it is chance.
    fn date(&self, at: usize) -> Option<(usize, Cost)> {
        let number = |from: usize, length: usize| {
            let digits = self.lower.get(at + from..at + from + length)?;
            digits.iter().try_fold(0, |number, digit| Some(number * 10 + digit.to_digit(10)?))
        };
        let is_digit = |at: usize| self.lower.get(at).is_some_and(char::is_ascii_digit);
        let at_an_end = |length| !is_digit(at + length) || !at.checked_sub(1).is_some_and(is_digit);
        let year = |from| number(from, 4).filter(|year| (1900..2050).contains(year));
        let is_day = |from, other| {
            number(from, 2).zip(number(other, 2)).is_some_and(|(one, two)| {
                (1..=12).contains(&one) && (1..=31).contains(&two) || (1..=12).contains(&two) && (1..=31).contains(&one)
            })
        };
        let is_parted = |one: usize, other: usize| {
            let sign = self.lower.get(at + one).filter(|sign| ['-', '.', '/', ' '].contains(*sign));
            sign.is_some() && sign == self.lower.get(at + other)
        };
        let is_iso = is_parted(4, 7) && year(0).is_some() && is_day(5, 8);
        if is_iso || (is_parted(2, 5) && is_day(0, 3) && year(6).is_some()) {
            return Some((10, DAY));
        }
        if (year(4).is_some() && is_day(0, 2)) || (year(0).is_some() && is_day(4, 6)) {
            return at_an_end(8).then_some((8, DAY));
        }
        year(0).filter(|_| at_an_end(4)).map(|year| (4, if year < 2000 { YEAR } else { NEW_YEAR }))
    }

    /// Returns for each place and each way back how the character there follows.
    fn following(&self) -> Vec<Vec<Ways>> {
        let standing: Vec<Standing> = self.lower.iter().map(|letter| Standing::of(*letter)).collect();
        let from = |at: usize, back: usize| at.checked_sub(back).map_or(0, |from| standing[from].ways(&standing[at]));
        (1..=FURTHEST).map(|back| (0..standing.len()).map(|at| from(at, back)).collect()).collect()
    }

    /// Returns how many characters from each place on were there before, forwards or backwards.
    fn repetitions(&self) -> Vec<usize> {
        let length = self.lower.len();
        let mut longest = vec![0; length];
        // How much is the same from this place and from the other on; and from the other backwards.
        let row = || vec![0; length + 1];
        let (mut forth, mut back, mut next_forth, mut next_back) = (row(), row(), row(), row());
        for at in (0..length).rev() {
            for other in 0..length {
                let is_same = self.lower[at] == self.lower[other];
                let before = other.checked_sub(1).map_or(0, |before| back[before]);
                next_forth[other] = if is_same { forth[other + 1] + 1 } else { 0 };
                next_back[other] = if is_same { before + 1 } else { 0 };
                if other < at {
                    longest[at] = longest[at].max(next_forth[other]).max(next_back[other]);
                }
            }
            std::mem::swap(&mut forth, &mut next_forth);
            std::mem::swap(&mut back, &mut next_back);
        }
        longest
    }
}

/// Other words are not written backwards, or by chance.
const SHORTEST_BACKWARDS: usize = 5;
const LONGEST_BACKWARDS: usize = 12;

/// Returns the letters that a digit or sign stands for.
fn unmask(letter: char) -> (char, char) {
    match letter {
        '0' => ('o', 'o'),
        '1' | '!' => ('i', 'l'),
        '3' => ('e', 'e'),
        '4' | '@' => ('a', 'a'),
        '5' | '$' => ('s', 's'),
        '7' => ('t', 't'),
        '8' => ('b', 'b'),
        letter => (letter, letter),
    }
}

/// Finds each length for which characters follow from the one so many before, each in the way of the one before it.
fn in_step(follows: &[Ways], back: usize, mut found: impl FnMut(usize, Cost)) {
    let mut lanes = [Ways::MAX; FURTHEST];
    let mut all = Ways::MAX;
    for (at, ways) in follows.iter().enumerate() {
        let lane = &mut lanes[at % back];
        *lane &= ways;
        if *lane == 0 {
            return;
        }
        all &= ways;
        let kinds = if all == 0 { Cost::try_from(back.min(at + 1)).unwrap_or(Cost::MAX) } else { 1 };
        found(at + 1, FOLLOWING + WAY * kinds);
    }
}
