//! Notices to owners of what happens to their accounts.

use crate::base::{AccountId, Moment};
use crate::mail::notices::{self};
use crate::mail::{Letter, Notable};
use crate::store::{StoreError, Transaction};

use super::{Person, Work};

/// Tells the owner of an account, if they have a verified address: at once, or together with other notices of the same
/// topic.
pub fn tell(work: &mut Work<'_>, person: &Person, letter: &Letter) -> Result<(), StoreError> {
    let Some(to) = person.verified_address() else { return Ok(()) };
    // Collected, not dropped: whoever causes many notices must neither flood the mailbox nor keep the owner from
    // hearing of any.
    let at_once = match letter.notable() {
        Some(what) if work.env.config.throttle.enabled => {
            notices::is_told_at_once(work.tx, (person.id, what), work.moment.earliest())?
        }
        _ => true,
    };
    if at_once { work.mail(person.at(to), letter) } else { Ok(()) }
}

/// Counts something that is not mailed by itself, for the summary that may follow.
pub fn count(tx: &mut dyn Transaction, moment: &Moment, account: AccountId, what: Notable) -> Result<(), StoreError> {
    notices::count(tx, (account, what), moment.earliest())
}
