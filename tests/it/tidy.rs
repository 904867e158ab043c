//! The house in order: imports point one way, each dependency has its door, the map is true.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Lowest first. A module may import from itself and from those before it.
const LAYERS: &[&str] = &[
    "base",
    "texts",
    "crypto",
    "gate",
    "config",
    "templates",
    "appearance",
    "metrics",
    "store",
    "audit",
    "throttle",
    "mail",
    "groups",
    "sessions",
    "factors",
    "accounts",
    "webhooks",
    "app",
    "net",
    "tls",
    "courier",
    "acme",
    "export",
    "admin",
    "web",
    "workers",
    "control",
    "cli",
];

/// Which files may name a dependency.
const DOORS: &[(&str, &[&str])] = &[
    ("redb::", &["store/embedded/engine.rs"]),
    ("lettre::", &["mail/compose.rs", "courier/delivery/"]),
    ("argon2::", &["crypto/password.rs"]),
    ("hmac::", &["crypto/"]),
    ("sha2::", &["crypto/", "base/moment.rs"]),
    ("aws_lc_rs::aead", &["crypto/seal.rs"]),
    ("aws_lc_rs::hmac", &["crypto/totp.rs"]),
    ("qrcodegen::", &["web/qr.rs"]),
    ("base64::", &["crypto/digest.rs"]),
    ("toml::", &["config/", "texts/catalogue.rs"]),
    ("lz4_flex::", &["base/packed.rs"]),
    ("minijinja::", &["templates/"]),
    ("rustls::", &["tls/", "main.rs"]),
    ("tokio_rustls::", &["tls/", "web/server/"]),
    ("rcgen::", &["tls/self_signed.rs", "tls/challenges.rs", "acme/order.rs"]),
    ("instant_acme::", &["acme/"]),
    ("sd_notify::", &["cli/supervisor.rs"]),
    ("listenfd::", &["cli/supervisor.rs"]),
    ("hyper::", &["web/server/", "courier/fetch.rs"]),
    ("hyper_util::", &["web/server/", "courier/fetch.rs"]),
    ("matchit::", &["web/router.rs"]),
    ("clap::", &["cli/", "main.rs"]),
    // The crate `time`, by what it is used for: a module of ours has that name too.
    ("OffsetDateTime", &["base/time.rs"]),
    ("UtcDateTime", &["base/time.rs", "texts/time_zone.rs"]),
    ("icu_plurals::", &["texts/message.rs"]),
    ("icu_locale_core::", &["texts/language.rs", "texts/message.rs"]),
    ("webpki::", &["tls/lint.rs"]),
    ("rustls_native_certs::", &["tls/client.rs"]),
    ("idna::", &["base/email.rs", "gate/host.rs", "config/site_url.rs", "config/host_name.rs"]),
    ("regex_lite::", &["gate/path_pattern.rs"]),
    ("allocator_api2::", &["crypto/password.rs"]),
    ("getrandom::", &["cli/system_clock.rs"]),
    (
        "rustix::",
        &[
            "cli/surroundings/folders.rs",
            "cli/listening.rs",
            "cli/system_clock.rs",
            "cli/offline.rs",
            "workers/watch_space.rs",
            "app/hasher.rs",
            "net/places.rs",
            "cli/log_queue.rs",
            "control/socket.rs",
        ],
    ),
    ("StatusCode", &["web/status.rs", "web/reply.rs"]),
    // It panics where nothing can be printed.
    ("println!", &[]),
    ("say!(", &["cli/"]),
];

fn files_under(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(files_under(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found
}

/// Path below `src`, and text.
pub fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let name = |path: &Path| path.strip_prefix(&root).expect("below src").to_str().expect("UTF-8").to_owned();
    files_under(&root, "rs").iter().map(|path| (name(path), std::fs::read_to_string(path).expect("UTF-8"))).collect()
}

/// Without comments and the tests at the end of a file.
pub fn code(text: &str) -> String {
    let body = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    body.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn modules_only_use_modules_below_them() {
    let rank: BTreeMap<_, _> = LAYERS.iter().copied().zip(0..).collect();
    for (path, text) in sources() {
        let Some(own) = path.split('/').next().and_then(|top| rank.get(top)) else { continue };
        assert!(!text.contains("use crate::{"), "{path}: one `use crate::module::…` per line, please");
        for used in code(&text).split("crate::").skip(1) {
            let name: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if let Some(other) = rank.get(name.as_str()) {
                assert!(other <= own, "{path} reaches up to {name}");
            }
        }
    }
}

/// Where a type may have the name of another room's, and why.
const NAMESAKES: &[(&str, &str)] = &[
    ("admin/answers/", "a document is called what it shows"),
    ("config/sections/", "a section is called what it is in the file"),
    ("cli/", "a command is called what it works on"),
];

/// One word, one thing: a reader who searches for a type finds one.
#[test]
fn no_type_of_one_room_has_the_name_of_another_rooms() {
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let all = sources();
    for (path, text) in all.iter().filter(|(path, _)| NAMESAKES.iter().all(|(folder, _)| !path.starts_with(folder))) {
        let room = path.split('/').next().unwrap_or_default();
        for line in code(text).lines() {
            let Some(line) = line.strip_prefix("pub ").or_else(|| line.strip_prefix("pub(crate) ")) else { continue };
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            if matches!(words.next(), Some("struct" | "enum" | "trait" | "type"))
                && let Some(name) = words.next()
            {
                named.entry(name.to_owned()).or_default().insert(room.to_owned());
            }
        }
    }
    assert!(named.len() > 200, "{}", named.len());
    let doubled: Vec<_> = named.iter().filter(|(_, rooms)| rooms.len() > 1).collect();
    assert_eq!(doubled, [], "names and the rooms that have them");
}

#[test]
fn the_module_list_is_in_this_order() {
    let list = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).expect("UTF-8");
    let listed: Vec<&str> = list.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(listed, LAYERS);
}

#[test]
fn each_dependency_has_one_door() {
    for (path, text) in sources() {
        for (dependency, doors) in DOORS {
            let named = code(&text).match_indices(dependency).any(|(at, _)| {
                let before = code(&text)[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
            });
            let may = doors.iter().any(|door| path.starts_with(door));
            assert!(!named || may, "{path} names {dependency}");
        }
    }
}

#[test]
fn every_file_opens_with_a_sentence() {
    for (path, text) in sources() {
        assert!(text.starts_with("//! "), "{path}");
    }
}

#[test]
fn the_domain_neither_waits_nor_logs_people() {
    for (path, text) in sources() {
        let code = code(&text);
        let is_domain = LAYERS[..16].iter().any(|layer| path.starts_with(&format!("{layer}/")));
        assert!(!is_domain || !code.contains(".await"), "{path} waits");
        assert!(!code.contains("unwrap()"), "{path}: say with expect why it cannot fail");
        assert!(!code.contains("thread::sleep"), "{path} sleeps");
    }
}

#[test]
fn expectations_are_rare() {
    let (mut lines, mut expectations) = (0, 0);
    for (_, text) in sources() {
        let code = code(&text);
        lines += code.lines().count();
        expectations += code.matches(".expect(").count();
    }
    assert!(expectations * 200 <= lines, "{expectations} in {lines} lines");
}

#[test]
fn files_stay_short() {
    for (path, text) in sources() {
        assert!(code(&text).lines().count() <= 320, "{path} wants to be a folder");
    }
}

#[test]
fn the_map_names_places_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let map = std::fs::read_to_string(root.join("src/ARCHITECTURE.md")).expect("the map");
    let mut named = 0;
    for path in map
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| word.contains('/') && !word.contains([' ', '<', '{', '$']) && !word.starts_with('/'))
    {
        let exists = ["src", "."].iter().any(|folder| root.join(folder).join(path).exists());
        assert!(exists, "the map names {path}");
        named += 1;
    }
    assert!(named > 30, "the map is nearly empty: {named}");
    for (path, _) in sources() {
        let top = path.split('/').next().unwrap_or_default().trim_end_matches(".rs");
        assert!(map.contains(&format!("{top}/")) || map.contains(&format!("{top}.rs")), "the map misses {top}");
    }
}

/// Whether a file defines this name.
fn defines(text: &str, name: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let kinds = ["fn", "struct", "enum", "trait", "const", "static", "macro_rules!"];
    // An enumeration that is stored is declared by a macro, and begins a line in it.
    let is_stored = text.contains("stored_enum! {") && text.contains(&format!("\n    {name} {{\n"));
    is_stored || kinds.iter().any(|kind| text.split(&format!("{kind} {name}")).skip(1).any(ends))
}

/// Behind a file and a colon the map names what the file defines, one or several.
#[test]
fn the_map_names_what_its_files_define() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let map = std::fs::read_to_string(root.join("src/ARCHITECTURE.md")).expect("the map");
    let parts: Vec<&str> = map.split('`').collect();
    let (mut text, mut is_first, mut named) = (None, false, 0);
    for (before, word) in parts.iter().zip(&parts[1..]).step_by(2) {
        let before = before.split_whitespace().collect::<Vec<_>>().join(" ");
        let path = root.join(word);
        if word.contains('/') && path.is_file() {
            (text, is_first) = (std::fs::read_to_string(path).ok(), true);
            continue;
        }
        let goes_on = if is_first { before == ":" } else { before == "," || before == "and" };
        is_first = false;
        text = text.filter(|_| goes_on);
        let Some(text) = &text else { continue };
        assert!(defines(text, word), "the map names {word} in a file that does not define it");
        named += 1;
    }
    assert!(named > 150, "the map names few things: {named}");
}

/// What stands between the brackets behind a function's name, of every function: its name and its arguments.
fn signatures(code: &str) -> impl Iterator<Item = (&str, &str)> {
    code.split("fn ").skip(1).filter_map(|text| {
        let name = &text[..text.find(|c: char| !c.is_alphanumeric() && c != '_')?];
        let rest = &text[name.len()..];
        // Behind the type parameters, in which `->` closes nothing.
        let mut depth = 0i32;
        let opens = rest.char_indices().find_map(|(at, c)| {
            match c {
                '<' => depth += 1,
                '>' if !rest[..at].ends_with('-') => depth -= 1,
                '(' if depth == 0 => return Some(at),
                _ => {}
            }
            None
        })?;
        let arguments = &rest[opens + 1..];
        let mut depth = 0i32;
        let closes = arguments.char_indices().find_map(|(at, c)| {
            match c {
                '(' | '[' | '{' => depth += 1,
                ')' if depth == 0 => return Some(at),
                ')' | ']' | '}' => depth -= 1,
                _ => {}
            }
            None
        })?;
        Some((name, &arguments[..closes]))
    })
}

fn count_of_arguments(arguments: &str) -> usize {
    let mut depth = 0i32;
    let commas = arguments.char_indices().filter(|(at, c)| {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            '>' if arguments[..*at].ends_with('-') => {}
            ')' | ']' | '}' | '>' => depth -= 1,
            _ => {}
        }
        *c == ',' && depth == 0
    });
    commas.count() + usize::from(!arguments.trim_end().ends_with(',') && !arguments.trim().is_empty())
}

/// Whoever calls a function with more has to look up which is which. Only a trait of a library may ask for more.
#[test]
fn no_function_takes_more_than_five_arguments() {
    const OF_A_LIBRARY: [&str; 1] = ["verify_server_cert"];
    let mut counted = 0;
    for (path, text) in sources() {
        for (name, arguments) in signatures(&code(&text)) {
            let count = count_of_arguments(arguments);
            assert!(count <= 5 || OF_A_LIBRARY.contains(&name), "{path}: {name} takes {count}");
            counted += 1;
        }
    }
    assert!(counted > 2_500, "{counted} functions were found");
    assert_eq!(count_of_arguments("a: &(impl Snapshot + ?Sized), (b, c): (u8, u8), d: impl Fn(u8, u8) -> Vec<u8>,"), 3);
}

/// A pair in a signature stands for a struct that nobody named.
#[test]
fn no_public_function_of_accounts_takes_things_tied_together() {
    let mut looked_at = 0;
    for (path, text) in sources().iter().filter(|(path, _)| path.starts_with("accounts/")) {
        let code = code(text);
        let is_public =
            |name: &str| ["pub fn ", "pub(super) fn "].iter().any(|head| code.contains(&format!("{head}{name}")));
        for (name, arguments) in signatures(&code).filter(|(name, _)| is_public(name)) {
            // Two keys that change hands are the same pair in every room (`admin/sealing.rs`).
            let is_tied = arguments.contains("): (") && !arguments.contains("(old, new): (");
            assert!(!is_tied, "{path}: {name} takes {arguments}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 150, "{looked_at} functions were found");
}

/// What stands between a function's name and its end.
fn functions(code: &str) -> impl Iterator<Item = &str> {
    code.split("\n    pub async fn ").skip(1).map(|text| text.split("\n    }\n").next().unwrap_or_default())
}

/// A right that is there at the door may be gone when the act is written: `App::write_as` looks again.
#[test]
fn what_somebody_asks_for_is_written_in_their_name() {
    let mut judged = 0;
    for (path, text) in sources() {
        let code = code(&text);
        assert!(!path.starts_with("admin/") || !code.contains(".write("), "{path} writes in nobody's name");
        for function in functions(&code).filter(|text| path.starts_with("app/") && text.contains("asking: &")) {
            let name = function.split('(').next().unwrap_or_default();
            assert!(!function.contains(".write("), "{path}: {name} writes in nobody's name");
            judged += 1;
        }
    }
    assert!(judged > 10, "{judged} acts were found");
}

/// Every file and every test that `docs/asvs.md` names is there: a row without its test says nothing.
#[test]
fn the_page_about_asvs_names_what_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/asvs.md")).expect("there");
    let (mut rows, mut tests) = (0, 0);
    for row in page.lines().filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit()) {
        rows += 1;
        let mut file = String::new();
        for named in row.split('`').skip(1).step_by(2) {
            let is_path = named.contains('/') && !named.starts_with('/') && !named.contains(' ') && named.contains('.');
            if is_path {
                file = named.to_owned();
                assert!(root.join(named).exists(), "{named} in: {row}");
            } else if row.contains(&format!("`{file}`: `{named}`")) && !file.is_empty() {
                let text = std::fs::read_to_string(root.join(&file)).expect("just seen");
                assert!(text.contains(&format!("fn {named}(")), "{file} has no test {named}");
                tests += 1;
            }
        }
    }
    assert!(rows > 150 && tests > 150, "{rows} rows, {tests} tests");
}

/// Bytes become characters in one place, which drops the byte order mark and names other encodings: elsewhere only what programs say
/// to each other is read.
#[test]
fn text_that_people_wrote_is_read_in_one_place() {
    let readers = ["read_to_string(", ".read_line(", "BufReader::new(std::io::stdin", "stdin().lines("];
    let may = |path: &str, reader: &str| {
        let is_dialogue = path.starts_with("control/") || path.starts_with("courier/");
        path == "config/text_file.rs" || reader == ".read_line(" && is_dialogue
    };
    for (path, text) in sources() {
        for reader in readers {
            assert!(!code(&text).contains(reader) || may(&path, reader), "{path}: read text by config::read_text");
        }
    }
}
