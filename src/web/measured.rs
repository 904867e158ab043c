//! Metrics of requests: how many, how they were answered, and how long that took.

use std::time::Duration;

use crate::metrics::{Counter, Exposition, Histogram, PerThread, SampleKind};

use super::route::Route;
use super::status::STATUSES;

/// The counters of each route, and of requests that never reached one.
pub(super) struct Requests {
    routes: Vec<(&'static str, &'static str, PerThread<Counted>)>,
}

struct Counted {
    took: Histogram,
    by_status: [Counter; STATUSES.len()],
}

impl Default for Counted {
    fn default() -> Self {
        Self { took: Histogram::default(), by_status: std::array::from_fn(|_| Counter::default()) }
    }
}

impl Requests {
    /// Starts at zero.
    pub(super) fn new(routes: &'static [Route]) -> Self {
        let rows = routes.iter().map(|route| (route.method, route.path));
        Self { routes: rows.chain([("", "")]).map(|(method, path)| (method, path, PerThread::default())).collect() }
    }

    /// Counts an answer to the route of this number; the number behind the last stands for requests to none.
    pub(super) fn note(&self, number: usize, status: u16, took: Duration) {
        let Some((_, _, counted)) = self.routes.get(number) else { return };
        let counted = counted.mine();
        counted.took.note(took);
        if let Some(place) = STATUSES.iter().position(|known| *known == status) {
            counted.by_status[place].add();
        }
    }

    pub(super) fn write(&self, text: &mut Exposition) {
        let whole: Vec<_> = self.routes.iter().map(|(method, path, counted)| (method, path, whole(counted))).collect();
        let asked = || whole.iter().filter(|(_, _, counted)| counted.took.count() > 0);
        text.family("requests_total", SampleKind::Counter, "Requests, by route and status.");
        for (method, path, counted) in asked() {
            for (status, counter) in STATUSES.iter().zip(&counted.by_status).filter(|(_, counter)| counter.get() > 0) {
                let status = status.to_string();
                let labels = [("method", **method), ("route", **path), ("status", status.as_str())];
                text.sample("requests_total", &labels, counter.get());
            }
        }
        text.family("request_seconds", SampleKind::Histogram, "Seconds until a request was answered, by route.");
        for (method, path, counted) in asked() {
            text.histogram("request_seconds", &[("method", **method), ("route", **path)], &counted.took);
        }
    }
}

/// Returns the sum over all threads.
fn whole(counted: &PerThread<Counted>) -> Counted {
    let whole = Counted::default();
    for part in counted.parts() {
        whole.took.add_all(&part.took);
        for (sum, counter) in whole.by_status.iter().zip(&part.by_status) {
            sum.add_many(counter.get());
        }
    }
    whole
}
