//! API tokens: with one a program acts on somebody's behalf, as far as its scopes go, until it expires or is revoked.

use std::collections::BTreeSet;

use crate::base::{AccountId, ApiTokenId, DisplayName, Moment, Seconds, SessionId, Timestamp, set_of};
use crate::crypto::{Bearer, BearerKind, Digest};
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, record, schema, stored_enum};

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
}
record!(ApiToken, version 1, { id, account, generation, name, scopes, created_at, expires_at, used_at });

pub(crate) const TOKENS: Table<Digest, ApiToken> = Table::at(schema::API_TOKENS);
pub(crate) const TOKENS_OF: Table<(AccountId, ApiTokenId), Digest> = Table::at(schema::API_TOKENS_OF);

/// Tokens that an account may have.
pub const MAX_TOKENS: usize = 50;

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
    if tokens_of(tx, account)?.len() >= MAX_TOKENS {
        return Ok(None);
    }
    let secret = Bearer::draw(BearerKind::ApiToken, moment);
    let (id, created_at) = (ApiTokenId::draw(moment), moment.now());
    let expires_at = created_at.plus(within);
    let token = ApiToken { id, account, generation, name, scopes, created_at, expires_at, used_at: None };
    TOKENS.put(tx, &secret.digest(), &token)?;
    TOKENS_OF.put(tx, &(account, id), &secret.digest())?;
    Ok(Some((secret, token)))
}

/// Finds the token whose secret has this digest, alive or not.
pub fn find_token(view: &dyn Snapshot, digest: Digest) -> Result<Option<ApiToken>, StoreError> {
    TOKENS.get(view, &digest)
}

/// The tokens of an account, dead ones too until they are swept.
pub fn tokens_of(view: &dyn Snapshot, account: AccountId) -> Result<Vec<ApiToken>, StoreError> {
    let mut tokens = Vec::new();
    for (_, digest) in TOKENS_OF.under(view, &account, Direction::Up, MAX_TOKENS + 1)? {
        tokens.extend(TOKENS.get(view, &digest)?);
    }
    Ok(tokens)
}

/// Revokes one token of an account. False if the account has none of this id.
pub fn revoke(tx: &mut dyn Transaction, account: AccountId, id: ApiTokenId) -> Result<bool, StoreError> {
    let Some(digest) = TOKENS_OF.get(tx, &(account, id))? else { return Ok(false) };
    TOKENS.delete(tx, &digest)?;
    TOKENS_OF.delete(tx, &(account, id))?;
    Ok(true)
}

/// Revokes every token of an account.
pub fn revoke_all(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    tokens_of(tx, account)?.iter().try_for_each(|token| revoke(tx, account, token.id).map(drop))
}

/// Records when the token with this digest was last used, if it is one.
pub(super) fn note_used(tx: &mut dyn Transaction, digest: Digest, used_at: Timestamp) -> Result<(), StoreError> {
    match TOKENS.get(tx, &digest)?.filter(|token| token.used_at < Some(used_at)) {
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
    TOKENS.sweep(tx, after.as_ref(), limit, |tx, _, token| {
        if !token.is_alive(now, generation) {
            revoke(tx, token.account, token.id)?;
        }
        Ok(())
    })
}
