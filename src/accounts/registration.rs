//! Registrations that wait to be confirmed: a row of its own for each.

use std::sync::LazyLock;

use crate::base::{DisplayName, EmailAddress, InvitationId, RegistrationId, Seconds, Timestamp, Username};
use crate::crypto::{Cost, Digest, PasswordHash};
use crate::mail::Addressee;
use crate::store::{Direction, Record, Snapshot, StoreError, Table, Transaction, next_after, record, schema};
use crate::texts::Language;

use super::{confirm_links, hash_costs};

/// A registration that waits to be confirmed.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The registered address.
    pub email: EmailAddress,
    /// The password that was chosen with it.
    pub password: PasswordHash,
    /// The user name that was asked for.
    pub username: Option<Username>,
    /// The person's display name.
    pub name: Option<DisplayName>,
    /// The person's language.
    pub language: Language,
    /// The digest of the cookie of the browser that registered.
    pub browser: Digest,
    /// The time of the registration.
    pub created_at: Timestamp,
    /// The time at which its link was last mailed.
    pub mailed_at: Option<Timestamp>,
    /// The invitation that it was made with.
    pub invitation: Option<InvitationId>,
    /// The time at which the address was confirmed, if it waits for an administrator to approve it.
    pub confirmed_at: Option<Timestamp>,
    /// The epoch that its address was in: when the address gets an account, a new one begins.
    pub(super) epoch: u64,
}
record!(Registration, version 3, { email, password, username, name, language, browser, created_at, mailed_at }, since 2 {
    invitation, confirmed_at,
}, since 3 { epoch });

impl Registration {
    /// Whoever reads mails at its address.
    pub(super) fn addressee(&self) -> Addressee<'_> {
        Addressee { address: &self.email, language: Some(&self.language) }
    }
}

pub(crate) const REGISTRATIONS: Table<RegistrationId, Registration> = Table::at(schema::REGISTRATIONS);

pub(crate) const OF_ADDRESS: Table<(String, RegistrationId), ()> = Table::at(schema::REGISTRATIONS_OF);

/// Registrations of one address that are considered, the newest; the others wait to be confirmed or to expire.
const MAX_CONSIDERED: usize = 50;
/// Registrations of one address that are removed one by one when it gets an owner.
const ONE_BY_ONE: usize = 4;

/// Finds the registration of this id; not one that is void.
pub fn find(view: &dyn Snapshot, id: RegistrationId) -> Result<Option<Registration>, StoreError> {
    let Some(registration) = REGISTRATIONS.get(view, &id)? else { return Ok(None) };
    Ok((!is_void(view, &registration)?).then_some(registration))
}

/// Whether the address has had an account since.
pub(super) fn is_void(view: &dyn Snapshot, registration: &Registration) -> Result<bool, StoreError> {
    Ok(registration.epoch != confirm_links::epoch_of(view, &registration.email.canonical())?)
}

/// Whether there is any registration of an address, void or not.
pub fn has_rows(view: &dyn Snapshot, canonical: &String) -> Result<bool, StoreError> {
    Ok(!OF_ADDRESS.under(view, canonical, Direction::Up, 1)?.is_empty())
}

/// The registrations of an address, newest first.
pub fn of_address(
    view: &dyn Snapshot,
    address: &EmailAddress,
) -> Result<Vec<(RegistrationId, Registration)>, StoreError> {
    let mut found = Vec::new();
    // The ids follow the time: the newest stand last.
    for ((_, id), ()) in OF_ADDRESS.under(view, &address.canonical(), Direction::Down, MAX_CONSIDERED)? {
        found.extend(find(view, id)?.map(|registration| (id, registration)));
    }
    Ok(found)
}

/// The newest registration of an address. Where there is none, a sample is read in its place, which takes as long
/// (equal work: user enumeration).
pub fn newest_of_address(
    view: &dyn Snapshot,
    address: &str,
) -> Result<Option<(RegistrationId, Registration)>, StoreError> {
    static SAMPLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let registration = Registration {
            email: EmailAddress::parse("somebody@example.org").expect("an address"),
            password: PasswordHash::decoy(Cost { memory_kib: 19456, iterations: 2, lanes: 1 }),
            username: None,
            name: None,
            language: Language::english(),
            browser: Digest([0; 32]),
            created_at: Timestamp::from_seconds(1_800_000_000),
            mailed_at: Some(Timestamp::from_seconds(1_800_000_000)),
            invitation: None,
            confirmed_at: None,
            epoch: 0,
        };
        registration.to_bytes()
    });
    let address = address.to_owned();
    let (newest, epoch) =
        (OF_ADDRESS.under(view, &address, Direction::Down, 1)?, confirm_links::epoch_of(view, &address)?);
    let id = newest.into_iter().next().map(|((_, id), ())| id);
    // A look-up that finds nothing stands in for one that does.
    let found = REGISTRATIONS.get(view, &id.unwrap_or(RegistrationId::from_bytes([0xff; 16])))?;
    if found.is_none() {
        std::hint::black_box(Registration::read(&SAMPLE)?);
    }
    Ok(id.zip(found.filter(|registration| registration.epoch == epoch)))
}

/// Writes a registration, and keeps the counts of hash costs in step.
pub fn save(tx: &mut dyn Transaction, id: RegistrationId, registration: &Registration) -> Result<(), StoreError> {
    let before = find(tx, id)?.map(|registration| registration.password);
    hash_costs::replaced(tx, before.as_ref(), Some(&registration.password))?;
    REGISTRATIONS.put(tx, &id, registration)
}

/// Removes a registration.
pub fn remove(tx: &mut dyn Transaction, id: RegistrationId, registration: &Registration) -> Result<(), StoreError> {
    hash_costs::replaced(tx, Some(&registration.password), None)?;
    REGISTRATIONS.delete(tx, &id)?;
    OF_ADDRESS.delete(tx, &(registration.email.canonical(), id))
}

/// Removes every registration of an address that has an account now. Where there are many they become void, and go with
/// the next sweep.
pub fn remove_all(tx: &mut dyn Transaction, address: &EmailAddress) -> Result<(), StoreError> {
    let newest = OF_ADDRESS.under(tx, &address.canonical(), Direction::Down, ONE_BY_ONE + 1)?;
    if newest.len() > ONE_BY_ONE {
        return confirm_links::begin_epoch(tx, address);
    }
    confirm_links::forget(tx, address)?;
    for ((canonical, id), ()) in newest {
        match REGISTRATIONS.get(tx, &id)? {
            Some(registration) => remove(tx, id, &registration)?,
            None => OF_ADDRESS.delete(tx, &(canonical, id))?,
        }
    }
    Ok(())
}

/// The times for which registrations wait.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// Seconds for their owner to confirm them.
    pub confirm_within: Seconds,
    /// Seconds for an administrator to approve them.
    pub approve_within: Seconds,
}

/// Removes registrations that waited in vain, looking at up to `limit` behind `after`. Returns how many, and where to
/// go on, or none at the end.
pub fn sweep(
    tx: &mut dyn Transaction,
    now: Timestamp,
    deadlines: Deadlines,
    after: Option<RegistrationId>,
    limit: usize,
) -> Result<(usize, Option<RegistrationId>), StoreError> {
    let (page, mut removed) = (REGISTRATIONS.page(tx, after.as_ref(), limit)?, 0);
    for (id, registration) in &page {
        // Counted from the mail, not from the registration: the link is signed when it is mailed, which may have taken
        // a while, and its registration must not go before it expires.
        let is_over = match registration.confirmed_at {
            Some(confirmed_at) => now.since(confirmed_at) > deadlines.approve_within,
            None => now.since(registration.mailed_at.unwrap_or(registration.created_at)) > deadlines.confirm_within,
        };
        if is_over || is_void(tx, registration)? {
            remove(tx, *id, registration)?;
            // What became void was not waited for.
            removed += usize::from(is_over);
        }
    }
    Ok((removed, next_after(&page, limit)))
}
