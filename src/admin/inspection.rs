//! An inspection of everything, for `gatelodge doctor`.

use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use crate::app::{self, App, Fault, Health};
use crate::export;
use crate::mail::{self, MailState};
use crate::store::{KeySpan, StoreError};

use super::answers::{Arrival, Inspection, Probed, Readiness};
use super::{Refusal, clock, log, webhooks};

/// The records read at a time.
const PAGE: usize = 500;

/// Says whether people can be served, and what of it all is not as it should be.
#[must_use]
pub fn readiness(health: &Health) -> Readiness {
    let status = if health.is_ready() { Readiness::READY } else { Readiness::NOT_READY };
    Readiness {
        status: status.to_owned(),
        store: health.store.as_ref().map_or_else(ToString::to_string, |()| Inspection::WRITABLE.to_owned()),
        disk: health.room,
        stuck_workers: health.stuck.iter().map(|name| (*name).to_owned()).collect(),
        clock: health.clock,
        certificate: health.certificate.clone().unwrap_or_else(|| "good".to_owned()),
    }
}

/// Returns the state of the server, or of the store if none runs.
pub(super) async fn inspect(app: &Arc<App>) -> Result<Inspection, Refusal> {
    let health = app.health().await;
    let looking = Arc::clone(app);
    let looked =
        tokio::task::spawn_blocking(move || looking.read_blocking(|view| Ok((read_all(view), failed_mails(view)?))));
    let (records, failed) = looked.await.map_err(|_| Fault::Internal)??;
    let chain =
        log::verify(app).await.map_or_else(|refusal| refusal.message.in_english(), |_| Inspection::WHOLE.to_owned());
    let user = std::fs::metadata("/proc/self").map(|found| found.uid()).ok();
    Ok(Inspection {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        user,
        store: health.store.map_or_else(|error| error.to_string(), |()| Inspection::WRITABLE.to_owned()),
        records: records.as_ref().ok().copied(),
        damage: records.err().map(|error| error.to_string()),
        audit: chain,
        disk: health.room,
        stuck_workers: health.stuck.into_iter().map(str::to_owned).collect(),
        certificate: health.certificate,
        failed_mails: failed,
        webhooks: webhooks::list(app).await?.items,
        clock: clock::describe(&app.clock_report()),
    })
}

/// Decodes every record, and returns how many there are.
fn read_all(view: &dyn crate::store::Snapshot) -> Result<u64, StoreError> {
    let (mut count, mut span) = (0, KeySpan::prefix(&[]));
    loop {
        let pairs = view.scan(&span, crate::store::Direction::Up, PAGE)?;
        for pair in &pairs {
            // The exporter decodes every table, so a record that it cannot read is damaged or unknown.
            export::line(pair)?;
        }
        count += pairs.len() as u64;
        match pairs.last() {
            Some((key, _)) => span.from = std::ops::Bound::Excluded(key.clone()),
            None => return Ok(count),
        }
    }
}

fn failed_mails(view: &dyn crate::store::Snapshot) -> Result<usize, StoreError> {
    let (mut count, mut after) = (0, None);
    loop {
        let mails = mail::list(view, after, 100)?;
        count += mails.iter().filter(|(_, mail)| mail.state == MailState::Failed).count();
        match mails.last() {
            Some((id, _)) => after = Some(*id),
            None => return Ok(count),
        }
    }
}

/// Returns what came of the request of the probe.
pub(super) fn take_probe(app: &App) -> Probed {
    let app::ProbeResult { arrival, question } = app.take_probe();
    let shown = |app::Arrival { peer, network, forwarded, host }| Arrival { peer, network, forwarded, host };
    Probed { arrival: arrival.map(shown), question }
}
