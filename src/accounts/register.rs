//! Register: a row of its own for each, so that what was acknowledged is there, whoever else uses the address.

use std::sync::LazyLock;

use crate::audit::{Act, Subject};
use crate::base::{DisplayName, EmailAddress, InvitationId, RegistrationId, Seconds, Timestamp, Username};
use crate::crypto::{Cost, Digest, PasswordHash, TokenFault};
use crate::sessions::Client;
use crate::store::{Direction, Record, Snapshot, StoreError, Table, Transaction, record, schema};

use super::invitations::{self, Invitation};
use super::links::{self, Wish};
use super::opening::{self, Added, NewAccount, Opener};
use super::tries::Tries;
use super::{Work, confirm_links, costs};

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
    /// The invitation it was made with.
    pub invitation: Option<InvitationId>,
    /// When the address was confirmed: it waits for an administrator to approve it.
    pub confirmed_at: Option<Timestamp>,
}
record!(Registration, version 2, { email, password, username, name, language, browser, created_at, mailed_at }, since 2 {
    invitation, confirmed_at,
});

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
    /// The digest of an invitation's secret.
    pub invitation: Option<Digest>,
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
    /// The account exists: the invitation was mailed to this address.
    Opened,
    /// The invitation does not work.
    NotInvited(TokenFault),
    /// The invitation is for another address.
    InvitedElsewhere,
    /// The address has an account; only told where nothing is hidden (`confirm_email = false`).
    AddressTaken,
    /// Somebody has the user name; only told where nothing is hidden.
    UsernameTaken,
}

/// Records a registration, without looking whether the address is known.
pub fn register(work: &mut Work<'_>, new: &NewRegistration) -> Result<Registered, StoreError> {
    new.tries.charge(work, &new.client.anyone(), Subject::NONE)?;
    let invitation = match new.invitation {
        None => None,
        Some(secret) => match invitations::look_up(work.tx, work.env, secret, work.moment.now())? {
            Ok(found) => Some(found),
            Err(fault) => return Ok(Registered::NotInvited(fault)),
        },
    };
    let invited = invitation.as_ref().and_then(|(_, invitation)| invitation.email.as_ref());
    if invited.is_some_and(|address| *address != new.email) {
        return Ok(Registered::InvitedElsewhere);
    }
    if invited.is_some() || !work.env.config.registration.confirm_email {
        return open_account(work, new, invitation);
    }
    let id = RegistrationId::draw_in_order(work.moment);
    let registration = Registration {
        email: new.email.clone(),
        password: new.password.clone(),
        username: new.username.clone(),
        name: new.name.clone(),
        language: "en".into(),
        browser: new.browser,
        created_at: work.earliest(),
        mailed_at: None,
        invitation: invitation.map(|(id, _)| id),
        confirmed_at: None,
    };
    save(work.tx, id, &registration)?;
    OF_ADDRESS.put(work.tx, &(new.email.canonical(), id), &())?;
    work.audit(&new.client.anyone(), Act::Registered, id)?;
    links::wish_of_stranger(work, &Wish::Registered(id), &new.client)?;
    Ok(Registered::Accepted)
}

/// Where no confirmation is asked for, or the invitation that was mailed to the address proves it, the account exists at once. An
/// address that nothing proves is mailed a link all the same, because no reset mail ever goes to an unconfirmed address.
fn open_account(
    work: &mut Work<'_>,
    new: &NewRegistration,
    invitation: Option<(InvitationId, Invitation)>,
) -> Result<Registered, StoreError> {
    let confirmed = invitation.as_ref().is_some_and(|(_, invitation)| invitation.email.is_some());
    let account = NewAccount {
        phone: None,
        email: Some(new.email.clone()),
        username: new.username.clone(),
        name: new.name.clone(),
        password: Some(new.password.clone()),
        language: None,
        confirmed,
        groups: invitation.as_ref().map(|(_, invitation)| invitation.groups.clone()).unwrap_or_default(),
    };
    let detail = invitation.as_ref().map(|(id, _)| format!("invitation {id}")).unwrap_or_default();
    let how = (Opener::Owner(&new.client), Act::Registered, detail.as_str());
    let person = match opening::open(work, how, account)? {
        Added::AddressTaken | Added::PhoneTaken => return Ok(Registered::AddressTaken),
        Added::UsernameTaken => return Ok(Registered::UsernameTaken),
        Added::Done(person) => person,
    };
    if let Some((id, invitation)) = invitation {
        invitations::use_once(work.tx, work.moment, id, invitation)?;
    }
    if confirmed {
        return Ok(Registered::Opened);
    }
    links::wish_of_stranger(work, &Wish::ConfirmAddress(person.id), &new.client)?;
    Ok(Registered::Accepted)
}

/// The registration of this id.
pub fn find(view: &dyn Snapshot, id: RegistrationId) -> Result<Option<Registration>, StoreError> {
    REGISTRATIONS.get(view, &id)
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

/// The newest registration of an address. Where there is none, a sample is read in its place, which takes as long.
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
            invitation: None,
            confirmed_at: None,
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
pub fn save(tx: &mut dyn Transaction, id: RegistrationId, registration: &Registration) -> Result<(), StoreError> {
    let before = find(tx, id)?.map(|registration| registration.password);
    costs::replaced(tx, before.as_ref(), Some(&registration.password))?;
    REGISTRATIONS.put(tx, &id, registration)
}

/// Removes a registration.
pub fn remove(tx: &mut dyn Transaction, id: RegistrationId, registration: &Registration) -> Result<(), StoreError> {
    costs::replaced(tx, Some(&registration.password), None)?;
    REGISTRATIONS.delete(tx, &id)?;
    OF_ADDRESS.delete(tx, &(registration.email.canonical(), id))
}

/// Removes every registration of an address: it has an account now.
pub fn remove_all(tx: &mut dyn Transaction, address: &EmailAddress) -> Result<(), StoreError> {
    confirm_links::forget(tx, address)?;
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

/// How long registrations wait.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For their owner to confirm them.
    pub confirm_within: Seconds,
    /// For an administrator to approve them.
    pub approve_within: Seconds,
}

/// Removes up to `limit` registrations that waited in vain, looking at as many behind `after`.
/// Returns how many, and where to go on, or none at the end.
pub fn sweep(
    tx: &mut dyn Transaction,
    now: Timestamp,
    patience: Patience,
    after: Option<RegistrationId>,
    limit: usize,
) -> Result<(usize, Option<RegistrationId>), StoreError> {
    let (page, mut removed) = (REGISTRATIONS.page(tx, after.as_ref(), limit)?, 0);
    for (id, registration) in &page {
        // The link is made when it is mailed, so it may outlive the row's age by the time that took.
        let is_over = match registration.confirmed_at {
            Some(confirmed_at) => now.since(confirmed_at) > patience.approve_within,
            None => now.since(registration.mailed_at.unwrap_or(registration.created_at)) > patience.confirm_within,
        };
        if is_over {
            remove(tx, *id, registration)?;
            removed += 1;
        }
    }
    Ok((removed, (page.len() == limit).then(|| page.last().map(|(id, _)| *id)).flatten()))
}
