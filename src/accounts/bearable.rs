//! What records that others wrote may have logins cost.

use crate::crypto::Cost;
use crate::store::{Key, Pair, Record, schema};

use super::{Account, Registration};

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
