//! Account recovery: "this was not me" after a login, and undoing a change of address. The links stand in the mails
//! that report either, work for a week whatever a thief changes meanwhile, and lead to a new password by mail.

use crate::audit::{Act, Source};
use crate::base::{AccountId, DAY, EmailAddress, Seconds, Timestamp};
use crate::config::{Config, Span};
use crate::crypto::{Purpose, TokenFault};
use crate::factors;
use crate::mail::Letter;
use crate::sessions::{self, Client};
use crate::store::{Snapshot, StoreError};
use crate::throttle;

use super::person::{self, Person};
use super::{Env, Work, forgot, former_addresses, identity, known_devices, links, recovery_link};

/// The time for which the links work.
const WITHIN: Span = Config::TAKE_BACK_WITHIN;

/// The account that a link recovers.
#[derive(Clone, Debug)]
pub struct RecoveryLink {
    /// The account, as it is now.
    pub person: Person,
    /// The address to restore; none for "this was not me".
    pub address: Option<EmailAddress>,
    /// The time at which the address was changed, if that is undone.
    changed_at: Option<Timestamp>,
    /// The time since which somebody else may have had access.
    since: Timestamp,
}

/// Seconds before a change of address, or before a login that was not the owner's, from which on second factors that
/// were added count as the thief's: whoever prepares to take an account adds their own before they move it.
const FACTORS_BEFORE: Seconds = 30 * DAY;

/// Looks up a link of either kind and changes nothing.
pub fn look_up(
    view: &dyn Snapshot,
    env: &Env,
    token: &str,
    now: Timestamp,
) -> Result<Result<RecoveryLink, TokenFault>, StoreError> {
    links::open(
        view,
        env,
        links::Presented { token, purposes: &[Purpose::NotMe, Purpose::UndoAddress] },
        now,
        |opened| {
            let Some(person) = person::load(view, AccountId::from_bytes(opened.subject))? else { return Ok(None) };
            match opened.purpose {
                Purpose::NotMe => {
                    let is_bound = recovery_link::is_bound(view, env, opened, &person)?;
                    let told_at = opened.expires_at.minus(WITHIN.seconds());
                    // A thief who logged in from one new place may have come from another before, and prepared. The first
                    // of an unbroken chain counts, but never further back than the limit, or old factors of the owner would
                    // go as well.
                    let since = sessions::logins_of(view, person.id)?
                        .strange_since
                        .map_or(told_at, |strange| strange.min(told_at).max(told_at.minus(FACTORS_BEFORE)));
                    Ok(is_bound.then_some(RecoveryLink { person, address: None, changed_at: None, since }))
                }
                Purpose::UndoAddress => {
                    let former = former_addresses::undone_by(view, env, person.id, opened)?;
                    Ok(former.map(|former| {
                        let since = former.changed_at.minus(FACTORS_BEFORE);
                        RecoveryLink { person, address: former.address(), changed_at: Some(former.changed_at), since }
                    }))
                }
                _ => Ok(None),
            }
        },
    )
}

/// The outcome of an account recovery.
#[derive(Clone, Debug)]
pub enum Recovered {
    /// Every session has ended; a link to choose a new password is on its way.
    Done,
    /// The old address belongs to another account meanwhile.
    AddressTaken,
    /// The link does not work.
    Refused(TokenFault),
}

/// Ends every session and token, takes the password out of use, removes the second factors added since, restores the
/// old address if the link says so, and mails a link to choose a new password.
pub fn recover(work: &mut Work<'_>, token: &str, client: &Client) -> Result<Recovered, StoreError> {
    // Looked up in the transaction that acts: of two posts of one link the second finds it used.
    let RecoveryLink { mut person, address, changed_at, since } =
        match look_up(work.tx, work.env, token, work.moment.now())? {
            Ok(owned) => owned,
            Err(fault) => return Ok(Recovered::Refused(fault)),
        };
    let (id, source) = (person.id, client.owner_of(person.id));
    let is_login = address.is_none();
    if let Some(old) = address {
        if let Some(other) = identity::owner_of_email(work.tx, &old)?.filter(|owner| *owner != id) {
            // The reader of this link has the mailbox. An account that never proved the address gives way; one that did
            // is somebody's.
            let has_proved = person::load(work.tx, other)?.is_some_and(|other| other.verified_address().is_some());
            if has_proved {
                return Ok(Recovered::AddressTaken);
            }
            identity::release_email(work.tx, other)?;
            work.audit(&source, Act::AddressReleased, other)?;
        }
        // The present address may be the thief's, or the owner's own newer one: it is told, but gets no link to undo
        // this.
        let replaced = person.verified_address().cloned();
        identity::set_email(work.tx, id, &old, Some(work.moment.now()))?;
        work.audit(&source, Act::AddressRestored, id)?;
        if let Some(replaced) = replaced.filter(|replaced| *replaced != old) {
            let letter = Letter::AddressChanged { old: replaced.masked(), new: old.masked(), undo: String::new() };
            work.mail(person.at(&replaced), &letter)?;
        }
        // What was changed after this change is undone with it; links to undo those would bring a thief's address back.
        former_addresses::forget_since(work.tx, id, changed_at.unwrap_or(since))?;
        former_addresses::restored(work.tx, &old)?;
        person = person::load(work.tx, id)?.ok_or(StoreError::Damaged("an account just read"))?;
    }
    work.audit(&source, Act::TakenBack, id)?;
    // Somebody else knows it, so it must not be chosen again. A second recovery, before a new one was chosen, keeps
    // what the first has retired.
    person.account.retired_password = person.account.password.take().or(person.account.retired_password);
    // The stamp kills mailed codes, login links and known browsers; the count, links that confirm an address.
    person.account.security_stamp += 1;
    person.account.new_address = None;
    person.account.address_count += 1;
    person::save(work.tx, id, &person.account)?;
    // Without exception, also the session of whoever clicks: the link proves a mailbox, and which sessions are the
    // thief's is not known.
    sessions::end_all(work.tx, id, None)?;
    sessions::revoke_all(work.tx, id)?;
    // Every place is new again. After undoing a change of address, "this was not me" about the login before it still
    // works.
    sessions::forget_places(work.tx, id, is_login)?;
    remove_factors_since(work, &source, (id, since))?;
    // Recovery codes that were made since are known to whoever made them.
    factors::drop_codes_since(work.tx, id, since)?;
    factors::end_trusts(work.tx, id)?;
    known_devices::forget(work.tx, id)?;
    // What was guessed against the old password says nothing about the new one.
    throttle::forget(work.tx, id)?;
    let (forgot, within) = (work.env.forgot_link(), work.env.config.tokens.reset_within);
    let letter = |link| Letter::TakenBack { link, within, forgot };
    // Last of all: the link is bound to the state that the lines above have written.
    forgot::send_link(work, &mut person, within, letter)?;
    links::spend(work.tx, work.moment, token)?;
    Ok(Recovered::Done)
}

/// Removes second factors that somebody else may have added: they would keep the owner out.
fn remove_factors_since(
    work: &mut Work<'_>,
    source: &Source,
    (account, since): (AccountId, Timestamp),
) -> Result<(), StoreError> {
    for (id, factor) in factors::confirmed(work.tx, account)? {
        if factor.created_at >= since {
            factors::remove(work.tx, account, id)?;
            work.audit_in_detail(source, Act::FactorRemoved, account, factor.kind().as_str())?;
        }
    }
    Ok(())
}
