//! Knocks on every route as every kind of caller. Who may enter is stated here a second time, on purpose.

use gatelodge::sessions::Scope;
use gatelodge::web::{Access, Audience, ROUTES, Route};
use serde_json::json;

use crate::world::{ALICE, PASSWORD, Reply, Visitor, World};

/// Everything that is neither in this list nor below [`FOR_ADMINISTRATORS`] is for people who are logged in.
const OPEN_TO_ANYONE: &[&str] = &[
    "GET /",
    "GET /.well-known/change-password",
    "GET /healthz",
    "GET /readyz",
    "GET /assets/style.css",
    "GET /assets/icon.svg",
    "GET /assets/{name}",
    "GET /static/{*path}",
    "GET /favicon.ico",
    "GET /apple-touch-icon.png",
    "GET /robots.txt",
    "GET /.well-known/security.txt",
    "GET /register",
    "POST /register",
    "GET /register/sent",
    "GET /invite/{token}",
    "POST /invite/{token}",
    "GET /confirm/resend",
    "POST /confirm/resend",
    "GET /confirm/{token}",
    "POST /confirm/{token}",
    "GET /login",
    "POST /login",
    "GET /login/second-factor",
    "POST /login/second-factor",
    "POST /login/second-factor/send",
    "GET /login/mail",
    "POST /login/mail",
    "GET /login/mail/code",
    "POST /login/mail/code",
    "GET /login/mail/{token}",
    "POST /login/mail/{token}",
    "GET /door/{code}",
    "POST /door/{code}",
    "GET /outpost.goauthentik.io/start",
    "GET /oauth2/start",
    "GET /oauth2/sign_in",
    "GET /logout",
    "POST /logout",
    "GET /forgot",
    "POST /forgot",
    "GET /forgot/sent",
    "GET /username/recover",
    "POST /username/recover",
    "GET /reset/{token}",
    "POST /reset/{token}",
    "GET /not-me/{token}",
    "POST /not-me/{token}",
    "GET /email/undo/{token}",
    "POST /email/undo/{token}",
    "POST /api/v1/account/take-back",
    "POST /language",
    "GET /setup/{token}",
    "POST /setup/{token}",
    "GET /api/v1/openapi.json",
    "POST /api/v1/register",
    "POST /api/v1/confirm",
    "POST /api/v1/confirm/resend",
    "POST /api/v1/login",
    "POST /api/v1/login/second-factor",
    "POST /api/v1/login/second-factor/send",
    "POST /api/v1/login/mail",
    "POST /api/v1/login/mail/code",
    "POST /api/v1/login/mail/link",
    "POST /api/v1/logout",
    "POST /api/v1/session/refresh",
    "POST /api/v1/forgot",
    "POST /api/v1/reset/check",
    "POST /api/v1/username/recover",
    "POST /api/v1/reset",
    "POST /api/v1/setup",
];

/// Where only administrators come in.
const FOR_ADMINISTRATORS: &[&str] = &["/api/v1/admin/", "/admin"];

/// Where the help desk comes in as well.
const FOR_HELPDESK: &[&str] = &[
    "GET /admin",
    "GET /admin/people",
    "GET /admin/people/{user}",
    "GET /admin/people/{user}/logins",
    "POST /admin/people/{user}/send-reset",
    "GET /admin/people/{user}/end-sessions",
    "POST /admin/people/{user}/end-sessions",
    "POST /admin/people/{user}/sessions/{id}/end",
    "GET /api/v1/admin/users",
    "GET /api/v1/admin/users/{user}",
    "POST /api/v1/admin/users/{user}/send-reset",
    "GET /api/v1/admin/users/{user}/sessions",
    "DELETE /api/v1/admin/users/{user}/sessions",
    "DELETE /api/v1/admin/users/{user}/sessions/{id}",
    "GET /api/v1/admin/users/{user}/logins",
];

/// Where those come in who may ask what others may do.
const FOR_ASKING: &str = "GET /api/v1/users/{user}/may/{permission}";

/// Where API tokens come in, besides administrators' tokens below `/api/v1/admin/`.
const FOR_TOKENS: &[(&str, Scope)] = &[
    ("GET /api/v1/session", Scope::Profile),
    ("GET /api/v1/may/{permission}", Scope::Profile),
    (FOR_ASKING, Scope::Ask),
];

/// Administrators' acts that ask for a person all the same: a token that makes tokens would outlive its end, one that sets passwords
/// become anybody, one that ends all sessions throw the administrators out.
const FOR_PEOPLE: &[&str] = &[
    "POST /api/v1/admin/users/{user}/tokens",
    "POST /api/v1/admin/users/{user}/password",
    "DELETE /api/v1/admin/sessions",
];

/// Where people come in too who have to set a second factor up before anything else.
const FOR_ENROLLING: &[&str] = &[
    "GET /account/verify",
    "POST /account/verify",
    "POST /account/verify/send",
    "GET /account/second-factor",
    "GET /account/second-factor/totp",
    "POST /account/second-factor/totp",
    "POST /account/second-factor/totp/confirm",
    "POST /account/second-factor/mail",
    "POST /account/second-factor/sms",
    "POST /api/v1/account/factors/sms",
    "GET /api/v1/session",
    "POST /api/v1/session/verify",
    "POST /api/v1/session/verify/send",
    "GET /api/v1/account/factors",
    "POST /api/v1/account/factors/totp",
    "POST /api/v1/account/factors/totp/confirm",
    "POST /api/v1/account/factors/mail",
];

/// What asks for a proof that is not too old, besides all that administrators change.
const ASKING_FOR_PROOF: &[&str] = &[
    "GET /account/username",
    "POST /account/username",
    "POST /api/v1/account/username",
    "POST /account/tokens",
    "POST /api/v1/account/tokens",
    "POST /account/app-passwords",
    "POST /api/v1/account/app-passwords",
    "GET /account/second-factor/totp",
    "POST /account/second-factor/totp",
    "POST /account/second-factor/totp/confirm",
    "POST /account/second-factor/mail",
    "POST /account/second-factor/sms",
    "POST /api/v1/account/factors/sms",
    "POST /account/second-factor/recovery-codes",
    "POST /account/second-factor/{id}/remove",
    "POST /api/v1/account/factors/totp",
    "POST /api/v1/account/factors/totp/confirm",
    "POST /api/v1/account/factors/mail",
    "DELETE /api/v1/account/factors/{id}",
    "POST /api/v1/account/recovery-codes",
];

/// A request as this site's own pages and programs would send it, with an empty body of the right kind.
fn knock(caller: &Visitor<'_>, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    let path = path.replace("{token}", "glt_nonsense").replace("{id}", &"0".repeat(32));
    let path = path
        .replace("{user}", &"0".repeat(32))
        .replace("{group}", "staff")
        .replace("{permission}", "read")
        .replace("{name}", "wiki")
        .replace("{act}", "confirm");
    let is_api = path.starts_with("/api/");
    let kind = if is_api { "application/json" } else { "application/x-www-form-urlencoded" };
    let request = http::Request::builder().method(method).uri(path).header("content-type", kind);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    caller.send(request, if is_api && method == "POST" { "{}" } else { "" })
}

const OURS: (&str, &str) = ("sec-fetch-site", "same-origin");

/// The routes of this site. Those for proxies take every method, from wherever it comes (`stories/doors.rs`).
fn routes() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| route.audience != Audience::Door)
}

#[test]
fn every_route_lets_in_whom_it_should() {
    let world = World::new();
    let (member, dead) = (world.logged_in(ALICE, PASSWORD), world.logged_in("bobby@example.org", PASSWORD));
    let copied = dead.copy();
    dead.api("POST", "/logout", json!(null)).expect(204);
    let (stranger, administrator) = (world.visitor(), world.administrator("root@example.org"));
    let helper = world.logged_in("helper@example.org", PASSWORD);
    let helps = json!({"command": "user-group", "user": "helper@example.org", "group": "helpdesk", "member": true});
    world.command(helps).expect("done");
    let every = json!({"name": "all", "scopes": ["profile", "ask", "access", "admin:read", "admin:write"]});
    let token = administrator.api("POST", "/account/tokens", every).expect(200).json()["token"].clone();
    let bearer = format!("Bearer {}", token.as_str().expect("a token"));
    for route in routes() {
        let name = format!("{} {}", route.method, route.path);
        let (is_open, is_administrative) = (
            OPEN_TO_ANYONE.contains(&name.as_str()),
            FOR_ADMINISTRATORS.iter().any(|part| route.path.starts_with(part)),
        );
        let asks_for_proof = ASKING_FOR_PROOF.contains(&name.as_str()) || (is_administrative && route.method != "GET");
        let expected = match (is_open, is_administrative, FOR_ENROLLING.contains(&name.as_str())) {
            (true, ..) => Access::Anyone,
            (false, true, _) => Access::Administrator,
            (false, false, true) => Access::Enrolling,
            (false, false, false) => Access::LoggedIn,
        };
        let expected = if name == FOR_ASKING { Access::Asking } else { expected };
        let is_for_helpdesk = FOR_HELPDESK.contains(&name.as_str());
        let expected = if is_for_helpdesk { Access::Helpdesk } else { expected };
        // A page that were told as a program is, or the other way round, would let a browser send what it must not.
        let speaks_json = route.path.starts_with("/api/");
        assert_eq!(route.audience == Audience::Api, speaks_json, "{name}");
        assert_eq!((route.access, route.fresh), (expected, asks_for_proof && !is_open), "{name}");
        let scope = FOR_TOKENS.iter().find(|(token_route, _)| *token_route == name).map(|(_, scope)| *scope);
        let scope = match (is_administrative && route.path.starts_with("/api/"), route.method) {
            _ if FOR_PEOPLE.contains(&name.as_str()) => None,
            (true, "GET") => Some(Scope::AdminRead),
            (true, _) => Some(Scope::AdminWrite),
            (false, _) => scope,
        };
        assert_eq!(route.scope, scope, "{name}");
        for (caller, headers) in
            [(&stranger, &[OURS][..]), (&copied, &[OURS]), (&stranger, &[OURS, ("authorization", "Bearer gls_x")])]
        {
            let reply = knock(caller, route.method, route.path, headers);
            let sent_away = reply.status() == 401 && reply.text().contains("not_logged_in")
                || reply
                    .header("location")
                    .is_some_and(|path| path.starts_with("/login") && !is_open && !route.path.starts_with("/api/"));
            assert_eq!(sent_away, !is_open, "{name}: {}", reply.status());
            assert!(reply.status() < 500, "{name}: {}", reply.status());
        }
        // The routes that end the caller's own session come last in this story.
        if !name.contains("logout") && !is_open {
            let reply = knock(&member, route.method, route.path, &[OURS]);
            assert!(!matches!(reply.status(), 401 | 500..), "{name}: {}", reply.status());
            let is_forbidden = reply.status() == 403 && reply.text().contains("Only administrators may do this");
            assert_eq!(is_forbidden, is_administrative || name == FOR_ASKING, "{name}: {}", reply.status());
            let reply = knock(&helper, route.method, route.path, &[OURS]);
            assert!(!matches!(reply.status(), 401 | 500..), "{name}: {}", reply.status());
            let is_forbidden = reply.status() == 403 && reply.text().contains("Only administrators may do this");
            let is_kept_out = is_administrative && !is_for_helpdesk || name == FOR_ASKING;
            assert_eq!(is_forbidden, is_kept_out, "{name}: {}", reply.status());
            let reply = knock(&administrator, route.method, route.path, &[OURS]);
            assert!(!matches!(reply.status(), 401 | 403 | 500..), "{name}: {}", reply.status());
            let reply = knock(&stranger, route.method, route.path, &[OURS, ("authorization", &bearer)]);
            let is_refused = reply.status() == 403 && reply.text().contains("The token is not good for this");
            assert_eq!(is_refused, scope.is_none(), "{name}: {}", reply.text());
        }
    }
}

#[test]
fn every_route_that_changes_something_refuses_other_sites() {
    let world = World::new();
    let member = world.logged_in(ALICE, PASSWORD);
    let before = world.records();
    for route in routes().filter(|route| route.method != "GET") {
        for headers in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
        ] {
            let reply = knock(&member, route.method, route.path, headers);
            assert_eq!(reply.status(), 403, "{} {}", route.method, route.path);
        }
    }
    assert_eq!(world.records(), before);
    assert!(member.is_logged_in());
}

#[test]
fn without_a_sign_of_its_origin_nothing_with_a_cookie_changes_anything() {
    let world = World::new();
    let (member, administrator) = (world.logged_in(ALICE, PASSWORD), world.administrator("root@example.org"));
    let before = world.records();
    for route in routes().filter(|route| route.method != "GET") {
        let path = route.path.replace("{user}", ALICE).replace("{id}", &"0".repeat(32));
        for caller in [&member, &administrator] {
            for (kind, body) in [
                (None, ""),
                (Some("text/plain"), ""),
                (Some("text/plain"), "{}"),
                (Some("application/x-www-form-urlencoded"), "a=b"),
                (Some("multipart/form-data; boundary=x"), "--x--"),
                (Some("application/json"), ""),
            ] {
                let request = http::Request::builder().method(route.method).uri(&path);
                let request = kind.into_iter().fold(request, |request, kind| request.header("content-type", kind));
                let reply = caller.send(request, body);
                assert_eq!(reply.status(), 403, "{} {} {kind:?} {body:?}", route.method, route.path);
                assert!(reply.text().contains("came from another site"), "{}", reply.text());
            }
        }
    }
    assert_eq!(world.records(), before);
    // By its words, JSON comes from a program; so does whatever comes without a cookie.
    member.api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    let stranger = world.visitor();
    stranger.send(http::Request::builder().method("POST").uri("/api/v1/logout"), "").expect(204);
    // A cookie that opens nothing by itself counts too: it says who logged in here before.
    let device = world.visitor();
    device.cookies.borrow_mut().insert("__Host-gatelodge-device".into(), "x".into());
    device.send(http::Request::builder().method("POST").uri("/api/v1/logout"), "").refused(403, "cross_site");
    member.api("POST", "/logout", json!({})).expect(204);
}

#[test]
fn opening_any_page_changes_nothing() {
    let world = World::new();
    let member = world.logged_in(ALICE, PASSWORD);
    let before = world.records();
    for route in routes().filter(|route| route.method == "GET") {
        for method in ["GET", "HEAD"] {
            knock(&member, method, route.path, &[]);
            knock(&world.visitor(), method, route.path, &[]);
        }
    }
    assert_eq!(world.records(), before);
}

#[test]
fn other_methods_and_paths_are_refused() {
    let world = World::new();
    for route in routes() {
        let has_put = ROUTES.iter().any(|other| other.path == route.path && other.method == "PUT");
        let others = ["PUT", "PATCH", "TRACE", "OPTIONS", "PROPFIND", "get"];
        for method in others.into_iter().filter(|method| !(has_put && *method == "PUT")) {
            let reply = knock(&world.visitor(), method, route.path, &[OURS]);
            assert_eq!(reply.status(), 405, "{method} {}", route.path);
            assert!(reply.header("allow").is_some_and(|allow| allow.contains(route.method)), "{method} {}", route.path);
        }
    }
    let visitor = world.visitor();
    for path in [
        "/api/v1/nothing",
        "/api/",
        "/api/v2/login",
        "/api/v1/login/",
        "/api/v1//login",
        "/api/v1/account/sessions/a/b",
    ] {
        knock(&visitor, "GET", path, &[]).refused(404, "not_found");
    }
    for path in ["/nothing", "//login", "/%6cogin", "/account/../login", "/confirm/a/b", "/reset/"] {
        knock(&visitor, "GET", path, &[]).expect(404);
    }
}
