//! PEM (RFC 7468) as people have it: text around the blocks, blocks without a line break between them, line ends of
//! Windows; and what a file is that holds something else.

use std::path::Path;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};

use crate::config::{Unreadable, read_bytes, text_of};
use crate::crypto::from_base64;

use super::der::{self, INTEGER, OCTET_STRING, SEQUENCE};
use super::parsed::Parsed;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// A PEM block.
struct Block {
    label: String,
    is_encrypted: bool,
    der: Vec<u8>,
}

/// Reads the certificates of a file, in its order: at least one.
///
/// # Errors
/// When there is none, or not all of it can be read.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Unreadable> {
    certificates_of(read_bytes(path)?)
}

fn certificates_of(bytes: Vec<u8>) -> Result<Vec<CertificateDer<'static>>, Unreadable> {
    let blocks = blocks(bytes, Wanted::Certificate)?;
    let mut found = Vec::new();
    for block in blocks.iter().filter(|block| is_certificate(&block.label)) {
        // A "trusted certificate" of OpenSSL carries its trust settings after the certificate.
        let der = &block.der[..block.der.len() - trailing(&block.der)];
        if Parsed::of(der).is_none() {
            let reason = format!("certificate {} in it is damaged", found.len() + 1);
            return Err(Unreadable::saying(&reason, "take the file anew from where it came"));
        }
        found.push(CertificateDer::from(der.to_vec()));
    }
    if found.is_empty() {
        return Err(in_place_of_certificates(&blocks));
    }
    Ok(found)
}

/// Returns the number of bytes after the first element.
fn trailing(der: &[u8]) -> usize {
    let mut rest = der;
    if der::take(&mut rest).is_some() { rest.len() } else { 0 }
}

/// Reads the private keys of a file, in its order: at least one.
///
/// # Errors
/// When there is none that can be read without a password.
pub(super) fn private_keys(path: &Path) -> Result<Vec<PrivateKeyDer<'static>>, Unreadable> {
    private_keys_of(read_bytes(path)?)
}

fn private_keys_of(bytes: Vec<u8>) -> Result<Vec<PrivateKeyDer<'static>>, Unreadable> {
    let blocks = blocks(bytes, Wanted::Key)?;
    let readable = blocks.iter().filter(|block| !block.is_encrypted);
    let found: Vec<_> = readable
        .filter_map(|block| {
            let der = block.der.clone();
            match block.label.as_str() {
                "PRIVATE KEY" => Some(PrivatePkcs8KeyDer::from(der).into()),
                "RSA PRIVATE KEY" => Some(PrivatePkcs1KeyDer::from(der).into()),
                "EC PRIVATE KEY" => Some(PrivateSec1KeyDer::from(der).into()),
                _ => None,
            }
        })
        .collect();
    if found.is_empty() { Err(in_place_of_keys(&blocks)) } else { Ok(found) }
}

fn is_certificate(label: &str) -> bool {
    ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"].contains(&label)
}

fn in_place_of_certificates(blocks: &[Block]) -> Unreadable {
    let has = |end: &str| blocks.iter().any(|block| block.label.ends_with(end));
    let (reason, hint) = if has("CERTIFICATE REQUEST") {
        (
            "holds a request for a certificate, and no certificate",
            "the authority gave a certificate back for the request: that one belongs here",
        )
    } else if has("PRIVATE KEY") {
        ("holds a private key, and no certificate", "were the files of the certificate and of the key swapped?")
    } else if has("PUBLIC KEY") {
        (
            "holds a public key, and no certificate",
            "the certificate is the file that begins with -----BEGIN CERTIFICATE-----",
        )
    } else if has("PKCS7") || has("CMS") {
        ("is PKCS #7", "openssl pkcs7 -print_certs -in OLD -out NEW")
    } else {
        ("there is no certificate in it", "a certificate in PEM form begins with -----BEGIN CERTIFICATE-----")
    };
    Unreadable::saying(reason, hint)
}

fn in_place_of_keys(blocks: &[Block]) -> Unreadable {
    let has = |end: &str| blocks.iter().any(|block| block.label.ends_with(end));
    let (reason, hint) = if blocks.iter().any(|block| block.is_encrypted) {
        (
            "the private key in it is encrypted",
            "a service has nobody to ask for the password: openssl pkey -in OLD -out NEW, then chmod 600 NEW",
        )
    } else if has("OPENSSH PRIVATE KEY") {
        ("holds a key of OpenSSH", "it is none of a certificate; if it has to be: ssh-keygen -p -m PEM -f FILE")
    } else if has("PRIVATE KEY") {
        (
            "holds a private key of a kind that browsers do not know",
            "take RSA with 2048 bits or more, or ECDSA with P-256 or P-384",
        )
    } else if has("CERTIFICATE REQUEST") {
        (
            "holds a request for a certificate, and no private key",
            "the key that was made together with the request belongs here",
        )
    } else if has("CERTIFICATE") {
        ("holds a certificate, and no private key", "were the files of the certificate and of the key swapped?")
    } else if has("PUBLIC KEY") {
        (
            "holds a public key, and no private key",
            "the private key is the file that begins with -----BEGIN PRIVATE KEY-----",
        )
    } else {
        ("there is no private key in it", "a private key in PEM form begins with -----BEGIN PRIVATE KEY-----")
    };
    Unreadable::saying(reason, hint)
}

#[derive(Clone, Copy)]
enum Wanted {
    Certificate,
    Key,
}

fn blocks(bytes: Vec<u8>, wanted: Wanted) -> Result<Vec<Block>, Unreadable> {
    if bytes.is_empty() {
        return Err(Unreadable::saying("is empty", "take the file anew from where it came"));
    }
    let has_begin = bytes.windows(BEGIN.len()).any(|window| window == BEGIN.as_bytes());
    if !has_begin {
        return Err(without_blocks(bytes, wanted));
    }
    // The text around the blocks may be in any encoding.
    let text = String::from_utf8_lossy(&bytes);
    let mut found = Vec::new();
    let mut rest = &*text;
    while let Some(at) = rest.find(BEGIN) {
        let line = text[..text.len() - rest.len() + at].matches('\n').count() + 1;
        let damaged = |what: &str| Unreadable {
            place: Some((line, 1)),
            ..Unreadable::saying(&format!("the block that begins here {what}"), "take the file anew from where it came")
        };
        let behind = &rest[at + BEGIN.len()..];
        let (label, behind) = behind.split_once(DASHES).ok_or_else(|| damaged("has no name"))?;
        let end = behind.find(END).ok_or_else(|| damaged("does not end"))?;
        let body = &behind[..end];
        if body.contains(BEGIN) {
            return Err(damaged("does not end"));
        }
        let (end_label, after) = behind[end + END.len()..].split_once(DASHES).ok_or_else(|| damaged("does not end"))?;
        if end_label != label {
            return Err(damaged("ends as another one"));
        }
        let is_encrypted = label.starts_with("ENCRYPTED") || body.contains("ENCRYPTED");
        let data: String = body.lines().filter(|line| !line.contains(':')).flat_map(str::split_whitespace).collect();
        // The headers of an encrypted key may be followed by anything.
        let der = if is_encrypted { Some(vec![]) } else { from_base64(&data) };
        let der = der.filter(|der| is_encrypted || !der.is_empty()).ok_or_else(|| damaged("is damaged"))?;
        found.push(Block { label: label.trim().to_owned(), is_encrypted, der });
        rest = after;
    }
    Ok(found)
}

/// Tells what a file is that has no block.
fn without_blocks(bytes: Vec<u8>, wanted: Wanted) -> Unreadable {
    let (a, an, command) = match wanted {
        Wanted::Certificate => ("a certificate", "CERTIFICATE", "x509"),
        Wanted::Key => ("a private key", "PRIVATE KEY", "pkey"),
    };
    if bytes.starts_with(&[0xfe, 0xed, 0xfe, 0xed]) {
        return Unreadable::saying(
            "is a keystore of Java",
            "keytool -importkeystore … -deststoretype PKCS12, then openssl pkcs12",
        );
    }
    if let Some(content) = der::expect(&mut &*bytes, SEQUENCE) {
        return of_der(content, &bytes, command);
    }
    match text_of(bytes) {
        Err(fault) if fault.reason.contains("UTF-16") => fault,
        Ok(text) if text.starts_with("ssh-") || text.starts_with("ecdsa-") => {
            Unreadable::saying("holds a public key of OpenSSH", "it is none of a certificate")
        }
        Ok(text) if !text.trim().is_empty() && from_base64(&text.split_whitespace().collect::<String>()).is_some() => {
            let hint = format!(
                "put -----BEGIN {an}----- before it and -----END {an}----- behind it, each on a line of its own"
            );
            Unreadable::saying("has the data of PEM, and not its first and last line", &hint)
        }
        _ => {
            let hint = format!("{a} in PEM form begins with -----BEGIN {an}-----");
            Unreadable::saying(&format!("there is no {} in it", a.trim_start_matches("a ")), &hint)
        }
    }
}

fn of_der(content: &[u8], whole: &[u8], command: &str) -> Unreadable {
    let mut inner = content;
    // RFC 7292, 4: the version is 3.
    let is_pkcs12 = der::expect(&mut inner, INTEGER) == Some(&[3]) && der::expect(&mut inner, SEQUENCE).is_some();
    if is_pkcs12 {
        return Unreadable::saying(
            "is PKCS #12",
            "openssl pkcs12 -in OLD -nokeys -out CERTIFICATE; openssl pkcs12 -in OLD -nocerts -nodes -out KEY; then chmod 600 KEY",
        );
    }
    // RFC 5208, 6: an algorithm, and what it has made of a key.
    let mut inner = content;
    let is_encrypted = der::expect(&mut inner, SEQUENCE).is_some()
        && der::expect(&mut inner, OCTET_STRING).is_some()
        && inner.is_empty();
    if is_encrypted {
        return Unreadable::saying(
            "the private key in it is encrypted, and in DER form",
            "openssl pkey -inform DER -in OLD -out NEW, then chmod 600 NEW",
        );
    }
    let is_right = (command == "x509") == Parsed::of(whole).is_some();
    let hint = if is_right {
        format!("openssl {command} -inform DER -in OLD -out NEW")
    } else {
        "were the files of the certificate and of the key swapped? And it has to be PEM: openssl x509 or pkey, -inform DER -in OLD -out NEW".to_owned()
    };
    Unreadable::saying("is in DER form, and PEM is needed", &hint)
}
