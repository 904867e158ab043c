//! The audit log, for administrators.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::accounts::{administer, person};
use crate::app::App;
use crate::audit::{self, Act, Broken, Row};
use crate::base::{AccountId, NodeId, Timestamp};
use crate::store::{Direction, LogEnd, Snapshot, StoreError};
use crate::texts::{Text, refusal};

use super::answers::{AuditRow, LoginTried, Page, VerifiedLog, WitnessedLog};
use super::{AuditWanted, MAX_ROWS, Refusal, Wanted, named, parse, quoted};

/// The rows read at a time.
const PAGE: usize = 500;

/// The most rows that one answer looks at: a filter that hardly any row meets says where to go on.
const MAX_VISITED: usize = 20_000;

/// A filter, parsed.
struct Filter {
    act: Option<Act>,
    account: Option<AccountId>,
    network: Option<String>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    outcome: Option<String>,
}

impl Filter {
    async fn read(app: &App, wanted: &AuditWanted) -> Result<Self, Refusal> {
        let time = |text: &Option<String>| {
            let read = |text: &String| {
                parse(text, Wanted::PointInTime, |text| Timestamp::parse_or_ago(text, app.now()).ok_or(()))
            };
            text.as_ref().map(read).transpose()
        };
        let act = wanted.act.as_ref().map(|word| {
            Act::from_word(word).ok_or_else(|| {
                Refusal::invalid(refusal::not_an_act(format!("{word:?}")), refusal::one_of(Act::WORDS.join(", ")))
            })
        });
        let outcome = wanted.outcome.as_ref().map(|word| {
            let words = audit::Outcome::WORDS;
            let known = words.contains(&word.as_str()).then(|| word.clone());
            known.ok_or_else(|| {
                Refusal::invalid(refusal::not_an_outcome(format!("{word:?}")), refusal::one_of(words.join(", ")))
            })
        });
        Ok(Self {
            act: act.transpose()?,
            account: match &wanted.user {
                Some(user) => Some(account(app, user).await?),
                None => None,
            },
            network: wanted.network.as_deref().map(read_network).transpose()?,
            since: time(&wanted.since)?,
            until: time(&wanted.until)?,
            outcome: outcome.transpose()?,
        })
    }

    fn takes(&self, row: &Row) -> bool {
        let entry = &row.entry;
        let about = |id: AccountId| entry.subject.account() == Some(id) || entry.actor == audit::Actor::Account(id);
        self.act.is_none_or(|act| entry.act == act)
            && self.account.is_none_or(about)
            && self.network.as_ref().is_none_or(|network| entry.network == *network)
            && self.since.is_none_or(|since| entry.at >= since)
            && self.until.is_none_or(|until| entry.at < until)
            && self.outcome.as_ref().is_none_or(|outcome| entry.outcome.as_str() == outcome)
    }
}

/// Parses a network as the rows hold it.
fn read_network(text: &str) -> Result<String, Refusal> {
    text.parse::<IpAddr>()
        .map(|address| address.to_canonical().to_string())
        .map_err(|_| Refusal::invalid(refusal::not_a_network(quoted(text)), refusal::network_like()))
}

/// Finds an account. One that was deleted can still be named by its id.
async fn account(app: &App, user: &str) -> Result<AccountId, Refusal> {
    match app.read(|view| administer::find(view, user)).await? {
        Some(person) => Ok(person.id),
        None => user.parse().map_err(|_| named::unknown_account(user)),
    }
}

pub(super) async fn list(app: &App, wanted: &AuditWanted) -> Result<Page<AuditRow, u64>, Refusal> {
    let filter = Filter::read(app, wanted).await?;
    let limit = wanted.limit.clamp(1, MAX_ROWS);
    let direction = if wanted.oldest_first { Direction::Up } else { Direction::Down };
    let (mut found, mut after, mut visited): (Vec<(u64, Row)>, _, _) = (Vec::new(), wanted.after, 0);
    let node = app.env().node;
    let next = loop {
        let page = app.read(|view| audit::page(view, node, after, direction, PAGE)).await?;
        let is_last = page.len() < PAGE;
        after = page.last().map(|(number, _)| *number).or(after);
        found.extend(page.into_iter().filter(|(_, row)| filter.takes(row)));
        if found.len() > limit {
            found.truncate(limit);
            break found.last().map(|(number, _)| *number);
        }
        if is_last {
            break None;
        }
        visited += PAGE;
        if visited >= MAX_VISITED {
            break after;
        }
    };
    let names = app.read(|view| names_in(view, &found)).await?;
    Ok(Page { items: found.iter().map(|(number, row)| describe(*number, row, &names)).collect(), next })
}

/// Lists the attempts to log in to an account, newest first.
pub(super) async fn logins(
    app: &App,
    user: String,
    after: Option<u64>,
    limit: usize,
) -> Result<Page<LoginTried, u64>, Refusal> {
    let act = Some(Act::Login.as_str().to_owned());
    let wanted = AuditWanted { user: Some(user), act, after, limit, ..AuditWanted::default() };
    let Page { items, next } = list(app, &wanted).await?;
    let tried = |row: AuditRow| LoginTried { at: row.at, outcome: row.outcome, network: row.network };
    Ok(Page { items: items.into_iter().map(tried).collect(), next })
}

/// Returns the names of the accounts in the rows. A deleted one has none: nothing but its id was kept.
fn names_in(view: &dyn Snapshot, rows: &[(u64, Row)]) -> Result<BTreeMap<String, String>, StoreError> {
    let mut names = BTreeMap::new();
    for id in rows.iter().flat_map(|(_, row)| [actor_id(&row.entry.actor), row.entry.subject.account()]).flatten() {
        if !names.contains_key(&id.to_string())
            && let Some(person) = person::load(view, id)?
        {
            names.insert(id.to_string(), named::name_of(&person));
        }
    }
    Ok(names)
}

fn actor_id(actor: &audit::Actor) -> Option<AccountId> {
    match actor {
        audit::Actor::Account(id) => Some(*id),
        _ => None,
    }
}

fn describe(number: u64, row: &Row, names: &BTreeMap<String, String>) -> AuditRow {
    let entry = &row.entry;
    let name = |id: Option<AccountId>| id.and_then(|id| names.get(&id.to_string()).cloned());
    AuditRow {
        number,
        at: entry.at,
        clock: entry.clock,
        act: entry.act.as_str().to_owned(),
        outcome: entry.outcome.as_str().to_owned(),
        actor: entry.actor.to_string(),
        actor_name: name(actor_id(&entry.actor)),
        subject: entry.subject.id().map(|id| id.to_string()),
        subject_name: name(entry.subject.account()),
        network: Some(entry.network.clone()).filter(|network| !network.is_empty()),
        detail: Some(entry.detail.clone()).filter(|detail| !detail.is_empty()),
    }
}

/// Refuses a log that does not verify.
fn broken(what: Text) -> Refusal {
    Refusal::failed(what, refusal::log_broken_hint())
}

pub(super) async fn goes_on_from(app: &App, witness: &LogEnd) -> Result<WitnessedLog, Refusal> {
    let verdict = app.read(|view| audit::goes_on_from(view, app.env().chain(), witness)).await?;
    verdict.map_err(|what| broken(refusal::reason(what)))?;
    Ok(WitnessedLog { verified: true })
}

/// How the log was found, by the row that tells of it, as long as that is kept.
fn told_by(view: &dyn Snapshot, node: NodeId, number: u64) -> Result<Option<String>, StoreError> {
    let rows = audit::page(view, node, number.checked_sub(1), Direction::Up, 1)?;
    let row = rows.into_iter().find(|(found, _)| *found == number);
    Ok(row.map(|(_, row)| row.entry.detail))
}

pub(super) async fn verify(app: &App) -> Result<VerifiedLog, Refusal> {
    let env = app.env();
    let verdict = app
        .read(|view| match audit::verify(view, env.chain()) {
            Err(StoreError::Damaged(what)) => Ok(Err(refusal::log_row_unreadable(what))),
            Ok(Err(reason @ Broken::Before(number))) => Ok(Err(match told_by(view, env.node, number)? {
                Some(detail) => refusal::log_broken_as_told(reason, detail),
                None => refusal::reason(reason),
            })),
            other => Ok(other?.map_err(refusal::reason)),
        })
        .await?;
    let audit::Verified { rows, first, next } = verdict.map_err(broken)?;
    Ok(VerifiedLog { verified: true, rows, first, next })
}
