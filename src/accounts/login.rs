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
use crate::factors;

/// The hash that a password is to be verified against. There is always one: unknown names get a decoy, so that they
/// take as long.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The hash of the account, of the registration, or a decoy.
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
    /// The account behind the name, if there is one.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        match self.who {
            Who::Account(id) => Some(id),
            Who::Registration(_) | Who::Nobody => None,
        }
    }
}

/// Finds the hash for a name that was typed, or a decoy.
pub fn look_up(view: &dyn Snapshot, env: &Env, identity: &Identity) -> Result<Candidate, StoreError> {
    // Both look-ups run for every name, and a name that nobody has reads as much as one that somebody has: how long the
    // answer takes must not tell which of them found something.
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
    // A registration has no account yet, but its password is verified all the same: whoever knows it gets the
    // confirmation mailed again. An account without a password falls through to the decoy.
    let found = match (account, registration) {
        (Some(person), _) => person.account.password.map(|hash| (hash, Who::Account(person.id))),
        (None, Some((id, registration))) => Some((registration.password, Who::Registration(id))),
        (None, None) => None,
    };
    // Drawn for every name as well, although it is needed for unknown ones only.
    let decoy_cost = hash_costs::of_nobody(view, env, &name)?;
    let (hash, who) = found.unwrap_or_else(|| (PasswordHash::decoy(decoy_cost), Who::Nobody));
    Ok(Candidate { hash, who, decoy_id })
}

/// The result of verifying a password.
#[derive(Clone, Debug)]
pub struct PasswordCheck {
    /// Whether it matched the candidate's hash.
    pub matched: bool,
    /// Whether so many attempts have failed that this one cannot succeed.
    pub is_locked_out: bool,
    /// The buckets that the attempt is charged to if it fails.
    pub tries: AttemptLimits,
    /// The password under the present parameters, if its hash was made with others.
    pub rehashed: Option<PasswordHash>,
}

/// Somebody whose password was right.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// Who it is.
    pub person: Person,
    /// Whether they have a second factor, which the password does not replace.
    pub has_second_factor: bool,
}

/// Establishes who somebody is, after checking that the account has not changed while the password was verified. A
/// refusal is charged and audited; a success is not, that is for whoever starts a session.
pub fn authenticate(
    work: &mut Work<'_>,
    candidate: &Candidate,
    check: &PasswordCheck,
    client: &Client,
) -> Result<Result<Authenticated, LoginRefused>, StoreError> {
    let person = match candidate.account() {
        Some(id) => person::load(work.tx, id)?,
        None => person::load_decoy(work.tx, candidate.decoy_id).map(|()| None)?,
    };
    let outcome = judge(work.env, candidate, check, person.as_ref());
    let (Outcome::Done, Some(mut person)) = (outcome, person) else {
        refuse(work, candidate, check, client, outcome)?;
        return Ok(Err(LoginRefused::InvalidCredentials));
    };
    // The new hash was made outside this transaction. It may be written only now that the old one is known to be still
    // in place: it would undo a change of the password otherwise.
    if let Some(rehashed) = &check.rehashed {
        person.account.password = Some(rehashed.clone());
        person::save(work.tx, person.id, &person.account)?;
    }
    throttle::passed(work.tx, person.id, check.tries.device)?;
    let has_second_factor = factors::has_any(work.tx, person.id)?;
    Ok(Ok(Authenticated { person, has_second_factor }))
}

/// Logs somebody in: [`authenticate`], and what follows from it.
pub fn conclude(
    work: &mut Work<'_>,
    candidate: &Candidate,
    check: &PasswordCheck,
    request: &SessionRequest,
) -> Result<FirstStep, StoreError> {
    match authenticate(work, candidate, check, &request.client)? {
        Ok(Authenticated { person, .. }) => finish_first_step(work, person, request, Method::Password),
        Err(refused) => Ok(Err(refused)),
    }
}

/// The bucket that limits successful logins of this client to the account.
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
    // First steps that wait for a second are counted apart: whoever learnt the password but lacks the factor must not
    // use up the logins of its owner.
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

/// Starts a session for somebody who passed the first step by this method, unless a second factor is asked for.
pub(super) fn finish_first_step(
    work: &mut Work<'_>,
    person: Person,
    request: &SessionRequest,
    method: Method,
) -> Result<FirstStep, StoreError> {
    // Before the second factor is asked for: a reset may be due that the sweep has not come to yet.
    factor_resets::carry_out_if_due(work, person.id)?;
    // Logins that succeed are limited too, because each writes rows and may cause a mail. The refusal may show: only
    // whoever has the password, or the mailbox, sees it.
    let bucket = bucket_of_logins(work.tx, work.env, person.id, &request.client, work.now())?;
    if let Err(seconds) = throttle::take(work.tx, work.moment, &work.env.config.throttle, bucket)? {
        return Ok(Err(LoginRefused::TooMany(seconds)));
    }
    if second_factor::is_needed(work.tx, work.env, person.id, &request.client, work.now())? {
        second_factor::tell_of_codes(work, Kind::HalfLogins, person.id)?;
        let secret = second_step::begin(work, &person, request, method)?;
        let options = second_factor::options(work.tx, person.id)?;
        return Ok(Ok(Passed::SecondFactorRequired { secret, options, carrier: request.carrier }));
    }
    let started = start_session::start(work, person, request, &[method])?;
    Ok(Ok(Passed::LoggedIn(Box::new(started))))
}

/// Decides the outcome of a login. It is for the audit log: the caller hears the same of every refusal.
fn judge(env: &Env, candidate: &Candidate, check: &PasswordCheck, person: Option<&Person>) -> Outcome {
    // Nobody is logged in to a registration, even with its password: its address is not proved. A decoy never counts as
    // matched, whatever the verification says.
    let Some(person) = person else {
        return match (candidate.who, check.matched) {
            (Who::Registration(_), true) => Outcome::Unconfirmed,
            (Who::Registration(_), false) => Outcome::WrongPassword,
            (Who::Account(_), _) => Outcome::Overtaken,
            (Who::Nobody, _) => Outcome::Unknown,
        };
    };
    // Without an address there is nothing to confirm.
    let is_confirmed = person.account.confirmed_at.is_some() || person.email.is_none();
    // Ahead of the password: a right guess during a lockout must be refused as a wrong one is, or the lockout would
    // stop nobody. The hash was read and verified before this transaction: whoever changed the password meanwhile must
    // not be overtaken by the old one (CWE-367).
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

/// Records a refusal: one commit of the same shape whoever was meant, so that its duration does not show who has an
/// account.
fn refuse(
    work: &mut Work<'_>,
    candidate: &Candidate,
    check: &PasswordCheck,
    client: &Client,
    outcome: Outcome,
) -> Result<(), StoreError> {
    // A request is queued for unknown names too, and dropped later by the worker: the rows written here must be the
    // same.
    let (subject, request) = match candidate.who {
        Who::Account(id) => (id.into(), MailRequest::FailedLogin(id)),
        Who::Registration(id) if check.matched => (id.into(), MailRequest::RefusedLogin(Some(id))),
        Who::Registration(id) => (id.into(), MailRequest::RefusedLogin(None)),
        Who::Nobody => (Subject::NONE, MailRequest::RefusedLogin(None)),
    };
    check.tries.record(work, &client.anyone(), (Act::Login, outcome), subject)?;
    mail_requests::request(work.tx, work.moment, &request)
}

/// Exchanges a refresh token for the next one.
pub fn refresh(work: &mut Work<'_>, client: &Client, presented: &Bearer) -> Result<Refreshed, StoreError> {
    let refreshed =
        sessions::refresh(work.tx, work.moment, presented, &work.env.generation, work.env.config.spa.access.seconds())?;
    // A second use means that a copy exists. The session has ended by now; the row is for whoever looks into it.
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
