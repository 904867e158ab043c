//! `gatelodge serve`: the only place where the parts are put together.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::base::{BUILD_DATE, Clock};
use crate::config::{Config, ConfigError, MailTransport, Reread, notes};
use crate::control;
use crate::courier::delivery::Outcome;
use crate::courier::{CallOptions, Courier, CourierHandle};
use crate::store::OpenedStore;
use crate::tls::Certificates;
use crate::web::Service;
use crate::web::server;
use crate::workers;

use super::Exit;
use super::common::Common;
use super::listening::{Bound, bind_all};
use super::logging;
use super::opening::{build, open_store};
use super::signals::Signals;
use super::supervisor::{self, InheritedSocket};
use super::surroundings::{self, Eyes};
use super::system_clock::SystemClock;

/// The most threads that answer requests. Hashing and writing have threads of their own.
const MAX_SERVING_THREADS: usize = 4;

/// The most threads for blocking work: name lookups, snapshots, backups that are read slowly, the doctor. A lookup
/// holds its thread until the resolver answers or gives up, ten seconds and more, even when nobody waits any longer;
/// with four threads one dead resolver for webhooks held up the mails. Idle threads end after ten seconds.
const MAX_BLOCKING_THREADS: usize = 24;

/// The time for workers to finish their step when the server stops: a mail server may be slow to answer.
const WORKERS_MAY_FINISH: Duration = Duration::from_secs(5);

/// The time for blocking work when the server stops, a name lookup for example, which nobody waits for any more: whoever
/// stops a container kills it after ten seconds.
const BLOCKING_MAY_FINISH: Duration = Duration::from_secs(1);

/// What differs between the ways of running the appliance.
pub(super) trait RunMode {
    /// Makes the courier for mails and requests.
    fn courier(&self, config: &Config) -> Result<Courier, Exit>;

    /// Reads the configuration again, on request.
    fn reread(&self, present: &Config) -> Result<Reread, ConfigError>;

    /// Returns what to do when a port is taken by another program.
    fn another_port(&self) -> &'static str {
        "choose another port in [listen]"
    }

    /// Called once connections are accepted.
    fn is_ready(&self, _: &App) {}

    /// Called with the link that makes the first administrator, while there is none.
    fn offers_set_up(&self, link: &str) {
        tracing::warn!(
            "nobody administers this site yet; for 30 minutes, and once, this makes the first administrator: {link}"
        );
    }
}

struct FromFile<'a> {
    common: &'a Common,
    courier: Option<PathBuf>,
}

impl FromFile<'_> {
    /// Reads the configuration and checks everything that it names.
    fn read(&self) -> Result<Config, ConfigError> {
        let mut draft = self.common.draft();
        let eyes = if self.courier.is_some() { Eyes::ServingBehindCourier } else { Eyes::Serving };
        let seen = surroundings::look(&mut draft, eyes, SystemClock.now().max(BUILD_DATE));
        let config = draft.finish()?;
        // Findings about the certificate are logged where it is loaded.
        for note in notes(&config).into_iter().chain(seen.doubts) {
            tracing::warn!("{note}");
        }
        Ok(config)
    }
}

impl RunMode for FromFile<'_> {
    fn courier(&self, config: &Config) -> Result<Courier, Exit> {
        if let Some(socket) = &self.courier {
            return Ok(Courier::behind(socket, config));
        }
        let told = |error| {
            let path = self.common.config_path();
            Exit::configuration(format!("{error}\nhint: see [mail.smtp] and [tls.acme] in {}", path.display()))
        };
        Courier::new(config, SystemClock.now()).map_err(told)
    }

    fn reread(&self, present: &Config) -> Result<Reread, ConfigError> {
        present.reread(&self.read()?, &self.common.config_path())
    }
}

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Leave outgoing connections (mail, certificates) to `gatelodge courier` behind this socket.
    #[arg(long, value_name = "SOCKET")]
    courier: Option<PathBuf>,
}

impl Serve {
    /// Reads the configuration and serves until a signal.
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let sockets = supervisor::take_sockets()?;
        logging::to_stdout(common.draft().settings().map(|config| config.log.format).unwrap_or_default())?;
        let setting = FromFile { common, courier: self.courier };
        serve(setting.read()?, &setting, sockets)
    }
}

/// Serves until SIGTERM or SIGINT, then drains. SIGHUP reloads the configuration.
pub(super) fn serve(config: Config, setting: &dyn RunMode, sockets: Vec<InheritedSocket>) -> Result<(), Exit> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_SERVING_THREADS);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .enable_all()
        .build()
        .map_err(Exit::failed)?;
    let outcome = runtime.block_on(async {
        let early = Signals::if_first()?;
        let courier = setting.courier(&config)?;
        let (opened, bound) = open(&config, setting, sockets).await?;
        run_until_signal(build(config, opened)?, courier, setting, bound, early).await
    });
    runtime.shutdown_timeout(BLOCKING_MAY_FINISH);
    outcome
}

/// Opens the store and the sockets. A start that is refused must leave nothing behind, so a new store is created last;
/// an existing one is opened first, and its error says who is using it.
async fn open(
    config: &Config,
    setting: &dyn RunMode,
    sockets: Vec<InheritedSocket>,
) -> Result<(OpenedStore, Bound), Exit> {
    let present = config.store.path.exists().then(|| open_store(config)).transpose()?;
    let bound = bind_all(config, sockets, setting.another_port())?;
    if let Some(opened) = present {
        return Ok((opened, bound));
    }
    // If something answers on the control socket, binding fails with the explanation; everything else shows when it is
    // bound.
    if UnixStream::connect(&config.listen.control).await.is_ok() {
        control::bind(&config.listen.control).await.map_err(Exit::failed)?;
    }
    Ok((open_store(config)?, bound))
}

async fn run_until_signal(
    app: Arc<App>,
    courier: Courier,
    setting: &dyn RunMode,
    bound: Bound,
    early: Option<Signals>,
) -> Result<(), Exit> {
    let stop = CancellationToken::new();
    // Certificates, templates and the control socket come first, so that a wrong setting ends the start before a worker
    // runs or anybody is answered.
    let certificates = Certificates::load(&app).await?.map(Arc::new);
    let listeners = bound.speaking(&app.env().config, certificates.as_deref());
    let web = Arc::new(Service::new(Arc::clone(&app)).map_err(Exit::configuration)?);
    let socket = app.env().config.listen.control.clone();
    let control = control::bind(&socket).await.map_err(|error| without_control(&error, &socket))?;
    let mut signals = early.map_or_else(Signals::handle, Ok)?;

    let courier = Arc::new(CourierHandle::new(courier));
    let mut working = workers::start(&app, Arc::clone(&courier), certificates, &stop);
    working.spawn(control::listen(Arc::clone(&app), Arc::clone(&courier), control, stop.clone()));
    working.spawn(supervisor::beat(Arc::clone(&app), stop.clone()));
    app.place_webhooks().await.map_err(Exit::failed)?;
    let mut serving = tokio::spawn(server::serve(Arc::clone(&web), listeners, stop.clone()));
    app.note_start(env!("CARGO_PKG_VERSION")).await.map_err(Exit::failed)?;
    let site = app.env().config.site.url.to_string();
    let status = format!("serving {site}");
    tracing::info!("{status}");
    supervisor::tell_ready(&status);
    setting.is_ready(&app);
    offer_set_up(&app, setting).await;
    let probing = tokio::spawn(probe_mail_server(Arc::clone(&app), courier.present()));

    let mut outcome = Ok(());
    loop {
        tokio::select! {
            _ = signals.hang_up.recv() => {
                supervisor::tell_reloading();
                reconfigure(&app, &web, &courier, setting).await;
                supervisor::tell_ready(&status);
                continue;
            }
            _ = signals.terminate.recv() => tracing::info!("asked to stop; finishing what is under way"),
            _ = signals.interrupt.recv() => tracing::info!("interrupted; finishing what is under way"),
            _ = &mut serving => {}
            Some(ended) = working.join_next() => {
                // Only a panic ends a worker early. What it had to do is in the store, and the restarted process does
                // it.
                tracing::error!(error = ?ended.err(), "a worker ended; the service stops, to be started again");
                outcome = Err(Exit::failed("a worker ended unexpectedly\nhint: the log says why"));
            }
        }
        break;
    }
    supervisor::tell_stopping();
    probing.abort();
    // Workers stop meanwhile: what the last requests queue is in the store, and is delivered after the next start.
    stop.cancel();
    if !serving.is_finished() {
        let _ = serving.await;
    }
    let finished = async { while working.join_next().await.is_some() {} };
    if tokio::time::timeout(WORKERS_MAY_FINISH, finished).await.is_err() {
        tracing::warn!(
            "an attempt to deliver a mail or to tell a webhook was left off; it is repeated after the start"
        );
    }
    courier.present().part().await;
    // What was seen of sessions since the last commit is worth one more.
    if let Err(error) = app.note_seen().await {
        tracing::warn!(%error, "the last use of some sessions was not written down");
    }
    outcome
}

/// Ends a start without its control socket: the default place is not one that a container can write to when its root is
/// read-only.
fn without_control(error: &control::BindError, socket: &Path) -> Exit {
    let folder = socket.parent().filter(|_| error.is_the_systems());
    match folder.and_then(surroundings::why_not_writable) {
        Some(hint) => {
            Exit::failed(error).with_hint(format!("{hint}, or set listen.control to a path beside the store"))
        }
        None => Exit::failed(error),
    }
}

/// Offers the link that makes the first administrator, as long as there never was one.
async fn offer_set_up(app: &Arc<App>, setting: &dyn RunMode) {
    match app.begin_set_up().await {
        Ok(Some(link)) => setting.offers_set_up(&link),
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "there is no link for the first administrator"),
    }
}

/// Warns if the mail server does not accept our login: otherwise nobody would know before the first mail fails. The
/// start does not wait for it.
async fn probe_mail_server(app: Arc<App>, courier: Arc<Courier>) {
    if app.env().config.mail.transport == MailTransport::File {
        return;
    }
    if let Outcome::Later(reason) | Outcome::Never(reason) = courier.probe(CallOptions::impatient(app.now())).await {
        tracing::warn!("the mail server was tried and does not let us in, so mails wait: {reason}");
    }
}

/// Reloads the configuration, and applies what can be applied while running. An error changes nothing.
async fn reconfigure(app: &Arc<App>, web: &Service, courier: &CourierHandle, setting: &dyn RunMode) {
    let reread = match setting.reread(&app.env().config) {
        Ok(reread) => reread,
        Err(error) => return tracing::error!("the configuration is not taken, and nothing changes: {error}"),
    };
    let is_other = ["mail", "tls.acme", "webhooks", "sms"].iter().any(|section| reread.touches(section));
    let other = match is_other.then(|| setting.courier(&reread.config)).transpose() {
        Ok(courier) => courier,
        Err(error) => return tracing::error!("the configuration is not taken, and nothing changes: {error}"),
    };
    // The courier was made before, since that can fail, and is replaced after: an error leaves the old settings whole.
    if let Err(error) = web.reconfigure(reread.config) {
        return tracing::error!("the configuration is not taken, and nothing changes: {error}");
    }
    if let Some(other) = other {
        courier.replace(other);
        tokio::spawn(probe_mail_server(Arc::clone(app), courier.present()));
    }
    if let Err(error) = app.place_webhooks().await {
        tracing::warn!(%error, "new webhooks have no place yet; they get it at the next start");
    }
    if !reread.waiting.is_empty() {
        tracing::warn!("these settings have changed and wait for a restart: {}", reread.waiting.join(", "));
    }
    let taken = if reread.taken.is_empty() { "nothing".to_owned() } else { reread.taken.join(", ") };
    tracing::info!("the configuration and the templates were read again; changed: {taken}");
    if let Err(error) = app.note_reconfigured(taken).await {
        tracing::warn!(%error, "the audit log does not say that the configuration was read again");
    }
}
