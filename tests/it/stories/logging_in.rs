//! Log in, stay, log out.

use gatelodge::base::{DAY, HOUR};
use serde_json::{Value, json};

use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, World};

#[test]
fn a_login_gives_a_cookie_of_the_strict_kind() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let browser = world.visitor();
    let reply = browser.log_in(ALICE, PASSWORD).expect(200);
    let cookie = reply.header("set-cookie").expect("a cookie");
    assert!(cookie.starts_with("__Host-gatelodge=gls_"), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; Secure; SameSite=Lax"), "{cookie}");
    assert_eq!(reply.json()["session"].get("token"), None);
    assert!(browser.is_logged_in());
}

#[test]
fn remember_me_keeps_the_cookie_beyond_the_browser() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let body = json!({"identity": ALICE, "password": PASSWORD, "remember": true});
    let reply = world.visitor().api("POST", "/login", body).expect(200);
    assert!(reply.header("set-cookie").is_some_and(|cookie| cookie.contains("; Max-Age=2592000")));
}

#[test]
fn a_program_gets_a_token_and_no_cookie() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let program = world.visitor();
    let reply =
        program.api("POST", "/login", json!({"identity": ALICE, "password": PASSWORD, "bearer": true})).expect(200);
    assert_eq!(reply.header("set-cookie"), None);
    let token = reply.json()["session"]["token"].as_str().expect("a token").to_owned();
    let ask = |authorization: &str| {
        let request = http::Request::builder().uri("/api/v1/session").header("authorization", authorization);
        program.send(request, "").status()
    };
    assert_eq!(ask(&format!("Bearer {token}")), 200);
    assert_eq!(ask(&format!("bearer {token}")), 200);
    assert_eq!(ask("Bearer gls_nonsense"), 401);
    assert_eq!(ask("Bearer"), 401);
}

#[test]
fn a_bad_bearer_token_is_refused_even_beside_a_good_cookie() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let request = http::Request::builder().uri("/api/v1/session").header("authorization", "Bearer gls_nonsense");
    let reply = browser.send(request, "").refused(401, "not_logged_in");
    assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
}

#[test]
fn unknown_wrong_disabled_and_unconfirmed_look_the_same() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    world.member("disabled@example.org", PASSWORD);
    world.visitor().api("POST", "/register", json!({"email": "pending@example.org", "password": PASSWORD})).expect(202);
    world.disable("disabled@example.org");
    let refusals: Vec<_> = [
        (ALICE, OTHER_PASSWORD),
        ("disabled@example.org", PASSWORD),
        ("pending@example.org", PASSWORD),
        ("nobody@example.org", PASSWORD),
        ("no such name", PASSWORD),
    ]
    .map(|(identity, password)| world.visitor().log_in(identity, password).refused(401, "invalid_credentials"))
    .into_iter()
    .map(|reply| (reply.body, reply.head.headers))
    .collect();
    assert!(refusals.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn every_refused_login_writes_records_of_the_same_shape() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    world.visitor().api("POST", "/register", json!({"email": "pending@example.org", "password": PASSWORD})).expect(202);
    world.deliver_mail();
    let shape = |identity: &str, password: &str| {
        let before = world.records();
        world.visitor().log_in(identity, password).expect(401);
        let added: Vec<_> = world
            .records()
            .into_iter()
            .filter(|pair| !before.contains(pair))
            .map(|(key, value)| (key[0], key.len(), value.len()))
            .collect();
        added
    };
    let unknown = shape("nobody@example.org", PASSWORD);
    // A wish, what it costs (name, account, network, everybody), the audit log, its head and its mark.
    assert_eq!(unknown.len(), 8, "{unknown:?}");
    assert_eq!(shape(ALICE, OTHER_PASSWORD), unknown);
    assert_eq!(shape("pending@example.org", PASSWORD), unknown);
    assert_eq!(shape("pending@example.org", OTHER_PASSWORD), unknown);
}

#[test]
fn a_login_ends_the_session_its_cookie_named() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let copied = browser.copy();
    browser.log_in(ALICE, PASSWORD).expect(200);
    assert!(browser.is_logged_in());
    assert!(!copied.is_logged_in());
}

#[test]
fn a_copied_cookie_is_dead_after_logout() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let copied = browser.copy();
    assert!(copied.is_logged_in());
    let reply = browser.api("POST", "/logout", Value::Null).expect(204);
    assert_eq!(reply.header("clear-site-data"), Some("\"cache\", \"storage\""));
    assert!(!copied.is_logged_in());
    browser.api("POST", "/logout", Value::Null).expect(204);
    world.visitor().api("POST", "/logout", Value::Null).expect(204);
}

#[test]
fn a_session_nobody_uses_ends() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let browser = world.visitor();
    browser.api("POST", "/login", json!({"identity": ALICE, "password": PASSWORD, "remember": true})).expect(200);
    for _ in 0..3 {
        world.advance(6 * DAY);
        assert!(browser.is_logged_in());
        world.block_on(world.app.note_seen()).expect("memory does not fail");
    }
    world.advance(7 * DAY);
    assert!(!browser.is_logged_in());
}

#[test]
fn a_session_that_is_used_ends_all_the_same() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let browser = world.visitor();
    browser.api("POST", "/login", json!({"identity": ALICE, "password": PASSWORD, "remember": true})).expect(200);
    for _ in 0..29 {
        world.advance(DAY);
        assert!(browser.is_logged_in());
    }
    world.advance(DAY);
    assert!(!browser.is_logged_in());
}

#[test]
fn without_remember_me_a_session_lasts_a_day() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    world.advance(23 * HOUR);
    assert!(browser.is_logged_in());
    world.advance(HOUR);
    assert!(!browser.is_logged_in());
}

#[test]
fn what_has_expired_stays_so_when_the_clock_falls_back() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    world.advance(2 * DAY);
    assert!(!browser.is_logged_in());
    world.clock.set(crate::world::START);
    assert!(!browser.is_logged_in());
}

#[test]
fn using_a_session_writes_nothing_until_it_is_noted_in_a_batch() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    world.advance(HOUR);
    let before = world.records();
    (0..20).for_each(|_| assert!(browser.is_logged_in()));
    assert_eq!(world.records(), before);
    world.block_on(world.app.note_seen()).expect("memory does not fail");
    assert_ne!(world.records(), before);
}

#[test]
fn an_older_hash_is_made_anew_at_login() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let cost = || {
        let person = world
            .app
            .read_blocking(|view| gatelodge::accounts::administer::find(view, ALICE))
            .expect("memory does not fail")
            .expect("a member");
        person.account.password.expect("a password").cost()
    };
    let older = gatelodge::crypto::Cost { memory_kib: 16, iterations: 2, lanes: 1 };
    let password = gatelodge::crypto::Password::parse(PASSWORD).expect("printable");
    let hash = gatelodge::crypto::PasswordHash::make(
        &password,
        older,
        &mut world.app.moment(),
        &mut gatelodge::crypto::Memory::default(),
    );
    world
        .block_on(world.app.write(move |work| {
            let mut person = gatelodge::accounts::administer::find(work.tx, ALICE)?.expect("a member");
            person.account.password = Some(hash.clone());
            gatelodge::accounts::person::save(work.tx, person.id, &person.account)
        }))
        .expect("memory does not fail");
    assert_eq!(cost(), older);
    world.visitor().log_in(ALICE, OTHER_PASSWORD).expect(401);
    assert_eq!(cost(), older);
    world.visitor().log_in(ALICE, PASSWORD).expect(200);
    assert_ne!(cost(), older);
    world.visitor().log_in(ALICE, PASSWORD).expect(200);
}

#[test]
fn a_name_that_nobody_has_costs_as_much_as_one_that_somebody_might_have() {
    let world = World::new();
    let of_nobody = |number: usize| {
        let identity = gatelodge::base::Identity::parse(&format!("nobody{number}@example.org"));
        let candidate = world
            .app
            .read_blocking(|view| gatelodge::accounts::login::look_up(view, &world.app.env(), &identity))
            .expect("memory does not fail");
        candidate.hash.cost()
    };
    let today = world.app.env().config.password.cost();
    assert!((0..20).all(|number| of_nobody(number) == today));
    // Three accounts of today, and nine with a hash of an older kind.
    let older = gatelodge::crypto::Cost { memory_kib: 16, iterations: 2, lanes: 1 };
    (0..12).for_each(|number| world.member(&format!("member{number}@example.org"), PASSWORD));
    world
        .block_on(world.app.write(move |work| {
            for number in 0..9 {
                let named = format!("member{number}@example.org");
                let mut person = gatelodge::accounts::administer::find(work.tx, &named)?.expect("a member");
                person.account.password = Some(gatelodge::crypto::PasswordHash::decoy(older));
                gatelodge::accounts::person::save(work.tx, person.id, &person.account)?;
            }
            Ok(())
        }))
        .expect("memory does not fail");
    let drawn: Vec<_> = (0..400).map(of_nobody).collect();
    let share = drawn.iter().filter(|cost| **cost == older).count();
    assert!((250..350).contains(&share), "{share} of 400, and three quarters are expected");
    assert_eq!(drawn, (0..400).map(of_nobody).collect::<Vec<_>>(), "the same name, the same cost");
    // When all have logged in, the older kind is gone.
    world
        .block_on(world.app.write(|work| {
            for number in 0..9 {
                let named = format!("member{number}@example.org");
                let mut person = gatelodge::accounts::administer::find(work.tx, &named)?.expect("a member");
                person.account.password = Some(gatelodge::crypto::PasswordHash::decoy(work.env.config.password.cost()));
                gatelodge::accounts::person::save(work.tx, person.id, &person.account)?;
            }
            Ok(())
        }))
        .expect("memory does not fail");
    assert!((0..20).all(|number| of_nobody(number) == today));
}

#[test]
fn composed_and_decomposed_letters_are_one_password() {
    let world = World::new();
    world.member(ALICE, "caf\u{e9} au lait, 2 sugars");
    world.visitor().log_in(ALICE, "cafe\u{301} au lait, 2 sugars").expect(200);
}

#[test]
fn a_login_leads_back_to_a_listed_host_and_to_no_other() {
    let world = World::with("[login]\nreturn_hosts = [\"wiki.example.org\"]");
    world.member(ALICE, PASSWORD);
    let logs_in = |target: &str| {
        let fields = [("identity", ALICE), ("password", PASSWORD), ("return_to", target)];
        world.visitor().posts("/login", &fields)
    };
    logs_in("https://wiki.example.org/page?x=1").leads_to("https://wiki.example.org/page?x=1");
    for trick in [
        "https://evil.example/",
        "//wiki.example.org/",
        "https://wiki.example.org@evil.example/",
        "https://wiki.example.org:8443/",
    ] {
        logs_in(trick).leads_to("/account");
    }
    let page = world.visitor().opens("/login?return_to=https%3A%2F%2Fwiki.example.org%2F").expect(200);
    page.says("value=\"https://wiki.example.org/\"");
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("form-action 'self' https://wiki.example.org;"), "{policy}");
}
