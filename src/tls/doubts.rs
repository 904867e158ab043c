//! What is wrong with a certificate that can be served all the same: whoever comes will be turned away by their browser.

use rustls::pki_types::{CertificateDer, ServerName};
use webpki::EndEntityCert;

use crate::base::{DAY, Seconds, Timestamp};

use super::expiry::validity;

/// Seconds before its end from which on a certificate is worth a word: those that renew themselves have done so long before.
const SOON: Seconds = 14 * DAY;

/// In words, each with what to do about it.
#[must_use]
pub fn doubts(leaf: &CertificateDer<'_>, host: &str, now: Timestamp) -> Vec<String> {
    let mut found = Vec::new();
    let name = ServerName::try_from(host).ok();
    let is_for_us = EndEntityCert::try_from(leaf)
        .ok()
        .zip(name)
        .is_some_and(|(certificate, name)| certificate.verify_is_valid_for_subject_name(&name).is_ok());
    if !is_for_us {
        found.push(format!(
            "the certificate is not for {host}, and browsers will refuse it: take one that names the host of site.url"
        ));
    }
    match validity(leaf).map(|(_, ends_at)| ends_at) {
        Some(end) if end <= now => {
            found.push(format!("the certificate expired on {end}: renew it, it is read anew when the file changes"));
        }
        Some(end) if end <= now.plus(SOON) => {
            found.push(format!("the certificate expires soon, on {end}: see why it was not renewed"));
        }
        _ => {}
    }
    found
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
        doubts(&certificate(names), host, Timestamp::parse(now).expect("a time")).join("; ")
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
