//! Makes the first administrator, by the link that the appliance prints when it starts.

use crate::audit::Source;
use crate::crypto::{Bearer, BearerKind, PasswordFault, TokenFault};
use crate::store::StoreError;

use super::create_account::{Added, NewAccount};
use super::{Work, administer, set_up, spent};

/// Why there is no administrator yet; the link still works.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SetUpRefused {
    /// The link does not work.
    Token(TokenFault),
    /// The password may not be chosen.
    Password(PasswordFault),
    /// The address has an account.
    AddressTaken,
    /// The user name is somebody's.
    UsernameTaken,
}

/// Makes the first administrator. The link is used up in the same transaction; a refusal leaves it as it is.
pub fn finish(
    work: &mut Work<'_>,
    source: &Source,
    (secret, new): (&str, &NewAccount),
) -> Result<Result<(), SetUpRefused>, StoreError> {
    if let Err(fault) = set_up::look_up(work.tx, secret, work.moment.now())? {
        return Ok(Err(SetUpRefused::Token(fault)));
    }
    match administer::add(work, source, new)? {
        // An administrator ends it.
        Added::Done(_) => {}
        Added::AddressTaken | Added::PhoneTaken => return Ok(Err(SetUpRefused::AddressTaken)),
        Added::UsernameTaken => return Ok(Err(SetUpRefused::UsernameTaken)),
    }
    if let Some(secret) = Bearer::parse(BearerKind::SetUp, secret) {
        spent::note(work.tx, work.moment, secret.digest())?;
    }
    Ok(Ok(()))
}
