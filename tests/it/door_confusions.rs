//! URLs, headers and cookies that programs on the way read differently, at every endpoint that proxies ask: whatever they
//! are, nobody is let in where the URL in its one form is not allowed.

use std::fmt::Write as _;

use gatelodge::gate::AccessDecision;
use gatelodge::web::{Audience, ROUTES};

use crate::forward_auth::{RULES, corpus, decision, rules};
use crate::world::{ALICE, PASSWORD, World};

const ALIASES: &str = "aliases = [\"tinyauth\", \"authentik\", \"oauth2-proxy\", \"vouch\"]";
const PROXY: &str = "10.9.0.1";

fn world() -> World {
    let rules = RULES.replace("[access]\n", &format!("[access]\n{ALIASES}\n"));
    World::with(&format!("[proxy]\ntrusted = [\"10.9.0.0/24\"]\n{rules}"))
}

/// Where an endpoint reads the original request from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum From {
    Parts,
    Url,
    Itself,
    Parameter,
}

/// Every endpoint, with every form in which it may be asked.
fn endpoints() -> Vec<(&'static str, From)> {
    let mut all = Vec::new();
    for path in ROUTES.iter().filter(|route| route.audience == Audience::Door).map(|route| route.path) {
        match path {
            "/api/authz/ext-authz/" => all.push((path, From::Itself)),
            "/api/authz/ext-authz" | "/api/authz/ext-authz/{*path}" | "/outpost.goauthentik.io/auth/envoy/{*path}" => {}
            "/outpost.goauthentik.io/auth/envoy/" => all.push((path, From::Itself)),
            "/api/auth/envoy" => all.push((path, From::Parameter)),
            "/api/authz/auth-request" => all.push((path, From::Url)),
            "/api/verify" | "/api/auth/nginx" | "/outpost.goauthentik.io/auth/nginx" | "/oauth2/auth" | "/validate" => {
                all.extend([(path, From::Url), (path, From::Parts)]);
            }
            _ => all.push((path, From::Parts)),
        }
    }
    assert!(all.len() > 15, "{}", all.len());
    all
}

/// A question, as bytes that no library has looked at.
#[derive(Clone, Debug)]
struct Question {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
}

impl Question {
    /// None where a proxy could not ask like this.
    fn about((path, from): (&str, From), url: &str, method: &str) -> Option<Self> {
        let mut headers = Vec::new();
        let mut header = |name: &str, value: &str| headers.push((name.to_owned(), value.as_bytes().to_vec()));
        let (proto, rest) = url.split_once("://")?;
        let (host, uri) = rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
        let (method, target) = match from {
            From::Url => {
                header("host", "gatelodge");
                header("x-original-url", url);
                header("x-original-method", method);
                ("GET", path.to_owned())
            }
            From::Parts => {
                header("host", "gatelodge");
                header("x-forwarded-method", method);
                header("x-forwarded-proto", proto);
                header("x-forwarded-host", host);
                header("x-forwarded-uri", uri);
                ("GET", path.to_owned())
            }
            From::Itself => {
                header("host", host);
                header("x-forwarded-proto", proto);
                (method, format!("{path}{uri}"))
            }
            From::Parameter => {
                header("host", host);
                header("x-forwarded-proto", proto);
                (method, format!("{path}?path={uri}"))
            }
        };
        Some(Self { method: method.to_owned(), target, headers })
    }

    fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// The status of the answer; none where the server's parser would refuse it before.
    fn status(&self, world: &World) -> Option<u16> {
        let mut request = http::Request::builder().method(self.method.as_str()).uri(self.target.as_str());
        for (name, value) in &self.headers {
            let name = http::HeaderName::from_bytes(name.as_bytes()).ok()?;
            request = request.header(name, http::HeaderValue::from_bytes(value).ok()?);
        }
        let request = request.body(bytes::Bytes::new()).ok()?;
        let reply = world.block_on(world.web.answer(request, PROXY.parse().expect("an address")));
        Some(reply.status().as_u16())
    }
}

#[test]
fn no_url_of_the_corpus_is_answered_otherwise_than_its_one_form() {
    let (world, rules) = (world(), rules());
    let (mut wrong, mut asked, mut let_in) = (String::new(), 0, 0);
    for line in corpus() {
        let decision = decision(&rules, &line.url, &line.method, line.client);
        for endpoint in endpoints() {
            // What stands behind the sign never gets beyond the reading of the head (`src/web/server/head.rs`).
            if line.url.contains('#') && matches!(endpoint.1, From::Itself | From::Parameter) {
                continue;
            }
            let Some(mut question) = Question::about(endpoint, &line.url, &line.method) else { continue };
            if let Some(client) = line.client {
                question = question.with("x-forwarded-for", client);
            }
            let Some(status) = question.status(&world) else { continue };
            asked += 1;
            let is_right = match (decision, status) {
                (AccessDecision::LetIn(_), 200 | 202) => {
                    let_in += 1;
                    true
                }
                // Headers of proxies are ASCII, and a URL in parts has a path.
                (AccessDecision::LetIn(_), 403) => !line.url.is_ascii() || endpoint.1 != From::Url,
                (AccessDecision::NeedsLogin(_), 302 | 303 | 401 | 403) => true,
                (AccessDecision::NeedsSecondFactor(_) | AccessDecision::NotAllowed(_), 403) => true,
                (AccessDecision::NoRule | AccessDecision::Doubt(_), 403) => true,
                _ => false,
            };
            if !is_right {
                let _ = writeln!(wrong, "{endpoint:?} {:?} {}: {status}, but {decision:?}", line.url, line.method);
            }
        }
    }
    assert_eq!(wrong, "");
    assert!(asked > 5000 && let_in > 500, "{asked} questions, {let_in} let in");
}

/// Spellings of one URL, which are answered alike: by what is allowed, and by what is not.
#[test]
fn all_spellings_have_one_answer_at_each_endpoint() {
    let world = world();
    let spellings = |host: &str, path: &str| {
        let upper = host.to_ascii_uppercase();
        let first: String = path.chars().skip(1).take(1).collect();
        let encoded = format!("/%{:02x}{}", first.as_bytes()[0], &path[2..]);
        [
            format!("https://{host}{path}"),
            format!("https://{upper}{path}"),
            format!("https://{host}.{path}"),
            format!("https://{host}:443{path}"),
            format!("https://{host}:8443{path}"),
            format!("wss://{host}{path}"),
            format!("https://{host}{encoded}"),
            format!("https://{host}{path}?a=/../b"),
        ]
    };
    for (host, path) in [
        ("wiki.example.org", "/public/page"),
        ("wiki.example.org", "/private/page"),
        ("wiki.example.org", "/page"),
        ("unnamed.example.org", "/page"),
        ("api.example.org", "/v1/open/a"),
    ] {
        for endpoint in endpoints() {
            let answers: Vec<Option<u16>> = spellings(host, path)
                .iter()
                .map(|url| Question::about(endpoint, url, "GET").expect("a URL").status(&world))
                .collect();
            assert!(answers.iter().all(|answer| *answer == answers[0]), "{endpoint:?} {host}{path}: {answers:?}");
        }
    }
}

const CLOSED: &str = "https://wiki.example.org/page";
const OPEN: &str = "https://wiki.example.org/public";

/// Headers by which somebody might try to be asked about otherwise.
fn headers() -> Vec<(String, String)> {
    let mut all = Vec::new();
    let values = [
        ("x-forwarded-method", "OPTIONS"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "open.example.org"),
        ("x-forwarded-uri", "/public"),
        ("x-original-url", OPEN),
        ("x-original-method", "GET"),
    ];
    for (name, value) in values {
        all.push((name.to_owned(), value.to_owned()));
        all.push((name.replace('-', "_"), value.to_owned()));
        all.push((name.replacen('-', "_", 1), value.to_owned()));
        all.push((name.to_owned(), String::new()));
        all.push((name.to_owned(), format!("{value}, {value}")));
        all.push((name.to_owned(), format!("{value}\t")));
    }
    let others = [
        ("x-rewrite-url", "/public"),
        ("x-original-uri", "/public"),
        ("x-forwarded-path", "/public"),
        ("x-forwarded-prefix", "/public"),
        ("x-forwarded-port", "80"),
        ("x-forwarded-scheme", "https"),
        ("x-forwarded-server", "open.example.org"),
        ("x-forwarded-ssl", "on"),
        ("x-url-scheme", "https"),
        ("x-host", "open.example.org"),
        ("x-envoy-original-path", "/public"),
        ("x-envoy-internal", "true"),
        ("x-http-method-override", "OPTIONS"),
        ("x-method-override", "HEAD"),
        ("forwarded", "for=10.1.2.3;host=open.example.org;proto=https"),
        ("via", "1.1 trusted"),
        ("x-real-ip", "10.1.2.3"),
        ("x-client-ip", "10.1.2.3"),
        ("true-client-ip", "10.1.2.3"),
        ("cf-connecting-ip", "10.1.2.3"),
        ("x-cluster-client-ip", "10.1.2.3"),
        ("user-agent", "kube-probe/1.30"),
        ("user-agent", "ELB-HealthChecker/2.0"),
        ("user-agent", "GoogleHC/1.0"),
        ("upgrade", "websocket"),
        ("connection", "cookie, x-forwarded-uri"),
        ("connection", "close, x-original-url"),
        ("te", "trailers"),
        ("origin", "https://auth.example.org"),
        ("access-control-request-method", "POST"),
        ("referer", "https://auth.example.org/login"),
        ("sec-fetch-site", "same-origin"),
        ("remote-user", "admin"),
        ("remote-groups", "admins"),
        ("remote_user", "admin"),
        ("remote-email", "root@example.org"),
        ("x-authentik-username", "akadmin"),
        ("x-auth-request-user", "admin"),
        ("x-vouch-user", "admin"),
        ("x-forwarded-user", "admin"),
        ("x-remote-user", "admin"),
        ("x-gatelodge-user", "admin"),
        ("x-accel-redirect", "/public"),
        ("x-sendfile", "/public"),
        ("authorization", "Basic Og=="),
        ("authorization", "Basic YTpi"),
        ("authorization", "Bearer gla_"),
        ("authorization", "Bearer null"),
        ("authorization", "Negotiate"),
        ("proxy-authorization", "Basic YTpi"),
        ("x-api-key", "gla_x"),
        ("max-forwards", "0"),
        ("expect", "100-continue"),
        ("range", "bytes=0-0"),
        ("if-none-match", "*"),
        ("content-length", "0"),
        ("content-type", "application/json"),
        ("accept", "*/*"),
        ("accept", ""),
        ("x-requested-with", ""),
        ("cookie", ""),
    ];
    all.extend(others.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    all
}

#[test]
fn no_header_opens_what_is_closed() {
    let world = world();
    let headers = headers();
    assert!(headers.len() > 90, "{}", headers.len());
    let mut asked = 0;
    for endpoint in endpoints() {
        let question = Question::about(endpoint, CLOSED, "GET").expect("a URL");
        for (name, value) in &headers {
            for question in [question.clone().with(name, value), {
                let mut first = question.clone();
                first.headers.insert(0, (name.clone(), value.clone().into_bytes()));
                first
            }] {
                let Some(status) = question.status(&world) else { continue };
                asked += 1;
                assert!(matches!(status, 302 | 303 | 401 | 403), "{endpoint:?} {name}: {value}: {status}");
            }
        }
    }
    assert!(asked > 2000, "{asked}");
}

#[test]
fn what_is_said_twice_or_in_another_spelling_is_not_believed_where_it_is_open() {
    let world = world();
    for endpoint in endpoints() {
        let question = Question::about(endpoint, OPEN, "GET").expect("a URL");
        let status = question.status(&world);
        assert!(matches!(status, Some(200 | 202)), "{endpoint:?}: {status:?}");
        for (name, value) in question.headers.clone().iter().filter(|(name, _)| name != "host") {
            let twice = question.clone().with(name, value);
            assert_eq!(twice.status(&world), Some(403), "{endpoint:?} {name} twice");
            for twin in [name.replace('-', "_"), name.replacen('-', "_", 1)] {
                assert_eq!(question.clone().with(&twin, value).status(&world), Some(403), "{endpoint:?} {twin}");
            }
            for broken in [&b""[..], b"\xff", b"\xc3\xa9", b"a b"] {
                let mut question = question.clone();
                question.headers.retain(|(other, _)| other != name);
                let status = question.clone().with(name, broken).status(&world);
                assert_eq!(status, Some(403), "{endpoint:?} {name}: {broken:?}");
                assert_eq!(question.status(&world), Some(403), "{endpoint:?} without {name}");
            }
        }
    }
}

#[test]
fn no_cookie_but_a_door_that_is_there_opens_what_is_closed() {
    let world = world();
    let alice = world.logged_in(ALICE, PASSWORD);
    let (door, session) = {
        let jar = alice.cookies.borrow();
        (jar["gatelodge-door"].clone(), jar["__Host-gatelodge"].clone())
    };
    let nobodys = format!("glo_{}", "A".repeat(43));
    let bare = door.trim_start_matches("glo_").to_owned();
    let bad = [
        String::new(),
        "gatelodge-door".into(),
        "gatelodge-door=".into(),
        "=".into(),
        ";;;".into(),
        format!("gatelodge-door={nobodys}"),
        format!("gatelodge-door={bare}"),
        format!("gatelodge-door=glo_{}", &bare[1..]),
        format!("gatelodge-door=glo_{bare}A"),
        format!("gatelodge-door=\"{door}\""),
        format!("gatelodge-door={door}\""),
        format!("gatelodge-door={door},"),
        format!("gatelodge-door={door} x"),
        format!("gatelodge-door={}", door.to_ascii_uppercase()),
        format!("gatelodge-door={}", door.to_ascii_lowercase()),
        format!("gatelodge-door=%67lo_{bare}"),
        format!("gatelodge-door={door}%00"),
        format!("Gatelodge-Door={door}"),
        format!("GATELODGE-DOOR={door}"),
        format!("gatelodge_door={door}"),
        format!("gatelodge-doors={door}"),
        format!("xgatelodge-door={door}"),
        format!("x; gatelodge-door-x={door}"),
        format!("__Host-gatelodge-door={door}"),
        format!("__Secure-gatelodge-door={door}"),
        format!("gatelodge={door}"),
        format!("__Host-gatelodge={door}"),
        format!("gatelodge-door={session}"),
        format!("gatelodge={session}"),
        format!("__Host-gatelodge={session}"),
        format!("x=gatelodge-door={door}"),
        format!("x=\"; gatelodge-door={nobodys}"),
        format!("x=1, gatelodge-door={door}"),
        format!("gatelodge-door:{door}"),
        format!("gatelodge-door=={door}"),
        format!("gatelodge-door= ={door}"),
        format!("$Version=1; gatelodge-door=\"{door}\"; $Path=/"),
        "a=".repeat(2000),
        format!("{};gatelodge-door={nobodys}", "a=b;".repeat(500)),
    ];
    for endpoint in endpoints() {
        let question = Question::about(endpoint, CLOSED, "GET").expect("a URL");
        for cookie in &bad {
            let status = question.clone().with("cookie", cookie).status(&world);
            assert!(matches!(status, Some(302 | 303 | 401 | 403)), "{endpoint:?} {cookie}: {status:?}");
        }
        for raw in [&b"gatelodge-door=\xff"[..], b"\xffgatelodge-door=x", b"\x80\x81=\xfe"] {
            let status = question.clone().with("cookie", raw).status(&world);
            assert!(matches!(status, Some(302 | 303 | 401)), "{endpoint:?} {raw:?}: {status:?}");
        }
        let beside = [
            format!("gatelodge-door={door}"),
            format!("a=\u{e9}; gatelodge-door={door};b"),
            format!("gatelodge-door={door};"),
        ];
        for cookie in beside {
            let status = question.clone().with("cookie", &cookie).status(&world);
            assert!(matches!(status, Some(200 | 202)), "{endpoint:?} {cookie}: {status:?}");
        }
    }
}
