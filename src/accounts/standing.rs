//! The standing of a caller: what their right to act rests on. It is judged when the request comes in; between that and
//! the transaction stand a password's hash and the writer's queue, up to a minute. So it is judged again in the
//! transaction of every action (time of check, time of use: CWE-367; ASVS 5.0, 15.4.2): whoever was thrown out
//! meanwhile is out.

use crate::base::Timestamp;
use crate::crypto::Digest;
use crate::factors;
use crate::sessions::{self, Grant, Scope, Session};
use crate::store::{Snapshot, StoreError};

use super::Env;
use super::person::{ACCOUNTS, Account};

/// The requirements that a route puts to its caller.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Needs {
    /// The scope that a token must have; none admits no token.
    pub scope: Option<Scope>,
    /// The part in running the appliance that the account must have.
    pub duty: Duty,
    /// Whether somebody whose group requires a second factor must have one.
    pub second_factor: bool,
}

/// A part in running the appliance.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Duty {
    /// None.
    #[default]
    None,
    /// Helping people who cannot log in, which administrators may as well.
    Helping,
    /// Administering it.
    Administering,
}

impl Duty {
    fn is_of(self, account: &Account, grant: &Grant) -> bool {
        match self {
            Self::None => true,
            // In person: a token with an administrator's scopes outlives its owner's demotion, and must not serve a helper.
            Self::Helping => account.is_administrator() || (account.is_helper() && grant.is_session()),
            Self::Administering => account.is_administrator(),
        }
    }
}

/// The reason for denying somebody an action.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Denied {
    /// Their session has ended, their token was revoked, or their account is disabled or deleted.
    NotLoggedIn,
    /// Their API token lacks the scope.
    InsufficientScope,
    /// They have to set up a second factor first.
    SecondFactorMissing,
    /// They do not administer the appliance.
    Forbidden,
}

impl Denied {
    /// The word for the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotLoggedIn => "not-logged-in",
            Self::InsufficientScope => "insufficient-scope",
            Self::SecondFactorMissing => "second-factor-missing",
            Self::Forbidden => "forbidden",
        }
    }
}

impl Needs {
    /// Judges a caller by what their credential is good for: when the request comes in, and again in the transaction.
    ///
    /// # Errors
    /// With what is missing.
    pub fn judge(self, account: &Account, grant: &Grant, lacks_second_factor: bool) -> Result<(), Denied> {
        // A token is judged by its scopes first, and a route without a scope admits none: what was forgotten is closed
        // to programs.
        if !grant.covers(self.scope) {
            return Err(Denied::InsufficientScope);
        }
        if lacks_second_factor && self.second_factor {
            return Err(Denied::SecondFactorMissing);
        }
        if !self.duty.is_of(account, grant) {
            return Err(Denied::Forbidden);
        }
        Ok(())
    }
}

/// The credential behind a secret.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The session, or the one that a token stands for.
    pub session: Session,
    /// What it is good for.
    pub grant: Grant,
}

/// Finds what the secret with this digest opens, alive or not.
pub fn look_up(view: &dyn Snapshot, digest: Digest) -> Result<Option<Credential>, StoreError> {
    if let Some(session) = sessions::find(view, digest)? {
        return Ok(Some(Credential { session, grant: Grant::Session }));
    }
    let token = sessions::find_token(view, digest)?;
    Ok(token.map(|token| Credential { session: token.as_session(), grant: token.grant() }))
}

/// Whether an account that must have a second factor has none.
pub fn lacks_second_factor(
    view: &(impl Snapshot + ?Sized),
    env: &Env,
    session: &Session,
    account: &Account,
) -> Result<bool, StoreError> {
    Ok(env.config.second_factor.is_required_for(&account.groups) && !factors::has_any(view, session.account)?)
}

/// The session or token that was found when a request came in.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The digest of its secret.
    pub digest: Digest,
    /// What it said then.
    pub session: &'a Session,
}

/// Judges again, in the transaction of an action, what was judged when the request came in: session or token are there
/// and alive, the account is there and enabled, and still meets the requirements.
pub fn still_holds(
    view: &dyn Snapshot,
    env: &Env,
    Found { digest, session: seen }: Found<'_>,
    needs: Needs,
    now: Timestamp,
) -> Result<Result<(), Denied>, StoreError> {
    let found = match look_up(view, digest)? {
        // An access token that was refreshed meanwhile, without a new proof, is still its holder's.
        None => sessions::find_renewed(view, seen)?.map(|session| Credential { session, grant: Grant::Session }),
        found => found,
    };
    let Some(Credential { session, grant }) = found.filter(|found| found.session.account == seen.account) else {
        return Ok(Err(Denied::NotLoggedIn));
    };
    // It was in use when the request came in, so it is not idle, whatever its row says.
    if !session.is_alive(now, now, &env.generation) || !session.is_open(now) {
        return Ok(Err(Denied::NotLoggedIn));
    }
    let Some(account) = ACCOUNTS.get(view, &session.account)?.filter(|account| account.disabled_at.is_none()) else {
        return Ok(Err(Denied::NotLoggedIn));
    };
    // Everything is read afresh, groups and factors too: what the cache held may be older than the last change.
    let lacks_second_factor = lacks_second_factor(view, env, &session, &account)?;
    Ok(needs.judge(&account, &grant, lacks_second_factor))
}
