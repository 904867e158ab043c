//! The administrator's own texts: files that replace messages of a language, or add a language.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{Config, read_text};
use crate::texts::{Catalogue, CatalogueFault, Language, Languages, built_in_languages};

/// What is wrong with a file of texts, and where.
#[derive(Debug)]
pub struct TextFault {
    file: PathBuf,
    line: Option<usize>,
    reason: String,
}

impl fmt::Display for TextFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        write!(f, "{}{line}: {}", self.file.display(), self.reason)
    }
}

/// The languages of a site, and what was found wrong with the administrator's own texts.
pub struct LoadedLanguages {
    /// The languages. What is wrong is not in them: the built-in text is shown instead.
    pub languages: Arc<Languages>,
    /// Messages that are not used.
    pub faults: Vec<TextFault>,
    /// What works, but perhaps not as expected.
    pub doubts: Vec<TextFault>,
}

/// Loads the languages of a site: those built in, and the files of the folder `site.texts`, which are named after their
/// languages (`de.toml`).
#[must_use]
pub fn load_languages(config: &Config) -> LoadedLanguages {
    let site = &config.site;
    let (mut own, mut faults, mut doubts) = (Vec::new(), Vec::new(), Vec::new());
    if let Some(folder) = &site.texts {
        match files(folder) {
            Ok(files) => {
                for (file, language) in files {
                    own.extend(read(&file, language, &mut faults, &mut doubts));
                }
            }
            Err(error) => {
                faults.push(TextFault { file: folder.clone(), line: None, reason: format!("cannot be read: {error}") });
            }
        }
    }
    let languages = Languages::new(site.language.clone(), site.languages.clone(), own, site.time_zone.clone());
    for language in site.languages.iter().filter(|language| languages.find(language.as_str()).is_none()) {
        let file = site.texts.clone().unwrap_or_default().join(format!("{language}.toml"));
        let reason = "site.languages names this language, but there is no `language.name` in such a file".to_owned();
        faults.push(TextFault { file, line: None, reason });
    }
    LoadedLanguages { languages: Arc::new(languages), faults, doubts }
}

/// Returns the files of texts in a folder, each with its language.
fn files(folder: &Path) -> std::io::Result<Vec<(PathBuf, Language)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let file = entry?.path();
        let tag = file.file_stem().and_then(|stem| stem.to_str()).filter(|_| file.extension() == Some("toml".as_ref()));
        if let Some(language) = tag.and_then(|tag| Language::parse(tag).ok()) {
            files.push((file, language));
        }
    }
    files.sort();
    Ok(files)
}

fn read(
    file: &Path,
    language: Language,
    faults: &mut Vec<TextFault>,
    doubts: &mut Vec<TextFault>,
) -> Option<Catalogue> {
    let at = |CatalogueFault { line, reason }| TextFault { file: file.to_owned(), line: Some(line), reason };
    let text = match read_text(file) {
        Ok(text) => text,
        Err(fault) => {
            faults.push(TextFault { file: file.to_owned(), line: None, reason: fault.to_string() });
            return None;
        }
    };
    let is_new = !language.is_among(built_in_languages());
    let (mut catalogue, mut wrong) = Catalogue::read(&text, language);
    wrong.extend(catalogue.drop_what_is_wrong());
    faults.extend(wrong.into_iter().map(at));
    let missing = catalogue.missing();
    if is_new && !missing.is_empty() {
        let some = missing.iter().take(3).copied().collect::<Vec<_>>().join(", ");
        let reason = format!("{} texts are missing, and are shown in English: {some}, …", missing.len());
        doubts.push(TextFault { file: file.to_owned(), line: None, reason });
    }
    Some(catalogue)
}
