//! Notes when the program was built, so that a clock which shows an earlier time is known to be wrong; and has it made
//! compact.
//!
//! The date is `SOURCE_DATE_EPOCH` if it is set (<https://reproducible-builds.org/specs/source-date-epoch/>), else that of the
//! last commit, else of the manifest: the same source gives the same program.

use std::process::Command;
use std::time::SystemTime;

const OPENAPI: &str = "src/web/api/openapi.json";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.toml");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let seconds = from_environment().or_else(from_commit).or_else(from_manifest).unwrap_or(0);
    println!("cargo::rustc-env=GATELODGE_BUILD_DATE={seconds}");
    println!("cargo::rerun-if-changed={OPENAPI}");
    let document = std::fs::read_to_string(OPENAPI).expect("the document is there");
    let folder = std::env::var("OUT_DIR").expect("cargo sets it");
    let packed = lz4_flex::block::compress_prepend_size(without_layout(&document).as_bytes());
    std::fs::write(format!("{folder}/openapi.json.lz4"), packed).expect("cargo's folder can be written");
    if reads_packed_relocations() {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

fn from_environment() -> Option<u64> {
    std::env::var("SOURCE_DATE_EPOCH").ok()?.parse().ok()
}

fn from_commit() -> Option<u64> {
    let output =
        Command::new("git").args(["log", "-1", "--format=%ct"]).output().ok().filter(|o| o.status.success())?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

fn from_manifest() -> Option<u64> {
    let modified = std::fs::metadata("Cargo.toml").ok()?.modified().ok()?;
    modified.duration_since(SystemTime::UNIX_EPOCH).ok().map(|since| since.as_secs())
}

/// The places to mend when the program is loaded take a third of a megabyte, unless they are packed. glibc reads them so
/// since 2.36, musl since 1.2.4; the 32-bit build is for systems that are older.
fn reads_packed_relocations() -> bool {
    let target = |what: &str| std::env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    target("OS") == "linux" && target("POINTER_WIDTH") == "64"
}

/// JSON without the blanks between its parts: half of the document, for those who read it in the repository.
fn without_layout(json: &str) -> String {
    let (mut is_text, mut is_escaped) = (false, false);
    let is_kept = |c: &char| {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => is_text = !is_text,
            _ => {}
        }
        is_text || !c.is_ascii_whitespace()
    };
    json.chars().filter(is_kept).collect()
}
