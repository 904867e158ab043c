//! What needs administrators is mailed to them, once a day at most.

use gatelodge::base::{DAY, HOUR};
use serde_json::json;

use crate::world::{ALICE, PASSWORD, World};

const ROOT: &str = "root@example.org";

/// A house in which a mail was given up.
fn house(settings: &str) -> World {
    let world = World::with(settings);
    world.administrator(ROOT);
    world.member(ALICE, PASSWORD);
    world.deliver_mail();
    world
}

fn give_a_mail_up(world: &World) {
    world.visitor().api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    world.block_on(async {
        while world.app.process_mail_requests().await.expect("memory does not fail") {}
        let (id, ..) = world.app.claim_mail().await.expect("memory does not fail").expect("one is due");
        world.app.note_failed_mail(id, "550 no such user".into(), true).await.expect("memory does not fail");
    });
}

fn tells(world: &World) -> bool {
    world.block_on(world.app.tell_administrators()).expect("memory does not fail")
}

#[test]
fn administrators_are_told_of_mails_that_were_given_up() {
    let world = house("");
    assert!(!tells(&world), "all is well");
    give_a_mail_up(&world);
    assert!(tells(&world));
    let letter = world.only_letter_to(ROOT);
    assert!(
        letter.text.contains("1 email could not be delivered") && letter.text.contains("/admin"),
        "{}",
        letter.text
    );
    world.advance(HOUR);
    give_a_mail_up(&world);
    assert!(!tells(&world), "once a day at most");
    world.expect_no_post();
    world.advance(DAY);
    assert!(tells(&world), "what was given up meanwhile is told then");
    world.deliver_mail();
    world.advance(2 * DAY);
    assert!(!tells(&world), "nothing is told twice");
}

#[test]
fn administrators_are_told_of_a_full_disk_as_long_as_it_is() {
    let world = house("");
    world.app.note_free_space(0);
    assert!(tells(&world));
    assert!(world.only_letter_to(ROOT).text.contains("The disk is nearly full"));
    world.advance(DAY);
    assert!(tells(&world));
    world.app.note_free_space(u64::MAX);
    world.deliver_mail();
    world.advance(DAY);
    assert!(!tells(&world));
}

#[test]
fn a_certificate_that_is_not_renewed_is_told_with_the_reason() {
    let world = house("");
    world.app.measures.note_renewal(Some("the authority <b>refused</b>".into()));
    assert!(tells(&world));
    let letter = world.only_letter_to(ROOT);
    assert!(
        letter.text.contains("could not be renewed") && letter.text.contains("&lt;b&gt;refused"),
        "{}",
        letter.text
    );
}

#[test]
fn whoever_switches_it_off_is_told_nothing() {
    let world = house("");
    let mut settings = world.app.env().config.clone();
    settings.mail.admin_digest = false;
    world.app.reconfigure(settings).expect("the templates are well formed");
    world.app.note_free_space(0);
    assert!(!tells(&world));
    world.expect_no_post();
}
