//! Reads the file again while the program runs: what of it can be applied at once, and what has to wait for a restart.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{Config, ConfigError, rules};

/// Where connections are accepted, what cookies are called, which file is open: parts that are assembled once. `tls` as
/// a whole only if its mode has changed; new files are read while it runs.
const WAITS_FOR_A_RESTART: &[&str] = &[
    "site.url",
    "listen",
    "store.path",
    "store.key_file",
    "store.cache_mib",
    "store.ballast_mib",
    "proxy",
    "login.return_hosts",
    "access.domains",
    "metrics",
    "log",
];

/// The outcome of reading the file again.
#[derive(Clone, Debug, PartialEq)]
pub struct Reread {
    /// The settings from now on.
    pub config: Config,
    /// Keys that have changed and were applied.
    pub taken: Vec<String>,
    /// Keys that have changed in the file and keep their value until a restart.
    pub waiting: Vec<String>,
}

impl Reread {
    /// Whether a setting of this section was applied.
    #[must_use]
    pub fn touches(&self, section: &str) -> bool {
        self.taken.iter().any(|key| is_within(key, section))
    }
}

impl Config {
    /// Determines what of `new`, which is valid by itself, can be applied in place of
    /// these settings. `path` is only named in messages.
    ///
    /// # Errors
    /// When what is applied does not go together with what has to stay.
    pub fn reread(&self, new: &Self, path: &Path) -> Result<Reread, ConfigError> {
        let mut waits = WAITS_FOR_A_RESTART.to_vec();
        if self.tls.mode != new.tls.mode {
            waits.push("tls");
        }
        let (before, after) = (leaves(self), leaves(new));
        let is_changed = |key: &&String| before.get(*key) != after.get(*key);
        let changed =
            after.keys().chain(before.keys().filter(|key| !after.contains_key(*key))).filter(is_changed).cloned();
        let (waiting, taken): (Vec<_>, Vec<_>) =
            changed.partition(|key| waits.iter().any(|section| is_within(key, section)));
        let mut merged = after;
        for key in &waiting {
            match before.get(key) {
                Some(value) => drop(merged.insert(key.clone(), value.clone())),
                None => drop(merged.remove(key)),
            }
        }
        let together = |reason: String| ConfigError::not_together(path, &waiting, &reason);
        let config = serde_json::from_value(tree(merged)).map_err(|_| together("they cannot be mixed".into()))?;
        if let Some(broken) = rules::check(&config, |_| false).first() {
            return Err(together(format!("{}: {}", broken.key, broken.message)));
        }
        Ok(Reread { config, taken, waiting })
    }
}

fn is_within(key: &str, section: &str) -> bool {
    key.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Lists every setting by its full name.
fn leaves(config: &Config) -> BTreeMap<String, Value> {
    fn walk(prefix: &str, value: Value, found: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
                    walk(&key, value, found);
                }
            }
            value => drop(found.insert(prefix.to_owned(), value)),
        }
    }
    let mut found = BTreeMap::new();
    walk("", serde_json::to_value(config).expect("settings have string keys and finite numbers"), &mut found);
    found
}

/// Puts settings back into their sections.
fn tree(leaves: BTreeMap<String, Value>) -> Value {
    let mut tree = Value::Object(serde_json::Map::new());
    for (key, value) in leaves {
        key.split('.')
            .fold(&mut tree, |section, name| {
                if section.is_null() {
                    *section = Value::Object(serde_json::Map::new());
                }
                &mut section[name]
            })
            .clone_from(&value);
    }
    tree
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "[site]\nurl = \"https://auth.example.org\"\n[mail]\nfrom = \"a@example.org\"\n[mail.smtp]\nhost = \"smtp.example.org\"\n";

    fn config(more: &str) -> Config {
        Config::parse(&format!("{FILE}{more}"), Path::new("a.toml")).expect("valid")
    }

    fn reread(before: &str, after: &str) -> Reread {
        config(before).reread(&config(after), Path::new("a.toml")).expect("they go together")
    }

    #[test]
    fn what_can_be_taken_is_taken_and_what_cannot_keeps_its_value() {
        let all = "port = 465\n[session]\nidle = \"3d\"\n[proxy]\ntrusted = [\"127.0.0.1/32\"]\n[store]\ncache_mib = 8\nlow_space_mib = 64\n";
        let done = reread("", all);
        assert_eq!(done.taken, ["mail.smtp.port", "session.idle", "store.low_space_mib"]);
        assert_eq!(done.waiting, ["proxy.trusted", "store.cache_mib"]);
        assert!(done.touches("mail") && !done.touches("mai"));
        let expected = config("port = 465\n[session]\nidle = \"3d\"\n[store]\nlow_space_mib = 64\n");
        assert_eq!(done.config, expected);
    }

    #[test]
    fn the_same_file_changes_nothing() {
        let done = reread("[tokens]\nreset_within = \"30m\"\n", "[tokens]\nreset_within = \"1800s\"\n");
        assert_eq!((done.taken.len(), done.waiting.len()), (0, 0));
    }

    #[test]
    fn every_setting_is_carried_over() {
        let example = include_str!("../../config/example.toml");
        let before = Config::parse(example, Path::new("a.toml")).expect("valid");
        let mut after = before.clone();
        after.site.name = "A \"quoted\" \\ näme 家".into();
        after.throttle.enabled = false;
        let done = before.reread(&after, Path::new("a.toml")).expect("they go together");
        assert_eq!((done.config, done.taken.len()), (after, 2));
    }

    #[test]
    fn another_way_of_tls_waits_as_a_whole_and_new_files_do_not() {
        let files = "[tls]\nmode = \"files\"\ncertificate = \"/a\"\nprivate_key = \"/b\"\n";
        let done = reread(files, "");
        assert_eq!(done.waiting, ["tls.certificate", "tls.mode", "tls.private_key"]);
        assert_eq!(done.config, config(files));
        assert_eq!(reread(files, &files.replace("/a", "/c")).taken, ["tls.certificate"]);
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let loopback = FILE.replace("https://auth.example.org", "http://localhost");
        let off = format!("{loopback}[tls]\nmode = \"off\"\n[listen]\nhttp = [\"127.0.0.1:80\"]\n");
        let before = Config::parse(&off, Path::new("a.toml")).expect("valid");
        // Every setting that would have to come with the others waits: what is left is what was there.
        let done = before.reread(&config(""), Path::new("a.toml")).expect("nothing of it is taken");
        assert_eq!(done.config, before);
        assert_eq!(done.waiting, ["listen.http", "site.url", "tls.mode"]);
    }
}
