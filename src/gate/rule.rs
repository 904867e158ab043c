//! An access rule.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::base::GroupName;

use super::host::HostPattern;
use super::method::RequestMethod;
use super::original::OriginalRequest;
use super::path_pattern::{PathPrefix, PathRegex};
use super::rule_user::RuleUser;

/// Whom a rule lets in.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Allow {
    /// Everybody, without a login.
    Anyone,
    /// Whoever is logged in.
    LoggedIn,
    /// Whoever is logged in with a second factor.
    SecondFactor,
    /// Nobody.
    Nobody,
}

impl Allow {
    /// Returns the word of the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::LoggedIn => "logged-in",
            Self::SecondFactor => "second-factor",
            Self::Nobody => "nobody",
        }
    }
}

/// Which requests it is for, and what it asks of whoever makes them. A list that is empty is no condition.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessRule {
    /// The hosts, on every port; at least one.
    pub hosts: Vec<HostPattern>,
    /// The paths.
    pub paths: Vec<PathPrefix>,
    /// The paths, by a regular expression.
    pub pattern: Option<PathRegex>,
    /// The methods.
    pub methods: Vec<RequestMethod>,
    /// The networks of clients.
    pub networks: Vec<IpNet>,
    /// What it asks for.
    pub terms: Terms,
}

/// What a rule asks of whoever makes a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Terms {
    /// Whom it lets in.
    pub allow: Allow,
    /// The groups, one of which they must be in, unless they are among the users.
    pub groups: BTreeSet<GroupName>,
    /// The people who may, besides those groups.
    pub users: BTreeSet<RuleUser>,
    /// Whether programs are told to send a password (`WWW-Authenticate: Basic`).
    pub basic: bool,
}

impl AccessRule {
    /// Makes a rule for every request to these hosts.
    #[must_use]
    pub fn new(hosts: Vec<HostPattern>, allow: Allow) -> Self {
        let terms = Terms { allow, groups: BTreeSet::new(), users: BTreeSet::new(), basic: false };
        Self { hosts, paths: vec![], pattern: None, methods: vec![], networks: vec![], terms }
    }

    /// Whether it is for a request, whose host is one of its hosts, read with this path.
    pub(super) fn is_for(&self, request: &OriginalRequest, path: &str) -> bool {
        // What costs most is looked at last.
        (self.methods.is_empty() || self.methods.contains(&request.method))
            && (self.networks.is_empty() || request.client.is_some_and(|client| self.has_network_of(client)))
            && (self.paths.is_empty() || self.paths.iter().any(|prefix| prefix.matches(path)))
            && self.pattern.as_ref().is_none_or(|pattern| pattern.matches(path))
    }

    fn has_network_of(&self, client: IpAddr) -> bool {
        let client = client.to_canonical();
        self.networks.iter().any(|network| network.contains(&client))
    }

    /// Whether it is for every method and network that the other is for.
    pub(super) fn takes_methods_and_networks_of(&self, other: &Self) -> bool {
        let methods = self.methods.is_empty()
            || !other.methods.is_empty() && other.methods.iter().all(|method| self.methods.contains(method));
        let is_within = |inner: &IpNet| self.networks.iter().any(|outer| outer.contains(inner));
        let networks = self.networks.is_empty() || !other.networks.is_empty() && other.networks.iter().all(is_within);
        methods && networks
    }
}
