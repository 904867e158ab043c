//! See `tests/support/targets.rs`.
#![no_main]

#[path = "../../support/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let target = targets::TARGETS.iter().find(|target| target.name == "original").expect("a target of this name");
    (target.run)(bytes);
});
