//! What the world sees: pages and the JSON API, from bytes to bytes.

mod access;
mod acts;
mod api;
mod cookies;
mod failure;
mod fields;
mod headers;
mod measured;
mod pages;
mod reply;
mod request;
mod return_to;
mod router;
pub mod routes;
pub mod server;
mod status;

use std::sync::Arc;

use crate::app::App;
use crate::config::TlsMode;
use crate::templates::{TemplateError, Templates};

pub use access::Access;
pub use routes::{ROUTES, Route};

use cookies::CookieNames;

/// Everything that answering a request needs.
pub struct Web {
    app: Arc<App>,
    pages: Templates,
    cookies: CookieNames,
    hardened: headers::Hardened,
    router: router::Router,
    requests: measured::Requests,
}

impl Web {
    /// Loads the pages.
    ///
    /// # Errors
    /// When a page template of the administrator's is not well formed.
    pub fn new(app: Arc<App>) -> Result<Self, TemplateError> {
        let config = &app.services.config;
        let pages = Templates::load(pages::TEMPLATES, config.site.templates.as_deref())?;
        let cookies = CookieNames::for_site(&config.site.url);
        let sends_hsts = config.site.url.is_https() && config.tls.mode != TlsMode::SelfSigned;
        let hardened = headers::Hardened::new(sends_hsts);
        Ok(Self {
            app,
            pages,
            cookies,
            hardened,
            router: router::Router::new(ROUTES),
            requests: measured::Requests::new(ROUTES),
        })
    }
}
