//! What a session of some age is not enough for.

use gatelodge::accounts::login_outcome::LoginRefused;
use gatelodge::accounts::person;
use gatelodge::base::{Identity, MINUTE};
use gatelodge::crypto::Password;
use gatelodge::sessions::Client;
use gatelodge::store::schema;
use serde_json::{Value, json};

use super::second_factors::set_up;
use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, Visitor, World};

#[test]
fn after_a_while_somebody_proves_anew_who_they_are() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    world.advance(15 * MINUTE);
    browser.api("POST", "/account/factors/totp", json!({})).expect(200);
    world.advance(1);
    let refused = browser.api("POST", "/account/factors/totp", json!({})).refused(401, "reauthentication_required");
    assert_eq!(refused.json()["methods"], json!(["password"]));
    let stolen = browser.copy();
    browser.api("POST", "/session/verify", json!({"password": OTHER_PASSWORD})).refused(403, "wrong_password");
    browser.api("POST", "/session/verify", json!({})).refused(422, "invalid_fields");
    browser.api("POST", "/account/factors/totp", json!({})).refused(401, "reauthentication_required");
    let before = browser.api("GET", "/session", Value::Null).expect(200).json()["session"].clone();
    let proved = browser.api("POST", "/session/verify", json!({"password": PASSWORD})).expect(200).json();
    assert_eq!((&proved["status"], &proved["session"]["id"]), (&json!("verified"), &before["id"]));
    assert_eq!(proved["session"]["proved_at"], world.app.now().to_string());
    browser.api("POST", "/account/factors/totp", json!({})).expect(200);
    assert!(!stolen.is_logged_in(), "the session has a new secret");
    assert!(world.audit().iter().any(|(act, outcome, _)| act == "proved-again" && outcome == "done"));
}

#[test]
fn by_page_one_is_asked_and_comes_back() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    world.advance(16 * MINUTE);
    browser.opens("/account/second-factor/totp").leads_to("/account/verify?return_to=%2Faccount%2Fsecond-factor");
    browser.posts("/account/second-factor/totp", &[]).leads_to("/account/verify?return_to=%2Faccount%2Fsecond-factor");
    let path = "/account/verify?return_to=%2Faccount%2Fsecond-factor";
    browser.opens(path).expect(200).says("Is it still you?");
    browser.posts(path, &[("password", OTHER_PASSWORD)]).expect(403).says("The password is wrong");
    let proof = [("password", PASSWORD), ("return_to", "/account/second-factor")];
    browser.posts("/account/verify", &proof).leads_to("/account/second-factor");
    browser.posts("/account/second-factor/totp", &[]).leads_to("/account/second-factor/totp");
    let tricked = [("password", PASSWORD), ("return_to", "//evil.example")];
    browser.posts("/account/verify", &tricked).leads_to("/account");
}

#[test]
fn with_a_second_factor_the_proof_has_two_parts() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let (phone, codes) = set_up(&browser);
    world.advance(16 * MINUTE);
    let refused = browser.api("POST", "/account/recovery-codes", Value::Null).refused(401, "reauthentication_required");
    assert_eq!(refused.json()["methods"], json!(["password", "totp", "recovery_code"]));
    let asked = browser.api("POST", "/session/verify", json!({"password": PASSWORD}));
    assert_eq!(asked.refused(401, "second_factor_required").json()["methods"], json!(["totp", "recovery_code"]));
    let wrong = json!({"password": PASSWORD, "code": "000000"});
    browser.api("POST", "/session/verify", wrong).refused(401, "wrong_code");
    let half = json!({"password": OTHER_PASSWORD, "code": phone.shows()});
    browser.api("POST", "/session/verify", half).refused(403, "wrong_password");
    let whole = json!({"password": PASSWORD, "code": phone.shows()});
    let proved = browser.api("POST", "/session/verify", whole).expect(200).json();
    assert_eq!(proved["session"]["methods"], json!(["password", "totp"]));
    world.advance(16 * MINUTE);
    browser.opens("/account/verify").expect(200).says("one-time-code");
    let proof = [("password", PASSWORD), ("code", &codes[0])];
    browser.posts("/account/verify", &proof).leads_to("/account");
}

#[test]
fn the_password_in_a_request_is_proof_enough_for_whoever_has_no_second_factor() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    world.advance(16 * MINUTE);
    let change = json!({"email": "new@example.org", "current_password": PASSWORD});
    browser.api("POST", "/account/email", change.clone()).expect(202);
    browser.api("POST", "/session/verify", json!({"password": PASSWORD})).expect(200);
    set_up(&browser);
    world.advance(16 * MINUTE);
    world.deliver_mail();
    let before = world.records();
    browser.api("POST", "/account/email", change).refused(401, "reauthentication_required");
    let form = [("email", "new@example.org"), ("current_password", PASSWORD)];
    browser.posts("/account/email", &form).leads_to("/account/verify?return_to=%2Faccount%2Femail");
    browser
        .api("POST", "/account/delete", json!({"current_password": PASSWORD}))
        .refused(401, "reauthentication_required");
    browser
        .posts("/account/delete", &[("current_password", PASSWORD)])
        .leads_to("/account/verify?return_to=%2Faccount%2Fdelete");
    assert_eq!(world.records(), before);
}

#[test]
fn administrators_look_without_and_change_with_a_young_proof() {
    let world = World::new();
    let root = world.administrator("root@example.org");
    world.advance(16 * MINUTE);
    root.api("GET", "/admin/users", Value::Null).expect(200);
    root.api("POST", "/admin/invitations", json!({})).refused(401, "reauthentication_required");
    root.opens("/admin/approvals").expect(200);
    let nothing = format!("/admin/approvals/{}/approve", "0".repeat(32));
    root.posts(&nothing, &[]).leads_to("/account/verify?return_to=%2Fadmin%2Fapprovals");
    root.api("POST", "/session/verify", json!({"password": PASSWORD})).expect(200);
    root.api("POST", "/admin/invitations", json!({})).expect(200);
}

#[test]
fn a_program_gets_the_new_secret_in_the_answer() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let program = world.visitor();
    let login = json!({"identity": ALICE, "password": PASSWORD, "bearer": true});
    let token = program.api("POST", "/login", login).expect(200).json()["session"]["token"].clone();
    let call = |token: &Value, path: &str, body: Value| {
        let request = http::Request::builder().method("POST").uri(format!("/api/v1{path}"));
        let request = request.header("authorization", format!("Bearer {}", token.as_str().expect("a token")));
        program.send(request.header("content-type", "application/json"), body.to_string())
    };
    world.advance(16 * MINUTE);
    call(&token, "/account/factors/totp", json!({})).refused(401, "reauthentication_required");
    let proved = call(&token, "/session/verify", json!({"password": PASSWORD})).expect(200).json();
    call(&token, "/account/factors/totp", json!({})).refused(401, "not_logged_in");
    call(&proved["session"]["token"], "/account/factors/totp", json!({})).expect(200);
    assert!(program.cookies.borrow().is_empty());
}

#[test]
fn a_trusted_browser_is_asked_for_the_second_factor_before_what_is_sensitive() {
    let world = World::with("[login]\nby_mail = true");
    let (phone, _) = set_up(&world.logged_in(ALICE, PASSWORD));
    let browser = world.visitor();
    browser.log_in(ALICE, PASSWORD).refused(401, "second_factor_required");
    world.advance(30);
    browser.api("POST", "/login/second-factor", json!({"code": phone.shows(), "trust_browser": true})).expect(200);
    browser.api("POST", "/account/recovery-codes", Value::Null).expect(200);
    world.deliver_mail();

    let is_asked = || {
        let refused =
            browser.api("POST", "/account/recovery-codes", Value::Null).refused(401, "reauthentication_required");
        assert_eq!(refused.json()["methods"], json!(["password", "totp", "recovery_code"]));
        let change = json!({"email": "new@example.org", "current_password": PASSWORD});
        browser.api("POST", "/account/email", change).refused(401, "reauthentication_required");
    };
    browser.log_in(ALICE, PASSWORD).expect(200);
    is_asked();
    // The code that a mailed login begins with is no second factor either.
    browser.api("POST", "/login/mail", json!({"identity": ALICE})).expect(202);
    let code = world.only_letter_to(ALICE).subject.split(' ').next().expect("a code").to_owned();
    browser.api("POST", "/login/mail/code", json!({"code": code})).expect(200);
    is_asked();
    world.advance(30);
    browser.api("POST", "/session/verify", json!({"password": PASSWORD, "code": phone.shows()})).expect(200);
    browser.api("POST", "/account/recovery-codes", Value::Null).expect(200);
}

/// Somebody who logs in by mail alone, as whoever took their account back before they chose another password.
fn without_a_password(world: &World) {
    world.member(ALICE, PASSWORD);
    let taken = world.app.write(|work| {
        let mut alice = person::find(work.tx, &Identity::parse(ALICE))?.expect("registered");
        alice.account.password = None;
        person::save(work.tx, alice.id, &alice.account)
    });
    world.block_on(taken).expect("memory does not fail");
}

fn by_mail(world: &World) -> Visitor<'_> {
    let browser = world.visitor();
    browser.api("POST", "/login/mail", json!({"identity": ALICE})).expect(202);
    let code = world.only_letter_to(ALICE).subject.split(' ').next().expect("a code").to_owned();
    browser.api("POST", "/login/mail/code", json!({"code": code})).expect(200);
    browser
}

#[test]
fn whoever_has_no_password_proves_themselves_by_a_login_that_is_not_too_old() {
    let world = World::with("[login]\nby_mail = true");
    without_a_password(&world);
    let browser = by_mail(&world);
    let page = browser.opens("/account/email").expect(200).text();
    assert!(!page.contains("current_password"), "{page}");
    browser.posts("/account/email", &[("email", "new@example.org")]).leads_to("/account?notice=address-asked");
    world.deliver_mail();
    world.advance(16 * MINUTE);
    for (path, body) in [
        ("/account/email", json!({"email": "other@example.org"})),
        ("/account/delete", json!({})),
        ("/account/password", json!({"new_password": OTHER_PASSWORD})),
    ] {
        let refused = browser.api("POST", path, body).refused(401, "reauthentication_required");
        assert_eq!(refused.json()["methods"], json!([]), "{path}");
    }
    assert!(browser.is_logged_in(), "nothing was changed");
    let again = by_mail(&world);
    again.api("POST", "/account/password", json!({"new_password": OTHER_PASSWORD})).expect(200);
    world.visitor().log_in(ALICE, OTHER_PASSWORD).expect(200);
    // From now on the password is asked for.
    again.api("POST", "/account/delete", json!({})).refused(422, "invalid_fields");
    again.api("POST", "/account/delete", json!({"current_password": PASSWORD})).refused(403, "wrong_password");
    again.api("POST", "/account/delete", json!({"current_password": OTHER_PASSWORD})).expect(204);
}

#[test]
fn who_somebody_is_can_be_asked_without_logging_them_in() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    world.deliver_mail();
    let (sessions, logins) = (schema::SESSIONS.prefix, schema::LOGINS.prefix);
    let kept =
        || world.records().into_iter().filter(|(key, _)| [sessions, logins].contains(&key[0])).collect::<Vec<_>>();
    let before = kept();
    let asks = |identity: &str, password: &str| {
        let password = Password::parse(password).expect("printable");
        let client = Client::at([192, 0, 2, 7].into());
        let attempt = world.block_on(world.app.authenticate(Identity::parse(identity), password, client));
        attempt.expect("it answers").outcome
    };
    assert!(!asks(ALICE, PASSWORD).expect("she is").has_second_factor);
    assert_eq!(asks(ALICE, PASSWORD).expect("she is").person.email.expect("an address").shown, ALICE);
    for (identity, password) in [(ALICE, OTHER_PASSWORD), ("nobody@example.org", PASSWORD)] {
        assert_eq!(asks(identity, password).err(), Some(LoginRefused::InvalidCredentials), "{identity}");
    }
    assert_eq!(kept(), before, "no session, no login");
    world.expect_no_post();
    // Guesses count as those at the login page do.
    let failed = world.audit().into_iter().filter(|(act, outcome, _)| act == "login" && outcome != "done").count();
    assert_eq!(failed, 2);
    (1..10).for_each(|_| assert!(asks(ALICE, OTHER_PASSWORD).is_err()));
    world.visitor().log_in(ALICE, PASSWORD).refused(429, "too_many_attempts");
}
