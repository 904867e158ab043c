//! What the store knows about itself: its format, its instance, its generation, its node, and the time floors.

use serde_json::Value;

use crate::base::{Moment, NodeId, Timestamp};
use crate::crypto::SealingKey;

use super::schema::{FLOORS, META, Range};
use super::steps::{Migration, STEPS};
use super::table::{JsonTable, Key};
use super::{OpenError, Pair, Snapshot, StoreError, Table, Transaction};

/// The version before any migration.
const FIRST_FORMAT: u64 = 1;

const NUMBERS: Table<Name, u64> = Table::at(META);
const RANDOM: Table<Name, [u8; 16]> = Table::at(META);
const TEXTS: Table<Name, String> = Table::at(META);
const SEALED: Table<Name, Vec<u8>> = Table::at(META);

const FLOOR_OF: Table<NodeId, u64> = Table::at(FLOORS);

const FORMAT: Name = Name("format");
/// Where the floor stood before there could be several; found in stores and exports of then.
const FLOOR: Name = Name("floor");
const NODE: Name = Name("node");
const INSTANCE: Name = Name("instance");
const GENERATION: Name = Name("generation");
const KEY_FINGERPRINT: Name = Name("sealing key");
const CODES: Name = Name("codes");
/// When administrators were last told of what needs them.
const TOLD: Name = Name("administrators told");

const NAMES: [Name; 8] = [FORMAT, FLOOR, NODE, INSTANCE, GENERATION, KEY_FINGERPRINT, CODES, TOLD];

#[derive(Clone, Copy, PartialEq)]
struct Name(&'static str);

impl Key for Name {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.0.as_bytes());
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        let name = NAMES.into_iter().find(|name| name.0.as_bytes() == *input)?;
        *input = &[];
        Some(name)
    }

    fn key_to_json(&self) -> Value {
        self.0.into()
    }

    fn key_from_json(shown: &Value) -> Option<Self> {
        NAMES.into_iter().find(|name| shown == name.0)
    }
}

/// The highest time that each node has seen, for other programs.
pub const JSON_FLOORS: &dyn JsonTable = &FLOOR_OF;

/// What the store knows about itself, for other programs.
pub struct JsonMeta;

impl JsonTable for JsonMeta {
    fn range(&self) -> Range {
        META
    }

    fn row_to_json(&self, key: &[u8], value: &[u8]) -> Result<(Value, Value), StoreError> {
        let mut rest = key;
        match Name::take(&mut rest).ok_or(StoreError::Damaged(META.name))? {
            FORMAT | FLOOR | NODE | TOLD => NUMBERS.row_to_json(key, value),
            INSTANCE | GENERATION => RANDOM.row_to_json(key, value),
            CODES => SEALED.row_to_json(key, value),
            _ => TEXTS.row_to_json(key, value),
        }
    }

    fn row_from_json(&self, key: &Value, value: &Value) -> Option<Pair> {
        match Name::key_from_json(key)? {
            FORMAT | FLOOR | NODE | TOLD => NUMBERS.row_from_json(key, value),
            INSTANCE | GENERATION => RANDOM.row_from_json(key, value),
            CODES => SEALED.row_from_json(key, value),
            _ => TEXTS.row_from_json(key, value),
        }
    }
}

/// Makes a new store's first records, or migrates an older store to the
/// present format. Returns whether the store is new.
///
/// # Errors
/// [`OpenError::Newer`] when a later program wrote it; the store's own errors.
pub fn migrate(tx: &mut dyn Transaction, moment: &mut Moment, steps: &[Migration]) -> Result<bool, OpenError> {
    let known = steps.last().map_or(FIRST_FORMAT, |step| step.to);
    let Some(found) = NUMBERS.get(tx, &FORMAT)? else {
        NUMBERS.put(tx, &FORMAT, &known)?;
        NUMBERS.put(tx, &NODE, &NodeId::ONE.number().into())?;
        RANDOM.put(tx, &INSTANCE, &moment.bytes())?;
        RANDOM.put(tx, &GENERATION, &moment.bytes())?;
        return Ok(true);
    };
    // Refused: what a later program wrote may mean something that this one would ignore.
    if found > known {
        return Err(OpenError::Newer { found, known, copy: None });
    }
    for step in steps.iter().filter(|step| step.to > found) {
        tracing::info!(to = step.to, "migrating the store: {}", step.name);
        (step.run)(tx)?;
        NUMBERS.put(tx, &FORMAT, &step.to)?;
    }
    Ok(false)
}

/// Which node writes here: the first one, in a store of before there could be several.
pub fn node(view: &dyn Snapshot) -> Result<NodeId, StoreError> {
    let Some(number) = NUMBERS.get(view, &NODE)? else { return Ok(NodeId::ONE) };
    number.try_into().map(NodeId::from_number).map_err(|_| StoreError::Damaged("node"))
}

/// The highest time that any commit of a node has seen; none before the first.
pub fn floor(view: &dyn Snapshot, node: NodeId) -> Result<Option<Timestamp>, StoreError> {
    Ok(FLOOR_OF.get(view, &node)?.map(Timestamp::from_seconds))
}

/// Raises the floor of a node; it never falls.
pub fn raise_floor(tx: &mut dyn Transaction, node: NodeId, now: Timestamp) -> Result<(), StoreError> {
    if Some(now) > floor(tx, node)? { FLOOR_OF.put(tx, &node, &now.seconds()) } else { Ok(()) }
}

/// Takes the floor of a node back to `to`: an administrator said that it was wrong.
pub fn reset_floor(tx: &mut dyn Transaction, node: NodeId, to: Timestamp) -> Result<(), StoreError> {
    FLOOR_OF.put(tx, &node, &to.seconds())
}

/// The time at which administrators were last told of what needs them.
pub fn administrators_told_at(view: &dyn Snapshot) -> Result<Option<Timestamp>, StoreError> {
    Ok(NUMBERS.get(view, &TOLD)?.map(Timestamp::from_seconds))
}

/// Notes that administrators are told of what needs them.
pub fn note_administrators_told(tx: &mut dyn Transaction, now: Timestamp) -> Result<(), StoreError> {
    NUMBERS.put(tx, &TOLD, &now.seconds())
}

/// Returns the generation, which a restore draws anew, and which is bound into tokens and sessions.
pub(super) fn generation(view: &dyn Snapshot) -> Result<[u8; 16], StoreError> {
    RANDOM.get(view, &GENERATION)?.ok_or(StoreError::Damaged("generation"))
}

/// Draws a new generation, which invalidates what was valid until now.
pub fn renew_generation(tx: &mut dyn Transaction, moment: &mut Moment) -> Result<(), StoreError> {
    RANDOM.put(tx, &GENERATION, &moment.bytes())
}

/// Returns the format, and the fingerprint of the sealing key, for a backup's heading.
pub fn about(view: &dyn Snapshot) -> Result<(u64, String), StoreError> {
    let format = NUMBERS.get(view, &FORMAT)?.ok_or(StoreError::Damaged("format"))?;
    Ok((format, TEXTS.get(view, &KEY_FINGERPRINT)?.unwrap_or_default()))
}

/// Returns the format of the records; none in a new store.
pub(super) fn format_of(view: &dyn Snapshot) -> Result<Option<u64>, StoreError> {
    NUMBERS.get(view, &FORMAT)
}

/// Returns the format that this program writes.
#[must_use]
pub fn known_format() -> u64 {
    STEPS.last().map_or(FIRST_FORMAT, |step| step.to)
}

/// Returns the fingerprint of the key that the store was sealed with; none in a new store.
pub(super) fn fingerprint_of(view: &dyn Snapshot) -> Result<Option<String>, StoreError> {
    TEXTS.get(view, &KEY_FINGERPRINT)
}

/// The first format in which the key of codes is kept in the store.
const CODES_SINCE: u64 = 3;

/// Gives the sealing key its key of codes, which outlives it: a new store draws one, while in an older store the codes
/// that exist were made with the sealing key itself. None if it was sealed with another key.
pub(super) fn take_codes(
    tx: &mut dyn Transaction,
    key: &SealingKey,
    moment: &mut Moment,
    before: Option<u64>,
) -> Result<Option<SealingKey>, StoreError> {
    if let Some(sealed) = SEALED.get(tx, &CODES)? {
        return Ok(key.with_codes(&sealed).ok());
    }
    let key = match before {
        None => key.with_new_codes(moment),
        Some(before) if before < CODES_SINCE => key.clone(),
        // Drawing another one would void, without a word, every code that people hold.
        Some(_) => return Err(StoreError::Damaged("codes")),
    };
    SEALED.put(tx, &CODES, &key.seal_codes(moment))?;
    Ok(Some(key))
}

/// Notes that the store is sealed with this key from now on; the caller has sealed everything anew.
pub fn replace_key(tx: &mut dyn Transaction, new: &SealingKey, moment: &mut Moment) -> Result<(), StoreError> {
    SEALED.put(tx, &CODES, &new.seal_codes(moment))?;
    TEXTS.put(tx, &KEY_FINGERPRINT, &new.fingerprint())
}

/// Whether this is the key that the store was sealed with; a new store adopts it.
pub(super) fn accept_key(tx: &mut dyn Transaction, fingerprint: &str) -> Result<bool, StoreError> {
    match TEXTS.get(tx, &KEY_FINGERPRINT)? {
        Some(known) => Ok(known == fingerprint),
        None => TEXTS.put(tx, &KEY_FINGERPRINT, &fingerprint.to_owned()).map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Commit, Engine, MemoryEngine};

    const STEPS: &[Migration] = &[
        Migration { to: 2, name: "put a record", run: |tx| tx.put(b"x", b"2") },
        Migration { to: 3, name: "replace it", run: |tx| tx.put(b"x", b"3") },
    ];

    fn run(engine: &MemoryEngine, steps: &[Migration]) -> Result<bool, OpenError> {
        let mut outcome = Ok(false);
        engine
            .write(&mut |tx| {
                outcome = migrate(tx, &mut Moment::new(Timestamp::default(), [0; 32]), steps);
                Ok(if outcome.is_ok() { Commit::Yes } else { Commit::No })
            })
            .expect("memory does not fail");
        outcome
    }

    fn value(engine: &MemoryEngine) -> Option<Vec<u8>> {
        let mut found = None;
        engine.read(&mut |view| view.get(b"x").map(|value| found = value)).expect("memory does not fail");
        found
    }

    #[test]
    fn an_old_store_takes_every_step_once() {
        let engine = MemoryEngine::default();
        assert!(matches!(run(&engine, &[]), Ok(true)));
        assert!(matches!(run(&engine, &STEPS[..1]), Ok(false)));
        assert_eq!(value(&engine).as_deref(), Some(b"2".as_slice()));
        assert!(matches!(run(&engine, STEPS), Ok(false)));
        assert_eq!(value(&engine).as_deref(), Some(b"3".as_slice()));
    }

    #[test]
    fn a_new_store_needs_no_step() {
        let engine = MemoryEngine::default();
        assert!(matches!(run(&engine, STEPS), Ok(true)));
        assert_eq!(value(&engine), None);
    }

    #[test]
    fn a_store_of_a_later_program_is_refused() {
        let engine = MemoryEngine::default();
        assert!(matches!(run(&engine, STEPS), Ok(true)));
        assert!(matches!(run(&engine, &STEPS[..1]), Err(OpenError::Newer { found: 3, known: 2, copy: None })));
    }
}
