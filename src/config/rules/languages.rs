//! Rules about the languages of the site.

use crate::config::Config;
use crate::texts::built_in_languages;

use super::verdict::Verdict;

pub(super) fn languages(config: &Config, verdict: &mut Verdict) {
    /// More would fill the foot of every page.
    const MAX: usize = 50;
    let (all, one) = (&config.site.languages, &config.site.language);
    verdict.require(
        all.contains(one),
        "site.languages",
        format!("\"{one}\" is not among them, which is the one of site.language"),
        format!("add \"{one}\", or write another `language`"),
    );
    let is_twice = (1..all.len()).any(|at| all[..at].contains(&all[at]));
    verdict.require(!is_twice, "site.languages", "a language is there twice", "write each once");
    verdict.require(all.len() <= MAX, "site.languages", format!("there are more than {MAX}"), "leave some out");
    let missing = all.iter().find(|language| !language.is_among(built_in_languages()));
    if let (Some(missing), None) = (missing, &config.site.texts) {
        let known: Vec<String> = built_in_languages().map(|language| format!("\"{language}\"")).collect();
        verdict.require(
            false,
            "site.languages",
            format!("there are no texts in \"{missing}\""),
            format!("write {}, or add the language by a file in a folder `texts`", known.join(", ")),
        );
    }
}
