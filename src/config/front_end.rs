//! The URL of a front end that has pages of its own.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::SiteUrl;

/// `https://host[:port][/path]`, or `http://` on loopback; without a trailing slash.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct FrontEndUrl {
    origin: SiteUrl,
    path: String,
}

impl FrontEndUrl {
    /// Returns the origin, as browsers send it in `Origin`.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.origin.origin()
    }

    /// Returns the URL of one of its pages, with what is in the query: a word
    /// and a value of ours, which need no escaping.
    #[must_use]
    pub fn link(&self, page: &str, (name, value): (&str, &str)) -> String {
        format!("{self}{page}?{name}={value}")
    }
}

impl TryFrom<String> for FrontEndUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "not the URL of a front end; write it like \"https://app.example.org\", without a query";
        let (scheme, rest) = text.split_once("://").ok_or(WRONG)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let origin = SiteUrl::try_from(format!("{scheme}://{authority}"))?;
        let path = path.strip_suffix('/').unwrap_or(path);
        let is_plain = |segment: &str| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
            !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(plain)
        };
        if path.split('/').skip(1).all(is_plain) { Ok(Self { origin, path: path.to_owned() }) } else { Err(WRONG) }
    }
}

impl From<FrontEndUrl> for String {
    fn from(url: FrontEndUrl) -> Self {
        url.to_string()
    }
}

impl fmt::Display for FrontEndUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_front_end_may_live_below_a_path() {
        let link =
            |text: &str| FrontEndUrl::try_from(text.to_owned()).map(|url| url.link("/reset", ("token", "glt_x")));
        assert_eq!(link("https://app.example.org").as_deref(), Ok("https://app.example.org/reset?token=glt_x"));
        assert_eq!(
            link("https://example.org:8443/a/b/").as_deref(),
            Ok("https://example.org:8443/a/b/reset?token=glt_x")
        );
        assert_eq!(link("http://localhost:5173").as_deref(), Ok("http://localhost:5173/reset?token=glt_x"));
        for wrong in [
            "app.example.org",
            "http://app.example.org",
            "https://app.example.org/a?b",
            "https://app.example.org/#/",
            "https://app.example.org//a",
            "https://app.example.org/../a",
            "https://me@app.example.org/",
            "javascript:alert(1)",
        ] {
            assert!(link(wrong).is_err(), "{wrong}");
        }
    }
}
