//! What API tokens of administrators do not reach: administrators.

use serde_json::{Value, json};

use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, Visitor, World};

const ROOT: &str = "root@example.org";
const SECOND: &str = "second@example.org";
const EVE: &str = "eve@example.org";

/// A token with every scope there is.
fn token_of(root: &Visitor<'_>) -> String {
    let every = json!({"name": "all", "scopes": ["profile", "ask", "admin:read", "admin:write"]});
    root.api("POST", "/account/tokens", every).expect(200).json()["token"].as_str().expect("a token").to_owned()
}

fn groups_of(world: &World, user: &str) -> Value {
    world.command(json!({"command": "user-show", "user": user})).expect("there")["groups"].clone()
}

#[test]
fn a_token_makes_nobody_an_administrator() {
    let world = World::new();
    let root = world.administrator(ROOT);
    world.member(ALICE, PASSWORD);
    let (token, program) = (token_of(&root), world.visitor());
    world.deliver_mail();
    let into_admins = json!(["staff", "admins"]);
    for (method, path, body) in [
        ("POST", "/admin/users", json!({"email": EVE, "groups": into_admins})),
        ("POST", "/admin/users", json!({"username": "eve", "password": OTHER_PASSWORD, "groups": into_admins})),
        ("PUT", "/admin/users/alice@example.org/groups/admins", Value::Null),
        ("POST", "/admin/invitations", json!({"groups": into_admins, "uses": 1})),
        ("POST", "/admin/invitations", json!({"email": EVE, "groups": into_admins})),
    ] {
        let before = world.records_but_counts();
        program.by_token(&token, method, path, body).refused(403, "insufficient_scope").says("log in for that");
        assert_eq!(world.records_but_counts(), before, "{method} {path}");
    }
    // Beside them it does what it is for; and whoever is logged in does that as well.
    program.by_token(&token, "POST", "/admin/users", json!({"email": EVE, "groups": ["staff"]})).expect(200);
    program.by_token(&token, "PUT", "/admin/users/alice@example.org/groups/staff", Value::Null).expect(200);
    program.by_token(&token, "POST", "/admin/invitations", json!({"groups": ["staff"]})).expect(200);
    root.api("POST", "/admin/invitations", json!({"groups": into_admins})).expect(200);
    root.api("PUT", "/admin/users/alice@example.org/groups/admins", Value::Null).expect(200);
    assert_eq!(groups_of(&world, ALICE), json!(["admins", "staff"]));
}

#[test]
fn a_token_changes_nothing_about_an_administrator() {
    let world = World::with("[second_factor]\nmail_codes = true");
    let (root, second) = (world.administrator(ROOT), world.administrator(SECOND));
    let own = second.api("POST", "/account/tokens", json!({"name": "x", "scopes": ["profile"]})).expect(200).json();
    let own = own["id"].as_str().expect("an id").to_owned();
    second.api("POST", "/account/factors/mail", json!({})).expect(200);
    world.command(json!({"command": "user-group", "user": SECOND, "group": "staff", "member": true})).expect("done");
    let (token, program) = (token_of(&root), world.visitor());
    world.deliver_mail();
    for is_locked in [false, true] {
        if is_locked {
            world.command(json!({"command": "user-disable", "user": SECOND})).expect("done");
        }
        for (method, act, body) in [
            ("POST", "/password", json!({"password": OTHER_PASSWORD})),
            ("PUT", "/phone", json!({"phone": "+49 30 123456"})),
            ("DELETE", "/phone", Value::Null),
            ("POST", "/reset-factors", Value::Null),
            ("POST", "/confirm", Value::Null),
            ("POST", "/disable", Value::Null),
            ("POST", "/enable", Value::Null),
            ("POST", "/tokens", json!({"name": "x", "scopes": ["admin:write"]})),
            ("DELETE", &format!("/tokens/{own}"), Value::Null),
            ("PUT", "/groups/friends", Value::Null),
            ("DELETE", "/groups/staff", Value::Null),
            ("DELETE", "/groups/admins", Value::Null),
            ("DELETE", "", Value::Null),
        ] {
            let before = world.records_but_counts();
            let path = format!("/admin/users/{SECOND}{act}");
            program.by_token(&token, method, &path, body).refused(403, "insufficient_scope");
            assert_eq!(world.records_but_counts(), before, "{method} {path}");
        }
    }
    // A group can be what asks its administrators for a second factor.
    program.by_token(&token, "DELETE", "/admin/groups/staff", Value::Null).refused(403, "insufficient_scope");
    program.by_token(&token, "DELETE", "/admin/groups/admins", Value::Null).refused(409, "conflict");
    world.expect_no_post();
    root.api("POST", &format!("/admin/users/{SECOND}/enable"), json!({})).expect(200);
    root.api("DELETE", &format!("/admin/users/{SECOND}/groups/staff"), Value::Null).expect(200);
}

#[test]
fn a_token_confirms_no_registration_that_an_invitation_makes_an_administrators() {
    let world = World::new();
    let root = world.administrator(ROOT);
    let token = token_of(&root);
    let invited = root.api("POST", "/admin/invitations", json!({"groups": ["admins"]})).expect(200).json();
    let secret = invited["link"].as_str().and_then(|link| link.rsplit('/').next()).expect("a link").to_owned();
    let registration = json!({"email": EVE, "password": PASSWORD, "invitation": secret});
    world.visitor().api("POST", "/register", registration).expect(202);
    world.deliver_mail();
    let path = format!("/admin/users/{EVE}/confirm");
    world.visitor().by_token(&token, "POST", &path, Value::Null).refused(403, "insufficient_scope");
    root.api("POST", &path, json!({})).expect(200);
    assert_eq!(groups_of(&world, EVE), json!(["admins"]));
}

#[test]
fn the_tokens_of_a_demoted_administrator_administer_no_more() {
    let world = World::new();
    let (root, _second) = (world.administrator(ROOT), world.administrator(SECOND));
    let (token, program) = (token_of(&root), world.visitor());
    program.by_token(&token, "GET", "/admin/users", Value::Null).expect(200);
    world.command(json!({"command": "user-group", "user": ROOT, "group": "admins", "member": false})).expect("done");
    program.by_token(&token, "GET", "/admin/users", Value::Null).refused(403, "forbidden");
    program.by_token(&token, "POST", "/admin/users", json!({"email": EVE})).refused(403, "forbidden");
    program.by_token(&token, "GET", "/session", Value::Null).expect(200);
}

#[test]
fn a_token_widens_nothing_that_administrators_may() {
    let world = World::new();
    let root = world.administrator(ROOT);
    let token = token_of(&root);
    let program = world.visitor();
    for method in ["PUT", "DELETE"] {
        program
            .by_token(&token, method, "/admin/groups/admins/permissions/wiki:edit", Value::Null)
            .refused(403, "insufficient_scope");
        program.by_token(&token, method, "/admin/groups/staff/permissions/wiki:edit", Value::Null).expect(200);
    }
}

#[test]
fn a_token_that_may_not_read_is_told_of_no_groups() {
    let world = World::new();
    let root = world.administrator(ROOT);
    world.command(json!({"command": "user-add", "username": "bob", "password": PASSWORD, "admin": false, "confirmed": true, "groups": ["staff"]})).expect("added");
    let made = root.api("POST", "/account/tokens", json!({"name": "write", "scopes": ["admin:write"]})).expect(200);
    let (token, program) = (made.json()["token"].as_str().expect("a token").to_owned(), world.visitor());
    for path in ["/admin/groups/nosuch", "/admin/groups/nosuch/permissions/x:y", "/admin/users/bob/groups/nosuch"] {
        let told = program.by_token(&token, "DELETE", path, Value::Null).refused(404, "not_found").json();
        assert_eq!(told["detail"], "there is no group nosuch.", "{path}");
        // Whoever logged in may read them anyway.
        let told = root.api("DELETE", path, Value::Null).refused(404, "not_found").json();
        assert_eq!(told["detail"], "there is no group nosuch; there are admins, staff.", "{path}");
    }
}
