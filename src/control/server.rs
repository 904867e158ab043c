//! The server side of the control socket.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use crate::admin::{Command, Refusal, command, document, execute, send_sample, send_test};
use crate::app::{App, Principal};
use crate::audit::Source;
use crate::courier::delivery::Outcome;
use crate::courier::{CallOptions, CourierHandle};
use crate::texts::refusal;

use super::served::Served;
use super::stream::{Followed, send};
use super::{Answer, GREETING, SocketPlace};

/// The most bytes of a request; the longest holds a password.
const MAX_LINE_BYTES: u64 = 64 * 1024;
/// The time for a client to send its request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves commands until `stop`, to root and the user that the server runs as.
pub async fn listen(
    app: Arc<App>,
    courier: Arc<CourierHandle>,
    (listener, place): (UnixListener, SocketPlace),
    stop: CancellationToken,
) {
    let own_user = place.owner();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a control connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                }
            },
            () = stop.cancelled() => break,
        };
        // Peer credentials as well as the socket's mode, which is only set a moment after the socket exists.
        let peer = stream.peer_cred().ok().map(|credentials| credentials.uid());
        if !is_heard(peer, own_user) {
            tracing::warn!("a stranger's control connection was refused");
            continue;
        }
        let (app, courier) = (Arc::clone(&app), Arc::clone(&courier));
        let by = Principal::CommandLine(Source::command_line(peer.unwrap_or_default()));
        tokio::spawn(async move {
            if let Err(error) = converse(&app, &courier, stream, &by).await {
                tracing::debug!(%error, "a control connection ended");
            }
        });
    }
}

/// Whether a peer may send commands: root, or the server's own user. An unknown user is neither, even if our own is
/// unknown too.
fn is_heard(peer: Option<u32>, own_user: Option<u32>) -> bool {
    peer.is_some_and(|peer| peer == 0 || Some(peer) == own_user)
}

async fn converse(app: &Arc<App>, courier: &CourierHandle, stream: UnixStream, by: &Principal) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let served = serde_json::to_string(&Served::at(&app.env().config.store.path))?;
    // Before the request, so that a client that means another server or store sends nothing.
    writer.write_all(format!("{GREETING}\n{served}\n").as_bytes()).await?;
    let mut line = String::new();
    tokio::time::timeout(REQUEST_TIMEOUT, BufReader::new(reader.take(MAX_LINE_BYTES)).read_line(&mut line)).await??;
    let mut follows = None;
    let answer = match serde_json::from_str::<Command>(&line) {
        Ok(command) => {
            let asked_for = Followed::by(&command);
            match carry_out(app, courier, command, by).await {
                Ok(shown) => {
                    follows = asked_for;
                    Answer::Done(shown)
                }
                Err(refusal) => Answer::Refused(refusal),
            }
        }
        Err(_) => Answer::Refused(Refusal::invalid(refusal::unknown_command(), refusal::unknown_command_hint())),
    };
    let mut text = serde_json::to_string(&answer)?;
    text.push('\n');
    writer.write_all(text.as_bytes()).await?;
    match follows {
        Some(what) => send(app, what, &mut writer).await,
        None => Ok(()),
    }
}

/// Executes what only a running server can do; everything else goes to [`execute()`].
async fn carry_out(
    app: &Arc<App>,
    courier: &CourierHandle,
    command: Command,
    by: &Principal,
) -> Result<Value, Refusal> {
    match command {
        Command::MailTest { address } => {
            let config = app.env().config.clone();
            document(send_test(&config, &courier.present(), &address, &mut app.moment()).await)
        }
        Command::WebhookTest(command::Webhook { name }) => document(send_sample(app, &courier.present(), &name).await),
        Command::MailProbe => match courier.present().probe(CallOptions::impatient(app.now())).await {
            Outcome::Accepted => Ok(Value::Null),
            Outcome::Later(reason) | Outcome::Never(reason) => Err(Refusal::failed(refusal::reason(reason), None)),
        },
        other => execute(app, other, by).await,
    }
}

#[cfg(test)]
mod tests {
    use super::is_heard;

    #[test]
    fn only_root_and_the_own_user_are_heard() {
        assert!(is_heard(Some(0), Some(990)) && is_heard(Some(990), Some(990)) && is_heard(Some(0), None));
        assert!(!is_heard(Some(1000), Some(990)) && !is_heard(None, Some(990)) && !is_heard(None, None));
    }
}
