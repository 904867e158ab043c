//! Log in by mail: a link or a code in place of the password.

use gatelodge::base::MINUTE;
use serde_json::{Value, json};

use super::second_factors::set_up;
use crate::world::{ALICE, Letter, PASSWORD, Visitor, World};

const BY_MAIL: &str = "[login]\nby_mail = true";

fn house() -> World {
    let world = World::with(BY_MAIL);
    world.member(ALICE, PASSWORD);
    world
}

/// Somebody asks; what was mailed.
fn asks(world: &World) -> (Visitor<'_>, Letter) {
    let browser = world.visitor();
    let answer = browser.api("POST", "/login/mail", json!({"identity": ALICE})).expect(202).json();
    assert_eq!(answer["status"], "accepted");
    (browser, world.only_letter_to(ALICE))
}

fn code(letter: &Letter) -> String {
    letter.subject.split(' ').next().expect("a code").to_owned()
}

fn types(browser: &Visitor<'_>, code: &str) -> crate::world::Reply {
    browser.api("POST", "/login/mail/code", json!({"code": code}))
}

#[test]
fn somebody_types_the_code_where_they_asked_for_it() {
    let world = house();
    let (browser, letter) = asks(&world);
    types(&world.visitor(), &code(&letter)).refused(401, "login_over");
    let (other, _) = {
        world.member("bob@example.org", PASSWORD);
        let other = world.visitor();
        other.api("POST", "/login/mail", json!({"identity": "bob@example.org"})).expect(202);
        let letter = world.only_letter_to("bob@example.org");
        (other, letter)
    };
    types(&other, &code(&letter)).refused(401, "wrong_code");
    let entered = types(&browser, &code(&letter)).expect(200).json();
    assert_eq!((&entered["user"]["email"], &entered["session"]["methods"]), (&json!(ALICE), &json!(["login-code"])));
    assert!(browser.is_logged_in());
    types(&browser, &code(&letter)).refused(401, "wrong_code");
    // The link was mailed with it and is used with it.
    browser.api("POST", "/login/mail/link", json!({"token": letter.token()})).refused(403, "token_invalid");
}

#[test]
fn somebody_opens_the_link_where_they_asked_for_it() {
    let world = house();
    let browser = world.visitor();
    browser.opens("/login").expect(200).says("/login/mail");
    browser.opens("/login/mail").expect(200);
    browser.posts("/login/mail", &[("identity", ALICE)]).leads_to("/login/mail/code");
    browser.opens("/login/mail/code").expect(200).says("one-time-code");
    let letter = world.only_letter_to(ALICE);
    let before = world.records();
    let page = browser.opens(&letter.path()).expect(200);
    assert!(!page.text().contains("another browser"));
    assert_eq!(world.records(), before, "opening it logs nobody in");
    browser.posts(&letter.path(), &[]).leads_to("/account");
    assert!(browser.is_logged_in());
    browser.posts(&letter.path(), &[]).expect(403);
    browser.posts("/login/mail/code", &[("code", &code(&letter))]).expect(401).says("The code is wrong");
}

#[test]
fn in_another_browser_its_reader_has_to_mean_it() {
    let world = house();
    let (browser, letter) = asks(&world);
    let phone = world.visitor();
    phone.opens(&letter.path()).expect(200).says("asked for in another browser");
    phone.posts(&letter.path(), &[]).expect(409).says("Another browser asked");
    phone.api("POST", "/login/mail/link", json!({"token": letter.token()})).refused(409, "other_browser");
    assert!(!phone.is_logged_in());
    phone.posts(&letter.path(), &[("here", "on")]).leads_to("/account");
    assert!(phone.is_logged_in() && !browser.is_logged_in());
}

#[test]
fn both_work_for_ten_minutes_and_for_five_tries() {
    let world = house();
    let (late, letter) = asks(&world);
    world.advance(10 * MINUTE);
    types(&late, &code(&letter)).refused(401, "wrong_code");
    late.api("POST", "/login/mail/link", json!({"token": letter.token()})).refused(403, "token_expired");

    let (guessed, letter) = asks(&world);
    let wrong = if code(&letter) == "000000" { "111111" } else { "000000" };
    (0..5).for_each(|_| drop(types(&guessed, wrong).refused(401, "wrong_code")));
    types(&guessed, &code(&letter)).refused(401, "wrong_code");
    guessed.api("POST", "/login/mail/link", json!({"token": letter.token()})).refused(403, "token_invalid");
}

#[test]
fn whether_anybody_is_meant_does_not_show() {
    let world = house();
    world.visitor().api("POST", "/register", json!({"email": "new@example.org", "password": PASSWORD})).expect(202);
    world.deliver_mail();
    let answers: Vec<(u16, Vec<String>)> = [ALICE, "nobody@example.org", "new@example.org", "nobody", "not a name"]
        .iter()
        .map(|identity| {
            let browser = world.visitor();
            let reply = browser.api("POST", "/login/mail", json!({"identity": identity}));
            let mut members: Vec<String> = reply.json().as_object().expect("an object").keys().cloned().collect();
            members.extend(browser.cookies.borrow().keys().cloned());
            types(&browser, "123456").refused(401, "wrong_code");
            (reply.status(), members)
        })
        .collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    world.only_letter_to(ALICE);
    world.command(json!({"command": "user-disable", "user": ALICE})).expect("locked");
    world.visitor().api("POST", "/login/mail", json!({"identity": ALICE})).expect(202);
    world.expect_no_post();
}

#[test]
fn a_user_name_will_do_and_the_mail_goes_to_the_address_of_its_account() {
    let world = World::with(BY_MAIL);
    let add = json!({"command": "user-add", "email": ALICE, "username": "alice", "password": null, "admin": false, "confirmed": true, "groups": []});
    world.command(add).expect("added");
    world.deliver_mail();
    let browser = world.visitor();
    browser.api("POST", "/login/mail", json!({"identity": "Alice"})).expect(202);
    let letter = world.only_letter_to(ALICE);
    // She never had a password.
    types(&browser, &code(&letter)).expect(200);
}

#[test]
fn the_second_factor_is_asked_for_all_the_same() {
    let world = house();
    let owner = world.visitor();
    owner.log_in(ALICE, PASSWORD).expect(200);
    let (phone, _) = set_up(&owner);
    let (browser, letter) = asks(&world);
    types(&browser, &code(&letter)).refused(401, "second_factor_required");
    assert!(!browser.is_logged_in());
    world.advance(30);
    let entered = browser.api("POST", "/login/second-factor", json!({"code": phone.shows()})).expect(200).json();
    assert_eq!(entered["session"]["methods"], json!(["login-code", "totp"]));
    assert!(world.only_letter_to(ALICE).subject.contains("second factor was used"));

    let (browser, letter) = asks(&world);
    browser.posts(&letter.path(), &[]).leads_to("/login/second-factor");
    assert!(!browser.is_logged_in());
}

#[test]
fn a_link_dies_when_the_password_or_the_address_changes() {
    let world = house();
    let (browser, letter) = asks(&world);
    world
        .command(json!({"command": "user-passwd", "user": ALICE, "password": "seven geese over the moor"}))
        .expect("set");
    browser.api("POST", "/login/mail/link", json!({"token": letter.token()})).refused(403, "token_invalid");
}

#[test]
fn an_address_is_not_flooded() {
    let world = house();
    let mut mails = 0;
    for _ in 0..8 {
        world.visitor().api("POST", "/login/mail", json!({"identity": ALICE})).expect(202);
        mails += world.deliver_mail().len();
    }
    assert_eq!(mails, 5);
}

#[test]
fn a_program_may_do_it_too() {
    let world = house();
    let program = world.visitor();
    let asked = program.api("POST", "/login/mail", json!({"identity": ALICE})).expect(202).json();
    let code = code(&world.only_letter_to(ALICE));
    program.cookies.borrow_mut().clear();
    let login = json!({"code": code, "pending": asked["pending"], "bearer": true});
    let entered = program.api("POST", "/login/mail/code", login).expect(200).json();
    assert!(entered["session"]["token"].is_string() && program.cookies.borrow().is_empty());
}

#[test]
fn where_it_is_not_offered_nothing_of_it_is_there() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let browser = world.visitor();
    browser.api("POST", "/login/mail", json!({"identity": ALICE})).refused(404, "not_found");
    browser.api("POST", "/login/mail/link", json!({"token": "glt_x"})).refused(404, "not_found");
    for path in ["/login/mail", "/login/mail/code", "/login/mail/glt_x"] {
        browser.opens(path).expect(404);
    }
    assert!(!browser.opens("/login").expect(200).text().contains("/login/mail"));
    assert_eq!(browser.api("GET", "/session", Value::Null).status(), 401);
    world.expect_no_post();
}

#[test]
fn the_newest_mail_is_the_one_that_works() {
    let world = house();
    let asked: Vec<_> = (0..3).map(|_| asks(&world)).collect();
    for (browser, letter) in &asked[..2] {
        types(browser, &code(letter)).refused(401, "wrong_code");
        let link = json!({"token": letter.token(), "here": true});
        browser.api("POST", "/login/mail/link", link).refused(403, "token_invalid");
    }
    let (browser, letter) = &asked[2];
    browser.api("POST", "/login/mail/link", json!({"token": letter.token()})).expect(200);
}

#[test]
fn digits_die_with_the_password() {
    let world = house();
    let (browser, letter) = asks(&world);
    let owner = world.visitor();
    owner.log_in(ALICE, PASSWORD).expect(200);
    let change = json!({"current_password": PASSWORD, "new_password": "seven geese over the moor"});
    owner.api("POST", "/account/password", change).expect(200);
    types(&browser, &code(&letter)).refused(401, "wrong_code");
}

#[test]
fn wrong_digits_count_for_the_account_wherever_they_come_from_and_its_owner_is_told() {
    let world = World::with(&format!(
        "{BY_MAIL}\n[throttle]\nmail_logins = \"1000, then one every 1s\"\nsecond_factor = \"1000, then one every 1s\""
    ));
    world.member(ALICE, PASSWORD);
    let guesses = |address: &str| {
        let stranger = world.visitor_from(address);
        stranger.api("POST", "/login/mail", json!({"identity": ALICE})).expect(202);
        let letters = world.deliver_mail();
        let letter = letters.iter().find(|letter| letter.text.contains("/login/mail/")).expect("mailed").clone();
        let wrong = if code(&letter) == "000000" { "111111" } else { "000000" };
        (0..5).for_each(|_| drop(types(&stranger, wrong).refused(401, "wrong_code")));
        (letters.len(), letter)
    };
    assert_eq!(guesses("198.51.100.1").0, 1);
    // After five the owner knows; told with the next mail, and once a day.
    assert_eq!(guesses("198.51.100.2").0, 2);
    (3..=20).for_each(|number| assert_eq!(guesses(&format!("198.51.100.{number}")).0, 1));
    // A hundred in a row: no digits count any more, right ones included. The link does, and begins the count anew.
    let (browser, letter) = asks(&world);
    types(&browser, &code(&letter)).refused(401, "wrong_code");
    world.advance(20 * MINUTE);
    world.block_on(world.app.sweep()).expect("memory does not fail");
    let (browser, letter) = asks(&world);
    types(&browser, &code(&letter)).refused(401, "wrong_code");
    browser.api("POST", "/login/mail/link", json!({"token": letter.token()})).expect(200);
    let (browser, letter) = asks(&world);
    types(&browser, &code(&letter)).expect(200);
}
