//! Typed views over key ranges.

use std::marker::PhantomData;

use crate::base::{Id, Timestamp};
use crate::crypto::Digest;

use super::schema::Range;
use super::{Direction, KeySpan, Record, Snapshot, StoreError, Transaction};

/// A key or a part of one, in a form whose order as bytes is its order as a value.
pub trait Key: Sized {
    /// Appends it.
    fn put(&self, out: &mut Vec<u8>);

    /// Takes it from the front.
    fn take(input: &mut &[u8]) -> Option<Self>;
}

/// The records of one range.
pub struct Table<K, V> {
    range: Range,
    kinds: PhantomData<fn() -> (K, V)>,
}

impl<K: Key, V: Record> Table<K, V> {
    /// The table in this range.
    #[must_use]
    pub const fn at(range: Range) -> Self {
        Self { range, kinds: PhantomData }
    }

    fn key(&self, key: &K) -> Vec<u8> {
        let mut bytes = vec![self.range.prefix];
        key.put(&mut bytes);
        bytes
    }

    /// The record of a key.
    ///
    /// # Errors
    /// When the store fails or the record is damaged.
    pub fn get(&self, view: &(impl Snapshot + ?Sized), key: &K) -> Result<Option<V>, StoreError> {
        view.get(&self.key(key))?.map(|bytes| V::read(&bytes)).transpose()
    }

    /// Sets the record of a key.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put(&self, tx: &mut (impl Transaction + ?Sized), key: &K, record: &V) -> Result<(), StoreError> {
        tx.put(&self.key(key), &record.to_bytes())
    }

    /// Removes the record of a key.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete(&self, tx: &mut (impl Transaction + ?Sized), key: &K) -> Result<(), StoreError> {
        tx.delete(&self.key(key))
    }

    /// The first records in this direction, at most `limit`.
    ///
    /// # Errors
    /// When the store fails or a record is damaged.
    pub fn all(
        &self,
        view: &(impl Snapshot + ?Sized),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(K, V)>, StoreError> {
        self.read(view, &KeySpan::prefix(&[self.range.prefix]), direction, limit)
    }

    /// The first records in this direction whose key begins with `prefix`, at most `limit`.
    ///
    /// # Errors
    /// When the store fails or a record is damaged.
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

    /// The records behind `after` (or from the first on), at most `limit`: a page of a list.
    ///
    /// # Errors
    /// When the store fails or a record is damaged.
    pub fn page(
        &self,
        view: &(impl Snapshot + ?Sized),
        after: Option<&K>,
        limit: usize,
    ) -> Result<Vec<(K, V)>, StoreError> {
        self.page_towards(view, after, Direction::Up, limit)
    }

    /// As [`Table::page`], in either direction.
    ///
    /// # Errors
    /// When the store fails or a record is damaged.
    pub fn page_towards(
        &self,
        view: &(impl Snapshot + ?Sized),
        after: Option<&K>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(K, V)>, StoreError> {
        let mut span = KeySpan::prefix(&[self.range.prefix]);
        if let Some(after) = after {
            let bound = std::ops::Bound::Excluded(self.key(after));
            match direction {
                Direction::Up => span.from = bound,
                Direction::Down => span.to = bound,
            }
        }
        self.read(view, &span, direction, limit)
    }

    fn read(
        &self,
        view: &(impl Snapshot + ?Sized),
        span: &KeySpan,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(K, V)>, StoreError> {
        let typed = |(key, value): (Vec<u8>, Vec<u8>)| {
            let mut rest = key.get(1..).unwrap_or_default();
            let key = K::take(&mut rest).filter(|_| rest.is_empty()).ok_or(StoreError::Damaged(self.range.name))?;
            Ok((key, V::read(&value)?))
        };
        view.scan(span, direction, limit)?.into_iter().map(typed).collect()
    }
}

impl Record for () {
    const NAME: &'static str = "index entry";

    fn to_bytes(&self) -> Vec<u8> {
        vec![1]
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, super::Damaged> {
        if bytes == [1] { Ok(()) } else { Err(super::Damaged) }
    }
}

impl<const N: usize> Key for [u8; N] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        let (taken, rest) = input.split_first_chunk::<N>()?;
        *input = rest;
        Some(*taken)
    }
}

/// Ends with a NUL, which no text that becomes a key contains.
impl Key for String {
    fn put(&self, out: &mut Vec<u8>) {
        debug_assert!(!self.contains('\0'), "a text that becomes a key was parsed before");
        out.extend(self.as_bytes());
        out.push(0);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        let end = input.iter().position(|byte| *byte == 0)?;
        let text = Self::from_utf8(input[..end].to_vec()).ok()?;
        *input = &input[end + 1..];
        Some(text)
    }
}

impl Key for u8 {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        <[u8; 1]>::take(input).map(|[byte]| byte)
    }
}

impl Key for u32 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.to_be_bytes());
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        <[u8; 4]>::take(input).map(Self::from_be_bytes)
    }
}

impl Key for u64 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.to_be_bytes());
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        <[u8; 8]>::take(input).map(Self::from_be_bytes)
    }
}

impl Key for Timestamp {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.seconds().to_be_bytes());
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        <[u8; 8]>::take(input).map(|bytes| Self::from_seconds(u64::from_be_bytes(bytes)))
    }
}

impl<Kind> Key for Id<Kind> {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.bytes());
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        <[u8; 16]>::take(input).map(Self::from_bytes)
    }
}

impl Key for Digest {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.0);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        <[u8; 32]>::take(input).map(Self)
    }
}

impl<A: Key, B: Key> Key for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        Some((A::take(input)?, B::take(input)?))
    }
}
