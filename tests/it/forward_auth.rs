//! Access rules of other applications, as a configuration states them: URLs that are read differently, rules that are wrong, many
//! rules, and the command that explains a decision.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use gatelodge::config::Config;
use gatelodge::gate::{AccessDecision, AccessRules, Doubt, OriginalRequest, OriginalUrl, RequestMethod, decide};
use proptest::prelude::*;

use crate::process::{Server, configuration, file_mail, free_port, run};
use crate::store::Folder;
use crate::world::{ALICE, PASSWORD};

const SITE: &str =
    "[site]\nurl = \"https://auth.example.org\"\n[mail]\nfrom = \"a@example.org\"\ntransport = \"file\"\n";

pub const RULES: &str = r#"
[access]
domains = [
    { cookie = "example.org", url = "https://auth.example.org" },
    { cookie = "hill.lan", url = "http://auth.hill.lan" },
]

[[access.rules]]
hosts = ["wiki.example.org"]
paths = ["/public", "=/robots.txt"]
allow = "anyone"

[[access.rules]]
hosts = ["wiki.example.org"]
paths = ["/private"]
allow = "nobody"

[[access.rules]]
hosts = ["wiki.example.org"]
paths = ["/admin"]
allow = "second-factor"
groups = ["admins"]

[[access.rules]]
hosts = ["wiki.example.org"]
allow = "logged-in"

[[access.rules]]
hosts = ["*.lab.example.org"]
methods = ["GET", "HEAD"]
networks = ["10.0.0.0/8"]
allow = "anyone"

[[access.rules]]
hosts = ["*.lab.example.org"]
allow = "logged-in"

[[access.rules]]
hosts = ["nas.lan"]
paths = ["/share"]
allow = "anyone"

[[access.rules]]
hosts = ["nas.lan"]
allow = "logged-in"

[[access.rules]]
hosts = ["api.example.org"]
pattern = "^/v[0-9]+/open/"
allow = "anyone"

[[access.rules]]
hosts = ["open.example.org"]
paths = ["/private"]
allow = "nobody"

[[access.rules]]
hosts = ["open.example.org"]
allow = "anyone"

[[access.rules]]
hosts = ["bücher.example"]
allow = "anyone"
"#;

fn parse(access: &str) -> Result<Config, String> {
    Config::parse(&format!("{SITE}{access}"), Path::new("gatelodge.toml")).map_err(|error| error.to_string())
}

pub fn rules() -> AccessRules {
    parse(RULES).expect("valid").access.rules()
}

/// What is decided about a visitor who is not known.
pub fn decision(rules: &AccessRules, url: &str, method: &str, client: Option<&str>) -> AccessDecision {
    let client = client.map(|client| client.parse().expect("an address"));
    let request = OriginalUrl::parse(url)
        .and_then(|url| Ok(OriginalRequest { url, method: RequestMethod::parse(method)?, client }));
    request.map_or_else(AccessDecision::Doubt, |request| decide(rules, &request, None))
}

/// A line of the corpus.
pub struct Line {
    answer: &'static str,
    pub is_spelling: bool,
    pub url: String,
    pub method: String,
    pub client: Option<&'static str>,
}

pub fn corpus() -> Vec<Line> {
    let (mut answer, mut is_spelling, mut lines) = ("", false, Vec::new());
    for line in include_str!("confusions.txt").lines().filter(|line| !line.is_empty() && !line.starts_with("# ")) {
        if let Some(heading) = line.strip_prefix("= ") {
            is_spelling = heading.ends_with(" same");
            answer = heading.trim_end_matches(" same");
            continue;
        }
        // A path may hold the sign too: what stands behind it is a method in capital letters, or wrong on purpose.
        let parts: Vec<&str> = line.split('|').collect();
        let has_method = answer == "doubt method"
            || parts.get(1).is_some_and(|part| part.len() > 2 && part.bytes().all(|b| b.is_ascii_uppercase()));
        let url = if has_method { parts[0] } else { line };
        let method = if has_method { parts[1] } else { "GET" };
        let client = parts.get(2).filter(|_| has_method).copied();
        let url = if url.starts_with('"') { serde_json::from_str(url).expect(url) } else { url.to_owned() };
        lines.push(Line { answer, is_spelling, url, method: method.to_owned(), client });
    }
    lines
}

fn is_as_expected(answer: &str, decision: AccessDecision) -> bool {
    let (word, rest) = answer.split_once(' ').unwrap_or((answer, ""));
    let number = rest.parse::<usize>().ok();
    match (word, decision) {
        ("let-in", AccessDecision::LetIn(rule))
        | ("needs-login", AccessDecision::NeedsLogin(rule))
        | ("not-allowed", AccessDecision::NotAllowed(rule)) => number == Some(rule),
        ("no-rule", AccessDecision::NoRule) => true,
        ("doubt", AccessDecision::Doubt(doubt)) => match rest {
            "ambiguous" => doubt == Doubt::Ambiguous,
            "readings" => doubt == Doubt::TooManyReadings,
            "dots" => doubt == Doubt::DotSegments,
            "parameter" => doubt == Doubt::PathParameter,
            "backslash" => doubt == Doubt::Backslash,
            "control" => doubt == Doubt::ControlCharacter,
            "encoding" => {
                matches!(doubt, Doubt::MalformedEncoding | Doubt::NotUtf8 | Doubt::EncodedTooOften | Doubt::Whitespace)
            }
            "fragment" => doubt == Doubt::Fragment,
            "text" => matches!(doubt, Doubt::Whitespace | Doubt::NotAscii | Doubt::Scheme),
            "url" => matches!(doubt, Doubt::NotAUrl | Doubt::Scheme),
            "host" => matches!(doubt, Doubt::Host | Doubt::NoHost | Doubt::Port | Doubt::UserInfo),
            "plain" => doubt == Doubt::PlainHttp,
            "method" => doubt == Doubt::Method,
            other => panic!("{other} is no doubt"),
        },
        _ => false,
    }
}

#[test]
fn whatever_is_read_differently_is_decided_as_the_corpus_says() {
    let (rules, lines) = (rules(), corpus());
    assert!(lines.len() >= 300, "{}", lines.len());
    let mut wrong = String::new();
    for line in &lines {
        let decision = decision(&rules, &line.url, &line.method, line.client);
        if !is_as_expected(line.answer, decision) {
            let _ = writeln!(wrong, "{:?}: {decision:?}, not {}", line.url, line.answer);
        }
    }
    assert_eq!(wrong, "");
}

#[test]
fn nobody_is_let_in_by_a_spelling_whose_canonical_form_is_not_allowed() {
    let rules = rules();
    let mut let_in = 0;
    for line in corpus() {
        if decision(&rules, &line.url, &line.method, line.client).lets_in() {
            let url = OriginalUrl::parse(&line.url).expect("let in");
            assert!(decision(&rules, &url.to_string(), &line.method, line.client).lets_in(), "{url}");
            assert!(decision(&rules, &url.return_to(), &line.method, line.client).lets_in(), "{url}");
            let_in += 1;
        }
    }
    assert!(let_in > 50, "{let_in}");
}

#[test]
fn every_spelling_of_a_url_has_one_canonical_form() {
    let mut first: Option<(&str, String)> = None;
    for line in corpus().iter().filter(|line| line.is_spelling) {
        let canonical = OriginalUrl::parse(&line.url).expect(&line.url).to_string();
        match &first {
            Some((answer, one)) if *answer == line.answer => assert_eq!(canonical, *one, "{}", line.url),
            _ => first = Some((line.answer, canonical)),
        }
    }
}

/// A URL, and another spelling of it.
fn spellings() -> impl Strategy<Value = (String, String)> {
    let hosts = prop::sample::select(vec!["wiki.example.org", "open.example.org", "nas.lan", "api.example.org"]);
    let names = ["public", "private", "admin", "v1", "open", "share", "robots.txt", "x", "a~b"];
    let names = prop::collection::vec(prop::sample::select(names.to_vec()), 0..4);
    (hosts, names, any::<u64>()).prop_map(|(host, names, dice)| {
        let plain = format!("https://{host}/{}", names.join("/"));
        let mut dice = dice;
        let mut falls = |sides: u64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) % sides == 0
        };
        let mut host: String = host.chars().map(|c| if falls(3) { c.to_ascii_uppercase() } else { c }).collect();
        host.push_str(if falls(3) { "." } else { "" });
        host.push_str(if falls(3) { ":8443" } else { "" });
        let mut path = String::new();
        for (at, name) in names.iter().enumerate() {
            path.push_str(if falls(6) { "/." } else { "" });
            path.push_str(if falls(6) { "/other/%2e." } else { "" });
            path.push('/');
            for c in name.chars() {
                match c {
                    c if falls(3) => write!(path, "%{:02x}", u32::from(c)).expect("memory"),
                    c => path.push(c),
                }
            }
            path.push_str(if at + 1 == names.len() && falls(4) { "?public=/../x" } else { "" });
        }
        let path = if path.is_empty() { "/" } else { &path };
        let scheme = if falls(2) { "wss" } else { "HTTPS" };
        (plain, format!("{scheme}://{host}{path}"))
    })
}

proptest! {
    /// A path with dot segments may let nobody in where its clean spelling does; nothing else makes a difference.
    #[test]
    fn no_two_spellings_of_one_url_are_decided_differently((plain, other) in spellings()) {
        let rules = rules();
        let (one, two) = (decision(&rules, &plain, "GET", None), decision(&rules, &other, "GET", None));
        let is_careful = one.lets_in() && two == AccessDecision::Doubt(Doubt::DotSegments);
        prop_assert!(one == two || is_careful, "{plain} {one:?}, {other} {two:?}");
    }
}

#[test]
fn what_is_wrong_with_rules_is_told_with_its_place_and_what_to_write_instead() {
    let rule = |text: &str| {
        format!(
            "[access]\ndomains = [{{ cookie = \"example.org\", url = \"https://auth.example.org\" }}]\n[[access.rules]]\n{text}\n"
        )
    };
    let named = |text: &str| rule(&format!("hosts = [\"a.example.org\"]\n{text}"));
    let domain = |text: &str| format!("[access]\ndomains = [{text}]\n");
    let cases = [
        (
            rule("hosts = [\"https://a.example.org\"]\nallow = \"anyone\""),
            ":9:10: \"https://a.example.org\": a URL, where a host belongs",
            "write \"a.example.org\" without https://",
        ),
        (rule("hosts = [\"a.example.org:8443\"]\nallow = \"anyone\""), ":9:10:", "every port is meant"),
        (
            rule("hosts = [\"b.example.org\", \"a.example.org/docs\"]\nallow = \"anyone\""),
            ":9:27:",
            "the path in `paths`",
        ),
        (rule("hosts = [\"a.*.org\"]\nallow = \"anyone\""), ":9:10:", "*.example.org"),
        (rule("allow = \"anyone\""), ":8:1: rule 1 is for no host", "hosts = ["),
        (named(""), ":8:1: rule 1 does not say whom it lets in", "\"second-factor\""),
        (named("allow = \"everybody\""), ":10:9: \"everybody\" is nothing that `allow` can be", "\"anyone\""),
        (named("allow = \"anyone\"\npath = [\"/x\"]"), ":11:1: unknown key `path`", "did you mean `paths`?"),
        (named("allow = \"anyone\"\npaths = [\"public\"]"), ":11:10: \"public\": not a path", "\"/public\""),
        (named("allow = \"anyone\"\npaths = [\"/x/*\"]"), ":11:10:", "no star"),
        (named("allow = \"anyone\"\npattern = \"(a{500}){500}\""), ":11:11:", "repeat less"),
        (named("allow = \"anyone\"\npattern = \"(?=a)\""), ":11:11:", "look-around"),
        (
            named("allow = \"anyone\"\npaths = [\"/x\"]\npattern = \"x\""),
            ":12:11: rule 1 has `paths` and `pattern`",
            "two rules",
        ),
        (
            named("allow = \"anyone\"\npattern = \"^public\""),
            ":11:11: the pattern of rule 1 matches no path: each begins with a slash",
            "anywhere in the path",
        ),
        (
            named("allow = \"anyone\"\npattern = '^/x$/y'"),
            ":11:11: the pattern of rule 1 matches no path",
            "the $ last",
        ),
        (
            named("allow = \"anyone\"\npattern = '^/x\\?y=z'"),
            ":11:11: the pattern of rule 1 matches no path",
            "queries",
        ),
        (
            named(
                "pattern = \"^/.*$\"\nallow = \"logged-in\"\n[[access.rules]]\nhosts = [\"a.example.org\"]\nallow = \"nobody\"",
            ),
            ":12:1: rule 2 never decides: rule 1 before it takes every request",
            "move it up",
        ),
        (named("allow = \"anyone\"\nmethods = [\"get\"]"), ":11:12: \"get\": not a method", "capital letters"),
        (named("allow = \"anyone\"\nnetworks = [\"10.0.0.0/33\"]"), ":11:13:", "0 to 32 bits"),
        (
            named("allow = \"anyone\"\ngroups = [\"staff\"]"),
            ":11:10: rule 1 names groups, and lets everybody in",
            "logged-in",
        ),
        (named("allow = \"nobody\"\nusers = [\"bob\"]"), ":11:9: rule 1 names users, and lets nobody in", "logged-in"),
        (named("allow = \"anyone\"\nbasic = true"), ":11:9: rule 1 asks for no password", "logged-in"),
        (named("allow = \"logged-in\"\ngroups = [\"The Staff\"]"), ":11:11: \"The Staff\": not a group's name", "a-z"),
        (
            named("allow = \"logged-in\"\nusers = [\"a b\"]"),
            ":11:10: \"a b\": neither a user name nor an address",
            "alice@example.org",
        ),
        (
            named("allow = \"logged-in\"\nbasic = \"yes\""),
            ":11:9: \"yes\": `basic` is `true` or `false`",
            "basic = true",
        ),
        (
            named(
                "allow = \"logged-in\"\n[[access.rules]]\nhosts = [\"a.example.org\"]\npaths = [\"/x\"]\nallow = \"anyone\"",
            ),
            ":11:1: rule 2 never decides: rule 1 before it takes every request",
            "move it up",
        ),
        (
            "[access.rules]\nhosts = [\"a.example.org\"]\n".to_owned(),
            "there may be several sections [[access.rules]]",
            "write [[access.rules]] in place of [access.rules]",
        ),
        ("[access]\nrules = 7\n".to_owned(), "`rules` is a list, and this is a number", "[[access.rules]]"),
        (
            "[access]\nrules = [7]\n".to_owned(),
            "an item of `rules` is a section, and this is a number",
            "[[access.rules]]",
        ),
        (
            "[[access.rules]]\nhosts = [\"a.example.org\"]\nallow = \"logged-in\"\n".to_owned(),
            "there is nowhere to log in",
            "domains = [{",
        ),
        (
            domain("{ cookie = \"org\", url = \"https://auth.org\" }"),
            ":7:23: \"org\": browsers take no cookie for a single label",
            "home.org",
        ),
        (domain("{ cookie = \"co.uk\", url = \"https://auth.co.uk\" }"), "public suffix list", "home.co.uk"),
        (
            domain("{ cookie = \"duckdns.org\", url = \"https://auth.duckdns.org\" }"),
            "public suffix list",
            "home.duckdns.org",
        ),
        (
            domain("{ cookie = \"10.0.0.1\", url = \"https://10.0.0.1\" }"),
            "no host lies below an address",
            "give the hosts names",
        ),
        (
            domain("{ cookie = \"example.org\", url = \"https://auth.example.net\" }"),
            ":7:44: auth.example.net is not below the cookie's domain example.org",
            "https://auth.example.org",
        ),
        (
            domain("{ cookie = \"example.org\", url = \"https://badexample.org\" }"),
            "is not below the cookie's domain",
            "https://auth.example.org",
        ),
        (
            domain("{ cookie = \"example.org\", url = \"http://auth.example.org\" }"),
            "only for private zones",
            "write https://",
        ),
        (
            domain("{ cookie = \"example.org\", url = \"https://auth.example.org/login\" }"),
            "has a path",
            "scheme and host only",
        ),
        (domain("{ cookie = \"example.org\" }"), ":7:12: a domain needs `cookie` and `url`", "url = "),
        (domain("{ cokie = \"example.org\" }"), ":7:14: unknown key `cokie`", "did you mean `cookie`?"),
        (
            domain(
                "{ cookie = \"example.org\", url = \"https://auth.example.org\" }, { cookie = \"a.example.org\", url = \"https://a.example.org\" }",
            ),
            "a.example.org lies within example.org",
            "keep the one",
        ),
        (
            domain(
                "{ cookie = \"example.org\", url = \"https://auth.example.org\" }, { cookie = \"example.org\", url = \"https://a.example.org\" }",
            ),
            ": example.org is there twice",
            "keep one of the two",
        ),
        (
            "[access]\naliases = [\"authelia\"]\n".to_owned(),
            "\"authelia\" is nothing that `aliases` can be",
            "\"tinyauth\"",
        ),
    ];
    let mut wrong = String::new();
    for (text, said, hint) in cases {
        let error = parse(&text).expect_err(&text);
        let is_one = error.matches("gatelodge.toml:").count() == 1;
        if !(error.contains(said) && error.contains(hint) && is_one) {
            let _ = writeln!(wrong, "{text}\n{error}\nnot {said:?}, {hint:?}\n");
        }
    }
    assert_eq!(wrong, "", "{wrong}");
}

/// Whatever is written in the place of whatever value of a rule or a domain: the words are ours, and there is advice.
#[test]
fn no_value_of_a_rule_leads_to_words_of_a_library() {
    const OF_LIBRARIES: [&str; 9] = [
        "invalid type",
        "invalid value",
        "unknown variant",
        "unknown field",
        "missing",
        "sequence",
        "expected",
        "a map",
        "struct",
    ];
    let values = [
        "7",
        "-1",
        "1.5",
        "true",
        "\"\"",
        "\"x y\"",
        "\"true\"",
        "[]",
        "[7]",
        "[[\"a\"]]",
        "[\"x y\", 7]",
        "{}",
        "{ a = 1 }",
        "2026-01-01",
        "[{}]",
    ];
    let keys =
        ["hosts", "paths", "pattern", "methods", "networks", "allow", "groups", "users", "basic", "cookie", "url"];
    let mut refused = 0;
    for (key, value) in keys.iter().flat_map(|key| values.iter().map(move |value| (*key, *value))) {
        let text = match key {
            "cookie" | "url" => format!("[access]\ndomains = [{{ {key} = {value} }}]\n"),
            _ => format!("[[access.rules]]\n{key} = {value}\n"),
        };
        let Err(said) = parse(&text) else { continue };
        refused += 1;
        let alien = OF_LIBRARIES.iter().find(|words| said.contains(**words));
        assert_eq!(alien, None, "{text}\n{said}");
        assert!(!said.contains("see example.toml"), "{text}\n{said}");
        assert!(said.matches("gatelodge.toml:").count() <= said.matches("\nhint: ").count() + 1, "{text}\n{said}");
    }
    assert!(refused > 100, "{refused}");
}

/// The rules in the comments of the example are taken, and show every key of a rule.
#[test]
fn the_example_of_rules_is_valid_and_shows_every_key() {
    let example = include_str!("../../config/example.toml");
    let shown: Vec<&str> = example
        .lines()
        .skip_while(|line| *line != "#   [[access.rules]]")
        .take_while(|line| line.starts_with('#'))
        .filter_map(|line| line.strip_prefix("#   "))
        .collect();
    let domains = example.lines().find_map(|line| line.strip_prefix("#   { cookie")).expect("shown");
    let text = format!("[access]\ndomains = [{{ cookie{domains}]\n{}\n", shown.join("\n"));
    let config = parse(&text).expect("valid");
    assert_eq!(config.access.rules.len(), 2);
    let keys = serde_json::to_value(&config.access.rules[0]).expect("plain data");
    for key in keys.as_object().expect("a section").keys() {
        assert!(shown.iter().any(|line| line.starts_with(&format!("{key} = "))), "{key}");
    }
}

#[test]
fn what_the_rules_of_authelia_call_otherwise_is_explained() {
    let rule = |line: &str| format!("[[access.rules]]\nhosts = [\"wiki.example.org\"]\nallow = \"anyone\"\n{line}\n");
    let allow = |word: &str| format!("[[access.rules]]\nhosts = [\"wiki.example.org\"]\nallow = \"{word}\"\n");
    for (text, said) in [
        (allow("one_factor"), "did you mean \"logged-in\"?"),
        (allow("two_factor"), "did you mean \"second-factor\"?"),
        (allow("bypass"), "did you mean \"anyone\"?"),
        (allow("deny"), "did you mean \"nobody\"?"),
        (rule("domain = \"wiki.example.org\""), "did you mean `hosts`?"),
        (rule("policy = \"bypass\""), "did you mean `allow`?"),
        (rule("resources = [\"^/api\"]"), "did you mean `paths` or `pattern`?"),
        (rule("subject = [\"group:staff\"]"), "did you mean `groups` or `users`?"),
        ("[access]\naliases = [\"authelia\"]\n".to_owned(), "leave it out, Authelia's paths are always there"),
    ] {
        let told = parse(&text).expect_err("not our words");
        assert!(told.contains(said), "{text}: {told}");
    }
}

/// Ten thousand rules, the most that are taken: `own_hosts` each for a host of its own, else for a path of one host.
fn many(own_hosts: bool) -> String {
    let mut text =
        "[access]\ndomains = [{ cookie = \"example.org\", url = \"https://auth.example.org\" }]\n".to_owned();
    for number in 0..10_000 {
        let (host, path) =
            if own_hosts { (format!("h{number}"), "x".to_owned()) } else { ("wiki".to_owned(), format!("p{number}")) };
        let _ = write!(
            text,
            "[[access.rules]]\nhosts = [\"{host}.example.org\"]\npaths = [\"/{path}\"]\nallow = \"logged-in\"\ngroups = [\"staff\"]\n"
        );
    }
    text
}

#[test]
fn ten_thousand_rules_are_taken_and_no_more() {
    let text = many(false);
    let rules = parse(&text).expect("valid").access.rules();
    let url = "https://wiki.example.org/p9999/x";
    assert_eq!(decision(&rules, url, "GET", None), AccessDecision::NeedsLogin(10_000));
    assert_eq!(decision(&rules, "https://wiki.example.org/p10000", "GET", None), AccessDecision::NoRule);
    let more = format!("{text}[[access.rules]]\nhosts = [\"b.example.org\"]\nallow = \"anyone\"\n");
    assert!(parse(&more).expect_err("too many").contains("there are more than 10000"));
}

/// Prints what ten thousand rules cost, and a check among them and among fifty. No test: times depend on the machine.
#[test]
#[ignore = "prints figures, and asserts nothing"]
fn figures_of_many_rules() {
    const CHECKS: u32 = 20_000;
    let fifty: String = many(true).split_inclusive("groups = [\"staff\"]\n").take(50).collect();
    for (name, text, url) in [
        ("10,000 rules for a host each", many(true), "https://h9999.example.org/x/y"),
        ("10,000 rules for a path each", many(false), "https://wiki.example.org/p9999/y"),
        ("50 rules", fifty, "https://h49.example.org/x/y"),
    ] {
        let begun = Instant::now();
        let config = parse(&text).expect("valid");
        let (read, begun) = (begun.elapsed(), Instant::now());
        let rules = config.access.rules();
        let (indexed, begun) = (begun.elapsed(), Instant::now());
        for _ in 0..CHECKS {
            assert!(!decision(&rules, url, "GET", None).lets_in());
        }
        let check: Duration = begun.elapsed() / CHECKS;
        eprintln!("{name}: read and checked in {read:?}, indexed in {indexed:?}, a decision in {check:?}");
    }
    let rules = parse(&patterns(40)).expect("valid").access.rules();
    let intricate = "/a;b%252Fc%3Fd//";
    for (name, path) in [
        ("500 bytes", "/aa".repeat(500 / 3)),
        ("8 KB", "/aa".repeat(8000 / 3)),
        ("500 bytes with many readings", intricate.repeat(500 / 16)),
        ("1 KB with as many as are tried", format!("{}{}", "//a".repeat(15), "/aa".repeat(970 / 3))),
        ("8 KB with many", intricate.repeat(8000 / 16)),
    ] {
        let url = format!("https://wiki.example.org{path}");
        let begun = Instant::now();
        for _ in 0..CHECKS / 1000 {
            assert!(!decision(&rules, &url, "GET", None).lets_in());
        }
        let check = begun.elapsed() / (CHECKS / 1000);
        eprintln!("40 patterns, a path of {name}: a decision in {check:?}");
    }
}

/// So many rules with a pattern each, none of which matches what is asked about.
fn patterns(count: usize) -> String {
    let rule = |number| {
        format!(
            "[[access.rules]]\nhosts = [\"wiki.example.org\"]\npattern = \"([a-c]/?)+x{number}$\"\nallow = \"anyone\"\n"
        )
    };
    (0..count).map(rule).collect()
}

fn check(config: &str, more: &[&str]) -> (Option<i32>, String) {
    let output = run(&[&["access", "check"], more, &["--config", config]].concat(), "");
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn the_command_says_which_rule_decides_and_why() {
    let (folder, port) = (Folder::new(), free_port());
    let config = configuration(&folder.0, port, &format!("{}{RULES}", file_mail(&folder.0)));
    for (url, code, said) in [
        ("https://wiki.example.org/public", 0, "let in: rule 1 lets everybody in"),
        ("https://wiki.example.org/private", 1, "not let in: rule 2 lets nobody in"),
        ("https://wiki.example.org/", 1, "not let in: rule 4 asks for a login"),
        ("https://elsewhere.example.org/", 1, "not let in: no rule is for this request"),
        ("https://wiki.example.org/..;/", 1, "not let in: the path holds a `..;`"),
        ("http://wiki.example.org/public", 1, "not let in: the scheme is plain http"),
        ("wiki", 1, "not let in: it is no URL"),
    ] {
        let (exit, told) = check(&config, &[url]);
        assert!(exit == Some(code) && told.contains(said), "{url}: {exit:?} {told}");
    }
    let (_, told) = check(&config, &["https://WIKI.example.org:8443/%70ublic"]);
    let rule = "rule 1: hosts wiki.example.org; paths /public =/robots.txt; allow anyone";
    assert!(
        told.starts_with("https://wiki.example.org/public\nvisitor: not logged in\n") && told.contains(rule),
        "{told}"
    );
    let lab = ["https://a.lab.example.org/", "--from", "10.1.2.3"];
    assert_eq!(check(&config, &lab).0, Some(0));
    assert_eq!(check(&config, &[&lab[..], &["--method", "POST"]].concat()).0, Some(1));
    assert_eq!(check(&config, &["https://a.lab.example.org/", "--from", "nowhere"]).0, Some(2));
    let (exit, told) = check(&config, &["https://wiki.example.org/admin", "--json"]);
    let document: serde_json::Value =
        serde_json::from_str(told.split("gatelodge:").next().expect("some")).expect("JSON");
    assert_eq!((exit, &document["decision"], &document["rule"]), (Some(1), &"needs-login".into(), &3.into()));
}

#[test]
fn the_command_asks_for_the_groups_and_factors_of_an_account() {
    let (folder, port) = (Folder::new(), free_port());
    let config = configuration(&folder.0, port, &format!("{}{RULES}", file_mail(&folder.0)));
    let add = ["user", "add", ALICE, "--confirmed", "--password-stdin", "--config", &config];
    assert!(run(&add, PASSWORD).status.success());
    let says = |url: &str, code: i32, said: &str| {
        let (exit, told) = check(&config, &[url, "--as", ALICE]);
        assert!(exit == Some(code) && told.contains(said), "{url}: {exit:?} {told}");
    };
    says("https://wiki.example.org/", 0, "let in: rule 4 lets this visitor in");
    says("https://wiki.example.org/admin", 1, "rule 3 names neither the visitor nor one of the visitor's groups");
    let server = Server::start(&["serve", "--config", &config], port);
    assert!(run(&["user", "group", "add", ALICE, "admins", "--config", &config], "").status.success());
    says("https://wiki.example.org/admin", 1, "rule 3 asks for a second factor, and the account has none");
    assert_eq!(server.stops(), Some(0));
    let (exit, told) = check(&config, &["https://wiki.example.org/", "--as", "nobody@example.org"]);
    assert!(exit == Some(2) && told.contains("there is no account nobody@example.org"), "neither yes nor no: {told}");
}

#[test]
fn the_command_says_no_where_a_second_factor_is_missing_or_the_portal_is_behind_itself() {
    let (folder, port) = (Folder::new(), free_port());
    let more = "\n[second_factor]\nrequired_for = [\"staff\"]\n[[access.rules]]\nhosts = [\"auth.example.org\"]\npaths = [\"/app\"]\nallow = \"anyone\"\n[[access.rules]]\nhosts = [\"auth.example.org\"]\nallow = \"logged-in\"\n";
    let config = configuration(&folder.0, port, &format!("{}{RULES}{more}", file_mail(&folder.0)));
    for arguments in [&["add", ALICE, "--confirmed", "--password-stdin"][..], &["group", "add", ALICE, "staff"]] {
        let output = run(&[&["user"], arguments, &["--config", &config]].concat(), PASSWORD);
        assert!(output.status.success(), "{output:?}");
    }
    let says = |arguments: &[&str], code: i32, said: &[&str]| {
        let (exit, told) = check(&config, arguments);
        assert!(exit == Some(code) && said.iter().all(|said| told.contains(said)), "{arguments:?}: {exit:?} {told}");
    };
    let lacking = ["rule 4 asks for a login, and the account has no second factor", "/account/second-factor"];
    says(&["https://wiki.example.org/", "--as", ALICE], 1, &lacking);
    says(&["https://wiki.example.org/", "--as", ALICE, "--json"], 1, &["\"needs-second-factor\"", "\"let_in\": false"]);
    says(&["https://wiki.example.org/public", "--as", ALICE], 0, &["rule 1 lets everybody in"]);
    let circle = ["asks for a login at the host where people log in", "hint: leave this host out of the proxy's check"];
    says(&["https://auth.example.org/"], 1, &circle);
    says(&["https://auth.example.org/", "--as", ALICE, "--json"], 1, &["\"portal\"", "\"let_in\": false"]);
    says(&["https://auth.example.org/app"], 0, &["lets everybody in"]);
    says(&["http://auth.hill.lan/"], 1, &["no rule is for this request", "hint: leave this host out"]);
}

#[test]
fn the_command_says_what_to_do_about_a_refusal() {
    let (folder, port) = (Folder::new(), free_port());
    let config = configuration(&folder.0, port, &format!("{}{RULES}", file_mail(&folder.0)));
    for (url, hint) in [
        ("https://wiki.example.org/", "--as USER"),
        ("https://wiki.example.org/private", "before it"),
        ("http://wiki.example.org/", "have the proxy say https"),
        ("https://wiki.example.org/#top", "leave out the #"),
        ("https://bob@wiki.example.org/", "before the @"),
        ("https://wiki.example.org/a b", "%20"),
        ("https://wiki.example.org/100%", "%25"),
        ("https:///page", "https://wiki.example.org/page"),
    ] {
        let (exit, told) = check(&config, &[url]);
        let told = told.split_once("hint: ").map(|(_, hint)| hint.to_owned()).unwrap_or(told);
        assert!(exit == Some(1) && told.contains(hint), "{url}: {told}");
    }
}
