//! Finds the rules that may be for a request without looking at all of them: by host, then by path.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::host::{Host, HostPattern};
use super::path_pattern::PathPrefix;
use super::rule::AccessRule;

/// A quick hash. The keys are the configuration's: no visitor can add some that collide.
type Hashing = BuildHasherDefault<Quick>;

#[derive(Clone, Default)]
struct Quick(u64);

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for word in words.by_ref() {
            self.write_u64(word.first_chunk().map_or(0, |word| u64::from_le_bytes(*word)));
        }
        words.remainder().iter().for_each(|byte| self.write_u8(*byte));
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(byte.into());
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}

/// The numbers of rules by their hosts and paths.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// Rules for one host.
    exact: HashMap<String, Places, Hashing>,
    /// Rules for the hosts below a domain.
    below: HashMap<String, Places, Hashing>,
}

/// The numbers of the rules for a host, by their paths. All lists ascend.
#[derive(Clone, Debug, Default)]
struct Places {
    /// Those for a path and what lies below it; those for every path are at `/`.
    prefixes: HashMap<String, Vec<usize>, Hashing>,
    /// The length of the longest of those paths. Nobody makes us look for longer ones, by a path of nothing but slashes.
    longest_prefix: usize,
    /// Those for one path.
    exact: HashMap<String, Vec<usize>, Hashing>,
    /// The regular expressions of those that have one.
    patterns: Vec<String>,
    /// Those themselves, in the same order.
    by_pattern: Vec<usize>,
}

/// What a rule is for on each of its hosts: every path, one of its paths with what lies below, or its pattern.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'a> {
    Everything,
    Path(&'a PathPrefix),
    Pattern(&'a str),
}

/// Lists what a rule is for on each of its hosts.
pub(super) fn parts(rule: &AccessRule) -> Vec<Part<'_>> {
    match &rule.pattern {
        Some(pattern) if pattern.matches_every_path() => vec![Part::Everything],
        Some(pattern) => vec![Part::Pattern(pattern.as_str())],
        None if rule.paths.is_empty() => vec![Part::Everything],
        None => rule.paths.iter().map(Part::Path).collect(),
    }
}

impl Index {
    /// Adds a rule, whose number is higher than those before.
    pub(super) fn add(&mut self, number: usize, rule: &AccessRule) {
        for pattern in &rule.hosts {
            let places = if pattern.is_below() { &mut self.below } else { &mut self.exact };
            let places = places.entry(pattern.host().as_str().to_owned()).or_default();
            for part in parts(rule) {
                places.add(number, part);
            }
        }
    }

    /// Whether any rule is for a host.
    pub(super) fn names(&self, host: &Host) -> bool {
        self.exact.contains_key(host.as_str()) || host.parents().any(|parent| self.below.contains_key(parent))
    }

    /// Gives the numbers of the rules that may be for a path of a host, in lists each of which ascends.
    pub(super) fn candidates(&self, host: &Host, path: &str, mut each: impl FnMut(&[usize])) {
        let own = self.exact.get(host.as_str());
        for places in own.into_iter().chain(host.parents().filter_map(|parent| self.below.get(parent))) {
            places.prefixes_of(path, &mut each);
            if !places.exact.is_empty() {
                places.exact.get(path).into_iter().for_each(|numbers| each(numbers));
            }
            each(&places.by_pattern);
        }
    }

    /// Returns the numbers of the rules that are for every request to this part of these hosts, but for their methods
    /// and networks; lowest first.
    pub(super) fn covering(&self, hosts: &HostPattern, part: Part<'_>) -> Vec<usize> {
        let mut found = Vec::new();
        let host = hosts.host();
        let own = if hosts.is_below() { &self.below } else { &self.exact };
        let above = host.parents().filter_map(|parent| self.below.get(parent));
        for places in own.get(host.as_str()).into_iter().chain(above) {
            match part {
                Part::Everything => places.prefixes_of("/", |numbers| found.extend(numbers)),
                Part::Path(prefix) => {
                    places.prefixes_of(prefix.path(), |numbers| found.extend(numbers));
                    let same = prefix.is_exact().then(|| places.exact.get(prefix.path())).flatten();
                    found.extend(same.into_iter().flatten());
                }
                Part::Pattern(text) => {
                    places.prefixes_of("/", |numbers| found.extend(numbers));
                    let all = places.patterns.iter().zip(&places.by_pattern);
                    found.extend(all.filter(|(other, _)| *other == text).map(|(_, number)| number));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Places {
    fn add(&mut self, number: usize, part: Part<'_>) {
        match part {
            Part::Everything => self.add_prefix(number, "/"),
            Part::Path(prefix) if prefix.is_exact() => {
                self.exact.entry(prefix.path().to_owned()).or_default().push(number);
            }
            Part::Path(prefix) => self.add_prefix(number, prefix.path()),
            Part::Pattern(text) => {
                self.patterns.push(text.to_owned());
                self.by_pattern.push(number);
            }
        }
    }

    fn add_prefix(&mut self, number: usize, path: &str) {
        self.longest_prefix = self.longest_prefix.max(path.len());
        self.prefixes.entry(path.to_owned()).or_default().push(number);
    }

    /// Gives the rules for a path, and for those above it: `/a/b`, `/a/`, `/a`, `/`.
    fn prefixes_of(&self, path: &str, mut each: impl FnMut(&[usize])) {
        let borders = path.match_indices('/').flat_map(|(at, _)| [at, at + 1]).chain([path.len()]);
        let mut last = 0;
        for border in borders.take_while(|border| *border <= self.longest_prefix) {
            if border > last {
                self.prefixes.get(&path[..border]).into_iter().for_each(|numbers| each(numbers));
            }
            last = border;
        }
    }
}
