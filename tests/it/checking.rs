//! `gatelodge check` opens what the configuration names; what passes there starts, and what does not is refused everywhere in the same
//! words.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::process::{Server, configuration, file_mail, free_port, refusal, run};
use crate::refused_starts::{NOBODY, is_root};
use crate::store::Folder;

fn said_by(arguments: &[&str]) -> String {
    let output = run(arguments, "");
    [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat()
}

#[test]
fn the_verdict_comes_first_and_the_settings_only_when_they_are_asked_for() {
    let folder = Folder::new();
    let config = configuration(&folder.0, free_port(), &file_mail(&folder.0));
    let said = said_by(&["check", "--config", &config]);
    assert_eq!(said, format!("{config}: the configuration is valid\n"));
    let all = said_by(&["check", "--all", "--config", &config]);
    assert!(all.starts_with(&said) && all.contains("\npassword.memory_kib = 8192\n"), "{all}");
    assert!(all.contains(&format!("# store.path: {} is there; ", folder.0.display())), "{all}");
    let shown: serde_json::Value =
        serde_json::from_slice(&run(&["check", "--json", "--config", &config], "").stdout).expect("JSON");
    assert_eq!((&shown["valid"], &shown["faults"]), (&true.into(), &serde_json::json!([])));
    assert_eq!(shown["configuration"]["password"]["memory_kib"], 8192);
}

#[test]
fn what_the_house_gives_its_pages_is_judged() {
    let folder = Folder::new();
    let dir = folder.0.display();
    let config = configuration(&folder.0, free_port(), &file_mail(&folder.0));
    let plain = std::fs::read_to_string(&config).expect("written");
    let site = |more: &str| {
        std::fs::write(&config, plain.replacen("[listen]", &format!("{more}\n[listen]"), 1)).expect("written");
    };
    std::fs::create_dir(folder.0.join("static")).expect("made");
    std::fs::write(folder.0.join("static/run.js"), "alert(1)").expect("written");
    std::fs::write(folder.0.join("bad.svg"), "<svg onload=\"alert(1)\"/>").expect("written");
    site("accent = \"#ffee00\"\nstatic = \"static\"");
    let said = said_by(&["check", "--config", &config]);
    assert!(said.contains("site.accent = \"#ffee00\" is too light to be read on light pages"), "{said}");
    assert!(said.contains(&format!("note: {dir}/static/run.js: not served: is of no kind that is served")), "{said}");

    site(
        "logo = \"bad.svg\"\nicon = \"gone.png\"\nstatic = \"nowhere\"\ncontact = \"javascript:alert(1)\"\naccent = \"red\"",
    );
    let (code, said) = refusal(&["check", "--config", &config]);
    assert_eq!(code, Some(78), "{said}");
    for expected in [
        "bad.svg: the picture holds a handler of events\nhint: export it anew",
        "gone.png: there is no such file",
        "nowhere: there is no such folder\nhint: make it, or leave `static` out",
        "write it like \"mailto:people@example.org\"",
        "\"red\": not a colour\nhint: write it like \"#1f5c43\"",
    ] {
        assert!(said.contains(expected), "{expected}\n\n{said}");
    }
}

/// Typos, wrong types and files in one run; for programs as well.
#[test]
fn everything_that_is_wrong_is_told_in_one_run() {
    let folder = Folder::new();
    let dir = folder.0.display();
    let more = format!(
        "min_lenght = 15\n{}[tls]\nmode = \"files\"\ncertificate = \"{dir}/cert.pem\"\nprivate_key = \"/etc/hostname\"\n[proxy]\ntrusted = \"127.0.0.1\"\n[backup]\ndirectory = \"{dir}/gatelodge.toml/x\"\n[webhooks.door]\nurl = \"https://door.example.org/\"\nsecret_file = \"{dir}/door\"\n",
        file_mail(&folder.0)
    );
    let config = configuration(&folder.0, free_port(), &more);
    let text = std::fs::read_to_string(&config).expect("written");
    std::fs::write(&config, text.replace("[listen]", "templates = \"/nowhere\"\n[listen]")).expect("written");
    for command in ["check", "serve"] {
        let (code, said) = refusal(&[command, "--config", &config]);
        assert_eq!(code, Some(78), "{said}");
        for expected in [
            "gatelodge.toml: 7 things are wrong\n",
            ":4:13: /nowhere: there is no such folder\nhint: make it, or leave `templates` out",
            ":13:1: unknown key `min_lenght`\nhint: did you mean `min_length`?",
            "cert.pem: there is no such file\n",
            "/etc/hostname: there is no private key in it\n",
            "`trusted` is a list, and this is a text\nhint: write trusted = [\"127.0.0.1\"]",
            "gatelodge.toml: is a file, and should be a folder\n",
            "door: there is no such file\n",
        ] {
            assert!(said.contains(expected), "{command}: {expected}\n\n{said}");
        }
    }
    let output = run(&["check", "--json", "--config", &config], "");
    assert_eq!(output.status.code(), Some(78));
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(shown["valid"], false);
    let keys: Vec<&str> =
        shown["faults"].as_array().expect("faults").iter().filter_map(|fault| fault["key"].as_str()).collect();
    assert_eq!(
        keys,
        ["site.templates", "tls.certificate", "tls.private_key", "backup.directory", "webhooks.door.secret_file"]
    );
}

#[test]
fn templates_are_read_and_one_that_replaces_nothing_is_told() {
    let folder = Folder::new();
    let config = configuration(&folder.0, free_port(), &file_mail(&folder.0));
    let text = std::fs::read_to_string(&config).expect("written");
    std::fs::write(&config, text.replace("[listen]", "templates = \"templates\"\n[listen]")).expect("written");
    std::fs::create_dir(folder.join("templates")).expect("made");
    std::fs::write(folder.join("templates/logn.html"), "<p>Hello</p>").expect("written");
    let said = said_by(&["check", "--config", &config]);
    assert!(
        said.contains("is valid\nnote: ") && said.contains("replaces no template; did you mean login.html?"),
        "{said}"
    );
    std::fs::write(folder.join("templates/login.html"), "{% if %}").expect("written");
    std::fs::write(folder.join("templates/register.html"), b"M\xfcller").expect("written");
    for command in ["check", "serve"] {
        let (code, said) = refusal(&[command, "--config", &config]);
        assert_eq!(code, Some(78), "{said}");
        assert!(said.contains("2 things are wrong") && said.contains("/login.html: "), "{said}");
        assert!(said.contains("/register.html: holds the byte 0xfc"), "{said}");
    }
}

#[test]
fn texts_are_read_and_what_is_wrong_in_them_is_told_with_its_line() {
    let folder = Folder::new();
    let config = configuration(&folder.0, free_port(), &file_mail(&folder.0));
    let text = std::fs::read_to_string(&config).expect("written");
    let site = "texts = \"texts\"\nlanguages = [\"en\", \"sv\", \"fi\"]\n[listen]";
    std::fs::write(&config, text.replace("[listen]", site)).expect("written");
    std::fs::create_dir(folder.join("texts")).expect("made");
    std::fs::write(folder.join("texts/sv.toml"), "[language]\nname = \"Svenska\"\n").expect("written");
    std::fs::write(folder.join("texts/en.toml"), "[pages.login]\ntitel = \"Hello\"\ntitle = \"{to}\"\n")
        .expect("written");
    let (code, said) = refusal(&["check", "--config", &config]);
    assert_eq!(code, Some(78), "{said}");
    for told in [
        "texts/en.toml:2: there is no text `pages.login.titel`; did you mean `pages.login.title`?",
        "texts/en.toml:3: `pages.login.title` has no value {to}; it has none",
        "texts/fi.toml: site.languages names this language",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    std::fs::remove_file(folder.join("texts/en.toml")).expect("removed");
    std::fs::write(folder.join("texts/fi.toml"), "[language]\nname = \"Suomi\"\n").expect("written");
    let said = said_by(&["check", "--config", &config]);
    assert!(
        said.contains("is valid\nnote: ") && said.contains("texts are missing, and are shown in English"),
        "{said}"
    );
}

#[test]
fn places_that_nothing_can_be_written_to_are_told() {
    let folder = Folder::new();
    let config = configuration(&folder.0, free_port(), &file_mail(&folder.0));
    std::fs::create_dir(folder.join("gatelodge.redb")).expect("made");
    for command in ["check", "serve"] {
        let (code, said) = refusal(&[command, "--config", &config]);
        assert_eq!(code, Some(78), "{said}");
        assert!(said.contains("gatelodge.redb: is a folder, and should be a file in one\nhint: write "), "{said}");
    }
}

/// Whatever stands where the service makes its files, it is told before the start, and the start ends alike.
#[test]
fn what_stands_where_the_service_makes_its_files_is_told() {
    let folder = Folder::new();
    let config = configuration(&folder.0, free_port(), &file_mail(&folder.0));
    let text = std::fs::read_to_string(&config).expect("written");
    let path = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
    std::fs::write(path("precious"), "precious").expect("written");
    std::fs::create_dir(path("folder")).expect("made");
    std::os::unix::fs::symlink("/nowhere", path("link")).expect("made");
    assert!(Command::new("mkfifo").arg(path("fifo")).status().expect("mkfifo is there").success());
    let control = "control.sock";
    let store = "gatelodge.redb";
    for (key, of, other, words) in [
        ("listen.control", control, path("precious"), "is there and is no socket"),
        ("listen.control", control, path("folder"), "is there and is no socket"),
        ("listen.control", control, path("link"), "is there and is no socket"),
        ("listen.control", control, path("fifo"), "is there and is no socket"),
        ("listen.control", control, path(&"x".repeat(108)), "the path of a socket may have 107 bytes"),
        ("listen.control", control, path("gatelodge.redb"), "is the path of `store.path` as well"),
        ("listen.control", control, path("./sealing-key"), "is the path of `store.key_file` as well"),
        ("listen.control", control, config.clone(), "is this configuration itself"),
        ("mail.directory", "mail", path("control.sock"), "is the path of `listen.control` as well"),
        ("store.path", store, config.clone(), "is this configuration itself"),
        ("store.path", store, path("folder/"), "ends with `/` as a folder does"),
        ("store.path", store, path("fifo"), "is no file, and stays as it is"),
        ("store.path", store, "/dev/null".into(), "is no file, and stays as it is"),
        ("store.path", store, "/proc/g.redb".into(), "is the system's own"),
    ] {
        let wrong = text.replace(&format!("\"{}\"", path(of)), &format!("\"{other}\""));
        std::fs::write(&config, wrong).expect("written");
        let output = run(&["check", "--json", "--config", &config], "");
        let shown: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(shown["faults"][0]["key"], key, "{other}: {shown}");
        for command in ["check", "serve"] {
            let (code, said) = refusal(&[command, "--config", &config]);
            assert_eq!(code, Some(78), "{other}: {said}");
            assert!(said.contains(words), "{other}: {said}");
            assert_eq!(said.matches("\nhint: ").count(), 1, "{other}: {said}");
        }
    }
    assert_eq!(std::fs::read_to_string(path("precious")).expect("left"), "precious");
}

#[test]
fn a_store_that_is_gone_is_told() {
    let folder = Folder::new();
    let config = configuration(&folder.0, free_port(), &file_mail(&folder.0));
    std::fs::write(folder.join("gatelodge.redb.lock"), "1\n").expect("written");
    let said = said_by(&["check", "--config", &config]);
    assert!(said.contains("is valid\nnote: ") && said.contains("the store is missing, but there was one"), "{said}");
    assert_eq!(refusal(&["serve", "--config", &config]).0, Some(65));
}

#[test]
fn authorities_that_nothing_needs_are_looked_at_all_the_same() {
    let folder = Folder::new();
    let ca = folder.join("ca.pem");
    let mail = format!(
        "[mail]\nfrom = \"auth@example.org\"\n[mail.smtp]\nhost = \"localhost\"\nsecurity = \"none\"\nca_file = \"{}\"\n",
        ca.display()
    );
    let config = configuration(&folder.0, free_port(), &mail);
    let (code, said) = refusal(&["check", "--config", &config]);
    assert!(code == Some(78) && said.contains("ca.pem: there is no such file"), "{said}");
    crate::tls::Authority::new().issue("localhost", &folder.0);
    std::fs::rename(folder.join("cert.pem"), &ca).expect("a certificate");
    let said = said_by(&["check", "--config", &config]);
    assert!(said.contains("note: mail.smtp.ca_file: is not used with security = \"none\""), "{said}");
}

#[test]
fn an_address_of_another_machine_is_told() {
    let folder = Folder::new();
    let config = configuration(&folder.0, free_port(), &file_mail(&folder.0));
    let text = std::fs::read_to_string(&config).expect("written");
    std::fs::write(&config, text.replace("https = [\"127.0.0.1", "https = [\"192.0.2.1")).expect("written");
    let said = said_by(&["check", "--config", &config]);
    assert!(said.contains("note: listen.https: this machine does not have the address 192.0.2.1 now"), "{said}");
}

#[test]
fn a_configuration_that_is_no_text_is_told_what_it_is() {
    let folder = Folder::new();
    let config = configuration(&folder.0, free_port(), &file_mail(&folder.0));
    let text = std::fs::read_to_string(&config).expect("written");
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, words) in [
        (utf16, "is UTF-16, which Windows calls Unicode\nhint: save it as UTF-8, or: iconv"),
        (
            text.replace("Hill", "H\u{fc}gel").chars().map(|c| c as u8).collect(),
            ":2:10: cannot be read: holds the byte 0xfc",
        ),
        (text.replace("Hill", "Hi\0ll").into_bytes(), ":2:11: cannot be read: holds a zero byte"),
        (vec![], "the file says nothing"),
        (b"# nothing\n".to_vec(), "the file says nothing"),
    ] {
        std::fs::write(&config, bytes).expect("written");
        for command in [&["check"][..], &["serve"], &["user", "list"]] {
            let (code, said) = refusal(&[command, &["--config", &config]].concat());
            assert_eq!(code, Some(78), "{said}");
            assert!(said.contains(words), "{said}");
        }
    }
    for text in [format!("\u{feff}{text}"), text.replace('\n', "\r\n"), text.replace('\n', "\r")] {
        std::fs::write(&config, text).expect("written");
        assert_eq!(refusal(&["check", "--config", &config]), (Some(0), String::new()));
    }
    let (code, said) = refusal(&["check", "--config", folder.0.to_str().expect("UTF-8")]);
    assert_eq!(code, Some(78));
    assert!(
        said.contains("is a folder") && said.contains("was the file missing when the container was made?"),
        "{said}"
    );
}

#[test]
fn what_this_user_may_not_read_is_no_fault_and_is_told() {
    let folder = Folder::new();
    let secret = folder.join("smtp-password");
    let mail = format!(
        "[mail]\nfrom = \"auth@example.org\"\n[mail.smtp]\nhost = \"localhost\"\nusername = \"auth\"\npassword_file = \"{}\"\n",
        secret.display()
    );
    let config = configuration(&folder.0, free_port(), &mail);
    std::fs::write(&secret, "secret\n").expect("written");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).expect("ours");
    std::fs::set_permissions(&folder.0, std::fs::Permissions::from_mode(0o755)).expect("ours");
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o644)).expect("ours");
    let binary = folder.join("program");
    std::fs::copy(env!("CARGO_BIN_EXE_gatelodge"), &binary).expect("copied");
    let as_nobody = |command: &str| {
        let mut program = Command::new(&binary);
        if is_root() {
            program.uid(NOBODY).gid(NOBODY);
        }
        let output = program.args([command, "--config", &config]).current_dir("/").output().expect("starts");
        (
            output.status.code(),
            [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat(),
        )
    };
    let (code, said) = as_nobody("check");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("the configuration is valid, as far as this user can see\n"), "{said}");
    assert!(
        said.contains("note: not looked at: mail.smtp.password_file: ") && said.contains("may not read it"),
        "{said}"
    );
    let (code, said) = as_nobody("serve");
    assert_eq!(code, Some(78), "{said}");
    assert!(
        said.contains("smtp-password: this user may not read it\nhint: give the service's user the right"),
        "{said}"
    );
}

#[test]
fn a_reload_says_what_check_says() {
    let folder = Folder::new();
    let port = free_port();
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    let mut server = Server::start(&["serve", "--config", &config], port);
    let text = std::fs::read_to_string(&config).expect("written");
    let wrong = text.replace("[listen]", "templates = \"/nowhere\"\ncontcat = 1\n[listen]");
    std::fs::write(&config, wrong).expect("written");
    let (_, said) = refusal(&["check", "--config", &config]);
    assert!(said.contains("2 things are wrong") && said.contains("/nowhere: there is no such folder"), "{said}");
    server.hangs_up();
    let line = server.reads_until("the configuration is not taken, and nothing changes: ");
    let words = said.trim_start_matches("gatelodge: ").lines().next().expect("a line");
    assert!(line.contains(words), "{line}");
    for words in said.lines().skip(1) {
        if !server.log.contains(words) {
            server.reads_until(words);
        }
    }
    assert_eq!(server.stops(), Some(0));
}
