//! Arguments in, exit code out.

use std::process::ExitCode;

/// Every request allocates on two threads, which would meet at the one lock of musl's heap.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    rustls::crypto::aws_lc_rs::default_provider().install_default().expect("nobody installs a provider before main");
    gatelodge::cli::main()
}
