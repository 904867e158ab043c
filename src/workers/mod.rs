//! Background work that no request waits for. A worker is a step that can be repeated safely; one loop runs them all.

mod deliver_mail;
mod process_mail_requests;
mod renew_certificate;
mod send_texts;
mod settle_clock;
mod sum_up_notices;
mod sweep;
mod take_snapshot;
mod tell_administrators;
mod tell_webhooks;
mod watch_space;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::{App, Fault};
use crate::base::Seconds;
use crate::courier::CourierHandle;
use crate::tls::Certificates;

pub use deliver_mail::DeliverMail;
pub use process_mail_requests::ProcessMailRequests;
pub use renew_certificate::RenewCertificate;
pub use send_texts::SendTexts;
pub use settle_clock::SettleClock;
pub use sum_up_notices::SumUpNotices;
pub use sweep::{NoteSeen, Sweep};
pub use take_snapshot::TakeSnapshot;
pub use tell_administrators::TellAdministrators;
pub use tell_webhooks::TellWebhooks;
pub use watch_space::WatchSpace;

/// What follows a step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    /// Another step at once.
    Now,
    /// Another step after this pause, which nothing shortens.
    Rest(Duration),
    /// Another step after so many seconds, or when the worker is woken.
    After(Seconds),
}

/// Work that is repeated.
pub trait Worker: Send {
    /// Its name in the log.
    const NAME: &'static str;

    /// Does one piece of work.
    fn step(&mut self) -> impl Future<Output = Result<Next, Fault>> + Send;

    /// Completes when there may be something to do before the pause is over; never, by default.
    fn woken(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// Completes when nothing is under way any more. No step follows.
    fn finish(&mut self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// The pause after a step that failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A worker of any type, so that the loop is compiled once.
trait AnyWorker: Send {
    fn name(&self) -> &'static str;
    fn step(&mut self) -> Boxed<'_, Result<Next, Fault>>;
    fn woken(&self) -> Boxed<'_, ()>;
    fn finish(&mut self) -> Boxed<'_, ()>;
}

impl<W: Worker + Sync> AnyWorker for W {
    fn name(&self) -> &'static str {
        W::NAME
    }

    fn step(&mut self) -> Boxed<'_, Result<Next, Fault>> {
        Box::pin(Worker::step(self))
    }

    fn woken(&self) -> Boxed<'_, ()> {
        Box::pin(Worker::woken(self))
    }

    fn finish(&mut self) -> Boxed<'_, ()> {
        Box::pin(Worker::finish(self))
    }
}

/// Runs a worker until `stop`, stopping between steps and never within one.
async fn run(app: Arc<App>, mut worker: Box<dyn AnyWorker>, stop: CancellationToken) {
    let name = worker.name();
    let pulse = app.pulse(name);
    while !stop.is_cancelled() {
        pulse.begin(app.uptime());
        let done = worker.step().await;
        pulse.rest();
        let (pause, may_be_woken) = match done {
            Ok(Next::Now) => continue,
            Ok(Next::Rest(pause)) => (pause, false),
            Ok(Next::After(seconds)) => (Duration::from_secs(seconds), true),
            Err(error) => {
                tracing::warn!(worker = name, %error, "a worker's step failed; it is tried again");
                (PAUSE_AFTER_FAILURE, true)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = worker.woken(), if may_be_woken => {}
            () = stop.cancelled() => {}
        }
    }
    worker.finish().await;
}

/// Starts all workers.
pub fn start(
    app: &Arc<App>,
    courier: Arc<CourierHandle>,
    certificates: Option<Arc<Certificates>>,
    stop: &CancellationToken,
) -> tokio::task::JoinSet<()> {
    let mut workers: Vec<Box<dyn AnyWorker>> = vec![
        Box::new(ProcessMailRequests::new(Arc::clone(app))),
        Box::new(DeliverMail::new(Arc::clone(app), Arc::clone(&courier))),
        Box::new(SendTexts::new(Arc::clone(app), Arc::clone(&courier))),
        Box::new(TellWebhooks::new(Arc::clone(app), Arc::clone(&courier))),
        Box::new(WatchSpace::new(Arc::clone(app))),
        Box::new(SettleClock::new(Arc::clone(app))),
        Box::new(NoteSeen::new(Arc::clone(app))),
        Box::new(Sweep::new(Arc::clone(app))),
        Box::new(SumUpNotices::new(Arc::clone(app))),
        Box::new(TellAdministrators::new(Arc::clone(app))),
        Box::new(TakeSnapshot::new(Arc::clone(app))),
    ];
    if let Some(certificates) = certificates {
        workers.push(Box::new(RenewCertificate::new(Arc::clone(app), courier, certificates)));
    }
    let mut running = tokio::task::JoinSet::new();
    for worker in workers {
        running.spawn(run(Arc::clone(app), worker, stop.clone()));
    }
    running
}
