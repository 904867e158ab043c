//! What keeps the appliance in order: limits, the audit log, keys, the clock, inspection.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::app::{DiskSpace, ProxyQuestion};
use crate::base::{ClockState, Timestamp};

use super::Webhook;

/// A rate limit that is in use.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct RateLimit {
    /// Its kind.
    pub kind: String,
    /// Whom it concerns, where that is known.
    pub who: Option<String>,
    /// The number of tries that are left.
    pub left: u32,
    /// The number of tries when it is full.
    pub of: u32,
    /// The time to wait until one passes, in seconds.
    pub next_in_seconds: u64,
    /// The time at which it is full again.
    pub full_at: Timestamp,
    /// The number of failures since the last success, where they are counted.
    pub failures_in_a_row: Option<u32>,
    /// Whether there were so many of them that nothing passes any more.
    pub out_of_use: bool,
}

/// Rate limits that were lifted.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct LiftedLimits {
    /// The number of them.
    pub lifted: usize,
}

/// A row of the audit log.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AuditRow {
    /// Its number.
    pub number: u64,
    /// The time of the act.
    pub at: Timestamp,
    /// Whether the clock was believed then.
    pub clock: ClockState,
    /// The act.
    pub act: String,
    /// Its outcome.
    pub outcome: String,
    /// Who acted.
    pub actor: String,
    /// What their account is called, unless it was deleted.
    pub actor_name: Option<String>,
    /// The id of what it was done to.
    pub subject: Option<String>,
    /// What that account is called, unless it was deleted.
    pub subject_name: Option<String>,
    /// The network address that it came from.
    pub network: Option<String>,
    /// What else is known of it.
    pub detail: Option<String>,
}

/// An attempt to log in.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct LoginTried {
    /// The time of it.
    pub at: Timestamp,
    /// Its outcome, in a word of the audit log.
    pub outcome: String,
    /// The network address that it came from.
    pub network: Option<String>,
}

/// A number of things, as far as they were counted.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Tally {
    /// How many were counted.
    pub count: usize,
    /// Whether there are more.
    pub more: bool,
}

/// The state of the appliance, for an administrator who looks in.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Overview {
    /// The version of the program.
    pub version: String,
    /// Accounts.
    pub accounts: Tally,
    /// Registrations that wait for approval.
    pub approvals: Tally,
    /// Mails that wait.
    pub mails_waiting: Tally,
    /// Mails that were given up.
    pub mails_failed: Tally,
    /// The time at which the certificate ends that is served, if we serve one.
    pub certificate_ends_at: Option<Timestamp>,
    /// The reason why the last attempt to get a certificate failed.
    pub certificate_trouble: Option<String>,
    /// The room on the disk.
    pub disk: DiskSpace,
    /// [`Inspection::WRITABLE`], or why nothing can be written.
    pub store: String,
    /// Workers whose step has taken far too long.
    pub stuck_workers: Vec<String>,
    /// The clock.
    pub clock: Clock,
    /// The time of the newest snapshot, if there is a folder for them.
    pub last_snapshot_at: Option<Timestamp>,
    /// Whether snapshots are taken by schedule.
    pub takes_snapshots: bool,
}

/// An audit log whose chain holds.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct VerifiedLog {
    /// True: a log that does not verify is a refusal.
    pub verified: bool,
    /// The number of rows.
    pub rows: u64,
    /// The number of the oldest row.
    pub first: u64,
    /// The number that the next row gets.
    pub next: u64,
}

/// An audit log that continues from where it ended when a backup was made.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct WitnessedLog {
    /// True: a log that does not is a refusal.
    pub verified: bool,
}

/// A new signing key.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct NewKey {
    /// True: a key that is not replaced is a refusal.
    pub rotated: bool,
    /// Whether all others were removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revoked: bool,
}

/// Bytes that follow the answer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Follows {
    /// What they are: a backup, or an export.
    pub follows: String,
}

/// The time that is believed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Clock {
    /// Whether the machine's clock is believed.
    pub state: ClockState,
    /// The machine's clock.
    pub wall: Timestamp,
    /// The time by which validity is judged.
    pub now: Timestamp,
    /// The highest time that was believed.
    pub floor: Timestamp,
}

/// Whether people can be served, for monitoring and health checks.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Readiness {
    /// [`Readiness::READY`] or [`Readiness::NOT_READY`].
    pub status: String,
    /// [`Inspection::WRITABLE`], or why nothing can be written.
    pub store: String,
    /// The room on the disk.
    pub disk: DiskSpace,
    /// Workers whose step has taken far too long.
    pub stuck_workers: Vec<String>,
    /// Whether the machine's clock is believed.
    pub clock: ClockState,
    /// "good", or why an authority gave no certificate.
    pub certificate: String,
}

impl Readiness {
    /// The word for a server that serves people.
    pub const READY: &str = "ready";
    /// The word for one that cannot.
    pub const NOT_READY: &str = "not_ready";

    /// Whether people can be served.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.status == Self::READY
    }
}

/// The state of a server, or of a store that none serves.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Inspection {
    /// The version of the program.
    pub version: String,
    /// The system user that it runs as, where that is known.
    pub user: Option<u32>,
    /// [`Inspection::WRITABLE`], or why nothing can be written.
    pub store: String,
    /// The number of records, if all can be read.
    pub records: Option<u64>,
    /// The reason why one cannot.
    pub damage: Option<String>,
    /// [`Inspection::WHOLE`], or what is wrong with the audit log.
    pub audit: String,
    /// The room on the disk.
    pub disk: DiskSpace,
    /// Workers whose step has taken far too long.
    pub stuck_workers: Vec<String>,
    /// The reason why an authority gave no certificate.
    pub certificate: Option<String>,
    /// The number of mails that were given up.
    pub failed_mails: usize,
    /// The webhooks of the configuration.
    pub webhooks: Vec<Webhook>,
    /// The clock.
    pub clock: Clock,
}

impl Inspection {
    /// The word for a store that can be written.
    pub const WRITABLE: &str = "writable";
    /// The word for an audit log whose chain holds.
    pub const WHOLE: &str = "whole";
}

/// How the request of a probe arrived.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Arrival {
    /// The peer that was connected.
    pub peer: IpAddr,
    /// The address that it comes from, as far as that is believed.
    pub network: IpAddr,
    /// The content of `X-Forwarded-For`.
    pub forwarded: Option<String>,
    /// The content of `Host`.
    pub host: String,
}

/// What came of the request of a probe.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Probed {
    /// How it arrived.
    pub arrival: Option<Arrival>,
    /// What a reverse proxy asked about it.
    pub question: Option<ProxyQuestion>,
}
