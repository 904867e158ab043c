//! From one format of the store to the next, and back.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use gatelodge::base::{Moment, NodeId, Timestamp};
use gatelodge::store::{
    Ballast, Direction, Engine, KeySpan, Migration, Pair, RedbEngine, heading_of, open_file, open_file_by, schema,
};
use serde_json::{Value, json};

use crate::process::{Server, configuration, file_mail, free_port, refusal, run, shown};
use crate::store::Folder;
use crate::stories;
use crate::world::{ALICE, PASSWORD};

/// What `tests/data/make` kept of a released format.
fn released() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the data is there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

/// A place with a configuration and the key of a released store, and maybe the store.
struct Place {
    folder: Folder,
    config: String,
    port: u16,
}

impl Place {
    fn with(files: &[&str], of: &Path) -> Self {
        let folder = Folder::new();
        for file in files {
            std::fs::copy(of.join(file), folder.join(file)).expect("copied");
        }
        let key = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(folder.join("sealing-key"), key).expect("the key is there");
        let port = free_port();
        let config = configuration(&folder.0, port, &file_mail(&folder.0));
        Self { folder, config, port }
    }

    /// Takes what a program wrote that knew no codes, but only when it is told to; what carries one at once.
    fn takes(&self, is_signed: bool, command: &[&str]) {
        let command = [command, &["--force", "--config", &self.config]].concat();
        if is_signed {
            shown(&command, "");
            return;
        }
        let (code, said) = refusal(&command);
        assert!(code == Some(1) && said.contains("carries no code"), "{said}");
        shown(&[&command[..], &["--accept-unsigned"]].concat(), "");
    }

    fn is_as_it_was(&self) {
        let server = Server::start(&["serve", "--config", &self.config], self.port);
        let user = shown(&["user", "show", "alice", "--config", &self.config], "");
        assert_eq!((&user["email"], &user["groups"]), (&json!(ALICE), &json!(["staff"])));
        server.client().api("POST", "/login", &json!({"identity": "alice", "password": PASSWORD})).expect(200);
        let verified = shown(&["audit", "verify", "--config", &self.config], "");
        assert!(verified["rows"].as_u64() > Some(5), "{verified}");
        assert_eq!(server.stops(), Some(0));
    }

    /// People, and what makes them who they are: each record is there, whatever form it has by now. Time passes for the data of a
    /// test, too: what ends by itself is not among them.
    fn has_kept(&self, before: &[Pair]) {
        let after = records(&self.folder.join("gatelodge.redb"));
        let kept = [
            schema::ACCOUNTS,
            schema::IDENTITIES,
            schema::FORMER_USERNAMES,
            schema::LOGINS,
            schema::GROUPS,
            schema::MEMBERS,
            schema::FACTORS,
            schema::RECOVERY,
        ];
        let prefixes = kept.map(|range| range.prefix);
        for (key, _) in before.iter().filter(|(key, _)| prefixes.contains(&key[0])) {
            assert!(after.iter().any(|(found, _)| found == key), "{key:?}");
        }
        let output = run(&["export", "-", "--config", &self.config], "");
        assert!(output.status.success(), "each can be read: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// The second factor, and a recovery code that was never used: each of them once.
    fn takes_what_was_given(&self, given: Option<&Value>) {
        let Some(given) = given else { return };
        let server = Server::start(&["serve", "--config", &self.config], self.port);
        let codes = given["recovery_codes"].as_array().expect("codes");
        let is_taken = |code: &Value| {
            let mut carol = server.client();
            carol.api("POST", "/login", &json!({"identity": "carol", "password": PASSWORD})).expect(401);
            carol.api("POST", "/login/second-factor", &json!({"code": code})).status() == 200
        };
        let taken = codes.iter().find(|code| is_taken(code)).expect("one is left");
        assert!(!is_taken(taken), "once");
        let seed = stories::read_key(given["totp"].as_str().expect("a key"));
        let wall = shown(&["clock", "show", "--config", &self.config], "")["wall"].as_str().and_then(Timestamp::parse);
        let (this, last) = (seed.shown_at(wall.expect("a time")), seed.shown_at(wall.expect("a time").minus(30)));
        // After a restore the code of that moment counts as used.
        let has_restored = shown(&["audit", "list", "--act", "restored", "--config", &self.config], "");
        let has_imported = shown(&["audit", "list", "--act", "imported", "--config", &self.config], "");
        if has_restored["items"] == json!([]) && has_imported["items"] == json!([]) {
            assert!(is_taken(&json!(this)) || is_taken(&json!(last)), "the program on the phone");
        }
        assert_eq!(server.stops(), Some(0));
    }
}

/// Every record of a store that nobody has open.
fn records(path: &Path) -> Vec<Pair> {
    let engine = RedbEngine::open(path, 1 << 20).expect("whole");
    let mut pairs = Vec::new();
    let read = engine.read(&mut |view| {
        pairs = view.scan(&KeySpan::prefix(&[]), Direction::Up, usize::MAX)?;
        Ok(())
    });
    read.expect("readable");
    pairs
}

#[test]
fn every_released_format_is_opened_restored_and_imported() {
    let released = released();
    assert!(!released.is_empty());
    for format in released {
        let given = std::fs::read_to_string(format.join("given.json")).ok();
        let given: Option<Value> = given.map(|text| serde_json::from_str(&text).expect("JSON"));
        let opened = Place::with(&["gatelodge.redb", "sealing-key"], &format);
        let before = records(&opened.folder.join("gatelodge.redb"));
        opened.is_as_it_was();
        opened.has_kept(&before);
        opened.takes_what_was_given(given.as_ref());
        let backup = format.join("backup");
        let (_, is_signed) = heading_of(&backup).expect("a backup");
        let restored = Place::with(&["sealing-key"], &format);
        restored.takes(is_signed, &["restore", backup.to_str().expect("UTF-8")]);
        restored.is_as_it_was();
        restored.takes_what_was_given(given.as_ref());
        let export = format.join("export.jsonl");
        let imported = Place::with(&["sealing-key"], &format);
        imported.takes(is_signed, &["import", "gatelodge", export.to_str().expect("UTF-8")]);
        imported.is_as_it_was();
        imported.takes_what_was_given(given.as_ref());
        // What was given out before an upgrade outlives the key, too.
        shown(&["key", "rotate", "--sealing", "--config", &imported.config], "");
        imported.is_as_it_was();
        imported.takes_what_was_given(given.as_ref());
    }
}

/// What was counted before an upgrade counts after it: an upgrade gives nobody further tries.
#[test]
fn an_upgrade_forgets_no_failure() {
    let mut counted = 0;
    for format in released() {
        let place = Place::with(&["gatelodge.redb", "sealing-key"], &format);
        let path = place.folder.join("gatelodge.redb");
        let before = records(&path);
        shown(&["throttle", "list", "--config", &place.config], "");
        let copies = std::fs::read_dir(&place.folder.0).expect("the folder");
        let is_copy = |name: std::ffi::OsString| name.to_string_lossy().contains("before-upgrade");
        let was_upgraded = copies.filter_map(Result::ok).any(|entry| is_copy(entry.file_name()));
        let name = format.file_name().and_then(|name| name.to_str()).expect("UTF-8");
        let is_present = name.starts_with(&format!("format-{}", gatelodge::store::known_format()));
        assert_eq!(was_upgraded, !is_present);
        let after = records(&path);
        let of_buckets = |(key, _): &&Pair| key[0] == schema::BUCKETS.prefix;
        for bucket in before.iter().filter(of_buckets) {
            assert!(after.contains(bucket), "{format:?}: {bucket:?}");
            counted += 1;
        }
    }
    assert!(counted > 3, "the data holds failures");
}

#[test]
fn the_present_format_is_among_them() {
    let name = format!("format-{}", gatelodge::store::known_format());
    assert!(released().iter().any(|path| path.ends_with(&name)), "`tests/data/make {name} target/debug/gatelodge`");
}

/// What an upgrade never met it may lose: there is data of every table.
#[test]
fn every_table_is_filled_in_some_of_them() {
    let filled = |format: &PathBuf| -> BTreeSet<u8> {
        let place = Place::with(&["gatelodge.redb", "sealing-key"], format);
        let (path, key) = (place.folder.join("gatelodge.redb"), place.folder.join("sealing-key"));
        let moment = &mut Moment::new(Timestamp::from_seconds(2_000_000_000), [3; 32]);
        drop(open_file(&path, &key, (1 << 20, Ballast::beside(&path, 0)), moment).expect("upgraded"));
        records(&path).iter().map(|(key, _)| key[0]).collect()
    };
    let known: BTreeSet<u8> = schema::ALL.iter().map(|range| range.prefix).collect();
    let filled: BTreeSet<u8> = released().iter().flat_map(filled).collect();
    assert_eq!(known.difference(&filled).collect::<Vec<_>>(), Vec::<&u8>::new(), "tables by prefix");
}

/// A program that was let into the API before must not be taken for one with an application password, or the other way round.
#[test]
fn tokens_from_before_there_were_application_passwords_are_api_tokens() {
    let mut looked_at = 0;
    let is_before = |format: &PathBuf| {
        ["format-1", "format-2", "format-3", "format-4"].iter().any(|name| format.to_string_lossy().contains(name))
    };
    for format in released().into_iter().filter(is_before) {
        let place = Place::with(&["gatelodge.redb", "sealing-key"], &format);
        let rows = records(&place.folder.join("gatelodge.redb"));
        let rows: Vec<_> = rows.iter().filter(|(key, _)| key[0] == schema::API_TOKENS.prefix).collect();
        let exported = run(&["export", "-", "--config", &place.config], "");
        let exported = String::from_utf8(exported.stdout).expect("UTF-8");
        let lines = exported.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let tokens: Vec<Value> = lines.filter(|line| line["table"] == "API tokens").collect();
        assert_eq!(tokens.len(), rows.len(), "{format:?}");
        for token in tokens {
            assert_eq!((&token["value"]["kind"], &token["value"]["hosts"]), (&json!("api-token"), &json!([])));
            looked_at += 1;
        }
    }
    assert!(looked_at > 5, "{looked_at}");
}

/// Before there could be several nodes there was one time floor, and one place of each webhook.
#[test]
fn what_there_was_one_of_is_the_first_nodes() {
    let format = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/format-3-full");
    let place = Place::with(&["gatelodge.redb", "sealing-key"], &format);
    let (path, key) = (place.folder.join("gatelodge.redb"), place.folder.join("sealing-key"));
    let before = records(&path);
    let moment = &mut Moment::new(Timestamp::default(), [3; 32]);
    let opened = open_file(&path, &key, (1 << 20, Ballast::beside(&path, 0)), moment).expect("upgraded");
    assert_eq!((opened.node, opened.floor.map(Timestamp::seconds)), (NodeId::ONE, Some(1_795_836_120)));
    drop(opened);
    let after = records(&path);
    let places = before.iter().filter(|(key, _)| key[0] == schema::WEBHOOKS.prefix);
    let named = |(key, value): &Pair| ([&key[..], &1u32.to_be_bytes()].concat(), value.clone());
    let expected: Vec<Pair> = places.map(named).collect();
    assert!(!expected.is_empty());
    let found: Vec<Pair> = after.iter().filter(|(key, _)| key[0] == schema::WEBHOOKS.prefix).cloned().collect();
    assert_eq!(found, expected);
}

/// Whoever had an account before there was an index is found all the same, by each of their names.
#[test]
fn people_from_before_there_was_an_index_are_found() {
    for format in released() {
        let place = Place::with(&["gatelodge.redb", "sealing-key"], &format);
        for text in ["ALICE", "alice@exam", "example org"] {
            let found = shown(&["user", "list", text, "--config", &place.config], "");
            let names: Vec<_> = found["items"].as_array().expect("items").iter().map(|item| &item["email"]).collect();
            assert!(names.contains(&&json!(ALICE)), "{format:?}, {text}: {names:?}");
        }
    }
}

#[test]
fn a_copy_is_kept_before_an_upgrade_and_it_leads_back() {
    let newest = released().pop().expect("there is one");
    let place = Place::with(&["gatelodge.redb", "sealing-key"], &newest);
    let path = place.folder.join("gatelodge.redb");
    let key = place.folder.join("sealing-key");
    let now = gatelodge::store::known_format();
    let copy = place.folder.join(&format!("gatelodge.redb.before-upgrade-from-{now}"));
    let open = |steps: &[Migration]| {
        let moment = &mut Moment::new(Timestamp::from_seconds(2_000_000_000), [3; 32]);
        open_file_by(steps, &path, &key, (1 << 20, Ballast::beside(&path, 0)), moment).map(drop)
    };
    // A step that fails changes nothing, and is taken again at the next start.
    let fails = |_: &mut dyn gatelodge::store::Transaction| Err(gatelodge::store::StoreError::Damaged("a test"));
    assert!(open(&[Migration { to: now + 1, name: "fail", run: fails }]).is_err());
    assert!(copy.exists());
    open(&[Migration { to: now + 1, name: "do nothing", run: |_| Ok(()) }]).expect("upgraded");
    assert_eq!(std::fs::metadata(&copy).expect("kept").permissions().mode() & 0o777, 0o600);

    // This program is now the older one.
    let copy = copy.to_str().expect("UTF-8");
    let (code, said) = refusal(&["serve", "--config", &place.config]);
    assert_eq!(code, Some(65), "{said}");
    assert!(said.contains(&format!("format {}", now + 1)) && said.contains(copy), "{said}");
    place.takes(true, &["restore", copy]);
    place.is_as_it_was();
}

/// A store that is made of a backup of before is of the present format at once: an older program would take it for its own.
#[test]
fn what_is_restored_from_before_is_of_today() {
    let format = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/format-3-full");
    let place = Place::with(&["backup", "sealing-key"], &format);
    let backup = place.folder.join("backup");
    let path = place.folder.join("gatelodge.redb");
    let began = Timestamp::from_seconds(0);
    place.takes(true, &["restore", backup.to_str().expect("UTF-8")]);
    // Looked at as an older program would, before this one opens it.
    let restored = records(&path);
    let value = |key: &[u8]| restored.iter().find(|(found, _)| found == key).map(|(_, value)| value.clone());
    let format = value(&[&[schema::META.prefix][..], b"format"].concat()).expect("a format");
    assert_eq!(u64::from(*format.last().expect("a number")), gatelodge::store::known_format());
    let opened = open_file(
        &path,
        &place.folder.join("sealing-key"),
        (1 << 20, Ballast::beside(&path, 0)),
        &mut Moment::new(began, [3; 32]),
    );
    let floor = opened.expect("whole").floor;
    assert!(floor >= Some(began), "no time before the restore is believed: {floor:?}");
    assert!(!place.folder.join("gatelodge.redb.before-upgrade-from-3").exists(), "there was nothing to upgrade");
    shown(&["audit", "verify", "--config", &place.config], "");
}

/// A store of the old format that somebody puts in place once more must not take the copy away that leads back.
#[test]
fn the_first_copy_stays_whatever_comes_later() {
    let format = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/format-3-full");
    let place = Place::with(&["gatelodge.redb", "sealing-key"], &format);
    let path = place.folder.join("gatelodge.redb");
    let open = || {
        let moment = &mut Moment::new(Timestamp::from_seconds(2_000_000_000), [3; 32]);
        let key = place.folder.join("sealing-key");
        open_file(&path, &key, (1 << 20, Ballast::beside(&path, 0)), moment).map(drop)
    };
    open().expect("upgraded");
    let first = std::fs::read(place.folder.join("gatelodge.redb.before-upgrade-from-3")).expect("a copy");
    for _ in 0..2 {
        std::fs::copy(format.join("gatelodge.redb"), &path).expect("copied");
        open().expect("upgraded");
    }
    let kept = place.folder.join("gatelodge.redb.before-upgrade-from-3.first");
    assert!(std::fs::read(kept).expect("kept") == first, "it is the first");
}

#[test]
fn with_another_key_nothing_is_copied_and_nothing_upgraded() {
    let format = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/format-3-full");
    let place = Place::with(&["gatelodge.redb", "sealing-key"], &format);
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/format-1");
    std::fs::copy(other.join("sealing-key"), place.folder.join("sealing-key")).expect("copied");
    let (code, said) = refusal(&["audit", "verify", "--config", &place.config]);
    assert!(code == Some(65) && said.contains("another store's"), "{said}");
    assert!(!place.folder.join("gatelodge.redb.before-upgrade-from-3").exists());
}
