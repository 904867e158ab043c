//! `gatelodge restore` and `gatelodge import`: a store made of what was kept elsewhere.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::audit::{self, Act, Entry, Outcome, Source, Subject};
use crate::base::{Clock, Moment};
use crate::config::Config;
use crate::export::{self, Lines};
use crate::mail;
use crate::store::{
    Archive, ArchiveError, Heading, Place, RebuildError, Records, known_format, prepare_place, rebuild,
};

use super::offline::own_user;
use super::progress::{Progress, Watched};
use super::system_clock::SystemClock;
use super::{Common, Exit, show};

#[derive(Debug, Args)]
pub struct Restore {
    /// What `gatelodge backup` wrote, or a snapshot.
    file: PathBuf,
    /// Put it in the place of the present store, which is kept beside it.
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
pub struct Import {
    /// The form of the file.
    format: Format,
    /// The file.
    file: PathBuf,
    /// Put it in the place of the present store, which is kept beside it.
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// What `gatelodge export` wrote: everything, one JSON object a line.
    Gatelodge,
}

impl Restore {
    pub fn run(self, common: &Common) -> Result<(), Exit> {
        let config = common.config()?;
        let open = || Archive::open(reader(&self.file)?, known_format());
        // Read once to its end before anything is touched.
        let wrong = |error: ArchiveError| unusable(&self.file, &error);
        open().and_then(Archive::verify).map_err(wrong)?;
        let mut progress = Progress::new("restore");
        let file = Watched { inner: reader(&self.file).map_err(wrong)?, progress: &mut progress };
        let mut archive = Archive::open(file, known_format()).map_err(wrong)?;
        let heading = archive.heading.clone();
        put_in_place(common, &config, (&self.file, self.force), &heading, (&mut archive, Act::Restored))
    }
}

impl Import {
    pub fn run(self, common: &Common) -> Result<(), Exit> {
        let Format::Gatelodge = self.format;
        let config = common.config()?;
        let wrong = |error: ArchiveError| unusable(&self.file, &error);
        let (_, mut checked) = lines(&self.file).map_err(wrong)?;
        while checked.next().map_err(wrong)?.is_some() {}
        let (heading, mut records) = lines(&self.file).map_err(wrong)?;
        put_in_place(common, &config, (&self.file, self.force), &heading, (&mut records, Act::Imported))
    }
}

fn reader(path: &Path) -> Result<BufReader<File>, ArchiveError> {
    Ok(BufReader::with_capacity(64 << 10, File::open(path)?))
}

fn lines(path: &Path) -> Result<(Heading, impl Records + use<>), ArchiveError> {
    let mut lines = reader(path)?.lines();
    let first = lines.next().ok_or(ArchiveError::NotABackup)?.map_err(|_| ArchiveError::NotABackup)?;
    Ok((export::read_first_line(&first, known_format())?, Lines::new(lines)))
}

fn unusable(path: &Path, error: &ArchiveError) -> Exit {
    let hint = match error {
        ArchiveError::Io(_) => "check the path and your permissions",
        ArchiveError::Newer(_) => "install the newer program",
        _ => "take another backup or snapshot; nothing was changed",
    };
    Exit::failed(format!("{}: {error}\nhint: {hint}", path.display()))
}

fn put_in_place(
    common: &Common,
    config: &Config,
    (file, may_replace): (&Path, bool),
    heading: &Heading,
    (records, act): (&mut dyn Records, Act),
) -> Result<(), Exit> {
    let key_path = config.sealing_key_path();
    let place =
        Place { path: &config.store.path, key_path: &key_path, may_replace, cache_bytes: config.store.cache_mib << 20 };
    let told = |error: RebuildError| explain(error, file);
    let (mut lock, seal) = prepare_place(&place, &heading.key_fingerprint).map_err(told)?;
    let mut moment = Moment::new(SystemClock.now(), SystemClock.seed());
    let rebuilt = rebuild(&place, &mut lock, &mut moment, records, &mut |tx, moment| {
        mail::hold_all(tx)?;
        let source = Source::command_line(own_user());
        let entry = Entry {
            at: moment.now(),
            clock: moment.clock(),
            act,
            outcome: Outcome::Done,
            actor: source.actor,
            network: source.network,
            subject: Subject::NONE,
            detail: format!("of {}", heading.created_at),
        };
        audit::record(tx, &seal, entry).map(drop)
    })
    .map_err(told)?;
    if common.json {
        return show::json(&serde_json::json!({
            "records": rebuilt.records, "made_at": heading.created_at, "replaced": rebuilt.replaced,
        }));
    }
    println!("{} records of {} are in {}.", rebuilt.records, heading.created_at, config.store.path.display());
    if let Some(replaced) = rebuilt.replaced {
        println!("The store that was there before is kept as {}.", replaced.display());
    }
    println!(
        "Sessions, links and known browsers of before are dead. Mails that waited are held, because they may have been"
    );
    println!(
        "delivered since: look at them with `gatelodge mail list`, and let them go with `gatelodge mail release`."
    );
    Ok(())
}

fn explain(error: RebuildError, file: &Path) -> Exit {
    match error {
        RebuildError::Open(error) => error.into(),
        RebuildError::Records(error) => unusable(file, &error),
        RebuildError::Exists(path) => Exit::failed(format!(
            "{}: there is a store already\nhint: --force puts the new one in its place and keeps the old one beside it",
            path.display()
        )),
        RebuildError::AnotherKey { path, needed } => Exit::failed(format!(
            "{}: this is not the sealing key that {} was made with; the fingerprint of that one is {needed}\nhint: put the key that belongs to it in this place first; without it nobody can read the backup",
            path.display(),
            file.display()
        )),
    }
}
