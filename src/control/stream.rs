//! A backup or an export over the control socket: its bytes follow the answer, to the end of the connection.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::mpsc;

use crate::admin::Command;
use crate::app::App;
use crate::export;
use crate::store::ArchiveError;

/// The size of a chunk, and how many are read ahead of the client.
const CHUNK: usize = 64 << 10;
const CHUNKS_AHEAD: usize = 4;
/// The time for a client to read a chunk: a snapshot of the store that is held open keeps old pages from being reused.
const WRITE_TIMEOUT: Duration = Duration::from_mins(1);

/// What follows an answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Followed {
    /// A backup.
    Backup,
    /// JSON lines.
    Export,
}

impl Followed {
    /// Returns what follows the answer to this command, if anything.
    pub(super) fn by(command: &Command) -> Option<Self> {
        match command {
            Command::Backup => Some(Self::Backup),
            Command::Export => Some(Self::Export),
            _ => None,
        }
    }

    fn write(self, app: &App, out: &mut dyn Write) -> Result<u64, ArchiveError> {
        match self {
            Self::Backup => app.write_backup(out),
            Self::Export => export::write_all(app, out),
        }
    }
}

/// Streams a consistent view, authenticated by the server because the client may not have the key. If something fails,
/// the client notices that the end is missing.
pub(super) async fn send(app: &Arc<App>, what: Followed, writer: &mut OwnedWriteHalf) -> io::Result<()> {
    let (sender, mut chunks) = mpsc::channel(CHUNKS_AHEAD);
    let app = Arc::clone(app);
    let reading = tokio::task::spawn_blocking(move || {
        let mut out = Chunks { sender, buffer: Vec::with_capacity(CHUNK) };
        if let Err(error) = what.write(&app, &mut out) {
            tracing::warn!(%error, "a backup could not be finished");
        }
    });
    while let Some(chunk) = chunks.recv().await {
        let written: Vec<u8> = chunk;
        tokio::time::timeout(WRITE_TIMEOUT, writer.write_all(&written)).await??;
    }
    reading.await.map_err(io::Error::other)?;
    writer.shutdown().await
}

struct Chunks {
    sender: mpsc::Sender<Vec<u8>>,
    buffer: Vec<u8>,
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend(bytes);
        if self.buffer.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let chunk = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK));
        self.sender.blocking_send(chunk).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
