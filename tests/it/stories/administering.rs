//! What administrators do by the API, beside accounts and groups: corrections, mails, limits, the audit log.

use gatelodge::base::{HOUR, MINUTE};
use serde_json::{Value, json};

use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, World};

const ROOT: &str = "root@example.org";
const NEW: &str = "new@example.org";

#[test]
fn a_name_and_a_user_name_are_corrected() {
    let world = World::new();
    let root = world.administrator(ROOT);
    let alice = world.logged_in(ALICE, PASSWORD);
    let path = |rest: &str| format!("/admin/users/{ALICE}{rest}");
    let named = root.api("PUT", &path("/name"), json!({"name": "Alice L."})).expect(200).json();
    assert_eq!(named["name"], "Alice L.");
    root.api("PUT", &path("/name"), json!({"name": "a\u{202e}b"})).refused(422, "refused");
    root.api("DELETE", &path("/name"), Value::Null).expect(200);
    assert_eq!(alice.api("GET", "/session", Value::Null).json()["user"]["name"], Value::Null);
    world.deliver_mail();
    // A reserved one, which she could not choose herself.
    alice.api("POST", "/account/username", json!({"username": "support"})).refused(422, "invalid_fields");
    let named = root.api("PUT", &path("/username"), json!({"username": "support"})).expect(200).json();
    assert_eq!(named["username"], "support");
    assert!(world.only_letter_to(ALICE).text.contains("support"));
    root.api("PUT", &format!("/admin/users/{ROOT}/username"), json!({"username": "support"})).refused(409, "conflict");
    alice.log_in("support", PASSWORD).expect(200);
}

#[test]
fn an_address_is_corrected_at_once_and_the_old_one_is_told() {
    let world = World::new();
    let root = world.administrator(ROOT);
    world.member(ALICE, PASSWORD);
    let email = json!({"email": NEW, "confirmed": true});
    let user = root.api("PUT", &format!("/admin/users/{ALICE}/email"), email).expect(200).json();
    assert_eq!(user["email"], NEW);
    let mut told: Vec<String> = world.deliver_mail().into_iter().map(|letter| letter.to).collect();
    told.sort();
    assert_eq!(told, [ALICE, NEW]);
    world.visitor().log_in(NEW, PASSWORD).expect(200);
    world.visitor().log_in(ALICE, PASSWORD).refused(401, "invalid_credentials");
    root.api("PUT", &format!("/admin/users/{NEW}/email"), json!({"email": ROOT, "confirmed": true}))
        .refused(409, "conflict");
}

#[test]
fn an_address_that_is_not_sure_is_mailed_a_link_first() {
    let world = World::new();
    let root = world.administrator(ROOT);
    let alice = world.logged_in(ALICE, PASSWORD);
    world.deliver_mail();
    let user = root.api("PUT", &format!("/admin/users/{ALICE}/email"), json!({"email": NEW})).expect(200).json();
    assert_eq!(user["email"], ALICE);
    let token = world.only_letter_to(NEW).token();
    alice.api("POST", "/confirm", json!({"token": token})).expect(200);
    world.visitor().log_in(NEW, PASSWORD).expect(200);
}

/// A mail that was given up, its id.
fn failed_mail(world: &World) -> String {
    world.visitor().api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    world.block_on(async {
        while world.app.process_mail_requests().await.expect("memory does not fail") {}
        let (id, ..) = world.app.claim_mail().await.expect("memory does not fail").expect("one is due");
        let failed = world.app.write(move |work| gatelodge::mail::fail(work.tx, id, "550 no such user <b>here</b>"));
        failed.await.expect("memory does not fail");
        id.to_string()
    })
}

#[test]
fn a_failed_mail_is_seen_retried_and_dropped() {
    let world = World::new();
    let root = world.administrator(ROOT);
    world.member(ALICE, PASSWORD);
    let id = failed_mail(&world);
    let mails = || root.api("GET", "/admin/mails", Value::Null).expect(200).json()["items"].clone();
    assert_eq!((&mails()[0]["state"], &mails()[0]["to"]), (&json!("failed"), &json!(ALICE)));
    assert!(mails()[0]["last_error"].as_str().is_some_and(|why| why.contains("no such user")));
    assert_eq!(root.api("POST", &format!("/admin/mails/{id}/retry"), Value::Null).expect(200).json()["queued"], 1);
    assert_eq!(mails()[0]["state"], "queued");
    root.api("DELETE", &format!("/admin/mails/{id}"), Value::Null).expect(204);
    assert_eq!(mails(), json!([]));
    root.api("DELETE", &format!("/admin/mails/{id}"), Value::Null).refused(409, "conflict");
    world.expect_no_post();
    assert!(
        world
            .audit()
            .iter()
            .any(|(act, _, detail)| (act.as_str(), detail.as_str()) == ("mail-dropped", "reset-password"))
    );
}

#[test]
fn limits_are_seen_and_lifted() {
    let world = World::new();
    let root = world.administrator(ROOT);
    world.member(ALICE, PASSWORD);
    for _ in 0..3 {
        world.visitor().log_in(ALICE, OTHER_PASSWORD).refused(401, "invalid_credentials");
    }
    let of_alice = || {
        let items = root.api("GET", "/admin/limits", Value::Null).expect(200).json()["items"].clone();
        items.as_array().expect("items").iter().filter(|item| item["who"] == ALICE).count()
    };
    assert!(of_alice() > 0);
    let lifted = root.api("POST", "/admin/limits/lift", json!({"who": ALICE})).expect(200).json();
    assert!(lifted["lifted"].as_u64() > Some(0));
    assert_eq!(of_alice(), 0);
    root.api("POST", "/admin/limits/lift", json!({"whom": ALICE})).refused(422, "invalid_fields");
}

#[test]
fn the_audit_log_is_filtered_by_person_act_and_time() {
    let world = World::new();
    let root = world.administrator(ROOT);
    world.member(ALICE, PASSWORD);
    world.visitor().log_in(ALICE, OTHER_PASSWORD).refused(401, "invalid_credentials");
    world.advance(2 * HOUR);
    world.visitor().log_in(ALICE, PASSWORD).expect(200);
    let rows = |query: &str| {
        root.api("GET", &format!("/admin/audit?{query}"), Value::Null).expect(200).json()["items"].clone()
    };
    let logins = rows(&format!("user={ALICE}&act=login"));
    let outcomes: Vec<&Value> = logins.as_array().expect("rows").iter().map(|row| &row["outcome"]).collect();
    assert_eq!(outcomes, ["done", "wrong-password"]);
    assert_eq!(logins[0]["subject_name"], ALICE, "a name beside the id");
    assert_eq!(rows(&format!("user={ALICE}&act=login&since=1h")).as_array().map(Vec::len), Some(1));
    assert_eq!(rows(&format!("user={ALICE}&act=login&until=1h&limit=1")).as_array().map(Vec::len), Some(1));
    root.api("GET", "/admin/audit?act=logn", Value::Null).refused(422, "refused");
    root.api("GET", "/admin/audit?person=alice", Value::Null).refused(422, "unknown_parameter");
}

#[test]
fn the_audit_log_is_exported_and_no_cell_begins_a_formula() {
    let world = World::new();
    let root = world.administrator(ROOT);
    // An address may begin with a sign that spreadsheets calculate with.
    world.member("=cmd@example.org", PASSWORD);
    world.member("+49@example.org", PASSWORD);
    let export = |query: &str| root.api("GET", &format!("/admin/audit/export?{query}"), Value::Null).expect(200);
    let csv = export("format=csv");
    assert_eq!(csv.header("content-disposition"), Some("attachment; filename=\"audit.csv\""));
    assert_eq!(csv.header("cache-control"), Some("no-store"));
    let text = csv.text();
    assert!(text.contains("'=cmd@example.org") && text.contains("'+49@example.org"), "{text}");
    let begins_formula = |cell: &str| cell.trim_start_matches('"').starts_with(['=', '+', '-', '@']);
    assert!(!text.lines().skip(1).flat_map(|line| line.split(',')).any(begins_formula), "{text}");
    let lines = export("oldest_first=true").text();
    let first: Value = serde_json::from_str(lines.lines().next().expect("a row")).expect("JSON");
    assert_eq!(first["number"], 1);
    assert_eq!(lines.lines().count(), text.lines().count() - 1);
    root.api("GET", "/admin/audit/export?format=xls", Value::Null).refused(422, "invalid_fields");
}

#[test]
fn the_state_and_the_configuration_are_shown_without_secrets() {
    let world =
        World::with("[sms]\nurl = \"https://sms.example.net/send?key=hunter3\"\n[registration]\nmode = \"approval\"");
    let root = world.visitor();
    let add = json!({"command": "user-add", "email": ROOT, "password": PASSWORD, "admin": true, "confirmed": true, "groups": []});
    world.command(add).expect("added");
    root.log_in(ROOT, PASSWORD).expect(200);
    let browser = world.visitor();
    browser.api("POST", "/register", json!({"email": ALICE, "password": PASSWORD})).expect(202);
    let token = world.only_letter_to(ALICE).token();
    browser.api("POST", "/confirm", json!({"token": token})).expect(200);
    world.deliver_mail();
    world.advance(MINUTE);
    let overview = root.api("GET", "/admin/overview", Value::Null).expect(200).json();
    let count = |name: &str| overview[name]["count"].as_u64().expect("a number");
    assert_eq!((count("accounts"), count("approvals"), count("mails_failed")), (1, 1, 0));
    assert_eq!((&overview["store"], &overview["clock"]["state"]), (&json!("writable"), &json!("sure")));
    let settings = root.api("GET", "/admin/configuration", Value::Null).expect(200);
    assert_eq!(settings.json()["site"]["name"], "Hill Street");
    assert!(!settings.text().contains("hunter"), "{}", settings.text());
}
