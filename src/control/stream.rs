//! A backup over the control socket: after the answer come its bytes, to the end of the connection.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::mpsc;

use crate::app::App;
use crate::store::write_archive;

/// Bytes that are read ahead of the client.
const CHUNK: usize = 64 << 10;
const CHUNKS_AHEAD: usize = 4;
/// How long a client may take to read a chunk: a view that is held open keeps old pages from being used again.
const PATIENCE: Duration = Duration::from_mins(1);

/// Streams a consistent view. A client sees by the missing end that something failed.
pub async fn stream_backup(app: &Arc<App>, writer: &mut OwnedWriteHalf) -> io::Result<()> {
    let (sender, mut chunks) = mpsc::channel(CHUNKS_AHEAD);
    let (app, now) = (Arc::clone(app), app.now());
    let reading = tokio::task::spawn_blocking(move || {
        let mut out = Chunks { sender, buffer: Vec::with_capacity(CHUNK) };
        let mut written = Ok(0);
        let read = app.read(|view| {
            written = write_archive(view, now, &mut out);
            Ok(())
        });
        if let (Err(error), _) | (Ok(()), Err(error)) = (read.map_err(Into::into), written) {
            tracing::warn!(%error, "a backup could not be finished");
        }
    });
    while let Some(chunk) = chunks.recv().await {
        let written: Vec<u8> = chunk;
        tokio::time::timeout(PATIENCE, writer.write_all(&written)).await??;
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
