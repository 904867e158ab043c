//! The context of every handler: the appliance, the pages, the cookie names.

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::{HeaderMap, header};

use crate::app::App;
use crate::config::Config;
use crate::gate::{Allow, OriginalRequest, OriginalUrl, RequestMethod};
use crate::templates::{TemplateError, Templates};
use crate::texts::{Language, Voice};

use super::cookies::CookieNames;
use super::look::Look;
use super::reply::Reply;
use super::viewer::Viewer;
use super::{page_templates, return_to};

/// What every handler needs besides its request.
pub(super) struct Web {
    pub(super) app: Arc<App>,
    pub(super) pages: ArcSwap<Templates>,
    pub(super) look: ArcSwap<Look>,
    pub(super) cookies: CookieNames,
}

impl Web {
    /// Loads the page templates and the files of the house.
    ///
    /// # Errors
    /// When a page template of the administrator's is not well formed.
    pub(super) fn new(app: Arc<App>) -> Result<Self, TemplateError> {
        let env = Arc::clone(&app.env());
        Ok(Self {
            pages: ArcSwap::from_pointee(page_templates::load(&env.config)?),
            look: ArcSwap::from_pointee(Look::new(&env.config.site)),
            cookies: CookieNames::for_site(&env.config.site.url),
            app,
        })
    }

    /// Returns where to go after logging in, if the caller may be sent there; else an empty text.
    pub(super) fn return_target(&self, wanted: Option<&str>) -> String {
        let env = self.app.env();
        let Some(text) = wanted else { return String::new() };
        match return_to::safe_target(text, &env.config.login.return_hosts) {
            Some(target) => target.to_owned(),
            None => return_to::application(text, &self.app.access_rules(), &env.config.access).unwrap_or_default(),
        }
    }

    /// Returns where somebody goes who has just logged in, or given a fresh proof. To another domain it is by way of the
    /// login page, which knows them by then.
    pub(super) fn way_back(&self, return_to: &str) -> String {
        let env = self.app.env();
        let domains = &env.config.access.domains;
        let domain = OriginalUrl::parse(return_to).ok().and_then(|url| env.config.access.domain_of(url.host()));
        match domain {
            _ if return_to.is_empty() => "/account".to_owned(),
            Some(domain) if domains.first() != Some(domain) => {
                let encoded: String = form_urlencoded::byte_serialize(return_to.as_bytes()).collect();
                format!("/login?return_to={encoded}")
            }
            _ => return_to.to_owned(),
        }
    }

    /// Whether the page to go back to asks for a second factor.
    pub(super) fn asks_second_factor(&self, return_to: &str) -> bool {
        let Ok(url) = OriginalUrl::parse(return_to) else { return false };
        let Ok(method) = RequestMethod::parse("GET") else { return false };
        let matched = OriginalRequest { url, method, client: None };
        let rules = self.app.access_rules();
        matches!(rules.find(&matched), Ok(Some(found)) if found.rule.terms.allow == Allow::SecondFactor)
    }

    /// Chooses the language for somebody of whom no more is known than their request: the one that was chosen in this
    /// browser, else the best of those it asks for, else that of the site.
    pub(super) fn language_of(&self, headers: &HeaderMap) -> Language {
        let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        self.app.env().languages.choose(self.cookies.language(headers), asked).clone()
    }

    /// Returns the language that whoever is logged in has chosen for their account, if the site still has it.
    pub(super) async fn language_of_owner(&self, headers: &HeaderMap) -> Option<Language> {
        let caller = self.caller(headers).await.ok()??;
        let reads = caller.person.account.reads.as_ref()?;
        self.app.env().languages.find(reads.as_str()).cloned()
    }

    /// Returns the voice that speaks to somebody.
    pub(super) fn voice(&self, viewer: &Viewer) -> Voice {
        self.app.env().languages.voice(viewer.language.as_ref())
    }

    /// Clears the cookies of a session that is over.
    pub(super) fn without_session(&self, reply: Reply) -> Reply {
        let reply = reply.with_cookie(self.cookies.clear_session());
        reply.with_cookies(self.app.env().config.access.domains.first().and_then(CookieNames::clear_door))
    }

    /// Applies new settings, and reloads the page templates and the files of the house.
    pub(super) fn reconfigure(&self, config: Config) -> Result<(), TemplateError> {
        // The templates first, since they may be refused: then the old settings stay whole.
        let pages = page_templates::load(&config)?;
        let look = Look::new(&config.site);
        self.app.reconfigure(config)?;
        self.pages.store(Arc::new(pages));
        self.look.store(Arc::new(look));
        Ok(())
    }
}
