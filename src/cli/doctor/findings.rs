//! The doctor's findings.

use std::fmt;

use serde_json::{Value, json};

/// The severity of a finding.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Level {
    /// As it should be.
    Good,
    /// It works, but somebody should know.
    Note,
    /// It does not work, or is not safe.
    Wrong,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Wrong => "WRONG",
        }
    }
}

/// One finding.
pub(super) struct Finding {
    pub level: Level,
    what: &'static str,
    said: String,
    hint: Option<String>,
}

impl Finding {
    /// Returns it as JSON, for programs.
    pub(super) fn shown(&self) -> Value {
        json!({"level": self.level.as_str().to_lowercase(), "what": self.what, "said": self.said, "hint": self.hint})
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:5}  {:14}  {}", self.level.as_str(), self.what, self.said)?;
        match &self.hint {
            Some(hint) => write!(f, "\n{:23}hint: {hint}", ""),
            None => Ok(()),
        }
    }
}

/// All findings, in the order in which they were made.
#[derive(Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn good(&mut self, what: &'static str, said: impl Into<String>) {
        self.0.push(Finding { level: Level::Good, what, said: said.into(), hint: None });
    }

    pub(super) fn note(&mut self, what: &'static str, said: impl Into<String>, hint: impl Into<String>) {
        self.push(Level::Note, what, &said.into(), hint.into());
    }

    pub(super) fn wrong(&mut self, what: &'static str, said: impl Into<String>, hint: impl Into<String>) {
        self.push(Level::Wrong, what, &said.into(), hint.into());
    }

    /// Adds a finding. A message of ours may bring a hint of its own, on further lines.
    fn push(&mut self, level: Level, what: &'static str, said: &str, hint: String) {
        let (said, own) = match said.split_once("\nhint: ") {
            Some((said, own)) => (said.to_owned(), Some(own.replace('\n', " "))),
            None => (said.replace('\n', " "), None),
        };
        self.0.push(Finding { level, what, said, hint: own.or_else(|| Some(hint).filter(|hint| !hint.is_empty())) });
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }
}
