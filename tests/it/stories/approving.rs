//! Registrations that an administrator decides on.

use gatelodge::base::{DAY, MINUTE};
use serde_json::{Value, json};

use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, Visitor, World};

const APPROVAL: &str = "[registration]\nmode = \"approval\"";
const ROOT: &str = "root@example.org";

/// A house with an administrator, who was made at the command line.
fn house() -> World {
    let world = World::with(APPROVAL);
    let root = json!({"command": "user-add", "email": ROOT, "password": PASSWORD, "admin": true, "confirmed": true, "groups": []});
    world.command(root).expect("added");
    world
}

fn administrator(world: &World) -> Visitor<'_> {
    let root = world.visitor();
    root.log_in(ROOT, PASSWORD).expect(200);
    root
}

/// Somebody who registered and confirmed; what the confirmation answered.
fn registers<'a>(world: &'a World, email: &str, body: &Value) -> (Visitor<'a>, Value) {
    let browser = world.visitor();
    browser.api("POST", "/register", body.clone()).expect(202);
    let token = world.only_letter_to(email).token();
    let answered = browser.api("POST", "/confirm", json!({"token": token})).expect(200).json();
    (browser, answered)
}

fn waiting(root: &Visitor<'_>) -> Vec<Value> {
    root.api("GET", "/admin/approvals", Value::Null).expect(200).json()["items"].as_array().expect("items").clone()
}

#[test]
fn somebody_registers_confirms_is_let_in_and_logs_in() {
    let world = house();
    let person = json!({"email": ALICE, "password": PASSWORD, "username": "alice", "name": "Alice A."});
    let (browser, answered) = registers(&world, ALICE, &person);
    assert_eq!(answered, json!({"status": "awaits_approval"}));
    let asked = world.only_letter_to(ROOT);
    assert!(asked.text.contains(ALICE) && asked.text.contains("https://auth.example.org/admin/approvals"));
    browser.log_in(ALICE, PASSWORD).refused(401, "invalid_credentials");

    let root = administrator(&world);
    let rows = waiting(&root);
    assert_eq!((rows.len(), &rows[0]["email"], &rows[0]["username"]), (1, &json!(ALICE), &json!("alice")));
    let path = format!("/admin/approvals/{}/approve", rows[0]["id"].as_str().expect("an id"));
    root.api("POST", &path, Value::Null).expect(200);
    assert!(waiting(&root).is_empty());
    let told = world.only_letter_to(ALICE);
    assert!(told.text.contains("approved"), "{told:?}");
    let user = browser.log_in("alice", PASSWORD).expect(200).json()["user"].clone();
    assert_eq!((&user["email"], &user["name"]), (&json!(ALICE), &json!("Alice A.")));
    root.api("POST", &path, Value::Null).refused(404, "not_found");
}

#[test]
fn by_page_an_administrator_lets_in_and_declines() {
    let world = house();
    let stranger = world.visitor();
    stranger.opens("/register").expect(200);
    stranger.posts("/register", &[("email", ALICE), ("password", PASSWORD)]).leads_to("/register/sent");
    let path = world.only_letter_to(ALICE).path();
    stranger.posts(&path, &[]).leads_to("/login?notice=awaits-approval");
    stranger.opens("/login?notice=awaits-approval").expect(200).says("decide on your registration");
    world.deliver_mail();
    registers(&world, "bob@example.org", &json!({"email": "bob@example.org", "password": PASSWORD}));
    world.deliver_mail();

    let root = administrator(&world);
    let page = root.opens("/admin/approvals").expect(200);
    page.says(ALICE);
    page.says("bob@example.org");
    let id = |email: &str| {
        let row = waiting(&root).into_iter().find(|row| row["email"] == email).expect("it waits");
        row["id"].as_str().expect("an id").to_owned()
    };
    root.posts(&format!("/admin/approvals/{}/approve", id(ALICE)), &[]).leads_to("/admin/approvals?notice=approved");
    let decline = format!("/admin/approvals/{}/decline", id("bob@example.org"));
    root.opens(&decline).expect(200).says("bob@example.org");
    root.posts(&decline, &[]).leads_to("/admin/approvals?notice=declined");
    root.opens("/admin/approvals?notice=declined").expect(200).says("Nobody is waiting");
    let letters = world.deliver_mail();
    let subject = |to: &str| letters.iter().find(|letter| letter.to == to).expect("told").text.clone();
    assert!(subject(ALICE).contains("was approved") && subject("bob@example.org").contains("was not approved"));
    stranger.log_in(ALICE, PASSWORD).expect(200);
    world.visitor().log_in("bob@example.org", PASSWORD).refused(401, "invalid_credentials");
    stranger.opens("/admin/approvals").expect(403);
}

#[test]
fn a_note_stands_in_the_mail_in_one_line() {
    let world = house();
    for (email, decision) in [(ALICE, "approve"), ("bob@example.org", "decline")] {
        registers(&world, email, &json!({"email": email, "password": PASSWORD}));
        world.deliver_mail();
        let root = administrator(&world);
        let id = waiting(&root)[0]["id"].as_str().expect("an id").to_owned();
        let path = format!("/admin/approvals/{id}/{decision}");
        let long = json!({"note": "x".repeat(501)});
        root.api("POST", &path, long).refused(422, "refused");
        let note = json!({"note": "Dear\n\u{202e}friend,  <b>hi</b>"});
        let reply = root.api("POST", &path, note);
        assert!(matches!(reply.status(), 200 | 204), "{}", reply.text());
        let letter = world.only_letter_to(email);
        assert!(letter.text.contains("friend, <b>hi</b>\r\n") && letter.text.contains("&lt;b&gt;"), "{}", letter.text);
        assert!(!letter.text.contains("=E2=80=AE"), "{}", letter.text);
    }
}

#[test]
fn by_command_line_too() {
    let world = house();
    registers(&world, ALICE, &json!({"email": ALICE, "password": PASSWORD}));
    let list = || world.command(json!({"command": "approval-list", "after": null, "limit": 10})).expect("listed");
    let id = list()["items"][0]["id"].clone();
    world.command(json!({"command": "approval-decide", "id": id, "approve": true})).expect("approved");
    assert_eq!(list()["items"], json!([]));
    world.visitor().log_in(ALICE, PASSWORD).expect(200);
    let again = world.command(json!({"command": "approval-decide", "id": id, "approve": false}));
    assert!(again.is_err_and(|why| why.contains("no registration")));
}

#[test]
fn while_it_waits_nothing_is_mailed_again_and_the_link_is_used() {
    let world = house();
    let browser = world.visitor();
    browser.api("POST", "/register", json!({"email": ALICE, "password": PASSWORD})).expect(202);
    let token = world.only_letter_to(ALICE).token();
    browser.api("POST", "/confirm", json!({"token": token})).expect(200);
    world.deliver_mail();
    world.advance(6 * MINUTE);
    browser.api("POST", "/confirm", json!({"token": token})).refused(403, "token_used");
    browser.api("POST", "/confirm/resend", json!({"email": ALICE})).expect(202);
    browser.log_in(ALICE, PASSWORD).refused(401, "invalid_credentials");
    world.expect_no_post();
}

#[test]
fn one_address_registered_twice_is_decided_on_once() {
    let world = house();
    registers(&world, ALICE, &json!({"email": ALICE, "password": PASSWORD}));
    world.deliver_mail();
    world.advance(6 * MINUTE);
    registers(&world, ALICE, &json!({"email": ALICE, "password": OTHER_PASSWORD}));
    let root = administrator(&world);
    let rows = waiting(&root);
    assert_eq!(rows.len(), 2);
    let path = |row: &Value, what: &str| format!("/admin/approvals/{}/{what}", row["id"].as_str().expect("an id"));
    root.api("POST", &path(&rows[1], "approve"), Value::Null).expect(200);
    assert!(waiting(&root).is_empty(), "the other is gone with it");
    world.visitor().log_in(ALICE, PASSWORD).refused(401, "invalid_credentials");
    world.visitor().log_in(ALICE, OTHER_PASSWORD).expect(200);
}

#[test]
fn whose_user_name_was_taken_meanwhile_comes_in_without() {
    let world = house();
    registers(&world, ALICE, &json!({"email": ALICE, "password": PASSWORD, "username": "alice"}));
    let other = json!({"command": "user-add", "username": "alice", "password": PASSWORD, "admin": false, "confirmed": false, "groups": []});
    world.command(other).expect("added");
    let root = administrator(&world);
    let path = format!("/admin/approvals/{}/approve", waiting(&root)[0]["id"].as_str().expect("an id"));
    root.api("POST", &path, Value::Null).expect(200);
    let user = world.visitor().log_in(ALICE, PASSWORD).expect(200).json()["user"].clone();
    assert_eq!(user["username"], Value::Null);
}

#[test]
fn an_invitation_is_a_decision_already() {
    let world = house();
    let invited =
        world.command(json!({"command": "invite-add", "email": null, "within": null, "uses": 1, "groups": []}));
    let link = invited.expect("invited")["link"].as_str().expect("a link").to_owned();
    let token = link.rsplit('/').next().expect("segments");
    let (browser, answered) =
        registers(&world, ALICE, &json!({"email": ALICE, "password": PASSWORD, "invitation": token}));
    assert_eq!(answered, json!({"status": "confirmed"}));
    browser.log_in(ALICE, PASSWORD).expect(200);
}

#[test]
fn administrators_are_not_flooded() {
    let world = house();
    let mut told = 0;
    for number in 0..12 {
        let email = format!("person{number}@example.org");
        let browser = world.visitor_from(&format!("10.0.0.{number}"));
        browser.api("POST", "/register", json!({"email": email, "password": PASSWORD})).expect(202);
        let token = world.only_letter_to(&email).token();
        browser.api("POST", "/confirm", json!({"token": token})).expect(200);
        told += world.deliver_mail().len();
    }
    assert_eq!(told, 5, "five, then one an hour");
    assert_eq!(waiting(&administrator(&world)).len(), 12);
}

#[test]
fn what_nobody_decides_on_is_deleted_after_a_month() {
    let world = house();
    registers(&world, ALICE, &json!({"email": ALICE, "password": PASSWORD}));
    let sweep = || world.block_on(world.app.sweep()).expect("memory does not fail");
    let count = || {
        let listed = world.command(json!({"command": "approval-list", "after": null, "limit": 10})).expect("listed");
        listed["items"].as_array().expect("items").len()
    };
    world.advance(30 * DAY);
    sweep();
    assert_eq!(count(), 1);
    world.advance(DAY);
    sweep();
    assert_eq!(count(), 0);
}

#[test]
fn approval_needs_confirmation() {
    let text = "[site]\nurl = \"https://auth.example.org\"\n[mail]\nfrom = \"a@example.org\"\ntransport = \"file\"\n[registration]\nmode = \"approval\"\nconfirm_email = false\n";
    let refused = gatelodge::config::Config::parse(text, std::path::Path::new("x.toml")).expect_err("refused");
    assert!(refused.to_string().contains("approval"), "{refused}");
}

#[test]
fn a_registration_that_became_void_is_not_shown_to_wait() {
    let world = World::with("[registration]\nmode = \"approval\"\n[throttle]\nenabled = false");
    let root = json!({"command": "user-add", "email": ROOT, "password": PASSWORD, "admin": true, "confirmed": true, "groups": []});
    world.command(root).expect("added");
    let person = json!({"email": ALICE, "password": PASSWORD});
    (0..5).for_each(|_| drop(world.visitor().api("POST", "/register", person.clone()).expect(202)));
    world.deliver_mail();
    registers(&world, ALICE, &person);
    let root = administrator(&world);
    assert_eq!(waiting(&root).len(), 1);
    let add = json!({"command": "user-add", "email": ALICE, "password": PASSWORD, "admin": false, "confirmed": true, "groups": []});
    world.command(add).expect("added");
    assert_eq!(waiting(&root), [] as [Value; 0]);
}
