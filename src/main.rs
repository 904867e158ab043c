//! Arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    rustls::crypto::aws_lc_rs::default_provider().install_default().expect("nobody installs a provider before main");
    match gatelodge::cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            eprintln!("gatelodge: {exit}");
            exit.code()
        }
    }
}
