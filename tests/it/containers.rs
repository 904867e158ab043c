//! What people who run it in a container rely on, as far as that can be tried without an image: the health check, sentences about mounted
//! folders, and the files of `config/compose` that the document shows. `tests/oci/run` tries the images.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use gatelodge::config::Config;

use crate::process::{Server, configuration, file_mail, free_port, refusal, run};
use crate::refused_starts::{NOBODY, is_root};
use crate::store::Folder;

fn file(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("it is there")
}

#[test]
fn a_server_that_serves_people_is_healthy_and_one_that_is_not_there_is_not() {
    let (folder, port) = (Folder::new(), free_port());
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    let asks = ["health", "--config", &config];
    let (code, said) = refusal(&asks);
    assert!(code == Some(1) && said.contains("no server is running"), "{said}");
    assert!(!folder.join("gatelodge.redb").exists(), "asking makes no store");

    let server = Server::start(&["serve", "--config", &config], port);
    let output = run(&asks, "");
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(0), &b"ready\n"[..]));
    let shown: serde_json::Value =
        serde_json::from_slice(&run(&[&asks[..], &["--json"]].concat(), "").stdout).expect("JSON");
    assert_eq!(shown, server.client().get("/readyz").expect(200).json(), "both tell the same");

    // Somebody is just writing it anew; what runs has the settings from before.
    let text = std::fs::read_to_string(&config).expect("written");
    std::fs::write(&config, format!("{text}[session]\nidel = \"7d\"\n")).expect("written");
    assert_eq!(run(&asks, "").status.code(), Some(0), "a mistake elsewhere in the file is not the server's");
    std::fs::write(&config, text).expect("written");

    assert_eq!(server.stops(), Some(0));
    // The store is there and at rest, and is left alone.
    assert_eq!(refusal(&asks).0, Some(1));
}

/// On the host the user inside is known by number alone.
#[test]
fn a_folder_of_another_user_is_named_with_both_users_and_what_to_do() {
    if !is_root() {
        return;
    }
    let folder = Folder::new();
    let config = configuration(&folder.0, free_port(), &file_mail(&folder.0));
    std::fs::set_permissions(&folder.0, std::fs::Permissions::from_mode(0o755)).expect("ours");
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o644)).expect("ours");
    chown(&folder.0, Some(1000), Some(1000)).expect("root may");
    let binary = folder.join("program");
    std::fs::copy(env!("CARGO_BIN_EXE_gatelodge"), &binary).expect("copied");
    let serve = || {
        let mut command = Command::new(&binary);
        command.args(["serve", "--config", &config]).uid(NOBODY).gid(NOBODY).current_dir("/");
        String::from_utf8(command.output().expect("it starts").stderr).expect("UTF-8")
    };
    let shown = folder.0.display();
    let hint = format!("hint: {shown} belongs to user 1000, and this is user {NOBODY}: chown {NOBODY} {shown}; ");
    let said = serve();
    assert!(said.contains(&hint) && said.contains("what a container mounts, on the host"), "{said}");

    // The same for the control socket, once the store has a folder that is right.
    std::fs::create_dir(folder.join("state")).expect("made");
    chown(folder.join("state"), Some(NOBODY), Some(NOBODY)).expect("root may");
    let text = std::fs::read_to_string(&config).expect("written");
    std::fs::write(&config, text.replace("/gatelodge.redb", "/state/gatelodge.redb")).expect("written");
    let said = serve();
    assert!(said.contains("the control socket cannot be made") && said.contains(&hint), "{said}");
    assert!(said.contains("or set listen.control to a path beside the store"), "{said}");
}

/// It works on a machine, behind a proxy; in a container no published port leads there.
#[test]
fn a_container_that_listens_on_loopback_alone_is_warned() {
    let (folder, port) = (Folder::new(), free_port());
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    let checks = |container: Option<&str>| {
        let mut check = Command::new(env!("CARGO_BIN_EXE_gatelodge"));
        check.env_remove("container").envs(container.map(|name| ("container", name)));
        let output = check.args(["check", "--config", &config]).output().expect("it starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let words = "only loopback is listened on, and this is a container";
    assert!(checks(Some("podman")).contains(words), "{}", checks(Some("podman")));
    assert!(!checks(None).contains(words));
    let text = std::fs::read_to_string(&config).expect("written");
    std::fs::write(&config, text.replace("127.0.0.1:", "[::]:")).expect("written");
    assert!(!checks(Some("podman")).contains(words));
}

/// Each is shown whole, so that whoever reads and whoever copies have the same.
#[test]
fn the_document_shows_the_files_of_compose() {
    let document = file("docs/containers.md");
    for (name, language) in [("compose.yaml", "yaml"), ("Caddyfile", "caddyfile"), ("gatelodge/gatelodge.toml", "toml")]
    {
        let shown = format!("```{language}\n{}```\n", file(&format!("config/compose/{name}")));
        assert!(document.contains(&shown), "docs/containers.md does not show config/compose/{name} as it is");
    }
}

#[test]
fn the_configuration_of_compose_is_valid_and_has_nothing_to_be_noted() {
    let path = Path::new("config/compose/gatelodge/gatelodge.toml");
    let config =
        Config::parse(&file("config/compose/gatelodge/gatelodge.toml"), path).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(gatelodge::config::notes(&config), Vec::<String>::new());
}

/// The version that is asked for is the one that `tests/packages` puts into the image's name.
#[test]
fn compose_asks_for_the_image_of_this_version() {
    let image = format!("    image: localhost/gatelodge:{}\n", env!("CARGO_PKG_VERSION"));
    assert!(file("config/compose/compose.yaml").contains(&image), "{image}");
    assert!(file("docs/containers.md").contains(&format!("gatelodge-{}-arm64.oci.tar", env!("CARGO_PKG_VERSION"))));
}

/// What the document says that people see is what the program prints.
#[test]
fn the_document_quotes_what_is_printed() {
    let sources = crate::tidy::sources();
    let document = file("docs/containers.md");
    let rows =
        document.split("## What goes wrong").nth(1).expect("a table").lines().filter(|line| line.starts_with("| `"));
    let mut quoted = 0;
    for row in rows {
        let seen = row.split('|').nth(1).expect("a column");
        // Between dots stands what depends on the machine.
        for part in
            seen.split('`').nth(1).expect("it is quoted").split('…').map(str::trim).filter(|part| !part.is_empty())
        {
            assert!(sources.iter().any(|(_, text)| text.contains(part)), "nothing prints {part:?}");
            quoted += 1;
        }
    }
    assert!(quoted > 8, "{quoted}");
}
