//! The folder whose files are served below `/static/`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::config::Unreadable;

use super::file::{self, HouseFile};
use super::unserved::Unserved;

/// The most bytes of one file.
const MAX_FILE_BYTES: usize = 1 << 20;
/// The most bytes of all together: they stay in memory.
const MAX_ALL_BYTES: usize = 4 << 20;
/// The most files and folders that are looked at.
const MAX_ENTRIES: usize = 500;
/// The most folders within each other.
const MAX_DEPTH: usize = 4;

/// Reads everything in a folder that is served.
pub(super) fn read(folder: &Path, unserved: &mut Vec<Unserved>) -> BTreeMap<String, HouseFile> {
    let root = match folder.canonicalize() {
        Ok(root) if root.is_dir() => root,
        found => {
            let fault = match found {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    Unreadable::saying("there is no such folder", "make it, or leave `static` out")
                }
                Err(error) => Unreadable::of(&error),
                Ok(_) => Unreadable::saying("is a file, and should be a folder", "name the folder that it is in"),
            };
            unserved.push(Unserved { key: KEY, path: folder.into(), fault, is_one_of_many: false });
            return BTreeMap::new();
        }
    };
    let mut reading = Reading { root, entries: 0, bytes: 0, files: BTreeMap::new(), unserved };
    reading.folder(folder, "", 0);
    reading.files
}

const KEY: &str = "site.static";

struct Reading<'a> {
    root: PathBuf,
    entries: usize,
    bytes: usize,
    files: BTreeMap<String, HouseFile>,
    unserved: &'a mut Vec<Unserved>,
}

impl Reading<'_> {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) {
        let found = match std::fs::read_dir(folder) {
            Ok(found) => found,
            Err(error) => return self.leave_out(folder, Unreadable::of(&error)),
        };
        let mut paths: Vec<PathBuf> = found.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            // What editors, version control and volumes of containers leave there.
            if name.starts_with('.') || name.ends_with('~') {
                continue;
            }
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                let reason = format!("there are more than {MAX_ENTRIES} files in the folder");
                return self.leave_out(&path, Unreadable::saying(&reason, "keep there only what pages need"));
            }
            let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
            if name.is_empty() || !name.bytes().all(is_plain) {
                let hint = "name it with a-z, A-Z, 0-9, dot, dash and underscore";
                self.leave_out(&path, Unreadable::saying("has a name that no address should have", hint));
                continue;
            }
            self.entry(&path, &format!("{prefix}{name}"), depth);
        }
    }

    fn entry(&mut self, path: &Path, name: &str, depth: usize) {
        // A link is followed within the folder, as volumes of containers have them. One that leads out would let whoever
        // may write here publish every file that the service can read.
        let real = match path.canonicalize() {
            Ok(real) if real.starts_with(&self.root) => real,
            Ok(_) => {
                let hint = "copy the file into the folder";
                return self.leave_out(path, Unreadable::saying("is a link that leads out of the folder", hint));
            }
            Err(error) => return self.leave_out(path, Unreadable::of(&error)),
        };
        if real.is_dir() {
            let is_link = path.is_symlink();
            if depth + 1 >= MAX_DEPTH || is_link {
                let reason = if is_link { "is a link to a folder" } else { "is too deep within folders" };
                return self.leave_out(path, Unreadable::saying(reason, "put its files further up"));
            }
            return self.folder(&real, &format!("{name}/"), depth + 1);
        }
        match file::read(&real, MAX_FILE_BYTES) {
            Ok(file) if self.bytes + file.bytes.len() <= MAX_ALL_BYTES => {
                self.bytes += file.bytes.len();
                self.files.insert(name.to_owned(), file);
            }
            Ok(_) => {
                let reason = format!("the files before it fill the {} MiB that there are", MAX_ALL_BYTES >> 20);
                self.leave_out(path, Unreadable::saying(&reason, "make them smaller"));
            }
            Err(fault) => self.leave_out(path, fault),
        }
    }

    fn leave_out(&mut self, path: &Path, fault: Unreadable) {
        self.unserved.push(Unserved { key: KEY, path: path.into(), fault, is_one_of_many: true });
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

    /// A folder of its own, which is removed when the test is over.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("gatelodge-static-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&path);
            std::fs::create_dir_all(path.join("static/sub")).expect("made");
            Self(path)
        }

        fn has(&self, name: &str, bytes: &[u8]) {
            std::fs::write(self.0.join(name), bytes).expect("written");
        }

        fn read(&self) -> (Vec<String>, Vec<String>) {
            let mut unserved = Vec::new();
            let files = read(&self.0.join("static"), &mut unserved);
            let name = |left: &Unserved| left.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (files.into_keys().collect(), unserved.iter().map(name).collect())
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn pictures_and_styles_are_served_and_nothing_else_is() {
        let folder = Folder::new("kinds");
        for name in ["static/a.png", "static/sub/b.PNG", "static/.hidden.png", "static/old.png~"] {
            folder.has(name, PNG);
        }
        folder.has("static/style.css", b"p { margin: 0 }");
        folder.has("static/run.js", b"alert(1)");
        folder.has("static/page.html", b"<p>");
        folder.has("static/false.png", b"<script>");
        folder.has("static/bad name.png", PNG);
        folder.has("static/bad.svg", b"<svg onload='alert(1)'/>");
        folder.has("static/big.css", &vec![b' '; MAX_FILE_BYTES + 1]);
        let (served, left) = folder.read();
        assert_eq!(served, ["a.png", "style.css", "sub/b.PNG"]);
        assert_eq!(left, ["bad name.png", "bad.svg", "big.css", "false.png", "page.html", "run.js"]);
    }

    #[test]
    fn a_link_is_followed_within_the_folder_and_not_out_of_it() {
        let folder = Folder::new("links");
        folder.has("outside.png", PNG);
        folder.has("static/sub/inside.png", PNG);
        let within = folder.0.join("static");
        symlink(folder.0.join("outside.png"), within.join("out.png")).expect("linked");
        symlink("../outside.png", within.join("up.png")).expect("linked");
        symlink("/etc", within.join("etc")).expect("linked");
        symlink("nowhere.png", within.join("gone.png")).expect("linked");
        symlink(".", within.join("again")).expect("linked");
        symlink("sub/inside.png", within.join("same.png")).expect("linked");
        assert_eq!(folder.read().0, ["same.png", "sub/inside.png"]);
        assert_eq!(folder.read().1, ["again", "etc", "gone.png", "out.png", "up.png"]);
        let other = folder.0.join("other");
        symlink(&within, &other).expect("linked");
        assert_eq!(read(&other, &mut vec![]).len(), 2, "the folder itself may be a link");
    }

    #[test]
    fn what_is_read_has_a_limit() {
        let folder = Folder::new("limits");
        for number in 0..6 {
            folder.has(&format!("static/{number}.css"), &vec![b' '; MAX_FILE_BYTES]);
        }
        assert_eq!((folder.read().0.len(), folder.read().1.len()), (4, 2));
        for number in 0..=MAX_ENTRIES {
            folder.has(&format!("static/n{number}.css"), b"");
        }
        let (served, left) = folder.read();
        assert!(served.len() < MAX_ENTRIES && left.len() == 3, "{} {}", served.len(), left.len());
    }

    #[test]
    fn no_folder_is_a_fault_of_the_setting() {
        let mut unserved = Vec::new();
        assert!(read(Path::new("/nowhere/at/all"), &mut unserved).is_empty());
        assert!(!unserved[0].is_one_of_many);
    }
}
