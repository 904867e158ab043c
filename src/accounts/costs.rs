//! How expensive the stored password hashes are, and how many there are of each cost: whoever logs in by a name that nobody
//! has is made to wait as long as somebody whose hash is among these.

use crate::crypto::{Cost, PasswordHash};
use crate::store::{Direction, Key, Pair, Record, Snapshot, StoreError, Table, Transaction, schema};

use super::{Account, Env, Registration};

/// (KiB of memory, passes, lanes) → how many.
pub(crate) const COSTS: Table<(u32, (u32, u32)), u64> = Table::at(schema::COSTS);

/// Costs that are told apart; the configuration changes rarely.
const MAX_COSTS: usize = 64;

fn key(cost: Cost) -> (u32, (u32, u32)) {
    (cost.memory_kib, (cost.iterations, cost.lanes))
}

/// One hash took the place of another, or was added, or removed.
pub fn replaced(
    tx: &mut dyn Transaction,
    before: Option<&PasswordHash>,
    after: Option<&PasswordHash>,
) -> Result<(), StoreError> {
    let (before, after) = (before.map(PasswordHash::cost), after.map(PasswordHash::cost));
    if before == after {
        return Ok(());
    }
    if let Some(cost) = before {
        match COSTS.get(tx, &key(cost))?.unwrap_or_default() {
            0 | 1 => COSTS.delete(tx, &key(cost))?,
            count => COSTS.put(tx, &key(cost), &(count - 1))?,
        }
    }
    if let Some(cost) = after {
        let count = COSTS.get(tx, &key(cost))?.unwrap_or_default();
        COSTS.put(tx, &key(cost), &count.saturating_add(1))?;
    }
    Ok(())
}

/// Whether a record that others wrote has logins cost more than this house bears: a password hash, or the count of such hashes
/// by which the cost of a name is drawn that nobody has.
#[must_use]
pub fn asks_too_much((key, value): &Pair, own: Cost) -> bool {
    let Some((prefix, mut rest)) = key.split_first().map(|(prefix, rest)| (*prefix, rest)) else { return false };
    let cost = if prefix == schema::ACCOUNTS.prefix {
        Account::from_bytes(value).ok().and_then(|account| account.password).map(|hash| hash.cost())
    } else if prefix == schema::REGISTRATIONS.prefix {
        Registration::from_bytes(value).ok().map(|registration| registration.password.cost())
    } else if prefix == schema::COSTS.prefix {
        let read = <(u32, (u32, u32))>::take(&mut rest);
        read.map(|(memory_kib, (iterations, lanes))| Cost { memory_kib, iterations, lanes })
    } else {
        None
    };
    cost.is_some_and(|cost| !cost.is_bearable(own))
}

/// The cost that a name which nobody has would have: drawn from the costs in use, weighted, and always the same for the same
/// name, so that trying again tells nothing.
pub fn of_nobody(view: &dyn Snapshot, env: &Env, name: &str) -> Result<Cost, StoreError> {
    let costs = COSTS.all(view, Direction::Up, MAX_COSTS)?;
    // What came from elsewhere may say any number.
    let total = costs.iter().fold(0u64, |total, (_, count)| total.saturating_add(*count));
    let code = env.seal.code(b"gatelodge decoy/1", &[name.as_bytes()]);
    let drawn = u64::from_be_bytes(*code.first_chunk().expect("a code has 32 bytes"));
    let mut left = drawn.checked_rem(total).unwrap_or_default();
    for ((memory_kib, (iterations, lanes)), count) in costs {
        let cost = Cost { memory_kib, iterations, lanes };
        if left < count && cost.is_permitted() {
            return Ok(cost);
        }
        left = left.saturating_sub(count);
    }
    Ok(env.config.password.cost())
}
