//! The signing keys in the store: created at first need, rotated by command and by schedule.

use crate::base::{DAY, Moment, Seconds, Timestamp};
use crate::crypto::{KeyId, Keyring, SealingKey, SigningKey};
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, record, schema};

pub(crate) struct StoredKey {
    created_at: Timestamp,
    sealed: Vec<u8>,
}
record!(StoredKey, version 1, { created_at, sealed });

pub(crate) const KEYS: Table<KeyId, StoredKey> = Table::at(schema::SIGNING_KEYS);

/// More keys than any schedule leaves alive; rotation refuses to go beyond.
const MAX_KEYS: usize = 64;
/// Seconds after which the newest key is replaced by schedule.
const ROTATE_AFTER: Seconds = 90 * DAY;

/// Loads all keys that still verify.
pub fn load(view: &dyn Snapshot, seal: &SealingKey) -> Result<Keyring, StoreError> {
    let unseal = |(id, stored): (KeyId, StoredKey)| {
        let secret = seal.open(&associated_data(&id), &stored.sealed).ok().and_then(|bytes| bytes.try_into().ok());
        let secret = secret.ok_or(StoreError::Damaged("a signing key"))?;
        Ok(SigningKey::new(id, stored.created_at, secret))
    };
    let keys: Result<Vec<_>, _> = KEYS.all(view, Direction::Up, MAX_KEYS)?.into_iter().map(unseal).collect();
    keys.map(Keyring::new)
}

/// Loads the keys, and creates the first one if there is none.
pub fn load_or_make(tx: &mut dyn Transaction, moment: &mut Moment, seal: &SealingKey) -> Result<Keyring, StoreError> {
    let keys = load(tx, seal)?;
    if keys.newest().is_some() {
        return Ok(keys);
    }
    add(tx, moment, seal)?;
    load(tx, seal)
}

/// The outcome of a rotation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rotation {
    /// A new key signs from now on.
    Rotated,
    /// The keyring is full; older keys go when the links they signed have expired.
    TooMany,
}

/// Creates a new key that signs from now on. Links signed before keep working for their lifetime; keys too old to have
/// signed any of them are removed.
pub fn rotate(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    seal: &SealingKey,
    longest: Seconds,
) -> Result<Rotation, StoreError> {
    // By the earlier time, as for everything that is deleted: a leap of the clock must not drop a key whose links are
    // still good.
    for id in load(tx, seal)?.retired(moment.earliest(), longest) {
        KEYS.delete(tx, &id)?;
    }
    if KEYS.all(tx, Direction::Up, MAX_KEYS)?.len() == MAX_KEYS {
        return Ok(Rotation::TooMany);
    }
    add(tx, moment, seal)?;
    Ok(Rotation::Rotated)
}

/// Creates a new key that signs from now on, and drops every other: all links that are out die.
pub fn revoke(tx: &mut dyn Transaction, moment: &mut Moment, seal: &SealingKey) -> Result<(), StoreError> {
    // Read before the new key is added, or that would be dropped as well.
    let others = KEYS.all(tx, Direction::Up, usize::MAX)?;
    add(tx, moment, seal)?;
    others.iter().try_for_each(|(id, _)| KEYS.delete(tx, id))
}

/// Rotates when the newest key is old, and drops retired keys.
pub fn rotate_by_schedule(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    seal: &SealingKey,
    longest: Seconds,
) -> Result<(), StoreError> {
    let keys = load(tx, seal)?;
    if keys.newest().is_some_and(|key| moment.earliest().since(key.created_at) > ROTATE_AFTER) {
        rotate(tx, moment, seal, longest)?;
    }
    for id in load(tx, seal)?.retired(moment.earliest(), longest) {
        KEYS.delete(tx, &id)?;
    }
    Ok(())
}

fn add(tx: &mut dyn Transaction, moment: &mut Moment, seal: &SealingKey) -> Result<(), StoreError> {
    let mut key = SigningKey::draw(moment);
    // Two keys of the same second would leave it open which is the newest, and so which signs.
    if let Some(newest) = load(tx, seal)?.newest().filter(|newest| newest.created_at >= key.created_at) {
        key.created_at = newest.created_at.plus(1);
    }
    let sealed = seal.seal(&associated_data(&key.id), key.expose(), moment);
    KEYS.put(tx, &key.id, &StoredKey { created_at: key.created_at, sealed })
}

/// Seals every signing key with another key.
///
/// # Errors
/// When the store fails, or something was not sealed with the old key.
pub fn reseal(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    (old, new): (&SealingKey, &SealingKey),
) -> Result<(), StoreError> {
    for (id, stored) in KEYS.all(tx, Direction::Up, usize::MAX)? {
        let sealed = old.hand_over(new, &associated_data(&id), &stored.sealed, moment);
        let sealed = sealed.map_err(|_| StoreError::Damaged("a signing key"))?;
        KEYS.put(tx, &id, &StoredKey { sealed, ..stored })?;
    }
    Ok(())
}

fn associated_data(id: &KeyId) -> [&[u8]; 2] {
    [schema::SIGNING_KEYS.name.as_bytes(), id]
}
