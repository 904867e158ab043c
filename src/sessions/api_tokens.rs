//! API tokens: with one a program acts on somebody's behalf, as far as its scopes go, until it expires or is revoked.

use std::collections::BTreeSet;

use crate::base::{AccountId, ApiTokenId, DisplayName, Moment, Seconds, SessionId, Timestamp, set_of};
use crate::crypto::{Bearer, BearerKind, Digest};
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, record, schema, stored_enum};

use super::epochs::{Endable, epoch_of, raise_epoch};
use super::{Carrier, Method, Session};

stored_enum! {
    /// A scope of a token. It never allows more than its owner may do.
    Scope {
        /// The owner's profile and permissions.
        Profile = 1 "profile",
        /// Questions about the permissions of others.
        Ask = 2 "ask",
        /// Whatever administrators see.
        AdminRead = 3 "admin:read",
        /// Whatever administrators change.
        AdminWrite = 4 "admin:write",
    }
}

impl Scope {
    /// Whether only administrators have a use for it.
    #[must_use]
    pub const fn is_administrative(self) -> bool {
        matches!(self, Self::AdminRead | Self::AdminWrite)
    }
}

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
    /// The time from which on it is refused.
    pub expires_at: Timestamp,
    /// The time at which it was last used, if ever; may lag by some minutes.
    pub used_at: Option<Timestamp>,
    /// The epoch that its account was in when it was made.
    epoch: u64,
}
record!(ApiToken, version 2, { id, account, generation, name, scopes, created_at, expires_at, used_at }, since 2 { epoch });

/// The rows, those of a past epoch too until they are swept. They are read by [`find_token`], [`tokens_of`] and what
/// sweeps, and by nothing else.
pub(crate) const TOKENS: Table<Digest, ApiToken> = Table::at(schema::API_TOKENS);
pub(crate) const TOKENS_OF: Table<(AccountId, ApiTokenId), Digest> = Table::at(schema::API_TOKENS_OF);

/// Tokens that an account may have.
pub const MAX_TOKENS: usize = 50;

/// Tokens that are revoked one by one; of more the epoch ends them all, and the sweep removes their rows.
const ONE_BY_ONE: usize = 2;

impl ApiToken {
    /// Whether it still works.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp, generation: &[u8; 16]) -> bool {
        self.as_session().is_alive(self.created_at, now, generation)
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
            methods: set_of([Method::ApiToken]),
            network: String::new(),
            agent: String::new(),
            family: None,
            access_until: None,
            epoch: 0,
        }
    }
}

/// Makes a token. The secret is handed out here, once. None if the account has as many as it may have.
pub fn make(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    account: AccountId,
    (name, scopes, within): (DisplayName, BTreeSet<Scope>, Seconds),
    generation: [u8; 16],
) -> Result<Option<(Bearer, ApiToken)>, StoreError> {
    let (rows, epoch) = (rows_of(tx, account)?, epoch_of(tx, account, Endable::ApiTokens)?);
    if rows.len() >= MAX_TOKENS {
        // The row of one that ended with all others makes room, if the sweep has not been here yet.
        let Some((digest, token)) = rows.iter().find(|(_, token)| token.epoch != epoch) else { return Ok(None) };
        remove(tx, *digest, token)?;
    }
    let secret = Bearer::draw(BearerKind::ApiToken, moment);
    let (id, created_at) = (ApiTokenId::draw(moment), moment.now());
    let expires_at = created_at.plus(within);
    let token = ApiToken { id, account, generation, name, scopes, created_at, expires_at, used_at: None, epoch };
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

/// The tokens of an account, dead ones too until they are swept, but for those that ended all at once.
pub fn tokens_of(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<Vec<ApiToken>, StoreError> {
    let (rows, epoch) = (rows_of(view, account)?, epoch_of(view, account, Endable::ApiTokens)?);
    Ok(rows.into_iter().map(|(_, token)| token).filter(|token| token.epoch == epoch).collect())
}

/// The rows of an account, those of a past epoch too.
fn rows_of(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<Vec<(Digest, ApiToken)>, StoreError> {
    let mut tokens = Vec::new();
    for (_, digest) in TOKENS_OF.under(view, &account, Direction::Up, MAX_TOKENS + 1)? {
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

/// Revokes one token of an account. False if the account has none of this id.
pub fn revoke(tx: &mut dyn Transaction, account: AccountId, id: ApiTokenId) -> Result<bool, StoreError> {
    let Some(digest) = TOKENS_OF.get(tx, &(account, id))? else { return Ok(false) };
    let Some(token) = find_token(tx, digest)? else { return Ok(false) };
    remove(tx, digest, &token).map(|()| true)
}

/// Revokes every token of an account.
pub fn revoke_all(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    let tokens = tokens_of(tx, account)?;
    if tokens.len() > ONE_BY_ONE {
        return raise_epoch(tx, account, Endable::ApiTokens).map(drop);
    }
    tokens.iter().try_for_each(|token| revoke(tx, account, token.id).map(drop))
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
