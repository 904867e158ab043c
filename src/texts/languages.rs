//! The languages of a site, and the voice of one.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::{Seconds, Timestamp};

use super::accept::accepted;
use super::built_in::{built_in, built_in_name, english};
use super::catalogue::Catalogue;
use super::language::Language;
use super::length::Length;
use super::message::Part;
use super::speaker::Speaker;
use super::text::Text;
use super::time_zone::TimeZone;

/// The languages that a site offers, the administrator's own texts, and the site's time zone.
#[derive(Debug)]
pub struct Languages {
    offered: Vec<Language>,
    of_site: Language,
    own: BTreeMap<Language, Catalogue>,
    zone: TimeZone,
}

impl Languages {
    /// Puts them together. `own` are the administrator's texts, which go before the built-in ones.
    #[must_use]
    pub fn new(of_site: Language, offered: Vec<Language>, own: Vec<Catalogue>, zone: TimeZone) -> Self {
        let own: BTreeMap<_, _> = own.into_iter().map(|catalogue| (catalogue.language.clone(), catalogue)).collect();
        let mut languages = Self { offered: Vec::new(), of_site, own, zone };
        // One that has no texts at all would show English under another name.
        if languages.name_of(&languages.of_site).is_none() {
            languages.of_site = Language::english();
        }
        languages.offered = offered.into_iter().filter(|language| languages.name_of(language).is_some()).collect();
        if !languages.offered.contains(&languages.of_site) {
            languages.offered.insert(0, languages.of_site.clone());
        }
        languages
    }

    /// Returns the languages that people may choose from, with their names in themselves.
    pub fn offered(&self) -> impl Iterator<Item = (&Language, &str)> {
        self.offered.iter().map(|language| (language, self.name_of(language).unwrap_or(language.as_str())))
    }

    /// Returns the language of this tag, if it is offered.
    #[must_use]
    pub fn find(&self, tag: &str) -> Option<&Language> {
        self.offered.iter().find(|language| language.as_str() == tag)
    }

    /// Chooses a language for somebody who has set one, in a cookie, and whose browser asks for some, in
    /// `Accept-Language`.
    #[must_use]
    pub fn choose(&self, set: Option<&str>, asked: &str) -> &Language {
        let set = set.and_then(|tag| self.find(tag));
        set.or_else(|| accepted(asked, &self.offered)).unwrap_or(&self.of_site)
    }

    /// Returns the voice of a language, or of the site's own if it is not known or not offered.
    #[must_use]
    pub fn voice(self: &Arc<Self>, language: Option<&Language>) -> Voice {
        let offered = language.filter(|language| self.offered.contains(language));
        Voice { language: offered.unwrap_or(&self.of_site).clone(), languages: Arc::clone(self) }
    }

    fn name_of(&self, language: &Language) -> Option<&str> {
        let own = self.own.get(language).and_then(Catalogue::name);
        own.or_else(|| language.and_wider().find_map(built_in_name))
    }

    fn chain(&self, language: &Language) -> Vec<&Catalogue> {
        let own = |tag: &str| self.own.iter().find(|(known, _)| known.as_str() == tag).map(|(_, catalogue)| catalogue);
        let of = |tag| own(tag).into_iter().chain(built_in(tag));
        let mut chain: Vec<&Catalogue> = language.and_wider().flat_map(of).collect();
        chain.extend(own("en"));
        chain.push(english());
        chain
    }
}

/// Says things to a reader, in their language and by the clocks of the site.
#[derive(Clone, Debug)]
pub struct Voice {
    languages: Arc<Languages>,
    language: Language,
}

impl Voice {
    /// Returns the language.
    #[must_use]
    pub fn language(&self) -> &Language {
        &self.language
    }

    /// Returns the languages of the site.
    #[must_use]
    pub fn languages(&self) -> &Languages {
        &self.languages
    }

    fn speaker(&self) -> Speaker<'_> {
        Speaker { chain: self.languages.chain(&self.language), zone: &self.languages.zone }
    }

    /// Returns the words of a text.
    #[must_use]
    pub fn say(&self, text: &Text) -> String {
        self.speaker().say(text)
    }

    /// Returns a date and a time.
    #[must_use]
    pub fn time(&self, at: Timestamp) -> String {
        self.speaker().time(at)
    }

    /// Returns how long ago something was.
    #[must_use]
    pub fn ago(&self, at: Timestamp, now: Timestamp) -> String {
        self.speaker().ago(at, now)
    }

    /// Returns for how long something holds, for the place of this name in a sentence.
    #[must_use]
    pub fn length(&self, place: &str, seconds: Seconds) -> String {
        self.speaker().length(place, Length::promised(seconds))
    }

    /// Returns how long somebody must wait, at most.
    #[must_use]
    pub fn wait(&self, seconds: Seconds) -> String {
        self.speaker().length("wait", Length::at_most(seconds))
    }

    /// Returns the parts of a message, in the form for a number if it has several. None if there is no such message.
    #[must_use]
    pub fn parts(&self, key: &str, count: Option<u64>) -> Option<Vec<Part<'_>>> {
        self.speaker().parts(key, count)
    }
}
