//! When somebody has lost every factor: an administrator has them taken away, at once or after a time in which the owner can
//! object by logging in.

use crate::audit::{Act, Actor, Outcome, Source};
use crate::base::{AccountId, Moment, Timestamp};
use crate::factors;
use crate::mail::Letter;
use crate::sessions;
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, record, schema};

use super::person::{self, Person};
use super::{Services, administrators, second_step};

/// A reset that waits for its time.
pub struct FactorReset {
    asked_at: Timestamp,
    due_at: Timestamp,
    /// Who asked for it; none for one of a version that did not note it.
    asked_by: Option<Actor>,
}
record!(FactorReset, version 2, { asked_at, due_at }, since 2 { asked_by });

impl FactorReset {
    /// Whether whoever asked could still ask: with an administrator who was thrown out goes what they have begun.
    fn stands(&self, view: &(impl Snapshot + ?Sized)) -> Result<bool, StoreError> {
        match self.asked_by {
            Some(Actor::Account(id)) => administrators::is_active(view, id),
            _ => Ok(true),
        }
    }
}

pub(crate) const RESETS: Table<AccountId, FactorReset> = Table::at(schema::FACTOR_RESETS);

/// What came of asking.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Asked {
    /// It is done.
    Done,
    /// It will be done then.
    WaitsUntil(Timestamp),
    /// There is nothing to take away.
    Nothing,
}

/// Has somebody's factors taken away, and tells them.
pub fn ask(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    source: &Source,
    person: &Person,
) -> Result<Asked, StoreError> {
    if !factors::is_on(tx, person.id)? {
        return Ok(Asked::Nothing);
    }
    let Some(wait) = services.config.second_factor.reset_after else {
        reset(tx, moment, services, source, person)?;
        return Ok(Asked::Done);
    };
    let (due_at, asked_by) = match RESETS.get(tx, &person.id)? {
        Some(waiting) if waiting.stands(tx)? => (waiting.due_at, waiting.asked_by),
        _ => (moment.now().plus(wait.seconds()), Some(source.actor)),
    };
    RESETS.put(tx, &person.id, &FactorReset { asked_at: moment.now(), due_at, asked_by })?;
    services.audit(tx, moment, source, (Act::FactorResetAsked, Outcome::Done), person.id)?;
    if let Some(to) = person.verified_address() {
        let login = services.config.site.url.link("/login");
        services.mail(tx, moment, to, &Letter::FactorResetAsked { due: due_at, login })?;
    }
    Ok(Asked::WaitsUntil(due_at))
}

fn reset(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    source: &Source,
    person: &Person,
) -> Result<(), StoreError> {
    factors::remove_all(tx, person.id)?;
    RESETS.delete(tx, &person.id)?;
    sessions::end_all(tx, person.id, None)?;
    services.audit(tx, moment, source, (Act::FactorsReset, Outcome::Done), person.id)?;
    let Some(to) = person.verified_address() else { return Ok(()) };
    let must_have_one = second_step::is_required(&services.config, &person.account.groups);
    let letter = Letter::FactorsReset { at: moment.now(), must_have_one, forgot: services.forgot_link() };
    services.mail(tx, moment, to, &letter)
}

/// Carries out the reset of an account whose time has come.
pub fn carry_out_if_due(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    account: AccountId,
) -> Result<(), StoreError> {
    let due = RESETS.get(tx, &account)?.filter(|waiting| moment.earliest() >= waiting.due_at);
    let Some(waiting) = due else { return Ok(()) };
    if !waiting.stands(tx)? {
        RESETS.delete(tx, &account)?;
        return services.audit(tx, moment, &Source::appliance(), (Act::FactorResetDropped, Outcome::Done), account);
    }
    match person::load(tx, account)? {
        Some(person) => reset(tx, moment, services, &Source::appliance(), &person),
        None => RESETS.delete(tx, &account),
    }
}

/// The owner has a factor after all.
pub fn cancel(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    RESETS.delete(tx, &account)
}

/// Those of a backup, whose owners may have objected since it was made: whoever needs one asks again.
pub fn cancel_all(tx: &mut dyn Transaction) -> Result<(), StoreError> {
    let resets = RESETS.all(tx, Direction::Up, usize::MAX)?;
    resets.iter().try_for_each(|(account, _)| RESETS.delete(tx, account))
}

/// When an account's factors are taken away, if that was asked for.
pub fn due_at(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<Option<Timestamp>, StoreError> {
    match RESETS.get(view, &account)? {
        Some(waiting) if waiting.stands(view)? => Ok(Some(waiting.due_at)),
        _ => Ok(None),
    }
}

/// Carries out up to `limit` resets whose time has come, looking at as many behind `after`. Returns where to go on, or none at the end.
pub fn carry_out_due(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    after: Option<AccountId>,
    limit: usize,
) -> Result<Option<AccountId>, StoreError> {
    let page = RESETS.page(tx, after.as_ref(), limit)?;
    for (account, _) in &page {
        carry_out_if_due(tx, moment, services, *account)?;
    }
    Ok((page.len() == limit).then(|| page.last().map(|(account, _)| *account)).flatten())
}
