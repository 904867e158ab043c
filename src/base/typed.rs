//! Removes what comes along when a name is copied, pasted or dictated, and is not part of it.

use super::visible::is_hidden;

/// Whether a character surrounds words without being part of one: white space of every kind, and hidden
/// characters other than control characters. A byte order mark comes along from files, a no-break space from
/// pages, U+200B and U+202A to U+2069 from chats.
fn is_around(c: char) -> bool {
    c.is_whitespace() || (is_hidden(c) && !c.is_control())
}

/// Strips `text` of what surrounds it.
#[must_use]
pub fn bare(text: &str) -> &str {
    text.trim_matches(is_around)
}

/// Strips `text` of what groups its digits or letters for readers: white space and dashes of every kind.
#[must_use]
pub fn ungrouped(text: &str) -> String {
    text.chars().filter(|c| !is_around(*c) && !is_dash(*c)).collect()
}

/// Whether a character is a dash, as typed or as programs make it of one (general category Pd, and the minus sign).
#[must_use]
pub(super) const fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}')
}

/// Strips `text` of what surrounds it, the angle brackets of a mail's header (RFC 5322, 3.4), and the scheme of a link
/// to it: `mailto:` with what the mail was to say (RFC 6068), or `tel:` (RFC 3966).
#[must_use]
pub(super) fn unlinked<'a>(text: &'a str, scheme: &str) -> &'a str {
    let text = bare(text);
    let text = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).map_or(text, bare);
    if !text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)) {
        return text;
    }
    bare(text[scheme.len()..].split(['?', ';']).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_surrounds_a_name_is_dropped_and_nothing_within() {
        for around in [
            " ", "\t", "\r\n", "\u{a0}", "\u{85}", "\u{2003}", "\u{3000}", "\u{2028}", "\u{200b}", "\u{feff}",
            "\u{202a}",
        ] {
            assert_eq!(bare(&format!("{around}a{around}b{around}{around}")), format!("a{around}b"), "{around:?}");
        }
        assert_eq!(bare("\0a\u{1b}"), "\0a\u{1b}");
        assert_eq!(bare(" \u{feff} "), "");
    }

    #[test]
    fn links_and_brackets_are_undone() {
        for text in ["a@b.org", " <a@b.org>\n", "mailto:a@b.org", "MailTo:a@b.org?subject=Hello", "< mailto:a@b.org >"]
        {
            assert_eq!(unlinked(text, "mailto:"), "a@b.org", "{text}");
        }
        for text in ["a?b@c.org", "<a@b.org", "a@b.org>", "tel:a@b.org"] {
            assert_eq!(unlinked(text, "mailto:"), text);
        }
        assert_eq!(unlinked("tel:+49-30-1;ext=5", "tel:"), "+49-30-1");
    }
}
