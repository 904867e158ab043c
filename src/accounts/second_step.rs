//! The second step of a login: the password was right, and the account asks for more.

use std::collections::BTreeSet;

use crate::audit::{Act, Outcome};
use crate::base::{AccountId, MINUTE, Moment, Seconds, SessionId, Timestamp, set_of};
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
use super::{Services, factor_resets, known_devices, notices};

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
    services: &Services,
    account: AccountId,
    client: &Client,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if !factors::is_on(view, account)? {
        return Ok(false);
    }
    let trusted = Bearer::parse(BearerKind::TrustedBrowser, &client.trust);
    let Some(secret) = trusted.filter(|_| services.config.second_factor.trust_browsers) else { return Ok(true) };
    Ok(!factors::is_trusted(view, account, (secret.digest(), &services.generation), now)?)
}

/// Has a login wait. The secret is handed out here, once.
pub(super) fn begin(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    person: &Person,
    attempt: &Attempt,
) -> Result<Bearer, StoreError> {
    let secret = Bearer::draw(BearerKind::PendingLogin, moment);
    let pending = PendingLogin {
        account: person.id,
        generation: services.generation,
        password: password_of(person),
        carrier: attempt.carrier,
        methods: set_of([attempt.method.to_owned()]),
        expires_at: moment.now().plus(STEP_WITHIN),
        tries_left: TRIES,
    };
    PENDING.put(tx, &secret.digest(), &pending)?;
    let what = (Act::Login, Outcome::SecondFactorNeeded);
    services.audit(tx, moment, &attempt.client.anyone(), what, person.id)?;
    Ok(secret)
}

/// The login with this secret, if it still waits, and whose it is.
pub fn look_up(
    view: &dyn Snapshot,
    services: &Services,
    secret: Digest,
    now: Timestamp,
) -> Result<Option<(PendingLogin, Person)>, StoreError> {
    let is_alive = |pending: &PendingLogin| now < pending.expires_at && pending.generation == services.generation;
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
        services: &Services,
        account: AccountId,
        client: &Client,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let device = known_devices::of_client(view, services, account, client, now)?;
        Ok(device.map_or(Self::of_account(account), |device| Self(device.0)))
    }
}

/// Sends a code to the owner of the account, for `context`: in the way that is asked for, else by mail rather than by text message.
/// False if it has no factor of the kind.
pub fn send_code(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    person: &Person,
    (context, wanted): (Context, Option<FactorKind>),
    quota: Quota,
) -> Result<bool, StoreError> {
    let kinds = factors::confirmed(tx, person.id)?;
    let may_take = |tx: &mut dyn Transaction, purpose, quota: Quota| {
        throttle::take_mail(tx, moment, &services.config.throttle, purpose, quota.0)
    };
    let has = |kind: FactorKind| wanted.is_none_or(|it| it == kind) && kinds.iter().any(|(_, it)| it.kind == kind);
    if has(FactorKind::Mail)
        && let Some(to) = person.verified_address()
    {
        // Whoever knows the password can ask for codes: not without end, and whoever tries learns nothing by it. What they use up is
        // not the quota of the owner's browsers and sessions.
        if factors::is_recent(tx, moment.now(), context)? || !may_take(tx, MailPurpose::Code, quota)? {
            return Ok(true);
        }
        let whose = (person.id, person.credentials(), false);
        if let Some(code) = factors::mail_code(tx, moment, &services.seal, whose, context)? {
            services.mail(tx, moment, to, &Letter::SecondFactorCode { code, forgot: services.forgot_link() })?;
        }
        return Ok(true);
    }
    let Some(phone) = person.phone.as_ref().filter(|_| has(FactorKind::Sms)) else { return Ok(false) };
    // Text messages cost money: nobody has them sent without end, by whatever browser, and whoever tries learns nothing by it.
    if factors::is_recent(tx, moment.now(), context)? || !may_take(tx, MailPurpose::Text, Quota::of_account(person.id))?
    {
        return Ok(true);
    }
    let whose = (person.id, person.credentials(), true);
    if let Some(code) = factors::mail_code(tx, moment, &services.seal, whose, context)? {
        services.text_code(tx, moment, phone, &code)?;
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
pub fn conclude(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    step: &StepAttempt,
) -> Result<SecondStep, StoreError> {
    let now = moment.now();
    let Some((pending, person)) = look_up(tx, services, step.secret, now)? else { return Ok(SecondStep::Over) };
    let context = Context::login(step.secret);
    let Some(proved) = factors::prove(tx, now, &services.seal, person.id, &step.code, (context, person.credentials()))?
    else {
        refuse(tx, moment, services, (&step.tries, &step.client), &person)?;
        match pending.tries_left {
            0 | 1 => PENDING.delete(tx, &step.secret)?,
            left => PENDING.put(tx, &step.secret, &PendingLogin { tries_left: left - 1, ..pending })?,
        }
        return Ok(SecondStep::WrongCode);
    };
    PENDING.delete(tx, &step.secret)?;
    note_proved(tx, moment, services, &person, proved)?;
    if let Some(secret) = step.trust {
        let within = services.config.second_factor.trust_browser_for.seconds();
        let shown = (step.client.network.as_str(), step.client.agent.as_str());
        factors::trust(tx, moment, person.id, (secret, services.generation), within, shown)?;
        services.audit(
            tx,
            moment,
            &step.client.owner_of(person.id),
            (Act::BrowserTrusted, Outcome::Done),
            person.id,
        )?;
    }
    let attempt = Attempt::proven(pending.carrier, &step.client, step.replaces);
    let mut methods: Vec<&str> = pending.methods.iter().map(String::as_str).collect();
    methods.push(proved.word());
    let (secret, session) = login::start_session_by(tx, moment, services, &person, &attempt, &methods)?;
    Ok(SecondStep::Welcome(Box::new((secret, session, person))))
}

/// Notes a wrong code, and tells the owner when there were many: somebody knows the password.
pub(super) fn refuse(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    (tries, client): (&Tries, &Client),
    person: &Person,
) -> Result<(), StoreError> {
    tries.refuse(tx, moment, services, &client.anyone(), (Act::SecondFactor, Outcome::WrongCode), person.id)?;
    // What known browsers and sessions try is counted apart, and told as failed logins are.
    links::wish(tx, moment, &Wish::FailedLogin(person.id))?;
    tell_of_codes(tx, moment, services, (throttle::Kind::SecondFactor, person.id))
}

/// Tells the owner of an account that somebody tries codes, if several in a row were wrong; once a day at most.
pub(super) fn tell_of_codes(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    (kind, account): (throttle::Kind, AccountId),
) -> Result<(), StoreError> {
    if !throttle::may_be_told_of_codes(tx, moment, (kind, account))? {
        return Ok(());
    }
    let Some(person) = person::load(tx, account)? else { return Ok(()) };
    let Some(to) = person.verified_address() else { return Ok(()) };
    match kind {
        throttle::Kind::MailedDigits => {
            let letter = Letter::LoginsFailed { is_out_of_use: false, forgot: services.forgot_link() };
            services.mail(tx, moment, to, &letter)
        }
        _ => services.mail(tx, moment, to, &Letter::CodesFailed { forgot: services.forgot_link() }),
    }
}

/// What tells the owner that somebody proved themselves by `methods`, if they are to know: a mailed code told of itself, and the
/// use of a recovery code is told when it is taken.
pub(super) fn notice_of_use(services: &Services, methods: &[&str], at: Timestamp) -> Option<Letter> {
    let is_told = |method: &&str| [ProvedBy::Totp.word(), ProvedBy::Sms.word()].contains(method);
    let is_wanted = services.config.second_factor.tell_uses && methods.iter().any(is_told);
    is_wanted.then(|| Letter::FactorUsed { at, forgot: services.forgot_link() })
}

/// What follows from a right code: wrong ones in a row begin anew, a reset that was asked for is off, and a recovery code that
/// was used is told to the owner.
pub(super) fn note_proved(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    services: &Services,
    person: &Person,
    proved: ProvedBy,
) -> Result<(), StoreError> {
    throttle::passed_second_factor(tx, person.id)?;
    factor_resets::cancel(tx, person.id)?;
    let ProvedBy::Recovery { left } = proved else { return Ok(()) };
    let (at, forgot) = (moment.now(), services.forgot_link());
    notices::tell(tx, moment, services, person, &Letter::RecoveryCodeUsed { at, left, forgot })
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
