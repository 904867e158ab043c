//! Arguments in, exit code out.

use std::process::ExitCode;

/// musl's own heap maps and unmaps pages all the time.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    rustls::crypto::aws_lc_rs::default_provider().install_default().expect("nobody installs a provider before main");
    gatelodge::cli::main()
}
