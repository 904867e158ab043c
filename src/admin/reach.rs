//! The reach of commands: neither an API token nor the help desk touches administrators.
//!
//! An API token lies in a file or a program's settings and is asked for no second factor. So whatever its scopes, it
//! makes nobody an administrator and changes no administrator's account. Refused is whatever could take one over (a
//! password, a telephone number to log in with and to receive codes, removing second factors, confirming an address,
//! enabling a disabled account), and whatever could leave the thief of the token alone at the site (disabling,
//! deleting, demoting, ending the sessions of others). These need a login, which proves who the caller is, recently.
//!
//! The help desk sends links and ends sessions, but not an administrator's nor its own members': among equals nobody
//! throws the others out.

use crate::accounts::{Env, Person, administer, administrators, invitations, registration};
use crate::app::Principal;
use crate::base::{EmailAddress, GroupName};
use crate::store::{Snapshot, StoreError};

use super::{Refusal, named};

/// The accounts that commands may touch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reach {
    Everybody,
    /// All but administrators, for API tokens.
    NoAdministrators,
    /// All but administrators and the help desk, for the help desk.
    NobodyPrivileged,
}

/// What was found in a transaction, or the refusal.
pub(super) type Reached<T> = Result<Result<T, Refusal>, StoreError>;

impl Reach {
    pub(super) fn of(by: &Principal) -> Self {
        if by.is_api_token() { Self::NoAdministrators } else { Self::Everybody }
    }

    /// As [`Reach::of`], for commands that the help desk has as well: by the groups that the caller is in now, within
    /// the transaction. Whoever was demoted to the help desk meanwhile has its reach.
    pub(super) fn within(view: &dyn Snapshot, by: &Principal) -> Result<Self, StoreError> {
        let Some(id) = by.account() else { return Ok(Self::of(by)) };
        Ok(if administrators::is_active(view, id)? { Self::of(by) } else { Self::NobodyPrivileged })
    }

    fn unless(self, is_about_administrators: bool) -> Result<(), Refusal> {
        match self {
            Self::NoAdministrators if is_about_administrators => Err(Refusal::needs_login()),
            Self::NobodyPrivileged if is_about_administrators => Err(Refusal::beyond_helpdesk()),
            _ => Ok(()),
        }
    }

    fn touch(self, person: &Person) -> Result<(), Refusal> {
        let is_spared = self == Self::NobodyPrivileged && person.account.is_helper();
        self.unless(person.account.is_administrator() || is_spared)
    }

    /// Checks that members of these groups may be added or removed.
    pub(super) fn change_members<'a>(self, groups: impl IntoIterator<Item = &'a GroupName>) -> Result<(), Refusal> {
        self.unless(groups.into_iter().any(GroupName::is_privileged))
    }

    /// Finds the account that is named, within the transaction that changes it: checked earlier, it could become an
    /// administrator's in between.
    pub(super) fn find(self, view: &dyn Snapshot, named: &str) -> Reached<Person> {
        let Some(person) = administer::find(view, named)? else {
            return Ok(Err(match self {
                Self::Everybody => named::unknown_but_like(view, named)?,
                // No suggestions: admin:write does not include reading who has an account.
                Self::NoAdministrators | Self::NobodyPrivileged => named::unknown_account(named),
            }));
        };
        Ok(self.touch(&person).map(|()| person))
    }

    /// Checks that an address may be confirmed: an account's, or a registration's whose invitation may make it an
    /// administrator's.
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

    /// Refuses a group that does not exist.
    pub(super) fn require_group(self, view: &dyn Snapshot, name: &GroupName) -> Reached<()> {
        if named::is_group(view, name)? {
            return Ok(Ok(()));
        }
        Ok(Err(match self {
            Self::Everybody => named::unknown_among_groups(view, name)?,
            // No suggestions: admin:write does not include reading which groups there are.
            Self::NoAdministrators | Self::NobodyPrivileged => named::unknown_group(name),
        }))
    }

    /// Checks that a group may be disbanded: it may be the one that requires second factors of its administrators.
    pub(super) fn disband(self, view: &dyn Snapshot, group: &GroupName) -> Reached<()> {
        Ok(match self {
            Self::Everybody => Ok(()),
            Self::NoAdministrators | Self::NobodyPrivileged => {
                self.unless(group.is_privileged() || administrators::any_is_in(view, group)?)
            }
        })
    }
}
