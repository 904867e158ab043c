//! `t("key")` in templates: the words of a message, in the language of the reader.

use std::sync::Arc;

use minijinja::value::{Kwargs, Object, from_args};
use minijinja::{AutoEscape, Error, ErrorKind, State, Value};

use crate::texts::{Part, Voice};

use super::escape::escape;

/// The name of the value that chooses a plural form.
const COUNT: &str = "count";

/// The function `t` of a template that is rendered for somebody.
#[derive(Debug)]
struct Translate(Voice);

impl Object for Translate {
    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let (key, given): (&str, Kwargs) = from_args(args)?;
        let mistake = |reason: String| Error::new(ErrorKind::InvalidOperation, reason);
        let mut words = String::new();
        let is_html = *state.auto_escape() == AutoEscape::Html;
        // A value that is not given is the one of this name that the template has.
        let value = |name: &str| given.get::<Value>(name).ok().or_else(|| state.lookup(name));
        let count = value(COUNT).and_then(|count| u64::try_from(count).ok());
        let parts = self.0.parts(key, count).ok_or_else(|| mistake(format!("there is no text {key}")))?;
        for part in parts {
            match part {
                Part::Words(text) if is_html => words.extend(escape(text)),
                Part::Words(text) => words.push_str(text),
                Part::Placeholder(name) => {
                    let value = value(name).filter(|value| !value.is_undefined());
                    let value = value.ok_or_else(|| mistake(format!("the text {key} needs a value {name}")))?;
                    match value.as_str() {
                        Some(text) if is_html && !value.is_safe() => words.extend(escape(text)),
                        _ => words.push_str(&value.to_string()),
                    }
                }
            }
        }
        // Every value that was given counts as used: a translation may do without one.
        Ok(if is_html { Value::from_safe_string(words) } else { Value::from(words) })
    }
}

/// Returns the function `t` for the reader whom this voice speaks to.
pub(super) fn translate(voice: &Voice) -> Value {
    Value::from_object(Translate(voice.clone()))
}

/// Emphasises a value, so that it can stand in a text of `t`: `strong(name)`. It is kept apart from the direction in which
/// the text around it is written.
pub(super) fn strong(value: &Value) -> Value {
    let words: String = match value.as_str() {
        Some(text) if value.is_safe() => text.to_owned(),
        Some(text) => escape(text).collect(),
        None => value.to_string(),
    };
    Value::from_safe_string(format!("<strong><bdi>{words}</bdi></strong>"))
}
