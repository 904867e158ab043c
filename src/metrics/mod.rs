//! Counters and timings, and the text form in which monitoring reads them (Prometheus text exposition format 0.0.4).

mod per_thread;

use std::fmt::{Display, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use per_thread::PerThread;

/// A counter since the start of the process.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

/// Lines of the log that could not be written, or were not read in time. The process has one log.
pub static LOST_LOG_LINES: Counter = Counter(AtomicU64::new(0));

/// Mails, and requests for mails, that could not be read or put together. The process has one outbox.
pub static DROPPED_MAILS: Counter = Counter(AtomicU64::new(0));

impl Counter {
    /// Adds `more`.
    pub fn add_many(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Adds one.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the count.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Durations, sorted into buckets.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [Counter; BOUNDS.len() + 1],
    micros: AtomicU64,
}

/// The buckets' upper bounds, and how they are written, in seconds.
const BOUNDS: [(Duration, &str); 12] = [
    (Duration::from_micros(100), "0.0001"),
    (Duration::from_micros(500), "0.0005"),
    (Duration::from_millis(1), "0.001"),
    (Duration::from_millis(5), "0.005"),
    (Duration::from_millis(10), "0.01"),
    (Duration::from_millis(25), "0.025"),
    (Duration::from_millis(50), "0.05"),
    (Duration::from_millis(100), "0.1"),
    (Duration::from_millis(250), "0.25"),
    (Duration::from_millis(500), "0.5"),
    (Duration::from_secs(1), "1"),
    (Duration::from_secs(5), "5"),
];

impl Histogram {
    /// Notes a duration.
    pub fn note(&self, took: Duration) {
        let bucket = BOUNDS.iter().position(|(bound, _)| took <= *bound).unwrap_or(BOUNDS.len());
        self.buckets[bucket].add();
        self.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Adds everything that another histogram has noted.
    pub fn add_all(&self, other: &Self) {
        for (bucket, more) in self.buckets.iter().zip(&other.buckets) {
            bucket.add_many(more.get());
        }
        self.micros.fetch_add(other.micros.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Returns the number of durations noted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(Counter::get).sum()
    }
}

/// The kind of a family of samples.
#[derive(Clone, Copy, Debug)]
pub enum SampleKind {
    /// Only rises while the process lives.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Cumulative buckets.
    Histogram,
}

/// The text that monitoring reads (the exposition format of Prometheus), built family by family.
#[derive(Debug, Default)]
pub struct Exposition(String);

impl Exposition {
    /// Begins a family; its samples follow. Every name begins with `gatelodge_`.
    pub fn family(&mut self, name: &str, kind: SampleKind, help: &str) {
        let kind = match kind {
            SampleKind::Counter => "counter",
            SampleKind::Gauge => "gauge",
            SampleKind::Histogram => "histogram",
        };
        let _ = writeln!(self.0, "# HELP gatelodge_{name} {help}\n# TYPE gatelodge_{name} {kind}");
    }

    /// Adds a sample. Labels and their values are ours: they need no escaping.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let _ = writeln!(self.0, "gatelodge_{name}{} {value}", braced(labels));
    }

    /// Adds a family of one sample without labels.
    pub fn single(&mut self, name: &str, kind: SampleKind, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    /// Adds the samples of a histogram.
    pub fn histogram(&mut self, name: &str, labels: &[(&str, &str)], histogram: &Histogram) {
        let mut below = 0;
        for ((_, bound), bucket) in BOUNDS.iter().zip(&histogram.buckets) {
            below += bucket.get();
            self.sample(&format!("{name}_bucket"), &[labels, &[("le", bound)]].concat(), below);
        }
        let count = histogram.count();
        self.sample(&format!("{name}_bucket"), &[labels, &[("le", "+Inf")]].concat(), count);
        let micros = histogram.micros.load(Ordering::Relaxed);
        let sum = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        self.sample(&format!("{name}_sum"), labels, sum);
        self.sample(&format!("{name}_count"), labels, count);
    }

    /// Returns the whole text.
    #[must_use]
    pub fn finish(self) -> String {
        self.0
    }
}

fn braced(labels: &[(&str, &str)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    format!("{{{}}}", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_is_cumulative_and_has_a_sum() {
        let histogram = Histogram::default();
        for millis in [1, 1, 7, 20_000] {
            histogram.note(Duration::from_millis(millis));
        }
        let mut text = Exposition::default();
        text.family("commit_seconds", SampleKind::Histogram, "How long.");
        text.histogram("commit_seconds", &[("kind", "a")], &histogram);
        let text = text.finish();
        for line in [
            "# TYPE gatelodge_commit_seconds histogram",
            "gatelodge_commit_seconds_bucket{kind=\"a\",le=\"0.0005\"} 0",
            "gatelodge_commit_seconds_bucket{kind=\"a\",le=\"0.001\"} 2",
            "gatelodge_commit_seconds_bucket{kind=\"a\",le=\"0.01\"} 3",
            "gatelodge_commit_seconds_bucket{kind=\"a\",le=\"5\"} 3",
            "gatelodge_commit_seconds_bucket{kind=\"a\",le=\"+Inf\"} 4",
            "gatelodge_commit_seconds_sum{kind=\"a\"} 20.009000",
            "gatelodge_commit_seconds_count{kind=\"a\"} 4",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
