//! The link "this was not me", by which owners take their account back. It stands in mails that report logins, and is
//! for whoever reads the address that it is mailed to.

use crate::base::{AccountId, EmailAddress};
use crate::config::Config;
use crate::crypto::{OpenedToken, Purpose};
use crate::sessions;
use crate::store::{Snapshot, StoreError};

use super::{Env, Person, Work, former_addresses};

/// The state that the link is bound to besides the address: nothing that a thief can change.
struct Binding {
    account: AccountId,
    taken_back: [u8; 8],
}

impl Binding {
    fn of(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<Self, StoreError> {
        let taken_back = sessions::logins_of(view, account)?.taken_back.to_be_bytes();
        Ok(Self { account, taken_back })
    }

    fn with<'a>(&'a self, address: &'a str) -> [&'a [u8]; 3] {
        [self.account.bytes(), &self.taken_back, address.as_bytes()]
    }
}

/// Signs the link for the owner of an account.
pub(super) fn sign(work: &mut Work<'_>, person: &Person) -> Result<String, StoreError> {
    let address = person.verified_address().map(EmailAddress::canonical).unwrap_or_default();
    let binding = Binding::of(work.tx, person.id)?;
    work.signed_link(Purpose::NotMe, *person.id.bytes(), &binding.with(&address), Config::TAKE_BACK_WITHIN)
}

/// Whether a link was mailed to an address that is the account's, or was until somebody changed it. One that a thief
/// had mailed to their own address is dead once the owner has the account back.
pub(super) fn is_bound(
    view: &dyn Snapshot,
    env: &Env,
    link: &OpenedToken<'_>,
    person: &Person,
) -> Result<bool, StoreError> {
    let binding = Binding::of(view, person.id)?;
    let is_bound_to = |address: &EmailAddress| env.is_bound(link, &binding.with(&address.canonical()));
    // Former addresses count: a thief who changes the address must not kill the link that the owner holds.
    Ok(person.verified_address().is_some_and(is_bound_to)
        || former_addresses::of_account(view, person.id)?.iter().any(is_bound_to))
}
