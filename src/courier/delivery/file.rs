//! Mails as files, one `.eml` each, for demonstrations.

use std::path::{Path, PathBuf};

use tokio::io::AsyncWriteExt;

use crate::base::MailId;
use crate::crypto::from_base64;
use crate::store::sync_folder_of;

use super::Outcome;

/// Writes mails into a folder.
pub struct FileTransport {
    folder: PathBuf,
    announce: Option<fn(&str, &Path)>,
}

impl FileTransport {
    /// Writes into this folder, which is created if missing.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, announce: None }
    }

    /// Calls a function for each mail, with its text and its file.
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

/// Writes a temporary file, syncs it and renames it, so that a reader only sees whole mails.
async fn write(folder: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    tokio::fs::create_dir_all(folder).await?;
    let unfinished = path.with_extension("tmp");
    // For its owner alone: the links in a mail log people in.
    let mut file =
        tokio::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished).await?;
    file.write_all(bytes).await?;
    file.sync_all().await?;
    tokio::fs::rename(&unfinished, path).await?;
    // The mail counts as delivered from here on: its name has to outlive a power cut as well.
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || sync_folder_of(&path)).await.map_err(std::io::Error::other)?
}

/// Returns the mail with its parts decoded (RFC 2045, 6.7 and 6.8).
fn readable(bytes: &[u8]) -> String {
    let mail = String::from_utf8_lossy(bytes);
    let parts = mail.split("\r\n--").map(|part| {
        let (head, body) = part.split_once("\r\n\r\n").unwrap_or((part, ""));
        let is = |encoding: &str| head.contains(&format!("Content-Transfer-Encoding: {encoding}"));
        let body = if is("base64") {
            from_base64(&body.split_ascii_whitespace().collect::<String>())
        } else if is("quoted-printable") {
            Some(without_quotes(body))
        } else {
            None
        };
        body.map_or_else(|| part.to_owned(), |body| format!("{head}\r\n\r\n{}", String::from_utf8_lossy(&body)))
    });
    parts.collect::<Vec<_>>().join("\r\n--")
}

fn without_quotes(text: &str) -> Vec<u8> {
    let mut pieces = text.split('=');
    let mut plain = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        if let Some(next_line) = piece.strip_prefix("\r\n") {
            plain.extend_from_slice(next_line.as_bytes());
        } else {
            let coded = piece.split_at_checked(2);
            let byte = coded.and_then(|(digits, rest)| Some((u8::from_str_radix(digits, 16).ok()?, rest)));
            let (byte, rest) = byte.unwrap_or((b'=', piece));
            plain.push(byte);
            plain.extend_from_slice(rest.as_bytes());
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn the_parts_of_a_mail_are_readable_whatever_they_are_encoded_in() {
        let part =
            |encoding: &str, body: &str| format!("\r\n--b\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}");
        let mail = [
            "Subject: x\r\n\r\n".to_owned(),
            part("7bit", "https://a.example/?b=3Dc"),
            part("quoted-printable", "Stra=C3=9Fe https://a.exam=\r\nple/?b=3Dc"),
            part("base64", "U3RyYcOf\r\nZSBodHRwczovL2EuZXhhbXBsZS8/Yj1k"),
        ];
        let text = readable(mail.concat().as_bytes());
        for whole in ["https://a.example/?b=3Dc", "Straße https://a.example/?b=c", "Straße https://a.example/?b=d"] {
            assert!(text.contains(whole), "{text}");
        }
    }
}
