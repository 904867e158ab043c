//! Redirect targets after a login: a path of this site, or a page of a host that the configuration lists (open
//! redirects).

use crate::config::{Access, HostName};
use crate::gate::{AccessRules, OriginalUrl, Scheme};

/// The longest target, in bytes.
const MAX_BYTES: usize = 1024;
/// The longest page of an application, in bytes; whoever comes from one beyond that goes back to the first page. Percent-encoded
/// in a header it must fit what proxies take of an answer's head, which is 4 KiB.
pub(super) const MAX_APPLICATION_BYTES: usize = 1024;

/// Whether all characters are ones that every browser reads alike: some take a backslash for a slash, and drop tabs and
/// line breaks.
fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/?&=+%".contains(&byte);
    text.len() <= MAX_BYTES && text.bytes().all(plain)
}

/// Returns the path if it can only mean a page of ours; `//host` is another site.
pub(super) fn safe_path(text: &str) -> Option<&str> {
    let is_path = text.starts_with('/') && !text.starts_with("//");
    (is_path && is_plain(text)).then_some(text)
}

/// Returns the path, or the address of a page on one of `hosts`, over https and at the default port.
pub(super) fn safe_target<'a>(text: &'a str, hosts: &[HostName]) -> Option<&'a str> {
    let Some(rest) = text.strip_prefix("https://") else { return safe_path(text) };
    let end = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    // The whole authority is compared: user information or a port makes it another text, so `host@evil` matches
    // nothing.
    let is_listed = hosts.iter().any(|listed| listed.as_str() == host);
    (is_listed && is_plain(path) && text.len() <= MAX_BYTES).then_some(text)
}

/// Returns the address of a page of an application: on a host that a rule names, in a domain whose cookie reaches it.
/// It is parsed as the proxies' questions are, so whatever two programs might read differently is none.
pub(super) fn application(text: &str, rules: &AccessRules, access: &Access) -> Option<String> {
    let url = OriginalUrl::parse(text).ok()?;
    let portal = access.domain_of(url.host())?.url.as_ref()?;
    // A cookie that is set over https is not sent over http: the application would ask for a login for ever.
    let is_reached = url.scheme() == Scheme::Https || url.host().is_private() && portal.origin().starts_with("http://");
    let is_portal = access.domains.iter().any(|domain| domain.url.as_ref().is_some_and(|own| own.host() == url.host()));
    if !is_reached || is_portal || !rules.names_host(url.host()) {
        return None;
    }
    let whole = url.return_to();
    Some(if whole.len() <= MAX_APPLICATION_BYTES { whole } else { url.root() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hosts() -> Vec<HostName> {
        vec![HostName::try_from("wiki.example.org".to_owned()).expect("a name")]
    }

    #[test]
    fn paths_of_this_site_pass() {
        for path in ["/", "/account", "/account/sessions?x=1&y=%20"] {
            assert_eq!(safe_path(path), Some(path));
            assert_eq!(safe_target(path, &hosts()), Some(path));
        }
    }

    #[test]
    fn pages_of_a_listed_host_pass() {
        for target in
            ["https://wiki.example.org", "https://wiki.example.org/", "https://wiki.example.org/a/b?c=d&e=%2F"]
        {
            assert_eq!(safe_target(target, &hosts()), Some(target));
            assert_eq!(safe_target(target, &[]), None);
        }
    }

    /// What has opened other systems: each alone would lead elsewhere in some browser, or be a script.
    const TRICKS: &[&str] = &[
        "",
        " ",
        "account",
        "./account",
        "../account",
        "account/",
        "?x=1",
        "#x",
        ".",
        "..",
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "/////evil.example",
        "//evil.example/%2f..",
        "//evil.example:80",
        "//user@evil.example",
        "//[::1]/",
        "//127.0.0.1/",
        "//0x7f000001/",
        "/\\evil.example",
        "/\\/evil.example",
        "\\evil.example",
        "\\\\evil.example",
        "\\/evil.example",
        "/\\\\evil.example",
        "\\/\\/evil.example",
        "/account\\..\\evil",
        "/.\\evil.example",
        "/a\\b",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r/evil.example",
        "\t//evil.example",
        "\n//evil.example",
        " //evil.example",
        "/\u{0}/evil.example",
        "\u{0}/evil",
        "/\u{b}/evil.example",
        "/\u{c}/evil.example",
        "/\u{1b}/evil",
        "/\u{7f}",
        "/\u{85}/evil.example",
        "/\u{a0}/evil.example",
        "/\u{200b}/evil.example",
        "/\u{2028}/evil.example",
        "\u{feff}/account",
        " /account",
        "/account ",
        "\t/account",
        "/account\r\nSet-Cookie: x=y",
        "/account\r\n\r\n<script>",
        "/a b",
        "http://evil.example",
        "https://evil.example",
        "HTTPS://evil.example",
        "hTTps://evil.example",
        "https:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        "https:\\\\evil.example",
        "http:evil.example",
        "ftp://evil.example",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\tscript:alert(1)",
        "java\nscript:alert(1)",
        "javascript&colon;alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://evil.example/x",
        "about:blank",
        "view-source:https://evil.example",
        "ws://evil.example",
        "mailto:a@evil.example",
        "tel:1",
        "x:y",
        "/x#y",
        "/x#//evil.example",
        "/@evil.example",
        "/@evil.example:x",
        "/user:pass@evil.example",
        "/a;b",
        "/a,b",
        "/a|b",
        "/a^b",
        "/a\"b",
        "/a'b",
        "/a<b",
        "/a>b",
        "/a`b",
        "/a{b}",
        "/a[b]",
        "/a(b)",
        "/a*b",
        "/a!b",
        "/a$b",
        "/a:b",
        "/\u{2044}evil",
        "/\u{2215}evil",
        "/\u{ff0f}evil.example",
        "/\u{ff0f}\u{ff0f}evil.example",
        "\u{ff0f}\u{ff0f}evil.example",
        "/\u{3002}evil",
        "\u{2024}",
        "/\u{202e}elpmaxe",
        "/é",
        "http://wiki.example.org/",
        "HTTPS://wiki.example.org/",
        "https://WIKI.example.org/",
        "https://wiki.example.org./",
        "https://wiki.example.org:443/",
        "https://wiki.example.org:8443/",
        "https://wiki.example.org:/",
        "https://wiki.example.org@evil.example/",
        "https://user@wiki.example.org/",
        "https://user:pass@wiki.example.org/",
        "https://evil.example/wiki.example.org",
        "https://wiki.example.org.evil.example/",
        "https://evilwiki.example.org/",
        "https://a.wiki.example.org/",
        "https://example.org/",
        "https://wiki.example.org\\@evil.example/",
        "https://evil.example\\.wiki.example.org/",
        "https://wiki.example.org\\evil",
        "https://wiki.example.org?x",
        "https://wiki.example.org#x",
        "https://wiki.example.org/#x",
        "https://wiki.example.org/a b",
        "https://wiki.example.org/\\evil",
        "https://wiki.example.org/\t",
        "https://wiki\u{3002}example\u{3002}org/",
        "https://wiki\u{ff0e}example.org/",
        "https://wi\u{200b}ki.example.org/",
        "https://wiki%2eexample%2eorg/",
        "https://%77iki.example.org/",
        "https://wiki.example.org%2f@evil.example/",
        "https:wiki.example.org/",
        "https:/wiki.example.org/",
        "https:///wiki.example.org/",
        "https:\\\\wiki.example.org/",
        "//wiki.example.org/",
        "wiki.example.org",
        "wiki.example.org/",
        "https://",
        "https:///",
        "https://?",
        "https://wiki.example.org/<script>",
        " https://wiki.example.org/",
        "https://wiki.example.org/ ",
        "https://w\u{131}ki.example.org/",
        "https://wiki.example.org/\r\nSet-Cookie: x=y",
    ];

    #[test]
    fn tricks_do_not() {
        assert!(TRICKS.len() > 150);
        for trick in TRICKS {
            assert_eq!(safe_path(trick), None, "{trick:?}");
            assert_eq!(safe_target(trick, &hosts()), None, "{trick:?}");
        }
        let long = format!("/{}", "a".repeat(MAX_BYTES));
        assert_eq!(safe_target(&long, &hosts()), None);
    }

    proptest! {
        /// Whatever passes is a path of ours, or begins with a listed host and a slash.
        #[test]
        fn nothing_else_passes(text in "(https?:)?[/\\\\]{0,3}(wiki[.]example[.]org|evil[.]example)?[@:./\\\\?#a-z0-9\\t ]{0,12}") {
            if let Some(target) = safe_target(&text, &hosts()) {
                let is_ours = target.starts_with('/') && !target.starts_with("//");
                let is_listed = target == "https://wiki.example.org" || target.starts_with("https://wiki.example.org/");
                prop_assert!((is_ours || is_listed) && !target.contains(['\\', '\t', ' ', '@', '#']), "{}", target);
            }
        }
    }
}
