//! Creates the first administrator, by the link that the appliance prints when it starts.

use crate::audit::Source;
use crate::crypto::{Bearer, BearerKind, PasswordFault, TokenFault};
use crate::store::StoreError;

use super::create_account::{Added, NewAccount};
use super::{Work, administer, set_up, spent};

/// The reason for refusing to create the first administrator; the link still works.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SetUpRefused {
    /// The link does not work.
    Token(TokenFault),
    /// The policy refuses the password.
    Password(PasswordFault),
    /// The address has an account.
    AddressTaken,
    /// The user name is taken.
    UsernameTaken,
}

/// Creates the first administrator. The link is used up in the same transaction; a refusal leaves it as it is.
pub fn finish(
    work: &mut Work<'_>,
    source: &Source,
    secret: &str,
    new: &NewAccount,
) -> Result<Result<(), SetUpRefused>, StoreError> {
    // Looked up in the transaction that uses it up: of two visitors with the link only one becomes administrator.
    if let Err(fault) = set_up::look_up(work.tx, secret, work.moment.now())? {
        return Ok(Err(SetUpRefused::Token(fault)));
    }
    match administer::add(work, source, new)? {
        // Creating an administrator has ended the set-up, so the link is dead by now.
        Added::Done(_) => {}
        Added::AddressTaken | Added::PhoneTaken => return Ok(Err(SetUpRefused::AddressTaken)),
        Added::UsernameTaken => return Ok(Err(SetUpRefused::UsernameTaken)),
    }
    // A form that is posted twice is answered with what it did, not with a refusal.
    if let Some(secret) = Bearer::parse(BearerKind::SetUp, secret) {
        spent::note(work.tx, work.moment, secret.digest())?;
    }
    Ok(Ok(()))
}
