//! A wrong setting, its place, and what to write instead.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::rules::BrokenRule;

/// Why a configuration is refused. Prints as `FILE:LINE:COLUMN: message`, then a hint on a line of its own.
#[derive(Clone, Debug)]
pub struct ConfigError {
    path: PathBuf,
    place: Option<(usize, usize)>,
    message: String,
    hint: Option<String>,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, "\nhint: {hint}"))
    }
}

impl ConfigError {
    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        let hint = match error.kind() {
            std::io::ErrorKind::NotFound => {
                "name another file with --config FILE, or try `gatelodge demo`, which needs none"
            }
            std::io::ErrorKind::PermissionDenied => "run as the user the service runs as, or as root",
            _ => "the file must be UTF-8 text in TOML form",
        };
        Self { path: path.into(), place: None, message: format!("cannot be read: {error}"), hint: Some(hint.into()) }
    }

    /// What was said about the byte at `at`, or about what stands in `span`.
    pub(super) fn at(
        at: Option<usize>,
        message: &str,
        (text, path): (&str, &Path),
        span: Option<Range<usize>>,
    ) -> Self {
        let place = at.map(|at| line_and_column(text, at));
        let (message, hint) = in_words(message, text, span);
        Self { path: path.into(), place, message, hint }
    }

    pub(super) fn not_together(path: &Path, waiting: &[String], reason: &str) -> Self {
        let hint = format!("restart the service: {} cannot change while it runs", waiting.join(", "));
        Self { path: path.into(), place: None, message: format!("not taken: {reason}"), hint: Some(hint) }
    }

    pub(super) fn broken_rule(broken: BrokenRule, text: &str, path: &Path) -> Self {
        let place = Some(line_and_column(text, place_of(text, broken.key)));
        Self { path: path.into(), place, message: broken.message, hint: Some(broken.hint) }
    }
}

/// Turns the deserialiser's words into ours: `unknown field` is an unknown key to the person who wrote it.
fn in_words(message: &str, text: &str, span: Option<Range<usize>>) -> (String, Option<String>) {
    if let Some((key, known)) = message.strip_prefix("unknown field `").and_then(|rest| rest.split_once("`, expected "))
    {
        let known = known.trim_start_matches("one of ").replace('`', "");
        let hint = format!("known here: {known}; if a newer Gatelodge wrote it: this is {}", env!("CARGO_PKG_VERSION"));
        return (format!("unknown key `{key}`"), Some(hint));
    }
    if let Some(key) = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        let hint = match key {
            "site" | "url" => "write `url = \"https://auth.example.org\"` in [site]",
            "mail" | "from" => "write `from = \"Name <auth@example.org>\"` in [mail]",
            _ => "add it",
        };
        return (format!("`{key}` is missing"), Some(hint.into()));
    }
    // Our own types say `what is wrong; hint` in one string.
    if let Some((message, hint)) = message.split_once("; ") {
        let written = span.and_then(|span| text.get(span)).map(str::trim).unwrap_or_default();
        return (format!("{written}: {message}"), Some(hint.into()));
    }
    (message.to_owned(), None)
}

/// The byte at which the value of `section.key` stands, or else its section, or else the file.
fn place_of(text: &str, key: &str) -> usize {
    let Ok(document) = DeTable::parse(text) else { return 0 };
    let mut table = document.get_ref();
    let mut place = 0;
    for part in key.split('.') {
        let Some((name, value)) = table.iter().find(|(name, _)| name.get_ref() == part) else { break };
        let DeValue::Table(inner) = value.get_ref() else { return value.span().start };
        place = name.span().start;
        table = inner;
    }
    place
}

fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(at)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
