//! What the README, and what it leaves to other documents, tells people to type works.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gatelodge::config::Config;

use crate::process::{Server, configuration, free_port, run};
use crate::smtp::{LOGIN, mail_server, prepare, settings};
use crate::store::Folder;
use crate::world::PASSWORD;

const PERSON: &str = "you@example.org";

/// Of these each command is run.
const DOCUMENTS: &[&str] = &["README.md", "docs/building.md", "docs/reliability.md", "docs/figures.md"];

/// What somebody reads before anything works has an end, and so have its lines, but for tables.
const MAX_README_LINES: usize = 120;
const MAX_COLUMNS: usize = 120;

/// The program's commands in the order in which they are tried here: as the README has them, and what is typed for its
/// placeholders.
const WHILE_IT_SERVES: &[(&str, &str)] = &[
    ("gatelodge check", "check"),
    (
        "gatelodge user add you@example.org --admin --confirmed",
        "user add you@example.org --admin --confirmed --password-stdin",
    ),
    ("gatelodge mail test you@example.org", "mail test you@example.org"),
    ("gatelodge mail test ADDRESS", "mail test you@example.org"),
    ("gatelodge mail list", "mail list"),
    ("gatelodge mail retry [ID]", "mail retry"),
    ("gatelodge user add", "user add member@example.org --password-stdin"),
    ("gatelodge user confirm", "user confirm member@example.org"),
    ("gatelodge user list", "user list"),
    ("gatelodge user show", "user show member@example.org"),
    ("gatelodge user passwd", "user passwd member@example.org --password-stdin"),
    ("gatelodge user phone USER NUMBER", "user phone member@example.org +4930123456"),
    ("gatelodge user phone USER --none", "user phone member@example.org --none"),
    ("gatelodge user group add USER GROUP", "user group add member@example.org staff"),
    ("gatelodge user group remove USER GROUP", "user group remove member@example.org admins"),
    ("gatelodge invite add", "invite add guest@example.org"),
    ("gatelodge invite list", "invite list"),
    ("gatelodge approval list", "approval list"),
    ("gatelodge group list", "group list"),
    ("gatelodge group members", "group members admins"),
    ("gatelodge group permit", "group permit admins lamp:switch"),
    ("gatelodge group forbid", "group forbid admins lamp:switch"),
    ("gatelodge token add USER", "token add member@example.org --name wiki --scope profile"),
    ("gatelodge token list USER", "token list member@example.org"),
    (
        "gatelodge app-password add USER",
        "app-password add member@example.org --name calendar --host cal.example.org --expires-at 2100-01-31",
    ),
    ("gatelodge app-password list USER", "app-password list member@example.org"),
    ("gatelodge group disband", "group disband staff"),
    ("gatelodge session end USER", "session end member@example.org"),
    ("gatelodge session end --all", "session end --all"),
    ("gatelodge user disable", "user disable member@example.org"),
    ("gatelodge user enable", "user enable member@example.org"),
    ("gatelodge user delete", "user delete member@example.org"),
    ("gatelodge throttle list", "throttle list"),
    ("gatelodge throttle lift", "throttle lift you@example.org"),
    ("gatelodge audit list", "audit list"),
    ("gatelodge audit verify", "audit verify"),
    ("gatelodge clock show", "clock show"),
    ("gatelodge clock reset", "clock reset"),
    ("gatelodge key rotate", "key rotate"),
    ("gatelodge backup FILE", "backup {folder}/backup"),
    ("gatelodge export FILE", "export {folder}/export"),
    ("gatelodge doctor", "doctor"),
    ("gatelodge health", "health"),
];

const WHILE_IT_RESTS: &[(&str, &str)] = &[
    ("gatelodge restore FILE [--force]", "restore {folder}/backup --force"),
    ("gatelodge mail release", "mail release"),
    ("gatelodge import gatelodge FILE", "import gatelodge {folder}/export --force"),
    ("gatelodge key rotate --sealing", "key rotate --sealing"),
];

/// What other tests run: which, and the words by which they do.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("gatelodge user free-username NAME", "tests/it/commands.rs", "\"user\", \"free-username\""),
    ("gatelodge user reset-factors", "tests/it/commands.rs", "\"user\", \"reset-factors\""),
    ("gatelodge invite revoke", "tests/it/commands.rs", "\"invite\", \"revoke\""),
    ("gatelodge webhook list", "tests/it/webhooks.rs", "\"webhook\", \"list\""),
    ("gatelodge webhook test", "tests/it/webhooks.rs", "\"webhook\", \"test\""),
    ("gatelodge webhook retry", "tests/it/webhooks.rs", "\"webhook\", \"retry\""),
    ("gatelodge token revoke USER", "tests/it/commands.rs", "\"token\", \"revoke\""),
    ("gatelodge app-password revoke USER", "tests/it/commands.rs", "\"app-password\", \"revoke\""),
    ("gatelodge access check URL", "tests/it/forward_auth.rs", "\"access\", \"check\""),
    ("gatelodge approval approve", "tests/it/commands.rs", "\"approval\", \"approve\""),
    ("gatelodge approval decline", "tests/it/commands.rs", "\"approval\", \"decline\""),
    ("cargo run --release -- demo", "tests/demo", "cargo run --quiet --release -- demo"),
    ("gatelodge --config demo/gatelodge.toml user list", "tests/it/process.rs", "user list"),
    ("gatelodge demo", "tests/it/process.rs", "\"demo\", \"--port\""),
    ("gatelodge serve", "tests/it/process.rs", "\"serve\", \"--config\""),
    ("gatelodge setup", "tests/newcomer/story", "gatelodge setup --url"),
    ("sudo gatelodge setup", "tests/newcomer/story", "gatelodge setup --url"),
    ("sudo gatelodge doctor", "tests/newcomer/story", "gatelodge doctor"),
    ("sudo apt install ./gatelodge_0.1.0_arm64.deb", "tests/newcomer/story", "apt install --yes ./gatelodge.deb"),
    (
        "sudo systemctl enable --now gatelodge.service gatelodge-backup.timer",
        "tests/newcomer/story",
        "systemctl enable --quiet --now gatelodge.service gatelodge-backup.timer",
    ),
    ("sudo ./install.sh", "tests/newcomer/story", "gatelodge-*/install.sh"),
    ("apt install build-essential", "tests/run", "install build-essential"),
    ("tests/run", ".ci/run", "tests/run --locked"),
    ("cargo build --release", ".ci/run", "cargo build --release --locked"),
    ("tests/cross", ".ci/run", "tests/cross\n"),
    ("tests/cross aarch64", "tests/cross", "aarch64 armv7"),
    ("tests/cross && tests/packages", ".ci/run", "tests/packages"),
    ("tests/oci/run", "tests/packages", "tests/oci/run"),
];

/// What is no test, or takes hours, or needs what a test machine has not.
const BY_HAND: &[&str] = &[
    "cargo bench",
    "cargo bench --bench figures -- sessions",
    "tests/reliability",
    "tests/board",
    "cargo fuzz",
    "GATELODGE_POWER_CUTS=1000000 tests/run --test it power",
    "CROSS_CONFIG=cross.toml cross build --release --target aarch64-unknown-linux-musl",
];

fn file(name: &str) -> String {
    std::fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap_or_else(|_| panic!("no {name}"))
}

/// Every command, one for each of the alternatives that it names.
fn told() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for document in DOCUMENTS {
        let mut in_block = false;
        for line in file(document).lines() {
            if let Some(language) = line.strip_prefix("```") {
                in_block = language == "sh";
            } else if in_block {
                found.extend((!line.starts_with('#')).then(|| line.trim().to_owned()));
            } else {
                found.extend(line.split('`').skip(1).step_by(2).filter(|span| is_command(span)).flat_map(alternatives));
            }
        }
    }
    found
}

fn is_command(span: &str) -> bool {
    let first = span.split(' ').next().unwrap_or_default();
    let has_more = span.contains(' ') || first.starts_with("tests/") && !first.ends_with('/') && !first.contains('.');
    has_more && (["gatelodge", "cargo", "curl", "sudo", "apt"].contains(&first) || first.starts_with("tests/"))
        || first.starts_with(|c: char| c.is_ascii_uppercase()) && first.contains('=') && span.contains(' ')
}

/// `user add\|list` is two commands.
fn alternatives(span: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    for word in span.split(' ') {
        let choices: Vec<&str> = word.split("\\|").collect();
        all = all
            .iter()
            .flat_map(|before| choices.iter().map(move |choice| format!("{before} {choice}").trim().to_owned()))
            .collect();
    }
    all
}

#[test]
fn every_command_of_it_is_run_by_a_test() {
    let here = WHILE_IT_SERVES.iter().chain(WHILE_IT_RESTS).map(|(told, _)| *told);
    let known: BTreeSet<String> = here
        .chain(ELSEWHERE.iter().map(|(told, ..)| *told))
        .chain(BY_HAND.iter().copied())
        .map(str::to_owned)
        .collect();
    let told = told();
    let untried: Vec<_> = told.difference(&known).collect();
    assert!(untried.is_empty(), "no test runs {untried:#?}");
    let gone: Vec<_> = known.difference(&told).collect();
    assert!(gone.is_empty(), "no document says any more: {gone:#?}");
    for (command, place, words) in ELSEWHERE {
        assert!(file(place).contains(words), "{place} does not run `{command}`: {words} is not in it");
    }
}

#[test]
fn the_programs_commands_do_what_it_says() {
    let folder = Folder::new();
    prepare(&folder.0);
    let post = mail_server(&folder.0, "tls", LOGIN);
    std::fs::set_permissions(folder.join("smtp-password"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("ours");
    let credentials =
        "username = \"auth@example.org\"\npassword_file = \"{dir}/smtp-password\"\nca_file = \"{dir}/ca.pem\"\n";
    let port = free_port();
    let config = configuration(&folder.0, port, &settings(&folder.0, post.port, "tls", credentials));
    let types = |(told, typed): &(&str, &str)| {
        let typed = typed.replace("{folder}", folder.0.to_str().expect("UTF-8"));
        let arguments: Vec<&str> = typed.split(' ').chain(["--config", &config]).collect();
        let output = run(&arguments, &format!("{PASSWORD}\n"));
        assert!(
            output.status.success(),
            "`{told}`: {}",
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat())
        );
    };
    let server = Server::start(&["serve", "--config", &config], port);
    WHILE_IT_SERVES.iter().for_each(types);
    let login = serde_json::json!({"identity": PERSON, "password": PASSWORD});
    server.client().api("POST", "/login", &login).expect(200);
    assert_eq!(server.stops(), Some(0));
    WHILE_IT_RESTS.iter().for_each(types);
}

/// What it calls enough is enough.
#[test]
fn the_smallest_configuration_is_valid() {
    let text = file("README.md");
    let shown = text.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("there is one");
    let config = Config::parse(shown, Path::new("README.md")).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.site.name, "Hill Street");
}

#[test]
fn it_is_short_and_no_document_is_wide() {
    assert!(file("README.md").lines().count() <= MAX_README_LINES);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_dir(root.join("docs")).expect("there").map(|entry| entry.expect("readable").path());
    let is_text = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    for document in docs.filter(is_text).chain([root.join("README.md")]) {
        let mut in_block = false;
        for (at, line) in std::fs::read_to_string(&document).expect("UTF-8").lines().enumerate() {
            in_block ^= line.starts_with("```");
            let is_free = in_block || line.starts_with('|');
            assert!(is_free || line.chars().count() <= MAX_COLUMNS, "{}:{}", document.display(), at + 1);
        }
    }
}
