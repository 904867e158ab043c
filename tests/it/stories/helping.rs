//! The help desk: people who help those who cannot log in, and no more.

use gatelodge::admin::{Command, execute};
use gatelodge::app::Principal;
use gatelodge::audit::Source;
use serde_json::{Value, json};

use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, Visitor, World};

const ROOT: &str = "root@example.org";
const HELPER: &str = "helper@example.org";
const COLLEAGUE: &str = "colleague@example.org";

fn into(world: &World, user: &str, group: &str) {
    world.command(json!({"command": "user-group", "user": user, "group": group, "member": true})).expect("done");
}

/// A house with an administrator, a member, and two people at the help desk; the browser of one of these.
fn house(world: &World) -> Visitor<'_> {
    world.administrator(ROOT);
    for email in [ALICE, COLLEAGUE] {
        world.member(email, PASSWORD);
    }
    let helper = world.logged_in(HELPER, PASSWORD);
    into(world, HELPER, "helpdesk");
    into(world, COLLEAGUE, "helpdesk");
    world.deliver_mail();
    helper
}

#[test]
fn the_help_desk_finds_somebody_ends_their_sessions_and_sends_them_a_link() {
    let world = World::new();
    let helper = house(&world);
    let alice = world.visitor();
    alice.log_in(ALICE, PASSWORD).expect(200);
    let found = helper.api("GET", "/admin/users?q=alice", Value::Null).expect(200).json();
    assert_eq!(found["items"][0]["email"], ALICE);
    let path = |rest: &str| format!("/admin/users/{ALICE}{rest}");
    let sessions = helper.api("GET", &path("/sessions"), Value::Null).expect(200).json()["items"].clone();
    let id = sessions[0]["id"].as_str().expect("an id").to_owned();
    helper.api("DELETE", &path(&format!("/sessions/{id}")), Value::Null).expect(204);
    assert!(!alice.is_logged_in());
    helper.api("DELETE", &path(&format!("/sessions/{id}")), Value::Null).refused(404, "not_found");
    alice.log_in(ALICE, PASSWORD).expect(200);
    helper.api("DELETE", &path("/sessions"), Value::Null).expect(204);
    assert!(!alice.is_logged_in());
    let logins = helper.api("GET", &path("/logins"), Value::Null).expect(200).json()["items"].clone();
    assert_eq!((&logins[0]["outcome"], &logins[0]["network"]), (&json!("done"), &json!("127.0.0.1")));
    world.deliver_mail();
    helper.api("POST", &path("/send-reset"), Value::Null).expect(200);
    let token = world.only_letter_to(ALICE).token();
    alice.api("POST", "/reset", json!({"token": token, "password": OTHER_PASSWORD})).expect(200);
    let rows = world.audit();
    for act in ["sessions-ended-for", "reset-sent"] {
        assert!(rows.iter().any(|(found, ..)| found == act), "{act}");
    }
}

#[test]
fn the_help_desk_touches_no_administrator_and_none_of_its_own() {
    let world = World::new();
    let helper = house(&world);
    for user in [ROOT, COLLEAGUE] {
        let before = world.records_but_counts();
        for (method, rest) in
            [("POST", "/send-reset"), ("DELETE", "/sessions"), ("DELETE", &format!("/sessions/{}", "0".repeat(32)))]
        {
            let path = format!("/admin/users/{user}{rest}");
            helper.api(method, &path, Value::Null).refused(403, "forbidden").says("ask an administrator");
        }
        assert_eq!(world.records_but_counts(), before);
    }
    for (method, path, body) in [
        ("POST", "/admin/users", json!({"email": "eve@example.org"})),
        ("PUT", "/admin/users/alice@example.org/groups/admins", Value::Null),
        ("PUT", "/admin/users/helper@example.org/groups/admins", Value::Null),
        ("POST", "/admin/users/alice@example.org/password", json!({"password": OTHER_PASSWORD})),
        ("PUT", "/admin/users/alice@example.org/email", json!({"email": "eve@example.org", "confirmed": true})),
        ("POST", "/admin/users/alice@example.org/disable", json!({})),
        ("GET", "/admin/audit", Value::Null),
        ("GET", "/admin/configuration", Value::Null),
    ] {
        helper.api(method, path, body).refused(403, "forbidden");
    }
    world.expect_no_post();
}

/// Whoever was an administrator at the door and is one of the help desk when their turn comes has the reach of that.
#[test]
fn who_was_demoted_meanwhile_reaches_no_further_than_the_help_desk() {
    let world = World::new();
    house(&world);
    let second = world.administrator("second@example.org");
    into(&world, "second@example.org", "helpdesk");
    world.deliver_mail();
    let app = world.app.clone();
    let demote: Command = serde_json::from_value(
        json!({"user-group": {"user": "second@example.org", "group": "admins", "member": false}}),
    )
    .expect("a command");
    let demoting = async move {
        let by = Principal::CommandLine(Source::command_line(0));
        execute(&app, demote, &by).await.map_err(|refusal| refusal.message.in_english()).expect("done");
    };
    let request = http::Request::builder().method("DELETE").uri(format!("/api/v1/admin/users/{ROOT}/sessions"));
    let ending = second.sends(request.header("sec-fetch-site", "same-origin"), "");
    let ((), reply) = world.overtake(demoting, ending);
    reply.refused(403, "forbidden");
}

#[test]
fn a_token_from_better_days_does_not_serve_the_help_desk() {
    let world = World::new();
    house(&world);
    let second = world.administrator("second@example.org");
    let made = second.api("POST", "/account/tokens", json!({"name": "x", "scopes": ["admin:read", "admin:write"]}));
    let token = made.expect(200).json()["token"].as_str().expect("a token").to_owned();
    second.by_token(&token, "GET", "/admin/users", Value::Null).expect(200);
    into(&world, "second@example.org", "helpdesk");
    world
        .command(json!({"command": "user-group", "user": "second@example.org", "group": "admins", "member": false}))
        .expect("done");
    second.by_token(&token, "GET", "/admin/users", Value::Null).refused(403, "forbidden");
    second.api("GET", "/admin/users", Value::Null).expect(200);
}

#[test]
fn an_api_token_puts_nobody_at_the_help_desk() {
    let world = World::new();
    let root = world.administrator(ROOT);
    world.member(ALICE, PASSWORD);
    let made = root.api("POST", "/account/tokens", json!({"name": "x", "scopes": ["admin:write"]})).expect(200).json();
    let token = made["token"].as_str().expect("a token").to_owned();
    let join = "/admin/users/alice@example.org/groups/helpdesk";
    root.by_token(&token, "PUT", join, Value::Null).refused(403, "insufficient_scope");
    root.by_token(&token, "POST", "/admin/invitations", json!({"groups": ["helpdesk"]}))
        .refused(403, "insufficient_scope");
    root.api("PUT", join, Value::Null).expect(200);
}
