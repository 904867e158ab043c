//! By what people name themselves: addresses, user names, telephone numbers.

use serde_json::{Value, json};

use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, World};

const NUMBER: &str = "+4930123456";

fn added(world: &World, more: &Value) -> Value {
    let mut command =
        json!({"command": "user-add", "password": PASSWORD, "admin": false, "confirmed": true, "groups": []});
    command.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    world.command(command).expect("added")
}

#[test]
fn somebody_logs_in_by_telephone_number_however_it_is_typed() {
    let world = World::with("[login]\nidentities = [\"email\", \"username\", \"phone\"]");
    added(&world, &json!({"phone": "+49 (30) 12-34-56"}));
    for typed in ["+4930123456", "0049 30 123456", "+49 30/123456"] {
        let user = world.visitor().log_in(typed, PASSWORD).expect(200).json()["user"].clone();
        assert_eq!((&user["phone"], &user["email"], &user["username"]), (&json!(NUMBER), &Value::Null, &Value::Null));
    }
    world.visitor().log_in("030 123456", PASSWORD).refused(401, "invalid_credentials");
    world.visitor().opens("/login").says("E-mail address, user name or telephone number");
    let browser = world.visitor();
    browser.posts("/login", &[("identity", "+49 30 123456"), ("password", PASSWORD)]).leads_to("/account");
    browser.opens("/account").says(NUMBER);
}

#[test]
fn what_is_switched_off_is_nobodys_name() {
    let world = World::new();
    added(&world, &json!({"email": ALICE, "username": "alice", "phone": NUMBER}));
    world.visitor().log_in(NUMBER, PASSWORD).refused(401, "invalid_credentials");
    world.visitor().log_in(ALICE, PASSWORD).expect(200);
    let world = World::with("[login]\nidentities = [\"phone\"]\n[registration]\nmode = \"closed\"");
    added(&world, &json!({"email": ALICE, "username": "alice", "phone": NUMBER}));
    world.visitor().log_in(NUMBER, PASSWORD).expect(200);
    for other in [ALICE, "alice"] {
        world.visitor().log_in(other, PASSWORD).refused(401, "invalid_credentials");
    }
}

#[test]
fn what_may_be_two_things_is_the_first_in_the_list() {
    for (order, who) in [("[\"username\", \"phone\"]", "named"), ("[\"phone\", \"username\"]", "called")] {
        let settings = format!("[login]\nidentities = {order}\n[registration]\nmode = \"closed\"");
        let world = World::with(&settings);
        added(&world, &json!({"username": "004930123456", "name": "named"}));
        added(&world, &json!({"phone": NUMBER, "name": "called"}));
        let user = world.visitor().log_in("004930123456", PASSWORD).expect(200).json()["user"].clone();
        assert_eq!(user["name"], who, "{order}");
    }
}

#[test]
fn a_wish_to_log_in_by_mail_means_who_was_named() {
    let world = World::with(
        "[login]\nby_mail = true\nidentities = [\"username\", \"phone\"]\n[registration]\nmode = \"closed\"",
    );
    added(&world, &json!({"email": ALICE, "username": "004930123456"}));
    added(&world, &json!({"email": "bob@example.org", "phone": NUMBER}));
    world.visitor().api("POST", "/login/mail", json!({"identity": "004930123456"})).expect(202);
    assert_eq!(world.only_letter_to(ALICE).to, ALICE);
    world.visitor().api("POST", "/login/mail", json!({"identity": NUMBER})).expect(202);
    assert_eq!(world.only_letter_to("bob@example.org").to, "bob@example.org");
}

#[test]
fn a_number_is_one_accounts_and_an_account_keeps_a_name() {
    let world = World::new();
    let root = world.administrator("root@example.org");
    let first = root.api("POST", "/admin/users", json!({"phone": NUMBER, "password": PASSWORD})).expect(200).json();
    root.api("POST", "/admin/users", json!({"phone": "0049 30 123456", "password": PASSWORD})).refused(409, "conflict");
    world.member(ALICE, PASSWORD);
    let hers = format!("/admin/users/{ALICE}/phone");
    root.api("PUT", &hers, json!({"phone": NUMBER})).refused(409, "conflict");
    root.api("PUT", &hers, json!({"phone": "030 123456"})).refused(422, "refused");
    let shown = root.api("PUT", &hers, json!({"phone": "+49 40 654321"})).expect(200).json();
    assert_eq!(shown["phone"], "+4940654321");
    let letter = world.only_letter_to(ALICE);
    assert!(letter.text.contains("+4940654321"), "{}", letter.text);
    assert_eq!(root.api("GET", "/admin/users/+4940654321", Value::Null).expect(200).json()["email"], ALICE);
    root.api("DELETE", &hers, Value::Null).expect(200);
    root.api("DELETE", &format!("/admin/users/{}/phone", first["id"].as_str().expect("an id")), Value::Null)
        .refused(409, "conflict")
        .says("nobody could name this account");
    root.api("DELETE", &format!("/admin/users/{NUMBER}"), Value::Null).expect(204);
    root.api("PUT", &hers, json!({"phone": NUMBER})).expect(200);
    assert!(world.audit().iter().filter(|(act, ..)| act == "phone-changed").count() == 3);
}

#[test]
fn an_administrator_recovers_an_account_without_an_address() {
    let world = World::new();
    let root = world.administrator("root@example.org");
    root.api("POST", "/admin/users", json!({"username": "carol", "password": PASSWORD})).expect(200);
    let carol = world.visitor();
    carol.log_in("carol", PASSWORD).expect(200);
    let path = "/admin/users/carol/password";
    let before = world.records();
    root.api("POST", path, json!({"password": "short"})).refused(422, "refused").says("fewer than 15 characters");
    root.api("POST", "/admin/users/nobody/password", json!({"password": OTHER_PASSWORD})).refused(404, "not_found");
    carol.api("POST", path, json!({"password": OTHER_PASSWORD})).refused(403, "forbidden");
    assert_eq!(world.records(), before);
    root.api("POST", path, json!({"password": OTHER_PASSWORD})).expect(200);
    assert!(!carol.is_logged_in(), "her sessions end");
    carol.log_in("carol", PASSWORD).refused(401, "invalid_credentials");
    carol.log_in("carol", OTHER_PASSWORD).expect(200);
    world.member(ALICE, PASSWORD);
    root.api("POST", &format!("/admin/users/{ALICE}/password"), json!({"password": OTHER_PASSWORD})).expect(200);
    assert!(world.only_letter_to(ALICE).subject.contains("password"), "whoever has an address is told");
}

#[test]
fn user_names_are_required_optional_or_off() {
    let world = World::with("[registration]\nusername = \"required\"");
    let without = json!({"email": ALICE, "password": PASSWORD});
    let refused = world.visitor().api("POST", "/register", without.clone()).refused(422, "invalid_fields");
    assert_eq!(refused.json()["fields"], json!({"username": [{"code": "required"}]}));
    let with = json!({"email": ALICE, "password": PASSWORD, "username": "alice"});
    world.visitor().api("POST", "/register", with.clone()).expect(202);
    assert!(!world.visitor().opens("/register").text().contains("User name <span"), "it is not optional");
    let world = World::with("[registration]\nusername = \"off\"");
    let refused = world.visitor().api("POST", "/register", with).refused(422, "invalid_fields");
    assert_eq!(refused.json()["fields"], json!({"username": [{"code": "not_offered"}]}));
    assert!(!world.visitor().opens("/register").text().contains("User name"));
    let bob = json!({"email": "bob@example.org", "password": PASSWORD});
    let browser = world.visitor();
    browser.api("POST", "/register", bob).expect(202);
    let token = world.only_letter_to("bob@example.org").token();
    browser.api("POST", "/confirm", json!({"token": token, "username": "bob"})).refused(422, "invalid_fields");
    browser.api("POST", "/confirm", json!({"token": token})).expect(200);
    let alice = world.logged_in(ALICE, PASSWORD);
    alice.api("POST", "/account/username", json!({"username": "alice"})).refused(404, "not_found");
}
