//! All access rules, in their order.

use super::doubt::Doubt;
use super::host::Host;
use super::index::Index;
use super::original::{OriginalRequest, Scheme};
use super::rule::{AccessRule, Terms};

/// The most rules of a configuration.
pub const MAX_RULES: usize = 10_000;

/// The rules: the first that matches decides, and where none does, nobody is let in.
#[derive(Clone, Debug, Default)]
pub struct AccessRules {
    rules: Vec<AccessRule>,
    index: Index,
}

/// The rule that decides about a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatchedRule<'a> {
    /// Its number, counted from 1.
    pub number: usize,
    /// What it asks for.
    pub rule: &'a AccessRule,
    /// Whether servers that remove no dot segments see a path for which another rule decides.
    pub is_doubtful: bool,
}

impl AccessRules {
    /// Takes rules in their order.
    #[must_use]
    pub fn new(rules: Vec<AccessRule>) -> Self {
        let mut index = Index::default();
        rules.iter().enumerate().for_each(|(at, rule)| index.add(at, rule));
        Self { rules, index }
    }

    /// Finds the rule that decides about a request, whoever makes it; none if no rule matches.
    ///
    /// # Errors
    /// When the path may be read in different ways, and rules that ask different things decide then.
    pub fn find(&self, request: &OriginalRequest) -> Result<Option<MatchedRule<'_>>, Doubt> {
        let url = &request.url;
        if url.scheme() == Scheme::Http && !url.host().is_private() {
            return Err(Doubt::PlainHttp);
        }
        let mut readings = url.readings().map(|path| self.first(request, path));
        let decides = readings.next().flatten();
        let asks = self.terms(decides);
        if readings.any(|other| self.terms(other) != asks) {
            return Err(Doubt::Ambiguous);
        }
        let mut with_dots = url.readings_with_dots().map(|path| self.first(request, path));
        let is_doubtful = with_dots.any(|other| self.terms(other) != asks);
        Ok(decides.map(|at| MatchedRule { number: at + 1, rule: &self.rules[at], is_doubtful }))
    }

    /// Whether a rule names a host, or hosts that it is among.
    #[must_use]
    pub fn names_host(&self, host: &Host) -> bool {
        self.index.names(host)
    }

    fn first(&self, request: &OriginalRequest, path: &str) -> Option<usize> {
        let mut first: Option<usize> = None;
        self.index.candidates(request.url.host(), path, |numbers| {
            let mut earlier = numbers.iter().take_while(|at| first.is_none_or(|first| **at < first));
            first = earlier.find(|at| self.rules[**at].is_for(request, path)).copied().or(first);
        });
        first
    }

    fn terms(&self, at: Option<usize>) -> Option<&Terms> {
        at.map(|at| &self.rules[at].terms)
    }
}
