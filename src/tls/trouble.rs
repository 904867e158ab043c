//! Failed handshakes that we began, in words that say what to do.

use std::io;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

/// The reason why a TLS handshake failed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Trouble {
    /// No trusted root vouches for the certificate.
    Untrusted,
    /// The certificate names no host at all; a common name has not counted since RFC 6125.
    NamesNobody,
    /// The certificate is for these hosts.
    NamesOthers(Vec<String>),
    /// The certificate is not valid yet, or no longer.
    OutOfDate,
    /// The certificate may not be used for a server.
    NotForServers,
    /// The certificate cannot be read, or is signed in a way that we do not know.
    Unusable,
    /// The server answered, but not with TLS.
    ClearText,
    /// The two sides have no version, cipher or kind of key in common.
    NothingInCommon,
    /// The server ended the connection in the middle.
    Closed,
    /// The server refused something about us.
    Alert(String),
    /// Anything else.
    Other,
}

impl Trouble {
    /// Classifies the error of a handshake.
    #[must_use]
    pub fn of(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(Error::InvalidCertificate(fault)) => Self::of_certificate(fault),
            Some(Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::MessageTooLarge)) => {
                Self::ClearText
            }
            Some(Error::InvalidMessage(InvalidMessage::UnknownProtocolVersion)) => Self::ClearText,
            Some(Error::PeerIncompatible(_)) => Self::NothingInCommon,
            Some(Error::AlertReceived(
                AlertDescription::HandshakeFailure
                | AlertDescription::ProtocolVersion
                | AlertDescription::InsufficientSecurity,
            )) => Self::NothingInCommon,
            Some(Error::AlertReceived(alert)) => Self::Alert(format!("{alert:?}")),
            Some(Error::NoCertificatesPresented) => Self::Unusable,
            Some(_) => Self::Other,
            None if is_end(error) => Self::Closed,
            None => Self::Other,
        }
    }

    fn of_certificate(fault: &CertificateError) -> Self {
        match fault {
            CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => Self::NamesNobody,
            CertificateError::NotValidForNameContext { presented, .. } => {
                Self::NamesOthers(presented.iter().map(|name| bare(name)).collect())
            }
            CertificateError::NotValidForName => Self::NamesOthers(vec![]),
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Self::OutOfDate,
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => Self::NotForServers,
            // This includes `CaUsedAsEndEntity`, which is how a self-signed certificate looks to the library.
            CertificateError::UnknownIssuer => Self::Untrusted,
            // An issuer of the trusted name, with another key: most often one of the two was made anew.
            CertificateError::BadSignature => Self::Untrusted,
            CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => Self::Untrusted,
            _ => Self::Unusable,
        }
    }

    /// Says what to do. `at` is the server, `host` its name, `ca_file` the setting that says whom to trust, and
    /// `names_ca` whether it is set.
    #[must_use]
    pub fn in_words(&self, at: &str, host: &str, (ca_file, names_ca): (&str, bool)) -> String {
        match self {
            Self::Untrusted if names_ca => format!(
                "the certificate of {at} is not trusted: no certificate in {ca_file} signed it, nor is it one of them; put the CA's certificate there, or the server's own (openssl s_client -showcerts shows both)"
            ),
            Self::Untrusted => format!(
                "the certificate of {at} is not trusted: name its CA in {ca_file}, or the certificate itself where it signed itself"
            ),
            Self::NamesNobody => format!(
                "the certificate of {at} names no host (a common name alone does not count): make it anew with the name in it, as openssl req … -addext subjectAltName=DNS:{host} does"
            ),
            Self::NamesOthers(names) => {
                let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
                format!("the certificate of {at} is for another name{names}: write the name it carries as the host")
            }
            Self::OutOfDate => format!("the certificate of {at} has expired, or this machine's clock is wrong"),
            Self::NotForServers => {
                format!(
                    "the certificate of {at} may not be used for a server: it needs the extended key usage serverAuth"
                )
            }
            Self::Unusable => format!(
                "the certificate of {at} cannot be used: it is damaged, of an old version, with an extension that is not known, or with a key or a signature that nobody trusts any more (RSA below 2048 bits, SHA-1); make it anew"
            ),
            Self::ClearText => format!("{at} answered in clear text where TLS was expected"),
            Self::NothingInCommon => {
                format!(
                    "{at} and we have no version of TLS, no cipher or no kind of key in common: it must offer TLS 1.2 or 1.3, and a certificate with an RSA or an ECDSA key (P-256, P-384)"
                )
            }
            Self::Closed => {
                format!("{at} ended the connection in the middle of the TLS handshake: its log may say why")
            }
            Self::Alert(alert) => format!("{at} refused the TLS handshake with the alert {alert}: its log may say why"),
            Self::Other => format!("TLS with {at} failed"),
        }
    }
}

impl Trouble {
    /// Says why a browser would refuse what the site shows at `host`.
    #[must_use]
    pub fn to_visitors(&self, host: &str) -> String {
        match self {
            Self::Untrusted => "no authority that this machine trusts vouches for the certificate: it is signed by itself, or by a CA of your own, or the certificate between is missing (fullchain.pem)".into(),
            Self::NamesNobody => format!("the certificate names no host (a common name alone does not count); it has to name {host}"),
            Self::NamesOthers(names) => {
                let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
                format!("the certificate is for another name{names}, and has to name {host}")
            }
            Self::OutOfDate => "the certificate has expired, or is not good yet, or this machine's clock is wrong".into(),
            Self::NotForServers => "the certificate may not be used for a server".into(),
            Self::Unusable => "the certificate, its key or its signature is of a kind that browsers do not take".into(),
            Self::ClearText => "what answers there speaks no TLS".into(),
            Self::NothingInCommon => "what answers there has no version of TLS, no cipher or no kind of key in common with browsers".into(),
            Self::Closed => "what answers there ends the connection in the middle of the TLS handshake".into(),
            Self::Alert(alert) => format!("what answers there refuses the TLS handshake with the alert {alert}"),
            Self::Other => "the TLS handshake fails".into(),
        }
    }
}

fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}

/// Returns the name in `DnsName("mail.example.org")`, as the library writes it.
fn bare(presented: &str) -> String {
    let inner = presented.split_once('(').map_or(presented, |(_, rest)| rest.trim_end_matches(')'));
    inner.trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_without_what_the_library_writes_around_it() {
        assert_eq!(bare("DnsName(\"*.example.org\")"), "*.example.org");
        assert_eq!(bare("IpAddress(192.0.2.1)"), "192.0.2.1");
        assert_eq!(bare("example.org"), "example.org");
    }

    #[test]
    fn what_is_no_trouble_with_tls_is_told_as_what_it_is() {
        assert_eq!(Trouble::of(&io::ErrorKind::UnexpectedEof.into()), Trouble::Closed);
        assert_eq!(Trouble::of(&io::Error::other("else")), Trouble::Other);
        assert_eq!(Trouble::of(&io::Error::other(Error::NoCertificatesPresented)), Trouble::Unusable);
    }
}
