//! TLS: the certificate that is served and its replacement while connections go on, and the trust in other servers.
//! This is the only module that knows rustls' server side.

mod certificates;
mod certified;
mod challenges;
pub mod client;
mod der;
mod error;
mod files;
pub mod issued;
mod lint;
mod parsed;
mod pem;
mod self_signed;
mod trials;
mod trouble;
mod watch;

pub use certificates::Certificates;
pub use challenges::{ACME_TLS, Challenges};
pub use error::TlsError;
pub use lint::Lint;
pub(crate) use self_signed::CERTIFICATES;
pub use self_signed::reseal as reseal_self_signed;
pub use trials::{try_authorities, try_certificate, try_files};
pub use watch::Watch;
