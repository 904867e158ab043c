//! The public suffix list: the domains below which strangers register names, so that browsers take no cookies for them.

use crate::base::Packed;

/// The list that `public_suffixes/make.py` made; its first line says as of when. A newer one is welcome, an older one
/// harms nobody: browsers look into their own.
const LIST: Packed = Packed(include_bytes!(concat!(env!("OUT_DIR"), "/public_suffixes.lz4")));

/// Whether a name, in lower-case ASCII, is a public suffix. A top-level domain that the list does not know is one.
pub(super) fn is_public_suffix(name: &str) -> bool {
    let list = LIST.unpack().unwrap_or_default();
    let has = |rule: &str| list.lines().any(|line| line == rule);
    let Some((_, parent)) = name.split_once('.') else { return true };
    !has(&format!("!{name}")) && (has(name) || has(&format!("*.{parent}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_register_below_public_suffixes() {
        for suffix in ["org", "co.uk", "github.io", "duckdns.org", "home.arpa", "lan", "anything.ck", "xn--fiqs8s"] {
            assert!(is_public_suffix(suffix), "{suffix}");
        }
        for own in
            ["example.org", "example.co.uk", "hill.duckdns.org", "hill.home.arpa", "hill.lan", "www.ck", "a.b.lan"]
        {
            assert!(!is_public_suffix(own), "{own}");
        }
    }

    #[test]
    fn the_list_is_whole_and_says_its_date() {
        let list = LIST.unpack().expect("packed at the build");
        assert!(list.starts_with("// 20") && list.lines().count() > 10_000);
        assert!(list.is_ascii() && list.lines().skip(1).all(|line| !line.is_empty() && !line.contains(' ')));
    }
}
