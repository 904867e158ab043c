//! The methods of requests.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::doubt::Doubt;

/// A method in capital letters: `GET`, `M-SEARCH`. Methods are told apart by case (RFC 9110, 9.1), but some servers do
/// not, so any other spelling is refused.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestMethod(Cow<'static, str>);

/// Those of nearly all requests, which take no memory.
const USUAL: [&str; 7] = ["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"];

impl RequestMethod {
    const MAX_BYTES: usize = 32;

    /// Parses a method.
    ///
    /// # Errors
    /// When it is empty, too long or not in capital letters.
    pub fn parse(text: &str) -> Result<Self, Doubt> {
        if let Some(usual) = USUAL.into_iter().find(|usual| *usual == text) {
            return Ok(Self(Cow::Borrowed(usual)));
        }
        let plain = |b: u8| b.is_ascii_uppercase() || b == b'-' || b == b'_';
        let is_method = (1..=Self::MAX_BYTES).contains(&text.len()) && text.bytes().all(plain);
        if is_method { Ok(Self(Cow::Owned(text.to_owned()))) } else { Err(Doubt::Method) }
    }

    /// Returns it as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RequestMethod {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).map_err(|_| "not a method; write it in capital letters, like \"GET\"")
    }
}

impl From<RequestMethod> for String {
    fn from(method: RequestMethod) -> Self {
        method.0.into_owned()
    }
}

impl fmt::Display for RequestMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_in_capital_letters() {
        for good in ["GET", "PROPFIND", "M-SEARCH", "VERSION-CONTROL"] {
            assert!(RequestMethod::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "get", "Get", "GET ", "GET\0", "G\u{c9}T", &"A".repeat(33)] {
            assert_eq!(RequestMethod::parse(bad), Err(Doubt::Method), "{bad:?}");
        }
    }
}
