//! `gatelodge backup` and `gatelodge export`: everything, consistent, while the server runs or while it does not.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::admin::Command;
use crate::app::{next_snapshot, prune_snapshots};
use crate::config::Config;
use crate::control::{self, Answer, CallError};
use crate::export;
use crate::store::{
    Archive, ArchiveError, Heading, Records, Scanning, about, known_format, verify_file, write_archive, write_file,
};

use super::progress::{Progress, Watched};
use super::{Common, Exit, serve, show};

#[derive(Debug, Args)]
pub struct Backup {
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
pub struct Export {
    /// Where to write it, or `-` for standard output. Only its owner will be able to read it.
    file: PathBuf,
    /// Replace a file that is there.
    #[arg(long)]
    force: bool,
}

impl Backup {
    pub fn run(self, common: &Common) -> Result<(), Exit> {
        let config = common.config()?;
        let file = match self.keep {
            Some(_) => next_snapshot(&self.file).map_err(|error| failed(&self.file, &error.into()))?,
            None => self.file.clone(),
        };
        refuse_existing(&file, self.force)?;
        let mut progress = Progress::new("backup");
        let records = with_source(config, |source| {
            let mut source = Some(source);
            let fill = |out: &mut dyn Write| {
                let mut out = Watched { inner: out, progress: &mut progress };
                source.take().map_or(Ok(()), |source| source.copy_to(&mut out))
            };
            write_file(&file, fill, verify_file)
        })?;
        let records = records.map_err(|error| failed(&file, &error))?;
        if let Some(keep) = self.keep {
            // Only after the new one was found whole.
            prune_snapshots(&self.file, keep.into()).map_err(|error| failed(&self.file, &error.into()))?;
        }
        if common.json {
            return show::json(&serde_json::json!({"file": file, "records": records, "verified": true}));
        }
        println!("{} records are in {}, and were read again.", records, file.display());
        println!("Keep the sealing key apart from it: without the key it cannot be restored.");
        Ok(())
    }
}

impl Export {
    pub fn run(self, common: &Common) -> Result<(), Exit> {
        let config = common.config()?;
        if self.file == Path::new("-") {
            let written = with_source(config, |source| source.export_to(&mut std::io::stdout().lock()))?;
            return written.map(drop).map_err(|error| failed(&self.file, &error));
        }
        refuse_existing(&self.file, self.force)?;
        let mut progress = Progress::new("export");
        let records = with_source(config, |source| {
            let (mut source, mut records) = (Some(source), 0);
            let fill = |out: &mut dyn Write| {
                let mut out = Watched { inner: out, progress: &mut progress };
                records = source.take().map_or(Ok(0), |source| source.export_to(&mut out))?;
                Ok(())
            };
            let lines = write_file(&self.file, fill, count_lines)?;
            // The first line says what it is.
            if lines == records + 1 { Ok(records) } else { Err(ArchiveError::Damaged) }
        })?;
        let records = records.map_err(|error| failed(&self.file, &error))?;
        if common.json {
            return show::json(&serde_json::json!({"file": self.file, "records": records}));
        }
        println!("{} records are in {}, one JSON object a line.", records, self.file.display());
        Ok(())
    }
}

fn count_lines(path: &Path) -> Result<u64, ArchiveError> {
    let mut count = 0;
    for line in BufReader::new(File::open(path)?).lines() {
        line?;
        count += 1;
    }
    Ok(count)
}

fn failed(path: &Path, error: &ArchiveError) -> Exit {
    Exit::failed(format!("{}: {error}\nhint: nothing was left of it; look for space and permissions", path.display()))
}

fn refuse_existing(path: &Path, force: bool) -> Result<(), Exit> {
    if path.exists() && !force {
        return Err(Exit::failed(format!("{} is there already\nhint: --force replaces it", path.display())));
    }
    Ok(())
}

/// Where the records come from.
enum Source<'a> {
    /// The running server sends a backup.
    Server(&'a mut dyn Read),
    /// Nobody has the store open: we read it ourselves.
    Own(&'a crate::app::App),
}

impl Source<'_> {
    fn copy_to(self, out: &mut dyn Write) -> Result<(), ArchiveError> {
        match self {
            Self::Server(input) => Ok(std::io::copy(input, out).map(drop)?),
            Self::Own(app) => reading(app, |view| write_archive(view, app.now(), out)).map(drop),
        }
    }

    fn export_to(self, out: &mut dyn Write) -> Result<u64, ArchiveError> {
        match self {
            Self::Server(input) => {
                let mut archive = Archive::open(input, known_format())?;
                let heading = archive.heading.clone();
                write_lines(&heading, &mut archive, out)
            }
            Self::Own(app) => reading(app, |view| {
                let (format, key_fingerprint) = about(view)?;
                let heading = Heading { format, key_fingerprint, created_at: app.now().to_string() };
                write_lines(&heading, &mut Scanning::new(view), out)
            }),
        }
    }
}

fn write_lines(heading: &Heading, records: &mut dyn Records, out: &mut dyn Write) -> Result<u64, ArchiveError> {
    writeln!(out, "{}", export::first_line(heading))?;
    let mut count = 0;
    while let Some(pair) = records.next()? {
        writeln!(out, "{}", export::line(&pair)?)?;
        count += 1;
    }
    out.flush()?;
    Ok(count)
}

fn reading<T>(
    app: &crate::app::App,
    work: impl FnOnce(&dyn crate::store::Snapshot) -> Result<T, ArchiveError>,
) -> Result<T, ArchiveError> {
    let mut outcome = Err(ArchiveError::Damaged);
    app.read(|view| {
        outcome = work(view);
        Ok(())
    })?;
    outcome
}

/// Runs `work` with the records of whoever has the store.
fn with_source<T>(config: Config, work: impl FnOnce(Source<'_>) -> T) -> Result<T, Exit> {
    match control::call_for_stream(&config.listen.control, &Command::Backup) {
        Ok((Answer::Done(_), mut stream)) => Ok(work(Source::Server(&mut stream))),
        Ok((Answer::Refused(refusal), _)) => Err(refusal.into()),
        Err(CallError::NobodyThere) => {
            let opened = serve::open_store(&config)?;
            let app = serve::build(config, opened)?;
            Ok(work(Source::Own(&app)))
        }
        Err(error) => Err(error.into()),
    }
}
