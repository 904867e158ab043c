//! HTTP, from bytes to bytes: pages and the JSON API.

mod access;
mod api;
mod caught;
mod context;
mod cookies;
mod cors;
mod encoded;
mod failure;
mod fields;
mod forward_auth;
mod headers;
mod host;
mod json_object;
mod measured;
mod operations;
mod page_templates;
mod pages;
mod pending;
mod portals;
mod qr;
mod refusals;
mod refused;
mod reply;
mod request;
mod return_to;
mod router;
pub mod routes;
pub mod server;
mod service;
mod status;

pub use access::{Access, Audience};
pub use cookies::PROBE_COOKIE;
pub use page_templates::try_pages;
pub use request::forwarded_address;
pub use routes::{ROUTES, Route};
pub use service::Service;
