//! What access rules and other applications are told of somebody (forward auth).

use bytes::Bytes;

use crate::accounts::Person;
use crate::base::GroupName;
use crate::gate::{ProofKind, RuleUser, Visitor};
use crate::sessions::Session;

/// What access rules and applications are told of a caller; made once, as long as the caller is cached.
#[derive(Debug)]
pub struct AtDoor {
    /// The caller as rules see them.
    pub visitor: Visitor,
    /// The user name, else the address; in the form for headers, as all that follow.
    pub user: Bytes,
    /// The groups, with commas between them.
    pub groups: Bytes,
    /// The address, if there is one.
    pub email: Bytes,
    /// The display name, if there is one.
    pub name: Bytes,
}

impl AtDoor {
    /// Gathers it of a person with a session.
    pub(super) fn of(person: &Person, session: &Session, proof: ProofKind) -> Self {
        let Person { account, username, email, .. } = person;
        let shown = email.as_ref().map_or("", |email| &email.shown);
        let names = username.as_ref().map(RuleUser::from);
        let addresses = email.as_ref().map(|email| RuleUser::from(&email.address));
        let groups: Vec<&str> = account.groups.iter().map(GroupName::as_str).collect();
        Self {
            visitor: Visitor {
                names: names.into_iter().chain(addresses).collect(),
                groups: account.groups.clone(),
                has_second_factor: session.has_second_factor(),
                proof,
            },
            user: in_ascii(username.as_ref().map_or(shown, |name| name.as_str())),
            groups: in_ascii(&groups.join(",")),
            email: in_ascii(shown),
            name: in_ascii(account.name.as_ref().map_or("", |name| name.as_str())),
        }
    }
}

/// Returns a text as headers carry it: ASCII that prints, and everything else percent-encoded. The percent sign is too,
/// so that no two texts become one.
fn in_ascii(text: &str) -> Bytes {
    const UNSAFE: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS.add(b'%');
    percent_encoding::utf8_percent_encode(text, UNSAFE).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_headers_carry_is_ascii_and_tells_texts_apart() {
        assert_eq!(in_ascii("Ada Lovelace"), "Ada Lovelace");
        assert_eq!(in_ascii("J\u{fc}rgen\r\n"), "J%C3%BCrgen%0D%0A");
        assert_eq!(in_ascii("J%C3%BCrgen"), "J%25C3%25BCrgen");
        assert_eq!(in_ascii(""), "");
    }
}
