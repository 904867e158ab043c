//! Selects addresses by what stands behind their `@`.

use serde::{Deserialize, Serialize};

use crate::base::EmailAddress;

/// `example.org`, or `*.example.org` for every domain below it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct MailDomain {
    name: String,
    is_below: bool,
}

impl MailDomain {
    /// Whether an address is in this domain.
    #[must_use]
    pub fn includes(&self, address: &EmailAddress) -> bool {
        let domain = address.domain();
        if self.is_below {
            domain.strip_suffix(&self.name).is_some_and(|before| before.len() > 1 && before.ends_with('.'))
        } else {
            domain == self.name
        }
    }
}

impl TryFrom<String> for MailDomain {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (name, is_below) = text.strip_prefix("*.").map_or((text.as_str(), false), |name| (name, true));
        // What can stand behind an `@`, in the form in which addresses keep it.
        let somebody = EmailAddress::parse(&format!("somebody@{name}")).ok().filter(|_| !name.contains('@'));
        let somebody =
            somebody.ok_or("not a domain; write \"example.org\", or \"*.example.org\" for what is below it")?;
        Ok(Self { name: somebody.domain().to_owned(), is_below })
    }
}

impl From<MailDomain> for String {
    fn from(domain: MailDomain) -> Self {
        if domain.is_below { format!("*.{}", domain.name) } else { domain.name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn includes(domain: &str, address: &str) -> bool {
        let domain = MailDomain::try_from(domain.to_owned()).expect("a domain");
        domain.includes(&EmailAddress::parse(address).expect("an address"))
    }

    #[test]
    fn a_domain_is_itself_and_a_star_is_what_is_below() {
        assert!(includes("Example.org", "ada@EXAMPLE.ORG") && !includes("example.org", "ada@mail.example.org"));
        assert!(includes("*.example.org", "ada@a.b.example.org") && !includes("*.example.org", "ada@example.org"));
        assert!(!includes("example.org", "ada@badexample.org") && !includes("*.example.org", "ada@badexample.org"));
        assert!(includes("bücher.example", "ada@xn--bcher-kva.example"));
        assert!(!includes("example.org", "ada@example.org.evil.test"));
    }

    #[test]
    fn what_cannot_stand_behind_an_at_sign_is_refused() {
        for text in ["", "*", "*.", "org", "a@example.org", "*.*.example.org", "exa mple.org", ".example.org"] {
            assert!(MailDomain::try_from(text.to_owned()).is_err(), "{text:?}");
        }
        for text in ["example.org", "*.example.org"] {
            assert_eq!(String::from(MailDomain::try_from(text.to_owned()).expect("a domain")), text);
        }
    }
}
