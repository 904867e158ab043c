//! Certificates from an authority, by ACME (RFC 8555). An authority gives one for a name if it finds us there: it looks at port
//! 80 or 443 for an answer that only we can give.

mod account;
mod error;
mod obtain;
mod order;
mod requests;
mod wanted;

pub(crate) use account::ACCOUNTS;
pub use account::reseal;
pub use error::AcmeError;
pub use obtain::obtain;
pub use wanted::Wanted;
