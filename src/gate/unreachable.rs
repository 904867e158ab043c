//! Rules that can never decide, because earlier ones take every request that they are for.

use std::collections::BTreeSet;

use super::index::{Index, parts};
use super::rule::AccessRule;

/// A rule that can never decide.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnreachableRule {
    /// Its number, counted from 1.
    pub number: usize,
    /// The numbers of the rules before it that take all its requests.
    pub taken_by: BTreeSet<usize>,
}

/// Lists the rules of which it is certain that they never decide: for each of their hosts and paths there is one before
/// that is for all of it. A regular expression that matches everything counts as every path; of others only equal ones are
/// compared.
#[must_use]
pub fn unreachable_rules(rules: &[AccessRule]) -> Vec<UnreachableRule> {
    let mut index = Index::default();
    let mut found = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        let parts = parts(rule);
        let all = rule.hosts.iter().flat_map(|hosts| parts.iter().map(move |part| (hosts, *part)));
        let takes = |number: &usize| rules[*number].takes_methods_and_networks_of(rule);
        let taken: Option<BTreeSet<usize>> = all
            .map(|(hosts, part)| index.covering(hosts, part).into_iter().find(takes).map(|number| number + 1))
            .collect();
        found.extend(
            taken.filter(|taken| !taken.is_empty()).map(|taken_by| UnreachableRule { number: at + 1, taken_by }),
        );
        index.add(at, rule);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Allow, HostPattern, PathPrefix, PathRegex, RequestMethod};

    fn rule(hosts: &[&str], paths: &[&str]) -> AccessRule {
        let host = |text: &&str| HostPattern::try_from((*text).to_owned()).expect("a host");
        let path = |text: &&str| PathPrefix::try_from((*text).to_owned()).expect("a path");
        let paths = paths.iter().map(path).collect();
        AccessRule { paths, ..AccessRule::new(hosts.iter().map(host).collect(), Allow::Anyone) }
    }

    fn never(rules: &[AccessRule]) -> Vec<(usize, Vec<usize>)> {
        let found = unreachable_rules(rules).into_iter();
        found.map(|never| (never.number, never.taken_by.into_iter().collect())).collect()
    }

    #[test]
    fn a_rule_never_decides_behind_those_that_take_all_of_it() {
        for (before, after) in [
            (rule(&["a.example"], &[]), rule(&["a.example"], &["/x"])),
            (rule(&["*.example"], &[]), rule(&["a.example", "*.b.example"], &[])),
            (rule(&["a.example"], &["/x"]), rule(&["a.example"], &["/x", "/x/y", "=/x", "=/x/z", "/x/"])),
            (rule(&["a.example"], &["=/x"]), rule(&["a.example"], &["=/x"])),
            (rule(&["a.example"], &["/"]), rule(&["a.example"], &[])),
        ] {
            assert_eq!(never(&[before, after]), [(2, vec![1])]);
        }
    }

    #[test]
    fn several_rules_may_take_it_together() {
        let rules =
            [rule(&["a.example"], &["/x"]), rule(&["*.example"], &["/y"]), rule(&["a.example"], &["/x", "/y/z"])];
        assert_eq!(never(&rules), [(3, vec![1, 2])]);
    }

    #[test]
    fn a_rule_that_may_decide_is_left_alone() {
        for (before, after) in [
            (rule(&["a.example"], &["/x"]), rule(&["a.example"], &[])),
            (rule(&["a.example"], &["/x"]), rule(&["a.example"], &["/xy"])),
            (rule(&["a.example"], &["=/x"]), rule(&["a.example"], &["/x"])),
            (rule(&["a.example"], &["/x/"]), rule(&["a.example"], &["=/x"])),
            (rule(&["*.example"], &[]), rule(&["example"], &[])),
            (rule(&["a.example"], &[]), rule(&["*.a.example"], &[])),
            (rule(&["a.example"], &[]), rule(&["a.example", "b.example"], &[])),
        ] {
            assert_eq!(never(&[before, after]), []);
        }
    }

    #[test]
    fn methods_and_networks_are_compared_as_well() {
        let method = |text: &str| RequestMethod::parse(text).expect("a method");
        let with = |methods: &[&str], networks: &[&str]| AccessRule {
            methods: methods.iter().map(|text| method(text)).collect(),
            networks: networks.iter().map(|text| text.parse().expect("a network")).collect(),
            ..rule(&["a.example"], &[])
        };
        for (before, after, is_taken) in [
            (with(&["GET"], &[]), with(&["GET"], &[]), true),
            (with(&["GET"], &[]), with(&["GET", "PUT"], &[]), false),
            (with(&["GET"], &[]), with(&[], &[]), false),
            (with(&[], &[]), with(&["GET"], &["10.0.0.0/8"]), true),
            (with(&[], &["10.0.0.0/8"]), with(&[], &["10.1.0.0/16"]), true),
            (with(&[], &["10.1.0.0/16"]), with(&[], &["10.0.0.0/8"]), false),
            (with(&[], &["10.0.0.0/8"]), with(&[], &[]), false),
        ] {
            assert_eq!(never(&[before.clone(), after.clone()]).len(), usize::from(is_taken), "{before:?} {after:?}");
        }
    }

    #[test]
    fn a_pattern_that_matches_everything_takes_every_path() {
        let pattern = |text: &str| PathRegex::try_from(text.to_owned()).ok();
        let with = |text: &str| AccessRule { pattern: pattern(text), ..rule(&["a.example"], &[]) };
        for all in [".*", "^.*", "^.*$", "^/", "^/.*", "^/.*$", "/"] {
            for after in [rule(&["a.example"], &[]), rule(&["a.example"], &["=/x"]), with("^/a"), with("^/.*$")] {
                assert_eq!(never(&[with(all), after]), [(2, vec![1])], "{all}");
            }
            assert_eq!(never(&[rule(&["a.example"], &[]), with(all)]), [(2, vec![1])], "{all}");
            assert_eq!(never(&[rule(&["a.example"], &["/x"]), with(all)]), [], "{all}");
        }
    }

    #[test]
    fn of_other_patterns_only_equal_ones_are_compared() {
        let pattern = |text: &str| PathRegex::try_from(text.to_owned()).ok();
        let with = |text: &str| AccessRule { pattern: pattern(text), ..rule(&["a.example"], &[]) };
        assert_eq!(never(&[with("^/a"), with("^/a")]), [(2, vec![1])]);
        assert_eq!(never(&[with("^/[a-b]"), with("^/a")]), []);
        assert_eq!(never(&[rule(&["a.example"], &[]), with("^/a")]), [(2, vec![1])]);
        assert_eq!(never(&[with("^/a"), rule(&["a.example"], &[])]), []);
    }
}
