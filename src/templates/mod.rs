//! Templates for pages and mails, in Jinja syntax. This is the only module that knows the engine.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use minijinja::{Environment, UndefinedBehavior};

pub use minijinja::{Value, context};

/// A built-in template: its name and its text.
pub type BuiltIn = (&'static str, &'static str);

/// A set of templates, known to be well formed. What is kept is their text: the engine's own form of one takes some 20 KiB,
/// and making it anew takes microseconds.
pub struct Templates(Arc<BTreeMap<&'static str, Cow<'static, str>>>);

/// A template is not well formed, or asks for something that is not there.
#[derive(Debug)]
pub struct TemplateError {
    file: Option<PathBuf>,
    reason: String,
}

impl std::error::Error for TemplateError {}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}: ", file.display())?;
        }
        f.write_str(&self.reason)
    }
}

impl Templates {
    /// Loads the built-in templates, each replaced by the file of its name in `folder`, if there is one.
    ///
    /// # Errors
    /// When a template cannot be read or parsed.
    pub fn load(built_in: &[BuiltIn], folder: Option<&Path>) -> Result<Self, TemplateError> {
        let mut texts = BTreeMap::new();
        for (name, text) in built_in {
            let file = folder.map(|folder| folder.join(name)).filter(|file| file.exists());
            let faulty = |reason: String| TemplateError { file: file.clone().or_else(|| Some(name.into())), reason };
            let text = match &file {
                None => Cow::Borrowed(*text),
                Some(file) => Cow::Owned(std::fs::read_to_string(file).map_err(|error| faulty(error.to_string()))?),
            };
            engine().template_from_named_str(name, &text).map_err(|error| faulty(error.to_string()))?;
            texts.insert(*name, text);
        }
        Ok(Self(Arc::new(texts)))
    }

    /// Renders a template; names ending in `.html` escape what they insert.
    ///
    /// # Errors
    /// When the template asks for something that is not there.
    pub fn render(&self, name: &str, values: Value) -> Result<String, TemplateError> {
        let mut engine = engine();
        let texts = Arc::clone(&self.0);
        engine.set_loader(move |name| Ok(texts.get(name).map(|text| text.clone().into_owned())));
        let rendered = engine.get_template(name).and_then(|template| template.render(values));
        rendered.map_err(|error| TemplateError { file: Some(name.into()), reason: error.to_string() })
    }
}

fn engine() -> Environment<'static> {
    let mut environment = Environment::new();
    // A missing name is a mistake in the template, not an empty string.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inserted_into_a_page_is_escaped() {
        let templates = Templates::load(&[("a.html", "<p>{{ name }}</p>")], None).expect("well formed");
        let page = templates.render("a.html", context! { name => "<script>" }).expect("complete");
        assert_eq!(page, "<p>&lt;script&gt;</p>");
    }

    #[test]
    fn a_missing_value_is_an_error() {
        let templates = Templates::load(&[("a.txt", "{{ name }}")], None).expect("well formed");
        assert!(templates.render("a.txt", context! {}).is_err());
    }
}
