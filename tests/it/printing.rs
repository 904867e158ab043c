//! What commands print: into a closed pipe, onto a disk that is full, and when what was typed would move a terminal's cursor.

use std::fs::OpenOptions;
use std::io::pipe;
use std::process::{Command, Output, Stdio};

use gatelodge::cli;

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
    &["app-password", "list", ALICE],
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
    // It says that its words were lost; what failed anyway says why, and its exit code is that of the failure.
    let is_told = usual.stdout.is_empty() || said.contains("No space left on device");
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

/// Turns the text red, rewrites the line, and reverses what follows.
const VILE: &str = "\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}2K\r\u{202e}txt";

/// Each command there is, its words and what it takes: positions and options are all the vile text.
fn vile_calls(command: &clap::Command, words: &[String], calls: &mut Vec<Vec<String>>) {
    for below in command.get_subcommands() {
        vile_calls(below, &[words, &[below.get_name().to_owned()]].concat(), calls);
    }
    if command.has_subcommands() {
        calls.push([words, &[VILE.to_owned()]].concat());
        return;
    }
    let filled = [words, &vec![VILE.to_owned(); command.get_positionals().count()]].concat();
    for option in command.get_opts() {
        let flag = format!("--{}", option.get_long().expect("each has a long name"));
        calls.push([&filled[..], &[flag, VILE.to_owned()]].concat());
    }
    calls.push(filled);
}

#[test]
fn nothing_that_is_typed_reaches_a_terminal_raw() {
    let folder = Folder::new();
    let config = configuration(&folder.0, 8443, &file_mail(&folder.0));
    let add = ["user", "add", ALICE, "--confirmed", "--admin", "--password-stdin", "--config", &config];
    assert!(run(&add, PASSWORD).status.success());
    let mut calls = Vec::new();
    vile_calls(&cli::command(), &[], &mut calls);
    assert!(calls.len() > 100, "{}", calls.len());
    let mut told = 0;
    for call in calls.iter().filter(|call| !["serve", "demo", "courier"].contains(&call[0].as_str())) {
        let words: Vec<&str> = call.iter().map(String::as_str).collect();
        // A second `--config` is wrong usage, which is told as well.
        let output = Command::new(env!("CARGO_BIN_EXE_gatelodge"))
            .args([&words[..], &["--config", &config]].concat())
            .current_dir(&folder.0)
            .stdin(Stdio::null())
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let is_tame = !said.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}'));
        assert!(is_tame && !said.contains("panicked"), "{call:?}: {said:?}");
        let codes = [0, 1, 2, 65, 78];
        assert!(output.status.code().is_some_and(|code| codes.contains(&code)), "{call:?}: {:?}", output.status);
        told += usize::from(said.contains("\\u001b[31mred"));
    }
    assert!(told > 50, "{told} answers name what was typed");
}

#[test]
fn what_was_typed_begins_no_line_of_its_own() {
    let folder = Folder::new();
    let config = configuration(&folder.0, 8443, &file_mail(&folder.0));
    let add = ["user", "add", ALICE, "--confirmed", "--admin", "--password-stdin", "--config", &config];
    assert!(run(&add, PASSWORD).status.success());
    let output = run(&["user", "show", "nobody\nhint: type your password", "--config", &config], "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.starts_with("gatelodge: there is no account nobody\\nhint: type your password\nhint: name it"),
        "{said}"
    );
}
