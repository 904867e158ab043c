//! The file that holds the sealing key, and how another key takes its place.
//!
//! Two files cannot change in one step, and the store and its key must fit after a `kill -9` or a power cut at any
//! moment. So the new key is written beside the old one first, as `….next`; then one transaction seals everything
//! anew and notes the new key's fingerprint; then the file is renamed. Whoever opens the store in between finds by
//! the fingerprint which of the two is in force, and completes the change. The old key is kept as
//! `….old-FINGERPRINT`: backups that were made under it need it.

use std::fs::{Metadata, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use crate::base::Moment;
use crate::config::{read_text, warn_if_open};
use crate::crypto::SealingKey;

use super::OpenError;
use super::beside::suffixed;
use super::settle::sync_folder_of;

/// Reads the sealing key from a file; none if there is no file.
///
/// # Errors
/// When it cannot be read, or holds something else.
pub fn read_key(path: &Path) -> Result<Option<SealingKey>, OpenError> {
    let fault = |reason: String| OpenError::Key { path: path.into(), reason };
    let text = match read_text(path) {
        Ok(text) => text,
        Err(wrong) if wrong.is_missing => return Ok(None),
        Err(wrong) => return Err(fault(wrong.to_string())),
    };
    warn_if_open(path, "the sealing key");
    SealingKey::parse(&text)
        .map(Some)
        .ok_or_else(|| fault("not a sealing key: it is one line of 64 hexadecimal digits".into()))
}

pub(super) fn write_key(path: &Path, moment: &mut Moment) -> Result<SealingKey, OpenError> {
    let key = SealingKey::draw(moment);
    let write = || {
        // `create_new`: a key that is there is never overwritten, since nothing sealed with it could be read again.
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(key.to_text().expose().as_bytes())?;
        file.sync_all()?;
        sync_folder_of(path)
    };
    write().map_err(|error| OpenError::io(path, &error))?;
    Ok(key)
}

/// Returns where a former key is kept, by its fingerprint.
#[must_use]
pub fn old_key_path(key_path: &Path, fingerprint: &str) -> PathBuf {
    suffixed(&real(key_path), &format!(".old-{fingerprint}"))
}

fn next_path(key_path: &Path) -> PathBuf {
    suffixed(&real(key_path), ".next")
}

/// Resolves links, so that a link to the file stays and what it leads to is replaced.
fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.into())
}

/// The replacement of a key by another, while nobody else has the store.
#[must_use = "the new key is in its place only when it is finished"]
pub struct KeyChange {
    path: PathBuf,
}

impl KeyChange {
    /// Writes the new key beside the one in force, and a copy of that one, durably. This changes nothing yet.
    pub fn begin(key_path: &Path, old: &SealingKey, new: &SealingKey) -> Result<Self, OpenError> {
        let path = real(key_path);
        let like = std::fs::metadata(&path).map_err(|error| OpenError::io(&path, &error))?;
        // The old key first: before another one can come into force, it has to be safe.
        for (path, key) in [(old_key_path(&path, &old.fingerprint()), old), (next_path(&path), new)] {
            write_like(&path, key, &like).map_err(|error| OpenError::Key {
                path: path.clone(),
                reason: format!("the new key cannot be put beside the old one: {error}"),
            })?;
        }
        Ok(Self { path })
    }

    /// Moves the new key into its place, once the store is sealed with it.
    ///
    /// # Errors
    /// When the file cannot be renamed; whoever opens the store next tries again.
    pub fn finish(self) -> Result<(), OpenError> {
        let next = next_path(&self.path);
        let renamed = std::fs::rename(&next, &self.path).and_then(|()| sync_folder_of(&self.path));
        renamed.map_err(|error| OpenError::Key {
            path: next,
            reason: format!("this is the store's key by now, and cannot be put in its place: {error}"),
        })
    }
}

/// Writes a key with the same owner and mode: the service reads it, whoever ran the command.
fn write_like(path: &Path, key: &SealingKey, like: &Metadata) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    // Owner and mode before the content, so that at no moment more can read it than could read the old one.
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
        fchown(&file, Some(like.uid()), Some(like.gid()))?;
    }
    file.set_permissions(like.permissions())?;
    file.write_all(key.to_text().expose().as_bytes())?;
    file.sync_all()?;
    sync_folder_of(path)
}

/// Returns the key of a store with this fingerprint, or of a new one. Completes a change that was interrupted.
pub(super) fn key_in_force(key_path: &Path, fingerprint: Option<&str>) -> Result<Option<SealingKey>, OpenError> {
    let present = read_key(key_path)?;
    let next = next_path(key_path);
    if !next.exists() {
        return Ok(present);
    }
    // One that was not written to its end does not count: nothing was sealed with it.
    let changed = read_key(&next).ok().flatten().filter(|key| Some(key.fingerprint().as_str()) == fingerprint);
    if let Some(key) = changed {
        KeyChange { path: real(key_path) }.finish()?;
        tracing::warn!("{}: a rotation of the sealing key was interrupted; it is finished now", key_path.display());
        return Ok(Some(key));
    }
    let is_in_force = present.as_ref().is_some_and(|key| Some(key.fingerprint().as_str()) == fingerprint);
    if is_in_force {
        tracing::warn!(
            "{}: a rotation of the sealing key was interrupted; nothing was changed by it",
            key_path.display()
        );
        // It does no harm: if it cannot be removed, it stays.
        let _ = std::fs::remove_file(&next).and_then(|()| sync_folder_of(&next));
    }
    Ok(present)
}
