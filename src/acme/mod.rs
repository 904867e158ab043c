//! Certificates by ACME (RFC 8555). An authority issues one for a name after it has validated that we control it: it
//! connects to port 80 or 443 and expects an answer that only we can give.

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
pub use wanted::CertificateWanted;
