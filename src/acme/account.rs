//! Our account with an authority: one for each directory, its key sealed in the store.

use std::sync::Arc;

use instant_acme::{Account, AccountBuilder, AccountCredentials, NewAccount};

use crate::app::{App, Fault};
use crate::base::Moment;
use crate::crypto::SealingKey;
use crate::store::{Direction, StoreError, Table, Transaction, record, schema};

use super::{AcmeError, CertificateWanted};

pub(crate) struct KeptAccount {
    sealed_credentials: Vec<u8>,
}
record!(KeptAccount, version 1, { sealed_credentials });

/// The accounts, by directory.
pub(crate) const ACCOUNTS: Table<String, KeptAccount> = Table::at(schema::ACME_ACCOUNTS);

/// The error type for an account that the authority does not know (RFC 8555, 6.7).
const UNKNOWN: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

fn associated_data(directory: &str) -> [&[u8]; 2] {
    [schema::ACME_ACCOUNTS.name.as_bytes(), directory.as_bytes()]
}

/// Returns the kept account, or creates one; whoever chose the authority in the configuration agreed to its terms.
pub(super) async fn open(
    app: &Arc<App>,
    builder: impl Fn() -> AccountBuilder,
    wanted: &CertificateWanted,
) -> Result<Account, AcmeError> {
    let contact = app.env().config.tls.acme.contact.as_ref().map(|address| format!("mailto:{address}"));
    let contact: Vec<&str> = contact.as_deref().into_iter().collect();
    if let Some(credentials) = kept(app, &wanted.directory).await? {
        let account = builder().from_credentials(credentials).await?;
        // It also shows whether the authority still knows us.
        match account.update_contacts(&contact).await {
            Err(instant_acme::Error::Api(problem)) if problem.r#type.as_deref() == Some(UNKNOWN) => {
                tracing::warn!("{} does not know our account any more; a new one is made", wanted.directory);
            }
            Err(error) => return Err(error.into()),
            Ok(()) => return Ok(account),
        }
    }
    let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let (account, credentials) = builder().create(&new, wanted.directory.clone(), None).await?;
    keep(app, wanted.directory.clone(), &credentials).await?;
    Ok(account)
}

async fn kept(app: &App, directory: &str) -> Result<Option<AccountCredentials>, Fault> {
    let Some(kept) = app.read(|view| ACCOUNTS.get(view, &directory.to_owned())).await? else { return Ok(None) };
    let damaged = || Fault::Store(StoreError::Damaged("the account with the certificate authority"));
    let opened = app.env().seal.open(&associated_data(directory), &kept.sealed_credentials).map_err(|_| damaged())?;
    serde_json::from_slice(&opened).map(Some).map_err(|_| damaged())
}

async fn keep(app: &Arc<App>, directory: String, credentials: &AccountCredentials) -> Result<(), AcmeError> {
    let text = serde_json::to_vec(credentials).map_err(|error| AcmeError::Failed(error.to_string()))?;
    let kept = app.write(move |work| {
        let sealed_credentials = work.env.seal.seal(&associated_data(&directory), &text, work.moment);
        ACCOUNTS.put(work.tx, &directory, &KeptAccount { sealed_credentials })
    });
    Ok(kept.await.map_err(Fault::from)?)
}

/// Reseals the key of every account.
///
/// # Errors
/// When the store fails, or something was not sealed with the old key.
pub fn reseal(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    (old, new): (&SealingKey, &SealingKey),
) -> Result<(), StoreError> {
    for (directory, kept) in ACCOUNTS.all(tx, Direction::Up, usize::MAX)? {
        let sealed = old.hand_over(new, &associated_data(&directory), &kept.sealed_credentials, moment);
        let sealed_credentials =
            sealed.map_err(|_| StoreError::Damaged("the account with the certificate authority"))?;
        ACCOUNTS.put(tx, &directory, &KeptAccount { sealed_credentials })?;
    }
    Ok(())
}
