//! Wrong settings, their places, and what to write instead.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::base::is_hidden;

use super::text_file::Unreadable;

/// One fault in the settings.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Fault {
    /// The key that is to blame, by its full name, where it is known.
    pub key: Option<String>,
    /// Line and column, counted from 1.
    pub place: Option<(usize, usize)>,
    /// What was found.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

/// The reason why a configuration is refused: one fault at least. Each prints as `FILE:LINE:COLUMN: message`, then a
/// hint on a line of its own; if there are several, their number comes first.
#[derive(Clone, Debug)]
pub struct ConfigError {
    path: PathBuf,
    faults: Vec<Fault>,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        if self.faults.len() > 1 {
            writeln!(f, "{path}: {} things are wrong", self.faults.len())?;
        }
        for (at, fault) in self.faults.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { "\n" })?;
            write!(f, "{path}")?;
            if let Some((line, column)) = fault.place {
                write!(f, ":{line}:{column}")?;
            }
            write!(f, ": {}", printable(&fault.message))?;
            fault.hint.iter().try_for_each(|hint| write!(f, "\nhint: {}", printable(hint)))?;
        }
        Ok(())
    }
}

/// Replaces hidden characters: what was typed may hold anything, and must not move a terminal's cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { '\u{fffd}' } else { c }).collect()
}

impl ConfigError {
    /// Makes an error of these faults, in the order of the file.
    pub(super) fn new(path: &Path, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| fault.place);
        Self { path: path.into(), faults }
    }

    pub(super) fn not_together(path: &Path, waiting: &[String], reason: &str) -> Self {
        let hint = format!("restart the service: {} cannot change while it runs", waiting.join(", "));
        let fault = Fault { message: format!("not taken: {reason}"), hint: Some(hint), ..Fault::default() };
        Self::new(path, vec![fault])
    }

    /// Lists the faults in words, each with the key that is to blame, if it is known.
    pub fn faults(&self) -> impl Iterator<Item = (Option<&str>, String)> {
        self.faults.iter().map(|fault| {
            let one = Self { path: self.path.clone(), faults: vec![fault.clone()] };
            (fault.key.as_deref(), one.to_string())
        })
    }

    /// Converts the faults to JSON, for programs.
    #[must_use]
    pub fn shown(&self) -> Vec<Value> {
        let shown = |fault: &Fault| {
            let (line, column) = fault.place.unzip();
            json!({"key": fault.key, "file": self.path, "line": line, "column": column, "message": fault.message, "hint": fault.hint})
        };
        self.faults.iter().map(shown).collect()
    }
}

impl Fault {
    /// Makes the fault of a file that cannot be read.
    pub(super) fn unreadable(fault: Unreadable) -> Self {
        let hint = match &fault.hint {
            None if fault.is_missing => {
                Some("name another file with --config FILE, or try `gatelodge demo`, which needs none".into())
            }
            _ if fault.is_forbidden => Some(
                "run as the user the service runs as, or as root; if this is the service, let its user read the file"
                    .into(),
            ),
            _ => fault.hint,
        };
        Self { key: None, place: fault.place, message: format!("cannot be read: {}", fault.reason), hint }
    }
}

/// Returns line and column of a byte, counted from 1.
pub(super) fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(at)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
