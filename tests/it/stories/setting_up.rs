//! The first administrator, by a link that is printed at a start.

use gatelodge::accounts::person;
use gatelodge::base::{Identity, MINUTE};
use serde_json::json;

use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, Reply, World};

fn starts(world: &World) -> Option<String> {
    let link = world.block_on(world.app.begin_set_up()).expect("memory does not fail")?;
    let token = link.strip_prefix("https://auth.example.org/setup/").expect("a page of this site");
    assert!(token.starts_with("glf_"), "{token}");
    Some(token.to_owned())
}

fn sets_up(world: &World, token: &str, email: &str, password: &str) -> Reply {
    world.visitor().api("POST", "/setup", json!({"token": token, "email": email, "password": password}))
}

#[test]
fn the_link_makes_an_administrator_who_can_log_in_at_once() {
    let world = World::new();
    let token = starts(&world).expect("nobody administers it");
    let browser = world.visitor();
    let page = format!("/setup/{token}");
    browser.opens(&page).says("Nobody administers Hill Street yet");
    browser.posts(&page, &[("email", ALICE), ("password", PASSWORD)]).leads_to("/login?notice=set-up");
    world.expect_no_post();
    let session = browser.log_in(ALICE, PASSWORD).expect(200).json();
    assert_eq!(session["user"]["groups"], json!(["admins"]));
    let made = world.audit().into_iter().find(|(act, ..)| act == "account-added").expect("a row");
    assert_eq!(made.1, "done");
}

#[test]
fn it_works_once_and_never_comes_back_even_when_nobody_administers_the_site_any_more() {
    let world = World::new();
    let token = starts(&world).expect("nobody administers it");
    sets_up(&world, &token, ALICE, PASSWORD).expect(200);
    sets_up(&world, &token, "mallory@example.org", OTHER_PASSWORD).refused(403, "token_used");
    assert_eq!(starts(&world), None);
    // No command takes the last administrator away; a store that somebody worked on by hand may be without.
    let alice = world
        .app
        .read_blocking(|view| person::find(view, &Identity::parse(ALICE)))
        .expect("reads")
        .expect("she is there");
    world.block_on(world.app.write(move |work| person::remove(work.tx, alice.id))).expect("written");
    assert_eq!(starts(&world), None);
}

#[test]
fn there_is_none_where_somebody_administers_the_site_already() {
    let world = World::new();
    let link = starts(&world).expect("nobody administers it");
    world.member(ALICE, PASSWORD);
    let newer = starts(&world).expect("members are no administrators");
    world.command(json!({"command": "user-group", "user": ALICE, "group": "admins", "member": true})).expect("done");
    for token in [link, newer] {
        sets_up(&world, &token, "mallory@example.org", OTHER_PASSWORD).refused(403, "token_invalid");
    }
    assert_eq!(starts(&world), None);
}

#[test]
fn it_expires_after_half_an_hour_and_the_next_start_prints_another() {
    let world = World::new();
    let token = starts(&world).expect("nobody administers it");
    world.advance(30 * MINUTE);
    sets_up(&world, &token, ALICE, PASSWORD).refused(403, "token_expired");
    let newer = starts(&world).expect("still nobody");
    sets_up(&world, &token, ALICE, PASSWORD).refused(403, "token_invalid");
    sets_up(&world, &newer, ALICE, PASSWORD).expect(200);
}

#[test]
fn what_is_not_right_yet_uses_nothing_up() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let token = starts(&world).expect("nobody administers it");
    sets_up(&world, &token, "bobby@example.org", "short").refused(422, "invalid_fields");
    sets_up(&world, &token, ALICE, PASSWORD).refused(422, "invalid_fields");
    let page = format!("/setup/{token}");
    world.visitor().posts(&page, &[("email", "bobby"), ("password", PASSWORD)]).expect(422).says("value=\"bobby\"");
    sets_up(&world, &token, "bobby@example.org", PASSWORD).expect(200);
}

#[test]
fn guesses_at_the_link_are_limited() {
    let world = World::new();
    starts(&world).expect("nobody administers it");
    let guess = format!("glf_{}", "A".repeat(43));
    let answers: Vec<u16> = (0..70).map(|_| sets_up(&world, &guess, ALICE, PASSWORD).status()).collect();
    assert!(answers.starts_with(&[403, 403]) && answers.ends_with(&[429]), "{answers:?}");
}
