//! The configuration files that we ship, and what is said about wrong ones.

use std::collections::BTreeSet;
use std::path::Path;

use gatelodge::config::Config;
use serde_json::Value;

const REQUIRED: &str = "[site]\nurl = \"https://auth.example.org\"\n[mail]\nfrom = \"Gatelodge <auth@example.org>\"\n[mail.smtp]\nhost = \"smtp.example.org\"\n";

fn shipped(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)).expect("a shipped file")
}

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(text, Path::new("gatelodge.toml")).map_err(|error| error.to_string())
}

/// Takes the comment sign from every line that is a setting, as long as `wanted` says so.
fn uncommented(text: &str, wanted: impl Fn(&str) -> bool) -> String {
    let is_setting = |line: &str| {
        line.split_once(" = ").is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    };
    let lines = text.lines().map(|line| match line.strip_prefix("# ") {
        Some(setting) if is_setting(setting) && wanted(setting) => setting,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn keys(prefix: &str, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| keys(&format!("{prefix}.{name}"), member, found));
        }
        _ => drop(found.insert(prefix.trim_start_matches('.').to_owned())),
    }
}

#[test]
fn the_example_shows_every_default_as_it_is() {
    let with_defaults = uncommented(&shipped("example.toml"), |setting| !setting.ends_with("(not set)"));
    assert_eq!(parse(&with_defaults), parse(REQUIRED));
    assert_eq!(parse(&shipped("example.toml")), parse(REQUIRED));
}

#[test]
fn the_example_shows_every_key_there_is() {
    let everything: toml::Table = toml::from_str(&uncommented(&shipped("example.toml"), |_| true)).expect("TOML");
    let (mut shown, mut known) = (BTreeSet::new(), BTreeSet::new());
    keys("", &serde_json::to_value(everything).expect("plain data"), &mut shown);
    keys("", &serde_json::to_value(parse(REQUIRED).expect("valid")).expect("plain data"), &mut known);
    assert_eq!(shown, known);
}

#[test]
fn the_minimal_file_is_valid() {
    parse(&shipped("minimal.toml")).expect("valid");
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_what_to_write_instead() {
    let cases = [
        ("[sitee]\n", ":1:2: unknown key `sitee`", "known here: site, listen"),
        ("[site]\nname = \"x\"\n", "`url` is missing", "write `url = "),
        (
            "[site]\nurl = \"auth.example.org\"\n",
            ":2:7: \"auth.example.org\": not a site's URL",
            "https://auth.example.org",
        ),
        ("[site]\nurl = \"http://auth.example.org\"\n", ":2:7:", "tls.mode = \"off\""),
        ("[site]\nurl = \"https://a.example/login\"\n", "has no path", "host name of its own"),
        ("[site]\nurl = 7\n", ":2:7: invalid type: integer", ""),
        ("[site\n", ":1:6:", ""),
        (
            "[site]\nurl = \"https://a.example\"\n[mail]\nfrom = \"nobody\"\n",
            ":4:8: \"nobody\": not a sender",
            "Name <auth@example.org>",
        ),
        (
            "[site]\nurl = \"https://a.example\"\n[mail]\nfrom = \"a@b.example\"\n",
            ":3:2: transport \"smtp\" needs the mail server's host",
            "host = ",
        ),
    ];
    for (text, place, hint) in cases {
        let error = parse(text).expect_err(text);
        assert!(error.starts_with("gatelodge.toml"), "{error}");
        assert!(error.contains(place) && error.contains(hint), "{text}\n{error}");
    }
}

#[test]
fn rules_between_settings_point_at_a_line() {
    let cases = [
        ("[tls]\nmode = \"files\"\n", ":8:8: mode \"files\" needs `certificate`"),
        ("[tls]\ncertificate = \"x.pem\"\n", ":8:15: is only read with mode"),
        ("[tls]\nmode = \"off\"\n", ":8:8: without TLS there must be a proxy in front"),
        ("[tls]\nmode = \"off\"\n[proxy]\ntrusted = [\"10.0.0.0/8\"]\n", "the site needs an http address"),
        (
            "[tls]\nmode = \"none\"\n",
            ":8:8: unknown variant `none`, expected one of `self-signed`, `files`, `acme`, `off`",
        ),
        ("[listen]\nhttps = []\n", ":8:9: there is no address to listen on"),
        ("[listen]\nhttps = [\"443\"]\n", ":8:10:"),
        ("[password]\nmin_length = 7\n", ":8:14: 7 is outside 8 to 128"),
        ("[password]\nmemory_kib = 4\n", ":8:14: argon2 cannot work"),
        ("[password]\nmemory_kib = -1\n", ":8:14:"),
        ("[session]\nidle = \"60d\"\n", ":8:8: 60d is longer than `absolute`"),
        ("[session]\nidle = \"7 days\"\n", ":8:8: \"7 days\": not a duration"),
        ("[session]\nidle = 7\n", ":8:8:"),
        ("[tokens]\nreset_within = \"0s\"\n", ":8:16:"),
        ("[store]\ncache_mib = 0\n", ":8:13: 0 is outside 1 to 1024"),
        ("[proxy]\ntrusted = [\"everybody\"]\n", ":8:12:"),
        ("[registration]\nmode = \"maybe\"\n", ":8:8:"),
    ];
    for (more, expected) in cases {
        let error = parse(&format!("{REQUIRED}{more}")).expect_err(more);
        assert!(error.contains(expected), "{more}\n{error}");
    }
    let plain = REQUIRED.replace("host = ", "security = \"none\"\nhost = ");
    assert!(parse(&plain).is_err_and(|error| error.contains(":6:12: \"none\" would send")));
    parse(&plain.replace("smtp.example.org", "localhost")).expect("a relay on loopback");
    parse(&plain.replace("security", "allow_plaintext = true\nsecurity")).expect("on purpose");
    let half = REQUIRED.replace("host = ", "password_file = \"x\"\nhost = ");
    assert!(parse(&half).is_err_and(|error| error.contains("needs a `username`")));
}

/// What cross reads in its newest release; a key of a later one would be refused there.
#[test]
fn cross_builds_what_the_script_builds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(root.join(name)).expect("it is there");
    let file: toml::Table = toml::from_str(&read("cross.toml")).expect("TOML");
    assert_eq!(file.keys().collect::<Vec<_>>(), ["build", "target"]);
    let build = file["build"].as_table().expect("a table");
    assert!(build.keys().all(|key| ["default-target", "env", "pre-build"].contains(&key.as_str())), "{build:?}");
    let script = read("tests/cross");
    let targets = file["target"].as_table().expect("a table");
    assert_eq!(targets.len(), script.matches("triple=").count());
    for (target, settings) in targets {
        assert!(script.contains(&format!("triple={target}\n")), "{target}");
        assert!(settings.as_table().is_some_and(toml::Table::is_empty), "{settings:?}");
        assert!(read(".cargo/deny.toml").contains(target), "{target}");
    }
}

/// What `docs/limits.md` says of each limit: its row has the key and the default, as they are written in the configuration.
#[test]
fn the_tables_of_limits_say_what_holds() {
    let document =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/limits.md")).expect("there");
    let rows: Vec<&str> = document.lines().filter(|line| line.starts_with("| `")).collect();
    let settings = serde_json::to_value(parse(REQUIRED).expect("valid").throttle).expect("JSON");
    let members = settings.as_object().expect("an object");
    for (key, default) in members {
        let Some(default) = default.as_str() else { continue };
        let has = |row: &&&str| row.contains(&format!("`{key}`")) && row.contains(default);
        assert!(rows.iter().any(|row| has(&row)), "no row says {key} = \"{default}\"");
    }
    // And it says nothing of limits that are none.
    for row in &rows {
        let named = row.split('|').nth(1).unwrap_or_default();
        let mut names =
            named.split('`').skip(1).step_by(2).filter(|name| name.contains('_') || members.contains_key(*name));
        assert!(names.all(|name| members.contains_key(name)), "{row}");
    }
}

/// Numbers that stand in the text of `docs/limits.md`, and the constants they come from.
#[test]
fn the_numbers_of_the_limits_are_those_of_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect("there");
    let document = read("docs/limits.md").replace('\n', " ");
    for (path, constant, words) in [
        ("src/throttle/bucket.rs", "MAX_CONSECUTIVE: u32 = 100;", "100 failures in a row"),
        ("src/app/admission.rs", "LONGEST_TURN: Seconds = 15;", "up to 15 seconds"),
        ("src/accounts/known_devices.rs", "MAX_PER_ACCOUNT: usize = 20;", "twenty for each account"),
        ("src/throttle/tell.rs", "TELL_OF_CODES: u32 = 5;", "told of five in a row"),
        ("src/throttle/tell.rs", "TELL_EVERY: Seconds = DAY;", "once a day at most"),
        ("src/accounts/links.rs", "DEFERRED_FOR: Seconds = DAY;", "within a day"),
        ("src/mail/lanes.rs", "MAX_FOR_ONE_RECIPIENT: usize = 64;", "64 may wait for one recipient"),
        ("src/mail/notices.rs", "AT_ONCE: u32 = 3;", "three are mailed at once"),
        ("src/mail/notices.rs", "FIRST_PAUSE: Seconds = 15 * MINUTE;", "within 15 minutes"),
        ("src/mail/notices.rs", "LONGEST_PAUSE: Seconds = DAY;", "up to a day"),
    ] {
        assert!(read(path).contains(constant), "{path}: {constant}");
        assert!(document.contains(words), "docs/limits.md does not say: {words}");
    }
}
