//! What works has limits as well: an account cannot flood store, outbox and mailboxes.

use gatelodge::base::{DAY, HOUR, MINUTE};
use serde_json::{Value, json};

use super::second_factors::set_up;
use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, Reply, Visitor, World};

fn makes_a_token(browser: &Visitor<'_>) -> Reply {
    browser.api("POST", "/account/tokens", json!({"name": "x", "scopes": ["profile"]}))
}

fn revokes(browser: &Visitor<'_>, token: &Reply) {
    let id = token.json()["id"].as_str().expect("an id").to_owned();
    browser.api("DELETE", &format!("/account/tokens/{id}"), Value::Null).expect(204);
}

#[test]
fn an_account_does_so_much_and_its_mails_are_told_together() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let (mut made, mut last) = (0, None);
    for _ in 0..200 {
        let token = makes_a_token(&browser);
        if token.status() == 429 {
            last = Some(token);
            break;
        }
        revokes(&browser, &token.expect(200));
        made += 1;
    }
    // What an account may, and then what the session may.
    assert_eq!(made, 60 + 3);
    let wait: u64 = last.expect("an end").header("retry-after").and_then(|text| text.parse().ok()).expect("seconds");
    assert_eq!(wait, 5 * MINUTE);
    let letters = world.deliver_mail();
    assert_eq!(letters.len(), 3, "{letters:?}");
    // Nothing is kept from anybody: the others are told together.
    world.block_on(world.app.sum_up_notices()).expect("memory does not fail");
    world.expect_no_post();
    world.advance(15 * MINUTE);
    world.block_on(world.app.sum_up_notices()).expect("memory does not fail");
    let summary = world.only_letter_to(ALICE);
    assert!(
        summary.text.contains("60 API tokens were made") && summary.text.contains("API tokens were revoked"),
        "{}",
        summary.text
    );
    // With each summary the span doubles; whoever goes on gets a few mails a day.
    let mut mails = 0;
    for _ in 0..(2 * 24 * 12) {
        world.advance(5 * MINUTE);
        browser.log_in(ALICE, PASSWORD).expect(200);
        for _ in 0..5 {
            let token = makes_a_token(&browser);
            if token.status() == 200 {
                revokes(&browser, &token);
            }
        }
        world.block_on(world.app.sum_up_notices()).expect("memory does not fail");
        mails += world.deliver_mail().len();
    }
    assert!(mails <= 10, "{mails}");
}

#[test]
fn ending_and_revoking_is_never_refused() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let thief = world.visitor();
    thief.log_in(ALICE, PASSWORD).expect(200);
    let tokens: Vec<Reply> = (0..40).map(|_| makes_a_token(&thief).expect(200)).collect();
    while makes_a_token(&thief).status() == 200 {}
    for token in &tokens {
        revokes(&browser, token);
    }
    // Nor is what needs the password, which whoever found a session open does not have.
    let change = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
    browser.api("POST", "/account/password", change).expect(200);
    assert!(!thief.is_logged_in());
}

#[test]
fn an_account_cannot_write_to_strangers_without_end() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let asks =
        |email: &str| browser.api("POST", "/account/email", json!({"email": email, "current_password": PASSWORD}));
    // One stranger, and another in turn, so that none is asked for twice in a row.
    let mut letters = Vec::new();
    for number in 0..10 {
        asks(if number % 5 == 4 { "other@example.net" } else { "victim@example.net" }).expect(202);
        letters.extend(world.deliver_mail());
    }
    asks("victim@example.net").refused(429, "too_many_attempts");
    let to = |address: &str| letters.iter().filter(|letter| letter.to == address).count();
    assert_eq!((to("victim@example.net"), to("other@example.net")), (2, 2));
    // Over a day: what one account may, whoever it writes to.
    let mut mails = 0;
    for number in 0..(24 * 6) {
        world.advance(10 * MINUTE);
        browser.log_in(ALICE, PASSWORD).expect(200);
        asks(&format!("victim{}@example.net", number % 3));
        mails += world.deliver_mail().iter().filter(|letter| letter.to != ALICE).count();
    }
    assert!(mails <= 24, "{mails}");
}

#[test]
fn logins_that_succeed_have_a_limit_and_a_known_browser_has_its_own() {
    let world = World::new();
    let known = world.logged_in(ALICE, PASSWORD);
    known.api("POST", "/logout", Value::Null).expect(204);
    let login = json!({"identity": ALICE, "password": PASSWORD, "bearer": true});
    let program = || world.visitor().api("POST", "/login", login.clone());
    let passed = (0..100).filter(|_| program().status() == 200).count();
    assert_eq!(passed, 59);
    program().refused(429, "too_many_attempts");
    known.log_in(ALICE, PASSWORD).expect(200);
    world.advance(MINUTE);
    program().expect(200);
}

#[test]
fn what_changes_nothing_writes_nothing() {
    let world = World::new();
    let root = world.administrator("root@example.org");
    root.log_in("root@example.org", PASSWORD).expect(200);
    world.member(ALICE, PASSWORD);
    let join = || root.api("PUT", &format!("/admin/users/{ALICE}/groups/staff"), Value::Null).expect(200);
    let permit = || root.api("PUT", "/admin/groups/staff/permissions/wiki:read", Value::Null).expect(200);
    let disable = || root.api("POST", &format!("/admin/users/{ALICE}/disable"), Value::Null).expect(200);
    let enable = || root.api("POST", &format!("/admin/users/{ALICE}/enable"), Value::Null).expect(200);
    let phone = || root.api("PUT", &format!("/admin/users/{ALICE}/phone"), json!({"phone": "+4930123456"})).expect(200);
    let confirm = || root.api("POST", &format!("/admin/users/{ALICE}/confirm"), Value::Null).expect(200);
    let end = || root.api("DELETE", "/account/sessions", Value::Null).expect(204);
    let acts: [&dyn Fn() -> Reply; 7] = [&join, &permit, &disable, &enable, &phone, &confirm, &end];
    for (number, act) in acts.iter().enumerate() {
        act();
        world.deliver_mail();
        let rows = world.audit().len();
        (0..3).for_each(|_| drop(act()));
        assert_eq!(world.audit().len(), rows, "act {number}");
        world.expect_no_post();
    }
    let leave = || root.api("DELETE", &format!("/admin/users/{ALICE}/groups/staff"), Value::Null).expect(200);
    leave();
    let rows = world.audit().len();
    leave();
    assert_eq!(world.audit().len(), rows);
}

#[test]
fn what_somebody_waits_for_leaves_before_notices_and_nobody_stands_behind_one_who_causes_many() {
    let world = World::with("[throttle]\nenabled = false");
    let loud = world.logged_in("loud@example.org", PASSWORD);
    world.member(ALICE, PASSWORD);
    (0..40).for_each(|_| revokes(&loud, &makes_a_token(&loud).expect(200)));
    (0..5).for_each(|_| drop(world.visitor().api("POST", "/forgot", json!({"email": "loud@example.org"})).expect(202)));
    world.block_on(async { while world.app.process_mail_requests().await.expect("memory does not fail") {} });
    world.visitor().api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    let order: Vec<String> = world.deliver_mail().into_iter().map(|letter| letter.to).collect();
    // One of the loud one's may be before hers: they were asked for in the same second.
    assert!(order.iter().take(2).any(|to| to == ALICE), "{order:?}");
    assert_eq!(order.len(), 40 + 5 + 1);
}

#[test]
fn a_recipient_who_cannot_be_reached_fills_no_store() {
    let world = World::with("[throttle]\nenabled = false");
    let loud = world.logged_in("loud@example.org", PASSWORD);
    for _ in 0..100 {
        revokes(&loud, &makes_a_token(&loud).expect(200));
    }
    let mails = world.app.read_blocking(|view| gatelodge::mail::list(view, None, 1000)).expect("memory does not fail");
    let waiting = mails.iter().filter(|(_, mail)| mail.state == gatelodge::mail::MailState::Queued).count();
    assert_eq!(waiting, 64);
    // Those that were given up are seen, and swept.
    assert!(mails.iter().all(|(_, mail)| mail.last_error.as_deref().is_none_or(|error| error.contains("too many"))));
    world.advance(31 * DAY + HOUR);
    world.block_on(world.app.sweep()).expect("memory does not fail");
    world.deliver_mail();
    let left = world.app.read_blocking(|view| gatelodge::mail::list(view, None, 1000)).expect("memory does not fail");
    assert!(left.len() <= 64, "{}", left.len());
}

#[test]
fn who_stole_a_session_does_not_keep_the_owner_from_acting() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let thief = world.visitor();
    thief.log_in(ALICE, PASSWORD).expect(200);
    let uses_up = |browser: &Visitor<'_>| {
        let made = std::iter::repeat_with(|| makes_a_token(browser)).take_while(|token| token.status() == 200);
        made.inspect(|token| revokes(browser, token)).count()
    };
    assert_eq!(uses_up(&thief), 60 + 3);
    // A few acts are left to each session, and no more.
    assert_eq!(uses_up(&browser), 3);
}

#[test]
fn half_a_login_uses_up_nothing_of_the_owners() {
    let world = World::new();
    let owner = world.logged_in(ALICE, PASSWORD);
    let (phone, _) = set_up(&owner);
    world.deliver_mail();
    let thief = world.visitor();
    let passed = (0..100).filter(|_| thief.log_in(ALICE, PASSWORD).status() == 401).count();
    assert_eq!(passed, 60);
    // Whose password is known is told, although no code was tried.
    let letter = world.only_letter_to(ALICE);
    assert!(letter.subject.contains("Somebody is trying"), "{}", letter.subject);
    world.advance(DAY);
    owner.log_in(ALICE, PASSWORD).refused(401, "second_factor_required");
    owner.api("POST", "/login/second-factor", json!({"code": phone.shows()})).expect(200);
    while thief.log_in(ALICE, PASSWORD).status() == 401 {}
    world.advance(MINUTE);
    owner.log_in(ALICE, PASSWORD).refused(401, "second_factor_required");
    owner.api("POST", "/login/second-factor", json!({"code": phone.shows()})).expect(200);
}

#[test]
fn every_spelling_of_a_mailbox_is_one_mailbox() {
    let world = World::new();
    let mut letters = 0;
    for number in 0..12 {
        let body = json!({"email": format!("victim+{number}@example.net"), "password": PASSWORD});
        world.visitor().api("POST", "/register", body).expect(202);
        letters += world.deliver_mail().len();
    }
    assert_eq!(letters, 5);
}

#[test]
fn who_has_an_account_uses_up_no_mail_by_which_others_register() {
    let world = World::new();
    let thief = world.logged_in(ALICE, PASSWORD);
    for _ in 0..8 {
        let ask = json!({"email": "victim@example.net", "current_password": PASSWORD});
        thief.api("POST", "/account/email", ask).expect(202);
        world.deliver_mail();
        world.advance(6 * MINUTE);
    }
    let body = json!({"email": "victim@example.net", "password": OTHER_PASSWORD});
    let victim = world.visitor_from("192.0.2.1");
    victim.api("POST", "/register", body).expect(202);
    let letter = world.only_letter_to("victim@example.net");
    assert!(letter.subject.starts_with("Confirm"), "{}", letter.subject);
    victim.api("POST", "/confirm", json!({"token": letter.token()})).expect(200);
}
