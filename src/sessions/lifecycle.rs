//! The life of sessions: how they start, go on under new secrets, and end.

use crate::base::{AccountId, Moment, Seconds, SessionId, Timestamp, set_of};
use crate::config::Sessions as Settings;
use crate::crypto::{Bearer, BearerKind, Digest};
use crate::store::{Direction, StoreError, Transaction, next_after};

use super::epochs::{Endable, epoch_of, raise_epoch, raise_everybodys};
use super::session::{
    Carrier, MAX_SESSIONS, OF_ACCOUNT, SESSIONS, Session, find, is_present, of_account, remove, rows_of, secret_of,
    store,
};
use super::{Client, Method, api_tokens, refreshing};

/// Sessions that end one by one; of more the epoch ends them all, and the sweep removes their rows. It is few: what ends
/// sessions does much else in the same transaction.
const ONE_BY_ONE: usize = 4;

/// The data of a new session.
pub struct NewSession<'a> {
    /// The account it belongs to.
    pub account: AccountId,
    /// The way in which the client carries it.
    pub carrier: Carrier,
    /// The methods by which the person proved who they are.
    pub methods: &'a [Method],
    /// The client that logged in.
    pub client: &'a Client,
    /// The settings that say how long it lasts.
    pub settings: &'a Settings,
    /// Seconds for which an access token works, where a refresh token renews it.
    pub access: Seconds,
    /// The store's generation.
    pub generation: [u8; 16],
}

/// Starts a session. The secret is handed out here, once.
pub fn start(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    new: &NewSession<'_>,
) -> Result<(Bearer, Session), StoreError> {
    let secret = draw(new.carrier, moment);
    let now = moment.now();
    let lifetime = match new.carrier {
        Carrier::BrowserCookie => new.settings.browser,
        Carrier::KeptCookie => new.settings.absolute,
        Carrier::BearerToken | Carrier::RefreshedToken => new.settings.bearer_lifetime(),
    };
    let mut session = Session {
        id: SessionId::draw(moment),
        account: new.account,
        generation: new.generation,
        created_at: now,
        seen_at: now,
        idle: new.settings.idle.seconds(),
        ends_at: now.plus(lifetime.seconds()),
        carrier: new.carrier,
        proved_at: now,
        methods: set_of(new.methods.iter().copied()),
        network: new.client.network.to_string(),
        agent: new.client.agent.clone(),
        family: None,
        access_until: None,
        epoch: epoch_of(tx, new.account, Endable::Sessions)?,
    };
    make_room(tx, new.account)?;
    refreshing::begin(tx, &mut session, &secret, now.plus(new.access))?;
    store(tx, &secret, &session)?;
    Ok((secret, session))
}

/// Draws a secret for a session that is carried like this.
fn draw(carrier: Carrier, moment: &mut Moment) -> Bearer {
    match carrier {
        Carrier::RefreshedToken => Bearer::draw_family(moment),
        _ => Bearer::draw(BearerKind::Session, moment),
    }
}

/// Ends the sessions unused for longest where an account has as many as it may have. The rows of those that ended all at
/// once count until they are swept, and go first: so the rows of an account never grow beyond that number.
fn make_room(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    // The index alone shows whether there is room, as there nearly always is. A login is never refused for want of
    // room: a thief's sessions must not keep the owner out.
    if OF_ACCOUNT.under(tx, &account, Direction::Up, MAX_SESSIONS)?.len() < MAX_SESSIONS {
        return Ok(());
    }
    let (mut sessions, epoch) = (rows_of(tx, account)?, epoch_of(tx, account, Endable::Sessions)?);
    sessions.sort_unstable_by_key(|(_, session)| std::cmp::Reverse((session.epoch == epoch, session.seen_at)));
    sessions.iter().skip(MAX_SESSIONS - 1).try_for_each(|(digest, session)| remove(tx, *digest, session))
}

/// Gives a session a new secret (ASVS 5.0, 7.2.4); the old one, and every copy of it, opens nothing any more. `methods`
/// are those of a fresh proof; none leaves the last proof what it was. None if the session has ended.
pub fn renew(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    (account, id): (AccountId, SessionId),
    methods: &[Method],
    access: Seconds,
) -> Result<Option<(Bearer, Session)>, StoreError> {
    let Some(digest) = secret_of(tx, account, id)? else { return Ok(None) };
    let Some(mut session) = find(tx, digest)? else { return Ok(None) };
    let secret = draw(session.carrier, moment);
    if !methods.is_empty() {
        session.proved_at = moment.now();
        session.methods.extend(methods);
    }
    SESSIONS.delete(tx, &digest)?;
    refreshing::begin(tx, &mut session, &secret, moment.now().plus(access))?;
    store(tx, &secret, &session)?;
    Ok(Some((secret, session)))
}

/// Ends the session with this secret, if there is one.
pub fn end(tx: &mut dyn Transaction, digest: Digest) -> Result<(), StoreError> {
    find(tx, digest)?.map_or(Ok(()), |session| remove(tx, digest, &session))
}

/// Ends one session of an account by its id. False if the account has none of this id.
pub fn end_by_id(tx: &mut dyn Transaction, account: AccountId, id: SessionId) -> Result<bool, StoreError> {
    let Some(digest) = secret_of(tx, account, id)? else { return Ok(false) };
    end(tx, digest).map(|()| true)
}

/// Ends every session of an account, but for `kept`. Returns how many.
pub fn end_all(tx: &mut dyn Transaction, account: AccountId, kept: Option<SessionId>) -> Result<usize, StoreError> {
    let mut sessions = of_account(tx, account)?;
    let kept = sessions.iter().position(|(_, session)| Some(session.id) == kept).map(|at| sessions.swap_remove(at));
    if sessions.len() <= ONE_BY_ONE {
        sessions.iter().try_for_each(|(digest, session)| remove(tx, *digest, session))?;
        return Ok(sessions.len());
    }
    let epoch = raise_epoch(tx, account, Endable::Sessions)?;
    if let Some((digest, session)) = kept {
        SESSIONS.put(tx, &digest, &Session { epoch, ..session })?;
    }
    Ok(sessions.len())
}

/// Sessions counted at a time.
const PAGE: usize = 500;

/// Ends everybody's sessions, but for `kept`. Returns how many.
///
/// By one row, and not one after another: a refresh moves a session to another place in the table, and whoever refreshed
/// in a loop would slip past a walk through it.
pub fn end_everybodys(tx: &mut dyn Transaction, kept: Option<&Session>) -> Result<usize, StoreError> {
    let kept = kept.map(|kept| secret_of(tx, kept.account, kept.id)).transpose()?.flatten();
    let kept = kept.map(|digest| Ok((digest, find(tx, digest)?))).transpose()?;
    let (mut ended, mut after) = (0, None);
    loop {
        let page = SESSIONS.page(tx, after.as_ref(), PAGE)?;
        for (_, session) in &page {
            ended += usize::from(is_present(tx, session)?);
        }
        after = next_after(&page, PAGE);
        if after.is_none() {
            break;
        }
    }
    raise_everybodys(tx, Endable::Sessions)?;
    if let Some((digest, Some(session))) = kept {
        let epoch = epoch_of(tx, session.account, Endable::Sessions)?;
        SESSIONS.put(tx, &digest, &Session { epoch, ..session })?;
        ended -= 1;
    }
    Ok(ended)
}

/// Records when sessions and API tokens were last used. One that has ended meanwhile stays ended.
pub fn note_seen(tx: &mut dyn Transaction, seen: &[(Digest, Timestamp)]) -> Result<(), StoreError> {
    for (digest, seen_at) in seen {
        // Uses are collected and written later: the row must be there still, and its time never goes back.
        if let Some(session) = find(tx, *digest)?.filter(|session| session.seen_at < *seen_at) {
            SESSIONS.put(tx, digest, &Session { seen_at: *seen_at, ..session })?;
        }
        api_tokens::note_used(tx, *digest, *seen_at)?;
    }
    Ok(())
}

/// Removes sessions that are over, looking at up to `limit` behind `after`. Returns where to go on, or none at the end.
pub fn sweep(
    tx: &mut dyn Transaction,
    now: Timestamp,
    generation: &[u8; 16],
    after: Option<Digest>,
    limit: usize,
) -> Result<Option<Digest>, StoreError> {
    SESSIONS.sweep(tx, after.as_ref(), limit, |tx, digest, session| {
        if !session.is_alive(session.seen_at, now, generation) || !is_present(tx, session)? {
            remove(tx, *digest, session)?;
        }
        Ok(())
    })
}
