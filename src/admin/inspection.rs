//! An inspection of everything, for `gatelodge doctor`.

use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::app::{App, Fault};
use crate::export;
use crate::mail::{self, MailState};
use crate::store::{KeySpan, StoreError};

use super::Outcome;

/// The records read at a time.
const PAGE: usize = 500;

/// Returns the state of the server, or of the store if none runs.
pub(super) async fn inspect(app: &Arc<App>) -> Outcome {
    let health = app.health().await;
    let looking = Arc::clone(app);
    let looked = tokio::task::spawn_blocking(move || looking.read(|view| Ok((read_all(view), failed_mails(view)?))));
    let (records, failed) = looked.await.map_err(|_| Fault::Internal)??;
    let chain = super::log::verify(app).map_or_else(|refusal| refusal.message, |_| "whole".to_owned());
    let user = std::fs::metadata("/proc/self").map(|found| found.uid()).ok();
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "user": user,
        "store": health.store.as_ref().map_or_else(ToString::to_string, |()| "writable".to_owned()),
        "records": records.as_ref().ok(),
        "damage": records.err().map(|error| error.to_string()),
        "audit": chain,
        "disk": health.room.as_str(),
        "stuck_workers": health.stuck,
        "certificate": health.certificate,
        "failed_mails": failed,
        "webhooks": super::webhooks::list(app)?["items"],
        "clock": super::clock::describe(&app.clock_report()),
    }))
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

/// Returns how the request of the probe arrived.
pub(super) fn take_probe(app: &App) -> Value {
    app.take_probe().map_or(
        Value::Null,
        |arrival| json!({"peer": arrival.peer.to_string(), "network": arrival.network.to_string(), "forwarded": arrival.forwarded, "host": arrival.host}),
    )
}
