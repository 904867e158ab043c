//! Forgot and reset.

use gatelodge::base::{HOUR, MINUTE};
use serde_json::json;

use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, Reply, World};

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
    let letters = world.run_the_post();
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
    world.visitor().api("POST", "/register", json!({"email": "pending@example.org", "password": PASSWORD})).expect(202);
    world.run_the_post();
    let known = forgets(&world, ALICE);
    world.only_letter_to(ALICE);
    for email in ["nobody@example.org", "pending@example.org"] {
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
            .map_err(|refusal| refusal.message)
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
        .map_err(|refusal| refusal.message)
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
            tries.spawn(async move { app.reset(token, password, gatelodge::sessions::Client::default(), None).await });
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
