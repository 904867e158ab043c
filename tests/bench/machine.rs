//! The machine, and servers on it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

pub fn describe() {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name.to_owned()));
    let memory = read("/proc/meminfo")
        .lines()
        .next()
        .and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
        .unwrap_or_default();
    println!(
        "# {} cores, {}, {:.0} GiB",
        cores(),
        cpu.unwrap_or_else(|| "unknown processor".into()),
        memory as f64 / 1_048_576.0
    );
    println!("target {}-{}", std::env::consts::ARCH, std::env::consts::OS);
}

pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// How often the disk makes 4 KiB durable.
pub fn fdatasync_rate(folder: &Path, time: Duration) -> f64 {
    let path = folder.join("fdatasync");
    let file = std::fs::File::create(&path).expect("a file");
    file.write_all_at(&vec![0; 4096 * 64], 0).and_then(|()| file.sync_all()).expect("written");
    let started = Instant::now();
    let mut count = 0u64;
    while started.elapsed() < time {
        file.write_all_at(&[count.to_le_bytes()[0]; 4096], count % 64 * 4096)
            .and_then(|()| file.sync_data())
            .expect("written");
        count += 1;
    }
    let rate = count as f64 / started.elapsed().as_secs_f64();
    std::fs::remove_file(path).expect("removed");
    rate
}

/// A disk under a program: as it is, or with every fdatasync held up, as an SD card would.
#[derive(Clone, Copy)]
pub struct Disk {
    is_slower: bool,
}

impl Disk {
    pub fn as_it_is() -> Self {
        Self { is_slower: false }
    }

    /// Every fdatasync takes 2 ms longer, and what it takes to be held. None where the kernel cannot hold a call.
    pub fn slower() -> Option<Self> {
        let slower = Self { is_slower: true };
        let mut trial = slower.run("python3");
        trial.args(["-c", "import os; os.fdatasync(os.open('Cargo.toml', os.O_RDONLY))"]);
        trial.stdout(Stdio::null()).stderr(Stdio::null());
        trial.status().is_ok_and(|status| status.success()).then_some(slower)
    }

    fn run(self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        if !self.is_slower {
            return Command::new(program);
        }
        let mut command = Command::new("python3");
        command.args(["tests/bench/slow_disk.py", "2000"]).arg(program);
        command
    }

    /// Durable writes a second, measured by a program under the same conditions as the server.
    pub fn fdatasync_rate(self, folder: &Path) -> f64 {
        let program = std::env::current_exe().expect("this program");
        let output = self.run(program).arg("fdatasync").arg(folder).output().expect("it runs");
        String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number")
    }
}

/// The program that is measured: the static build that people install, or another one that is named.
pub fn binary() -> PathBuf {
    let built = || format!("target/{}-unknown-linux-musl/release/gatelodge", std::env::consts::ARCH);
    let path = PathBuf::from(std::env::var("GATELODGE_BENCH_BINARY").unwrap_or_else(|_| built()));
    if !path.exists() {
        eprintln!("there is no {}; build it first: tests/cross {}", path.display(), std::env::consts::ARCH);
        std::process::exit(2);
    }
    path
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("loopback").port()
}

/// Waits until somebody listens.
pub fn until_it_listens(port: u16) {
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Makes an account that the load logs in to.
pub fn add_account(config: &str, email: &str, password: &str) {
    let mut child = Command::new(binary())
        .args(["user", "add", email, "--confirmed", "--password-stdin", "--config", config])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary starts");
    child.stdin.take().expect("piped").write_all(password.as_bytes()).expect("written");
    assert!(child.wait().expect("it ends").success());
}

/// How many people log in where it is people that log in.
pub const CROWD: usize = 50;

/// Makes so many accounts.
pub fn add_crowd(config: &str, password: &str) {
    (0..CROWD).for_each(|number| add_account(config, &format!("crowd{number}@example.org"), password));
}

/// A server that ends with this value.
pub struct Server {
    child: Child,
    pub port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn spawn(command: &mut Command, port: u16, ready: &str) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        while !line.contains(ready) {
            line.clear();
            assert_ne!(lines.read_line(&mut line).expect("UTF-8"), 0, "the server ended");
        }
        std::thread::spawn(move || drop(lines.read_to_end(&mut Vec::new())));
        Self { child, port }
    }

    fn write_config(folder: &Path, listen: &str, more: &str) -> String {
        std::fs::create_dir_all(folder).expect("a folder");
        let dir = folder.display();
        let path = folder.join("gatelodge.toml");
        let text = format!(
            "{listen}\ncontrol = \"{dir}/control.sock\"\n[store]\npath = \"{dir}/gatelodge.redb\"\n[mail]\nfrom = \"a@example.org\"\ntransport = \"file\"\n\
             directory = \"{dir}/mail\"\n[throttle]\nenabled = false\n[proxy]\ntrusted = [\"127.0.0.1/32\"]\n{more}"
        );
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    }

    /// A configuration without TLS, and its path.
    pub fn configure(folder: &Path, more: &str) -> String {
        let port = free_port();
        let listen = format!(
            "[tls]\nmode = \"off\"\n[site]\nurl = \"http://localhost:{port}\"\n[listen]\nhttp = [\"127.0.0.1:{port}\"]\nhttps = []"
        );
        Self::write_config(folder, &listen, more)
    }

    pub fn start_plain(folder: &Path, more: &str, disk: Disk) -> Self {
        let config = Self::configure(folder, more);
        let text = std::fs::read_to_string(&config).expect("read");
        let port =
            text.split("localhost:").nth(1).and_then(|rest| rest.split('"').next()?.parse().ok()).expect("a port");
        let mut command = disk.run(binary());
        command.args(["serve", "--config", &config]).env("GATELODGE_LOG", "warn");
        Self::spawn(&mut command, port, "").listening()
    }

    pub fn start_tls(folder: &Path, binary: &Path) -> Self {
        let port = free_port();
        let listen = format!("[site]\nurl = \"https://localhost:{port}\"\n[listen]\nhttps = [\"127.0.0.1:{port}\"]");
        let config = Self::write_config(folder, &listen, "");
        let child = Command::new(binary)
            .args(["serve", "--config", &config])
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary starts");
        Self { child, port }
    }

    pub fn start_bare(port: u16) -> Self {
        let program = std::env::current_exe().expect("this program");
        Self::spawn(Command::new(program).args(["bare-hyper", &port.to_string()]), port, "ready")
    }

    /// Asks it to end, and waits: what is killed has its store checked at the next start.
    pub fn stops(mut self) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status().expect("kill is there");
        assert!(asked.success() && self.child.wait().expect("it ends").success());
    }

    fn listening(self) -> Self {
        until_it_listens(self.port);
        self
    }

    /// Connects as soon as anybody listens, and reads one answer over TLS.
    pub fn answers_over_tls(&self) {
        let config = Arc::new(gatelodge::tls::client::believing_anybody());
        let stream = loop {
            match TcpStream::connect(("127.0.0.1", self.port)) {
                Ok(stream) => break stream,
                Err(_) => std::thread::sleep(Duration::from_micros(200)),
            }
        };
        let name = ServerName::try_from("localhost").expect("a name");
        let mut stream = StreamOwned::new(ClientConnection::new(config, name).expect("a configuration"), stream);
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("sent");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.starts_with(b"HTTP/1.1 200"));
    }

    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("a line");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
    }

    /// The most memory it had while `work` ran.
    pub fn watch_resident(&self, work: impl FnOnce()) -> u64 {
        let (peak, done) = (AtomicU64::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    peak.fetch_max(self.resident_kib(), Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(5));
                }
            });
            work();
            done.store(true, Ordering::Relaxed);
        });
        peak.into_inner()
    }

    /// Bytes that the process has sent to the disk.
    pub fn written_bytes(&self) -> u64 {
        let io = std::fs::read_to_string(format!("/proc/{}/io", self.child.id())).expect("it runs");
        io.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok()).expect("a number")
    }

    /// User and system time so far.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("it runs");
        let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().expect("a number")).sum();
        ticks as f64 / 100.0
    }
}
