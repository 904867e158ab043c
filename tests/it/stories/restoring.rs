//! Records come back that are older than the present: what was used up since stays used up.

use gatelodge::app::settle;
use gatelodge::base::{DAY, HOUR, MINUTE};
use gatelodge::store::Pair;
use serde_json::json;

use super::second_factors::{halfway_with_a_phone, set_up};
use crate::world::{ALICE, PASSWORD, World};

/// Puts the records of before in the place of the present ones, as a restore does. The generation stays what it is, so that
/// nothing else ends what is looked at here.
fn restore(world: &World, records: Vec<Pair>) {
    let present = world.records();
    let restored = world.app.write(move |work| {
        present.iter().try_for_each(|(key, _)| work.tx.delete(key))?;
        records.iter().try_for_each(|(key, value)| work.tx.put(key, value))?;
        settle(work.tx, work.moment, None)
    });
    world.block_on(restored).expect("memory does not fail");
}

#[test]
fn a_code_that_was_used_after_the_backup_is_not_taken_again() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let (phone, mut halfway) = halfway_with_a_phone(&world);
    let backup = world.records();
    world.advance(MINUTE);
    let (code, of_a_fast_phone) = (phone.shows(), phone.shows_at(world.app.now().plus(30)));
    let gives = |browser: &crate::world::Visitor<'_>, code: &str| {
        browser.api("POST", "/login/second-factor", json!({"code": code}))
    };
    gives(&halfway(), &code).expect(200);
    restore(&world, backup);
    gives(&halfway(), &code).refused(401, "wrong_code");
    gives(&halfway(), &of_a_fast_phone).refused(401, "wrong_code");
    world.advance(MINUTE);
    gives(&halfway(), &phone.shows()).expect(200);
}

#[test]
fn digits_that_were_mailed_before_the_backup_are_dead() {
    let world = World::with("[login]\nby_mail = true");
    world.member(ALICE, PASSWORD);
    let browser = world.visitor();
    browser.api("POST", "/login/mail", json!({"identity": ALICE})).expect(202);
    let letter = world.only_letter_to(ALICE);
    let backup = world.records();
    let digits = letter.subject.split(' ').next().expect("a code");
    let types = || browser.copy().api("POST", "/login/mail/code", json!({"code": digits}));
    types().expect(200);
    restore(&world, backup);
    types().expect(401);
}

#[test]
fn a_reset_of_factors_that_its_owner_objected_to_is_not_carried_out_after_all() {
    let world = World::with("[second_factor]\nreset_after = \"1d\"");
    world.member(ALICE, PASSWORD);
    let browser = world.visitor();
    browser.log_in(ALICE, PASSWORD).expect(200);
    let (phone, _) = set_up(&browser);
    world.command(json!({"command": "user-reset-factors", "user": ALICE})).expect("asked for");
    let backup = world.records();
    world.advance(HOUR);
    restore(&world, backup);
    world.advance(2 * DAY);
    world.block_on(world.app.sweep()).expect("memory does not fail");
    let login = world.visitor();
    login.log_in(ALICE, PASSWORD).refused(401, "second_factor_required");
    login.api("POST", "/login/second-factor", json!({"code": phone.shows()})).expect(200);
}

/// The machine's clock was wrong when somebody restored. Nobody has to wait until it is as late as that.
#[test]
fn taking_the_clock_back_lets_codes_be_used_again() {
    let world = World::new();
    world.member(ALICE, PASSWORD);
    let (phone, mut halfway) = halfway_with_a_phone(&world);
    let right = world.app.now();
    let backup = world.records();
    world.clock.set(right.plus(5 * DAY));
    restore(&world, backup);
    world.clock.set(right.plus(MINUTE));
    world.command(json!({"command": "clock-reset"})).expect("done");
    world.advance(MINUTE);
    halfway().api("POST", "/login/second-factor", json!({"code": phone.shows()})).expect(200);
}
