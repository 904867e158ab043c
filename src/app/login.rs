//! Logging in and out, and the list of sessions.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use crate::accounts::attempt_limits::{AttemptLimits, Claim};
use crate::accounts::known_devices;
use crate::accounts::login::{self, Authenticated, Candidate, PasswordCheck};
use crate::accounts::login_outcome::{FirstStep, LoginRefused};
use crate::accounts::spent;
use crate::audit::Act;
use crate::base::{AccountId, Identity, SessionId};
use crate::crypto::{Bearer, Digest, Password};
use crate::sessions::{self, Client, Refreshed, Session};

use super::rate_limit::Reservation;
use super::{App, Caller, Fault, KnownCaller};
use crate::accounts::start_session::SessionRequest;
use std::net::IpAddr;

/// A password that was verified, and the reservation that is held until its outcome is committed.
struct Checked {
    candidate: Candidate,
    check: PasswordCheck,
    reservation: Reservation,
}

/// What came of a password.
#[derive(Debug)]
pub struct PasswordAttempt {
    /// Who it is, or the refusal.
    pub outcome: Result<Authenticated, LoginRefused>,
    /// The account that was tried, if there is one of that name.
    pub account: Option<AccountId>,
    /// Whether it was refused unseen, because too many others had failed: that ends by itself.
    pub is_locked_out: bool,
}

impl App {
    /// Authenticates somebody by a password, without starting a session, noting a login or mailing that there was one:
    /// for protocols that ask with every request. A failure counts, is logged and is reported to the owner like any
    /// other. Whoever asks decides what the password of somebody with a second factor is worth.
    ///
    /// # Errors
    /// [`Fault::Busy`], [`Fault::TooManyAttempts`]; or when the store fails.
    pub async fn authenticate(
        self: &Arc<Self>,
        identity: Identity,
        password: Password,
        client: Client,
    ) -> Result<PasswordAttempt, Fault> {
        let (app, network) = (Arc::clone(self), client.network);
        let ended = to_its_end(async move {
            let Checked { candidate, check, reservation } = app.check_password(identity, password, &client).await?;
            let (account, is_locked_out) = (candidate.account(), check.is_locked_out);
            let outcome = app.write(move |work| login::authenticate(work, &candidate, &check, &client)).await?;
            drop(reservation);
            Ok((outcome, account, is_locked_out))
        })
        .await;
        let (outcome, account, is_locked_out) = match ended {
            Ok((outcome, account, is_locked_out)) => (Ok(outcome), account, is_locked_out),
            Err(fault) => (Err(fault), None, false),
        };
        log_refusal(&outcome, network);
        Ok(PasswordAttempt { outcome: outcome?, account, is_locked_out })
    }

    /// Logs somebody in, or refuses to without saying why.
    ///
    /// # Errors
    /// [`Fault::Busy`], [`Fault::TooManyAttempts`]; or when the store fails.
    pub async fn log_in(
        self: &Arc<Self>,
        identity: Identity,
        password: Password,
        request: SessionRequest,
    ) -> Result<FirstStep, Fault> {
        // To its end in any case: hanging up must not undo what a failed guess costs.
        let (app, network) = (Arc::clone(self), request.client.network);
        let ended = to_its_end(async move {
            let Checked { candidate, check, reservation } =
                app.check_password(identity, password, &request.client).await?;
            let outcome = app.write(move |work| login::conclude(work, &candidate, &check, &request)).await?;
            // Held until the outcome is committed, so that parallel guesses cannot pass together.
            drop(reservation);
            Ok(outcome)
        })
        .await;
        self.measures.note_login(&ended);
        log_refusal(&ended, network);
        ended
    }

    /// The slow part: verifies a password, between two transactions.
    async fn check_password(&self, identity: Identity, password: Password, client: &Client) -> Result<Checked, Fault> {
        let time = self.time();
        let (candidate, tries) = self
            .read(|view| {
                let candidate = login::look_up(view, &self.env(), &identity)?;
                let claim = Claim { identity: &identity, account: candidate.account() };
                let tries = AttemptLimits::at_login(view, &self.env(), claim, client, time)?;
                Ok((candidate, tries))
            })
            .await?;
        let reservation = self.reserve_in_turn(tries).await?;
        // Always, for an unknown account against a decoy and for a locked one too: an
        // answer that came sooner would tell which it is.
        let matched = self.hasher.verify(password.clone(), candidate.hash.clone()).await?;
        // Never while locked out: a second hash would tell by its time that the password was right.
        let rehashed = if matched && !reservation.is_locked_out && self.hasher.is_outdated(&candidate.hash) {
            Some(self.hasher.hash(password, self.moment()).await?)
        } else {
            None
        };
        let (tries, is_locked_out) = (reservation.tries.clone(), reservation.is_locked_out);
        Ok(Checked { candidate, check: PasswordCheck { matched, is_locked_out, tries, rehashed }, reservation })
    }

    /// Exchanges a refresh token for the next one. None if it is no longer
    /// valid; one that was used before ends its session.
    pub async fn refresh(
        self: &Arc<Self>,
        presented: Bearer,
        client: Client,
    ) -> Result<Option<(Bearer, Session)>, Fault> {
        // Read first: a made-up token must not cost a commit.
        if !self.read(|view| sessions::has_family(view, &presented)).await? {
            return Ok(None);
        }
        let (network, come) = (client.network, client);
        let refreshed = self.write(move |work| login::refresh(work, &come, &presented)).await?;
        Ok(match refreshed {
            Refreshed::Done(done) => Some(*done),
            Refreshed::Refused => None,
            Refreshed::Reused(account) => {
                tracing::warn!(
                    "a refresh token of account {account} was used twice, at last from {network}; its session has ended"
                );
                None
            }
        })
    }

    /// Ends the session with this secret.
    ///
    /// # Errors
    /// When the store fails: then the session may live on, and the person must know.
    pub async fn log_out(self: &Arc<Self>, digest: Digest, client: Client) -> Result<(), Fault> {
        Ok(self.write(move |work| login::log_out(work, &client, digest)).await?)
    }

    /// Makes the cookie by which a browser shows that this session's owner logged
    /// in with it, beside the owners it showed before.
    pub async fn remember_device(&self, client: &Client, session: &Session) -> Result<String, Fault> {
        let now = self.now();
        Ok(self.read(|view| known_devices::cookie(view, &self.env(), client, session, now)).await?)
    }

    /// Lists the living sessions of the caller, newest first.
    pub async fn sessions_of(&self, asking: &KnownCaller) -> Result<Vec<Session>, Fault> {
        let now = self.now();
        let mut found: Vec<Session> = self
            .read(|view| sessions::of_account(view, asking.person.id))
            .await?
            .into_iter()
            .map(|(_, session)| session)
            .filter(|session| session.is_alive(session.seen_at, now, &self.env().generation))
            .collect();
        found.sort_unstable_by_key(|session| std::cmp::Reverse((session.created_at, session.id)));
        Ok(found)
    }

    /// Ends one session of the caller. False if they have none with this id.
    pub async fn end_session(self: &Arc<Self>, asking: &Caller, id: SessionId, client: Client) -> Result<bool, Fault> {
        let account = asking.person.id;
        let ended = self.write_as(asking, move |work| {
            let ended = sessions::end_by_id(work.tx, account, id)?;
            if ended {
                work.audit(&client.owner_of(account), Act::SessionEnded, id)?;
            }
            Ok(ended)
        });
        ended.await
    }

    /// Ends all sessions of the caller but the one they ask with. A browser's session goes on under a new secret:
    /// whoever copied its cookie is one of the others. None where there was nothing to end, which writes nothing.
    pub async fn end_other_sessions(
        self: &Arc<Self>,
        asking: &Caller,
        client: Client,
    ) -> Result<Option<(Bearer, Session)>, Fault> {
        let (account, kept, carrier) = (asking.person.id, asking.session.id, asking.session.carrier);
        let ended = self.write_as(asking, move |work| {
            if sessions::end_all(work.tx, account, Some(kept))? == 0 {
                return Ok(None);
            }
            work.audit(&client.owner_of(account), Act::SessionsEnded, account)?;
            if carrier.is_bearer() {
                return Ok(None);
            }
            spent::renew_session(work, account, kept, Act::SessionsEnded, &[])
        });
        ended.await
    }
}

/// Logs a refusal for programs that block addresses by what the log says (config/fail2ban): nothing in these lines is the
/// client's own words.
fn log_refusal<T>(ended: &Result<Result<T, LoginRefused>, Fault>, network: IpAddr) {
    match ended {
        Ok(Err(LoginRefused::InvalidCredentials)) => tracing::info!("login refused from {network}"),
        Ok(Err(LoginRefused::TooMany(_))) | Err(Fault::TooManyAttempts(_)) => {
            tracing::info!("login throttled from {network}");
        }
        _ => {}
    }
}

/// Runs an attempt to its end, whether or not the caller still listens.
pub(super) async fn to_its_end<T: Send + 'static>(
    attempt: impl Future<Output = Result<T, Fault>> + Send + 'static,
) -> Result<T, Fault> {
    let slot = Arc::new(Mutex::new(Err(Fault::Internal)));
    let filled = Arc::clone(&slot);
    run_apart(Box::pin(async move {
        let ended = attempt.await;
        *filled.lock().unwrap_or_else(PoisonError::into_inner) = ended;
    }))
    .await;
    std::mem::replace(&mut *slot.lock().unwrap_or_else(PoisonError::into_inner), Err(Fault::Internal))
}

/// The part of [`to_its_end`] that does not depend on the attempt's type, so that it is compiled once.
async fn run_apart(attempt: Pin<Box<dyn Future<Output = ()> + Send>>) {
    if let Err(panicked) = tokio::spawn(attempt).await {
        tracing::error!(error = %panicked, "an attempt panicked");
    }
}
