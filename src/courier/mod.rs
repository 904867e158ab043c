//! Outgoing traffic: mails, and requests to a certificate authority, to webhooks and to a text gateway. The connections
//! are made here, or by a process of its own (`gatelodge courier`), so that the one that holds the accounts needs no
//! network but its listening sockets.

mod carrying;
pub mod delivery;
mod fetch;
mod remote;
mod replaceable;
mod role;
mod sms;
mod terms;
mod webhook;
mod wire;

pub use carrying::Courier;
pub use fetch::FetchError;
pub use replaceable::CourierHandle;
pub use role::{CourierService, serve};
pub use sms::{send_text, try_credentials};
pub use terms::CallOptions;
pub use webhook::tell;
