//! How expensive the stored password hashes are, and how many there are of each cost: whoever logs in by a name that nobody
//! has is made to wait as long as somebody whose hash is among these.

use crate::crypto::{Cost, PasswordHash};
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, schema};

use super::Env;

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
