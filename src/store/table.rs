//! Typed views over key ranges.

use std::marker::PhantomData;

use serde_json::Value;

use super::schema::Range;
use super::{Direction, KeySpan, Pair, Record, Snapshot, StoreError, Transaction};

/// A key or a part of one, in a form whose order as bytes is its order as a value.
pub trait Key: Sized {
    /// Appends the encoded key.
    fn put(&self, out: &mut Vec<u8>);

    /// Decodes a key from the front.
    fn take(input: &mut &[u8]) -> Option<Self>;

    /// Converts the key to the form that other programs read.
    fn key_to_json(&self) -> Value;

    /// Reads what [`Key::key_to_json`] made.
    fn key_from_json(shown: &Value) -> Option<Self>;
}

/// A table whose records can be shown to other programs, whatever their kind.
pub trait JsonTable: Sync {
    /// Returns its range.
    fn range(&self) -> Range;

    /// Converts a row, key and value, to the form that other programs read. `key` is without the range's prefix.
    fn row_to_json(&self, key: &[u8], value: &[u8]) -> Result<(Value, Value), StoreError>;

    /// Converts what [`JsonTable::row_to_json`] made to a row, with its prefix. None if it is something else.
    fn row_from_json(&self, key: &Value, value: &Value) -> Option<Pair>;
}

impl<K: Key, V: Record> JsonTable for Table<K, V> {
    fn range(&self) -> Range {
        self.range
    }

    fn row_to_json(&self, mut key: &[u8], value: &[u8]) -> Result<(Value, Value), StoreError> {
        let damaged = StoreError::Damaged(self.range.name);
        let typed = K::take(&mut key).filter(|_| key.is_empty()).ok_or(damaged)?;
        Ok((typed.key_to_json(), V::read(value)?.to_json()))
    }

    fn row_from_json(&self, key: &Value, value: &Value) -> Option<Pair> {
        Some((self.key(&K::key_from_json(key)?), V::from_json(value).ok()?.to_bytes()))
    }
}

/// A record, or why it cannot be read.
pub(super) type Readable<V> = Result<V, StoreError>;

/// The records of one range.
pub struct Table<K, V> {
    range: Range,
    kinds: PhantomData<fn() -> (K, V)>,
}

impl<K: Key, V: Record> Table<K, V> {
    /// Makes the table in this range.
    #[must_use]
    pub const fn at(range: Range) -> Self {
        Self { range, kinds: PhantomData }
    }

    fn key(&self, key: &K) -> Vec<u8> {
        let mut bytes = vec![self.range.prefix];
        key.put(&mut bytes);
        bytes
    }

    /// Returns the record of a key.
    pub fn get(&self, view: &(impl Snapshot + ?Sized), key: &K) -> Result<Option<V>, StoreError> {
        view.get(&self.key(key))?.map(|bytes| V::read(&bytes)).transpose()
    }

    /// Sets the record of a key.
    pub fn put(&self, tx: &mut (impl Transaction + ?Sized), key: &K, record: &V) -> Result<(), StoreError> {
        tx.put(&self.key(key), &record.to_bytes())
    }

    /// Removes the record of a key.
    pub fn delete(&self, tx: &mut (impl Transaction + ?Sized), key: &K) -> Result<(), StoreError> {
        tx.delete(&self.key(key))
    }

    /// Returns the first records in this direction, at most `limit`.
    pub fn all(
        &self,
        view: &(impl Snapshot + ?Sized),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(K, V)>, StoreError> {
        self.read(view, &KeySpan::prefix(&[self.range.prefix]), direction, limit)
    }

    /// Returns the first records in this direction whose key begins with `prefix`, at most `limit`.
    pub fn under(
        &self,
        view: &(impl Snapshot + ?Sized),
        prefix: &impl Key,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(K, V)>, StoreError> {
        let mut bytes = vec![self.range.prefix];
        prefix.put(&mut bytes);
        self.read(view, &KeySpan::prefix(&bytes), direction, limit)
    }

    /// Returns the number of records, whether or not they can be read, counted up to `most`.
    pub fn count(&self, view: &(impl Snapshot + ?Sized), most: usize) -> Result<usize, StoreError> {
        Ok(view.scan(&KeySpan::prefix(&[self.range.prefix]), Direction::Up, most)?.len())
    }

    /// As [`Table::under`], for who goes on where a record is damaged.
    pub fn each_under(
        &self,
        view: &(impl Snapshot + ?Sized),
        prefix: &impl Key,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(K, Readable<V>)>, StoreError> {
        let mut bytes = vec![self.range.prefix];
        prefix.put(&mut bytes);
        let pairs = view.scan(&KeySpan::prefix(&bytes), direction, limit)?;
        pairs.into_iter().map(|(key, value)| Ok((self.key_of(&key)?, V::read(&value)))).collect()
    }

    /// Returns the records behind `after` (or from the first on), at most `limit`: a page of a list.
    pub fn page(
        &self,
        view: &(impl Snapshot + ?Sized),
        after: Option<&K>,
        limit: usize,
    ) -> Result<Vec<(K, V)>, StoreError> {
        self.page_towards(view, after, Direction::Up, limit)
    }

    /// As [`Table::page`], in either direction.
    pub fn page_towards(
        &self,
        view: &(impl Snapshot + ?Sized),
        after: Option<&K>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(K, V)>, StoreError> {
        let span = self.behind(KeySpan::prefix(&[self.range.prefix]), after, direction);
        self.read(view, &span, direction, limit)
    }

    /// As [`Table::page_towards`], of the records whose key begins with `prefix`.
    pub fn page_under(
        &self,
        view: &(impl Snapshot + ?Sized),
        prefix: &impl Key,
        (after, direction): (Option<&K>, Direction),
        limit: usize,
    ) -> Result<Vec<(K, V)>, StoreError> {
        let mut bytes = vec![self.range.prefix];
        prefix.put(&mut bytes);
        self.read(view, &self.behind(KeySpan::prefix(&bytes), after, direction), direction, limit)
    }

    /// Visits up to `limit` records behind `after`, each of which may be changed or removed. Returns where to go on, or none at
    /// the end.
    pub fn sweep<T: Transaction + ?Sized>(
        &self,
        tx: &mut T,
        after: Option<&K>,
        limit: usize,
        mut visit: impl FnMut(&mut T, &K, &V) -> Result<(), StoreError>,
    ) -> Result<Option<K>, StoreError>
    where
        K: Clone,
    {
        let page = self.page(tx, after, limit)?;
        page.iter().try_for_each(|(key, record)| visit(tx, key, record))?;
        Ok(next_after(&page, limit))
    }

    /// What of a span is behind a record.
    fn behind(&self, mut span: KeySpan, after: Option<&K>, direction: Direction) -> KeySpan {
        if let Some(after) = after {
            let bound = std::ops::Bound::Excluded(self.key(after));
            match direction {
                Direction::Up => span.from = bound,
                Direction::Down => span.to = bound,
            }
        }
        span
    }

    fn read(
        &self,
        view: &(impl Snapshot + ?Sized),
        span: &KeySpan,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(K, V)>, StoreError> {
        let typed = |(key, value): (Vec<u8>, Vec<u8>)| Ok((self.key_of(&key)?, V::read(&value)?));
        view.scan(span, direction, limit)?.into_iter().map(typed).collect()
    }

    fn key_of(&self, key: &[u8]) -> Result<K, StoreError> {
        let mut rest = key.get(1..).unwrap_or_default();
        K::take(&mut rest).filter(|_| rest.is_empty()).ok_or(StoreError::Damaged(self.range.name))
    }
}

/// Returns where to go on behind a page of at most `limit` records; none if it was the last.
pub fn next_after<K: Clone, V>(page: &[(K, V)], limit: usize) -> Option<K> {
    page.last().filter(|_| page.len() == limit).map(|(key, _)| key.clone())
}

impl Record for () {
    const NAME: &'static str = "index entry";

    fn to_bytes(&self) -> Vec<u8> {
        vec![1]
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, super::Damaged> {
        if bytes == [1] { Ok(()) } else { Err(super::Damaged) }
    }

    fn to_json(&self) -> Value {
        Value::Null
    }

    fn from_json(shown: &Value) -> Result<Self, super::Damaged> {
        if shown.is_null() { Ok(()) } else { Err(super::Damaged) }
    }
}
