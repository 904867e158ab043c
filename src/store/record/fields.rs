//! Fields: numbers, texts, and the values that are stored as one of these.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::base::{DisplayName, EmailAddress, GroupName, Id, NodeId, Permission, Timestamp, Username, try_set_of};
use crate::crypto::{Digest, PasswordHash, base64url, from_base64url};
use crate::gate::HostPattern;
use crate::texts::Language;

use super::{Damaged, Field, Reader};

impl Field for u64 {
    fn put(&self, out: &mut Vec<u8>) {
        let mut rest = *self;
        while rest >= 0x80 {
            out.push(rest.to_le_bytes()[0] | 0x80);
            rest >>= 7;
        }
        out.push(rest.to_le_bytes()[0]);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = input.bytes(1)?[0];
            let bits = u64::from(byte & 0x7f);
            let shifted = bits << shift;
            // One form per number, so that equal records have equal bytes and nobody
            // can vary a record without changing what it says.
            if shifted >> shift != bits || (byte == 0 && shift > 0) {
                return Err(Damaged); // overflow, or a longer form than needed
            }
            value |= shifted;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Damaged)
    }

    fn to_json(&self) -> Value {
        (*self).into()
    }

    fn from_json(shown: &Value) -> Result<Self, Damaged> {
        shown.as_u64().ok_or(Damaged)
    }
}

impl Field for u32 {
    fn put(&self, out: &mut Vec<u8>) {
        u64::from(*self).put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        u64::take(input)?.try_into().map_err(|_| Damaged)
    }

    fn to_json(&self) -> Value {
        (*self).into()
    }

    fn from_json(shown: &Value) -> Result<Self, Damaged> {
        shown.as_u64().and_then(|number| number.try_into().ok()).ok_or(Damaged)
    }
}

impl Field for NodeId {
    fn put(&self, out: &mut Vec<u8>) {
        self.number().put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        u32::take(input).map(Self::from_number)
    }

    fn to_json(&self) -> Value {
        self.number().into()
    }

    fn from_json(shown: &Value) -> Result<Self, Damaged> {
        u32::from_json(shown).map(Self::from_number)
    }
}

impl Field for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        match input.bytes(1)? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(Damaged),
        }
    }

    fn to_json(&self) -> Value {
        (*self).into()
    }

    fn from_json(shown: &Value) -> Result<Self, Damaged> {
        shown.as_bool().ok_or(Damaged)
    }
}

impl Field for Vec<u8> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u64).put(out);
        out.extend(self);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        let length = u64::take(input)?.try_into().map_err(|_| Damaged)?;
        Ok(input.bytes(length)?.to_vec())
    }

    fn to_json(&self) -> Value {
        base64url(self).into()
    }

    fn from_json(shown: &Value) -> Result<Self, Damaged> {
        shown.as_str().and_then(from_base64url).ok_or(Damaged)
    }
}

impl Field for String {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u64).put(out);
        out.extend(self.as_bytes());
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        Self::from_utf8(Vec::take(input)?).map_err(|_| Damaged)
    }

    fn to_json(&self) -> Value {
        self.as_str().into()
    }

    fn from_json(shown: &Value) -> Result<Self, Damaged> {
        shown.as_str().map(str::to_owned).ok_or(Damaged)
    }
}

impl<const N: usize> Field for [u8; N] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        input.bytes(N)?.try_into().map_err(|_| Damaged)
    }

    fn to_json(&self) -> Value {
        base64url(self).into()
    }

    fn from_json(shown: &Value) -> Result<Self, Damaged> {
        <Vec<u8> as Field>::from_json(shown)?.try_into().map_err(|_| Damaged)
    }
}

impl<T: Field> Field for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        if bool::take(input)? { T::take(input).map(Some) } else { Ok(None) }
    }

    fn to_json(&self) -> Value {
        self.as_ref().map_or(Value::Null, Field::to_json)
    }

    fn from_json(shown: &Value) -> Result<Self, Damaged> {
        if shown.is_null() { Ok(None) } else { T::from_json(shown).map(Some) }
    }
}

impl<T: Field + Ord> Field for BTreeSet<T> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u64).put(out);
        for item in self {
            item.put(out);
        }
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        try_set_of((0..u64::take(input)?).map(|_| T::take(input)))
    }

    fn to_json(&self) -> Value {
        self.iter().map(Field::to_json).collect()
    }

    fn from_json(shown: &Value) -> Result<Self, Damaged> {
        try_set_of(shown.as_array().ok_or(Damaged)?.iter().map(T::from_json))
    }
}

/// Implements [`Field`] for values of lower rooms that are stored as the text or number they are parsed from.
macro_rules! stored_as {
    ($($type:ty => $form:ty, $to:expr, $from:expr;)*) => {$(
        impl Field for $type {
            fn put(&self, out: &mut Vec<u8>) {
                let to: fn(&$type) -> $form = $to;
                to(self).put(out);
            }

            fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
                let from: fn($form) -> Option<$type> = $from;
                from(<$form>::take(input)?).ok_or(Damaged)
            }

            fn to_json(&self) -> Value {
                let to: fn(&$type) -> $form = $to;
                Field::to_json(&to(self))
            }

            fn from_json(shown: &Value) -> Result<Self, Damaged> {
                let from: fn($form) -> Option<$type> = $from;
                from(<$form as Field>::from_json(shown)?).ok_or(Damaged)
            }
        }
    )*};
}
stored_as! {
    Digest => [u8; 32], |digest| digest.0, |bytes| Some(Digest(bytes));
    EmailAddress => String, |address| address.as_str().to_owned(), |text| EmailAddress::parse(&text).ok();
    Username => String, |name| name.as_str().to_owned(), |text| Username::parse(&text).ok();
    DisplayName => String, |name| name.as_str().to_owned(), DisplayName::stored;
    GroupName => String, |name| name.as_str().to_owned(), |text| GroupName::parse(&text).ok();
    Permission => String, |word| word.as_str().to_owned(), |text| Permission::parse(&text).ok();
    PasswordHash => String, |hash| hash.to_string(), |text| PasswordHash::parse(&text).ok();
    Language => String, |language| language.as_str().to_owned(), |text| Language::parse(&text).ok();
    HostPattern => String, HostPattern::to_string, |text| HostPattern::try_from(text).ok();
}

/// Stored as a number, shown in RFC 3339.
impl Field for Timestamp {
    fn put(&self, out: &mut Vec<u8>) {
        self.seconds().put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        u64::take(input).map(Self::from_seconds)
    }

    fn to_json(&self) -> Value {
        // What lies beyond the calendar is shown as a plain number.
        let text = self.to_string();
        if Self::parse(&text) == Some(*self) { text.into() } else { self.seconds().into() }
    }

    fn from_json(shown: &Value) -> Result<Self, Damaged> {
        let parsed = shown.as_u64().map(Self::from_seconds);
        parsed.or_else(|| shown.as_str().and_then(Self::parse)).ok_or(Damaged)
    }
}

impl<Kind> Field for Id<Kind> {
    fn put(&self, out: &mut Vec<u8>) {
        self.bytes().put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        <[u8; 16]>::take(input).map(Self::from_bytes)
    }

    fn to_json(&self) -> Value {
        self.to_string().into()
    }

    fn from_json(shown: &Value) -> Result<Self, Damaged> {
        shown.as_str().and_then(|text| text.parse().ok()).ok_or(Damaged)
    }
}
