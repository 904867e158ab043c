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
    world.visitor().opens("/login").says("Email address, user name or phone number");
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

/// Otherwise anybody could stand before the owner of a number.
#[test]
fn what_reads_as_a_number_is_one_whatever_comes_first() {
    for order in ["[\"username\", \"phone\"]", "[\"phone\", \"username\"]", "[\"email\", \"username\", \"phone\"]"] {
        let world = World::new();
        added(&world, &json!({"username": "004930123456", "name": "named"}));
        added(&world, &json!({"phone": NUMBER, "name": "called"}));
        assert_eq!(world.visitor().log_in("004930123456", PASSWORD).expect(200).json()["user"]["name"], "named");
        world.reconfigure(&format!("[login]\nidentities = {order}\n[registration]\nmode = \"closed\""));
        for typed in ["004930123456", "0049-30-123456", "\u{a0}0049 (0)30 123456\n", NUMBER] {
            let user = world.visitor().log_in(typed, PASSWORD).expect(200).json()["user"].clone();
            assert_eq!(user["name"], "called", "{typed:?} in {order}");
        }
    }
}

#[test]
fn nobody_gets_a_user_name_that_reads_as_a_number_where_numbers_are_names() {
    let world = World::with("[login]\nidentities = [\"email\", \"username\", \"phone\"]");
    let reserved = json!({"username": [{"code": "reserved"}]});
    for name in ["004930123456", "0049-30-123456", "0049.30.123456"] {
        let wish = json!({"email": "eve@example.org", "password": PASSWORD, "username": name});
        let refusal = world.visitor().api("POST", "/register", wish).refused(422, "invalid_fields").json();
        assert_eq!(refusal["fields"], reserved, "{name}");
    }
    let member = world.logged_in(ALICE, PASSWORD);
    let refusal =
        member.api("POST", "/account/username", json!({"username": "004930123456"})).refused(422, "invalid_fields");
    assert_eq!(refusal.json()["fields"], reserved);
    member.api("POST", "/account/username", json!({"username": "030123456"})).expect(200);
    world.deliver_mail();
    let root = world.administrator("root@example.org");
    let wish = json!({"username": "004930123456", "password": PASSWORD});
    root.api("POST", "/admin/users", wish).refused(422, "refused").says("telephone number");
}

#[test]
fn what_comes_along_when_a_name_is_copied_is_no_part_of_it() {
    let world = World::new();
    let wish =
        json!({"email": "\u{feff}<mailto:alice@example.org>\n", "password": PASSWORD, "username": "\u{a0}Ada\t"});
    world.visitor().api("POST", "/register", wish).expect(202);
    let token = world.only_letter_to(ALICE).token();
    let user = world.visitor().api("POST", "/confirm", json!({"token": token, "password": PASSWORD})).expect(200);
    drop(user);
    for typed in [
        "ada",
        "ADA ",
        "\u{a0}ada\u{a0}",
        "ada\r\n",
        "mailto:alice@example.org",
        "<alice@example.org>",
        "\talice@example.org\u{200b}",
    ] {
        let user = world.visitor().log_in(typed, PASSWORD).expect(200).json()["user"].clone();
        assert_eq!((&user["email"], &user["username"]), (&json!(ALICE), &json!("ada")), "{typed:?}");
    }
    for typed in ["mailto:", "<>", "\u{a0}", "<alice@example.org"] {
        assert_ne!(world.visitor().log_in(typed, PASSWORD).status(), 200, "{typed:?}");
    }
}

#[test]
fn names_and_codes_are_not_corrected_by_telephones() {
    let world = World::with("[login]\nby_mail = true");
    for (page, field) in [
        ("/login", "identity"),
        ("/login/mail", "identity"),
        ("/register", "email"),
        ("/register", "username"),
        ("/forgot", "email"),
    ] {
        let text = world.visitor().opens(page).expect(200).text();
        let input =
            text.split("<input ").find(|input| input.contains(&format!("name=\"{field}\""))).expect("the field");
        let input = input.split('>').next().expect("its tag");
        for attribute in ["autocapitalize=\"none\"", "autocorrect=\"off\"", "spellcheck=\"false\""] {
            assert_eq!(input.matches(attribute).count(), 1, "{page}: {input}");
        }
    }
}

#[test]
fn a_wish_to_log_in_by_mail_means_who_was_named() {
    let world = World::with(
        "[login]\nby_mail = true\nidentities = [\"username\", \"phone\"]\n[registration]\nmode = \"closed\"",
    );
    added(&world, &json!({"email": ALICE, "username": "alice"}));
    added(&world, &json!({"email": "bob@example.org", "phone": NUMBER}));
    world.visitor().api("POST", "/login/mail", json!({"identity": "Alice "})).expect(202);
    assert_eq!(world.only_letter_to(ALICE).to, ALICE);
    world.visitor().api("POST", "/login/mail", json!({"identity": "004930123456"})).expect(202);
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

#[test]
fn nobody_is_called_by_the_id_of_somebody_else() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let id = alice.api("GET", "/session", Value::Null).expect(200).json()["user"]["id"].clone();
    let id = id.as_str().expect("an id");
    let bob = world.logged_in("bob@example.org", PASSWORD);
    let refused = bob.api("POST", "/account/username", json!({"username": id})).refused(422, "invalid_fields").json();
    assert_eq!(refused["fields"]["username"][0]["code"], "reserved");
    let registers = json!({"email": "carol@example.org", "password": PASSWORD, "username": id.to_uppercase()});
    world.visitor().api("POST", "/register", registers).refused(422, "invalid_fields");
    let add = json!({"command": "user-add", "email": "carol@example.org", "username": id, "password": PASSWORD, "admin": false, "confirmed": true, "groups": []});
    assert!(world.command(add).is_err_and(|words| words.contains("reads as an account's id")));
}
