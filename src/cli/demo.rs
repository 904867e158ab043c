//! `gatelodge demo`: the same server with nothing to set up.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::app::App;
use crate::cli::out::{say, tell};
use crate::config::{Config, ConfigError, LogFormat, Reread};
use crate::courier::Courier;
use crate::courier::delivery::FileTransport;

use super::serve::{self, RunMode};
use super::{Exit, anew, logging};

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// The port on localhost.
    #[arg(long, default_value_t = 8443, value_name = "N", value_parser = port)]
    port: u16,
    /// Where the store and the mails are kept; delete it to begin anew.
    #[arg(long, default_value = "demo", value_name = "DIR")]
    dir: PathBuf,
}

/// The first line of a configuration that we write. Any other is somebody's own.
const OURS: &str = "# Written by `gatelodge demo`, anew at each start.";

fn port(text: &str) -> Result<u16, &'static str> {
    text.parse().ok().filter(|port| *port != 0).ok_or("a port is a number from 1 to 65535")
}

/// Refuses a path that is not a folder and cannot become one.
fn refuse_files(folder: &Path) -> Result<(), Exit> {
    match folder.ancestors().find_map(|folder| folder.metadata().ok()) {
        Some(found) if !found.is_dir() => Err(Exit::failed(format!(
            "--dir: {} is no folder, or leads through something that is none",
            folder.display()
        ))
        .with_hint("name another folder; it is made if it is not there")),
        _ => Ok(()),
    }
}

impl Demo {
    pub(super) fn run(self) -> Result<(), Exit> {
        refuse_files(&self.dir)?;
        let config = Config::parse(&self.text(), &self.config_path())?;
        refuse_others(&self.config_path())?;
        logging::to_stdout(LogFormat::Text)?;
        serve::serve(config, &self, vec![])
    }

    /// Returns the path at which other commands find the demo.
    fn config_path(&self) -> PathBuf {
        self.dir.join("gatelodge.toml")
    }

    /// Returns the configuration. Its paths are relative to its folder, which may be moved.
    fn text(&self) -> String {
        format!(
            r#"{OURS}
[site]
name = "Gatelodge demo"
url = "https://localhost:{port}"
[listen]
https = ["127.0.0.1:{port}"]
control = "control.sock"
[store]
path = "gatelodge.redb"
[mail]
from = "Gatelodge demo <auth@localhost>"
transport = "file"
directory = "mail"
"#,
            port = self.port,
        )
    }

    /// Writes the configuration. Called once we listen: before, another demo may be running in the folder.
    fn write_config(&self) -> std::io::Result<()> {
        let (path, beside) = (self.config_path(), self.dir.join("gatelodge.toml.new"));
        anew::write(&beside, &self.text(), 0o644)?;
        std::fs::rename(&beside, &path)
    }
}

fn refuse_others(path: &Path) -> Result<(), Exit> {
    match std::fs::read(path) {
        Ok(text) if !text.starts_with(OURS.as_bytes()) => {
            Err(Exit::failed(format!("{}: this is no demo's configuration, and stays as it is", path.display()))
                .with_hint("choose another folder with --dir, or run it: gatelodge serve --config FILE"))
        }
        _ => Ok(()),
    }
}

impl RunMode for Demo {
    fn courier(&self, config: &Config) -> Result<Courier, Exit> {
        Ok(Courier::to_files(FileTransport::new(config.mail.directory.clone()).announced_by(announce)))
    }

    /// Changes nothing: the file is written at the start.
    fn reread(&self, present: &Config) -> Result<Reread, ConfigError> {
        present.reread(present, &self.config_path())
    }

    fn another_port(&self) -> &'static str {
        "choose another with --port N"
    }

    fn is_ready(&self, app: &App) {
        let env = app.env();
        let config = self.config_path();
        if let Err(error) = self.write_config() {
            tell!("gatelodge: {}: {error}; other commands do not find the demo", config.display());
        }
        say!("\n  Gatelodge runs at {}", env.config.site.url);
        say!("  Your browser will ask about the certificate, because it is self-signed.");
        say!("  Mails are kept in {}, and their links appear here.", self.dir.join("mail").display());
        say!("  Commands reach it so: gatelodge --config {} user list", shell_word(&config));
        say!("  Everything is in {}; stop with Ctrl-C.\n", self.dir.display());
    }

    fn offers_set_up(&self, link: &str) {
        say!("  Whoever opens this link within 30 minutes becomes its administrator:\n  {link}\n");
    }
}

/// Quotes a path for a shell.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+=:@".contains(c));
    if is_plain { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// Prints the subject and the links of a mail.
fn announce(mail: &str, path: &Path) {
    let header =
        |name: &str| mail.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned();
    say!("\n  Mail to {}: {}", header("To:"), header("Subject:"));
    // In the plain text each link has a line of its own; in the HTML part none has.
    let links: BTreeSet<&str> = mail.lines().map(str::trim).filter(|line| line.starts_with("https://")).collect();
    for link in links {
        say!("  {link}");
    }
    say!("  ({})\n", path.display());
}
