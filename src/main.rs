//! Arguments in, exit code out.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    rustls::crypto::aws_lc_rs::default_provider().install_default().expect("nobody installs a provider before main");
    match gatelodge::cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            // Whoever has closed it, or filled the disk behind it, hears the exit code alone.
            let _ = writeln!(std::io::stderr(), "gatelodge: {exit}");
            exit.code()
        }
    }
}
