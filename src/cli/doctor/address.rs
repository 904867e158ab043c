//! The site as people reach it, through whatever stands in front: whether the address leads here, the certificate is
//! trusted, a proxy says where people come from, and cookies arrive as they were sent.

use std::net::IpAddr;

use crate::admin::Command;
use crate::admin::answers::{Arrival, Probed};
use crate::base::{BUILD_DATE, Clock};
use crate::cli::show::Cell;
use crate::cli::system_clock::SystemClock;
use crate::config::{Config, TlsMode};
use crate::crypto::base64url;
use crate::web::forwarded_address;

use super::asking::ask;
use super::findings::Findings;
use super::visit::{Answer, Visit};

/// An address that nobody has (RFC 5737). If the server believes that we come from there, clients can forge their
/// address.
const NOBODY: &str = "203.0.113.77";

pub(super) fn look(config: &Config, findings: &mut Findings) {
    let url = &config.site.url;
    let default = if url.is_https() { 443 } else { 80 };
    let visit = Visit {
        host: url.host(),
        port: url.port().unwrap_or(default),
        is_https: url.is_https(),
        at: None,
        now: SystemClock.now().max(BUILD_DATE),
    };
    if visit.addresses().is_empty() {
        return findings.wrong(
            "address",
            format!("{} cannot be looked up from here", url.host()),
            "make an entry in the DNS that leads here; or ask from a machine that knows the name",
        );
    }
    let word = base64url(&SystemClock.seed()[..16]);
    if let Err(reason) = ask::<()>(config, &Command::ProbeExpect { word: word.clone() }) {
        return findings.wrong("address", reason, "");
    }
    let path = format!("/healthz?probe={word}");
    let answer = match visit.get(&path, &format!("X-Forwarded-For: {NOBODY}\r\n")) {
        Ok(answer) => answer,
        Err(reason) => {
            return findings.wrong("address", reason, format!("{url} must lead to this server, from this machine too"));
        }
    };
    trust(config, &answer, findings);
    match ask::<Probed>(config, &Command::ProbeTake) {
        Ok(Probed { arrival: None, .. }) => findings.wrong(
            "address",
            format!("{url} leads to something else than this server (it answered {})", answer.status),
            "see where the name points, and what the proxy passes on",
        ),
        Ok(Probed { arrival: Some(arrival), .. }) => {
            findings.good("address", format!("{url} leads here"));
            forwarding(config, &arrival, findings);
            cookies(&answer, &word, url.is_https(), findings);
        }
        Err(reason) => findings.wrong("address", reason, ""),
    }
    if url.is_https() && default == visit.port {
        redirect(&Visit { port: 80, is_https: false, ..visit }, findings);
    }
}

fn trust(config: &Config, answer: &Answer, findings: &mut Findings) {
    match (&answer.distrust, config.tls.mode) {
        (None, _) if config.site.url.is_https() => {
            findings.good("certificate", "browsers trust what the address shows");
        }
        (None, _) => {}
        (Some(_), TlsMode::SelfSigned) => {
            findings.note(
                "certificate",
                "it is self-signed: browsers ask before they trust it",
                "tls.mode = \"acme\" or \"files\"",
            );
        }
        (Some(reason), _) => findings.wrong(
            "certificate",
            format!("browsers do not trust what the address shows: {reason}"),
            "a private CA must be known to the browsers; else see docs/operating.md",
        ),
    }
}

/// Returns the address that the nearest proxy added.
fn last_hop(forwarded: &str) -> Option<IpAddr> {
    forwarded.rsplit(',').next().and_then(|last| forwarded_address(last.trim()))
}

/// Checks that the server knows where people come from.
fn forwarding(config: &Config, arrival: &Arrival, findings: &mut Findings) {
    let (peer, network) = (arrival.peer, arrival.network);
    let is_trusted = config.proxy.trusted.iter().any(|net| net.contains(&peer));
    match arrival.forwarded.as_deref() {
        None if config.tls.mode == TlsMode::Off => findings.wrong(
            "proxy",
            "it does not say where people come from: all of them share the limits of one",
            "have it send X-Forwarded-For",
        ),
        // Exactly as we sent it.
        Some(NOBODY) if is_trusted => findings.wrong(
            "proxy",
            "whoever connects can say where they come from: X-Forwarded-For is passed on as it came",
            "have the proxy add the client's address (nginx: proxy_add_x_forwarded_for), and keep [proxy] trusted to its network",
        ),
        Some(NOBODY) | None => findings.good("proxy", "there is none, and X-Forwarded-For is not believed"),
        Some(forwarded) if is_trusted && last_hop(forwarded).is_none() => findings.wrong(
            "proxy",
            format!("what {peer} writes into X-Forwarded-For is no address ({forwarded:?}): everybody seems to come from {network}"),
            "have it add the client's address there",
        ),
        Some(_) if is_trusted => findings.good("proxy", format!("{peer} says where people come from, and is believed")),
        Some(_) => findings.wrong(
            "proxy",
            format!("what {peer} says is not believed: everybody seems to come from {network}"),
            trusting(peer),
        ),
    }
    let host = arrival.host.cell();
    let name = host.split(':').next().unwrap_or_default();
    if !host.starts_with('[') && name != config.site.url.host() {
        findings.note(
            "proxy",
            format!("it asks for {host} in place of {}", config.site.url.host()),
            "no harm here: links come from site.url",
        );
    }
}

/// Says how a proxy is trusted.
pub(super) fn trusting(peer: IpAddr) -> String {
    format!("add the proxy's network to [proxy]: trusted = [\"{peer}/{}\"]", if peer.is_ipv6() { 128 } else { 32 })
}

fn cookies(answer: &Answer, word: &str, is_https: bool, findings: &mut Findings) {
    let Some(cookie) = answer.headers("set-cookie").find(|cookie| cookie.contains(word)) else {
        return findings.wrong("cookies", "they do not arrive", "the proxy takes Set-Cookie away");
    };
    let attributes: Vec<String> = cookie.split(';').skip(1).map(|part| part.trim().to_ascii_lowercase()).collect();
    let has = |wanted: &str| attributes.iter().any(|attribute| attribute == wanted);
    let is_ours = has("path=/") && has("httponly") && has("samesite=lax") && (has("secure") || !is_https);
    let is_shared = attributes.iter().any(|attribute| attribute.starts_with("domain"));
    if is_ours && !is_shared {
        findings.good("cookies", "they arrive as they were sent, for this host alone");
    } else {
        findings.wrong(
            "cookies",
            format!("they arrive changed: {cookie}"),
            "the proxy rewrites Set-Cookie (nginx: proxy_cookie_*)",
        );
    }
}

fn redirect(visit: &Visit<'_>, findings: &mut Findings) {
    match visit.get("/login", "") {
        Ok(answer) if (300..400).contains(&answer.status) => findings.good("plain http", "it is sent on to https"),
        Ok(answer) => findings.wrong(
            "plain http",
            format!("port 80 answers {} in place of a redirect", answer.status),
            "have it redirect to https",
        ),
        Err(_) => findings.note(
            "plain http",
            "nothing listens on port 80: who types the name alone may get no answer",
            "listen.http",
        ),
    }
}
