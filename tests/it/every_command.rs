//! Every command there is, under what a machine may be like: no terminal, a C locale, another user, closed or full outputs, a full disk;
//! beside a running server and without one. Whatever happens it ends with a documented code, says why, and never panics.

use std::fs::OpenOptions;
use std::io::pipe;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use gatelodge::cli;
use serde_json::json;

use crate::disk::SmallDisk;
use crate::process::{Server, configuration, file_mail, free_port, run, shown};
use crate::store::Folder;
use crate::world::{ALICE, PASSWORD};

/// How each command is typed. Where it needs a folder of its own it stands in `{dir}`.
#[rustfmt::skip]
const CALLS: &[(&str, &str)] = &[
    // What would run for ever is refused before.
    ("serve", "--config {dir}/nowhere.toml"),
    ("courier", "--listen {dir}/taken/courier.sock"),
    ("demo", "--dir {dir}/taken"),
    ("setup", "--no-input"),
    ("check", ""),
    ("doctor", ""),
    ("health", ""),
    ("user list", "ü"),
    ("user show", "alice@example.org"),
    ("user add", "jürgen@example.org --name Jürgen --confirmed --password-stdin"),
    ("user passwd", "jürgen@example.org --password-stdin"),
    ("user confirm", "jürgen@example.org"),
    ("user edit", "jürgen@example.org --name Jürgen"),
    ("user send-reset", "jürgen@example.org"),
    ("user phone", "jürgen@example.org +4930123456"),
    ("user group add", "jürgen@example.org staff"),
    ("user disable", "jürgen@example.org"),
    ("user enable", "jürgen@example.org"),
    ("user reset-factors", "jürgen@example.org"),
    ("token add", "jürgen@example.org --name Bücher --scope profile"),
    ("token list", "jürgen@example.org"),
    ("token revoke", "jürgen@example.org 0123456789abcdef0123456789abcdef"),
    ("app-password add", "jürgen@example.org --name Bücher --host bücher.example.org --expires-at 2100-01-31"),
    ("app-password list", "jürgen@example.org"),
    ("app-password revoke", "jürgen@example.org 0123456789abcdef0123456789abcdef"),
    ("session end", "jürgen@example.org"),
    ("group list", ""),
    ("group permit", "staff lamp:switch"),
    ("group members", "staff"),
    ("group forbid", "staff lamp:switch"),
    ("user group remove", "jürgen@example.org staff"),
    ("group disband", "staff"),
    ("user delete", "jürgen@example.org"),
    ("user free-username", "nobody"),
    ("invite add", "--uses 2"),
    ("invite list", ""),
    ("invite revoke", "0123456789abcdef0123456789abcdef"),
    ("approval list", ""),
    ("approval approve", "0123456789abcdef0123456789abcdef"),
    ("approval decline", "0123456789abcdef0123456789abcdef"),
    ("mail test", "alice@example.org"),
    ("mail list", ""),
    ("mail retry", ""),
    ("mail drop", "0123456789abcdef0123456789abcdef"),
    ("mail release", ""),
    ("webhook list", ""),
    ("webhook test", "wiki"),
    ("webhook retry", "wiki"),
    ("throttle list", ""),
    ("throttle lift", "alice@example.org"),
    ("access check", "https://wiki.example.org/bücher --as alice@example.org"),
    ("audit list", ""),
    ("audit verify", ""),
    ("clock show", ""),
    ("clock reset", ""),
    ("key rotate", ""),
    ("backup", "{dir}/backup --force"),
    ("export", "{dir}/export --force"),
    ("restore", "{dir}/backup --force"),
    ("import", "gatelodge {dir}/export --force"),
];

const DOCUMENTED: [i32; 5] = [0, 1, 2, 65, 78];

/// The words of every command that does something.
fn leaves(command: &clap::Command, words: &str, found: &mut Vec<String>) {
    for below in command.get_subcommands() {
        let words = format!("{words} {}", below.get_name()).trim().to_owned();
        if below.has_subcommands() { leaves(below, &words, found) } else { found.push(words) }
    }
}

#[test]
fn no_command_is_forgotten_here() {
    let mut found = Vec::new();
    leaves(&cli::command(), "", &mut found);
    found.sort();
    let mut called: Vec<String> = CALLS.iter().map(|(words, _)| (*words).to_owned()).collect();
    called.sort();
    assert_eq!(called, found);
}

/// A house with one person, and where its commands find it.
struct House {
    folder: Folder,
    config: String,
    port: u16,
}

impl House {
    fn new() -> Self {
        let (folder, port) = (Folder::new(), free_port());
        let config = configuration(&folder.0, port, &file_mail(&folder.0));
        let house = Self { folder, config, port };
        std::fs::write(house.folder.join("taken"), "a file").expect("written");
        let add = ["user", "add", ALICE, "--name", "Ütz", "--confirmed", "--admin", "--password-stdin", "--config"];
        assert!(run(&[&add[..], &[&house.config]].concat(), PASSWORD).status.success());
        house
    }

    /// Types every command by `how`, first without a server and then beside one; `is_right` judges each.
    fn types_all(&self, how: &dyn Fn(&[String]) -> Output, is_right: &dyn Fn(&str, &Output)) {
        let all = || {
            for call in calls(&self.config, &self.folder.0) {
                let output = how(&call);
                let said = told(&output);
                let is_documented = output.status.code().is_some_and(|code| DOCUMENTED.contains(&code));
                assert!(is_documented && !said.contains("panicked"), "{call:?}: {:?} {said}", output.status);
                is_right(&call.join(" "), &output);
            }
        };
        all();
        let server = Server::start(&["serve", "--config", &self.config], self.port);
        all();
        assert_eq!(server.stops(), Some(0));
    }
}

fn calls(config: &str, folder: &Path) -> Vec<Vec<String>> {
    let dir = folder.to_str().expect("UTF-8");
    let call = |(words, more): &(&str, &str)| {
        let words = format!("{words} {more}").replace("{dir}", dir);
        let mut words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        if !words.iter().any(|word| word == "--config") {
            words.extend(["--config".to_owned(), config.to_owned()]);
        }
        words
    };
    CALLS.iter().map(call).collect()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// Typed by a program: with a password on standard input, and nobody at a terminal.
fn piped(command: &mut Command) -> Output {
    let mut child = command
        .env("GATELODGE_LOG", "error")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    // One that asks for no password does not read it.
    let _ = std::io::Write::write_all(&mut child.stdin.take().expect("piped"), format!("{PASSWORD}\n").as_bytes());
    child.wait_with_output().expect("it ends")
}

fn binary() -> Command {
    Command::new(env!("CARGO_BIN_EXE_gatelodge"))
}

/// What failed says why.
fn explains(call: &str, output: &Output) {
    let is_told = output.status.success() || String::from_utf8_lossy(&output.stderr).starts_with("gatelodge: ");
    assert!(is_told || output.status.code() == Some(2), "{call}: {}", told(output));
}

#[test]
fn without_a_terminal_nothing_waits_for_an_answer() {
    let house = House::new();
    let how =
        |call: &[String]| piped(Command::new("setsid").arg("--wait").arg(env!("CARGO_BIN_EXE_gatelodge")).args(call));
    house.types_all(&how, &explains);
}

#[test]
fn a_locale_without_accents_changes_nothing() {
    let house = House::new();
    let how = |call: &[String]| piped(binary().args(call).env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin:/bin"));
    house.types_all(&how, &|call, output| {
        explains(call, output);
        let said = String::from_utf8(output.stdout.clone()).expect("UTF-8 in every locale");
        let is_hers = call.starts_with("user show") || call.starts_with("user list");
        assert!(!is_hers || said.contains("Ütz"), "{call}: {said}");
    });
}

#[test]
fn another_user_is_told_what_they_may_not_and_changes_nothing() {
    /// `nobody`.
    const NOBODY: u32 = 65_534;
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can be another user");
        return;
    }
    let house = House::new();
    // Where others may go, but not the store, the key and the socket.
    let program = house.folder.join("gatelodge");
    std::fs::hard_link(env!("CARGO_BIN_EXE_gatelodge"), &program)
        .or_else(|_| std::fs::copy(env!("CARGO_BIN_EXE_gatelodge"), &program).map(drop))
        .expect("copied");
    std::fs::set_permissions(&house.folder.0, std::fs::Permissions::from_mode(0o755)).expect("ours");
    let key = || std::fs::read(house.folder.join("sealing-key")).expect("there");
    let before = key();
    let how = |call: &[String]| piped(Command::new(&program).args(call).uid(NOBODY).gid(NOBODY));
    house.types_all(&how, &|call, output| {
        explains(call, output);
        // The configuration is for everybody to read.
        let is_refused = !output.status.success() || call.starts_with("check") || call.starts_with("mail test");
        assert!(is_refused, "{call}: {}", told(output));
    });
    assert_eq!(key(), before);
    let people = shown(&["user", "list", "--config", &house.config], "")["items"].clone();
    assert_eq!((people.as_array().map(Vec::len), &people[0]["email"]), (Some(1), &json!(ALICE)));
    assert_eq!((&people[0]["groups"], &people[0]["phone"]), (&json!(["admins"]), &json!(null)));
    for mode in [0o700, 0o600] {
        // Not even the configuration can be read.
        std::fs::set_permissions(&house.config, std::fs::Permissions::from_mode(mode)).expect("ours");
        let output = how(&["user", "list", "--config", &house.config].map(str::to_owned));
        assert_eq!(output.status.code(), Some(78), "{}", told(&output));
    }
}

#[test]
fn closed_and_full_outputs_make_nothing_panic() {
    let house = House::new();
    let full = || Stdio::from(OpenOptions::new().write(true).open("/dev/full").expect("there is one"));
    let closed = || {
        let (reader, writer) = pipe().expect("a pipe");
        drop(reader);
        Stdio::from(writer)
    };
    let silent = |call: &[String], stdout: Stdio, stderr: Stdio| {
        let child = binary().args(call).stdin(Stdio::null()).stdout(stdout).stderr(stderr).spawn();
        child.expect("it starts").wait_with_output().expect("it ends")
    };
    house.types_all(&|call| silent(call, closed(), Stdio::piped()), &|_, _| {});
    house.types_all(&|call| silent(call, full(), Stdio::piped()), &|_, _| {});
    house.types_all(&|call| silent(call, closed(), closed()), &|_, _| {});
    house.types_all(&|call| silent(call, full(), full()), &|_, _| {});
}

#[test]
fn on_a_full_disk_beside_its_server_every_command_ends_and_says_why() {
    let small = SmallDisk::new(6, "");
    std::fs::write(small.folder.join("taken"), "a file").expect("written");
    small.fill_but(0);
    let config = small.config();
    for call in calls(&config, &small.folder.0) {
        let output = piped(binary().args(&call));
        let code = output.status.code();
        assert!(code.is_some_and(|code| DOCUMENTED.contains(&code)), "{call:?}: {}", told(&output));
        assert!(!told(&output).contains("panicked"), "{call:?}: {}", told(&output));
        explains(&call.join(" "), &output);
    }
}

#[test]
fn on_a_full_disk_without_a_server_every_command_ends_and_says_why() {
    let house = House::new();
    let (kept, disk) = (house.folder.join("kept"), house.folder.join("disk"));
    std::fs::create_dir(&kept).expect("made");
    std::fs::create_dir(&disk).expect("made");
    for name in ["gatelodge.redb", "gatelodge.redb.lock", "sealing-key", "taken"] {
        let _ = std::fs::copy(house.folder.join(name), kept.join(name));
    }
    let text = std::fs::read_to_string(&house.config).expect("UTF-8");
    let store = format!("path = \"{}/gatelodge.redb\"", house.folder.0.display());
    std::fs::write(&house.config, text.replace(&store, &format!("path = \"{}/gatelodge.redb\"", disk.display())))
        .expect("written");
    // Each in a file system of its own, which is full and ends with it.
    let script = format!(
        "mount -t tmpfs -o size=6m none '{0}' && cp -p '{1}'/* '{0}' && {{ cat /dev/zero > '{0}/filler' 2>/dev/null || true; }} && exec \"$@\"",
        disk.display(),
        kept.display()
    );
    for call in calls(&house.config, &disk) {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", &script, "sh", env!("CARGO_BIN_EXE_gatelodge")]);
        let output = piped(command.args(&call));
        let code = output.status.code();
        assert!(code.is_some_and(|code| DOCUMENTED.contains(&code)), "{call:?}: {}", told(&output));
        assert!(!told(&output).contains("panicked"), "{call:?}: {}", told(&output));
        explains(&call.join(" "), &output);
    }
}
