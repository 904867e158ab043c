//! The paths that a rule is for.

use std::fmt;

use regex_lite::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::pattern_reach::{self, NeverMatches};

/// The longest regular expression, in bytes.
pub const MAX_PATTERN_BYTES: usize = 1000;
/// The most bytes that a compiled regular expression may take: three times what usual ones do. The time for a path is at
/// most in proportion to it.
pub const MAX_COMPILED_BYTES: usize = 8 * 1024;

/// A path and what lies below it (`/public`), or one path alone (`=/robots.txt`).
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPrefix {
    path: String,
    is_exact: bool,
}

impl PathPrefix {
    /// Returns the path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether it is for this path alone.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// Whether a path is among them.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        match path.strip_prefix(self.path.as_str()) {
            Some("") => true,
            Some(below) => !self.is_exact && (below.starts_with('/') || self.path.ends_with('/')),
            None => false,
        }
    }
}

impl TryFrom<String> for PathPrefix {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str =
            "not a path; write \"/public\" for it and what is below it, or \"=/robots.txt\" for it alone";
        let (path, is_exact) = text.strip_prefix('=').map_or((text.as_str(), false), |path| (path, true));
        if !path.starts_with('/') || path.chars().any(char::is_control) {
            return Err(WRONG.into());
        }
        if path.contains('*') {
            return Err(
                "a path has no star; write \"/public\", which is for everything below it, or use `pattern`".into()
            );
        }
        if path.contains(['?', '#']) {
            return Err("rules do not look at queries; write the path alone".into());
        }
        let is_encoded = |part: &str| part.len() > 1 && part.bytes().take(2).all(|b| b.is_ascii_hexdigit());
        if path.split('%').skip(1).any(is_encoded) {
            return Err("rules are matched with decoded paths; write what it stands for in place of the %".into());
        }
        let is_dotted = path.split('/').any(|segment| segment == "." || segment == "..");
        if is_dotted || path.contains("//") || path.contains(['\\', ';']) {
            return Err(
                "no path has it in the form that rules are matched with; leave out `..`, `//`, `;` and `\\`".into()
            );
        }
        Ok(Self { path: path.to_owned(), is_exact })
    }
}

impl From<PathPrefix> for String {
    fn from(prefix: PathPrefix) -> Self {
        prefix.to_string()
    }
}

impl fmt::Display for PathPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.is_exact { "=" } else { "" }, self.path)
    }
}

/// A regular expression that is searched for in a path, in time linear in its length.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathRegex {
    text: String,
    compiled: Regex,
}

impl PathRegex {
    /// Whether a path holds it.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.compiled.is_match(path)
    }

    /// Whether it is certain that every path holds it.
    #[must_use]
    pub fn matches_every_path(&self) -> bool {
        pattern_reach::matches_every_path(&self.text)
    }

    /// Returns why no path holds it, where that is certain.
    #[must_use]
    pub fn never_matches(&self) -> Option<NeverMatches> {
        pattern_reach::never_matches(&self.text)
    }

    /// Returns it as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for PathRegex {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl TryFrom<String> for PathRegex {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() || text.len() > MAX_PATTERN_BYTES {
            return Err(format!("not a pattern; write 1 to {MAX_PATTERN_BYTES} characters, like \"^/api/v[0-9]+/\""));
        }
        let compiled = RegexBuilder::new(&text).size_limit(MAX_COMPILED_BYTES).build();
        match compiled {
            Ok(compiled) => Ok(Self { text, compiled }),
            Err(error) if error.to_string().contains("size limit") => {
                Err("the pattern is too large once its repetitions are written out; repeat less, or use `paths`".into())
            }
            Err(_) => Err("not a regular expression that is known; write it like \"^/api/v[0-9]+/\", without look-around and back-references".into()),
        }
    }
}

impl From<PathRegex> for String {
    fn from(regex: PathRegex) -> Self {
        regex.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> PathPrefix {
        PathPrefix::try_from(text.to_owned()).expect(text)
    }

    #[test]
    fn a_prefix_ends_at_a_segments_border() {
        let public = prefix("/public");
        assert!(public.matches("/public") && public.matches("/public/") && public.matches("/public/a/b"));
        assert!(!public.matches("/publicity") && !public.matches("/Public") && !public.matches("/"));
        let folder = prefix("/public/");
        assert!(folder.matches("/public/a") && folder.matches("/public/") && !folder.matches("/public"));
        assert!(prefix("/").matches("/") && prefix("/").matches("/a"));
        let exact = prefix("=/robots.txt");
        assert!(exact.matches("/robots.txt") && !exact.matches("/robots.txt/") && !exact.matches("/robots.txt2"));
    }

    #[test]
    fn what_is_no_path_is_explained() {
        for (text, hint) in [
            ("", "write \"/public\""),
            ("public", "write \"/public\""),
            ("=", "write \"/public\""),
            ("/public/*", "no star"),
            ("/a?b=c", "queries"),
            ("/a%20b", "decoded"),
            ("/a/../b", "leave out"),
            ("//a", "leave out"),
            ("/a;b", "leave out"),
        ] {
            let said = PathPrefix::try_from(text.to_owned()).expect_err(text);
            assert!(said.contains(hint) && said.contains("; "), "{text}: {said}");
        }
        assert_eq!(prefix("=/100% wool").to_string(), "=/100% wool");
    }

    #[test]
    fn a_pattern_that_would_explode_is_refused() {
        for text in ["(a{1000}){1000}", "(((a{99}){99}){99}){99}", "[a-z]{100}[0-9]{900}x{500}"] {
            let said = PathRegex::try_from(text.to_owned()).expect_err(text);
            assert!(said.contains("too large"), "{text}: {said}");
        }
        for text in ["(", "(?=a)", "\\1", "", &"a".repeat(MAX_PATTERN_BYTES + 1), "[", "*"] {
            assert!(PathRegex::try_from(text.to_owned()).is_err(), "{text}");
        }
        let uuid = PathRegex::try_from("^/f/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$".to_owned()).expect("small");
        assert!(uuid.matches("/f/01234567-89ab-cdef-0123-456789abcdef") && !uuid.matches("/f/x"));
    }
}
