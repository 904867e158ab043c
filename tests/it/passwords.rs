//! Which passwords may be chosen, measured: what people choose is refused, what chance chooses is not.

use gatelodge::crypto::{Password, PasswordFault, PasswordPolicy};

const POLICY: PasswordPolicy = PasswordPolicy { min_chars: 15 };

fn judge(text: &str) -> Result<(), PasswordFault> {
    POLICY.accept(&Password::parse(text)?, &[])
}

fn lines(packed: &[u8]) -> Vec<String> {
    let text = lz4_flex::block::decompress_size_prepended(packed).expect("it is packed");
    String::from_utf8(text).expect("a text").lines().map(str::to_owned).collect()
}

/// Numbers as good as drawn, the same each time (`SplitMix64`).
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ mixed >> 31) % limit as u64).expect("it is below a usize")
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// 19 of 20 must be; all but a few are.
#[test]
fn common_passwords_of_15_characters_and_more_are_refused() {
    let common = lines(include_bytes!("../passwords/common.lz4"));
    assert_eq!(common.len(), 9_747);
    let chosen: Vec<&String> = common.iter().filter(|text| judge(text).is_ok()).collect();
    assert!(chosen.len() * 1000 < common.len(), "{chosen:?}");
}

#[test]
fn no_pass_phrase_of_four_words_is_refused() {
    let words = lines(include_bytes!("../passwords/words.lz4"));
    assert_eq!(words.len(), 7_776);
    let mut draw = Draw(4);
    let mut phrases = 0;
    while phrases < 10_000 {
        let style = draw.below(3);
        let mut four = [(); 4].map(|()| draw.of(&words).clone());
        if style == 1 {
            for word in &mut four {
                word[..1].make_ascii_uppercase();
            }
        }
        let mut phrase = four.join(*draw.of(&["", " ", "-", "."]));
        if style == 2 {
            phrase.push(*draw.of(&['0', '1', '7', '!']));
        }
        if phrase.len() >= 15 {
            assert_eq!(judge(&phrase), Ok(()), "{phrase}");
            phrases += 1;
        }
    }
}

#[test]
fn nothing_that_chance_chose_is_refused() {
    let mut draw = Draw(15);
    for alphabet in [
        "0123456789",
        "0123456789abcdef",
        "abcdefghijklmnopqrstuvwxyz",
        "abcdefghijklmnopqrstuvwxyz234567",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        "!#$%&()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~",
        "абвгдежзийклмнопрстуфхцчшщъыьэюя",
    ] {
        let letters: Vec<char> = alphabet.chars().collect();
        for _ in 0..500 {
            let text: String = [(); 15].iter().map(|()| draw.of(&letters)).collect();
            assert_eq!(judge(&text), Ok(()), "{text}");
        }
    }
}

/// None of these is on a list as a whole.
#[test]
fn padded_passwords_are_refused_by_rule() {
    for text in include_str!("../passwords/padded.txt").lines() {
        assert!(matches!(judge(text), Err(PasswordFault::Guessable(_) | PasswordFault::Common)), "{text}");
    }
}

#[test]
fn the_longest_are_judged_too() {
    for piece in ["1234567890", "correcthorse", "qwerty ", "Password1!", "ab"] {
        let text: String = piece.chars().cycle().take(1024).collect();
        assert!(judge(&text).is_err(), "{piece}");
    }
    let mut draw = Draw(1024);
    let letters: Vec<char> = ('a'..='z').collect();
    let text: String = [(); 1024].iter().map(|()| draw.of(&letters)).collect();
    assert_eq!(judge(&text), Ok(()));
}

/// `MEASURE=FILE cargo test --release --test it passwords::measure -- --ignored --nocapture` for lists of one's own.
#[test]
#[ignore = "needs a list"]
fn measure() {
    let file = std::env::var_os("MEASURE").expect("a file of passwords, one a line");
    let list = std::fs::read(file).expect("it can be read");
    let judged = String::from_utf8_lossy(&list).lines().map(|line| (line.to_owned(), judge(line))).collect::<Vec<_>>();
    let long = judged.iter().filter(|(_, judged)| !matches!(judged, Err(PasswordFault::TooShort { .. })));
    let (accepted, refused): (Vec<_>, Vec<_>) = long.partition(|(_, judged)| judged.is_ok());
    if let Some(show) = std::env::var_os("SHOW") {
        let shown = if show == "accepted" { &accepted } else { &refused };
        for (line, judged) in shown {
            println!("{line}\t{judged:?}");
        }
    }
    println!("{} of {} refused", refused.len(), refused.len() + accepted.len());
}
