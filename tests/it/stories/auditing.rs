//! What was done can be read afterwards, and nobody can change it unseen.

use gatelodge::audit::{self, Act};
use gatelodge::base::{DAY, NodeId};
use gatelodge::store::Direction;
use serde_json::{Value, json};

use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, World};

fn list(world: &World, wanted: &Value) -> Vec<Value> {
    let mut command = json!({"command": "audit-list", "user": null, "act": null, "outcome": null, "network": null, "since": null, "until": null, "after": null, "limit": 1000, "oldest_first": true});
    for (name, value) in wanted.as_object().expect("an object") {
        command[name] = value.clone();
    }
    world.command(command).expect("a list")["items"].as_array().expect("items").clone()
}

/// A life of an account, from the registration to its end.
fn a_whole_life(world: &World) -> Vec<String> {
    let alice = world.visitor_from("198.51.100.7");
    alice.api("POST", "/register", json!({"email": ALICE, "password": PASSWORD})).expect(202);
    let confirm = world.only_letter_to(ALICE).token();
    alice.api("POST", "/confirm", json!({"token": confirm})).expect(200);
    alice.log_in(ALICE, OTHER_PASSWORD).expect(401);
    alice.log_in(ALICE, PASSWORD).expect(200);
    alice
        .api("POST", "/account/password", json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD}))
        .expect(200);
    alice
        .api("POST", "/account/email", json!({"email": "alice@example.net", "current_password": OTHER_PASSWORD}))
        .expect(202);
    let letters = world.deliver_mail();
    let change = letters.iter().find(|letter| letter.to == "alice@example.net").expect("the link").token();
    alice.api("POST", "/confirm", json!({"token": change})).expect(200);
    world.deliver_mail();
    alice.api("POST", "/forgot", json!({"email": "alice@example.net"})).expect(202);
    let reset = world.only_letter_to("alice@example.net").token();
    alice.api("POST", "/reset", json!({"token": reset, "password": PASSWORD})).expect(200);
    alice.log_in("alice@example.net", PASSWORD).expect(200);
    let cookies: Vec<String> = alice.cookies.borrow().values().cloned().collect();
    alice.api("DELETE", "/account/sessions", Value::Null).expect(204);
    alice.api("POST", "/logout", Value::Null).expect(204);
    alice.log_in("alice@example.net", PASSWORD).expect(200);
    alice.api("POST", "/account/delete", json!({"current_password": PASSWORD})).expect(204);
    [vec![confirm, change, reset], cookies].concat()
}

#[test]
fn a_whole_life_is_written_down_in_its_order() {
    let world = World::new();
    a_whole_life(&world);
    let acts: Vec<String> = world.audit().into_iter().map(|(act, outcome, _)| format!("{act} {outcome}")).collect();
    assert_eq!(
        acts,
        [
            "registered done",
            "confirmation-mailed done",
            "confirmed done",
            "login wrong-password",
            "login done",
            "password-changed done",
            "address-change-asked done",
            "confirmation-mailed done",
            "address-changed done",
            "reset-wished done",
            "reset-mailed done",
            "password-reset done",
            "login done",
            "logout done",
            "login done",
            "account-deleted done",
        ]
    );
    assert_eq!(
        world.command(json!({"command": "audit-verify"})),
        Ok(json!({"verified": true, "rows": 16, "first": 1, "next": 17}))
    );
}

#[test]
fn no_password_token_or_cookie_is_ever_in_it() {
    let world = World::new();
    let secrets = a_whole_life(&world);
    // Somebody types their password where the name belongs.
    world.visitor().log_in(PASSWORD, PASSWORD).expect(401);
    let rows = world.records().into_iter().filter(|(key, _)| key[0] == 0x48);
    let text: String = rows.map(|(_, value)| String::from_utf8_lossy(&value).into_owned()).collect();
    let shown = serde_json::to_string(&list(&world, &json!({}))).expect("JSON");
    for secret in secrets.iter().map(String::as_str).chain([PASSWORD, OTHER_PASSWORD, "gls_", "glt_", "gld_", "glb_"]) {
        assert!(!text.contains(secret) && !shown.contains(secret), "{secret}");
    }
    assert!(shown.contains("198.51.100.7"));
}

#[test]
fn it_can_be_searched() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    world.member("bob@example.org", PASSWORD);
    world.visitor_from("203.0.113.9").log_in(ALICE, OTHER_PASSWORD).expect(401);
    world.advance(DAY);
    world.visitor().log_in(ALICE, PASSWORD).expect(200);
    let count = |wanted: Value| list(&world, &wanted).len();
    assert_eq!(count(json!({"act": "login"})), 2);
    assert_eq!(count(json!({"act": "login", "outcome": "wrong-password"})), 1);
    assert_eq!(count(json!({"network": "203.0.113.9"})), 1);
    assert_eq!(count(json!({"since": "1h"})), 1);
    assert_eq!(count(json!({"until": "1h", "act": "login"})), 1);
    assert_eq!(count(json!({"user": "bob@example.org"})), 1);
    assert_eq!(count(json!({"user": ALICE})), 3);
    let newest = list(&world, &json!({"oldest_first": false, "limit": 1}));
    assert_eq!((newest[0]["act"].as_str(), newest[0]["outcome"].as_str()), (Some("login"), Some("done")));
    assert_eq!(list(&world, &json!({"oldest_first": false, "after": 3})).len(), 2);
    let refused = |wanted: Value| {
        let mut command = json!({"command": "audit-list", "user": null, "act": null, "outcome": null, "network": null, "since": null, "until": null, "after": null, "limit": 10, "oldest_first": true});
        wanted.as_object().expect("an object").iter().for_each(|(name, value)| command[name] = value.clone());
        world.command(command).expect_err("refused")
    };
    assert_eq!(refused(json!({"act": "lgoin"})), "\"lgoin\" is no act");
    assert!(refused(json!({"since": "yesterday"})).contains("write it like"));
}

#[test]
fn what_is_cut_out_of_it_is_noticed() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    world.visitor().log_in(ALICE, PASSWORD).expect(200);
    let newest = world.records().into_iter().rfind(|(key, _)| key[0] == 0x48).expect("a row").0;
    world.block_on(world.app.write(move |work| work.tx.delete(&newest))).expect("memory does not fail");
    assert_eq!(world.command(json!({"command": "audit-verify"})), Err("row 4 is missing".into()));
}

#[test]
fn old_rows_go_and_the_chain_still_holds() {
    let world = World::with("[audit]\nkeep = \"30d\"\n");
    world.member(ALICE, PASSWORD);
    world.advance(31 * DAY);
    world.visitor().log_in(ALICE, PASSWORD).expect(200);
    world.block_on(world.app.sweep()).expect("memory does not fail");
    assert_eq!(world.audit().len(), 1);
    assert_eq!(
        world.command(json!({"command": "audit-verify"})),
        Ok(json!({"verified": true, "rows": 1, "first": 4, "next": 5}))
    );
}

#[test]
fn what_an_administrator_does_is_in_it_too() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    for command in [
        json!({"command": "user-disable", "user": ALICE}),
        json!({"command": "user-enable", "user": ALICE}),
        json!({"command": "user-group", "user": ALICE, "group": "family", "member": true}),
        json!({"command": "user-group", "user": ALICE, "group": "family", "member": false}),
        json!({"command": "user-passwd", "user": ALICE, "password": OTHER_PASSWORD}),
        json!({"command": "key-rotate"}),
        json!({"command": "throttle-lift", "who": null}),
        json!({"command": "clock-reset"}),
        json!({"command": "user-delete", "user": ALICE}),
    ] {
        world.command(command).expect("done");
    }
    let acts: Vec<String> =
        world.audit().into_iter().skip(3).map(|(act, _, detail)| format!("{act} {detail}")).collect();
    assert_eq!(
        acts,
        [
            "account-disabled ",
            "account-enabled ",
            "group-joined family",
            "group-left family",
            "password-set ",
            "key-rotated ",
            "throttle-lifted everything",
            "clock-reset ",
            "account-deleted ",
        ]
    );
    assert!(list(&world, &json!({"act": "account-deleted"}))[0]["actor"] == "command line, user 0");
}

#[test]
fn a_refused_request_writes_no_row() {
    let world = World::new();
    let stranger = world.visitor();
    stranger.api("POST", "/login", json!({"identity": ALICE})).expect(422);
    stranger.api("POST", "/register", json!({"email": "x", "password": PASSWORD})).expect(422);
    stranger.api("POST", "/logout", Value::Null).expect(204);
    stranger.api("GET", "/session", Value::Null).expect(401);
    assert_eq!(world.audit(), []);
}

#[test]
fn a_mail_that_is_given_up_is_in_it() {
    let world = World::new();
    world.visitor().api("POST", "/register", json!({"email": ALICE, "password": PASSWORD})).expect(202);
    world.block_on(async {
        while world.app.process_mail_requests().await.expect("memory does not fail") {}
        let (id, ..) = world.app.claim_mail().await.expect("memory does not fail").expect("a mail");
        world.app.note_failed_mail(id, "server down".into(), false).await.expect("memory does not fail");
        assert!(!world.audit().iter().any(|(act, ..)| act == "mail-given-up"));
        world.app.note_failed_mail(id, "550 no such user".into(), true).await.expect("memory does not fail");
    });
    assert_eq!(world.audit().iter().filter(|(act, ..)| act == "mail-given-up").count(), 1);
}

#[test]
fn administrators_see_webhooks_and_have_them_try_again() {
    let world = World::with("[webhooks.wiki]\nurl = \"https://wiki.example.org/hook\"\nevents = [\"logged-in\"]");
    world.block_on(world.app.place_webhooks()).expect("memory does not fail");
    let root = world.administrator("root@example.org");
    let listed = root.api("GET", "/admin/webhooks", Value::Null).expect(200).json();
    let wiki = &listed["items"][0];
    assert_eq!((&wiki["name"], &wiki["url"]), (&json!("wiki"), &json!("https://wiki.example.org/hook")));
    assert_eq!((&wiki["events"], &wiki["waiting"], &wiki["delivered"]), (&json!(["logged-in"]), &json!(1), &json!(0)));
    root.api("POST", "/admin/webhooks/wiki/retry", Value::Null).expect(204);
    root.api("POST", "/admin/webhooks/nobody/retry", Value::Null).refused(404, "not_found");
    assert!(world.audit().iter().any(|(act, ..)| act == "webhook-retried"));
    let pass = |number| world.app.write(move |work| gatelodge::webhooks::pass(work, "wiki", number));
    let waiting = || root.api("GET", "/admin/webhooks", Value::Null).expect(200).json()["items"][0]["waiting"].clone();
    world.block_on(pass(0)).expect("memory does not fail");
    assert_eq!(waiting(), json!(1), "a place never goes back");
    world.block_on(pass(1_000)).expect("memory does not fail");
    assert_eq!(waiting(), json!(0));
    world.block_on(pass(0)).expect("memory does not fail");
    assert_eq!(waiting(), json!(0), "a place never goes back");
}

#[test]
fn every_group_that_an_account_is_made_with_has_its_row() {
    let world = World::with("[webhooks.wiki]\nurl = \"https://wiki.example.org/told\"\nsecret_file = \"/dev/null\"");
    let root = world.administrator("root@example.org");
    let actor = format!("account {}", root.caller().person.id);
    let rows = || {
        world
            .app
            .read_blocking(|view| audit::page(view, NodeId::ONE, None, Direction::Up, 10_000))
            .expect("memory does not fail")
    };
    let joined_since = |number: u64| -> Vec<(String, String)> {
        let news = rows().into_iter().filter(|(at, row)| *at > number && row.entry.act == Act::GroupJoined);
        news.map(|(_, row)| (row.entry.actor.to_string(), row.entry.detail)).collect()
    };
    let last = || rows().last().map(|(number, _)| *number).unwrap_or_default();
    let of = |who: &str, groups: &[&str]| -> Vec<(String, String)> {
        groups.iter().map(|group| (who.to_owned(), (*group).to_owned())).collect()
    };

    let before = last();
    let added = json!({"email": "bob@example.org", "confirmed": true, "groups": ["admins", "staff"]});
    root.api("POST", "/admin/users", added).expect(200);
    assert_eq!(joined_since(before), of(&actor, &["admins", "staff"]));

    let before = last();
    world
        .command(json!({
            "command": "user-add", "username": "carol", "password": PASSWORD, "admin": true, "confirmed": false,
            "groups": ["staff"]
        }))
        .expect("added");
    assert_eq!(joined_since(before), of("command line, user 0", &["admins", "staff"]));

    // By an invitation that was mailed the account exists at once; by a link, when its owner or an administrator confirms.
    let before = last();
    world.deliver_mail();
    let invite = |body: Value| root.api("POST", "/admin/invitations", body).expect(200).json();
    invite(json!({"email": ALICE, "groups": ["class-7b", "staff"]}));
    let token = world.only_letter_to(ALICE).token();
    let register = |email: &str, token: &str| {
        let visitor = world.visitor();
        let body = json!({"email": email, "password": PASSWORD, "invitation": token});
        visitor.api("POST", "/register", body);
        visitor
    };
    register(ALICE, &token).log_in(ALICE, PASSWORD).expect(200);
    let owner = |email: &str| {
        let shown = world.command(json!({"command": "user-show", "user": email})).expect("there");
        format!("account {}", shown["id"].as_str().expect("an id"))
    };
    assert_eq!(joined_since(before), of(&owner(ALICE), &["class-7b", "staff"]));

    let before = last();
    let link = invite(json!({"uses": 2, "groups": ["class-7b"]}))["link"].as_str().expect("a link").to_owned();
    let token = link.rsplit('/').next().expect("a token").to_owned();
    world.deliver_mail();
    let dora = register("dora@example.org", &token);
    let confirmation = json!({"token": world.only_letter_to("dora@example.org").token()});
    dora.api("POST", "/confirm", confirmation).expect(200);
    register("erik@example.org", &token);
    root.api("POST", "/admin/users/erik@example.org/confirm", Value::Null).expect(200);
    let expected = [of(&owner("dora@example.org"), &["class-7b"]), of(&actor, &["class-7b"])].concat();
    assert_eq!(joined_since(before), expected);
    // Of what account somebody is told stands before its groups.
    let acts: Vec<String> = world.audit().into_iter().map(|(act, ..)| act).collect();
    let first = acts.iter().rposition(|act| act == "confirmed").expect("dora's");
    assert_eq!(acts[first + 1], "group-joined");
}

#[test]
fn the_first_administrator_has_a_row_for_the_group() {
    let world = World::new();
    let link = world.block_on(world.app.begin_set_up()).expect("memory does not fail").expect("a link");
    let token = link.rsplit('/').next().expect("a token");
    let first = json!({"token": token, "email": "root@example.org", "password": PASSWORD});
    world.visitor().api("POST", "/setup", first).expect(200);
    let rows = world.audit();
    assert!(rows.contains(&("group-joined".into(), "done".into(), "admins".into())), "{rows:?}");
}
