//! An owner takes their account back: "this was not me" after a login, and undoing a change of address. The links stand in
//! the mails that tell of them, work for a week whatever a thief changes meanwhile, and lead to a new password by mail.

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

/// How long the links work.
const WITHIN: Span = Config::TAKE_BACK_WITHIN;

/// Whose account a link takes back.
#[derive(Clone, Debug)]
pub struct RecoveryLink {
    /// The account, as it is now.
    pub person: Person,
    /// The address that it gets back; none for "this was not me".
    pub address: Option<EmailAddress>,
    /// When the address was changed, if that is undone.
    changed_at: Option<Timestamp>,
    /// Since when somebody else may have been in.
    since: Timestamp,
}

/// Seconds before a change of address, or a login that was not the owner's, for which second factors that were added count as the thief's: whoever prepares to take an
/// account adds their own before they move it.
const FACTORS_BEFORE: Seconds = 30 * DAY;

/// Looks a link up, of either kind, and changes nothing.
pub fn look_up(
    view: &dyn Snapshot,
    env: &Env,
    token: &str,
    now: Timestamp,
) -> Result<Result<RecoveryLink, TokenFault>, StoreError> {
    links::open(view, env, (token, &[Purpose::NotMe, Purpose::UndoAddress]), now, |opened| {
        let Some(person) = person::load(view, AccountId::from_bytes(opened.subject))? else { return Ok(None) };
        match opened.purpose {
            Purpose::NotMe => {
                let is_bound = recovery_link::is_bound(view, env, opened, &person)?;
                let told_at = opened.expires_at.minus(WITHIN.seconds());
                // Whoever came from one new place may have come from another before, and prepared.
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
    })
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Recovered {
    /// Nobody is in any more; a link to choose a new password is on its way.
    Done,
    /// The old address belongs to another account meanwhile.
    AddressTaken,
    /// The link does not work.
    Refused(TokenFault),
}

/// Ends every session and token, takes the password out of use, removes the second factors that were added since, brings the old
/// address back if the link says so, and mails a link to choose a new password.
pub fn recover(work: &mut Work<'_>, token: &str, client: &Client) -> Result<Recovered, StoreError> {
    let RecoveryLink { mut person, address, changed_at, since } =
        match look_up(work.tx, work.env, token, work.moment.now())? {
            Ok(owned) => owned,
            Err(fault) => return Ok(Recovered::Refused(fault)),
        };
    let (id, source) = (person.id, client.owner_of(person.id));
    let is_login = address.is_none();
    if let Some(old) = address {
        if let Some(other) = identity::owner_of_email(work.tx, &old)?.filter(|owner| *owner != id) {
            // Whoever reads the link has the mailbox; an account that never proved it gives way.
            let has_proved = person::load(work.tx, other)?.is_some_and(|other| other.verified_address().is_some());
            if has_proved {
                return Ok(Recovered::AddressTaken);
            }
            identity::release_email(work.tx, other)?;
            work.audit(&source, Act::AddressReleased, other)?;
        }
        let replaced = person.verified_address().cloned();
        identity::set_email(work.tx, id, &old, Some(work.moment.now()))?;
        work.audit(&source, Act::AddressRestored, id)?;
        if let Some(replaced) = replaced.filter(|replaced| *replaced != old) {
            let letter = Letter::AddressChanged { old: replaced.masked(), new: old.masked(), undo: String::new() };
            work.mail(&replaced, &letter)?;
        }
        former_addresses::forget_since(work.tx, id, changed_at.unwrap_or(since))?;
        former_addresses::restored(work.tx, &old)?;
        person = person::load(work.tx, id)?.ok_or(StoreError::Damaged("an account just read"))?;
    }
    work.audit(&source, Act::TakenBack, id)?;
    // Somebody else knows it: it is not chosen again, however handy it would be.
    person.account.retired_password = person.account.password.take().or(person.account.retired_password);
    person.account.security_stamp += 1;
    person.account.new_address = None;
    person.account.address_count += 1;
    person::save(work.tx, id, &person.account)?;
    sessions::end_all(work.tx, id, None)?;
    sessions::revoke_all(work.tx, id)?;
    // After a change of address was undone, "this was not me" about the login before it still works.
    sessions::forget_places(work.tx, id, is_login)?;
    remove_factors_since(work, &source, (id, since))?;
    // Recovery codes that were made since are known to whoever made them.
    factors::drop_codes_since(work.tx, id, since)?;
    factors::end_trusts(work.tx, id)?;
    known_devices::forget(work.tx, id)?;
    throttle::forget(work.tx, id)?;
    let (forgot, within) = (work.env.forgot_link(), work.env.config.tokens.reset_within);
    let letter = |link| Letter::TakenBack { link, within, forgot };
    forgot::send_link(work, (&mut person, within), letter)?;
    links::spend(work.tx, work.moment, token)?;
    Ok(Recovered::Done)
}

/// What somebody else added would keep the owner out.
fn remove_factors_since(
    work: &mut Work<'_>,
    source: &Source,
    (account, since): (AccountId, Timestamp),
) -> Result<(), StoreError> {
    for (id, factor) in factors::confirmed(work.tx, account)? {
        if factor.created_at >= since {
            factors::remove(work.tx, account, id)?;
            work.audit_in_detail(source, Act::FactorRemoved, account, factor.kind.as_str())?;
        }
    }
    Ok(())
}
