//! Certificates and keys as people have them: each is served or explained, by `check`, `serve` and `doctor` alike.

use std::fmt::Write;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519, PKCS_RSA_SHA256,
    SignatureAlgorithm, date_time_ymd,
};
use serde_json::Value;

use crate::process::{Server, configuration, free_port, refusal, run};
use crate::store::Folder;
use crate::tls::from_files;

/// A certificate with its key, and who can issue more.
struct Issued {
    pem: String,
    key: KeyPair,
    params: CertificateParams,
}

fn plainly(_: &mut CertificateParams) {}

fn as_an_authority(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
}

impl Issued {
    fn by_itself(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let (mut params, key) = prepared(&PKCS_ECDSA_P256_SHA256, name, &[]);
        change(&mut params);
        Self { pem: params.self_signed(&key).expect("signed").pem(), key, params }
    }

    fn issues(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        self.issues_with(&PKCS_ECDSA_P256_SHA256, name, change)
    }

    fn issues_with(
        &self,
        algorithm: &'static SignatureAlgorithm,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let names: &[&str] = if name == "localhost" { &["localhost"] } else { &[] };
        let (mut params, key) = prepared(algorithm, name, names);
        change(&mut params);
        let issuer = Issuer::from_params(&self.params, &self.key);
        Self { pem: params.signed_by(&key, &issuer).expect("signed").pem(), key, params }
    }

    fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }
}

fn prepared(algorithm: &'static SignatureAlgorithm, name: &str, hosts: &[&str]) -> (CertificateParams, KeyPair) {
    let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(hosts).expect("names");
    params.distinguished_name.push(DnType::CommonName, name);
    (params, KeyPair::generate_for(algorithm).expect("a key"))
}

/// What becomes of a pair of files.
enum Verdict {
    /// It is served, and nothing is said.
    Served,
    /// It is served, and this is said.
    Doubted(&'static str),
    /// It is not served, and this is said of this file.
    Refused(&'static str, &'static str),
}
use Verdict::{Doubted, Refused, Served};

struct Case {
    what: &'static str,
    certificate: Vec<u8>,
    key: Vec<u8>,
    verdict: Verdict,
}

/// The case and what the three say of it, one after the other.
fn try_out(case: &Case) -> String {
    let mut wrong = String::new();
    let folder = Folder::new();
    std::fs::write(folder.join("cert.pem"), &case.certificate).expect("written");
    std::fs::write(folder.join("key.pem"), &case.key).expect("written");
    std::fs::set_permissions(folder.join("key.pem"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("ours");
    let port = free_port();
    let config = configuration(&folder.0, port, &from_files(&folder.0));
    let mut expect = |holds: bool, who: &str, said: &str| {
        if !holds {
            writeln!(wrong, "## {}: {who}\n{said}", case.what).expect("a string");
        }
    };

    let checked = run(&["check", "--config", &config], "");
    let said = [checked.stdout, checked.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    let doctor = run(&["doctor", "--json", "--config", &config], "");
    let findings: Value = serde_json::from_slice(&doctor.stdout).expect("JSON");
    let of_certificate: Vec<String> = findings["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter(|finding| finding["what"] == "certificate")
        .map(ToString::to_string)
        .collect();
    let of_certificate = of_certificate.join("\n");
    for words in ["InvalidCharacter", "items found", "unexpected error", "UnknownIssuer", "BadEncoding", "os error"] {
        expect(
            !said.contains(words) && !of_certificate.contains(words),
            "a library's words",
            &format!("{said}{of_certificate}"),
        );
    }
    match case.verdict {
        Served => {
            expect(checked.status.code() == Some(0) && !said.contains("note: "), "check", &said);
            expect(of_certificate.contains("can be served"), "doctor", &of_certificate);
        }
        Doubted(words) => {
            expect(checked.status.code() == Some(0) && said.contains(words), "check", &said);
            expect(
                of_certificate.contains(words) && !of_certificate.contains("can be served"),
                "doctor",
                &of_certificate,
            );
        }
        Refused(file, words) => {
            let blamed = said.contains(words) && said.contains(&format!("{file}.pem")) && said.contains("hint: ");
            // The line of the setting that names the file.
            let line = if file == "cert" { ":18:15: " } else { ":19:15: " };
            expect(checked.status.code() == Some(78) && blamed && said.contains(line), "check", &said);
            expect(of_certificate.contains(words) && of_certificate.contains("wrong"), "doctor", &of_certificate);
            // What passes would serve, and not come to an end.
            if checked.status.code() != Some(78) {
                return wrong;
            }
            let (code, said) = refusal(&["serve", "--config", &config]);
            expect(code == Some(78) && said.contains(words) && said.contains(line), "serve", &said);
        }
    }
    if !matches!(case.verdict, Refused(..)) {
        let server = Server::start(&["serve", "--config", &config], port);
        match case.verdict {
            Doubted(words) => expect(server.log.contains(words), "serve", &server.log),
            _ => expect(!server.log.contains("the certificate"), "serve", &server.log),
        }
        let shown = server.client().certificate().is_ok();
        expect(shown, "serve", "no certificate is shown");
        expect(server.stops() == Some(0), "serve", "it did not stop");
    }
    wrong
}

/// Every case, and all that is not as it should be.
fn try_all(cases: &[Case]) {
    let wrong: String = cases.iter().map(try_out).collect();
    assert!(wrong.is_empty(), "{wrong}");
}

/// A root, one between it and the site, and the site's own.
fn three() -> (Issued, Issued, Issued) {
    let root = Issued::by_itself("Root", as_an_authority);
    let between = root.issues("Between", as_an_authority);
    let leaf = between.issues("localhost", plainly);
    (root, between, leaf)
}

fn case(what: &'static str, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>, verdict: Verdict) -> Case {
    Case { what, certificate: certificate.into(), key: key.into(), verdict }
}

fn der_of(pem: &str) -> Vec<u8> {
    use rustls::pki_types::pem::PemObject;
    if pem.contains("CERTIFICATE") {
        rustls::pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM").to_vec()
    } else {
        rustls::pki_types::PrivateKeyDer::from_pem_slice(pem.as_bytes()).expect("PEM").secret_der().to_vec()
    }
}

#[test]
fn whatever_stands_around_the_blocks_and_in_whichever_order_a_chain_is_served() {
    let (root, between, leaf) = three();
    let (r, b, l, key) = (&root.pem, &between.pem, &leaf.pem, leaf.key_pem());
    let other = Issued::by_itself("Other", plainly);
    let with_crlf = |text: &str| text.replace('\r', "").replace('\n', "\r\n");
    try_all(&[
        case("as it should be", format!("{l}{b}"), key.clone(), Served),
        case("no newline between the blocks", format!("{}{b}", l.trim_end()), key.trim_end(), Served),
        case("the issuer first", format!("{b}{l}"), key.clone(), Served),
        case("the root first", format!("{r}{b}{l}"), key.clone(), Served),
        case("the root last", format!("{l}{b}{r}"), key.clone(), Served),
        case("lines as Windows ends them", with_crlf(&format!("{l}{b}")), with_crlf(&key), Served),
        case("a byte order mark", format!("\u{feff}{l}{b}"), format!("\u{feff}{key}"), Served),
        case(
            "text around the blocks",
            [b"Bag Attributes\n  friendlyName: M\xfcller\n", l.as_bytes(), b"issuer=CN = Between\n", b.as_bytes()]
                .concat(),
            format!("# the key\n\n{key}\n\n"),
            Served,
        ),
        case("everything in one file", format!("{key}{l}{b}"), format!("{key}{l}{b}"), Served),
        case(
            "parameters of a curve before the key",
            format!("{l}{b}"),
            format!("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{key}"),
            Served,
        ),
        case("several keys, ours among them", format!("{l}{b}"), format!("{}{key}", other.key_pem()), Served),
        case("an old label", format!("{l}{b}").replace(" CERTIFICATE", " X509 CERTIFICATE"), key.clone(), Served),
    ]);
}

#[test]
fn what_browsers_will_not_like_is_told() {
    let (root, between, leaf) = three();
    let b = &between.pem;
    let chain = |issued: &Issued| format!("{}{b}", issued.pem);
    let with = |algorithm| between.issues_with(algorithm, "localhost", plainly);
    let (rsa, p384, p521, ed25519) =
        (with(&PKCS_RSA_SHA256), with(&PKCS_ECDSA_P384_SHA384), with(&PKCS_ECDSA_P521_SHA512), with(&PKCS_ED25519));
    let dated = |from: (i32, u8, u8), to: (i32, u8, u8)| {
        between.issues("localhost", |params| {
            params.not_before = date_time_ymd(from.0, from.1, from.2);
            params.not_after = date_time_ymd(to.0, to.1, to.2);
        })
    };
    let (past, future) = (dated((2020, 1, 1), (2021, 1, 1)), dated((3000, 1, 1), (3001, 1, 1)));
    let elsewhere = between.issues("localhost", |params| {
        params.subject_alt_names = vec![rcgen::SanType::DnsName("other.example.org".try_into().expect("a name"))];
    });
    let nameless = between.issues("localhost", |params| params.subject_alt_names.clear());
    let client = between.issues("localhost", |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let server = between.issues("localhost", |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    let own = Issued::by_itself("localhost", |params| {
        params.subject_alt_names = vec![rcgen::SanType::DnsName("localhost".try_into().expect("a name"))];
        as_an_authority(params);
    });
    let stale = root.issues("Between", |params| {
        as_an_authority(params);
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    let below_stale = stale.issues("localhost", plainly);
    try_all(&[
        case("RSA", chain(&rsa), rsa.key_pem(), Served),
        case("P-384", chain(&p384), p384.key_pem(), Served),
        case("for servers", chain(&server), server.key_pem(), Served),
        case("P-521", chain(&p521), p521.key_pem(), Doubted("of the curve P-521, which Chrome and Safari do not take")),
        case("Ed25519", chain(&ed25519), ed25519.key_pem(), Doubted("of the kind Ed25519, which no browser takes")),
        case("expired", chain(&past), past.key_pem(), Doubted("the certificate expired on 2021-01-01")),
        case(
            "not good yet",
            chain(&future),
            future.key_pem(),
            Doubted("the certificate is not good before 3000-01-01"),
        ),
        case("another name", chain(&elsewhere), elsewhere.key_pem(), Doubted("the certificate is not for localhost")),
        case("no name", chain(&nameless), nameless.key_pem(), Doubted("the certificate names no host")),
        case("for clients", chain(&client), client.key_pem(), Doubted("the extended key usage serverAuth")),
        case("by itself", own.pem.clone(), own.key_pem(), Doubted("the certificate is signed by itself")),
        case(
            "without its issuer",
            leaf.pem.clone(),
            leaf.key_pem(),
            Doubted("the chain is incomplete: the certificate of the issuer, Between, is not behind it"),
        ),
        case(
            "another issuer behind it",
            format!("{}{}", leaf.pem, root.pem),
            leaf.key_pem(),
            Doubted("the chain is incomplete"),
        ),
        case(
            "an issuer that has expired",
            format!("{}{}", below_stale.pem, stale.pem),
            below_stale.key_pem(),
            Doubted("certificate 2 of the chain expired on 2021-01-01"),
        ),
    ]);
}

#[test]
fn what_cannot_be_served_is_explained_by_the_file_that_is_at_fault() {
    let (_, between, leaf) = three();
    let (chain, key) = (format!("{}{}", leaf.pem, between.pem), leaf.key_pem());
    let of = |what, key: &str, words| case(what, chain.clone(), key, Refused("key", words));
    let labelled = |label: &str| key.replace("PRIVATE KEY", label);
    let headed = labelled("EC PRIVATE KEY").replace(
        "KEY-----\n",
        "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0123456789ABCDEF0123456789ABCDEF\n\n",
    );
    let utf16: Vec<u8> = key.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let data: Vec<&str> = key.lines().filter(|line| !line.starts_with('-')).collect();
    let keys = [
        of("PKCS #8, encrypted", &labelled("ENCRYPTED PRIVATE KEY"), "is encrypted"),
        of("SEC 1, encrypted", &headed, "is encrypted"),
        of("PKCS #1, encrypted", &headed.replace("EC PRIVATE", "RSA PRIVATE"), "openssl pkey -in OLD -out NEW"),
        case("DER", chain.clone(), der_of(&key), Refused("key", "openssl pkey -inform DER")),
        case(
            "DER, encrypted",
            chain.clone(),
            *b"\x30\x06\x30\x00\x04\x02ab",
            Refused("key", "is encrypted, and in DER form"),
        ),
        case("PKCS #12", chain.clone(), *b"\x30\x05\x02\x01\x03\x30\x00", Refused("key", "is PKCS #12")),
        case(
            "a keystore of Java",
            chain.clone(),
            *b"\xfe\xed\xfe\xed\x00\x00",
            Refused("key", "is a keystore of Java"),
        ),
        case("UTF-16", chain.clone(), utf16, Refused("key", "is UTF-16")),
        of("an empty file", "", "is empty"),
        of("no key at all", "hello\n", "there is no private key in it"),
        of("without its first and last line", &data.join("\n"), "has the data of PEM, and not its first and last line"),
        of("cut off", &key[..key.len() / 2], "does not end"),
        of("damaged", &key.replacen("MI", "M!", 1), "is damaged"),
        of("no key inside", &labelled("PRIVATE KEY").replacen("MI", "AI", 1), "is damaged"),
        of("a certificate", &leaf.pem, "were the files of the certificate and of the key swapped?"),
        of("a public key", &leaf.key.public_key_pem(), "holds a public key"),
        of("a request", &leaf.pem.replace(" CERTIFICATE", " CERTIFICATE REQUEST"), "holds a request"),
        of("its issuer's", &between.key_pem(), "tls.private_key is not the key of tls.certificate"),
        of(
            "another's",
            &Issued::by_itself("localhost", plainly).key_pem(),
            "tls.private_key is not the key of tls.certificate",
        ),
        of("OpenSSH's", &labelled("OPENSSH PRIVATE KEY"), "holds a key of OpenSSH"),
        of("OpenSSH's public one", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me\n", "holds a public key of OpenSSH"),
        of("RSA, short", RSA_1024, "has 1024 bits, which is too short"),
        of("a curve that nobody uses", SECP256K1, "ECDSA with the curve secp256k1"),
        of("a curve of its own country", BRAINPOOL, "ECDSA with the curve brainpoolP256r1"),
        of("Ed448", ED448, "Ed448"),
        of("DSA", &labelled("DSA PRIVATE KEY"), "of a kind that browsers do not know"),
    ];
    let of = |what, certificate: &str, words| case(what, certificate, key.as_str(), Refused("cert", words));
    let certificates = [
        case("DER", der_of(&leaf.pem), key.as_str(), Refused("cert", "openssl x509 -inform DER")),
        case("PKCS #12", *b"\x30\x05\x02\x01\x03\x30\x00", key.as_str(), Refused("cert", "is PKCS #12")),
        of("an empty file", "", "is empty"),
        of("no certificate at all", "root:x:0:0:root:/root:/bin/bash\n", "there is no certificate in it"),
        of("a key", &between.key_pem(), "were the files of the certificate and of the key swapped?"),
        of("a request", &leaf.pem.replace(" CERTIFICATE", " CERTIFICATE REQUEST"), "holds a request"),
        of("PKCS #7", &leaf.pem.replace(" CERTIFICATE", " PKCS7"), "openssl pkcs7 -print_certs"),
        of("a public key", &leaf.key.public_key_pem(), "holds a public key"),
        of("cut off", &chain[..chain.len() - 40], "does not end"),
        of(
            "the second one damaged",
            &format!("{}{}", leaf.pem, between.pem.replacen("MI", "AI", 1)),
            "certificate 2 in it is damaged",
        ),
        of("two that run into each other", &chain.replacen("-----END CERTIFICATE-----\n", "", 1), "does not end"),
    ];
    try_all(&keys);
    try_all(&certificates);
}

#[test]
fn both_files_are_judged_at_once_and_what_is_not_there_is_said_of_the_setting() {
    let folder = Folder::new();
    let config = configuration(&folder.0, free_port(), &from_files(&folder.0));
    for command in [&["check"][..], &["serve"]] {
        let (code, said) = refusal(&[command, &["--config", &config]].concat());
        assert_eq!(code, Some(78), "{said}");
        assert!(said.contains("2 things are wrong") && said.contains("cert.pem: there is no such file"), "{said}");
        assert!(
            said.contains(":19:15: ") && said.contains("key.pem: there is no such file\nhint: tls.certificate"),
            "{said}"
        );
    }
    std::fs::create_dir(folder.join("cert.pem")).expect("made");
    std::fs::write(folder.join("key.pem"), RSA_1024).expect("written");
    let (code, said) = refusal(&["check", "--config", &config]);
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("was the file missing when the container was made?") && said.contains("1024 bits"), "{said}");
}

#[test]
fn a_file_that_names_whom_to_trust_is_opened_too() {
    let folder = Folder::new();
    let dir = folder.0.display();
    let mail = format!(
        "[mail]\nfrom = \"auth@example.org\"\n[mail.smtp]\nhost = \"localhost\"\nca_file = \"{dir}/ca.pem\"\nusername = \"auth\"\npassword_file = \"{dir}/password\"\n"
    );
    let config = configuration(&folder.0, free_port(), &mail);
    let authority = Issued::by_itself("Root", as_an_authority);
    let path = folder.join("ca.pem");
    for (content, words) in [
        (None, "ca.pem: there is no such file"),
        (Some("root:x:0:0\n".to_owned()), "ca.pem: there is no certificate in it"),
        (Some(authority.key_pem()), "ca.pem: holds a private key, and no certificate"),
    ] {
        if let Some(content) = content {
            std::fs::write(&path, content).expect("written");
        }
        for command in ["check", "serve"] {
            let (code, said) = refusal(&[command, "--config", &config]);
            assert_eq!(code, Some(78), "{said}");
            assert!(said.contains("2 things are wrong") && said.contains(words), "{said}");
            assert!(said.contains("password: there is no such file"), "{said}");
        }
    }
    std::fs::write(&path, authority.pem.trim_end()).expect("written");
    std::fs::write(folder.join("password"), "\u{feff}secret\r\n").expect("written");
    let checked = run(&["check", "--config", &config], "");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    assert!(Path::new(&config).exists());
}

// Made with openssl, for these cases alone: what the library cannot make.
const RSA_1024: &str = include_str!("certificates/rsa-1024.pem");
const SECP256K1: &str = include_str!("certificates/secp256k1.pem");
const BRAINPOOL: &str = include_str!("certificates/brainpool-p256r1.pem");
const ED448: &str = include_str!("certificates/ed448.pem");
