//! How people reach those who run the site.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::EmailAddress;

use super::HttpsUrl;

/// `mailto:` with an address, or an `https://` URL.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Contact(String);

impl Contact {
    /// Returns the URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns what a person is shown: the address, or the URL.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.0.strip_prefix("mailto:").unwrap_or(&self.0)
    }
}

impl TryFrom<String> for Contact {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "nothing that people can open; write it like \"mailto:people@example.org\" or \"https://example.org/contact\"";
        // A URL: what an address may hold beyond these would have to be encoded (RFC 6068, 2).
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"@.-_~+!$'*".contains(&b);
        match text.strip_prefix("mailto:") {
            Some(address) if address.bytes().all(is_plain) && EmailAddress::parse(address).is_ok() => Ok(Self(text)),
            Some(_) => Err(WRONG),
            None => HttpsUrl::try_from(text).map(|url| Self(url.into())).map_err(|_| WRONG),
        }
    }
}

impl From<Contact> for String {
    fn from(contact: Contact) -> Self {
        contact.0
    }
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_an_address_or_a_page() {
        let shown = |text: &str| Contact::try_from(text.to_owned()).map(|contact| contact.shown().to_owned());
        assert_eq!(shown("mailto:people@example.org").as_deref(), Ok("people@example.org"));
        assert_eq!(shown("https://example.org/contact?a=b").as_deref(), Ok("https://example.org/contact?a=b"));
        for text in [
            "",
            "people@example.org",
            "mailto:",
            "mailto:people",
            "mailto:a@example.org?subject=x",
            "mailto:a@example.org,b@example.org",
            "mailto:a@example.org\r\nBcc: b@example.org",
            "http://example.org/",
            "javascript:alert(1)",
            "data:text/html,x",
            "//example.org/",
        ] {
            assert!(shown(text).is_err(), "{text}");
        }
    }
}
