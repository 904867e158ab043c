//! How records become bytes: a version, then the fields in order. Integers are LEB128, text and bytes stand
//! behind their length. Stored data outlives programs, so this encoding is ours and does not change.

use std::collections::BTreeSet;

use crate::base::{AccountId, DisplayName, EmailAddress, GroupName, Id, Timestamp, Username};
use crate::crypto::{Digest, PasswordHash};

use super::StoreError;

/// The bytes are not what they should be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Damaged;

/// A value of a table.
pub trait Record: Sized {
    /// For messages about damage.
    const NAME: &'static str;

    /// The value as bytes, its version first.
    fn to_bytes(&self) -> Vec<u8>;

    /// Reads any version that was ever written.
    ///
    /// # Errors
    /// When the bytes are of no known version or are damaged.
    fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged>;

    /// As [`Record::from_bytes`], naming the kind of record.
    ///
    /// # Errors
    /// When the bytes are damaged.
    fn read(bytes: &[u8]) -> Result<Self, StoreError> {
        Self::from_bytes(bytes).map_err(|Damaged| StoreError::Damaged(Self::NAME))
    }
}

/// A part of a record.
pub trait Field: Sized {
    /// Appends it.
    fn put(&self, out: &mut Vec<u8>);

    /// Takes it from the front.
    ///
    /// # Errors
    /// When it is not there.
    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged>;
}

/// The bytes that are still to be read.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, length: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Whether everything was read.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }
}

/// Writes a struct's fields in the order given. New fields are for a new version, with a `take` of its own.
macro_rules! record {
    ($name:ident, version $version:literal, { $($field:ident),* $(,)? }) => {
        impl $crate::store::Record for $name {
            const NAME: &'static str = stringify!($name);

            fn to_bytes(&self) -> Vec<u8> {
                let mut out = vec![$version];
                $($crate::store::Field::put(&self.$field, &mut out);)*
                out
            }

            fn from_bytes(bytes: &[u8]) -> Result<Self, $crate::store::Damaged> {
                let Some((&$version, rest)) = bytes.split_first() else { return Err($crate::store::Damaged) };
                let mut input = $crate::store::Reader(rest);
                let record = Self { $($field: $crate::store::Field::take(&mut input)?),* };
                if input.is_at_end() { Ok(record) } else { Err($crate::store::Damaged) }
            }
        }
    };
    // A part of other records: fields without a version of its own.
    (part $name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::store::Field for $name {
            fn put(&self, out: &mut Vec<u8>) {
                $($crate::store::Field::put(&self.$field, out);)*
            }

            fn take(input: &mut $crate::store::Reader<'_>) -> Result<Self, $crate::store::Damaged> {
                Ok(Self { $($field: $crate::store::Field::take(input)?),* })
            }
        }
    };
}
pub(crate) use record;

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
}

impl Field for u32 {
    fn put(&self, out: &mut Vec<u8>) {
        u64::from(*self).put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        u64::take(input)?.try_into().map_err(|_| Damaged)
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
}

impl Field for String {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u64).put(out);
        out.extend(self.as_bytes());
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        Self::from_utf8(Vec::take(input)?).map_err(|_| Damaged)
    }
}

impl<const N: usize> Field for [u8; N] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        input.bytes(N)?.try_into().map_err(|_| Damaged)
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
}

impl<T: Field + Ord> Field for BTreeSet<T> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u64).put(out);
        for item in self {
            item.put(out);
        }
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        (0..u64::take(input)?).map(|_| T::take(input)).collect()
    }
}

/// Values of `base` and `crypto` that are stored as the text or number they are parsed from.
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
        }
    )*};
}
stored_as! {
    Timestamp => u64, |time| time.seconds(), |seconds| Some(Timestamp::from_seconds(seconds));
    Digest => [u8; 32], |digest| digest.0, |bytes| Some(Digest(bytes));
    EmailAddress => String, |address| address.as_str().to_owned(), |text| EmailAddress::parse(&text).ok();
    Username => String, |name| name.as_str().to_owned(), |text| Username::parse(&text).ok();
    DisplayName => String, |name| name.as_str().to_owned(), |text| DisplayName::parse(&text).ok();
    GroupName => String, |name| name.as_str().to_owned(), |text| GroupName::parse(&text).ok();
    PasswordHash => String, |hash| hash.to_string(), |text| PasswordHash::parse(&text).ok();
}

impl<Kind> Field for Id<Kind> {
    fn put(&self, out: &mut Vec<u8>) {
        self.bytes().put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        <[u8; 16]>::take(input).map(Self::from_bytes)
    }
}

/// Tables whose value is one field.
macro_rules! single_field_record {
    ($($type:ty, $name:literal;)*) => {$(
        impl Record for $type {
            const NAME: &'static str = $name;

            fn to_bytes(&self) -> Vec<u8> {
                let mut out = vec![1];
                Field::put(self, &mut out);
                out
            }

            fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
                let Some((1, rest)) = bytes.split_first() else { return Err(Damaged) };
                let mut input = Reader(rest);
                let value = Field::take(&mut input)?;
                if input.is_at_end() { Ok(value) } else { Err(Damaged) }
            }
        }
    )*};
}
single_field_record! {
    u64, "number";
    [u8; 16], "id";
    String, "text";
    AccountId, "account id";
    Digest, "digest";
    Vec<u8>, "bytes";
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Sample {
        number: u64,
        flag: bool,
        text: String,
        bytes: Vec<u8>,
        id: [u8; 16],
        maybe: Option<u64>,
        set: BTreeSet<String>,
    }
    record!(Sample, version 1, { number, flag, text, bytes, id, maybe, set });

    /// Frozen: stores that exist must stay readable.
    #[test]
    fn the_encoding_does_not_change() {
        let set = BTreeSet::from(["a".to_owned()]);
        let sample =
            Sample { number: 300, flag: true, text: "é".into(), bytes: vec![9], id: [7; 16], maybe: Some(1), set };
        let expected = [&[1, 0xac, 2, 1, 2, 0xc3, 0xa9, 1, 9][..], &[7; 16], &[1, 1, 1, 1, b'a']].concat();
        assert_eq!(sample.to_bytes(), expected);
        assert_eq!(Sample::from_bytes(&expected), Ok(sample));
    }

    #[test]
    fn other_versions_and_trailing_bytes_are_refused() {
        let sample = Sample {
            number: 1,
            flag: false,
            text: String::new(),
            bytes: vec![],
            id: [0; 16],
            maybe: None,
            set: BTreeSet::new(),
        };
        let mut bytes = sample.to_bytes();
        bytes.push(0);
        assert_eq!(Sample::from_bytes(&bytes), Err(Damaged));
        bytes.pop();
        bytes[0] = 2;
        assert_eq!(Sample::from_bytes(&bytes), Err(Damaged));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(number: u64, flag: bool, text: String, bytes: Vec<u8>, id: [u8; 16], maybe: Option<u64>, set: BTreeSet<String>) {
            let sample = Sample { number, flag, text, bytes, id, maybe, set };
            prop_assert_eq!(Sample::from_bytes(&sample.to_bytes()), Ok(sample));
        }

        #[test]
        fn garbage_never_panics_and_has_one_reading(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(sample) = Sample::from_bytes(&bytes)
                && sample.set.len() < 2
            {
                prop_assert_eq!(sample.to_bytes(), bytes);
            }
        }

        #[test]
        fn a_truncated_record_is_damaged(number: u64, text: String, cut in 0usize..40) {
            let sample = Sample { number, flag: true, text, bytes: vec![1, 2], id: [1; 16], maybe: Some(2), set: BTreeSet::new() };
            let bytes = sample.to_bytes();
            prop_assume!(cut < bytes.len());
            prop_assert_eq!(Sample::from_bytes(&bytes[..cut]), Err(Damaged));
        }
    }
}
