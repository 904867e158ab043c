//! The second step of a login: the password was right, and the account asks for more.

use std::collections::BTreeSet;

use crate::audit::{Act, Outcome};
use crate::base::{AccountId, MINUTE, Seconds, SessionId, Timestamp, set_of};
use crate::config::Config;
use crate::crypto::{Bearer, BearerKind, Digest, TypedCode};
use crate::factors::{self, Context, FactorKind, ProvedBy};
use crate::mail::Letter;
use crate::sessions::{Carrier, Client, Session};
use crate::store::{Snapshot, StoreError, Table, Transaction, record, schema};
use crate::throttle::{self, MailPurpose};

use super::links::{self, Wish};
use super::login::{self, Attempt};
use super::person::{self, Person};
use super::tries::Tries;
use super::{Env, Work, factor_resets, known_devices, notices};

/// A login that waits for the second factor. The store keeps the digest of its secret.
#[derive(Clone, Debug)]
pub struct PendingLogin {
    /// Whose it is.
    pub account: AccountId,
    generation: [u8; 16],
    /// Of the password's hash: the login dies when the password changes.
    password: Digest,
    /// How the session is to be carried.
    pub carrier: Carrier,
    /// What was proved already.
    methods: BTreeSet<String>,
    expires_at: Timestamp,
    tries_left: u32,
}
record!(PendingLogin, version 1, { account, generation, password, carrier, methods, expires_at, tries_left });

pub(crate) const PENDING: Table<Digest, PendingLogin> = Table::at(schema::PENDING_LOGINS);

/// Seconds in which the second step has to follow the first.
pub const STEP_WITHIN: Seconds = 10 * MINUTE;
/// Codes that may be wrong before the password has to be given again.
const TRIES: u32 = 5;

fn password_of(person: &Person) -> Digest {
    let hash = person.account.password.as_ref().map(ToString::to_string).unwrap_or_default();
    Digest::of(hash.as_bytes())
}

/// Whether this account asks this browser for more than the password.
pub fn is_needed(
    view: &(impl Snapshot + ?Sized),
    env: &Env,
    account: AccountId,
    client: &Client,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if !factors::is_on(view, account)? {
        return Ok(false);
    }
    let trusted = Bearer::parse(BearerKind::TrustedBrowser, &client.trust);
    let Some(secret) = trusted.filter(|_| env.config.second_factor.trust_browsers) else { return Ok(true) };
    Ok(!factors::is_trusted(view, account, (secret.digest(), &env.generation), now)?)
}

/// Has a login wait. The secret is handed out here, once.
pub(super) fn begin(work: &mut Work<'_>, person: &Person, attempt: &Attempt) -> Result<Bearer, StoreError> {
    let secret = Bearer::draw(BearerKind::PendingLogin, work.moment);
    let pending = PendingLogin {
        account: person.id,
        generation: work.env.generation,
        password: password_of(person),
        carrier: attempt.carrier,
        methods: set_of([attempt.method.to_owned()]),
        expires_at: work.now().plus(STEP_WITHIN),
        tries_left: TRIES,
    };
    PENDING.put(work.tx, &secret.digest(), &pending)?;
    let what = (Act::Login, Outcome::SecondFactorNeeded);
    work.audit(&attempt.client.anyone(), what, person.id)?;
    Ok(secret)
}

/// The login with this secret, if it still waits, and whose it is.
pub fn look_up(
    view: &dyn Snapshot,
    env: &Env,
    secret: Digest,
    now: Timestamp,
) -> Result<Option<(PendingLogin, Person)>, StoreError> {
    let is_alive = |pending: &PendingLogin| now < pending.expires_at && pending.generation == env.generation;
    let Some(pending) = PENDING.get(view, &secret)?.filter(is_alive) else { return Ok(None) };
    let is_same = |person: &Person| person.account.disabled_at.is_none() && password_of(person) == pending.password;
    Ok(person::load(view, pending.account)?.filter(is_same).map(|person| (pending, person)))
}

/// The ways in which an account can be asked for more, in stable words.
pub fn ways(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<Vec<&'static str>, StoreError> {
    let mut ways = Vec::new();
    for (_, factor) in factors::confirmed(view, account)? {
        if !ways.contains(&factor.kind.word()) {
            ways.push(factor.kind.word());
        }
    }
    if factors::codes_left(view, account)?.is_some_and(|left| left > 0) {
        ways.push("recovery_code");
    }
    Ok(ways)
}

/// By what codes by mail are counted.
#[derive(Clone, Copy, Debug)]
pub struct Quota([u8; 16]);

impl Quota {
    const fn of_account(account: AccountId) -> Self {
        Self(*account.bytes())
    }

    /// Of a session: its holder is known.
    #[must_use]
    pub const fn of_session(session: SessionId) -> Self {
        Self(*session.bytes())
    }

    /// Of whoever logs in: a browser that the owner logged in with before by itself, all others together.
    pub fn at_login(
        view: &(impl Snapshot + ?Sized),
        env: &Env,
        account: AccountId,
        client: &Client,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let device = known_devices::of_client(view, env, account, client, now)?;
        Ok(device.map_or(Self::of_account(account), |device| Self(device.0)))
    }
}

/// Sends a code to the owner of the account, for `context`: in the way that is asked for, else by mail rather than by text message.
/// False if it has no factor of the kind.
pub fn send_code(
    work: &mut Work<'_>,
    person: &Person,
    (context, wanted): (Context, Option<FactorKind>),
    quota: Quota,
) -> Result<bool, StoreError> {
    let kinds = factors::confirmed(work.tx, person.id)?;
    let has = |kind: FactorKind| wanted.is_none_or(|it| it == kind) && kinds.iter().any(|(_, it)| it.kind == kind);
    if has(FactorKind::Mail)
        && let Some(to) = person.verified_address()
    {
        // Whoever knows the password can ask for codes: not without end, and whoever tries learns nothing by it. What they use up is
        // not the quota of the owner's browsers and sessions.
        if factors::is_recent(work.tx, work.moment.now(), context)? || !work.may_mail(MailPurpose::Code, quota.0)? {
            return Ok(true);
        }
        let whose = (person.id, person.credentials(), false);
        if let Some(code) = factors::mail_code(work.tx, work.moment, &work.env.seal, whose, context)? {
            work.mail(to, &Letter::SecondFactorCode { code, forgot: work.env.forgot_link() })?;
        }
        return Ok(true);
    }
    let Some(phone) = person.phone.as_ref().filter(|_| has(FactorKind::Sms)) else { return Ok(false) };
    // Text messages cost money: nobody has them sent without end, by whatever browser, and whoever tries learns nothing by it.
    if factors::is_recent(work.tx, work.moment.now(), context)?
        || !work.may_mail(MailPurpose::Text, *person.id.bytes())?
    {
        return Ok(true);
    }
    let whose = (person.id, person.credentials(), true);
    if let Some(code) = factors::mail_code(work.tx, work.moment, &work.env.seal, whose, context)? {
        work.text_code(phone, &code)?;
    }
    Ok(true)
}

/// A code for a login that waits.
#[derive(Clone, Debug)]
pub struct StepAttempt {
    /// The digest of the login's secret.
    pub secret: Digest,
    /// What was typed.
    pub code: TypedCode,
    /// The digest of the secret of a browser that is to be trusted from now on.
    pub trust: Option<Digest>,
    /// What it costs if it is wrong.
    pub tries: Tries,
    /// Where it comes from.
    pub client: Client,
    /// The session that the client has now; it ends.
    pub replaces: Option<Digest>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum SecondStep {
    /// There is no such login, or not any more: it begins with the password again.
    Over,
    /// The code is wrong, or was used.
    WrongCode,
    /// In. The secret is handed out here, once.
    Welcome(Box<(Bearer, Session, Person)>),
}

/// Takes a code, and starts the session if it is right.
pub fn conclude(work: &mut Work<'_>, step: &StepAttempt) -> Result<SecondStep, StoreError> {
    let now = work.now();
    let Some((pending, person)) = look_up(work.tx, work.env, step.secret, now)? else { return Ok(SecondStep::Over) };
    let context = Context::login(step.secret);
    let Some(proved) =
        factors::prove(work.tx, now, &work.env.seal, person.id, &step.code, (context, person.credentials()))?
    else {
        refuse(work, (&step.tries, &step.client), &person)?;
        match pending.tries_left {
            0 | 1 => PENDING.delete(work.tx, &step.secret)?,
            left => PENDING.put(work.tx, &step.secret, &PendingLogin { tries_left: left - 1, ..pending })?,
        }
        return Ok(SecondStep::WrongCode);
    };
    PENDING.delete(work.tx, &step.secret)?;
    note_proved(work, &person, proved)?;
    if let Some(secret) = step.trust {
        let within = work.env.config.second_factor.trust_browser_for.seconds();
        let shown = (step.client.network.as_str(), step.client.agent.as_str());
        factors::trust(work.tx, work.moment, person.id, (secret, work.env.generation), within, shown)?;
        work.audit(&step.client.owner_of(person.id), Act::BrowserTrusted, person.id)?;
    }
    let attempt = Attempt::proven(pending.carrier, &step.client, step.replaces);
    let mut methods: Vec<&str> = pending.methods.iter().map(String::as_str).collect();
    methods.push(proved.word());
    let (secret, session) = login::start_session_by(work, &person, &attempt, &methods)?;
    Ok(SecondStep::Welcome(Box::new((secret, session, person))))
}

/// Notes a wrong code, and tells the owner when there were many: somebody knows the password.
pub(super) fn refuse(
    work: &mut Work<'_>,
    (tries, client): (&Tries, &Client),
    person: &Person,
) -> Result<(), StoreError> {
    tries.refuse(work, &client.anyone(), (Act::SecondFactor, Outcome::WrongCode), person.id)?;
    // What known browsers and sessions try is counted apart, and told as failed logins are.
    links::wish(work.tx, work.moment, &Wish::FailedLogin(person.id))?;
    tell_of_codes(work, (throttle::Kind::SecondFactor, person.id))
}

/// Tells the owner of an account that somebody tries codes, if several in a row were wrong; once a day at most.
pub(super) fn tell_of_codes(
    work: &mut Work<'_>,
    (kind, account): (throttle::Kind, AccountId),
) -> Result<(), StoreError> {
    if !throttle::may_be_told_of_codes(work.tx, work.moment, (kind, account))? {
        return Ok(());
    }
    let Some(person) = person::load(work.tx, account)? else { return Ok(()) };
    let Some(to) = person.verified_address() else { return Ok(()) };
    match kind {
        throttle::Kind::MailedDigits => {
            let letter = Letter::LoginsFailed { is_out_of_use: false, forgot: work.env.forgot_link() };
            work.mail(to, &letter)
        }
        _ => work.mail(to, &Letter::CodesFailed { forgot: work.env.forgot_link() }),
    }
}

/// What tells the owner that somebody proved themselves by `methods`, if they are to know: a mailed code told of itself, and the
/// use of a recovery code is told when it is taken.
pub(super) fn notice_of_use(env: &Env, methods: &[&str], at: Timestamp) -> Option<Letter> {
    let is_told = |method: &&str| [ProvedBy::Totp.word(), ProvedBy::Sms.word()].contains(method);
    let is_wanted = env.config.second_factor.tell_uses && methods.iter().any(is_told);
    is_wanted.then(|| Letter::FactorUsed { at, forgot: env.forgot_link() })
}

/// What follows from a right code: wrong ones in a row begin anew, a reset that was asked for is off, and a recovery code that
/// was used is told to the owner.
pub(super) fn note_proved(work: &mut Work<'_>, person: &Person, proved: ProvedBy) -> Result<(), StoreError> {
    throttle::passed_second_factor(work.tx, person.id)?;
    factor_resets::cancel(work.tx, person.id)?;
    let ProvedBy::Recovery { left } = proved else { return Ok(()) };
    let (at, forgot) = (work.now(), work.env.forgot_link());
    notices::tell(work, person, &Letter::RecoveryCodeUsed { at, left, forgot })
}

/// Whether somebody in these groups must have a second factor.
#[must_use]
pub fn is_required(config: &Config, groups: &BTreeSet<crate::base::GroupName>) -> bool {
    groups.iter().any(|group| config.second_factor.required_for.iter().any(|name| name == group.as_str()))
}

/// Ends the logins of an account that wait. Returns how many.
pub(super) fn end_waiting(tx: &mut dyn Transaction, account: AccountId) -> Result<usize, StoreError> {
    const PAGE: usize = 500;
    let (mut after, mut ended) = (None, 0);
    loop {
        let page = PENDING.page(tx, after.as_ref(), PAGE)?;
        for (secret, _) in page.iter().filter(|(_, pending)| pending.account == account) {
            PENDING.delete(tx, secret)?;
            ended += 1;
        }
        match page.last() {
            Some((secret, _)) => after = Some(*secret),
            None => return Ok(ended),
        }
    }
}

/// Ends up to `limit` logins that wait, behind `after`, whosever they are. Returns how many, and where to go on, or none at the end.
pub(super) fn end_some_waiting(
    tx: &mut dyn Transaction,
    after: Option<Digest>,
    limit: usize,
) -> Result<(usize, Option<Digest>), StoreError> {
    let page = PENDING.page(tx, after.as_ref(), limit)?;
    page.iter().try_for_each(|(secret, _)| PENDING.delete(tx, secret))?;
    Ok((page.len(), (page.len() == limit).then(|| page.last().map(|(secret, _)| *secret)).flatten()))
}

/// Removes up to `limit` that are over, looking at as many behind `after`. Returns where to go on, or none at the end.
pub fn sweep(
    tx: &mut dyn Transaction,
    now: Timestamp,
    after: Option<Digest>,
    limit: usize,
) -> Result<Option<Digest>, StoreError> {
    let page = PENDING.page(tx, after.as_ref(), limit)?;
    for (secret, pending) in &page {
        if now >= pending.expires_at {
            PENDING.delete(tx, secret)?;
        }
    }
    Ok((page.len() == limit).then(|| page.last().map(|(secret, _)| *secret)).flatten())
}
