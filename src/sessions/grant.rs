//! What a credential is good for: a session for everything, a token for a part.

use std::collections::BTreeSet;

use crate::gate::{Host, HostPattern};
use crate::store::stored_enum;

stored_enum! {
    /// A scope of a token. It never allows more than its owner may do.
    Scope {
        /// The owner's profile and permissions.
        Profile = 1 "profile",
        /// Questions about the permissions of others.
        Ask = 2 "ask",
        /// Whatever administrators see.
        AdminRead = 3 "admin:read",
        /// Whatever administrators change.
        AdminWrite = 4 "admin:write",
        /// The applications behind the reverse proxy (forward auth), and nothing here.
        Access = 5 "access",
    }
}

impl Scope {
    /// Whether only administrators have a use for it.
    #[must_use]
    pub const fn is_administrative(self) -> bool {
        matches!(self, Self::AdminRead | Self::AdminWrite)
    }
}

/// What a credential is good for. It never allows more than its owner may do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Grant {
    /// A session: everything.
    Session,
    /// An API token: its scopes.
    ApiToken(BTreeSet<Scope>),
    /// An application password: the applications at these hosts, behind the reverse proxy; no host stands for all.
    AppPassword(BTreeSet<HostPattern>),
    /// The account's password, which a program sends with its request: the applications behind the reverse proxy.
    Password,
}

impl Grant {
    /// Whether it is that of a session.
    #[must_use]
    pub const fn is_session(&self) -> bool {
        matches!(self, Self::Session)
    }

    /// Whether it is good for what asks for this scope; what asks for none is for sessions alone.
    #[must_use]
    pub fn covers(&self, scope: Option<Scope>) -> bool {
        match self {
            Self::Session => true,
            Self::ApiToken(scopes) => scope.is_some_and(|scope| scopes.contains(&scope)),
            Self::AppPassword(_) | Self::Password => scope == Some(Scope::Access),
        }
    }

    /// Whether it is good for the applications at a host (forward auth).
    #[must_use]
    pub fn opens_host(&self, host: &Host) -> bool {
        let is_among = |hosts: &BTreeSet<HostPattern>| hosts.iter().any(|pattern| pattern.matches(host));
        self.covers(Some(Scope::Access))
            && !matches!(self, Self::AppPassword(hosts) if !hosts.is_empty() && !is_among(hosts))
    }
}

#[cfg(test)]
mod tests {
    use crate::base::set_of;

    use super::*;

    fn host(text: &str) -> Host {
        Host::parse(text).expect("a host")
    }

    fn password(hosts: &[&str]) -> Grant {
        let pattern = |text: &&str| HostPattern::try_from((*text).to_owned()).expect("a pattern");
        Grant::AppPassword(set_of(hosts.iter().map(pattern)))
    }

    #[test]
    fn an_application_password_is_good_for_its_hosts_and_without_any_for_all() {
        let scoped = password(&["wiki.example.org", "*.lab.example.org"]);
        assert!(scoped.opens_host(&host("wiki.example.org")) && scoped.opens_host(&host("a.b.lab.example.org")));
        assert!(!scoped.opens_host(&host("lab.example.org")) && !scoped.opens_host(&host("mail.example.org")));
        assert!(password(&[]).opens_host(&host("mail.example.org")));
    }

    #[test]
    fn an_api_token_opens_applications_by_its_scope_alone() {
        let opens =
            |scopes: &[Scope]| Grant::ApiToken(set_of(scopes.iter().copied())).opens_host(&host("wiki.example.org"));
        assert!(opens(&[Scope::Profile, Scope::Access]));
        assert!(!opens(&[Scope::Profile, Scope::Ask, Scope::AdminRead, Scope::AdminWrite]));
    }

    #[test]
    fn what_asks_for_no_scope_is_for_sessions_alone() {
        assert!(Grant::Session.covers(None));
        let every = Grant::ApiToken(set_of(Scope::ALL.iter().copied()));
        assert!(!every.covers(None) && every.covers(Some(Scope::Profile)));
        let others = Scope::ALL.iter().filter(|scope| **scope != Scope::Access);
        assert!(!password(&[]).covers(None) && others.into_iter().all(|scope| !password(&[]).covers(Some(*scope))));
    }
}
