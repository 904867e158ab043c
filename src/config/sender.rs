//! The sender of mails: `"Hill Street <auth@example.org>"`.

use serde::{Deserialize, Serialize};

use crate::base::{EmailAddress, is_visible};

/// The `From` of every mail.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sender {
    /// The name that stands before the address.
    pub name: Option<String>,
    /// The address itself; bounces come back to it.
    pub address: EmailAddress,
}

impl TryFrom<String> for Sender {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "not a sender; write \"Name <auth@example.org>\" or \"auth@example.org\"";
        if !is_visible(&text) {
            return Err(WRONG);
        }
        let (name, address) = match text.split_once('<') {
            None => ("", text.as_str()),
            Some((name, rest)) => (name.trim(), rest.trim_end().strip_suffix('>').ok_or(WRONG)?),
        };
        let name = name.trim_matches('"');
        let address = EmailAddress::parse(address).map_err(|_| WRONG)?;
        Ok(Self { name: (!name.is_empty()).then(|| name.to_owned()), address })
    }
}

impl From<Sender> for String {
    fn from(sender: Sender) -> Self {
        match sender.name {
            Some(name) => format!("{name} <{}>", sender.address),
            None => sender.address.to_string(),
        }
    }
}
