//! The questions about the certificate, and about where connections are accepted, which depends on it.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;

use crate::cli::Exit;
use crate::cli::out::say;
use crate::config::{HttpsUrl, SiteUrl};

use super::answers::{Answers, path};
use super::ask::Asker;
use super::plan::{Listen, TlsPlan};
use super::questions::{NONE, address, optional, question};
use super::trials;

pub(super) fn tls(asker: &mut Asker, given: &Answers, url: &SiteUrl) -> Result<Option<TlsPlan>, Exit> {
    asker.tell(
        "Where does the certificate come from?\n  acme         from Let's Encrypt, by itself; ports 80 or 443 must lead here from the internet\n  files        from two files that something else renews\n  self-signed  made here; browsers ask before they trust it\n  off          a proxy in front has it",
    );
    let is_private = url.is_loopback() || !url.host().contains('.');
    // No default without a terminal: a script that forgot the answer cannot be asked back.
    let usual = match is_private {
        _ if !url.is_https() => "off",
        true => "self-signed",
        false => "acme",
    };
    let default = asker.can_ask().then_some(usual);
    let mode =
        asker.settle(&question("tls", "acme, files, self-signed or off", default), given.tls.as_ref(), |text| {
            match text {
                "acme" if is_private => Err(format!("no authority gives a certificate for {}", url.host())),
                "acme" | "files" | "self-signed" if !url.is_https() => Err("an http:// site serves no TLS: off".into()),
                "acme" | "files" | "self-signed" | "off" => Ok(text.to_owned()),
                _ => Err("write acme, files, self-signed or off".into()),
            }
        })?;
    Ok(match mode.as_deref() {
        None => None,
        Some("acme") => acme(asker, given, url)?,
        Some("files") => files(asker, given, url)?,
        Some("off") => off(asker, given, url)?,
        Some(_) => listen(asker, given, url)?.map(|listen| TlsPlan::SelfSigned { listen }),
    })
}

fn socket(text: &str) -> Result<SocketAddr, String> {
    let address =
        text.parse().map_err(|_| format!("{text:?} is no address and port, like [::]:443 or 127.0.0.1:8080"))?;
    trials::is_free(address).map(|()| address)
}

/// Asks for the listening addresses. The default is the port of the URL, or else that of the scheme.
fn listen(asker: &mut Asker, given: &Answers, url: &SiteUrl) -> Result<Option<Listen>, Exit> {
    let usual = format!("[::]:{}", url.port().unwrap_or(443));
    let https = asker.settle(&question("https", "Listen for HTTPS on", Some(&usual)), given.https.as_ref(), socket)?;
    // A port in the URL has a reason, most often that another program has port 80.
    let usual = if url.port().is_none() { "[::]:80" } else { NONE };
    let redirects = question("http", "Listen for plain HTTP, which is sent on to HTTPS, on (or none)", Some(usual));
    let http = asker.settle(
        &redirects,
        given.http.as_ref(),
        optional(|text| {
            let http = socket(text)?;
            https.map_or(Ok(()), |https| trials::are_apart(https, http)).map(|()| http)
        }),
    )?;
    Ok(https.zip(http).map(|(https, http)| Listen { https, http }))
}

fn acme(asker: &mut Asker, given: &Answers, url: &SiteUrl) -> Result<Option<TlsPlan>, Exit> {
    asker.tell(
        "By going on you agree to the authority's terms; Let's Encrypt's are at https://letsencrypt.org/repository/.",
    );
    let contact =
        question("acme-contact", "Where may the authority write to when something is wrong (or none)?", Some(NONE));
    let contact = asker.settle(&contact, given.acme_contact.as_ref(), optional(address))?;
    let directory = question("acme-directory", "The authority's directory", None);
    let directory = match &given.acme_directory {
        None => None,
        some => asker
            .settle(&directory, some.as_ref(), |text| HttpsUrl::try_from(text.to_owned()).map_err(str::to_owned))?,
    };
    let ca_file = path(given.acme_ca_file.as_ref());
    let listen = listen(asker, given, url)?;
    Ok(contact.zip(listen).map(|(contact, listen)| TlsPlan::Acme { contact, directory, ca_file, listen }))
}

fn readable(text: &str) -> Result<PathBuf, String> {
    match std::fs::metadata(text) {
        Ok(found) if found.is_file() => Ok(PathBuf::from(text)),
        Ok(_) => Err(format!("{text}: not a file")),
        Err(error) => Err(format!("{text}: {error}")),
    }
}

/// Asks for the certificate's files. The certificate is checked when it is typed, and again with its key; only what was
/// wrong is asked again, with the earlier answers as defaults.
fn files(asker: &mut Asker, given: &Answers, url: &SiteUrl) -> Result<Option<TlsPlan>, Exit> {
    let (mut chain_given, mut key_given) = (given.certificate.clone(), given.private_key.clone());
    let (mut chain_before, mut key_before) = (None, None);
    let both = loop {
        let question_for_chain =
            question("certificate", "The certificate with its chain, PEM", chain_before.as_deref());
        let certificate = asker.settle(&question_for_chain, chain_given.as_ref(), |text| {
            let certificate = readable(text)?;
            trials::certificate(&certificate, url.host()).map(|()| certificate)
        })?;
        let question_for_key = question("private-key", "Its private key, PEM", key_before.as_deref());
        let private_key = asker.settle(&question_for_key, key_given.as_ref(), readable)?;
        let Some((certificate, private_key)) = certificate.zip(private_key) else { break None };
        let problem = match trials::pair(&certificate, &private_key, url.host()) {
            Ok(doubts) => {
                for doubt in &doubts {
                    asker.doubt(doubt);
                }
                break Some((certificate, private_key));
            }
            Err(problem) if asker.can_ask() => problem,
            Err(problem) => return Err(Exit::failed(format!("--private-key: {}", problem.words))),
        };
        say!("  {}", problem.words);
        let typed = |path: PathBuf| Some(path.display().to_string());
        // A file without a key was the wrong answer; of two that do not match, either may be.
        (chain_given, key_given) = (typed(certificate.clone()).filter(|_| problem.is_of_the_key), None);
        (chain_before, key_before) = (typed(certificate), typed(private_key));
    };
    let listen = listen(asker, given, url)?;
    let all = both.zip(listen);
    Ok(all.map(|((certificate, private_key), listen)| TlsPlan::Files { certificate, private_key, listen }))
}

fn off(asker: &mut Asker, given: &Answers, url: &SiteUrl) -> Result<Option<TlsPlan>, Exit> {
    // Without encryption the site itself is reached at that port; else the URL's port is the proxy's.
    let port = if url.is_https() { 8080 } else { url.port().unwrap_or(80) };
    let usual = format!("127.0.0.1:{port}");
    let http = question("http", "Listen for the proxy on", Some(&usual));
    let http = asker.settle(&http, given.http.as_ref(), socket)?;
    let proxy = question("proxy", "The network that the proxy comes from", Some("127.0.0.1/32"));
    let proxy = asker.settle(&proxy, given.proxy.as_ref(), |text| {
        let network: IpNet = text
            .parse()
            .or_else(|_| text.parse().map(|address: std::net::IpAddr| IpNet::from(address)))
            .map_err(|_| format!("{text:?} is no network, like 127.0.0.1/32"))?;
        if network.prefix_len() == 0 {
            Err("that is everybody: whoever connects could say where they come from".into())
        } else {
            Ok(network)
        }
    })?;
    Ok(http.zip(proxy).map(|(http, proxy)| TlsPlan::Off { http, proxy }))
}
