//! Other applications' doors: a proxy asks about each request, and is told whether to let it in, and who makes it.

use std::cell::RefCell;

use gatelodge::app::ProxyDecision;
use gatelodge::base::MINUTE;
use serde_json::{Value, json};

use super::second_factors::set_up;
use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, Reply, Visitor, World};

const RULES: &str = r#"
[proxy]
trusted = ["10.9.0.0/24"]

[access]
domains = [
    { cookie = "example.org", url = "https://auth.example.org" },
    { cookie = "example.net", url = "https://auth.example.net" },
    { cookie = "hill.lan", url = "http://auth.hill.lan" },
]

[[access.rules]]
hosts = ["wiki.example.org"]
paths = ["/public"]
allow = "anyone"

[[access.rules]]
hosts = ["wiki.example.org"]
paths = ["/closed"]
allow = "nobody"

[[access.rules]]
hosts = ["wiki.example.org"]
paths = ["/staff"]
allow = "logged-in"
groups = ["staff"]

[[access.rules]]
hosts = ["wiki.example.org"]
paths = ["/vault"]
allow = "second-factor"

[[access.rules]]
hosts = ["wiki.example.org"]
paths = ["/office"]
networks = ["192.0.2.0/24"]
allow = "anyone"

[[access.rules]]
hosts = ["wiki.example.org", "cloud.example.net", "nas.hill.lan", "*.deep.example.org"]
allow = "logged-in"

[[access.rules]]
hosts = ["files.example.org"]
allow = "logged-in"
basic = true
"#;

const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

/// A reverse proxy: it asks about what somebody sends.
pub struct Proxy<'a> {
    world: &'a World,
    /// The cookies of whoever sends it.
    cookie: String,
    accept: &'static str,
    more: RefCell<Vec<(&'static str, String)>>,
}

impl<'a> Proxy<'a> {
    /// For somebody with the cookies of a browser, as far as they are sent to applications.
    pub fn for_browser(browser: &'a Visitor<'_>) -> Self {
        let jar = browser.cookies.borrow();
        let cookie = jar.get("gatelodge-door").map(|value| format!("a=1; gatelodge-door={value}"));
        Self { world: browser.world, cookie: cookie.unwrap_or_default(), accept: BROWSER, more: RefCell::default() }
    }

    pub fn for_nobody(world: &'a World) -> Self {
        Self { world, cookie: String::new(), accept: BROWSER, more: RefCell::default() }
    }

    pub fn accepting(self, accept: &'static str) -> Self {
        Self { accept, ..self }
    }

    pub fn with(self, name: &'static str, value: &str) -> Self {
        self.more.borrow_mut().push((name, value.to_owned()));
        self
    }

    fn ask(&self, path: &str, headers: &[(&str, &str)], method: &str) -> Reply {
        let mut request = http::Request::builder().method(method).uri(path).header("host", "gatelodge:8080");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        for (name, value) in self.more.borrow().iter() {
            request = request.header(*name, value.as_str());
        }
        if !self.accept.is_empty() {
            request = request.header("accept", self.accept);
        }
        if !self.cookie.is_empty() {
            request = request.header("cookie", self.cookie.as_str());
        }
        self.world.visitor_from("10.9.0.1").send(request, "")
    }

    /// Asks as Traefik and Caddy do.
    pub fn forward(&self, method: &str, url: &str) -> Reply {
        let (proto, rest) = url.split_once("://").expect("a URL");
        let (host, uri) = rest.split_at(rest.find('/').expect("a path"));
        let headers = [
            ("x-forwarded-method", method),
            ("x-forwarded-proto", proto),
            ("x-forwarded-host", host),
            ("x-forwarded-uri", uri),
            ("x-forwarded-for", "203.0.113.7"),
        ];
        self.ask("/api/authz/forward-auth", &headers, "GET")
    }

    /// Asks as nginx does.
    pub fn nginx(&self, method: &str, url: &str) -> Reply {
        let headers = [("x-original-method", method), ("x-original-url", url), ("x-forwarded-for", "203.0.113.7")];
        self.ask("/api/authz/auth-request", &headers, "GET")
    }

    /// Asks as Envoy does.
    pub fn envoy(&self, method: &str, url: &str) -> Reply {
        let (proto, rest) = url.split_once("://").expect("a URL");
        let (host, uri) = rest.split_at(rest.find('/').expect("a path"));
        let mut request = http::Request::builder().method(method).uri(format!("/api/authz/ext-authz{uri}"));
        request = request.header("host", host).header("x-forwarded-proto", proto).header("accept", self.accept);
        if !self.cookie.is_empty() {
            request = request.header("cookie", self.cookie.as_str());
        }
        self.world.visitor_from("10.9.0.1").send(request, "")
    }
}

fn login_for(url: &str) -> String {
    let back: String = form_urlencoded::byte_serialize(url.as_bytes()).collect();
    format!("https://auth.example.org/login?return_to={back}")
}

#[track_caller]
fn is_let_in(reply: &Reply, user: &str) {
    assert_eq!((reply.status(), reply.body.len()), (200, 0), "{}", reply.text());
    for name in ["remote-user", "remote-groups", "remote-email", "remote-name"] {
        assert_eq!(reply.head.headers.get_all(name).iter().count(), 1, "{name}");
    }
    assert_eq!(reply.header("remote-user"), Some(user));
    assert!(reply.header("set-cookie").is_none());
}

#[track_caller]
fn is_sent_to_log_in(reply: &Reply, url: &str) {
    assert_eq!(reply.header("location"), Some(login_for(url).as_str()), "{}", reply.status());
    assert_eq!(reply.body.len(), 0);
}

#[test]
fn somebody_logs_in_once_and_every_application_of_the_domain_knows_them() {
    let world = World::with(RULES);
    world.member(ALICE, PASSWORD);
    let browser = world.visitor();
    let url = "https://wiki.example.org/page?a=b&c=%2F";

    let asked = Proxy::for_browser(&browser).forward("GET", url);
    is_sent_to_log_in(&asked, url);
    assert_eq!(asked.status(), 302);

    let form = browser.opens(login_for(url).trim_start_matches("https://auth.example.org")).expect(200);
    form.says("name=\"return_to\"");
    let sent = [("identity", ALICE), ("password", PASSWORD), ("return_to", url)];
    let reply = browser.posts("/login", &sent);
    reply.leads_to(url);
    let door = reply.head.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let door: Vec<&str> = door.filter(|value| value.starts_with("gatelodge-door=glo_")).collect();
    assert_eq!(door.len(), 1);
    assert!(door[0].contains("; Domain=example.org; Path=/; HttpOnly; Secure; SameSite=Lax"), "{}", door[0]);

    let proxy = Proxy::for_browser(&browser);
    for reply in [proxy.forward("GET", url), proxy.nginx("GET", url), proxy.envoy("GET", url)] {
        is_let_in(&reply, ALICE);
        assert_eq!(reply.header("remote-email"), Some(ALICE));
        assert_eq!((reply.header("remote-groups"), reply.header("remote-name")), (Some(""), Some("")));
    }
    is_let_in(&proxy.forward("DELETE", "wss://x.deep.example.org/socket"), ALICE);
}

#[test]
fn logging_out_shuts_the_door_at_the_next_request() {
    let world = World::with(RULES);
    let browser = world.logged_in(ALICE, PASSWORD);
    let copied = browser.copy();
    is_let_in(&Proxy::for_browser(&copied).forward("GET", "https://wiki.example.org/"), ALICE);
    let reply = browser.posts("/logout", &[]);
    reply.leads_to("/login?notice=logged-out");
    assert!(!browser.cookies.borrow().contains_key("gatelodge-door"), "the browser forgets it");
    is_sent_to_log_in(
        &Proxy::for_browser(&copied).forward("GET", "https://wiki.example.org/"),
        "https://wiki.example.org/",
    );
}

#[test]
fn every_way_to_end_a_session_shuts_its_door() {
    type End = fn(&World, &Visitor<'_>);
    let ends: [(&str, End); 6] = [
        ("disabled", |world, _| world.disable(ALICE)),
        ("deleted", |world, _| drop(world.command(json!({"command": "user-delete", "user": ALICE})).expect("done"))),
        ("ended by an administrator", |world, _| {
            drop(world.command(json!({"command": "session-end", "user": ALICE})).expect("done"));
        }),
        ("from another browser", |world, _| {
            let other = world.visitor();
            other.log_in(ALICE, PASSWORD).expect(200);
            other.api("DELETE", "/account/sessions", Value::Null).expect(204);
        }),
        ("a new password", |_, browser| {
            let passwords = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
            browser.api("POST", "/account/password", passwords).expect(200);
        }),
        ("time", |world, _| world.advance(400 * 24 * 3600)),
    ];
    for (what, end) in ends {
        let world = World::with(RULES);
        let browser = world.logged_in(ALICE, PASSWORD);
        let copied = browser.copy();
        let url = "https://wiki.example.org/";
        is_let_in(&Proxy::for_browser(&copied).forward("GET", url), ALICE);
        end(&world, &browser);
        let reply = Proxy::for_browser(&copied).forward("GET", url);
        assert_eq!(reply.status(), 302, "{what}");
    }
}

#[test]
fn a_new_secret_of_the_session_comes_with_a_new_door() {
    let world = World::with(RULES);
    let browser = world.logged_in(ALICE, PASSWORD);
    let copied = browser.copy();
    browser.posts("/account/verify", &[("password", PASSWORD)]).leads_to("/account");
    let url = "https://wiki.example.org/";
    is_sent_to_log_in(&Proxy::for_browser(&copied).forward("GET", url), url);
    is_let_in(&Proxy::for_browser(&browser).forward("GET", url), ALICE);
}

#[test]
fn the_door_opens_nothing_on_this_site_and_the_session_nothing_elsewhere() {
    let world = World::with(RULES);
    let browser = world.logged_in(ALICE, PASSWORD);
    let (door, session) = {
        let jar = browser.cookies.borrow();
        (jar["gatelodge-door"].clone(), jar["__Host-gatelodge"].clone())
    };
    for name in ["__Host-gatelodge", "gatelodge-door"] {
        let thief = world.visitor();
        thief.cookies.borrow_mut().insert(name.to_owned(), door.clone());
        assert!(!thief.is_logged_in(), "{name}");
    }
    world.visitor().by_token(&door, "GET", "/session", Value::Null).expect(401);
    let proxy = Proxy { cookie: format!("gatelodge-door={session}"), ..Proxy::for_nobody(&world) };
    assert_eq!(proxy.forward("GET", "https://wiki.example.org/").status(), 302);
    let proxy = Proxy { cookie: format!("__Host-gatelodge={session}"), ..Proxy::for_nobody(&world) };
    assert_eq!(proxy.forward("GET", "https://wiki.example.org/").status(), 302);
}

#[test]
fn a_door_is_good_in_its_own_domain_only_and_a_code_leads_to_the_next() {
    let world = World::with(RULES);
    let browser = world.logged_in(ALICE, PASSWORD);
    let url = "https://cloud.example.net/files";
    is_sent_to_log_in(&Proxy::for_browser(&browser).forward("GET", url), url);

    let reply = browser.opens(login_for(url).trim_start_matches("https://auth.example.org"));
    let place = reply.header("location").expect("a place").to_owned();
    assert!(place.starts_with("https://auth.example.net/door/glh_"), "{place}");
    let path = place.trim_start_matches("https://auth.example.net");
    let other = world.visitor();
    let reply = other.opens(path);
    reply.leads_to(url);
    assert!(reply.header("set-cookie").expect("a cookie").contains("; Domain=example.net;"));
    is_let_in(&Proxy::for_browser(&other).forward("GET", url), ALICE);
    is_sent_to_log_in(
        &Proxy::for_browser(&other).forward("GET", "https://wiki.example.org/"),
        "https://wiki.example.org/",
    );

    // Once, and for nobody else.
    world.visitor().opens(path).expect(403);
    other.opens(path).leads_to(url);
    browser.posts("/logout", &[]).leads_to("/login?notice=logged-out");
    is_sent_to_log_in(&Proxy::for_browser(&other).forward("GET", url), url);
}

#[test]
fn a_code_is_good_for_a_minute_and_for_a_session_that_lives() {
    let world = World::with(RULES);
    let browser = world.logged_in(ALICE, PASSWORD);
    let path = || {
        let reply =
            browser.opens(login_for("https://cloud.example.net/").trim_start_matches("https://auth.example.org"));
        reply.header("location").expect("a place").trim_start_matches("https://auth.example.net").to_owned()
    };
    let (late, replaced) = (path(), path());
    world.visitor().opens(&late).expect(403);
    world.advance(60);
    world.visitor().opens(&replaced).expect(403);
    let (good, void) = (path(), path());
    world.visitor().opens(&good).expect(403);
    browser.posts("/logout", &[]);
    world.visitor().opens(&void).expect(403);
}

#[test]
fn nobody_becomes_somebody_else_by_a_link() {
    let world = World::with(RULES);
    let (mallory, alice) = (world.logged_in("mallory@example.org", PASSWORD), world.logged_in(ALICE, PASSWORD));
    let path = |browser: &Visitor<'_>| {
        let reply =
            browser.opens(login_for("https://cloud.example.net/").trim_start_matches("https://auth.example.org"));
        reply.header("location").expect("a place").trim_start_matches("https://auth.example.net").to_owned()
    };
    let elsewhere = world.visitor();
    elsewhere.opens(&path(&alice)).leads_to("https://cloud.example.net/");
    elsewhere.opens(&path(&mallory)).leads_to("https://cloud.example.net/");
    is_let_in(&Proxy::for_browser(&elsewhere).forward("GET", "https://cloud.example.net/"), ALICE);
}

#[test]
fn whoever_was_logged_in_before_the_domain_was_configured_gets_its_cookie() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    assert!(!browser.cookies.borrow().contains_key("gatelodge-door"));
    world.reconfigure(RULES);
    let url = "https://wiki.example.org/";
    browser.opens(login_for(url).trim_start_matches("https://auth.example.org")).leads_to(url);
    is_let_in(&Proxy::for_browser(&browser).forward("GET", url), ALICE);
}

#[test]
fn who_may_is_what_the_rules_say() {
    let world = World::with(RULES);
    let browser = world.logged_in(ALICE, PASSWORD);
    let (alice, nobody) = (Proxy::for_browser(&browser), Proxy::for_nobody(&world));
    let url = |path: &str| format!("https://wiki.example.org{path}");
    for proxy in [&alice, &nobody] {
        is_let_in(&proxy.forward("GET", &url("/public/a")), "");
        is_let_in(&proxy.nginx("POST", &url("/public")), "");
        proxy.forward("GET", &url("/closed")).expect(403);
        proxy.forward("GET", "https://unnamed.example.org/").expect(403);
        proxy.forward("GET", "http://wiki.example.org/public").expect(403);
        proxy.forward("GET", &url("/public/..;/closed")).expect(403);
    }
    alice.forward("GET", &url("/staff")).expect(403);
    assert_eq!(nobody.forward("GET", &url("/staff")).status(), 302);
    world.command(json!({"command": "user-group", "user": ALICE, "group": "staff", "member": true})).expect("done");
    let reply = alice.forward("GET", &url("/staff"));
    is_let_in(&reply, ALICE);
    assert_eq!(reply.header("remote-groups"), Some("staff"));
    world.command(json!({"command": "user-group", "user": ALICE, "group": "staff", "member": false})).expect("done");
    alice.forward("GET", &url("/staff")).expect(403);
}

#[test]
fn networks_count_only_where_the_proxy_says_whose_request_it_is() {
    let world = World::with(RULES);
    let ask = |forwarded: &[&str]| {
        let mut headers = vec![("x-original-method", "GET"), ("x-original-url", "https://wiki.example.org/office")];
        headers.extend(forwarded.iter().map(|value| ("x-forwarded-for", *value)));
        Proxy::for_nobody(&world).ask("/api/authz/auth-request", &headers, "GET").status()
    };
    assert_eq!(ask(&["192.0.2.5"]), 200);
    assert_eq!(ask(&["203.0.113.1", "192.0.2.5"]), 200);
    assert_eq!(ask(&["192.0.2.5, 203.0.113.1"]), 401);
    assert_eq!(ask(&[]), 401);
    assert_eq!(ask(&["192.0.2.5, garbage"]), 403, "the proxy did not write that");
    assert_eq!(ask(&["garbage, 192.0.2.5"]), 200);
    assert_eq!(ask(&[""]), 403);
    assert_eq!(ask(&["10.9.0.7"]), 401);
}

#[test]
fn each_proxy_is_told_in_its_own_words() {
    let world = World::with(RULES);
    let url = "https://wiki.example.org/";
    let nobody = Proxy::for_nobody(&world);
    for (method, status) in [("GET", 302), ("HEAD", 302), ("OPTIONS", 302), ("POST", 303), ("PROPFIND", 303)] {
        let reply = nobody.forward(method, url);
        is_sent_to_log_in(&reply, url);
        assert_eq!(reply.status(), status, "{method}");
        assert_eq!(nobody.envoy(method, url).status(), status, "{method}");
        let reply = nobody.nginx(method, url);
        is_sent_to_log_in(&reply, url);
        assert_eq!(reply.status(), 401, "{method}");
    }
    for accept in ["application/json", "image/png,image/*", "text/plain"] {
        let program = Proxy::for_nobody(&world).accepting(accept);
        let reply = program.forward("GET", url);
        is_sent_to_log_in(&reply, url);
        assert_eq!((reply.status(), reply.header("www-authenticate")), (401, None), "{accept}");
    }
    for accept in ["*/*", "text/html", "application/json, TEXT/HTML;q=0.1", ""] {
        assert_eq!(Proxy::for_nobody(&world).accepting(accept).forward("GET", url).status(), 302, "{accept}");
    }
    let script = Proxy::for_nobody(&world).with("x-requested-with", "XMLHttpRequest");
    assert_eq!(script.forward("GET", url).status(), 401);
}

#[test]
fn programs_are_told_of_basic_where_the_rule_says_so_and_browsers_never() {
    let world = World::with(RULES);
    let url = "https://files.example.org/dav/";
    let program = Proxy::for_nobody(&world).accepting("application/xml");
    let reply = program.forward("PROPFIND", url);
    assert_eq!(reply.status(), 401);
    assert!(reply.header("www-authenticate").expect("a challenge").starts_with("Basic realm="));
    let reply = Proxy::for_nobody(&world).forward("GET", url);
    assert_eq!((reply.status(), reply.header("www-authenticate")), (302, None));
    let reply = Proxy::for_nobody(&world).nginx("GET", url);
    assert_eq!((reply.status(), reply.header("www-authenticate")), (401, None));
    let reply = program.forward("GET", "https://wiki.example.org/");
    assert_eq!((reply.status(), reply.header("www-authenticate")), (401, None));
}

#[test]
fn nobody_but_a_trusted_proxy_is_believed() {
    let world = World::with(RULES);
    for path in ["/api/authz/forward-auth", "/api/authz/auth-request", "/api/authz/ext-authz/public", "/api/verify"] {
        let request = http::Request::builder()
            .uri(path)
            .header("host", "wiki.example.org")
            .header("x-forwarded-method", "GET")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-host", "wiki.example.org")
            .header("x-forwarded-uri", "/public")
            .header("x-original-method", "GET")
            .header("x-original-url", "https://wiki.example.org/public");
        let from = |address: &str| {
            let request = http::Request::builder().uri(path);
            let headers = [
                ("host", "wiki.example.org"),
                ("x-forwarded-method", "GET"),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", "wiki.example.org"),
                ("x-forwarded-uri", "/public"),
                ("x-original-method", "GET"),
                ("x-original-url", "https://wiki.example.org/public"),
            ];
            let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            world.visitor_from(address).send(request, "")
        };
        drop(request);
        is_let_in(&from("10.9.0.1"), "");
        let refused = from("10.9.1.1").expect(403);
        assert_eq!(refused.body.len(), 0);
        from("127.0.0.1").expect(403);
    }
}

#[test]
fn metadata_that_is_not_certain_lets_nobody_in() {
    let world = World::with(RULES);
    let good = [
        ("x-forwarded-method", "GET"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "wiki.example.org"),
        ("x-forwarded-uri", "/public"),
    ];
    let ask =
        |headers: &[(&str, &str)]| Proxy::for_nobody(&world).ask("/api/authz/forward-auth", headers, "GET").status();
    assert_eq!(ask(&good), 200);
    for left_out in 0..good.len() {
        let mut headers = good.to_vec();
        headers.remove(left_out);
        assert_eq!(ask(&headers), 403, "without {}", good[left_out].0);
        let mut headers = good.to_vec();
        headers.push(good[left_out]);
        assert_eq!(ask(&headers), 403, "{} twice", good[left_out].0);
        let mut headers = good.to_vec();
        headers[left_out].1 = "";
        assert_eq!(ask(&headers), 403, "{} empty", good[left_out].0);
    }
    for twin in
        ["x_forwarded_host", "X-Forwarded_Proto", "Remote_User", "remote_groups", "x_original_url", "X_Forwarded_For"]
    {
        let mut headers = good.to_vec();
        headers.push((twin, "admin"));
        assert_eq!(ask(&headers), 403, "{twin}");
    }
    let mut headers = good.to_vec();
    headers.extend([("remote-user", "admin"), ("x-custom_header", "1"), ("x-forwarded-prefix", "/closed")]);
    assert_eq!(ask(&headers), 200);
}

#[test]
fn older_configurations_may_say_it_in_both_forms_which_must_agree() {
    let world = World::with(RULES);
    let ask = |headers: &[(&str, &str)]| {
        Proxy::for_nobody(&world).ask("/api/verify?rd=https%3A%2F%2Fevil.example", headers, "GET")
    };
    let url = ("x-original-url", "https://wiki.example.org/public");
    is_let_in(&ask(&[url, ("x-original-method", "GET")]), "");
    is_let_in(&ask(&[url, ("x-forwarded-method", "GET")]), "");
    is_let_in(
        &ask(&[
            url,
            ("x-forwarded-method", "GET"),
            ("x-forwarded-host", "wiki.example.org"),
            ("x-forwarded-proto", "https"),
        ]),
        "",
    );
    ask(&[url]).expect(403);
    ask(&[url, ("x-original-method", "GET"), ("x-forwarded-method", "POST")]).expect(403);
    ask(&[url, ("x-original-method", "GET"), ("x-forwarded-host", "other.example.org")]).expect(403);
    ask(&[url, ("x-original-method", "GET"), ("x-forwarded-uri", "/private")]).expect(403);
    ask(&[url, ("x-original-method", "GET"), ("x-forwarded-proto", "http")]).expect(403);
    let closed = ("x-original-url", "https://wiki.example.org/page");
    let reply = ask(&[closed, ("x-original-method", "GET")]);
    is_sent_to_log_in(&reply, closed.1);
    assert_eq!(reply.status(), 401);
    let parts = [
        ("x-forwarded-method", "POST"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "wiki.example.org"),
        ("x-forwarded-uri", "/page"),
    ];
    let reply = ask(&parts);
    is_sent_to_log_in(&reply, closed.1);
    assert_eq!(reply.status(), 303);
}

#[test]
fn the_portal_behind_itself_is_refused_rather_than_led_in_a_circle() {
    let world =
        World::with(&format!("{RULES}\n[[access.rules]]\nhosts = [\"*.example.org\"]\nallow = \"logged-in\"\n"));
    Proxy::for_nobody(&world).forward("GET", "https://auth.example.org/login").expect(403);
    let browser = world.logged_in(ALICE, PASSWORD);
    let back = "https://auth.example.org/login";
    browser.opens(login_for(back).trim_start_matches("https://auth.example.org")).leads_to("/account");
}

#[test]
fn nobody_is_sent_back_to_a_host_that_no_rule_names() {
    let world = World::with(RULES);
    let browser = world.logged_in(ALICE, PASSWORD);
    for url in [
        "https://evil.example/",
        "https://unnamed.example.org/",
        "https://wiki.example.org@evil.example/",
        "https://wiki.example.org.evil.example/",
        "https://wiki.example.org\\@evil.example/",
        "http://wiki.example.org/",
        "javascript:alert(1)",
        "//wiki.example.org/",
        "https://wiki.example.org/\u{e9}",
    ] {
        let query: String = form_urlencoded::byte_serialize(url.as_bytes()).collect();
        browser.opens(&format!("/login?return_to={query}")).leads_to("/account");
    }
    let long = format!("https://wiki.example.org:8443/{}", "a".repeat(2_000));
    let query: String = form_urlencoded::byte_serialize(long.as_bytes()).collect();
    browser.opens(&format!("/login?return_to={query}")).leads_to("https://wiki.example.org:8443/");
}

#[test]
fn endpoints_of_other_programs_are_there_where_they_are_asked_for() {
    let world = World::with(RULES);
    let parts = [
        ("x-forwarded-method", "GET"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "wiki.example.org"),
        ("x-forwarded-uri", "/page"),
    ];
    let paths = [
        "/api/auth/traefik",
        "/api/auth/caddy",
        "/api/auth/nginx",
        "/outpost.goauthentik.io/auth/traefik",
        "/outpost.goauthentik.io/auth/caddy",
        "/outpost.goauthentik.io/auth/nginx",
        "/oauth2/auth",
        "/validate",
    ];
    for path in paths {
        Proxy::for_nobody(&world).ask(path, &parts, "GET").expect(404);
    }
    let all =
        RULES.replace("[access]\n", "[access]\naliases = [\"tinyauth\", \"authentik\", \"oauth2-proxy\", \"vouch\"]\n");
    let world = World::with(&all);
    let browser = world.logged_in(ALICE, PASSWORD);
    world.command(json!({"command": "user-group", "user": ALICE, "group": "b", "member": true})).expect("done");
    world.command(json!({"command": "user-group", "user": ALICE, "group": "a", "member": true})).expect("done");
    let (alice, nobody) = (Proxy::for_browser(&browser), Proxy::for_nobody(&world));
    for path in paths {
        let reply = nobody.ask(path, &parts, "GET");
        is_sent_to_log_in(&reply, "https://wiki.example.org/page");
        let is_redirect = path.ends_with("traefik") || path.ends_with("caddy");
        assert_eq!(reply.status(), if is_redirect { 302 } else { 401 }, "{path}");
        let reply = alice.ask(path, &parts, "GET");
        let (status, names, groups) = match path {
            "/oauth2/auth" => (202, ["x-auth-request-user", "x-auth-request-email", "x-auth-request-groups"], "a,b"),
            "/validate" => (200, ["x-vouch-user", "x-vouch-idp-claims-email", "x-vouch-idp-claims-groups"], "a,b"),
            path if path.starts_with("/outpost") => {
                (200, ["x-authentik-username", "x-authentik-email", "x-authentik-groups"], "a|b")
            }
            _ => (200, ["remote-user", "remote-email", "remote-groups"], "a,b"),
        };
        assert_eq!(reply.status(), status, "{path}");
        assert_eq!(names.map(|name| reply.header(name)), [Some(ALICE), Some(ALICE), Some(groups)], "{path}");
    }
    let reply = nobody.ask("/api/auth/nginx", &parts, "GET");
    assert_eq!(reply.header("x-tinyauth-location"), reply.header("location"));
    let envoy = |proxy: &Proxy<'_>, target: &str| {
        let headers = [("x-forwarded-proto", "https")];
        let request =
            http::Request::builder().uri(format!("/api/auth/envoy?path={target}")).header("host", "wiki.example.org");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = if proxy.cookie.is_empty() { request } else { request.header("cookie", proxy.cookie.as_str()) };
        world.visitor_from("10.9.0.1").send(request, "").status()
    };
    assert_eq!(envoy(&alice, "/page?x=1&path=/public"), 200);
    assert_eq!(
        (envoy(&nobody, "/page?path=/public"), envoy(&nobody, "/public"), envoy(&nobody, "/closed")),
        (302, 200, 403)
    );
    let request =
        http::Request::builder().uri("/outpost.goauthentik.io/start?rd=/page").header("host", "wiki.example.org");
    is_sent_to_log_in(&world.visitor_from("10.9.0.1").send(request, ""), "https://wiki.example.org/page");
    let request = http::Request::builder().uri("/oauth2/sign_in").header("host", "wiki.example.org");
    let request = request.header("x-auth-request-redirect", "/page");
    is_sent_to_log_in(&world.visitor_from("10.9.0.1").send(request, ""), "https://wiki.example.org/page");
    for start in ["/outpost.goauthentik.io/start", "/oauth2/start", "/oauth2/sign_in"] {
        let url = "https://wiki.example.org/page";
        let reply = world.visitor_from("10.9.0.1").opens(&format!("{start}?rd=https%3A%2F%2Fwiki.example.org%2Fpage"));
        is_sent_to_log_in(&reply, url);
    }
    world.visitor().opens("/login?url=https://wiki.example.org/page").expect(200).says("https://wiki.example.org/page");
}

#[test]
fn an_application_that_asks_for_a_second_factor_sends_people_to_set_one_up() {
    let world = World::with(RULES);
    let browser = world.logged_in(ALICE, PASSWORD);
    let url = "https://wiki.example.org/vault";
    let reply = Proxy::for_browser(&browser).forward("GET", url);
    let back: String = form_urlencoded::byte_serialize(url.as_bytes()).collect();
    let place = format!("/account/verify?return_to={back}");
    assert_eq!(reply.header("location"), Some(format!("https://auth.example.org{place}").as_str()));
    let set_up = format!("/account/second-factor?return_to={back}&notice=factor-wanted");
    browser.opens(&place).leads_to(&set_up);
    let page = browser.opens(&set_up).expect(200);
    page.says("asks for a second factor");
    page.says(&format!("href=\"{url}\""));
}

#[test]
fn a_check_writes_nothing() {
    let world = World::with(RULES);
    let browser = world.logged_in(ALICE, PASSWORD);
    let proxy = Proxy::for_browser(&browser);
    let before = world.records();
    for path in ["/public", "/page", "/closed", "/vault"] {
        proxy.forward("GET", &format!("https://wiki.example.org{path}"));
        Proxy::for_nobody(&world).forward("GET", &format!("https://wiki.example.org{path}"));
    }
    assert_eq!(world.records(), before);
}

#[test]
fn doors_to_sessions_that_are_gone_are_swept() {
    let world = World::with(RULES);
    let browser = world.logged_in(ALICE, PASSWORD);
    let doors = || world.records().iter().filter(|(key, _)| key[0] == gatelodge::store::schema::DOORS.prefix).count();
    assert_eq!(doors(), 3);
    world.block_on(world.app.sweep()).expect("memory does not fail");
    assert_eq!(doors(), 3);
    browser.posts("/logout", &[]);
    world.block_on(world.app.sweep()).expect("memory does not fail");
    assert_eq!(doors(), 0);
}

#[test]
fn a_login_for_an_application_of_another_domain_goes_on_to_it() {
    let world = World::with(RULES);
    world.member(ALICE, PASSWORD);
    let browser = world.visitor();
    let url = "https://cloud.example.net/files?a=b";
    let reply = browser.posts("/login", &[("identity", ALICE), ("password", PASSWORD), ("return_to", url)]);
    let path = login_for(url).trim_start_matches("https://auth.example.org").to_owned();
    reply.leads_to(&path);
    let reply = browser.opens(&path);
    let place = reply.header("location").expect("a place");
    assert!(place.starts_with("https://auth.example.net/door/"), "{place}");
    let elsewhere = world.visitor();
    elsewhere.opens(place.trim_start_matches("https://auth.example.net")).leads_to(url);
    is_let_in(&Proxy::for_browser(&elsewhere).forward("GET", url), ALICE);
}

#[test]
fn a_second_factor_is_asked_for_on_the_way_and_its_code_leads_back() {
    let world = World::with(RULES);
    let browser = world.logged_in(ALICE, PASSWORD);
    let (phone, _) = set_up(&browser);
    let url = "https://wiki.example.org/vault";
    // Whoever set a factor up has shown a code of it; in another browser it is asked for at the login.
    is_let_in(&Proxy::for_browser(&browser).forward("GET", url), ALICE);
    let other = world.visitor();
    let reply = other.posts("/login", &[("identity", ALICE), ("password", PASSWORD), ("return_to", url)]);
    let step = reply.header("location").expect("a place").to_owned();
    assert!(step.starts_with("/login/second-factor?return_to="), "{step}");
    other.posts(&step, &[("code", &phone.shows_next()), ("return_to", url)]).leads_to(url);
    is_let_in(&Proxy::for_browser(&other).forward("GET", url), ALICE);
    // A browser that was trusted has shown no code in its session.
    let trusting = world.visitor();
    let sent = [("identity", ALICE), ("password", PASSWORD)];
    trusting.posts("/login", &sent);
    trusting.posts("/login/second-factor", &[("code", &phone.shows_next()), ("trust_browser", "true")]);
    trusting.posts("/logout", &[]);
    trusting.posts("/login", &sent).leads_to("/account");
    let reply = Proxy::for_browser(&trusting).forward("GET", url);
    let place = reply.header("location").expect("a place").trim_start_matches("https://auth.example.org").to_owned();
    trusting.opens(&place).expect(200).says("asks for your second factor");
    let proof = [("password", PASSWORD), ("code", &phone.shows_next()), ("return_to", url)];
    trusting.posts("/account/verify", &proof).leads_to(url);
    is_let_in(&Proxy::for_browser(&trusting).forward("GET", url), ALICE);
    trusting.opens(&place).leads_to(url);
}

#[test]
fn other_rules_hold_from_the_moment_they_are_read() {
    let world = World::with(RULES);
    let browser = world.logged_in(ALICE, PASSWORD);
    let proxy = Proxy::for_browser(&browser);
    let url = "https://wiki.example.org/page";
    is_let_in(&proxy.forward("GET", url), ALICE);
    world.reconfigure(&RULES.replace("\"wiki.example.org\", \"cloud.example.net\"", "\"cloud.example.net\""));
    proxy.forward("GET", url).expect(403);
    world.reconfigure(RULES);
    is_let_in(&proxy.forward("GET", url), ALICE);
    // Of a domain that is there no more the cookies are none.
    let without = RULES.replace("{ cookie = \"example.org\", url = \"https://auth.example.org\" },", "");
    world.reconfigure(&without);
    assert_eq!(proxy.forward("GET", url).status(), 302);
}

#[test]
fn a_code_that_comes_to_another_browser_asks_before_it_makes_anybody_somebody_else() {
    let world = World::with(RULES);
    let mallory = world.logged_in("mallory@example.org", PASSWORD);
    let url = "https://cloud.example.net/";
    let path = {
        let reply = mallory.opens(login_for(url).trim_start_matches("https://auth.example.org"));
        reply.header("location").expect("a place").trim_start_matches("https://auth.example.net").to_owned()
    };
    let victim = world.visitor_from("198.51.100.7");
    for _ in 0..2 {
        let page = victim.opens(&path).expect(200);
        page.says(
            "You are about to be known at <strong><bdi>cloud.example.net</bdi></strong> as <strong><bdi>mallory@example.org</bdi></strong>",
        );
        assert!(page.header("set-cookie").is_none());
        assert!(!page.text().contains("/language"), "this host takes no such form");
    }
    let form = path.split('?').next().expect("a path").to_owned();
    let body = form_urlencoded::Serializer::new(String::new()).append_pair("return_to", url).finish();
    let foreign = http::Request::builder().method("POST").uri(&form).header("sec-fetch-site", "cross-site");
    victim.send(foreign.header("content-type", "application/x-www-form-urlencoded"), body).expect(403);
    // Whoever has gone by another way meanwhile agrees, once.
    victim.posts(&form, &[("return_to", url)]).leads_to(url);
    is_let_in(&Proxy::for_browser(&victim).forward("GET", url), "mallory@example.org");
    let late = world.visitor_from("198.51.100.8").posts(&form, &[("return_to", url)]).expect(403);
    late.says("works once, for a minute");
    late.says("https://auth.example.org/login?return_to=https%3A%2F%2Fcloud.example.net%2F");
}

#[test]
fn the_portal_of_another_domain_leads_to_the_one_where_people_log_in() {
    let world = World::with(RULES);
    let at = |method: &str, path: &str| {
        let request = http::Request::builder().method(method).uri(path).header("host", "auth.example.net:443");
        world.visitor_from("10.9.0.1").send(request.header("sec-fetch-site", "same-origin"), "")
    };
    for path in ["/", "/login?return_to=https%3A%2F%2Fcloud.example.net%2F", "/account"] {
        let reply = at("GET", path);
        assert_eq!(reply.header("location"), Some(format!("https://auth.example.org{path}").as_str()));
        assert_eq!(reply.status(), 302);
    }
    at("POST", "/login").expect(421);
    for path in ["/assets/style.css", "/favicon.ico", "/apple-touch-icon.png", "/robots.txt"] {
        at("GET", path).expect(200);
    }
    at("GET", "/static/picture.png").expect(404);
    at("GET", "/door/glh_x?return_to=https%3A%2F%2Fcloud.example.net%2F").expect(403);
}

#[test]
fn of_several_cookies_the_one_that_is_alive_counts_and_of_two_people_neither() {
    let world = World::with(RULES);
    let (alice, mallory) = (world.logged_in(ALICE, PASSWORD), world.logged_in("mallory@example.org", PASSWORD));
    let door = |browser: &Visitor<'_>| browser.cookies.borrow()["gatelodge-door"].clone();
    let stale = format!("glo_{}", "A".repeat(43));
    let ask = |cookies: &[&str]| {
        let cookie = cookies.iter().map(|door| format!("gatelodge-door={door}")).collect::<Vec<_>>().join("; ");
        Proxy { cookie, ..Proxy::for_nobody(&world) }.forward("GET", "https://wiki.example.org/")
    };
    let (alice, mallory) = (door(&alice), door(&mallory));
    is_let_in(&ask(&[&stale, &alice]), ALICE);
    is_let_in(&ask(&[&alice, "x", &stale]), ALICE);
    assert_eq!(ask(&[&alice, &mallory]).status(), 302);
    assert_eq!(ask(&[&mallory, &alice]).status(), 302);
    assert_eq!(ask(&[&stale, &stale, &stale, &stale, &alice]).status(), 302, "some are looked up, not hundreds");
}

#[test]
fn the_way_back_from_a_long_address_is_the_first_page() {
    let world = World::with(RULES);
    let nobody = Proxy::for_nobody(&world);
    let short = format!("https://wiki.example.org/{}", "a".repeat(1_000));
    is_sent_to_log_in(&nobody.nginx("GET", &short), &short);
    for url in [
        format!("https://wiki.example.org/{}", "a".repeat(7_000)),
        format!("https://wiki.example.org/?{}", "&".repeat(600)),
    ] {
        is_sent_to_log_in(&nobody.nginx("GET", &url), "https://wiki.example.org/");
    }
}

#[test]
fn older_configurations_for_programs_are_asked_for_a_password() {
    let world = World::with(RULES);
    let headers = [("x-original-url", "https://wiki.example.org/page"), ("x-original-method", "GET")];
    let reply = Proxy::for_nobody(&world).ask("/api/verify?auth=basic", &headers, "GET");
    assert!(reply.header("www-authenticate").expect("a challenge").starts_with("Basic "));
    assert_eq!(reply.status(), 401);
    assert!(
        Proxy::for_nobody(&world).ask("/api/verify?x=auth=basic", &headers, "GET").header("www-authenticate").is_none()
    );
}

#[test]
fn what_a_proxy_asks_about_the_doctors_request_is_told_to_the_doctor_alone() {
    let world = World::with(RULES);
    let ask = |cookie: &str, url: &str| Proxy::for_nobody(&world).with("cookie", cookie).nginx("GET", url);
    let (word, url) = ("gatelodge-probe=word", "https://wiki.example.org:8443/page?a=b");
    let told = || world.app.take_probe().question.map(|question| (question.url, question.decision));

    ask(word, url);
    assert_eq!(told(), None, "nobody waited for it");

    world.app.expect_probe("word".to_owned());
    ask("gatelodge-probe=other", url);
    ask("gatelodge-probe=word; gatelodge-probe=word", url);
    ask(word, url);
    ask(word, "https://wiki.example.org/public");
    assert_eq!(told(), Some((Ok(url.to_owned()), ProxyDecision::NeedsLogin)), "the first counts");
    assert_eq!(told(), None);

    for (url, asked, decision) in [
        ("https://wiki.example.org/public", Ok("https://wiki.example.org/public"), ProxyDecision::LetIn),
        ("http://wiki.example.org/page", Ok("http://wiki.example.org/page"), ProxyDecision::Refused),
        ("https://b.example/", Ok("https://b.example/"), ProxyDecision::Refused),
        ("wiki", Err("it is no URL with a scheme, a host and a path"), ProxyDecision::Refused),
    ] {
        world.app.expect_probe("word".to_owned());
        ask(word, url);
        assert_eq!(told(), Some((asked.map(str::to_owned).map_err(str::to_owned), decision)));
    }

    world.app.expect_probe("word".to_owned());
    world.advance(MINUTE);
    ask(word, url);
    assert_eq!(told(), None, "a minute has passed");
}
