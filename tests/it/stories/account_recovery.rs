//! Logins that are counted and told, and owners who take their account back.

use gatelodge::base::{DAY, HOUR, MINUTE};
use serde_json::{Value, json};

use super::app_passwords;
use super::second_factors::{Phone, set_up};
use crate::world::{ALICE, Letter, OTHER_PASSWORD, PASSWORD, Visitor, World};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const CHROME: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
const HOME: &str = "192.0.2.7";
const FAR: &str = "203.0.113.9";

fn comes_in(browser: &Visitor<'_>, agent: &str) {
    comes_in_by(browser, agent, PASSWORD);
}

fn comes_in_by(browser: &Visitor<'_>, agent: &str, password: &str) {
    let log_in = json!({"identity": ALICE, "password": password}).to_string();
    let request = http::Request::builder().method("POST").uri("/api/v1/login").header("user-agent", agent);
    browser.send(request.header("content-type", "application/json"), log_in).expect(200);
}

fn told(world: &World) -> Option<Letter> {
    world.deliver_mail().into_iter().find(|letter| letter.subject.contains("new login"))
}

#[test]
fn logins_are_counted_and_the_last_two_are_told() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let (home, far) = (world.visitor_from(HOME), world.visitor_from(FAR));
    let first = world.app.now().to_string();
    comes_in(&home, FIREFOX);
    let logins = |browser: &Visitor<'_>| browser.api("GET", "/account/logins", Value::Null).expect(200).json();
    let here = json!({"at": first, "network": HOME, "device": "Firefox on Linux"});
    assert_eq!(logins(&home), json!({"count": 1, "current": here, "last": null}));
    world.advance(HOUR);
    comes_in(&far, CHROME);
    let found = logins(&far);
    assert_eq!(
        (&found["count"], &found["last"], &found["current"]["device"]),
        (&json!(2), &here, &json!("Chrome on Windows"))
    );
    far.opens("/account").expect(200).says("Firefox on Linux, from 192.0.2.7");
    let shown = world.command(json!({"command": "user-show", "user": ALICE})).expect("shown");
    assert_eq!((&shown["logins"], &shown["last_login_at"]), (&json!(2), &found["current"]["at"]));
    let sessions = far.api("GET", "/account/sessions", Value::Null).expect(200).json();
    assert_eq!(sessions["items"][0]["device"], "Chrome on Windows");
}

#[test]
fn a_login_from_somewhere_new_is_told_and_one_from_where_one_was_is_not() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let home = world.visitor_from(HOME);
    comes_in(&home, FIREFOX);
    assert!(told(&world).is_none(), "the first of all is compared with nothing");
    comes_in(&home, FIREFOX);
    comes_in(&world.visitor_from("192.0.2.200"), FIREFOX);
    assert!(told(&world).is_none(), "the same browser in the same network");
    comes_in(&world.visitor_from(HOME), CHROME);
    let letter = told(&world).expect("a new device");
    assert!(letter.text.contains("Chrome on Windows") && letter.text.contains(HOME), "{}", letter.text);
    comes_in(&Visitor { address: FAR.parse().expect("an address"), ..home.copy() }, FIREFOX);
    assert!(told(&world).is_some(), "a new network");
    comes_in(&world.visitor_from(FAR), FIREFOX);
    comes_in(&home, CHROME);
    assert!(told(&world).is_none(), "they are known by now");
    world.visitor_from("198.51.100.1").log_in(ALICE, OTHER_PASSWORD).refused(401, "invalid_credentials");
    assert!(told(&world).is_none(), "nobody came in");
}

#[test]
fn what_is_told_is_for_the_administrator_to_say() {
    for (notices, new_network) in [("device", false), ("never", false), ("device-or-network", true)] {
        let world = World::with(&format!("[login]\nnotices = \"{notices}\""));
        world.member(ALICE, PASSWORD);
        let home = world.visitor_from(HOME);
        comes_in(&home, FIREFOX);
        comes_in(&Visitor { address: FAR.parse().expect("an address"), ..home.copy() }, FIREFOX);
        assert_eq!(told(&world).is_some(), new_network, "{notices}");
        comes_in(&world.visitor_from(FAR), CHROME);
        assert_eq!(told(&world).is_some(), notices != "never", "{notices}");
    }
}

/// Alice at home, and a thief who has her password.
fn with_a_thief(world: &World) -> (Visitor<'_>, Visitor<'_>, Letter) {
    world.member(ALICE, PASSWORD);
    let (home, thief) = (world.visitor_from(HOME), world.visitor_from(FAR));
    comes_in(&home, FIREFOX);
    comes_in(&thief, CHROME);
    let letter = told(world).expect("told");
    (home, thief, letter)
}

#[test]
fn this_was_not_me_ends_every_session_and_asks_for_a_new_password() {
    let world = World::new();
    let (home, thief, letter) = with_a_thief(&world);
    let token = thief.api("POST", "/account/tokens", json!({"name": "x", "scopes": ["profile"]})).expect(200).json();
    let password = thief.api("POST", "/account/app-passwords", json!({"name": "x"})).expect(201).json();
    let is_let_in = || app_passwords::comes(&world, password["password"].as_str().expect("a password")).is_some();
    assert!(is_let_in());
    let gone = world.visitor();
    let before = world.records();
    gone.opens(&letter.path()).expect(200).says("This was not me");
    assert_eq!(world.records(), before, "opening ends nothing");
    assert!(home.is_logged_in() && thief.is_logged_in());
    gone.posts(&letter.path(), &[]).leads_to("/login?notice=taken-back");
    assert!(!home.is_logged_in() && !thief.is_logged_in());
    thief
        .by_token(token["token"].as_str().expect("a token"), "GET", "/session", Value::Null)
        .refused(401, "not_logged_in");
    assert!(!is_let_in());
    thief.log_in(ALICE, PASSWORD).refused(401, "invalid_credentials");
    gone.posts(&letter.path(), &[]).expect(403).says("has already been done");
    let reset = world.deliver_mail().into_iter().find(|letter| letter.text.contains("/reset/")).expect("mailed");
    assert_eq!(reset.to, ALICE);
    let body = json!({"token": reset.token(), "password": OTHER_PASSWORD});
    gone.api("POST", "/reset", body).expect(200);
    home.log_in(ALICE, OTHER_PASSWORD).expect(200);
    assert!(world.audit().iter().any(|(act, ..)| act == "taken-back"));
}

#[test]
fn the_link_works_whatever_the_thief_changes_and_dies_after_a_week() {
    let world = World::new();
    let (home, thief, letter) = with_a_thief(&world);
    let change = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
    thief.api("POST", "/account/password", change).expect(200);
    world.advance(7 * DAY - 1);
    let take_back = json!({"token": letter.token()});
    home.api("POST", "/account/take-back", take_back).expect(200);
    thief.log_in(ALICE, OTHER_PASSWORD).refused(401, "invalid_credentials");
    let world = World::new();
    let (home, _, letter) = with_a_thief(&world);
    world.advance(7 * DAY);
    home.api("POST", "/account/take-back", json!({"token": letter.token()})).refused(403, "token_expired");
    home.opens(&letter.path()).expect(403);
}

#[test]
fn after_it_the_thiefs_place_is_strange_again() {
    let world = World::new();
    let (home, _, letter) = with_a_thief(&world);
    home.api("POST", "/account/take-back", json!({"token": letter.token()})).expect(200);
    let reset = world.deliver_mail().into_iter().find(|letter| letter.text.contains("/reset/")).expect("mailed");
    // The thief knows the old password: it is not chosen again.
    let again = home.api("POST", "/reset", json!({"token": reset.token(), "password": PASSWORD}));
    assert_eq!(again.refused(422, "invalid_fields").json()["fields"]["password"], json!([{"code": "reused"}]));
    home.api("POST", "/reset", json!({"token": reset.token(), "password": OTHER_PASSWORD})).expect(200);
    world.deliver_mail();
    comes_in_by(&world.visitor_from(FAR), CHROME, OTHER_PASSWORD);
    assert!(told(&world).is_some());
}

fn moved(world: &World, browser: &Visitor<'_>, new: &str) -> Letter {
    let ask = json!({"email": new, "current_password": PASSWORD});
    browser.api("POST", "/account/email", ask).expect(202);
    let confirm = world.deliver_mail().into_iter().find(|letter| letter.to == new).expect("mailed").token();
    browser.api("POST", "/confirm", json!({"token": confirm})).expect(200);
    let letters = world.deliver_mail();
    let told = |letter: &&Letter| letter.subject.contains("has changed") && letter.text.contains("/email/undo/");
    let with_link: Vec<&Letter> = letters.iter().filter(told).collect();
    assert_eq!(with_link.len(), 1, "only the old address can undo it");
    with_link[0].clone()
}

#[test]
fn a_change_of_address_is_undone_from_the_old_one() {
    let world = World::new();
    let (home, thief, _) = with_a_thief(&world);
    let letter = moved(&world, &thief, "thief@example.net");
    assert_eq!(letter.to, ALICE);
    let second = moved(&world, &thief, "another@example.net");
    assert_eq!(second.to, "thief@example.net");
    world.advance(6 * DAY);
    let before = world.records();
    home.opens(&letter.path()).expect(200).says("Undo the change");
    assert_eq!(world.records(), before);
    home.posts(&letter.path(), &[]).leads_to("/login?notice=taken-back");
    assert!(!thief.is_logged_in());
    let letters = world.deliver_mail();
    let reset = letters.iter().find(|letter| letter.text.contains("/reset/")).expect("mailed");
    assert_eq!(reset.to, ALICE, "the new password is for the old address");
    let body = json!({"token": reset.token(), "password": OTHER_PASSWORD});
    home.api("POST", "/reset", body).expect(200);
    home.log_in(ALICE, OTHER_PASSWORD).expect(200);
    thief.posts(&second.path(), &[]).expect(403);
    thief.api("POST", "/forgot", json!({"email": "another@example.net"})).expect(202);
    assert!(world.deliver_mail().iter().all(|letter| letter.to != "another@example.net"));
    assert!(world.audit().iter().any(|(act, ..)| act == "address-restored"));
}

#[test]
fn an_undone_change_takes_nobody_elses_address_and_nothing_stays_behind() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let letter = moved(&world, &browser, "new@example.org");
    world.member(ALICE, OTHER_PASSWORD);
    let refused = world.visitor().api("POST", "/account/take-back", json!({"token": letter.token()}));
    refused.refused(409, "conflict").says("belongs to another account");
    assert!(browser.is_logged_in(), "nothing was changed");
    world.advance(7 * DAY);
    world.block_on(world.app.sweep()).expect("memory does not fail");
    assert!(world.records().iter().all(|(key, _)| key[0] != 0x26), "old addresses are not kept for longer");
    let other = World::new();
    let browser = other.logged_in(ALICE, PASSWORD);
    moved(&other, &browser, "new@example.org");
    browser.api("POST", "/account/delete", json!({"current_password": PASSWORD})).expect(204);
    assert!(other.records().iter().all(|(key, _)| !matches!(key[0], 0x25 | 0x26)));
}

#[test]
fn a_second_factor_that_the_thief_added_does_not_keep_the_owner_out() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let home = world.visitor_from(HOME);
    comes_in(&home, FIREFOX);
    let (phone, _) = set_up(&home);
    world.advance(HOUR);
    let halfway = home.log_in(ALICE, PASSWORD).refused(401, "second_factor_required");
    assert_eq!(halfway.json()["methods"], json!(["totp", "recovery_code"]));
    home.api("POST", "/login/second-factor", json!({"code": phone.shows()})).expect(200);
    world.deliver_mail();
    world.advance(HOUR);
    let thief = world.visitor_from(FAR);
    thief.log_in(ALICE, PASSWORD).refused(401, "second_factor_required");
    thief.api("POST", "/login/second-factor", json!({"code": phone.shows()})).expect(200);
    let link = told(&world).expect("told");
    world.advance(60);
    set_up_another(&thief);
    let factors = |browser: &Visitor<'_>| {
        let list = browser.api("GET", "/account/factors", Value::Null).expect(200).json();
        list["items"].as_array().expect("a list").len()
    };
    assert_eq!(factors(&thief), 2);
    home.api("POST", "/account/take-back", json!({"token": link.token()})).expect(200);
    let letters = world.deliver_mail();
    let reset = letters.iter().find(|letter| letter.text.contains("/reset/")).expect("mailed");
    home.api("POST", "/reset", json!({"token": reset.token(), "password": OTHER_PASSWORD})).expect(200);
    world.advance(HOUR);
    home.log_in(ALICE, OTHER_PASSWORD).refused(401, "second_factor_required");
    home.api("POST", "/login/second-factor", json!({"code": phone.shows()})).expect(200);
    assert_eq!(factors(&home), 1, "the owner's own is still there");
}

fn set_up_another(browser: &Visitor<'_>) {
    let begun = browser.api("POST", "/account/factors/totp", json!({"name": "Thief"})).expect(200).json();
    let phone = Phone::told(browser.world, begun["key"].as_str().expect("a key"));
    let confirm = json!({"id": begun["id"], "code": phone.shows()});
    browser.api("POST", "/account/factors/totp/confirm", confirm).expect(200);
}

#[test]
fn an_undo_takes_second_factors_along_that_were_added_before_the_move() {
    let world = World::new();
    let (home, thief, _) = with_a_thief(&world);
    // The thief prepares: a factor of their own first, and the address a week later.
    let (phone, _) = set_up(&thief);
    world.advance(7 * DAY);
    thief.log_in(ALICE, PASSWORD).refused(401, "second_factor_required");
    thief.api("POST", "/login/second-factor", json!({"code": phone.shows()})).expect(200);
    world.deliver_mail();
    let letter = moved(&world, &thief, "thief@example.net");
    home.api("POST", "/account/take-back", json!({"token": letter.token()})).expect(200);
    let reset = world.deliver_mail().into_iter().find(|letter| letter.text.contains("/reset/")).expect("mailed");
    home.api("POST", "/reset", json!({"token": reset.token(), "password": OTHER_PASSWORD})).expect(200);
    home.log_in(ALICE, OTHER_PASSWORD).expect(200);
}

#[test]
fn nobody_takes_the_old_address_while_it_can_be_brought_back() {
    let world = World::with("[registration]\nconfirm_email = false");
    let home = world.visitor_from(HOME);
    home.api("POST", "/register", json!({"email": ALICE, "password": PASSWORD})).expect(202);
    home.api("POST", "/confirm", json!({"token": world.only_letter_to(ALICE).token()})).expect(200);
    let thief = world.visitor_from(FAR);
    comes_in(&thief, CHROME);
    world.deliver_mail();
    let letter = moved(&world, &thief, "thief@example.net");
    let overtaking = json!({"email": ALICE, "password": OTHER_PASSWORD});
    let refused = thief.api("POST", "/register", overtaking.clone()).refused(422, "invalid_fields");
    assert_eq!(refused.json()["fields"]["email"], json!([{"code": "taken"}]));
    home.api("POST", "/account/take-back", json!({"token": letter.token()})).expect(200);
    // Once nothing can be undone any more the address is like any other.
    let world = World::with("[registration]\nconfirm_email = false");
    let home = world.visitor_from(HOME);
    home.api("POST", "/register", json!({"email": ALICE, "password": PASSWORD})).expect(202);
    home.api("POST", "/confirm", json!({"token": world.only_letter_to(ALICE).token()})).expect(200);
    comes_in(&home, FIREFOX);
    moved(&world, &home, "alice@example.net");
    world.advance(7 * DAY);
    world.visitor().api("POST", "/register", overtaking).expect(202);
}

#[test]
fn digits_that_a_thief_asked_for_die_when_the_account_is_taken_back_or_the_password_is_set() {
    let world = World::with("[login]\nby_mail = true");
    let (home, thief, letter) = with_a_thief(&world);
    let asks = || {
        thief.api("POST", "/login/mail", json!({"identity": ALICE})).expect(202);
        world.only_letter_to(ALICE).subject.split(' ').next().expect("digits").to_owned()
    };
    let digits = asks();
    let change = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
    home.api("POST", "/account/password", change).expect(200);
    thief.api("POST", "/login/mail/code", json!({"code": digits})).refused(401, "wrong_code");
    world.deliver_mail();
    let digits = asks();
    home.api("POST", "/account/take-back", json!({"token": letter.token()})).expect(200);
    thief.api("POST", "/login/mail/code", json!({"code": digits})).refused(401, "wrong_code");
    world.deliver_mail();
}

#[test]
fn recovery_codes_that_a_thief_made_die_when_the_account_is_taken_back() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let home = world.visitor_from(HOME);
    comes_in(&home, FIREFOX);
    let (phone, _) = set_up(&home);
    world.advance(DAY);
    let thief = world.visitor_from(FAR);
    thief.log_in(ALICE, PASSWORD).refused(401, "second_factor_required");
    thief.api("POST", "/login/second-factor", json!({"code": phone.shows()})).expect(200);
    let letter = told(&world).expect("told");
    let made = thief.api("POST", "/account/recovery-codes", Value::Null).expect(200).json();
    home.api("POST", "/account/take-back", json!({"token": letter.token()})).expect(200);
    let reset = world.deliver_mail().into_iter().find(|letter| letter.text.contains("/reset/")).expect("mailed");
    home.api("POST", "/reset", json!({"token": reset.token(), "password": OTHER_PASSWORD})).expect(200);
    home.log_in(ALICE, OTHER_PASSWORD).refused(401, "second_factor_required");
    home.api("POST", "/login/second-factor", json!({"code": made["recovery_codes"][0]})).refused(401, "wrong_code");
    world.advance(MINUTE);
    home.api("POST", "/login/second-factor", json!({"code": phone.shows()})).expect(200);
}

#[test]
fn what_a_thief_prepared_goes_whichever_of_the_mails_the_owner_reads() {
    let world = World::new();
    let (home, thief, _) = with_a_thief(&world);
    let (phone, _) = set_up(&thief);
    // They come back from another place; the owner looks at this mail only.
    world.advance(3 * DAY);
    let again = world.visitor_from("2001:db8:77::1");
    again.log_in(ALICE, PASSWORD).refused(401, "second_factor_required");
    again.api("POST", "/login/second-factor", json!({"code": phone.shows()})).expect(200);
    let letter = told(&world).expect("told");
    home.api("POST", "/account/take-back", json!({"token": letter.token()})).expect(200);
    let reset = world.deliver_mail().into_iter().find(|letter| letter.text.contains("/reset/")).expect("mailed");
    home.api("POST", "/reset", json!({"token": reset.token(), "password": OTHER_PASSWORD})).expect(200);
    home.log_in(ALICE, OTHER_PASSWORD).expect(200);
}

#[test]
fn what_was_mailed_to_a_thief_takes_nothing_from_the_owner() {
    let world = World::new();
    let (home, thief, _) = with_a_thief(&world);
    let undo = moved(&world, &thief, "thief@example.net");
    // The next login from somewhere new is told to the thief's address.
    let log_in = json!({"identity": "thief@example.net", "password": PASSWORD});
    world.visitor_from("2001:db8:88::1").api("POST", "/login", log_in).expect(200);
    let letters = world.deliver_mail();
    let not_me = letters.iter().find(|letter| letter.text.contains("/not-me/")).expect("told").clone();
    assert_eq!(not_me.to, "thief@example.net");
    thief.opens(&not_me.path()).expect(200);
    home.api("POST", "/account/take-back", json!({"token": undo.token()})).expect(200);
    let reset = world.deliver_mail().into_iter().find(|letter| letter.text.contains("/reset/")).expect("mailed");
    home.api("POST", "/reset", json!({"token": reset.token(), "password": OTHER_PASSWORD})).expect(200);
    home.log_in(ALICE, OTHER_PASSWORD).expect(200);
    thief.api("POST", "/account/take-back", json!({"token": not_me.token()})).refused(403, "token_invalid");
    assert!(home.is_logged_in());
}
