//! Changing the password, or setting the first one, with a proof that the account is one's own.

use crate::audit::Act;
use crate::crypto::{Bearer, PasswordHash};
use crate::sessions::{Method, Session};
use crate::store::StoreError;

use super::change_refused::ChangeRefused;
use super::forgot::SetBy;
use super::owner::Owner;
use super::{Work, forgot, known_devices, person, spent};

/// Sets a new password after `verified`, the hash at that time, matched the old one, if there is one. Ends the other
/// sessions and tells the owner. The session that is kept goes on under a new secret, which is handed out here, once:
/// whoever had a copy of the old one is out as well. Refused if the password was changed meanwhile.
pub fn change(
    work: &mut Work<'_>,
    owner: &Owner,
    verified: Option<&PasswordHash>,
    new: &PasswordHash,
) -> Result<Result<(Bearer, Session), ChangeRefused>, StoreError> {
    let (account, kept, client) = (owner.person.id, owner.session, &owner.client);
    let Some(mut person) =
        person::load(work.tx, account)?.filter(|person| person.account.password.as_ref() == verified)
    else {
        return Ok(Err(ChangeRefused::WrongPassword));
    };
    // Setting the first password proves nothing: it must not make the session's last proof any younger.
    let methods: &[Method] = if verified.is_some() { &[Method::Password] } else { &[] };
    let renewed = spent::renew_session(work, account, kept, Act::PasswordChanged, methods)?;
    let Some(renewed) = renewed else { return Ok(Err(ChangeRefused::WrongPassword)) };
    forgot::set_password(work, &mut person, new, SetBy::Owner { kept: Some(kept) })?;
    if !renewed.1.carrier.is_bearer() {
        // Setting a password forgets every known browser; this one was used for it and stays known.
        known_devices::note(work, account, client, kept)?;
    }
    work.audit(&client.owner_of(account), Act::PasswordChanged, account)?;
    Ok(Ok(renewed))
}
