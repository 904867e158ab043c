//! Administrators end sessions: somebody's, everybody's, by API and command.

use gatelodge::crypto::Digest;
use gatelodge::sessions::MAX_SESSIONS;
use gatelodge::store::schema;
use serde_json::{Value, json};

use super::second_factors::{Phone, set_up};
use crate::world::{ALICE, PASSWORD, Visitor, World};

const ROOT: &str = "root@example.org";
const BOB: &str = "bob@example.org";

/// All by which Alice is in, or nearly.
struct Doors<'a> {
    cookie: Visitor<'a>,
    /// A browser that is not asked for a code.
    trusted: Visitor<'a>,
    /// A login that waits for its code, and what shows it.
    halfway: Visitor<'a>,
    phone: Phone<'a>,
    refresh_token: String,
    access_token: String,
    api_token: String,
}

impl<'a> Doors<'a> {
    fn of(world: &'a World) -> Self {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let cookie = world.logged_in(ALICE, PASSWORD);
        let made = cookie.api("POST", "/account/tokens", json!({"name": "x", "scopes": ["profile"]}));
        let api_token = text(&made.expect(200).json()["token"]);
        let (phone, _) = set_up(&cookie);
        let step = |code: String| json!({"code": code, "trust_browser": true});
        let (trusted, halfway) = (world.visitor(), world.visitor());
        trusted.log_in(ALICE, PASSWORD).refused(401, "second_factor_required");
        trusted.api("POST", "/login/second-factor", step(phone.shows_next())).expect(200);
        let login = json!({"identity": ALICE, "password": PASSWORD, "refresh": true});
        let program = trusted.copy();
        program.cookies.borrow_mut().remove("__Host-gatelodge");
        let session = program.api("POST", "/login", login).expect(200).json()["session"].clone();
        halfway.log_in(ALICE, PASSWORD).refused(401, "second_factor_required");
        let (access_token, refresh_token) = (text(&session["token"]), text(&session["refresh_token"]));
        Self { cookie, trusted, halfway, phone, refresh_token, access_token, api_token }
    }

    fn works_by(&self, token: &str) -> bool {
        self.cookie.by_token(token, "GET", "/session", Value::Null).status() == 200
    }

    /// Nothing of it leads in any more, but for the API token.
    fn are_closed(&self) {
        assert!(!self.cookie.is_logged_in() && !self.trusted.is_logged_in());
        assert!(!self.works_by(&self.access_token) && self.works_by(&self.api_token));
        let refresh = json!({"refresh_token": self.refresh_token});
        self.cookie.world.visitor().api("POST", "/session/refresh", refresh).refused(401, "not_logged_in");
        let code = json!({"code": self.phone.shows_next()});
        self.halfway.api("POST", "/login/second-factor", code).refused(401, "login_over");
        self.trusted.log_in(ALICE, PASSWORD).refused(401, "second_factor_required");
    }

    fn are_open(&self) {
        assert!(self.cookie.is_logged_in() && self.trusted.is_logged_in() && self.works_by(&self.access_token));
    }
}

#[test]
fn an_administrator_ends_somebodys_sessions() {
    for by_api in [true, false] {
        let world = World::new();
        let (root, bob) = (world.administrator(ROOT), world.logged_in(BOB, PASSWORD));
        world.deliver_mail();
        let doors = Doors::of(&world);
        let end = || {
            if by_api {
                root.api("DELETE", &format!("/admin/users/{ALICE}/sessions"), Value::Null).expect(204);
            } else {
                world.command(json!({"command": "session-end", "user": ALICE})).expect("done");
            }
        };
        doors.are_open();
        end();
        doors.are_closed();
        assert!(root.is_logged_in() && bob.is_logged_in());
        let told = |rows: Vec<(String, String, String)>| {
            rows.into_iter().filter(|(act, ..)| act == "sessions-ended-for").map(|(_, _, detail)| detail).collect()
        };
        let rows: Vec<String> = told(world.audit());
        assert_eq!(rows, ["3 sessions"]);
        // Once more there is nothing to end, and nothing to write down: but for the login that was begun since.
        end();
        end();
        assert_eq!(told(world.audit()).len(), 2);
        root.api("DELETE", "/admin/users/nobody/sessions", Value::Null).refused(404, "not_found");
    }
}

#[test]
fn an_administrator_ends_everybodys_sessions_and_keeps_their_own() {
    let world = World::with("[throttle]\nenabled = false");
    let (root, bob) = (world.administrator(ROOT), world.logged_in(BOB, PASSWORD));
    let other = world.visitor();
    other.log_in(ROOT, PASSWORD).expect(200);
    world.deliver_mail();
    let doors = Doors::of(&world);
    root.api("DELETE", "/admin/sessions", Value::Null).expect(204);
    doors.are_closed();
    assert!(root.is_logged_in() && !other.is_logged_in() && !bob.is_logged_in());
    // The same about oneself.
    other.log_in(ROOT, PASSWORD).expect(200);
    root.api("DELETE", &format!("/admin/users/{ROOT}/sessions"), Value::Null).expect(204);
    assert!(root.is_logged_in() && !other.is_logged_in());
    // The command line has no session to keep.
    let ended = world.command(json!({"command": "session-end", "user": null})).expect("done");
    assert_eq!(ended, json!({"ended": 1}));
    assert!(!root.is_logged_in());
    assert_eq!(world.command(json!({"command": "session-end", "user": null})).expect("done"), json!({"ended": 0}));
}

#[test]
fn more_sessions_than_one_transaction_ends_are_ended_all() {
    let world = World::with("[throttle]\nenabled = false");
    let root = world.administrator(ROOT);
    let everybody: Vec<Visitor<'_>> = (0..12)
        .flat_map(|number| {
            let email = format!("person{number}@example.org");
            world.member(&email, PASSWORD);
            let visitors: Vec<_> = (0..90).map(|_| world.visitor()).collect();
            for visitor in &visitors {
                visitor.log_in(&email, PASSWORD).expect(200);
            }
            visitors
        })
        .collect();
    let before = world.audit().len();
    root.api("DELETE", "/admin/sessions", Value::Null).expect(204);
    assert!(everybody.iter().all(|visitor| !visitor.is_logged_in()));
    assert!(root.is_logged_in());
    let rows = world.audit().into_iter().skip(before).map(|(.., detail)| detail);
    // In one act: between two, whoever refreshes a token would move to where nobody looks any more.
    let counts: Vec<usize> = rows.filter_map(|detail| detail.strip_suffix(" sessions")?.parse().ok()).collect();
    assert_eq!(counts, [12 * 90]);
}

/// How many rows the tables of sessions, of refresh tokens and of epochs have.
fn rows(world: &World) -> [usize; 3] {
    let records = world.records();
    [schema::SESSIONS, schema::REFRESH_FAMILIES, schema::EPOCHS]
        .map(|range| records.iter().filter(|(key, _)| key[0] == range.prefix).count())
}

#[test]
fn many_sessions_end_at_once_whatever_they_are_asked_for() {
    let world = World::with("[throttle]\nenabled = false");
    let alice = world.logged_in(ALICE, PASSWORD);
    let others: Vec<Visitor<'_>> = (0..80).map(|_| world.visitor()).collect();
    for other in &others {
        other.log_in(ALICE, PASSWORD).expect(200);
    }
    let login = json!({"identity": ALICE, "password": PASSWORD, "refresh": true});
    let program = world.visitor().api("POST", "/login", login).expect(200).json()["session"].clone();
    let access = program["token"].as_str().expect("a token");
    let listed = |visitor: &Visitor<'_>| {
        visitor.api("GET", "/account/sessions", Value::Null).expect(200).json()["items"].as_array().map(Vec::len)
    };
    // Each was in use a moment ago: they are in the cache.
    assert!(others.iter().all(Visitor::is_logged_in) && listed(&alice) == Some(82));
    assert_eq!(alice.by_token(access, "GET", "/session", Value::Null).status(), 200);
    let before = world.records().len();

    alice.api("DELETE", "/account/sessions", Value::Null).expect(204);
    assert!(world.records().len().abs_diff(before) < 10, "one row ended them");
    assert!(alice.is_logged_in() && listed(&alice) == Some(1));
    assert!(others.iter().all(|other| !other.is_logged_in()));
    alice.by_token(access, "GET", "/session", Value::Null).refused(401, "not_logged_in");
    let refresh = json!({"refresh_token": program["refresh_token"]});
    world.visitor().api("POST", "/session/refresh", refresh).refused(401, "not_logged_in");
    let ended = others[0].cookies.borrow().values().next().cloned().expect("a cookie");
    assert_eq!(
        world.block_on(world.app.find_caller(Digest::of(ended.as_bytes()))).expect("readable").map(|_| ()),
        None
    );

    // What is left of them goes with the sweep. Their epoch stays as long as a session of the next one.
    assert_eq!(rows(&world), [82, 1, 1]);
    world.block_on(world.app.sweep()).expect("swept");
    assert_eq!(rows(&world), [1, 0, 1]);
    let again = world.visitor();
    again.log_in(ALICE, PASSWORD).expect(200);
    assert!(alice.is_logged_in() && again.is_logged_in() && listed(&again) == Some(2));
    for visitor in [alice, again] {
        visitor.api("POST", "/logout", Value::Null);
    }
    world.block_on(world.app.sweep()).expect("swept");
    assert_eq!(rows(&world), [0, 0, 0]);
}

#[test]
fn sessions_that_ended_take_no_room_from_those_that_live() {
    let world = World::with("[throttle]\nenabled = false");
    let alice = world.logged_in(ALICE, PASSWORD);
    let log_in = |count: usize| -> Vec<Visitor<'_>> {
        let visitors: Vec<_> = (0..count).map(|_| world.visitor()).collect();
        for visitor in &visitors {
            visitor.log_in(ALICE, PASSWORD).expect(200);
        }
        visitors
    };
    let before = log_in(MAX_SESSIONS - 1);
    alice.api("DELETE", "/account/sessions", Value::Null).expect(204);
    assert!(before.iter().all(|other| !other.is_logged_in()));
    let since = log_in(MAX_SESSIONS - 1);
    assert_eq!(rows(&world)[0], MAX_SESSIONS, "no sweep has been here");
    assert!(alice.is_logged_in() && since.iter().all(Visitor::is_logged_in));
    // As ever: one beyond ends the one that was unused for longest.
    let _last = log_in(1);
    assert!(!alice.is_logged_in() || since.iter().any(|other| !other.is_logged_in()));
    assert_eq!(rows(&world)[0], MAX_SESSIONS);
}

#[test]
fn an_api_token_ends_no_administrators_sessions() {
    let world = World::new();
    let (root, _alice) = (world.administrator(ROOT), world.logged_in(ALICE, PASSWORD));
    let every = json!({"name": "all", "scopes": ["admin:read", "admin:write"]});
    let made = root.api("POST", "/account/tokens", every).expect(200).json();
    let (token, program) = (made["token"].as_str().expect("a token"), world.visitor());
    let of = |user: &str| format!("/admin/users/{user}/sessions");
    program.by_token(token, "DELETE", &of(ROOT), Value::Null).refused(403, "insufficient_scope");
    program.by_token(token, "DELETE", "/admin/sessions", Value::Null).refused(403, "insufficient_scope");
    program.by_token(token, "DELETE", &of(ALICE), Value::Null).expect(204);
    assert!(root.is_logged_in());
}
