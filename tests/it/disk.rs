//! A real disk that is full, under the real binary: a file system of a few MiB in a mount namespace of the
//! server's own (`unshare`), which ends with it. And one that turns read-only under it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::{Server, configuration, file_mail, free_port, shown};
use crate::store::Folder;
use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD};

/// A server whose store is on a small disk of its own.
pub struct SmallDisk {
    pub folder: Folder,
    server: Server,
}

impl SmallDisk {
    pub fn new(mib: u32, settings: &str) -> Self {
        let may = Command::new("unshare").args(["--map-root-user", "--mount", "true"]).status();
        assert!(
            may.is_ok_and(|status| status.success()),
            "a file system of its own needs the right to make user namespaces: `sysctl kernel.unprivileged_userns_clone`"
        );
        let folder = Folder::new();
        let disk = folder.join("disk");
        std::fs::create_dir(&disk).expect("made");
        let port = free_port();
        let config = configuration(&folder.0, port, &format!("[throttle]\nenabled = false\n{}", file_mail(&folder.0)));
        let text = std::fs::read_to_string(&config).expect("read");
        let store = format!("path = \"{}/gatelodge.redb\"", folder.0.display());
        let small = format!("path = \"{}/gatelodge.redb\"\n{settings}", disk.display());
        std::fs::write(&config, text.replace(&store, &small)).expect("written");
        let script = format!("mount -t tmpfs -o size={mib}m none '{}' && exec \"$@\"", disk.display());
        let server = Server::start_by(
            Command::new("unshare").args(["--map-root-user", "--mount", "sh", "-c", &script, "sh"]),
            &["serve", "--config", &config],
            port,
        );
        let small = Self { folder, server };
        shown(
            &["user", "add", ALICE, "--confirmed", "--password-stdin", "--config", &config],
            &format!("{PASSWORD}\n"),
        );
        small
    }

    /// Where its configuration is.
    pub fn config(&self) -> String {
        self.folder.join("gatelodge.toml").to_str().expect("UTF-8").to_owned()
    }

    /// The disk as the server sees it.
    fn seen(&self) -> PathBuf {
        let inside = self.folder.join("disk");
        Path::new("/proc")
            .join(self.server.child.id().to_string())
            .join("root")
            .join(inside.strip_prefix("/").expect("whole"))
    }

    /// Leaves so many KiB free.
    pub fn fill_but(&self, free_kib: u64) {
        let filler = self.seen().join("filler");
        let _ = std::fs::remove_file(&filler);
        let free = self.free_kib();
        let bytes = free.saturating_sub(free_kib) * 1024;
        std::fs::write(&filler, vec![7; usize::try_from(bytes).expect("small")]).expect("filled");
    }

    fn make_room(&self) {
        std::fs::remove_file(self.seen().join("filler")).expect("removed");
    }

    fn free_kib(&self) -> u64 {
        let output = Command::new("stat").args(["-f", "-c", "%a %S"]).arg(self.seen()).output().expect("stat is there");
        let text = String::from_utf8(output.stdout).expect("ASCII");
        let (blocks, size) = text.trim().split_once(' ').expect("two numbers");
        blocks.parse::<u64>().expect("a number") * size.parse::<u64>().expect("a number") / 1024
    }
}

/// Makes a library of `tests/support/SOURCE` that changes what the disk does, for `LD_PRELOAD`.
pub fn compile(source: &str, to: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support").join(source);
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(to).arg(source).arg("-ldl").status();
    assert!(compiled.expect("a C compiler").success());
}

/// Asks again and again, as a client does that was told to come back, for twenty seconds at most.
fn in_time<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{what}");
    }
}

#[test]
fn a_disk_that_fills_up_refuses_first_strangers_then_changes_and_never_a_logout() {
    let disk = SmallDisk::new(40, "low_space_mib = 10\ncritical_space_mib = 4\nballast_mib = 2");
    let mut alice = disk.server.client();
    let log_in = json!({"identity": ALICE, "password": PASSWORD});
    alice.api("POST", "/login", &log_in).expect(200);
    let register = |number: u32| {
        let body = json!({"email": format!("person{number}@example.org"), "password": PASSWORD});
        disk.server.client().api("POST", "/register", &body)
    };
    register(1).expect(202);
    in_time("the ballast is taken", || disk.seen().join("gatelodge.redb.ballast").exists().then_some(()));

    disk.fill_but(8 << 10);
    let refused = in_time("registering is refused", || Some(register(2)).filter(|reply| reply.status() == 503));
    assert_eq!(refused.json()["code"], "storage_unavailable");
    assert!(refused.header("retry-after").is_some());
    disk.server.client().api("POST", "/forgot", &json!({"email": ALICE})).expect(503);
    let change = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
    alice.api("POST", "/account/password", &change).expect(200);

    disk.fill_but(3 << 10);
    // It is not even looked whether the present password is right.
    let change = json!({"current_password": "another", "new_password": PASSWORD});
    in_time("changes are refused", || {
        Some(()).filter(|()| alice.api("POST", "/account/password", &change).status() == 503)
    });
    let log_in = json!({"identity": ALICE, "password": OTHER_PASSWORD});
    let mut other = disk.server.client();
    other.api("POST", "/login", &log_in).expect(200);

    // Not a byte is left: the ballast goes, and people get out.
    disk.fill_but(0);
    in_time("somebody is told", || Some(()).filter(|()| alice.api("POST", "/logout", &Value::Null).status() == 204));
    alice.api("GET", "/session", &Value::Null).expect(401);
    in_time("the other gets out", || Some(()).filter(|()| other.api("POST", "/logout", &Value::Null).status() == 204));
    disk.server.client().get("/healthz").expect(200);

    disk.make_room();
    in_time("people register again", || Some(()).filter(|()| register(3).status() == 202));
    in_time("the ballast is taken again", || disk.seen().join("gatelodge.redb.ballast").exists().then_some(()));
}

#[test]
fn where_nothing_can_be_written_people_are_known_and_a_logout_says_that_it_failed() {
    let mut disk = SmallDisk::new(40, "low_space_mib = 0\ncritical_space_mib = 0\nballast_mib = 0");
    let mut alice = disk.server.client();
    alice.api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(200);
    // Without ballast, and not a byte left.
    disk.fill_but(0);
    let mut failed = false;
    for _ in 0..40 {
        let status = disk
            .server
            .client()
            .api("POST", "/register", &json!({"email": "x@example.org", "password": PASSWORD}))
            .status();
        failed |= status == 503;
    }
    assert!(failed, "something had to be written");
    assert_eq!(alice.api("POST", "/logout", &Value::Null).expect(503).status(), 503);
    // It says that it failed, and it has: nobody is told that they are out who is not.
    alice.api("GET", "/session", &Value::Null).expect(200);
    disk.server.reads_until("nothing can be written");
    disk.make_room();
    in_time("writing works again", || Some(()).filter(|()| alice.api("POST", "/logout", &Value::Null).status() == 204));
    alice.api("GET", "/session", &Value::Null).expect(401);
}

#[test]
fn on_a_disk_that_turned_read_only_people_are_known_and_a_logout_says_that_it_failed() {
    let folder = Folder::new();
    let (shim, sign) = (folder.join("read_only.so"), folder.join("is-read-only"));
    compile("read_only.c", &shim);
    let port = free_port();
    let config = configuration(&folder.0, port, &file_mail(&folder.0));
    shown(&["user", "add", ALICE, "--confirmed", "--password-stdin", "--config", &config], &format!("{PASSWORD}\n"));
    let settings = [("LD_PRELOAD", &shim), ("READ_ONLY_WHILE", &sign)];
    let settings = settings.map(|(name, path)| format!("{name}={}", path.display()));
    let mut server = Server::start_by(Command::new("env").args(&settings), &["serve", "--config", &config], port);
    let mut alice = server.client();
    alice.api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(200);

    std::fs::write(&sign, "").expect("written");
    let refused = alice.api("POST", "/logout", &Value::Null).expect(503);
    assert!(refused.header("retry-after").is_some());
    alice.api("GET", "/session", &Value::Null).expect(200);
    let registered = json!({"email": "x@example.org", "password": PASSWORD});
    server.client().api("POST", "/register", &registered).expect(503);
    server.client().api("POST", "/login", &json!({"identity": ALICE, "password": PASSWORD})).expect(503);
    server.reads_until("nothing can be written");
    let unready = server.client().get("/readyz").expect(503).json();
    assert_eq!((&unready["status"], &unready["clock"]), (&json!("not_ready"), &json!("sure")));
    server.client().get("/healthz").expect(200);
    std::fs::remove_file(&sign).expect("removed");
    in_time("writing works again", || Some(()).filter(|()| alice.api("POST", "/logout", &Value::Null).status() == 204));
    alice.api("GET", "/session", &Value::Null).expect(401);

    // Nor does it start on such a disk, and it says why.
    drop(server);
    std::fs::write(&sign, "").expect("written");
    let started = Command::new("env")
        .args(&settings)
        .args([env!("CARGO_BIN_EXE_gatelodge"), "serve", "--config", &config])
        .output()
        .expect("env is there");
    let said = String::from_utf8_lossy(&started.stderr);
    assert_eq!(started.status.code(), Some(1), "{said}");
    assert!(said.contains("Read-only file system"), "{said}");
}
