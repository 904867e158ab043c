//! The numbers that settings allow, where their types hold more.

use std::ops::RangeInclusive;

use crate::crypto::{Cost, PasswordPolicy};

/// Returns the least and the most of a setting, by its full name; none if every number of its type is allowed.
pub(crate) fn limits(setting: &str) -> Option<RangeInclusive<u64>> {
    let (least, most) = match setting {
        "mail.smtp.port" => (1, u64::from(u16::MAX)),
        "password.min_length" => (PasswordPolicy::LEAST_MIN_CHARS as u64, 128),
        "password.memory_kib" => (8, u64::from(Cost::MAX.memory_kib)),
        "password.iterations" => (1, u64::from(Cost::MAX.iterations)),
        "password.lanes" => (1, u64::from(Cost::MAX.lanes)),
        "backup.keep" => (1, 10_000),
        "store.cache_mib" => (1, 1024),
        "store.ballast_mib" => (0, 1024),
        _ => return None,
    };
    Some(least..=most)
}
