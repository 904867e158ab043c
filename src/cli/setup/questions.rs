//! The questions, in the order in which they depend on each other. Each answer is tried at once.

use std::net::IpAddr;

use crate::base::{EmailAddress, is_visible};
use crate::cli::Exit;
use crate::cli::out::say;
use crate::config::{Passwords, RegistrationMode, Security, Sender, SiteUrl, Smtp};
use crate::crypto::{Password, PasswordFault, PasswordPolicy};
use crate::texts::refusal;

use super::answers::{Answers, first_line, path};
use super::ask::{Asker, Question};
use super::plan::MailPlan;
use super::trials;

/// The word for leaving something out; a blank answer means the same.
pub(super) const NONE: &str = "none";

pub(super) fn question<'a>(flag: &'static str, words: &'a str, default: Option<&str>) -> Question<'a> {
    Question { flag, words, default: default.map(str::to_owned) }
}

pub(super) fn optional<T>(check: impl Fn(&str) -> Result<T, String>) -> impl FnMut(&str) -> Result<Option<T>, String> {
    move |text| if text.is_empty() || text == NONE { Ok(None) } else { check(text).map(Some) }
}

pub(super) fn address(text: &str) -> Result<EmailAddress, String> {
    EmailAddress::parse(text).map_err(|error| error.to_string())
}

pub(super) fn url(asker: &mut Asker, given: &Answers) -> Result<Option<SiteUrl>, Exit> {
    asker.tell("Where will people reach the site? It needs a host name of its own.");
    let url =
        asker.settle(&question("url", "URL, like https://auth.example.org", None), given.url.as_ref(), |text| {
            let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
            SiteUrl::try_from(text).map_err(str::to_owned)
        })?;
    if let Some(doubt) = url.as_ref().and_then(|url| trials::resolves(url.host())) {
        asker.doubt(&doubt);
    }
    Ok(url)
}

pub(super) fn name(asker: &mut Asker, given: &Answers) -> Result<Option<String>, Exit> {
    asker.settle(
        &question("name", "What is it called on pages and in mails?", Some("Gatelodge")),
        given.name.as_ref(),
        |text| {
            let fits = (1..=100).contains(&text.chars().count()) && is_visible(text);
            if fits { Ok(text.to_owned()) } else { Err("write 1 to 100 printable characters".into()) }
        },
    )
}

/// Asks who may register. A site that strangers can reach is not opened to them by a question that nobody answered.
pub(super) fn registration(
    asker: &mut Asker,
    given: &Answers,
    url: &SiteUrl,
) -> Result<Option<RegistrationMode>, Exit> {
    asker.tell(
        "Who may register?\n  open      everybody\n  approval  everybody, then an administrator decides\n  invite    whoever was invited\n  closed    nobody: administrators make the accounts",
    );
    let usual = if is_public(url) { RegistrationMode::Invite } else { RegistrationMode::Open };
    let question = question("registration", "open, approval, invite or closed", Some(usual.as_str()));
    asker.settle(&question, given.registration.as_ref(), |text| {
        RegistrationMode::from_word(text).ok_or_else(|| "write open, approval, invite or closed".into())
    })
}

/// Whether strangers may reach the site: its host is neither this machine, nor a private address, nor a name for local
/// networks (RFC 6761, 6762, 8375, and what routers hand out).
fn is_public(url: &SiteUrl) -> bool {
    const OWN: [&str; 5] = [".local", ".lan", ".home.arpa", ".internal", ".intranet"];
    let host = url.host();
    let is_own_address = match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(v4)) => v4.is_private() || v4.is_link_local(),
        Ok(IpAddr::V6(v6)) => v6.is_unique_local() || v6.is_unicast_link_local(),
        Err(_) => !host.contains('.') || OWN.iter().any(|end| host.ends_with(end)),
    };
    !url.is_loopback() && !is_own_address
}

pub(super) fn sender(asker: &mut Asker, given: &Answers, url: &SiteUrl, name: &str) -> Result<Option<Sender>, Exit> {
    // Mail usually belongs to the domain, not to the site's own host.
    let parent = url.host().split_once('.').map(|(_, parent)| parent).filter(|parent| parent.contains('.'));
    let domain = parent.unwrap_or(url.host());
    let default = format!("{} <auth@{domain}>", name.replace(['<', '>', '"'], ""));
    let default = Sender::try_from(default.clone()).is_ok().then_some(default);
    asker.tell("Whom do mails come from? The mail server must accept it as a sender.");
    asker.settle(&question("sender", "Sender", default.as_deref()), given.sender.as_ref(), |text| {
        Sender::try_from(text.to_owned()).map_err(str::to_owned)
    })
}

/// Asks for the mail server, and for its password, which goes into a file of its own.
pub(super) fn mail(
    asker: &mut Asker,
    given: &Answers,
    before: Option<&Smtp>,
) -> Result<Option<(MailPlan, Option<String>)>, Exit> {
    asker.tell("Which mail server sends the mails? With \"none\" they are kept as files, for trying things out.");
    let host = question("smtp-host", "Its name, like smtp.example.org", before.map(|smtp| smtp.host.as_str()));
    let Some(host) = asker.settle(&host, given.smtp_host.as_ref(), |text| {
        if text == NONE {
            return Ok(None);
        }
        let is_name = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '/' || c == '"');
        if is_name { Ok(Some(text.to_owned())) } else { Err("write its name, without scheme and port".into()) }
    })?
    else {
        return Ok(None);
    };
    let Some(host) = host else { return Ok(Some((MailPlan::Files, None))) };
    if let Some(doubt) = trials::resolves(&host) {
        asker.doubt(&doubt.replace("nobody reaches the site", "no mail leaves"));
    }
    let is_here = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    let port = before.map_or(if is_here { 25 } else { 587 }, |smtp| smtp.port).to_string();
    let port = asker.settle(&question("smtp-port", "Its port", Some(&port)), given.smtp_port.as_ref(), |text| {
        text.parse().ok().filter(|port: &u16| *port != 0).ok_or_else(|| "a port is a number from 1 to 65535".to_owned())
    })?;
    let usual = match port {
        Some(465) => "tls",
        _ if is_here => "none",
        _ => "starttls",
    };
    let security = question("smtp-security", "How is the connection encrypted: starttls, tls or none?", Some(usual));
    let security = asker.settle(&security, given.smtp_security.as_ref(), |text| match text {
        "starttls" => Ok(Security::Starttls),
        "tls" => Ok(Security::Tls),
        "none" if is_here => Ok(Security::None),
        "none" => Err("that would send passwords and links readable over the network; write starttls or tls".into()),
        _ => Err("write starttls, tls or none".into()),
    })?;
    let user = before.and_then(|smtp| smtp.username.as_deref()).unwrap_or(NONE);
    let username = question("smtp-username", "User name at the mail server (none if it asks for none)", Some(user));
    let username =
        asker.settle(&username, given.smtp_username.as_ref(), optional(|text| Ok(text.to_owned())))?.flatten();
    let password = match (&username, &given.smtp_password_file) {
        (None, _) => None,
        (Some(_), Some(file)) => Some(first_line(file.as_ref()).map_err(Exit::failed)?),
        (Some(_), None) if asker.can_ask() => Some(password_for(asker)?),
        (Some(_), None) => return Err(Exit::failed("--smtp-username needs --smtp-password-file")),
    };
    let Some((port, security)) = port.zip(security) else { return Ok(None) };
    let ca_file = path(given.smtp_ca_file.as_ref());
    Ok(Some((MailPlan::Smtp(Smtp { host, port, security, username, ca_file, ..Smtp::default() }), password)))
}

fn password_for(asker: &Asker) -> Result<String, Exit> {
    loop {
        let password = asker.secret("The password for it")?;
        if !password.is_empty() {
            return Ok(password);
        }
        say!("  a user needs a password; Ctrl-C breaks set-up off, and nothing is written");
    }
}

/// Asks for the first administrator and a password, by the rules that will apply.
pub(super) fn administrator(
    asker: &mut Asker,
    given: &Answers,
    context: &[&str],
) -> Result<Option<(EmailAddress, String)>, Exit> {
    asker.tell("Who administers the site first? With \"none\" the first start prints a link for it.");
    let admin = question("admin", "Their e-mail address", Some(NONE));
    let admin = asker.settle(&admin, given.admin.as_ref(), optional(address))?;
    let Some(email) = admin.flatten() else { return Ok(None) };
    let policy = PasswordPolicy { min_chars: Passwords::default().min_length };
    let context = [context, &[email.as_str()]].concat();
    let accept = |text: &str| Password::parse(text).and_then(|password| policy.accept(&password, &context));
    let why = |fault: PasswordFault| fault.text().in_english();
    let advice = || refusal::password_like().in_english();
    if let Some(file) = &given.admin_password_file {
        let password = first_line(file.as_ref()).map_err(Exit::failed)?;
        accept(&password)
            .map_err(|fault| Exit::failed(format!("--admin-password-file: {}", why(fault))).with_hint(advice()))?;
        return Ok(Some((email, password)));
    }
    if !asker.can_ask() {
        return Err(Exit::failed(
            "--admin needs --admin-password-file; without both a link is printed at the first start",
        ));
    }
    loop {
        let password = asker.secret(&format!("Their password, at least {} characters", policy.min_chars))?;
        if let Err(fault) = accept(&password) {
            say!("  {}: {}", why(fault), advice());
        } else if password != asker.secret("Once more")? {
            say!("  the two differ");
        } else {
            return Ok(Some((email, password)));
        }
    }
}
