//! Front ends with pages of their own: where mailed links lead, and whose scripts may use the API.

use serde_json::{Value, json};

use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, Reply, Visitor, World};

const SETTINGS: &str = "[spa]\nurl = \"https://app.example.org/portal\"\norigins = [\"https://app.example.org\", \"https://elsewhere.example.net\"]\n[login]\nby_mail = true\n";
const SAME_SITE: &[(&str, &str)] = &[("origin", "https://app.example.org"), ("sec-fetch-site", "same-site")];
const CROSS_SITE: &[(&str, &str)] = &[("origin", "https://elsewhere.example.net"), ("sec-fetch-site", "cross-site")];

fn call(browser: &Visitor<'_>, headers: &[(&str, &str)], method: &str, path: &str, body: &Value) -> Reply {
    let request = http::Request::builder().method(method).uri(format!("/api/v1{path}"));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let request = request.header("content-type", "application/json");
    browser.send(request, if body.is_null() { String::new() } else { body.to_string() })
}

fn location(reply: &Reply) -> String {
    assert_eq!(reply.status(), 303, "{}", reply.text());
    reply.header("location").expect("somewhere").to_owned()
}

#[test]
fn links_in_mails_lead_on_to_the_front_end_which_posts_the_token() {
    let world = World::with(SETTINGS);
    let browser = world.visitor();
    browser.api("POST", "/register", json!({"email": ALICE, "password": PASSWORD})).expect(202);
    let letter = world.only_letter_to(ALICE);
    assert!(letter.link().starts_with("https://auth.example.org/confirm/glt_"), "{}", letter.link());
    let before = world.records();
    let target = location(&browser.opens(&letter.path()));
    let token = target.strip_prefix("https://app.example.org/portal/confirm?token=").expect("the front end's page");
    assert_eq!((token, world.records()), (letter.token().as_str(), before), "opening uses nothing up");
    browser.api("POST", "/confirm", json!({"token": token})).expect(200);
    assert_eq!(location(&browser.opens(&letter.path())), "https://app.example.org/portal/confirm?error=token_used");
    browser.api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    let letter = world.only_letter_to(ALICE);
    let target = location(&browser.opens(&letter.path()));
    assert_eq!(target, format!("https://app.example.org/portal/reset?token={}", letter.token()));
    assert!(!target.contains("alice"), "nobody's address");
    browser.api("POST", "/reset", json!({"token": letter.token(), "password": OTHER_PASSWORD})).expect(200);
    world.deliver_mail();
    world.advance(2 * gatelodge::base::HOUR);
    for (path, page) in [("/reset/glt_nonsense", "reset"), ("/confirm/x", "confirm"), ("/invite/gli_x", "invite")] {
        let target = location(&browser.opens(path));
        assert_eq!(target, format!("https://app.example.org/portal/{page}?error=token_invalid"));
    }
    browser.api("POST", "/login/mail", json!({"identity": ALICE})).expect(202);
    let letter = world.deliver_mail().pop().expect("mailed");
    let target = location(&browser.opens(&letter.path()));
    assert_eq!(target, format!("https://app.example.org/portal/login/mail?token={}", letter.token()));
    world.advance(11 * gatelodge::base::MINUTE);
    let target = location(&browser.opens(&letter.path()));
    assert_eq!(target, "https://app.example.org/portal/login/mail?error=token_expired");
}

#[test]
fn a_poisoned_host_leads_nowhere_else() {
    let world = World::with(SETTINGS);
    let request = http::Request::builder().uri("/reset/glt_x").header("host", "evil.example");
    assert!(location(&world.visitor().send(request, "")).starts_with("https://app.example.org/portal/reset?error="));
}

#[test]
fn a_front_end_of_the_same_site_uses_the_cookie() {
    let world = World::with(SETTINGS);
    world.member(ALICE, PASSWORD);
    let browser = world.visitor();
    let log_in = json!({"identity": ALICE, "password": PASSWORD});
    let reply = call(&browser, SAME_SITE, "POST", "/login", &log_in).expect(200);
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://app.example.org"));
    assert_eq!(reply.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(reply.header("vary"), Some("origin"));
    call(&browser, SAME_SITE, "GET", "/session", &Value::Null).expect(200);
    call(&browser, SAME_SITE, "DELETE", "/account/sessions", &Value::Null).expect(204);
    let refused = call(&world.visitor(), SAME_SITE, "GET", "/session", &Value::Null).refused(401, "not_logged_in");
    assert_eq!(refused.header("access-control-allow-origin"), Some("https://app.example.org"), "it reads why");
}

#[test]
fn a_front_end_of_another_site_uses_tokens_and_never_the_cookie() {
    let world = World::with(SETTINGS);
    let browser = world.logged_in(ALICE, PASSWORD);
    let reply = call(&browser, CROSS_SITE, "GET", "/session", &Value::Null).refused(401, "not_logged_in");
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://elsewhere.example.net"));
    assert_eq!(reply.header("access-control-allow-credentials"), None);
    call(&browser, CROSS_SITE, "DELETE", "/account/sessions", &Value::Null).refused(401, "not_logged_in");
    let unsaid = &[("origin", "https://app.example.org")];
    call(&browser, unsaid, "GET", "/session", &Value::Null).refused(401, "not_logged_in");
    let log_in = json!({"identity": ALICE, "password": PASSWORD});
    let reply = call(&world.visitor(), CROSS_SITE, "POST", "/login", &log_in).expect(200);
    assert_eq!(reply.header("set-cookie"), None);
    let log_in = json!({"identity": ALICE, "password": PASSWORD, "refresh": true});
    let reply = call(&world.visitor(), CROSS_SITE, "POST", "/login", &log_in).expect(200);
    let bearer = format!("Bearer {}", reply.json()["session"]["token"].as_str().expect("a token"));
    let with_token = [CROSS_SITE, &[("authorization", &*bearer)]].concat();
    call(&browser, &with_token, "GET", "/session", &Value::Null).expect(200);
    call(&browser, &with_token, "DELETE", "/account/sessions", &Value::Null).expect(204);
}

#[test]
fn browsers_ask_before_they_send() {
    let world = World::with(SETTINGS);
    let asks = [("access-control-request-method", "DELETE"), ("access-control-request-headers", "authorization")];
    let preflight = |headers: &[(&str, &str)]| {
        call(&world.visitor(), &[headers, &asks].concat(), "OPTIONS", "/account/sessions", &Value::Null)
    };
    for (headers, credentials) in [(SAME_SITE, Some("true")), (CROSS_SITE, None)] {
        let reply = preflight(headers).expect(204);
        assert_eq!(reply.header("access-control-allow-origin"), Some(headers[0].1));
        assert_eq!(reply.header("access-control-allow-methods"), Some("GET, POST, PUT, DELETE"));
        assert_eq!(reply.header("access-control-allow-headers"), Some("authorization, content-type"));
        assert_eq!(reply.header("access-control-allow-credentials"), credentials);
    }
    for origin in ["https://evil.example", "https://app.example.org.evil.example", "http://app.example.org", "null"] {
        let reply = preflight(&[("origin", origin), ("sec-fetch-site", "same-site")]).expect(405);
        assert_eq!(reply.header("access-control-allow-origin"), None, "{origin}");
    }
}

#[test]
fn nobody_elses_scripts_get_in_and_pages_are_not_the_api() {
    let world = World::with(SETTINGS);
    let browser = world.logged_in(ALICE, PASSWORD);
    let before = world.records();
    for headers in [
        &[("origin", "https://evil.example"), ("sec-fetch-site", "same-site")][..],
        &[("origin", "https://app.example.org"), ("origin", "https://evil.example"), ("sec-fetch-site", "same-site")],
        &[("origin", "https://app.example.org:444"), ("sec-fetch-site", "same-site")],
    ] {
        let reply = call(&browser, headers, "DELETE", "/account/sessions", &Value::Null).refused(403, "cross_site");
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
    let form = http::Request::builder().method("POST").uri("/logout");
    let form = SAME_SITE.iter().fold(form, |form, (name, value)| form.header(*name, *value));
    browser.send(form.header("content-type", "application/x-www-form-urlencoded"), "").expect(403);
    assert_eq!(world.records(), before);
    assert!(browser.is_logged_in());
}
