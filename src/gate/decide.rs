//! The decision about a request.

use std::collections::BTreeSet;

use crate::base::GroupName;

use super::doubt::Doubt;
use super::original::OriginalRequest;
use super::rule::{Allow, Terms};
use super::rule_user::RuleUser;
use super::rules::{AccessRules, MatchedRule};

/// By what a visitor proves who they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProofKind {
    /// A login in a browser.
    Session,
    /// The account's password, sent with the request.
    Password,
    /// An application password.
    AppPassword,
    /// An API token.
    Token,
}

/// Somebody who is known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Visitor {
    /// The user name and the address of the account.
    pub names: Vec<RuleUser>,
    /// The groups of the account.
    pub groups: BTreeSet<GroupName>,
    /// Whether the login was with a second factor.
    pub has_second_factor: bool,
    /// By what they are known.
    pub proof: ProofKind,
}

/// The decision, with the number of the rule, counted from 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AccessDecision {
    /// The rule lets the visitor in.
    LetIn(usize),
    /// The rule asks for a login.
    NeedsLogin(usize),
    /// The rule asks for a second factor.
    NeedsSecondFactor(usize),
    /// The rule lets others in, or nobody.
    NotAllowed(usize),
    /// No rule is for the request.
    NoRule,
    /// The request is not certain to be the one that the rules see.
    Doubt(Doubt),
}

impl AccessDecision {
    /// Whether the visitor is let in.
    #[must_use]
    pub const fn lets_in(self) -> bool {
        matches!(self, Self::LetIn(_))
    }

    /// Returns the number of the rule that decided.
    #[must_use]
    pub const fn rule(self) -> Option<usize> {
        match self {
            Self::LetIn(number)
            | Self::NeedsLogin(number)
            | Self::NeedsSecondFactor(number)
            | Self::NotAllowed(number) => Some(number),
            Self::NoRule | Self::Doubt(_) => None,
        }
    }
}

/// Decides about a request of somebody who is known, or of nobody.
#[must_use]
pub fn decide(rules: &AccessRules, request: &OriginalRequest, who: Option<&Visitor>) -> AccessDecision {
    match rules.find(request) {
        Err(doubt) => AccessDecision::Doubt(doubt),
        Ok(None) => AccessDecision::NoRule,
        Ok(Some(matched)) => judge(matched, who),
    }
}

/// Decides by the rule that matched: for those who look at it first, and only then at who asks.
#[must_use]
pub fn judge(matched: MatchedRule<'_>, who: Option<&Visitor>) -> AccessDecision {
    match by_terms(matched.number, &matched.rule.terms, who) {
        // Where it makes no difference, such a path is answered as its clean spelling is.
        AccessDecision::LetIn(_) if matched.is_doubtful => AccessDecision::Doubt(Doubt::DotSegments),
        decision => decision,
    }
}

fn by_terms(number: usize, terms: &Terms, who: Option<&Visitor>) -> AccessDecision {
    match (terms.allow, who) {
        (Allow::Anyone, _) => AccessDecision::LetIn(number),
        (Allow::Nobody, _) => AccessDecision::NotAllowed(number),
        (Allow::LoggedIn | Allow::SecondFactor, None) => AccessDecision::NeedsLogin(number),
        (Allow::LoggedIn | Allow::SecondFactor, Some(visitor)) if !is_named(terms, visitor) => {
            AccessDecision::NotAllowed(number)
        }
        (Allow::SecondFactor, Some(visitor)) if !proves_two(visitor) => AccessDecision::NeedsSecondFactor(number),
        (Allow::LoggedIn | Allow::SecondFactor, Some(_)) => AccessDecision::LetIn(number),
    }
}

/// Whether the rule names them or one of their groups, or names nobody in particular.
fn is_named(terms: &Terms, visitor: &Visitor) -> bool {
    terms.groups.is_empty() && terms.users.is_empty()
        || visitor.groups.iter().any(|group| terms.groups.contains(group))
        || visitor.names.iter().any(|name| terms.users.contains(name))
}

/// What a program sends is one factor, whatever the account has.
fn proves_two(visitor: &Visitor) -> bool {
    visitor.has_second_factor && visitor.proof == ProofKind::Session
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{AccessRule, HostPattern, OriginalUrl, PathPrefix, PathRegex, RequestMethod};

    fn rule(host: &str, path: &str, allow: Allow) -> AccessRule {
        let host = HostPattern::try_from(host.to_owned()).expect("a host");
        let path = PathPrefix::try_from(path.to_owned()).expect("a path");
        AccessRule { paths: vec![path], ..AccessRule::new(vec![host], allow) }
    }

    fn request(url: &str) -> OriginalRequest {
        let url = OriginalUrl::parse(url).expect("a URL");
        OriginalRequest { url, method: RequestMethod::parse("GET").expect("a method"), client: None }
    }

    fn visitor(name: &str, groups: &[&str]) -> Visitor {
        let group = |name: &&str| GroupName::parse(name).expect("a group");
        Visitor {
            names: vec![RuleUser::try_from(name.to_owned()).expect("a name")],
            groups: groups.iter().map(group).collect(),
            has_second_factor: false,
            proof: ProofKind::Session,
        }
    }

    fn for_nobody(rules: Vec<AccessRule>, url: &str) -> AccessDecision {
        decide(&AccessRules::new(rules), &request(url), None)
    }

    #[test]
    fn the_first_rule_that_matches_decides_and_without_one_nobody_is_let_in() {
        let rules = || {
            vec![
                rule("wiki.example.org", "/public", Allow::Anyone),
                rule("*.example.org", "/", Allow::LoggedIn),
                rule("wiki.example.org", "/public/never", Allow::Nobody),
                rule("b.example.net", "/", Allow::Nobody),
            ]
        };
        for (url, decision) in [
            ("https://wiki.example.org/public/a", AccessDecision::LetIn(1)),
            ("https://wiki.example.org/public/never", AccessDecision::LetIn(1)),
            ("https://wiki.example.org/other", AccessDecision::NeedsLogin(2)),
            ("https://b.example.net/", AccessDecision::NotAllowed(4)),
            ("https://example.org/public", AccessDecision::NoRule),
            ("https://example.net/", AccessDecision::NoRule),
        ] {
            assert_eq!(for_nobody(rules(), url), decision, "{url}");
        }
    }

    #[test]
    fn groups_and_users_are_those_whom_a_rule_names() {
        let mut named = rule("a.example", "/", Allow::LoggedIn);
        named.terms.groups.insert(GroupName::parse("staff").expect("a group"));
        named.terms.users.insert(RuleUser::try_from("Ada@example.org".to_owned()).expect("a name"));
        let rules = AccessRules::new(vec![named]);
        let decision = |who: &Visitor| decide(&rules, &request("https://a.example/"), Some(who));
        assert_eq!(decision(&visitor("bob", &["staff"])), AccessDecision::LetIn(1));
        assert_eq!(decision(&visitor("ada@EXAMPLE.org", &[])), AccessDecision::LetIn(1));
        assert_eq!(decision(&visitor("bob", &["staffers", "admins"])), AccessDecision::NotAllowed(1));
    }

    #[test]
    fn only_a_login_in_a_browser_has_a_second_factor() {
        let rules = AccessRules::new(vec![rule("a.example", "/", Allow::SecondFactor)]);
        let decision = |who: &Visitor| decide(&rules, &request("https://a.example/"), Some(who));
        let one = visitor("bob", &[]);
        let two = Visitor { has_second_factor: true, ..one.clone() };
        assert_eq!(decision(&one), AccessDecision::NeedsSecondFactor(1));
        assert_eq!(decision(&two), AccessDecision::LetIn(1));
        for proof in [ProofKind::Password, ProofKind::AppPassword, ProofKind::Token] {
            assert_eq!(decision(&Visitor { proof, ..two.clone() }), AccessDecision::NeedsSecondFactor(1));
        }
    }

    #[test]
    fn no_network_matches_a_client_that_is_not_known() {
        let mut local = rule("a.example", "/", Allow::Anyone);
        local.networks = vec!["10.0.0.0/8".parse().expect("a network")];
        let rules = AccessRules::new(vec![local]);
        let decision = |client: Option<&str>| {
            let client = client.map(|address| address.parse().expect("an address"));
            decide(&rules, &OriginalRequest { client, ..request("https://a.example/") }, None)
        };
        assert_eq!(decision(None), AccessDecision::NoRule);
        assert_eq!(decision(Some("10.1.2.3")), AccessDecision::LetIn(1));
        assert_eq!(decision(Some("::ffff:10.1.2.3")), AccessDecision::LetIn(1));
        assert_eq!(decision(Some("11.1.2.3")), AccessDecision::NoRule);
    }

    #[test]
    fn a_pattern_is_never_found_in_the_query() {
        let mut open =
            AccessRule::new(vec![HostPattern::try_from("a.example".to_owned()).expect("a host")], Allow::Anyone);
        open.pattern = PathRegex::try_from("/open/".to_owned()).ok();
        let rules = || vec![open.clone()];
        assert_eq!(for_nobody(rules(), "https://a.example/x/open/y"), AccessDecision::LetIn(1));
        assert_eq!(for_nobody(rules(), "https://a.example/x?/open/"), AccessDecision::NoRule);
        assert_ne!(for_nobody(rules(), "https://a.example/x%3F/open/"), AccessDecision::LetIn(1));
    }

    #[test]
    fn plain_http_is_for_private_zones() {
        let rules = || vec![rule("*.example.org", "/", Allow::Anyone), rule("*.lan", "/", Allow::Anyone)];
        assert_eq!(for_nobody(rules(), "http://a.example.org/"), AccessDecision::Doubt(Doubt::PlainHttp));
        assert_eq!(for_nobody(rules(), "ws://a.example.org/"), AccessDecision::Doubt(Doubt::PlainHttp));
        assert_eq!(for_nobody(rules(), "ws://a.lan/"), AccessDecision::LetIn(2));
        assert_eq!(for_nobody(rules(), "wss://a.example.org/"), AccessDecision::LetIn(1));
    }

    #[test]
    fn whoever_may_be_understood_in_two_ways_is_let_in_by_both_or_not_at_all() {
        let rules = || {
            vec![
                rule("a.example", "/public", Allow::Anyone),
                rule("a.example", "/private", Allow::Nobody),
                rule("a.example", "/", Allow::LoggedIn),
                rule("b.example", "/private", Allow::Nobody),
                rule("b.example", "/", Allow::Anyone),
            ]
        };
        let ambiguous = AccessDecision::Doubt(Doubt::Ambiguous);
        for (url, decision) in [
            ("https://a.example/public//x", AccessDecision::LetIn(1)),
            ("https://a.example/public%2Fx", ambiguous),
            ("https://a.example//public/x", ambiguous),
            ("https://a.example//x/public", ambiguous),
            ("https://b.example//x/private", ambiguous),
            ("https://b.example/.%2F/u@x:80/private", ambiguous),
            ("https://b.example//x/y", AccessDecision::LetIn(5)),
            ("https://a.example/x//y", AccessDecision::NeedsLogin(3)),
            ("https://a.example/public/%252e%252e/x", ambiguous),
            ("https://a.example/public;x/y", ambiguous),
            ("https://a.example/public/../x", AccessDecision::NeedsLogin(3)),
            ("https://b.example/private/../x", AccessDecision::Doubt(Doubt::DotSegments)),
            ("https://b.example/x/../y", AccessDecision::LetIn(5)),
            ("https://b.example/private%2F..%2Fx", AccessDecision::Doubt(Doubt::DotSegments)),
        ] {
            assert_eq!(for_nobody(rules(), url), decision, "{url}");
        }
    }
}
