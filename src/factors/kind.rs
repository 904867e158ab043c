//! The kinds of second factors.

use crate::sessions::Method;
use crate::store::stored_enum;

stored_enum! {
    /// The kind of a factor.
    FactorKind {
        /// An authenticator app.
        Totp = 1 "totp",
        /// Codes by mail to the account's address.
        Mail = 2 "mail",
        /// Codes by text message to the account's telephone number.
        Sms = 3 "sms",
    }
}

impl FactorKind {
    /// The method that a code of such a factor proves.
    #[must_use]
    pub const fn method(self) -> Method {
        match self {
            Self::Totp => Method::Totp,
            Self::Mail => Method::MailCode,
            Self::Sms => Method::TextCode,
        }
    }
}
