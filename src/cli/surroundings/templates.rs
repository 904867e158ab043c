//! The administrator's own templates.

use std::path::Path;

use crate::base::nearest;
use crate::config::Unreadable;
use crate::mail::try_letters;
use crate::web::try_pages;

use super::Look;

impl Look<'_> {
    pub(super) fn templates(&mut self) {
        const KEY: &str = "site.templates";
        let Some(folder) = self.config.site.templates.as_deref().filter(|_| self.is_clear(&[KEY])) else { return };
        let found = match std::fs::read_dir(folder) {
            Ok(found) => found,
            Err(error) => {
                let fault = match error.kind() {
                    std::io::ErrorKind::NotFound => {
                        Unreadable::saying("there is no such folder", "make it, or leave `templates` out")
                    }
                    std::io::ErrorKind::NotADirectory => Unreadable::saying(
                        "is a file, and should be a folder",
                        "write the folder that the templates are in",
                    ),
                    _ => Unreadable::of(&error),
                };
                return self.blame(KEY, folder, fault);
            }
        };
        let (mut known, mut faults) = try_pages(folder);
        let (letters, more) = try_letters(self.config, folder);
        known.extend(letters);
        faults.extend(more);
        for fault in faults {
            let hint = "mend it, or remove it: then the built-in one is used";
            self.draft.blame(KEY, fault.to_string(), Some(hint.into()));
        }
        for name in found.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
            self.doubt_unknown(folder, &name, &known);
        }
    }

    /// Warns about a file that replaces nothing: its name is most often mistyped.
    fn doubt_unknown(&mut self, folder: &Path, name: &str, known: &[String]) {
        let is_hidden = name.starts_with('.') || name.ends_with('~');
        if is_hidden || known.iter().any(|known| known == name) {
            return;
        }
        let meant = nearest(name, known.iter().map(String::as_str));
        let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
        self.seen.doubts.push(format!("{}: replaces no template{meant}", folder.join(name).display()));
    }
}
