//! `gatelodge doctor` looks at installations that are well, and at ones that are not.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use gatelodge::base::{Moment, Timestamp};
use gatelodge::store::{Ballast, Migration, known_format, open_file_by};
use serde_json::Value;

use crate::process::{Server, configuration, file_mail, free_port, run};
use crate::smtp::{LOGIN, mail_server, prepare, settings};
use crate::store::Folder;
use crate::tls::Authority;
use crate::world::ALICE;

/// What was found: level, what, and what was said with its hint.
pub struct Found(Vec<(String, String, String)>);

impl Found {
    pub fn by(config: &str, more: &[&str]) -> Self {
        let output = run(&[&["doctor", "--json", "--config", config], more].concat(), "");
        let shown: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let found = |item: &Value| {
            let said = format!("{} {}", text(&item["said"]), text(&item["hint"]));
            (text(&item["level"]), text(&item["what"]), said)
        };
        let all = Self(shown["findings"].as_array().expect("findings").iter().map(found).collect());
        let wrong: Vec<&str> =
            all.0.iter().filter(|(level, ..)| level == "wrong").map(|(_, what, _)| &**what).collect();
        // A configuration that the start refuses ends it as it ends the start.
        let is_refused = run(&["check", "--config", config], "").status.code() == Some(78);
        let expected = if is_refused { 78 } else { i32::from(!wrong.is_empty()) };
        assert_eq!(output.status.code(), Some(expected), "{wrong:?}");
        all
    }

    /// Of this thing it is said, at this level, and nothing worse.
    #[track_caller]
    pub fn says(&self, level: &str, what: &str, words: &str) -> &Self {
        let found = self.0.iter().any(|(at, about, said)| at == level && about == what && said.contains(words));
        assert!(found, "{level} {what} {words:?} is not in: {:#?}", self.0);
        self
    }

    #[track_caller]
    pub fn blames_nothing_but(&self, things: &[&str]) {
        let wrong: Vec<_> =
            self.0.iter().filter(|(level, what, _)| level == "wrong" && !things.contains(&&**what)).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

#[test]
fn of_an_installation_that_is_well_nothing_is_wrong() {
    let folder = Folder::new();
    prepare(&folder.0);
    let mut post = mail_server(&folder.0, "tls", LOGIN);
    let credentials =
        "username = \"auth@example.org\"\npassword_file = \"{dir}/smtp-password\"\nca_file = \"{dir}/ca.pem\"\n";
    let password = folder.join("smtp-password");
    std::fs::set_permissions(password, PermissionsExt::from_mode(0o600)).expect("ours");
    let port = free_port();
    let sections = settings(&folder.0, post.port, "tls", credentials);
    let backups = format!("{sections}[backup]\ndirectory = \"{}/backups\"\n", folder.0.display());
    let config = configuration(&folder.0, port, &backups);
    // Made here, since the server may take its first snapshot later than the command takes one.
    std::fs::create_dir(folder.join("backups")).expect("ours");
    let server = Server::start(&["serve", "--config", &config], port);
    let snapshot = run(&["backup", "--keep", "3", &format!("{}/backups", folder.0.display()), "--config", &config], "");
    assert!(snapshot.status.success(), "{}", String::from_utf8_lossy(&snapshot.stderr));
    let found = Found::by(&config, &[]);
    found.blames_nothing_but(&[]);
    found
        .says("good", "service", "runs")
        .says("good", "store", "each can be read")
        .says("good", "audit log", "whole")
        .says("good", "mail", "lets us in")
        .says("good", "address", "leads here")
        .says("good", "proxy", "is not believed")
        .says("good", "cookies", "for this host alone")
        .says("note", "certificate", "self-signed")
        .says("good", "backup", "the newest snapshot");
    Found::by(&config, &["--mail", ALICE]).says("good", "mail", "accepted a mail");
    post.next_mail();
    let text = run(&["doctor", "--config", &config], "");
    assert!(String::from_utf8_lossy(&text.stdout).contains("good   store"));
    drop(server);
}

#[test]
fn what_is_wrong_on_the_machine_is_said_with_what_to_do() {
    let folder = Folder::new();
    let nowhere = folder.join("nowhere.toml");
    Found::by(nowhere.to_str().expect("UTF-8"), &[]).says("wrong", "configuration", "cannot be read");

    let port = free_port();
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    Found::by(&config, &[])
        .says("wrong", "service", "it does not run start it")
        .says("note", "store", "none yet")
        .says("note", "backup", "gatelodge-backup.timer");
    std::fs::write(folder.join("gatelodge.redb.lock"), "1\n").expect("written");
    Found::by(&config, &[]).says("wrong", "store", "the store is missing, but there was one");
    std::fs::remove_file(folder.join("gatelodge.redb.lock")).expect("removed");
    let server = Server::start(&["serve", "--config", &config], port);
    std::fs::set_permissions(folder.join("sealing-key"), PermissionsExt::from_mode(0o644)).expect("ours");
    Found::by(&config, &[])
        .says("wrong", "files", "sealing-key: the sealing key is open to every user of this machine chmod 600")
        .blames_nothing_but(&["files"]);
    assert_eq!(server.stops(), Some(0));
    std::fs::set_permissions(folder.join("sealing-key"), PermissionsExt::from_mode(0o600)).expect("ours");
    Found::by(&config, &[]).says("good", "store", "each can be read");

    // A program to come has been here.
    let (path, key) = (folder.join("gatelodge.redb"), folder.join("sealing-key"));
    let moment = &mut Moment::new(Timestamp::from_seconds(2_000_000_000), [3; 32]);
    let step = Migration { to: known_format() + 1, name: "do nothing", run: |_| Ok(()) };
    open_file_by(&[step], &path, &key, (1 << 20, Ballast::beside(&path, 0)), moment).map(drop).expect("upgraded");
    Found::by(&config, &[]).says("wrong", "store", "format").says("wrong", "store", "before-upgrade-from");

    std::fs::write(&path, vec![7; 20_000]).expect("written");
    Found::by(&config, &[]).says("wrong", "store", "gatelodge.redb");
}

#[test]
fn another_ones_address_and_a_mail_server_that_is_not_there_are_noticed() {
    let folder = Folder::new();
    let (port, elsewhere) = (free_port(), free_port());
    prepare(&folder.0);
    let config =
        configuration(&folder.0, port, &settings(&folder.0, free_port(), "tls", "ca_file = \"{dir}/ca.pem\"\n"));
    let _server = Server::start(&["serve", "--config", &config], port);
    Found::by(&config, &[]).says("wrong", "mail", "nothing listens at localhost");

    // The configuration that is looked at names another place than the one that is served.
    let text = std::fs::read_to_string(&config).expect("UTF-8");
    let other = folder.join("other.toml");
    let renamed = text
        .replace(&format!("url = \"https://localhost:{port}\""), &format!("url = \"https://localhost:{elsewhere}\""));
    std::fs::write(&other, &renamed).expect("written");
    let other = other.to_str().expect("UTF-8");
    Found::by(other, &[]).says("wrong", "address", "must lead to this server");
    std::fs::write(
        other,
        renamed.replace(&format!("url = \"https://localhost:{elsewhere}\""), "url = \"https://nobody.invalid\""),
    )
    .expect("written");
    Found::by(other, &[]).says("wrong", "address", "cannot be looked up");

    // Somebody else answers there.
    let stranger = Folder::new();
    let config_of_stranger = configuration(&stranger.0, elsewhere, &file_mail(&stranger.0));
    let _stranger = Server::start(&["serve", "--config", &config_of_stranger], elsewhere);
    std::fs::write(other, renamed).expect("written");
    Found::by(other, &[]).says("wrong", "address", "leads to something else than this server (it answered 200)");
}

/// A real nginx in front. It ends with the test.
pub struct Proxy {
    child: Child,
    folder: PathBuf,
}

impl Proxy {
    /// Starts one with these lines where it passes requests on.
    fn start(folder: &Path, port: u16, behind: u16, lines: &str) -> Self {
        Self::serving(folder, port, &format!("location / {{ proxy_pass http://127.0.0.1:{behind}; {lines} }}"), "")
    }

    /// Starts one that does this for each host, and has these other servers besides.
    pub fn serving(folder: &Path, port: u16, locations: &str, servers: &str) -> Self {
        let folder = folder.join("nginx");
        std::fs::create_dir_all(&folder).expect("made");
        Authority::new().issue("localhost", &folder);
        let dir = folder.display();
        let config = format!(
            "daemon off; master_process off; pid {dir}/pid; error_log {dir}/error.log;\nevents {{}}\nhttp {{ access_log off;\n\
             client_body_temp_path {dir}; proxy_temp_path {dir}; fastcgi_temp_path {dir}; uwsgi_temp_path {dir}; scgi_temp_path {dir};\n\
             ssl_certificate {dir}/cert.pem; ssl_certificate_key {dir}/key.pem;\n\
             server {{ listen 127.0.0.1:{port} ssl; {locations} }}\n{servers} }}\n"
        );
        std::fs::write(folder.join("nginx.conf"), config).expect("written");
        let child = Command::new("/usr/sbin/nginx")
            .args(["-c", folder.join("nginx.conf").to_str().expect("UTF-8"), "-e", "stderr"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx is there; `tests/run` installs it");
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::yield_now();
        }
        Self { child, folder }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn what_a_proxy_does_wrong_is_noticed() {
    let folder = Folder::new();
    let (port, behind) = (free_port(), free_port());
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    let text = std::fs::read_to_string(&config).expect("UTF-8");
    let text = text
        .replace(&format!("https = [\"127.0.0.1:{port}\"]"), &format!("https = []\nhttp = [\"127.0.0.1:{behind}\"]"));
    let trusting = |network: &str| {
        let proxied = format!("{text}[tls]\nmode = \"off\"\n[proxy]\ntrusted = [\"{network}\"]\n");
        std::fs::write(&config, proxied).expect("written");
        Server::start(&["serve", "--config", &config], port)
    };
    let through = |lines: &str| {
        let proxy = Proxy::start(&folder.0, port, behind, lines);
        let found = Found::by(&config, &[]);
        drop(proxy);
        found
    };
    let server = trusting("127.0.0.1/32");
    let forwards = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header Host $host;";
    let found = through(forwards);
    found
        .says("good", "address", "leads here")
        .says("good", "proxy", "says where people come from, and is believed")
        .says("good", "cookies", "for this host alone")
        .says("wrong", "certificate", "browsers do not trust what the address shows")
        .blames_nothing_but(&["certificate"]);
    through("").says("wrong", "proxy", "whoever connects can say where they come from");
    through("proxy_set_header X-Forwarded-For \"\";").says("wrong", "proxy", "all of them share the limits of one");
    through("proxy_set_header X-Forwarded-For unknown;").says("wrong", "proxy", "is no address (\"unknown\")");
    through(&format!("{forwards} proxy_cookie_path / /auth;")).says("wrong", "cookies", "they arrive changed");
    through(&format!("{forwards} proxy_hide_header Set-Cookie;")).says("wrong", "cookies", "they do not arrive");
    drop(server);
    let _server = trusting("192.0.2.0/24");
    through(forwards).says("wrong", "proxy", "add the proxy's network to [proxy]: trusted = [\"127.0.0.1/32\"]");
}
