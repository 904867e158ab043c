//! What is done once says so to whoever asks again with the same link, or whose form is posted twice.

use gatelodge::base::{DAY, MINUTE};
use serde_json::{Value, json};

use super::second_factors::set_up;
use crate::world::{ALICE, Letter, OTHER_PASSWORD, PASSWORD, Visitor, World};

const BOB: &str = "bob@example.org";
const CAROL: &str = "carol@example.org";

/// A link that did its work: where it leads, where its token is posted by the API, and what else is posted there.
struct Done {
    page: String,
    posts: &'static str,
    body: Value,
}

fn done(letter: &Letter, posts: &'static str, more: Value) -> Done {
    let mut body = more;
    body["token"] = json!(letter.token());
    Done { page: letter.path(), posts, body }
}

/// One of each kind, each used a moment ago.
fn one_of_each_kind(world: &World) -> Vec<Done> {
    let visitor = world.visitor();
    let mut all = Vec::new();
    let set_up =
        world.block_on(world.app.begin_set_up()).expect("memory does not fail").expect("nobody administers it");
    let token = set_up.rsplit('/').next().expect("a token").to_owned();
    let root = json!({"token": token, "email": "root@example.org", "password": PASSWORD});
    visitor.api("POST", "/setup", root.clone()).expect(200);
    all.push(Done { page: format!("/setup/{token}"), posts: "/setup", body: root });

    visitor.api("POST", "/register", json!({"email": ALICE, "password": PASSWORD})).expect(202);
    let confirm = world.only_letter_to(ALICE);
    visitor.api("POST", "/confirm", json!({"token": confirm.token()})).expect(200);
    all.push(done(&confirm, "/confirm", json!({})));

    visitor.api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    let reset = world.only_letter_to(ALICE);
    visitor.api("POST", "/reset", json!({"token": reset.token(), "password": OTHER_PASSWORD})).expect(200);
    all.push(done(&reset, "/reset", json!({"password": PASSWORD})));
    world.deliver_mail();

    visitor.api("POST", "/login/mail", json!({"identity": ALICE})).expect(202);
    let login = world.only_letter_to(ALICE);
    visitor.api("POST", "/login/mail/link", json!({"token": login.token()})).expect(200);
    all.push(done(&login, "/login/mail/link", json!({})));

    let new = json!({"email": BOB, "current_password": OTHER_PASSWORD});
    visitor.api("POST", "/account/email", new).expect(202);
    let letters = world.deliver_mail();
    let change = letters.iter().find(|letter| letter.to == BOB).expect("the new address is asked").clone();
    visitor.api("POST", "/confirm", json!({"token": change.token()})).expect(200);
    all.push(done(&change, "/confirm", json!({})));
    let undo = world.deliver_mail().into_iter().find(|letter| letter.text.contains("/email/undo/")).expect("told");
    visitor.api("POST", "/account/take-back", json!({"token": undo.token()})).expect(200);
    all.push(done(&undo, "/account/take-back", json!({})));

    world.deliver_mail();
    world.member("dora@example.org", PASSWORD);
    for address in ["192.0.2.7", "203.0.113.9"] {
        world.visitor_from(address).log_in("dora@example.org", PASSWORD).expect(200);
    }
    let not_me = world.deliver_mail().into_iter().find(|letter| letter.text.contains("/not-me/")).expect("told");
    visitor.api("POST", "/account/take-back", json!({"token": not_me.token()})).expect(200);
    all.push(done(&not_me, "/account/take-back", json!({})));

    let invite = json!({"command": "invite-add", "email": CAROL, "within": null, "uses": null, "groups": []});
    world.command(invite).expect("invited");
    let invitation = world.deliver_mail().into_iter().find(|letter| letter.to == CAROL).expect("mailed");
    let carol = json!({"email": CAROL, "password": PASSWORD, "invitation": invitation.token()});
    visitor.api("POST", "/register", carol.clone()).expect(200);
    all.push(Done { page: invitation.path(), posts: "/register", body: carol });
    all
}

#[test]
fn every_kind_of_link_says_that_it_did_its_work_and_when() {
    let world = World::with("[login]\nby_mail = true");
    let at = world.app.now();
    let links = one_of_each_kind(&world);
    world.advance(DAY);
    for Done { page, posts, body } in &links {
        let before = world.records();
        let refused = world.visitor().api("POST", posts, body.clone()).refused(403, "token_used").json();
        assert_eq!(refused["done_at"], at.to_string(), "{page}");
        assert!(refused["detail"].as_str().expect("words").contains(&at.in_words()), "{refused}");
        let shown = world.visitor().opens(page).expect(403).text();
        assert!(shown.contains("This has already been done") && shown.contains(&at.in_words()), "{page}: {shown}");
        // Whoever posts the form again, as by a double click, sees the same.
        let fields: Vec<(&str, &str)> = body
            .as_object()
            .expect("a body")
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
            .collect();
        let fields: Vec<_> = fields.into_iter().filter(|(name, _)| !["token", "invitation"].contains(name)).collect();
        world.visitor().posts(page, &fields).expect(403).says("This has already been done");
        assert_eq!(world.records(), before, "{page}: nobody guessed anything, and nothing happened");
        // One that is not quite the same is none of ours.
        let mut other = body.clone();
        let name = if posts == &"/register" { "invitation" } else { "token" };
        let token = body[name].as_str().expect("a token");
        let last = if token.ends_with('A') { 'B' } else { 'A' };
        other[name] = json!(format!("{}{last}", &token[..token.len() - 1]));
        world.visitor().api("POST", posts, other).refused(403, "token_invalid");
    }
    // A link of one kind is none of another, also when it was used.
    let reset = links.iter().find(|link| link.posts == "/reset").expect("one");
    world.visitor().api("POST", "/confirm", json!({"token": reset.body["token"]})).refused(403, "token_expired");
    // What was long ago is forgotten.
    world.advance(31 * DAY);
    world.block_on(world.app.sweep()).expect("memory does not fail");
    for Done { posts, body, .. } in &links {
        let code = world.visitor().api("POST", posts, body.clone()).expect(403).json()["code"].clone();
        assert!(code == "token_invalid" || code == "token_expired", "{posts}: {code}");
    }
}

#[test]
fn a_front_end_hears_that_a_link_was_used() {
    let world = World::with("[login]\nby_mail = true\n[spa]\nurl = \"https://app.example.org\"");
    for Done { page, .. } in one_of_each_kind(&world).into_iter().skip(1) {
        let to = world.visitor().opens(&page).expect(303).header("location").expect("a place").to_owned();
        assert!(to.starts_with("https://app.example.org/") && to.ends_with("?error=token_used"), "{page}: {to}");
    }
}

/// The second of two clicks: the same form, with the cookies that the first was sent with.
fn posts_twice(browser: &Visitor<'_>, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
    let second = browser.copy();
    browser.posts(path, fields);
    let answer = second.posts(path, fields);
    (answer.status(), answer.header("location").unwrap_or_default().to_owned())
}

#[test]
fn the_second_of_two_clicks_says_that_it_is_done() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let change = [("current_password", PASSWORD), ("new_password", OTHER_PASSWORD)];
    let (status, to) = posts_twice(&alice, "/account/password", &change);
    assert_eq!((status, to.as_str()), (303, "/login?notice=done-already"));
    world.visitor().opens(&to).expect(200).says("It has already been done");
    assert!(alice.is_logged_in(), "the browser that got the first answer is led on");
    alice.opens(&to).leads_to("/account");
    let failed = world.audit().into_iter().filter(|(_, outcome, _)| outcome.contains("wrong")).count();
    assert_eq!(failed, 0, "nobody typed a wrong password");

    // Nothing else that comes with the old cookie is said to be done.
    let old = alice.copy();
    world.visitor().log_in(ALICE, OTHER_PASSWORD).expect(200);
    alice.posts("/account/sessions/end-others", &[]).leads_to("/account/sessions?notice=session-ended");
    old.copy().posts("/account/sessions/end-others", &[]).leads_to("/login?notice=done-already");
    for path in ["/account/delete", "/account/password", "/account/username", "/account/email"] {
        let answer = old.copy().posts(path, &[("current_password", OTHER_PASSWORD)]);
        let to = answer.expect(303).header("location").unwrap_or_default().to_owned();
        assert!(to.starts_with("/login?return_to="), "{path}: {to}");
    }
    old.copy().posts("/login", &[("identity", ALICE), ("password", PASSWORD)]).expect(401);
    old.copy().posts("/register", &[("email", "nonsense"), ("password", "short")]).expect(422);
    // And after a while not even that.
    world.advance(10 * MINUTE);
    old.posts("/account/sessions/end-others", &[]).leads_to("/login?return_to=%2Faccount%2Fsessions");

    let other = world.visitor();
    other.log_in(ALICE, OTHER_PASSWORD).expect(200);
    let listed = alice.api("GET", "/account/sessions", Value::Null).expect(200).json();
    let of_other = listed["items"].as_array().expect("items").iter().find(|item| item["current"] != true).expect("two");
    let end = format!("/account/sessions/{}/end", of_other["id"].as_str().expect("an id"));
    assert_eq!(posts_twice(&alice, &end, &[]), (303, "/account/sessions?notice=session-ended".into()));
}

#[test]
fn the_second_click_on_a_decision_says_that_it_was_made() {
    let world = World::with("[registration]\nmode = \"approval\"");
    let root = json!({"command": "user-add", "email": "root@example.org", "password": PASSWORD, "admin": true, "confirmed": true, "groups": []});
    world.command(root).expect("added");
    let root = world.visitor();
    root.log_in("root@example.org", PASSWORD).expect(200);
    for (decision, first) in [("approve", "approved"), ("decline", "declined")] {
        let visitor = world.visitor();
        visitor
            .api("POST", "/register", json!({"email": format!("{decision}@example.org"), "password": PASSWORD}))
            .expect(202);
        let letter = world.deliver_mail().into_iter().find(|letter| letter.to.starts_with(decision)).expect("mailed");
        visitor.api("POST", "/confirm", json!({"token": letter.token()})).expect(200);
        let waiting = root.api("GET", "/admin/approvals", Value::Null).expect(200).json();
        let page = format!("/admin/approvals/{}/{decision}", waiting["items"][0]["id"].as_str().expect("an id"));
        root.posts(&page, &[]).leads_to(&format!("/admin/approvals?notice={first}"));
        root.posts(&page, &[]).leads_to("/admin/approvals?notice=decided-already");
        root.opens("/admin/approvals?notice=decided-already").expect(200).says("already been decided on");
    }
}

#[test]
fn a_browser_that_registers_twice_by_a_double_click_confirms_without_its_password() {
    // Whichever of the two answers reached it, and left its cookie.
    for keeps in [0, 1] {
        let world = World::new();
        let clicks = [world.visitor(), world.visitor()];
        for click in &clicks {
            click.posts("/register", &[("email", ALICE), ("password", PASSWORD)]).leads_to("/register/sent");
        }
        let newest = world.deliver_mail().into_iter().next_back().expect("mailed");
        clicks[keeps].posts(&newest.path(), &[]).leads_to("/login?notice=confirmed");
        clicks[keeps].log_in(ALICE, PASSWORD).expect(200);
    }
}

#[test]
fn a_telephone_whose_clock_is_some_seconds_ahead_is_no_stranger() {
    let world = World::new();
    let alice = world.logged_in(ALICE, PASSWORD);
    let (phone, _) = set_up(&alice);
    for ahead in [10, 29, 30] {
        world.advance(120);
        let browser = world.visitor();
        browser.log_in(ALICE, PASSWORD).refused(401, "second_factor_required");
        let code = phone.shows_at(world.app.now().plus(ahead));
        browser.api("POST", "/login/second-factor", json!({"code": code})).expect(200);
    }
}
