//! The systemd units: what they let the service do, judged by systemd itself, and whether they agree with the program.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::store::Folder;

fn unit(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd").join(name)
}

fn settings(name: &str, key: &str) -> Vec<String> {
    let text = std::fs::read_to_string(unit(name)).expect("the unit is there");
    let prefix = format!("{key}=");
    text.lines().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
}

/// Tenths of systemd's exposure level: 0 is shut off, 100 may do anything.
fn is_at_most(unit: &Path, tenths: u32) {
    let output = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager", &format!("--threshold={tenths}")])
        .arg(unit)
        .output()
        .expect("systemd-analyze is there; `tests/run` installs it");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("Overall exposure level"), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "more than {tenths} tenths: {}", said.lines().last().unwrap_or_default());
}

#[test]
fn the_service_may_do_very_little() {
    is_at_most(&unit("gatelodge.service"), 3);
    is_at_most(&unit("gatelodge-backup.service"), 3);
    is_at_most(&unit("gatelodge-courier.service"), 12);
}

#[test]
fn in_one_process_it_may_do_little_more() {
    let folder = Folder::new();
    let read = |name: &str| std::fs::read_to_string(unit(name)).expect("it is there");
    let merged = folder.join("gatelodge.service");
    // Later lines count, and lists add up, as with a drop-in (systemd.unit(5)).
    let service = read("gatelodge.service").replace("[Install]", &format!("{}[Install]", read("single-process.conf")));
    std::fs::write(&merged, service).expect("written");
    is_at_most(&merged, 12);
}

/// What the account holding process is not to have, and where it sends its errands.
#[test]
fn the_service_has_no_network_and_sends_its_errands_where_the_courier_listens() {
    assert_eq!(settings("gatelodge.service", "PrivateNetwork"), ["yes"]);
    assert_eq!(settings("gatelodge.service", "RestrictAddressFamilies"), ["AF_UNIX"]);
    let socket = settings("gatelodge-courier.socket", "ListenStream").join("");
    let start = settings("gatelodge.service", "ExecStart").join("");
    assert_eq!(start, format!("/usr/bin/gatelodge serve --courier {socket}"));
    assert_eq!(settings("gatelodge-courier.socket", "SocketMode"), ["0600"]);
    let user = settings("gatelodge.service", "User");
    assert_eq!(settings("gatelodge-courier.socket", "SocketUser"), user);
    assert!(settings("gatelodge.service", "LoadCredential").iter().all(|credential| !credential.contains("smtp")));
}

const UNITS: [&str; 7] = [
    "gatelodge.socket",
    "gatelodge.service",
    "gatelodge-courier.socket",
    "gatelodge-courier.service",
    "gatelodge-metrics.socket",
    "gatelodge-backup.timer",
    "gatelodge-backup.service",
];

#[test]
fn systemd_understands_every_line() {
    for name in UNITS {
        let output = Command::new("systemd-analyze").arg("verify").arg(unit(name)).output().expect("it is there");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // The manual page and the binary are where the package puts them.
        let complaints: Vec<&str> = said
            .lines()
            .filter(|line| !line.contains("Command 'man ") && !line.contains("is not executable"))
            .collect();
        assert!(complaints.is_empty(), "{name}: {complaints:#?}");
    }
}

#[test]
fn what_a_restart_cannot_mend_is_not_restarted() {
    let codes = settings("gatelodge.service", "RestartPreventExitStatus").join(" ");
    assert_eq!(codes, "2 65 78", "wrong usage, the store, the configuration: src/cli/exit.rs");
}

#[test]
fn the_units_agree_with_the_configuration_that_is_built_in() {
    let text = "[site]\nurl = \"https://auth.example.org\"\n[mail]\nfrom = \"a@example.org\"\ntransport = \"file\"\n";
    let config = gatelodge::config::Config::parse(text, Path::new("a.toml")).expect("valid");
    let folder = |key: &str, root: &str| format!("{root}/{}", settings("gatelodge.service", key).join(" "));
    assert_eq!(config.store.path.parent(), Some(Path::new(&folder("StateDirectory", "/var/lib"))));
    assert_eq!(config.listen.control.parent(), Some(Path::new(&folder("RuntimeDirectory", "/run"))));
    let configured = Path::new(gatelodge::config::Config::DEFAULT_PATH);
    assert_eq!(configured.parent(), Some(Path::new(&folder("ConfigurationDirectory", "/etc"))));
    let ports: Vec<u16> =
        settings("gatelodge.socket", "ListenStream").iter().map(|port| port.parse().expect("a port")).collect();
    assert!(config.listen.https.iter().all(|address| ports.contains(&address.port())), "{ports:?}");
}
