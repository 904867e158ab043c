//! Application passwords: for programs that use the applications behind the reverse proxy, and for nothing here.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatelodge::app::KnownCaller;
use gatelodge::base::{DAY, MINUTE};
use gatelodge::crypto::{Bearer, BearerKind};
use gatelodge::gate::Host;
use gatelodge::sessions::{Grant, Scope};
use serde_json::{Value, json};

use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, Reply, Visitor, World};

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn make(browser: &Visitor<'_>, wish: Value) -> Value {
    browser.api("POST", "/account/app-passwords", wish).expect(201).json()
}

/// A password that is good for every application and has no end.
fn a_password(browser: &Visitor<'_>) -> String {
    text(&make(browser, json!({"name": "Calendar"}))["password"])
}

fn listed(browser: &Visitor<'_>) -> Vec<Value> {
    let list = browser.api("GET", "/account/app-passwords", Value::Null).expect(200).json();
    list["items"].as_array().expect("a list").clone()
}

/// Whoever comes to an application with this password.
pub fn comes(world: &World, password: &str) -> Option<Arc<KnownCaller>> {
    let digest = Bearer::digest_of(BearerKind::AppPassword, password).expect("of its form");
    world.block_on(world.app.find_caller(digest)).expect("memory does not fail")
}

fn acts(world: &World) -> Vec<String> {
    world.audit().into_iter().map(|(act, ..)| act).collect()
}

#[test]
fn a_password_is_made_shown_once_listed_and_revoked() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let made = make(&alice, json!({"name": "Calendar", "hosts": ["cal.example.org"]}));
    let password = text(&made["password"]);
    assert!(password.starts_with("glk_"), "leak scanners know it");
    let letter = world.only_letter_to(ALICE);
    assert!(letter.subject.contains("new application password"), "{}", letter.subject);
    assert!(letter.text.contains("/account/app-passwords") && !letter.text.contains(&password), "{}", letter.text);
    assert!(!letter.text.contains("Calendar") && !letter.text.contains("cal.example.org"), "{}", letter.text);
    let shown = &listed(&alice)[0];
    assert_eq!((&shown["id"], &shown["name"]), (&made["id"], &json!("Calendar")));
    assert_eq!((&shown["password"], &shown["expires_at"]), (&Value::Null, &Value::Null));
    let who = comes(&world, &password).expect("let in");
    assert_eq!(who.person.email.as_ref().map(|email| email.shown.as_str()), Some(ALICE));
    let place = format!("/account/app-passwords/{}", text(&made["id"]));
    alice.api("DELETE", &place, Value::Null).expect(204);
    assert!(comes(&world, &password).is_none());
    alice.api("DELETE", &place, Value::Null).refused(404, "not_found").says("no application password");
    assert!(acts(&world).ends_with(&["app-password-made".to_owned(), "app-password-revoked".to_owned()]));
}

#[test]
fn passwords_and_api_tokens_are_told_apart() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let made = make(&alice, json!({"name": "Calendar"}));
    let wish = json!({"name": "Backup", "scopes": ["access"]});
    let token = alice.api("POST", "/account/tokens", wish).expect(200).json();
    let tokens = alice.api("GET", "/account/tokens", Value::Null).expect(200).json()["items"].clone();
    assert_eq!((tokens.as_array().map(Vec::len), listed(&alice).len()), (Some(1), 1));
    for place in
        [format!("/account/tokens/{}", text(&made["id"])), format!("/account/app-passwords/{}", text(&token["id"]))]
    {
        alice.api("DELETE", &place, Value::Null).refused(404, "not_found");
    }
    let password = comes(&world, &text(&made["password"])).expect("let in");
    assert_eq!(password.grant, Grant::AppPassword([].into()));
    let digest = Bearer::digest_of(BearerKind::ApiToken, &text(&token["token"])).expect("of its form");
    let token = world.block_on(world.app.find_caller(digest)).expect("memory does not fail").expect("let in");
    assert_eq!(token.grant, Grant::ApiToken([Scope::Access].into()));
    assert!(alice.caller().grant.is_session());
}

#[test]
fn a_password_is_good_for_its_hosts_in_whatever_spelling() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let hosts = ["Cal.Example.ORG.", "cal.example.org", "*.B\u{fc}ro.example.org"];
    let made = make(&alice, json!({"name": "Calendar", "hosts": hosts}));
    assert_eq!(made["hosts"], json!(["cal.example.org", "*.xn--bro-hoa.example.org"]));
    let who = comes(&world, &text(&made["password"])).expect("let in");
    let opens = |host: &str| who.grant.opens_host(&Host::parse(host).expect("a host"));
    assert!(opens("CAL.example.org") && opens("a.b\u{fc}ro.example.org"));
    assert!(!opens("example.org") && !opens("b\u{fc}ro.example.org") && !opens("mail.example.org"));
}

#[test]
fn wrong_wishes_are_refused_with_the_reason() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let before = world.records();
    let (not_a_host, past) =
        (json!({"hosts": [{"code": "not_a_host"}]}), json!({"expires_at": [{"code": "in_the_past"}]}));
    for (wish, fields) in [
        (json!({"hosts": []}), json!({"name": [{"code": "required"}]})),
        (json!({"name": ""}), json!({"name": [{"code": "required"}]})),
        (json!({"name": "x", "hosts": "cal.example.org"}), json!({"hosts": [{"code": "wrong_type"}]})),
        (json!({"name": "x", "scopes": ["access"]}), json!({"scopes": [{"code": "unknown"}]})),
        (json!({"name": "x", "hosts": ["https://cal.example.org"]}), not_a_host.clone()),
        (json!({"name": "x", "hosts": ["a.example.org", "b.example.org:443"]}), not_a_host.clone()),
        (json!({"name": "x", "hosts": ["cal.example.org/dav"]}), not_a_host.clone()),
        (json!({"name": "x", "hosts": ["cal.*.org"]}), not_a_host.clone()),
        (json!({"name": "x", "hosts": [""]}), not_a_host),
        (
            json!({"name": "x", "hosts": vec!["cal.example.org"; 17]}),
            json!({"hosts": [{"code": "too_many", "max": 16}]}),
        ),
        (json!({"name": "x", "expires_at": "tomorrow"}), json!({"expires_at": [{"code": "not_a_time"}]})),
        (json!({"name": "x", "expires_at": "2001-01-31"}), past.clone()),
        (json!({"name": "x", "expires_at": world.app.now().to_string()}), past),
        (
            json!({"hosts": ["?"], "expires_at": "2001-01-31"}),
            json!({"name": [{"code": "required"}], "hosts": [{"code": "not_a_host"}], "expires_at": [{"code": "in_the_past"}]}),
        ),
    ] {
        let told = alice.api("POST", "/account/app-passwords", wish).refused(422, "invalid_fields").json();
        assert_eq!(told["fields"], fields);
    }
    assert_eq!(world.records(), before);
}

#[test]
fn administrators_are_told_what_was_wrong_and_what_to_do() {
    let world = World::new();
    world.logged_in(ALICE, PASSWORD);
    let refused = |hosts: &[&str], end: Option<&str>| {
        let add = json!({"command": "app-password-add", "user": ALICE, "name": "x", "hosts": hosts, "expires_at": end});
        let refusal = world.refusal(add);
        (refusal.message.in_english(), refusal.hint.expect("a hint").in_english())
    };
    let (said, hint) = refused(&[], Some("2001-01-31"));
    assert!(said == "the application password would end in the past" && hint.contains("to come"), "{said}: {hint}");
    let (said, hint) = refused(&["a.example.org", "b.example.org:443"], None);
    assert!(said.contains("number 2 of the hosts") && hint.contains("wiki.example.org"), "{said}: {hint}");
    assert!(refused(&["a.example.org"; 17], None).0.contains("more than 16 hosts"));
    assert!(refused(&[], Some("tomorrow")).1.contains("write it like"));
}

#[test]
fn an_account_has_so_many_of_each_kind_and_a_fresh_proof_is_asked_for() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    for _ in 0..50 {
        a_password(&alice);
    }
    let one_more = json!({"name": "x"});
    let refused = alice.api("POST", "/account/app-passwords", one_more.clone()).refused(409, "conflict");
    refused.says("50 application passwords, the most an account may have");
    alice.api("POST", "/account/tokens", json!({"name": "x", "scopes": ["access"]})).expect(200);
    world.advance(16 * MINUTE);
    alice.api("POST", "/account/app-passwords", one_more).refused(401, "reauthentication_required");
}

#[test]
fn a_password_ends_when_it_was_to_and_tells_when_it_was_used() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let until = world.app.now().plus(400 * DAY).to_string();
    let ending = text(&make(&alice, json!({"name": "Calendar", "expires_at": until}))["password"]);
    assert_eq!((&listed(&alice)[0]["expires_at"], &listed(&alice)[0]["last_used_at"]), (&json!(until), &Value::Null));
    let lasting = a_password(&alice);
    world.advance(10 * MINUTE);
    let used_at = world.app.now().to_string();
    let before = world.records();
    assert!(comes(&world, &ending).is_some());
    assert_eq!(world.records(), before, "uses are written down together, later");
    world.block_on(world.app.note_seen()).expect("memory does not fail");
    let used: Vec<Value> = listed(&alice).iter().map(|one| one["last_used_at"].clone()).collect();
    assert!(used.contains(&json!(used_at)) && used.contains(&Value::Null), "{used:?}");
    world.advance(400 * DAY);
    assert!(comes(&world, &ending).is_none() && comes(&world, &lasting).is_some());
    world.block_on(world.app.sweep()).expect("memory does not fail");
    world.advance(20_000 * DAY);
    assert!(comes(&world, &lasting).is_some(), "it has no end");
    let kept = world.records().into_iter().filter(|(key, _)| key[0] == 0x22).count();
    assert_eq!(kept, 1, "what is over is swept");
}

#[test]
fn a_password_sleeps_while_its_account_is_locked_and_dies_with_it() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let password = a_password(&alice);
    let works = || comes(&world, &password).is_some();
    assert!(works());
    world.command(json!({"command": "user-disable", "user": ALICE})).expect("done");
    assert!(!works());
    world.command(json!({"command": "user-enable", "user": ALICE})).expect("done");
    assert!(works());
    world.command(json!({"command": "user-delete", "user": ALICE})).expect("done");
    assert!(!works());
    assert!(world.records().iter().all(|(key, _)| !matches!(key[0], 0x22 | 0x23)));
}

/// As API tokens do: a program goes on, and whoever fears that somebody was in presses "This was not me".
#[test]
fn a_password_outlives_a_change_and_a_reset_of_the_accounts_own() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let password = a_password(&alice);
    world.deliver_mail();
    let change = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
    alice.api("POST", "/account/password", change).expect(200);
    assert!(comes(&world, &password).is_some());
    world.deliver_mail();
    world.visitor().api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    let token = world.only_letter_to(ALICE).token();
    let reset = json!({"token": token, "password": "some other words than these"});
    world.visitor().api("POST", "/reset", reset).expect(200);
    assert!(comes(&world, &password).is_some());
}

#[test]
fn more_than_a_few_end_at_once_and_with_them_api_tokens() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let passwords: Vec<String> = (0..3).map(|_| a_password(&alice)).collect();
    let made = alice.api("POST", "/account/tokens", json!({"name": "x", "scopes": ["profile"]})).expect(200).json();
    assert!(passwords.iter().all(|password| comes(&world, password).is_some()));
    world.command(json!({"command": "user-delete", "user": ALICE})).expect("done");
    assert!(passwords.iter().all(|password| comes(&world, password).is_none()));
    alice.by_token(&text(&made["token"]), "GET", "/session", Value::Null).refused(401, "not_logged_in");
    world.block_on(world.app.sweep()).expect("memory does not fail");
    assert!(world.records().iter().all(|(key, _)| !matches!(key[0], 0x22 | 0x23)));
}

/// What a program sends by which it might be taken for somebody who is in.
fn by_every_way(world: &World, password: &str) -> Vec<Reply> {
    let visitor = world.visitor();
    visitor.cookies.borrow_mut().insert("__Host-gatelodge".into(), password.into());
    let basic = format!("Basic {}", STANDARD.encode(format!("{ALICE}:{password}")));
    let by_basic = http::Request::builder().uri("/api/v1/session").header("authorization", basic);
    let refresh = json!({"refresh_token": password});
    vec![
        world.visitor().by_token(password, "GET", "/session", Value::Null),
        world.visitor().by_token(&password.replace("glk_", "gla_"), "GET", "/session", Value::Null),
        world.visitor().by_token(&password.replace("glk_", "gls_"), "GET", "/session", Value::Null),
        visitor.api("GET", "/session", Value::Null),
        world.visitor().send(by_basic, ""),
        world.visitor().api("POST", "/session/refresh", refresh),
    ]
}

#[test]
fn a_password_opens_nothing_here() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let password = a_password(&alice);
    assert!(comes(&world, &password).is_some(), "it is cached");
    for reply in by_every_way(&world, &password) {
        reply.refused(401, "not_logged_in");
    }
    world.visitor().log_in(ALICE, &password).refused(401, "invalid_credentials");
    let proof = json!({"password": password});
    world.advance(16 * MINUTE);
    alice.api("POST", "/session/verify", proof).refused(403, "wrong_password");
    let visitor = world.visitor();
    visitor.cookies.borrow_mut().insert("__Host-gatelodge".into(), password);
    visitor.opens("/account").leads_to("/login");
}

/// The scope is for the applications' door: with it alone a token gets nothing of the API.
#[test]
fn no_route_of_ours_takes_the_scope_of_applications() {
    assert!(gatelodge::web::ROUTES.iter().all(|route| route.scope != Some(Scope::Access)));
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let wish = json!({"name": "Backup", "scopes": ["access"]});
    let token = text(&alice.api("POST", "/account/tokens", wish).expect(200).json()["token"]);
    for path in ["/session", "/may/read", "/account/app-passwords", "/users/nobody/may/read", "/admin/users"] {
        world.visitor().by_token(&token, "GET", path, Value::Null).refused(403, "insufficient_scope");
    }
}

#[test]
fn by_page_a_password_is_made_shown_once_and_revoked() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    alice.opens("/account").expect(200).says("/account/app-passwords");
    let wish = [("name", "Calendar"), ("hosts", "cal.example.org, *.lab.example.org"), ("expires_at", "2100-01-31")];
    let page = alice.posts("/account/app-passwords", &wish).expect(200).text();
    let password = page.split(['<', '>']).find(|part| part.starts_with("glk_")).expect("the password").to_owned();
    assert!(comes(&world, &password).is_some());
    let page = alice.opens("/account/app-passwords").expect(200).text();
    assert!(page.contains("cal.example.org, *.lab.example.org") && page.contains("until 31 January 2100"), "{page}");
    assert!(page.contains("not used yet") && !page.contains(&password), "{page}");
    alice.posts("/account/app-passwords", &[("name", "x"), ("hosts", ""), ("expires_at", "")]).expect(200);
    alice.opens("/account/app-passwords").expect(200).says("every application");
    let wrong = [("name", "Calendar on the phone"), ("hosts", "https://cal.example.org"), ("expires_at", "2001-01-31")];
    let page = alice.posts("/account/app-passwords", &wrong).expect(422).text();
    assert!(page.contains("without https://") && page.contains("Calendar on the phone"), "{page}");
    for (field, said) in [("hosts", "Write hosts like"), ("expires_at", "This is in the past")] {
        let beside = page.split(&format!("id=\"{field}-error\"")).nth(1).expect("a message at the field");
        assert!(beside.split('<').next().expect("some").contains(said), "{field}: {page}");
    }
    let id = listed(&alice).iter().find(|one| one["name"] == "Calendar").map(|one| text(&one["id"])).expect("listed");
    let led = alice.posts(&format!("/account/app-passwords/{id}/revoke"), &[]);
    led.leads_to("/account/app-passwords?notice=app-password-revoked");
    alice.opens("/account/app-passwords?notice=app-password-revoked").says("no longer works");
    assert!(comes(&world, &password).is_none());
}

#[test]
fn many_are_told_together_with_the_page_to_look_at() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    for _ in 0..5 {
        a_password(&alice);
    }
    assert_eq!(world.deliver_mail().len(), 3);
    world.advance(15 * MINUTE);
    world.block_on(world.app.sum_up_notices()).expect("memory does not fail");
    let summary = world.only_letter_to(ALICE);
    assert!(summary.text.contains("2 application passwords were made"), "{}", summary.text);
    assert!(summary.text.contains("/account/app-passwords"), "{}", summary.text);
}
