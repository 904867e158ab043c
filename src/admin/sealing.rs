//! Rotation of the sealing key: everything that is sealed is resealed.

use std::path::Path;
use std::sync::Arc;

use crate::accounts::keyring;
use crate::acme;
use crate::app::{App, Fault, Principal};
use crate::audit::{self, Act, Chain, Subject};
use crate::base::Moment;
use crate::crypto::SealingKey;
use crate::factors;
use crate::mail;
use crate::store::{self, KeyChange, OpenError, StoreError, Transaction, replace_key};
use crate::tls;

/// The reason why the key is still the old one, or may be.
#[derive(Debug)]
pub enum RotationError {
    /// The key's file failed.
    File(OpenError),
    /// The store failed: nothing was changed, or the change is completed when it is opened next.
    Store(Fault),
}

/// Reseals everything with another key, in the transaction that records its fingerprint. A test compares this list with
/// every file that seals something.
///
/// It is one transaction however much there is, because each of these has one key at any time: a store that is opened
/// after a cut, a backup (which is for one key), and the head of the audit log. Rows under two keys would need both at each
/// of them. The embedded engine has no limit, and nobody else has the store open; an engine that takes few rows at once
/// refuses the rotation, and nothing has changed. One that several nodes share will need a key for the records apart from
/// the one in the file, so that only that key is sealed anew.
///
/// # Errors
/// When the store fails, or something was not sealed with the old key.
pub fn reseal(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    (old, new): (&SealingKey, &SealingKey),
) -> Result<(), StoreError> {
    keyring::reseal(tx, moment, (old, new))?;
    factors::reseal(tx, moment, (old, new))?;
    mail::reseal(tx, moment, (old, new))?;
    tls::reseal_self_signed(tx, moment, (old, new))?;
    tls::issued::reseal(tx, moment, (old, new))?;
    acme::reseal(tx, moment, (old, new))?;
    let chain = Chain { node: store::node(tx)?, seal: old };
    audit::reseal(tx, moment, chain, new)?;
    replace_key(tx, new, moment)
}

/// Rotates the sealing key of a store that nobody else has open. Returns the new key's fingerprint, by which its file
/// is recognised. `app` keeps the old key, and must not be used afterwards.
pub async fn rotate_sealing_key(app: &Arc<App>, key_path: &Path, by: &Principal) -> Result<String, RotationError> {
    let old = SealingKey::clone(&app.env().seal);
    let new = old.successor(&mut app.moment());
    let fingerprint = new.fingerprint();
    // The new key is on the disk, beside the old one, before anything is sealed with it, and takes its place last:
    // after a crash at any point one of the two files holds the key that the store names.
    let change = KeyChange::begin(key_path, &old, &new).map_err(RotationError::File)?;
    let source = by.source();
    let written = app.write_as(by, move |work| {
        work.audit_in_detail(&source, Act::KeyRotated, Subject::NONE, "sealing key")?;
        reseal(work.tx, work.moment, (&old, &new))
    });
    written.await.map_err(RotationError::Store)?;
    change.finish().map_err(RotationError::File)?;
    Ok(fingerprint)
}
