//! An owner takes their account back: "this was not me" after a login, and undoing a change of address. The links stand in
//! the mails that tell of them, work for a week whatever a thief changes meanwhile, and lead to a new password by mail.

use crate::audit::{Act, Source};
use crate::base::{AccountId, DAY, EmailAddress, Id, Seconds, Timestamp};
use crate::config::{Config, LoginNotices, Span};
use crate::crypto::{Opened, Purpose, TokenFault};
use crate::factors;
use crate::mail::Letter;
use crate::sessions::{self, Carrier, Client, Novelty};
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, record, schema};
use crate::throttle;

use super::person::{self, Person};
use super::{Env, Work, forgot, identity, known_devices, links, notices, second_step};

/// How long the links work.
const WITHIN: Span = Config::TAKE_BACK_WITHIN;

fn is_told(notices: LoginNotices, novelty: Novelty) -> bool {
    match notices {
        LoginNotices::DeviceOrNetwork => novelty.device || novelty.network,
        LoginNotices::Device => novelty.device,
        LoginNotices::Never => false,
    }
}

/// Marks the id of a change of address that can be undone.
pub enum OfFormerAddress {}

/// An address that was an account's until it was changed.
#[derive(Clone, Debug)]
pub struct FormerAddress {
    address: String,
    changed_at: Timestamp,
}
record!(FormerAddress, version 1, { address, changed_at });

/// Whose an address was, and until when it is kept for them.
#[derive(Clone, Debug)]
pub struct FormerOwner {
    account: AccountId,
    until: Timestamp,
}
record!(FormerOwner, version 1, { account, until });

pub(crate) const FORMER_OWNERS: Table<String, FormerOwner> = Table::at(schema::FORMER_OWNERS);

/// Whether an address is kept for whoever had it before, so that nobody else takes it without proving that it is theirs. A
/// thief who moved an account to another address could take the old one at once, and the owner's undo link would find it gone.
pub fn is_reserved(
    view: &(impl Snapshot + ?Sized),
    address: &EmailAddress,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(FORMER_OWNERS.get(view, &address.canonical())?.is_some_and(|former| now < former.until))
}

pub(crate) const FORMER: Table<(AccountId, Id<OfFormerAddress>), FormerAddress> = Table::at(schema::FORMER_ADDRESSES);

/// Changes of address that can be undone at a time; of more only the oldest, which are the owner's.
const MAX_FORMER: usize = 10;

/// Notes a login, and tells the owner of one from a place that is new, or else of one with a second factor.
pub(super) fn note_login(
    work: &mut Work<'_>,
    person: &Person,
    (client, carrier, methods): (&Client, Carrier, &[&str]),
) -> Result<(), StoreError> {
    let now = work.now();
    let knows_browser =
        !carrier.is_bearer() && known_devices::of_client(work.tx, work.env, person.id, client, now)?.is_some();
    let came = (now, client.network.as_str(), client.agent.as_str());
    let (note, novelty) = sessions::note_login(work.tx, &work.env.seal, person.id, came, knows_browser)?;
    if !is_told(work.env.config.login.notices, novelty) {
        let letter = second_step::notice_of_use(work.env, methods, now);
        return letter.map_or(Ok(()), |letter| notices::tell(work, person, &letter));
    }
    let link = not_me_link(work, person)?;
    let letter = Letter::NewLogin { at: note.at, network: note.network, device: note.device, link };
    notices::tell(work, person, &letter)
}

/// The link by which the owner takes an account back: "this was not me". It is for whoever reads the address that it is mailed to.
pub(super) fn not_me_link(work: &mut Work<'_>, person: &Person) -> Result<String, StoreError> {
    let address = person.verified_address().map(EmailAddress::canonical).unwrap_or_default();
    let [a, b, c] = not_me(work.tx, work.env, person.id)?;
    let state: [&[u8]; 4] = [&a, &b, &c, address.as_bytes()];
    work.signed_link("/not-me/", (Purpose::NotMe, *person.id.bytes()), &state, WITHIN)
}

/// Whether a link was mailed to an address that is the account's, or was until somebody changed it. One that a thief had mailed to
/// their own is dead once the owner has the account back.
fn is_bound_to_an_address(
    view: &dyn Snapshot,
    env: &Env,
    opened: &Opened<'_>,
    person: &Person,
) -> Result<bool, StoreError> {
    let [a, b, c] = not_me(view, env, person.id)?;
    let is_bound = |address: &str| opened.is_bound_to(&[&a[..], &b, &c, address.as_bytes()]);
    if person.verified_address().is_some_and(|address| is_bound(&address.canonical())) {
        return Ok(true);
    }
    let former = FORMER.under(view, &person.id, Direction::Up, MAX_FORMER)?;
    Ok(former
        .iter()
        .filter_map(|(_, former)| EmailAddress::parse(&former.address).ok())
        .any(|it| is_bound(&it.canonical())))
}

type State = [Vec<u8>; 3];

fn parts(state: &State) -> [&[u8]; 3] {
    [&state[0], &state[1], &state[2]]
}

/// What "this was not me" is bound to besides the address: nothing that a thief can change.
fn not_me(view: &(impl Snapshot + ?Sized), env: &Env, account: AccountId) -> Result<State, StoreError> {
    let count = sessions::logins_of(view, account)?.taken_back.to_be_bytes();
    Ok([env.generation.to_vec(), account.bytes().to_vec(), count.to_vec()])
}

fn undoing(env: &Env, account: AccountId, id: Id<OfFormerAddress>) -> State {
    [env.generation.to_vec(), account.bytes().to_vec(), id.bytes().to_vec()]
}

/// Keeps the address that was changed, and signs the link that brings it back.
pub(super) fn keep_address(
    work: &mut Work<'_>,
    (account, old): (AccountId, &EmailAddress),
) -> Result<Option<String>, StoreError> {
    if FORMER.under(work.tx, &account, Direction::Up, MAX_FORMER)?.len() == MAX_FORMER {
        return Ok(None);
    }
    let (id, changed_at) = (Id::draw(work.moment), work.now());
    FORMER.put(work.tx, &(account, id), &FormerAddress { address: old.as_str().to_owned(), changed_at })?;
    let until = changed_at.plus(WITHIN.seconds());
    FORMER_OWNERS.put(work.tx, &old.canonical(), &FormerOwner { account, until })?;
    let (state, what) = (undoing(work.env, account, id), (Purpose::UndoAddress, *account.bytes()));
    work.signed_link("/email/undo/", what, &parts(&state), WITHIN).map(Some)
}

/// Whose account a link takes back.
#[derive(Clone, Debug)]
pub struct Owned {
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
) -> Result<Result<Owned, TokenFault>, StoreError> {
    links::open(view, env, (token, &[Purpose::NotMe, Purpose::UndoAddress]), now, |opened| {
        let Some(person) = person::load(view, AccountId::from_bytes(opened.subject))? else { return Ok(None) };
        match opened.purpose {
            Purpose::NotMe => {
                let is_bound = is_bound_to_an_address(view, env, opened, &person)?;
                let told_at = opened.expires_at.minus(WITHIN.seconds());
                // Whoever came from one new place may have come from another before, and prepared.
                let since = sessions::logins_of(view, person.id)?
                    .strange_since
                    .map_or(told_at, |strange| strange.min(told_at).max(told_at.minus(FACTORS_BEFORE)));
                Ok(is_bound.then_some(Owned { person, address: None, changed_at: None, since }))
            }
            Purpose::UndoAddress => {
                for ((account, id), former) in FORMER.under(view, &person.id, Direction::Up, MAX_FORMER)? {
                    if opened.is_bound_to(&parts(&undoing(env, account, id))) {
                        let address = EmailAddress::parse(&former.address).ok();
                        let since = former.changed_at.minus(FACTORS_BEFORE);
                        return Ok(Some(Owned { person, address, changed_at: Some(former.changed_at), since }));
                    }
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    })
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum TakenBack {
    /// Nobody is in any more; a link to choose a new password is on its way.
    Done,
    /// The old address belongs to another account meanwhile.
    AddressTaken,
    /// The link does not work.
    Refused(TokenFault),
}

/// Ends every session and token, takes the password out of use, removes the second factors that were added since, brings the old
/// address back if the link says so, and mails a link to choose a new password.
pub fn take_back(work: &mut Work<'_>, token: &str, client: &Client) -> Result<TakenBack, StoreError> {
    let Owned { mut person, address, changed_at, since } = match look_up(work.tx, work.env, token, work.moment.now())? {
        Ok(owned) => owned,
        Err(fault) => return Ok(TakenBack::Refused(fault)),
    };
    let (id, source) = (person.id, client.owner_of(person.id));
    let is_login = address.is_none();
    if let Some(old) = address {
        if let Some(other) = identity::owner_of_email(work.tx, &old)?.filter(|owner| *owner != id) {
            // Whoever reads the link has the mailbox; an account that never proved it gives way.
            let has_proved = person::load(work.tx, other)?.is_some_and(|other| other.verified_address().is_some());
            if has_proved {
                return Ok(TakenBack::AddressTaken);
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
        drop_since(work.tx, id, changed_at.unwrap_or(since))?;
        FORMER_OWNERS.delete(work.tx, &old.canonical())?;
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
    Ok(TakenBack::Done)
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
            work.audit_in_detail(source, Act::FactorRemoved, account, factor.kind.word())?;
        }
    }
    Ok(())
}

/// With the address that was changed at `since` back, what was changed after it cannot be undone any more.
fn drop_since(tx: &mut dyn Transaction, account: AccountId, since: Timestamp) -> Result<(), StoreError> {
    for (key, former) in FORMER.under(tx, &account, Direction::Up, MAX_FORMER)? {
        if former.changed_at >= since {
            FORMER.delete(tx, &key)?;
            release_reserved(tx, account, &former.address)?;
        }
    }
    Ok(())
}

/// An address is no longer kept for this account.
fn release_reserved(tx: &mut dyn Transaction, account: AccountId, address: &str) -> Result<(), StoreError> {
    let Ok(address) = EmailAddress::parse(address) else { return Ok(()) };
    match FORMER_OWNERS.get(tx, &address.canonical())?.filter(|former| former.account == account) {
        Some(_) => FORMER_OWNERS.delete(tx, &address.canonical()),
        None => Ok(()),
    }
}

/// Forgets an account that is gone.
pub(super) fn forget(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    drop_since(tx, account, Timestamp::default())?;
    sessions::forget_logins(tx, account)
}

/// Removes up to `limit` addresses that cannot be brought back any more, looking at as many behind `after`. Returns where to go on,
/// or none at the end.
pub fn sweep(
    tx: &mut dyn Transaction,
    now: Timestamp,
    after: Option<(AccountId, Id<OfFormerAddress>)>,
    limit: usize,
) -> Result<Option<(AccountId, Id<OfFormerAddress>)>, StoreError> {
    let page = FORMER.page(tx, after.as_ref(), limit)?;
    for (key, former) in &page {
        if now >= former.changed_at.plus(WITHIN.seconds()) {
            FORMER.delete(tx, key)?;
            release_reserved(tx, key.0, &former.address)?;
        }
    }
    Ok((page.len() == limit).then(|| page.last().map(|(key, _)| *key)).flatten())
}
