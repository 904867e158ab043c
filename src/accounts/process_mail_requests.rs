//! Processes the queue of requests for mail: those that call for a mail get one, in turn.

use crate::base::{AccountId, DAY, EmailAddress, Seconds, Timestamp};
use crate::mail::Letter;
use crate::store::{Direction, Snapshot, StoreError};
use crate::throttle::{self, Bucket, Kind};

use super::mail_requests::{DEFERRED, MailRequest, REQUESTS, StoredRequest};
use super::mail_rules::may_be_mailed;
use super::{
    Env, Work, already_registered, change_address, forgot, identity, login_by_mail, person, register, registration,
    usernames,
};

/// The limits over all mails, in the order in which the deferred requests are looked at.
const CROWDS: [Kind; 2] = [Kind::MailEverybody, Kind::MailStrangers];
/// Seconds after which a deferred request is forgotten: nobody waits for its mail any more.
const DEFERRED_FOR: Seconds = DAY;

/// Whether any deferred request may have its turn now.
pub fn any_due(view: &dyn Snapshot, env: &Env, now: Timestamp) -> Result<bool, StoreError> {
    for crowd in CROWDS {
        if left_of(view, env, crowd, now)? > 0
            && !DEFERRED.each_under(view, &crowd.number(), Direction::Up, 1)?.is_empty()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn left_of(view: &dyn Snapshot, env: &Env, crowd: Kind, now: Timestamp) -> Result<usize, StoreError> {
    let settings = &env.config.throttle;
    if !settings.enabled {
        return Ok(usize::MAX);
    }
    let left = throttle::level_of(view, &Bucket::everybody(crowd, env.node))?.left(crowd.rate(settings), now);
    Ok(usize::try_from(left).unwrap_or(usize::MAX))
}

/// Takes up to `limit` requests of each queue, new and deferred, and queues the mails that they call for. Those over a limit on all mails are deferred:
/// nobody is refused because of what others asked for, and nobody is looked up to decide that.
pub fn process(work: &mut Work<'_>, limit: usize) -> Result<(), StoreError> {
    for crowd in CROWDS {
        let turns = left_of(work.tx, work.env, crowd, work.moment.earliest())?.min(limit);
        for (key, stored) in DEFERRED.each_under(work.tx, &crowd.number(), Direction::Up, turns)? {
            // The row goes in the transaction that queues the mail: a crash leaves both or neither, and no request is
            // mailed twice.
            DEFERRED.delete(work.tx, &key)?;
            let earliest = work.earliest();
            carry_out(work, stored.map(|stored| (earliest.since(stored.asked_at) < DEFERRED_FOR).then_some(stored)))?;
        }
    }
    for (id, stored) in REQUESTS.each_under(work.tx, &[], Direction::Up, limit)? {
        REQUESTS.delete(work.tx, &id)?;
        if let Ok(stored) = &stored
            && let Some(crowd) = is_over(work, stored)?
        {
            DEFERRED.put(work.tx, &(crowd.number(), id), stored)?;
        } else {
            carry_out(work, stored.map(Some))?;
        }
    }
    Ok(())
}

/// Returns the limit over all mails that a request has to wait for, if it has to. Decided by the kind of request alone.
/// Whether the address has an account must not decide who is deferred: the delay would show it.
fn is_over(work: &mut Work<'_>, stored: &StoredRequest) -> Result<Option<Kind>, StoreError> {
    let Some(crowd) = MailRequest::from_stored(stored).and_then(|request| request.crowd()) else { return Ok(None) };
    let is_used_up = left_of(work.tx, work.env, crowd, work.moment.earliest())? == 0;
    let passes = !is_used_up || (stored.is_quiet && passes_by_reserve(work, crowd)?);
    Ok((!passes).then_some(crowd))
}

/// Whether a request from where little was asked for passes those who used up the limit over all mails; takes its share
/// of the reserve, if so.
fn passes_by_reserve(work: &mut Work<'_>, crowd: Kind) -> Result<bool, StoreError> {
    let bucket = Bucket::of(Kind::MailReserve, [crowd.number(); 16]);
    Ok(throttle::take(work.tx, work.moment, &work.env.config.throttle, bucket)?.is_ok())
}

/// Queues the mail that a request calls for, if any. A request that cannot be read, or that leads to a record that
/// cannot, is dropped: it must not hold up those behind it for ever.
fn carry_out(work: &mut Work<'_>, stored: Result<Option<StoredRequest>, StoreError>) -> Result<(), StoreError> {
    let done = match stored {
        Ok(None) => Ok(()),
        Ok(Some(stored)) => match MailRequest::from_stored(&stored) {
            Some(request) => work.attempt(|work| mail(work, request)),
            None => Err(StoreError::Damaged("a request for a mail")),
        },
        Err(error) => Err(error),
    };
    match done {
        Err(StoreError::Damaged(what)) => {
            tracing::error!("a request for a mail is dropped, because this cannot be read: {what}");
            work.note_dropped_mail("")
        }
        done => done,
    }
}

fn mail(work: &mut Work<'_>, request: MailRequest) -> Result<(), StoreError> {
    match request {
        MailRequest::Registered(id) | MailRequest::RefusedLogin(Some(id)) => register::mail_link(work, id),
        MailRequest::Resend(address) => resend(work, &address),
        MailRequest::Forgot(address) => forgot::mail_link(work, &address),
        MailRequest::ConfirmAddress(id) => change_address::mail_link(work, id),
        MailRequest::ChoosePassword(id) => forgot::mail_first_link(work, id),
        MailRequest::Username(address) => usernames::mail(work, &address),
        MailRequest::LogIn(identity, context) => login_by_mail::mail(work, &identity, context),
        MailRequest::FailedLogin(id) => tell_of_failed_logins(work, id),
        MailRequest::RefusedLogin(None) => Ok(()),
    }
}

fn resend(work: &mut Work<'_>, address: &EmailAddress) -> Result<(), StoreError> {
    // The answer went out long ago, so it is safe to look the address up here.
    if let Some(id) = identity::owner_of_email(work.tx, address)? {
        return match person::load(work.tx, id)? {
            Some(person) if person.verified_address().is_none() && forgot::has_yet_to_choose(&person) => {
                forgot::mail_first_link(work, id)
            }
            Some(person) if person.verified_address().is_none() => change_address::mail_link(work, id),
            _ => already_registered::tell(work, address),
        };
    }
    // One link serves all registrations of the address.
    match registration::of_address(work.tx, address)?
        .into_iter()
        .find(|(_, registration)| registration.confirmed_at.is_none())
    {
        Some((id, _)) => register::mail_link(work, id),
        None => Ok(()),
    }
}

/// Tells the owner of an account that somebody keeps trying to log in; once a day at most.
fn tell_of_failed_logins(work: &mut Work<'_>, id: AccountId) -> Result<(), StoreError> {
    let Some(person) = person::load(work.tx, id)?.filter(may_be_mailed) else { return Ok(()) };
    if !throttle::should_notify(work.tx, work.moment, &work.env.config.throttle, id)? {
        return Ok(());
    }
    let Some(to) = person.verified_address() else { return Ok(()) };
    let is_out_of_use = throttle::is_out_of_use(work.tx, id)?;
    work.mail(person.at(to), &Letter::LoginsFailed { is_out_of_use, forgot: work.env.forgot_link() })
}
