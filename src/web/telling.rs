//! What is told of a failure, and to whom.

use http::HeaderMap;

use super::access::Audience;
use super::failure::Failure;
use super::pages;
use super::reply::Reply;
use super::service::Service;
use super::viewer::Viewer;

impl Service {
    /// Returns who looks at a page, as far as the request says. Programs are no viewers.
    pub(super) fn viewer(&self, audience: Audience, head: &http::request::Parts, uri: &http::Uri) -> Viewer {
        if audience != Audience::Page {
            return Viewer::default();
        }
        let here = match uri.path_and_query() {
            // Its code works once, and its host may be one that takes no other form.
            Some(door) if door.path().starts_with("/door/") => "",
            Some(here) if head.method == http::Method::GET => here.as_str(),
            _ => self.router.page_of(uri.path()),
        };
        Viewer { language: Some(self.web.language_of(&head.headers)), here: here.to_owned() }
    }

    /// Tells a failure in the form of its audience. A page that needs a login redirects there.
    pub(super) fn tell(
        &self,
        failure: &Failure,
        (audience, viewer): (Audience, &Viewer),
        asked: Option<(&str, &HeaderMap)>,
    ) -> Reply {
        let path = asked.map(|(path, _)| path);
        match (audience, failure, path) {
            (Audience::Api, failure, _) => Reply::problem(failure),
            // Whatever went wrong: a proxy understands nothing else, and lets nobody in.
            (Audience::Door, _, _) => Reply::forbidden(),
            (Audience::Page, Failure::NotLoggedIn, Some(path)) => {
                Reply::see_other(&pages::login_path(self.router.page_of(path)))
            }
            (Audience::Page, Failure::ReauthenticationRequired(_), Some(path)) => {
                let is_administrative = path.starts_with("/admin/");
                Reply::see_other(&pages::proof_path(if is_administrative { self.router.page_of(path) } else { path }))
            }
            (Audience::Page, Failure::SecondFactorSetUpRequired, _) => Reply::see_other(pages::SECOND_FACTOR),
            (Audience::Page, failure, _) => pages::failure(&self.web, viewer, failure, asked),
        }
    }
}
