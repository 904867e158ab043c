//! Rate limits: who has used theirs up, and lifting them.

use std::sync::Arc;

use crate::accounts::{Person, administer, attempt_limits, known_devices, person};
use crate::app::{App, Principal};
use crate::audit::{Act, Subject};
use crate::base::{AccountId, EmailAddress, Id, Identity};
use crate::sessions;
use crate::store::{Snapshot, StoreError};
use crate::texts::refusal;
use crate::throttle::{self, Bucket, Kind, Level, MAX_CONSECUTIVE, MailPurpose};

use MailPurpose::{Approval, Change, Confirm, Invite, Known, LogIn, Reset};

use super::answers::{LiftedLimits, Page, RateLimit};
use super::{MAX_ROWS, Refusal, Remedy, Wanted, parse};

/// Limits lifted in one transaction: each has a row, and a replicated store takes about a hundred at once.
const PER_STEP: usize = 90;

/// Those whose limits are lifted.
enum Whom {
    Everybody,
    Network(Vec<[u8; 16]>),
    Person(Box<Person>),
    /// A name without an account.
    Name(Identity),
}

pub(super) async fn list(app: &App, after: Option<String>, limit: usize) -> Result<Page<RateLimit>, Refusal> {
    let after = after.map(|text| parse(&text, Wanted::Place, read_place)).transpose()?;
    let limit = limit.clamp(1, MAX_ROWS);
    let (items, next) = app
        .read(|view| {
            let rows = throttle::all(view, after, limit)?;
            let next = rows.last().filter(|_| rows.len() == limit).map(|(bucket, _)| place(bucket));
            let items = rows
                .iter()
                .map(|(bucket, level)| Ok(describe(app, bucket, level, owner(view, bucket)?.as_ref())))
                .collect::<Result<Vec<Option<RateLimit>>, StoreError>>()?;
            Ok((items, next))
        })
        .await?;
    Ok(Page { items: items.into_iter().flatten().collect(), next })
}

/// Writes a bucket as a place in the list: kind and id.
fn place(bucket: &Bucket) -> String {
    format!("{}-{}", bucket.kind.number(), Id::<()>::from_bytes(bucket.id))
}

fn read_place(text: &str) -> Result<(Kind, [u8; 16]), ()> {
    let (kind, id) = text.split_once('-').ok_or(())?;
    let kind = kind.parse().ok().and_then(Kind::from_number).ok_or(())?;
    Ok((kind, *id.parse::<Id<()>>().map_err(|_| ())?.bytes()))
}

/// Returns the account of a bucket; that of an unknown name has none.
fn owner(view: &dyn Snapshot, bucket: &Bucket) -> Result<Option<Person>, StoreError> {
    if Kind::OF_ACCOUNTS.contains(&bucket.kind) {
        person::load(view, AccountId::from_bytes(bucket.id))
    } else {
        Ok(None)
    }
}

/// Describes a bucket; `None` if it is full again and says nothing.
fn describe(app: &App, bucket: &Bucket, level: &Level, owner: Option<&Person>) -> Option<RateLimit> {
    let (rate, now) = (bucket.kind.rate(&app.env().config.throttle), app.time().earlier);
    let is_out_of_use = attempt_limits::is_out_of_use(bucket, level);
    let left = level.left(rate, now);
    if left == rate.burst && !is_out_of_use {
        return None;
    }
    let who = owner.map(|person| {
        person.email.as_ref().map(|email| email.shown.clone()).or(person.username.as_ref().map(ToString::to_string))
    });
    Some(RateLimit {
        kind: bucket.kind.as_str().to_owned(),
        who: who.flatten().or((!bucket.shown.is_empty()).then(|| bucket.shown.clone())),
        left,
        of: rate.burst,
        next_in_seconds: level.wait(rate, now, 0),
        full_at: level.full_at,
        failures_in_a_row: bucket.kind.counts_in_a_row().then_some(level.failures.min(MAX_CONSECUTIVE)),
        out_of_use: is_out_of_use,
    })
}

pub(super) async fn lift(app: &Arc<App>, who: Option<String>, by: &Principal) -> Result<LiftedLimits, Refusal> {
    let whom = match &who {
        None => Whom::Everybody,
        Some(text) => read_whom(app, text).await?,
    };
    let (keys, subject, detail) = match &whom {
        Whom::Everybody => (all_keys(app).await?, Subject::NONE, "everything".to_owned()),
        Whom::Network(ids) => (network_keys(ids), Subject::NONE, who.clone().unwrap_or_default()),
        Whom::Person(person) => (person_keys(app, person).await?, person.id.into(), String::new()),
        Whom::Name(name) => (name_keys(app, name), Subject::NONE, "a name that nobody has".to_owned()),
    };
    let (mut lifted, mut steps) = (0, keys.chunks(PER_STEP).map(<[_]>::to_vec).peekable());
    // The last step writes it down: what was begun and not ended can be repeated. Where there is nothing, too.
    loop {
        let (some, source, detail) = (steps.next().unwrap_or_default(), by.source(), detail.clone());
        let is_last = steps.peek().is_none();
        let step = app.write_as(by, move |work| {
            let mut count = 0;
            for (kind, id) in &some {
                count += usize::from(throttle::lift(work.tx, *kind, *id)?);
            }
            if is_last {
                work.audit_in_detail(&source, Act::ThrottleLifted, subject, &detail)?;
            }
            Ok(count)
        });
        lifted += step.await?;
        if is_last {
            return Ok(LiftedLimits { lifted });
        }
    }
}

async fn read_whom(app: &App, text: &str) -> Result<Whom, Refusal> {
    let networks = attempt_limits::named_networks(text);
    if !networks.is_empty() {
        return Ok(Whom::Network(networks));
    }
    if let Some(person) = app.read(|view| administer::find(view, text)).await? {
        return Ok(Whom::Person(Box::new(person)));
    }
    match Identity::parse(text) {
        Identity::Nobody => {
            Err(Refusal::unknown(refusal::not_limited(format!("{text:?}")), None).with(Remedy::ListLimits))
        }
        name => Ok(Whom::Name(name)),
    }
}

async fn all_keys(app: &App) -> Result<Vec<(Kind, [u8; 16])>, StoreError> {
    let mut keys = Vec::new();
    loop {
        let page = app.read(|view| throttle::all(view, keys.last().copied(), MAX_ROWS)).await?;
        keys.extend(page.iter().map(|(bucket, _)| (bucket.kind, bucket.id)));
        if page.len() < MAX_ROWS {
            return Ok(keys);
        }
    }
}

fn network_keys(ids: &[[u8; 16]]) -> Vec<(Kind, [u8; 16])> {
    let kinds = [Kind::Network, Kind::WideNetwork, Kind::MailNetwork, Kind::MailWideNetwork, Kind::LinkNetwork];
    ids.iter().flat_map(|id| kinds.map(|kind| (kind, *id))).collect()
}

async fn person_keys(app: &App, person: &Person) -> Result<Vec<(Kind, [u8; 16])>, StoreError> {
    let email = person.email.as_ref().map(|email| email.address.clone());
    let (username, phone) =
        (person.username.clone().map(Identity::Username), person.phone.clone().map(Identity::Phone));
    let names = [email.clone().map(Identity::Email), username, phone];
    let mut keys: Vec<_> = Kind::OF_ACCOUNTS.into_iter().map(|kind| (kind, *person.id.bytes())).collect();
    keys.extend(names.iter().flatten().flat_map(|name| name_keys(app, name)));
    let of_sessions = app.read(|view| sessions::of_account(view, person.id)).await?;
    keys.extend(of_sessions.iter().map(|(_, session)| (Kind::Session, *session.id.bytes())));
    keys.extend(of_sessions.iter().map(|(_, session)| (Kind::SessionActs, *session.id.bytes())));
    let devices = app.read(|view| known_devices::of_account(view, person.id)).await?;
    keys.extend(devices.iter().flat_map(|device| [(Kind::Device, device.0), (Kind::DeviceLogins, device.0)]));
    Ok(keys)
}

fn name_keys(app: &App, name: &Identity) -> Vec<(Kind, [u8; 16])> {
    let mut keys: Vec<_> =
        attempt_limits::name_digest(&app.env(), name).into_iter().map(|digest| (Kind::Name, digest)).collect();
    if let Identity::Email(address) = name {
        keys.extend(mail_keys(app, address));
    }
    keys
}

fn mail_keys(app: &App, address: &EmailAddress) -> [(Kind, [u8; 16]); 7] {
    let digest = attempt_limits::address_digest(&app.env(), address);
    [Change, Confirm, Reset, Known, Approval, LogIn, Invite].map(|purpose| (Kind::MailAddress(purpose), digest))
}
