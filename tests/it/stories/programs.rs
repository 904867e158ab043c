//! Programs and native apps at other applications' doors: application passwords, the account's own password, API tokens.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::doors::Proxy;
use super::second_factors::set_up;
use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, Reply, Visitor, World};

const RULES: &str = r#"
[proxy]
trusted = ["10.9.0.0/24"]

[access]
domains = [{ cookie = "example.org", url = "https://auth.example.org" }]
basic_passwords = true

[[access.rules]]
hosts = ["files.example.org"]
paths = ["/public"]
allow = "anyone"

[[access.rules]]
hosts = ["vault.example.org"]
allow = "second-factor"

[[access.rules]]
hosts = ["*.example.org"]
allow = "logged-in"
"#;

const FILES: &str = "https://files.example.org/dav/a";

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

fn ask(world: &World, authorization: &str, url: &str) -> Reply {
    Proxy::for_nobody(world).accepting("*/*").with("authorization", authorization).forward("GET", url)
}

#[track_caller]
fn is_let_in(reply: &Reply) {
    assert_eq!((reply.status(), reply.header("remote-user")), (200, Some(ALICE)));
}

/// Refused as a program is, which is told where people log in.
#[track_caller]
fn is_turned_away(reply: &Reply) {
    assert_eq!(reply.status(), 401);
    assert!(reply.header("location").expect("a place").starts_with("https://auth.example.org/"));
}

fn app_password(browser: &Visitor<'_>, hosts: &[&str]) -> (String, String) {
    let wish = json!({"name": "Sync", "hosts": hosts});
    let made = browser.api("POST", "/account/app-passwords", wish).expect(201).json();
    let text = |name: &str| made[name].as_str().expect("a text").to_owned();
    (text("id"), text("password"))
}

#[test]
fn an_application_password_is_good_at_its_hosts_under_any_name_of_its_owner() {
    let world = World::with(RULES);
    let alice = world.logged_in(ALICE, PASSWORD);
    world.member("bob@example.org", PASSWORD);
    let (_, password) = app_password(&alice, &["files.example.org"]);
    is_let_in(&ask(&world, &basic(ALICE, &password), FILES));
    is_let_in(&ask(&world, &basic("ALICE@EXAMPLE.org", &password), FILES));
    ask(&world, &basic(ALICE, &password), "https://other.example.org/").expect(403);
    for name in ["bob@example.org", "nobody@example.org", "", "alice"] {
        let reply = ask(&world, &basic(name, &password), FILES);
        is_turned_away(&reply);
        assert!(reply.header("www-authenticate").expect("a challenge").starts_with("Basic "), "{name}");
    }
    let reply = ask(&world, &format!("Bearer {password}"), FILES);
    is_turned_away(&reply);
    assert!(reply.header("www-authenticate").is_none());
}

#[test]
fn an_application_password_is_dead_as_soon_as_it_is_revoked_or_its_owner_disabled() {
    let world = World::with(RULES);
    let alice = world.logged_in(ALICE, PASSWORD);
    let ((id, first), (_, second)) = (app_password(&alice, &[]), app_password(&alice, &[]));
    for password in [&first, &second] {
        is_let_in(&ask(&world, &basic(ALICE, password), FILES));
    }
    alice.api("DELETE", &format!("/account/app-passwords/{id}"), Value::Null).expect(204);
    is_turned_away(&ask(&world, &basic(ALICE, &first), FILES));
    is_let_in(&ask(&world, &basic(ALICE, &second), FILES));
    world.disable(ALICE);
    is_turned_away(&ask(&world, &basic(ALICE, &second), FILES));
}

#[test]
fn no_program_has_a_second_factor() {
    let world = World::with(RULES);
    let alice = world.logged_in(ALICE, PASSWORD);
    let (_, password) = app_password(&alice, &[]);
    for (name, secret) in [(ALICE, password.as_str()), (ALICE, PASSWORD)] {
        let reply = ask(&world, &basic(name, secret), "https://vault.example.org/");
        assert!(matches!(reply.status(), 302 | 401), "{}", reply.status());
        assert!(reply.header("location").expect("a place").starts_with("https://auth.example.org/account/verify?"));
    }
}

#[test]
fn a_bad_credential_of_ours_counts_even_beside_a_good_cookie() {
    let world = World::with(RULES);
    let alice = world.logged_in(ALICE, PASSWORD);
    let ask =
        |authorization: &str| Proxy::for_browser(&alice).with("authorization", authorization).forward("GET", FILES);
    let session =
        world.visitor().api("POST", "/login", json!({"identity": ALICE, "password": PASSWORD, "bearer": true}));
    let session = session.expect(200).json()["session"]["token"].as_str().expect("a token").to_owned();
    for bad in [
        basic(ALICE, "a wrong one, of some length"),
        basic(ALICE, ""),
        basic(ALICE, &format!("glk_{}", "A".repeat(43))),
        "Basic".into(),
        "basic %%%".into(),
        "Basic YWxpY2U=".into(),
        format!("Bearer gla_{}", "A".repeat(43)),
        "Bearer gla_".into(),
        "bearer glo_x".into(),
        format!("Bearer {session}"),
    ] {
        is_turned_away(&ask(&bad));
    }
    for others in ["Bearer eyJhbGciOi", "Digest username=\"alice\"", "Bearer", "", "Negotiate YII=", "Bearer glx_a"] {
        is_let_in(&ask(others));
    }
    let twice = Proxy::for_browser(&alice).with("authorization", "Bearer a").with("authorization", "Bearer b");
    is_turned_away(&twice.forward("GET", FILES));
}

#[test]
fn where_anybody_is_let_in_no_credential_is_looked_at() {
    let world = World::with(RULES);
    let reply = ask(&world, "Basic %%%", "https://files.example.org/public/a").expect(200);
    assert_eq!(reply.header("remote-user"), Some(""));
}

#[test]
fn an_api_token_is_good_for_applications_with_its_scope_only() {
    let world = World::with(RULES);
    let alice = world.logged_in(ALICE, PASSWORD);
    let token = |scopes: &[&str]| {
        let made = alice.api("POST", "/account/tokens", json!({"name": "Script", "scopes": scopes})).expect(200).json();
        made["token"].as_str().expect("a token").to_owned()
    };
    is_let_in(&ask(&world, &format!("Bearer {}", token(&["access"])), FILES));
    is_let_in(&ask(&world, &format!("bearer {}", token(&["access", "profile"])), FILES));
    ask(&world, &format!("Bearer {}", token(&["profile"])), FILES).expect(403);
}

#[test]
fn the_accounts_password_is_taken_only_where_the_configuration_wants_that() {
    let world = World::with(RULES);
    world.member(ALICE, PASSWORD);
    is_let_in(&ask(&world, &basic(ALICE, PASSWORD), FILES));
    is_turned_away(&ask(&world, &basic(ALICE, OTHER_PASSWORD), FILES));
    let world = World::with(&RULES.replace("basic_passwords = true", ""));
    world.member(ALICE, PASSWORD);
    let before = world.records();
    is_turned_away(&ask(&world, &basic(ALICE, PASSWORD), FILES));
    assert_eq!(world.records(), before, "nobody can try passwords there");
}

#[test]
fn the_password_of_somebody_with_a_second_factor_is_not_enough() {
    let world = World::with(RULES);
    let alice = world.logged_in(ALICE, PASSWORD);
    is_let_in(&ask(&world, &basic(ALICE, PASSWORD), FILES));
    set_up(&alice);
    is_turned_away(&ask(&world, &basic(ALICE, PASSWORD), FILES));
}

#[test]
fn a_password_that_was_right_is_taken_for_a_minute_and_not_a_moment_after_a_change() {
    let world = World::with(RULES);
    let alice = world.logged_in(ALICE, PASSWORD);
    is_let_in(&ask(&world, &basic(ALICE, PASSWORD), FILES));
    let before = world.records();
    for _ in 0..5 {
        is_let_in(&ask(&world, &basic("Alice@example.org", PASSWORD), FILES));
    }
    assert_eq!(world.records(), before, "nothing is written");
    world.advance(61);
    is_let_in(&ask(&world, &basic(ALICE, PASSWORD), FILES));
    let passwords = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
    alice.api("POST", "/account/password", passwords).expect(200);
    is_turned_away(&ask(&world, &basic(ALICE, PASSWORD), FILES));
    is_let_in(&ask(&world, &basic(ALICE, OTHER_PASSWORD), FILES));
    world.disable(ALICE);
    is_turned_away(&ask(&world, &basic(ALICE, OTHER_PASSWORD), FILES));
}

#[test]
fn a_program_with_a_stale_password_keeps_nobody_from_the_pages() {
    let world = World::with(RULES);
    world.member(ALICE, PASSWORD);
    for _ in 0..200 {
        is_turned_away(&ask(&world, &basic(ALICE, "the one of last year"), FILES));
        world.advance(5);
    }
    world.visitor_from("198.51.100.9").log_in(ALICE, PASSWORD).expect(200);
    let failures = world.audit().iter().filter(|(act, outcome, _)| act == "login" && outcome != "done").count();
    assert!(failures < 3, "{failures} failures are counted");
}

#[test]
fn what_was_refused_is_tried_again_once_the_account_has_changed() {
    let world = World::with(RULES);
    let alice = world.logged_in(ALICE, PASSWORD);
    is_turned_away(&ask(&world, &basic(ALICE, OTHER_PASSWORD), FILES));
    let passwords = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
    alice.api("POST", "/account/password", passwords).expect(200);
    is_let_in(&ask(&world, &basic(ALICE, OTHER_PASSWORD), FILES));
}

#[test]
fn guesses_count_as_at_the_form_whatever_the_spelling_of_the_name() {
    let world = World::with(RULES);
    world.member(ALICE, PASSWORD);
    let spellings = [ALICE, "Alice@Example.ORG", "ALICE@example.org", " alice@example.org "];
    for number in 0..30 {
        let guess = format!("a guess of some length {number}");
        is_turned_away(&ask(&world, &basic(spellings[number % spellings.len()], &guess), FILES));
    }
    // The right one is not tried either while the name waits.
    is_turned_away(&ask(&world, &basic(ALICE, PASSWORD), FILES));
    world.visitor_from("198.51.100.9").log_in(ALICE, PASSWORD).expect(429);
    // What was right is taken as soon as the name does not wait any more.
    world.advance(24 * 3600);
    is_let_in(&ask(&world, &basic(ALICE, PASSWORD), FILES));
}
