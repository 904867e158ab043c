//! Tells administrators by mail of what needs them, once a day at most.

use crate::audit::{self, Act};
use crate::base::{DAY, NodeId, Seconds, Timestamp, legible};
use crate::mail::Letter;
use crate::store::{self, Direction, Snapshot, StoreError};

use super::{Work, administrators};

/// Seconds between two such mails, at least.
const PAUSE: Seconds = DAY;
/// Administrators, at most, who are told.
const MAX_TOLD: usize = 20;
/// Rows of the audit log that are looked through for mails that were given up.
const MAX_VISITED: usize = 20_000;
/// Rows read at a time.
const PAGE: usize = 500;

/// What is wrong with the machine; what is wrong with mails stands in the audit log.
#[derive(Clone, Debug, Default)]
pub struct Troubles {
    /// Why the authority gave no certificate.
    pub certificate: Option<String>,
    /// Whether the disk is nearly full.
    pub disk_is_short: bool,
    /// Whether snapshots are overdue.
    pub snapshots_overdue: bool,
}

/// Mails the administrators what needs them, if something does and they were not told within a day. Returns whether
/// they were.
pub fn tell(work: &mut Work<'_>, troubles: &Troubles) -> Result<bool, StoreError> {
    let now = work.earliest();
    let told_at = store::administrators_told_at(work.tx)?;
    // A time from the future was noted while the clock was ahead.
    if !work.env.config.mail.admin_digest || told_at.is_some_and(|at| at <= now && now.since(at) < PAUSE) {
        return Ok(false);
    }
    let since = told_at.filter(|at| *at <= now).unwrap_or_else(|| now.minus(PAUSE));
    let failed_mails = given_up_since(work.tx, work.env.node, since)?;
    let Troubles { certificate, disk_is_short, snapshots_overdue } = troubles.clone();
    if failed_mails == 0 && certificate.is_none() && !disk_is_short && !snapshots_overdue {
        return Ok(false);
    }
    let letter = Letter::AttentionNeeded {
        failed_mails,
        // An authority wrote it: it hides nothing in a mail of ours, and has one line.
        certificate: legible(&certificate.unwrap_or_default()),
        disk_is_short,
        snapshots_overdue,
        link: work.env.config.site.url.link("/admin"),
    };
    for person in administrators::find_active(work.tx, work.env, |_| true, MAX_TOLD)? {
        if let Some(to) = person.verified_address() {
            work.mail(person.at(to), &letter)?;
        }
    }
    store::note_administrators_told(work.tx, now)?;
    Ok(true)
}

/// Counts the mails that were given up since then.
fn given_up_since(view: &dyn Snapshot, node: NodeId, since: Timestamp) -> Result<usize, StoreError> {
    let (mut count, mut after, mut visited) = (0, None, 0);
    while visited < MAX_VISITED {
        let rows = audit::page(view, node, after, Direction::Down, PAGE)?;
        let recent = rows.iter().take_while(|(_, row)| row.entry.at >= since);
        let acts: Vec<Act> = recent.map(|(_, row)| row.entry.act).collect();
        count += acts.iter().filter(|act| **act == Act::MailGivenUp).count();
        if acts.len() < PAGE {
            break;
        }
        after = rows.last().map(|(number, _)| *number);
        visited += PAGE;
    }
    Ok(count)
}
