//! Access rules for other applications (forward auth): a reverse proxy asks about each request, and the first rule that
//! matches decides. Values and pure functions; nothing here does I/O.

mod doubt;
mod host;
mod method;
mod original;
mod path;
mod zones;

pub use doubt::Doubt;
pub use host::{Host, HostPattern};
pub use method::RequestMethod;
pub use original::{MAX_URL_BYTES, OriginalRequest, OriginalUrl, Scheme};
pub use zones::is_private_zone;
