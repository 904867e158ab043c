//! Whoever loses a right while what they asked for waits, for a password's hash or for the writer, is refused like everybody else.

use gatelodge::admin::{Command, execute};
use gatelodge::app::Principal;
use gatelodge::audit::Source;
use gatelodge::base::AccountId;
use gatelodge::sessions;
use gatelodge::web::{Access, ROUTES};
use serde_json::{Value, json};

use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, Reply, Visitor, World};

const ROOT: &str = "root@example.org";
const EVE: &str = "eve@example.org";

/// What each act of somebody who is in is sent with. One that is not in this list fails the story.
fn acts() -> Vec<(&'static str, Value)> {
    let (nothing, password) = (json!({}), json!({"current_password": PASSWORD}));
    let email = json!({"email": "new@example.org", "current_password": PASSWORD});
    let new_password = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
    let token = json!({"name": "Wiki", "scopes": ["profile"]});
    let confirmation = json!({"id": "0".repeat(32), "code": "123456"});
    vec![
        ("POST /account/password", new_password.clone()),
        ("POST /account/username", json!({"username": "alice2"})),
        ("POST /account/email", email.clone()),
        ("POST /account/delete", password.clone()),
        ("POST /account/sessions/end-others", nothing.clone()),
        ("POST /account/sessions/{id}/end", nothing.clone()),
        ("POST /account/verify", json!({"password": PASSWORD})),
        ("POST /account/verify/send", nothing.clone()),
        ("POST /account/second-factor/totp", json!({"name": "Phone"})),
        ("POST /account/second-factor/totp/confirm", confirmation.clone()),
        ("POST /account/second-factor/mail", nothing.clone()),
        ("POST /account/second-factor/sms", nothing.clone()),
        ("POST /account/second-factor/recovery-codes", nothing.clone()),
        ("POST /account/second-factor/{id}/remove", nothing.clone()),
        ("POST /account/second-factor/browsers/{id}/end", nothing.clone()),
        ("POST /account/tokens", json!({"name": "Wiki", "scopes": "profile"})),
        ("POST /account/tokens/{id}/revoke", nothing.clone()),
        ("POST /account/app-passwords", json!({"name": "Calendar"})),
        ("POST /account/app-passwords/{id}/revoke", nothing.clone()),
        ("POST /admin/people/{user}/send-reset", nothing.clone()),
        ("POST /admin/people/{user}/end-sessions", nothing.clone()),
        ("POST /admin/people/{user}/sessions/{id}/end", nothing.clone()),
        ("POST /admin/people/{user}/{act}", nothing.clone()),
        ("POST /admin/groups/permit", json!({"group": "staff", "permission": "read"})),
        ("POST /admin/groups/forbid", json!({"group": "staff", "permission": "read"})),
        ("POST /admin/groups/{group}/disband", nothing.clone()),
        ("POST /admin/invitations", json!({"groups": "staff"})),
        ("POST /admin/invitations/{id}/revoke", nothing.clone()),
        ("POST /admin/mails/retry", nothing.clone()),
        ("POST /admin/mails/release", nothing.clone()),
        ("POST /admin/mails/{id}/retry", nothing.clone()),
        ("POST /admin/mails/{id}/drop", nothing.clone()),
        ("POST /admin/limits/lift", json!({"who": ALICE})),
        ("POST /admin/webhooks/{name}/retry", nothing.clone()),
        ("POST /admin/approvals/{id}/approve", nothing.clone()),
        ("POST /admin/approvals/{id}/decline", nothing.clone()),
        ("POST /api/v1/session/verify", json!({"password": PASSWORD})),
        ("POST /api/v1/session/verify/send", nothing.clone()),
        ("POST /api/v1/account/password", new_password),
        ("POST /api/v1/account/username", json!({"username": "alice2"})),
        ("POST /api/v1/account/email", email),
        ("POST /api/v1/account/delete", password),
        ("DELETE /api/v1/account/sessions", Value::Null),
        ("DELETE /api/v1/account/sessions/{id}", Value::Null),
        ("POST /api/v1/account/factors/totp", json!({"name": "Phone"})),
        ("POST /api/v1/account/factors/totp/confirm", confirmation),
        ("POST /api/v1/account/factors/mail", nothing.clone()),
        ("POST /api/v1/account/factors/sms", nothing.clone()),
        ("DELETE /api/v1/account/factors/{id}", Value::Null),
        ("POST /api/v1/account/recovery-codes", nothing.clone()),
        ("DELETE /api/v1/account/browsers/{id}", Value::Null),
        ("PUT /api/v1/account/language", json!({"language": "de"})),
        ("POST /api/v1/account/tokens", token.clone()),
        ("DELETE /api/v1/account/tokens/{id}", Value::Null),
        ("POST /api/v1/account/app-passwords", json!({"name": "Calendar", "hosts": ["cal.example.org"]})),
        ("DELETE /api/v1/account/app-passwords/{id}", Value::Null),
        ("POST /api/v1/admin/users", json!({"email": EVE, "password": OTHER_PASSWORD, "confirmed": true})),
        ("DELETE /api/v1/admin/users/{user}", Value::Null),
        ("POST /api/v1/admin/users/{user}/confirm", nothing.clone()),
        ("POST /api/v1/admin/users/{user}/disable", nothing.clone()),
        ("POST /api/v1/admin/users/{user}/enable", nothing.clone()),
        ("POST /api/v1/admin/users/{user}/reset-factors", nothing.clone()),
        ("POST /api/v1/admin/users/{user}/password", json!({"password": OTHER_PASSWORD})),
        ("PUT /api/v1/admin/users/{user}/phone", json!({"phone": "+49 30 123456"})),
        ("DELETE /api/v1/admin/users/{user}/phone", Value::Null),
        ("PUT /api/v1/admin/users/{user}/name", json!({"name": "Alice"})),
        ("DELETE /api/v1/admin/users/{user}/name", Value::Null),
        ("PUT /api/v1/admin/users/{user}/username", json!({"username": "rabbit"})),
        ("PUT /api/v1/admin/users/{user}/email", json!({"email": "new@example.org"})),
        ("POST /api/v1/admin/users/{user}/send-reset", nothing.clone()),
        ("DELETE /api/v1/admin/users/{user}/sessions", Value::Null),
        ("DELETE /api/v1/admin/users/{user}/sessions/{id}", Value::Null),
        ("POST /api/v1/admin/mails/retry", nothing.clone()),
        ("POST /api/v1/admin/mails/release", nothing.clone()),
        ("POST /api/v1/admin/mails/{id}/retry", nothing.clone()),
        ("DELETE /api/v1/admin/mails/{id}", Value::Null),
        ("POST /api/v1/admin/limits/lift", json!({"who": ALICE})),
        ("DELETE /api/v1/admin/sessions", Value::Null),
        ("POST /api/v1/admin/users/{user}/tokens", token),
        ("DELETE /api/v1/admin/users/{user}/tokens/{id}", Value::Null),
        ("PUT /api/v1/admin/users/{user}/groups/{group}", Value::Null),
        ("DELETE /api/v1/admin/users/{user}/groups/{group}", Value::Null),
        ("POST /api/v1/admin/invitations", json!({"groups": ["staff"]})),
        ("DELETE /api/v1/admin/invitations/{id}", Value::Null),
        ("POST /api/v1/admin/approvals/{id}/approve", nothing.clone()),
        ("POST /api/v1/admin/approvals/{id}/decline", nothing),
        ("POST /api/v1/admin/webhooks/{name}/retry", json!({})),
        ("DELETE /api/v1/admin/groups/{group}", Value::Null),
        ("PUT /api/v1/admin/groups/{group}/permissions/{permission}", Value::Null),
        ("DELETE /api/v1/admin/groups/{group}/permissions/{permission}", Value::Null),
    ]
}

/// Sends an act as this site's own pages and programs do.
async fn sends(browser: &Visitor<'_>, act: &str, fields: &Value) -> Reply {
    let (method, path) = act.split_once(' ').expect("a method and a path");
    let path = path.replace("{id}", &"0".repeat(32)).replace("{user}", ALICE);
    let path = path.replace("{group}", "staff").replace("{permission}", "read").replace("{name}", "wiki");
    let path = path.replace("{act}", "confirm");
    let request = http::Request::builder().method(method).uri(&path).header("sec-fetch-site", "same-origin");
    if path.starts_with("/api/") {
        let body = if fields.is_null() { String::new() } else { fields.to_string() };
        return browser.sends(request.header("content-type", "application/json"), body).await;
    }
    let pairs = fields.as_object().into_iter().flatten().filter_map(|(name, value)| Some((name, value.as_str()?)));
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    browser.sends(request.header("content-type", "application/x-www-form-urlencoded"), body).await
}

/// With everything on that there is to do.
const SETTINGS: &str = "[sms]\nurl = \"https://sms.example.net/send\"\n[second_factor]\nmail_codes = true\nsms_codes = true\n\
    [webhooks.wiki]\nurl = \"https://wiki.example.org/told\"\nsecret_file = \"/dev/null\"\n[throttle]\nenabled = false";

/// An administrator, somebody in a group, and nothing in the post.
fn a_house() -> World {
    let world = World::with(SETTINGS);
    world.administrator(ROOT);
    world.member(ALICE, PASSWORD);
    world.command(json!({"command": "user-group", "user": ALICE, "group": "staff", "member": true})).expect("done");
    world.deliver_mail();
    world
}

/// A fresh login of the administrator's.
fn root_of(world: &World) -> Visitor<'_> {
    let root = world.visitor();
    root.log_in(ROOT, PASSWORD).expect(200);
    world.deliver_mail();
    root
}

fn command(world: &World, command: Value) -> impl Future<Output = ()> {
    let command: Command = serde_json::from_value(command).expect("a command");
    let app = world.app.clone();
    async move {
        let by = Principal::CommandLine(Source::command_line(0));
        execute(&app, command, &by).await.map_err(|refusal| refusal.message.in_english()).expect("done");
    }
}

async fn end_sessions(world: &World, account: AccountId) {
    let ended = world.app.write(move |work| sessions::end_all(work.tx, account, None));
    ended.await.expect("memory does not fail");
}

/// What was done since there were so many rows, but for the acts of those who end the right.
fn done_since(world: &World, rows: usize) -> Vec<String> {
    world.audit().into_iter().skip(rows).map(|(act, ..)| act).collect()
}

#[test]
fn the_list_of_acts_is_whole() {
    let listed: Vec<&str> = acts().iter().map(|(act, _)| *act).collect();
    for route in ROUTES.iter().filter(|route| route.method != "GET" && route.access != Access::Anyone) {
        let name = format!("{} {}", route.method, route.path);
        assert!(listed.contains(&name.as_str()), "{name} is not tried");
    }
}

#[test]
fn nothing_is_done_for_somebody_whose_session_ended_while_they_waited() {
    let world = a_house();
    for (act, fields) in acts() {
        let root = root_of(&world);
        let (account, rows) = (root.caller().person.id, world.audit().len());
        let ((), reply) = world.overtake(end_sessions(&world, account), sends(&root, act, &fields));
        if act.contains("/api/") {
            reply.refused(401, "not_logged_in");
        } else {
            assert!(reply.header("location").is_some_and(|path| path.starts_with("/login")), "{act}: {}", reply.text());
        }
        assert_eq!(done_since(&world, rows), ["right-lost"], "{act}");
        world.expect_no_post();
    }
}

#[test]
fn nothing_is_done_for_an_administrator_who_was_demoted_or_locked_while_they_waited() {
    let world = a_house();
    world.administrator("second@example.org");
    for (act, fields) in acts().into_iter().filter(|(act, _)| act.contains("/admin/")) {
        for (lost, code) in [
            (json!({"user-group": {"user": ROOT, "group": "admins", "member": false}}), 403),
            (json!({"user-disable": {"user": ROOT}}), 401),
        ] {
            let (root, rows) = (root_of(&world), world.audit().len());
            let ((), reply) = world.overtake(command(&world, lost), sends(&root, act, &fields));
            let is_sent_away = reply.header("location").is_some_and(|path| path.starts_with("/login"));
            assert!(reply.status() == code || code == 401 && is_sent_away, "{act}: {}", reply.text());
            assert_eq!(done_since(&world, rows + 1), ["right-lost"], "{act}");
            world.expect_no_post();
            let again = json!({"command": "user-group", "user": ROOT, "group": "admins", "member": true});
            world.command(again).expect("done");
            world.command(json!({"command": "user-enable", "user": ROOT})).expect("done");
        }
    }
    assert!(world.command(json!({"command": "user-show", "user": EVE})).is_err(), "nobody was added");
}

#[test]
fn nothing_is_done_by_an_api_token_that_was_revoked_while_it_waited() {
    let world = a_house();
    for (act, fields) in acts() {
        let is_for_tokens =
            |route: &&gatelodge::web::Route| route.scope.is_some() && act == format!("{} {}", route.method, route.path);
        if ROUTES.iter().find(is_for_tokens).is_none() {
            continue;
        }
        let root = root_of(&world);
        let made = root.api("POST", "/account/tokens", json!({"name": "Wiki", "scopes": ["admin:write"]})).expect(200);
        world.deliver_mail();
        let (text, rows) = (|name: &str| made.json()[name].as_str().expect("a text").to_owned(), world.audit().len());
        let program = world.visitor();
        let revoked = command(&world, json!({"token-revoke": {"user": ROOT, "id": text("id")}}));
        let (method, path) = act.split_once(' ').expect("a method and a path");
        let path = path.replace("{id}", &"0".repeat(32)).replace("{user}", ALICE).replace("{name}", "wiki");
        let path = path.replace("{group}", "staff").replace("{permission}", "read");
        let request = http::Request::builder().method(method).uri(path).header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {}", text("token")));
        let body = if fields.is_null() { String::new() } else { fields.to_string() };
        let ((), reply) = world.overtake(revoked, program.sends(request, body));
        reply.refused(401, "not_logged_in");
        assert_eq!(done_since(&world, rows + 1), ["right-lost"], "{act}");
        world.expect_no_post();
    }
    assert!(world.command(json!({"command": "user-show", "user": EVE})).is_err(), "nobody was added");
}

#[test]
fn a_refresh_meanwhile_takes_nothing_from_whoever_holds_the_access_token() {
    let world = World::with("[spa]\norigins = [\"https://app.example.org\"]");
    world.member(ALICE, PASSWORD);
    let program = world.visitor();
    let login = json!({"identity": ALICE, "password": PASSWORD, "bearer": true, "refresh": true});
    let session = program.api("POST", "/login", login).expect(200).json()["session"].clone();
    let text = |name: &str| session[name].as_str().expect("a text").to_owned();
    let refresh = json!({"refresh_token": text("refresh_token")}).to_string();
    let api = |method: &str, path: &str| {
        let request = http::Request::builder().method(method).uri(format!("/api/v1{path}"));
        request.header("content-type", "application/json")
    };
    let other = world.visitor();
    let refreshing = other.sends(api("POST", "/session/refresh"), refresh);
    let ending = api("DELETE", "/account/sessions").header("authorization", format!("Bearer {}", text("token")));
    let (refreshed, ended) = world.overtake(refreshing, program.sends(ending, ""));
    refreshed.expect(200);
    ended.expect(204);
}

#[test]
fn a_wrong_password_is_counted_also_when_whoever_guessed_was_thrown_out() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let account = alice.caller().person.id;
    let guess = json!({"current_password": OTHER_PASSWORD, "new_password": "some other words than these"});
    world
        .overtake(end_sessions(&world, account), sends(&alice, "POST /api/v1/account/password", &guess))
        .1
        .refused(403, "wrong_password");
    let counted = world
        .audit()
        .into_iter()
        .any(|(act, outcome, _)| (act, outcome) == ("password-changed".into(), "wrong-password".into()));
    assert!(counted);
}
