//! `gatelodge restore` and `gatelodge import`: builds a store from a backup or an export.

use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::accounts::bearable;
use crate::app::settle;
use crate::audit::{self, Act, Broken, Chain, Entry, Outcome, Source, Subject};
use crate::base::{Clock, Moment, Timestamp};
use crate::cli::out::{say, tell};
use crate::config::{Config, Unreadable};
use crate::crypto::Cost;
use crate::export::Import as Lines;
use crate::store::{
    self, Archive, ArchiveError, Heading, Pair, RebuildError, RebuildTarget, Records, StoreError, Transaction, Trust,
    heading_of, known_format, old_key_path, prepare_place, read_key, rebuild,
};

use super::common::Common;
use super::offline::own_user;
use super::progress::{Progress, Watched};
use super::system_clock::SystemClock;
use super::{Exit, show};
use crate::config::EngineKind;

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// What `gatelodge backup` wrote, or a snapshot.
    file: PathBuf,
    /// The file is what `gatelodge export` wrote.
    #[arg(long)]
    from_export: bool,
    #[command(flatten)]
    terms: Conditions,
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// The form of the file.
    format: Format,
    /// The file.
    file: PathBuf,
    #[command(flatten)]
    terms: Conditions,
}

#[derive(Clone, Copy, Debug, Args)]
struct Conditions {
    /// Put it in the place of the present store, which is kept beside it.
    #[arg(long)]
    force: bool,
    /// Take a file of an older program, which does not prove who wrote it. Do so only if you know where it has been
    /// since.
    #[arg(long)]
    accept_unsigned: bool,
    /// Take it although its audit log is not what was written: rows are missing or changed, or its end does not fit.
    /// The new log says so, for good.
    #[arg(long)]
    accept_broken_log: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Format {
    /// What `gatelodge export` wrote: everything, one JSON object a line.
    Gatelodge,
}

impl Restore {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let form = if self.from_export { Form::Lines } else { Form::Archive };
        let kept = Kept { file: &self.file, form, act: Act::Restored };
        kept.put_in_place(common, &common.config()?, self.terms)
    }
}

impl Import {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let Format::Gatelodge = self.format;
        let kept = Kept { file: &self.file, form: Form::Lines, act: Act::Imported };
        kept.put_in_place(common, &common.config()?, self.terms)
    }
}

#[derive(Clone, Copy)]
enum Form {
    /// A backup.
    Archive,
    /// An export.
    Lines,
}

/// The file that a store is built from.
struct Kept<'a> {
    file: &'a Path,
    form: Form,
    act: Act,
}

/// A file that is being read.
struct Opened<'a> {
    heading: Heading,
    is_signed: bool,
    records: Box<dyn Records + 'a>,
}

/// Records without proof of their origin: their password hashes may not cost more than is bearable here (denial of
/// service by every login).
struct Bounded<'a> {
    inner: Box<dyn Records + 'a>,
    own: Cost,
}

impl Records for Bounded<'_> {
    fn next(&mut self) -> Result<Option<Pair>, ArchiveError> {
        match self.inner.next()? {
            Some(pair) if bearable::asks_too_much(&pair, self.own) => Err(ArchiveError::TooDear),
            other => Ok(other),
        }
    }
}

impl Kept<'_> {
    fn open<'a>(&self, config: &Config, trust: Trust, progress: &'a mut Progress) -> Result<Opened<'a>, ArchiveError> {
        let opened = self.open_unbounded(trust, progress)?;
        if opened.is_signed {
            return Ok(opened);
        }
        let own = config.password.cost();
        Ok(Opened { records: Box::new(Bounded { inner: opened.records, own }), ..opened })
    }

    fn open_unbounded<'a>(&self, trust: Trust, progress: &'a mut Progress) -> Result<Opened<'a>, ArchiveError> {
        let input = BufReader::with_capacity(64 << 10, File::open(self.file)?);
        let input = Watched { inner: input, progress };
        match self.form {
            Form::Archive => {
                let archive = Archive::open(input, known_format())?.trusting(trust)?;
                let (heading, is_signed) = (archive.heading.clone(), archive.is_signed());
                Ok(Opened { heading, is_signed, records: Box::new(archive) })
            }
            Form::Lines => {
                let lines = Lines::open(BufReader::new(input), known_format())?.trusting(trust)?;
                let (heading, is_signed) = (lines.heading.clone(), lines.is_signed());
                Ok(Opened { heading, is_signed, records: Box::new(lines) })
            }
        }
    }

    /// Reads the file once to its end, before anything is changed.
    fn check(&self, config: &Config, terms: Conditions) -> Result<Heading, Exit> {
        let wrong = |error: ArchiveError| self.unusable(&error);
        let heading = self.open(config, Trust::Anybody, &mut Progress::new("check")).map_err(wrong)?.heading;
        let key = read_key(&config.sealing_key_path())?;
        // With another key only completeness could be checked; the missing key is then the reason to refuse.
        let trust = match Trust::by(key, &heading) {
            Trust::Key(key) if terms.accept_unsigned => Trust::KeyOrUnsigned(key),
            trust => trust,
        };
        let mut progress = Progress::new("check");
        let mut opened = self.open(config, trust, &mut progress).map_err(wrong)?;
        while opened.records.next().map_err(wrong)?.is_some() {}
        Ok(heading)
    }

    fn put_in_place(&self, common: &Common, config: &Config, terms: Conditions) -> Result<(), Exit> {
        let heading = self.check(config, terms)?;
        // The one that keeps its records in a file: any other is restored in another way.
        let EngineKind::Embedded = config.store.engine;
        let key_path = config.sealing_key_path();
        let place = RebuildTarget {
            path: &config.store.path,
            key_path: &key_path,
            may_replace: terms.force,
            cache_bytes: config.store.cache_bytes(),
        };
        let told = |error: RebuildError| self.explain(error);
        let (mut lock, seal) = prepare_place(&place, &heading.key_fingerprint).map_err(told)?;
        let trust = if terms.accept_unsigned { Trust::KeyOrUnsigned(seal.clone()) } else { Trust::Key(seal.clone()) };
        let mut progress = Progress::new("restore");
        // Read and verified again: another file may be there by now.
        let Opened { heading, is_signed, mut records } =
            self.open(config, trust, &mut progress).map_err(|error| self.unusable(&error))?;
        if !is_signed {
            warn_of_unsigned(self.file);
        }
        let mut moment = Moment::new(SystemClock.now(), SystemClock.seed());
        let rebuilt = rebuild(&place, &mut lock, &mut moment, &mut *records, &mut |tx, moment| {
            let chain = Chain { node: store::node(tx)?, seal: &seal };
            take_log(tx, moment, chain, terms)?;
            let now = settle(tx, moment, Timestamp::parse(&heading.created_at))?;
            audit::record(tx, chain, Entry { at: now, ..self.entry(moment, &heading, is_signed) })?;
            Ok(())
        })
        .map_err(told)?;
        if common.json {
            return show::json(&serde_json::json!({
                "records": rebuilt.records, "made_at": heading.created_at, "signed": is_signed,
                "replaced": rebuilt.replaced,
            }));
        }
        say!("{} records of {} are in {}.", rebuilt.records, heading.created_at, config.store.path.display());
        if let Some(replaced) = rebuilt.replaced {
            say!("The store that was there before is kept as {}.", replaced.display());
        }
        say!(
            "Sessions, API tokens, invitations, links and known browsers of before are dead. Mails that waited are held, because they may have been"
        );
        say!(
            "delivered since: look at them with `gatelodge mail list`, and let them go with `gatelodge mail release`."
        );
        Ok(())
    }

    /// Returns the audit record of the restore.
    fn entry(&self, moment: &Moment, heading: &Heading, is_signed: bool) -> Entry {
        let source = Source::command_line(own_user());
        let unsigned = if is_signed { "" } else { ", unsigned" };
        Entry {
            at: moment.now(),
            clock: moment.clock(),
            act: self.act,
            outcome: Outcome::Done,
            actor: source.actor,
            network: source.network,
            subject: Subject::NONE,
            detail: format!("of {}{unsigned}", heading.created_at),
        }
    }
}

/// Verifies the audit log that came with the records: whoever changed the store or the file may have meant to hide
/// something.
fn take_log(
    tx: &mut dyn Transaction,
    moment: &Moment,
    chain: Chain<'_>,
    terms: Conditions,
) -> Result<(), RebuildError> {
    let broken = match audit::verify(tx, chain) {
        Ok(Ok(_)) => return Ok(()),
        // That break is recorded in the log already, so going on hides nothing.
        Ok(Err(before @ Broken::Before(_))) => {
            tell!("gatelodge: WARNING: {before}");
            return Ok(());
        }
        Ok(Err(broken)) => broken,
        Err(StoreError::Damaged(_)) => Broken::Head,
        Err(error) => return Err(error.into()),
    };
    if !terms.accept_broken_log {
        return Err(RebuildError::Refused(
            format!("the audit log in it is not what was written: {broken}"),
            "take an older backup, or accept it with --accept-broken-log: the log then says so, for good",
        ));
    }
    tell!("gatelodge: WARNING: the audit log is not what was written: {broken}. It says so from now on");
    Ok(audit::go_on_after(tx, moment, chain, broken)?)
}

fn warn_of_unsigned(file: &Path) {
    tell!(
        "gatelodge: WARNING: {} does not prove who wrote it. Everything in it is taken as it is: accounts, passwords,\n\
         who administers. Look through `gatelodge user list` and `gatelodge group list`; the audit log tells of it.",
        file.display()
    );
}

impl Kept<'_> {
    fn unusable(&self, error: &ArchiveError) -> Exit {
        let another = match self.form {
            Form::Archive => "take another backup or snapshot; nothing was changed",
            Form::Lines => "take another export; nothing was changed",
        };
        if let ArchiveError::Io(error) = error
            && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory | ErrorKind::NotADirectory)
            && self.file != Path::new("-")
        {
            let words = Unreadable::of(error).reason;
            return Exit::failed(format!("{}: {words}", self.file.display()))
                .with_hint("name the file of a backup or export");
        }
        let hint = match error {
            ArchiveError::Io(error) if error.kind() == ErrorKind::NotFound && self.file == Path::new("-") => {
                "it is read twice, which standard input cannot be: name a file"
            }
            ArchiveError::Io(_) => "check the path and your permissions",
            ArchiveError::Newer(_) => "install the newer program",
            ArchiveError::Forged => {
                "somebody without the key wrote or changed it; take another backup or snapshot; nothing was changed"
            }
            ArchiveError::Unsigned => {
                "if an older program made it and nobody else could write to where it lay, --accept-unsigned takes it"
            }
            ArchiveError::TooDear => {
                "raise password.memory_kib and iterations here first, if that is meant; nothing was changed"
            }
            ArchiveError::NotABackup => self.of_the_other_form().unwrap_or(another),
            _ => another,
        };
        Exit::failed(format!("{}: {error}", self.file.display())).with_hint(hint)
    }

    /// Returns the right command where a backup was taken for an export, or an export for a backup.
    fn of_the_other_form(&self) -> Option<&'static str> {
        let is_archive = || heading_of(self.file).is_ok();
        let is_lines =
            || File::open(self.file).is_ok_and(|file| Lines::open(BufReader::new(file), known_format()).is_ok());
        match self.form {
            Form::Archive if is_lines() => Some("it is an export: gatelodge restore --from-export FILE"),
            Form::Lines if is_archive() => Some("it is a backup: gatelodge restore FILE"),
            _ => None,
        }
    }

    fn explain(&self, error: RebuildError) -> Exit {
        let file = self.file.display();
        match error {
            RebuildError::Open(error) => error.into(),
            RebuildError::Records(error) => self.unusable(&error),
            RebuildError::Refused(reason, hint) => Exit::failed(format!("{file}: {reason}")).with_hint(hint),
            RebuildError::Exists(path) => Exit::failed(format!("{}: there is a store already", path.display()))
                .with_hint("--force puts the new one in its place and keeps the old one beside it"),
            RebuildError::AnotherKey { path, needed } => {
                let old = old_key_path(&path, &needed);
                let hint = if old.exists() {
                    format!("it was in force before, and is kept as {}: copy it to this place first", old.display())
                } else {
                    format!(
                        "put the key with that fingerprint into this place first, the file that lay beside the store then, chmod 600 and \
                         its owner the service's; without it nobody can read {file}"
                    )
                };
                let (is_there, path) = (path.exists(), path.display());
                Exit::failed(if is_there {
                    format!("{path}: this is not the sealing key that {file} was made with; the fingerprint of that one is {needed}")
                } else {
                    format!("{path}: the sealing key is missing that {file} was made with; its fingerprint is {needed}")
                })
                .with_hint(hint)
            }
        }
    }
}
