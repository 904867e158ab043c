//! Forms that are shown again with what was typed and the errors beside it.

use std::collections::BTreeMap;

use crate::base::map_of;
use crate::templates::{Value, context, ordered};
use crate::texts::{Length, field, page};
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::reply::Reply;
use crate::web::request::Request;
use crate::web::viewer::Viewer;

use super::page::render;

/// The fields of forms, in the order in which they stand on any page: errors are listed so, and the first is focused.
const FIELDS: [&str; 12] = [
    "identity",
    "email",
    "username",
    "name",
    "hosts",
    "scopes",
    "within",
    "expires_at",
    "current_password",
    "password",
    "new_password",
    "code",
];

/// Returns errors in the order in which their fields stand on the page.
fn as_on_the_page(errors: BTreeMap<String, String>) -> Vec<(String, String)> {
    let mut errors: Vec<_> = errors.into_iter().collect();
    errors.sort_by_key(|(field, _)| FIELDS.iter().position(|known| known == field).unwrap_or(FIELDS.len()));
    errors
}

/// A form on a page.
pub(super) struct Form<'a> {
    /// The template.
    pub page: &'a str,
    /// The values of the page besides the fields.
    pub values: Value,
    /// What was typed, passwords excepted.
    pub typed: BTreeMap<String, String>,
}

impl<'a> Form<'a> {
    /// An empty form.
    pub(super) fn new(page: &'a str, values: Value) -> Self {
        Self { page, values, typed: BTreeMap::new() }
    }

    fn html(self, web: &Web, viewer: &Viewer, errors: BTreeMap<String, String>, problem: &str) -> String {
        let (typed, min_length) = (Value::from(self.typed), web.app.env().config.password.min_length);
        let errors = ordered(as_on_the_page(errors));
        render(web, viewer, self.page, context! { typed, errors, problem, min_length, ..self.values })
    }

    /// Returns the page with the empty form.
    pub(super) fn show(self, web: &Web, request: &Request) -> Reply {
        Reply::page(self.html(web, &request.viewer, BTreeMap::new(), ""))
    }

    /// Returns the page with the form and the errors, or the failure itself if filling in again cannot help.
    pub(super) fn again(self, web: &Web, request: &Request, failure: &Failure) -> Result<Reply, Failure> {
        let voice = web.voice(&request.viewer);
        let errors = match failure {
            Failure::Invalid(errors) => errors.in_words(&voice),
            Failure::UsernameTaken => map_of([("username".into(), voice.say(&field::username_taken()))]),
            Failure::WrongPassword => {
                let is_a_change = self.page.starts_with("account-");
                let field = if is_a_change { "current_password" } else { "password" };
                map_of([(field.into(), voice.say(&failure.detail()))])
            }
            Failure::WrongCode => {
                let words = voice.say(&failure.detail());
                map_of([("code".into(), words)])
            }
            Failure::InvalidCredentials
            | Failure::Refused(..)
            | Failure::SecondFactorRequired(_)
            | Failure::PasswordNeeded
            | Failure::Busy
            | Failure::TooManyAttempts(_)
            | Failure::ClockUnsure
            | Failure::StorageUnavailable
            | Failure::OutcomeUnknown => BTreeMap::new(),
            other => return Err(other.clone()),
        };
        let problem = match failure {
            Failure::TooManyAttempts(seconds) => voice.say(&page::too_often(Length::at_most((*seconds).into()))),
            _ if errors.is_empty() => voice.say(&failure.detail()),
            _ => voice.say(&failure.explanation().title()),
        };
        Ok(Reply::failed_page(failure, self.html(web, &request.viewer, errors, &problem)))
    }
}
