//! `gatelodge demo`: the same server with nothing to set up.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::app::App;
use crate::cli::out::say;
use crate::config::{Config, ConfigError, LogFormat, Reread};
use crate::courier::Courier;
use crate::courier::delivery::FileTransport;

use super::serve::{self, Setting};
use super::{Exit, logging};

#[derive(Debug, Args)]
pub struct Demo {
    /// The port on localhost.
    #[arg(long, default_value_t = 8443, value_name = "N")]
    port: u16,
    /// Where the store and the mails are kept; delete it to begin anew.
    #[arg(long, default_value = "demo", value_name = "DIR")]
    dir: PathBuf,
}

impl Demo {
    pub fn run(self) -> Result<(), Exit> {
        let config = self.config()?;
        logging::to_stdout(LogFormat::Text)?;
        serve::serve(config, &self, vec![])
    }

    fn config(&self) -> Result<Config, Exit> {
        let dir = self
            .dir
            .to_str()
            .filter(|dir| !dir.contains(['"', '\\']))
            .ok_or_else(|| Exit::failed("--dir must be plain text"))?;
        let text = format!(
            r#"[site]
name = "Gatelodge demo"
url = "https://localhost:{port}"
[listen]
https = ["127.0.0.1:{port}"]
control = "{dir}/control.sock"
[store]
path = "{dir}/gatelodge.redb"
[mail]
from = "Gatelodge demo <auth@localhost>"
transport = "file"
directory = "{dir}/mail"
"#,
            port = self.port,
        );
        Ok(Config::parse(&text, Path::new("demo"))?)
    }
}

impl Setting for Demo {
    fn courier(&self, config: &Config) -> Result<Courier, Exit> {
        Ok(Courier::to_files(FileTransport::new(config.mail.directory.clone()).announced_by(announce)))
    }

    /// There is no file to read.
    fn reread(&self, present: &Config) -> Result<Reread, ConfigError> {
        present.reread(present, Path::new("demo"))
    }

    fn is_ready(&self, app: &App) {
        let services = app.services();
        say!("\n  Gatelodge runs at {}", services.config.site.url);
        say!("  Your browser will ask about the certificate, because it is self-signed.");
        say!("  Mails are kept in {}, and their links appear here.", services.config.mail.directory.display());
        say!("  Everything is in {}; stop with Ctrl-C.\n", self.dir.display());
    }
}

/// Prints a mail's subject and link.
fn announce(mail: &str, path: &Path) {
    let header =
        |name: &str| mail.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned();
    say!("\n  Mail to {}: {}", header("To:"), header("Subject:"));
    let link = mail
        .lines()
        .map(str::trim)
        .find(|line| line.starts_with("https://") && (line.contains("/confirm/") || line.contains("/reset/")));
    if let Some(link) = link {
        say!("  {link}");
    }
    say!("  ({})\n", path.display());
}
