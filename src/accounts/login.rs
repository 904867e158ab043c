//! Log in: look up, verify outside the transaction, record the outcome.

use crate::audit::{Act, Outcome, Subject};
use crate::base::{AccountId, Identity, RegistrationId, Seconds, Timestamp};
use crate::crypto::{Bearer, Digest, PasswordHash};
use crate::sessions::{self, Client, Method, Refreshed};
use crate::store::{Snapshot, StoreError};
use crate::throttle::{self, Bucket, Kind};

use super::attempt_limits::{self, AttemptLimits};
use super::login_outcome::{FirstStep, LoginRefused, Passed};
use super::mail_requests::{self, MailRequest};
use super::person::{self, Person};
use super::start_session::SessionRequest;
use super::{
    Env, Work, factor_resets, hash_costs, known_devices, registration, second_factor, second_step, start_session,
};

/// What a password is to be verified against. There is always something: unknown people get a decoy,
/// so that they take as long.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The hash.
    pub hash: PasswordHash,
    who: Who,
    decoy_id: AccountId,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Who {
    Account(AccountId),
    Registration(RegistrationId),
    Nobody,
}

impl Candidate {
    /// The account that is meant, if there is one.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        match self.who {
            Who::Account(id) => Some(id),
            Who::Registration(_) | Who::Nobody => None,
        }
    }
}

/// Finds the hash for whoever is meant.
pub fn look_up(view: &dyn Snapshot, env: &Env, identity: &Identity) -> Result<Candidate, StoreError> {
    // Both look-ups run for everybody.
    let name = identity.canonical().unwrap_or_default();
    let decoy_id = attempt_limits::decoy_id(env, &name);
    let account = person::find(view, identity)?;
    if account.is_none() {
        person::load_decoy(view, decoy_id)?;
    }
    let address = match identity {
        Identity::Email(address) => address.canonical(),
        _ => String::new(),
    };
    let registration = registration::newest_of_address(view, &address)?;
    let found = match (account, registration) {
        (Some(person), _) => person.account.password.map(|hash| (hash, Who::Account(person.id))),
        (None, Some((id, registration))) => Some((registration.password, Who::Registration(id))),
        (None, None) => None,
    };
    // Drawn for everybody as well.
    let decoy_cost = hash_costs::of_nobody(view, env, &name)?;
    let (hash, who) = found.unwrap_or_else(|| (PasswordHash::decoy(decoy_cost), Who::Nobody));
    Ok(Candidate { hash, who, decoy_id })
}

/// What was found out about a password that somebody gave.
#[derive(Clone, Debug)]
pub struct PasswordCheck {
    /// Whether it matched the candidate's hash.
    pub matched: bool,
    /// Whether so many tries failed before that it is not considered.
    pub is_locked_out: bool,
    /// What the attempt costs if it fails.
    pub tries: AttemptLimits,
    /// The password hashed anew, if the parameters have changed since.
    pub rehashed: Option<PasswordHash>,
}

/// Says who somebody is, after checking that the account has not changed while the password was verified. A refusal costs a try, and
/// is noted; that somebody is who they say is not: whoever starts a session notes that.
pub fn authenticate(
    work: &mut Work<'_>,
    candidate: &Candidate,
    check: &PasswordCheck,
    client: &Client,
) -> Result<Result<Person, LoginRefused>, StoreError> {
    let person = match candidate.account() {
        Some(id) => person::load(work.tx, id)?,
        None => person::load_decoy(work.tx, candidate.decoy_id).map(|()| None)?,
    };
    let outcome = judge(work.env, candidate, check, person.as_ref());
    let (Outcome::Done, Some(mut person)) = (outcome, person) else {
        refuse(work, candidate, check, client, outcome)?;
        return Ok(Err(LoginRefused::InvalidCredentials));
    };
    if let Some(rehashed) = &check.rehashed {
        person.account.password = Some(rehashed.clone());
        person::save(work.tx, person.id, &person.account)?;
    }
    throttle::passed(work.tx, person.id, check.tries.device)?;
    Ok(Ok(person))
}

/// Logs somebody in: as [`authenticate`], and what follows from it.
pub fn conclude(
    work: &mut Work<'_>,
    candidate: &Candidate,
    check: &PasswordCheck,
    request: &SessionRequest,
) -> Result<FirstStep, StoreError> {
    match authenticate(work, candidate, check, &request.client)? {
        Ok(person) => finish_first_step(work, person, request, Method::Password),
        Err(refused) => Ok(Err(refused)),
    }
}

fn bucket_of_logins(
    view: &dyn Snapshot,
    env: &Env,
    account: AccountId,
    client: &Client,
    now: Timestamp,
) -> Result<Bucket, StoreError> {
    if let Some(device) = known_devices::of_client(view, env, account, client, now)? {
        return Ok(Bucket::of(Kind::DeviceLogins, device.0));
    }
    // Those that need a second step are counted apart, so that nobody who learnt the password keeps its owner from logging in.
    let needs_more = second_factor::is_needed(view, env, account, client, now)?;
    Ok(Bucket::of(if needs_more { Kind::HalfLogins } else { Kind::Logins }, *account.bytes()))
}

/// Seconds until one more login of this client to the account may succeed.
pub(super) fn wait_to_log_in(work: &Work<'_>, account: AccountId, client: &Client) -> Result<Seconds, StoreError> {
    let settings = &work.env.config.throttle;
    if !settings.enabled {
        return Ok(0);
    }
    let bucket = bucket_of_logins(work.tx, work.env, account, client, work.now())?;
    Ok(throttle::level_of(work.tx, &bucket)?.wait(bucket.kind.rate(settings), work.earliest(), 0))
}

/// Whoever passed the first step, by this method: a session starts, unless a second factor is asked for.
pub(super) fn finish_first_step(
    work: &mut Work<'_>,
    person: Person,
    request: &SessionRequest,
    method: Method,
) -> Result<FirstStep, StoreError> {
    factor_resets::carry_out_if_due(work, person.id)?;
    // A loop of logins writes rows and mails like any other. Only whoever has the password, or the mailbox, sees this answer.
    let bucket = bucket_of_logins(work.tx, work.env, person.id, &request.client, work.now())?;
    if let Err(seconds) = throttle::take(work.tx, work.moment, &work.env.config.throttle, bucket)? {
        return Ok(Err(LoginRefused::TooMany(seconds)));
    }
    if second_factor::is_needed(work.tx, work.env, person.id, &request.client, work.now())? {
        second_factor::tell_of_codes(work, (Kind::HalfLogins, person.id))?;
        let secret = second_step::begin(work, &person, request, method)?;
        let options = second_factor::options(work.tx, person.id)?;
        return Ok(Ok(Passed::SecondFactorRequired { secret, options, carrier: request.carrier }));
    }
    let started = start_session::start(work, person, request, &[method])?;
    Ok(Ok(Passed::LoggedIn(Box::new(started))))
}

fn judge(env: &Env, candidate: &Candidate, check: &PasswordCheck, person: Option<&Person>) -> Outcome {
    let Some(person) = person else {
        return match (candidate.who, check.matched) {
            (Who::Registration(_), true) => Outcome::Unconfirmed,
            (Who::Registration(_), false) => Outcome::WrongPassword,
            (Who::Account(_), _) => Outcome::Overtaken,
            (Who::Nobody, _) => Outcome::Unknown,
        };
    };
    let is_confirmed = person.account.confirmed_at.is_some() || person.email.is_none();
    if check.is_locked_out {
        Outcome::Barred
    } else if !check.matched {
        Outcome::WrongPassword
    } else if person.account.password.as_ref() != Some(&candidate.hash) {
        Outcome::Overtaken
    } else if person.account.disabled_at.is_some() {
        Outcome::Disabled
    } else if !is_confirmed && env.config.registration.confirm_email {
        Outcome::Unconfirmed
    } else {
        Outcome::Done
    }
}

/// Notes a refusal: a commit of one shape for each of them, whoever was meant.
fn refuse(
    work: &mut Work<'_>,
    candidate: &Candidate,
    check: &PasswordCheck,
    client: &Client,
    outcome: Outcome,
) -> Result<(), StoreError> {
    let (subject, request) = match candidate.who {
        Who::Account(id) => (id.into(), MailRequest::FailedLogin(id)),
        Who::Registration(id) if check.matched => (id.into(), MailRequest::RefusedLogin(Some(id))),
        Who::Registration(id) => (id.into(), MailRequest::RefusedLogin(None)),
        Who::Nobody => (Subject::NONE, MailRequest::RefusedLogin(None)),
    };
    check.tries.record(work, &client.anyone(), (Act::Login, outcome), subject)?;
    mail_requests::request(work.tx, work.moment, &request)
}

/// Takes a refresh token for the next one.
pub fn refresh(work: &mut Work<'_>, client: &Client, presented: &Bearer) -> Result<Refreshed, StoreError> {
    let refreshed = sessions::refresh(work.tx, work.moment, presented, work.env.config.spa.access.seconds())?;
    if let Refreshed::Reused(account) = refreshed {
        work.audit(&client.anyone(), Act::RefreshReused, account)?;
    }
    Ok(refreshed)
}

/// Ends the session with this secret, if there is one.
pub fn log_out(work: &mut Work<'_>, client: &Client, secret: Digest) -> Result<(), StoreError> {
    let Some(session) = sessions::find(work.tx, secret)? else { return Ok(()) };
    sessions::end(work.tx, secret)?;
    let source = client.owner_of(session.account);
    work.audit(&source, Act::Logout, session.account)
}
