//! The second factor, wherever somebody proves it: what can be asked for, codes that are sent, and what follows from
//! right and wrong ones.

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

/// Whether this account asks this browser for a second factor.
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

/// The kinds of proof that an account can be asked for as its second factor.
pub fn options(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<Vec<ProofOption>, StoreError> {
    let mut options = Vec::new();
    for (_, factor) in factors::confirmed(view, account)? {
        let option = ProofOption::Factor(factor.kind());
        if !options.contains(&option) {
            options.push(option);
        }
    }
    if factors::codes_left(view, account)?.is_some_and(|left| left > 0) {
        options.push(ProofOption::RecoveryCode);
    }
    Ok(options)
}

/// The quota that codes by mail are counted in.
#[derive(Clone, Copy, Debug)]
pub struct Quota([u8; 16]);

impl Quota {
    const fn of_account(account: AccountId) -> Self {
        Self(*account.bytes())
    }

    /// The quota of a session, whose holder is known.
    #[must_use]
    pub const fn of_session(session: SessionId) -> Self {
        Self(*session.bytes())
    }

    /// The quota of a login: a known browser has its own, all others share the account's.
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

/// Sends a code to the owner of the account, for `context`: in the way that is asked for, else by mail rather than by
/// text message. False if it has no factor of the kind.
pub fn send_code(
    work: &mut Work<'_>,
    person: &Person,
    context: CodePurpose,
    wanted: Option<FactorKind>,
    quota: Quota,
) -> Result<bool, StoreError> {
    let kinds = factors::confirmed(work.tx, person.id)?;
    let has = |kind: FactorKind| wanted.is_none_or(|it| it == kind) && kinds.iter().any(|(_, it)| it.kind() == kind);
    if has(FactorKind::Mail)
        && let Some(to) = person.verified_address()
    {
        // Whoever knows the password can ask for codes, but not without end. The answer is the same when none is sent,
        // so that trying shows nothing; and known browsers and sessions of the owner have quotas of their own.
        if factors::is_recent(work.tx, work.moment.now(), context)? || !work.may_mail(MailPurpose::Code, quota.0)? {
            return Ok(true);
        }
        let whose = (person.id, person.credentials(), false);
        if let Some(code) = factors::mail_code(work.tx, work.moment, &work.env.seal, whose, context)? {
            work.mail(person.at(to), &Letter::SecondFactorCode { code, forgot: work.env.forgot_link() })?;
        }
        return Ok(true);
    }
    let Some(phone) = person.phone.as_ref().filter(|_| has(FactorKind::Sms)) else { return Ok(false) };
    // Text messages cost money, so one quota holds for the account, by whatever browser they are asked for (SMS
    // pumping). The answer is the same when none is sent.
    if factors::is_recent(work.tx, work.moment.now(), context)?
        || !work.may_mail(MailPurpose::Text, *person.id.bytes())?
    {
        return Ok(true);
    }
    let whose = (person.id, person.credentials(), true);
    if let Some(code) = factors::mail_code(work.tx, work.moment, &work.env.seal, whose, context)? {
        work.text_code(phone, person.account.reads.as_ref(), &code)?;
    }
    Ok(true)
}

/// Records a wrong code, and tells the owner when there were many: somebody knows the password.
pub(super) fn refuse(
    work: &mut Work<'_>,
    tries: &AttemptLimits,
    client: &Client,
    person: &Person,
) -> Result<(), StoreError> {
    tries.record(work, &client.anyone(), (Act::SecondFactor, Outcome::WrongCode), person.id)?;
    // Codes tried from known browsers and sessions are counted in another bucket, which is reported as failed logins
    // are.
    mail_requests::request(work.tx, work.moment, &MailRequest::FailedLogin(person.id))?;
    tell_of_codes(work, throttle::Kind::SecondFactor, person.id)
}

/// Tells the owner of an account that somebody tries codes, if several in a row were wrong; once a day at most.
pub(super) fn tell_of_codes(work: &mut Work<'_>, kind: throttle::Kind, account: AccountId) -> Result<(), StoreError> {
    if !throttle::should_notify_of_codes(work.tx, work.moment, (kind, account))? {
        return Ok(());
    }
    let Some(person) = person::load(work.tx, account)? else { return Ok(()) };
    let Some(to) = person.verified_address() else { return Ok(()) };
    match kind {
        throttle::Kind::MailedDigits => {
            let letter = Letter::LoginsFailed { is_out_of_use: false, forgot: work.env.forgot_link() };
            work.mail(person.at(to), &letter)
        }
        _ => work.mail(person.at(to), &Letter::CodesFailed { forgot: work.env.forgot_link() }),
    }
}

/// The notice that somebody proved who they are by `methods`, if the owner is to have one: a mailed code is notice
/// enough, and the use of a recovery code is reported when it is taken.
pub(super) fn notice_of_use(env: &Env, methods: &[Method], at: Timestamp) -> Option<Letter> {
    let is_told = |method: &Method| matches!(method, Method::Totp | Method::TextCode);
    let is_wanted = env.config.second_factor.tell_uses && methods.iter().any(is_told);
    is_wanted.then(|| Letter::FactorUsed { at, forgot: env.forgot_link() })
}

/// Does what follows from a right code: clears the wrong ones in a row, cancels a reset that was asked for, and reports
/// the use of a recovery code.
pub(super) fn note_proved(work: &mut Work<'_>, person: &Person, proved: Proved) -> Result<(), StoreError> {
    throttle::passed_second_factor(work.tx, person.id)?;
    // A code of a factor shows that not all of them are lost: the reset may have been asked for by somebody else.
    factor_resets::cancel(work.tx, person.id)?;
    let Some(left) = proved.recovery_codes_left else { return Ok(()) };
    let (at, forgot) = (work.now(), work.env.forgot_link());
    notices::tell(work, person, &Letter::RecoveryCodeUsed { at, left, forgot })
}
