//! Sessions: who is logged in, on which device, until when. They survive restarts and end when they should.

mod agent;
mod api_tokens;
mod logins;
mod refreshing;

use std::collections::BTreeSet;

use crate::audit::Source;
use crate::base::{AccountId, Moment, SLACK, Seconds, SessionId, Timestamp, is_hidden, set_of};
use crate::config::Sessions as Settings;
use crate::crypto::{Bearer, BearerKind, Digest};
use crate::store::{Direction, Snapshot, StoreError, Table, Transaction, record, schema, words};

pub use agent::in_words as agent_in_words;
pub use api_tokens::{ApiToken, MAX_TOKENS, Scope, find_token, make, revoke, revoke_all, sweep_tokens, tokens_of};
pub(crate) use api_tokens::{TOKENS, TOKENS_OF};
pub(crate) use logins::LOGINS;
pub use logins::{LoginNote, Logins, Novelty, forget_logins, forget_places, logins_of, note_login};
pub(crate) use refreshing::FAMILIES;
pub use refreshing::{Refreshed, has_family, refresh};

words! {
    /// How a client carries its session.
    Carrier {
        /// A cookie that dies with the browser.
        BrowserCookie = 0 "browser-cookie",
        /// A cookie that is kept: "remember me".
        KeptCookie = 1 "kept-cookie",
        /// An `Authorization` header.
        BearerToken = 2 "bearer-token",
        /// An `Authorization` header that a refresh token renews every few minutes.
        RefreshedToken = 3 "refreshed-token",
    }
}

/// A login that lasts. The store keeps the digest of its secret, never the secret.
#[derive(Clone, Debug)]
pub struct Session {
    /// What lists and clients call it; it opens nothing.
    pub id: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// The store's generation: a restored backup revives no session.
    generation: [u8; 16],
    /// When the person logged in.
    pub created_at: Timestamp,
    /// When it was last used; may lag by some minutes.
    pub seen_at: Timestamp,
    /// Seconds it may be unused.
    pub idle: Seconds,
    /// When it ends in any case.
    pub ends_at: Timestamp,
    /// How the client carries it.
    pub carrier: Carrier,
    /// When the person last proved who they are.
    pub proved_at: Timestamp,
    /// By which methods.
    pub methods: BTreeSet<String>,
    /// Where the login came from.
    pub network: String,
    /// With which browser or program, as it calls itself.
    pub agent: String,
    /// The family of its refresh tokens, if it has any.
    family: Option<Digest>,
    /// When its present access token ends, if a refresh token renews it.
    pub access_until: Option<Timestamp>,
}
record!(Session, version 2, {
    id, account, generation, created_at, seen_at, idle, ends_at, carrier, proved_at, methods, network, agent,
}, since 2 { family, access_until });

impl Carrier {
    /// Whether a program carries it, not a browser's cookie.
    #[must_use]
    pub const fn is_bearer(self) -> bool {
        matches!(self, Self::BearerToken | Self::RefreshedToken)
    }
}

impl Session {
    /// Whether it still lets its holder in, given when it was last used.
    #[must_use]
    pub fn is_alive(&self, seen_at: Timestamp, now: Timestamp, generation: &[u8; 16]) -> bool {
        // One that was made while the clock was wrong by years does not live that long once the clock is right again.
        let has_begun = self.created_at <= now.plus(SLACK);
        has_begun
            && now < self.ends_at
            && now.since(seen_at.max(self.seen_at)) < self.idle
            && self.generation == *generation
    }

    /// Whether its secret still opens it: an access token ends before its session does.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.access_until.is_none_or(|until| now < until)
    }

    /// Seconds after which a use is worth writing down: often enough for the idle limit, rarely enough for an SD card.
    #[must_use]
    pub fn note_after(&self) -> Seconds {
        const MOST: Seconds = 5 * crate::base::MINUTE;
        (self.idle / 10).clamp(1, MOST)
    }
}

/// Who asks, and with what: for the list of sessions, the audit log and the limits on tries.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// The network address.
    pub network: String,
    /// The browser or program, as it calls itself; at most 200 characters are kept.
    pub agent: String,
    /// The cookie by which it shows who logged in with it before; it is read where it is judged.
    pub device: String,
    /// The cookie by which it shows whose trust it has; it is read where it is judged.
    pub trust: String,
}

impl Client {
    const MAX_AGENT_CHARS: usize = 200;

    /// Takes what the request says.
    #[must_use]
    pub fn new(network: String, agent: &str, device: &str) -> Self {
        let agent = agent.chars().filter(|c| !is_hidden(*c)).take(Self::MAX_AGENT_CHARS).collect();
        Self { network, agent, device: device.to_owned(), trust: String::new() }
    }

    /// With the cookie of a trusted browser.
    #[must_use]
    pub fn trusted_by(self, trust: &str) -> Self {
        Self { trust: trust.to_owned(), ..self }
    }

    /// Its user as somebody who has not proved who they are.
    #[must_use]
    pub fn anyone(&self) -> Source {
        Source::anyone(&self.network)
    }

    /// Its user as the owner of an account.
    #[must_use]
    pub fn owner_of(&self, account: AccountId) -> Source {
        Source::account(account, &self.network)
    }
}

pub(crate) const SESSIONS: Table<Digest, Session> = Table::at(schema::SESSIONS);
pub(crate) const OF_ACCOUNT: Table<(AccountId, SessionId), Digest> = Table::at(schema::SESSIONS_OF);

/// Sessions an account may have; a login beyond it ends the one that was unused longest.
pub const MAX_SESSIONS: usize = 100;

/// What a new session is made from.
pub struct NewSession<'a> {
    /// Whose it is.
    pub account: AccountId,
    /// How the client carries it.
    pub carrier: Carrier,
    /// How the person proved who they are.
    pub methods: &'a [&'a str],
    /// Where it comes from.
    pub client: &'a Client,
    /// How long it lasts.
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
        methods: set_of(new.methods.iter().map(|method| (*method).to_owned())),
        network: new.client.network.clone(),
        agent: new.client.agent.clone(),
        family: None,
        access_until: None,
    };
    make_room(tx, new.account)?;
    refreshing::begin(tx, &mut session, &secret, now.plus(new.access))?;
    store(tx, &secret, &session)?;
    Ok((secret, session))
}

fn draw(carrier: Carrier, moment: &mut Moment) -> Bearer {
    match carrier {
        Carrier::RefreshedToken => Bearer::draw_family(moment),
        _ => Bearer::draw(BearerKind::Session, moment),
    }
}

fn store(tx: &mut dyn Transaction, secret: &Bearer, session: &Session) -> Result<(), StoreError> {
    let digest = secret.access().digest();
    SESSIONS.put(tx, &digest, session)?;
    OF_ACCOUNT.put(tx, &(session.account, session.id), &digest)
}

fn make_room(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    // The index alone says whether there is room, as there nearly always is.
    if OF_ACCOUNT.under(tx, &account, Direction::Up, MAX_SESSIONS)?.len() < MAX_SESSIONS {
        return Ok(());
    }
    let mut sessions = of_account(tx, account)?;
    sessions.sort_unstable_by_key(|(_, session)| std::cmp::Reverse(session.seen_at));
    sessions.iter().skip(MAX_SESSIONS - 1).try_for_each(|(digest, session)| remove(tx, *digest, session))
}

/// The session whose secret has this digest, alive or not.
pub fn find(view: &dyn Snapshot, digest: Digest) -> Result<Option<Session>, StoreError> {
    SESSIONS.get(view, &digest)
}

/// The session of an account with this id, alive or not.
pub fn find_by_id(
    view: &(impl Snapshot + ?Sized),
    account: AccountId,
    id: SessionId,
) -> Result<Option<Session>, StoreError> {
    match OF_ACCOUNT.get(view, &(account, id))? {
        Some(digest) => SESSIONS.get(view, &digest),
        None => Ok(None),
    }
}

/// The session that `seen` has become by a refresh token, if that is why its secret opens nothing any more: the family of its
/// refresh tokens is the same, so nobody proved anything anew or was thrown out.
pub fn find_renewed(view: &dyn Snapshot, seen: &Session) -> Result<Option<Session>, StoreError> {
    let found = find_by_id(view, seen.account, seen.id)?;
    Ok(found.filter(|session| session.family.is_some() && session.family == seen.family))
}

/// The sessions of an account, dead ones too until they are swept.
pub fn of_account(view: &dyn Snapshot, account: AccountId) -> Result<Vec<(Digest, Session)>, StoreError> {
    let mut sessions = Vec::new();
    for (_, digest) in OF_ACCOUNT.under(view, &account, Direction::Up, MAX_SESSIONS + 1)? {
        sessions.extend(SESSIONS.get(view, &digest)?.map(|session| (digest, session)));
    }
    Ok(sessions)
}

/// Ends the session with this secret, if there is one.
pub fn end(tx: &mut dyn Transaction, digest: Digest) -> Result<(), StoreError> {
    SESSIONS.get(tx, &digest)?.map_or(Ok(()), |session| remove(tx, digest, &session))
}

/// Ends one session of an account by its id. False if the account has none of this id.
pub fn end_by_id(tx: &mut dyn Transaction, account: AccountId, id: SessionId) -> Result<bool, StoreError> {
    let Some(digest) = OF_ACCOUNT.get(tx, &(account, id))? else { return Ok(false) };
    end(tx, digest).map(|()| true)
}

/// Ends every session of an account, but for the one to be kept. Says how many.
pub fn end_all(tx: &mut dyn Transaction, account: AccountId, kept: Option<SessionId>) -> Result<usize, StoreError> {
    let mut ended = 0;
    for (digest, session) in of_account(tx, account)? {
        if Some(session.id) != kept {
            remove(tx, digest, &session)?;
            ended += 1;
        }
    }
    Ok(ended)
}

/// Ends sessions, whosever they are, but for the one to be kept, looking at up to `limit` behind `after`. Returns how many ended,
/// and where to go on, or none at the end.
pub fn end_some(
    tx: &mut dyn Transaction,
    kept: Option<SessionId>,
    after: Option<Digest>,
    limit: usize,
) -> Result<(usize, Option<Digest>), StoreError> {
    let (page, mut ended) = (SESSIONS.page(tx, after.as_ref(), limit)?, 0);
    for (digest, session) in page.iter().filter(|(_, session)| Some(session.id) != kept) {
        remove(tx, *digest, session)?;
        ended += 1;
    }
    Ok((ended, (page.len() == limit).then(|| page.last().map(|(digest, _)| *digest)).flatten()))
}

fn remove(tx: &mut dyn Transaction, digest: Digest, session: &Session) -> Result<(), StoreError> {
    SESSIONS.delete(tx, &digest)?;
    if let Some(family) = &session.family {
        FAMILIES.delete(tx, family)?;
    }
    OF_ACCOUNT.delete(tx, &(session.account, session.id))
}

/// The digest of the secret that opens a session, while it is there.
pub fn secret_of(
    view: &(impl Snapshot + ?Sized),
    account: AccountId,
    id: SessionId,
) -> Result<Option<Digest>, StoreError> {
    OF_ACCOUNT.get(view, &(account, id))
}

/// Gives a session a new secret (ASVS 5.0, 7.2.4); the old one, and every copy of it, opens nothing any more. `methods` are
/// those by which its holder proved anew who they are; none leaves its last proof what it was. None if it has ended.
pub fn renew(
    tx: &mut dyn Transaction,
    moment: &mut Moment,
    (account, id): (AccountId, SessionId),
    methods: &[&str],
    access: Seconds,
) -> Result<Option<(Bearer, Session)>, StoreError> {
    let Some(digest) = OF_ACCOUNT.get(tx, &(account, id))? else { return Ok(None) };
    let Some(mut session) = SESSIONS.get(tx, &digest)? else { return Ok(None) };
    let secret = draw(session.carrier, moment);
    if !methods.is_empty() {
        session.proved_at = moment.now();
        session.methods.extend(methods.iter().map(|method| (*method).to_owned()));
    }
    SESSIONS.delete(tx, &digest)?;
    refreshing::begin(tx, &mut session, &secret, moment.now().plus(access))?;
    store(tx, &secret, &session)?;
    Ok(Some((secret, session)))
}

/// Notes when sessions and API tokens were last used. One that has ended meanwhile stays ended.
pub fn note_seen(tx: &mut dyn Transaction, seen: &[(Digest, Timestamp)]) -> Result<(), StoreError> {
    for (digest, seen_at) in seen {
        if let Some(session) = SESSIONS.get(tx, digest)?.filter(|session| session.seen_at < *seen_at) {
            SESSIONS.put(tx, digest, &Session { seen_at: *seen_at, ..session })?;
        }
        api_tokens::note_used(tx, *digest, *seen_at)?;
    }
    Ok(())
}

/// Removes up to `limit` sessions that are over, looking at as many behind `after`.
/// Returns where to go on, or none at the end.
pub fn sweep(
    tx: &mut dyn Transaction,
    now: Timestamp,
    generation: &[u8; 16],
    after: Option<Digest>,
    limit: usize,
) -> Result<Option<Digest>, StoreError> {
    let page = SESSIONS.page(tx, after.as_ref(), limit)?;
    for (digest, session) in &page {
        if !session.is_alive(session.seen_at, now, generation) {
            remove(tx, *digest, session)?;
        }
    }
    Ok((page.len() == limit).then(|| page.last().map(|(digest, _)| *digest)).flatten())
}

/// How many sessions there are, counted up to `limit`.
pub fn count(view: &dyn Snapshot, limit: usize) -> Result<usize, StoreError> {
    Ok(SESSIONS.all(view, Direction::Up, limit)?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_calls_itself_is_kept_without_what_nobody_sees() {
        let agent = |text: &str| Client::new(String::new(), text, "").agent;
        assert_eq!(agent("Fire\u{202e}fox\u{200b}/1.0\n\u{e0041}"), "Firefox/1.0");
        assert_eq!(agent(&"x".repeat(300)).len(), 200);
    }
}
