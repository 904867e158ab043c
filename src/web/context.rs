//! The context of every handler: the appliance, the pages, the cookie names.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::app::App;
use crate::config::Config;
use crate::templates::{TemplateError, Templates};

use super::cookies::CookieNames;
use super::{page_templates, return_to};

/// What every handler needs besides its request.
pub(super) struct Web {
    pub(super) app: Arc<App>,
    pub(super) pages: ArcSwap<Templates>,
    pub(super) cookies: CookieNames,
}

impl Web {
    /// Loads the page templates.
    ///
    /// # Errors
    /// When a page template of the administrator's is not well formed.
    pub(super) fn new(app: Arc<App>) -> Result<Self, TemplateError> {
        let env = Arc::clone(&app.env());
        Ok(Self {
            pages: ArcSwap::from_pointee(page_templates::load(&env.config)?),
            cookies: CookieNames::for_site(&env.config.site.url),
            app,
        })
    }

    /// Returns where to go after logging in, if the caller may be sent there; else an empty text.
    pub(super) fn return_target(&self, wanted: Option<&str>) -> String {
        let env = self.app.env();
        wanted
            .and_then(|text| return_to::safe_target(text, &env.config.login.return_hosts))
            .unwrap_or_default()
            .to_owned()
    }

    /// Applies new settings, and reloads the page templates.
    pub(super) fn reconfigure(&self, config: Config) -> Result<(), TemplateError> {
        // The templates first, since they may be refused: then the old settings stay whole.
        let pages = page_templates::load(&config)?;
        self.app.reconfigure(config)?;
        self.pages.store(Arc::new(pages));
        Ok(())
    }
}
