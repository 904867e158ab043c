//! The rows: numbered without a gap and chained, for each node by itself.

use crate::base::NodeId;
use crate::crypto::{Digest, SealingKey};
use serde_json::Value;

use crate::store::{Damaged, Direction, Field, Record, Snapshot, StoreError, Table, record, schema};

use super::Entry;
use super::subject::SubjectKind;

/// The log of one node, and what proves it.
#[derive(Clone, Copy)]
pub struct Chain<'a> {
    /// Who writes it.
    pub node: NodeId,
    /// The key under which its head is signed.
    pub seal: &'a SealingKey,
}

/// A numbered row.
#[derive(Clone, Debug)]
pub struct Row {
    /// The entry that it records.
    pub entry: Entry,
    /// The digest of this row and of the one before.
    pub chained: Digest,
}

/// A row as it is stored: what the subject is stands behind the rest since there are kinds.
struct StoredRow {
    entry: Entry,
    chained: Digest,
    about: Option<SubjectKind>,
}
record!(StoredRow, version 2, { entry, chained }, since 2 { about });

impl StoredRow {
    fn of(row: &Row) -> Self {
        Self { entry: row.entry.clone(), chained: row.chained, about: row.entry.subject.kind() }
    }

    fn read(self) -> Row {
        let subject = self.entry.subject.of_kind(self.about);
        Row { entry: Entry { subject, ..self.entry }, chained: self.chained }
    }
}

impl Record for Row {
    const NAME: &'static str = "Row";

    fn to_bytes(&self) -> Vec<u8> {
        StoredRow::of(self).to_bytes()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        StoredRow::from_bytes(bytes).map(StoredRow::read)
    }

    fn to_json(&self) -> Value {
        StoredRow::of(self).to_json()
    }

    fn from_json(shown: &Value) -> Result<Self, Damaged> {
        StoredRow::from_json(shown).map(StoredRow::read)
    }
}

pub(crate) const ROWS: Table<(NodeId, u64), Row> = Table::at(schema::AUDIT);

/// Rows read at a time.
pub(super) const PAGE: usize = 200;

pub(super) fn chained(before: &Digest, number: u64, entry: &Entry) -> Digest {
    let mut bytes = before.0.to_vec();
    bytes.extend(number.to_be_bytes());
    entry.put(&mut bytes);
    // Rows of before have no kind, and keep their digests.
    if let Some(kind) = entry.subject.kind() {
        kind.put(&mut bytes);
    }
    Digest::of(&bytes)
}

/// Returns rows with their numbers: the first ones behind `after` in this direction, at most `limit`.
pub fn page(
    view: &dyn Snapshot,
    node: NodeId,
    after: Option<u64>,
    direction: Direction,
    limit: usize,
) -> Result<Vec<(u64, Row)>, StoreError> {
    let after = after.map(|number| (node, number));
    let rows = ROWS.page_under(view, &node, (after.as_ref(), direction), limit)?;
    Ok(rows.into_iter().map(|((_, number), row)| (number, row)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Act, Outcome, Source, Subject};
    use crate::base::{AccountId, ClockState, RegistrationId, Timestamp};

    fn entry(subject: Subject) -> Entry {
        let Source { actor, network } = Source::appliance();
        let (at, clock) = (Timestamp::from_seconds(1_795_000_000), ClockState::Sure);
        Entry { at, clock, act: Act::Registered, outcome: Outcome::Done, actor, network, subject, detail: "d".into() }
    }

    #[test]
    fn of_one_id_the_chain_knows_what_it_is_of() {
        let digest = |subject| chained(&Digest([1; 32]), 7, &entry(subject));
        let of_account = digest(AccountId::from_bytes([7; 16]).into());
        assert_ne!(of_account, digest(RegistrationId::from_bytes([7; 16]).into()));
        assert_ne!(of_account, digest(Subject::from(AccountId::from_bytes([7; 16])).of_kind(None)));
    }

    #[test]
    fn a_row_keeps_what_its_subject_is_and_one_of_before_says_nothing() {
        let row = Row { entry: entry(RegistrationId::from_bytes([7; 16]).into()), chained: Digest([2; 32]) };
        let read = Row::from_bytes(&row.to_bytes()).expect("a row");
        assert_eq!(read.entry, row.entry);
        assert_eq!(Row::from_json(&row.to_json()).expect("a row").entry, row.entry);
        let mut of_before = vec![1];
        row.entry.put(&mut of_before);
        row.chained.put(&mut of_before);
        let read = Row::from_bytes(&of_before).expect("a row of version 1");
        assert_eq!((read.entry.subject.kind(), read.entry.subject.id()), (None, row.entry.subject.id()));
        assert_eq!(read.to_bytes(), [&[2][..], &of_before[1..], &[0]].concat(), "what was not known stays unknown");
    }
}
