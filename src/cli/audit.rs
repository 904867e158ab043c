//! `gatelodge audit`: the audit log.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::admin::answers::{AuditRow, Page, VerifiedLog, WitnessedLog};
use crate::admin::{AuditWanted, Command};
use crate::cli::out::say;
use crate::config::Config;
use crate::store::{ArchiveError, LogEnd, Trust, heading_of, read_key, verify_file};

use super::common::Common;
use super::offline::carry_out;
use super::show::{Cell, columns};
use super::{Exit, show};

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// List what was done, newest first.
    List(Wanted),
    /// Check that no row is missing, changed or added.
    Verify {
        /// Check, too, that the log goes on from where it ended when this backup was made: one that was replaced as a
        /// whole by an older state of itself holds in itself.
        #[arg(long, value_name = "BACKUP")]
        against: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub struct Wanted {
    /// By or about this account: id, address or user name.
    #[arg(long)]
    user: Option<String>,
    /// One act only, such as `login` or `password-changed`.
    #[arg(long)]
    act: Option<String>,
    /// One outcome only, such as `done` or `wrong-password`.
    #[arg(long)]
    outcome: Option<String>,
    /// From this network address only.
    #[arg(long, value_name = "ADDRESS")]
    network: Option<String>,
    /// Not before this time: 2026-11-23T14:05:00Z, 2026-11-23, or an age like 24h.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Go on behind the row of this number.
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
    /// How many rows.
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: usize,
    /// Oldest first.
    #[arg(long)]
    oldest_first: bool,
}

impl Audit {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let config = common.config()?;
        match self {
            Self::Verify { against } => {
                if let Some(path) = against {
                    let witness = witness(&path, &config)?;
                    carry_out::<WitnessedLog>(config.clone(), Command::AuditWitness(witness))?;
                }
                let shown: VerifiedLog = carry_out(config, Command::AuditVerify)?;
                if common.json {
                    return show::json(&shown);
                }
                say!("{} rows, from number {}: none is missing, changed or added.", shown.rows, shown.first);
            }
            Self::List(wanted) => {
                let shown: Page<AuditRow, u64> = carry_out(config, Command::AuditList(wanted.into()))?;
                if common.json {
                    return show::json(&shown);
                }
                show::table(
                    &shown.items,
                    columns![number, at, act, outcome, actor by actor, subject by subject, network, detail],
                );
                show::say_how_to_go_on(shown.next.as_ref());
            }
        }
        Ok(())
    }
}

/// Returns who acted, by name where there is one.
fn actor(row: &AuditRow) -> String {
    match &row.actor_name {
        Some(name) => named(name, &row.actor),
        None => row.actor.cell(),
    }
}

/// Returns whom the act was done to, by name where there is one.
fn subject(row: &AuditRow) -> String {
    match (&row.subject_name, &row.subject) {
        (Some(name), Some(id)) => named(name, id),
        (_, id) => id.cell(),
    }
}

/// Adds an account's id to its name.
fn named(name: &str, id: &str) -> String {
    format!("{name} {}", id.trim_start_matches("account ")).cell()
}

/// Returns what a backup says of where the log ended.
fn witness(path: &Path, config: &Config) -> Result<LogEnd, Exit> {
    let told = |error: ArchiveError| Exit::failed(format!("{}: {error}", path.display()));
    let (heading, _) = heading_of(path).map_err(told)?;
    let key = read_key(&config.sealing_key_path())?;
    // Verified first: a heading that nothing authenticates proves nothing.
    verify_file(path, Trust::by(key, &heading)).map_err(told)?;
    heading.audit.ok_or_else(|| {
        Exit::failed(format!(
            "{}: this backup does not say where the audit log ended\nhint: those of older programs do not",
            path.display()
        ))
    })
}

impl From<Wanted> for AuditWanted {
    fn from(wanted: Wanted) -> Self {
        let Wanted { user, act, outcome, network, since, until, after, limit, oldest_first } = wanted;
        Self { user, act, outcome, network, since, until, after, limit, oldest_first }
    }
}
