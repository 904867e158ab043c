//! Backups, snapshots and exports: what was kept can be put in place again, and what was ended since stays ended.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use gatelodge::base::{DAY, HOUR, Timestamp};
use gatelodge::config::{Backups, Span};
use gatelodge::crypto::SealingKey;
use gatelodge::export;
use gatelodge::store::{
    Archive, ArchiveError, Direction, Engine, Heading, KeySpan, Pair, Records, RedbEngine, Trust, heading_of, read_key,
    schema, write_records,
};
use serde_json::{Value, json};

use crate::process::{Server, configuration, file_mail, free_port, mailed_token, refusal, run, shown};
use crate::store::Folder;
use crate::stories;
use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, World};

fn text(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}

/// A server with a member, a session, and a mail that waits.
struct Lived {
    folder: Folder,
    config: String,
    port: u16,
}

impl Lived {
    fn new() -> (Self, Server) {
        let folder = Folder::new();
        let port = free_port();
        // Nobody listens there: mails wait.
        let mail = format!(
            "[mail]\nfrom = \"a@example.org\"\n[mail.smtp]\nhost = \"localhost\"\nport = {}\nsecurity = \"none\"\n",
            free_port()
        );
        let config = configuration(&folder.0, port, &mail);
        let lived = Self { folder, config, port };
        shown(&lived.with(&["user", "add", ALICE, "--confirmed", "--password-stdin"]), &format!("{PASSWORD}\n"));
        let server = Server::start(&["serve", "--config", &lived.config], port);
        (lived, server)
    }

    fn with<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        [arguments, &["--config", &self.config]].concat()
    }
}

fn records(path: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let engine = RedbEngine::open(path, 1 << 20).expect("whole");
    let mut pairs: Vec<Pair> = Vec::new();
    engine
        .read(&mut |view| {
            pairs = view.scan(&KeySpan::prefix(&[]), Direction::Up, usize::MAX)?;
            Ok(())
        })
        .expect("readable");
    pairs.into_iter().collect()
}

#[test]
fn a_backup_of_a_running_server_is_restored_and_nothing_that_ended_lives_again() {
    let (lived, server) = Lived::new();
    let mut alice = server.client();
    alice.api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(200);
    server.client().api("POST", "/register", &json!({"email": "new@example.org", "password": PASSWORD})).expect(202);
    let backup = text(&lived.folder.join("backup"));
    let made = shown(&lived.with(&["backup", &backup]), "");
    assert_eq!(made["verified"], true);
    assert_eq!(std::fs::metadata(&backup).expect("written").permissions().mode() & 0o777, 0o600);
    let (code, message) = refusal(&lived.with(&["backup", &backup]));
    assert_eq!((code, message.contains("is there already")), (Some(1), true), "{message}");
    // What happens after the backup: the password changes.
    alice
        .api("POST", "/account/password", &json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD}))
        .expect(200);
    let (code, message) = refusal(&lived.with(&["restore", &backup, "--force"]));
    assert_eq!((code, message.contains("in use by process")), (Some(1), true), "{message}");
    assert_eq!(server.stops(), Some(0));

    let (code, message) = refusal(&lived.with(&["restore", &backup]));
    assert_eq!((code, message.contains("--force")), (Some(1), true), "{message}");
    let restored = shown(&lived.with(&["restore", &backup, "--force"]), "");
    let replaced = restored["replaced"].as_str().expect("the old one is kept");
    assert!(records(Path::new(replaced)).len() > 10);

    let server = Server::start(&["serve", "--config", &lived.config], lived.port);
    alice.reconnect(server.port);
    alice.api("GET", "/session", &Value::Null).expect(401);
    server.client().api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(200);
    let held = shown(&lived.with(&["mail", "list"]), "");
    assert!(held["items"].as_array().expect("items").iter().any(|mail| mail["state"] == "held"), "{held}");
    assert!(shown(&lived.with(&["mail", "release"]), "")["released"].as_u64() >= Some(1));
    shown(&lived.with(&["audit", "verify"]), "");
    let acts = shown(&lived.with(&["audit", "list", "--act", "restored"]), "");
    assert_eq!(acts["items"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_mailed_link_from_before_a_restore_is_dead() {
    let folder = Folder::new();
    let port = free_port();
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    let mut server = Server::start(&["serve", "--config", &config], port);
    server.client().api("POST", "/register", &json!({"email": ALICE, "password": PASSWORD})).expect(202);
    let token = mailed_token(&mut server, &folder.0);
    let backup = text(&folder.join("backup"));
    shown(&["backup", &backup, "--config", &config], "");
    assert_eq!(server.stops(), Some(0));
    shown(&["restore", &backup, "--force", "--config", &config], "");
    let server = Server::start(&["serve", "--config", &config], port);
    let confirm = json!({"token": token, "password": PASSWORD});
    assert_eq!(server.client().api("POST", "/confirm", &confirm).expect(403).json()["code"], "token_invalid");
}

#[test]
fn a_backup_is_restored_elsewhere_with_its_key_and_not_without() {
    let (lived, server) = Lived::new();
    assert_eq!(server.stops(), Some(0));
    let backup = text(&lived.folder.join("backup"));
    // Nobody has the store open: the command reads it itself.
    let key = text(&lived.folder.join("sealing-key"));
    assert_eq!(shown(&lived.with(&["backup", &backup]), "")["sealing_key"], key);
    let said = String::from_utf8_lossy(&run(&lived.with(&["backup", &backup, "--force"]), "").stdout).into_owned();
    assert!(said.contains(&format!("It is restored with the sealing key, {key}: keep a copy")), "{said}");

    let elsewhere = Folder::new();
    let config = configuration(&elsewhere.0, free_port(), &file_mail(&elsewhere.0));
    let (code, message) = refusal(&["restore", &backup, "--config", &config]);
    let place = text(&elsewhere.join("sealing-key"));
    assert_eq!((code, message.contains(&format!("{place}: the sealing key is missing"))), (Some(1), true), "{message}");
    assert!(message.contains("hint: put the key with that fingerprint into this place"), "{message}");
    std::fs::write(&place, "00".repeat(32)).expect("written");
    let (code, message) = refusal(&["restore", &backup, "--config", &config]);
    assert_eq!((code, message.contains("this is not the sealing key")), (Some(1), true), "{message}");
    assert!(!elsewhere.join("gatelodge.redb").exists());
    std::fs::copy(lived.folder.join("sealing-key"), elsewhere.join("sealing-key")).expect("copied");
    shown(&["restore", &backup, "--config", &config], "");
    assert_eq!(shown(&["user", "show", ALICE, "--config", &config], "")["email"], ALICE);
}

#[test]
fn a_backup_and_an_export_are_told_apart_and_neither_comes_from_a_pipe() {
    let (lived, server) = Lived::new();
    assert_eq!(server.stops(), Some(0));
    let (backup, export) = (text(&lived.folder.join("backup")), text(&lived.folder.join("export")));
    shown(&lived.with(&["backup", &backup]), "");
    shown(&lived.with(&["export", &export]), "");
    for (words, hint) in [
        (&["restore", export.as_str(), "--force"][..], "it is an export: gatelodge restore --from-export FILE"),
        (&["import", "gatelodge", &backup, "--force"], "it is a backup: gatelodge restore FILE"),
        (&["backup", "-"], "`gatelodge export -` writes everything to standard output"),
        (&["restore", "-", "--force"], "name a file"),
        (&["import", "gatelodge", "-", "--force"], "name a file"),
    ] {
        let (code, said) = refusal(&lived.with(words));
        assert!(code == Some(1) && said.contains(hint), "{words:?}: {said}");
    }
    assert!(!Path::new("-").exists());
    // An editor on Windows saved it anew.
    let lines = std::fs::read_to_string(&export).expect("UTF-8");
    std::fs::write(&export, format!("\u{feff}{lines}")).expect("written");
    shown(&lived.with(&["import", "gatelodge", &export, "--force"]), "");
}

#[test]
fn force_replaces_nothing_but_backups_and_exports() {
    let folder = Folder::new();
    let config = configuration(&folder.0, 8443, &file_mail(&folder.0));
    let add = ["user", "add", ALICE, "--confirmed", "--password-stdin", "--config", &config];
    assert!(run(&add, PASSWORD).status.success());
    let listener = std::os::unix::net::UnixListener::bind(folder.join("socket")).expect("made");
    std::fs::create_dir(folder.join("folder")).expect("made");
    std::fs::write(folder.join("notes.txt"), "precious").expect("written");
    for command in ["backup", "export"] {
        for (name, words) in [
            ("gatelodge.redb", "is neither a backup nor an export"),
            ("sealing-key", "is neither a backup nor an export"),
            ("gatelodge.toml", "is neither a backup nor an export"),
            ("gatelodge.redb.lock", "is neither a backup nor an export"),
            ("notes.txt", "is neither a backup nor an export"),
            ("socket", "is no file"),
            ("folder", "is a folder"),
            ("nowhere/b1", "there is no folder"),
        ] {
            let path = folder.join(name);
            let before = std::fs::read(&path).ok();
            let (code, said) = refusal(&[command, "--force", path.to_str().expect("UTF-8"), "--config", &config]);
            assert!(code == Some(1) && said.contains(words) && said.contains("hint: "), "{command} {name}: {said}");
            assert!(!said.contains("os error"), "{said}");
            assert_eq!(std::fs::read(&path).ok(), before, "{command} {name}");
        }
        let path = folder.join(command);
        std::fs::write(&path, "").expect("written");
        for _ in 0..2 {
            let again = run(&[command, "--force", path.to_str().expect("UTF-8"), "--config", &config], "");
            assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
        }
        let (code, said) = refusal(&[command, path.to_str().expect("UTF-8"), "--config", &config]);
        assert!(code == Some(1) && said.contains("--force replaces it"), "{said}");
    }
    drop(listener);
}

#[test]
fn a_damaged_backup_is_refused_and_nothing_is_touched() {
    let (lived, server) = Lived::new();
    assert_eq!(server.stops(), Some(0));
    let backup = text(&lived.folder.join("backup"));
    shown(&lived.with(&["backup", &backup]), "");
    let whole = std::fs::read(&backup).expect("written");
    let before = records(&lived.folder.join("gatelodge.redb"));
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for (bytes, words) in [
        (&flipped[..], "the backup is damaged"),
        (&whole[..whole.len() - 1], "the backup is damaged"),
        (&whole[..10], "was not made by Gatelodge"),
        (b"hello", "was not made by Gatelodge"),
    ] {
        std::fs::write(&backup, bytes).expect("written");
        let (code, message) = refusal(&lived.with(&["restore", &backup, "--force"]));
        assert_eq!((code, message.contains(words)), (Some(1), true), "{message}");
    }
    let (code, message) = refusal(&lived.with(&["restore", "/nowhere/backup", "--force"]));
    assert_eq!((code, message.contains("name the file of a backup")), (Some(1), true), "{message}");
    assert!(records(&lived.folder.join("gatelodge.redb")) == before, "nothing was touched");
}

#[test]
fn an_export_holds_everything_and_is_imported_to_the_same_records() {
    let (lived, server) = Lived::new();
    server
        .client()
        .api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD, "remember": true}))
        .expect(200);
    server.client().api("POST", "/login", &json!({"identity": ALICE, "password": OTHER_PASSWORD})).expect(401);
    server.client().api("POST", "/register", &json!({"email": "new@example.org", "password": PASSWORD})).expect(202);
    server.client().api("POST", "/forgot", &json!({"email": ALICE})).expect(202);
    let file = text(&lived.folder.join("export"));
    shown(&lived.with(&["export", &file]), "");
    assert_eq!(server.stops(), Some(0));
    // Once more without a server, so that it can be compared with the store as it is.
    shown(&lived.with(&["export", &file, "--force"]), "");
    let before = records(&lived.folder.join("gatelodge.redb"));
    let lines = std::fs::read_to_string(&file).expect("UTF-8");
    assert_eq!(lines.lines().count(), before.len() + 2);
    let account = lines.lines().find(|line| line.contains("\"table\":\"accounts\"")).expect("an account");
    let account: Value = serde_json::from_str(account).expect("JSON");
    assert!(account["value"]["password"].as_str().is_some_and(|hash| hash.starts_with("$argon2id$")));
    assert!(!lines.contains(PASSWORD));

    let elsewhere = Folder::new();
    let config = configuration(&elsewhere.0, free_port(), &file_mail(&elsewhere.0));
    std::fs::copy(lived.folder.join("sealing-key"), elsewhere.join("sealing-key")).expect("copied");
    shown(&["import", "gatelodge", &file, "--config", &config], "");
    let after = records(&elsewhere.join("gatelodge.redb"));
    let differs = |key: &[u8]| {
        // The generation is new, mails are held (so none is due), and the audit log tells of the import.
        // So is the floor of time, which the import raises to the present.
        key == b"\0generation"
            || [schema::FLOORS, schema::MAILS, schema::MAILS_DUE, schema::MAILS_BEHIND, schema::MAILS_OF]
                .map(|range| range.prefix)
                .contains(&key[0])
            || [schema::AUDIT_HEADS.prefix, schema::AUDIT_MARKS.prefix].contains(&key[0])
    };
    let kept: Vec<_> = before.iter().filter(|(key, _)| !differs(key)).collect();
    assert!(kept.len() > 15, "{}", kept.len());
    for (key, value) in kept {
        assert_eq!(after.get(key), Some(value), "{key:?}");
    }
    shown(&["audit", "verify", "--config", &config], "");

    let after = records(&elsewhere.join("gatelodge.redb"));
    for (broken, words) in [
        (lines.replacen("\"table\":\"accounts\"", "\"table\":\"acounts\"", 1), "is not a record"),
        (lines.replacen("$argon2id$", "$argon2d$", 1), "is not a record"),
        ("{}\n".to_owned(), "was not made by Gatelodge"),
        (lines.replacen("\"gatelodge_export\":2", "\"gatelodge_export\":3", 1), "a later program"),
    ] {
        std::fs::write(&file, broken).expect("written");
        let (code, message) = refusal(&["import", "gatelodge", &file, "--force", "--config", &config]);
        assert_eq!((code, message.contains(words)), (Some(1), true), "{message}");
    }
    assert!(records(&elsewhere.join("gatelodge.redb")) == after, "nothing was touched");
    let (code, _) = refusal(&["import", "flask", &file, "--config", &config]);
    assert_eq!(code, Some(2));
}

#[test]
fn an_export_goes_to_standard_output_too() {
    let (lived, server) = Lived::new();
    let output = run(&lived.with(&["export", "-"]), "");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        text.starts_with("{\"gatelodge_export\":2")
            && text.lines().last().is_some_and(|line| line.starts_with("{\"end\":"))
            && text.lines().count() > 5
    );
    assert_eq!(server.stops(), Some(0));
}

struct Listed(std::vec::IntoIter<Pair>);

impl Records for Listed {
    fn next(&mut self) -> Result<Option<Pair>, ArchiveError> {
        Ok(self.0.next())
    }
}

fn taken_apart(path: &Path) -> (Heading, Vec<Pair>) {
    let file = std::io::BufReader::new(std::fs::File::open(path).expect("there"));
    let mut archive = Archive::open(file, gatelodge::store::known_format()).expect("a backup");
    let mut pairs = Vec::new();
    while let Some(pair) = archive.next().expect("whole") {
        pairs.push(pair);
    }
    (archive.heading, pairs)
}

/// What an intruder makes of a backup who can write to where it lies, and has not the key.
fn put_together(path: &Path, (heading, pairs): (Heading, Vec<Pair>), key: Option<&SealingKey>) {
    let mut bytes = Vec::new();
    write_records(&heading, &mut Listed(pairs.into_iter()), key, &mut bytes).expect("memory");
    std::fs::write(path, bytes).expect("written");
}

#[test]
fn a_backup_that_somebody_else_wrote_or_changed_is_refused() {
    let (lived, server) = Lived::new();
    let backup = lived.folder.join("backup");
    // The running server signs what the command line writes.
    shown(&lived.with(&["backup", &text(&backup)]), "");
    assert_eq!(server.stops(), Some(0));
    let key = read_key(&lived.folder.join("sealing-key")).expect("a key").expect("there");
    let (heading, is_signed) = heading_of(&backup).expect("a backup");
    assert!(is_signed && heading.audit.as_ref().is_some_and(|audit| audit.next > 2), "{heading:?}");
    gatelodge::store::verify_file(&backup, Trust::Key(key.clone())).expect("ours");
    let before = records(&lived.folder.join("gatelodge.redb"));

    let (heading, pairs) = taken_apart(&backup);
    let alice = pairs.iter().find(|(key, _)| key[0] == schema::ACCOUNTS.prefix).expect("an account").0[1..].to_vec();
    let mut forged = pairs.clone();
    forged.push(([&[schema::MEMBERS.prefix], b"admins\0".as_slice(), &alice].concat(), vec![1]));
    forged.sort_unstable();
    let others = SealingKey::draw(&mut gatelodge::base::Moment::new(gatelodge::base::BUILD_DATE, [9; 32]));
    let restore = text(&backup);
    for (key, words) in [(None, "carries no code"), (Some(&others), "was not written by whoever has the sealing key")] {
        put_together(&backup, (heading.clone(), forged.clone()), key);
        let (code, message) = refusal(&lived.with(&["restore", &restore, "--force"]));
        assert_eq!((code, message.contains(words)), (Some(1), true), "{message}");
    }
    // The code is over the records: that of another backup does not fit.
    let mut spliced = Vec::new();
    write_records(&heading, &mut Listed(forged.clone().into_iter()), Some(&others), &mut spliced).expect("memory");
    let mut genuine = Vec::new();
    write_records(&heading, &mut Listed(pairs.clone().into_iter()), Some(&key), &mut genuine).expect("memory");
    let end = spliced.len() - 32;
    spliced[end..].copy_from_slice(&genuine[genuine.len() - 32..]);
    std::fs::write(&backup, spliced).expect("written");
    let (code, message) = refusal(&lived.with(&["restore", &restore, "--force", "--accept-unsigned"]));
    assert_eq!((code, message.contains("was changed, or made up")), (Some(1), true), "{message}");
    assert!(records(&lived.folder.join("gatelodge.redb")) == before, "nothing was touched");

    // One of an older program, from a place that is trusted.
    put_together(&backup, (heading, pairs), None);
    let output =
        run(&[&lived.with(&["restore", &restore, "--force", "--accept-unsigned"])[..], &["--json"]].concat(), "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("WARNING") && said.contains("does not prove"), "{said}");
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).expect("JSON")["signed"], false);
    let rows = shown(&lived.with(&["audit", "list", "--act", "restored"]), "");
    assert!(rows["items"][0]["detail"].as_str().is_some_and(|detail| detail.ends_with(", unsigned")), "{rows}");
}

#[test]
fn an_export_that_was_cut_or_changed_is_refused() {
    let (lived, server) = Lived::new();
    let file = lived.folder.join("export");
    shown(&lived.with(&["export", &text(&file)]), "");
    assert_eq!(server.stops(), Some(0));
    let whole = std::fs::read_to_string(&file).expect("UTF-8");
    let lines: Vec<&str> = whole.lines().collect();
    let joined = |lines: &[&str]| format!("{}\n", lines.join("\n"));
    let swapped = [&lines[..1], &[lines[2], lines[1]], &lines[3..]].concat();
    let without_one = [&lines[..4], &lines[5..]].concat();
    let changed = whole.replacen("\"groups\":[]", "\"groups\":[\"admins\"]", 1);
    assert_ne!(changed, whole);
    let other_code = whole.replace(&whole[whole.len() - 12..], "AAAAAAAA\"}}\n");
    let as_of_before =
        joined(&lines[..lines.len() - 1]).replacen("\"gatelodge_export\":2", "\"gatelodge_export\":1", 1);
    let before = records(&lived.folder.join("gatelodge.redb"));
    let import = text(&file);
    for (bytes, words) in [
        (joined(&lines[..lines.len() - 1]), "the export is damaged"),
        (joined(&lines[..lines.len() - 3]), "the export is damaged"),
        (whole[..whole.len() - 20].to_owned(), "is not a record"),
        (joined(&swapped), "the export is damaged"),
        (joined(&without_one), "the export is damaged"),
        (format!("{whole}{}\n", lines[3]), "the export is damaged"),
        (changed, "the export is damaged"),
        (other_code, "was changed, or made up"),
        (as_of_before.clone(), "carries no code"),
    ] {
        std::fs::write(&file, bytes).expect("written");
        for command in
            [&["import", "gatelodge", &import, "--force"][..], &["restore", "--from-export", &import, "--force"]]
        {
            let (code, message) = refusal(&lived.with(command));
            assert_eq!((code, message.contains(words)), (Some(1), true), "{words}: {message}");
        }
    }
    assert!(records(&lived.folder.join("gatelodge.redb")) == before, "nothing was touched");
    std::fs::write(&file, as_of_before).expect("written");
    shown(&lived.with(&["import", "gatelodge", &import, "--force", "--accept-unsigned"]), "");
    let rows = shown(&lived.with(&["audit", "list", "--act", "imported"]), "");
    assert!(rows["items"][0]["detail"].as_str().is_some_and(|detail| detail.ends_with(", unsigned")), "{rows}");
    std::fs::write(&file, whole).expect("written");
    shown(&lived.with(&["restore", "--from-export", &import, "--force"]), "");
    assert_eq!(shown(&lived.with(&["user", "show", ALICE]), "")["email"], ALICE);
}

/// The lines of an export without its end, as older programs wrote them, and put in place by somebody who may.
fn unsigned(lines: &[String]) -> String {
    let first = lines[0].replacen("\"gatelodge_export\":2", "\"gatelodge_export\":1", 1);
    [&[first], &lines[1..]].concat().join("\n") + "\n"
}

#[test]
fn a_log_that_lacks_rows_is_not_made_whole_by_putting_it_in_place() {
    let (lived, server) = Lived::new();
    server.client().api("POST", "/login", &json!({"identity": ALICE, "password": OTHER_PASSWORD})).expect(401);
    let file = lived.folder.join("export");
    shown(&lived.with(&["export", &text(&file)]), "");
    assert_eq!(server.stops(), Some(0));
    let lines: Vec<String> = std::fs::read_to_string(&file).expect("UTF-8").lines().map(str::to_owned).collect();
    let lines = &lines[..lines.len() - 1];
    let is_of = |line: &String, table: &str| line.contains(&format!("\"table\":\"{table}\""));
    let rows: Vec<usize> = (0..lines.len()).filter(|at| is_of(&lines[*at], "audit")).collect();
    let value = |at: usize| serde_json::from_str::<Value>(&lines[at]).expect("JSON")["value"].clone();
    let (newest, before) = (rows[rows.len() - 1], rows[rows.len() - 2]);
    let head = lines.iter().position(|line| is_of(line, "audit heads")).expect("a head");
    let mut set_back: Value = serde_json::from_str(&lines[head]).expect("JSON");
    set_back["value"]["next"] = json!(set_back["value"]["next"].as_u64().expect("a number") - 1);
    set_back["value"]["last"] = value(before)["chained"].clone();
    let without = |gone: &dyn Fn(usize) -> bool| -> Vec<String> {
        (0..lines.len()).filter(|at| !gone(*at)).map(|at| lines[at].clone()).collect()
    };
    let mut cut = without(&|at| at == newest);
    cut[head - 1] = set_back.to_string();
    let emptied = without(&|at| {
        is_of(&lines[at], "audit") || is_of(&lines[at], "audit heads") || is_of(&lines[at], "audit marks")
    });
    let before = records(&lived.folder.join("gatelodge.redb"));
    let import = text(&file);
    for (tampered, words) in [
        (cut, "the log's head was not written with this store's key"),
        (without(&|at| at == newest), "is missing"),
        (without(&|at| at == rows[0]), "row 1 is missing"),
        (without(&|at| at == head), "the log's head is missing"),
        (emptied, "the log's head is missing"),
    ] {
        std::fs::write(&file, unsigned(&tampered)).expect("written");
        let command = lived.with(&["import", "gatelodge", &import, "--force", "--accept-unsigned"]);
        let (code, message) = refusal(&command);
        assert_eq!((code, message.contains(words)), (Some(1), true), "{words}: {message}");
        assert!(records(&lived.folder.join("gatelodge.redb")) == before, "nothing was touched");
    }
    // The last of them is taken when somebody insists, and the log says so for good.
    shown(&lived.with(&["import", "gatelodge", &import, "--force", "--accept-unsigned", "--accept-broken-log"]), "");
    let (code, message) = refusal(&lived.with(&["audit", "verify"]));
    assert_eq!((code, message.contains("had been changed from outside")), (Some(1), true), "{message}");
    let server = Server::start(&["serve", "--config", &lived.config], lived.port);
    server.client().api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(200);
    let rows = shown(&lived.with(&["audit", "list", "--act", "audit-broken"]), "");
    assert_eq!(rows["items"].as_array().map(Vec::len), Some(1), "{rows}");
    // A backup of it can be restored: nothing new is hidden by that.
    let backup = text(&lived.folder.join("backup"));
    shown(&lived.with(&["backup", &backup]), "");
    assert_eq!(server.stops(), Some(0));
    shown(&lived.with(&["restore", &backup, "--force"]), "");
}

/// With the real binary: the second factor's last code is one of before the backup, and was used since.
#[test]
fn no_code_of_before_a_restore_is_taken_after_it() {
    let (lived, server) = Lived::new();
    let mut alice = server.client();
    alice.api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(200);
    let begun = alice.api("POST", "/account/factors/totp", &json!({"name": "Phone"})).expect(200).json();
    let now = shown(&lived.with(&["clock", "show"]), "")["wall"].as_str().and_then(Timestamp::parse).expect("a time");
    let seed = stories::read_key(begun["key"].as_str().expect("a key"));
    let code = seed.shown_at(now);
    alice.api("POST", "/account/factors/totp/confirm", &json!({"id": begun["id"], "code": code})).expect(200);
    let file = lived.folder.join("export");
    shown(&lived.with(&["export", &text(&file)]), "");
    assert_eq!(server.stops(), Some(0));
    let mut lines: Vec<String> = std::fs::read_to_string(&file).expect("UTF-8").lines().map(str::to_owned).collect();
    lines.pop();
    let factor = lines.iter_mut().find(|line| line.contains("\"table\":\"second factors\"")).expect("a factor");
    let mut unused: Value = serde_json::from_str(factor).expect("JSON");
    unused["value"]["last_step"] = json!(0);
    *factor = unused.to_string();
    std::fs::write(&file, unsigned(&lines)).expect("written");
    shown(&lived.with(&["import", "gatelodge", &text(&file), "--force", "--accept-unsigned"]), "");
    let server = Server::start(&["serve", "--config", &lived.config], lived.port);
    let mut again = server.client();
    again.api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(401);
    again.api("POST", "/login/second-factor", &json!({"code": code})).expect(401);
}

/// A name that nobody has is made to wait as long as one that somebody has: one dear hash would stop every login.
#[test]
fn hashes_that_would_stop_every_login_are_not_imported() {
    let (lived, server) = Lived::new();
    server.client().api("POST", "/register", &json!({"email": "new@example.org", "password": PASSWORD})).expect(202);
    let file = lived.folder.join("export");
    shown(&lived.with(&["export", &text(&file)]), "");
    assert_eq!(server.stops(), Some(0));
    let mut lines: Vec<String> = std::fs::read_to_string(&file).expect("UTF-8").lines().map(str::to_owned).collect();
    lines.pop();
    let import = text(&file);
    let changed = |table: &str, change: &dyn Fn(&str) -> String| -> Vec<String> {
        let is_of = format!("\"table\":\"{table}\"");
        lines.iter().map(|line| if line.contains(&is_of) { change(line) } else { line.clone() }).collect()
    };
    let dearer =
        |line: &str| line.replace("m=8192,t=1,p=1", "m=1048576,t=64,p=1").replace("[8192,[1,1]]", "[1048576,[64,1]]");
    for table in ["accounts", "registrations", "password costs"] {
        let dear = changed(table, &dearer);
        assert!(dear != lines, "{table}");
        std::fs::write(&file, unsigned(&dear)).expect("written");
        let command = lived.with(&["import", "gatelodge", &import, "--force", "--accept-unsigned"]);
        let (code, message) = refusal(&command);
        assert_eq!((code, message.contains("more than logins here may cost")), (Some(1), true), "{table}: {message}");
    }
    // A count may be any number, and is added to others.
    let counted = changed("password costs", &|line| {
        let mut row: Value = serde_json::from_str(line).expect("JSON");
        row["value"] = json!(u64::MAX);
        let another = json!({"table": "password costs", "key": [8, [2, 1]], "value": u64::MAX});
        format!("{row}\n{another}")
    });
    std::fs::write(&file, unsigned(&counted)).expect("written");
    shown(&lived.with(&["import", "gatelodge", &import, "--force", "--accept-unsigned"]), "");
    let server = Server::start(&["serve", "--config", &lived.config], lived.port);
    server.client().api("POST", "/login", &json!({"identity": "nobody", "password": PASSWORD})).expect(401);
}

/// The store's file is edited while the server is stopped, by somebody who has not the key.
fn edit(path: &Path, edit: impl Fn(&mut dyn gatelodge::store::Transaction)) {
    let engine = RedbEngine::open(path, 1 << 20).expect("whole");
    engine
        .write(&mut |tx| {
            edit(tx);
            Ok(gatelodge::store::Commit::Yes)
        })
        .expect("written");
}

#[test]
fn a_log_that_was_emptied_or_put_back_is_noticed_and_people_log_in_all_the_same() {
    let (lived, server) = Lived::new();
    server.client().api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(200);
    assert_eq!(server.stops(), Some(0));
    let store = lived.folder.join("gatelodge.redb");
    let early = std::fs::read(&store).expect("there");
    let server = Server::start(&["serve", "--config", &lived.config], lived.port);
    let backup = text(&lived.folder.join("backup"));
    shown(&lived.with(&["backup", &backup]), "");
    assert_eq!(shown(&lived.with(&["audit", "verify", "--against", &backup]), "")["verified"], true);
    assert_eq!(server.stops(), Some(0));
    assert_eq!(shown(&lived.with(&["audit", "verify", "--against", &backup]), "")["verified"], true);

    // An older state of the whole store holds in itself; only what lies elsewhere tells.
    let late = std::fs::read(&store).expect("there");
    std::fs::write(&store, early).expect("written");
    shown(&lived.with(&["audit", "verify"]), "");
    let (code, message) = refusal(&lived.with(&["audit", "verify", "--against", &backup]));
    assert_eq!((code, message.contains("the log ends before row")), (Some(1), true), "{message}");

    std::fs::write(&store, late).expect("written");
    edit(&store, |tx| {
        for range in [schema::AUDIT, schema::AUDIT_HEADS, schema::AUDIT_MARKS] {
            for (key, _) in tx.scan(&KeySpan::prefix(&[range.prefix]), Direction::Up, usize::MAX).expect("readable") {
                tx.delete(&key).expect("deleted");
            }
        }
    });
    let (code, message) = refusal(&lived.with(&["audit", "verify"]));
    assert_eq!((code, message.contains("the log's head is missing")), (Some(1), true), "{message}");
    let server = Server::start(&["serve", "--config", &lived.config], lived.port);
    server.client().api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(200);
    let (code, message) = refusal(&lived.with(&["audit", "verify"]));
    assert_eq!((code, message.contains("had been changed from outside")), (Some(1), true), "{message}");
    let found = run(&[&lived.with(&["doctor"])[..], &["--json"]].concat(), "");
    let found = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(found.contains("had been changed from outside"), "{found}");
    assert_eq!(server.stops(), Some(0));
}

/// The folder of snapshots is read and believed: what lies there must not keep others from being taken, nor be named as good.
#[test]
fn a_file_among_the_snapshots_that_somebody_put_there_changes_nothing() {
    let world = World::new();
    let folder = Folder::new();
    let settings = Backups { directory: Some(folder.join("snapshots")), every: Span::from_seconds(DAY), keep: 9 };
    let take = || world.app.take_snapshot(&settings).expect("taken");
    let first = take().expect("due");
    let key = (*world.app.env().seal).clone();
    let (mut heading, pairs) = taken_apart(&first);
    heading.created_at = "2999-01-01T00:00:00Z".into();
    put_together(&folder.join(&format!("snapshots/snapshot-{}.gatelodge", u64::MAX)), (heading, pairs), None);
    let snapshots = folder.join("snapshots");
    let newest = |key: Option<&SealingKey>| gatelodge::app::newest_good_snapshot(&snapshots, key);
    assert_eq!(newest(Some(&key)), Some(first));
    world.advance(DAY);
    assert!(take().is_some(), "one was due");
}

#[test]
fn the_export_knows_every_table() {
    let exported: Vec<u8> = export::TABLES.iter().map(|table| table.range().prefix).collect();
    let mut all: Vec<u8> = schema::ALL.iter().map(|range| range.prefix).collect();
    let mut sorted = exported.clone();
    sorted.sort_unstable();
    all.sort_unstable();
    assert_eq!(sorted, all);
}

fn archived(path: &Path) -> usize {
    let file = std::fs::File::open(path).expect("there");
    let mut archive = Archive::open(std::io::BufReader::new(file), gatelodge::store::known_format()).expect("a backup");
    let mut count = 0;
    while archive.next().expect("whole").is_some() {
        count += 1;
    }
    count
}

#[test]
fn snapshots_are_taken_by_schedule_and_the_newest_are_kept() {
    let world = World::new();
    let folder = Folder::new();
    let settings = Backups { directory: Some(folder.join("snapshots")), every: Span::from_seconds(DAY), keep: 3 };
    let take = || world.app.take_snapshot(&settings).expect("taken");
    let first = take().expect("due");
    assert_eq!(archived(&first), world.records().len());
    assert_eq!(std::fs::metadata(&first).expect("there").permissions().mode() & 0o777, 0o600);
    world.advance(23 * HOUR);
    assert_eq!(take(), None);
    for _ in 0..5 {
        world.advance(DAY);
        take().expect("due");
    }
    let mut names: Vec<_> = std::fs::read_dir(folder.join("snapshots"))
        .expect("there")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["snapshot-00000004.gatelodge", "snapshot-00000005.gatelodge", "snapshot-00000006.gatelodge"]);
}

#[test]
fn a_damaged_or_missing_store_is_refused_with_the_newest_good_snapshot() {
    let folder = Folder::new();
    let port = free_port();
    let snapshots = folder.join("snapshots");
    let settings = format!("[backup]\ndirectory = \"{}\"\n{}", snapshots.display(), file_mail(&folder.0));
    let config = configuration(&folder.0, port, &settings);
    shown(&["user", "add", ALICE, "--confirmed", "--password-stdin", "--config", &config], &format!("{PASSWORD}\n"));
    let mut server = Server::start(&["serve", "--config", &config], port);
    server.says("snapshot taken");
    assert_eq!(server.stops(), Some(0));
    // A newer one is no good.
    std::fs::write(snapshots.join("snapshot-00000002.gatelodge"), "gatelodge backup 2\n....").expect("written");
    let store = folder.join("gatelodge.redb");
    let whole = std::fs::read(&store).expect("there");
    let good = snapshots.join("snapshot-00000001.gatelodge");
    let names_it = |message: &str| message.contains(&format!("the newest good snapshot is {}", good.display()));

    std::fs::write(&store, vec![7; whole.len()]).expect("written");
    let (code, message) = refusal(&["serve", "--config", &config]);
    assert_eq!((code, names_it(&message)), (Some(65), true), "{message}");
    std::fs::write(&store, "").expect("written");
    let (code, message) = refusal(&["serve", "--config", &config]);
    assert_eq!((code, names_it(&message)), (Some(65), true), "{message}");
    std::fs::remove_file(&store).expect("removed");
    let (code, message) = refusal(&["serve", "--config", &config]);
    assert_eq!((code, names_it(&message)), (Some(65), true), "{message}");
    assert!(!store.exists(), "never an empty one in its place");

    shown(&["restore", &text(&good), "--force", "--config", &config], "");
    let server = Server::start(&["serve", "--config", &config], port);
    server.client().api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(200);
}

#[test]
fn a_damaged_block_anywhere_is_found_before_anybody_is_served() {
    let (lived, server) = Lived::new();
    assert_eq!(server.stops(), Some(0));
    let store = lived.folder.join("gatelodge.redb");
    let whole = std::fs::read(&store).expect("there");
    let before = shown(&lived.with(&["user", "list"]), "");
    let mut refused = 0;
    for block in 0..whole.len() / 4096 {
        let mut damaged = whole.clone();
        damaged[block * 4096..(block + 1) * 4096].iter_mut().for_each(|byte| *byte = !*byte);
        std::fs::write(&store, damaged).expect("written");
        let output = run(&[&lived.with(&["user", "list"])[..], &["--json"]].concat(), "");
        match output.status.code() {
            Some(65) => refused += 1,
            // A page that holds nothing: everything is there.
            Some(0) => assert_eq!(serde_json::from_slice::<Value>(&output.stdout).expect("JSON"), before, "{block}"),
            other => panic!("{other:?}: {}", String::from_utf8_lossy(&output.stderr)),
        }
    }
    assert!(refused > 5, "{refused}");
}

#[test]
fn a_timer_keeps_the_newest_snapshots_of_a_folder() {
    let (lived, _server) = Lived::new();
    let folder = lived.folder.join("kept");
    std::fs::create_dir(&folder).expect("made");
    let path = text(&folder);
    for _ in 0..3 {
        shown(&lived.with(&["backup", "--keep", "2", &path]), "");
    }
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).expect("there").map(|entry| entry.expect("one").file_name()).collect();
    names.sort();
    assert_eq!(names, ["snapshot-00000002.gatelodge", "snapshot-00000003.gatelodge"]);
    let (code, said) = refusal(&lived.with(&["backup", "--keep", "0", &path]));
    assert_eq!(code, Some(2), "{said}");
    let (code, said) = refusal(&lived.with(&["backup", "--keep", "2", &text(&lived.folder.join("nowhere"))]));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("nowhere"), "{said}");
}
