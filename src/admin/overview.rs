//! The state of the appliance at a glance. Nothing is counted further than people would read.

use std::sync::Arc;

use crate::accounts::{approvals, person};
use crate::app::App;
use crate::config::Config;
use crate::mail::{self, MailState};
use crate::store::{Snapshot, StoreError};

use super::answers::{Inspection, Overview, Tally};
use super::{Refusal, clock};

/// How far things are counted.
const COUNTED: usize = 1000;
/// Mails in memory at a time: each holds its whole text.
const MAILS_AT_A_TIME: usize = 100;

fn tally(found: usize) -> Tally {
    Tally { count: found.min(COUNTED), more: found > COUNTED }
}

pub(super) async fn show(app: &Arc<App>) -> Result<Overview, Refusal> {
    let health = app.health().await;
    let env = app.env();
    let (accounts, waiting, (mails_waiting, mails_failed)) = app
        .read(|view| {
            Ok((
                person::count(view, COUNTED + 1)?,
                approvals::waiting(view, None, COUNTED + 1)?.0.len(),
                count_mails(view)?,
            ))
        })
        .await?;
    Ok(Overview {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        accounts: tally(accounts),
        approvals: tally(waiting),
        mails_waiting,
        mails_failed,
        certificate_ends_at: app.measures.certificate_ends_at(),
        certificate_trouble: health.certificate,
        disk: health.room,
        store: health.store.map_or_else(|error| error.to_string(), |()| Inspection::WRITABLE.to_owned()),
        stuck_workers: health.stuck.into_iter().map(str::to_owned).collect(),
        clock: clock::describe(&app.clock_report()),
        last_snapshot_at: app.last_snapshot_at(&env.config.backup),
        takes_snapshots: env.config.backup.directory.is_some(),
    })
}

/// Counts mails that wait, and mails that failed, among the first ones.
fn count_mails(view: &dyn Snapshot) -> Result<(Tally, Tally), StoreError> {
    let (mut waiting, mut failed, mut after, mut seen) = (0, 0, None, 0);
    let more = loop {
        let mails = mail::list(view, after, MAILS_AT_A_TIME)?;
        failed += mails.iter().filter(|(_, mail)| mail.state == MailState::Failed).count();
        waiting += mails.iter().filter(|(_, mail)| mail.state != MailState::Failed).count();
        seen += mails.len();
        after = mails.last().map(|(id, _)| *id);
        if mails.len() < MAILS_AT_A_TIME {
            break false;
        }
        if seen >= COUNTED {
            break true;
        }
    };
    Ok((Tally { count: waiting, more }, Tally { count: failed, more }))
}

/// Shows the configuration in force, with the secrets in URLs masked; all others are in files, whose names alone it
/// holds.
pub(super) fn configuration(config: &Config) -> Result<serde_json::Value, Refusal> {
    config.in_force().map_err(|error| Refusal::failed(crate::texts::refusal::reason(error), None))
}
