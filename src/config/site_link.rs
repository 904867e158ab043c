//! A page of the house that ours link to: its imprint, its privacy policy.

use serde::{Deserialize, Serialize};

use super::{HttpsUrl, SiteUrl};

/// An `https://` URL, or a path of the site, as where a proxy serves more than ours.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct SiteLink(String);

impl SiteLink {
    /// Returns what a page of the site links to.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the whole URL, for a mail.
    #[must_use]
    pub fn absolute(&self, site: &SiteUrl) -> String {
        if self.0.starts_with('/') { format!("{}{}", site.origin(), self.0) } else { self.0.clone() }
    }
}

impl TryFrom<String> for SiteLink {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str =
            "no page; write it like \"https://example.org/privacy\", or a path of the site like \"/privacy\"";
        // `//host` and `/\host` are other sites to a browser.
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_.~%?=&#".contains(&b);
        let is_path = text.starts_with('/') && !text.starts_with("//") && text.bytes().all(is_plain);
        if is_path { Ok(Self(text)) } else { HttpsUrl::try_from(text).map(|url| Self(url.into())).map_err(|_| WRONG) }
    }
}

impl From<SiteLink> for String {
    fn from(link: SiteLink) -> Self {
        link.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_a_page_here_or_over_tls() {
        let site = SiteUrl::try_from("https://auth.example.org".to_owned()).expect("a site");
        let absolute = |text: &str| SiteLink::try_from(text.to_owned()).map(|link| link.absolute(&site));
        assert_eq!(absolute("/privacy#cookies").as_deref(), Ok("https://auth.example.org/privacy#cookies"));
        assert_eq!(absolute("https://example.org/imprint").as_deref(), Ok("https://example.org/imprint"));
        for text in [
            "",
            "privacy",
            "//evil.example/",
            "/\\evil.example",
            "http://example.org/",
            "javascript:alert(1)",
            "/a\"b",
            "/a b",
        ] {
            assert!(absolute(text).is_err(), "{text}");
        }
    }
}
