//! Limits on what restored records may make logins cost.

use crate::crypto::Cost;
use crate::store::{Key, Pair, Record, schema};

use super::{Account, Registration};

/// Whether a record of foreign origin would make logins cost more than this site can bear: a password hash, or the
/// count of such hashes from which the cost for unknown names is drawn. `own` is the cost of the site's own hashes.
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
