//! Opens the signed links of mails: what each is good for, and that it works once.

use crate::base::{Moment, Timestamp};
use crate::crypto::{Digest, Opened, Purpose, TokenFault};
use crate::store::{Snapshot, StoreError, Transaction};

use super::{Env, keyring, spent};

/// Opens a token for one of these purposes and finds what it is good for, if it is bound to it; what finds nothing does not work, be it
/// that it did its work already.
pub(super) fn open<T>(
    view: &dyn Snapshot,
    env: &Env,
    (token, purposes): (&str, &[Purpose]),
    now: Timestamp,
    find: impl FnOnce(&Opened<'_>) -> Result<Option<T>, StoreError>,
) -> Result<Result<T, TokenFault>, StoreError> {
    let keys = keyring::load(view, &env.seal)?;
    let fault = match Opened::open(token, &keys, now) {
        Ok(opened) if purposes.contains(&opened.purpose) => match find(&opened)? {
            Some(found) => return Ok(Ok(found)),
            None => TokenFault::Invalid,
        },
        Ok(_) => TokenFault::Invalid,
        Err(fault) => fault,
    };
    if !Purpose::said_by(token).is_some_and(|purpose| purposes.contains(&purpose)) {
        return Ok(Err(fault));
    }
    Ok(Err(spent::used_at(view, digest_of(token))?.map_or(fault, TokenFault::Used)))
}

/// Notes that a token did its work.
pub(super) fn spend(tx: &mut dyn Transaction, moment: &Moment, token: &str) -> Result<(), StoreError> {
    spent::note(tx, moment, digest_of(token))
}

fn digest_of(token: &str) -> Digest {
    Digest::of(token.as_bytes())
}
