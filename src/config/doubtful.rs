//! What of the file was not understood.

use std::collections::BTreeSet;

/// The keys and sections that were not understood: no rule is judged by them.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubtful {
    everything: bool,
    paths: BTreeSet<String>,
}

impl Doubtful {
    /// Whether a key or section, anything in it, or what it is part of was not
    /// understood: its default may not be what was meant.
    pub(super) fn holds(&self, path: &str) -> bool {
        self.names(path) || self.paths.iter().any(|doubted| is_within(path, doubted))
    }

    /// Whether this was noted itself, or everything was.
    pub(super) fn is_exactly(&self, path: &str) -> bool {
        self.everything || self.paths.contains(path)
    }

    /// Notes that nothing was understood for certain.
    pub(super) fn add_everything(&mut self) {
        self.everything = true;
    }

    /// Notes a key that was not understood.
    pub(super) fn add(&mut self, key: &str) {
        self.paths.insert(key.to_owned());
    }

    /// Whether a key or section, or anything in it, was not understood.
    pub(super) fn names(&self, path: &str) -> bool {
        self.everything || self.paths.iter().any(|doubted| is_within(doubted, path))
    }
}

fn is_within(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
