//! Export and import of the whole store in a form that any program can read: one JSON object per line.
//!
//! The first line is a heading; each further one is a record: `{"table": "accounts", "key": …, "value": …}`. Bytes are
//! base64url, times RFC 3339. Sealed values stay sealed, and passwords and secrets appear as hashes only; the file is
//! confidential all the same.
//!
//! The last line marks the end: `{"end": {"records": …, "sha256": …, "code": …}}`. The digest is of every line before
//! it, line ends included, and the code is an authentication code of that digest under the sealing key. Without that
//! line a truncated file would lose second factors and the end of the audit log unnoticed: they come last. Exports of
//! version 1 have none.

use std::io::{self, BufRead, Lines, Write};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::accounts::{
    confirm_links, delete_account, factor_resets, former_addresses, hash_costs, identity, invitations, keyring,
    known_devices, mail_requests, person, registration, search_index, second_step, set_up, spent,
};
use crate::acme;
use crate::app::App;
use crate::audit;
use crate::config::text_of;
use crate::crypto::{Digest, Hashing, SealingKey, base64url, from_base64url};
use crate::factors;
use crate::groups;
use crate::mail;
use crate::sessions;
use crate::store::{
    self, ArchiveError, Heading, JSON_FLOORS, JsonMeta, JsonTable, LogEnd, Pair, Records, Scanning, StoreError, Trust,
    about,
};
use crate::throttle;
use crate::tls;
use crate::webhooks;

/// Every table. A test compares it with the schema.
pub const TABLES: &[&dyn JsonTable] = &[
    &JsonMeta,
    JSON_FLOORS,
    &person::ACCOUNTS,
    &delete_account::REMAINS,
    &identity::OWNERS,
    &identity::OF_ACCOUNT,
    &identity::FORMER_USERNAMES,
    &search_index::WORDS,
    &registration::REGISTRATIONS,
    &registration::OF_ADDRESS,
    &sessions::SESSIONS,
    &sessions::OF_ACCOUNT,
    &sessions::TOKENS,
    &sessions::TOKENS_OF,
    &sessions::FAMILIES,
    &sessions::LOGINS,
    &sessions::EPOCHS,
    &sessions::DOORS,
    &former_addresses::FORMER,
    &former_addresses::FORMER_OWNERS,
    &known_devices::KNOWN,
    &keyring::KEYS,
    &mail_requests::REQUESTS,
    &mail_requests::DEFERRED,
    &confirm_links::LINKS,
    &spent::SPENT,
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
    &audit::MARKS,
    &throttle::BUCKETS,
    &hash_costs::COSTS,
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

/// The heading.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct First {
    gatelodge_export: u64,
    format: u64,
    key_fingerprint: String,
    created_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audit: Option<LogEnd>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    table: String,
    key: Value,
    value: Value,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Last {
    end: End,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct End {
    records: u64,
    sha256: String,
    code: String,
}

const VERSION: u64 = 2;
/// The first version whose exports are authenticated by a last line.
const SIGNED_SINCE: u64 = 2;
/// The purpose of the authentication code: no other code of ours can pass for one.
const CODE: &[u8] = b"gatelodge export/2";

/// Exports the store as it is at this moment. Returns the number of records.
pub fn write_all(app: &App, out: &mut dyn Write) -> Result<u64, ArchiveError> {
    let mut outcome = Err(ArchiveError::DamagedExport);
    app.read_blocking(|view| {
        let (format, key_fingerprint) = about(view)?;
        let created_at = app.now().to_string();
        let heading = Heading { format, key_fingerprint, created_at, audit: audit::end(view, store::node(view)?)? };
        outcome = write(&heading, &mut Scanning::new(view), &app.env().seal, out);
        Ok(())
    })?;
    outcome
}

/// Exports the records of `source`. Returns their number.
pub fn write(
    heading: &Heading,
    source: &mut dyn Records,
    key: &SealingKey,
    out: &mut dyn Write,
) -> Result<u64, ArchiveError> {
    let (mut hash, mut records) = (Hashing::default(), 0);
    let mut put = |mut line: String| {
        line.push('\n');
        hash.update(line.as_bytes());
        out.write_all(line.as_bytes())
    };
    put(first_line(heading))?;
    while let Some(pair) = source.next()? {
        put(line(&pair)?)?;
        records += 1;
    }
    let sum = hash.finish();
    let code = base64url(&key.mark(CODE, &[&sum.0]));
    writeln!(out, "{}", written(&Last { end: End { records, sha256: base64url(&sum.0), code } }))?;
    out.flush()?;
    Ok(records)
}

fn written(line: &impl Serialize) -> String {
    serde_json::to_string(line).expect("our own types have string keys and finite numbers")
}

fn first_line(heading: &Heading) -> String {
    let Heading { format, key_fingerprint, created_at, audit } = heading.clone();
    written(&First { gatelodge_export: VERSION, format, key_fingerprint, created_at, audit })
}

/// Parses the heading, and returns whether a last line is to follow.
fn read_first_line(line: &str, known_format: u64) -> Result<(Heading, bool), ArchiveError> {
    let first: First = serde_json::from_str(line).map_err(|_| ArchiveError::NotABackup)?;
    let First { gatelodge_export, format, key_fingerprint, created_at, audit } = first;
    if gatelodge_export > VERSION || format > known_format {
        return Err(ArchiveError::Newer(format));
    }
    Ok((Heading { format, key_fingerprint, created_at, audit }, gatelodge_export >= SIGNED_SINCE))
}

/// Returns the line of a record.
///
/// # Errors
/// When the record is damaged, or of a table that we do not know.
pub fn line(pair: &Pair) -> Result<String, StoreError> {
    let (prefix, key) = pair.0.split_first().ok_or(StoreError::Damaged("a key"))?;
    let table = TABLES.iter().find(|table| table.range().prefix == *prefix).ok_or(StoreError::Damaged("a table"))?;
    let (key, value) = table.row_to_json(key, &pair.1)?;
    Ok(written(&Line { table: table.range().name.to_owned(), key, value }))
}

/// Parses the line of a record; `None` if it is something else.
#[must_use]
pub fn read_line(line: &str) -> Option<Pair> {
    let line: Line = serde_json::from_str(line).ok()?;
    let table = TABLES.iter().find(|table| table.range().name == line.table)?;
    table.row_from_json(&line.key, &line.value)
}

/// An export that is being read. Once it was read to its end without an error, it is what was written, by somebody whom
/// [`Trust`] accepts.
pub struct Import<R> {
    /// The heading. Nothing of it is proved before the end was read.
    pub heading: Heading,
    is_signed: bool,
    trust: Trust,
    lines: Lines<R>,
    number: usize,
    records: u64,
    hash: Hashing,
    is_over: bool,
}

impl<R: BufRead> Import<R> {
    /// Opens an export and reads its heading.
    ///
    /// # Errors
    /// When it is of something else, or of a later program.
    pub fn open(input: R, known_format: u64) -> Result<Self, ArchiveError> {
        let mut lines = input.lines();
        let first = lines.next().ok_or(ArchiveError::NotABackup)?.map_err(|_| ArchiveError::NotABackup)?;
        let first = text_of(first.into_bytes()).map_err(|_| ArchiveError::NotABackup)?;
        let (heading, is_signed) = read_first_line(&first, known_format)?;
        let mut import = Self {
            heading,
            is_signed,
            trust: Trust::Anybody,
            lines,
            number: 1,
            records: 0,
            hash: Hashing::default(),
            is_over: false,
        };
        import.note(&first);
        Ok(import)
    }

    /// Sets whose export it has to be, which is checked at its end. By itself it only has to be complete.
    ///
    /// # Errors
    /// When it carries no code, and has to.
    pub fn trusting(self, trust: Trust) -> Result<Self, ArchiveError> {
        if !self.is_signed && !trust.takes_unsigned() {
            return Err(ArchiveError::Unsigned);
        }
        Ok(Self { trust, ..self })
    }

    /// Whether it is authenticated by a code.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.is_signed
    }

    /// Reads to the end and returns the number of records.
    ///
    /// # Errors
    /// When it is not what was written.
    pub fn verify(mut self) -> Result<u64, ArchiveError> {
        while self.next()?.is_some() {}
        Ok(self.records)
    }

    fn note(&mut self, line: &str) {
        self.hash.update(line.as_bytes());
        self.hash.update(b"\n");
    }

    fn next_line(&mut self) -> Result<Option<String>, ArchiveError> {
        let not_text = |error: io::Error| match error.kind() {
            io::ErrorKind::InvalidData => ArchiveError::DamagedExport,
            _ => error.into(),
        };
        self.lines.next().transpose().map_err(not_text)
    }

    fn end(&mut self, end: &End) -> Result<(), ArchiveError> {
        self.is_over = true;
        let sum: Digest = std::mem::take(&mut self.hash).finish();
        // Completeness is checked before the code, so that a damaged file is not called forged.
        let is_as_written = end.records == self.records && end.sha256 == base64url(&sum.0);
        // Lines after the end are refused: they are covered by no digest.
        if !is_as_written || self.next_line()?.is_some() {
            return Err(ArchiveError::DamagedExport);
        }
        let code = from_base64url(&end.code).and_then(|code| code.try_into().ok());
        let is_theirs = code.is_some_and(|code| self.trust.accepts(CODE, &sum, &code));
        if is_theirs { Ok(()) } else { Err(ArchiveError::Forged) }
    }
}

impl<R: BufRead> Records for Import<R> {
    fn next(&mut self) -> Result<Option<Pair>, ArchiveError> {
        if self.is_over {
            return Ok(None);
        }
        let Some(line) = self.next_line()? else {
            self.is_over = true;
            return if self.is_signed { Err(ArchiveError::DamagedExport) } else { Ok(None) };
        };
        self.number += 1;
        if self.is_signed
            && let Ok(Last { end }) = serde_json::from_str(&line)
        {
            return self.end(&end).map(|()| None);
        }
        self.note(&line);
        let pair = read_line(&line).ok_or(ArchiveError::NotARecord(self.number))?;
        self.records += 1;
        Ok(Some(pair))
    }
}
