//! Second factors, as their owner adds and removes them. Each change is reported by mail and ends the other sessions,
//! which began without it.

use crate::audit::{Act, Outcome};
use crate::base::{BrowserId, DisplayName, FactorId, Secret};
use crate::crypto::{Bearer, TypedCode};
use crate::factors::{self, FactorKind};
use crate::mail::Letter;
use crate::sessions::{self, Method, Session};
use crate::store::StoreError;

use super::attempt_limits::AttemptLimits;
use super::notices::tell;
use super::owner::Owner;
use super::person::{self, Person};
use super::{Env, Work, spent};

/// Recovery codes in their canonical form.
pub type RecoveryCodes = Vec<Secret<String>>;

/// The outcome of adding a factor.
#[derive(Clone, Debug)]
pub enum Added {
    /// It counts from now on. The first factor comes with recovery codes, shown here once; the session goes on under a
    /// new secret.
    Done(Option<RecoveryCodes>, Box<(Bearer, Session)>),
    /// The code is wrong, or there is no factor that it would confirm.
    WrongCode,
    /// The account has too many, or has this one already.
    TooMany,
    /// The site does not offer such codes, or there is no address or number to send them to.
    NotOffered,
    /// The session has ended meanwhile.
    Conflict,
}

/// Confirms an authenticator app by a code that it shows.
pub fn confirm_totp(
    work: &mut Work<'_>,
    owner: &Owner,
    id: FactorId,
    code: &TypedCode,
    tries: &AttemptLimits,
) -> Result<Added, StoreError> {
    let account = owner.person.id;
    if sessions::find_by_id(work.tx, account, owner.session)?.is_none() {
        return Ok(Added::Conflict);
    }
    if !factors::confirm_totp(work.tx, work.moment.now(), &work.env.seal, (account, id), code)? {
        let what = (Act::SecondFactor, Outcome::WrongCode);
        tries.record(work, &owner.client.owner_of(account), what, account)?;
        return Ok(Added::WrongCode);
    }
    // The code that confirms the factor is a proof by it, for this session.
    added(work, owner, (FactorKind::Totp, &[Method::Totp]))
}

/// Whether somebody may have codes sent in this way: the configuration offers it, and there is an address or number to
/// send them to.
#[must_use]
pub fn is_offered(env: &Env, person: &Person, kind: FactorKind) -> bool {
    let settings = &env.config.second_factor;
    match kind {
        FactorKind::Totp => true,
        FactorKind::Mail => settings.mail_codes && person.verified_address().is_some(),
        FactorKind::Sms => settings.sms_codes && person.phone.is_some(),
    }
}

/// Adds codes by mail, or by text message.
pub fn add_sent(work: &mut Work<'_>, owner: &Owner, kind: FactorKind) -> Result<Added, StoreError> {
    if sessions::find_by_id(work.tx, owner.person.id, owner.session)?.is_none() {
        return Ok(Added::Conflict);
    }
    // Looked up again: address and number may have changed since the request was let in.
    let is_offered = person::load(work.tx, owner.person.id)?.is_some_and(|person| is_offered(work.env, &person, kind));
    if !is_offered || kind == FactorKind::Totp {
        return Ok(Added::NotOffered);
    }
    let by_sms = kind == FactorKind::Sms;
    let name = DisplayName::parse(if by_sms { "Text message" } else { "Mail" }).expect("a name");
    match factors::add_sent(work.tx, work.moment, owner.person.id, name, by_sms)? {
        Some(_) => added(work, owner, (kind, &[])),
        None => Ok(Added::TooMany),
    }
}

fn added(work: &mut Work<'_>, owner: &Owner, (kind, methods): (FactorKind, &[Method])) -> Result<Added, StoreError> {
    let account = owner.person.id;
    let Some(renewed) = keep_session(work, owner, (Act::FactorAdded, methods))? else {
        return Ok(Added::Conflict);
    };
    let (source, what) = (owner.client.owner_of(account), Act::FactorAdded);
    work.audit_in_detail(&source, what, account, kind.as_str())?;
    let letter = Letter::FactorAdded { at: work.now(), forgot: work.env.forgot_link() };
    tell_owner(work, owner, &letter)?;
    let codes = match factors::codes_left(work.tx, account)? {
        None => Some(factors::make_codes(work.tx, work.moment, &work.env.seal, account)?),
        Some(_) => None,
    };
    Ok(Added::Done(codes, Box::new(renewed)))
}

/// Ends the other sessions, and gives the one that is kept a new secret: a copy of the old one is another session too.
fn keep_session(
    work: &mut Work<'_>,
    owner: &Owner,
    (act, methods): (Act, &[Method]),
) -> Result<Option<(Bearer, Session)>, StoreError> {
    sessions::end_all(work.tx, owner.person.id, Some(owner.session))?;
    spent::renew_session(work, owner.person.id, owner.session, act, methods)
}

/// The outcome of removing a factor.
#[derive(Clone, Debug)]
pub enum Removed {
    /// It is gone. If it counted, the session goes on under a new secret.
    Done(Option<Box<(Bearer, Session)>>),
    /// The account has no factor of this id.
    Unknown,
    /// It is the last, and one of the owner's groups requires one.
    Required,
}

/// Removes a factor.
pub fn remove(work: &mut Work<'_>, owner: &Owner, id: FactorId) -> Result<Removed, StoreError> {
    let account = owner.person.id;
    let Some(person) = person::load(work.tx, account)? else { return Ok(Removed::Unknown) };
    let counting = factors::confirmed(work.tx, account)?;
    // Judged by what the person is in now, not by what they were when the request came in.
    let is_last = counting.len() == 1 && counting[0].0 == id;
    if is_last && work.env.config.second_factor.is_required_for(&person.account.groups) {
        return Ok(Removed::Required);
    }
    let Some(factor) = factors::remove(work.tx, account, id)? else { return Ok(Removed::Unknown) };
    if factor.confirmed_at.is_none() {
        return Ok(Removed::Done(None));
    }
    // The answer has no body in which to hand a program its new secret, so its session keeps the old one.
    let is_bearer =
        sessions::find_by_id(work.tx, account, owner.session)?.is_none_or(|session| session.carrier.is_bearer());
    let renewed = if is_bearer {
        sessions::end_all(work.tx, account, Some(owner.session))?;
        None
    } else {
        keep_session(work, owner, (Act::FactorRemoved, &[]))?
    };
    let (source, what) = (owner.client.owner_of(account), Act::FactorRemoved);
    work.audit_in_detail(&source, what, account, factor.kind().as_str())?;
    let letter = Letter::FactorRemoved { at: work.now(), is_last, forgot: work.env.forgot_link() };
    tell(work, &person, &letter)?;
    Ok(Removed::Done(renewed.map(Box::new)))
}

/// Makes new recovery codes in place of the old. None if the account has no second factor.
pub fn remake_codes(work: &mut Work<'_>, owner: &Owner) -> Result<Option<RecoveryCodes>, StoreError> {
    let account = owner.person.id;
    if !factors::has_any(work.tx, account)? {
        return Ok(None);
    }
    let codes = factors::make_codes(work.tx, work.moment, &work.env.seal, account)?;
    work.audit(&owner.client.owner_of(account), Act::RecoveryCodesMade, account)?;
    let letter = Letter::RecoveryCodesMade { at: work.now(), forgot: work.env.forgot_link() };
    tell_owner(work, owner, &letter)?;
    Ok(Some(codes))
}

/// Tells the owner at the address that the account has now, which may have changed since the request was let in.
fn tell_owner(work: &mut Work<'_>, owner: &Owner, letter: &Letter) -> Result<(), StoreError> {
    match person::load(work.tx, owner.person.id)? {
        Some(person) => tell(work, &person, letter),
        None => Ok(()),
    }
}

/// Ends the trust in a browser. False if there is none of this id.
pub fn end_trust(work: &mut Work<'_>, owner: &Owner, id: BrowserId) -> Result<bool, StoreError> {
    let account = owner.person.id;
    let is_ended = factors::end_trust(work.tx, account, id)?;
    if is_ended {
        work.audit(&owner.client.owner_of(account), Act::TrustEnded, account)?;
    }
    Ok(is_ended)
}
