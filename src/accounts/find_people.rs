//! Finding people among many: by the beginnings of words of their names, by group, by what is wrong with their account.
//!
//! However many accounts there are, one look visits [`MAX_VISITED`] rows at most, and says where to go on. One row may
//! lead to an account that another has led to already (two of its words begin alike): it counts at the first only.

use crate::base::{AccountId, GroupName, sought_words};
use crate::factors;
use crate::groups;
use crate::store::{Direction, Key, Snapshot, StoreError};

use super::person::{self, ACCOUNTS, Person};
use super::search_index::WORDS;

/// The most rows that one look visits.
pub const MAX_VISITED: usize = 2000;
/// Rows read at a time.
const AT_A_TIME: usize = 100;
/// Rows by which the rarest of several words is told.
const PROBED: usize = 200;

/// Whom to look for. Everything that is set must hold.
#[derive(Clone, Debug, Default)]
pub struct Sought {
    /// Words, each of which begins a word of the person.
    pub text: Option<String>,
    /// A group that they are in.
    pub group: Option<GroupName>,
    /// Whether only disabled accounts are meant.
    pub disabled: bool,
    /// Whether only accounts are meant whose address was never confirmed.
    pub unconfirmed: bool,
    /// Whether only people without a second factor are meant.
    pub without_second_factor: bool,
}

/// A row of what is looked through.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FindPlace {
    /// The account that it leads to.
    pub account: AccountId,
    /// The word of the index, and which name has it.
    pub word: Option<(String, u8)>,
}

/// The people that were found.
#[derive(Clone, Debug)]
pub struct FoundPeople {
    /// They, in the order of their places.
    pub people: Vec<Person>,
    /// The place behind which the next look begins, if there may be more.
    pub next: Option<FindPlace>,
}

/// The beginning of a word, as a part of a key.
struct Beginning<'a>(&'a str);

impl Key for Beginning<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.0.as_bytes());
    }

    fn take(_: &mut &[u8]) -> Option<Self> {
        None
    }

    fn key_to_json(&self) -> serde_json::Value {
        self.0.into()
    }

    fn key_from_json(_: &serde_json::Value) -> Option<Self> {
        None
    }
}

/// What is looked through.
enum Along<'a> {
    /// The index, for what begins like this.
    Words(&'a str),
    Members(&'a GroupName),
    Accounts,
}

/// Finds people, `limit` at most.
pub fn find(
    view: &dyn Snapshot,
    sought: &Sought,
    after: Option<FindPlace>,
    limit: usize,
) -> Result<FoundPeople, StoreError> {
    let words: Vec<String> = sought.text.as_deref().map(sought_words).unwrap_or_default().into_iter().collect();
    if sought.text.is_some() && words.is_empty() {
        return Ok(FoundPeople { people: vec![], next: None });
    }
    // What was begun along one word goes on along it.
    let begun = after.as_ref().and_then(|place| place.word.as_ref());
    let begun = begun.and_then(|(word, _)| words.iter().find(|sought| word.starts_with(sought.as_str())));
    let word = match begun {
        Some(word) => Some(word.as_str()),
        None => rarest(view, &words)?,
    };
    let along = match (word, &sought.group) {
        (Some(word), _) => Along::Words(word),
        (None, Some(group)) => Along::Members(group),
        (None, None) => Along::Accounts,
    };
    let (mut people, mut last, mut visited) = (Vec::new(), after, 0);
    loop {
        let places = along.page(view, last.as_ref(), AT_A_TIME)?;
        let is_end = places.len() < AT_A_TIME;
        for place in places {
            visited += 1;
            if let Some(person) = person::load(view, place.account)?
                && along.leads_first(&place, &person)
                && is_meant(view, sought, &words, &person)?
            {
                people.push(person);
            }
            last = Some(place);
            if people.len() == limit || visited == MAX_VISITED {
                return Ok(FoundPeople { people, next: last });
            }
        }
        if is_end {
            return Ok(FoundPeople { people, next: None });
        }
    }
}

/// Returns the word that fewest rows begin with: the others are looked for among what it leads to.
fn rarest<'a>(view: &dyn Snapshot, words: &'a [String]) -> Result<Option<&'a str>, StoreError> {
    let mut rarest = None;
    for word in words {
        let rows = WORDS.under(view, &Beginning(word), Direction::Up, PROBED)?.len();
        if rarest.is_none_or(|(fewest, _)| rows < fewest) {
            rarest = Some((rows, word.as_str()));
        }
    }
    Ok(rarest.map(|(_, word)| word))
}

impl Along<'_> {
    fn page(&self, view: &dyn Snapshot, after: Option<&FindPlace>, limit: usize) -> Result<Vec<FindPlace>, StoreError> {
        let bare = |account| FindPlace { account, word: None };
        match self {
            Self::Words(word) => {
                let after = after.and_then(|place| {
                    place.word.as_ref().map(|(word, source)| (word.clone(), (place.account, *source)))
                });
                let rows = WORDS.page_under(view, &Beginning(word), (after.as_ref(), Direction::Up), limit)?;
                let place = |((word, (account, source)), ())| FindPlace { account, word: Some((word, source)) };
                Ok(rows.into_iter().map(place).collect())
            }
            Self::Members(group) => {
                let ids = groups::members(view, group, after.map(|place| place.account), limit)?;
                Ok(ids.into_iter().map(bare).collect())
            }
            Self::Accounts => {
                let rows = ACCOUNTS.page(view, after.map(|place| &place.account), limit)?;
                Ok(rows.into_iter().map(|(id, _)| bare(id)).collect())
            }
        }
    }

    /// Whether no row before this one leads to the person.
    fn leads_first(&self, place: &FindPlace, person: &Person) -> bool {
        let Self::Words(beginning) = self else { return true };
        let rows = person.search_words().into_iter().filter(|(word, _)| word.starts_with(beginning));
        rows.min() == place.word
    }
}

fn is_meant(view: &dyn Snapshot, sought: &Sought, words: &[String], person: &Person) -> Result<bool, StoreError> {
    let account = &person.account;
    let has_group = sought.group.as_ref().is_none_or(|group| account.groups.contains(group));
    let is_disabled = !sought.disabled || account.disabled_at.is_some();
    let is_unconfirmed = !sought.unconfirmed || person.email.is_some() && person.verified_address().is_none();
    if !(has_group && is_disabled && is_unconfirmed) {
        return Ok(false);
    }
    let own = if words.is_empty() { vec![] } else { person.search_words() };
    let is_called = words.iter().all(|word| own.iter().any(|(own, _)| own.starts_with(word.as_str())));
    Ok(is_called && (!sought.without_second_factor || !factors::has_any(view, person.id)?))
}
