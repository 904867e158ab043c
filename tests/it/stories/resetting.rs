//! Forgot and reset.

use gatelodge::base::{HOUR, MINUTE};
use serde_json::json;

use crate::world::{ALICE, LOOPBACK, OTHER_PASSWORD, PASSWORD, Reply, World};

fn forgets(world: &World, email: &str) -> Reply {
    world.visitor().api("POST", "/forgot", json!({"email": email})).expect(202)
}

fn reset_token(world: &World) -> String {
    forgets(world, ALICE);
    world.only_letter_to(ALICE).token()
}

fn resets(world: &World, token: &str, password: &str) -> Reply {
    world.visitor().api("POST", "/reset", json!({"token": token, "password": password}))
}

#[test]
fn a_reset_link_sets_a_new_password_and_ends_every_session() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let token = reset_token(&world);
    let valid = world.visitor().api("POST", "/reset/check", json!({"token": token})).expect(200).json();
    assert_eq!(valid["status"], "valid");
    assert!(valid["expires_at"].is_string());
    assert_eq!(resets(&world, &token, OTHER_PASSWORD).expect(200).json(), json!({"status": "password_changed"}));

    assert!(!browser.is_logged_in());
    assert_eq!(world.only_letter_to(ALICE).subject, "Your password for Hill Street was changed");
    world.visitor().log_in(ALICE, PASSWORD).refused(401, "invalid_credentials");
    world.visitor().log_in(ALICE, OTHER_PASSWORD).expect(200);
}

#[test]
fn a_reset_link_works_once() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let token = reset_token(&world);
    resets(&world, &token, OTHER_PASSWORD).expect(200);
    resets(&world, &token, "yet another pass phrase").refused(403, "token_used");
    world.visitor().api("POST", "/reset/check", json!({"token": token})).refused(403, "token_used");
}

#[test]
fn a_reset_link_expires() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let token = reset_token(&world);
    world.advance(HOUR - 1);
    world.visitor().api("POST", "/reset/check", json!({"token": token})).expect(200);
    world.advance(1);
    resets(&world, &token, OTHER_PASSWORD).refused(403, "token_expired");
}

#[test]
fn a_newer_link_kills_the_older() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let older = reset_token(&world);
    world.advance(6 * MINUTE);
    let newer = reset_token(&world);
    resets(&world, &older, OTHER_PASSWORD).refused(403, "token_invalid");
    resets(&world, &newer, OTHER_PASSWORD).expect(200);
}

#[test]
fn a_young_link_is_neither_replaced_nor_repeated() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let token = reset_token(&world);
    world.advance(4 * MINUTE);
    forgets(&world, ALICE);
    world.expect_no_post();
    resets(&world, &token, OTHER_PASSWORD).expect(200);
}

#[test]
fn a_change_of_password_kills_the_link() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let token = reset_token(&world);
    browser
        .api("POST", "/account/password", json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD}))
        .expect(200);
    resets(&world, &token, "yet another pass phrase").refused(403, "token_invalid");
}

#[test]
fn a_change_of_address_kills_the_link() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let token = reset_token(&world);
    browser
        .api("POST", "/account/email", json!({"email": "new@example.org", "current_password": PASSWORD}))
        .expect(202);
    let letters = world.deliver_mail();
    let confirm = letters.iter().find(|letter| letter.to == "new@example.org").expect("a link").token();
    browser.api("POST", "/confirm", json!({"token": confirm})).expect(200);
    resets(&world, &token, OTHER_PASSWORD).refused(403, "token_invalid");
}

#[test]
fn a_weak_password_consumes_no_link() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let token = reset_token(&world);
    let before = world.records();
    resets(&world, &token, "short").refused(422, "invalid_fields");
    resets(&world, &token, "alice@example.org").refused(422, "invalid_fields");
    assert_eq!(world.records(), before);
    resets(&world, &token, OTHER_PASSWORD).expect(200);
}

#[test]
fn unknown_unconfirmed_and_disabled_get_the_same_answer_and_no_mail() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    world.member("disabled@example.org", PASSWORD);
    world.disable("disabled@example.org");
    world.visitor().api("POST", "/register", json!({"email": "pending@example.org", "password": PASSWORD})).expect(202);
    world.deliver_mail();
    let known = forgets(&world, ALICE);
    world.only_letter_to(ALICE);
    for email in ["nobody@example.org", "pending@example.org", "disabled@example.org"] {
        let other = forgets(&world, email);
        assert_eq!((other.body, other.head.headers), (known.body.clone(), known.head.headers.clone()), "{email}");
        world.expect_no_post();
    }
}

#[test]
fn the_mail_goes_to_the_stored_address_with_the_configured_host() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let request =
        http::Request::builder().method("POST").uri("/api/v1/forgot").header("content-type", "application/json");
    let poisoned = request
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "host=evil.example");
    world.visitor().send(poisoned, json!({"email": "ALICE@example.org"}).to_string()).expect(202);
    let letter = world.only_letter_to(ALICE);
    assert!(!letter.text.contains("evil"));
    assert!(letter.link().starts_with("https://auth.example.org/reset/glt_"));
}

#[test]
fn a_token_of_another_purpose_or_user_is_refused() {
    let world = World::new();
    let browser = world.visitor();
    browser.api("POST", "/register", json!({"email": ALICE, "password": PASSWORD})).expect(202);
    let confirm = world.only_letter_to(ALICE).token();
    resets(&world, &confirm, OTHER_PASSWORD).refused(403, "token_invalid");
    browser.api("POST", "/confirm", json!({"token": confirm})).expect(200);
    let reset = reset_token(&world);
    browser.api("POST", "/confirm", json!({"token": reset})).refused(403, "token_invalid");
}

#[test]
fn links_signed_before_a_key_rotation_keep_working() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let token = reset_token(&world);
    let rotate = || {
        world
            .block_on(gatelodge::admin::execute(
                &world.app,
                gatelodge::admin::Command::KeyRotate,
                &gatelodge::app::Principal::CommandLine(gatelodge::audit::Source::appliance()),
            ))
            .map_err(|refusal| refusal.message.in_english())
            .expect("a key is made")
    };
    rotate();
    rotate();
    resets(&world, &token, OTHER_PASSWORD).expect(200);
}

#[test]
fn a_newer_key_signs_after_a_rotation() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let key_of = |token: &str| gatelodge::crypto::from_base64url(&token[4..]).expect("base64url")[1..5].to_vec();
    let before = key_of(&reset_token(&world));
    world
        .block_on(gatelodge::admin::execute(
            &world.app,
            gatelodge::admin::Command::KeyRotate,
            &gatelodge::app::Principal::CommandLine(gatelodge::audit::Source::appliance()),
        ))
        .map_err(|refusal| refusal.message.in_english())
        .expect("a key is made");
    world.advance(6 * MINUTE);
    assert_ne!(key_of(&reset_token(&world)), before);
}

#[test]
fn of_sixty_four_parallel_uses_one_wins() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let token = reset_token(&world);
    let winners = world.block_on(async {
        let mut tries = tokio::task::JoinSet::new();
        for number in 0..64 {
            let (app, token) = (world.app.clone(), token.clone());
            let password =
                gatelodge::crypto::Password::parse(&format!("pass phrase number {number}")).expect("printable");
            tries.spawn(
                async move { app.reset(token, password, gatelodge::sessions::Client::at(LOOPBACK), None).await },
            );
        }
        let outcomes = tries.join_all().await;
        outcomes.into_iter().filter(|outcome| matches!(outcome, Ok(Ok(_)))).count()
    });
    assert_eq!(winners, 1);
}

#[test]
fn resetting_logs_in_only_where_the_configuration_says_so() {
    for (settings, expected) in [("", false), ("[tokens]\nlogin_after_reset = true", true)] {
        let world = World::with(settings);
        world.member(ALICE, PASSWORD);
        let token = reset_token(&world);
        let browser = world.visitor();
        browser.api("POST", "/reset", json!({"token": token, "password": OTHER_PASSWORD})).expect(200);
        assert_eq!(browser.is_logged_in(), expected);
    }
}

fn is_added_without_password(world: &World, is_confirmed: bool) -> serde_json::Value {
    let add = json!({"command": "user-add", "email": ALICE, "password": null, "admin": false, "confirmed": is_confirmed, "groups": ["staff"]});
    world.command(add).expect("added")
}

#[test]
fn one_link_confirms_the_address_and_chooses_the_password_of_somebody_who_was_added() {
    let world = World::new();
    assert_eq!(is_added_without_password(&world, false)["confirmed_at"], json!(null));
    let letter = world.only_letter_to(ALICE);
    assert_eq!(letter.subject, "Choose a password for Hill Street");
    let token = letter.token();
    assert_eq!(resets(&world, &token, "short").expect(422).json()["code"], "invalid_fields");
    resets(&world, &token, PASSWORD).expect(200);
    let user = world.visitor().log_in(ALICE, PASSWORD).expect(200).json()["user"].clone();
    assert!(user["confirmed_at"].is_string(), "{user}");
    assert_eq!(user["groups"], json!(["staff"]));
    assert!(world.audit().iter().any(|(act, ..)| act == "address-confirmed"));
    assert_ne!(resets(&world, &token, OTHER_PASSWORD).status(), 200);
}

#[test]
fn somebody_who_was_added_as_confirmed_is_mailed_a_link_to_choose_a_password() {
    let world = World::new();
    is_added_without_password(&world, true);
    let letter = world.only_letter_to(ALICE);
    assert_eq!(letter.subject, "Choose a password for Hill Street");
    resets(&world, &letter.token(), PASSWORD).expect(200);
    world.visitor().log_in(ALICE, PASSWORD).expect(200);
}

#[test]
fn the_first_password_is_chosen_by_another_link_if_the_first_is_lost() {
    for path in ["/forgot", "/confirm/resend"] {
        let world = World::new();
        is_added_without_password(&world, false);
        let first = world.only_letter_to(ALICE).token();
        world.advance(HOUR);
        world.visitor().api("POST", path, json!({"email": ALICE})).expect(202);
        let letter = world.only_letter_to(ALICE);
        assert_eq!(letter.subject, "Choose a password for Hill Street", "{path}");
        assert_ne!(resets(&world, &first, PASSWORD).status(), 200, "{path}: a newer one is out");
        resets(&world, &letter.token(), PASSWORD).expect(200);
        world.visitor().log_in(ALICE, PASSWORD).expect(200);
    }
}

#[test]
fn nobody_chooses_the_first_password_of_an_account_that_is_locked_or_gone() {
    for name in ["user-disable", "user-delete"] {
        let world = World::new();
        is_added_without_password(&world, false);
        let token = world.only_letter_to(ALICE).token();
        world.command(json!({"command": name, "user": ALICE})).expect("done");
        world.deliver_mail();
        resets(&world, &token, PASSWORD).refused(403, "token_invalid");
    }
}

/// A registration of the same address, by whomever, comes to nothing when its owner chooses the password of the account.
#[test]
fn a_registration_beside_the_account_does_not_outlive_the_first_password() {
    let world = World::new();
    is_added_without_password(&world, false);
    let token = world.only_letter_to(ALICE).token();
    world.visitor().api("POST", "/register", json!({"email": ALICE, "password": OTHER_PASSWORD})).expect(202);
    world.deliver_mail();
    resets(&world, &token, PASSWORD).expect(200);
    world.visitor().log_in(ALICE, OTHER_PASSWORD).refused(401, "invalid_credentials");
    world.visitor().log_in(ALICE, PASSWORD).expect(200);
}

#[test]
fn what_an_administrator_did_the_mail_says_was_an_administrators() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    world.deliver_mail();
    world.command(json!({"command": "user-passwd", "user": ALICE, "password": OTHER_PASSWORD})).expect("set");
    assert!(world.only_letter_to(ALICE).text.contains("changed by an administrator on"));
    world.command(json!({"command": "user-delete", "user": ALICE})).expect("deleted");
    let text = world.only_letter_to(ALICE).text;
    assert!(text.contains("An administrator deleted your account") && !text.contains("If it was not you"), "{text}");
}
