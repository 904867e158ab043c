//! User names that were given up: applications know people by them, so nobody becomes another by taking one.

use gatelodge::admin::{Refusal, Remedy};
use serde_json::{Value, json};

use super::doors::Proxy;
use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, Reply, Visitor, World};

const BOB: &str = "bob@example.org";

/// A house with an application for Ada alone.
const FOR_ADA: &str = "[proxy]\ntrusted = [\"10.9.0.0/24\"]\n[access]\n\
    domains = [{ cookie = \"example.org\", url = \"https://auth.example.org\" }]\n\
    [[access.rules]]\nhosts = [\"diary.example.org\"]\nallow = \"logged-in\"\nusers = [\"ada\"]\n";

fn wants(who: &Visitor<'_>, name: &str) -> Reply {
    who.api("POST", "/account/username", json!({"username": name}))
}

fn is_hers<'a>(world: &'a World, name: &str) -> Visitor<'a> {
    let ada = world.logged_in(ALICE, PASSWORD);
    wants(&ada, name).expect(200);
    world.deliver_mail();
    ada
}

/// Somebody who is about to confirm a registration with this name.
fn registers<'a>(world: &'a World, email: &str, name: &str) -> (Visitor<'a>, String) {
    let browser = world.visitor();
    browser.api("POST", "/register", json!({"email": email, "password": PASSWORD, "username": name})).expect(202);
    let mails = world.deliver_mail();
    let letter = mails.into_iter().find(|letter| letter.to == email).expect("a link");
    (browser, letter.token())
}

fn add(name: &str) -> Value {
    json!({"command": "user-add", "username": name, "password": OTHER_PASSWORD, "admin": false, "confirmed": false, "groups": []})
}

fn frees(world: &World, name: &str) -> Result<Value, String> {
    world.command(json!({"command": "user-free-username", "username": name}))
}

fn diary(who: &Visitor<'_>) -> u16 {
    Proxy::for_browser(who).forward("GET", "https://diary.example.org/").status()
}

#[test]
fn nobody_comes_in_by_the_name_of_somebody_who_has_another_now() {
    let world = World::with(FOR_ADA);
    let (bob, ada) = (world.logged_in(BOB, PASSWORD), is_hers(&world, "ada"));
    assert_eq!(diary(&ada), 200);
    wants(&ada, "lovelace").expect(200);
    wants(&bob, "ada").refused(409, "username_taken");
    bob.posts("/account/username", &[("username", "ada")]).expect(409).says("Somebody else has this user name");
    assert_eq!((diary(&ada), diary(&bob)), (403, 403));
    // Nobody logs in by it either.
    world.visitor().log_in("ada", PASSWORD).refused(401, "invalid_credentials");
    // She may have it back, and what she had meanwhile stays hers too.
    wants(&ada, "ada").expect(200);
    assert_eq!(diary(&ada), 200);
    wants(&bob, "lovelace").refused(409, "username_taken");
    wants(&ada, "lovelace").expect(200);
    wants(&bob, "ada").refused(409, "username_taken");
}

#[test]
fn whoever_registers_with_a_name_of_before_learns_what_whoever_registers_with_a_name_of_today_does() {
    let world = World::with(FOR_ADA);
    let ada = is_hers(&world, "ada");
    wants(&world.logged_in("grace@example.org", PASSWORD), "grace").expect(200);
    world.deliver_mail();
    ada.api("POST", "/account/delete", json!({"current_password": PASSWORD})).expect(204);
    let told = |email: &str, name: &str| {
        let (browser, token) = registers(&world, email, name);
        let first = browser.api("POST", "/confirm", json!({"token": token})).refused(409, "username_taken");
        // Of the name that is given in its place, too.
        let second = browser.api("POST", "/confirm", json!({"token": token, "username": name}));
        let told = (first.json(), second.refused(409, "username_taken").json());
        browser.api("POST", "/confirm", json!({"token": token, "username": format!("{name}2")})).expect(200);
        browser.log_in(email, PASSWORD).expect(200);
        assert_eq!(diary(&browser), 403);
        told
    };
    assert_eq!(told("eve@example.org", "ada"), told("mallory@example.org", "grace"));
}

#[test]
fn whoever_opens_an_account_at_once_is_told_that_the_name_is_taken() {
    let world = World::with("[registration]\nconfirm_email = false");
    wants(&is_hers(&world, "ada"), "lovelace").expect(200);
    let new = json!({"email": "eve@example.org", "password": PASSWORD, "username": "ada"});
    let told = world.visitor().api("POST", "/register", new).refused(422, "invalid_fields").json();
    assert_eq!(told["fields"]["username"], json!([{"code": "taken"}]));
}

#[test]
fn whoever_approves_a_registration_gives_it_no_name_of_before() {
    let world = World::with("[registration]\nmode = \"approval\"");
    let (browser, token) = registers(&world, "eve@example.org", "ada");
    world.command(add("ada")).expect("added");
    let ada = world.visitor();
    ada.log_in("ada", OTHER_PASSWORD).expect(200);
    wants(&ada, "lovelace").expect(200);
    browser.api("POST", "/confirm", json!({"token": token})).refused(409, "username_taken");
}

#[test]
fn an_administrator_frees_the_name_of_a_deleted_account() {
    let world = World::with(FOR_ADA);
    is_hers(&world, "ada");
    world.command(json!({"command": "user-delete", "user": "ada"})).expect("deleted");
    let Refusal { message, remedy, .. } = world.refusal(add("Ada"));
    assert_eq!(
        message.in_english(),
        "somebody gave the user name ada up, and other applications may know them by it still"
    );
    assert_eq!(remedy, Some(Remedy::FreeUsername("ada".to_owned())));
    world.deliver_mail();
    let root = world.administrator("root@example.org");
    let by_api = root.api("POST", "/admin/users", json!({"username": "ada", "password": OTHER_PASSWORD}));
    let detail = by_api.refused(409, "conflict").json()["detail"].clone();
    assert!(detail.as_str().is_some_and(|detail| detail.contains("an administrator frees it")), "{detail}");

    assert_eq!(frees(&world, "ADA"), Ok(json!({"username": "ada"})));
    assert_eq!(world.audit().iter().filter(|(act, ..)| act == "username-freed").count(), 1);
    world.command(add("ada")).expect("added");
    // It is somebody's again, and not to be freed.
    assert_eq!(frees(&world, "ada"), Err("nobody gave the user name ada up".to_owned()));
    let taken = world.refusal(add("ada"));
    assert_eq!(
        (taken.message.in_english().as_str(), taken.remedy),
        ("another account has the user name ada", Some(Remedy::ShowAccount))
    );
}

#[test]
fn an_administrator_frees_the_name_that_somebody_gave_up() {
    let world = World::with(FOR_ADA);
    let (bob, ada) = (world.logged_in(BOB, PASSWORD), is_hers(&world, "ada"));
    wants(&ada, "lovelace").expect(200);
    frees(&world, "ada").expect("freed");
    wants(&bob, "ada").expect(200);
    assert_eq!((diary(&ada), diary(&bob)), (403, 200));
    wants(&ada, "ada").refused(409, "username_taken");
    assert_eq!(frees(&world, "nobody"), Err("nobody gave the user name nobody up".to_owned()));
    frees(&world, "no name").expect_err("it is none");
}

/// Else whoever may rename themselves would have every name of the house before long.
#[test]
fn nobody_collects_user_names() {
    let world = World::with("[throttle]\nenabled = false");
    let ada = is_hers(&world, "ada0");
    (1..=10).for_each(|number| drop(wants(&ada, &format!("ada{number}")).expect(200)));
    let before = world.records();
    let told = wants(&ada, "ada11").refused(409, "conflict").json()["detail"].clone();
    assert!(told.as_str().is_some_and(|told| told.contains("given up so many user names")), "{told}");
    assert_eq!(world.records(), before);
    // Between those that are hers she may change as she likes.
    wants(&ada, "ada0").expect(200);
    wants(&ada, "ada10").expect(200);
    wants(&ada, "ada11").refused(409, "conflict");
    frees(&world, "ada3").expect("freed");
    wants(&ada, "ada11").expect(200);
    wants(&ada, "ada12").refused(409, "conflict");
}
