//! API tokens and application passwords, as their owner or an administrator makes and revokes them. The owner is told
//! of each new one by mail.

use crate::audit::{Act, Source};
use crate::base::{ApiTokenId, DAY, Seconds};
use crate::crypto::Bearer;
use crate::mail::{Letter, Notable};
use crate::sessions::{self, ApiToken, NewToken, TokenKind};
use crate::store::StoreError;

use super::person::Person;
use super::{Work, notices};

/// Seconds for which an API token may work at most: a year, and one day for leap years.
pub const LONGEST: Seconds = 366 * DAY;

/// The outcome of making a token.
#[derive(Clone, Debug)]
pub enum Made {
    /// The token and its secret, which is handed out here, once.
    Done(Box<(Bearer, ApiToken)>),
    /// The account has as many as it may have.
    TooMany,
    /// One of the scopes is for administrators only, and the owner is not one.
    NotAnAdministrator,
}

/// Makes a token for somebody, and tells them.
pub fn make(work: &mut Work<'_>, source: &Source, person: &Person, new: &NewToken) -> Result<Made, StoreError> {
    // Every use looks at the owner's groups again; refused here as well, so that nobody gets a token that would only
    // start to work if they were promoted.
    if new.scopes.iter().any(|scope| scope.is_administrative()) && !person.account.is_administrator() {
        return Ok(Made::NotAnAdministrator);
    }
    let Some((secret, token)) = sessions::make(work.tx, work.moment, person.id, new.clone(), work.env.generation)?
    else {
        return Ok(Made::TooMany);
    };
    let act = match token.kind {
        TokenKind::ApiToken => Act::ApiTokenMade,
        TokenKind::AppPassword => Act::AppPasswordMade,
    };
    work.audit_in_detail(source, act, person.id, &token.id.to_string())?;
    let letter = letter_on(work, &token);
    notices::tell(work, person, &letter)?;
    Ok(Made::Done(Box::new((secret, token))))
}

fn letter_on(work: &Work<'_>, token: &ApiToken) -> Letter {
    let (at, site) = (token.created_at, &work.env.config.site.url);
    match token.kind {
        TokenKind::ApiToken => {
            let words: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
            Letter::ApiTokenMade { scopes: words.join(", "), at, tokens: site.link("/account/tokens") }
        }
        TokenKind::AppPassword => Letter::AppPasswordMade { at, app_passwords: site.link("/account/app-passwords") },
    }
}

/// Revokes a token. False if there is none of this kind and id.
pub fn revoke(
    work: &mut Work<'_>,
    source: &Source,
    person: &Person,
    kind: TokenKind,
    id: ApiTokenId,
) -> Result<bool, StoreError> {
    if !sessions::revoke(work.tx, person.id, (kind, id))? {
        return Ok(false);
    }
    let (act, notable) = match kind {
        TokenKind::ApiToken => (Act::ApiTokenRevoked, Notable::TokenRevoked),
        TokenKind::AppPassword => (Act::AppPasswordRevoked, Notable::AppPasswordRevoked),
    };
    work.audit_in_detail(source, act, person.id, &id.to_string())?;
    notices::count(work.tx, work.moment, person.id, notable)?;
    Ok(true)
}
