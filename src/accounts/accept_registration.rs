//! Turns a registration into an account, whoever decided that.

use crate::base::Username;
use crate::store::StoreError;

use super::create_account::{self, Added, Creation, NewAccount};
use super::registration::Registration;
use super::{Work, invitations};

/// Creates the account of a registration and deletes the address's others: nothing of theirs survives. None if its
/// invitation no longer works.
pub(super) fn accept(
    work: &mut Work<'_>,
    how: Creation<'_>,
    registration: Registration,
    username: Option<&Username>,
) -> Result<Option<Added>, StoreError> {
    let invitation = match registration.invitation {
        None => None,
        Some(id) => match invitations::of_registration(work.tx, work.env, id)? {
            Some(invitation) => Some((id, invitation)),
            // Used up by others, or revoked.
            None => return Ok(None),
        },
    };
    let new = NewAccount {
        phone: None,
        email: Some(registration.email),
        username: username.cloned().or(registration.username),
        name: registration.name,
        language: Some(registration.language),
        password: Some(registration.password),
        confirmed: true,
        groups: invitation.as_ref().map(|(_, invitation)| invitation.groups.clone()).unwrap_or_default(),
    };
    let added = create_account::create(work, how, new)?;
    if let (Added::Done(_), Some((id, invitation))) = (&added, invitation) {
        // Counted only now, in the same transaction: registrations that nobody confirms use up no invitation.
        invitations::use_once(work.tx, work.moment, id, invitation)?;
    }
    Ok(Some(added))
}
