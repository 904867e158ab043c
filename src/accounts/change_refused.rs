//! The reasons for refusing owners a change of their account.

use crate::base::Seconds;
use crate::crypto::PasswordFault;

/// The reason for refusing a change that needs a proof.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChangeRefused {
    /// The present password is wrong, or was changed meanwhile.
    WrongPassword,
    /// The policy refuses the new password.
    Password(PasswordFault),
    /// The new address is the present one.
    SameAddress,
    /// Addresses of its domain are not allowed.
    Domain,
    /// The account has caused enough mails to addresses that are not its own: seconds to wait.
    TooMany(Seconds),
    /// Nobody else administers the appliance.
    LastAdministrator,
    /// The last proof is too old: where there is a second factor the password alone is not enough, and where there is
    /// no password nothing else is.
    NotFresh,
}
