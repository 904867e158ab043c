//! Somebody guesses passwords, and the owner gets in all the same.

use std::collections::BTreeSet;

use gatelodge::base::{DAY, HOUR, MINUTE};
use serde_json::{Value, json};

use crate::world::{ALICE, OTHER_PASSWORD, PASSWORD, Reply, Visitor, World};

const FAR: &str = "203.0.113.9";

/// Guesses until there is another answer than "wrong".
fn guesses(stranger: &Visitor<'_>, identity: &str) -> (usize, Reply) {
    for count in 0..200 {
        let reply = stranger.log_in(identity, OTHER_PASSWORD);
        if reply.status() != 401 {
            return (count, reply);
        }
    }
    panic!("nobody stopped the guesses");
}

fn wait_of(reply: &Reply) -> u64 {
    reply.header("retry-after").and_then(|seconds| seconds.parse().ok()).expect("seconds")
}

#[test]
fn after_ten_wrong_passwords_a_guesser_has_to_wait() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let (count, reply) = guesses(&world.visitor_from(FAR), ALICE);
    assert_eq!(count, 10);
    let reply = reply.refused(429, "too_many_attempts");
    assert_eq!(wait_of(&reply), 15 * MINUTE);
    // Not even the right one is looked at.
    world.visitor_from(FAR).log_in(ALICE, PASSWORD).refused(429, "too_many_attempts");
    world.advance(15 * MINUTE);
    assert_eq!(guesses(&world.visitor_from(FAR), ALICE).0, 1);
}

#[test]
fn a_name_that_nobody_has_is_held_up_in_the_same_way() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let known = guesses(&world.visitor_from("198.51.100.1"), ALICE);
    let unknown = guesses(&world.visitor_from("198.51.100.2"), "nobody@example.org");
    assert_eq!(known.0, unknown.0);
    assert_eq!((known.1.head.headers, known.1.body), (unknown.1.head.headers, unknown.1.body));
}

#[test]
fn every_spelling_of_a_name_is_the_same_name() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let stranger = world.visitor_from(FAR);
    for spelling in
        ["alice@example.org", "ALICE@example.org", " alice@EXAMPLE.ORG ", "Alice@Example.Org", "aLICE@example.org"]
    {
        (0..2).for_each(|_| drop(stranger.log_in(spelling, OTHER_PASSWORD).expect(401)));
    }
    stranger.log_in("alice@Example.org", OTHER_PASSWORD).refused(429, "too_many_attempts");
}

#[test]
fn the_owner_gets_in_from_a_known_browser_while_guesses_are_refused() {
    let world = World::new();
    let owner = world.logged_in(ALICE, PASSWORD);
    let other = world.logged_in("bob@example.org", PASSWORD);
    let stranger = world.visitor_from(FAR);
    guesses(&stranger, ALICE);
    owner.api("POST", "/logout", Value::Null).expect(204);
    owner.log_in(ALICE, PASSWORD).expect(200);
    assert!(owner.is_logged_in());
    stranger.log_in(ALICE, PASSWORD).refused(429, "too_many_attempts");
    // A browser that knows somebody else is like any other.
    other.log_in(ALICE, PASSWORD).refused(429, "too_many_attempts");
}

#[test]
fn a_known_browser_has_a_limit_of_its_own() {
    let world = World::with("[throttle]\nname = \"1000, then one every 1s\"\nnetwork = \"1000, then one every 1s\"\n");
    let owner = world.logged_in(ALICE, PASSWORD);
    // Ten as a known browser; from then on it is like any other, and no worse.
    (0..15).for_each(|_| drop(owner.log_in(ALICE, OTHER_PASSWORD).expect(401)));
    owner.log_in(ALICE, PASSWORD).expect(200);
}

#[test]
fn a_stolen_device_cookie_is_worth_a_hundred_guesses_at_most() {
    let settings = "[throttle]\ndevice = \"1000, then one every 1s\"\nname = \"1, then one every 1h\"\n";
    let world = World::with(settings);
    let owner = world.logged_in(ALICE, PASSWORD);
    let thief = world.visitor_from(FAR);
    let stolen = owner.cookies.borrow()["__Host-gatelodge-device"].clone();
    thief.cookies.borrow_mut().insert("__Host-gatelodge-device".into(), stolen);
    let (count, reply) = guesses(&thief, ALICE);
    // A hundred with the cookie, and the one that anybody has.
    assert_eq!((count, reply.status()), (101, 429));
}

#[test]
fn after_a_hundred_failures_in_a_row_the_password_is_out_of_use_until_it_is_set_anew() {
    let settings = "[throttle]\nname = \"1000, then one every 1s\"\nnetwork = \"1000, then one every 1s\"\n";
    let world = World::with(settings);
    let known_browser = world.logged_in(ALICE, PASSWORD);
    known_browser.api("POST", "/logout", Value::Null).expect(204);
    let stranger = world.visitor_from(FAR);
    (0..100).for_each(|_| drop(stranger.log_in(ALICE, OTHER_PASSWORD).expect(401)));
    // NIST SP 800-63B-4, 3.2.2: the right one is refused, however long one waits; it does not show.
    world.advance(30 * DAY);
    world.visitor_from("192.0.2.7").log_in(ALICE, PASSWORD).refused(401, "invalid_credentials");
    let told: Vec<_> = world.deliver_mail().into_iter().map(|letter| letter.text).collect();
    assert!(told.iter().any(|text| text.contains("your password no longer works")), "{told:?}");

    world.visitor().api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    let token = world.only_letter_to(ALICE).token();
    world.visitor().api("POST", "/reset", json!({"token": token, "password": OTHER_PASSWORD})).expect(200);
    world.visitor_from("192.0.2.7").log_in(ALICE, OTHER_PASSWORD).expect(200);
}

#[test]
fn a_known_browser_still_gets_in_when_the_password_is_out_of_use_elsewhere() {
    let settings = "[throttle]\nname = \"1000, then one every 1s\"\nnetwork = \"1000, then one every 1s\"\n";
    let world = World::with(settings);
    let owner = world.logged_in(ALICE, PASSWORD);
    let stranger = world.visitor_from(FAR);
    (0..100).for_each(|_| drop(stranger.log_in(ALICE, OTHER_PASSWORD).expect(401)));
    stranger.log_in(ALICE, PASSWORD).refused(401, "invalid_credentials");
    owner.log_in(ALICE, PASSWORD).expect(200);
    // The owner has shown that they are there: the count begins anew (a success resets it).
    stranger.log_in(ALICE, PASSWORD).expect(200);
}

#[test]
fn an_account_is_held_up_by_whatever_name_and_that_does_not_show() {
    let world = World::new();
    world.command(json!({"command": "user-add", "email": ALICE, "username": "alice", "name": null, "password": PASSWORD, "admin": false, "confirmed": true, "groups": []})).expect("made");
    guesses(&world.visitor_from("198.51.100.1"), ALICE);
    // By the other name everything looks as before, but nothing opens.
    let stranger = world.visitor_from("198.51.100.2");
    stranger.log_in("alice", PASSWORD).refused(401, "invalid_credentials");
    assert_eq!(guesses(&stranger, "alice").0, 9);
    let outcomes: BTreeSet<_> = world.audit().into_iter().map(|(_, outcome, _)| outcome).collect();
    assert!(outcomes.contains("barred"), "{outcomes:?}");
}

#[test]
fn guesses_at_the_present_password_count_for_the_session_they_come_from() {
    let world = World::new();
    let owner = world.logged_in(ALICE, PASSWORD);
    owner.cookies.borrow_mut().remove("__Host-gatelodge-device");
    let change = |current: &str| {
        owner.api(
            "POST",
            "/account/password",
            json!({"current_password": current, "new_password": "seven geese over the moor, again"}),
        )
    };
    (0..4).for_each(|_| drop(change("wrong").refused(403, "wrong_password")));
    (0..3).for_each(|_| {
        drop(owner.api("POST", "/account/delete", json!({"current_password": "wrong"})).refused(403, "wrong_password"));
    });
    let new = json!({"email": "b@example.org", "current_password": "wrong"});
    (0..3).for_each(|_| drop(owner.api("POST", "/account/email", new.clone()).refused(403, "wrong_password")));
    change(PASSWORD).refused(429, "too_many_attempts");
    // Whoever found a session open guesses there and nowhere else: the owner, told of it, logs in and acts.
    assert!(world.deliver_mail().iter().any(|letter| letter.subject.contains("keeps trying")));
    let elsewhere = world.visitor_from(FAR);
    elsewhere.log_in(ALICE, PASSWORD).expect(200);
    elsewhere.api("POST", "/session/verify", json!({"password": PASSWORD})).expect(200);
    // However slow, a hundred in a row are the end of it for that session.
    for _ in 0..100 {
        world.advance(5 * MINUTE);
        change("wrong");
    }
    world.advance(HOUR);
    change(PASSWORD).refused(429, "too_many_attempts");
}

#[test]
fn one_network_is_held_up_whatever_names_it_tries() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let stranger = world.visitor_from(FAR);
    for number in 0..30 {
        stranger.log_in(&format!("person{number}@example.org"), OTHER_PASSWORD).expect(401);
    }
    assert_eq!(wait_of(&stranger.log_in(ALICE, PASSWORD).refused(429, "too_many_attempts")), MINUTE);
    world.visitor_from("203.0.113.10").log_in(ALICE, PASSWORD).expect(200);
}

#[test]
fn an_ipv6_network_is_a_64_and_a_48() {
    let world =
        World::with("[throttle]\nnetwork = \"3, then one every 1m\"\nwide_network = \"5, then one every 1m\"\n");
    let knock = |address: &str, number: usize| {
        world.visitor_from(address).log_in(&format!("person{number}@example.org"), OTHER_PASSWORD).status()
    };
    assert_eq!([knock("2001:db8:1:1::1", 1), knock("2001:db8:1:1::2", 2), knock("2001:db8:1:1:ffff::", 3)], [401; 3]);
    assert_eq!(knock("2001:db8:1:1::4", 4), 429);
    assert_eq!([knock("2001:db8:1:2::1", 5), knock("2001:db8:1:3::1", 6)], [401; 2]);
    assert_eq!(knock("2001:db8:1:4::1", 7), 429);
    assert_eq!(knock("2001:db8:2:1::1", 8), 401);
}

#[test]
fn a_crowd_is_held_up_together_and_neither_known_browsers_nor_clean_networks_are() {
    let world = World::with("[throttle]\neverybody = \"20, then one every 1h\"\nreserve = \"3, then one every 1h\"\n");
    let owner = world.logged_in(ALICE, PASSWORD);
    let strangers = ["2001:db8:1::1", "2001:db8:2::1", "2001:db8:3::1"];
    for number in 0..20 {
        let stranger = world.visitor_from(strangers[number % 3]);
        stranger.log_in(&format!("person{number}@example.org"), OTHER_PASSWORD).expect(401);
    }
    // Those who emptied it, and their neighbours, have to wait; longer than anybody looks at a page, so they are told.
    world.visitor_from(strangers[0]).log_in(ALICE, PASSWORD).refused(429, "too_many_attempts");
    world.visitor_from("2001:db8:2:7::9").log_in(ALICE, PASSWORD).refused(429, "too_many_attempts");
    owner.log_in(ALICE, PASSWORD).expect(200);
    // An owner with a new device, somewhere else, who mistypes a little.
    let elsewhere = world.visitor_from("192.0.2.1");
    elsewhere.log_in(ALICE, OTHER_PASSWORD).refused(401, "invalid_credentials");
    elsewhere.log_in(ALICE, PASSWORD).expect(200);
    // Their share has an end as well: a crowd that comes from everywhere at once is held up.
    let crowd = |number: u8| world.visitor_from(&format!("192.0.2.{number}")).log_in("nobody", OTHER_PASSWORD).status();
    assert_eq!([crowd(10), crowd(11), crowd(12)], [401, 401, 429]);
}

#[test]
fn whoever_meets_what_others_emptied_waits_for_their_turn_and_is_let_in() {
    let world = World::with("[throttle]\neverybody = \"10, then one every 1s\"\nreserve = \"1, then one every 1h\"\n");
    world.member(ALICE, PASSWORD);
    let neighbour = world.visitor_from(FAR);
    (0..10).for_each(|number| drop(neighbour.log_in(&format!("person{number}"), OTHER_PASSWORD).expect(401)));
    // From the same network, which has failed: a second, and not a refusal. The server waits, by its own clock.
    let begun = std::time::Instant::now();
    world.visitor_from(FAR).log_in(ALICE, PASSWORD).expect(200);
    assert!(begun.elapsed() >= std::time::Duration::from_secs(1));
}

#[test]
fn who_is_logged_in_does_not_depend_on_what_strangers_do() {
    let world = World::with(
        "[throttle]\neverybody = \"20, then one every 1h\"\nreserve = \"1, then one every 1h\"\nnetwork = \"20, then one every 1h\"",
    );
    let owner = Visitor { address: "203.0.113.77".parse().expect("an address"), ..world.logged_in(ALICE, PASSWORD) };
    owner.cookies.borrow_mut().remove("__Host-gatelodge-device");
    // From the same network, at the same account and at all others.
    let stranger = world.visitor_from("203.0.113.77");
    (0..10).for_each(|_| drop(stranger.log_in(ALICE, OTHER_PASSWORD)));
    (0..10).for_each(|number| drop(stranger.log_in(&format!("person{number}"), OTHER_PASSWORD)));
    stranger.log_in("somebody", OTHER_PASSWORD).refused(429, "too_many_attempts");
    owner.api("POST", "/session/verify", json!({"password": PASSWORD})).expect(200);
    let change = json!({"current_password": PASSWORD, "new_password": OTHER_PASSWORD});
    owner.api("POST", "/account/password", change).expect(200);
}

#[test]
fn what_a_crowd_asks_for_keeps_nobody_from_asking_and_mails_leave_in_turn() {
    let world = World::with(
        "[throttle]\nmail_everybody = \"5, then one every 10s\"\nmail_network = \"1000, then one every 1s\"",
    );
    world.member(ALICE, PASSWORD);
    // A crowd asks for links of people that are nobody: that costs no mail, and nobody their turn.
    for number in 0..40 {
        let crowd = world.visitor_from(&format!("198.51.100.{number}"));
        crowd.api("POST", "/forgot", json!({"email": format!("person{number}@example.org")})).expect(202);
    }
    let owner = world.visitor_from("192.0.2.1");
    owner.api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    world.only_letter_to(ALICE);
    // A crowd registers strangers' addresses: those mails wait for their turn, and the owner's do not wait for them.
    let crowd = world.visitor_from("198.51.100.99");
    for number in 0..40 {
        let body = json!({"email": format!("stranger{number}@example.org"), "password": PASSWORD});
        crowd.api("POST", "/register", body).expect(202);
    }
    world.advance(6 * MINUTE);
    owner.api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    let letters = world.deliver_mail();
    assert!(letters.iter().any(|letter| letter.to == ALICE), "{letters:?}");
    let mut mailed = letters.len() - 1;
    // Five, one more by now, and three of somebody who had asked for little until then.
    assert!(mailed <= 6 + 3, "{mailed}");
    // Nothing is lost: whoever registered gets their link, later.
    for _ in 0..40 {
        world.advance(10);
        mailed += world.deliver_mail().len();
    }
    assert_eq!(mailed, 40);
}

#[test]
fn logging_in_again_and_again_gives_no_further_tries_and_a_new_password_ends_them_all() {
    let settings = "[throttle]\nname = \"1, then one every 365d\"\nnetwork = \"1000, then one every 1s\"\nlogins = \"1000, then one every 1s\"";
    let world = World::with(settings);
    world.member(ALICE, PASSWORD);
    // A thief collects cookies: forty logins in browsers without one, and some more in the same.
    let mut collected: Vec<Visitor<'_>> = (0..40).map(|_| world.visitor_from(FAR)).collect();
    for browser in &collected {
        browser.log_in(ALICE, PASSWORD).expect(200);
        world.advance(1);
    }
    let id = |browser: &Visitor<'_>| browser.cookies.borrow()["__Host-gatelodge-device"].clone();
    let tries =
        |browser: &Visitor<'_>| (0..20).filter(|_| browser.log_in(ALICE, OTHER_PASSWORD).status() == 401).count();
    let last = collected.pop().expect("forty");
    let first = collected.remove(0);
    // Twenty browsers are known; those before them count as any other.
    assert!(tries(&first) <= 1);
    assert_eq!(tries(&last), 10);
    let again = last.copy();
    world.advance(60 * MINUTE);
    again.log_in(ALICE, PASSWORD).expect(200);
    assert_ne!(id(&last), "");
    assert_eq!(tries(&last.copy()) + tries(&again), 10, "one browser, one bucket");
    // The owner chooses another password: no cookie from before is worth a try of its own.
    world.advance(60 * MINUTE);
    let owner = world.visitor();
    owner.api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    let letters = world.deliver_mail();
    let reset = letters.iter().find(|letter| letter.text.contains("/reset/")).expect("mailed");
    let new = "a third thing altogether, with commas";
    owner.api("POST", "/reset", json!({"token": reset.token(), "password": new})).expect(200);
    let left: usize = collected.iter().map(tries).sum();
    assert!(left <= 1, "{left}");
}

#[test]
fn guesses_from_known_browsers_are_told_to_the_owner() {
    let world = World::new();
    let browser = world.logged_in(ALICE, PASSWORD);
    (0..10).for_each(|_| drop(browser.log_in(ALICE, OTHER_PASSWORD).expect(401)));
    assert!(world.only_letter_to(ALICE).subject.contains("keeps trying"));
}

#[test]
fn a_million_names_leave_no_more_rows_than_the_limit_for_everybody_allows() {
    let world = World::with("[throttle]\neverybody = \"50, then one every 1h\"\nreserve = \"10, then one every 1h\"\n");
    for number in 0..400u32 {
        let [.., high, low] = number.to_be_bytes();
        let stranger = world.visitor_from(&format!("10.7.{high}.{low}"));
        stranger.log_in(&format!("person{number}@example.org"), OTHER_PASSWORD);
    }
    let rows = world.app.read_blocking(|view| gatelodge::throttle::count(view, 100_000)).expect("memory does not fail");
    // A name, a stand-in and a network for each of fifty, and of the ten that clean networks have, and two for everybody.
    assert_eq!(rows, 60 * 3 + 2);
    world.advance(60 * DAY);
    world.block_on(world.app.sweep()).expect("memory does not fail");
    assert_eq!(
        world.app.read_blocking(|view| gatelodge::throttle::count(view, 100_000)).expect("memory does not fail"),
        0
    );
}

#[test]
fn what_was_counted_survives_the_sweep_as_long_as_it_matters() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    guesses(&world.visitor_from(FAR), ALICE);
    world.block_on(world.app.sweep()).expect("memory does not fail");
    world.visitor_from(FAR).log_in(ALICE, PASSWORD).refused(429, "too_many_attempts");
    // Years later the name is free again, but ten failures in a row are ten failures in a row.
    world.advance(50 * DAY);
    world.block_on(world.app.sweep()).expect("memory does not fail");
    let shown = world.command(json!({"command": "throttle-list", "after": null, "limit": 10})).expect("a list");
    assert_eq!(shown["items"], json!([]));
    assert_eq!(world.app.read_blocking(|view| gatelodge::throttle::count(view, 10)).expect("memory does not fail"), 1);
}

#[test]
fn guesses_that_come_together_do_not_pass_together() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let request = || {
        let body = json!({"identity": ALICE, "password": OTHER_PASSWORD}).to_string();
        http::Request::builder()
            .method("POST")
            .uri("/api/v1/login")
            .header("content-type", "application/json")
            .body(bytes::Bytes::from(body))
            .expect("a request")
    };
    let answers: Vec<u16> = world.block_on(async {
        let mut together = Vec::new();
        for _ in 0..64 {
            together.push(world.web.answer(request(), FAR.parse().expect("an address")));
        }
        futures_of(together).await
    });
    // Ten at most; one that is about to be committed may count twice for whoever asks at that moment.
    let passed = answers.iter().filter(|status| **status == 401).count();
    assert!((1..=10).contains(&passed), "{answers:?}");
    assert_eq!(answers.iter().filter(|status| **status == 429).count(), 64 - passed, "{answers:?}");
}

/// Polls all of them in turns, and gives their statuses.
async fn futures_of(futures: Vec<impl Future<Output = http::Response<bytes::Bytes>>>) -> Vec<u16> {
    let mut waiting: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, status) in &mut waiting {
            if status.is_none()
                && let std::task::Poll::Ready(response) = future.as_mut().poll(context)
            {
                *status = Some(response.status().as_u16());
            }
        }
        let all: Option<Vec<u16>> = waiting.iter().map(|(_, status)| *status).collect();
        all.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
    })
    .await
}

#[test]
fn hanging_up_does_not_undo_what_a_guess_costs() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    // Few enough that none is refused, although one that has just failed may still count as under way.
    for _ in 0..5 {
        let body = json!({"identity": ALICE, "password": OTHER_PASSWORD}).to_string();
        let request = http::Request::builder()
            .method("POST")
            .uri("/api/v1/login")
            .header("content-type", "application/json")
            .body(bytes::Bytes::from(body))
            .expect("a request");
        world.block_on(async {
            let mut answer = Box::pin(world.web.answer(request, FAR.parse().expect("an address")));
            // Once polled it is under way; then the client is gone.
            let polled =
                std::future::poll_fn(|context| std::task::Poll::Ready(answer.as_mut().poll(context).is_pending()));
            assert!(polled.await);
        });
    }
    // The attempts run to their end beside this one, which waits for its turn in the same queues.
    while world.audit().iter().filter(|(act, outcome, _)| act == "login" && outcome == "wrong-password").count() < 5 {
        world.visitor().opens("/healthz").expect(200);
        world.block_on(tokio::task::yield_now());
    }
    // Of ten tries half are gone.
    let is_let_in = |_: &i32| world.visitor_from(FAR).log_in(ALICE, OTHER_PASSWORD).status() == 401;
    assert_eq!((0..12).filter(is_let_in).count(), 5);
    world.visitor_from(FAR).log_in(ALICE, PASSWORD).refused(429, "too_many_attempts");
}

#[test]
fn the_owner_is_told_once_a_day_and_nobody_else_is() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    guesses(&world.visitor_from(FAR), ALICE);
    guesses(&world.visitor_from("198.51.100.2"), "nobody@example.org");
    let letter = world.only_letter_to(ALICE);
    assert!(letter.subject.contains("keeps trying"), "{}", letter.subject);
    world.advance(12 * HOUR);
    guesses(&world.visitor_from(FAR), ALICE);
    world.expect_no_post();
    world.advance(13 * HOUR);
    guesses(&world.visitor_from(FAR), ALICE);
    world.only_letter_to(ALICE);
}

#[test]
fn an_administrator_sees_who_is_held_up_and_lets_them_try_again() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let stranger = world.visitor_from(FAR);
    guesses(&stranger, ALICE);
    let shown = world.command(json!({"command": "throttle-list", "after": null, "limit": 100})).expect("a list");
    let items = shown["items"].as_array().expect("items");
    let of = |kind: &str| items.iter().find(|item| item["kind"] == kind).expect(kind);
    assert_eq!(
        (&of("account")["who"], &of("account")["left"], &of("account")["failures_in_a_row"]),
        (&json!(ALICE), &json!(0), &json!(10))
    );
    assert_eq!((&of("network")["who"], &of("network")["left"]), (&json!("203.0.113.9/32"), &json!(20)));
    assert_eq!(of("name")["who"], Value::Null);
    assert!(!shown.to_string().contains(OTHER_PASSWORD));

    let lifted = world.command(json!({"command": "throttle-lift", "who": ALICE})).expect("lifted");
    // The account, its name, and the mail that confirmed its address.
    assert_eq!(lifted, json!({"lifted": 3}));
    stranger.log_in(ALICE, PASSWORD).expect(200);
    assert_eq!(world.command(json!({"command": "throttle-lift", "who": FAR})).expect("lifted"), json!({"lifted": 1}));
    world.command(json!({"command": "throttle-lift", "who": null})).expect("lifted");
    let shown = world.command(json!({"command": "throttle-list", "after": null, "limit": 100})).expect("a list");
    assert_eq!(shown["items"], json!([]));
}

#[test]
fn a_mailbox_cannot_be_flooded_with_links() {
    let world = World::with("[throttle]\nmail_network = \"1000, then one every 1s\"\n");
    world.member(ALICE, PASSWORD);
    let mut mails = 0;
    for _ in 0..40 {
        world.advance(6 * MINUTE);
        world.visitor().api("POST", "/forgot", json!({"email": ALICE})).expect(202);
        mails += world.deliver_mail().len();
    }
    // Five at once, and one in each of the four hours.
    assert!((8..=9).contains(&mails), "{mails}");
    // Registrations have a limit of their own, and so has word that the address is known.
    world.visitor().api("POST", "/register", json!({"email": ALICE, "password": PASSWORD})).expect(202);
    assert_eq!(world.deliver_mail().len(), 1);
}

#[test]
fn one_network_cannot_have_mails_sent_without_end() {
    let world = World::new();
    let stranger = world.visitor_from(FAR);
    for number in 0..20 {
        stranger.api("POST", "/forgot", json!({"email": format!("person{number}@example.org")})).expect(202);
    }
    for path in ["/forgot", "/confirm/resend"] {
        let reply = stranger.api("POST", path, json!({"email": ALICE})).refused(429, "too_many_attempts");
        assert_eq!(wait_of(&reply), 3 * MINUTE);
    }
    stranger.api("POST", "/register", json!({"email": ALICE, "password": PASSWORD})).refused(429, "too_many_attempts");
    world.visitor_from("198.51.100.1").api("POST", "/forgot", json!({"email": ALICE})).expect(202);
}

#[test]
fn links_that_do_not_work_can_be_tried_so_often() {
    let world = World::new();
    let stranger = world.visitor_from(FAR);
    for _ in 0..60 {
        stranger.api("POST", "/reset/check", json!({"token": "glt_nonsense"})).refused(403, "token_invalid");
    }
    stranger.api("POST", "/reset/check", json!({"token": "glt_nonsense"})).refused(429, "too_many_attempts");
    stranger.api("POST", "/confirm", json!({"token": "glt_nonsense"})).refused(429, "too_many_attempts");
    stranger.opens("/reset/glt_nonsense").expect(429);
}

#[test]
fn a_page_says_how_long_to_wait() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let stranger = world.visitor_from(FAR);
    guesses(&stranger, ALICE);
    let reply = stranger.posts("/login", &[("identity", ALICE), ("password", PASSWORD)]).expect(429);
    reply.says("The next one is possible in 15 minutes.");
    assert_eq!(reply.header("retry-after"), Some("900"));
}

#[test]
fn an_address_behind_a_proxy_counts_as_its_own_and_a_made_up_one_does_not() {
    let world = World::with("[proxy]\ntrusted = [\"127.0.0.1/32\"]\n");
    world.member(ALICE, PASSWORD);
    let knock = |peer: &str, forwarded: &str, number: usize| {
        let body = json!({"identity": format!("person{number}@example.org"), "password": OTHER_PASSWORD}).to_string();
        let request = http::Request::builder()
            .method("POST")
            .uri("/api/v1/login")
            .header("content-type", "application/json")
            .header("x-forwarded-for", forwarded);
        world.visitor_from(peer).send(request, body).status()
    };
    assert!((0..30).all(|number| knock("127.0.0.1", FAR, number) == 401));
    assert_eq!(knock("127.0.0.1", FAR, 99), 429);
    assert_eq!(knock("127.0.0.1", "198.51.100.1", 99), 401);
    // A stranger who is no proxy is counted by where they come from, whatever they write.
    assert!((0..30).all(|number| knock("192.0.2.1", &format!("10.0.0.{number}"), 100 + number) == 401));
    assert_eq!(knock("192.0.2.1", "10.0.0.200", 200), 429);
}

#[test]
fn a_full_queue_and_a_network_that_asks_many_times_at_once_keep_no_clean_network_out() {
    let world = World::with(
        "[throttle]\neverybody = \"4, then one every 5s\"\nreserve = \"12, then one every 1h\"\nname = \"1000, then one every 1s\"",
    );
    world.member(ALICE, PASSWORD);
    let noisy = world.visitor_from(FAR);
    (0..4).for_each(|number| drop(noisy.log_in(&format!("person{number}"), OTHER_PASSWORD).expect(401)));
    // One clean network asks for thirty at once: a few take places of the reserve, and the others stand with everybody.
    let request = |number: usize| {
        let body = json!({"identity": format!("other{number}"), "password": OTHER_PASSWORD}).to_string();
        http::Request::builder()
            .method("POST")
            .uri("/api/v1/login")
            .header("content-type", "application/json")
            .body(bytes::Bytes::from(body))
            .expect("a request")
    };
    let statuses: Vec<u16> = world.block_on(async {
        let from = "192.0.2.9".parse().expect("an address");
        futures_of((0..30).map(|number| world.web.answer(request(number), from)).collect()).await
    });
    let considered = statuses.iter().filter(|status| **status == 401).count();
    assert!(considered <= 8, "{statuses:?}");
    world.visitor_from("198.51.100.7").log_in(ALICE, PASSWORD).expect(200);
}

#[test]
fn a_crowd_that_asks_for_its_own_mails_delays_nobody_who_asks_for_one() {
    let world =
        World::with("[throttle]\nmail_everybody = \"5, then one every 1h\"\nmail_network = \"20, then one every 1h\"");
    let people: Vec<String> = (0..12).map(|number| format!("person{number}@example.org")).collect();
    for email in people.iter().map(String::as_str).chain([ALICE]) {
        world.member(email, PASSWORD);
        world.advance(2 * HOUR);
    }
    // Accounts that exist, from one network: their mails are what is used up.
    let noisy = world.visitor_from(FAR);
    for email in &people {
        noisy.api("POST", "/forgot", json!({"email": email})).expect(202);
    }
    let mailed = world.deliver_mail().len();
    assert!((5..12).contains(&mailed), "{mailed}");
    world.visitor_from("192.0.2.1").api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    assert!(world.deliver_mail().iter().any(|letter| letter.to == ALICE));
}
