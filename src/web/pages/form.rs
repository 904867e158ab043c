//! Forms that are shown again with what was typed and the errors beside it.

use std::collections::BTreeMap;

use crate::base::map_of;
use crate::config::Span;
use crate::templates::{Value, context};
use crate::texts::{field, page};
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::reply::Reply;

use super::page::render;

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

    fn html(self, web: &Web, errors: BTreeMap<String, String>, problem: &str) -> String {
        let (typed, min_length) = (Value::from(self.typed), web.app.env().config.password.min_length);
        render(web, self.page, context! { typed, errors => Value::from(errors), problem, min_length, ..self.values })
    }

    /// Returns the page with the empty form.
    pub(super) fn show(self, web: &Web) -> Reply {
        Reply::page(self.html(web, BTreeMap::new(), ""))
    }

    /// Returns the page with the form and the errors, or the failure itself if filling in again cannot help.
    pub(super) fn again(self, web: &Web, failure: &Failure) -> Result<Reply, Failure> {
        let errors = match failure {
            Failure::Invalid(errors) => errors.in_words(),
            Failure::UsernameTaken => map_of([("username".into(), field::username_taken().in_english())]),
            Failure::WrongPassword => {
                // The pages use either name for that field.
                let words = failure.detail().in_english();
                map_of([("current_password".into(), words.clone()), ("password".into(), words)])
            }
            Failure::WrongCode => {
                let words = failure.detail().in_english();
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
            Failure::TooManyAttempts(seconds) => {
                let wait = Span::from_seconds((*seconds).into()).at_most_in_words();
                page::too_often(wait).in_english()
            }
            _ if errors.is_empty() => failure.detail().in_english(),
            _ => failure.explanation().title().in_english(),
        };
        Ok(Reply::failed_page(failure, self.html(web, errors, &problem)))
    }
}
