//! Notes on settings that are allowed but deserve a word: most expose more than they seem to.

use ipnet::IpNet;

use super::access_notes::access_notes;
use super::site_url::is_loopback;
use super::{Config, FrontEndUrl, MailTransport, Security};

/// A network with fewer bits than these holds more strangers than proxies:
/// those that content networks publish are narrower.
const WIDE_V4_BITS: u8 = 12;
const WIDE_V6_BITS: u8 = 24;

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
    notes.extend(config.site.accent.note());
    notes.extend(openings(config));
    notes.extend(access_notes(config));
    notes
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
}
