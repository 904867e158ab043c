//! Settles what must not come back with a restored backup.

use crate::accounts::factor_resets;
use crate::base::{Moment, Timestamp};
use crate::factors;
use crate::mail;
use crate::store::{StoreError, Transaction, floor, node, raise_floor};

/// Makes sure that what can be used once is not used again: between the backup and now somebody may
/// have. Sessions, links, tokens, invitations and known browsers die with the generation; this is for
/// what does not. Returns the time that it is at least.
pub fn settle(tx: &mut dyn Transaction, moment: &Moment, made_at: Option<Timestamp>) -> Result<Timestamp, StoreError> {
    // A board may wake in the past; no time before the backup is believed.
    let node = node(tx)?;
    let now = floor(tx, node)?.max(made_at).max(Some(moment.now())).unwrap_or_default();
    raise_floor(tx, node, now)?;
    // They may have been delivered since.
    mail::hold_all(tx)?;
    // A code that was read over somebody's shoulder, and used by its owner at once, must not serve a second time.
    factors::raise_steps(tx, now)?;
    factors::drop_all_codes(tx)?;
    // Its owner may have objected since, by logging in; by now all of them would be due.
    factor_resets::cancel_all(tx)?;
    Ok(now)
}
