//! Names of browsers and programs, in words for people. They are stored in English, and said in the reader's language.

use crate::texts::{Text, agent};

/// Signs in the name that a browser gives itself, and what to call it. The first that is found counts: all of them
/// claim to be others as well.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];
/// The same for operating systems.
const SYSTEMS: &[(&str, &str)] = &[
    ("Android", "Android"),
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

const UNKNOWN: &str = "an unknown program";

/// Returns "Firefox on Linux", as far as it can be told. Nothing of the text itself comes back.
#[must_use]
pub fn in_words(agent: &str) -> String {
    let find =
        |list: &[(&str, &'static str)]| list.iter().find(|(sign, _)| agent.contains(sign)).map(|(_, name)| *name);
    match (find(BROWSERS), find(SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("a program on {system}"),
        (None, None) => UNKNOWN.to_owned(),
    }
}

/// Returns what [`in_words`] once said as a text, for readers of any language.
#[must_use]
pub fn text(words: &str) -> Text {
    let system = |name: &str| name.strip_prefix("an ").unwrap_or(name).to_owned();
    match words.split_once(" on ") {
        Some(("a program", on)) => agent::program_on_system(system(on)),
        Some((browser, on)) => agent::browser_on_system(browser, system(on)),
        None if words == UNKNOWN => agent::unknown(),
        None => agent::browser(words),
    }
}

#[cfg(test)]
mod tests {
    use super::{in_words, text};

    #[test]
    fn what_is_stored_in_english_is_said_in_any_language() {
        for (agent, words) in [
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.5.0", "curl"),
            ("mail (Linux)", "a program on Linux"),
            ("", "an unknown program"),
        ] {
            assert_eq!(text(&in_words(agent)).in_english(), words);
        }
        assert_eq!(text(&in_words("")).key(), "agent.unknown");
    }

    #[test]
    fn browsers_are_told_by_what_only_they_say() {
        for (agent, words) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
                "Safari on an iPhone",
            ),
            ("curl/8.5.0", "curl"),
            ("", "an unknown program"),
            ("<script>alert(1)</script>", "an unknown program"),
        ] {
            assert_eq!(in_words(agent), words);
        }
    }
}
