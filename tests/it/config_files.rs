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
        (
            "[site]\nurl = 7\n",
            ":2:7: 7: `url` is a text in quotation marks, and this is a number",
            "https://auth.example.org",
        ),
        (
            "[site]\nurl = \"https://a.example\"\ntime_zone = \"Europe/Berln\"\n",
            ":3:13: \"Europe/Berln\": not a time zone",
            "did you mean Europe/Berlin?",
        ),
        (
            "[site]\nurl = \"https://a.example\"\nlanguages = [\"German\"]\n",
            ":3:14: \"German\": not a language",
            "write a tag like \"de\"",
        ),
        (
            "[site]\nurl = \"https://a.example\"\nlanguages = [\"en\", \"xx\"]\n",
            ":3:13: there are no texts in \"xx\"",
            "add the language by a file",
        ),
        (
            "[site]\nurl = \"https://a.example\"\nlanguages = [\"de\"]\n",
            ":3:13: \"en\" is not among them",
            "write another `language`",
        ),
        ("[site\n", ":1:6: the name of a section stands between one [ and one ]", "write [site]"),
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
            ":8:8: \"none\" is nothing that `mode` can be\nhint: did you mean \"off\"? write one of \"self-signed\", \"files\", \"acme\", \"off\"",
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

/// One file with everything that can be wrong at once: each is told, in the order of the file.
#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = "[sitee]
name = \"x\"
[listen]
https = \"0.0.0.0:443\"
http = [\"[::]:80\", \":80\", \"bogus\"]
[tls]
mode = \"filez\"
[mail]
from = \"nobody\"
prot = 25
[mail.smtp]
port = \"2525\"
securty = \"tls\"
[registration]
mode = \"invitation\"
confirm_email = \"yes\"
[proxy]
trusted = [\"127.0.0.1\", \"bogus\"]
[session]
idle = 7
[password]
min_length = 3
memory_kib = 5000000000
[store]
cache_mib = 0
";
    let said = parse(text).expect_err("a great deal is wrong");
    for expected in [
        "gatelodge.toml: 16 things are wrong\n",
        ":1:2: unknown key `sitee`\nhint: did you mean `site`? known here: site, listen",
        ":4:9: \"0.0.0.0:443\": `https` is a list, and this is a text\nhint: write https = [\"0.0.0.0:443\"]",
        ":5:20: \":80\": not an address with a port\nhint: write \"[::]:80\"",
        ":5:27: \"bogus\": not an address with a port",
        ":7:8: \"filez\" is nothing that `mode` can be\nhint: did you mean \"files\"?",
        ":9:8: \"nobody\": not a sender",
        ":10:1: unknown key `prot`\nhint: did you mean `port`, which belongs below [mail.smtp]",
        ":12:8: \"2525\": `port` is a number, and this is a text\nhint: write port = 2525",
        ":13:1: unknown key `securty`\nhint: did you mean `security`?",
        ":15:8: \"invitation\" is nothing that `mode` can be\nhint: did you mean \"invite\"?",
        ":16:17: \"yes\": `confirm_email` is `true` or `false`, and this is a text\nhint: write confirm_email = true",
        ":18:25: \"bogus\": not a network",
        ":20:8: 7: `idle` is a text in quotation marks, and this is a number\nhint: write a whole number and a unit",
        ":22:14: 3 is outside 8 to 128",
        ":23:14: 5000000000 is out of range for `memory_kib`\nhint: write a whole number from 8 to 1048576",
        ":25:13: 0 is outside 1 to 1024",
    ] {
        assert!(said.contains(expected), "{expected}\n\n{said}");
    }
    let places: Vec<&str> = said.lines().filter(|line| line.starts_with("gatelodge.toml:")).collect();
    assert_eq!(places.len(), 17, "{said}");
}

/// Whatever is written in the place of whatever value: the words are ours, and there is advice.
#[test]
fn no_value_leads_to_words_of_a_library() {
    const OF_LIBRARIES: &[&str] = &[
        "invalid type",
        "invalid value",
        "unknown variant",
        "unknown field",
        "missing field",
        "sequence",
        "expected",
        "u16",
        "u32",
        "u64",
        "usize",
        "struct ",
        "a map",
        "syntax",
        "parse",
        "os error",
        "Error",
    ];
    let everything: toml::Table = toml::from_str(&uncommented(&shipped("example.toml"), |_| true)).expect("TOML");
    let mut known = BTreeSet::new();
    keys("", &serde_json::to_value(everything).expect("plain data"), &mut known);
    let values = [
        "7",
        "-1",
        "70000",
        "99999999999",
        "99999999999999999999999",
        "1.5",
        "inf",
        "nan",
        "true",
        "\"\"",
        "\"7\"",
        "\"x y\"",
        "\"true\"",
        "[]",
        "[7]",
        "[[\"a\"]]",
        "[\"x y\", 7]",
        "{}",
        "{ a = 1 }",
        "2026-01-01",
        "\"\\u001b[31m\"",
        "",
        "x",
        "“x”",
        "\"x",
        "x\"",
        "[",
        "[\"a\" \"b\"]",
        "{",
        "True",
        "07",
        "1 2",
    ];
    let mut refused = 0;
    for key in &known {
        for value in values {
            let (sections, name) = key.rsplit_once('.').expect("every key is in a section");
            let text = format!("[{sections}]\n{name} = {value}\n");
            let Err(said) = parse(&text) else { continue };
            refused += 1;
            let alien = OF_LIBRARIES.iter().find(|words| said.contains(**words) && !text.contains(**words));
            assert_eq!(alien, None, "{text}\n{said}");
            assert!(said.matches("gatelodge.toml:").count() <= said.matches("\nhint: ").count() + 1, "{text}\n{said}");
            assert!(!said.contains('\u{1b}'), "{said:?}");
        }
    }
    assert!(refused > 2000, "{refused}");
}

#[test]
fn what_is_no_toml_is_mended_in_the_hint() {
    for (line, words) in [
        (
            "url = “https://a.example”",
            "the quotation marks are typographic ones\nhint: write url = \"https://a.example\"",
        ),
        ("url = \"https://a.example", "a quotation mark is missing\nhint: write url = \"https://a.example\""),
        ("url = https://a.example", "a text stands between quotation marks\nhint: write url = \"https://a.example\""),
        ("url: https://a.example", "\nhint: write url = \"https://a.example\""),
        ("url =", "`url` has no value"),
        (
            "name = \"x\"\nname = \"y\"",
            "4:1: `name` stands here a second time\nhint: it stands in line 3 already; keep one",
        ),
        (
            "[mail]\n[site]",
            "[site] stands here a second time\nhint: it stands in line 1 already; put everything below one",
        ),
        ("url = \"a\u{7}b\"", "control character U+0007"),
        ("url =\u{a0}\"https://a.example\"", "the line holds an invisible U+00A0\nhint: delete it"),
        ("u\u{200b}rl = \"https://a.example\"", "the line holds an invisible U+200B\nhint: delete it"),
        ("url = \"https://a.example\"\u{a0}", "the line holds an invisible U+00A0\nhint: delete it"),
        ("\u{feff}url = \"https://a.example\"", "the line holds an invisible U+FEFF\nhint: delete it"),
        ("url\u{b} = \"https://a.example\"", "the line holds the control character U+000B\nhint: delete it"),
        ("<<<<<<< HEAD", "the mark of a merge that is not done\nhint: keep one"),
        ("url = \"\"\"a", "hint: "),
    ] {
        let said = parse(&format!("[site]\n# \n{line}\n")).expect_err(line);
        assert!(said.contains(words), "{line}\n{said}");
    }
    // What is around a line that is no TOML is told all the same.
    let said =
        parse("[site]\nurl = “https://a.example”\n[mail]\nfrom = \"a@b.example\"\nprot = 1\n").expect_err("two faults");
    assert!(
        said.contains("2 things are wrong") && said.contains(":2:") && said.contains(":5:1: unknown key `prot`"),
        "{said}"
    );
}

/// A parser may give up at a line: what stands behind it is not said to be missing, and what is wrong there is told.
#[test]
fn a_line_that_is_no_toml_hides_nothing_that_follows() {
    for line in [
        "name: \"H\"",
        "name \"H\"",
        "name",
        "<<<<<<< HEAD",
        "=======",
        "naïve = 1",
        "name = \"H",
        "name = \"H\"s",
        "= 1",
    ] {
        let whole = REQUIRED.replacen("[site]\n", &format!("[site]\n{line}\n"), 1);
        let said = parse(&whole).expect_err(line);
        assert!(said.starts_with("gatelodge.toml:2:") && said.matches("gatelodge.toml").count() == 1, "{line}\n{said}");
        let said = parse(&whole.replace("from", "form")).expect_err(line);
        assert!(said.contains(": unknown key `form`") && said.contains("2 things are wrong"), "{line}\n{said}");
        let said = parse(&whole.replace("from =", "from:")).expect_err(line);
        assert!(said.contains("2 things are wrong") && said.contains("toml:5:"), "{line}\n{said}");
    }
    let another = "root:x:0:0\n".repeat(1000);
    for open in ["name = \"\"\"H", "https = [", "[site", &another] {
        let said = parse(&format!("{open}\n{REQUIRED}")).expect_err(open);
        assert!(!said.contains("is missing") && !said.contains("needs the mail"), "{open}\n{said}");
    }
}

/// No path is one that something else would have to read first, and each is told once.
#[test]
fn a_path_that_cannot_be_meant_is_refused() {
    for (path, words) in [
        ("/srv/g.redb ", "`/srv/g.redb ` has blanks around it\nhint: write \"/srv/g.redb\""),
        (" /srv/g.redb", "has blanks around it"),
        ("/srv/g\u{200b}.redb", "the path holds an invisible U+200B"),
        ("/srv/g\\u0000.redb", "the path holds an invisible U+0000"),
        ("%h/g.redb", "begins with `%`, which only systemd understands"),
        ("/run/user/%U/g.redb", "holds a `%`, which only systemd understands"),
        ("~/g.redb", "begins with `~`, which only a shell"),
        ("$HOME/g.redb", "begins with `$`, which only a shell"),
        ("/home/${USER}/g.redb", "holds a `$`, which only a shell"),
        ("file:///g.redb", "is a URL"),
        ("", "is empty"),
        ("/srv/", "ends with `/` as a folder does"),
        ("./gatelodge.toml", "is this configuration itself"),
    ] {
        for key in ["store]\npath", "store]\nkey_file", "listen]\ncontrol", "sms]\nca_file"] {
            let said = parse(&format!("{REQUIRED}[{key} = \"{path}\"\n")).expect_err(path);
            assert!(said.contains(words), "{path}\n{said}");
            assert_eq!(said.matches("gatelodge.toml:").count(), 1, "{said}");
        }
    }
    for path in ["/srv/100%/g.redb", "/srv/a$/g.redb", "/srv/a b/g.redb", "g.redb"] {
        parse(&format!("{REQUIRED}[store]\npath = \"{path}\"\n")).expect(path);
    }
    parse(&format!("{REQUIRED}[backup]\ndirectory = \"/srv/backup/\"\n")).expect("a folder");
}

#[test]
fn an_example_is_what_the_setting_takes() {
    for (more, words) in [
        ("[password]\nmin_length = \"fifteen\"\n", "hint: write min_length = 15, for example"),
        ("[store]\ncache_mib = 4.5\n", ": `cache_mib` is a whole number\nhint: write cache_mib = 4, for example"),
        ("[listen]\nhttps = true\n", "hint: write https = [\"[::]:443\"], for example"),
        (
            "[webhooks]\nurl = \"https://x.example\"\n",
            "`webhooks.url` is a section, and this is a text\nhint: write a section [webhooks.NAME]",
        ),
        ("[[webhooks]]\nurl = \"https://x.example\"\n", "`webhooks` is a section, and this is a list"),
        ("[[tls.acme]]\ncontact = \"a@b.example\"\n", "hint: write [tls.acme] in place of [[tls.acme]]"),
        ("[listen]\nhttps = [20460]\n", "hint: write https = [\"[::]:20460\"]"),
        ("[listen]\nhttps = [70000]\n", "hint: ports are numbers from 1 to 65535"),
        (
            "[proxy]\ntrusted = [127]\n",
            "127: an item of `trusted` is a text in quotation marks, and this is a number\nhint: write it like",
        ),
        ("[password]\niterations = -1\n", "hint: write a whole number from 1 to 64"),
        ("[backup]\nkeep = -1\n", "hint: write a whole number from 1 to 10000"),
        ("[store]\ncache_mib = 99999999999999999999\n", "hint: write a whole number from 1 to 1024"),
        ("[sms]\nurl = \"sms.example.net\"\n", "hint: write it whole, like \"https://gateway.example.org/send\""),
        (
            "[sms]\nurl = \" https://sms.example.net\"\n",
            "has blanks around it\nhint: write \"https://sms.example.net\"",
        ),
        ("[spa]\norigins = [\"https://app.test/x\"]\n", "an origin has no path\nhint: write \"https://app.test\""),
        ("[spa]\norigins = [\"app.test\"]\n", "\"app.test\": not an origin"),
        ("[tls]\nacme = []\n", "`tls.acme` is a section, and this is a list\nhint: write a section [tls.acme]"),
        ("[tls]\nacme = [\"https://ca.example.org/dir\"]\n", "`tls.acme` is a section, and this is a list"),
    ] {
        let said = parse(&format!("{REQUIRED}{more}")).expect_err(more);
        assert!(said.contains(words), "{more}\n{said}");
    }
    let doubled = REQUIRED.replace("[mail.smtp]", "[[mail.smtp]]").replace("[site]", "[[site]]");
    let said = parse(&doubled).expect_err("two headings");
    assert!(said.contains("write [site] in place of") && said.contains("write [mail.smtp] in place of"), "{said}");
    for (url, words) in [
        (" https://a.example ", "has blanks around it\nhint: write \"https://a.example\""),
        ("https://a.example:8443\u{200b}", "holds an invisible U+200B\nhint: write \"https://a.example:8443\""),
        ("https://my_host.example", "has no underscore"),
        ("https://a.example:99999", "ports are numbers from 1 to 65535"),
        ("https://a.example:0", "ports are numbers from 1 to 65535"),
        ("https://a.example.", "has no dot behind the host"),
        ("https://user@a.example", "names no user"),
    ] {
        let said = parse(&REQUIRED.replace("https://auth.example.org", url)).expect_err(url);
        assert!(said.contains(words) && said.contains(":2:7: "), "{url}\n{said}");
    }
    let port = parse(&format!("{REQUIRED}port = 70000\n")).expect_err("no port");
    assert!(port.contains("from 1 to 65535"), "{port}");
}

#[test]
fn a_key_in_another_section_is_told_where_it_belongs() {
    let said = parse(&format!("{REQUIRED}[listen]\npassword_file = \"x\"\n")).expect_err("elsewhere");
    assert!(said.contains("`password_file` belongs below [mail.smtp]"), "{said}");
}

#[test]
fn a_mail_server_is_named_by_its_name_alone() {
    for (host, hint) in [
        ("mail.lab:587", "holds a port\nhint: write host = \"mail.lab\", and port = 587"),
        (" mail ", "has blanks around it\nhint: write host = \"mail\""),
        ("smtp://mail.lab", "is a URL, and should be a host's name\nhint: write host = \"mail.lab\""),
        ("smtps://mail.lab:465/", "hint: write host = \"mail.lab\", and port = 465"),
        ("auth@mail.lab", "hint: write host = \"mail.lab\""),
        ("[2001:db8::1]", "hint: write host = \"2001:db8::1\""),
        ("[2001:db8::1]:25", "hint: write host = \"2001:db8::1\", and port = 25"),
        ("mail server", "is no host's name"),
        ("*.mail.lab", "is no host's name"),
    ] {
        let said = parse(&REQUIRED.replace("smtp.example.org", host)).expect_err(host);
        assert!(said.contains(hint) && said.contains(":6:8: "), "{host}\n{said}");
        // Of a host that is none nothing else is said.
        let plain = format!("{}security = \"none\"\n", REQUIRED.replace("smtp.example.org", host));
        assert!(!parse(&plain).expect_err(host).contains("would send"), "{host}");
    }
    for host in ["mail.lab", "mail", "192.0.2.1", "2001:db8::1", "bücher.example", "mail.example.org."] {
        parse(&REQUIRED.replace("smtp.example.org", host)).expect(host);
    }
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
    assert_eq!(
        targets.len(),
        script.lines().filter(|line| line.contains(") echo ") && line.contains("-linux-")).count()
    );
    for (target, settings) in targets {
        assert!(script.contains(&format!(") echo {target} ;;")), "{target}");
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
        ("src/app/reserving.rs", "LONGEST_TURN: Seconds = 15;", "up to 15 seconds"),
        ("src/accounts/known_devices.rs", "MAX_PER_ACCOUNT: usize = 20;", "twenty for each account"),
        ("src/throttle/notices.rs", "TELL_OF_CODES: u32 = 5;", "told of five in a row"),
        ("src/throttle/notices.rs", "TELL_EVERY: Seconds = DAY;", "once a day at most"),
        ("src/accounts/process_mail_requests.rs", "DEFERRED_FOR: Seconds = DAY;", "within a day"),
        ("src/mail/lanes.rs", "MAX_FOR_ONE_RECIPIENT: usize = 64;", "64 may wait for one recipient"),
        ("src/mail/notices.rs", "AT_ONCE: u32 = 3;", "three are mailed at once"),
        ("src/mail/notices.rs", "FIRST_PAUSE: Seconds = 15 * MINUTE;", "within 15 minutes"),
        ("src/mail/notices.rs", "LONGEST_PAUSE: Seconds = DAY;", "up to a day"),
    ] {
        assert!(read(path).contains(constant), "{path}: {constant}");
        assert!(document.contains(words), "docs/limits.md does not say: {words}");
    }
}
