//! The second factor wherever somebody proves it: what is asked for, codes that are sent, and what follows from right and wrong ones.

use crate::audit::{Act, Outcome};
use crate::base::{AccountId, SessionId, Timestamp};
use crate::crypto::{Bearer, BearerKind};
use crate::factors::{self, CodePurpose, FactorKind, ProofOption, Proved};
use crate::mail::Letter;
use crate::sessions::{Client, Method};
use crate::store::{Snapshot, StoreError};
use crate::throttle::{self, MailPurpose};

use super::attempt_limits::AttemptLimits;
use super::mail_requests::{self, MailRequest};
use super::person::{self, Person};
use super::{Env, Work, factor_resets, known_devices, notices};

/// Whether this account asks this browser for more than the password.
pub fn is_needed(
    view: &(impl Snapshot + ?Sized),
    env: &Env,
    account: AccountId,
    client: &Client,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if !factors::has_any(view, account)? {
        return Ok(false);
    }
    let trusted = Bearer::parse(BearerKind::TrustedBrowser, &client.trust);
    let Some(secret) = trusted.filter(|_| env.config.second_factor.trust_browsers) else { return Ok(true) };
    Ok(!factors::is_trusted(view, account, (secret.digest(), &env.generation), now)?)
}

/// What an account can be asked for as its second factor.
pub fn options(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<Vec<ProofOption>, StoreError> {
    let mut options = Vec::new();
    for (_, factor) in factors::confirmed(view, account)? {
        if !options.contains(&factor.kind.option()) {
            options.push(factor.kind.option());
        }
    }
    if factors::codes_left(view, account)?.is_some_and(|left| left > 0) {
        options.push(ProofOption::RecoveryCode);
    }
    Ok(options)
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
    (context, wanted): (CodePurpose, Option<FactorKind>),
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

/// Notes a wrong code, and tells the owner when there were many: somebody knows the password.
pub(super) fn refuse(
    work: &mut Work<'_>,
    (tries, client): (&AttemptLimits, &Client),
    person: &Person,
) -> Result<(), StoreError> {
    tries.record(work, &client.anyone(), (Act::SecondFactor, Outcome::WrongCode), person.id)?;
    // What known browsers and sessions try is counted apart, and told as failed logins are.
    mail_requests::request(work.tx, work.moment, &MailRequest::FailedLogin(person.id))?;
    tell_of_codes(work, (throttle::Kind::SecondFactor, person.id))
}

/// Tells the owner of an account that somebody tries codes, if several in a row were wrong; once a day at most.
pub(super) fn tell_of_codes(
    work: &mut Work<'_>,
    (kind, account): (throttle::Kind, AccountId),
) -> Result<(), StoreError> {
    if !throttle::should_notify_of_codes(work.tx, work.moment, (kind, account))? {
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
pub(super) fn notice_of_use(env: &Env, methods: &[Method], at: Timestamp) -> Option<Letter> {
    let is_told = |method: &Method| matches!(method, Method::Totp | Method::TextCode);
    let is_wanted = env.config.second_factor.tell_uses && methods.iter().any(is_told);
    is_wanted.then(|| Letter::FactorUsed { at, forgot: env.forgot_link() })
}

/// What follows from a right code: wrong ones in a row begin anew, a reset that was asked for is off, and a recovery code that
/// was used is told to the owner.
pub(super) fn note_proved(work: &mut Work<'_>, person: &Person, proved: Proved) -> Result<(), StoreError> {
    throttle::passed_second_factor(work.tx, person.id)?;
    factor_resets::cancel(work.tx, person.id)?;
    let Some(left) = proved.recovery_codes_left else { return Ok(()) };
    let (at, forgot) = (work.now(), work.env.forgot_link());
    notices::tell(work, person, &Letter::RecoveryCodeUsed { at, left, forgot })
}
