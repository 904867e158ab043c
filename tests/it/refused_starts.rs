//! Starts that cannot be: each says in a sentence why and what to do, with its exit code, and leaves nothing by half.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::process::{Server, configuration, file_mail, free_port, refusal, run};
use crate::store::Folder;
use crate::tls::{Authority, from_files};

/// A user who has nothing: Debian's nobody.
pub const NOBODY: u32 = 65_534;

pub fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("id is there");
    output.stdout == b"0\n"
}

/// What is in the folder besides the configuration.
fn beside_the_configuration(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let names = entries.map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"));
    names.filter(|name| name != "gatelodge.toml").collect()
}

#[test]
fn a_state_folder_of_another_owner_is_named_and_nothing_is_written() {
    let folder = Folder::new();
    let config = configuration(&folder.0, free_port(), &file_mail(&folder.0));
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o644)).expect("ours");
    let mut serve = Command::new(env!("CARGO_BIN_EXE_gatelodge"));
    if is_root() {
        // The folder is root's, and the service runs as somebody else.
        std::fs::set_permissions(&folder.0, std::fs::Permissions::from_mode(0o755)).expect("ours");
        // The binary may lie where only root can reach it.
        let binary = folder.join("program");
        std::fs::copy(env!("CARGO_BIN_EXE_gatelodge"), &binary).expect("copied");
        serve = Command::new(&binary);
        serve.uid(NOBODY).gid(NOBODY);
    } else {
        // Root's alone can be changed; to whom may not write, it is the same.
        std::fs::set_permissions(&folder.0, std::fs::Permissions::from_mode(0o555)).expect("ours");
    }
    let before = beside_the_configuration(&folder.0);
    let output = serve.args(["serve", "--config", &config]).current_dir("/").output().expect("starts");
    std::fs::set_permissions(&folder.0, std::fs::Permissions::from_mode(0o755)).expect("ours");
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains(&format!("{}/gatelodge.", folder.0.display())), "{message}");
    assert!(message.contains("Permission denied"), "{message}");
    assert!(message.contains("belongs to the service's user"), "{message}");
    assert_eq!(beside_the_configuration(&folder.0), before);
}

#[test]
fn a_port_that_somebody_listens_on_is_named() {
    let folder = Folder::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = taken.local_addr().expect("an address").port();
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    let (code, message) = refusal(&["serve", "--config", &config]);
    assert_eq!(code, Some(1));
    assert!(message.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{message}");
    assert!(
        message.contains(
            "hint: another program listens there: stop it (`ss -ltnp` names it), or choose another port in [listen]"
        ),
        "{message}"
    );
    assert_eq!(beside_the_configuration(&folder.0), Vec::<String>::new(), "a refused start leaves nothing");
    let demo = folder.join("demo");
    let (code, message) = refusal(&["demo", "--port", &port.to_string(), "--dir", demo.to_str().expect("UTF-8")]);
    assert!(code == Some(1) && message.contains("choose another with --port N"), "{message}");
    assert!(!demo.exists(), "a refused start leaves nothing");
    drop(taken);
    assert_eq!(Server::start(&["serve", "--config", &config], port).stops(), Some(0));
}

#[test]
fn another_server_at_the_control_socket_is_told_before_a_store_is_made() {
    let (one, other) = (Folder::new(), Folder::new());
    let taken = std::os::unix::net::UnixListener::bind(other.join("taken.sock")).expect("bound");
    let config = configuration(&one.0, free_port(), &file_mail(&one.0));
    let text = std::fs::read_to_string(&config).expect("written");
    let control = text.lines().find(|line| line.starts_with("control = ")).expect("it is set").to_owned();
    let other = format!("control = {:?}", other.join("taken.sock"));
    std::fs::write(&config, text.replace(&control, &other)).expect("written");
    let (code, message) = refusal(&["serve", "--config", &config]);
    assert!(code == Some(1) && message.contains("another server answers there"), "{message}");
    assert_eq!(beside_the_configuration(&one.0), Vec::<String>::new());
    drop(taken);
}

#[test]
fn what_a_demo_is_told_is_judged_by_its_flag() {
    let folder = Folder::new();
    std::fs::write(folder.join("words"), "words\n").expect("written");
    let words = folder.join("words").to_str().expect("UTF-8").to_owned();
    let below = format!("{words}/below");
    for (flag, value, told) in [
        ("--port", "0", "--port <N>': a port is a number from 1 to 65535"),
        ("--port", "x", "--port <N>': a port is a number from 1 to 65535"),
        ("--port", "65536", "--port <N>': a port is a number from 1 to 65535"),
        ("--dir", &words, "--dir: "),
        ("--dir", &below, "--dir: "),
    ] {
        let (code, said) = refusal(&["demo", flag, value]);
        assert_eq!(code, Some(if flag == "--port" { 2 } else { 1 }), "{value}: {said}");
        assert!(said.contains(told), "{value}: {said}");
    }
}

#[test]
fn a_start_says_where_it_listens_and_for_what() {
    let folder = Folder::new();
    let (port, http, metrics) = (free_port(), free_port(), free_port());
    let more = format!("{}[metrics]\nlisten = [\"127.0.0.1:{metrics}\"]\n", file_mail(&folder.0));
    let config = configuration(&folder.0, port, &more);
    let text = std::fs::read_to_string(&config).expect("written");
    std::fs::write(&config, text.replace("control =", &format!("http = [\"127.0.0.1:{http}\"]\ncontrol =")))
        .expect("written");
    let server = Server::start(&["serve", "--config", &config], port);
    for words in [
        format!("listening on https://127.0.0.1:{port} for https://localhost:{port}"),
        format!("listening on http://127.0.0.1:{http}, to send people on to https://localhost:{port}"),
        format!("listening on http://127.0.0.1:{metrics}/metrics for monitoring"),
    ] {
        assert!(server.log.contains(&words), "{words}\n{}", server.log);
    }
    assert_eq!(server.stops(), Some(0));
}

/// Nobody listens there: the start neither waits for the mail server nor is stopped by it.
#[test]
fn a_mail_server_that_does_not_let_us_in_is_told_at_the_start() {
    let folder = Folder::new();
    let (port, nobody) = (free_port(), free_port());
    let mail = format!(
        "[mail]\nfrom = \"auth@example.org\"\n[mail.smtp]\nhost = \"127.0.0.1\"\nport = {nobody}\nsecurity = \"none\"\n"
    );
    let config = configuration(&folder.0, port, &mail);
    let mut server = Server::start(&["serve", "--config", &config], port);
    let line = server.reads_until("the mail server was tried and does not let us in");
    assert!(line.contains("WARN") && line.contains(&format!("127.0.0.1:{nobody}")), "{line}");
    server.client().get("/login").expect(200);
    assert_eq!(server.stops(), Some(0));
}

#[test]
fn an_address_that_is_named_twice_is_refused() {
    let folder = Folder::new();
    let port = free_port();
    let more = format!("{}[metrics]\nlisten = [\"127.0.0.1:{port}\"]\n", file_mail(&folder.0));
    let config = configuration(&folder.0, port, &more);
    let (code, said) = refusal(&["serve", "--config", &config]);
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains(&format!("127.0.0.1:{port} is named twice")), "{said}");
}

#[test]
fn a_folder_in_place_of_the_store_is_told_by_every_command() {
    let folder = Folder::new();
    let config = configuration(&folder.0, free_port(), &file_mail(&folder.0));
    std::fs::create_dir(folder.join("gatelodge.redb")).expect("made");
    for command in [&["serve"][..], &["check"], &["user", "list"], &["backup", "kept"], &["doctor"]] {
        let output = run(&[command, &["--config", &config]].concat(), "");
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert_eq!(output.status.code(), Some(78), "{command:?}: {said}");
        assert!(said.contains("gatelodge.redb: is a folder, and "), "{command:?}: {said}");
    }
    assert_eq!(beside_the_configuration(&folder.0), ["gatelodge.redb"]);
}

#[test]
fn a_configuration_of_a_newer_version_is_refused_before_anything_is_made() {
    let folder = Folder::new();
    let config = configuration(&folder.0, free_port(), &format!("{}[passkeys]\nmode = \"on\"\n", file_mail(&folder.0)));
    let (code, message) = refusal(&["serve", "--config", &config]);
    assert_eq!(code, Some(78));
    assert!(message.contains("gatelodge.toml:"), "{message}");
    assert!(message.contains("unknown key `passkeys`\nhint: known here: "), "{message}");
    assert_eq!(beside_the_configuration(&folder.0), Vec::<String>::new());
}

#[test]
fn a_certificate_for_another_host_and_a_key_that_all_may_read_are_warned_of() {
    let folder = Folder::new();
    Authority::new().issue("other.example.org", &folder.0);
    let key = folder.join("key.pem");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("ours");
    let port = free_port();
    let config = configuration(&folder.0, port, &from_files(&folder.0));
    let server = Server::start(&["serve", "--config", &config], port);
    let warnings =
        |words: &str| server.log.lines().filter(|line| line.contains("WARN") && line.contains(words)).count();
    let warned = |words: &str| warnings(words) == 1;
    assert!(warned("the certificate is not for localhost"), "{}", server.log);
    assert!(
        warned(&format!("{}: the certificate's private key can be read by every user", key.display())),
        "{}",
        server.log
    );
    assert_eq!(server.stops(), Some(0));
}
