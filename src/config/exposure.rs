//! Settings that open more than they seem to.

use ipnet::IpNet;

use super::Config;

/// A network with fewer bits than these holds more strangers than proxies: those that content networks publish are narrower.
const WIDE_V4_BITS: u8 = 12;
const WIDE_V6_BITS: u8 = 24;

/// What deserves a word.
pub(super) fn notes(config: &Config) -> Vec<String> {
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

/// Whether a network reaches beyond those that are nobody's in particular (RFC 1918, 4193, 4291, 6598).
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
