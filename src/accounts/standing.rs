//! On what somebody's right to an act rests. The door looked at it before the act; between door and act stand a password's hash
//! and the writer's queue, up to a minute. So it is looked at again in the transaction of every act (time of check, time of use:
//! CWE-367; ASVS 5.0, 15.4.2): whoever was thrown out meanwhile is out.

use std::collections::BTreeSet;

use crate::base::Timestamp;
use crate::crypto::Digest;
use crate::factors;
use crate::sessions::{self, Scope, Session};
use crate::store::{Snapshot, StoreError};

use super::Env;
use super::person::{ACCOUNTS, Account};

/// What a door asks of whoever comes in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Needs {
    /// What an API token has to be good for; none lets no API token in.
    pub scope: Option<Scope>,
    /// Whether the account has to administer the appliance.
    pub administrator: bool,
    /// Whether somebody whose group asks for a second factor has to have one.
    pub second_factor: bool,
}

/// Why somebody may not do what they ask for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Denied {
    /// Their session has ended, their token was revoked, their account is locked or gone.
    NotLoggedIn,
    /// Their API token is not good for it.
    InsufficientScope,
    /// They have to set up a second factor first.
    SecondFactorMissing,
    /// They do not administer the appliance.
    Forbidden,
}

impl Denied {
    /// For the audit log.
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
    /// Judges whoever asks: at the door, and again in the transaction. `scopes` are those of an API token.
    ///
    /// # Errors
    /// With what is missing.
    pub fn judge(
        self,
        account: &Account,
        scopes: Option<&BTreeSet<Scope>>,
        lacks_second_factor: bool,
    ) -> Result<(), Denied> {
        if scopes.is_some_and(|scopes| !self.scope.is_some_and(|scope| scopes.contains(&scope))) {
            return Err(Denied::InsufficientScope);
        }
        if lacks_second_factor && self.second_factor {
            return Err(Denied::SecondFactorMissing);
        }
        if self.administrator && !account.is_administrator() {
            return Err(Denied::Forbidden);
        }
        Ok(())
    }
}

/// What a secret opens.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The session, or what an API token stands for.
    pub session: Session,
    /// What the API token is good for; none with a session, which is good for everything.
    pub scopes: Option<BTreeSet<Scope>>,
}

/// What the secret with this digest opens, alive or not.
pub fn look_up(view: &dyn Snapshot, digest: Digest) -> Result<Option<Credential>, StoreError> {
    if let Some(session) = sessions::find(view, digest)? {
        return Ok(Some(Credential { session, scopes: None }));
    }
    let token = sessions::find_token(view, digest)?;
    Ok(token.map(|token| Credential { session: token.as_session(), scopes: Some(token.scopes) }))
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

/// Looks again, in the transaction of an act, at what the door saw: the session or token by whose secret somebody came in is
/// there and alive, their account is there and open, and they still are what the act asks for.
pub fn still_holds(
    view: &dyn Snapshot,
    env: &Env,
    (digest, seen): (Digest, &Session),
    needs: Needs,
    now: Timestamp,
) -> Result<Result<(), Denied>, StoreError> {
    let found = match look_up(view, digest)? {
        // An access token that was renewed meanwhile, without a new proof, is still its holder's.
        None => sessions::find_renewed(view, seen)?.map(|session| Credential { session, scopes: None }),
        found => found,
    };
    let Some(Credential { session, scopes }) = found.filter(|found| found.session.account == seen.account) else {
        return Ok(Err(Denied::NotLoggedIn));
    };
    // It was in use when the door was passed: that it was idle before is no question any more.
    if !session.is_alive(now, now, &env.generation) || !session.is_open(now) {
        return Ok(Err(Denied::NotLoggedIn));
    }
    let Some(account) = ACCOUNTS.get(view, &session.account)?.filter(|account| account.disabled_at.is_none()) else {
        return Ok(Err(Denied::NotLoggedIn));
    };
    let lacks_second_factor = lacks_second_factor(view, env, &session, &account)?;
    Ok(needs.judge(&account, scopes.as_ref(), lacks_second_factor))
}
