//! Change the password, knowing the old one.

use crate::audit::{Act, Outcome};
use crate::base::{AccountId, Moment, SessionId};
use crate::crypto::PasswordHash;
use crate::sessions::Client;
use crate::store::{StoreError, Transaction};

use super::{Services, forgot, person};

/// Sets a new password after `verified`, the hash at that time, matched the old one. Ends the other sessions and tells
/// the owner. False if the password was changed meanwhile: then the old one was not the right one any more.
///
/// # Errors
/// When the store fails.
pub fn change(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    (account, kept): (AccountId, SessionId),
    (verified, new): (&PasswordHash, &PasswordHash),
    client: &Client,
) -> Result<bool, StoreError> {
    let Some(mut person) =
        person::load(tx, account)?.filter(|person| person.account.password.as_ref() == Some(verified))
    else {
        return Ok(false);
    };
    forgot::set_password(tx, moment, services, &mut person, new, Some(kept))?;
    services.audit(tx, moment, &client.owner_of(account), (Act::PasswordChanged, Outcome::Done), account)?;
    Ok(true)
}
