//! The fields of a form or a JSON body, parsed one by one into types. All errors are reported at once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::{
    DisplayName, EmailAddress, Id, Identity, IdentityKind, Timestamp, Username, bare, map_of, try_set_of,
};
use crate::config::UsernameRule;
use crate::crypto::{Password, TypedCode};
use crate::gate::HostPattern;

use super::encoded::{parse_form, whole_token};
use super::failure::{Failure, FieldError, FieldErrors};
use super::json_object::Document;

/// The most items of one list: no route takes more.
pub(super) const MAX_ITEMS: usize = 64;
/// The most characters of a text without a rule of its own; a password may have 1,024.
pub(super) const MAX_TEXT_CHARS: usize = 4096;
/// The most unknown members that an answer names.
const MAX_UNKNOWN_TOLD: usize = 16;

/// The fields of a request; those already taken are gone.
pub(super) struct Fields {
    values: BTreeMap<String, Value>,
    errors: FieldErrors,
    /// Whether unknown fields are errors. A form may carry fields that we did not ask for (buttons, extensions); JSON
    /// may not.
    is_strict: bool,
}

impl Fields {
    /// Parses a JSON object.
    pub(super) fn from_json(body: &[u8]) -> Result<Self, Failure> {
        match serde_json::from_slice(body) {
            Ok(Document::Object(values)) => Ok(Self { values, errors: FieldErrors::default(), is_strict: true }),
            Ok(Document::Repeated) => Err(Failure::RepeatedParameter),
            Ok(Document::TooMany) => Err(Failure::TooManyFields),
            Ok(Document::Other) => Err(FieldErrors::of("", "not_an_object").into()),
            Err(_) => Err(Failure::MalformedJson),
        }
    }

    /// Parses a posted form.
    pub(super) fn from_form(body: &[u8]) -> Result<Self, Failure> {
        let mut values = BTreeMap::new();
        for (name, value) in parse_form(body)? {
            // Refused rather than resolved: a proxy or filter in front may take the first of two, and we the last.
            if values.insert(name, Value::String(value)).is_some() {
                return Err(Failure::RepeatedParameter);
            }
        }
        Ok(Self { values, errors: FieldErrors::default(), is_strict: false })
    }

    /// Returns the text typed into these fields, to be shown again beside the errors. Never name a password here.
    pub(super) fn typed(&self, names: &[&str]) -> BTreeMap<String, String> {
        let typed = |name: &&str| {
            self.values.get(*name).and_then(Value::as_str).map(|text| ((*name).to_owned(), text.to_owned()))
        };
        map_of(names.iter().filter_map(typed))
    }

    fn fault<T>(&mut self, name: &str, error: impl Into<FieldError>) -> Option<T> {
        self.errors.add(name, error);
        None
    }

    /// Takes the text of a field that may be absent. An empty text counts as absent in a form, which cannot leave a
    /// field out, and as missing in JSON, which can. A `null` is no text.
    fn text(&mut self, name: &str) -> Option<Option<String>> {
        match self.values.remove(name) {
            None => Some(None),
            Some(Value::String(text)) if text.is_empty() && self.is_strict => self.fault(name, "required"),
            Some(Value::String(text)) if text.is_empty() => Some(None),
            Some(Value::String(text)) => Some(Some(text)),
            Some(_) => self.fault(name, "wrong_type"),
        }
    }

    fn required<T>(&mut self, name: &str, found: Option<Option<T>>) -> Option<T> {
        match found? {
            Some(value) => Some(value),
            None => self.fault(name, "required"),
        }
    }

    fn parsed<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, FieldError>) -> Option<Option<T>> {
        match self.text(name)?.map(|text| parse(&text)) {
            None => Some(None),
            Some(Ok(value)) => Some(Some(value)),
            Some(Err(error)) => self.fault(name, error),
        }
    }

    /// As [`Self::parsed`], for text that white space may surround: white space alone counts as absent, in a form.
    fn named<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, FieldError>) -> Option<Option<T>> {
        if !self.is_strict && self.values.get(name).and_then(Value::as_str).is_some_and(|text| bare(text).is_empty()) {
            self.values.remove(name);
        }
        self.parsed(name, parse)
    }

    /// Takes an e-mail address.
    pub(super) fn email(&mut self) -> Option<EmailAddress> {
        let found = self.named("email", |text| EmailAddress::parse(text).map_err(|_| "not_an_address".into()));
        self.required("email", found)
    }

    /// Takes the name that somebody logs in with.
    pub(super) fn identity(&mut self, kinds: &[IdentityKind]) -> Option<Identity> {
        // Whatever is typed parses to some identity: a name of the wrong form is treated like an unknown one.
        let too_long = FieldError { max: Some(EmailAddress::MAX_BYTES), ..FieldError::from("too_long") };
        let found = self.named("identity", |text| match text.chars().count() {
            ..=EmailAddress::MAX_BYTES => Ok(Identity::parse_as(text, kinds)),
            _ => Err(too_long.clone()),
        });
        self.required("identity", found)
    }

    /// Takes a password, whether or not it fulfils the policy.
    pub(super) fn password(&mut self, name: &str) -> Option<Password> {
        let found = self.optional_password(name);
        self.required(name, found)
    }

    /// Takes a password that may be left out.
    pub(super) fn optional_password(&mut self, name: &str) -> Option<Option<Password>> {
        self.parsed(name, |text| Password::parse(text).map_err(FieldError::from))
    }

    /// Takes a user name that may be left out.
    pub(super) fn username(&mut self) -> Option<Option<Username>> {
        self.named("username", |text| Username::parse(text).map_err(|_| "not_a_username".into()))
    }

    /// Takes the user name of somebody who registers, by the rule for it.
    pub(super) fn username_by(&mut self, rule: UsernameRule) -> Option<Option<Username>> {
        match (rule, self.username()?) {
            (UsernameRule::Required, None) => self.fault("username", "required"),
            (UsernameRule::Off, Some(_)) => self.fault("username", "not_offered"),
            (_, username) => Some(username),
        }
    }

    /// Takes a user name.
    pub(super) fn wanted_username(&mut self) -> Option<Username> {
        let found = self.username();
        self.required("username", found)
    }

    /// Takes the tag of a language, or none: `null` in JSON, nothing in a form.
    pub(super) fn language(&mut self) -> Option<Option<String>> {
        const NAME: &str = "language";
        match self.values.get(NAME) {
            None => self.fault(NAME, "required"),
            Some(Value::Null) => {
                self.values.remove(NAME);
                Some(None)
            }
            Some(_) => self.optional(NAME),
        }
    }

    /// Takes a display name that may be left out.
    pub(super) fn display_name(&mut self) -> Option<Option<DisplayName>> {
        self.parsed("name", |text| DisplayName::parse(text).map_err(|_| "not_a_name".into()))
    }

    /// Takes a display name.
    pub(super) fn wanted_display_name(&mut self) -> Option<DisplayName> {
        let found = self.display_name();
        self.required("name", found)
    }

    /// Takes a text that may be left out and is parsed further on.
    pub(super) fn optional(&mut self, name: &str) -> Option<Option<String>> {
        match self.text(name)? {
            Some(text) if text.chars().count() > MAX_TEXT_CHARS => {
                self.fault(name, FieldError { max: Some(MAX_TEXT_CHARS), ..FieldError::from("too_long") })
            }
            text => Some(text),
        }
    }

    /// Takes a code: six digits, or a recovery code.
    pub(super) fn code(&mut self) -> Option<TypedCode> {
        let found = self.optional_code();
        self.required("code", found)
    }

    /// Takes a code that may be left out.
    pub(super) fn optional_code(&mut self) -> Option<Option<TypedCode>> {
        self.named("code", |text| TypedCode::parse(text).map_err(|_| "not_a_code".into()))
    }

    /// Takes an id.
    pub(super) fn id<Kind>(&mut self, name: &str) -> Option<Id<Kind>> {
        let found = self.parsed(name, |text| text.parse().map_err(|_| "not_an_id".into()));
        self.required(name, found)
    }

    /// Takes a whole number that may be left out.
    pub(super) fn number(&mut self, name: &str) -> Option<Option<u64>> {
        match self.values.remove(name) {
            None => Some(None),
            Some(Value::Number(number)) if number.is_u64() => Some(number.as_u64()),
            Some(_) => self.fault(name, "wrong_type"),
        }
    }

    /// Takes several texts, [`MAX_ITEMS`] at most; absent is none. A form separates them by blanks or commas.
    pub(super) fn several(&mut self, name: &str) -> Option<Vec<String>> {
        self.at_most(name, MAX_ITEMS)
    }

    fn at_most(&mut self, name: &str, max: usize) -> Option<Vec<String>> {
        let items: Vec<String> = match self.values.remove(name) {
            None => return Some(vec![]),
            Some(Value::String(text)) if !self.is_strict => {
                let words = text.split([' ', ',']).filter(|word| !word.is_empty());
                words.take(max + 1).map(str::to_owned).collect()
            }
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
                items.iter().take(max + 1).filter_map(|item| item.as_str().map(str::to_owned)).collect()
            }
            Some(_) => return self.fault(name, "wrong_type"),
        };
        if items.len() > max {
            return self.fault(name, FieldError { max: Some(max), ..FieldError::from("too_many") });
        }
        Some(items)
    }

    /// Takes several hosts of applications; absent is none.
    pub(super) fn hosts(&mut self, max: usize) -> Option<BTreeSet<HostPattern>> {
        let texts = self.at_most("hosts", max)?;
        match try_set_of(texts.into_iter().map(HostPattern::try_from)) {
            Ok(hosts) => Some(hosts),
            Err(_) => self.fault("hosts", "not_a_host"),
        }
    }

    /// Takes a time to come, or a day, that may be left out.
    pub(super) fn time_after(&mut self, now: Timestamp, name: &str) -> Option<Option<Timestamp>> {
        self.parsed(name, |text| match Timestamp::parse(text) {
            Some(time) if time > now => Ok(time),
            Some(_) => Err("in_the_past".into()),
            None => Err("not_a_time".into()),
        })
    }

    /// Takes a text that is parsed further on.
    pub(super) fn text_of(&mut self, name: &str) -> Option<String> {
        let found = self.optional(name);
        self.required(name, found)
    }

    /// Takes a mailed token as it stands; whether it is valid is found out by opening it.
    pub(super) fn token(&mut self) -> Option<String> {
        let found = self.text("token");
        let found = found.map(|token| token.map(|token| whole_token(&token).to_owned()));
        self.required("token", found)
    }

    /// Takes a yes or no; absent is no. A form's checkbox sends `on`.
    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        match self.values.remove(name) {
            None | Some(Value::Bool(false)) => Some(false),
            Some(Value::Bool(true)) => Some(true),
            Some(Value::String(text)) if !self.is_strict => Some(matches!(text.as_str(), "on" | "true" | "1")),
            Some(_) => self.fault(name, "wrong_type"),
        }
    }

    /// Returns the values if none of them was wrong.
    pub(super) fn finish<T: AllPresent>(mut self, values: T) -> Result<T::Values, Failure> {
        // Misspelt members are refused: what somebody meant to set must not silently stay unset.
        if self.is_strict {
            // Only some are named: the answer must not grow with a hostile body.
            for name in std::mem::take(&mut self.values).into_keys().take(MAX_UNKNOWN_TOLD) {
                self.errors.add(&name, "unknown");
            }
        }
        match values.all() {
            Some(values) if self.errors.is_empty() => Ok(values),
            _ => Err(self.errors.into()),
        }
    }
}

/// A tuple of values of which none may be missing.
pub(super) trait AllPresent {
    /// The values themselves.
    type Values;

    /// Returns all of them, or `None`.
    fn all(self) -> Option<Self::Values>;
}

macro_rules! all_present {
    ($($name:ident),+) => {
        impl<$($name),+> AllPresent for ($(Option<$name>,)+) {
            type Values = ($($name,)+);

            #[allow(non_snake_case, reason = "the type's name serves for its value")]
            fn all(self) -> Option<Self::Values> {
                let ($($name,)+) = self;
                Some(($($name?,)+))
            }
        }
    };
}
all_present!(A);
all_present!(A, B);
all_present!(A, B, C);
all_present!(A, B, C, D);
all_present!(A, B, C, D, E);
all_present!(A, B, C, D, E, F);
all_present!(A, B, C, D, E, F, G);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::encoded::MAX_FIELDS;

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let mut fields = Fields::from_json(br#"{"email":"nobody","password":7,"extra":1}"#).expect("an object");
        let values = (fields.email(), fields.password("password"));
        let Err(Failure::Invalid(errors)) = fields.finish(values) else { panic!("refused") };
        let json = serde_json::to_value(&errors).expect("plain data");
        let expected = serde_json::json!({"email": [{"code": "not_an_address"}], "password": [{"code": "wrong_type"}], "extra": [{"code": "unknown"}]});
        assert_eq!(json, expected);
    }

    #[test]
    fn a_member_given_twice_is_refused() {
        assert_eq!(
            Fields::from_json(br#"{"email":"a@example.org","email":"b@example.org"}"#).err(),
            Some(Failure::RepeatedParameter)
        );
        assert_eq!(Fields::from_form(b"email=a&email=b").err(), Some(Failure::RepeatedParameter));
    }

    #[test]
    fn other_documents_are_refused() {
        for document in ["[]", "1", "-1", "1.5", "\"x\"", "true", "null"] {
            assert!(matches!(Fields::from_json(document.as_bytes()), Err(Failure::Invalid(_))), "{document}");
        }
        for document in [&b""[..], b"{", b"{}x", b"{\"a\":\"\xff\"}", b"{\"a\":\"\\ud800\"}", b"nope"] {
            assert_eq!(Fields::from_json(document).err(), Some(Failure::MalformedJson), "{document:?}");
        }
    }

    #[test]
    fn there_is_a_limit_on_fields_and_on_values() {
        let form = |count: usize| (0..count).map(|n| format!("a{n}={n}")).collect::<Vec<_>>().join("&");
        let form = |count: usize| Fields::from_form(form(count).as_bytes()).err();
        assert_eq!((form(MAX_FIELDS), form(MAX_FIELDS + 1)), (None, Some(Failure::TooManyFields)));
        let json = |count: usize| {
            let members: Vec<String> = (0..count).map(|n| format!("\"a{n}\":{n}")).collect();
            Fields::from_json(format!("{{{}}}", members.join(",")).as_bytes()).err()
        };
        assert_eq!((json(MAX_FIELDS), json(MAX_FIELDS + 1)), (None, Some(Failure::TooManyFields)));
        let several = |count: usize| {
            let mut fields = Fields::from_json(serde_json::json!({"a": vec!["x"; count]}).to_string().as_bytes())
                .expect("an object");
            fields.several("a").map(|items| items.len())
        };
        assert_eq!((several(MAX_ITEMS), several(MAX_ITEMS + 1)), (Some(MAX_ITEMS), None));
    }
}
