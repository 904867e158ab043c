//! Commands whose words go nowhere: into a closed pipe, or onto a disk that is full.

use std::fs::OpenOptions;
use std::io::pipe;
use std::process::{Command, Output, Stdio};

use crate::process::{Server, configuration, file_mail, free_port, run};
use crate::store::Folder;
use crate::world::{ALICE, PASSWORD};

/// One of each kind; an administrator types them beside a running server, or without one.
const COMMANDS: &[&[&str]] = &[
    &["check"],
    &["user", "list"],
    &["user", "show", ALICE],
    &["user", "list", "--json"],
    &["user", "group", "add", ALICE, "staff"],
    &["group", "list"],
    &["invite", "list"],
    &["approval", "list"],
    &["token", "list", ALICE],
    &["session", "end", ALICE],
    &["mail", "list"],
    &["webhook", "list"],
    &["throttle", "list"],
    &["throttle", "lift", ALICE],
    &["audit", "list"],
    &["audit", "verify"],
    &["clock", "show"],
    &["key", "rotate"],
    &["export", "-"],
    &["doctor"],
    &["user", "show", "nobody"],
    &["--help"],
    &["--version"],
];

fn typed(command: &[&str], config: &str, stdout: Stdio, stderr: Stdio) -> Output {
    let mut words = Command::new(env!("CARGO_BIN_EXE_gatelodge"));
    words.args(command).args(["--config", config]).stdin(Stdio::null()).stdout(stdout).stderr(stderr);
    words.spawn().expect("it starts").wait_with_output().expect("it ends")
}

fn full() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").expect("there is one").into()
}

/// A pipe whose reader has gone.
fn closed() -> Stdio {
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

fn is_quiet(command: &[&str], config: &str) {
    let usual = run(&[command, &["--config", config]].concat(), "");
    let code = usual.status.code();
    let gone = typed(command, config, closed(), Stdio::piped());
    let said = String::from_utf8_lossy(&gone.stderr).into_owned();
    // What was wanted of an export is the whole of it.
    let expected = if command[0] == "export" { Some(1) } else { code };
    let is_clean = gone.status.code() == expected && !said.contains("panicked");
    assert!(is_clean, "{command:?}, closed: {:?} {said}", gone.status);
    let on_full = typed(command, config, full(), Stdio::piped());
    let said = String::from_utf8_lossy(&on_full.stderr).into_owned();
    // What succeeded says that its words were lost; what failed anyway says why, and that its exit code is that of the failure.
    let is_told = code != Some(0) || said.contains("No space left on device");
    let expected = if code == Some(0) { Some(1) } else { code };
    let is_clean = on_full.status.code() == expected && !said.contains("panicked");
    // The parser of arguments prints its own help, and takes a full disk for the end of it.
    let is_of_the_parser = command[0].starts_with("--");
    assert!(is_of_the_parser || (is_told && is_clean), "{command:?}, full: {:?} {said}", on_full.status);
    let nowhere = typed(command, config, full(), full());
    assert!(matches!(nowhere.status.code(), Some(0 | 1)), "{command:?}, both full: {:?}", nowhere.status);
}

#[test]
fn commands_whose_words_are_lost_end_with_a_documented_code_and_never_panic() {
    let (folder, port) = (Folder::new(), free_port());
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    let add = ["user", "add", ALICE, "--confirmed", "--admin", "--password-stdin", "--config", &config];
    assert!(run(&add, PASSWORD).status.success());
    let all_are_quiet = || {
        for command in COMMANDS {
            is_quiet(command, &config);
        }
    };
    all_are_quiet();
    let server = Server::start(&["serve", "--config", &config], port);
    all_are_quiet();
    assert_eq!(server.stops(), Some(0));
}
