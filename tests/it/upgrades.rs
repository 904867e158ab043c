//! From one format of the store to the next, and back.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use gatelodge::base::{Moment, Timestamp};
use gatelodge::store::{Ballast, Migration, open_file_by};
use serde_json::json;

use crate::process::{Server, configuration, file_mail, free_port, refusal, shown};
use crate::store::Folder;
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

    /// Takes what an older program wrote, but only when it is told to.
    fn takes(&self, refused_because: &str, command: &[&str]) {
        let command = [command, &["--force", "--config", &self.config]].concat();
        let (code, said) = refusal(&command);
        assert!(code == Some(1) && said.contains(refused_because), "{said}");
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
}

#[test]
fn every_released_format_is_opened_restored_and_imported() {
    let released = released();
    assert!(!released.is_empty());
    for format in released {
        Place::with(&["gatelodge.redb", "sealing-key"], &format).is_as_it_was();
        let backup = format.join("backup");
        let restored = Place::with(&["sealing-key"], &format);
        restored.takes("carries no code", &["restore", backup.to_str().expect("UTF-8")]);
        restored.is_as_it_was();
        let export = format.join("export.jsonl");
        let imported = Place::with(&["sealing-key"], &format);
        imported.takes("carries no code", &["import", "gatelodge", export.to_str().expect("UTF-8")]);
        imported.is_as_it_was();
    }
}

#[test]
fn the_present_format_is_among_them() {
    let name = format!("format-{}", gatelodge::store::known_format());
    assert!(released().iter().any(|path| path.ends_with(&name)), "`tests/data/make {name} target/debug/gatelodge`");
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
    place.takes("carries no code", &["restore", copy]);
    place.is_as_it_was();
}
