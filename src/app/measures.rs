//! The appliance's measurements of itself, for monitoring.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::base::Timestamp;
use crate::mail::{self, MailState};
use crate::metrics::{Counter, DROPPED_MAILS, Exposition, Histogram, LOST_LOG_LINES, SampleKind};
use crate::store::StoreError;

use super::{App, Fault};
use crate::accounts::login_outcome::{FirstStep, LoginRefused};

/// The most mails that are counted; if more wait, this number is reported.
const MAX_MAILS_COUNTED: usize = 10_000;
/// Mails in memory at a time: each holds its whole text.
const MAILS_AT_A_TIME: usize = 100;

/// The counters.
#[derive(Debug, Default)]
pub struct Measures {
    logins: Logins,
    /// The time that commits took that changed something.
    pub commits: Histogram,
    /// Mails that a server accepted.
    pub mails_delivered: Counter,
    /// Attempts to deliver that failed, for now or for good.
    pub mails_refused: Counter,
    free_bytes: AtomicU64,
    certificate_ends_at: AtomicU64,
    renewals_failed: Counter,
    renewal_trouble: Mutex<Option<String>>,
}

#[derive(Debug, Default)]
struct Logins {
    done: Counter,
    refused: Counter,
    throttled: Counter,
    busy: Counter,
    failed: Counter,
}

impl Measures {
    /// Counts a login by its outcome. Why one was refused is for the audit log.
    pub(super) fn note_login(&self, ended: &Result<FirstStep, Fault>) {
        let counter = match ended {
            Ok(Ok(_)) => &self.logins.done,
            Ok(Err(LoginRefused::TooMany(_))) | Err(Fault::TooManyAttempts(_)) => &self.logins.throttled,
            Ok(Err(_)) => &self.logins.refused,
            Err(Fault::Busy) => &self.logins.busy,
            Err(_) => &self.logins.failed,
        };
        counter.add();
    }

    pub(super) fn note_free(&self, bytes: u64) {
        self.free_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Notes that a certificate was asked for, and why there is none.
    pub fn note_renewal(&self, trouble: Option<String>) {
        if trouble.is_some() {
            self.renewals_failed.add();
        }
        *self.renewal_trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// Returns why the last attempt to get a certificate failed.
    pub fn renewal_trouble(&self) -> Option<String> {
        self.renewal_trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns until when the present certificate is valid, if one is served.
    pub fn certificate_ends_at(&self) -> Option<Timestamp> {
        let seconds = self.certificate_ends_at.load(Ordering::Relaxed);
        (seconds > 0).then(|| Timestamp::from_seconds(seconds))
    }

    /// Notes until when the present certificate is valid.
    pub fn note_certificate(&self, ends_at: Timestamp) {
        self.certificate_ends_at.store(ends_at.seconds(), Ordering::Relaxed);
    }
}

impl App {
    /// Writes what was counted, and what can be counted now.
    pub async fn measure(&self, text: &mut Exposition) -> Result<(), StoreError> {
        let measures = &self.measures;
        text.family("logins_total", SampleKind::Counter, "Attempts to log in, by how they ended.");
        for (outcome, counter) in [
            ("done", &measures.logins.done),
            ("refused", &measures.logins.refused),
            ("throttled", &measures.logins.throttled),
            ("busy", &measures.logins.busy),
            ("failed", &measures.logins.failed),
        ] {
            text.sample("logins_total", &[("outcome", outcome)], counter.get());
        }
        text.family("hash_seconds", SampleKind::Histogram, "Seconds to hash a password, waiting included.");
        text.histogram("hash_seconds", &[], self.hasher.took());
        text.single(
            "hashes_waiting",
            SampleKind::Gauge,
            "Passwords that wait for a hashing thread.",
            self.hasher.waiting(),
        );
        text.family("commit_seconds", SampleKind::Histogram, "Seconds until a commit was durable.");
        text.histogram("commit_seconds", &[], &measures.commits);
        let size = std::fs::metadata(&self.env().config.store.path).map_or(0, |found| found.len());
        text.single("store_bytes", SampleKind::Gauge, "Size of the store's file.", size);
        let free = measures.free_bytes.load(Ordering::Relaxed);
        text.single("disk_free_bytes", SampleKind::Gauge, "Bytes that are free where the store is.", free);
        self.measure_mail(text).await?;
        let ends_at = measures.certificate_ends_at.load(Ordering::Relaxed);
        if ends_at > 0 {
            let help = "Until when the certificate is good that is served, as a Unix time.";
            text.single("certificate_expires_timestamp_seconds", SampleKind::Gauge, help, ends_at);
        }
        let help = "Lines of the log that could not be written, or were not read in time.";
        text.single("log_lines_lost_total", SampleKind::Counter, help, LOST_LOG_LINES.get());
        let help = "Mails, and requests for mails, that could not be read or put together.";
        text.single("mails_dropped_total", SampleKind::Counter, help, DROPPED_MAILS.get());
        let help = "Attempts to get a certificate from the authority that failed.";
        text.single("certificate_renewals_failed_total", SampleKind::Counter, help, measures.renewals_failed.get());
        let doubted = u8::from(self.time().state != crate::base::ClockState::Sure);
        text.single("clock_doubted", SampleKind::Gauge, "1 while the machine's clock is not believed.", doubted);
        Ok(())
    }

    async fn measure_mail(&self, text: &mut Exposition) -> Result<(), StoreError> {
        let mut states = Vec::new();
        let mut oldest: Option<Timestamp> = None;
        self.read(|view| {
            let mut after = None;
            while states.len() < MAX_MAILS_COUNTED {
                let mails = mail::list(view, after, MAILS_AT_A_TIME)?;
                for (_, mail) in &mails {
                    if matches!(mail.state, MailState::Queued | MailState::Sending) {
                        oldest = Some(oldest.map_or(mail.queued_at, |oldest| oldest.min(mail.queued_at)));
                    }
                    states.push(mail.state);
                }
                after = mails.last().map(|(id, _)| *id);
                if mails.len() < MAILS_AT_A_TIME {
                    break;
                }
            }
            Ok(())
        })
        .await?;
        text.family("outbox_mails", SampleKind::Gauge, "Mails in the outbox.");
        for state in MailState::ALL {
            let count = states.iter().filter(|found| *found == state).count();
            text.sample("outbox_mails", &[("state", state.as_str())], count);
        }
        let age = oldest.map_or(0, |queued_at| self.now().since(queued_at));
        text.single("outbox_oldest_seconds", SampleKind::Gauge, "How long the oldest mail has waited.", age);
        let delivered = self.measures.mails_delivered.get();
        text.single("mails_delivered_total", SampleKind::Counter, "Mails that a mail server took.", delivered);
        let refused = self.measures.mails_refused.get();
        text.single("mails_refused_total", SampleKind::Counter, "Attempts to deliver a mail that failed.", refused);
        Ok(())
    }
}
