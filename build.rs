//! Notes when the program was built, so that a clock which shows an earlier time is known to be wrong; and has it made
//! compact.
//!
//! The date is `SOURCE_DATE_EPOCH` if it is set (<https://reproducible-builds.org/specs/source-date-epoch/>), else that of the
//! last commit, else of the manifest: the same source gives the same program.
//!
//! Templates, texts, the OpenAPI document, time zones and the public suffix list are packed: a fiftieth of the program otherwise.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

const OPENAPI: &str = "src/web/api/openapi.json";
const SUFFIXES: &str = "src/config/public_suffixes/list.txt";
const TIME_ZONES: &str = "src/texts/time_zones/list.txt";
/// The folder of catalogues, each of which is packed by itself.
const CATALOGUES: &str = "src/texts/catalogues";
/// Folders of templates, and the packs that are made of them.
const TEMPLATES: [(&str, &str); 2] = [("src/web/templates", "pages"), ("src/mail/templates", "mails")];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.toml");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let seconds = from_environment().or_else(from_commit).or_else(from_manifest).unwrap_or(0);
    println!("cargo::rustc-env=GATELODGE_BUILD_DATE={seconds}");
    println!("cargo::rerun-if-changed={OPENAPI}");
    let document = std::fs::read_to_string(OPENAPI).expect("the document is there");
    pack("openapi.json", &without_layout(&document));
    println!("cargo::rerun-if-changed={SUFFIXES}");
    pack("public_suffixes", &std::fs::read_to_string(SUFFIXES).expect("the list is there"));
    println!("cargo::rerun-if-changed={TIME_ZONES}");
    pack("time_zones", &std::fs::read_to_string(TIME_ZONES).expect("the list is there"));
    println!("cargo::rerun-if-changed={CATALOGUES}");
    for file in files_in(Path::new(CATALOGUES), &["toml"]) {
        let tag = file.file_stem().and_then(OsStr::to_str).expect("a name in UTF-8");
        pack(&format!("texts-{tag}"), &without_comments(&std::fs::read_to_string(&file).expect("a text")));
    }
    for (folder, name) in TEMPLATES {
        println!("cargo::rerun-if-changed={folder}");
        pack(name, &all_in(Path::new(folder)));
    }
    if reads_packed_relocations() {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Writes a text to be compiled in, packed.
fn pack(name: &str, text: &str) {
    let folder = std::env::var("OUT_DIR").expect("cargo sets it");
    let packed = lz4_flex::block::compress_prepend_size(text.as_bytes());
    std::fs::write(format!("{folder}/{name}.lz4"), packed).expect("cargo's folder can be written");
}

/// Names and texts of the templates in a folder, in the order of their names, a zero byte after each. What an editor left there
/// is none.
fn all_in(folder: &Path) -> String {
    let with_text = |file: PathBuf| {
        let name = file.file_name().and_then(OsStr::to_str).expect("a name in UTF-8");
        format!("{name}\0{}\0", std::fs::read_to_string(&file).expect("a text"))
    };
    files_in(folder, &["html", "txt"]).into_iter().map(with_text).collect()
}

/// The files of some kinds in a folder, in the order of their names.
fn files_in(folder: &Path, kinds: &[&str]) -> Vec<PathBuf> {
    let files =
        std::fs::read_dir(folder).expect("the folder is there").map(|file| file.expect("it can be read").path());
    let is_wanted = |file: &PathBuf| file.extension().is_some_and(|kind| kinds.iter().any(|wanted| kind == *wanted));
    let mut files: Vec<PathBuf> = files.filter(is_wanted).collect();
    files.sort();
    files
}

/// A catalogue without what it says to translators.
fn without_comments(catalogue: &str) -> String {
    let is_text = |line: &&str| !line.is_empty() && !line.starts_with('#');
    catalogue.lines().filter(is_text).flat_map(|line| [line, "\n"]).collect()
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
