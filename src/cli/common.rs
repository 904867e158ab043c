//! The options of every command.

use std::path::PathBuf;

use clap::Args;

use crate::config::{Config, Draft};

use super::Exit;

/// What every command accepts.
#[derive(Clone, Debug, Args)]
pub(super) struct Common {
    /// The configuration file [default: /etc/gatelodge/gatelodge.toml].
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Print data as JSON.
    #[arg(long, global = true)]
    pub(super) json: bool,
}

impl Common {
    pub(super) fn config_path(&self) -> PathBuf {
        self.config.clone().unwrap_or_else(|| Config::DEFAULT_PATH.into())
    }

    pub(super) fn config(&self) -> Result<Config, Exit> {
        Ok(self.draft().finish()?)
    }

    /// Reads the configuration, as far as it can be understood.
    pub(super) fn draft(&self) -> Draft {
        let path = self.config_path();
        // Without a service manager nobody hands credentials over; root finds them where systemd would take them from.
        let handed = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        let credentials = handed.or_else(|| path.parent().map(|folder| folder.join("credentials")));
        Draft::read(&path, credentials.as_deref())
    }
}

/// Which rows of a long list.
#[derive(Debug, Args)]
pub(super) struct Page {
    /// Go on behind this id.
    #[arg(long, value_name = "ID")]
    pub(super) after: Option<String>,
    /// How many rows.
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(super) limit: usize,
}
