//! The languages that the program has.

use std::sync::OnceLock;

use crate::base::Packed;

use super::catalogue::Catalogue;
use super::language::Language;

/// A language with its name in itself, its catalogue as `build.rs` packed it, and the same once it was unpacked.
struct BuiltIn {
    tag: &'static str,
    name: &'static str,
    packed: Packed,
    read: OnceLock<Catalogue>,
}

macro_rules! built_in {
    ($($tag:literal $name:literal)*) => {
        /// Every language, in the order in which they are offered.
        static BUILT_IN: [BuiltIn; [$($tag),*].len()] = [$(BuiltIn {
            tag: $tag,
            name: $name,
            packed: Packed(include_bytes!(concat!(env!("OUT_DIR"), "/texts-", $tag, ".lz4"))),
            read: OnceLock::new(),
        }),*];
    };
}

// The names stand here too, so that offering a language unpacks none.
built_in! {
    "en" "English"
    "de" "Deutsch"
    "fr" "Français"
    "es" "Español"
    "it" "Italiano"
    "pt" "Português (Brasil)"
    "nl" "Nederlands"
    "pl" "Polski"
    "ja" "日本語"
}

/// What administrators are told by commands, in English only.
const COMMANDS: Packed = Packed(include_bytes!(concat!(env!("OUT_DIR"), "/texts-commands.lz4")));

/// Returns the tags of the languages that the program has.
pub fn built_in_languages() -> impl Iterator<Item = Language> {
    BUILT_IN.iter().filter_map(|one| Language::parse(one.tag).ok())
}

/// Returns the name of a language that the program has, in itself.
pub(super) fn built_in_name(tag: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|one| one.tag == tag).map(|one| one.name)
}

/// Returns the catalogue of a language that the program has. It is unpacked when it is first asked for.
pub fn built_in(tag: &str) -> Option<&'static Catalogue> {
    let one = BUILT_IN.iter().find(|one| one.tag == tag)?;
    Some(one.read.get_or_init(|| {
        // A test reads each, so they can be read; if not, people would see keys, which is better than a crash.
        let read = |packed: Packed| {
            let language = Language::parse(one.tag).unwrap_or_else(|_| Language::english());
            Catalogue::read(&packed.unpack().unwrap_or_default(), language).0.without_lines()
        };
        let catalogue = read(one.packed);
        if one.tag == "en" { catalogue.with(read(COMMANDS)) } else { catalogue }
    }))
}

/// Returns the English catalogue, which every message of the program is in.
#[must_use]
pub fn english() -> &'static Catalogue {
    built_in("en").expect("English is the first of the list")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_offered_by_the_name_in_its_catalogue() {
        for one in &BUILT_IN {
            assert_eq!(built_in(one.tag).and_then(Catalogue::name), Some(one.name), "{}", one.tag);
        }
    }
}
