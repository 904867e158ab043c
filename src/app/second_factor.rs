//! The second step of a login, and reauthentication.

use std::sync::Arc;

use crate::accounts::attempt_limits::AttemptLimits;
use crate::accounts::reauthentication::{self, Proof, ProofRefused};
use crate::accounts::second_factor::{self, Quota};
use crate::accounts::second_step::{self, StepAttempt};
use crate::accounts::{Person, person};
use crate::audit::Act;
use crate::crypto::{Bearer, Digest, Password, TypedCode};
use crate::factors::{self, CodePurpose, FactorKind, ProofOption};
use crate::sessions::{Carrier, Client, Session};
use crate::throttle::Kind;

use super::login::to_its_end;
use super::{App, Caller, Fault, KnownCaller};
use crate::accounts::login_outcome::LoginRefused;
use crate::accounts::start_session::StartedSession;

/// An attempt at the second step of a login.
#[derive(Clone, Debug)]
pub struct SecondStep {
    /// The digest of the pending login's secret.
    pub secret: Digest,
    /// The code that was typed.
    pub code: TypedCode,
    /// The digest of the secret of a browser that is to be trusted.
    pub trust: Option<Digest>,
    /// The client that sends it.
    pub client: Client,
    /// The client's present session, which the new one replaces.
    pub replaces: Option<Digest>,
}

/// A login that waits for its second step.
#[derive(Clone, Debug)]
pub struct PendingSecondStep {
    /// The person whose login it is.
    pub person: Person,
    /// How the session is to be carried.
    pub carrier: Carrier,
    /// The proofs that are accepted.
    pub options: Vec<ProofOption>,
}

impl App {
    /// Requires a clock that is right for a code that depends on the time; a recovery code does not.
    fn require_clock_for(&self, code: &TypedCode) -> Result<(), Fault> {
        match code {
            TypedCode::Digits(_) => self.require_clock(),
            TypedCode::Recovery(_) => Ok(()),
        }
    }

    /// Looks up the pending login with this secret, without changing anything.
    pub async fn waiting_login(&self, secret: Digest) -> Result<Option<PendingSecondStep>, Fault> {
        Ok(self
            .read(|view| {
                let Some((pending, person)) = second_step::look_up(view, &self.env(), secret, self.now())? else {
                    return Ok(None);
                };
                let options = second_factor::options(view, person.id)?;
                Ok(Some(PendingSecondStep { person, carrier: pending.carrier, options }))
            })
            .await?)
    }

    /// Takes the second step of a login.
    ///
    /// # Errors
    /// When the store fails, or too many codes were wrong.
    pub async fn take_second_step(
        self: &Arc<Self>,
        step: SecondStep,
    ) -> Result<Result<StartedSession, LoginRefused>, Fault> {
        self.require_clock_for(&step.code)?;
        let Some(waiting) = self.waiting_login(step.secret).await? else { return Ok(Err(LoginRefused::Over)) };
        let reservation = self.reserve(self.tries_at_step(&waiting.person, &step.client).await?).await?;
        let SecondStep { secret, code, trust, client, replaces } = step;
        let trust = trust.filter(|_| self.env().config.second_factor.trust_browsers);
        let attempt = StepAttempt { secret, code, trust, tries: reservation.tries.clone(), client, replaces };
        let app = Arc::clone(self);
        to_its_end(async move {
            let concluded = app.write(move |work| second_step::conclude(work, &attempt)).await?;
            drop(reservation);
            Ok(concluded)
        })
        .await
    }

    /// Sends a code for a pending login, by mail or by text message. False if there is
    /// no such login, or its owner has no such codes.
    pub async fn send_step_code(
        self: &Arc<Self>,
        secret: Digest,
        kind: Option<FactorKind>,
        client: &Client,
    ) -> Result<bool, Fault> {
        self.require_clock()?;
        let Some(waiting) = self.waiting_login(secret).await? else { return Ok(false) };
        let tries = self.tries_at_step(&waiting.person, client).await?;
        self.require_room()?;
        // Sending costs no attempt, but whoever has used theirs up gets no further codes to guess.
        self.reserve(tries).await?;
        let (purpose, client) = (CodePurpose::login(secret), client.clone());
        let mailed = self.write(move |work| {
            let quota = Quota::at_login(work.tx, work.env, waiting.person.id, &client, work.moment.now())?;
            second_factor::send_code(work, &waiting.person, purpose, kind, quota)
        });
        Ok(mailed.await?)
    }

    async fn tries_at_step(&self, person: &Person, client: &Client) -> Result<AttemptLimits, Fault> {
        let (env, time) = (self.env(), self.time());
        Ok(self.read(|view| AttemptLimits::at_second_factor(view, &env, person.id, client, time)).await?)
    }

    /// Whether the caller's last proof is fresh enough for sensitive acts.
    pub fn is_fresh(&self, asking: &KnownCaller) -> bool {
        reauthentication::is_fresh(&self.env().config, &asking.session, asking.has_second_factor, self.now())
    }

    /// Returns the codes that the caller can be asked for; none if the password is enough.
    pub async fn proof_options(&self, asking: &KnownCaller) -> Result<Vec<ProofOption>, Fault> {
        Ok(self
            .read(|view| {
                if factors::has_any(view, asking.person.id)? {
                    second_factor::options(view, asking.person.id)
                } else {
                    Ok(vec![])
                }
            })
            .await?)
    }

    /// Sends a code for reauthentication. False if this person has no such codes.
    pub async fn send_session_code(self: &Arc<Self>, asking: &Caller, kind: Option<FactorKind>) -> Result<bool, Fault> {
        self.require_clock()?;
        self.require_room()?;
        let (account, session) = (asking.person.id, asking.session.id);
        self.reserve(AttemptLimits::in_session(&self.env(), account, session)).await?;
        let purpose = CodePurpose::session(session);
        self.write_as(asking.limited_by(Kind::Acts), move |work| match person::load(work.tx, account)? {
            Some(person) => second_factor::send_code(work, &person, purpose, kind, Quota::of_session(session)),
            None => Ok(false),
        })
        .await
    }

    /// Reauthenticates the caller. Their session goes on under a new secret.
    ///
    /// # Errors
    /// When the store fails, too many passwords wait, or too many attempts have failed.
    pub async fn prove_again(
        self: &Arc<Self>,
        asking: &Caller,
        password: Option<Password>,
        code: Option<TypedCode>,
        client: Client,
    ) -> Result<Result<(Bearer, Session), ProofRefused>, Fault> {
        let options = self.proof_options(asking).await?;
        // An account without a password has at least a factor, or nothing to prove with.
        let has_password = asking.person.account.password.is_some();
        if !has_password && options.is_empty() {
            return Ok(Err(ProofRefused::WrongPassword));
        }
        if !options.is_empty() && code.is_none() {
            return Ok(Err(ProofRefused::CodeNeeded(options)));
        }
        if let Some(code) = &code {
            self.require_clock_for(code)?;
        }
        // The password first, and a wrong one ends here: a code must not be used up, or guessed at, without it.
        let verified = match (has_password, password) {
            (false, _) => None,
            (true, None) => return Ok(Err(ProofRefused::WrongPassword)),
            (true, Some(password)) => match self.verify_present(asking, password, Act::ProvedAgain, &client).await? {
                None => return Ok(Err(ProofRefused::WrongPassword)),
                verified => verified,
            },
        };
        let account = asking.person.id;
        let reservation = self.reserve(AttemptLimits::in_session(&self.env(), account, asking.session.id)).await?;
        let proof = Proof { session: asking.digest, verified, code, tries: reservation.tries.clone(), client };
        let (app, asking) = (Arc::clone(self), asking.clone());
        to_its_end(async move {
            let proved = app
                .write_as(asking.limited_by(Kind::ProvenActs), move |work| {
                    reauthentication::prove(work, account, &proof)
                })
                .await?;
            drop(reservation);
            Ok(proved)
        })
        .await
    }
}
