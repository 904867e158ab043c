//! The courier as a process of its own: it serves whoever may use its socket.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::base::{EmailAddress, Timestamp};
use crate::crypto::from_base64url;

use super::wire::{self, CourierRequest, CourierResponse, GREETING, MAX_LINE_BYTES};
use super::{CallOptions, Courier};

/// The most requests at a time: enough for 16 webhooks with a silent server each, while mail still leaves.
const MAX_ERRANDS: usize = 24;
/// The time for a client to send its request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The most time for a request, whatever is asked for.
const LONGEST: Duration = Duration::from_mins(10);
/// The time for requests under way when the courier stops: a mail that a server has nearly taken would be sent again.
const DRAIN: Duration = Duration::from_secs(20);

/// Serves requests. Its courier is made at the first one, and again as long as that fails, so that a missing password
/// file only has to be put in place.
pub struct CourierService {
    make: Box<dyn Fn() -> Result<Courier, String> + Send + Sync>,
    made: Mutex<Option<Arc<Courier>>>,
    /// The number of requests so far, successful or not.
    errands: AtomicU64,
}

impl CourierService {
    /// Makes its courier by this function.
    #[must_use]
    pub fn new(make: impl Fn() -> Result<Courier, String> + Send + Sync + 'static) -> Self {
        Self { make: Box::new(make), made: Mutex::default(), errands: AtomicU64::new(0) }
    }

    /// Returns its courier, or the reason why it cannot be made.
    ///
    /// # Errors
    /// With what is wrong, in words.
    pub fn courier(&self) -> Result<Arc<Courier>, String> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(courier) = &*made {
            return Ok(Arc::clone(courier));
        }
        let courier = Arc::new((self.make)()?);
        *made = Some(Arc::clone(&courier));
        Ok(courier)
    }

    /// Discards the courier after a change of configuration: the next request makes another.
    pub fn reload(&self) {
        *self.made.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The number of requests so far.
    pub fn errands(&self) -> u64 {
        self.errands.load(Ordering::Relaxed)
    }

    async fn report(&self, errand: CourierRequest) -> CourierResponse {
        let courier = match self.courier() {
            Ok(courier) => courier,
            Err(reason) => {
                tracing::error!("{reason}");
                return CourierResponse::Later(reason);
            }
        };
        let terms = |now, timeout| CallOptions {
            now: Timestamp::from_seconds(now),
            timeout: Duration::from_secs(timeout).min(LONGEST),
        };
        match errand {
            CourierRequest::Deliver { id, to, mail, now, timeout } => {
                // Parsed on this side too, so that it is an address whatever has become of the other process.
                let parts = (id.parse(), EmailAddress::parse(&to), from_base64url(&mail));
                let (Ok(id), Ok(to), Some(mail)) = parts else { return CourierResponse::Failed(MALFORMED.into()) };
                let outcome = courier.deliver(id, &to, &mail, terms(now, timeout)).await;
                tracing::info!(mail.id = %id, ?outcome, "a mail was tried");
                outcome.into()
            }
            CourierRequest::Probe { now, timeout } => courier.probe(terms(now, timeout)).await.into(),
            CourierRequest::Fetch { method, url, headers, body, now, timeout } => {
                let Some(request) = wire::request(&method, &url, headers, &body) else {
                    return CourierResponse::Failed(MALFORMED.into());
                };
                // Only the server is logged: a query may hold a code and a phone number, a path somebody's key.
                let server = request.uri().authority().map(ToString::to_string).unwrap_or_default();
                tracing::info!("{method} {server}");
                courier.fetch(request, terms(now, timeout)).await.into()
            }
        }
    }
}

const MALFORMED: &str = "the courier does not understand the errand; restart both services";

/// Serves requests until `stop`, then finishes those under way.
pub async fn serve(listener: UnixListener, role: Arc<CourierService>, stop: CancellationToken) {
    let (room, errands) = (Arc::new(Semaphore::new(MAX_ERRANDS)), TaskTracker::new());
    loop {
        // Without a permit a client waits in the listener's backlog.
        let come = async {
            let place = Arc::clone(&room).acquire_owned().await.map_err(std::io::Error::other)?;
            Ok::<_, std::io::Error>((listener.accept().await?.0, place))
        };
        let (stream, place) = tokio::select! {
            came = come => match came {
                Ok(came) => came,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                }
            },
            () = stop.cancelled() => break,
        };
        let role = Arc::clone(&role);
        role.errands.fetch_add(1, Ordering::Relaxed);
        errands.spawn(async move {
            if let Err(error) = converse(&role, stream).await {
                tracing::debug!(%error, "a connection ended");
            }
            drop(place);
        });
    }
    tracing::info!("no more errands are taken; finishing what is under way");
    errands.close();
    if tokio::time::timeout(DRAIN, errands.wait()).await.is_err() {
        tracing::warn!("some errands were left off; they are asked for again");
    }
    let made = role.made.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(courier) = made {
        courier.part().await;
    }
}

async fn converse(role: &CourierService, stream: UnixStream) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    writer.write_all(format!("{GREETING}\n").as_bytes()).await?;
    let mut line = String::new();
    tokio::time::timeout(REQUEST_TIMEOUT, BufReader::new(reader.take(MAX_LINE_BYTES)).read_line(&mut line)).await??;
    let report = match serde_json::from_str(&line) {
        Ok(errand) => role.report(errand).await,
        Err(_) => CourierResponse::Failed(MALFORMED.into()),
    };
    let mut said = serde_json::to_vec(&report)?;
    said.push(b'\n');
    writer.write_all(&said).await
}
