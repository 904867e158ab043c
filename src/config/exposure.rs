//! Notes on settings that expose more than they seem to.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::gate::Allow;

use super::site_url::is_loopback;
use super::{Config, FrontEndUrl, MailTransport, RuleSettings, Security};

/// A network with fewer bits than these holds more strangers than proxies:
/// those that content networks publish are narrower.
const WIDE_V4_BITS: u8 = 12;
const WIDE_V6_BITS: u8 = 24;

/// The most hosts or rules that a note names.
const MAX_NAMED: usize = 5;

/// Returns what `gatelodge check` and the start say about settings that are allowed but deserve a word.
#[must_use]
pub fn notes(config: &Config) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |applies: bool, text: &str| {
        if applies {
            notes.push(text.to_owned());
        }
    };
    note(
        !config.registration.confirm_email,
        "registration.confirm_email = false: registering tells whether an address has an account, and addresses may be other people's",
    );
    note(!config.throttle.enabled, "throttle.enabled = false: something in front must limit tries and mails");
    note(
        config.mail.smtp.security == Security::None
            && config.mail.transport == MailTransport::Smtp
            && !is_loopback(&config.mail.smtp.host),
        "mail.smtp.security = \"none\": links and credentials cross the network readable",
    );
    note(
        config.password.memory_kib < 7168,
        "password.memory_kib is below every recommendation of OWASP: a stolen store is cheap to guess from",
    );
    note(
        config.session.absolute.max(config.session.bearer_lifetime()).seconds() > 30 * crate::base::DAY,
        "session.absolute or session.bearer is over 30 days, the longest that NIST SP 800-63B-4 allows",
    );
    let spa = &config.spa;
    let is_reachable =
        |url: &FrontEndUrl| spa.origins.iter().chain([&config.site.url]).any(|origin| origin.origin() == url.origin());
    note(
        spa.url.as_ref().is_some_and(|url| !is_reachable(url)),
        "spa.url: scripts there cannot use the API unless its origin is in spa.origins, or a proxy serves both from one",
    );
    notes.extend(openings(config));
    notes.extend(hosts_without_cookie(config));
    notes.extend(passwords_in_vain(config));
    notes
}

/// Names the access rules that tell programs to send a password with which they are not let in.
fn passwords_in_vain(config: &Config) -> Option<String> {
    let is_vain = |rule: &RuleSettings| rule.basic && rule.allow == Some(Allow::SecondFactor);
    let rules = config.access.rules.iter().zip(1..).filter(|(rule, _)| is_vain(rule));
    let numbers: Vec<usize> = rules.map(|(_, number)| number).collect();
    let named: Vec<String> = numbers.iter().take(MAX_NAMED).map(ToString::to_string).collect();
    (!numbers.is_empty()).then(|| {
        format!(
            "access.rules {}{} have basic = true and allow = \"second-factor\": a program has no second factor, so no password lets it in",
            named.join(", "),
            and_more(numbers.len())
        )
    })
}

fn and_more(all: usize) -> String {
    let more = all.saturating_sub(MAX_NAMED);
    if more > 0 { format!(" and {more} more") } else { String::new() }
}

/// Names the hosts of access rules that ask for a login which no browser can keep there.
fn hosts_without_cookie(config: &Config) -> Option<String> {
    let access = &config.access;
    let asks = |rule: &&RuleSettings| matches!(rule.allow, Some(Allow::LoggedIn | Allow::SecondFactor));
    let hosts = access.rules.iter().filter(asks).flat_map(|rule| &rule.hosts);
    let outside: BTreeSet<String> =
        hosts.filter(|hosts| access.domain_of(hosts.host()).is_none()).map(ToString::to_string).collect();
    let named: Vec<&str> = outside.iter().take(MAX_NAMED).map(String::as_str).collect();
    (!outside.is_empty()).then(|| {
        format!(
            "access.rules ask for a login at {}{}, below no cookie of access.domains: a browser cannot be logged in there",
            named.join(", "),
            and_more(outside.len())
        )
    })
}

fn openings(config: &Config) -> Vec<String> {
    let wide = config.proxy.trusted.iter().filter(|network| holds_strangers(network)).map(|network| {
        format!(
            "proxy.trusted holds {network}: whoever connects from there may name any address as theirs, and no limit on tries by network holds"
        )
    });
    let open = config.metrics.listen.iter().filter(|address| !address.ip().to_canonical().is_loopback()).map(|address| {
        format!("metrics.listen = {address}: whoever reaches it reads the counters, in clear; let only monitoring reach it")
    });
    let by_mailbox = config.second_factor.mail_codes.then(|| {
        let login = if config.login.by_mail { "login.by_mail logs in there" } else { "passwords are reset there" };
        format!("second_factor.mail_codes = true: {login} too, so whoever reads the mailbox needs no other factor")
    });
    wide.chain(open).chain(by_mailbox).collect()
}

/// Whether a network reaches beyond the private and local ranges (RFC 1918, 4193, 4291, 6598).
fn holds_strangers(network: &IpNet) -> bool {
    const PRIVATE: [&str; 9] = [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    ];
    let is_private =
        PRIVATE.iter().filter_map(|text| text.parse::<IpNet>().ok()).any(|private| private.contains(network));
    let bits = match network {
        IpNet::V4(_) => WIDE_V4_BITS,
        IpNet::V6(_) => WIDE_V6_BITS,
    };
    !is_private && network.prefix_len() < bits
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn said(more: &str) -> Vec<String> {
        let text = format!(
            "[site]\nurl = \"https://auth.example.org\"\n[mail]\nfrom = \"a@example.org\"\ntransport = \"file\"\n{more}\n"
        );
        notes(&Config::parse(&text, Path::new("a.toml")).expect("valid"))
    }

    #[test]
    fn proxies_that_are_everybody_deserve_a_word() {
        for wide in
            ["0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "8.0.0.0/8", "2000::/3", "2000::/16", "10.0.0.0/7"]
        {
            let notes = said(&format!("[proxy]\ntrusted = [\"{wide}\", \"127.0.0.1/32\"]"));
            assert!(notes.len() == 1 && notes[0].contains(wide), "{wide}: {notes:?}");
        }
        for narrow in
            ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "fd00::/8", "104.16.0.0/13", "2a06:98c0::/29", "::1/128"]
        {
            assert_eq!(said(&format!("[proxy]\ntrusted = [\"{narrow}\"]")), Vec::<String>::new(), "{narrow}");
        }
    }

    #[test]
    fn counters_for_everybody_deserve_a_word() {
        for open in ["0.0.0.0:9464", "[::]:9464", "192.168.1.2:9464"] {
            let notes = said(&format!("[metrics]\nlisten = [\"{open}\"]"));
            assert!(notes.len() == 1 && notes[0].contains(open), "{open}: {notes:?}");
        }
        assert!(said("[metrics]\nlisten = [\"127.0.0.1:9464\", \"[::1]:9464\"]").is_empty());
    }

    #[test]
    fn a_mailbox_that_is_both_factors_deserves_a_word() {
        assert!(said("[second_factor]\nmail_codes = true")[0].contains("passwords are reset there"));
        assert!(said("[second_factor]\nmail_codes = true\n[login]\nby_mail = true")[0].contains("login.by_mail"));
        assert!(said("[login]\nby_mail = true").is_empty());
    }

    #[test]
    fn hosts_where_no_browser_can_be_logged_in_deserve_a_word() {
        let rule = |host: &str, allow: &str| format!("[[access.rules]]\nhosts = [\"{host}\"]\nallow = \"{allow}\"\n");
        let domains = "[access]\ndomains = [{ cookie = \"example.org\", url = \"https://auth.example.org\" }]\n";
        let notes =
            said(&format!("{domains}{}{}", rule("*.example.net", "logged-in"), rule("nas.lan", "second-factor")));
        assert!(notes.len() == 1 && notes[0].contains("at *.example.net, nas.lan, below no cookie"), "{notes:?}");
        let inside = ["example.org", "*.a.example.org", "*.example.org"].map(|host| rule(host, "logged-in")).concat();
        assert_eq!(said(&format!("{domains}{}{inside}", rule("nas.lan", "anyone"))), Vec::<String>::new());
    }

    #[test]
    fn passwords_that_let_no_program_in_deserve_a_word() {
        let domains = "[access]\ndomains = [{ cookie = \"example.org\", url = \"https://auth.example.org\" }]\n";
        let rule = |number: usize, allow: &str, basic: bool| {
            format!("[[access.rules]]\nhosts = [\"a{number}.example.org\"]\nallow = \"{allow}\"\nbasic = {basic}\n")
        };
        let useful = format!("{domains}{}{}", rule(1, "logged-in", true), rule(2, "second-factor", false));
        assert_eq!(said(&useful), Vec::<String>::new());
        let notes = said(&format!("{useful}{}{}", rule(3, "second-factor", true), rule(4, "second-factor", true)));
        assert!(notes.len() == 1 && notes[0].contains("access.rules 3, 4 have basic = true"), "{notes:?}");
        let many: String = (1..=7).map(|number| rule(number, "second-factor", true)).collect();
        assert!(said(&format!("{domains}{many}"))[0].contains("1, 2, 3, 4, 5 and 2 more have"));
    }
}
