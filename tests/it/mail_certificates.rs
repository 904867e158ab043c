//! Certificates as mail servers have them, and what the operator names as trusted: each is taken, or explained.

use std::sync::Arc;

use gatelodge::base::{BUILD_DATE, DAY};
use gatelodge::config::Config;
use gatelodge::courier::delivery::Outcome;
use gatelodge::courier::{CallOptions, Courier};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, SignatureAlgorithm, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use crate::scripted_mail::{Script, Scripted};
use crate::store::Folder;

/// A certificate with its key.
struct Issued {
    der: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
    params: CertificateParams,
}

impl Issued {
    /// As `openssl req -x509` makes it: a CA's that is signed by itself, for these hosts.
    fn by_itself(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Self {
        Self::with(&PKCS_ECDSA_P384_SHA384, names, change)
    }

    fn with(
        algorithm: &'static SignatureAlgorithm,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let (mut params, key) = prepared(algorithm, names);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(&mut params);
        let certificate = params.self_signed(&key).expect("signed");
        Self { der: certificate.der().clone(), pem: certificate.pem(), key, params }
    }

    /// Signs one for these hosts.
    fn issues(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Self {
        let (mut params, key) = prepared(&PKCS_ECDSA_P384_SHA384, names);
        change(&mut params);
        let issuer = Issuer::from_params(&self.params, &self.key);
        let certificate = params.signed_by(&key, &issuer).expect("signed");
        Self { der: certificate.der().clone(), pem: certificate.pem(), key, params }
    }

    /// What a server needs to show it, with those between it and a root.
    fn shown(&self, between: &[&Self]) -> Arc<ServerConfig> {
        let chain = std::iter::once(self).chain(between.iter().copied()).map(|issued| issued.der.clone()).collect();
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        // Whether the key is the certificate's is for the other side to find out.
        let key = provider.key_provider.load_private_key(key).expect("a key");
        let shown = Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key)));
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        Arc::new(config.expect("versions").with_no_client_auth().with_cert_resolver(shown))
    }
}

fn prepared(algorithm: &'static SignatureAlgorithm, names: &[&str]) -> (CertificateParams, KeyPair) {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(DnType::CommonName, "localhost");
    (params, KeyPair::generate_for(algorithm).expect("a key"))
}

fn plainly(_: &mut CertificateParams) {}

/// What is said of a server that shows this, where the file names these.
#[track_caller]
fn meets(tls: &Arc<ServerConfig>, named: &[&Issued], expected: &str) {
    let folder = Folder::new();
    let file = folder.join("trusted.pem");
    let pem: String = named.iter().map(|issued| issued.pem.as_str()).collect();
    std::fs::write(&file, pem).expect("written");
    let ca_file = if named.is_empty() { String::new() } else { format!("ca_file = \"{}\"", file.display()) };
    for security in ["tls", "starttls"] {
        let script =
            Script::usual().says("EHLO", b"250-mx\r\n250 STARTTLS\r\n").with_tls(Arc::clone(tls), security == "tls");
        let server = Scripted::start(script);
        let text = format!(
            "[site]\nurl = \"https://auth.example.org\"\n[mail]\nfrom = \"auth@example.org\"\n[mail.smtp]\nhost = \"localhost\"\nport = {}\nsecurity = \"{security}\"\n{ca_file}\n",
            server.port
        );
        let config = Config::parse(&text, std::path::Path::new("certificates.toml")).expect("valid");
        let terms = CallOptions::impatient(BUILD_DATE.plus(DAY));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let outcome = runtime
            .block_on(async { Courier::new(&config, terms.now).expect("the file can be used").probe(terms).await });
        match outcome {
            Outcome::Accepted => assert_eq!(expected, "accepted", "{security}"),
            Outcome::Later(reason) => {
                assert!(reason.contains(expected), "{security}: {expected:?} is not in: {reason}");
            }
            Outcome::Never(reason) => panic!("a certificate can be mended: {reason}"),
        }
        server.ends();
    }
}

#[test]
fn a_certificate_that_signed_itself_is_trusted_where_it_is_named() {
    for algorithm in [&PKCS_ECDSA_P384_SHA384, &PKCS_ED25519, &PKCS_RSA_SHA256] {
        let own = Issued::with(algorithm, &["localhost"], plainly);
        meets(&own.shown(&[]), &[&own], "accepted");
    }
    let no_ca = Issued::by_itself(&["localhost"], |params| params.is_ca = IsCa::ExplicitNoCa);
    meets(&no_ca.shown(&[]), &[&no_ca], "accepted");
    let silent_about_it = Issued::by_itself(&["localhost"], |params| params.is_ca = IsCa::NoCa);
    meets(&silent_about_it.shown(&[]), &[&silent_about_it], "accepted");
}

#[test]
fn it_may_stand_anywhere_in_the_file_and_be_somebody_elses_work() {
    let (own, authority) = (Issued::by_itself(&["localhost"], plainly), Issued::by_itself(&[], plainly));
    let leaf = authority.issues(&["localhost"], plainly);
    meets(&own.shown(&[]), &[&authority, &own], "accepted");
    // The server's own, of an authority that nobody knows here.
    meets(&leaf.shown(&[]), &[&leaf], "accepted");
    meets(&leaf.shown(&[&authority]), &[&leaf], "accepted");
}

#[test]
fn an_authority_that_is_named_vouches_as_before() {
    let authority = Issued::by_itself(&[], plainly);
    let between = authority.issues(&[], |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let leaf = between.issues(&["localhost"], plainly);
    meets(&leaf.shown(&[&between]), &[&authority], "accepted");
    meets(&leaf.shown(&[]), &[&authority], "is not trusted: no certificate in mail.smtp.ca_file signed it");
    meets(&leaf.shown(&[]), &[&between], "accepted");
}

#[test]
fn what_is_not_named_is_not_trusted() {
    let (own, other) = (Issued::by_itself(&["localhost"], plainly), Issued::by_itself(&["localhost"], plainly));
    meets(&own.shown(&[]), &[&other], "nor is it one of them");
    meets(&own.shown(&[]), &[], "name its CA in mail.smtp.ca_file, or the certificate itself");
}

#[test]
fn a_certificate_that_names_no_host_gets_advice_that_helps() {
    let bare = Issued::by_itself(&[], plainly);
    meets(&bare.shown(&[]), &[&bare], "-addext subjectAltName=DNS:localhost");
    let authority = Issued::by_itself(&[], plainly);
    let leaf = authority.issues(&[], |params| params.is_ca = IsCa::ExplicitNoCa);
    meets(&leaf.shown(&[]), &[&authority], "names no host");
}

#[test]
fn one_that_is_named_has_to_be_good_all_the_same() {
    let elsewhere = Issued::by_itself(&["mail.example.org", "192.0.2.1"], plainly);
    meets(&elsewhere.shown(&[]), &[&elsewhere], "is for another name (mail.example.org, 192.0.2.1)");
    let past = Issued::by_itself(&["localhost"], |params| params.not_after = date_time_ymd(2020, 1, 1));
    meets(&past.shown(&[]), &[&past], "has expired");
    let future = Issued::by_itself(&["localhost"], |params| params.not_before = date_time_ymd(3000, 1, 1));
    meets(&future.shown(&[]), &[&future], "this machine's clock is wrong");
}

/// An RSA key of 1024 bits looks so to us: nothing that it signs can be checked.
#[test]
fn a_key_that_cannot_be_checked_is_not_called_a_lack_of_trust() {
    let own = Issued::by_itself(&["localhost"], plainly);
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).expect("a key");
    let other = Issued { key, der: own.der.clone(), pem: own.pem.clone(), params: own.params.clone() };
    meets(&other.shown(&[]), &[&own], "with a key or a signature that nobody trusts any more");
}

#[test]
fn one_that_is_for_something_else_is_explained() {
    let authority = Issued::by_itself(&[], plainly);
    let client = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    };
    meets(
        &authority.issues(&["localhost"], client).shown(&[]),
        &[&authority],
        "it needs the extended key usage serverAuth",
    );
}
