//! Whatever leaves: mails, and requests to a certificate authority and to webhooks. The connections are made here, or by a process of its
//! own (`gatelodge courier`), so that the one that holds the accounts needs no network but its listening sockets.

mod carrying;
pub mod delivery;
mod fetch;
mod remote;
mod replaceable;
mod role;
mod telling;
mod terms;
mod texting;
mod wire;

pub use carrying::Courier;
pub use fetch::FetchError;
pub use replaceable::Replaceable;
pub use role::{Role, serve};
pub use telling::tell;
pub use terms::Terms;
pub use texting::{send_text, try_credentials};
