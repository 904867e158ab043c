//! Arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    rustls::crypto::aws_lc_rs::default_provider().install_default().expect("nobody installs a provider before main");
    gatelodge::cli::main()
}
