//! The clock lies, and what has expired stays expired.

use gatelodge::base::{DAY, HOUR, MINUTE, NodeId, Timestamp};
use serde_json::{Value, json};

use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, START, World};

const YEAR: u64 = 365 * DAY;

/// Where a clock may wake: 1970, the day before the program was built, five days behind.
fn wrong_times() -> [Timestamp; 3] {
    let day_before_the_build = Timestamp::from_seconds(gatelodge::base::BUILD_DATE.seconds() - DAY);
    [Timestamp::default(), day_before_the_build, START.minus(5 * DAY)]
}

#[test]
fn while_the_clock_is_behind_passwords_work_and_links_do_not() {
    for wrong in wrong_times() {
        let world = World::new();
        world.member(ALICE, PASSWORD);
        let visitor = world.visitor();
        visitor.api("POST", "/forgot", json!({"email": ALICE})).expect(202);
        let token = world.only_letter_to(ALICE).token();
        world.clock.set(wrong);
        visitor.log_in(ALICE, PASSWORD).expect(200);
        assert!(visitor.is_logged_in());
        for (path, body) in [
            ("/reset/check", json!({"token": token})),
            ("/reset", json!({"token": token, "password": OTHER_PASSWORD})),
            ("/confirm", json!({"token": token})),
        ] {
            let reply = visitor.api("POST", path, body).refused(503, "clock_unsure");
            assert!(reply.header("retry-after").is_some());
        }
        world.visitor().opens(&format!("/reset/{token}")).expect(503).says("does not know what time it is");
        // The link is not used up, and works when the clock is right again.
        world.clock.set(START.plus(MINUTE));
        visitor.api("POST", "/reset", json!({"token": token, "password": OTHER_PASSWORD})).expect(200);
    }
}

#[test]
fn a_wish_made_while_the_clock_is_behind_is_fulfilled_when_it_is_right() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    world.clock.set(Timestamp::default());
    world.visitor().api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    world.expect_no_post();
    world.clock.set(START.plus(HOUR));
    let token = world.only_letter_to(ALICE).token();
    world.visitor().api("POST", "/reset", json!({"token": token, "password": OTHER_PASSWORD})).expect(200);
}

#[test]
fn what_has_expired_stays_so_whatever_the_clock_says() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    world.visitor().api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    let token = world.only_letter_to(ALICE).token();
    world.advance(2 * DAY);
    assert!(!browser.is_logged_in());
    for wrong in wrong_times() {
        world.clock.set(wrong);
        assert!(!browser.is_logged_in());
        world.advance(10);
    }
    world.clock.set(START.plus(2 * DAY + MINUTE));
    world
        .visitor()
        .api("POST", "/reset", json!({"token": token, "password": OTHER_PASSWORD}))
        .refused(403, "token_expired");
}

#[test]
fn time_goes_on_while_the_clock_is_behind() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    world.clock.set(START.minus(10 * YEAR));
    assert!(browser.is_logged_in());
    world.advance(25 * HOUR);
    assert!(!browser.is_logged_in());
}

/// 400 days ahead, 2038, 2106.
#[test]
fn one_leap_forward_purges_nothing_and_can_be_taken_back() {
    for ahead in [START.plus(400 * DAY), Timestamp::from_seconds(1 << 31), Timestamp::from_seconds(1 << 32)] {
        let world = World::new();
        let browser = world.logged_in(ALICE, PASSWORD);
        world.visitor().api("POST", "/register", json!({"email": "new@example.org", "password": PASSWORD})).expect(202);
        world.visitor().api("POST", "/forgot", json!({"email": ALICE})).expect(202);
        let letters = world.deliver_mail();
        let token = letters.iter().find(|letter| letter.to == ALICE).expect("the link").token();
        let registered = letters.iter().find(|letter| letter.to != ALICE).expect("the link").token();
        world.clock.set(ahead);
        // By the later time nothing of this is valid, but all of it is kept.
        assert!(!browser.is_logged_in());
        world.visitor().api("POST", "/reset/check", json!({"token": token})).refused(403, "token_expired");
        world.block_on(world.app.sweep()).expect("memory does not fail");
        world.clock.set(START.plus(MINUTE));
        assert!(browser.is_logged_in());
        world.visitor().api("POST", "/reset/check", json!({"token": token})).expect(200);
        world.visitor().api("POST", "/confirm", json!({"token": registered, "password": PASSWORD})).expect(200);
    }
}

#[test]
fn a_leap_that_lasts_is_believed() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    world.clock.set(START.plus(400 * DAY));
    assert!(!browser.is_logged_in());
    let state = |world: &World| world.command(json!({"command": "clock-show"})).expect("shown")["state"].clone();
    assert_eq!(state(&world), "leapt");
    world.advance(11 * MINUTE);
    assert_eq!(state(&world), "sure");
    world.block_on(world.app.sweep()).expect("memory does not fail");
    world.clock.set(START.plus(HOUR));
    assert_eq!(state(&world), "behind");
    assert!(!browser.is_logged_in());
}

#[test]
fn people_log_in_during_a_leap_and_are_out_when_it_is_taken_back() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    world.clock.set(START.plus(10 * YEAR));
    let browser = world.visitor();
    browser.log_in(ALICE, PASSWORD).expect(200);
    assert!(browser.is_logged_in());
    world.clock.set(START.plus(MINUTE));
    assert!(!browser.is_logged_in(), "it would live for ten years");
    browser.log_in(ALICE, PASSWORD).expect(200);
}

#[test]
fn mails_queued_during_a_leap_leave_when_it_is_taken_back() {
    let world = World::new();
    let owner = world.logged_in(ALICE, PASSWORD);
    world.clock.set(START.plus(10 * YEAR));
    let other = world.visitor();
    other.log_in(ALICE, PASSWORD).expect(200);
    other
        .api("POST", "/account/password", json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD}))
        .expect(200);
    world.clock.set(START.plus(MINUTE));
    assert!(world.only_letter_to(ALICE).subject.contains("was changed"));
    assert!(!owner.is_logged_in());
}

#[test]
fn a_step_in_the_middle_of_a_reset_leaves_the_link_usable_once() {
    for step in [-1i64, -3600, -315_360_000, 3600 - 61] {
        let world = World::new();
        world.member(ALICE, PASSWORD);
        world.visitor().api("POST", "/forgot", json!({"email": ALICE})).expect(202);
        let token = world.only_letter_to(ALICE).token();
        world.advance(MINUTE);
        world.visitor().api("POST", "/reset/check", json!({"token": token})).expect(200);
        let now = START.seconds() + MINUTE;
        world.clock.set(Timestamp::from_seconds(now.saturating_add_signed(step)));
        let body = json!({"token": token, "password": OTHER_PASSWORD});
        let stepped = world.visitor().api("POST", "/reset", body.clone());
        let expected = if step < -300 { 503 } else { 200 };
        assert_eq!(stepped.status(), expected, "{step}: {}", stepped.text());
        // The time server has answered; a step forward that was believed and did not last is taken back.
        world.clock.set(Timestamp::from_seconds(now + 1));
        world.block_on(world.app.settle_clock()).expect("memory does not fail");
        let after = world.visitor().api("POST", "/reset", body).status();
        let expected = if expected == 503 { 200 } else { 403 };
        assert_eq!(after, expected, "{step}");
    }
}

/// A battery clock in local time, until the time server has answered.
#[test]
fn a_clock_that_was_two_hours_ahead_for_a_moment_leaves_no_mark() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    world.visitor().api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    let token = world.only_letter_to(ALICE).token();
    world.advance(MINUTE);
    world.clock.set(START.plus(MINUTE + 2 * HOUR));
    // Somebody is there at that moment, and a mail waits for its turn.
    world.member("dora@example.org", PASSWORD);
    world.visitor_from("192.0.2.7").log_in("dora@example.org", PASSWORD).expect(200);
    world.visitor().api("POST", "/register", json!({"email": "new@example.org", "password": PASSWORD})).expect(202);
    world.block_on(async { while world.app.process_mail_requests().await.expect("memory does not fail") {} });
    world.clock.set(START.plus(MINUTE + 4));
    let shown = world.command(json!({"command": "clock-show"})).expect("shown");
    assert_eq!(shown["state"], "sure");
    world.visitor().api("POST", "/reset/check", json!({"token": token})).refused(503, "clock_unsure");
    world.block_on(world.app.settle_clock()).expect("memory does not fail");
    let letters = world.deliver_mail();
    let confirm = letters.iter().find(|letter| letter.to == "new@example.org").expect("it leaves at once").token();
    assert!(browser.is_logged_in());
    // Nobody's tries are used up until a time that has not come.
    for _ in 0..3 {
        world.visitor_from("192.0.2.8").log_in("dora@example.org", PASSWORD).expect(200);
    }
    // Links of before and of that moment are dead: who knows what they outlived? A new one works at once.
    for (path, token) in [("/reset/check", &token), ("/confirm", &confirm)] {
        world.visitor().api("POST", path, json!({"token": token})).refused(403, "token_invalid");
    }
    world.visitor().api("POST", "/forgot", json!({"email": "dora@example.org"})).expect(202);
    let letters = world.deliver_mail();
    let token = letters.iter().find(|letter| letter.text.contains("/reset/")).expect("mailed").token();
    world.visitor().api("POST", "/reset", json!({"token": token, "password": OTHER_PASSWORD})).expect(200);
    // The store has forgotten it too: the next start does not find itself behind.
    let floor =
        world.app.read_blocking(|view| gatelodge::store::floor(view, NodeId::ONE)).expect("memory does not fail");
    assert_eq!(floor, Some(world.app.now()));
}

#[test]
fn throttling_neither_ends_nor_lasts_because_a_clock_is_wrong() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let stranger = world.visitor_from("203.0.113.9");
    (0..10).for_each(|_| drop(stranger.log_in(ALICE, OTHER_PASSWORD).expect(401)));
    for wrong in [START.plus(10 * YEAR), Timestamp::default()] {
        world.clock.set(wrong);
        stranger.log_in(ALICE, PASSWORD).refused(429, "too_many_attempts");
    }
    world.advance(15 * MINUTE);
    stranger.log_in(ALICE, PASSWORD).expect(200);
}

#[test]
fn an_administrator_takes_a_wrong_floor_back() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    world.clock.set(START.plus(10 * YEAR));
    let show = |world: &World| world.command(json!({"command": "clock-show"})).expect("shown");
    assert_eq!(show(&world)["state"], "leapt");
    world.advance(11 * MINUTE);
    world.visitor().log_in(ALICE, PASSWORD).expect(200);
    world.clock.set(START.plus(HOUR));
    assert_eq!(show(&world)["state"], "behind");
    assert_eq!(world.command(json!({"command": "clock-reset"})).expect("reset")["state"], "sure");
    assert_eq!(show(&world)["now"], START.plus(HOUR).to_string());
    world.visitor().api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    let token = world.only_letter_to(ALICE).token();
    world.visitor().api("POST", "/reset", json!({"token": token, "password": OTHER_PASSWORD})).expect(200);
    let floor =
        world.app.read_blocking(|view| gatelodge::store::floor(view, NodeId::ONE)).expect("memory does not fail");
    assert_eq!(floor, Some(START.plus(HOUR)));
    assert_eq!(world.visitor().api("GET", "/session", Value::Null).status(), 401);
}
