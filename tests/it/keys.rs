//! The sealing key is replaced by another: what was given out before goes on working, and a cut at any moment leaves a store
//! that opens.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gatelodge::accounts::keyring;
use gatelodge::admin::reseal;
use gatelodge::base::{AccountId, MINUTE, Moment, Timestamp};
use gatelodge::crypto::{SealingKey, base64url};
use gatelodge::export;
use gatelodge::store::{
    Ballast, KeyChange, OpenError, OpenedStore, StoreError, old_key_path, open_file, open_memory, read_key,
};
use gatelodge::throttle::{Device, DeviceId, Devices};
use serde_json::{Value, json};

use crate::process::{Server, configuration, file_mail, free_port, refusal, run, shown};
use crate::store::Folder;
use crate::stories;
use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, World};

fn moment() -> Moment {
    Moment::new(Timestamp::from_seconds(2_000_000_000), [5; 32])
}

/// With the real binary: everything that hangs on a key, before and after.
#[test]
fn what_was_given_out_before_works_under_the_new_key() {
    let folder = Folder::new();
    let port = free_port();
    let nowhere = format!(
        "[mail]\nfrom = \"a@example.org\"\n[mail.smtp]\nhost = \"localhost\"\nport = {}\nsecurity = \"none\"\n",
        free_port()
    );
    let config = configuration(&folder.0, port, &nowhere);
    let with = |arguments: &[&str]| shown(&[arguments, &["--config", &config]].concat(), "");
    shown(&["user", "add", ALICE, "--confirmed", "--password-stdin", "--config", &config], &format!("{PASSWORD}\n"));
    let server = Server::start(&["serve", "--config", &config], port);
    let mut alice = server.client();
    let password = json!({"identity": ALICE, "password": PASSWORD});
    alice.api("POST", "/login", &password).expect(200);
    // Bob's link is signed, and the mail with it waits, sealed: there is no mail server.
    server.client().api("POST", "/register", &json!({"email": "bob@example.org", "password": PASSWORD})).expect(202);
    let now = || with(&["clock", "show"])["wall"].as_str().and_then(Timestamp::parse).expect("a time");
    // By the code of the step before, so that the present one is still to be used; it may end meanwhile.
    let (seed, codes) = (0..5)
        .find_map(|_| {
            let begun = alice.api("POST", "/account/factors/totp", &json!({"name": "Phone"})).expect(200).json();
            let seed = stories::read_key(begun["key"].as_str().expect("a key"));
            let confirm = json!({"id": begun["id"], "code": seed.shown_at(now().minus(30))});
            let confirmed = alice.api("POST", "/account/factors/totp/confirm", &confirm);
            (confirmed.status() == 200).then(|| (seed, confirmed.json()["recovery_codes"].clone()))
        })
        .expect("a step lasts longer than this");
    let second = |code: &Value| json!({"code": code, "trust_browser": true});
    let mut trusted = server.client();
    trusted.api("POST", "/login", &password).expect(401);
    trusted.api("POST", "/login/second-factor", &second(&codes[0])).expect(200);
    let key_file = folder.join("sealing-key");
    let (code, said) = refusal(&["key", "rotate", "--sealing", "--config", &config]);
    assert_eq!((code, said.contains("while the server is stopped")), (Some(1), true), "{said}");
    let backup = folder.join("backup");
    let backup = backup.to_str().expect("UTF-8");
    with(&["backup", backup]);
    assert_eq!(server.stops(), Some(0));

    let before = std::fs::read_to_string(&key_file).expect("there");
    let rotated = with(&["key", "rotate", "--sealing"]);
    assert_ne!(std::fs::read_to_string(&key_file).expect("there"), before);
    let old = PathBuf::from(rotated["old_key"].as_str().expect("a path"));
    assert_eq!(std::fs::read_to_string(&old).expect("kept"), before);
    assert_eq!(with(&["audit", "list", "--act", "key-rotated"])["items"][0]["detail"], "sealing key");
    with(&["audit", "verify"]);

    // The mail that waited leaves now, and its link works; so does every other proof, and the certificate.
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    let mut server = Server::start(&["serve", "--config", &config], port);
    trusted.reconnect(server.port);
    trusted.api("GET", "/session", &Value::Null).expect(200);
    trusted.api("POST", "/login", &password).expect(200);
    let mut stranger = server.client();
    stranger.api("POST", "/login", &password).expect(401);
    stranger.api("POST", "/login/second-factor", &second(&json!(seed.shown_at(now())))).expect(200);
    let mut stranger = server.client();
    stranger.api("POST", "/login", &password).expect(401);
    stranger.api("POST", "/login/second-factor", &second(&codes[0])).expect(401);
    stranger.api("POST", "/login/second-factor", &second(&codes[1])).expect(200);
    let token = loop {
        let line = server.reads_until_either(&["mail delivered", "damaged record"]);
        assert!(line.contains("mail delivered"), "{line}");
        if let Some(token) = token_for("bob@example.org", &folder.join("mail")) {
            break token;
        }
    };
    server.client().api("POST", "/confirm", &json!({"token": token, "password": PASSWORD})).expect(200);
    assert_eq!(server.stops(), Some(0));

    // The old key opens nothing any more but the backup that was made under it.
    let new = std::fs::read(&key_file).expect("there");
    let (code, said) = refusal(&["restore", backup, "--force", "--config", &config]);
    assert!(code == Some(1) && said.contains(old.to_str().expect("UTF-8")), "{said}");
    std::fs::copy(&old, &key_file).expect("copied");
    let (code, said) = refusal(&["user", "list", "--config", &config]);
    assert_eq!((code, said.contains("another store's")), (Some(65), true), "{said}");
    std::fs::write(&key_file, new).expect("written");
    with(&["user", "list"]);
    std::fs::copy(&old, &key_file).expect("copied");
    with(&["restore", backup, "--force"]);
    with(&["user", "list"]);
}

/// The token in a mail to this address, among those of a folder.
fn token_for(address: &str, folder: &Path) -> Option<String> {
    let mails = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("readable").path());
    mails.filter_map(|path| std::fs::read_to_string(path).ok()).find_map(|text| {
        let text = text.replace("=\r\n", "");
        let start = text.contains(address).then(|| text.find("glt_")).flatten()?;
        Some(text[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || "_-".contains(*c)).collect())
    })
}

#[test]
fn links_that_are_out_die_when_their_keys_are_ended() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let ask = || {
        world.visitor().api("POST", "/forgot", json!({"email": ALICE})).expect(202);
        world.only_letter_to(ALICE).token()
    };
    let before = ask();
    world.command(json!({"command": "key-rotate"})).expect("rotated");
    world.visitor().api("POST", "/reset/check", json!({"token": before})).expect(200);
    world.command(json!({"command": "key-revoke"})).expect("ended");
    world.visitor().api("POST", "/reset/check", json!({"token": before})).refused(403, "token_invalid");
    world.advance(6 * MINUTE);
    world.visitor().api("POST", "/reset", json!({"token": ask(), "password": OTHER_PASSWORD})).expect(200);
}

fn open(folder: &Folder) -> Result<OpenedStore, OpenError> {
    let path = folder.join("gatelodge.redb");
    open_file(&path, &folder.join("sealing-key"), (1 << 20, Ballast::beside(&path, 0)), &mut moment())
}

/// How far a rotation has come when the power goes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cut {
    /// Only half of the new key was written.
    HalfAKey,
    /// The new key is beside the old one.
    Begun,
    /// The store is sealed with it.
    Committed,
    /// Everything is done.
    Finished,
}

#[test]
fn a_rotation_that_is_cut_off_anywhere_leaves_a_store_that_opens() {
    for cut in [Cut::HalfAKey, Cut::Begun, Cut::Committed, Cut::Finished] {
        let folder = Folder::new();
        let key_path = folder.join("sealing-key");
        let opened = open(&folder).expect("made");
        let old = opened.sealing_key.clone();
        let seal = old.clone();
        let signing = opened.store.write(moment(), move |tx, moment| keyring::load_or_make(tx, moment, &seal));
        let signing = signing.expect("made").newest().expect("one").expose().to_owned();
        let account = AccountId::from_bytes([7; 16]);
        let cookie = Devices::default().with(
            Device::new(account, DeviceId([8; 16]), 0, moment().now()),
            &old,
            &opened.generation,
        );
        let new = old.successor(&mut Moment::new(Timestamp::default(), [6; 32]));
        let change = KeyChange::begin(&key_path, &old, &new).expect("written");
        if cut == Cut::HalfAKey {
            let next = folder.join("sealing-key.next");
            let text = std::fs::read_to_string(&next).expect("there");
            std::fs::write(&next, &text[..30]).expect("written");
        }
        if cut == Cut::Committed || cut == Cut::Finished {
            let keys = (old.clone(), new.clone());
            let sealed = opened.store.write(moment(), move |tx, moment| reseal(tx, moment, (&keys.0, &keys.1)));
            sealed.expect("sealed anew");
        }
        if cut == Cut::Finished {
            change.finish().expect("renamed");
        }
        drop(opened);

        for _ in 0..2 {
            let opened = open(&folder).unwrap_or_else(|error| panic!("{cut:?}: {error}"));
            let expected = if matches!(cut, Cut::HalfAKey | Cut::Begun) { &old } else { &new };
            assert_eq!(opened.sealing_key.fingerprint(), expected.fingerprint(), "{cut:?}");
            let on_disk = read_key(&key_path).expect("readable").expect("there");
            assert_eq!(on_disk.fingerprint(), expected.fingerprint(), "{cut:?}");
            assert!(!folder.join("sealing-key.next").exists(), "{cut:?}");
            assert!(old_key_path(&key_path, &old.fingerprint()).exists());
            let found = opened.store.read(|view| keyring::load(view, &opened.sealing_key)).expect("opens");
            assert_eq!(found.newest().map(|key| *key.expose()), Some(signing), "{cut:?}");
            let devices = Devices::read(&cookie, &opened.sealing_key, &opened.generation, moment().now());
            assert!(devices.of(account).is_some(), "{cut:?}: the browser is known");
        }
    }
}

/// How much later in each round.
const LATER: Duration = Duration::from_micros(500);

/// The real binary is killed in the middle, again and again, as soon as the new key is on the disk or a little later.
#[test]
fn a_rotation_that_is_killed_leaves_a_store_that_opens() {
    let folder = Folder::new();
    let config = configuration(&folder.0, free_port(), &file_mail(&folder.0));
    shown(&["user", "add", ALICE, "--confirmed", "--password-stdin", "--config", &config], &format!("{PASSWORD}\n"));
    let next = folder.join("sealing-key.next");
    for round in 0..20u32 {
        let mut rotating = Command::new(env!("CARGO_BIN_EXE_gatelodge"))
            .args(["key", "rotate", "--sealing", "--config", &config])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let has_ended = |rotating: &mut std::process::Child| rotating.try_wait().expect("a child").is_some();
        while !next.exists() && !has_ended(&mut rotating) {}
        let begun = Instant::now();
        while begun.elapsed() < LATER * round && !has_ended(&mut rotating) {}
        let _ = rotating.kill();
        rotating.wait().expect("a child");
        assert_eq!(shown(&["user", "show", ALICE, "--config", &config], "")["email"], ALICE, "round {round}");
        assert!(!next.exists(), "round {round}");
        shown(&["audit", "verify", "--config", &config], "");
    }
}

#[test]
fn a_key_that_cannot_be_replaced_stays() {
    let folder = Folder::new();
    let config = configuration(&folder.0, free_port(), &file_mail(&folder.0));
    shown(&["user", "add", ALICE, "--confirmed", "--password-stdin", "--config", &config], &format!("{PASSWORD}\n"));
    let before = std::fs::read(folder.join("sealing-key")).expect("there");
    // Nothing can be written to where the new key would go, as where a service manager hands the key over.
    std::fs::create_dir(folder.join("sealing-key.next")).expect("made");
    let (code, said) = refusal(&["key", "rotate", "--sealing", "--config", &config]);
    assert!(code == Some(1) && said.contains("where the manager takes it from"), "{said}");
    assert_eq!(std::fs::read(folder.join("sealing-key")).expect("there"), before);
    let output = run(&["user", "list", "--config", &config], "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What is not in the other tests: a certificate and an account of an authority.
#[test]
fn what_an_authority_gave_is_sealed_anew() {
    let opened = open_memory(&mut moment()).expect("memory opens");
    let old = opened.sealing_key.clone();
    let directory = "https://acme.example.org/";
    let sealed = |place: &[&[u8]]| base64url(&old.seal(place, b"a secret", &mut moment()));
    let (account, issued) =
        ([b"certificate authorities", directory.as_bytes()], [&b"issued certificates"[..], b"acme"]);
    let lines = [
        json!({"table": "certificate authorities", "key": directory, "value": {"sealed_credentials": sealed(&account)}}),
        json!({"table": "issued certificates", "key": "acme", "value": {
            "directory": directory, "hosts": ["a.example.org"], "begins_at": "2026-11-23T14:05:00Z",
            "expires_at": "2027-02-23T14:05:00Z", "chain": "", "sealed_key": sealed(&issued),
        }}),
    ];
    let pairs = lines.each_ref().map(|line| export::read_line(&line.to_string()).expect("a record"));
    let put = pairs.clone();
    let new = old.successor(&mut Moment::new(Timestamp::default(), [6; 32]));
    let keys = (old.clone(), new.clone());
    let written = opened.store.write(moment(), move |tx, moment| {
        put.iter().try_for_each(|(key, value)| tx.put(key, value))?;
        reseal(tx, moment, (&keys.0, &keys.1))
    });
    written.expect("memory does not fail");
    for ((key, _), (place, field)) in pairs.iter().zip([(&account[..], "sealed_credentials"), (&issued, "sealed_key")])
    {
        let value = opened.store.read(|view| view.get(key)).expect("readable").expect("there");
        let line: Value = serde_json::from_str(&export::line(&(key.clone(), value)).expect("ours")).expect("JSON");
        let sealed = gatelodge::crypto::from_base64url(line["value"][field].as_str().expect("text")).expect("bytes");
        assert_eq!(new.open(place, &sealed).as_deref(), Ok(&b"a secret"[..]), "{field}");
        assert!(old.open(place, &sealed).is_err(), "{field}");
    }
    // A key that is not the store's changes nothing.
    let keys = (old.clone(), old.successor(&mut moment()));
    let refused = opened.store.write(moment(), move |tx, moment| reseal(tx, moment, (&keys.0, &keys.1)));
    assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
}

/// Whatever is sealed has to be handed over to a new key: a file that seals has a function for it, which is called.
#[test]
fn nothing_that_is_sealed_is_forgotten() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rotation = std::fs::read_to_string(source.join("admin/sealing.rs")).expect("there");
    let mut folders = vec![source];
    let mut sealing = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("UTF-8");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            if code.contains("seal.seal(") {
                assert!(code.contains("pub fn reseal("), "{}: what it seals is lost with the key", path.display());
                sealing += 1;
            }
        }
    }
    // The audit log is not sealed; its head is proved anew.
    assert_eq!(sealing + 1, rotation.matches("::reseal").count());
}

#[test]
fn a_store_of_before_keeps_the_codes_that_it_gave_out() {
    // Those were made with the key itself.
    let key = SealingKey::draw(&mut moment());
    let again = SealingKey::parse(key.to_text().expose()).expect("a key");
    assert_eq!(key.code(b"a use", &[b"x"]), again.code(b"a use", &[b"x"]));
    let kept = key.seal_codes(&mut moment());
    let next = key.successor(&mut Moment::new(Timestamp::default(), [6; 32]));
    assert_eq!(next.code(b"a use", &[b"x"]), key.code(b"a use", &[b"x"]));
    assert_ne!(next.mark(b"a use", &[b"x"]), key.mark(b"a use", &[b"x"]));
    assert!(next.with_codes(&kept).is_err());
}
