//! Groups, what their members may do, and the administrators' part of the API.

use serde_json::{Value, json};

use gatelodge::admin::{Refusal, Remedy};

use crate::world::{ALICE, PASSWORD, Visitor, World};

const ROOT: &str = "root@example.org";

/// What a refusal says to do.
#[track_caller]
fn advice(refusal: &Refusal) -> String {
    refusal.hint.as_ref().expect("advice").in_english()
}

fn may(browser: &Visitor<'_>, permission: &str) -> bool {
    let reply = browser.api("GET", &format!("/may/{permission}"), Value::Null).expect(200);
    reply.json()["allowed"].as_bool().expect("yes or no")
}

#[test]
fn what_a_group_may_do_its_members_may_from_the_next_request_on() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let permit =
        |given: bool| json!({"command": "group-permit", "group": "staff", "permission": "files:read", "given": given});
    let join = |member: bool| json!({"command": "user-group", "user": ALICE, "group": "staff", "member": member});
    assert!(!may(&alice, "files:read"));
    world.command(permit(true)).expect("permitted");
    assert!(!may(&alice, "files:read"), "she is in no group");
    world.command(join(true)).expect("joined");
    assert!(may(&alice, "files:read") && !may(&alice, "files:write"));
    let user = alice.api("GET", "/session", Value::Null).expect(200).json()["user"].clone();
    assert_eq!((&user["groups"], &user["permissions"]), (&json!(["staff"]), &json!(["files:read"])));
    world.command(permit(false)).expect("forbidden");
    assert!(!may(&alice, "files:read"));
    world.command(permit(true)).expect("permitted");
    world.command(join(false)).expect("left");
    assert!(!may(&alice, "files:read"));
    alice.api("GET", "/may/Not a permission".replace(' ', "%20").as_str(), Value::Null).refused(404, "not_found");
}

#[test]
fn a_login_tells_groups_and_permissions() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    world.command(json!({"command": "user-group", "user": ALICE, "group": "staff", "member": true})).expect("joined");
    world
        .command(json!({"command": "group-permit", "group": "staff", "permission": "lamp:switch", "given": true}))
        .expect("permitted");
    let user = world.visitor().log_in(ALICE, PASSWORD).expect(200).json()["user"].clone();
    assert_eq!((&user["groups"], &user["permissions"]), (&json!(["staff"]), &json!(["lamp:switch"])));
}

#[test]
fn members_are_listed_group_by_group_and_page_by_page() {
    let world = World::new();
    for (name, group) in [("ann", "a"), ("ben", "ab"), ("cid", "ab"), ("dot", "ab"), ("eve", "b")] {
        let add = json!({"command": "user-add", "username": name, "password": PASSWORD, "admin": false, "confirmed": false, "groups": [group]});
        world.command(add).expect("added");
    }
    let page = |group: &str, after: &Value, limit: u64| {
        world
            .command(json!({"command": "group-members", "group": group, "after": after, "limit": limit}))
            .expect("listed")
    };
    let names = |page: &Value| -> Vec<String> {
        page["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|item| item["username"].as_str().expect("a name").to_owned())
            .collect()
    };
    assert_eq!(names(&page("a", &Value::Null, 10)), ["ann"]);
    assert_eq!(names(&page("b", &Value::Null, 10)), ["eve"]);
    let (first, mut all) = (page("ab", &Value::Null, 2), vec![]);
    all.extend(names(&first));
    let second = page("ab", &first["next"], 2);
    all.extend(names(&second));
    assert_eq!((all.len(), &second["next"]), (3, &Value::Null));
    all.sort();
    assert_eq!(all, ["ben", "cid", "dot"]);
    let groups = world.command(json!({"command": "group-list"})).expect("listed");
    let listed: Vec<&Value> = groups["items"].as_array().expect("items").iter().map(|group| &group["name"]).collect();
    assert_eq!(listed, ["a", "ab", "b"]);
}

#[test]
fn a_disbanded_group_is_gone_and_its_members_stay() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    world.command(json!({"command": "user-group", "user": ALICE, "group": "staff", "member": true})).expect("joined");
    world
        .command(json!({"command": "group-permit", "group": "staff", "permission": "read", "given": true}))
        .expect("permitted");
    world.command(json!({"command": "group-disband", "group": "staff"})).expect("disbanded");
    assert!(!may(&alice, "read"));
    assert_eq!(world.command(json!({"command": "group-list"})).expect("listed")["items"], json!([]));
    let again = world.command(json!({"command": "group-disband", "group": "staff"}));
    assert_eq!(again, Err("there is no group staff".into()));
    let admins = world.command(json!({"command": "group-disband", "group": "admins"}));
    assert_eq!(admins, Err("the administrators cannot be disbanded".into()));
    // Deleting an account takes it out of its groups as well.
    world.command(json!({"command": "user-group", "user": ALICE, "group": "staff", "member": true})).expect("joined");
    world.command(json!({"command": "user-delete", "user": ALICE})).expect("deleted");
    assert_eq!(world.command(json!({"command": "group-list"})).expect("listed")["items"], json!([]));
}

#[test]
fn an_administrator_does_by_the_api_what_the_command_line_does() {
    let world = World::new();
    let root = world.administrator(ROOT);
    let added =
        json!({"email": ALICE, "username": "alice", "confirmed": true, "groups": ["staff"], "password": PASSWORD});
    let alice = root.api("POST", "/admin/users", added.clone()).expect(200).json();
    assert_eq!((&alice["username"], &alice["groups"]), (&json!("alice"), &json!(["staff"])));
    root.api("POST", "/admin/users", added).refused(409, "conflict");
    root.api("POST", "/admin/users", json!({"name": "Nobody"})).refused(422, "refused");
    let path = format!("/admin/users/{}", alice["id"].as_str().expect("an id"));
    assert_eq!(root.api("GET", "/admin/users/alice", Value::Null).expect(200).json()["id"], alice["id"]);

    let browser = world.visitor();
    browser.log_in("alice", PASSWORD).expect(200);
    root.api("PUT", "/admin/groups/staff/permissions/read", Value::Null).expect(200);
    assert!(may(&browser, "read"));
    let members = root.api("GET", "/admin/groups/staff/members", Value::Null).expect(200).json();
    assert_eq!(members["items"][0]["id"], alice["id"]);
    root.api("DELETE", "/admin/groups/staff/permissions/read", Value::Null).expect(200);
    root.api("PUT", &format!("{path}/groups/guests"), Value::Null).expect(200);
    let left = root.api("DELETE", &format!("{path}/groups/staff"), Value::Null).expect(200).json();
    assert_eq!(left["groups"], json!(["guests"]));

    root.api("POST", &format!("{path}/disable"), Value::Null).expect(200);
    assert!(!browser.is_logged_in());
    root.api("POST", &format!("{path}/enable"), Value::Null).expect(200);
    world.visitor().log_in("alice", PASSWORD).expect(200);
    let listed = root.api("GET", "/admin/users?limit=1", Value::Null).expect(200).json();
    assert!(listed["next"].is_string());
    root.api("DELETE", &path, Value::Null).expect(204);
    root.api("GET", &path, Value::Null).refused(404, "not_found");
    root.api("DELETE", &format!("/admin/users/{ROOT}"), Value::Null).refused(409, "conflict");
    // The audit log names who did it, not the command line.
    let rows =
        world.command(json!({"command": "audit-list", "act": "account-deleted", "limit": 10, "oldest_first": false}));
    let row = rows.expect("listed")["items"][0].clone();
    assert!(row["actor"].as_str().is_some_and(|actor| actor.starts_with("account ")), "{row}");
}

#[test]
fn whoever_is_no_administrator_any_more_is_sent_away_at_once() {
    let world = World::new();
    let (root, other) = (world.administrator(ROOT), world.administrator(ALICE));
    other.api("GET", "/admin/users", Value::Null).expect(200);
    root.api("DELETE", &format!("/admin/users/{ALICE}/groups/admins"), Value::Null).expect(200);
    other.api("GET", "/admin/users", Value::Null).refused(403, "forbidden");
}

#[test]
fn no_list_has_no_end() {
    let world = World::new();
    let root = world.administrator(ROOT);
    let names = |count: usize| -> Vec<String> { (0..count).map(|number| format!("group{number}")).collect() };
    for (path, body, fields) in [
        ("/admin/invitations", json!({"groups": names(65)}), Some("groups")),
        ("/admin/invitations", json!({"groups": names(7000)}), Some("groups")),
        ("/admin/users", json!({"email": ALICE, "groups": names(65)}), Some("groups")),
        ("/account/tokens", json!({"name": "x", "scopes": vec!["profile"; 65]}), Some("scopes")),
        ("/account/tokens", json!({"name": "x", "scopes": vec!["profile"; 6]}), None),
        ("/account/app-passwords", json!({"name": "x", "hosts": vec!["cal.example.org"; 65]}), Some("hosts")),
        ("/account/app-passwords", json!({"name": "x", "hosts": vec!["cal.example.org"; 17]}), None),
        ("/account/app-passwords", json!({"name": "x", "hosts": ["x".repeat(4000)]}), None),
        ("/account/tokens", json!({"name": "x", "scopes": ["profile"], "within": "1".repeat(5000)}), Some("within")),
        ("/admin/invitations", json!({"email": "x".repeat(5000)}), Some("email")),
    ] {
        let before = world.records();
        let told = root.api("POST", path, body).expect(422);
        assert!(told.body.len() < 1000, "what is too long is not told in full: {} bytes", told.body.len());
        assert_eq!(told.json()["fields"][fields.unwrap_or("none")].is_array(), fields.is_some(), "{}", told.text());
        assert_eq!(world.records(), before);
    }
    let members = |count: usize| -> Value {
        (0..count).map(|number| (format!("x{number}"), json!(1))).collect::<serde_json::Map<_, _>>().into()
    };
    assert!(root.api("POST", "/admin/users", members(60)).expect(422).body.len() < 2000);
    assert!(root.api("POST", "/admin/users", members(4000)).expect(400).body.len() < 2000);
    let typed = json!({"command": "user-group", "user": ROOT, "group": "x".repeat(60_000), "member": true});
    assert!(world.command(typed).expect_err("no group's name").len() < 200);

    // The command line goes by the same.
    let add = |groups: Vec<String>| {
        world.command(json!({
            "command": "user-add", "email": ALICE, "password": PASSWORD, "admin": false, "confirmed": true, "groups": groups
        }))
    };
    assert_eq!(add(names(65)).expect_err("too many"), "these are more than 64 groups, the most one may be in");
    add(names(64)).expect("as many as may be");
    let join = |group: &str| root.api("PUT", &format!("/admin/users/{ALICE}/groups/{group}"), Value::Null);
    join("group0").expect(200);
    join("one-more").refused(409, "conflict").says("the most one may be in");
    let invitation = json!({"groups": names(64)});
    root.api("POST", "/admin/invitations", invitation).expect(200);
    let session = world.visitor();
    assert!(session.log_in(ALICE, PASSWORD).expect(200).body.len() < 4096);
}

#[test]
fn what_an_older_store_holds_more_of_stays() {
    let world = World::new();
    let root = world.administrator(ROOT);
    let account = root.caller().person.id;
    let many = (0..80).map(|number| gatelodge::base::GroupName::parse(&format!("group{number}")).expect("a name"));
    let many: Vec<_> = many.collect();
    let put = world.app.write(move |work| {
        let mut person = gatelodge::accounts::person::load(work.tx, account)?.expect("there");
        person.account.groups.extend(many.iter().cloned());
        gatelodge::accounts::person::save(work.tx, account, &person.account)
    });
    world.block_on(put).expect("memory does not fail");
    let group =
        |method: &str, group: &str| root.api(method, &format!("/admin/users/{ROOT}/groups/{group}"), Value::Null);
    group("PUT", "one-more").refused(409, "conflict");
    assert_eq!(group("DELETE", "group7").expect(200).json()["groups"].as_array().map(Vec::len), Some(80));
    group("PUT", "group8").expect(200);
    assert!(root.is_logged_in());
}

#[test]
fn so_many_groups_have_permissions_and_no_more() {
    let world = World::new();
    let permit = |group: &str, permission: &str, given: bool| {
        world.command(json!({"command": "group-permit", "group": group, "permission": permission, "given": given}))
    };
    for number in 0..500 {
        permit(&format!("group{number}"), "read", true).expect("given");
    }
    let refused = permit("one-more", "read", true).expect_err("too many");
    assert_eq!(refused, "there are 500 groups with permissions, the most there may be");
    permit("group0", "write", true).expect("it has some already");
    permit("group2", "write", false).expect("nothing is taken");
    permit("group1", "read", false).expect("taken");
    permit("one-more", "read", true).expect("there is room");
}

#[test]
fn the_page_about_limits_says_what_may_be_carried() {
    let page = include_str!("../../../docs/limits.md");
    for (what, most) in [
        ("groups of an account, or of an invitation", gatelodge::groups::MAX_PER_ACCOUNT),
        ("permissions of a group", gatelodge::groups::MAX_PERMISSIONS),
        ("groups with permissions", gatelodge::groups::MAX_WITH_PERMISSIONS),
        ("API tokens of an account", gatelodge::sessions::MAX_TOKENS),
        ("sessions of an account", gatelodge::sessions::MAX_SESSIONS),
        ("second factors of an account", gatelodge::factors::MAX_FACTORS),
        ("browsers that an account trusts", gatelodge::factors::MAX_TRUSTED),
        ("people that one invitation brings", gatelodge::accounts::invitations::MAX_USES as usize),
    ] {
        let told = most.to_string().replace("1000", "1,000");
        assert!(page.contains(&format!("| {what} | {told} |")), "{what}: {told}");
    }
}

#[test]
fn a_group_that_is_not_there_is_an_error_that_names_it_and_those_that_are() {
    let world = World::new();
    let root = world.administrator(ROOT);
    world.command(json!({"command": "user-group", "user": ROOT, "group": "staff", "member": true})).expect("joined");
    for command in [
        json!({"command": "group-permit", "group": "nosuch", "permission": "x:y", "given": false}),
        json!({"command": "user-group", "user": ROOT, "group": "nosuch", "member": false}),
        json!({"command": "group-members", "group": "nosuch", "after": null, "limit": 9}),
        json!({"command": "group-disband", "group": "nosuch"}),
    ] {
        let refusal = world.refusal(command.clone());
        assert_eq!(refusal.message.in_english(), "there is no group nosuch", "{command}");
        assert_eq!(advice(&refusal), "there are admins, staff", "{command}");
    }
    for (method, path) in [
        ("GET", "/admin/groups/nosuch/members"),
        ("DELETE", "/admin/groups/nosuch"),
        ("DELETE", "/admin/groups/nosuch/permissions/x:y"),
        ("DELETE", "/admin/users/root@example.org/groups/nosuch"),
    ] {
        root.api(method, path, Value::Null).refused(404, "not_found");
    }
    let staff_room = json!({"command": "user-group", "user": ROOT, "group": "Staff Room", "member": true});
    let refusal = world.refusal(staff_room);
    assert!(advice(&refusal).contains("letters a to z"));
}

#[test]
fn somebody_is_found_by_a_part_of_a_name() {
    let world = World::new();
    let root = world.administrator(ROOT);
    for (email, name) in [("carol@example.org", "Carola Uma"), ("carl@example.org", "Karl"), ("bob@example.org", "Bob")]
    {
        let add = json!({"command": "user-add", "email": email, "name": name, "password": PASSWORD, "admin": false, "confirmed": true, "groups": []});
        world.command(add).expect("added");
    }
    let refusal = world.refusal(json!({"command": "user-show", "user": "carol"}));
    assert_eq!(advice(&refusal), "did you mean carol@example.org?");
    let refusal = world.refusal(json!({"command": "user-disable", "user": "zoe"}));
    assert_eq!(refusal.remedy, Some(Remedy::ListAccounts));
    let found = |part: &str| {
        let listed = root.api("GET", &format!("/admin/users?q={part}"), Value::Null).expect(200).json();
        let mut names: Vec<String> =
            listed["items"].as_array().expect("items").iter().map(|item| item["email"].to_string()).collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(found("uma"), "\"carol@example.org\"");
    assert_eq!(found("CAR"), "\"carl@example.org\" \"carol@example.org\"");
    assert_eq!(found("nobody"), "");
    root.api("GET", "/admin/users?query=uma", Value::Null).refused(422, "unknown_parameter");
}

#[test]
fn what_is_no_network_act_or_outcome_is_not_taken_for_one_that_nothing_came_from() {
    let world = World::new();
    let list = |member: &str, value: &str| {
        let mut wanted = json!({"command": "audit-list", "limit": 9, "oldest_first": false});
        for name in ["user", "act", "outcome", "network", "since", "until", "after"] {
            wanted[name] = Value::Null;
        }
        wanted[member] = value.into();
        world.refusal(wanted).message.in_english()
    };
    assert_eq!(list("network", "kitchen"), "\"kitchen\" is no address of a network");
    assert_eq!(list("act", "logn"), "\"logn\" is no act");
    assert_eq!(list("outcome", "well"), "\"well\" is no outcome");
    assert_eq!(list("user", "nosuch"), "there is no account nosuch");
}
