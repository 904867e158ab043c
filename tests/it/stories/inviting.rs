//! Invitations: by mail and by link, by page, API and command line.

use gatelodge::base::DAY;
use serde_json::{Value, json};

use crate::world::{ALICE, PASSWORD, World};

const INVITE: &str = "[registration]\nmode = \"invite\"";
const BOB: &str = "bob@example.org";

fn invite(world: &World, what: &Value) -> Value {
    let mut command = json!({"command": "invite-add", "email": null, "within": null, "uses": null, "groups": []});
    command.as_object_mut().expect("an object").extend(what.as_object().expect("an object").clone());
    world.command(command).expect("invited")
}

fn secret(link: &str) -> &str {
    link.rsplit('/').next().expect("a link has segments")
}

/// A link for `uses` people.
fn link(world: &World, uses: u64) -> String {
    let link = invite(world, &json!({"uses": uses}))["link"].as_str().expect("a link").to_owned();
    secret(&link).to_owned()
}

#[test]
fn nobody_comes_in_without_an_invitation() {
    let world = World::with(INVITE);
    let visitor = world.visitor();
    visitor.opens("/register").expect(403).says("invitation");
    assert!(!visitor.opens("/login").expect(200).text().contains("/register"));
    let before = world.records();
    let body = json!({"email": ALICE, "password": PASSWORD});
    visitor.api("POST", "/register", body.clone()).refused(403, "invitation_needed");
    visitor.posts("/register", &[("email", ALICE), ("password", PASSWORD)]).expect(403);
    assert_eq!(world.records(), before);
    for nonsense in ["gli_x", "x", &format!("gli_{}", "A".repeat(43)), &format!("gls_{}", "A".repeat(43))] {
        let mut body = body.clone();
        body["invitation"] = json!(nonsense);
        visitor.api("POST", "/register", body).refused(403, "token_invalid");
        visitor.opens(&format!("/invite/{nonsense}")).expect(403);
    }
    assert_eq!(world.deliver_mail().len(), 0);
}

#[test]
fn who_is_invited_by_mail_chooses_a_password_and_has_an_account() {
    let world = World::with(INVITE);
    let shown = invite(&world, &json!({"email": ALICE, "groups": ["staff"]}));
    assert_eq!((&shown["email"], &shown["uses_left"], shown.get("link")), (&json!(ALICE), &json!(1), None));
    let letter = world.only_letter_to(ALICE);
    let browser = world.visitor();
    let before = world.records();
    browser.opens(&letter.path()).expect(200).says("readonly");
    assert_eq!(world.records(), before, "opening it uses nothing up");
    browser.posts(&letter.path(), &[("email", ALICE), ("password", "short")]).expect(422).says("at least 15");
    browser.posts(&letter.path(), &[("email", BOB), ("password", PASSWORD)]).expect(422).says("another address");
    browser.posts(&letter.path(), &[("email", ALICE), ("password", PASSWORD)]).leads_to("/login?notice=registered");
    world.expect_no_post();
    let user = browser.log_in(ALICE, PASSWORD).expect(200).json()["user"].clone();
    assert_eq!(user["groups"], json!(["staff"]));
    assert!(user["confirmed_at"].is_string());
    world.visitor().opens(&letter.path()).expect(403);
    world.visitor().posts(&letter.path(), &[("email", ALICE), ("password", PASSWORD)]).expect(403);
}

#[test]
fn who_has_a_link_registers_and_confirms_and_the_link_is_used_up() {
    let world = World::with(INVITE);
    let token = link(&world, 1);
    let register = |email: &str| {
        let browser = world.visitor();
        let body = json!({"email": email, "password": PASSWORD, "invitation": token});
        (browser.api("POST", "/register", body), browser)
    };
    let (accepted, alice) = register(ALICE);
    accepted.expect(202);
    let (accepted, bob) = register(BOB);
    accepted.expect(202);
    let letters = world.deliver_mail();
    let of = |to: &str| json!({"token": letters.iter().find(|letter| letter.to == to).expect("a mail").token()});
    alice.api("POST", "/confirm", of(ALICE)).expect(200);
    // The one use is gone: it was not bob's registration that took it, but whoever confirmed first.
    bob.api("POST", "/confirm", of(BOB)).refused(403, "token_invalid");
    bob.log_in(BOB, PASSWORD).refused(401, "invalid_credentials");
    register("carol@example.org").0.refused(403, "token_used");
    alice.log_in(ALICE, PASSWORD).expect(200);
}

#[test]
fn a_link_for_two_lets_two_in_by_page_too() {
    let world = World::with(INVITE);
    let token = link(&world, 2);
    for email in [ALICE, BOB] {
        let browser = world.visitor();
        let path = format!("/invite/{token}");
        browser.opens(&path).expect(200).says("name=\"email\"");
        browser.posts(&path, &[("email", email), ("password", PASSWORD)]).leads_to("/register/sent");
        browser.posts(&world.only_letter_to(email).path(), &[]).leads_to("/login?notice=confirmed");
        browser.log_in(email, PASSWORD).expect(200);
    }
    world.visitor().opens(&format!("/invite/{token}")).expect(403);
}

#[test]
fn an_invitation_expires_and_is_taken_back() {
    let world = World::with(INVITE);
    let (old, revoked) = (link(&world, 1), invite(&world, &json!({"uses": 5, "within": "30d"})));
    let register = |token: &str, email: &str| {
        let browser = world.visitor();
        let body = json!({"email": email, "password": PASSWORD, "invitation": token});
        (browser.api("POST", "/register", body), browser)
    };
    let late = secret(revoked["link"].as_str().expect("a link")).to_owned();
    let (accepted, bob) = register(&late, BOB);
    accepted.expect(202);
    let token = world.only_letter_to(BOB).token();
    world.command(json!({"command": "invite-revoke", "id": revoked["id"]})).expect("revoked");
    bob.api("POST", "/confirm", json!({"token": token})).refused(403, "token_invalid");
    register(&late, BOB).0.refused(403, "token_invalid");
    let again = world.command(json!({"command": "invite-revoke", "id": revoked["id"]}));
    assert!(again.is_err_and(|why| why.contains("there is no invitation")));
    world.advance(7 * DAY);
    register(&old, ALICE).0.refused(403, "token_expired");
}

#[test]
fn a_registration_made_in_time_is_confirmed_after_its_invitation_has_expired() {
    let world = World::with(INVITE);
    let token = secret(invite(&world, &json!({"within": "1h"}))["link"].as_str().expect("a link")).to_owned();
    let browser = world.visitor();
    browser.api("POST", "/register", json!({"email": ALICE, "password": PASSWORD, "invitation": token})).expect(202);
    let letter = world.only_letter_to(ALICE);
    world.advance(DAY);
    browser.api("POST", "/confirm", json!({"token": letter.token()})).expect(200);
}

#[test]
fn an_administrator_invites_by_the_api() {
    let world = World::new();
    let root = world.administrator("root@example.org");
    let made = root.api("POST", "/admin/invitations", json!({"uses": 3, "within": "2d", "groups": ["guests"]}));
    let made = made.expect(200).json();
    assert!(made["link"].as_str().is_some_and(|link| link.starts_with("https://auth.example.org/invite/gli_")));
    let listed = root.api("GET", "/admin/invitations", Value::Null).expect(200).json();
    assert_eq!((&listed["items"][0]["id"], listed["items"][0].get("link")), (&made["id"], None), "it is told once");
    let path = format!("/admin/invitations/{}", made["id"].as_str().expect("an id"));
    root.api("DELETE", &path, Value::Null).expect(204);
    root.api("DELETE", &path, Value::Null).refused(404, "not_found");
    root.api("POST", "/admin/invitations", json!({"email": "root@example.org"})).refused(409, "conflict");
    for wrong in [
        json!({"uses": 0}),
        json!({"uses": 1001}),
        json!({"within": "soon"}),
        json!({"within": "366d"}),
        json!({"email": ALICE, "uses": 2}),
        json!({"email": "nobody"}),
        json!({"groups": ["Not a group"]}),
    ] {
        root.api("POST", "/admin/invitations", wrong).refused(422, "refused");
    }
}

#[test]
fn an_invitation_passes_the_list_of_domains_by_mail_but_not_by_link() {
    let world = World::with("[registration]\nmode = \"invite\"\nallowed_domains = [\"example.com\"]");
    let token = link(&world, 1);
    let browser = world.visitor();
    let body = json!({"email": ALICE, "password": PASSWORD, "invitation": token});
    let told = browser.api("POST", "/register", body).refused(422, "invalid_fields").json();
    assert_eq!(told["fields"]["email"], json!([{"code": "domain_not_allowed"}]));
    invite(&world, &json!({"email": ALICE}));
    let letter = world.only_letter_to(ALICE);
    let body = json!({"email": ALICE, "password": PASSWORD, "invitation": letter.token()});
    let done = browser.api("POST", "/register", body).expect(200);
    assert_eq!(done.json(), json!({"status": "confirmed"}));
}

#[test]
fn a_closed_house_invites_nobody() {
    let world = World::with("[registration]\nmode = \"closed\"");
    let command = json!({"command": "invite-add", "email": null, "within": null, "uses": null, "groups": []});
    assert!(world.command(command).is_err_and(|why| why.contains("closed")));
}

#[test]
fn what_is_over_is_listed_for_a_month_and_then_swept() {
    let world = World::with(INVITE);
    link(&world, 1);
    let count = || {
        let listed = world.command(json!({"command": "invite-list", "after": null, "limit": 10})).expect("listed");
        listed["items"].as_array().expect("items").len()
    };
    world.advance(30 * DAY);
    world.block_on(world.app.sweep()).expect("memory does not fail");
    assert_eq!(count(), 1);
    world.advance(8 * DAY);
    world.block_on(world.app.sweep()).expect("memory does not fail");
    assert_eq!(count(), 0);
}

#[test]
fn an_invitation_into_the_administrators_dies_with_the_rights_of_its_maker() {
    const ROOT: &str = "root@example.org";
    let group = |member: bool| json!({"command": "user-group", "user": ROOT, "group": "admins", "member": member});
    for (loses, gains) in [
        (group(false), Some(group(true))),
        (json!({"command": "user-disable", "user": ROOT}), Some(json!({"command": "user-enable", "user": ROOT}))),
        (json!({"command": "user-delete", "user": ROOT}), None),
    ] {
        let world = World::new();
        world.administrator("second@example.org");
        let root = world.administrator(ROOT);
        let invite = |what: Value| root.api("POST", "/admin/invitations", what).expect(200).json();
        let link_into = |groups: Value| {
            let link = invite(json!({"groups": groups, "uses": 9}))["link"].as_str().expect("a link").to_owned();
            secret(&link).to_owned()
        };
        let (into_admins, into_staff) = (link_into(json!(["staff", "admins"])), link_into(json!(["staff"])));
        let by_hand = self::invite(&world, &json!({"groups": ["admins"]}))["link"].as_str().expect("a link").to_owned();
        world.deliver_mail();
        invite(json!({"email": "carol@example.org", "groups": ["admins"]}));
        let mailed = world.only_letter_to("carol@example.org");
        let register = |email: &str, token: &str| {
            let browser = world.visitor();
            let reply =
                browser.api("POST", "/register", json!({"email": email, "password": PASSWORD, "invitation": token}));
            (reply, browser)
        };
        // Alice has registered and not confirmed when its maker is thrown out.
        let (accepted, alice) = register(ALICE, &into_admins);
        accepted.expect(202);
        let confirmation = json!({"token": world.only_letter_to(ALICE).token()});
        world.command(loses).expect("done");
        world.deliver_mail();
        alice.api("POST", "/confirm", confirmation.clone()).refused(403, "token_invalid");
        register(BOB, &into_admins).0.refused(403, "token_invalid");
        register("carol@example.org", &mailed.token()).0.refused(403, "token_invalid");
        world.visitor().opens(&mailed.path()).expect(403);
        world.command(json!({"command": "user-confirm", "user": ALICE})).expect_err("nobody confirms it either");
        // What leads elsewhere, or was made by others, still does.
        register(BOB, &into_staff).0.expect(202);
        register("dora@example.org", secret(&by_hand)).0.expect(202);
        if let Some(gains) = gains {
            world.command(gains).expect("done");
            alice.api("POST", "/confirm", confirmation).expect(200);
        }
    }
}

#[test]
fn an_address_is_mailed_so_many_invitations() {
    let world = World::new();
    let root = world.administrator("root@example.org");
    root.log_in("root@example.org", PASSWORD).expect(200);
    world.deliver_mail();
    let invite = || root.api("POST", "/admin/invitations", json!({"email": "stranger@example.net"}));
    (0..5).for_each(|_| drop(invite().expect(200)));
    invite().refused(409, "conflict");
    assert_eq!(world.deliver_mail().len(), 5);
}
