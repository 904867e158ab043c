//! Zones that are never found in the public DNS, so that nobody can be asked for a certificate of theirs.

/// The zones, and who set them apart.
const PRIVATE_ZONES: [&str; 11] = [
    "localhost",   // RFC 6761
    "test",        // RFC 6761
    "local",       // RFC 6762
    "home.arpa",   // RFC 8375
    "internal",    // ICANN board, resolution 2024.07.29.06
    "home",        // ICANN board, resolution 2018.02.04.12; RFC 6762, appendix G
    "corp",        // the same
    "lan",         // RFC 6762, appendix G: in use, and never delegated so far
    "private",     // the same
    "intranet",    // the same
    "localdomain", // what many resolvers and routers append by themselves; never delegated so far
];

/// Whether a name, in lower case, is a private zone or lies in one.
#[must_use]
pub fn is_private_zone(name: &str) -> bool {
    PRIVATE_ZONES
        .iter()
        .any(|zone| name.strip_suffix(zone).is_some_and(|before| before.is_empty() || before.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_ends_at_a_dot() {
        for private in ["wiki.lan", "lan", "a.b.home.arpa", "home.arpa", "x.internal", "printer.local", "localhost"] {
            assert!(is_private_zone(private), "{private}");
        }
        for public in ["", "wiki.example.org", "evillan", "wiki.lan.example.org", "arpa", "myhome.arpa", "lan."] {
            assert!(!is_private_zone(public), "{public}");
        }
    }
}
