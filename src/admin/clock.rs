//! The clock, for administrators.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::app::{App, ClockReport, Principal};
use crate::audit::{Act, Subject};

use super::Outcome;

pub(super) fn describe(report: &ClockReport) -> Value {
    json!({
        "state": report.reading.state.as_str(),
        "wall": report.wall.to_string(),
        "now": report.reading.later.to_string(),
        "floor": report.floor.to_string(),
    })
}

pub(super) async fn reset(app: &Arc<App>, by: &Principal) -> Outcome {
    let report = app.reset_clock().await?;
    let source = by.source();
    let noted = app.write_as(by, move |work| work.audit(&source, Act::ClockReset, Subject::NONE));
    noted.await?;
    Ok(describe(&report))
}
