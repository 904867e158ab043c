//! Finds what a regular expression reaches, without a path: everything, or nothing.

use std::iter::Peekable;
use std::str::Chars;

/// The reason why a pattern matches no path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NeverMatches {
    /// It asks for a path that begins with something else than a slash.
    NoSlash,
    /// It asks for something behind the end of the path.
    AfterEnd,
    /// It asks for a question mark or a number sign: neither query nor fragment is part of the path.
    Query,
}

/// Whether a pattern matches every path, written as people write that.
pub(super) fn matches_every_path(text: &str) -> bool {
    let text = text.replace("\\/", "/");
    let body = text.strip_prefix('^').unwrap_or(&text);
    match body.strip_suffix('$') {
        Some("") => text == "$",
        Some(rest) => matches!(rest, ".*" | "/.*" | "(.*)" | "/(.*)" | ".+" | "(.+)"),
        None => matches!(body, "" | "/" | "." | ".*" | "/.*" | "(.*)" | "/(.*)" | ".+" | "(.+)"),
    }
}

/// Returns why a pattern matches no path, where that is certain.
pub(super) fn never_matches(text: &str) -> Option<NeverMatches> {
    let reasons: Option<Vec<NeverMatches>> = branches(text)?.iter().map(|branch| fault(branch)).collect();
    reasons?.first().copied()
}

/// A part of a regular expression outside of all groups.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Atom {
    Start,
    End,
    Literal(char),
    /// One of several characters.
    Class,
    /// A group, or what takes no character: nothing is concluded from it.
    Other,
}

/// A part, and whether it may be left out.
struct Piece {
    atom: Atom,
    is_optional: bool,
}

fn fault(branch: &[Piece]) -> Option<NeverMatches> {
    let needed = |piece: &Piece| !piece.is_optional && matches!(piece.atom, Atom::Literal(_) | Atom::Class);
    let is_start = |piece: &Piece| !piece.is_optional && piece.atom == Atom::Start;
    let is_end = |piece: &Piece| !piece.is_optional && piece.atom == Atom::End;
    let is_query = |piece: &Piece| !piece.is_optional && matches!(piece.atom, Atom::Literal('?' | '#'));
    let begins_otherwise = match branch {
        [start, first, ..] if is_start(start) => needed(first) && matches!(first.atom, Atom::Literal(c) if c != '/'),
        _ => false,
    };
    let mut after_end = branch.iter().skip_while(|piece| !is_end(piece));
    match () {
        () if branch.iter().any(is_query) => Some(NeverMatches::Query),
        () if begins_otherwise => Some(NeverMatches::NoSlash),
        () if after_end.any(needed) => Some(NeverMatches::AfterEnd),
        () => None,
    }
}

/// Splits a pattern into its alternatives; none if it has flags or anything else by which its signs mean something else.
fn branches(text: &str) -> Option<Vec<Vec<Piece>>> {
    let mut branches = vec![Vec::new()];
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let branch = branches.last_mut()?;
        let atom = match c {
            '|' => {
                branches.push(Vec::new());
                continue;
            }
            '*' | '?' | '{' => {
                branch.last_mut().into_iter().for_each(|piece: &mut Piece| piece.is_optional = true);
                if c == '{' {
                    rest.by_ref().find(|c| *c == '}');
                }
                continue;
            }
            '+' => continue,
            '^' => Atom::Start,
            '$' => Atom::End,
            '.' => Atom::Class,
            '\\' => escaped(rest.next()?)?,
            '[' => {
                skip_class(&mut rest)?;
                Atom::Class
            }
            '(' => {
                skip_group(&mut rest)?;
                Atom::Other
            }
            c => Atom::Literal(c),
        };
        branch.push(Piece { atom, is_optional: false });
    }
    Some(branches)
}

fn escaped(c: char) -> Option<Atom> {
    match c {
        'd' | 'D' | 's' | 'S' | 'w' | 'W' => Some(Atom::Class),
        '<' | '>' => Some(Atom::Other),
        c if c.is_ascii_punctuation() => Some(Atom::Literal(c)),
        _ => None,
    }
}

/// Skips what stands between a bracket and the one that closes it.
fn skip_class(rest: &mut Peekable<Chars<'_>>) -> Option<()> {
    rest.next_if_eq(&'^');
    // One at the beginning is a sign like others.
    rest.next_if_eq(&']');
    loop {
        match rest.next()? {
            ']' => return Some(()),
            '[' => return None,
            '\\' => drop(rest.next()),
            _ => {}
        }
    }
}

/// Skips what stands between a parenthesis and the one that closes it.
fn skip_group(rest: &mut Peekable<Chars<'_>>) -> Option<()> {
    let mut depth = 1;
    let mut is_opened = true;
    while depth > 0 {
        let has_flags = is_opened && rest.next_if_eq(&'?').is_some() && rest.next() != Some(':');
        if has_flags {
            return None;
        }
        is_opened = false;
        match rest.next()? {
            '(' => {
                depth += 1;
                is_opened = true;
            }
            ')' => depth -= 1,
            '[' => skip_class(rest)?,
            '\\' => drop(rest.next()),
            _ => {}
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex_lite::Regex;

    use super::*;

    const PATHS: [&str; 7] = ["/", "/a", "/public", "/a/b", "//", "/a b/\u{fc}", "/$a^"];

    #[test]
    fn what_matches_every_path_is_known_by_how_it_is_written() {
        for text in [
            ".*", "^.*", "^.*$", ".*$", "^/", "^/.*", "^/.*$", "/", "/.*$", "", "^", "$", "^\\/", "^(.*)$", "^/(.*)",
            ".", "^.+$",
        ] {
            let regex = Regex::new(text).expect(text);
            assert!(matches_every_path(text) && PATHS.iter().all(|path| regex.is_match(path)), "{text}");
        }
        for text in ["^/$", "^$", "/$", "^/a", "a", "^/.", "^//", "\\.*", "/\\$", "^/.+$", "^/[a-z]*$"] {
            assert!(!matches_every_path(text), "{text}");
        }
    }

    #[test]
    fn what_never_matches_is_told_by_its_reason() {
        for (text, reason) in [
            ("^public", NeverMatches::NoSlash),
            ("^public/.*$", NeverMatches::NoSlash),
            ("^\\.git", NeverMatches::NoSlash),
            ("^a+/", NeverMatches::NoSlash),
            ("^a|^b", NeverMatches::NoSlash),
            ("^/a$b", NeverMatches::AfterEnd),
            ("^/a$/.*", NeverMatches::AfterEnd),
            ("$[a-z]", NeverMatches::AfterEnd),
            ("^/a\\?b=c", NeverMatches::Query),
            ("\\?", NeverMatches::Query),
            ("^/#/admin", NeverMatches::Query),
            ("^/(a|b)\\?c", NeverMatches::Query),
        ] {
            assert_eq!(never_matches(text), Some(reason), "{text}");
        }
    }

    #[test]
    fn what_may_match_is_left_alone() {
        for text in [
            "^/public",
            "^a*/",
            "^a?/x",
            "^a{0,1}/",
            "^(a|/b)",
            "^a|^/b",
            "(^|/)a",
            "^/x(/|$)",
            "^/x$",
            "^/x$|^/y",
            "a$",
            "$",
            "^/x\\$y",
            "^/x[$]y",
            "^/x[?]",
            "^/x[]#]",
            "^/a\\??",
            "^/a#?",
            "^/a\\?*",
            "^/x$/*",
            "^/x$(y)?",
            "(?i)^/a",
            "(?x) ^/a # all of it",
            "^\\x2fa",
            "^[^a]",
            "^.a",
            "^\\W",
            "^[[:punct:]]",
            "^(?:/a)",
            "^/a$$",
            "^$?/a",
        ] {
            assert_eq!(never_matches(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_matches_that_is_said_to_match_nothing(
            text in "(\\^|\\$|/|a|b|\\.|\\*|\\+|\\?|\\||\\(|\\)|\\(\\?:|\\[a/\\]|\\[\\^a\\]|\\\\\\?|\\\\/|#|\\{0\\}|\\{2\\}|\\\\b|\\(\\?x\\)){1,7}",
            path in "/[ab/$^]{0,6}",
        ) {
            if let Ok(regex) = Regex::new(&text) {
                prop_assert!(never_matches(&text).is_none() || !regex.is_match(&path), "{} {}", text, path);
                prop_assert!(!matches_every_path(&text) || regex.is_match(&path), "{} {}", text, path);
            }
        }
    }
}
