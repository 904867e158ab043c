//! Templates for pages and mails, in Jinja syntax. This is the only module that knows the engine.

mod escape;
mod ordered;
mod own_texts;
mod translate;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use minijinja::{AutoEscape, Environment, UndefinedBehavior, escape_formatter};

use crate::base::Packed;
use crate::config::read_text;
use crate::texts::Voice;

use escape::escape;

pub use minijinja::{Value, context};
pub use ordered::ordered;
pub use own_texts::{LoadedLanguages, TextFault, load_languages};

/// A set of templates, known to be well formed. Each is compiled when it is first rendered: the engine's own form of
/// one takes some 20 KiB, and most are never asked for.
pub struct Templates(Environment<'static>);

/// The error of a template that is not well formed, or uses a value that is not there.
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
    /// Loads built-in templates (names and texts in turn, a zero byte after each), each replaced by the
    /// file of its name in `folder`, if there is one.
    ///
    /// # Errors
    /// When a template cannot be read or parsed, or the program was built badly.
    pub fn load(built_in: Packed, folder: Option<&Path>) -> Result<Self, TemplateError> {
        let all = built_in.unpack();
        let all =
            all.ok_or_else(|| TemplateError { file: None, reason: "the built-in templates are damaged".into() })?;
        let mut parts = all.split_terminator('\0').map(str::to_owned);
        Self::of(std::iter::from_fn(|| parts.next().zip(parts.next())), folder)
    }

    /// Returns the names of the built-in templates, and everything that is wrong with the files that replace them.
    #[must_use]
    pub fn try_folder(built_in: Packed, folder: &Path) -> (Vec<String>, Vec<TemplateError>) {
        let all = built_in.unpack().unwrap_or_default();
        let names: Vec<String> = all.split_terminator('\0').step_by(2).map(str::to_owned).collect();
        let faults = names.iter().filter_map(|name| Self::replaced(name, Some(folder)).err()).collect();
        (names, faults)
    }

    /// Returns the text of the file that replaces a template, if there is one and it is well formed.
    fn replaced(name: &str, folder: Option<&Path>) -> Result<Option<String>, TemplateError> {
        let Some(file) = folder.map(|folder| folder.join(name)).filter(|file| file.symlink_metadata().is_ok()) else {
            return Ok(None);
        };
        let faulty = |reason: String| TemplateError { file: Some(file.clone()), reason };
        let text = read_text(&file).map_err(|fault| faulty(fault.to_string()))?;
        engine().template_from_named_str(name, &text).map_err(|error| faulty(error.to_string()))?;
        Ok(Some(text))
    }

    fn of(built_in: impl Iterator<Item = (String, String)>, folder: Option<&Path>) -> Result<Self, TemplateError> {
        let mut texts = BTreeMap::new();
        for (name, text) in built_in {
            let text = if let Some(replaced) = Self::replaced(&name, folder)? {
                replaced
            } else {
                let faulty = |reason: String| TemplateError { file: Some(name.clone().into()), reason };
                engine().template_from_named_str(&name, &text).map_err(|error| faulty(error.to_string()))?;
                text
            };
            texts.insert(name, text);
        }
        let mut engine = engine();
        engine.set_loader(move |name| Ok(texts.get(name).cloned()));
        Ok(Self(engine))
    }

    /// Releases the memory that rendering has taken.
    pub fn rest(&mut self) {
        self.0.clear_templates();
    }

    /// Renders a template for somebody; names ending in `.html` escape what they insert. `t` in it speaks the reader's
    /// language.
    ///
    /// # Errors
    /// When the template uses a value or a text that is not there.
    pub fn render(&self, name: &str, voice: &Voice, values: Value) -> Result<String, TemplateError> {
        let language = voice.language();
        let direction = if language.is_right_to_left() { "rtl" } else { "ltr" };
        let values = context! { t => translate::translate(voice), language => language.as_str(), direction, ..values };
        let rendered = self.0.get_template(name).and_then(|template| template.render(values));
        rendered.map_err(|error| TemplateError { file: Some(name.into()), reason: error.to_string() })
    }
}

fn engine() -> Environment<'static> {
    let mut environment = Environment::new();
    // A missing name is a mistake in the template, not an empty string.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_formatter(|output, state, value| match value.as_str() {
        Some(text) if *state.auto_escape() == AutoEscape::Html && !value.is_safe() => {
            Ok(escape(text).try_for_each(|piece| output.write_str(piece))?)
        }
        _ => escape_formatter(output, state, value),
    });
    // Those that pages need, and what people reach for in templates of their own; the
    // engine's whole set would take a tenth of a megabyte.
    environment.add_function("strong", |value: Value| translate::strong(&value));
    environment.add_filter("length", |value: Value| value.len().unwrap_or_default());
    environment.add_filter("join", |values: Value, between: &str| join(&values, between));
    environment.add_filter("default", |value: Value, other: Value| if value.is_undefined() { other } else { value });
    environment.add_filter("upper", |text: &str| text.to_uppercase());
    environment.add_filter("lower", |text: &str| text.to_lowercase());
    environment
}

/// Returns a text as it stands in HTML.
#[must_use]
pub fn escaped(text: &str) -> String {
    escape(text).collect()
}

fn join(values: &Value, between: &str) -> Result<String, minijinja::Error> {
    let texts: Vec<String> = values.try_iter()?.map(|value| value.to_string()).collect();
    Ok(texts.join(between))
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::sync::Arc;

    use crate::texts::{Catalogue, Language, Languages, TimeZone};

    /// A voice that knows some texts more.
    fn voice(texts: &str) -> Voice {
        let (own, faults) = Catalogue::read(texts, Language::english());
        assert_eq!(faults, []);
        Arc::new(Languages::new(Language::english(), vec![], vec![own], TimeZone::utc())).voice(None)
    }

    fn templates(texts: &[(&str, &str)]) -> Result<Templates, TemplateError> {
        Templates::of(texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())), None)
    }

    #[test]
    fn what_is_inserted_into_a_page_is_escaped() {
        let loaded = templates(&[("a.html", "<p>{{ name }}</p>")]).expect("well formed");
        let page = loaded.render("a.html", &voice(""), context! { name => "<script>" }).expect("complete");
        assert_eq!(page, "<p>&lt;script&gt;</p>");
    }

    #[test]
    fn links_are_written_as_they_are() {
        let loaded = templates(&[("a.html", "<a href=\"{{ link }}\">{{ link }}</a>")]).expect("well formed");
        let page = loaded
            .render("a.html", &voice(""), context! { link => "https://a.example/b?c=d&e='f'\"<g>" })
            .expect("complete");
        let link = "https://a.example/b?c=d&amp;e=&#x27;f&#x27;&quot;&lt;g&gt;";
        assert_eq!(page, format!("<a href=\"{link}\">{link}</a>"));
    }

    #[test]
    fn the_filters_that_the_guide_names_are_there() {
        let text = "{{ names | length }} {{ names | join(', ') }} {{ missing | default('none') }} {{ word | upper }} {{ word | lower }} {{ html | safe }}";
        let loaded = templates(&[("a.html", text)]).expect("well formed");
        let values = context! { names => vec!["<a>", "b"], word => "Word", html => "<b>" };
        let page = loaded.render("a.html", &voice(""), values).expect("complete");
        assert_eq!(page, "2 &lt;a&gt;, b none WORD word <b>");
    }

    #[test]
    fn texts_keep_the_order_in_which_they_were_given() {
        let text = "{% for name in texts %}{{ name }}={{ texts[name] }}{% if loop.first %} first{% endif %};{% endfor %}{{ 'b' in texts }}{{ 'x' in texts }}";
        let loaded = templates(&[("a.html", text)]).expect("well formed");
        let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let values = context! { texts => ordered(vec![pair("b", "<1>"), pair("a", "2")]) };
        assert_eq!(loaded.render("a.html", &voice(""), values).expect("complete"), "b=&lt;1&gt; first;a=2;TrueFalse");
        let none = loaded.render("a.html", &voice(""), context! { texts => ordered(vec![]) }).expect("complete");
        assert_eq!(none, "FalseFalse");
    }

    #[test]
    fn after_a_rest_everything_is_there_again() {
        let page = ("a.html", "{% extends 'b.html' %}{% block b %}{{ name }}{% endblock %}");
        let layout = ("b.html", "<p>{% block b %}{% endblock %}</p>");
        let mut loaded = templates(&[page, layout]).expect("well formed");
        for _ in 0..2 {
            assert_eq!(loaded.render("a.html", &voice(""), context! { name => "x" }).expect("complete"), "<p>x</p>");
            loaded.rest();
        }
    }

    #[test]
    fn what_was_packed_badly_is_found_when_it_is_loaded() {
        assert!(Templates::load(Packed(b"no pack"), None).is_err());
        assert!(
            Templates::load(Packed(b"\x0a\0\0\0\xa0a.txt\0abc\0"), None).is_ok_and(|loaded| {
                loaded.render("a.txt", &voice(""), context! {}).is_ok_and(|text| text == "abc")
            })
        );
    }

    #[test]
    fn what_is_not_well_formed_is_found_when_it_is_loaded() {
        assert!(templates(&[("a.html", "{% if %}")]).is_err());
    }

    #[test]
    fn a_text_is_filled_with_values_that_are_escaped_in_html() {
        let texts =
            "greeting = \"{site} & you: <{name}>\"\nleft = { one = '{count} is left', other = '{count} are left' }";
        let template = "{{ t('greeting', name=strong(name)) }}|{{ t('greeting') }}|{{ t('left', count=1) }}|{{ t('left', count=2) }}";
        let loaded = templates(&[("a.html", template), ("a.txt", "{{ t('greeting') }}")]).expect("well formed");
        let values = || context! { site => "<A>", name => "'b'" };
        let page = loaded.render("a.html", &voice(texts), values()).expect("complete");
        let greeting = |name: &str| format!("&lt;A&gt; &amp; you: &lt;{name}&gt;");
        let strong = greeting("<strong><bdi>&#x27;b&#x27;</bdi></strong>");
        assert_eq!(page, format!("{strong}|{}|1 is left|2 are left", greeting("&#x27;b&#x27;")));
        assert_eq!(loaded.render("a.txt", &voice(texts), values()).expect("complete"), "<A> & you: <'b'>");
    }

    #[test]
    fn a_macro_of_another_file_speaks_the_language_too() {
        let field = "{% macro field(name) %}{{ t('greeting') }}{% endmacro %}";
        let page = "{% from 'b.html' import field %}{{ field('x') }} {{ language }} {{ direction }}";
        let loaded = templates(&[("a.html", page), ("b.html", field)]).expect("well formed");
        let page = loaded.render("a.html", &voice("greeting = 'Hello {name}'"), context! {}).expect("complete");
        assert_eq!(page, "Hello x en ltr");
    }

    #[test]
    fn a_text_that_is_not_there_is_an_error() {
        let loaded =
            templates(&[("a.txt", "{{ t('no.such') }}"), ("b.txt", "{{ t('greeting') }}")]).expect("well formed");
        let told =
            |name| loaded.render(name, &voice("greeting = '{x}'"), context! {}).expect_err("incomplete").to_string();
        assert!(told("a.txt").contains("there is no text no.such"), "{}", told("a.txt"));
        assert!(told("b.txt").contains("the text greeting needs a value x"), "{}", told("b.txt"));
    }

    #[test]
    fn a_missing_value_is_an_error() {
        let loaded = templates(&[("a.txt", "{{ name }}")]).expect("well formed");
        assert!(loaded.render("a.txt", &voice(""), context! {}).is_err());
    }
}
