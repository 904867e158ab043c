//! Every parser that reads bytes from outside, as a function that must neither panic nor break its promise, whatever it is given.
//! The ordinary test run gives them seeds and mutations of these; `cargo fuzz` finds more (see `tests/fuzz/Cargo.toml`).

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use gatelodge::app::{App, Hasher};
use gatelodge::base::{Clock, EmailAddress, Identity, ManualClock, Moment, Timestamp, Username};
use gatelodge::config::Config;
use gatelodge::crypto::{
    Bearer, BearerKind, Keyring, OpenedToken, PasswordHash, Purpose, SealingKey, SigningKey, Ticket,
};
use gatelodge::export;
use gatelodge::gate::OriginalUrl;
use gatelodge::store::{Archive, Pair, Records, Trust, known_format, open_memory, write_records};
use gatelodge::throttle::{Device, DeviceId, Devices};
use gatelodge::web::Service;

/// A name, what to do with bytes, and where to begin.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    pub seeds: fn() -> Vec<Vec<u8>>,
}

pub const TARGETS: &[Target] = &[
    Target {
        name: "address",
        run: address,
        seeds: || texts(&["alice@example.org", "jürgen@bücher.example", "a@b@c", "alice"]),
    },
    Target { name: "token", run: token, seeds: || vec![signed().into_bytes(), b"glt_AAAA".to_vec()] },
    Target { name: "cookie", run: cookie, seeds: || texts(&["gld_AAAA.gld_BBBB", "gls_AAAA", &device()]) },
    Target {
        name: "hash",
        run: hash,
        seeds: || {
            texts(&[
                "$argon2id$v=19$m=65536,t=3,p=4$qXVO6b2XMobQ2luLUcq5lw$tnzOFgx4as+45tFbC5WcjBkbLdIpDOFV1iSKuFTHq3A",
            ])
        },
    },
    Target {
        name: "form",
        run: form,
        seeds: || texts(&["identity=alice%40example.org&password=x+y&remember=on", "a=1&a=2", "%ff=%"]),
    },
    Target {
        name: "json",
        run: json,
        seeds: || {
            texts(&[
                "{\"identity\":\"alice@example.org\",\"password\":\"x\",\"remember\":true}",
                "{\"a\":1,\"a\":2}",
                "[1]",
            ])
        },
    },
    Target {
        name: "request",
        run: request,
        seeds: || texts(&["/login?return_to=%2Faccount\ngatelodge=gls_x; a=b\nBearer gls_x\n192.0.2.1, 10.0.0.1"]),
    },
    Target {
        name: "original",
        run: original,
        seeds: || {
            texts(&[
                "https://Wiki.Example.org.:8443/public/%2e%2e/a%2Fb//c;v=1?next=%2Fadmin",
                "wss://[::1]/%252e%252e/",
                "http://b\u{fc}cher.lan",
            ])
        },
    },
    Target {
        name: "configuration",
        run: configuration,
        seeds: || {
            texts(&[
                "[site]\nurl = \"https://a.example\"\n[mail]\nfrom = \"a@b.example\"\ntransport = \"file\"\n[throttle]\nname = \"10, then one every 15m\"\n",
            ])
        },
    },
    Target { name: "record", run: record, seeds: records },
    Target { name: "backup", run: backup, seeds: || vec![archived()] },
    Target { name: "import", run: import, seeds: || exported().lines().map(|line| line.as_bytes().to_vec()).collect() },
];

const NOW: Timestamp = Timestamp::from_seconds(2_000_000_000);

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn moment() -> Moment {
    Moment::new(NOW, [3; 32])
}

fn address(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(address) = EmailAddress::parse(text) {
        assert_eq!(EmailAddress::parse(address.as_str()).expect("parsed once"), address);
        assert!(
            !address.canonical().contains(['\0', '\r', '\n', ' ']) && address.as_str().len() <= EmailAddress::MAX_BYTES
        );
    }
    if let Ok(name) = Username::parse(text) {
        assert!(name.as_str().is_ascii() && Username::parse(name.as_str()).as_ref() == Ok(&name));
    }
    let identity = Identity::parse(text);
    assert!(identity.canonical().is_none_or(|name| name.contains(':') && !name.contains('\0')));
}

fn keys() -> Keyring {
    Keyring::new(vec![SigningKey::new([1; 4], NOW, [9; 32])])
}

fn signed() -> String {
    let ticket = Ticket {
        purpose: Purpose::ResetPassword,
        subject: [4; 16],
        issued_at: NOW,
        expires_at: NOW.plus(60),
        state: &[b"state"],
    };
    ticket.sign(&keys()).expect("there is a key")
}

fn token(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if OpenedToken::open(text, &keys(), NOW).is_ok() {
        assert_eq!(text, signed(), "only what we signed opens");
    }
}

fn device() -> String {
    let account = gatelodge::base::AccountId::from_bytes([5; 16]);
    let device = Device::new(account, DeviceId([6; 16]), 7, NOW);
    Devices::default().with(device, &SealingKey::draw(&mut moment()), &[1; 16])
}

fn cookie(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let devices = Devices::read(&text, &SealingKey::draw(&mut moment()), &[1; 16], NOW);
    if devices.of(gatelodge::base::AccountId::from_bytes([5; 16])).is_some() {
        assert!(text.contains(&device()), "only what we signed is known");
    }
    if let Some(bearer) = Bearer::parse(BearerKind::Session, &text) {
        assert_eq!(bearer.expose(), text);
    }
}

fn hash(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(hash) = PasswordHash::parse(text) {
        assert!(hash.cost().is_permitted());
        assert_eq!(PasswordHash::parse(&hash.to_string()), Ok(hash));
    }
}

/// An appliance in memory, with hashes that cost next to nothing.
struct Place {
    web: Service,
    app: Arc<App>,
    runtime: tokio::runtime::Runtime,
}

static PLACE: LazyLock<Place> = LazyLock::new(|| {
    let text = "[site]\nurl = \"https://auth.example.org\"\n[mail]\nfrom = \"a@example.org\"\ntransport = \"file\"\n[password]\nmemory_kib = 8\niterations = 1\n[proxy]\ntrusted = [\"127.0.0.1/32\"]\n";
    let config = Config::parse(text, Path::new("fuzz.toml")).expect("valid");
    let hasher = Hasher::start(config.password.cost()).expect("threads start");
    let clock = Arc::new(ManualClock::at(NOW)) as Arc<dyn Clock>;
    let opened = open_memory(&mut moment()).expect("memory opens");
    let app = Arc::new(App::new(config, opened, clock, hasher).expect("well formed"));
    let web = Service::new(Arc::clone(&app)).expect("well formed");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    Place { web, app, runtime }
});

fn send(request: http::request::Builder, body: &[u8]) {
    let Ok(request) = request.body(bytes::Bytes::copy_from_slice(body)) else { return };
    let response = PLACE.runtime.block_on(PLACE.web.answer(request, IpAddr::V4(Ipv4Addr::LOCALHOST)));
    assert_ne!(response.status().as_u16(), 500, "a panic, or a mistake of ours");
}

fn form(bytes: &[u8]) {
    for path in ["/register", "/login"] {
        let request = http::Request::builder().method("POST").uri(path).header("sec-fetch-site", "same-origin");
        send(request.header("content-type", "application/x-www-form-urlencoded"), bytes);
    }
}

fn json(bytes: &[u8]) {
    for path in ["/api/v1/register", "/api/v1/login", "/api/v1/reset"] {
        send(http::Request::builder().method("POST").uri(path).header("content-type", "application/json"), bytes);
    }
}

/// A path with its query, a cookie, an authorisation and forwarded addresses, one a line.
fn request(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let mut request = http::Request::builder().uri(lines.next().unwrap_or_default());
    for name in ["cookie", "authorization", "x-forwarded-for", "origin"] {
        if let Some(value) = lines.next() {
            request = request.header(name, value);
        }
    }
    send(request, b"");
}

/// What a proxy asks about: canonical once, canonical for ever.
fn original(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(url) = OriginalUrl::parse(text) else { return };
    let canonical = url.to_string();
    let again = OriginalUrl::parse(&canonical).expect("a canonical text is a URL");
    assert_eq!(again.to_string(), canonical);
    assert_eq!(OriginalUrl::parse(&url.return_to()), Ok(url.clone()));
    assert!(canonical.is_ascii() && !canonical.contains(['#', ' ', '\r', '\n']));
    assert!(url.readings().all(|path| path.starts_with('/') && !path.split('/').any(|name| name == "..")));
}

fn configuration(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match Config::parse(text, Path::new("fuzz.toml")) {
        Ok(config) => {
            let shown = serde_json::to_value(&config).expect("plain data");
            let again: Config = serde_json::from_value(shown).expect("what is shown can be read");
            assert!(again == config);
        }
        Err(error) => assert!(error.to_string().starts_with("fuzz.toml")),
    }
}

/// A key, its length before it, and a value.
fn record(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first() else { return };
    let Some((key, value)) = rest.split_at_checked(usize::from(*length)) else { return };
    let pair: Pair = (key.to_vec(), value.to_vec());
    if let Ok(line) = export::line(&pair) {
        let again = export::read_line(&line).expect("what is shown can be read");
        assert!(export::line(&again).is_ok_and(|other| other == line));
    }
}

struct Given(std::vec::IntoIter<Pair>);

impl Records for Given {
    fn next(&mut self) -> Result<Option<Pair>, gatelodge::store::ArchiveError> {
        Ok(self.0.next())
    }
}

/// What an appliance holds in which somebody registered.
fn archived() -> Vec<u8> {
    json(b"{\"email\":\"seed@example.org\",\"password\":\"correct horse battery staple\"}");
    let mut bytes = Vec::new();
    PLACE.app.write_backup(&mut bytes).expect("memory does not fail");
    bytes
}

fn pairs() -> Vec<Pair> {
    let bytes = archived();
    let mut archive = Archive::open(bytes.as_slice(), known_format()).expect("a backup");
    let mut pairs = Vec::new();
    while let Some(pair) = archive.next().expect("whole") {
        pairs.push(pair);
    }
    pairs
}

fn records() -> Vec<Vec<u8>> {
    let framed = |(key, value): Pair| [&[u8::try_from(key.len()).expect("short")], &key[..], &value].concat();
    pairs().into_iter().map(framed).collect()
}

fn backup(bytes: &[u8]) {
    let Ok(mut archive) = Archive::open(bytes, known_format()) else { return };
    let heading = archive.heading.clone();
    let mut pairs = Vec::new();
    while let Ok(Some(pair)) = archive.next() {
        pairs.push(pair);
    }
    if Archive::open(bytes, known_format()).is_ok_and(|archive| archive.verify().is_ok()) {
        let (mut again, seal) = (Vec::new(), &PLACE.app.env().seal);
        write_records(&heading, &mut Given(pairs.into_iter()), Some(seal), &mut again).expect("memory does not fail");
        let again = Archive::open(again.as_slice(), known_format())
            .and_then(|archive| archive.trusting(Trust::Key((**seal).clone())));
        assert!(again.is_ok_and(|archive| archive.verify().is_ok()));
    }
}

fn exported() -> String {
    let mut bytes = Vec::new();
    export::write_all(&PLACE.app, &mut bytes).expect("memory does not fail");
    String::from_utf8(bytes).expect("JSON")
}

fn import(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(import) = export::Import::open(text.as_bytes(), known_format()) {
        let _ = import.verify();
    }
    if let Some(pair) = export::read_line(text) {
        let line = export::line(&pair).expect("what was read can be shown");
        assert_eq!(export::read_line(&line), Some(pair));
    }
}
