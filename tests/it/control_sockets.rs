//! Two servers and one path for their control sockets, and paths where something else stands.

use std::fs;

use crate::process::{Server, configuration, file_mail, free_port, refusal, run, shown};
use crate::store::Folder;
use crate::world::{ALICE, PASSWORD};

const BOB: &str = "bob@example.org";

/// A configuration in a folder of its own whose control socket is that of another.
fn sharing(folder: &Folder, socket: &str) -> (String, u16) {
    let port = free_port();
    let path = configuration(&folder.0, port, &file_mail(&folder.0));
    let text = fs::read_to_string(&path).expect("written");
    let own = format!("{}/control.sock", folder.0.display());
    fs::write(&path, text.replace(&own, socket)).expect("written");
    (path, port)
}

#[test]
fn a_second_server_does_not_take_the_socket_of_the_first() {
    let (first, second) = (Folder::new(), Folder::new());
    let port = free_port();
    let config = configuration(&first.0, port, &file_mail(&first.0));
    let socket = format!("{}/control.sock", first.0.display());
    let server = Server::start(&["serve", "--config", &config], port);
    let (other, _) = sharing(&second, &socket);
    let (code, said) = refusal(&["serve", "--config", &other]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("another server answers there") && said.contains("listen.control"), "{said}");
    // A command of the second configuration does not change the accounts of the first.
    let add = ["user", "add", BOB, "--confirmed", "--password-stdin", "--config", &other];
    let refused = run(&add, PASSWORD);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("serves") && said.contains("nothing was done") && said.contains("listen.control"), "{said}");
    for command in [&["backup", "b1"][..], &["key", "rotate", "--sealing"], &["mail", "list"], &["user", "list"]] {
        let (code, said) = refusal(&[command, &["--config", &other]].concat());
        assert!(code == Some(1) && said.contains("nothing was done"), "{command:?}: {said}");
    }
    let listed = shown(&["user", "list", "--config", &config], "");
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(0));
    // The first still answers, and takes its socket away at its end.
    shown(&["user", "list", "--config", &config], "");
    assert_eq!(server.stops(), Some(0));
    assert!(!fs::exists(&socket).expect("looked"));
}

#[test]
fn a_store_has_one_server_whatever_path_leads_to_it() {
    let (folder, port) = (Folder::new(), free_port());
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    let add = ["user", "add", ALICE, "--confirmed", "--password-stdin", "--config", &config];
    assert!(run(&add, PASSWORD).status.success());
    let server = Server::start(&["serve", "--config", &config], port);
    let linked = folder.join("linked");
    std::os::unix::fs::symlink(&folder.0, &linked).expect("made");
    let text = fs::read_to_string(&config).expect("written");
    let by_link = folder.join("by-link.toml");
    let dir = folder.0.display();
    fs::write(
        &by_link,
        text.replace(&format!("{dir}/gatelodge.redb"), &format!("{}/gatelodge.redb", linked.display())),
    )
    .expect("written");
    let listed = shown(&["user", "list", "--config", by_link.to_str().expect("UTF-8")], "");
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(server.stops(), Some(0));
}

#[test]
fn what_stands_in_the_place_of_the_socket_is_left_as_it_is() {
    let (folder, port) = (Folder::new(), free_port());
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    let add = ["user", "add", ALICE, "--confirmed", "--password-stdin", "--config", &config];
    assert!(run(&add, PASSWORD).status.success());
    let precious = folder.join("precious");
    fs::write(&precious, "precious").expect("written");
    let text = fs::read_to_string(&config).expect("written");
    let store = folder.join("gatelodge.redb");
    for (place, its_name) in [(&precious, "precious"), (&store, "gatelodge.redb")] {
        let other = folder.join("other.toml");
        let control = format!("{}/control.sock", folder.0.display());
        fs::write(&other, text.replace(&control, place.to_str().expect("UTF-8"))).expect("written");
        let (code, said) = refusal(&["serve", "--config", other.to_str().expect("UTF-8")]);
        assert!(matches!(code, Some(1 | 78)), "{code:?}: {said}");
        assert!(said.contains("is there and is no socket") && said.contains(its_name), "{said}");
        let socket = place.to_str().expect("UTF-8");
        let (code, said) = refusal(&["courier", "--listen", socket, "--config", &config]);
        assert!(code == Some(1) && said.contains("is there and is no socket"), "{said}");
    }
    assert_eq!(fs::read_to_string(&precious).expect("still there"), "precious");
    let listed = shown(&["user", "list", "--config", &config], "");
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
}
