//! Notes on access rules that let fewer in than they seem to.

use std::collections::BTreeSet;

use crate::gate::Allow;

use super::{Config, PortalUrl, RuleSettings, TlsMode};

/// The most hosts that a note names.
const MAX_NAMED: usize = 5;

/// Returns what deserves a word about `[access]` and what it depends on.
pub(super) fn access_notes(config: &Config) -> impl Iterator<Item = String> {
    [
        nobody_believed(config),
        no_rules(config),
        another_site(config),
        uncertified(config),
        hosts_without_cookie(config),
        passwords_in_vain(config),
    ]
    .into_iter()
    .flatten()
}

fn nobody_believed(config: &Config) -> Option<String> {
    (!config.access.rules.is_empty() && config.proxy.trusted.is_empty()).then(|| {
        "access.rules, and proxy.trusted is empty: no proxy is believed, so nobody is let in; write the proxy's address there, like trusted = [\"127.0.0.1/32\"]".to_owned()
    })
}

fn no_rules(config: &Config) -> Option<String> {
    (!config.access.domains.is_empty() && config.access.rules.is_empty()).then(|| {
        "access.domains, and no [[access.rules]]: where no rule matches nobody is let in; write one for each application"
            .to_owned()
    })
}

/// Returns where people log in for applications, in the order of the configuration.
fn portals(config: &Config) -> impl Iterator<Item = &PortalUrl> {
    config.access.domains.iter().filter_map(|domain| domain.url.as_ref())
}

fn another_site(config: &Config) -> Option<String> {
    let site = config.site.url.origin();
    portals(config).next().filter(|first| first.origin() != site).map(|first| {
        format!(
            "access.domains begin with {first}, and site.url is {site}: people are sent to the one, and can log in at the other, to which sessions and forms belong; write {site} as the first `url`"
        )
    })
}

/// Names the portals' hosts that an authority's certificate is not for. A self-signed one is for all of them.
fn uncertified(config: &Config) -> Option<String> {
    if config.tls.mode != TlsMode::Acme {
        return None;
    }
    let (hosts, site) = (&config.tls.acme.hosts, config.site.url.host());
    let is_certified = |host: &str| host == site || hosts.iter().any(|named| named.as_str() == host);
    let over_tls = portals(config).filter(|portal| portal.origin().starts_with("https://"));
    let missing: BTreeSet<&str> =
        over_tls.map(|portal| portal.host().as_str()).filter(|host| !is_certified(host)).collect();
    let named = listed(missing.iter().copied())?;
    let all: BTreeSet<&str> = hosts.iter().map(|host| host.as_str()).chain([site]).chain(missing).collect();
    let all: Vec<String> = all.iter().map(|host| format!("\"{host}\"")).collect();
    Some(format!(
        "access.domains send browsers to {named}, and the certificate is not for it: tls.acme.hosts are the host of site.url unless they are written; write hosts = [{}] in [tls.acme]",
        all.join(", ")
    ))
}

/// Names the hosts of access rules that ask for a login which no browser can keep there.
fn hosts_without_cookie(config: &Config) -> Option<String> {
    let access = &config.access;
    let asks = |rule: &&RuleSettings| matches!(rule.allow, Some(Allow::LoggedIn | Allow::SecondFactor));
    let hosts = access.rules.iter().filter(asks).flat_map(|rule| &rule.hosts);
    let outside: BTreeSet<String> =
        hosts.filter(|hosts| access.domain_of(hosts.host()).is_none()).map(ToString::to_string).collect();
    let named = listed(outside.iter().map(String::as_str))?;
    Some(format!(
        "access.rules ask for a login at {named}, below no cookie of access.domains: a browser cannot be logged in there"
    ))
}

/// Names the access rules that tell programs to send a password with which they are not let in.
fn passwords_in_vain(config: &Config) -> Option<String> {
    let is_vain = |rule: &RuleSettings| rule.basic && rule.allow == Some(Allow::SecondFactor);
    let rules = config.access.rules.iter().zip(1..).filter(|(rule, _)| is_vain(rule));
    let numbers: Vec<usize> = rules.map(|(_, number)| number).collect();
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    let named = listed(numbers.iter().map(String::as_str))?;
    Some(format!(
        "access.rules {named} have basic = true and allow = \"second-factor\": a program has no second factor, so no password lets it in"
    ))
}

/// Returns some of the names, and how many more there are.
fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> Option<String> {
    let more = names.len().saturating_sub(MAX_NAMED);
    let named: Vec<&str> = names.take(MAX_NAMED).collect();
    let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!named.is_empty()).then(|| format!("{}{and_more}", named.join(", ")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const TRUSTED: &str = "[proxy]\ntrusted = [\"127.0.0.1/32\"]\n";
    const BOTH: &str = "[access]\ndomains = [{ cookie = \"example.org\", url = \"https://auth.example.org\" }, { cookie = \"example.net\", url = \"https://auth.example.net\" }]\n";

    fn said(more: &str) -> Vec<String> {
        let text = format!(
            "[site]\nurl = \"https://auth.example.org\"\n[mail]\nfrom = \"a@example.org\"\ntransport = \"file\"\n{more}\n"
        );
        super::super::notes(&Config::parse(&text, Path::new("a.toml")).expect("valid"))
    }

    fn rule(host: &str, allow: &str) -> String {
        format!("[[access.rules]]\nhosts = [\"{host}\"]\nallow = \"{allow}\"\n")
    }

    fn only(notes: &[String], words: &str) -> bool {
        matches!(notes, [only] if only.contains(words))
    }

    #[test]
    fn hosts_where_no_browser_can_be_logged_in_deserve_a_word() {
        let domains = "[access]\ndomains = [{ cookie = \"example.org\", url = \"https://auth.example.org\" }]\n";
        let notes = said(&format!(
            "{TRUSTED}{domains}{}{}",
            rule("*.example.net", "logged-in"),
            rule("nas.lan", "second-factor")
        ));
        assert!(only(&notes, "at *.example.net, nas.lan, below no cookie"), "{notes:?}");
        let inside = ["example.org", "*.a.example.org", "*.example.org"].map(|host| rule(host, "logged-in")).concat();
        let notes = said(&format!("{TRUSTED}{domains}{}{inside}", rule("nas.lan", "anyone")));
        assert_eq!(notes, Vec::<String>::new());
    }

    #[test]
    fn rules_for_a_proxy_that_nobody_believes_and_domains_without_rules_deserve_a_word() {
        let wiki = rule("wiki.example.org", "logged-in");
        let notes = said(&format!("{BOTH}{wiki}"));
        assert!(only(&notes, "proxy.trusted is empty"), "{notes:?}");
        let notes = said(&format!("{TRUSTED}{BOTH}"));
        assert!(only(&notes, "no [[access.rules]]"), "{notes:?}");
        assert_eq!(said(&format!("{TRUSTED}{BOTH}{wiki}")), Vec::<String>::new());
    }

    #[test]
    fn a_first_portal_that_is_not_the_site_deserves_a_word() {
        let domains = "[access]\ndomains = [{ cookie = \"example.org\", url = \"https://login.example.org\" }]\n";
        let notes = said(&format!("{TRUSTED}{domains}{}", rule("wiki.example.org", "logged-in")));
        assert!(only(&notes, "begin with https://login.example.org, and site.url is https://auth.example.org"));
    }

    #[test]
    fn a_portal_that_the_certificate_is_not_for_deserves_a_word() {
        let (acme, wiki) = ("[tls]\nmode = \"acme\"\n", rule("wiki.example.org", "logged-in"));
        let notes = said(&format!("{acme}{TRUSTED}{BOTH}{wiki}"));
        assert!(only(&notes, "write hosts = [\"auth.example.net\", \"auth.example.org\"] in [tls.acme]"), "{notes:?}");
        let named = "[tls.acme]\nhosts = [\"auth.example.org\", \"auth.example.net\"]\n";
        for certified in [format!("{acme}{named}"), String::new()] {
            assert_eq!(said(&format!("{certified}{TRUSTED}{BOTH}{wiki}")), Vec::<String>::new(), "{certified}");
        }
    }

    #[test]
    fn passwords_that_let_no_program_in_deserve_a_word() {
        let domains = "[access]\ndomains = [{ cookie = \"example.org\", url = \"https://auth.example.org\" }]\n";
        let rule = |number: usize, allow: &str, basic: bool| {
            format!("[[access.rules]]\nhosts = [\"a{number}.example.org\"]\nallow = \"{allow}\"\nbasic = {basic}\n")
        };
        let useful = format!("{TRUSTED}{domains}{}{}", rule(1, "logged-in", true), rule(2, "second-factor", false));
        assert_eq!(said(&useful), Vec::<String>::new());
        let notes = said(&format!("{useful}{}{}", rule(3, "second-factor", true), rule(4, "second-factor", true)));
        assert!(notes.len() == 1 && notes[0].contains("access.rules 3, 4 have basic = true"), "{notes:?}");
        let many: String = (1..=7).map(|number| rule(number, "second-factor", true)).collect();
        assert!(said(&format!("{TRUSTED}{domains}{many}"))[0].contains("1, 2, 3, 4, 5 and 2 more have"));
    }
}
