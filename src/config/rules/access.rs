//! Rules about who may use other applications.

use crate::config::Config;
use crate::config::sections::{Access, RuleSettings};
use crate::gate::{Allow, MAX_RULES, NeverMatches, PathRegex, unreachable_rules};

use super::verdict::Verdict;

/// The most faults that are told: whoever made a mistake in one rule may have made it in a thousand.
const MAX_NAMED: usize = 20;

/// The most root domains: a session has a record for each, all of which are written when it begins.
const MAX_DOMAINS: usize = 16;

/// Checks the domains of cookies, and where people log in.
pub(super) fn access_domains(config: &Config, verdict: &mut Verdict) {
    let domains = &config.access.domains;
    let hint = "applications below one domain share its cookie";
    verdict.require(domains.len() <= MAX_DOMAINS, "access.domains", format!("there are more than {MAX_DOMAINS}"), hint);
    for (at, domain) in domains.iter().enumerate() {
        let key = |name: &str| format!("access.domains.{}{name}", at + 1);
        let (Some(cookie), Some(url)) = (&domain.cookie, &domain.url) else {
            let hint = "write { cookie = \"example.org\", url = \"https://auth.example.org\" }";
            verdict.require(false, key(""), "a domain needs `cookie` and `url`", hint);
            continue;
        };
        let said =
            format!("{} is not below the cookie's domain {cookie}: browsers would not keep the cookie", url.host());
        let hint = format!("write a URL like \"https://auth.{cookie}\", or the domain that {} is below", url.host());
        verdict.require(cookie.holds(url.host()), key(".url"), said, hint);
        let is_within = |outer: &str| cookie.as_str() == outer || cookie.as_str().ends_with(&format!(".{outer}"));
        let others = domains.iter().enumerate().filter(|(other, _)| *other != at);
        let outer = others.filter_map(|(other, domain)| Some((other, domain.cookie.as_ref()?)));
        let outer =
            outer.filter(|(other, outer)| outer != &cookie || *other < at).find(|(_, outer)| is_within(outer.as_str()));
        let Some((_, outer)) = outer else { continue };
        let (said, hint) = if outer == cookie {
            (format!("{cookie} is there twice"), "keep one of the two")
        } else {
            let said = format!("{cookie} lies within {outer}, which is a cookie's domain as well");
            (said, "keep the one that holds all hosts")
        };
        verdict.require(false, key(".cookie"), said, hint);
    }
}

/// Checks the rules, each by itself and all together.
pub(super) fn access_rules(config: &Config, verdict: &mut Verdict) {
    let Access { domains, rules, .. } = &config.access;
    let hint = "use `*.` in `hosts`, and groups";
    if !verdict.require(rules.len() <= MAX_RULES, "access.rules", format!("there are more than {MAX_RULES}"), hint) {
        return;
    }
    for (at, rule) in rules.iter().enumerate() {
        if verdict.0.len() >= MAX_NAMED {
            return;
        }
        access_rule(at + 1, rule, verdict);
    }
    let asks = |rule: &RuleSettings| matches!(rule.allow, Some(Allow::LoggedIn | Allow::SecondFactor));
    verdict.require(
        !domains.is_empty() || !rules.iter().any(asks),
        "access.rules",
        "a rule asks for a login, and there is nowhere to log in",
        "write domains = [{ cookie = \"example.org\", url = \"https://auth.example.org\" }] in [access]",
    );
    let all: Vec<_> = rules.iter().map(RuleSettings::rule).collect();
    for never in unreachable_rules(&all).into_iter().take(MAX_NAMED) {
        let before: Vec<String> = never.taken_by.iter().map(ToString::to_string).collect();
        let those = if before.len() > 1 { "rules" } else { "rule" };
        let said = format!(
            "rule {} never decides: {those} {} before it takes every request",
            never.number,
            before.join(" and ")
        );
        verdict.require(
            false,
            format!("access.rules.{}", never.number),
            said,
            "move it up, or remove it: the first rule that matches decides",
        );
    }
}

fn access_rule(number: usize, rule: &RuleSettings, verdict: &mut Verdict) {
    let key = |name: &str| format!("access.rules.{number}{name}");
    let hint = "write hosts = [\"wiki.example.org\"] in it";
    verdict.require(!rule.hosts.is_empty(), key(""), format!("rule {number} is for no host"), hint);
    let hint = "write allow = \"anyone\", \"logged-in\", \"second-factor\" or \"nobody\" in it";
    verdict.require(rule.allow.is_some(), key(""), format!("rule {number} does not say whom it lets in"), hint);
    let both = !rule.paths.is_empty() && rule.pattern.is_some();
    verdict.require(!both, key(".pattern"), format!("rule {number} has `paths` and `pattern`"), "make two rules of it");
    if let Some(reason) = rule.pattern.as_ref().and_then(PathRegex::never_matches) {
        let (why, hint) = in_words(reason);
        verdict.require(false, key(".pattern"), format!("the pattern of rule {number} matches no path: {why}"), hint);
    }
    if matches!(rule.allow, Some(Allow::Anyone | Allow::Nobody)) {
        let allow = rule.allow.map(Allow::as_str).unwrap_or_default();
        let said = |what: &str| {
            format!(
                "rule {number} names {what}, and lets {} in",
                if allow == "nobody" { "nobody" } else { "everybody" }
            )
        };
        let hint = "write allow = \"logged-in\", or leave them out";
        verdict.require(rule.groups.is_empty(), key(".groups"), said("groups"), hint);
        verdict.require(rule.users.is_empty(), key(".users"), said("users"), hint);
        let hint = "leave it out: passwords are asked for with allow = \"logged-in\"";
        verdict.require(
            !rule.basic,
            key(".basic"),
            format!("rule {number} asks for no password with allow = \"{allow}\""),
            hint,
        );
    }
}

/// Says why a pattern never matches, and what to write instead.
const fn in_words(reason: NeverMatches) -> (&'static str, &'static str) {
    match reason {
        NeverMatches::NoSlash => {
            ("each begins with a slash", "write it like \"^/public\"; without the ^ it matches anywhere in the path")
        }
        NeverMatches::AfterEnd => (
            "something follows the $, which is the end of the path",
            "write the $ last, or \"\\\\$\" for the sign itself",
        ),
        NeverMatches::Query => {
            ("neither ? and what follows it nor # is part of one", "rules do not look at queries; write the path alone")
        }
    }
}
