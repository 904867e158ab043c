//! The outbox: nothing leaves it unnoticed.

use gatelodge::base::{DAY, HOUR, MINUTE, MailId, NodeId};
use gatelodge::mail::{self, Mail, MailState};
use gatelodge::store::{Direction, KeySpan, schema};
use serde_json::json;

use crate::world::{ALICE, PASSWORD, World};

fn with_a_queued_mail() -> World {
    let world = World::new();
    world.visitor().api("POST", "/register", json!({"email": ALICE, "password": PASSWORD})).expect(202);
    world.block_on(world.app.process_mail_requests()).expect("memory does not fail");
    world
}

fn only_mail(world: &World) -> (MailId, Mail) {
    let mut mails = world.app.read_blocking(|view| mail::list(view, None, 10)).expect("memory does not fail");
    assert_eq!(mails.len(), 1);
    mails.remove(0)
}

fn tries(
    world: &World,
    attempt: fn(
        &mut dyn gatelodge::store::Transaction,
        MailId,
        gatelodge::base::Timestamp,
    ) -> Result<(), gatelodge::store::StoreError>,
) -> bool {
    world.block_on(async {
        let Some((id, _, _)) = world.app.claim_mail().await.expect("memory does not fail") else { return false };
        world.app.write(move |work| attempt(work.tx, id, work.moment.now())).await.expect("memory does not fail");
        true
    })
}

#[test]
fn pauses_grow_until_the_mail_is_given_up_and_seen() {
    let world = with_a_queued_mail();
    let mut pauses = Vec::new();
    while only_mail(&world).1.state != MailState::Failed {
        assert!(tries(&world, |tx, id, now| mail::postpone(tx, id, "server down", now).map(drop)));
        let (_, mail) = only_mail(&world);
        if mail.state == MailState::Queued {
            pauses.push(mail.due_at.since(world.app.now()));
            world.advance(*pauses.last().expect("just pushed"));
        }
    }
    assert_eq!(pauses[..8], [10, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR]);
    assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]));
    let total: u64 = pauses.iter().sum();
    // A confirmation link lives two days; delivering it later would be of no use.
    assert!((DAY..=2 * DAY).contains(&total), "{total}");
    assert_eq!(only_mail(&world).1.last_error.as_deref(), Some("server down"));
}

#[test]
fn a_refused_mail_is_kept_to_be_seen_and_queued_again() {
    let world = with_a_queued_mail();
    assert!(tries(&world, |tx, id, _| mail::fail(tx, id, "550 no such user")));
    let (id, failed) = only_mail(&world);
    assert_eq!((failed.state, failed.last_error.as_deref()), (MailState::Failed, Some("550 no such user")));
    assert!(!tries(&world, |_, _, _| Ok(())), "a failed mail is not tried");
    world
        .block_on(world.app.write(move |work| mail::retry(work.tx, id, work.moment.now())))
        .expect("memory does not fail");
    world.only_letter_to(ALICE);
}

#[test]
fn an_attempt_the_program_did_not_survive_is_repeated_with_the_same_bytes() {
    let world = with_a_queued_mail();
    let claim = || world.block_on(world.app.claim_mail()).expect("memory does not fail");
    let (_, _, first) = claim().expect("a mail is due");
    assert!(claim().is_none(), "the attempt is under way");
    world.block_on(world.app.release_mail_claims()).expect("memory does not fail");
    let (_, _, second) = claim().expect("due again after the restart");
    assert_eq!(first, second);
}

#[test]
fn a_mail_that_cannot_be_unsealed_is_given_up_and_holds_up_nothing_behind_it() {
    let world = with_a_queued_mail();
    let (damaged, _) = only_mail(&world);
    let changed = world.app.write(|work| {
        let another = work.env.seal.successor(work.moment);
        mail::reseal(work.tx, work.moment, (&work.env.seal, &another))
    });
    world.block_on(changed).expect("memory does not fail");
    world.visitor().api("POST", "/register", json!({"email": "bob@example.org", "password": PASSWORD})).expect(202);
    world.only_letter_to("bob@example.org");
    let (id, mail) = only_mail(&world);
    assert_eq!((id, mail.state), (damaged, MailState::Failed));
    assert!(mail.last_error.is_some_and(|reason| reason.contains("damaged")));
    assert!(world.audit().iter().any(|(act, ..)| act == "mail-given-up"));
}

/// It may be under way there: freed by another's start, it would arrive twice.
#[test]
fn what_another_node_is_sending_is_left_to_it() {
    let world = with_a_queued_mail();
    let (id, _) = only_mail(&world);
    let two = NodeId::from_number(2);
    let claimed = world.app.write(move |work| {
        mail::claim(work.tx, (two, &work.env.seal), id, work.moment.earliest()).map(|mail| mail.is_some())
    });
    assert!(world.block_on(claimed).expect("memory does not fail"));
    world.block_on(world.app.release_mail_claims()).expect("memory does not fail");
    world.expect_no_post();
    let released = world.app.write(move |work| mail::release_claims(work.tx, two, None, work.moment.earliest()));
    world.block_on(released).expect("memory does not fail");
    world.only_letter_to(ALICE);
}

#[test]
fn a_mail_whose_link_is_dead_is_not_sent_but_shown() {
    let world = with_a_queued_mail();
    world.advance(3 * DAY);
    world.expect_no_post();
    let (_, mail) = only_mail(&world);
    assert_eq!(mail.state, MailState::Failed);
    assert!(mail.last_error.is_some_and(|reason| reason.contains("no longer useful")));
}

#[test]
fn a_delivered_mail_is_wiped() {
    let world = with_a_queued_mail();
    world.only_letter_to(ALICE);
    assert!(world.app.read_blocking(|view| mail::list(view, None, 10)).expect("memory does not fail").is_empty());
}

#[test]
fn nothing_secret_stands_readable_in_the_store() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    world.visitor().api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    world.block_on(world.app.process_mail_requests()).expect("memory does not fail");
    let records = world.records();
    let contains = |needle: &str| {
        records.iter().any(|(_, value)| value.windows(needle.len()).any(|window| window == needle.as_bytes()))
    };
    let cookies = browser.cookies.borrow();
    for secret in cookies.values().map(String::as_str).chain([PASSWORD, "glt_", "gls_", "/reset/"]) {
        assert!(!contains(secret), "{secret}");
    }
    assert!(contains(ALICE), "the check itself finds what is there");
}

#[test]
fn requests_that_wait_to_be_decided_are_counted_among_the_mails() {
    let world = World::new();
    let waiting = || {
        let listed = world.command(json!({"command": "mail-list", "after": null, "limit": 9})).expect("a list");
        (listed["items"].as_array().map(Vec::len), listed["requests"].clone())
    };
    assert_eq!(waiting(), (Some(0), json!(0)));
    // Nobody decides at this moment: the clock is wrong, or the server busy.
    for email in [ALICE, "bob@example.org"] {
        world.visitor().api("POST", "/register", json!({"email": email, "password": PASSWORD})).expect(202);
    }
    assert_eq!(waiting(), (Some(0), json!(2)));
    world.block_on(async { while world.app.process_mail_requests().await.expect("memory does not fail") {} });
    assert_eq!(waiting(), (Some(2), json!(0)));
}

/// What can be told of the requests that were dropped.
fn dropped(world: &World) -> usize {
    world.audit().iter().filter(|(act, _, _)| act == "mail-request-dropped").count()
}

#[test]
fn a_request_that_cannot_be_read_holds_up_nobody() {
    let world = World::new();
    let before = gatelodge::metrics::DROPPED_MAILS.get();
    // The first is no record, the second a record of a kind that nobody knows: both stand before all others.
    let damaged: [&[u8]; 2] = [&[1, 2, 3], &[2, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]];
    let planted = world.app.write(move |work| {
        damaged.iter().enumerate().try_for_each(|(number, value)| {
            let place = u8::try_from(number).expect("small");
            work.tx.put(&[&[schema::LINK_REQUESTS.prefix][..], &[0; 15], &[place]].concat(), value)
        })
    });
    world.block_on(planted).expect("memory does not fail");
    world.visitor().api("POST", "/register", json!({"email": ALICE, "password": PASSWORD})).expect(202);
    world.only_letter_to(ALICE);
    assert_eq!(dropped(&world), 2);
    assert!(gatelodge::metrics::DROPPED_MAILS.get() >= before + 2);
}

#[test]
fn a_request_that_leads_to_a_record_which_cannot_be_read_holds_up_nobody() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    world.visitor().api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    let damaged = world.app.write(|work| {
        let accounts = work.tx.scan(&KeySpan::prefix(&[schema::ACCOUNTS.prefix]), Direction::Up, 9)?;
        accounts.iter().try_for_each(|(key, _)| work.tx.put(key, &[0xff]))
    });
    world.block_on(damaged).expect("memory does not fail");
    world.visitor().api("POST", "/register", json!({"email": "bob@example.org", "password": PASSWORD})).expect(202);
    world.only_letter_to("bob@example.org");
    assert_eq!(dropped(&world), 1);
}
