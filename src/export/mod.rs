//! Everything in a form that any program can read: one JSON object a line.
//!
//! The first line says what it is; each further one is a record: `{"table": "accounts", "key": …, "value": …}`. Bytes are
//! base64url, times RFC 3339. What is sealed stays sealed, and passwords and secrets are there as hashes only; whoever has
//! the file should be trusted with it all the same.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::accounts::{
    confirm_links, costs, factor_resets, identity, invitations, keyring, known_devices, links, person, register,
    second_step, set_up, taking_back,
};
use crate::acme;
use crate::audit;
use crate::factors;
use crate::groups;
use crate::mail;
use crate::sessions;
use crate::store::{ArchiveError, Heading, Pair, Records, Shown, ShownMeta, StoreError};
use crate::throttle;
use crate::tls;
use crate::webhooks;

/// Every table. A test holds it against the schema.
pub const TABLES: &[&dyn Shown] = &[
    &ShownMeta,
    &person::ACCOUNTS,
    &identity::OWNERS,
    &identity::OF_ACCOUNT,
    &register::REGISTRATIONS,
    &register::OF_ADDRESS,
    &sessions::SESSIONS,
    &sessions::OF_ACCOUNT,
    &sessions::TOKENS,
    &sessions::TOKENS_OF,
    &sessions::FAMILIES,
    &sessions::LOGINS,
    &taking_back::FORMER,
    &taking_back::FORMER_OWNERS,
    &known_devices::KNOWN,
    &keyring::KEYS,
    &links::WISHES,
    &links::DEFERRED,
    &confirm_links::LINKS,
    &mail::MAILS,
    &mail::DUE,
    &mail::BEHIND,
    &mail::OF_RECIPIENT,
    &mail::NOTICES,
    &mail::TEXTS_DUE,
    &tls::CERTIFICATES,
    &tls::issued::ISSUED,
    &acme::ACCOUNTS,
    &audit::ROWS,
    &audit::HEADS,
    &throttle::BUCKETS,
    &costs::COSTS,
    &set_up::SET_UP,
    &groups::GROUPS,
    &groups::MEMBERS,
    &invitations::INVITATIONS,
    &factors::FACTORS,
    &factors::RECOVERY,
    &factors::TRUSTED,
    &factors::MAILED,
    &second_step::PENDING,
    &factor_resets::RESETS,
    &webhooks::PROGRESS,
];

/// What the first line says.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct First {
    gatelodge_export: u64,
    format: u64,
    key_fingerprint: String,
    created_at: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    table: String,
    key: Value,
    value: Value,
}

const VERSION: u64 = 1;

/// The first line.
#[must_use]
pub fn first_line(heading: &Heading) -> String {
    let Heading { format, key_fingerprint, created_at } = heading.clone();
    let first = First { gatelodge_export: VERSION, format, key_fingerprint, created_at };
    serde_json::to_string(&first).expect("our own types have string keys and finite numbers")
}

/// Reads the first line.
///
/// # Errors
/// When it is of something else, or of a later program.
pub fn read_first_line(line: &str, known_format: u64) -> Result<Heading, ArchiveError> {
    let first: First = serde_json::from_str(line).map_err(|_| ArchiveError::NotABackup)?;
    let First { gatelodge_export, format, key_fingerprint, created_at } = first;
    if gatelodge_export > VERSION || format > known_format {
        return Err(ArchiveError::Newer(format));
    }
    Ok(Heading { format, key_fingerprint, created_at })
}

/// A record as a line.
///
/// # Errors
/// When the record is damaged, or of a table that we do not know.
pub fn line(pair: &Pair) -> Result<String, StoreError> {
    let (prefix, key) = pair.0.split_first().ok_or(StoreError::Damaged("a key"))?;
    let table = TABLES.iter().find(|table| table.range().prefix == *prefix).ok_or(StoreError::Damaged("a table"))?;
    let (key, value) = table.show(key, &pair.1)?;
    let line = Line { table: table.range().name.to_owned(), key, value };
    Ok(serde_json::to_string(&line).expect("our own types have string keys and finite numbers"))
}

/// The record of a line; none if the line is something else.
#[must_use]
pub fn read_line(line: &str) -> Option<Pair> {
    let line: Line = serde_json::from_str(line).ok()?;
    let table = TABLES.iter().find(|table| table.range().name == line.table)?;
    table.read_shown(&line.key, &line.value)
}

/// The records of an export, line by line.
pub struct Lines<I> {
    lines: I,
    number: usize,
}

impl<I: Iterator<Item = std::io::Result<String>>> Lines<I> {
    /// Those behind the first line.
    pub fn new(lines: I) -> Self {
        Self { lines, number: 1 }
    }
}

impl<I: Iterator<Item = std::io::Result<String>>> Records for Lines<I> {
    fn next(&mut self) -> Result<Option<Pair>, ArchiveError> {
        let Some(line) = self.lines.next() else { return Ok(None) };
        self.number += 1;
        read_line(&line?).map(Some).ok_or(ArchiveError::NotARecord(self.number))
    }
}
