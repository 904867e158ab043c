//! Explains what is not TOML. The parser says what it expected of the grammar; people want to know what to write.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::base::is_hidden;

/// Returns what was found at a place, and what to write instead.
pub(super) fn explain(parser: &str, text: &str, span: Range<usize>, parsed: &DeTable<'_>) -> (String, String) {
    if is_of_repetition(parser) {
        return twice(text, span, parsed);
    }
    let (line_start, line) = line_at(text, span.start);
    if ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].iter().any(|mark| line.starts_with(mark)) {
        let hint = "keep one of the two versions that it parts, and delete the marks".to_owned();
        return ("the mark of a merge that is not done".to_owned(), hint);
    }
    let is_invisible = |c: char| c != ' ' && c != '\t' && c != '\r' && (is_hidden(c) || c.is_whitespace());
    let invisible = line.chars().find(|c| is_invisible(*c)).map(|c| {
        let what = if c.is_control() { "the control character" } else { "an invisible" };
        let hint = "delete it; an editor that shows all characters finds it".to_owned();
        (format!("the line holds {what} U+{:04X}", u32::from(c)), hint)
    });
    let is_all = ["", " "].iter().any(|without| is_toml(&line.replace(is_invisible, without)));
    if let Some(invisible) = invisible.clone().filter(|_| is_all) {
        return invisible;
    }
    let line = line.trim();
    if let Some((cause, mended)) = mended(line) {
        return (cause.to_owned(), format!("write {mended}"));
    }
    if let Some(invisible) = invisible {
        return invisible;
    }
    if let Some(key) = line.strip_suffix('=') {
        let key = key.trim();
        return (format!("`{key}` has no value"), format!("write {key} = \"…\", or delete the line"));
    }
    for (open, close, what) in [("array", "]", "a list"), ("inline table", "}", "a table in braces")] {
        if parser.contains("unclosed") && parser.contains(open) {
            return (format!("{what} does not end"), format!("put {close} behind its last item"));
        }
        if parser.contains("comma") && text[line_start..].contains(close) {
            let hint = "one comma stands between two items, and none before the first".to_owned();
            return (format!("the commas of {what} are not right"), hint);
        }
    }
    (
        "this is no setting".to_owned(),
        "a setting is `key = value` on a line of its own, with texts in straight quotation marks; a section is [name]; a comment begins with #".to_owned(),
    )
}

/// Drops the value from a hint that shows a line as it was meant, if it is not a setting of ours: the file may be
/// another, such as `/etc/shadow`, or somebody wrote a secret where its file is to be named, and this goes to a log.
pub(super) fn without_value(hint: String, is_known: impl Fn(&str) -> bool) -> String {
    let Some((key, _)) = hint.strip_prefix("write ").and_then(|line| line.split_once('=')) else {
        return if hint.starts_with("write #") { "a comment begins with #".to_owned() } else { hint };
    };
    let key = key.trim();
    let is_secretive = ["password", "secret", "token", "credential"].iter().any(|word| key.contains(word));
    if is_known(key) && !is_secretive { hint } else { format!("write {key} = \"…\"") }
}

fn line_at(text: &str, at: usize) -> (usize, &str) {
    let line = line_range(text, at);
    (line.start, &text[line])
}

/// The most lines that are looked for that are not TOML: a file with more of them is something else.
const MAX_BROKEN_LINES: usize = 8;

/// Returns the text with blanks in place of lines that are not TOML, and the parser's errors in those: at some it gives
/// up and skips what follows, which would then seem to be missing.
pub(super) fn without_broken_lines(text: &str) -> (String, Vec<toml::de::Error>) {
    let mut readable = text.to_owned();
    let (mut found, mut lines) = (Vec::new(), BTreeSet::new());
    loop {
        let (_, errors) = DeTable::parse_recoverable(&readable);
        let mut blanked = Vec::new();
        for error in errors {
            let line = line_range(&readable, error.span().unwrap_or(0..0).start);
            if !lines.insert(line.start) {
                continue;
            }
            if !is_of_repetition(error.message()) && stands_alone(&readable[line.clone()]) {
                blanked.push(line);
            }
            found.push(error);
        }
        if blanked.is_empty() || found.len() > MAX_BROKEN_LINES {
            return (readable, found);
        }
        for line in blanked {
            let blanks = " ".repeat(line.len());
            readable.replace_range(line, &blanks);
        }
    }
}

/// Returns the top-level section that a byte stands in; none before the first, or on the line of a heading.
pub(super) fn section_at(text: &str, at: usize) -> Option<String> {
    let at = text.floor_char_boundary(at);
    let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    if text[line_start..].trim_start().starts_with('[') {
        return None;
    }
    let heading = text[..line_start].lines().rev().map(str::trim).find(|line| line.starts_with('['))?;
    let name = heading.trim_start_matches('[').split([']', '.']).next().unwrap_or_default();
    Some(name.trim().trim_matches('"').to_owned())
}

/// Returns where the line of a byte begins and ends.
fn line_range(text: &str, at: usize) -> Range<usize> {
    let at = text.floor_char_boundary(at);
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    start..text[start..].find('\n').map_or(text.len(), |newline| start + newline)
}

/// Whether what follows a line means the same without it: it is not a heading, and nothing in it goes on in the next.
fn stands_alone(line: &str) -> bool {
    let count = |sign: char| line.matches(sign).count();
    let is_closed = count('[') == count(']') && count('{') == count('}');
    is_closed && !line.trim_start().starts_with('[') && !line.contains("\"\"\"") && !line.contains("'''")
}

/// Whether the parser reports that a key or a section is repeated. It goes on behind that.
pub(super) fn is_of_repetition(parser: &str) -> bool {
    parser.contains("duplicate key")
}

fn twice(text: &str, span: Range<usize>, parsed: &DeTable<'_>) -> (String, String) {
    let (_, line) = line_at(text, span.start);
    let is_section = line.trim_start().starts_with('[');
    let name = text.get(span.clone()).unwrap_or_default().trim();
    let name = if is_section { line.trim().to_owned() } else { format!("`{name}`") };
    let key = text.get(span.clone()).unwrap_or_default();
    let first = if is_section {
        let (start, _) = line_at(text, span.start);
        text[..start].lines().position(|other| other.trim() == line.trim()).map(|lines| lines + 1)
    } else {
        first_place(parsed, key, span.start).map(|at| text[..at].matches('\n').count() + 1)
    };
    let first = first.map(|line| format!("it stands in line {line} already; ")).unwrap_or_default();
    let what = if is_section { "put everything below one of them" } else { "keep one of them" };
    (format!("{name} stands here a second time"), first + what)
}

/// Returns where a key of this name stands before.
fn first_place(table: &DeTable<'_>, key: &str, before: usize) -> Option<usize> {
    let places = table.iter().flat_map(|(name, value)| {
        let own = (name.get_ref() == key && name.span().start < before).then(|| name.span().start);
        let inner = match value.get_ref() {
            DeValue::Table(inner) => first_place(inner, key, before),
            _ => None,
        };
        [own, inner]
    });
    places.flatten().max()
}

/// Returns the line as it was meant, if a common correction makes it valid, and what was wrong with it.
fn mended(line: &str) -> Option<(&'static str, String)> {
    const TYPOGRAPHIC: [char; 15] = ['“', '”', '„', '‟', '‘', '’', '‚', '‛', '«', '»', '‹', '›', '″', '′', '＂'];
    let straight = |line: &str| line.replace(TYPOGRAPHIC, "\"");
    if line.contains(TYPOGRAPHIC) && is_toml(&straight(line)) {
        return Some(("the quotation marks are typographic ones", straight(line)));
    }
    if line.starts_with('[') {
        let name = line.trim_matches(['[', ']', ' ']);
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        return is_name.then(|| ("the name of a section stands between one [ and one ]", format!("[{name}]")));
    }
    for sign in ["//", ";", "--", "<!--"] {
        if let Some(comment) = line.strip_prefix(sign) {
            return Some(("this is no comment", format!("#{comment}")));
        }
    }
    let without = line.trim_end_matches([';', ',']);
    if without.len() < line.len() && is_toml(without) {
        return Some(("there is something behind the value", without.to_owned()));
    }
    if let Some(name) = line.strip_suffix(':').filter(|name| is_toml(&format!("[{name}]"))) {
        return Some(("a section is a name in brackets", format!("[{name}]")));
    }
    let is_key = |key: &str| key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let parts = ['=', ':', ' '].into_iter().filter_map(|sign| line.split_once(sign));
    let (key, value) = parts.map(|(key, value)| (key.trim(), value)).find(|(key, _)| is_key(key))?;
    let value = value.trim_start_matches('=').trim();
    let setting = |value: &str| Some(format!("{key} = {value}")).filter(|line| is_toml(line));
    if !line.contains('=')
        && let Some(line) = setting(value)
    {
        return Some(("`=` stands between a key and its value", line));
    }
    let lower = value.to_ascii_lowercase();
    let meant = match lower.as_str() {
        "true" | "yes" | "on" => Some("true"),
        "false" | "no" | "off" => Some("false"),
        _ => None,
    };
    // `off` and `on` may be words of ours as well, in quotation marks.
    if let Some(line) = meant.filter(|_| lower != "off" && lower != "on").and_then(&setting) {
        return Some(("what is either way is `true` or `false`, in small letters", line));
    }
    if value.len() > 1 && value.starts_with('0') && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return setting(value.trim_start_matches('0')).map(|line| ("a number does not begin with 0", line));
    }
    let quotes = value.matches('"').count() + value.matches('\'').count();
    if value.contains('\\')
        && let Some(line) = setting(&format!("'{}'", value.trim_matches('"')))
    {
        return Some(("`\\` means something in double quotation marks", line));
    }
    if value.starts_with('[') {
        let items = value.replace("\" \"", "\", \"").replace("\"\"", "\", \"");
        let closed = format!("{}]", value.trim_end_matches([',', ' ']));
        let commas = setting(&items).map(|line| ("a comma is missing between two items of a list", line));
        return commas.or_else(|| setting(&closed).map(|line| ("a list does not end", line)));
    }
    let bare = value.trim_matches(['"', '\'']).trim();
    let quoted = setting(&format!("\"{bare}\"")).filter(|_| !bare.is_empty() && !bare.contains(['"', '#', '\\']))?;
    let is_half_quoted = quotes % 2 == 1;
    Some((if is_half_quoted { "a quotation mark is missing" } else { "a text stands between quotation marks" }, quoted))
}

fn is_toml(line: &str) -> bool {
    DeTable::parse(line).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_secret_is_not_repeated() {
        let hint = |line: &str| without_value(format!("write {line}"), |key| ["url", "password_file"].contains(&key));
        assert_eq!(hint("url = \"https://a.example\""), "write url = \"https://a.example\"");
        assert_eq!(hint("root = \"*:20228:0\""), "write root = \"…\"");
        assert_eq!(hint("password_file = \"hunter2\""), "write password_file = \"…\"");
        assert_eq!((hint("#hunter2").as_str(), hint("[site]").as_str()), ("a comment begins with #", "write [site]"));
    }

    #[test]
    fn lines_are_mended_as_they_were_meant() {
        for (line, meant) in [
            ("url = “https://a.example”", "url = \"https://a.example\""),
            ("name = „Haus“", "name = \"Haus\""),
            ("url = \"https://a.example", "url = \"https://a.example\""),
            ("url = https://a.example\"", "url = \"https://a.example\""),
            ("url = https://a.example", "url = \"https://a.example\""),
            ("mode = off", "mode = \"off\""),
            ("url: \"https://a.example\"", "url = \"https://a.example\""),
            ("url \"https://a.example\"", "url = \"https://a.example\""),
            ("url == \"https://a.example\"", "url = \"https://a.example\""),
            ("enabled = True", "enabled = true"),
            ("enabled = no", "enabled = false"),
            ("port = 0587", "port = 587"),
            ("port = 587;", "port = 587"),
            ("[site", "[site]"),
            ("[mail smtp]", ""),
            ("[[site]", "[site]"),
            ("; a comment", "# a comment"),
            ("site:", "[site]"),
            ("path = \"C:\\store\\x\"", "path = 'C:\\store\\x'"),
            ("https = [\"[::]:443\" \"[::]:444\"]", "https = [\"[::]:443\", \"[::]:444\"]"),
            ("https = [\"[::]:443\"", "https = [\"[::]:443\"]"),
        ] {
            let mended = mended(line).map(|(_, line)| line);
            assert_eq!(mended.unwrap_or_default(), meant, "{line}");
        }
    }
}
