//! Rules between settings: combinations that cannot work, and those that deserve a word.

use crate::base::{GroupName, IdentityKind, is_visible};
use crate::crypto::{Cost, PasswordPolicy};

use super::exposure;
use super::site_url::is_loopback;
use super::{
    Config, FrontEndUrl, HostName, MailTransport, RegistrationMode, Security, TargetUrl, TlsMode, UsernameRule,
};

/// A rule that the settings break, and the key that is to blame.
pub(super) struct BrokenRule {
    pub key: &'static str,
    pub message: String,
    pub hint: String,
}

type Verdict = Result<(), BrokenRule>;

fn require(holds: bool, key: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Verdict {
    if holds { Ok(()) } else { Err(BrokenRule { key, message: message.into(), hint: hint.into() }) }
}

/// The first rule that is broken, if any.
pub(super) fn check(config: &Config) -> Verdict {
    site(config)?;
    tls(config)?;
    listeners(config)?;
    mail(config)?;
    registration(config)?;
    passwords(config)?;
    second_factor(config)?;
    webhooks(config)?;
    sms(config)?;
    lifetimes(config)
}

fn site(config: &Config) -> Verdict {
    let name = &config.site.name;
    let fits = (1..=100).contains(&name.chars().count()) && is_visible(name);
    require(fits, "site.name", "the name is empty, too long or not printable", "write 1 to 100 printable characters")
}

fn tls(config: &Config) -> Verdict {
    let tls = &config.tls;
    match tls.mode {
        TlsMode::Files => {
            let hint = |key: &str| format!("write `{key} = \"/etc/gatelodge/tls/…pem\"` in [tls]");
            require(tls.certificate.is_some(), "tls.mode", "mode \"files\" needs `certificate`", hint("certificate"))?;
            require(tls.private_key.is_some(), "tls.mode", "mode \"files\" needs `private_key`", hint("private_key"))
        }
        TlsMode::SelfSigned | TlsMode::Acme | TlsMode::Off => {
            let unused = |set: bool, key| {
                require(!set, key, "is only read with mode = \"files\"", "remove it, or write mode = \"files\"")
            };
            unused(tls.certificate.is_some(), "tls.certificate")?;
            unused(tls.private_key.is_some(), "tls.private_key")?;
            acme(config)?;
            let proxied = !config.proxy.trusted.is_empty() || config.site.url.is_loopback();
            require(
                tls.mode != TlsMode::Off || proxied,
                "tls.mode",
                "without TLS there must be a proxy in front",
                "name its network in [proxy]: trusted = [\"127.0.0.1/32\"]",
            )
        }
    }?;
    require(
        tls.mode == TlsMode::Off || config.site.url.is_https(),
        "site.url",
        "an http:// site serves no TLS",
        "write https://, or mode = \"off\" in [tls]",
    )
}

fn acme(config: &Config) -> Verdict {
    if config.tls.mode != TlsMode::Acme {
        return Ok(());
    }
    let (hosts, site) = (&config.tls.acme.hosts, config.site.url.host());
    require(
        HostName::try_from(site.to_owned()).is_ok() && !config.site.url.is_loopback(),
        "site.url",
        format!("no authority gives a certificate for {site}"),
        "use a name that the authority can look up, or mode = \"self-signed\" in [tls]",
    )?;
    require(
        hosts.is_empty() || hosts.iter().any(|host| host.as_str() == site),
        "tls.acme.hosts",
        format!("{site} is not among them, which is the host of site.url"),
        format!("add \"{site}\", or leave `hosts` out if it is the only one"),
    )?;
    require(
        hosts.len() <= 100,
        "tls.acme.hosts",
        "there are more than 100",
        "authorities take no more in one certificate",
    )
}

fn listeners(config: &Config) -> Verdict {
    if config.tls.mode == TlsMode::Off {
        let hint = "write `http = [\"127.0.0.1:8080\"]` in [listen]";
        return require(
            !config.listen.http.is_empty(),
            "listen.http",
            "without TLS the site needs an http address",
            hint,
        );
    }
    let hint = "write `https = [\"[::]:443\"]` in [listen]";
    require(!config.listen.https.is_empty(), "listen.https", "there is no address to listen on", hint)
}

fn mail(config: &Config) -> Verdict {
    let smtp = &config.mail.smtp;
    if config.mail.transport == MailTransport::File {
        return Ok(());
    }
    require(
        !smtp.host.is_empty(),
        "mail.smtp.host",
        "transport \"smtp\" needs the mail server's host",
        "write `host = \"smtp.example.org\"` in [mail.smtp], or transport = \"file\" in [mail]",
    )?;
    require(smtp.port != 0, "mail.smtp.port", "port 0 cannot be reached", "465 for tls, 587 for starttls")?;
    require(
        smtp.security != Security::None || is_loopback(&smtp.host) || smtp.allow_plaintext,
        "mail.smtp.security",
        "\"none\" would send passwords and links readable over the network",
        "write \"starttls\" or \"tls\"; for a network you trust, allow_plaintext = true",
    )?;
    require(
        smtp.username.is_some() || smtp.password_file.is_none(),
        "mail.smtp.password_file",
        "a password needs a `username`",
        "set both, or neither for a server that asks for no credentials",
    )
}

fn registration(config: &Config) -> Verdict {
    let registration = &config.registration;
    let kinds = &config.login.identities;
    let is_repeated = (1..kinds.len()).any(|at| kinds[..at].contains(&kinds[at]));
    require(
        !kinds.is_empty() && !is_repeated,
        "login.identities",
        "there is none, or one stands there twice",
        "write identities = [\"email\", \"username\"]",
    )?;
    let has_name = kinds.contains(&IdentityKind::Username) && registration.username == UsernameRule::Required;
    require(
        kinds.contains(&IdentityKind::Email) || has_name || registration.mode == RegistrationMode::Closed,
        "login.identities",
        "whoever registers could not log in: they have an address, and nothing else for certain",
        "add \"email\", or \"username\" with username = \"required\" in [registration]",
    )?;
    require(
        registration.mode != RegistrationMode::Approval || registration.confirm_email,
        "registration.confirm_email",
        "with mode = \"approval\" an address is confirmed before anybody decides on it",
        "leave it out, or write mode = \"open\"",
    )
}

fn passwords(config: &Config) -> Verdict {
    let passwords = &config.password;
    let least = PasswordPolicy::LEAST_MIN_CHARS;
    require(
        (least..=128).contains(&passwords.min_length),
        "password.min_length",
        format!("{} is outside {least} to 128", passwords.min_length),
        "15 is what NIST SP 800-63B-4 asks for where the password is the only factor",
    )?;
    require(
        passwords.cost().is_permitted(),
        "password.memory_kib",
        "argon2 cannot work with this memory, these iterations and lanes",
        format!(
            "memory_kib is 8 × lanes to {}, iterations 1 to {}, lanes 1 to {}",
            Cost::MAX.memory_kib,
            Cost::MAX.iterations,
            Cost::MAX.lanes
        ),
    )
}

fn second_factor(config: &Config) -> Verdict {
    let is_name = |name: &String| GroupName::parse(name).is_ok();
    require(
        config.second_factor.required_for.iter().all(is_name),
        "second_factor.required_for",
        "one of them is no group's name",
        "write names like \"admins\", in lower case",
    )
}

fn webhooks(config: &Config) -> Verdict {
    const MOST: usize = 16;
    let hooks = &config.webhooks;
    require(hooks.len() <= MOST, "webhooks", format!("there are more than {MOST}"), "let one server tell the others")?;
    for (name, hook) in hooks {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let is_name = (1..=32).contains(&name.len()) && name.bytes().all(plain);
        require(is_name, "webhooks", format!("{name:?} is no name"), "write 1 to 32 of a-z, 0-9, - and _")?;
        let url = hook.url.as_ref();
        let hint = "write `url = \"https://…\"` below it";
        require(url.is_some(), "webhooks", format!("webhooks.{name} needs a `url`"), hint)?;
        let is_open = hook.private || url.is_none_or(TargetUrl::is_https);
        let hint = "write `private = true` below it, or https://";
        require(is_open, "webhooks", format!("webhooks.{name} is on this machine"), hint)?;
    }
    Ok(())
}

fn sms(config: &Config) -> Verdict {
    let sms = &config.sms;
    let is_open = sms.private || sms.url.as_ref().is_none_or(TargetUrl::is_https);
    require(is_open, "sms.url", "the gateway is on this machine", "write `private = true` below it, or https://")?;
    require(
        sms.url.is_none() || sms.is_whole(),
        "sms.url",
        "a message would say not to whom it is, or not what",
        "write {{ to }} and {{ text }} into `body`, or {{to}} and {{text}} into the query of `url`",
    )?;
    let kinds = ["application/json", "application/x-www-form-urlencoded", "text/plain"];
    require(
        kinds.contains(&sms.content_type.as_str()),
        "sms.content_type",
        format!("{:?} is none that is known", sms.content_type),
        format!("one of {}", kinds.join(", ")),
    )?;
    require(
        !config.second_factor.sms_codes || sms.url.is_some(),
        "second_factor.sms_codes",
        "codes by text message need a gateway",
        "write its url in [sms]",
    )
}

fn lifetimes(config: &Config) -> Verdict {
    let session = &config.session;
    require(
        session.idle <= session.absolute,
        "session.idle",
        format!("{} is longer than `absolute`", session.idle),
        "an unused session cannot outlive a used one",
    )?;
    require(
        (1..=10_000).contains(&config.backup.keep),
        "backup.keep",
        format!("{} is outside 1 to 10000", config.backup.keep),
        "7 with every = \"1d\" reaches back a week",
    )?;
    let store = &config.store;
    require(
        store.critical_space_mib <= store.low_space_mib,
        "store.critical_space_mib",
        format!("{} is more than `low_space_mib`", store.critical_space_mib),
        "the disk is low before it is full",
    )?;
    require(
        store.ballast_mib <= 1024,
        "store.ballast_mib",
        format!("{} is more than 1024", store.ballast_mib),
        "16 is enough for tens of thousands of logouts",
    )?;
    let cache = config.store.cache_mib;
    require(
        (1..=1024).contains(&cache),
        "store.cache_mib",
        format!("{cache} is outside 1 to 1024"),
        "4 serves a million accounts",
    )
}

/// What `gatelodge check` and the start say about settings that are allowed but deserve a word.
#[must_use]
pub fn notes(config: &Config) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |applies: bool, text: &str| {
        if applies {
            notes.push(text.to_owned());
        }
    };
    note(
        !config.registration.confirm_email,
        "registration.confirm_email = false: registering tells whether an address has an account, and addresses may be other people's",
    );
    note(!config.throttle.enabled, "throttle.enabled = false: something in front must limit tries and mails");
    note(
        config.mail.smtp.security == Security::None
            && config.mail.transport == MailTransport::Smtp
            && !is_loopback(&config.mail.smtp.host),
        "mail.smtp.security = \"none\": links and credentials cross the network readable",
    );
    note(
        config.password.memory_kib < 7168,
        "password.memory_kib is below every recommendation of OWASP: a stolen store is cheap to guess from",
    );
    note(
        config.session.absolute.max(config.session.bearer_lifetime()).seconds() > 30 * crate::base::DAY,
        "session.absolute or session.bearer is over 30 days, the longest that NIST SP 800-63B-4 allows",
    );
    let spa = &config.spa;
    let is_reachable =
        |url: &FrontEndUrl| spa.origins.iter().chain([&config.site.url]).any(|origin| origin.origin() == url.origin());
    note(
        spa.url.as_ref().is_some_and(|url| !is_reachable(url)),
        "spa.url: scripts there cannot use the API unless its origin is in spa.origins, or a proxy serves both from one",
    );
    notes.extend(exposure::notes(config));
    notes
}
