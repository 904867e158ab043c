//! Reserved user names, which nobody may choose: whoever has one could be taken for the site itself, for those who run
//! it, or for the owner of a mailbox or a path of that name.

use crate::base::Username;

/// Mailboxes by which every domain is reached (RFC 2142) and by which certificates are issued (CA/Browser Forum
/// Baseline Requirements, 3.2.2.4.4), users of systems, names of hosts and paths, and words for everybody and nobody.
#[rustfmt::skip]
const BUILT_IN: &[&str] = &[
    "abuse", "account", "accounts", "admin", "administration", "administrator", "administrators", "admins", "anonymous", "anybody",
    "anyone", "api", "assets", "auth", "autoconfig", "autodiscover", "billing", "contact", "daemon", "dns", "everybody", "everyone",
    "ftp", "gatelodge", "guest", "help", "helpdesk", "hostmaster", "http", "https", "imap", "info", "localhost", "login", "logout", "mail",
    "mailerdaemon", "mailer-daemon", "moderator", "mx", "news", "noc", "nobody", "no-reply", "noreply", "null", "oauth", "oauth2",
    "official", "operator", "owner", "password", "pop", "pop3", "postmaster", "register", "root", "sales", "security", "self", "service",
    "session", "settings", "setup", "signin", "signup", "smtp", "ssl", "sso", "ssladmin", "ssladministrator", "sslwebmaster", "staff", "status",
    "support", "sudo", "sysadmin", "sysop", "system", "trust", "undefined", "usenet", "uucp",
    "webmaster", "wheel", "wpad", "www", ];

/// Whether a user name is reserved: one of these, or of `further`, however
/// it is separated. `a.d.m.i.n` reads as `admin`.
#[must_use]
pub(super) fn is_reserved(name: &Username, further: &[Username]) -> bool {
    let plain = |text: &str| text.replace(['.', '-', '_'], "");
    let wanted = plain(name.as_str());
    BUILT_IN.iter().copied().chain(further.iter().map(Username::as_str)).any(|reserved| plain(reserved) == wanted)
}

/// Whether a user name reads as the name of the site: whoever has it could be taken for the site itself.
#[must_use]
pub(super) fn reads_as(name: &Username, site: &str) -> bool {
    let plain =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let site = plain(site);
    !site.is_empty() && plain(name.as_str()) == site
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_names_are_known_however_they_are_separated() {
        let name = |text: &str| Username::parse(text).expect("a user name");
        for reserved in [
            "admin",
            "root",
            "support",
            "postmaster",
            "mailer-daemon",
            "mailer.daemon",
            "no_reply",
            "a.d.m.i.n",
            "admin-",
            "www",
        ] {
            assert!(is_reserved(&name(reserved), &[]), "{reserved}");
        }
        for free in ["alice", "administratrix", "rooty", "admin2", "supporter", "amin"] {
            assert!(!is_reserved(&name(free), &[]), "{free}");
        }
        assert!(is_reserved(&name("hill.street"), &[name("hillstreet")]));
        assert!(is_reserved(&name("hillstreet"), &[name("hill-street")]));
    }

    #[test]
    fn the_list_holds_user_names() {
        for name in BUILT_IN {
            assert!(Username::parse(name).is_ok(), "{name}");
        }
    }
}
