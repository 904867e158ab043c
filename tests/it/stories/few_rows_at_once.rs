//! An engine that takes fewer than a hundred rows at once refuses nobody: the heaviest acts over it.

use gatelodge::accounts::{administer, person, registration};
use gatelodge::base::{AccountId, DAY, DisplayName, EmailAddress, HOUR, MINUTE};
use gatelodge::crypto::{Bearer, BearerKind, Digest};
use gatelodge::factors::{self, MAX_FACTORS, MAX_TRUSTED, NewTrust};
use gatelodge::groups::MAX_PER_ACCOUNT;
use gatelodge::sessions::{self, Carrier, Client, MAX_SESSIONS, MAX_TOKENS, Method, NewSession};
use gatelodge::store::{Commit, Engine, Limits, MemoryEngine, Snapshot, StoreError, Transaction, schema};
use serde_json::{Value, json};

use super::second_factors::{Phone, set_up};
use crate::world::{ALICE, LOOPBACK, Letter, OTHER_PASSWORD, PASSWORD, Visitor, World};

/// Takes as many rows at once as a shared engine would, but for four: an address and a user name of many words, by which
/// people are found, have so many more than those here.
#[derive(Default)]
struct Narrow(MemoryEngine);

impl Engine for Narrow {
    fn limits(&self) -> Limits {
        Limits { rows: 95, bytes: usize::MAX }
    }

    fn read(&self, work: &mut dyn FnMut(&dyn Snapshot) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.0.read(work)
    }

    fn write(
        &self,
        work: &mut dyn FnMut(&mut dyn Transaction) -> Result<Commit, StoreError>,
    ) -> Result<(), StoreError> {
        self.0.write(work)
    }
}

const SETTINGS: &str = "[throttle]\nenabled = false\n[second_factor]\nreset_after = \"1d\"\n\
                        [login]\nidentities = [\"email\", \"username\", \"phone\"]";

fn world() -> World {
    World::over(Box::new(Narrow::default()), SETTINGS)
}

fn id_of(world: &World) -> AccountId {
    world.app.read_blocking(|view| administer::find(view, ALICE)).expect("memory does not fail").expect("a member").id
}

/// Logs programs of hers in, with refresh tokens: each session has as many rows as one can have.
fn log_in(world: &World, id: AccountId, count: usize) -> Vec<Bearer> {
    let began = world.app.write(move |work| {
        let client = Client::at(LOOPBACK);
        let new = NewSession {
            account: id,
            carrier: Carrier::RefreshedToken,
            methods: &[Method::Password, Method::Totp],
            client: &client,
            settings: &work.env.config.session,
            access: HOUR,
            generation: work.env.generation,
        };
        (0..count).map(|_| Ok(sessions::start(work.tx, work.moment, &new)?.0)).collect::<Result<Vec<_>, _>>()
    });
    world.block_on(began).expect("few enough")
}

/// How much there is that ends together.
#[derive(Clone, Copy)]
struct Much {
    programs: usize,
    tokens: usize,
    trusts: usize,
}

/// As much as one can have.
const MOST: Much = Much { programs: MAX_SESSIONS - 1, tokens: MAX_TOKENS, trusts: MAX_TRUSTED };
/// As much as ends one by one, in the transaction of the act itself.
const ONE_BY_ONE: Much = Much { programs: 3, tokens: 2, trusts: 2 };

/// Alice, who has as much of everything else as one can have.
struct Full<'a> {
    id: AccountId,
    much: Much,
    browser: Visitor<'a>,
    programs: Vec<Bearer>,
    tokens: Vec<String>,
    /// The last address that she left, and the link by which she gets it back.
    left: Letter,
}

impl<'a> Full<'a> {
    fn of(world: &'a World, groups: usize, much: Much) -> Self {
        let browser = world.logged_in("alice0@example.org", PASSWORD);
        let mut left = None;
        for number in 1..=10 {
            let new = if number == 10 { ALICE.to_owned() } else { format!("alice{number}@example.org") };
            let ask = json!({"email": new, "current_password": PASSWORD});
            browser.api("POST", "/account/email", ask).expect(202);
            let link = world.deliver_mail().into_iter().find(|letter| letter.to == new).expect("mailed");
            browser.api("POST", "/confirm", json!({"token": link.token()})).expect(200);
            left = world.deliver_mail().into_iter().find(|letter| letter.text.contains("/email/undo/")).or(left);
        }
        let id = id_of(world);
        browser.api("POST", "/account/username", json!({"username": "alice"})).expect(200);
        world.command(json!({"command": "user-phone", "user": ALICE, "phone": "+4930123456"})).expect("set");
        for number in 0..groups {
            let join =
                json!({"command": "user-group", "user": ALICE, "group": format!("group{number}"), "member": true});
            world.command(join).expect("joined");
        }
        // By as many words as can be she is found.
        let named = world.app.write(move |work| {
            let mut alice = person::load(work.tx, id)?.expect("there").account;
            alice.name = DisplayName::parse("Alice Bella Carla Dora Emma Frieda").ok();
            person::save(work.tx, id, &alice)
        });
        world.block_on(named).expect("few enough");
        let token = |number| json!({"name": format!("program {number}"), "scopes": ["profile"]});
        let tokens = (0..much.tokens)
            .map(|number| browser.api("POST", "/account/tokens", token(number)).expect(200).json()["token"].clone())
            .map(|token| token.as_str().expect("a token").to_owned())
            .collect();
        set_up(&browser);
        for _ in 1..MAX_FACTORS {
            world.advance(30);
            let begun = browser.api("POST", "/account/factors/totp", json!({"name": "Phone"})).expect(200).json();
            let other = Phone::told(world, begun["key"].as_str().expect("a key"));
            let confirm = json!({"id": begun["id"], "code": other.shows()});
            browser.api("POST", "/account/factors/totp/confirm", confirm).expect(200);
        }
        let programs = (0..much.programs / 3).flat_map(|_| log_in(world, id, 3)).collect();
        for _ in 0..much.trusts / 2 {
            let trusted = world.app.write(move |work| {
                let generation = work.env.generation;
                for _ in 0..2 {
                    let secret = Bearer::draw(BearerKind::Browser, work.moment).digest();
                    let new = NewTrust { secret, generation, within: 30 * DAY, network: LOOPBACK, agent: "" };
                    factors::trust(work.tx, work.moment, id, &new)?;
                }
                Ok(())
            });
            world.block_on(trusted).expect("few enough");
        }
        world.command(json!({"command": "user-reset-factors", "user": ALICE})).expect("asked for");
        world.deliver_mail();
        let full = Self { id, much, browser, programs, tokens, left: left.expect("told") };
        full.are_in(world, true);
        full
    }

    /// Whether all by which she is in works, or none of it.
    fn are_in(&self, world: &World, is_in: bool) {
        assert_eq!(self.programs.len(), self.much.programs);
        let works = |token: &str| self.browser.by_token(token, "GET", "/session", Value::Null).status() == 200;
        for program in &self.programs {
            assert_eq!(works(program.access().expose()), is_in);
            if !is_in {
                let refresh = json!({"refresh_token": program.expose()});
                world.visitor().api("POST", "/session/refresh", refresh).refused(401, "not_logged_in");
            }
        }
        let trusts =
            world.app.read_blocking(|view| factors::trusts_of(view, self.id)).expect("memory does not fail").len();
        assert_eq!((self.browser.is_logged_in(), trusts), (is_in, if is_in { self.much.trusts } else { 0 }));
    }

    fn tokens_work(&self) -> usize {
        let works = |token: &&String| self.browser.by_token(token, "GET", "/session", Value::Null).status() == 200;
        self.tokens.iter().filter(works).count()
    }
}

fn sweep(world: &World) {
    world.block_on(world.app.sweep()).expect("no step is too large");
}

fn count(world: &World, range: schema::Range) -> usize {
    world.records().iter().filter(|(key, _)| key[0] == range.prefix).count()
}

/// The tables in which a row may still be about somebody: what is over, and what has to be kept or sent.
const MAY_KEEP: [schema::Range; 6] = [
    schema::AUDIT,
    schema::FORMER_USERNAMES,
    schema::MAILS,
    schema::MAILS_OF,
    schema::SPENT_SECRETS,
    schema::LINK_REQUESTS,
];

#[test]
fn a_password_is_reset_whatever_there_is_to_end() {
    let world = world();
    let full = Full::of(&world, MAX_PER_ACCOUNT, MOST);
    world.visitor().api("POST", "/forgot", json!({"email": ALICE})).expect(202);
    let link = world.only_letter_to(ALICE);
    let reset = json!({"token": link.token(), "password": OTHER_PASSWORD});
    world.visitor().api("POST", "/reset", reset).expect(200);
    full.are_in(&world, false);
    assert_eq!(full.tokens_work(), MAX_TOKENS, "they are no sessions");
    sweep(&world);
    assert_eq!([schema::SESSIONS, schema::REFRESH_FAMILIES, schema::TRUSTED].map(|range| count(&world, range)), [0; 3]);
}

#[test]
fn an_account_is_taken_back_whatever_there_is_to_end() {
    for much in [MOST, ONE_BY_ONE] {
        let world = world();
        let full = Full::of(&world, MAX_PER_ACCOUNT, much);
        let undo = json!({"token": full.left.token()});
        world.visitor().api("POST", "/account/take-back", undo).expect(200);
        full.are_in(&world, false);
        assert_eq!(full.tokens_work(), 0);
        sweep(&world);
        assert_eq!([schema::SESSIONS, schema::API_TOKENS, schema::TRUSTED].map(|range| count(&world, range)), [0; 3]);
    }
}

#[test]
fn an_account_is_deleted_whatever_it_has_and_nothing_is_left() {
    let many = [0, 8, 9, MAX_PER_ACCOUNT].into_iter();
    for (groups, much) in many.flat_map(|groups| [(groups, MOST), (groups, ONE_BY_ONE)]) {
        let world = world();
        let full = Full::of(&world, groups, much);
        let gone = json!({"current_password": PASSWORD});
        full.browser.api("POST", "/account/delete", gone).expect(204);
        full.are_in(&world, false);
        assert_eq!(full.tokens_work(), 0);
        world.visitor().log_in("alice", PASSWORD).refused(401, "invalid_credentials");
        let found = |world: &World| {
            world.app.read_blocking(|view| person::exists(view, full.id)).expect("memory does not fail")
        };
        assert!(!found(&world));
        sweep(&world);
        let is_about = |(key, value): &(Vec<u8>, Vec<u8>)| {
            [key, value].iter().any(|bytes| bytes.windows(16).any(|some| some == full.id.bytes()))
        };
        let mut left = world.records();
        left.retain(|pair| is_about(pair) && !MAY_KEEP.iter().any(|range| range.prefix == pair.0[0]));
        assert_eq!(left, [], "{groups} groups");
    }
}

#[test]
fn second_factors_are_taken_away_when_it_is_time() {
    let world = world();
    let full = Full::of(&world, MAX_PER_ACCOUNT, MOST);
    world.advance(DAY + 1);
    sweep(&world);
    full.are_in(&world, false);
    assert_eq!(world.app.read_blocking(|view| factors::has_any(view, full.id)), Ok(false));
}

#[test]
fn a_group_of_three_hundred_is_disbanded() {
    let world = world();
    for number in 0..300 {
        let email = format!("person{number}@example.org");
        let add = json!({"command": "user-add", "email": email, "name": null, "password": PASSWORD, "admin": false, "confirmed": true, "groups": ["staff"]});
        world.command(add).expect("added");
    }
    assert_eq!(count(&world, schema::MEMBERS), 300);
    world.command(json!({"command": "group-disband", "group": "staff"})).expect("disbanded");
    assert_eq!(count(&world, schema::MEMBERS), 0);
}

#[test]
fn a_thousand_sessions_are_used_expire_or_end_together() {
    let world = world();
    for number in 0..12 {
        let email = format!("person{number}@example.org");
        world.member(&email, PASSWORD);
        let id =
            world.app.read_blocking(|view| administer::find(view, &email)).expect("readable").expect("a member").id;
        for _ in 0..9 {
            let programs = log_in(&world, id, 10);
            world.advance(1);
            assert!(programs.iter().all(|program| found(&world, program.access().digest())));
        }
    }
    world.advance(600);
    assert_eq!(count(&world, schema::SESSIONS), 12 * 90);
    let digests: Vec<Digest> = world.records().iter().filter_map(|(key, _)| session_in(key)).collect();
    assert!(digests.iter().all(|digest| found(&world, *digest)));
    world.block_on(world.app.note_seen()).expect("no step is too large");
    let is_noted = |digest: &Digest| {
        let session = world.app.read_blocking(|view| sessions::find(view, *digest)).expect("readable").expect("there");
        session.seen_at == world.app.now()
    };
    assert!(digests.iter().all(is_noted));
    world.advance(400 * DAY);
    sweep(&world);
    assert_eq!((count(&world, schema::SESSIONS), count(&world, schema::REFRESH_FAMILIES)), (0, 0));
}

fn session_in(key: &[u8]) -> Option<Digest> {
    key.strip_prefix(&[schema::SESSIONS.prefix])?.try_into().ok().map(Digest)
}

fn found(world: &World, digest: Digest) -> bool {
    world.block_on(world.app.find_caller(digest)).expect("memory does not fail").is_some()
}

/// Groups of one who is invited. Each of them has a row of the audit log besides, which webhooks tell: of somebody who begins with
/// all 64 there would be too many.
const MANY_GROUPS: usize = 30;

#[test]
fn who_is_invited_into_many_groups_joins_them_whoever_registered_beside() {
    let world = world();
    let groups: Vec<String> = (0..MANY_GROUPS).map(|number| format!("group{number}")).collect();
    let invite = json!({"command": "invite-add", "email": null, "within": null, "uses": 1, "groups": groups});
    let link = world.command(invite).expect("invited")["link"].as_str().expect("a link").to_owned();
    let browser = world.visitor();
    let mut register = json!({"email": ALICE, "username": "alice", "password": PASSWORD});
    for _ in 0..70 {
        world.visitor().api("POST", "/register", register.clone()).expect(202);
    }
    world.deliver_mail();
    world.advance(HOUR);
    register["invitation"] = json!(link.rsplit('/').next());
    browser.api("POST", "/register", register).expect(202);
    let link = world.deliver_mail().pop().expect("mailed");
    browser.api("POST", "/confirm", json!({"token": link.token()})).expect(200);
    assert_eq!(count(&world, schema::MEMBERS), MANY_GROUPS);
    let rows = || [schema::REGISTRATIONS, schema::REGISTRATIONS_OF].map(|range| count(&world, range));
    assert!(rows()[0] > 60, "they are void, and there until the sweep");
    let address = EmailAddress::parse(ALICE).expect("an address");
    assert_eq!(world.app.read_blocking(|view| registration::of_address(view, &address)).expect("readable").len(), 0);
    sweep(&world);
    assert_eq!(rows(), [0, 0]);
    // Then nothing is left to tell.
    world.advance(30 * DAY);
    sweep(&world);
    assert_eq!(count(&world, schema::CONFIRM_LINKS), 0);
}

#[test]
fn mails_are_asked_for_by_a_crowd_and_summed_up_for_it() {
    let world = world();
    let everybody: Vec<String> = (0..40).map(|number| format!("person{number}@example.org")).collect();
    let browsers: Vec<_> = everybody.iter().map(|email| world.logged_in(email, PASSWORD)).collect();
    for email in &everybody {
        world.visitor().api("POST", "/forgot", json!({"email": email})).expect(202);
        world.visitor().api("POST", "/register", json!({"email": email, "password": PASSWORD})).expect(202);
    }
    assert_eq!(world.deliver_mail().len(), 80);
    world.reconfigure("");
    for browser in &browsers {
        for number in 0..5 {
            let token = json!({"name": format!("program {number}"), "scopes": ["profile"]});
            browser.api("POST", "/account/tokens", token).expect(200);
        }
    }
    world.deliver_mail();
    world.advance(HOUR);
    world.block_on(world.app.sum_up_notices()).expect("no step is too large");
    assert_eq!(world.deliver_mail().len(), 40);
}

#[test]
fn mails_that_were_deferred_leave_beside_new_ones() {
    let (few, many) = ("\"60, then one every 1s\"", "\"1000, then one every 1s\"");
    let limits = format!(
        "[throttle]\nmail_everybody = {few}\nreserve = {few}\nmail_network = {many}\nmail_wide_network = {many}"
    );
    let world = World::over(Box::new(Narrow::default()), &limits);
    let ask = |number: usize| {
        let visitor = world.visitor();
        let email = format!("person{number}@example.org");
        visitor.api("POST", "/register", json!({"email": email, "password": PASSWORD})).expect(202);
        visitor.api("POST", "/forgot", json!({"email": email})).expect(202);
    };
    (0..200).for_each(ask);
    let at_once = world.deliver_mail().len();
    assert!(at_once < 200 && count(&world, schema::DEFERRED_REQUESTS) > 100, "{at_once}");
    world.advance(HOUR);
    (200..250).for_each(ask);
    let mut later = 0;
    for _ in 0..20 {
        later += world.deliver_mail().len();
        world.advance(MINUTE);
    }
    assert_eq!((at_once + later, count(&world, schema::DEFERRED_REQUESTS)), (250, 0));
}

#[test]
fn limits_are_lifted_however_many_there_are() {
    let world = World::over(Box::new(Narrow::default()), "");
    world.member(ALICE, PASSWORD);
    for number in 0..120 {
        let stranger = world.visitor_from(&format!("192.0.2.{number}"));
        stranger.log_in(&format!("person{number}@example.org"), PASSWORD).expect(401);
    }
    assert!(count(&world, schema::BUCKETS) > 200);
    let lift = |who: Value| world.command(json!({"command": "throttle-lift", "who": who})).expect("lifted");
    lift(json!(ALICE));
    let lifted = lift(Value::Null)["lifted"].as_u64();
    assert!(lifted > Some(200) && count(&world, schema::BUCKETS) == 0, "{lifted:?}");
    assert_eq!(world.audit().iter().filter(|(act, ..)| act == "throttle-lifted").count(), 2);
}

#[test]
fn every_administrator_is_told_of_who_waits_for_approval() {
    let world = World::over(Box::new(Narrow::default()), "[registration]\nmode = \"approval\"");
    for number in 0..25 {
        let email = format!("root{number}@example.org");
        let add = json!({"command": "user-add", "email": email, "name": null, "password": PASSWORD, "admin": true, "confirmed": true, "groups": []});
        world.command(add).expect("added");
    }
    let browser = world.visitor();
    browser.api("POST", "/register", json!({"email": ALICE, "password": PASSWORD})).expect(202);
    let link = world.only_letter_to(ALICE).token();
    browser.api("POST", "/confirm", json!({"token": link})).expect(200);
    assert_eq!(world.deliver_mail().len(), 20, "as many as are told");
}
