//! Finding people: a search, and lists by what is wrong.

use crate::accounts::find_people::{self, FindPlace, Sought};
use crate::app::App;
use crate::base::AccountId;

use super::answers::{Account, Page};
use super::command::PeopleWanted;
use super::{MAX_ROWS, Refusal, Wanted, named, parse, users};

/// Finds accounts. A page may hold fewer than were asked for, or none, and yet be followed by another: one look visits
/// so many rows at most.
pub(super) async fn list(app: &App, wanted: PeopleWanted) -> Result<Page<Account>, Refusal> {
    let PeopleWanted { text, group, disabled, unconfirmed, without_second_factor, after, limit } = wanted;
    let after = after.map(|text| parse(&text, Wanted::Place, read_place)).transpose()?;
    let group = group.map(|name| named::read_group(&name)).transpose()?;
    let sought = Sought { text, group, disabled, unconfirmed, without_second_factor };
    let limit = limit.clamp(1, MAX_ROWS);
    let found = app.read(|view| find_people::find(view, &sought, after.clone(), limit)).await?;
    Ok(Page { items: found.people.iter().map(users::describe).collect(), next: found.next.as_ref().map(write_place) })
}

/// Writes a place: the account, and in the index which name has which word.
fn write_place(place: &FindPlace) -> String {
    match &place.word {
        None => place.account.to_string(),
        Some((word, source)) => format!("{}-{source}-{word}", place.account),
    }
}

fn read_place(text: &str) -> Result<FindPlace, ()> {
    let Some((account, rest)) = text.split_once('-') else {
        return Ok(FindPlace { account: text.parse::<AccountId>().map_err(|_| ())?, word: None });
    };
    let (source, word) = rest.split_once('-').ok_or(())?;
    // A word that is none would be no key.
    if word.is_empty() || word.contains('\0') {
        return Err(());
    }
    let account = account.parse().map_err(|_| ())?;
    Ok(FindPlace { account, word: Some((word.to_owned(), source.parse().map_err(|_| ())?)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let account = AccountId::from_bytes([7; 16]);
        for word in [None, Some(("müller".to_owned(), 4)), Some(("a".to_owned(), 1))] {
            let place = FindPlace { account, word };
            assert_eq!(read_place(&write_place(&place)), Ok(place));
        }
        for text in
            ["", "x", "0f-1-a", &format!("{account}-1-"), &format!("{account}-x-a"), &format!("{account}-1-a\0")]
        {
            assert!(read_place(text).is_err(), "{text:?}");
        }
    }
}
