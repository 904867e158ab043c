//! A configuration being examined: as far as it can be understood, with everything that is wrong with it.

use std::path::{Path, PathBuf};

use serde_json::json;
use toml::de::{DeTable, DeValue};

use super::document;
use super::doubtful::Doubtful;
use super::error::{Fault, line_and_column};
use super::text_file::{read_text, text_of};
use super::{Config, ConfigError, rules};

/// A configuration that may yet be refused. What is wrong is collected, so that all of it can be reported at once.
pub struct Draft {
    path: PathBuf,
    text: String,
    credentials: Option<PathBuf>,
    settings: Option<Config>,
    doubtful: Doubtful,
    faults: Vec<Fault>,
}

impl Draft {
    /// Reads the file. Secrets that a service manager keeps for us are found in the folder `credentials`
    /// (`LoadCredential=` in systemd.exec(5)), where the file names no others.
    #[must_use]
    pub fn read(path: &Path, credentials: Option<&Path>) -> Self {
        match read_text(path) {
            Ok(text) => Self::of(text, path, credentials),
            Err(fault) => Self::nothing(path, Fault::unreadable(fault)),
        }
    }

    /// Examines a text; `path` is named in messages, and paths in the text are relative to its folder.
    pub(super) fn of(text: String, path: &Path, credentials: Option<&Path>) -> Self {
        let text = match text_of(text.into_bytes()) {
            Ok(text) => text,
            Err(fault) => return Self::nothing(path, Fault::unreadable(fault)),
        };
        let least = json!({"site": {"url": "https://localhost"}, "mail": {"from": "nobody@localhost"}});
        let says_nothing = text.lines().all(|line| line.trim().is_empty() || line.trim().starts_with('#'));
        let mut draft = Self { text, credentials: credentials.map(Path::to_owned), ..Self::without_faults(path) };
        if says_nothing {
            draft.faults.push(Fault {
                key: None,
                place: None,
                message: "the file says nothing: it is empty, or all of it is comments".into(),
                hint: Some("gatelodge setup writes one; config/minimal.toml shows what must be there".into()),
            });
            return draft;
        }
        let Some(found) = document::read::<Config>(&draft.text, &least) else { return draft };
        let mut config = found.settings;
        (draft.faults, draft.doubtful) = (found.faults, found.doubtful);
        let mut broken = config.place_beside(path);
        // What is not a path is reported once, and not looked for.
        for rule in &broken {
            draft.doubtful.add(&rule.key);
        }
        if let Some(folder) = credentials {
            config.take_credentials(folder);
        }
        broken.extend(rules::check(&config, |section| draft.doubtful.holds(section)));
        for rule in broken {
            draft.blame(&rule.key, rule.message, Some(rule.hint));
        }
        draft.settings = Some(config);
        draft
    }

    fn nothing(path: &Path, fault: Fault) -> Self {
        Self { faults: vec![fault], ..Self::without_faults(path) }
    }

    fn without_faults(path: &Path) -> Self {
        let (text, doubtful) = (String::new(), Doubtful::default());
        Self { path: path.into(), text, credentials: None, settings: None, doubtful, faults: vec![] }
    }

    /// Returns the folder of secrets that a service manager keeps.
    #[must_use]
    pub fn credentials(&self) -> Option<&Path> {
        self.credentials.as_deref()
    }

    /// Returns the settings as far as they are understood; what is not has its
    /// default. None if the file cannot be read at all.
    #[must_use]
    pub fn settings(&self) -> Option<&Config> {
        self.settings.as_ref()
    }

    /// Whether a setting was not understood.
    #[must_use]
    pub fn is_doubtful(&self, setting: &str) -> bool {
        self.doubtful.names(setting)
    }

    /// Whether nothing is wrong so far.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    /// Reports that the value of a key cannot be used.
    pub fn blame(&mut self, key: &str, message: impl Into<String>, hint: Option<String>) {
        let place = place_of(&self.text, key).map(|at| line_and_column(&self.text, at));
        self.faults.push(Fault { key: Some(key.to_owned()), place, message: message.into(), hint });
    }

    /// Returns the configuration, if nothing is wrong with it.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn finish(self) -> Result<Config, ConfigError> {
        match self.settings {
            Some(config) if self.faults.is_empty() => Ok(config),
            _ => Err(ConfigError::new(&self.path, self.faults)),
        }
    }
}

/// Returns the byte at which the value of `section.key` stands, or else its section. Items of lists go by their numbers,
/// counted from 1: `section.list.2.key`.
fn place_of(text: &str, key: &str) -> Option<usize> {
    let (document, _) = DeTable::parse_recoverable(text);
    let mut table = document.get_ref();
    let mut place = None;
    let mut parts = key.split('.');
    while let Some(part) = parts.next() {
        let Some((name, value)) = table.iter().find(|(name, _)| name.get_ref() == part) else { break };
        place = Some(name.span().start);
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            DeValue::Array(items) => {
                let number = parts.next().and_then(|part| part.parse::<usize>().ok());
                let item = number.and_then(|number| items.get(number.checked_sub(1)?));
                let Some(item) = item else { return Some(value.span().start) };
                let DeValue::Table(inner) = item.get_ref() else { return Some(item.span().start) };
                place = Some(item.span().start);
                table = inner;
            }
            _ => return Some(value.span().start),
        }
    }
    place
}
