//! Register: a row of its own for each, so that what was acknowledged is there, whoever else uses the address.

use std::sync::LazyLock;

use crate::audit::{Act, Outcome, Subject};
use crate::base::{AccountId, DisplayName, EmailAddress, Moment, RegistrationId, Seconds, Timestamp, Username};
use crate::crypto::{Cost, Digest, PasswordHash};
use crate::sessions::Client;
use crate::store::{Direction, Record, Snapshot, StoreError, Table, Transaction, record, schema};

use super::links::{self, Wish};
use super::person::{self, Account};
use super::tries::Tries;
use super::{Services, costs, identity};

/// A registration that waits to be confirmed.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The address that was registered.
    pub email: EmailAddress,
    /// The password that was chosen with it.
    pub password: PasswordHash,
    /// The user name that was wished for.
    pub username: Option<Username>,
    /// What the person is called.
    pub name: Option<DisplayName>,
    /// The language that the person reads.
    pub language: String,
    /// The digest of the cookie of the browser that registered.
    pub browser: Digest,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its link was last mailed.
    pub mailed_at: Option<Timestamp>,
}
record!(Registration, version 1, { email, password, username, name, language, browser, created_at, mailed_at });

pub(crate) const REGISTRATIONS: Table<RegistrationId, Registration> = Table::at(schema::REGISTRATIONS);
pub(crate) const OF_ADDRESS: Table<(String, RegistrationId), ()> = Table::at(schema::REGISTRATIONS_OF);

/// Registrations of one address that are looked at, the newest; the others wait to be confirmed or to expire.
const MAX_CONSIDERED: usize = 50;

/// What somebody registers with.
#[derive(Clone, Debug)]
pub struct NewRegistration {
    /// The address.
    pub email: EmailAddress,
    /// The hash of the chosen password.
    pub password: PasswordHash,
    /// The wished user name.
    pub username: Option<Username>,
    /// What the person is called.
    pub name: Option<DisplayName>,
    /// The digest of the browser's cookie.
    pub browser: Digest,
    /// What the request costs.
    pub tries: Tries,
    /// Where it comes from.
    pub client: Client,
}

/// What came of a registration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Registered {
    /// Accepted. A worker decides later what is mailed to the address.
    Accepted,
    /// The address has an account; only told where nothing is hidden (`confirm_email = false`).
    AddressTaken,
    /// Somebody has the user name; only told where nothing is hidden.
    UsernameTaken,
}

/// Records a registration, without looking whether the address is known.
///
/// # Errors
/// When the store fails.
pub fn register(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    new: &NewRegistration,
) -> Result<Registered, StoreError> {
    new.tries.charge(tx, moment, services, &new.client.anyone(), Subject::NONE)?;
    if !services.config.registration.confirm_email {
        return open_account(tx, moment, services, new);
    }
    let id = RegistrationId::draw_in_order(moment);
    let registration = Registration {
        email: new.email.clone(),
        password: new.password.clone(),
        username: new.username.clone(),
        name: new.name.clone(),
        language: "en".into(),
        browser: new.browser,
        created_at: moment.earliest(),
        mailed_at: None,
    };
    save(tx, id, &registration)?;
    OF_ADDRESS.put(tx, &(new.email.canonical(), id), &())?;
    services.audit(tx, moment, &new.client.anyone(), (Act::Registered, Outcome::Done), id)?;
    links::wish(tx, moment, &Wish::Registered(id))?;
    Ok(Registered::Accepted)
}

/// Without confirmation the account exists at once; its address is mailed a link all the same,
/// because no reset mail ever goes to an unconfirmed address.
fn open_account(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    new: &NewRegistration,
) -> Result<Registered, StoreError> {
    if identity::owner_of_email(tx, &new.email)?.is_some() {
        return Ok(Registered::AddressTaken);
    }
    if let Some(username) = &new.username
        && identity::owner_of_username(tx, username)?.is_some()
    {
        return Ok(Registered::UsernameTaken);
    }
    let id = AccountId::draw(moment);
    person::save(tx, id, &Account::new(Some(new.password.clone()), new.name.clone(), moment.now()))?;
    identity::set_email(tx, id, &new.email, None)?;
    if let Some(username) = &new.username {
        identity::set_username(tx, id, username, moment.now())?;
    }
    services.audit(tx, moment, &new.client.owner_of(id), (Act::Registered, Outcome::Done), id)?;
    links::wish(tx, moment, &Wish::ConfirmAddress(id))?;
    Ok(Registered::Accepted)
}

/// The registration of this id.
///
/// # Errors
/// When the store fails.
pub fn find(view: &dyn Snapshot, id: RegistrationId) -> Result<Option<Registration>, StoreError> {
    REGISTRATIONS.get(view, &id)
}

/// The registrations of an address, newest first.
///
/// # Errors
/// When the store fails.
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

/// The newest registration of an address. Where there is none, a sample is read in its place, which takes as long.
///
/// # Errors
/// When the store fails.
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
            language: "en".into(),
            browser: Digest([0; 32]),
            created_at: Timestamp::from_seconds(1_800_000_000),
            mailed_at: Some(Timestamp::from_seconds(1_800_000_000)),
        };
        registration.to_bytes()
    });
    let newest = OF_ADDRESS.under(view, &address.to_owned(), Direction::Down, 1)?.into_iter().next();
    let id = newest.map(|((_, id), ())| id);
    let found = find(view, id.unwrap_or(RegistrationId::from_bytes([0xff; 16])))?;
    if found.is_none() {
        std::hint::black_box(Registration::read(&SAMPLE)?);
    }
    Ok(id.zip(found))
}

/// Writes a registration.
///
/// # Errors
/// When the store fails.
pub fn save(tx: &mut dyn Transaction, id: RegistrationId, registration: &Registration) -> Result<(), StoreError> {
    let before = find(tx, id)?.map(|registration| registration.password);
    costs::replaced(tx, before.as_ref(), Some(&registration.password))?;
    REGISTRATIONS.put(tx, &id, registration)
}

/// Removes a registration.
///
/// # Errors
/// When the store fails.
pub fn remove(tx: &mut dyn Transaction, id: RegistrationId, registration: &Registration) -> Result<(), StoreError> {
    costs::replaced(tx, Some(&registration.password), None)?;
    REGISTRATIONS.delete(tx, &id)?;
    OF_ADDRESS.delete(tx, &(registration.email.canonical(), id))
}

/// Removes every registration of an address: it has an account now.
///
/// # Errors
/// When the store fails.
pub fn remove_all(tx: &mut dyn Transaction, address: &EmailAddress) -> Result<(), StoreError> {
    loop {
        let some = OF_ADDRESS.under(tx, &address.canonical(), Direction::Up, MAX_CONSIDERED)?;
        if some.is_empty() {
            return Ok(());
        }
        for ((canonical, id), ()) in some {
            match find(tx, id)? {
                Some(registration) => remove(tx, id, &registration)?,
                None => OF_ADDRESS.delete(tx, &(canonical, id))?,
            }
        }
    }
}

/// Removes up to `limit` registrations that were not confirmed in time, looking at as many behind `after`.
/// Returns where to go on, or none at the end.
///
/// # Errors
/// When the store fails.
pub fn sweep(
    tx: &mut dyn Transaction,
    now: Timestamp,
    within: Seconds,
    after: Option<RegistrationId>,
    limit: usize,
) -> Result<Option<RegistrationId>, StoreError> {
    let page = REGISTRATIONS.page(tx, after.as_ref(), limit)?;
    for (id, registration) in &page {
        // The link is made when it is mailed, so it may outlive the row's age by the time that took.
        if now.since(registration.mailed_at.unwrap_or(registration.created_at)) > within {
            remove(tx, *id, registration)?;
        }
    }
    Ok((page.len() == limit).then(|| page.last().map(|(id, _)| *id)).flatten())
}
