//! Change the password, knowing the old one.

use crate::audit::Act;
use crate::base::{AccountId, SessionId};
use crate::crypto::{Bearer, PasswordHash};
use crate::sessions::{Client, Session};
use crate::store::StoreError;

use super::forgot::SetBy;
use super::{Work, forgot, known_devices, person, spent};

/// Sets a new password after `verified`, the hash at that time, matched the old one. Ends the other sessions and tells
/// the owner; the one that is kept goes on under a new secret, which is handed out here, once: whoever had a copy of the old
/// one is out as well. None if the password was changed meanwhile: then the old one was not the right one any more.
pub fn change(
    work: &mut Work<'_>,
    (account, kept): (AccountId, SessionId),
    (verified, new): (&PasswordHash, &PasswordHash),
    client: &Client,
) -> Result<Option<(Bearer, Session)>, StoreError> {
    let Some(mut person) =
        person::load(work.tx, account)?.filter(|person| person.account.password.as_ref() == Some(verified))
    else {
        return Ok(None);
    };
    let renewed = spent::renew_session(work, (account, kept, Act::PasswordChanged), &["password"])?;
    let Some(renewed) = renewed else { return Ok(None) };
    forgot::set_password(work, &mut person, new, SetBy::Owner { kept: Some(kept) })?;
    if !renewed.1.carrier.is_bearer() {
        // This browser is its owner's: it stays known under the new password.
        known_devices::note(work.tx, work.env, account, (client, kept), work.moment.now())?;
    }
    work.audit(&client.owner_of(account), Act::PasswordChanged, account)?;
    Ok(Some(renewed))
}
