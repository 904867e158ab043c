//! What the world sees: pages and the JSON API, from bytes to bytes.

mod access;
mod acts;
mod api;
mod cookies;
mod cors;
mod encoded;
mod failure;
mod fields;
mod headers;
mod host;
mod measured;
mod pages;
mod qr;
mod refusals;
mod reply;
mod request;
mod return_to;
mod router;
pub mod routes;
pub mod server;
mod status;

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::app::App;
use crate::config::{Config, TlsMode};
use crate::templates::{TemplateError, Templates};

pub use access::Access;
pub use request::forwarded_address;
pub use routes::{ROUTES, Route};

use cookies::CookieNames;

/// Everything that answering a request needs.
pub struct Web {
    app: Arc<App>,
    pages: ArcSwap<Templates>,
    cookies: CookieNames,
    hardened: headers::Hardened,
    router: router::Router,
    requests: measured::Requests,
    refusals: refusals::Refusals,
}

impl Web {
    /// Loads the pages.
    ///
    /// # Errors
    /// When a page template of the administrator's is not well formed.
    pub fn new(app: Arc<App>) -> Result<Self, TemplateError> {
        let env = Arc::clone(&app.env());
        let config = &env.config;
        let sends_hsts = config.site.url.is_https() && config.tls.mode != TlsMode::SelfSigned;
        Ok(Self {
            pages: ArcSwap::from_pointee(load_pages(config)?),
            cookies: CookieNames::for_site(&config.site.url),
            hardened: headers::Hardened::new(sends_hsts, &config.login.return_hosts),
            router: router::Router::new(ROUTES),
            requests: measured::Requests::new(ROUTES),
            refusals: refusals::Refusals::default(),
            app,
        })
    }

    /// Where somebody wants to go after logging in, if they may be sent there; else nothing.
    fn return_target(&self, wished: Option<&str>) -> String {
        let env = self.app.env();
        wished
            .and_then(|text| return_to::safe_target(text, &env.config.login.return_hosts))
            .unwrap_or_default()
            .to_owned()
    }

    /// Takes other settings, and the page templates as they are now.
    ///
    /// # Errors
    /// When a template of the administrator's is not well formed: then nothing changes.
    pub fn reconfigure(&self, config: Config) -> Result<(), TemplateError> {
        let pages = load_pages(&config)?;
        self.app.reconfigure(config)?;
        self.pages.store(Arc::new(pages));
        Ok(())
    }
}

/// The names of the page templates, and what is wrong with those in a folder that replace them.
#[must_use]
pub fn try_pages(folder: &Path) -> (Vec<String>, Vec<TemplateError>) {
    Templates::try_folder(pages::TEMPLATES, folder)
}

fn load_pages(config: &Config) -> Result<Templates, TemplateError> {
    Templates::load(pages::TEMPLATES, config.site.templates.as_deref())
}
