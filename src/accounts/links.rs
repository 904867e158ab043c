//! Links that people asked for: of the wishes that were written down, those that call for a mail get one, in turn.

use crate::audit::{Act, Source, Subject};
use crate::base::{AccountId, DAY, EmailAddress, JobId, MINUTE, Moment, RegistrationId, Seconds, Timestamp};
use crate::config::RegistrationMode;
use crate::crypto::{Digest, Opened, Purpose, TokenFault};
use crate::mail::Letter;
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, schema};
use crate::throttle::{self, Bucket, Kind, MailPurpose};

use super::person::{self, Person};
use super::wishes::{StoredWish, WISHES};
pub use super::wishes::{Wish, wish, wish_of_stranger};
use super::{
    Env, Work, change_address, confirm_links, forgot, identity, keyring, login_by_mail, register, spent, tries,
    usernames,
};

/// Seconds for which a link that is out is not replaced: nobody can flood a mailbox, or kill the link its owner waits for.
pub const RESEND_AFTER: Seconds = 5 * MINUTE;

/// Opens a token for one of these purposes and finds what it is good for, if it is bound to it; what finds nothing does not work, be it
/// that it did its work already.
pub(super) fn open<T>(
    view: &dyn Snapshot,
    env: &Env,
    (token, purposes): (&str, &[Purpose]),
    now: Timestamp,
    find: impl FnOnce(&Opened<'_>) -> Result<Option<T>, StoreError>,
) -> Result<Result<T, TokenFault>, StoreError> {
    let keys = keyring::load(view, &env.seal)?;
    let fault = match Opened::open(token, &keys, now) {
        Ok(opened) if purposes.contains(&opened.purpose) => match find(&opened)? {
            Some(found) => return Ok(Ok(found)),
            None => TokenFault::Invalid,
        },
        Ok(_) => TokenFault::Invalid,
        Err(fault) => fault,
    };
    if !Purpose::said_by(token).is_some_and(|purpose| purposes.contains(&purpose)) {
        return Ok(Err(fault));
    }
    Ok(Err(spent::used_at(view, digest_of(token))?.map_or(fault, TokenFault::Used)))
}

/// Notes that a token did its work.
pub(super) fn spend(tx: &mut dyn Transaction, moment: &Moment, token: &str) -> Result<(), StoreError> {
    spent::note(tx, moment, digest_of(token))
}

fn digest_of(token: &str) -> Digest {
    Digest::of(token.as_bytes())
}

/// Requests whose mail has to wait until the limit over all mails allows one more. They stand apart by limit, so that mails to
/// strangers hold up none to the accounts there are.
pub(crate) const DEFERRED: Table<(u8, JobId), StoredWish> = Table::at(schema::DEFERRED_REQUESTS);

/// The limits over all mails, in the order in which those who wait are looked at.
const CROWDS: [Kind; 2] = [Kind::MailEverybody, Kind::MailStrangers];
/// Seconds after which a request that had to wait is forgotten: nobody waits for its mail any more.
const DEFERRED_FOR: Seconds = DAY;

/// Whether any wish waits to be looked at.
pub fn any_waiting(view: &dyn Snapshot) -> Result<bool, StoreError> {
    Ok(!WISHES.all(view, Direction::Up, 1)?.is_empty())
}

/// How many wishes wait to be looked at, or for their turn, counted up to `most`. Not each becomes a mail.
pub fn count_waiting(view: &dyn Snapshot, most: usize) -> Result<usize, StoreError> {
    let new = WISHES.all(view, Direction::Up, most)?.len();
    Ok((new + DEFERRED.all(view, Direction::Up, most)?.len()).min(most))
}

/// Whether any wish waits for its turn, be it now or later.
pub fn any_deferred(view: &dyn Snapshot) -> Result<bool, StoreError> {
    Ok(!DEFERRED.all(view, Direction::Up, 1)?.is_empty())
}

/// Whether it is the turn of any wish that had to wait.
pub fn any_due(view: &dyn Snapshot, env: &Env, now: Timestamp) -> Result<bool, StoreError> {
    for crowd in CROWDS {
        if left_of(view, env, crowd, now)? > 0 && !DEFERRED.under(view, &crowd.number(), Direction::Up, 1)?.is_empty() {
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
    let left = throttle::level_of(view, &Bucket::everybody(crowd))?.left(crowd.rate(settings), now);
    Ok(usize::try_from(left).unwrap_or(usize::MAX))
}

/// Takes up to `limit` wishes and queues the mails they call for. Those that a limit over all mails holds up wait for their turn:
/// nobody is refused because of what others asked for, and nobody is looked up to decide that.
pub fn fulfil(work: &mut Work<'_>, limit: usize) -> Result<(), StoreError> {
    for crowd in CROWDS {
        let turns = left_of(work.tx, work.env, crowd, work.moment.earliest())?.min(limit);
        for (key, stored) in DEFERRED.under(work.tx, &crowd.number(), Direction::Up, turns)? {
            DEFERRED.delete(work.tx, &key)?;
            if work.earliest().since(stored.asked_at) < DEFERRED_FOR {
                carry_out(work, &stored)?;
            }
        }
    }
    for (id, stored) in WISHES.all(work.tx, Direction::Up, limit)? {
        WISHES.delete(work.tx, &id)?;
        match Wish::from_stored(&stored).and_then(|wish| wish.crowd()) {
            Some(crowd)
                if left_of(work.tx, work.env, crowd, work.moment.earliest())? == 0
                    && !(stored.is_quiet && passes_by_reserve(work, crowd)?) =>
            {
                DEFERRED.put(work.tx, &(crowd.number(), id), &stored)?;
            }
            _ => carry_out(work, &stored)?,
        }
    }
    Ok(())
}

/// Whether a wish from where little was asked for goes past those who used up the limit over all mails.
fn passes_by_reserve(work: &mut Work<'_>, crowd: Kind) -> Result<bool, StoreError> {
    let bucket = Bucket::of(Kind::MailReserve, [crowd.number(); 16]);
    Ok(throttle::take(work.tx, work.moment, &work.env.config.throttle, bucket)?.is_ok())
}

fn carry_out(work: &mut Work<'_>, stored: &StoredWish) -> Result<(), StoreError> {
    let Some(wish) = Wish::from_stored(stored) else {
        // One that cannot be read holds up none of those behind it.
        tracing::error!(kind = stored.kind, "a request for a mail cannot be read; it is dropped");
        return work.audit(&Source::appliance(), Act::MailRequestDropped, Subject::NONE);
    };
    match wish {
        Wish::Registered(id) | Wish::RefusedLogin(Some(id)) => confirm_registration(work, id),
        Wish::Resend(address) => resend(work, &address),
        Wish::Forgot(address) => forgot::mail_link(work, &address),
        Wish::ConfirmAddress(id) => change_address::mail_link(work, id),
        Wish::ChoosePassword(id) => forgot::mail_first_link(work, id),
        Wish::Username(address) => usernames::mail(work, &address),
        Wish::LogIn(identity, context) => login_by_mail::mail(work, &identity, context),
        Wish::FailedLogin(id) => tell_of_failed_logins(work, id),
        Wish::RefusedLogin(None) => Ok(()),
    }
}

/// Mails a registration's link, or, if the address has an account, says so to its owner.
fn confirm_registration(work: &mut Work<'_>, id: RegistrationId) -> Result<(), StoreError> {
    // A link that confirms nothing any more is not worth a mail: the house was closed meanwhile.
    let may_confirm = |registration: &register::Registration| {
        registration.invitation.is_some()
            || !matches!(work.env.config.registration.mode, RegistrationMode::Closed | RegistrationMode::Invite)
    };
    let waits_for_link =
        |registration: &register::Registration| registration.confirmed_at.is_none() && may_confirm(registration);
    let Some(mut registration) = register::find(work.tx, id)?.filter(waits_for_link) else { return Ok(()) };
    if identity::owner_of_email(work.tx, &registration.email)?.is_some() {
        register::remove(work.tx, id, &registration)?;
        return say_already_registered(work, &registration.email);
    }
    let canonical = registration.email.canonical();
    // Where none is mailed because the address had enough of them, the newest that is out serves this registration as well:
    // others who register an address keep its owner from nothing.
    let limited = work.env.config.throttle.enabled;
    if limited && is_recent(registration.mailed_at, work.moment)
        || !may_take_mail(work, MailPurpose::Confirm, &registration.email)?
    {
        return Ok(());
    }
    let within = work.env.config.tokens.confirm_within;
    registration.mailed_at = Some(work.earliest());
    register::save(work.tx, id, &registration)?;
    let count = confirm_links::begin_next(work.tx, &canonical, work.moment.earliest())?;
    let subject = (Purpose::ConfirmRegistration, *id.bytes());
    let state: [&[u8]; 3] = [&work.env.generation, canonical.as_bytes(), &count.to_be_bytes()];
    let link = work.signed_link("/confirm/", subject, &state, within)?;
    work.audit(&Source::appliance(), Act::ConfirmationMailed, id)?;
    work.mail(&registration.email, &Letter::ConfirmRegistration { link, within })
}

fn resend(work: &mut Work<'_>, address: &EmailAddress) -> Result<(), StoreError> {
    if let Some(id) = identity::owner_of_email(work.tx, address)? {
        return match person::load(work.tx, id)? {
            Some(person) if person.verified_address().is_none() && forgot::has_yet_to_choose(&person) => {
                forgot::mail_first_link(work, id)
            }
            Some(person) if person.verified_address().is_none() => change_address::mail_link(work, id),
            _ => say_already_registered(work, address),
        };
    }
    // One link serves all registrations of the address.
    match register::of_address(work.tx, address)?
        .into_iter()
        .find(|(_, registration)| registration.confirmed_at.is_none())
    {
        Some((id, _)) => confirm_registration(work, id),
        None => Ok(()),
    }
}

/// Tells the owner of an address that it has an account, to the address in the store and not to the one typed.
pub(super) fn say_already_registered(work: &mut Work<'_>, address: &EmailAddress) -> Result<(), StoreError> {
    let Some(mut person) = owner_to_mail(work.tx, address)? else { return Ok(()) };
    if work.env.config.throttle.enabled && is_recent(person.account.address_asked_at, work.moment)
        || !may_take_mail(work, MailPurpose::Known, address)?
    {
        return Ok(());
    }
    person.account.address_asked_at = Some(work.earliest());
    person::save(work.tx, person.id, &person.account)?;
    let Some(to) = person.verified_address() else { return Ok(()) };
    let login = work.env.config.site.url.link("/login");
    work.mail(to, &Letter::AlreadyRegistered { login, forgot: work.env.forgot_link() })
}

/// Whoever owns an address and may be mailed about it.
pub(super) fn owner_to_mail(view: &dyn Snapshot, address: &EmailAddress) -> Result<Option<Person>, StoreError> {
    let owner = identity::owner_of_email(view, address)?;
    Ok(owner.map(|id| person::load(view, id)).transpose()?.flatten().filter(may_be_mailed))
}

/// Whether mail about logging in makes sense: the address is theirs, and the account is not disabled.
pub(super) fn may_be_mailed(person: &Person) -> bool {
    person.verified_address().is_some() && person.account.disabled_at.is_none()
}

/// Whether a link asked for at `asked_at` is too young to be replaced.
pub(super) fn is_recent(asked_at: Option<Timestamp>, moment: &Moment) -> bool {
    asked_at.is_some_and(|asked_at| moment.earliest().since(asked_at) < RESEND_AFTER)
}

/// Whether an address may be sent another mail that somebody asked for without being logged in; takes it, if so.
pub(super) fn may_take_mail(
    work: &mut Work<'_>,
    purpose: MailPurpose,
    address: &EmailAddress,
) -> Result<bool, StoreError> {
    work.may_mail(purpose, tries::address_digest(work.env, address))
}

/// Tells the owner of an account that somebody keeps trying to log in; once a day at most.
fn tell_of_failed_logins(work: &mut Work<'_>, id: AccountId) -> Result<(), StoreError> {
    let Some(person) = person::load(work.tx, id)?.filter(may_be_mailed) else { return Ok(()) };
    if !throttle::may_be_told(work.tx, work.moment, &work.env.config.throttle, id)? {
        return Ok(());
    }
    let Some(to) = person.verified_address() else { return Ok(()) };
    let is_out_of_use = throttle::is_out_of_use(work.tx, id)?;
    work.mail(to, &Letter::LoginsFailed { is_out_of_use, forgot: work.env.forgot_link() })
}
