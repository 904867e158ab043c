//! Whom somebody's commands reach.
//!
//! An API token lies in a file or a program's settings and asks for no second factor, so whatever its scopes, it makes nobody an
//! administrator and changes no administrator's account. What would take one over (a password, a telephone number to log in and to
//! be sent codes by, second factors taken away, an address confirmed in its owner's stead, a lock opened again) is refused, and with
//! it what would leave whoever stole the token alone at the site (locking, deleting, demoting, ending what the others have).
//! These ask for a login, which proves who one is and is fresh.

use crate::accounts::{Env, Person, administer, administrators, invitations, registration};
use crate::app::Principal;
use crate::base::{EmailAddress, GroupName};
use crate::store::{Snapshot, StoreError};

use super::{Refusal, named};

/// Whom commands reach.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reach {
    Everybody,
    /// An API token's.
    NoAdministrators,
}

/// What is found in a transaction, or why nothing is done.
pub(super) type Reached<T> = Result<Result<T, Refusal>, StoreError>;

impl Reach {
    pub(super) fn of(by: &Principal) -> Self {
        if by.is_api_token() { Self::NoAdministrators } else { Self::Everybody }
    }

    fn unless(self, is_about_administrators: bool) -> Result<(), Refusal> {
        if self == Self::NoAdministrators && is_about_administrators { Err(Refusal::needs_login()) } else { Ok(()) }
    }

    /// Whether somebody may be put into these groups, or taken out.
    pub(super) fn change_members<'a>(self, groups: impl IntoIterator<Item = &'a GroupName>) -> Result<(), Refusal> {
        self.unless(groups.into_iter().any(|group| *group == GroupName::administrators()))
    }

    /// The account that is named, within the transaction that changes it.
    pub(super) fn find(self, view: &dyn Snapshot, named: &str) -> Reached<Person> {
        let Some(person) = administer::find(view, named)? else {
            return Ok(Err(match self {
                Self::Everybody => named::unknown_but_like(view, named)?,
                // One that may change accounts need not be one that may read who has one.
                Self::NoAdministrators => named::unknown_account(named),
            }));
        };
        Ok(self.unless(person.account.is_administrator()).map(|()| person))
    }

    /// Whether whoever is named may be confirmed: an account, or a registration, which its invitation may make an administrator's.
    pub(super) fn confirm(self, view: &dyn Snapshot, env: &Env, named: &str) -> Reached<()> {
        if let Some(person) = administer::find(view, named)? {
            return Ok(self.unless(person.account.is_administrator()));
        }
        let Ok(address) = EmailAddress::parse(named) else { return Ok(Ok(())) };
        for (_, registration) in registration::of_address(view, &address)? {
            let Some(id) = registration.invitation else { continue };
            let invitation = invitations::of_registration(view, env, id)?;
            let groups = invitation.map(|invitation| invitation.groups).unwrap_or_default();
            if let Err(refusal) = self.change_members(&groups) {
                return Ok(Err(refusal));
            }
        }
        Ok(Ok(()))
    }

    /// Whether everybody may be taken out of a group: one may be why its administrators have to have a second factor.
    pub(super) fn disband(self, view: &dyn Snapshot, group: &GroupName) -> Reached<()> {
        Ok(match self {
            Self::Everybody => Ok(()),
            Self::NoAdministrators => self.unless(administrators::any_is_in(view, group)?),
        })
    }
}
