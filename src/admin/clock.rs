//! The clock, for administrators.

use std::sync::Arc;

use crate::app::{App, ClockReport, Principal};
use crate::audit::{Act, Subject};

use super::Refusal;
use super::answers::Clock;

pub(super) fn describe(report: &ClockReport) -> Clock {
    Clock { state: report.reading.state, wall: report.wall, now: report.reading.later, floor: report.floor }
}

pub(super) async fn reset(app: &Arc<App>, by: &Principal) -> Result<Clock, Refusal> {
    let report = app.reset_clock().await?;
    let source = by.source();
    let noted = app.write_as(by, move |work| work.audit(&source, Act::ClockReset, Subject::NONE));
    noted.await?;
    Ok(describe(&report))
}
