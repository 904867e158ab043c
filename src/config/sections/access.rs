//! `[access]`: other applications behind a reverse proxy, and who may use them (forward auth).

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::base::GroupName;
use crate::config::addresses::listed_networks;
use crate::config::{CookieDomain, PortalUrl};
use crate::gate::{
    AccessRule, AccessRules, Allow, Host, HostPattern, PathPrefix, PathRegex, RequestMethod, RuleUser, Terms,
};

/// `[access]`
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Access {
    /// The root domains of the applications, each with a cookie of its own.
    pub domains: Vec<AccessDomain>,
    /// Other programs whose paths and answers are served as well.
    pub aliases: Vec<AccessAlias>,
    /// Whether programs may send the password of an account that has no second factor.
    pub basic_passwords: bool,
    /// The rules; the first that matches decides.
    pub rules: Vec<RuleSettings>,
}

/// `domains` in `[access]`: one of them.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessDomain {
    /// The domain of the cookie that its hosts share.
    pub cookie: Option<CookieDomain>,
    /// The URL at which people log in for its hosts.
    pub url: Option<PortalUrl>,
}

/// The programs whose paths and answers may be served as well.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessAlias {
    /// tinyauth
    Tinyauth,
    /// Authentik's outpost
    Authentik,
    /// oauth2-proxy
    Oauth2Proxy,
    /// Vouch
    Vouch,
}

/// `[[access.rules]]`: one of them.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RuleSettings {
    /// The hosts.
    pub hosts: Vec<HostPattern>,
    /// The paths; without any, all.
    pub paths: Vec<PathPrefix>,
    /// The paths, by a regular expression.
    pub pattern: Option<PathRegex>,
    /// The methods; without any, all.
    pub methods: Vec<RequestMethod>,
    /// The networks of clients; without any, all.
    #[serde(deserialize_with = "listed_networks")]
    pub networks: Vec<IpNet>,
    /// Whom it lets in.
    pub allow: Option<Allow>,
    /// The groups that it lets in.
    pub groups: Vec<GroupName>,
    /// The people that it lets in, besides those groups.
    pub users: Vec<RuleUser>,
    /// Whether programs are told to send a password.
    pub basic: bool,
}

impl Access {
    /// Returns the rules in their order.
    #[must_use]
    pub fn rules(&self) -> AccessRules {
        AccessRules::new(self.rules.iter().map(RuleSettings::rule).collect())
    }

    /// Returns the domain whose cookie a host gets.
    #[must_use]
    pub fn domain_of(&self, host: &Host) -> Option<&AccessDomain> {
        self.domains.iter().find(|domain| domain.cookie.as_ref().is_some_and(|cookie| cookie.holds(host)))
    }
}

impl RuleSettings {
    /// Returns the rule. One that does not say whom it lets in, which no valid configuration has, lets nobody in.
    #[must_use]
    pub fn rule(&self) -> AccessRule {
        AccessRule {
            hosts: self.hosts.clone(),
            paths: self.paths.clone(),
            pattern: self.pattern.clone(),
            methods: self.methods.clone(),
            networks: self.networks.clone(),
            terms: Terms {
                allow: self.allow.unwrap_or(Allow::Nobody),
                groups: self.groups.iter().cloned().collect(),
                users: self.users.iter().cloned().collect(),
                basic: self.basic,
            },
        }
    }
}
