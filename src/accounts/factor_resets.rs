//! Resets of second factors, for people who have lost them all: an administrator has them removed, at once or after a
//! time in which the owner can object by logging in.

use crate::audit::{Act, Actor, Source};
use crate::base::{AccountId, Timestamp};
use crate::factors;
use crate::mail::Letter;
use crate::sessions;
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, next_after, record, schema};

use super::person::{self, Person};
use super::{Work, administrators};

/// A reset that waits until it is due.
pub struct FactorReset {
    asked_at: Timestamp,
    due_at: Timestamp,
    /// The administrator who asked for it; none for one of a version that did not record it.
    asked_by: Option<Actor>,
}
record!(FactorReset, version 2, { asked_at, due_at }, since 2 { asked_by });

impl FactorReset {
    /// Whether whoever asked for it could still do so: what a removed administrator has begun goes with them.
    fn stands(&self, view: &(impl Snapshot + ?Sized)) -> Result<bool, StoreError> {
        match self.asked_by {
            Some(Actor::Account(id)) => administrators::is_active(view, id),
            _ => Ok(true),
        }
    }
}

pub(crate) const RESETS: Table<AccountId, FactorReset> = Table::at(schema::FACTOR_RESETS);

/// The outcome of asking for a reset.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ResetAsked {
    /// It is done.
    Done,
    /// It will be done at this time.
    WaitsUntil(Timestamp),
    /// The account has no factors to remove.
    Nothing,
}

/// Removes somebody's factors, at once or when the waiting time is over, and tells them.
pub fn ask(work: &mut Work<'_>, source: &Source, person: &Person) -> Result<ResetAsked, StoreError> {
    if !factors::has_any(work.tx, person.id)? {
        return Ok(ResetAsked::Nothing);
    }
    let Some(wait) = work.env.config.second_factor.reset_after else {
        reset(work, source, person)?;
        return Ok(ResetAsked::Done);
    };
    // Asking again does not move the time: the owner was told when it would be.
    let (due_at, asked_by) = match RESETS.get(work.tx, &person.id)? {
        Some(waiting) if waiting.stands(work.tx)? => (waiting.due_at, waiting.asked_by),
        _ => (work.now().plus(wait.seconds()), Some(source.actor)),
    };
    RESETS.put(work.tx, &person.id, &FactorReset { asked_at: work.moment.now(), due_at, asked_by })?;
    work.audit(source, Act::FactorResetAsked, person.id)?;
    if let Some(to) = person.verified_address() {
        let login = work.env.config.site.url.link("/login");
        work.mail(person.at(to), &Letter::FactorResetAsked { due: due_at, login })?;
    }
    Ok(ResetAsked::WaitsUntil(due_at))
}

fn reset(work: &mut Work<'_>, source: &Source, person: &Person) -> Result<(), StoreError> {
    factors::remove_all(work.tx, person.id)?;
    RESETS.delete(work.tx, &person.id)?;
    sessions::end_all(work.tx, person.id, None)?;
    work.audit(source, Act::FactorsReset, person.id)?;
    let Some(to) = person.verified_address() else { return Ok(()) };
    let must_have_one = work.env.config.second_factor.is_required_for(&person.account.groups);
    let letter = Letter::FactorsReset { at: work.now(), must_have_one, forgot: work.env.forgot_link() };
    work.mail(person.at(to), &letter)
}

/// Carries out the reset of an account if it is due.
pub fn carry_out_if_due(work: &mut Work<'_>, account: AccountId) -> Result<(), StoreError> {
    // By the earlier time: a leap of the clock must not cut short the time to object.
    let due = RESETS.get(work.tx, &account)?.filter(|waiting| work.moment.earliest() >= waiting.due_at);
    let Some(waiting) = due else { return Ok(()) };
    if !waiting.stands(work.tx)? {
        RESETS.delete(work.tx, &account)?;
        return work.audit(&Source::appliance(), Act::FactorResetDropped, account);
    }
    match person::load(work.tx, account)? {
        Some(person) => reset(work, &Source::appliance(), &person),
        None => RESETS.delete(work.tx, &account),
    }
}

/// Cancels a reset: the owner still has a factor.
pub fn cancel(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    RESETS.delete(tx, &account)
}

/// Cancels every reset, when a backup is restored: their owners may have objected since it was made, and whoever needs
/// one asks again.
pub fn cancel_all(tx: &mut dyn Transaction) -> Result<(), StoreError> {
    let resets = RESETS.all(tx, Direction::Up, usize::MAX)?;
    resets.iter().try_for_each(|(account, _)| RESETS.delete(tx, account))
}

/// The time at which an account's factors will be removed, if that was asked for.
pub fn due_at(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<Option<Timestamp>, StoreError> {
    match RESETS.get(view, &account)? {
        Some(waiting) if waiting.stands(view)? => Ok(Some(waiting.due_at)),
        _ => Ok(None),
    }
}

/// Carries out the resets that are due, looking at up to `limit` behind `after`. Returns where to go on, or none at the
/// end.
pub fn carry_out_due(
    work: &mut Work<'_>,
    after: Option<AccountId>,
    limit: usize,
) -> Result<Option<AccountId>, StoreError> {
    let page = RESETS.page(work.tx, after.as_ref(), limit)?;
    for (account, _) in &page {
        carry_out_if_due(work, *account)?;
    }
    Ok(next_after(&page, limit))
}
