//! Webhooks: other programs are told what happens. The audit log is their queue: each webhook has a position in it, and
//! moves on when its server has accepted the event that stands there. So nothing is sent that did not happen, nothing
//! is left out, and sending costs the caller nothing.

mod events;
mod signature;

use serde_json::{Value, json};

use crate::accounts::{Work, person, registration};
use crate::audit::{self, Act, Actor, Entry, Row, Source, Subject, SubjectKind};
use crate::base::{AccountId, DAY, HOUR, MINUTE, Moment, NodeId, RegistrationId, Seconds, Timestamp};
use crate::config::{HookEvent, Webhook};
use crate::crypto::base64url;
use crate::store::{Direction, Key, Snapshot, StoreError, Table, record, schema};

pub use events::{WebhookEvent, word};
pub use signature::{Signer, Unusable};

/// The progress of a webhook.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Progress {
    /// The number of the last row of the audit log that is done with.
    pub after: u64,
    /// The number of failed attempts at the next one.
    pub attempts: u32,
    /// When it is tried next.
    pub due_at: Timestamp,
    /// The outcome of the last attempt, if it failed.
    pub last_error: Option<String>,
    /// The number of events that were accepted.
    pub delivered: u64,
    /// The number of events that were given up.
    pub given_up: u64,
    /// When an event was last accepted.
    pub delivered_at: Option<Timestamp>,
}
record!(Progress, version 1, { after, attempts, due_at, last_error, delivered, given_up, delivered_at });

/// A webhook, and the node whose log it is told of: each node tells its own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Position {
    name: String,
    node: NodeId,
}

impl Key for Position {
    fn put(&self, out: &mut Vec<u8>) {
        self.name.put(out);
        self.node.put(out);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        Some(Self { name: Key::take(input)?, node: Key::take(input)? })
    }

    fn key_to_json(&self) -> Value {
        json!([self.name, self.node.key_to_json()])
    }

    fn key_from_json(shown: &Value) -> Option<Self> {
        // An export of before there could be several nodes names none.
        if let Some(name) = String::key_from_json(shown) {
            return Some(Self { name, node: NodeId::ONE });
        }
        let (name, node) = Key::key_from_json(shown)?;
        Some(Self { name, node })
    }
}

pub(crate) const PROGRESS: Table<Position, Progress> = Table::at(schema::WEBHOOKS);

/// A webhook as this node tells it.
#[derive(Clone, Copy, Debug)]
pub struct Hook<'a> {
    /// Its name in the configuration.
    pub name: &'a str,
    /// What it is to be told of.
    pub settings: &'a Webhook,
    /// Whose log it is told of.
    pub node: NodeId,
}

/// Pauses after each failed attempt, in seconds; the last one repeats.
const PAUSES: [Seconds; 6] = [10, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR];
/// Seconds after which an event that nobody accepted is given up.
pub const GIVE_UP_AFTER: Seconds = 4 * DAY;
/// Rows read at a time, and pages read in one step.
const PAGE: usize = 200;
const PAGES: usize = 10;

/// Gives every webhook of the configuration a place, at the present end of the log if it is new, and forgets the others.
pub fn take_places(work: &mut Work<'_>) -> Result<(), StoreError> {
    let (hooks, node) = (&work.env.config.webhooks, work.env.node);
    let known = places(work.tx, node)?;
    for name in known.iter().filter(|name| !hooks.contains_key(*name)) {
        PROGRESS.delete(work.tx, &Position { name: name.clone(), node })?;
    }
    let newest = audit::page(work.tx, node, None, Direction::Down, 1)?;
    let after = newest.first().map_or(0, |(number, _)| *number);
    for name in hooks.keys().filter(|name| !known.contains(name)) {
        PROGRESS.put(work.tx, &Position { name: name.clone(), node }, &Progress { after, ..Progress::default() })?;
    }
    Ok(())
}

/// Whether these are the webhooks that have their places.
pub fn are_placed(view: &dyn Snapshot, node: NodeId, names: &[&String]) -> Result<bool, StoreError> {
    Ok(places(view, node)?.iter().eq(names.iter().copied()))
}

/// The names of the webhooks that have a place in the log of a node.
fn places(view: &dyn Snapshot, node: NodeId) -> Result<Vec<String>, StoreError> {
    let known = PROGRESS.all(view, Direction::Up, usize::MAX)?;
    Ok(known.into_iter().filter(|(place, _)| place.node == node).map(|(place, _)| place.name).collect())
}

/// How far a webhook has come; none if it has no place yet.
pub fn progress(view: &dyn Snapshot, name: &str, node: NodeId) -> Result<Option<Progress>, StoreError> {
    PROGRESS.get(view, &Position { name: name.to_owned(), node })
}

/// What comes next for a webhook.
#[derive(Clone, Debug)]
pub enum Upcoming {
    /// This event, now.
    Event(Box<WebhookEvent>),
    /// An event, at this time: the last attempt failed.
    Later(Timestamp),
    /// Nothing up to this row.
    Nothing(u64),
    /// Nothing up to this row, and there are more.
    More(u64),
}

/// Finds what a webhook is to be told next, behind row `seen` if it was looked at that far before.
pub fn upcoming(view: &dyn Snapshot, hook: Hook<'_>, seen: u64, now: Timestamp) -> Result<Upcoming, StoreError> {
    let Some(progress) = progress(view, hook.name, hook.node)? else { return Ok(Upcoming::Nothing(seen)) };
    if progress.attempts > 0 && now < progress.due_at {
        return Ok(Upcoming::Later(progress.due_at));
    }
    let mut after = progress.after.max(if progress.attempts > 0 { 0 } else { seen });
    for _ in 0..PAGES {
        let rows = audit::page(view, hook.node, Some(after), Direction::Up, PAGE)?;
        for (number, row) in &rows {
            if let Some(event) = events::of(&row.entry).filter(|event| hook.settings.wants(*event)) {
                return describe(view, *number, row, event).map(|event| Upcoming::Event(Box::new(event)));
            }
            after = *number;
        }
        if rows.len() < PAGE {
            return Ok(Upcoming::Nothing(after));
        }
    }
    Ok(Upcoming::More(after))
}

/// Whom an event is about.
enum About {
    User(AccountId),
    Registration(RegistrationId),
    Nobody,
}

fn about(view: &dyn Snapshot, entry: &Entry) -> Result<About, StoreError> {
    let Some(id) = entry.subject.id() else { return Ok(About::Nobody) };
    let (account, registration) = (AccountId::from_bytes(*id.bytes()), RegistrationId::from_bytes(*id.bytes()));
    Ok(match (entry.subject.kind(), &entry.actor) {
        (Some(SubjectKind::Account), _) => About::User(account),
        (Some(SubjectKind::Registration), _) => About::Registration(registration),
        // A thing of somebody's own, such as a token: the event is about its owner.
        (Some(_), Actor::Account(owner)) => About::User(*owner),
        (Some(_), _) => About::Nobody,
        // A row from before kinds were written: what has the id says what it is.
        (None, _) if person::load(view, account)?.is_some() => About::User(account),
        (None, _) if entry.act == Act::Registered || registration::find(view, registration)?.is_some() => {
            About::Registration(registration)
        }
        (None, _) => About::User(account),
    })
}

/// Describes an event, with the account as it is by now.
fn describe(view: &dyn Snapshot, number: u64, row: &Row, event: HookEvent) -> Result<WebhookEvent, StoreError> {
    let entry = &row.entry;
    // The row's own digest: the same at every attempt, so that receivers can drop a repetition.
    let id = base64url(&row.chained.0[..16]);
    let mut body = json!({"id": id, "event": word(event), "at": entry.at.to_string()});
    if !entry.network.is_empty() {
        body["network"] = entry.network.as_str().into();
    }
    if !entry.detail.is_empty() && matches!(event, HookEvent::GroupJoined | HookEvent::GroupLeft) {
        body["group"] = entry.detail.as_str().into();
    }
    match about(view, entry)? {
        About::User(id) => {
            let person = person::load(view, id)?;
            body["user"] = match &person {
                Some(person) => json!({
                    "id": id.to_string(),
                    "email": person.email.as_ref().map(|email| email.shown.as_str()),
                    "username": person.username.as_ref().map(|name| name.as_str()),
                }),
                None => json!({"id": id.to_string()}),
            };
        }
        About::Registration(id) => {
            let registration = registration::find(view, id)?;
            body["registration"] = match &registration {
                Some(registration) => json!({"id": id.to_string(), "email": registration.email.as_str()}),
                None => json!({"id": id.to_string()}),
            };
        }
        About::Nobody => {}
    }
    Ok(WebhookEvent { number, id, at: entry.at, body: body.to_string() })
}

/// Makes an event that an administrator sends to see whether it arrives.
#[must_use]
pub fn sample(moment: &mut Moment) -> WebhookEvent {
    let (id, at) = (base64url(&moment.bytes::<16>()), moment.now());
    WebhookEvent { number: 0, body: json!({"id": id, "event": "test", "at": at.to_string()}).to_string(), id, at }
}

/// The outcome of an attempt to send.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Told {
    /// The server accepted the event.
    Taken,
    /// It failed, and is tried again.
    Later(String),
    /// It failed for good.
    Never(String),
}

/// Records the outcome of an attempt. True if the event was given up.
pub fn note(work: &mut Work<'_>, (name, number, at): (&str, u64, Timestamp), told: &Told) -> Result<bool, StoreError> {
    let place = Position { name: name.to_owned(), node: work.env.node };
    let Some(mut progress) = PROGRESS.get(work.tx, &place)?.filter(|progress| progress.after < number) else {
        return Ok(false);
    };
    let now = work.earliest();
    let reason = match told {
        Told::Taken => {
            let delivered = progress.delivered + 1;
            let taken = Progress {
                after: number,
                attempts: 0,
                last_error: None,
                delivered,
                delivered_at: Some(now),
                ..progress
            };
            PROGRESS.put(work.tx, &place, &taken)?;
            return Ok(false);
        }
        Told::Later(reason) | Told::Never(reason) => reason,
    };
    let pause = PAUSES[(progress.attempts as usize).min(PAUSES.len() - 1)];
    progress.last_error = Some(reason.clone());
    let is_given_up = matches!(told, Told::Never(_)) || now.plus(pause).since(at) >= GIVE_UP_AFTER;
    if is_given_up {
        (progress.after, progress.attempts, progress.given_up) = (number, 0, progress.given_up + 1);
        work.audit_in_detail(&Source::appliance(), Act::WebhookGivenUp, Subject::NONE, &format!("{name} {number}"))?;
    } else {
        (progress.attempts, progress.due_at) = (progress.attempts + 1, now.plus(pause));
    }
    PROGRESS.put(work.tx, &place, &progress)?;
    Ok(is_given_up)
}

/// Has a webhook try again now. False if it has no place.
pub fn retry(work: &mut Work<'_>, name: &str) -> Result<bool, StoreError> {
    let place = Position { name: name.to_owned(), node: work.env.node };
    let Some(progress) = PROGRESS.get(work.tx, &place)? else { return Ok(false) };
    PROGRESS.put(work.tx, &place, &Progress { due_at: work.earliest(), ..progress })?;
    Ok(true)
}

/// Rows without an event for a webhook after which its position is written down.
pub const PASS_AFTER: u64 = 500;

/// Moves the place of a webhook that has nothing to be told up to this row: a start looks at few rows again, and events that are
/// asked for later are told from about then on.
pub fn pass(work: &mut Work<'_>, name: &str, number: u64) -> Result<(), StoreError> {
    let place = Position { name: name.to_owned(), node: work.env.node };
    match PROGRESS.get(work.tx, &place)?.filter(|progress| progress.attempts == 0 && progress.after < number) {
        Some(progress) => PROGRESS.put(work.tx, &place, &Progress { after: number, ..progress }),
        None => Ok(()),
    }
}

/// How many events wait for a webhook, counted up to `limit`.
pub fn waiting(view: &dyn Snapshot, hook: Hook<'_>, limit: usize) -> Result<usize, StoreError> {
    let Some(progress) = progress(view, hook.name, hook.node)? else { return Ok(0) };
    let (mut after, mut count) = (progress.after, 0);
    loop {
        let rows = audit::page(view, hook.node, Some(after), Direction::Up, PAGE)?;
        count += rows
            .iter()
            .filter(|(_, row)| events::of(&row.entry).is_some_and(|event| hook.settings.wants(event)))
            .count();
        match rows.last() {
            Some((number, _)) if rows.len() == PAGE && count < limit => after = *number,
            _ => return Ok(count.min(limit)),
        }
    }
}
