//! The sealing key is replaced by another: everything that is sealed is sealed anew.

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

/// Why the key is still the old one, or may be.
#[derive(Debug)]
pub enum RotationError {
    /// Its file.
    File(OpenError),
    /// The store: nothing was changed, or the change is finished when it is opened next.
    Store(Fault),
}

/// Seals everything with another key, in the transaction that notes its fingerprint. A test holds it against every file that
/// seals something.
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

/// Replaces the sealing key of a store that nobody else has open. Gives the new one's fingerprint, by which the file is
/// recognised. `app` still has the old key afterwards, and is of no more use.
pub async fn rotate_sealing_key(app: &Arc<App>, key_path: &Path, by: &Principal) -> Result<String, RotationError> {
    let old = SealingKey::clone(&app.env().seal);
    let new = old.successor(&mut app.moment());
    let fingerprint = new.fingerprint();
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
