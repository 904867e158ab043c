//! Makes the first administrator, by the link that the appliance prints when it starts.

use crate::audit::Source;
use crate::crypto::{Bearer, BearerKind, TokenFault};
use crate::store::StoreError;

use super::create_account::{Added, NewAccount};
use super::{Work, administer, set_up, spent};

/// Makes the first administrator. The link is used up in the same transaction; a refusal leaves it as it is.
pub fn finish(
    work: &mut Work<'_>,
    source: &Source,
    (secret, new): (&str, &NewAccount),
) -> Result<Result<Added, TokenFault>, StoreError> {
    if let Err(fault) = set_up::look_up(work.tx, secret, work.moment.now())? {
        return Ok(Err(fault));
    }
    // An administrator ends it.
    let added = administer::add(work, source, new)?;
    if let (Added::Done(_), Some(secret)) = (&added, Bearer::parse(BearerKind::SetUp, secret)) {
        spent::note(work.tx, work.moment, secret.digest())?;
    }
    Ok(Ok(added))
}
