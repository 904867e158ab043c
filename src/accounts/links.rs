//! Opens the signed links of mails: finds what each is good for, and sees to it that it works once.

use crate::base::{Moment, Timestamp};
use crate::crypto::{Digest, OpenedToken, Purpose, TokenFault};
use crate::store::{Snapshot, StoreError, Transaction};

use super::{Env, keyring, spent};

/// A token that somebody presents.
#[derive(Clone, Copy)]
pub(super) struct Presented<'a> {
    /// The token, as it came.
    pub token: &'a str,
    /// The purposes for which it is taken here.
    pub purposes: &'a [Purpose],
}

/// Opens a token for one of these purposes and finds what it is bound to. A token that finds nothing does not work,
/// perhaps because it has done its work already.
pub(super) fn open<T>(
    view: &dyn Snapshot,
    env: &Env,
    Presented { token, purposes }: Presented<'_>,
    now: Timestamp,
    find: impl FnOnce(&OpenedToken<'_>) -> Result<Option<T>, StoreError>,
) -> Result<Result<T, TokenFault>, StoreError> {
    let keys = keyring::load(view, &env.seal)?;
    let fault = match OpenedToken::open(token, &keys, now) {
        Ok(opened) if purposes.contains(&opened.purpose) => match find(&opened)? {
            Some(found) => return Ok(Ok(found)),
            None => TokenFault::Invalid,
        },
        Ok(_) => TokenFault::Invalid,
        Err(fault) => fault,
    };
    // Only a token of these purposes is looked up among the spent ones: a used reset link is not reported as used where
    // it was never good.
    if !Purpose::said_by(token).is_some_and(|purpose| purposes.contains(&purpose)) {
        return Ok(Err(fault));
    }
    Ok(Err(spent::used_at(view, digest_of(token))?.map_or(fault, TokenFault::Used)))
}

/// Records that a token has done its work.
pub(super) fn spend(tx: &mut dyn Transaction, moment: &Moment, token: &str) -> Result<(), StoreError> {
    spent::note(tx, moment, digest_of(token))
}

fn digest_of(token: &str) -> Digest {
    Digest::of(token.as_bytes())
}
