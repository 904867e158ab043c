//! What administrators do by command, in memory; `process.rs` does the same with the real binary.

use serde_json::{Value, json};

use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, World};

fn command(world: &World, command: Value) -> Result<Value, String> {
    world.command(command)
}

fn add(world: &World, email: &str, confirmed: bool) -> Result<Value, String> {
    let body = json!({"command": "user-add", "email": email, "username": null, "name": null, "password": PASSWORD, "admin": true, "confirmed": confirmed, "groups": ["family"]});
    command(world, body)
}

#[test]
fn a_first_administrator_is_made_and_logs_in() {
    let world = World::new();
    let made = add(&world, ALICE, true).expect("made");
    assert_eq!(made["groups"], json!(["admins", "family"]));
    assert_eq!(
        world.visitor().log_in(ALICE, PASSWORD).expect(200).json()["user"]["groups"],
        json!(["admins", "family"])
    );
    assert_eq!(add(&world, "ALICE@example.org", true), Err("another account has the address ALICE@example.org".into()));
}

#[test]
fn an_account_made_unconfirmed_is_mailed_a_link() {
    let world = World::new();
    add(&world, ALICE, false).expect("made");
    world.visitor().log_in(ALICE, PASSWORD).refused(401, "invalid_credentials");
    let token = world.only_letter_to(ALICE).token();
    world.visitor().api("POST", "/confirm", json!({"token": token})).expect(200);
    world.visitor().log_in(ALICE, PASSWORD).expect(200);
}

#[test]
fn a_disabled_account_is_out_at_once_and_in_again_when_enabled() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    assert!(browser.is_logged_in());
    command(&world, json!({"command": "user-disable", "user": ALICE})).expect("done");
    assert!(!browser.is_logged_in());
    world.visitor().log_in(ALICE, PASSWORD).refused(401, "invalid_credentials");
    world.visitor().api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    world.expect_no_post();
    command(&world, json!({"command": "user-enable", "user": ALICE})).expect("done");
    world.visitor().log_in(ALICE, PASSWORD).expect(200);
    assert!(!browser.is_logged_in(), "what was ended stays ended");
}

#[test]
fn an_administrator_sets_a_password_and_the_owner_is_told() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    let weak = command(&world, json!({"command": "user-passwd", "user": ALICE, "password": "short"}));
    assert_eq!(weak, Err("the password has fewer than 15 characters".into()));
    command(&world, json!({"command": "user-passwd", "user": ALICE, "password": OTHER_PASSWORD})).expect("done");
    assert!(!browser.is_logged_in());
    world.only_letter_to(ALICE);
    world.visitor().log_in(ALICE, OTHER_PASSWORD).expect(200);
}

#[test]
fn a_registration_is_confirmed_when_mail_does_not_arrive() {
    let world = World::new();
    world.visitor().api("POST", "/register", json!({"email": ALICE, "password": PASSWORD})).expect(202);
    command(&world, json!({"command": "user-confirm", "user": ALICE})).expect("done");
    world.visitor().log_in(ALICE, PASSWORD).expect(200);
}

#[test]
fn nobody_guesses_which_of_several_registrations_is_the_owners() {
    let world = World::new();
    for password in [PASSWORD, OTHER_PASSWORD] {
        world.visitor().api("POST", "/register", json!({"email": ALICE, "password": password})).expect(202);
    }
    let refused = command(&world, json!({"command": "user-confirm", "user": ALICE}));
    assert_eq!(refused, Err(format!("2 people registered {ALICE}, each with a password of their own")));
}

#[test]
fn people_are_listed_in_pages_and_put_into_groups() {
    let world = World::new();
    for number in 0..5 {
        add(&world, &format!("person{number}@example.org"), true).expect("made");
    }
    let page = command(&world, json!({"command": "user-list", "after": null, "limit": 3})).expect("a list");
    let rest = command(&world, json!({"command": "user-list", "after": page["next"], "limit": 3})).expect("a list");
    assert_eq!(
        (page["items"].as_array().map(Vec::len), rest["items"].as_array().map(Vec::len), &rest["next"]),
        (Some(3), Some(2), &Value::Null)
    );
    let out = json!({"command": "user-group", "user": "person0@example.org", "group": "admins", "member": false});
    assert_eq!(command(&world, out).expect("done")["groups"], json!(["family"]));
}

#[test]
fn a_deleted_account_is_unknown_to_every_command() {
    let world = World::new();
    add(&world, ALICE, true).expect("made");
    add(&world, "bob@example.org", true).expect("made");
    command(&world, json!({"command": "user-delete", "user": ALICE})).expect("done");
    for name in ["user-show", "user-disable", "user-enable", "user-delete", "user-confirm"] {
        assert_eq!(
            command(&world, json!({"command": name, "user": ALICE})),
            Err(format!("there is no account {ALICE}")),
            "{name}"
        );
    }
}

#[test]
fn the_last_administrator_stays_until_there_is_another() {
    let world = World::new();
    let add = |email: &str| json!({"command": "user-add", "email": email, "password": PASSWORD, "admin": true, "confirmed": true, "groups": []});
    world.command(add(ALICE)).expect("added");
    let alice = world.visitor();
    alice.log_in(ALICE, PASSWORD).expect(200);
    let takes_away = [
        json!({"command": "user-disable", "user": ALICE}),
        json!({"command": "user-delete", "user": ALICE}),
        json!({"command": "user-group", "user": ALICE, "group": "admins", "member": false}),
    ];
    let before = world.records();
    for command in &takes_away {
        let refused = world.command(command.clone()).expect_err("nobody else administers");
        assert_eq!(refused, format!("nobody else administers the site than {ALICE}"));
    }
    assert_eq!(world.records(), before);
    let delete = json!({"current_password": PASSWORD});
    alice.api("POST", "/account/delete", delete.clone()).refused(409, "last_administrator");
    alice.api("GET", "/session", json!(null)).expect(200);

    // One who is locked out is nobody to fall back on.
    world.command(add("bob@example.org")).expect("added");
    world.command(json!({"command": "user-disable", "user": "bob@example.org"})).expect("Alice is left");
    alice.api("POST", "/account/delete", delete.clone()).refused(409, "last_administrator");
    world.command(json!({"command": "user-enable", "user": "bob@example.org"})).expect("enabled");
    alice.api("POST", "/account/delete", delete).expect(204);
    let refused = world.command(json!({"command": "user-delete", "user": "bob@example.org"}));
    assert!(refused.is_err(), "Bob is the last now");
}

#[test]
fn whoever_could_not_log_in_is_nobody_to_fall_back_on() {
    const BOB: &str = "bob@example.org";
    let add = |what: serde_json::Value| {
        let mut command = json!({
            "command": "user-add", "email": null, "password": null, "admin": true, "confirmed": false, "groups": []
        });
        command.as_object_mut().expect("an object").extend(what.as_object().expect("an object").clone());
        command
    };
    // Unconfirmed, without a password that could be set by mail, or with a name that nobody logs in by here.
    for (settings, other, makes_good) in [
        ("", add(json!({"email": BOB, "password": PASSWORD})), json!({"command": "user-confirm", "user": BOB})),
        ("", add(json!({"email": BOB})), json!({"command": "user-confirm", "user": BOB})),
        (
            "",
            add(json!({"phone": "+49 30 123456", "password": PASSWORD})),
            add(json!({"username": "bobby", "password": PASSWORD})),
        ),
        (
            "[login]\nidentities = [\"username\"]\n[registration]\nmode = \"closed\"",
            add(json!({"email": BOB, "password": PASSWORD, "confirmed": true})),
            add(json!({"username": "bobby", "password": PASSWORD})),
        ),
    ] {
        let world = World::with(settings);
        world.command(add(json!({"username": "alice", "password": PASSWORD}))).expect("added");
        world.command(other.clone()).expect("added");
        let alice = world.visitor();
        alice.log_in("alice", PASSWORD).expect(200);
        let delete = json!({"current_password": PASSWORD});
        for command in [
            json!({"command": "user-disable", "user": "alice"}),
            json!({"command": "user-delete", "user": "alice"}),
            json!({"command": "user-group", "user": "alice", "group": "admins", "member": false}),
        ] {
            let refused = world.command(command).expect_err("nobody else could log in");
            assert_eq!(refused, "nobody else administers the site than alice");
        }
        for (method, path) in [
            ("POST", "/admin/users/alice/disable"),
            ("DELETE", "/admin/users/alice"),
            ("DELETE", "/admin/users/alice/groups/admins"),
        ] {
            alice.api(method, path, json!(null)).refused(409, "conflict").says("nobody else administers");
        }
        alice.api("POST", "/account/delete", delete.clone()).refused(409, "last_administrator");
        world.command(makes_good).expect("done");
        alice.api("POST", "/account/delete", delete).expect(204);
    }
}

#[test]
fn the_last_administrator_keeps_the_number_that_they_log_in_by() {
    let world = World::with("[login]\nidentities = [\"phone\"]\n[registration]\nmode = \"closed\"");
    let add = |email: &str, phone: &str| {
        json!({
            "command": "user-add", "email": email, "phone": phone, "password": PASSWORD, "admin": true,
            "confirmed": true, "groups": []
        })
    };
    world.command(add(ALICE, "+49 30 123456")).expect("added");
    let phone = |number: Option<&str>| world.command(json!({"command": "user-phone", "user": ALICE, "phone": number}));
    assert_eq!(phone(None).expect_err("the last"), format!("nobody else administers the site than {ALICE}"));
    phone(Some("+49 30 654321")).expect("another number is as good");
    world.command(add("bob@example.org", "+49 30 123456")).expect("added");
    phone(None).expect("Bob is left");
}
