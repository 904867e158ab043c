//! `gatelodge backup` and `gatelodge export`: everything, consistent, whether the server runs or not.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::admin::Command;
use crate::app::{App, next_snapshot, prune_snapshots};
use crate::cli::out::say;
use crate::config::Config;
use crate::control::{self, Answer, CallError};
use crate::crypto::SealingKey;
use crate::export::{self, Import};
use crate::store::{ArchiveError, Trust, heading_of, known_format, read_key, verify_file, write_file};

use super::common::Common;
use super::progress::{Progress, Watched};
use super::{Exit, opening, show};

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// Where to write it; with --keep the folder of numbered snapshots. Only its owner will be able to read it.
    file: PathBuf,
    /// Replace a file that is there.
    #[arg(long, conflicts_with = "keep")]
    force: bool,
    /// Write a numbered snapshot into this folder, and keep so many of the newest.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    keep: Option<u16>,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// Where to write it, or `-` for standard output. Only its owner will be able to read it.
    file: PathBuf,
    /// Replace a file that is there.
    #[arg(long)]
    force: bool,
}

impl Backup {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let config = common.config()?;
        if self.file == Path::new("-") {
            return Err(Exit::failed("a backup is read again once it is written, which standard output cannot be").with_hint(
                "name a file (`./-` for one that is called so); `gatelodge export -` writes everything to standard output",
            ));
        }
        let file = match self.keep {
            Some(_) => next_snapshot(&self.file).map_err(|error| failed(&self.file, &error.into()))?,
            None => self.file.clone(),
        };
        refuse_existing(&file, self.force)?;
        let mut progress = Progress::new("backup");
        let (key, key_path) = (key_at_hand(&config), config.sealing_key_path());
        let records = with_source(config, What::Backup, |source| {
            let mut source = Some(source);
            let fill = |out: &mut dyn Write| {
                let mut out = Watched { inner: out, progress: &mut progress };
                source.take().map_or(Ok(()), |source| source.copy_to(&mut out))
            };
            write_file(&file, fill, |path| verify_file(path, Trust::by(key, &heading_of(path)?.0)))
        })?;
        let records = records.map_err(|error| failed(&file, &error))?;
        if let Some(keep) = self.keep {
            // Only after the new one was read again and found whole.
            prune_snapshots(&self.file, keep.into()).map_err(|error| failed(&self.file, &error.into()))?;
        }
        if common.json {
            return show::json(&serde_json::json!({
                "file": file, "records": records, "verified": true, "sealing_key": key_path,
            }));
        }
        say!("{} records are in {}, and were read again.", records, file.display());
        say!("It is restored with the sealing key, {}: keep a copy of that file apart from it.", key_path.display());
        Ok(())
    }
}

impl Export {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let config = common.config()?;
        if self.file == Path::new("-") {
            let written = with_source(config, What::Export, |source| source.copy_to(&mut std::io::stdout().lock()))?;
            return written.map_err(|error| failed(&self.file, &error));
        }
        refuse_existing(&self.file, self.force)?;
        let mut progress = Progress::new("export");
        let key = key_at_hand(&config);
        let records = with_source(config, What::Export, |source| {
            let mut source = Some(source);
            let fill = |out: &mut dyn Write| {
                let mut out = Watched { inner: out, progress: &mut progress };
                source.take().map_or(Ok(()), |source| source.copy_to(&mut out))
            };
            write_file(&self.file, fill, |path| verify_export(path, key))
        })?;
        let records = records.map_err(|error| failed(&self.file, &error))?;
        if common.json {
            return show::json(&serde_json::json!({"file": self.file, "records": records}));
        }
        say!("{} records are in {}, one JSON object a line.", records, self.file.display());
        Ok(())
    }
}

/// Returns the key to verify what was written. Without it only completeness is checked; the code is then the server's
/// to vouch for.
fn key_at_hand(config: &Config) -> Option<SealingKey> {
    read_key(&config.sealing_key_path()).ok().flatten()
}

fn verify_export(path: &Path, key: Option<SealingKey>) -> Result<u64, ArchiveError> {
    let import = Import::open(BufReader::new(File::open(path)?), known_format())?;
    let trust = Trust::by(key, &import.heading);
    import.trusting(trust)?.verify()
}

fn failed(path: &Path, error: &ArchiveError) -> Exit {
    let exit = Exit::failed(format!("{}: {error}", path.display()));
    if path == Path::new("-") {
        return exit.with_hint("what was written to standard output is not the whole of it");
    }
    exit.with_hint(match error {
        ArchiveError::Unsettled(_) => "see what is wrong with the disk; `sync` tries again",
        _ if path.exists() => "look for space and permissions, and at what lies there now",
        _ => "nothing was left of it; look for space and permissions",
    })
}

/// Refuses to replace a file without `--force`, and with it anything but a backup or an export: a slip must not cost
/// the store, its key or the configuration.
fn refuse_existing(path: &Path, force: bool) -> Result<(), Exit> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(
            Exit::failed(format!("there is no folder {}", folder.display())).with_hint("make it, or name another file")
        );
    }
    let Ok(found) = std::fs::metadata(path) else { return Ok(()) };
    let shown = path.display();
    if found.is_dir() {
        return Err(Exit::failed(format!("{shown} is a folder")).with_hint("name a file in it"));
    }
    if !found.is_file() {
        return Err(Exit::failed(format!("{shown} is no file, and stays as it is")).with_hint("name another file"));
    }
    if !force {
        return Err(Exit::failed(format!("{shown} is there already")).with_hint("--force replaces it"));
    }
    let was_written_here = found.len() == 0 || is_backup(path) || is_export(path);
    if was_written_here {
        return Ok(());
    }
    Err(Exit::failed(format!("{shown} is neither a backup nor an export, and stays as it is"))
        .with_hint("name another file, or remove it first"))
}

fn is_backup(path: &Path) -> bool {
    heading_of(path).is_ok()
}

fn is_export(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| Import::open(BufReader::new(file), known_format()).is_ok())
}

/// The kind of file that is written.
#[derive(Clone, Copy)]
enum What {
    Backup,
    Export,
}

/// Where its bytes come from.
enum Source<'a> {
    /// The running server sends them.
    Server(&'a mut dyn Read),
    /// Nobody has the store open: this process reads it.
    Own(&'a App, What),
}

impl Source<'_> {
    fn copy_to(self, out: &mut dyn Write) -> Result<(), ArchiveError> {
        match self {
            Self::Server(input) => Ok(std::io::copy(input, out).map(drop)?),
            Self::Own(app, What::Backup) => app.write_backup(out).map(drop),
            Self::Own(app, What::Export) => export::write_all(app, out).map(drop),
        }
    }
}

/// Runs `work` with the bytes, from the server or from the store.
fn with_source<T>(config: Config, what: What, work: impl FnOnce(Source<'_>) -> T) -> Result<T, Exit> {
    let command = match what {
        What::Backup => Command::Backup,
        What::Export => Command::Export,
    };
    match control::call_for_stream(&config, &command) {
        Ok((Answer::Done(_), mut stream)) => Ok(work(Source::Server(&mut stream))),
        Ok((Answer::Refused(refusal), _)) => Err(refusal.into()),
        Err(CallError::NobodyThere) => {
            let opened = opening::open_present_store(&config)?;
            let app = opening::build(config, opened)?;
            Ok(work(Source::Own(&app, what)))
        }
        Err(error) => Err(error.into()),
    }
}
