//! Rules about the mail server.

use crate::config::site_url::is_loopback;
use crate::config::{Config, HostName, MailTransport, Security, Smtp};

use super::verdict::Verdict;

/// Returns the mail server, where there is one.
fn smtp(config: &Config) -> Option<&Smtp> {
    (config.mail.transport == MailTransport::Smtp).then_some(&config.mail.smtp)
}

pub(super) fn mail_server(config: &Config, verdict: &mut Verdict) {
    let Some(smtp) = smtp(config) else { return };
    let is_named = verdict.require(
        !smtp.host.trim().is_empty(),
        "mail.smtp.host",
        "transport \"smtp\" needs the mail server's host",
        "write `host = \"smtp.example.org\"` in [mail.smtp], or transport = \"file\" in [mail]",
    );
    if let Some((what, hint)) = trouble_with_host(&smtp.host).filter(|_| is_named) {
        verdict.require(false, "mail.smtp.host", format!("{:?} {what}", smtp.host), hint);
    }
}

pub(super) fn mail_port(config: &Config, verdict: &mut Verdict) {
    let is_one = smtp(config).is_none_or(|smtp| smtp.port != 0);
    verdict.require(is_one, "mail.smtp.port", "port 0 cannot be reached", "465 for tls, 587 for starttls");
}

pub(super) fn mail_in_clear(config: &Config, verdict: &mut Verdict) {
    let Some(smtp) = smtp(config) else { return };
    // A host that is not valid is reported as such.
    let is_host = !smtp.host.trim().is_empty() && trouble_with_host(&smtp.host).is_none();
    verdict.require(
        !is_host || smtp.security != Security::None || is_loopback(&smtp.host) || smtp.allow_plaintext,
        "mail.smtp.security",
        "\"none\" would send passwords and links readable over the network",
        "write \"starttls\" or \"tls\"; for a network you trust, allow_plaintext = true",
    );
}

pub(super) fn mail_password(config: &Config, verdict: &mut Verdict) {
    let Some(smtp) = smtp(config) else { return };
    verdict.require(
        smtp.username.is_some() || smtp.password_file.is_none(),
        "mail.smtp.password_file",
        "a password needs a `username`",
        "set both, or neither for a server that asks for no credentials",
    );
}

/// Returns what stands around the name of a server, and what to write instead.
fn trouble_with_host(host: &str) -> Option<(&'static str, String)> {
    let bare = host.trim();
    let scheme_end = bare.find("://").map_or(0, |at| at + 3);
    let rest = bare[scheme_end..].split(['/', '?', '#']).next().unwrap_or_default();
    let rest = rest.rsplit('@').next().unwrap_or_default();
    // An IPv6 address has colons of its own.
    let is_address = |text: &str| text.parse::<std::net::IpAddr>().is_ok();
    let (name, port) = match rest.rsplit_once(':') {
        Some((name, port)) if !is_address(rest) && port.bytes().all(|byte| byte.is_ascii_digit()) => (name, port),
        _ => (rest, ""),
    };
    let inner = name.trim_start_matches('[').trim_end_matches(']');
    let name = inner.trim();
    if !is_address(name) && HostName::try_from(name.to_owned()).is_err() {
        return Some(("is no host's name", "write the server's name alone, like host = \"smtp.example.org\"".into()));
    }
    let port = if port.is_empty() { String::new() } else { format!(", and port = {port}") };
    let what = if scheme_end > 0 || rest.len() < bare.len() {
        "is a URL, and should be a host's name"
    } else if !port.is_empty() {
        "holds a port"
    } else if bare.len() < host.len() {
        "has blanks around it"
    } else if inner.len() < rest.len() && !is_address(rest) {
        "has brackets, which only URLs need"
    } else {
        return None;
    };
    Some((what, format!("write host = {name:?}{port}")))
}
