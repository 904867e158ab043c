//! Faults of a certificate that can be served all the same, but that browsers will refuse.

use std::fmt;

use rustls::pki_types::{CertificateDer, ServerName};
use webpki::EndEntityCert;

use crate::base::{DAY, Seconds, Timestamp};

use super::client::is_trusted_by_the_system;
use super::parsed::Parsed;

/// The time before its end from which a certificate is warned about: automatic renewal would have happened long before.
const SOON: Seconds = 14 * DAY;

/// A fault that browsers will object to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lint {
    /// The fault in words, with what to do about it.
    said: String,
    /// Whether every browser objects, or it depends on what it was told to trust.
    pub is_certain: bool,
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)
    }
}

/// Checks a chain that begins with the certificate to be served.
#[must_use]
pub(super) fn lint(chain: &[CertificateDer<'_>], host: &str, now: Timestamp) -> Vec<Lint> {
    let Some((leaf, parsed)) = chain.first().and_then(|leaf| Some((leaf, Parsed::of(leaf)?))) else { return vec![] };
    let certain = |said: String| Lint { said, is_certain: true };
    let mut found: Vec<Lint> = [name(leaf, &parsed, host), time(&parsed, now), key(&parsed), purpose(&parsed)]
        .into_iter()
        .flatten()
        .map(certain)
        .collect();
    for (at, between) in chain.iter().enumerate().skip(1) {
        let ended = Parsed::of(between).filter(|between| between.ends_at <= now && !between.is_by_itself());
        if let Some(ended) = ended {
            found.push(certain(format!(
                "certificate {} of the chain expired on {}: take a new chain from the authority",
                at + 1,
                ended.ends_at
            )));
        }
    }
    found.extend(issuer(&parsed, chain));
    found
}

fn name(leaf: &CertificateDer<'_>, parsed: &Parsed<'_>, host: &str) -> Option<String> {
    const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if !parsed.mentions(SUBJECT_ALTERNATIVE_NAME) {
        let kind = if bare.parse::<std::net::IpAddr>().is_ok() { "IP" } else { "DNS" };
        return Some(format!(
            "the certificate names no host, and browsers will refuse it (a common name alone does not count): make it anew with the name in it, as openssl req … -addext subjectAltName={kind}:{bare} does"
        ));
    }
    let name = ServerName::try_from(bare).ok();
    let is_for_us = EndEntityCert::try_from(leaf)
        .ok()
        .zip(name)
        .is_some_and(|(certificate, name)| certificate.verify_is_valid_for_subject_name(&name).is_ok());
    (!is_for_us).then(|| {
        format!(
            "the certificate is not for {host}, and browsers will refuse it: take one that names the host of site.url"
        )
    })
}

fn time(parsed: &Parsed<'_>, now: Timestamp) -> Option<String> {
    let (begin, end) = (parsed.begins_at, parsed.ends_at);
    if end <= now {
        return Some(format!("the certificate expired on {end}: renew it, it is read anew when the file changes"));
    }
    if begin > now {
        return Some(format!("the certificate is not good before {begin}: wait, or set this machine's clock"));
    }
    (end <= now.plus(SOON)).then(|| format!("the certificate expires soon, on {end}: see why it was not renewed"))
}

/// Finds kinds of keys and signatures that can be served, but that browsers refuse.
fn key(parsed: &Parsed<'_>) -> Option<String> {
    const INSTEAD: &str = "take one with ECDSA of P-256 or P-384, or with RSA";
    const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
    const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
    const OLD_SIGNATURES: [&[u8]; 3] = [
        // SHA-1 and MD5 with RSA, SHA-1 with ECDSA.
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05],
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04],
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01],
    ];
    if parsed.has_kind(ED25519) {
        return Some(format!("the certificate has a key of the kind Ed25519, which no browser takes: {INSTEAD}"));
    }
    if parsed.has_kind(P521) {
        return Some(format!(
            "the certificate has a key of the curve P-521, which Chrome and Safari do not take: {INSTEAD}"
        ));
    }
    let is_old = OLD_SIGNATURES.iter().any(|oid| parsed.is_signed_with(oid));
    is_old.then(|| "the certificate is signed with SHA-1 or MD5, which no browser takes: have it made anew".into())
}

fn purpose(parsed: &Parsed<'_>) -> Option<String> {
    const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
    const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
    const ANY: &[u8] = &[0x55, 0x1d, 0x25, 0x00];
    let is_narrow = parsed.mentions(EXTENDED_KEY_USAGE) && !parsed.mentions(SERVER_AUTH) && !parsed.mentions(ANY);
    is_narrow.then(|| {
        "the certificate is not for servers, and browsers will refuse it: it needs the extended key usage serverAuth".into()
    })
}

/// Checks that a browser can build a chain from the certificate to a trusted root.
fn issuer(leaf: &Parsed<'_>, chain: &[CertificateDer<'_>]) -> Option<Lint> {
    /// The access method "CA Issuers": the issuer is an intermediate to be fetched. Roots are not fetched, but known.
    const ISSUER_IS_AT: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02];
    if leaf.is_by_itself() {
        return Some(Lint {
            said: "the certificate is signed by itself: browsers ask before they trust it, each of them once".into(),
            is_certain: false,
        });
    }
    let has_issuer = chain.iter().skip(1).filter_map(|der| Parsed::of(der)).any(|other| leaf.is_issued_by(&other));
    if has_issuer || is_trusted_by_the_system(|name| leaf.is_issued_by_name(name)) == Some(true) {
        return None;
    }
    let (issuer, is_certain) = (leaf.issuer_in_words(), leaf.mentions(ISSUER_IS_AT));
    let unless = if is_certain {
        ""
    } else {
        "; nothing is to be done if it is a CA of your own that every browser was told to trust"
    };
    Some(Lint {
        said: format!(
            "the chain is incomplete: the certificate of the issuer, {issuer}, is not behind it in the file, and phones and programs will refuse it: take fullchain.pem, or add the intermediate certificate{unless}"
        ),
        is_certain,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    fn certificate(names: &[&str]) -> CertificateDer<'static> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.not_after = date_time_ymd(2031, 11, 25);
        params.self_signed(&KeyPair::generate().expect("a key")).expect("signed").der().clone()
    }

    fn words(names: &[&str], host: &str, now: &str) -> String {
        let found = lint(&[certificate(names)], host, Timestamp::parse(now).expect("a time"));
        let certain = found.iter().filter(|doubt| doubt.is_certain);
        certain.map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_certificate_must_name_the_host() {
        let now = "2031-01-01T00:00:00Z";
        assert_eq!(words(&["auth.example.org"], "auth.example.org", now), "");
        assert_eq!(words(&["*.example.org", "example.org"], "auth.example.org", now), "");
        assert_eq!(words(&["192.0.2.1"], "192.0.2.1", now), "");
        for (names, host) in [(&["other.example.org"], "auth.example.org"), (&["*.example.org"], "example.org")] {
            assert!(words(names, host, now).contains(&format!("is not for {host}")));
        }
    }

    #[test]
    fn its_end_is_told_two_weeks_before() {
        let told = |now: &str| words(&["auth.example.org"], "auth.example.org", now);
        assert_eq!(told("2031-11-10T00:00:00Z"), "");
        assert!(told("2031-11-12T00:00:00Z").contains("expires soon, on 2031-11-25T00:00:00Z"));
        assert!(told("2031-11-25T00:00:00Z").contains("expired on 2031-11-25T00:00:00Z"));
    }
}
