//! The fuzz targets in the ordinary test run: their seeds, and mutations of these that are always the same.

use crate::targets::{TARGETS, Target};

const MUTATIONS_OF_EACH_TARGET: u64 = 4_000;

fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn below(state: &mut u64, end: usize) -> usize {
    usize::try_from(next(state) % end.max(1) as u64).expect("small")
}

/// Flips, cuts, repeats, and puts in what parsers stumble over.
fn mutate(bytes: &mut Vec<u8>, state: &mut u64) {
    const STUMBLES: &[&[u8]] = &[
        b"\0",
        b"\xff",
        b"%00",
        b"\\u0000",
        b"\r\n",
        b"@",
        b"\"",
        b"\xe2\x80\xae",
        b"99999999999999999999",
        b"-1",
        b"=",
        b"&",
        b"{",
        b"\x7f",
    ];
    for _ in 0..=below(state, 4) {
        let at = below(state, bytes.len() + 1);
        match below(state, 5) {
            0 if at < bytes.len() => bytes[at] ^= 1 << below(state, 8),
            1 => bytes.truncate(at),
            2 => drop(bytes.splice(at..at, STUMBLES[below(state, STUMBLES.len())].iter().copied())),
            3 if at < bytes.len() => drop(bytes.remove(at)),
            _ => {
                let end = at + below(state, (bytes.len() - at).min(20) + 1);
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
}

fn run(target: &Target) {
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty(), "{}", target.name);
    for seed in &seeds {
        (target.run)(seed);
    }
    let mut state = 1;
    for number in 0..MUTATIONS_OF_EACH_TARGET {
        let mut bytes = seeds[below(&mut state, seeds.len())].clone();
        mutate(&mut bytes, &mut state);
        let caught = std::panic::catch_unwind(|| (target.run)(&bytes));
        assert!(caught.is_ok(), "{}, mutation {number}: {:?}", target.name, String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn no_parser_stumbles_over_what_comes_from_outside() {
    TARGETS.iter().for_each(run);
}

#[test]
fn every_target_can_be_fuzzed() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).expect("UTF-8");
    for target in TARGETS {
        assert!(manifest.contains(&format!("name = \"{}\"", target.name)), "{}", target.name);
        let source = std::fs::read_to_string(root.join(format!("fuzz_targets/{}.rs", target.name))).expect(target.name);
        assert!(source.contains(&format!("\"{}\"", target.name)), "{}", target.name);
    }
}
