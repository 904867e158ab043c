//! Mails as files: one `.eml` each, for demonstrations.

use std::path::{Path, PathBuf};

use tokio::io::AsyncWriteExt;

use crate::base::MailId;

use super::Outcome;

/// Writes mails into a folder.
pub struct FileTransport {
    folder: PathBuf,
    announce: Option<fn(&str, &Path)>,
}

impl FileTransport {
    /// Writes into this folder, which is made when it is missing.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, announce: None }
    }

    /// Has somebody told of each mail: its text, and the file it is in.
    #[must_use]
    pub fn announced_by(mut self, announce: fn(&str, &Path)) -> Self {
        self.announce = Some(announce);
        self
    }

    /// Writes one mail.
    pub async fn deliver(&self, id: MailId, bytes: &[u8]) -> Outcome {
        let path = self.folder.join(format!("{id}.eml"));
        match write(&self.folder, &path, bytes).await {
            Ok(()) => {
                if let Some(announce) = self.announce {
                    announce(&readable(bytes), &path);
                }
                Outcome::Accepted
            }
            Err(error) => Outcome::Later(format!("{}: {error}", path.display())),
        }
    }
}

/// Writes beside, syncs and renames, so that whoever looks sees whole mails only.
async fn write(folder: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    tokio::fs::create_dir_all(folder).await?;
    let unfinished = path.with_extension("tmp");
    let mut file =
        tokio::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished).await?;
    file.write_all(bytes).await?;
    file.sync_all().await?;
    tokio::fs::rename(&unfinished, path).await
}

/// The mail with its quoted-printable undone (RFC 2045, 6.7), as far as plain ASCII goes.
fn readable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace("=\r\n", "").replace("=3D", "=")
}
