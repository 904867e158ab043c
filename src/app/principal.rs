//! The principal in whose name something is written. What was checked at the door is checked again
//! in the transaction, here, once for every act.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use crate::accounts::Work;
use crate::accounts::standing::{self, Denied, Needs};
use crate::audit::{Act, Outcome, Source};
use crate::base::AccountId;
use crate::sessions::Session;
use crate::store::StoreError;
use crate::throttle::{self, Bucket, Kind};

use super::{App, Fault, KnownCaller};

/// Somebody who was let in, the requirements that were checked, and where they are.
#[derive(Clone, Debug)]
pub struct Caller {
    who: Arc<KnownCaller>,
    needs: Needs,
    network: IpAddr,
    /// The rate limit that the act counts in.
    limit: Option<Kind>,
}

impl Caller {
    /// Returns the same caller, for an act that counts in this limit. Acts that make something have one, or a
    /// loop of them would fill store, mailbox and outbox. Acts that only end something have none: they are
    /// bounded by what was made, and nobody is kept from them.
    #[must_use]
    pub fn limited_by(&self, limit: Kind) -> Self {
        Self { limit: Some(limit), ..self.clone() }
    }
}

impl Deref for Caller {
    type Target = KnownCaller;

    fn deref(&self) -> &KnownCaller {
        &self.who
    }
}

impl KnownCaller {
    /// Lets them in if they meet what is required.
    ///
    /// # Errors
    /// The requirement that is not met.
    pub fn let_in(self: Arc<Self>, needs: Needs, network: IpAddr) -> Result<Caller, Denied> {
        needs.judge(&self.person.account, &self.grant, self.lacks_second_factor)?;
        Ok(Caller { who: self, needs, network, limit: None })
    }
}

/// The party in whose name an act is done.
#[derive(Clone, Debug)]
pub enum Principal {
    /// Whoever may use the control socket, or the store itself: a right that nobody takes away while they wait.
    CommandLine(Source),
    /// Somebody who was let in; their right may be gone when their turn comes.
    Caller(Caller),
}

impl From<&Caller> for Principal {
    fn from(caller: &Caller) -> Self {
        Self::Caller(caller.clone())
    }
}

impl From<Caller> for Principal {
    fn from(caller: Caller) -> Self {
        Self::Caller(caller)
    }
}

impl From<&Principal> for Principal {
    fn from(principal: &Principal) -> Self {
        principal.clone()
    }
}

impl Principal {
    /// Returns the source that the audit log names.
    #[must_use]
    pub fn source(&self) -> Source {
        match self {
            Self::CommandLine(source) => source.clone(),
            Self::Caller(caller) => Source::account(caller.person.id, &caller.network.to_string()),
        }
    }

    /// Returns the session by which somebody asks, if it is one.
    #[must_use]
    pub fn session(&self) -> Option<&Session> {
        match self {
            Self::Caller(caller) if caller.grant.is_session() => Some(&caller.session),
            _ => None,
        }
    }

    /// Returns the account in whose name it is done, if it is one's.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::CommandLine(_) => None,
            Self::Caller(caller) => Some(caller.person.id),
        }
    }

    /// Whether a program acts here, with an API token.
    #[must_use]
    pub fn is_api_token(&self) -> bool {
        matches!(self, Self::Caller(caller) if !caller.grant.is_session())
    }

    fn still_may(&self, work: &mut Work<'_>) -> Result<Result<(), Fault>, StoreError> {
        let Self::Caller(caller) = self else { return Ok(Ok(())) };
        let seen = standing::Found { digest: caller.digest, session: &caller.session };
        // Between the door and this transaction the session may have ended, or a group been taken away.
        let standing = standing::still_holds(work.tx, work.env, seen, caller.needs, work.moment.now())?;
        if let Err(denied) = standing {
            let what = (Act::RightLost, Outcome::Overtaken);
            work.audit_in_detail(&self.source(), what, caller.person.id, denied.as_str())?;
            return Ok(Err(Fault::Denied(denied)));
        }
        let Some(kind) = caller.limit else { return Ok(Ok(())) };
        let settings = &work.env.config.throttle;
        let bucket = Bucket::of(kind, *caller.person.id.bytes());
        let mut taken = throttle::take(work.tx, work.moment, settings, bucket)?;
        // Whoever stole one session, or learnt the password, must not keep the owner from acting in theirs.
        if taken.is_err() && matches!(kind, Kind::Acts | Kind::ProvenActs) && caller.grant.is_session() {
            taken = throttle::take(
                work.tx,
                work.moment,
                settings,
                Bucket::of(Kind::SessionActs, *caller.session.id.bytes()),
            )?;
        }
        Ok(taken.map_err(Fault::TooManyAttempts))
    }
}

impl App {
    /// Writes in somebody's name, as [`App::write`], if they still may when the transaction runs; otherwise nothing is
    /// changed, and the answer is what the door would say now. Everything that a caller asks for is written by this;
    /// [`App::write`] is for workers, and for what anybody may ask.
    ///
    /// # Errors
    /// Those of `act`, the store's own, [`Fault::Denied`], and [`Fault::TooManyAttempts`].
    pub fn write_as<T, F, P>(
        self: &Arc<Self>,
        principal: P,
        mut act: F,
    ) -> impl Future<Output = Result<T, Fault>> + Send + use<T, F, P>
    where
        T: Send + 'static,
        F: FnMut(&mut Work<'_>) -> Result<T, StoreError> + Send + 'static,
        P: Into<Principal>,
    {
        let principal = principal.into();
        // It is on its way from here on, whether or not anybody waits for it.
        let writing = self.write(move |work| match principal.still_may(work)? {
            Ok(()) => act(work).map(Ok),
            Err(refused) => Ok(Err(refused)),
        });
        async move { writing.await? }
    }
}
