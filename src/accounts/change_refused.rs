//! Why owners may not change what they ask to change.

use crate::base::Seconds;
use crate::crypto::PasswordFault;

/// Why something that needs a proof is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChangeRefused {
    /// The present password is another, or was changed meanwhile.
    WrongPassword,
    /// The new password may not be chosen.
    Password(PasswordFault),
    /// The new address is the present one.
    SameAddress,
    /// Addresses of its domain may not come in.
    Domain,
    /// The account has had enough mails sent to addresses that are not its own: seconds to wait.
    TooMany(Seconds),
    /// Nobody else administers the appliance.
    LastAdministrator,
    /// The last proof is too old: the password alone is not enough where there is a second factor, and there may be none.
    NotFresh,
}
