//! Distinguishes visible characters from hidden ones. A name is read by people who decide by it, in lists, pages and
//! mails: one that holds hidden characters can look like somebody else's, reverse the text beside it, or end its line.

/// Whether a character is invisible, or looks like a blank: the general categories Cc, Cf, Zl, Zp and Co,
/// non-characters, whatever else may be drawn as nothing (`Default_Ignorable_Code_Point`), and letters that are drawn
/// as blanks; as of Unicode 17. Unassigned code points change every year and are not considered.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control() || is_format(c) || is_blank_letter(c) || is_private(c) || is_selector(c)
}

/// Returns a text that somebody else wrote with all that it hides made visible: control characters, marks that reverse
/// the text beside them, ends of lines. Joiners and variation selectors stay, which names and emoji are written with.
#[must_use]
pub fn legible(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) && !is_joiner(c) && !is_selector(c) { '\u{fffd}' } else { c }).collect()
}

/// Cf, Zl, Zp, and what is ignorable by default, except variation selectors and letters.
#[rustfmt::skip]
const fn is_format(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}')
}

/// Fillers of Hangul, inherent vowels of Khmer, and the pattern of Braille without a dot.
const fn is_blank_letter(c: char) -> bool {
    matches!(c, '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

/// Private use, which means something to one font only, and non-characters.
const fn is_private(c: char) -> bool {
    let is_private = matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}');
    is_private || matches!(c, '\u{fdd0}'..='\u{fdef}') || c as u32 & 0xfffe == 0xfffe
}

const fn is_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Letters of scripts that are written with joiners (Arabic and its kin, those of India and
/// their neighbours, Mongolian), and emoji. Latin, Greek and Cyrillic are not among them: there
/// a joiner changes nothing but which name it is.
const fn is_joined(c: char) -> bool {
    matches!(c,
        '\u{600}'..='\u{dff}' | '\u{f00}'..='\u{109f}' | '\u{1780}'..='\u{18af}' | '\u{1900}'..='\u{1cff}' | '\u{2190}'..='\u{2bff}'
        | '\u{a800}'..='\u{aaff}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10a00}'..='\u{11fff}'
        | '\u{1e800}'..='\u{1e95f}' | '\u{1f000}'..='\u{1faff}')
}

const fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{2fdf}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Whether everything in a text can be seen. Hidden characters are refused, except for those without
/// which people's names cannot be written: a joiner (U+200C, U+200D) between two letters of a script
/// that needs it, or two emoji, and a variation selector right behind a Chinese character or an emoji.
/// Neither passes at an end, beside a blank, or twice.
#[must_use]
pub fn is_visible(text: &str) -> bool {
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let shows = |c: char| is_joined(c) && !is_hidden(c);
        let fits = if is_joiner(c) {
            before.is_some_and(|before| shows(before) || is_selector(before)) && rest.peek().copied().is_some_and(shows)
        } else if is_selector(c) {
            before.is_some_and(|before| shows(before) || is_ideograph(before))
        } else {
            !is_hidden(c)
        };
        if !fits {
            return false;
        }
        before = Some(c);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each kind, and each that an intruder has tried.
    const HIDDEN: &[char] = &[
        '\0',
        '\n',
        '\u{7f}',
        '\u{85}',
        '\u{ad}',
        '\u{34f}',
        '\u{600}',
        '\u{61c}',
        '\u{115f}',
        '\u{17b4}',
        '\u{180b}',
        '\u{180e}',
        '\u{200b}',
        '\u{200c}',
        '\u{200d}',
        '\u{200e}',
        '\u{2028}',
        '\u{2029}',
        '\u{202a}',
        '\u{202e}',
        '\u{2060}',
        '\u{2064}',
        '\u{2066}',
        '\u{206f}',
        '\u{2800}',
        '\u{3164}',
        '\u{e000}',
        '\u{f8ff}',
        '\u{fdd0}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{ffa0}',
        '\u{fff9}',
        '\u{ffff}',
        '\u{110bd}',
        '\u{13430}',
        '\u{1bca0}',
        '\u{1d173}',
        '\u{1fffe}',
        '\u{e0001}',
        '\u{e0041}',
        '\u{e007f}',
        '\u{e0100}',
        '\u{e0fff}',
        '\u{f0000}',
        '\u{10ffff}',
    ];

    #[test]
    fn what_nobody_sees_is_refused_wherever_it_stands() {
        for c in HIDDEN {
            assert!(is_hidden(*c), "U+{:04X}", *c as u32);
            for text in
                [format!("{c}Alice"), format!("Al{c}ice"), format!("Alice{c}"), format!("Alice {c} B"), c.to_string()]
            {
                assert!(!is_visible(&text), "U+{:04X} in {text:?}", *c as u32);
            }
        }
    }

    #[test]
    fn names_of_all_scripts_pass() {
        for name in [
            "Alice Ö'Neill",
            "Ἀριστοτέλης",
            "Владимир",
            "שרה",
            "محمد",
            "علی\u{200c}رضا",
            "प्रिया",
            "क्\u{200d}ष",
            "ශ්\u{200d}රී",
            "สมชาย",
            "김민준",
            "山田　太郎",
            "葛\u{e0100}城",
            "မောင်",
            "Nguyễn Văn An",
            "Zoë 🎈",
            "👩\u{200d}🚀",
            "👩\u{200d}❤\u{fe0f}\u{200d}👨",
            "❤\u{fe0f} Anna",
            "Jean-Luc (admin’s friend)",
        ] {
            assert!(is_visible(name), "{name:?}");
        }
    }

    #[test]
    fn a_joiner_makes_no_second_name_of_letters_that_are_not_joined() {
        for text in [
            "ad\u{200d}min",
            "ad\u{200c}min",
            "admin\u{fe0f}",
            "1\u{fe0f}",
            "ад\u{200d}мин",
            "علی\u{200c}",
            "\u{200c}علی",
            "علی\u{200c} رضا",
            "علی\u{200c}\u{200c}رضا",
            "👩\u{200d}",
            "👩\u{200d}\u{fe0f}",
            "❤\u{fe0f}\u{fe0f}",
            "葛\u{e0100}\u{e0100}",
            "👩\u{200d}a",
            "क\u{200d}\u{2800}",
        ] {
            assert!(!is_visible(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_visible_text_stays_so_and_no_two_look_alike_by_what_is_hidden(text in "\\PC{0,20}") {
            let stripped: String = text.chars().filter(|c| !is_hidden(*c)).collect();
            prop_assert!(is_visible(&stripped));
            if is_visible(&text) && text.is_ascii() {
                prop_assert_eq!(stripped, text);
            }
        }
    }
}
