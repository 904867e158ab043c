//! Where things are: paths of the configuration, and stores that nobody asked for.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::process::{configuration, file_mail, refusal, run, shown};
use crate::store::Folder;
use crate::world::{ALICE, PASSWORD};

fn typed_in(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatelodge"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).output().expect("it runs")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_relative_path_is_taken_from_the_folder_of_the_configuration() {
    let (house, elsewhere) = (Folder::new(), Folder::new());
    let config = configuration(&house.0, 8443, &file_mail(&house.0));
    let text = std::fs::read_to_string(&config).expect("UTF-8");
    let folder = house.0.display().to_string();
    // As people write it: what is beside the file has no folder before it.
    std::fs::write(&config, text.replace(&format!("{folder}/"), "")).expect("written");
    std::fs::create_dir_all(house.0.join("mail")).expect("made");
    let add = ["user", "add", ALICE, "--confirmed", "--password-stdin", "--config", &config];
    assert!(run(&add, PASSWORD).status.success());
    assert!(names(&house.0).contains(&"gatelodge.redb".to_owned()), "{:?}", names(&house.0));
    let listed = typed_in(&elsewhere.0, &["user", "list", "--json", "--config", &config]);
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    assert_eq!(listed["items"][0]["email"], ALICE);
    // Named from beside it, too.
    let listed = typed_in(&house.0, &["user", "list", "--json", "--config", "gatelodge.toml"]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains(ALICE));
    assert_eq!(names(&elsewhere.0), Vec::<String>::new());
}

#[test]
fn a_path_that_only_a_shell_understands_is_refused() {
    for (key, line) in [
        ("store", "[store]\npath = \"~/gatelodge.redb\"\n"),
        ("backup", "[backup]\ndirectory = \"~/snapshots\"\n"),
        ("mail", "[mail.smtp]\nhost = \"localhost\"\nca_file = \"~/ca.pem\"\n"),
        ("webhooks", "[webhooks.wiki]\nurl = \"https://wiki.example.org/hook\"\nsecret_file = \"~/secret\"\n"),
    ] {
        let folder = Folder::new();
        let file = folder.join("gatelodge.toml");
        let text = format!("[site]\nurl = \"https://auth.example.org\"\n[mail]\nfrom = \"auth@example.org\"\n{line}");
        std::fs::write(&file, text).expect("written");
        let (code, said) = refusal(&["user", "list", "--config", file.to_str().expect("UTF-8")]);
        assert_eq!(code, Some(78), "{key}: {said}");
        assert!(said.contains("begins with `~`") && said.contains("write the whole path"), "{key}: {said}");
    }
}

#[test]
fn only_the_server_and_whoever_adds_an_account_make_a_store() {
    let folder = Folder::new();
    let config = configuration(&folder.0, 8443, &file_mail(&folder.0));
    // An empty file is none.
    std::fs::write(folder.join("gatelodge.redb"), "").expect("written");
    let before = names(&folder.0);
    for command in [
        &["user", "list"][..],
        &["user", "show", "somebody"],
        &["token", "list", "somebody"],
        &["app-password", "list", "somebody"],
        &["invite", "list"],
        &["approval", "list"],
        &["group", "list"],
        &["group", "members", "staff"],
        &["mail", "list"],
        &["webhook", "list"],
        &["throttle", "list"],
        &["audit", "list"],
        &["audit", "verify"],
        &["clock", "show"],
        &["export", "-"],
        &["backup", "kept"],
        &["clock", "reset"],
        &["session", "end", "--all"],
        &["key", "rotate"],
        &["key", "rotate", "--sealing"],
        &["mail", "retry"],
        &["mail", "release"],
        &["throttle", "lift", "--all"],
        &["group", "permit", "staff", "wiki.read"],
        &["invite", "add"],
        &["invite", "revoke", "x"],
        &["approval", "approve", "x"],
        &["user", "disable", "x"],
        &["user", "delete", "x"],
        &["user", "confirm", "x"],
        &["user", "group", "add", "x", "staff"],
        &["webhook", "retry", "x"],
        &["doctor"],
        &["check"],
    ] {
        let output = run(&[command, &["--config", &config]].concat(), "");
        assert_eq!(names(&folder.0), before, "{command:?}");
        if !["check", "doctor"].contains(&command[0]) {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.code() == Some(65) && said.contains("there is no store at"), "{command:?}: {said}");
            assert!(said.contains("gatelodge user add"), "{said}");
        }
    }
    let add = ["user", "add", ALICE, "--confirmed", "--password-stdin", "--config", &config];
    assert!(run(&add, PASSWORD).status.success());
    assert_eq!(shown(&["user", "list", "--config", &config], "")["items"][0]["email"], ALICE);
}

#[test]
fn what_is_no_file_is_never_a_store() {
    let folder = Folder::new();
    let config = configuration(&folder.0, 8443, &file_mail(&folder.0));
    let store = folder.join("gatelodge.redb");
    let listener = std::os::unix::net::UnixListener::bind(&store).expect("made");
    for command in
        [&["serve"][..], &["user", "list"], &["user", "add", ALICE, "--no-password"], &["restore", "x", "--force"]]
    {
        let output = run(&[command, &["--config", &config]].concat(), "");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(matches!(output.status.code(), Some(1 | 78)), "{command:?}: {said}");
        assert!(
            command[0] == "restore" || said.contains("is no file") || said.contains("is no regular file"),
            "{command:?}: {said}"
        );
        assert!(!store.symlink_metadata().expect("still there").is_file(), "{command:?}");
    }
    drop(listener);
}

#[test]
fn a_file_that_nobody_writes_to_is_not_waited_for() {
    let folder = Folder::new();
    let pipe = folder.join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("made");
    let smtp = format!(
        "[mail]\nfrom = \"a@example.org\"\n[mail.smtp]\nhost = \"127.0.0.1\"\nport = 25\nsecurity = \"none\"\nusername = \"x\"\npassword_file = \"{}\"\n",
        pipe.display()
    );
    let config = configuration(&folder.0, 8443, &smtp);
    let pipe = pipe.to_str().expect("UTF-8");
    for arguments in [
        &["check", "--config", &config][..],
        &["serve", "--config", &config],
        &["check", "--config", pipe],
        &["check", "--config", "/dev/zero"],
        &["setup", "--answers", pipe],
    ] {
        let output = run(arguments, "");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(matches!(output.status.code(), Some(1 | 78)) && said.contains("is no file"), "{arguments:?}: {said}");
    }
}

#[test]
fn a_file_that_never_was_a_store_is_told_as_such_and_left_alone() {
    let folder = Folder::new();
    let config = configuration(&folder.0, 8443, &file_mail(&folder.0));
    for content in ["hello", "[site]\nname = \"x\"\n", "redb"] {
        std::fs::write(folder.join("gatelodge.redb"), content).expect("written");
        let before = names(&folder.0);
        for command in [&["serve"][..], &["user", "list"]] {
            let output = run(&[command, &["--config", &config]].concat(), "");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(65), "{said}");
            assert!(said.contains("holds something else than a store"), "{said}");
        }
        assert_eq!(names(&folder.0), before);
        assert_eq!(std::fs::read_to_string(folder.join("gatelodge.redb")).expect("there"), content);
    }
}
