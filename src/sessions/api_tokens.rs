//! API tokens: with one a program acts on somebody's behalf, as far as its scopes go, until it expires or is revoked.
//! An application password is one of another kind: a program gives it to an application behind the reverse proxy, by
//! HTTP Basic (forward auth), and it is good for nothing else. Both are kept, counted, ended and swept alike.

use std::collections::BTreeSet;

use crate::base::{AccountId, ApiTokenId, DisplayName, Moment, Seconds, SessionId, Timestamp, set_of};
use crate::crypto::{Bearer, BearerKind, Digest};
use crate::gate::HostPattern;
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, record, schema, stored_enum};

use super::epochs::{Endable, epoch_of, raise_epoch};
use super::{Carrier, Grant, Method, Scope, Session};

stored_enum! {
    /// A kind of token.
    #[derive(Default)]
    TokenKind {
        /// An API token, as are all that were made before there were kinds.
        #[default]
        ApiToken = 1 "api-token",
        /// An application password.
        AppPassword = 2 "app-password",
    }
}

impl TokenKind {
    const fn bearer(self) -> BearerKind {
        match self {
            Self::ApiToken => BearerKind::ApiToken,
            Self::AppPassword => BearerKind::AppPassword,
        }
    }

    const fn method(self) -> Method {
        match self {
            Self::ApiToken => Method::ApiToken,
            Self::AppPassword => Method::AppPassword,
        }
    }
}

/// The last second of the calendar: the end of what has none.
const NEVER: Timestamp = Timestamp::from_seconds(253_402_300_799);

/// A token. The store keeps the digest of its secret, never the secret.
#[derive(Clone, Debug)]
pub struct ApiToken {
    /// The id by which lists name it; it opens nothing.
    pub id: ApiTokenId,
    /// The account on whose behalf it acts.
    pub account: AccountId,
    /// The store's generation: a restored backup revives no token.
    generation: [u8; 16],
    /// The name that its owner gave it.
    pub name: DisplayName,
    /// The scopes that it is good for.
    pub scopes: BTreeSet<Scope>,
    /// The time at which it was made.
    pub created_at: Timestamp,
    /// The time from which on it is refused; the last second of the calendar for one without an
    /// end, as [`ApiToken::ends_at`] tells.
    pub expires_at: Timestamp,
    /// The time at which it was last used, if ever; may lag by some minutes.
    pub used_at: Option<Timestamp>,
    /// The epoch that its account was in when it was made.
    epoch: u64,
    /// Its kind.
    pub kind: TokenKind,
    /// The hosts whose applications an application password is good for; none stands for all.
    pub hosts: BTreeSet<HostPattern>,
}
record!(ApiToken, version 3, { id, account, generation, name, scopes, created_at, expires_at, used_at },
    since 2 { epoch }, since 3 { kind, hosts });

/// The rows, those of a past epoch too until they are swept. They are read by [`find_token`], [`tokens_of`] and what
/// sweeps, and by nothing else.
pub(crate) const TOKENS: Table<Digest, ApiToken> = Table::at(schema::API_TOKENS);
pub(crate) const TOKENS_OF: Table<(AccountId, ApiTokenId), Digest> = Table::at(schema::API_TOKENS_OF);

/// Tokens of one kind that an account may have.
pub const MAX_TOKENS: usize = 50;

/// Tokens that are revoked one by one; of more the epoch ends them all, and the sweep removes their rows.
const ONE_BY_ONE: usize = 2;

impl ApiToken {
    /// Whether it still works.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp, generation: &[u8; 16]) -> bool {
        self.as_session().is_alive(self.created_at, now, generation)
    }

    /// The time from which on it is refused, if it ends at all.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        (self.expires_at < NEVER).then_some(self.expires_at)
    }

    /// Returns what it is good for.
    #[must_use]
    pub fn grant(&self) -> Grant {
        match self.kind {
            TokenKind::ApiToken => Grant::ApiToken(self.scopes.clone()),
            TokenKind::AppPassword => Grant::AppPassword(self.hosts.clone()),
        }
    }

    /// The session that it stands for, which lives as long as the token works.
    #[must_use]
    pub fn as_session(&self) -> Session {
        Session {
            id: SessionId::from_bytes(*self.id.bytes()),
            account: self.account,
            generation: self.generation,
            created_at: self.created_at,
            seen_at: self.used_at.unwrap_or(self.created_at),
            // A program may rest for months: only the expiry that was chosen for the token ends it.
            idle: Seconds::MAX,
            ends_at: self.expires_at,
            carrier: Carrier::BearerToken,
            proved_at: self.created_at,
            methods: set_of([self.kind.method()]),
            network: String::new(),
            agent: String::new(),
            family: None,
            access_until: None,
            epoch: 0,
        }
    }
}

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Its kind.
    pub kind: TokenKind,
    /// The name that its owner knows it by.
    pub name: DisplayName,
    /// The scopes that it is good for; of an application password it is [`Scope::Access`].
    pub scopes: BTreeSet<Scope>,
    /// The hosts that an application password is good for; none stands for all.
    pub hosts: BTreeSet<HostPattern>,
    /// The time from which on it is refused; none for one without an end.
    pub ends_at: Option<Timestamp>,
}

/// Makes a token. The secret is handed out here, once. None if the account has as many of its kind as it may have.
pub fn make(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    account: AccountId,
    NewToken { kind, name, scopes, hosts, ends_at }: NewToken,
    generation: [u8; 16],
) -> Result<Option<(Bearer, ApiToken)>, StoreError> {
    let (mut rows, epoch) = (rows_of(tx, account)?, epoch_of(tx, account, Endable::ApiTokens)?);
    rows.retain(|(_, token)| token.kind == kind);
    if rows.len() >= MAX_TOKENS {
        // The row of one that ended with all others makes room, if the sweep has not been here yet.
        let Some((digest, token)) = rows.iter().find(|(_, token)| token.epoch != epoch) else { return Ok(None) };
        remove(tx, *digest, token)?;
    }
    let secret = Bearer::draw(kind.bearer(), moment);
    let (id, created_at, expires_at) = (ApiTokenId::draw(moment), moment.now(), ends_at.unwrap_or(NEVER));
    let token =
        ApiToken { id, account, generation, name, scopes, created_at, expires_at, used_at: None, epoch, kind, hosts };
    TOKENS.put(tx, &secret.digest(), &token)?;
    TOKENS_OF.put(tx, &(account, id), &secret.digest())?;
    Ok(Some((secret, token)))
}

/// Finds the token whose secret has this digest, alive or not. One that ended with all of its account is not there,
/// whether or not it was swept.
pub fn find_token(view: &(impl Snapshot + ?Sized), digest: Digest) -> Result<Option<ApiToken>, StoreError> {
    let Some(token) = TOKENS.get(view, &digest)? else { return Ok(None) };
    Ok(is_present(view, &token)?.then_some(token))
}

fn is_present(view: &(impl Snapshot + ?Sized), token: &ApiToken) -> Result<bool, StoreError> {
    Ok(token.epoch == epoch_of(view, token.account, Endable::ApiTokens)?)
}

/// The tokens of an account, of every kind, dead ones too until they are swept, but for those that ended all at once.
pub fn tokens_of(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<Vec<ApiToken>, StoreError> {
    let (rows, epoch) = (rows_of(view, account)?, epoch_of(view, account, Endable::ApiTokens)?);
    Ok(rows.into_iter().map(|(_, token)| token).filter(|token| token.epoch == epoch).collect())
}

/// The rows of an account, those of a past epoch too.
fn rows_of(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<Vec<(Digest, ApiToken)>, StoreError> {
    let mut tokens = Vec::new();
    for (_, digest) in TOKENS_OF.under(view, &account, Direction::Up, TokenKind::ALL.len() * MAX_TOKENS + 1)? {
        tokens.extend(TOKENS.get(view, &digest)?.map(|token| (digest, token)));
    }
    Ok(tokens)
}

/// Whether an account has any row, of whatever epoch.
pub fn has_token_rows(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<bool, StoreError> {
    Ok(!TOKENS_OF.under(view, &account, Direction::Up, 1)?.is_empty())
}

fn remove(tx: &mut dyn Transaction, digest: Digest, token: &ApiToken) -> Result<(), StoreError> {
    TOKENS.delete(tx, &digest)?;
    TOKENS_OF.delete(tx, &(token.account, token.id))
}

/// Revokes one token of an account. False if the account has none of this kind and id.
pub fn revoke(
    tx: &mut dyn Transaction,
    account: AccountId,
    (kind, id): (TokenKind, ApiTokenId),
) -> Result<bool, StoreError> {
    let Some(digest) = TOKENS_OF.get(tx, &(account, id))? else { return Ok(false) };
    let Some(token) = find_token(tx, digest)?.filter(|token| token.kind == kind) else { return Ok(false) };
    remove(tx, digest, &token).map(|()| true)
}

/// Revokes every token of an account, of every kind.
pub fn revoke_all(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    let tokens = tokens_of(tx, account)?;
    if tokens.len() > ONE_BY_ONE {
        return raise_epoch(tx, account, Endable::ApiTokens).map(drop);
    }
    tokens.iter().try_for_each(|token| revoke(tx, account, (token.kind, token.id)).map(drop))
}

/// Records when the token with this digest was last used, if it is one.
pub(super) fn note_used(tx: &mut dyn Transaction, digest: Digest, used_at: Timestamp) -> Result<(), StoreError> {
    match find_token(tx, digest)?.filter(|token| token.used_at < Some(used_at)) {
        Some(token) => TOKENS.put(tx, &digest, &ApiToken { used_at: Some(used_at), ..token }),
        None => Ok(()),
    }
}

/// Removes tokens that are over, looking at up to `limit` behind `after`. Returns where to go on, or none at the end.
pub fn sweep_tokens(
    tx: &mut dyn Transaction,
    now: Timestamp,
    generation: &[u8; 16],
    after: Option<Digest>,
    limit: usize,
) -> Result<Option<Digest>, StoreError> {
    TOKENS.sweep(tx, after.as_ref(), limit, |tx, digest, token| {
        if !token.is_alive(now, generation) || !is_present(tx, token)? {
            remove(tx, *digest, token)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Record;

    fn token(kind: TokenKind, hosts: &[&str]) -> ApiToken {
        let mut moment = Moment::new(Timestamp::from_seconds(1_700_000_000), [7; 32]);
        let host = |text: &&str| HostPattern::try_from((*text).to_owned()).expect("a host");
        ApiToken {
            id: ApiTokenId::draw(&mut moment),
            account: AccountId::draw(&mut moment),
            generation: [3; 16],
            name: DisplayName::parse("Wiki").expect("a name"),
            scopes: set_of([Scope::Access]),
            created_at: moment.now(),
            expires_at: NEVER,
            used_at: None,
            epoch: 5,
            kind,
            hosts: set_of(hosts.iter().map(host)),
        }
    }

    /// Frozen: tokens that exist must stay readable, and what they are good for must not change.
    #[test]
    fn a_token_from_before_there_were_kinds_is_an_api_token() {
        let token = token(TokenKind::ApiToken, &[]);
        let third = token.to_bytes();
        // Behind the epoch stand the kind and the number of hosts.
        assert_eq!((third[0], &third[third.len() - 3..]), (3, &[5, 1, 0][..]));
        let second = [&[2], &third[1..third.len() - 2]].concat();
        let read = ApiToken::from_bytes(&second).expect("readable");
        assert_eq!((read.to_bytes(), read.grant()), (third.clone(), Grant::ApiToken(token.scopes)));
        let mut shown = read.to_json();
        let members = shown.as_object_mut().expect("an object");
        assert!(members.remove("kind").is_some() && members.remove("hosts").is_some());
        assert_eq!(ApiToken::from_json(&shown).expect("readable").to_bytes(), third);
    }

    #[test]
    fn a_password_without_an_end_is_stored_and_shown_like_any_other() {
        let token = token(TokenKind::AppPassword, &["wiki.example.org", "*.lab.example.org"]);
        assert_eq!(token.ends_at(), None);
        assert!(token.is_alive(Timestamp::from_seconds(20_000_000_000), &[3; 16]));
        assert_eq!(ApiToken::from_bytes(&token.to_bytes()).expect("readable").grant(), token.grant());
        let shown = token.to_json();
        assert_eq!(shown["expires_at"], "9999-12-31T23:59:59Z");
        assert_eq!(shown["hosts"], serde_json::json!(["*.lab.example.org", "wiki.example.org"]));
        assert_eq!(ApiToken::from_json(&shown).expect("readable").to_bytes(), token.to_bytes());
    }
}
