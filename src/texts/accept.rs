//! Which language a reader gets of those that there are (content negotiation).

use super::language::{Language, wider};

/// Bytes of `Accept-Language` that are looked at.
const MAX_BYTES: usize = 200;
/// Languages in it that are looked at.
const MAX_RANGES: usize = 10;

/// Chooses the language that a browser asks for by `Accept-Language`, by RFC 4647's lookup: of its wishes, the highest
/// first, the one that there is, else what is left of it without its last parts. None if it asks for nothing that there is.
#[must_use]
pub(super) fn accepted<'a>(header: &str, offered: &'a [Language]) -> Option<&'a Language> {
    let header = header.get(..header.floor_char_boundary(MAX_BYTES)).unwrap_or_default();
    let mut ranges: Vec<(u16, &str)> = header.split(',').take(MAX_RANGES).filter_map(range).collect();
    let refused: Vec<&str> = ranges.iter().filter(|(weight, _)| *weight == 0).map(|(_, tag)| *tag).collect();
    ranges.retain(|(weight, _)| *weight > 0);
    // A stable sort: of equal wishes the first counts.
    ranges.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    let is_refused = |found: &Language| refused.iter().any(|tag| tag.eq_ignore_ascii_case(found.as_str()));
    ranges.into_iter().find_map(|(_, tag)| find(tag, offered).filter(|found| !is_refused(found)))
}

/// Reads `de-AT;q=0.8` as a weight in thousandths and a tag. What is not well formed asks for nothing.
fn range(text: &str) -> Option<(u16, &str)> {
    let mut parts = text.split(';').map(str::trim);
    let tag = parts.next().filter(|tag| !tag.is_empty() && *tag != "*")?;
    let weight = match parts.next() {
        None => 1000,
        Some(parameter) => thousandths(parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="))?)?,
    };
    Some((weight, tag))
}

/// Reads a weight (RFC 9110, 12.4.2): `1`, `0.8`, `0.125`.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let is_number = rest.len() <= 3 && rest.bytes().all(|byte| byte.is_ascii_digit());
    let part = format!("{rest:0<3}").parse::<u16>().ok().filter(|_| is_number)?;
    match whole {
        "0" => Some(part),
        "1" if part == 0 => Some(1000),
        _ => None,
    }
}

/// Finds the language that is offered for a tag: itself, else a wider one, else the first that is narrower (`pt-BR` for
/// `pt`).
fn find<'a>(tag: &str, offered: &'a [Language]) -> Option<&'a Language> {
    let tag = Language::parse(as_today(tag)).ok()?;
    let wide = tag.as_str().split('-').next().unwrap_or_default();
    // Chinese is written in two ways, and the places that write the traditional one do not say so.
    let script = match tag.as_str() {
        "zh-TW" | "zh-HK" | "zh-MO" => Some("zh-Hant"),
        _ if wide == "zh" && !tag.as_str().starts_with("zh-Hant") => Some("zh-Hans"),
        _ => None,
    };
    let mut tags: Vec<&str> = wider(tag.as_str()).collect();
    tags.splice(tags.len() - 1..tags.len() - 1, script);
    let exact = tags.into_iter().find_map(|tag| offered.iter().find(|one| one.as_str() == tag));
    // Traditional characters are no narrower form of simplified ones.
    let narrower = || offered.iter().find(|one| wide != "zh" && one.and_wider().any(|tag| tag == wide));
    exact.or_else(narrower)
}

/// Tags that browsers still send for what is called otherwise today.
fn as_today(tag: &str) -> &str {
    match tag.to_ascii_lowercase().as_str() {
        "iw" | "iw-il" => "he",
        "in" | "in-id" => "id",
        "no" | "no-no" | "nn" | "nn-no" => "nb",
        _ => tag,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_gets_a_language_that_they_ask_for() {
        let none = "-";
        for (header, offered, wanted) in [
            ("de", "en de", "de"),
            ("DE-de", "en de", "de"),
            ("de_AT", "en de", "de"),
            ("de-AT,de;q=0.9,en;q=0.8", "en de", "de"),
            ("fr,de;q=0.7,en;q=0.3", "en de", "de"),
            ("en;q=0.3, de;q=0.7", "en de", "de"),
            ("en;q=0.7, de;q=0.7", "de en", "en"),
            ("en-US,en;q=0.9", "de en", "en"),
            ("ko", "en de", none),
            ("", "en de", none),
            ("*", "en de", none),
            ("*;q=0.5, de", "en de", "de"),
            ("de;q=0", "en de", none),
            ("de;q=0.000, en;q=0.001", "en de", "en"),
            ("de;q=0, de-DE", "en de", none),
            ("de;q=2", "en de", none),
            ("de;q=0.1234", "en de", none),
            ("de;q=", "en de", none),
            ("de;level=1", "en de", none),
            ("de ; q=0.5 , en;q=0.4", "en de", "de"),
            ("xx,,;;,=,de", "en de", "de"),
            ("pt", "en pt-BR", "pt-BR"),
            ("pt-PT", "en pt-BR", "pt-BR"),
            ("pt-PT", "en pt pt-PT", "pt-PT"),
            ("pt-BR", "en pt", "pt"),
            ("zh-TW", "en zh-Hans zh-Hant", "zh-Hant"),
            ("zh-CN", "en zh-Hans zh-Hant", "zh-Hans"),
            ("zh-Hant-HK", "en zh-Hans zh-Hant", "zh-Hant"),
            ("zh-TW", "en zh-Hans", none),
            ("zh", "en zh-Hant zh-Hans", "zh-Hans"),
            ("no", "en nb", "nb"),
            ("iw", "en he", "he"),
            ("de-x-formal", "en de", "de"),
            ("de", "en de-x-formal", "de-x-formal"),
        ] {
            let offered: Vec<Language> = offered.split(' ').map(|tag| Language::parse(tag).expect("a tag")).collect();
            let found = accepted(header, &offered).map_or(none, Language::as_str);
            assert_eq!(found, wanted, "{header} of {offered:?}");
        }
    }

    #[test]
    fn a_long_list_is_read_so_far() {
        let offered = [Language::parse("de").expect("a tag")];
        assert_eq!(accepted(&format!("{}de", "fr,".repeat(9)), &offered), Some(&offered[0]));
        assert_eq!(accepted(&format!("{}de", "fr,".repeat(10)), &offered), None);
        assert_eq!(accepted(&format!("{},de", "f".repeat(250)), &offered), None);
        assert_eq!(accepted(&format!("de,{}", "ä".repeat(5000)), &offered), Some(&offered[0]), "cut within a letter");
    }
}
