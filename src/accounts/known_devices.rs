//! Known browsers, with which the owner of an account logged in before: each has a rate limit of its own when passwords
//! fail, so that strangers' guesses do not lock the owner out (OWASP, "Slow Down Online Guessing Attacks with Device
//! Cookies").
//!
//! A browser shows a signed cookie ([`Devices`]). The store keeps which browsers an account has, a bounded number: a
//! cookie that is not among them, or is older than the present password, is worth nothing. Without that, whoever once
//! knew the password could collect cookies, and with each of them guesses that no limit on names and networks reaches.

use std::collections::BTreeSet;

use crate::base::{AccountId, SessionId, Timestamp};
use crate::sessions::{Client, Session};
use crate::store::{Snapshot, StoreError, Table, Transaction, record, schema};
use crate::throttle::{Device, DeviceId, Devices};

use super::person::ACCOUNTS;
use super::{Env, Work, person};

/// A known browser.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Known {
    seen_at: Timestamp,
    id: [u8; 16],
}
record!(part Known { seen_at, id });

/// The known browsers of an account.
#[derive(Clone, Debug, Default)]
pub struct KnownDevices {
    devices: BTreeSet<Known>,
}
record!(KnownDevices, version 1, { devices });

pub(crate) const KNOWN: Table<AccountId, KnownDevices> = Table::at(schema::KNOWN_DEVICES);

/// Known browsers of an account at most; the one not used for longest makes room.
const MAX_PER_ACCOUNT: usize = 20;

/// Finds the known browser of this account that the client is, if it is one.
pub fn of_client(
    view: &(impl Snapshot + ?Sized),
    env: &Env,
    account: AccountId,
    client: &Client,
    now: Timestamp,
) -> Result<Option<DeviceId>, StoreError> {
    let devices = Devices::read(&client.device, &env.seal, &env.generation, now);
    let Some(device) = devices.of(account) else { return Ok(None) };
    // A cookie dies with the password that it was given for: whoever logged in with the old one keeps no limit of their
    // own.
    let is_present = ACCOUNTS.get(view, &account)?.is_some_and(|it| it.security_stamp == device.stamp);
    if !is_present {
        return Ok(None);
    }
    // Cookies of earlier versions are in no list: they count until the next login, or the next new password.
    let is_listed = || Ok(KNOWN.get(view, &account)?.is_some_and(|known| known.has(device.id)));
    Ok(if device.is_unlisted || is_listed()? { Some(device.id) } else { None })
}

impl KnownDevices {
    fn has(&self, id: DeviceId) -> bool {
        self.devices.iter().any(|known| known.id == id.0)
    }
}

/// The id of a browser that is known from this login on. It follows from the session, so that the cookie can be written
/// after the login was committed.
fn id_of(env: &Env, session: SessionId) -> DeviceId {
    let code = env.seal.code(b"gatelodge device id/1", &[session.bytes()]);
    DeviceId(*code.first_chunk().expect("16 of 32 bytes"))
}

/// Records that the owner logged in with this client, whose session has begun. A known browser keeps its id, so that
/// logging in again gives no further attempts.
pub fn note(work: &mut Work<'_>, account: AccountId, client: &Client, session: SessionId) -> Result<(), StoreError> {
    let (env, now) = (work.env, work.moment.now());
    let id = of_client(work.tx, env, account, client, now)?.unwrap_or_else(|| id_of(env, session));
    let mut known = KNOWN.get(work.tx, &account)?.unwrap_or_default();
    known.devices.retain(|known| known.id != id.0);
    known.devices.insert(Known { seen_at: now, id: id.0 });
    while known.devices.len() > MAX_PER_ACCOUNT {
        known.devices.pop_first();
    }
    KNOWN.put(work.tx, &account, &known)
}

/// The cookie by which the client shows from now on that the owner of this session logged in with it, beside the others
/// that it showed before.
pub fn cookie(
    view: &dyn Snapshot,
    env: &Env,
    client: &Client,
    session: &Session,
    now: Timestamp,
) -> Result<String, StoreError> {
    let person = person::load(view, session.account)?.ok_or(StoreError::Damaged("the account of a session"))?;
    let id = of_client(view, env, person.id, client, now)?.unwrap_or_else(|| id_of(env, session.id));
    let device = Device::new(person.id, id, person.account.security_stamp, now);
    let before = Devices::read(&client.device, &env.seal, &env.generation, now);
    Ok(before.with(device, &env.seal, &env.generation))
}

/// The known browsers of an account.
pub fn of_account(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<Vec<DeviceId>, StoreError> {
    let known = KNOWN.get(view, &account)?.unwrap_or_default();
    Ok(known.devices.into_iter().map(|known| DeviceId(known.id)).collect())
}

/// Forgets every known browser, as the account is deleted or its password changed.
pub fn forget(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    KNOWN.delete(tx, &account)
}
