//! The second step of a login: the first one was right, and the account asks for a second factor.

use std::collections::BTreeSet;

use crate::audit::{Act, Outcome};
use crate::base::{AccountId, MINUTE, Seconds, Timestamp, set_of};
use crate::crypto::{Bearer, BearerKind, Digest, TypedCode};
use crate::factors::{self, CodeProof, CodePurpose, NewTrust};
use crate::sessions::{Carrier, Client, Endable, Method, epoch_of, raise_epoch, raise_everybodys};
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, next_after, record, schema};

use super::attempt_limits::AttemptLimits;
use super::login_outcome::LoginRefused;
use super::person::{self, Person};
use super::second_factor::{note_proved, refuse};
use super::start_session::{self, SessionRequest, StartedSession};
use super::{Env, Work};

/// A login that waits for its second factor. The store keeps the digest of its secret.
#[derive(Clone, Debug)]
pub struct PendingLogin {
    /// The account to log in to.
    pub account: AccountId,
    generation: [u8; 16],
    /// The digest of the password's hash: the login dies when the password changes.
    password: Digest,
    /// The way in which the session is to be carried.
    pub carrier: Carrier,
    /// The methods of the first step.
    methods: BTreeSet<Method>,
    expires_at: Timestamp,
    tries_left: u32,
    /// The epoch that its account was in when it began.
    epoch: u64,
}
record!(PendingLogin, version 2, { account, generation, password, carrier, methods, expires_at, tries_left }, since 2 {
    epoch,
});

pub(crate) const PENDING: Table<Digest, PendingLogin> = Table::at(schema::PENDING_LOGINS);

/// Seconds within which the second step has to follow the first.
pub const STEP_WITHIN: Seconds = 10 * MINUTE;
/// Wrong codes after which the first step has to be taken again; the account's own limit counts over all pending
/// logins.
const TRIES: u32 = 5;
/// Pending logins that end one by one; of more the epoch ends them all, and the sweep removes their rows.
const ONE_BY_ONE: usize = 5;

fn password_of(person: &Person) -> Digest {
    let hash = person.account.password.as_ref().map(ToString::to_string).unwrap_or_default();
    Digest::of(hash.as_bytes())
}

/// Begins a pending login. The secret is handed out here, once.
pub(super) fn begin(
    work: &mut Work<'_>,
    person: &Person,
    request: &SessionRequest,
    method: Method,
) -> Result<Bearer, StoreError> {
    let secret = Bearer::draw(BearerKind::PendingLogin, work.moment);
    let pending = PendingLogin {
        account: person.id,
        generation: work.env.generation,
        password: password_of(person),
        carrier: request.carrier,
        methods: set_of([method]),
        expires_at: work.now().plus(STEP_WITHIN),
        tries_left: TRIES,
        epoch: epoch_of(work.tx, person.id, Endable::PendingLogins)?,
    };
    PENDING.put(work.tx, &secret.digest(), &pending)?;
    let what = (Act::Login, Outcome::SecondFactorNeeded);
    work.audit(&request.client.anyone(), what, person.id)?;
    Ok(secret)
}

/// Finds the pending login with this secret, and its owner. None if it is over.
pub fn look_up(
    view: &dyn Snapshot,
    env: &Env,
    secret: Digest,
    now: Timestamp,
) -> Result<Option<(PendingLogin, Person)>, StoreError> {
    let is_alive = |pending: &PendingLogin| now < pending.expires_at && pending.generation == env.generation;
    let Some(pending) = PENDING.get(view, &secret)?.filter(is_alive) else { return Ok(None) };
    if pending.epoch != epoch_of(view, pending.account, Endable::PendingLogins)? {
        return Ok(None);
    }
    // Minutes may lie between the steps: whoever was disabled, or got a new password, starts over.
    let is_same = |person: &Person| person.account.disabled_at.is_none() && password_of(person) == pending.password;
    Ok(person::load(view, pending.account)?.filter(is_same).map(|person| (pending, person)))
}

/// A code given for a pending login.
#[derive(Clone, Debug)]
pub struct StepAttempt {
    /// The digest of the pending login's secret.
    pub secret: Digest,
    /// The code, as it was typed.
    pub code: TypedCode,
    /// The digest of the secret of a browser that is to be trusted from now on.
    pub trust: Option<Digest>,
    /// The buckets that a wrong code is charged to.
    pub tries: AttemptLimits,
    /// The client that sent it.
    pub client: Client,
    /// The session that the client has now; it ends.
    pub replaces: Option<Digest>,
}

/// Takes a code, and starts the session if it is right.
pub fn conclude(work: &mut Work<'_>, step: &StepAttempt) -> Result<Result<StartedSession, LoginRefused>, StoreError> {
    let now = work.now();
    let Some((pending, person)) = look_up(work.tx, work.env, step.secret, now)? else {
        return Ok(Err(LoginRefused::Over));
    };
    let proof = CodeProof {
        account: person.id,
        code: &step.code,
        purpose: CodePurpose::login(step.secret),
        bound_to: person.credentials(),
    };
    let Some(proved) = factors::verify(work.tx, now, &work.env.seal, &proof)? else {
        // Counted twice: against the account, however many logins are pending, and against this one.
        refuse(work, &step.tries, &step.client, &person)?;
        match pending.tries_left {
            0 | 1 => PENDING.delete(work.tx, &step.secret)?,
            left => PENDING.put(work.tx, &step.secret, &PendingLogin { tries_left: left - 1, ..pending })?,
        }
        return Ok(Err(LoginRefused::WrongCode));
    };
    // Used up in the transaction that starts the session: the same code posted twice yields one session.
    PENDING.delete(work.tx, &step.secret)?;
    note_proved(work, &person, proved)?;
    // Trust is given only here, after a right code.
    if let Some(secret) = step.trust {
        let within = work.env.config.second_factor.trust_browser_for.seconds();
        let new = NewTrust {
            secret,
            generation: work.env.generation,
            within,
            network: step.client.network,
            agent: &step.client.agent,
        };
        factors::trust(work.tx, work.moment, person.id, &new)?;
        work.audit(&step.client.owner_of(person.id), Act::BrowserTrusted, person.id)?;
    }
    // The carrier was settled at the first step; the second cannot turn a cookie into a bearer token.
    let request = SessionRequest { carrier: pending.carrier, client: step.client.clone(), replaces: step.replaces };
    let methods: Vec<Method> = pending.methods.iter().copied().chain([proved.method]).collect();
    start_session::start(work, person, &request, &methods).map(Ok)
}

/// Ends the pending logins of an account. Returns how many.
pub(super) fn end_waiting(tx: &mut dyn Transaction, account: AccountId) -> Result<usize, StoreError> {
    let (mut waiting, epoch) = (rows_of(tx, account)?, epoch_of(tx, account, Endable::PendingLogins)?);
    waiting.retain(|(_, pending)| pending.epoch == epoch);
    if waiting.len() > ONE_BY_ONE {
        raise_epoch(tx, account, Endable::PendingLogins)?;
    } else {
        waiting.iter().try_for_each(|(secret, _)| PENDING.delete(tx, secret))?;
    }
    Ok(waiting.len())
}

/// The rows of an account, those of a past epoch too.
fn rows_of(view: &dyn Snapshot, account: AccountId) -> Result<Vec<(Digest, PendingLogin)>, StoreError> {
    const PAGE: usize = 500;
    // A pass over the whole table, which has no index by account: its rows live for minutes, and only an administrator
    // causes this.
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let page = PENDING.page(view, after.as_ref(), PAGE)?;
        after = next_after(&page, PAGE);
        found.extend(page.into_iter().filter(|(_, pending)| pending.account == account));
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// Whether an account has any row, of whatever epoch.
pub fn has_rows(view: &dyn Snapshot, account: AccountId) -> Result<bool, StoreError> {
    Ok(!rows_of(view, account)?.is_empty())
}

/// Ends everybody's pending logins. Returns how many.
pub(super) fn end_everybodys(tx: &mut dyn Transaction) -> Result<usize, StoreError> {
    let mut ended = 0;
    for (_, pending) in PENDING.all(tx, Direction::Up, usize::MAX)? {
        ended += usize::from(pending.epoch == epoch_of(tx, pending.account, Endable::PendingLogins)?);
    }
    raise_everybodys(tx, Endable::PendingLogins)?;
    Ok(ended)
}

/// Removes pending logins that are over, looking at up to `limit` behind `after`. Returns where to go on, or none at
/// the end.
pub fn sweep(
    tx: &mut dyn Transaction,
    now: Timestamp,
    after: Option<Digest>,
    limit: usize,
) -> Result<Option<Digest>, StoreError> {
    PENDING.sweep(tx, after.as_ref(), limit, |tx, secret, pending| {
        if now >= pending.expires_at || pending.epoch != epoch_of(tx, pending.account, Endable::PendingLogins)? {
            PENDING.delete(tx, secret)?;
        }
        Ok(())
    })
}
