//! The costs of the stored password hashes, and how many there are of each: a login by an unknown name is made to wait
//! as long as one whose hash is among these.

use crate::crypto::{Cost, PasswordHash};
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, schema};

use super::Env;

/// (KiB of memory, passes, lanes) → number of hashes.
pub(crate) const COSTS: Table<(u32, (u32, u32)), u64> = Table::at(schema::COSTS);

/// Costs that are told apart at most; the configuration changes rarely.
const MAX_COSTS: usize = 64;

fn key(cost: Cost) -> (u32, (u32, u32)) {
    (cost.memory_kib, (cost.iterations, cost.lanes))
}

/// Counts that one hash took the place of another, or was added, or removed.
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

/// The cost of the decoy for an unknown name: drawn from the costs in use, weighted by their number, and always the
/// same for the same name, so that trying again shows nothing.
pub fn of_nobody(view: &dyn Snapshot, env: &Env, name: &str) -> Result<Cost, StoreError> {
    let costs = COSTS.all(view, Direction::Up, MAX_COSTS)?;
    // Saturating: a restored record may hold any number.
    let total = costs.iter().fold(0u64, |total, (_, count)| total.saturating_add(*count));
    // Drawn by a keyed digest of the name: without the key nobody can foretell the cost of an unknown name, and pick
    // out the known ones by comparing.
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
