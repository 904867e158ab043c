//! API tokens for programs, and refresh tokens for single-page applications.

use gatelodge::base::{DAY, MINUTE};
use serde_json::{Value, json};

use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, Visitor, World};

const ROOT: &str = "root@example.org";

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn make(browser: &Visitor<'_>, scopes: &[&str]) -> Value {
    browser
        .api("POST", "/account/tokens", json!({"name": "Wiki", "scopes": scopes, "within": "30d"}))
        .expect(200)
        .json()
}

fn listed(browser: &Visitor<'_>) -> Vec<Value> {
    let list = browser.api("GET", "/account/tokens", Value::Null).expect(200).json();
    list["items"].as_array().expect("a list").clone()
}

#[test]
fn a_program_acts_in_somebodys_name_as_far_as_its_scopes_go() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let made = make(&alice, &["profile"]);
    let token = text(&made["token"]);
    assert!(token.starts_with("gla_"), "leak scanners know it");
    let letter = world.only_letter_to(ALICE);
    assert!(
        letter.subject.contains("new API token") && letter.text.contains("(profile)") && !letter.text.contains("Wiki"),
        "{}",
        letter.text
    );
    let program = world.visitor();
    let who = program.by_token(&token, "GET", "/session", Value::Null).expect(200).json();
    assert_eq!((&who["user"]["email"], &who["session"]["methods"]), (&json!(ALICE), &json!(["api-token"])));
    program.by_token(&token, "GET", "/may/read", Value::Null).expect(200);
    for (method, path, body) in [
        ("GET", "/account/sessions", Value::Null),
        ("GET", "/users/nobody/may/read", Value::Null),
        ("POST", "/account/password", json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD})),
        ("POST", "/account/tokens", json!({"name": "more", "scopes": ["profile"]})),
        ("POST", "/account/delete", json!({"current_password": PASSWORD})),
        ("GET", "/admin/users", Value::Null),
    ] {
        program.by_token(&token, method, path, body).refused(403, "insufficient_scope");
    }
    assert!(!alice.copy().send(http::Request::builder().uri("/account/tokens"), "").text().contains(&token));
    alice.api("DELETE", &format!("/account/tokens/{}", text(&made["id"])), Value::Null).expect(204);
    program.by_token(&token, "GET", "/session", Value::Null).refused(401, "not_logged_in");
    alice.api("DELETE", &format!("/account/tokens/{}", text(&made["id"])), Value::Null).refused(404, "not_found");
    let acts: Vec<String> = world.audit().into_iter().map(|(act, ..)| act).collect();
    assert!(acts.contains(&"api-token-made".to_owned()) && acts.contains(&"api-token-revoked".to_owned()), "{acts:?}");
}

#[test]
fn a_token_ends_and_tells_when_it_was_used() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let token = text(&make(&alice, &["profile"])["token"]);
    assert_eq!(listed(&alice)[0]["last_used_at"], Value::Null);
    world.advance(10 * MINUTE);
    let used_at = world.app.now().to_string();
    for _ in 0..3 {
        world.visitor().by_token(&token, "GET", "/session", Value::Null).expect(200);
    }
    let before = world.records();
    world.visitor().by_token(&token, "GET", "/session", Value::Null).expect(200);
    assert_eq!(world.records(), before, "uses are written down together, later");
    world.block_on(world.app.note_seen()).expect("memory does not fail");
    assert_eq!(listed(&alice)[0]["last_used_at"], json!(used_at));
    alice
        .api("POST", "/account/password", json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD}))
        .expect(200);
    world.visitor().by_token(&token, "GET", "/session", Value::Null).expect(200);
    world.advance(30 * DAY);
    world.visitor().by_token(&token, "GET", "/session", Value::Null).refused(401, "not_logged_in");
    world.block_on(world.app.sweep()).expect("memory does not fail");
    let kept = world.records().into_iter().filter(|(key, _)| matches!(key[0], 0x22 | 0x23)).count();
    assert_eq!(kept, 0, "what is over is swept");
}

#[test]
fn a_token_dies_with_its_account_and_sleeps_while_it_is_locked() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let token = text(&make(&alice, &["profile"])["token"]);
    let works = || world.visitor().by_token(&token, "GET", "/session", Value::Null).status() == 200;
    assert!(works());
    world.command(json!({"command": "user-disable", "user": ALICE})).expect("done");
    assert!(!works());
    world.command(json!({"command": "user-enable", "user": ALICE})).expect("done");
    assert!(works());
    world.command(json!({"command": "user-delete", "user": ALICE})).expect("done");
    assert!(!works());
    assert!(world.records().iter().all(|(key, _)| !matches!(key[0], 0x22 | 0x23)));
}

#[test]
fn wrong_wishes_are_refused_with_the_reason() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    for (wish, code) in [
        (json!({"name": "", "scopes": ["profile"]}), "invalid_fields"),
        (json!({"name": "x", "scopes": []}), "invalid_fields"),
        (json!({"name": "x", "scopes": ["everything"]}), "refused"),
        (json!({"name": "x", "scopes": ["admin:read"]}), "refused"),
        (json!({"name": "x", "scopes": ["profile"], "within": "2 moons"}), "refused"),
        (json!({"name": "x", "scopes": ["profile"], "within": "400d"}), "refused"),
    ] {
        alice.api("POST", "/account/tokens", wish).refused(422, code);
    }
    for _ in 0..50 {
        make(&alice, &["profile"]);
    }
    let one_more = json!({"name": "x", "scopes": ["profile"]});
    alice.api("POST", "/account/tokens", one_more).refused(409, "conflict").says("the most an account may have");
    world.advance(16 * MINUTE);
    let later = json!({"name": "x", "scopes": ["profile"]});
    alice.api("POST", "/account/tokens", later).refused(401, "reauthentication_required");
}

#[test]
fn administrators_make_tokens_for_applications_which_ask_about_people() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let root = world.administrator(ROOT);
    let app = json!({"username": "wiki", "password": PASSWORD, "groups": ["apps"]});
    root.api("POST", "/admin/users", app).expect(200);
    let made =
        root.api("POST", "/admin/users/wiki/tokens", json!({"name": "wiki", "scopes": ["ask"]})).expect(200).json();
    let token = text(&made["token"]);
    let ask = |who: &str, what: &str| {
        world.visitor().by_token(&token, "GET", &format!("/users/{who}/may/{what}"), Value::Null)
    };
    ask(ALICE, "wiki:edit").refused(403, "forbidden");
    root.api("PUT", "/admin/groups/apps/permissions/gatelodge:ask", Value::Null).expect(200);
    assert_eq!(ask(ALICE, "wiki:edit").expect(200).json(), json!({"allowed": false}));
    root.api("PUT", "/admin/groups/writers/permissions/wiki:edit", Value::Null).expect(200);
    root.api("PUT", &format!("/admin/users/{ALICE}/groups/writers"), Value::Null).expect(200);
    assert_eq!(ask(ALICE, "wiki:edit").expect(200).json(), json!({"allowed": true}));
    assert_eq!(ask(ALICE, "wiki:burn").expect(200).json(), json!({"allowed": false}));
    ask("nobody", "wiki:edit").refused(404, "not_found");
    root.api("POST", &format!("/admin/users/{ALICE}/disable"), Value::Null).expect(200);
    assert_eq!(ask(ALICE, "wiki:edit").expect(200).json(), json!({"allowed": false}), "whoever is locked may nothing");
    assert!(root.api("GET", &format!("/users/{ALICE}/may/wiki:edit"), Value::Null).status() == 200);
    let listed = root.api("GET", "/admin/users/wiki/tokens", Value::Null).expect(200).json();
    assert_eq!((&listed["items"][0]["id"], &listed["items"][0]["token"]), (&made["id"], &Value::Null));
    root.api("DELETE", &format!("/admin/users/wiki/tokens/{}", text(&made["id"])), Value::Null).expect(204);
    ask(ALICE, "wiki:edit").refused(401, "not_logged_in");
}

#[test]
fn an_administrators_token_reads_or_writes_and_makes_no_tokens() {
    let world = World::new();
    let root = world.administrator(ROOT);
    world.member(ALICE, PASSWORD);
    world.member("second@example.org", PASSWORD);
    let reading = text(&make(&root, &["admin:read"])["token"]);
    let writing = text(&make(&root, &["admin:write"])["token"]);
    let (program, lock) = (world.visitor(), format!("/admin/users/{ALICE}/disable"));
    program.by_token(&reading, "GET", "/admin/users", Value::Null).expect(200);
    program.by_token(&reading, "POST", &lock, Value::Null).refused(403, "insufficient_scope");
    program.by_token(&writing, "GET", "/admin/users", Value::Null).refused(403, "insufficient_scope");
    world.advance(DAY);
    program.by_token(&writing, "POST", &lock, Value::Null).expect(200);
    let more = json!({"name": "x", "scopes": ["admin:write"]});
    program.by_token(&writing, "POST", &format!("/admin/users/{ROOT}/tokens"), more).refused(403, "insufficient_scope");

    world
        .command(json!({"command": "user-group", "user": "second@example.org", "group": "admins", "member": true}))
        .expect("done");
    world.command(json!({"command": "user-group", "user": ROOT, "group": "admins", "member": false})).expect("done");
    program.by_token(&reading, "GET", "/admin/users", Value::Null).refused(403, "forbidden");
}

#[test]
fn by_page_a_token_is_made_shown_once_and_revoked() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let wish = [("name", "Backup script"), ("scopes", "profile"), ("within", "30d")];
    let page = alice.posts("/account/tokens", &wish).expect(200).text();
    let token = page.split(['<', '>']).find(|part| part.starts_with("gla_")).expect("the token").to_owned();
    world.visitor().by_token(&token, "GET", "/session", Value::Null).expect(200);
    let page = alice.opens("/account/tokens").expect(200).text();
    assert!(page.contains("Backup script") && page.contains("not used yet") && !page.contains(&token), "{page}");
    alice.posts("/account/tokens", &[("name", "x"), ("scopes", "admin:read")]).expect(422).says("for administrators");
    let id = text(&listed(&alice)[0]["id"]);
    alice.posts(&format!("/account/tokens/{id}/revoke"), &[]).leads_to("/account/tokens?notice=token-revoked");
    world.visitor().by_token(&token, "GET", "/session", Value::Null).refused(401, "not_logged_in");
}

fn refreshed_login(world: &World) -> Value {
    let log_in = json!({"identity": ALICE, "password": PASSWORD, "refresh": true});
    let reply = world.visitor().api("POST", "/login", log_in).expect(200);
    assert_eq!(reply.header("set-cookie"), None);
    reply.json()["session"].clone()
}

fn refresh(world: &World, token: &Value) -> crate::world::Reply {
    world.visitor().api("POST", "/session/refresh", json!({"refresh_token": token}))
}

fn opens(world: &World, token: &Value) -> bool {
    world.visitor().by_token(token.as_str().expect("a token"), "GET", "/session", Value::Null).status() == 200
}

#[test]
fn access_tokens_live_for_minutes_and_are_refreshed() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let first = refreshed_login(&world);
    assert!(text(&first["token"]).starts_with("gls_") && text(&first["refresh_token"]).starts_with("glr_"));
    assert_eq!(first["token_expires_at"], json!(world.app.now().plus(15 * MINUTE).to_string()));
    assert!(opens(&world, &first["token"]) && !opens(&world, &first["refresh_token"]));
    world.advance(15 * MINUTE);
    assert!(!opens(&world, &first["token"]));
    world.block_on(world.app.sweep()).expect("memory does not fail");
    let next = refresh(&world, &first["refresh_token"]).expect(200).json();
    assert_eq!((&next["status"], &next["session"]["id"]), (&json!("refreshed"), &first["id"]));
    assert_ne!(next["session"]["refresh_token"], first["refresh_token"]);
    assert!(opens(&world, &next["session"]["token"]) && !opens(&world, &first["token"]));
    world.advance(MINUTE);
    let third = refresh(&world, &next["session"]["refresh_token"]).expect(200).json();
    assert!(!opens(&world, &next["session"]["token"]), "the one before is replaced, not only added to");
    world.advance(30 * DAY);
    refresh(&world, &third["session"]["refresh_token"]).refused(401, "not_logged_in");
}

#[test]
fn a_refresh_token_that_comes_twice_ends_the_session_for_owner_and_thief() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let (first, other) = (refreshed_login(&world), refreshed_login(&world));
    let next = refresh(&world, &first["refresh_token"]).expect(200).json()["session"].clone();
    refresh(&world, &first["refresh_token"]).refused(401, "not_logged_in");
    assert!(!opens(&world, &next["token"]));
    refresh(&world, &next["refresh_token"]).refused(401, "not_logged_in");
    assert!(world.audit().iter().any(|(act, ..)| act == "refresh-reused"));
    assert!(opens(&world, &other["token"]), "other logins go on");
    refresh(&world, &other["refresh_token"]).expect(200);
}

#[test]
fn a_made_up_refresh_token_costs_no_write() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let token = text(&refreshed_login(&world)["refresh_token"]);
    let before = world.records();
    for made_up in
        ["glr_x".to_owned(), format!("glr_{}", "A".repeat(64)), token.replace("glr_", "gls_"), String::new() + "x"]
    {
        refresh(&world, &json!(made_up)).refused(401, "not_logged_in");
    }
    assert_eq!(world.records(), before);
}

#[test]
fn what_ends_a_session_ends_its_refresh_tokens() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let out = refreshed_login(&world);
    let token = text(&out["token"]);
    browser.by_token(&token, "POST", "/logout", json!(null)).expect(204);
    refresh(&world, &out["refresh_token"]).refused(401, "not_logged_in");
    let ended = refreshed_login(&world);
    browser.api("DELETE", &format!("/account/sessions/{}", text(&ended["id"])), Value::Null).expect(204);
    refresh(&world, &ended["refresh_token"]).refused(401, "not_logged_in");
    let changed = refreshed_login(&world);
    browser
        .api("POST", "/account/password", json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD}))
        .expect(200);
    refresh(&world, &changed["refresh_token"]).refused(401, "not_logged_in");
    assert!(world.records().iter().all(|(key, _)| key[0] != 0x24), "no family is left behind");
}

#[test]
fn proving_anew_gives_both_tokens_anew() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let first = refreshed_login(&world);
    let program = world.visitor();
    let proof = json!({"password": PASSWORD});
    let proved = program.by_token(&text(&first["token"]), "POST", "/session/verify", proof).expect(200).json();
    assert!(opens(&world, &proved["session"]["token"]) && !opens(&world, &first["token"]));
    refresh(&world, &first["refresh_token"]).refused(401, "not_logged_in");
    refresh(&world, &proved["session"]["refresh_token"]).expect(200);
}

#[test]
fn logins_of_programs_live_as_long_as_the_configuration_says() {
    for (settings, days) in [
        ("", 30),
        ("[session]\nidle = \"3d\"\nabsolute = \"3d\"", 3),
        ("[session]\nbearer = \"2d\"", 2),
        ("[session]\nbearer = \"60d\"\nidle = \"20d\"", 60),
    ] {
        let world = World::with(settings);
        world.member(ALICE, PASSWORD);
        for how in ["bearer", "refresh"] {
            let mut login = json!({"identity": ALICE, "password": PASSWORD});
            login[how] = json!(true);
            let session = world.visitor().api("POST", "/login", login).expect(200).json()["session"].clone();
            assert_eq!(session["expires_at"], world.app.now().plus(days * DAY).to_string(), "{settings} {how}");
        }
        let kept = json!({"identity": ALICE, "password": PASSWORD, "remember": true});
        let session = world.visitor().api("POST", "/login", kept).expect(200).json()["session"].clone();
        let kept_for = if settings.contains("absolute") { 3 } else { 30 };
        assert_eq!(session["expires_at"], world.app.now().plus(kept_for * DAY).to_string(), "{settings}");
    }
}

#[test]
fn a_refresh_makes_no_login_live_longer() {
    let world = World::with("[session]\nbearer = \"2d\"");
    world.member(ALICE, PASSWORD);
    let mut session = refreshed_login(&world);
    for _ in 0..47 {
        world.advance(60 * MINUTE);
        session = refresh(&world, &session["refresh_token"]).expect(200).json()["session"].clone();
    }
    world.advance(60 * MINUTE);
    refresh(&world, &session["refresh_token"]).refused(401, "not_logged_in");
}
