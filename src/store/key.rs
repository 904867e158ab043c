//! The parts of keys, in forms whose order as bytes is their order as values.

use serde_json::Value;

use crate::base::{Id, NodeId, Timestamp};
use crate::crypto::Digest;

use super::Key;

impl<const N: usize> Key for [u8; N] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        let (taken, rest) = input.split_first_chunk::<N>()?;
        *input = rest;
        Some(*taken)
    }

    fn key_to_json(&self) -> Value {
        super::Field::to_json(self)
    }

    fn key_from_json(shown: &Value) -> Option<Self> {
        super::Field::from_json(shown).ok()
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

    fn key_to_json(&self) -> Value {
        super::Field::to_json(self)
    }

    fn key_from_json(shown: &Value) -> Option<Self> {
        <Self as super::Field>::from_json(shown).ok().filter(|text| !text.contains('\0'))
    }
}

impl Key for u8 {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        <[u8; 1]>::take(input).map(|[byte]| byte)
    }

    fn key_to_json(&self) -> Value {
        (*self).into()
    }

    fn key_from_json(shown: &Value) -> Option<Self> {
        shown.as_u64().and_then(|number| number.try_into().ok())
    }
}

impl Key for u32 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.to_be_bytes());
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        <[u8; 4]>::take(input).map(Self::from_be_bytes)
    }

    fn key_to_json(&self) -> Value {
        super::Field::to_json(self)
    }

    fn key_from_json(shown: &Value) -> Option<Self> {
        super::Field::from_json(shown).ok()
    }
}

impl Key for u64 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.to_be_bytes());
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        <[u8; 8]>::take(input).map(Self::from_be_bytes)
    }

    fn key_to_json(&self) -> Value {
        super::Field::to_json(self)
    }

    fn key_from_json(shown: &Value) -> Option<Self> {
        super::Field::from_json(shown).ok()
    }
}

impl Key for NodeId {
    fn put(&self, out: &mut Vec<u8>) {
        self.number().put(out);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        u32::take(input).map(Self::from_number)
    }

    fn key_to_json(&self) -> Value {
        self.number().key_to_json()
    }

    fn key_from_json(shown: &Value) -> Option<Self> {
        u32::key_from_json(shown).map(Self::from_number)
    }
}

impl Key for Timestamp {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.seconds().to_be_bytes());
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        <[u8; 8]>::take(input).map(|bytes| Self::from_seconds(u64::from_be_bytes(bytes)))
    }

    fn key_to_json(&self) -> Value {
        super::Field::to_json(self)
    }

    fn key_from_json(shown: &Value) -> Option<Self> {
        super::Field::from_json(shown).ok()
    }
}

impl<Kind> Key for Id<Kind> {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.bytes());
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        <[u8; 16]>::take(input).map(Self::from_bytes)
    }

    fn key_to_json(&self) -> Value {
        super::Field::to_json(self)
    }

    fn key_from_json(shown: &Value) -> Option<Self> {
        super::Field::from_json(shown).ok()
    }
}

impl Key for Digest {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.0);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        <[u8; 32]>::take(input).map(Self)
    }

    fn key_to_json(&self) -> Value {
        super::Field::to_json(self)
    }

    fn key_from_json(shown: &Value) -> Option<Self> {
        super::Field::from_json(shown).ok()
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

    fn key_to_json(&self) -> Value {
        [self.0.key_to_json(), self.1.key_to_json()].into_iter().collect()
    }

    fn key_from_json(shown: &Value) -> Option<Self> {
        let [first, second] = shown.as_array()?.as_slice() else { return None };
        Some((A::key_from_json(first)?, B::key_from_json(second)?))
    }
}
