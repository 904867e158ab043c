//! Rules between settings: combinations that cannot work.

mod access;
mod languages;
mod limits;
mod mail;
mod places;
mod verdict;

use crate::base::{GroupName, IdentityKind, is_visible};
use crate::crypto::Cost;

use super::{Config, HostName, RegistrationMode, TargetUrl, TlsMode, UsernameRule};

use access::{access_domains, access_rules};
use languages::languages;
pub(super) use limits::limits;
use mail::{mail_in_clear, mail_password, mail_port, mail_server};
use places::places;
pub(super) use verdict::BrokenRule;
use verdict::Verdict;

type Rule = fn(&Config, &mut Verdict);

/// The rules, and the settings that each depends on.
const RULES: &[(Rule, &[&str])] = &[
    (site, &["site.name"]),
    (languages, &["site.language", "site.languages"]),
    (tls, &["tls", "proxy", "site.url"]),
    (acme, &["tls", "site.url"]),
    (listeners, &["tls.mode", "listen"]),
    (addresses, &["listen.https", "listen.http", "metrics.listen"]),
    (mail_server, &["mail.transport", "mail.smtp.host"]),
    (mail_port, &["mail.transport", "mail.smtp.port"]),
    (mail_in_clear, &["mail.transport", "mail.smtp"]),
    (mail_password, &["mail.transport", "mail.smtp.username", "mail.smtp.password_file"]),
    (registration, &["registration", "login.identities"]),
    (password_length, &["password.min_length"]),
    (password_cost, &["password.memory_kib", "password.iterations", "password.lanes"]),
    (second_factor, &["second_factor.required_for"]),
    (webhooks, &["webhooks"]),
    (sms, &["sms"]),
    (sms_codes, &["sms.url", "second_factor.sms_codes"]),
    (access_domains, &["access.domains"]),
    (access_rules, &["access.rules", "access.domains"]),
    (sessions, &["session.idle", "session.absolute"]),
    (snapshots, &["backup.keep"]),
    (space, &["store.low_space_mib", "store.critical_space_mib"]),
    (ballast, &["store.ballast_mib"]),
    (cache, &["store.cache_mib"]),
    (places, &["store.path", "store.key_file", "listen.control", "mail.directory", "backup.directory"]),
];

/// Returns every rule that is broken, as far as its settings were understood.
pub(super) fn check(config: &Config, is_doubtful: impl Fn(&str) -> bool) -> Vec<BrokenRule> {
    let mut verdict = Verdict::default();
    for (rule, _) in RULES.iter().filter(|(_, settings)| !settings.iter().any(|setting| is_doubtful(setting))) {
        rule(config, &mut verdict);
    }
    verdict.0
}

fn site(config: &Config, verdict: &mut Verdict) {
    let name = &config.site.name;
    let fits = (1..=100).contains(&name.chars().count()) && is_visible(name);
    verdict.require(
        fits,
        "site.name",
        "the name is empty, too long or not printable",
        "write 1 to 100 printable characters",
    );
}

fn tls(config: &Config, verdict: &mut Verdict) {
    let tls = &config.tls;
    if tls.mode == TlsMode::Files {
        let hint = |key: &str| format!("write `{key} = \"/etc/gatelodge/tls/…pem\"` in [tls]");
        let both = [("certificate", tls.certificate.is_some()), ("private_key", tls.private_key.is_some())];
        for (key, is_set) in both {
            verdict.require(is_set, "tls.mode", format!("mode \"files\" needs `{key}`"), hint(key));
        }
    } else {
        for (key, is_set) in
            [("tls.certificate", tls.certificate.is_some()), ("tls.private_key", tls.private_key.is_some())]
        {
            let hint = "remove it, or write mode = \"files\"";
            verdict.require(!is_set, key, "is only read with mode = \"files\"", hint);
        }
        let proxied = !config.proxy.trusted.is_empty() || config.site.url.is_loopback();
        verdict.require(
            tls.mode != TlsMode::Off || proxied,
            "tls.mode",
            "without TLS there must be a proxy in front",
            "name its network in [proxy]: trusted = [\"127.0.0.1/32\"]",
        );
    }
    verdict.require(
        tls.mode == TlsMode::Off || config.site.url.is_https(),
        "site.url",
        "an http:// site serves no TLS",
        "write https://, or mode = \"off\" in [tls]",
    );
}

fn acme(config: &Config, verdict: &mut Verdict) {
    if config.tls.mode != TlsMode::Acme {
        return;
    }
    let (hosts, site) = (&config.tls.acme.hosts, config.site.url.host());
    verdict.require(
        HostName::try_from(site.to_owned()).is_ok() && !config.site.url.is_loopback(),
        "site.url",
        format!("no authority gives a certificate for {site}"),
        "use a name that the authority can look up, or mode = \"self-signed\" in [tls]",
    );
    verdict.require(
        hosts.is_empty() || hosts.iter().any(|host| host.as_str() == site),
        "tls.acme.hosts",
        format!("{site} is not among them, which is the host of site.url"),
        format!("add \"{site}\", or leave `hosts` out if it is the only one"),
    );
    verdict.require(
        hosts.len() <= 100,
        "tls.acme.hosts",
        "there are more than 100",
        "authorities take no more in one certificate",
    );
}

fn listeners(config: &Config, verdict: &mut Verdict) {
    if config.tls.mode == TlsMode::Off {
        let hint = "write `http = [\"127.0.0.1:8080\"]` in [listen]";
        verdict.require(
            !config.listen.http.is_empty(),
            "listen.http",
            "without TLS the site needs an http address",
            hint,
        );
        return;
    }
    let hint = "write `https = [\"[::]:443\"]` in [listen]";
    verdict.require(!config.listen.https.is_empty(), "listen.https", "there is no address to listen on", hint);
}

fn addresses(config: &Config, verdict: &mut Verdict) {
    let named = [
        ("listen.https", &config.listen.https),
        ("listen.http", &config.listen.http),
        ("metrics.listen", &config.metrics.listen),
    ];
    let mut seen = Vec::new();
    for (key, address) in named.into_iter().flat_map(|(key, list)| list.iter().map(move |address| (key, address))) {
        let is_new = address.port() == 0 || !seen.contains(&address);
        verdict.require(is_new, key, format!("{address} is named twice"), "name it once: a port speaks one protocol");
        seen.push(address);
    }
}

fn registration(config: &Config, verdict: &mut Verdict) {
    let registration = &config.registration;
    let kinds = &config.login.identities;
    let is_repeated = (1..kinds.len()).any(|at| kinds[..at].contains(&kinds[at]));
    verdict.require(
        !kinds.is_empty() && !is_repeated,
        "login.identities",
        "there is none, or one stands there twice",
        "write identities = [\"email\", \"username\"]",
    );
    let has_name = kinds.contains(&IdentityKind::Username) && registration.username == UsernameRule::Required;
    verdict.require(
        kinds.contains(&IdentityKind::Email) || has_name || registration.mode == RegistrationMode::Closed,
        "login.identities",
        "whoever registers could not log in: they have an address, and nothing else for certain",
        "add \"email\", or \"username\" with username = \"required\" in [registration]",
    );
    verdict.require(
        registration.mode != RegistrationMode::Approval || registration.confirm_email,
        "registration.confirm_email",
        "with mode = \"approval\" an address is confirmed before anybody decides on it",
        "leave it out, or write mode = \"open\"",
    );
}

fn password_length(config: &Config, verdict: &mut Verdict) {
    let hint = "15 is what NIST SP 800-63B-4 asks for where the password is the only factor";
    within_limits("password.min_length", config.password.min_length, hint, verdict);
}

fn within_limits(setting: &str, number: usize, hint: &str, verdict: &mut Verdict) {
    let Some(limits) = limits(setting) else { return };
    let said = format!("{number} is outside {} to {}", limits.start(), limits.end());
    verdict.require(limits.contains(&(number as u64)), setting, said, hint);
}

fn password_cost(config: &Config, verdict: &mut Verdict) {
    verdict.require(
        config.password.cost().is_permitted(),
        "password.memory_kib",
        "argon2 cannot work with this memory, these iterations and lanes",
        format!(
            "memory_kib is 8 × lanes to {}, iterations 1 to {}, lanes 1 to {}",
            Cost::MAX.memory_kib,
            Cost::MAX.iterations,
            Cost::MAX.lanes
        ),
    );
}

fn second_factor(config: &Config, verdict: &mut Verdict) {
    let is_name = |name: &String| GroupName::parse(name).is_ok();
    verdict.require(
        config.second_factor.required_for.iter().all(is_name),
        "second_factor.required_for",
        "one of them is no group's name",
        "write names like \"admins\", in lower case",
    );
}

fn webhooks(config: &Config, verdict: &mut Verdict) {
    const MOST: usize = 16;
    let hooks = &config.webhooks;
    verdict.require(
        hooks.len() <= MOST,
        "webhooks",
        format!("there are more than {MOST}"),
        "let one server tell the others",
    );
    for (name, hook) in hooks {
        let key = format!("webhooks.{name}");
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let is_name = (1..=32).contains(&name.len()) && name.bytes().all(plain);
        verdict.require(is_name, &key, format!("{name:?} is no name"), "write 1 to 32 of a-z, 0-9, - and _");
        let url = hook.url.as_ref();
        let hint = "write `url = \"https://…\"` below it";
        verdict.require(url.is_some(), &key, format!("webhooks.{name} needs a `url`"), hint);
        let is_open = hook.private || url.is_none_or(TargetUrl::is_https);
        let hint = "write `private = true` below it, or https://";
        verdict.require(is_open, format!("{key}.url"), format!("webhooks.{name} is on this machine"), hint);
    }
}

fn sms(config: &Config, verdict: &mut Verdict) {
    let sms = &config.sms;
    let is_open = sms.private || sms.url.as_ref().is_none_or(TargetUrl::is_https);
    verdict.require(
        is_open,
        "sms.url",
        "the gateway is on this machine",
        "write `private = true` below it, or https://",
    );
    verdict.require(
        sms.url.is_none() || sms.is_whole(),
        "sms.url",
        "a message would say not to whom it is, or not what",
        "write {{ to }} and {{ text }} into `body`, or {{to}} and {{text}} into the query of `url`",
    );
    let kinds = ["application/json", "application/x-www-form-urlencoded", "text/plain"];
    verdict.require(
        kinds.contains(&sms.content_type.as_str()),
        "sms.content_type",
        format!("{:?} is none that is known", sms.content_type),
        format!("one of {}", kinds.join(", ")),
    );
}

fn sms_codes(config: &Config, verdict: &mut Verdict) {
    verdict.require(
        !config.second_factor.sms_codes || config.sms.url.is_some(),
        "second_factor.sms_codes",
        "codes by text message need a gateway",
        "write its url in [sms]",
    );
}

fn sessions(config: &Config, verdict: &mut Verdict) {
    let session = &config.session;
    verdict.require(
        session.idle <= session.absolute,
        "session.idle",
        format!("{} is longer than `absolute`", session.idle),
        "an unused session cannot outlive a used one",
    );
}

fn snapshots(config: &Config, verdict: &mut Verdict) {
    within_limits("backup.keep", config.backup.keep, "7 with every = \"1d\" reaches back a week", verdict);
}

fn space(config: &Config, verdict: &mut Verdict) {
    let store = &config.store;
    verdict.require(
        store.critical_space_mib <= store.low_space_mib,
        "store.critical_space_mib",
        format!("{} is more than `low_space_mib`", store.critical_space_mib),
        "the disk is low before it is full",
    );
}

fn ballast(config: &Config, verdict: &mut Verdict) {
    let store = &config.store;
    verdict.require(
        store.ballast_mib <= 1024,
        "store.ballast_mib",
        format!("{} is more than 1024", store.ballast_mib),
        "16 is enough for tens of thousands of logouts",
    );
}

fn cache(config: &Config, verdict: &mut Verdict) {
    within_limits("store.cache_mib", config.store.cache_mib, "4 serves a million accounts", verdict);
}
