//! The encoding of records as bytes: a version, then the fields in order. Integers are LEB128, text and bytes stand
//! behind their length. Stored data outlives programs, so this encoding is ours and does not change.

mod fields;
mod stored_enum;

use serde_json::Value;

use crate::base::AccountId;
use crate::crypto::Digest;

use super::StoreError;

/// The bytes are not what they should be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Damaged;

/// A value of a table.
pub trait Record: Sized {
    /// The kind of record, for messages about damage.
    const NAME: &'static str;

    /// Encodes the value, its version first.
    fn to_bytes(&self) -> Vec<u8>;

    /// Decodes any version that was ever written.
    ///
    /// # Errors
    /// When the bytes are of no known version or are damaged.
    fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged>;

    /// Converts the value to the form that other programs read.
    fn to_json(&self) -> Value;

    /// Reads what [`Record::to_json`] made.
    fn from_json(shown: &Value) -> Result<Self, Damaged>;

    /// As [`Record::from_bytes`], naming the kind of record in the error.
    fn read(bytes: &[u8]) -> Result<Self, StoreError> {
        Self::from_bytes(bytes).map_err(|Damaged| StoreError::Damaged(Self::NAME))
    }
}

/// A part of a record.
pub trait Field: Sized {
    /// Appends the encoded value.
    fn put(&self, out: &mut Vec<u8>);

    /// Decodes a value from the front.
    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged>;

    /// Converts the value to the form that other programs read.
    fn to_json(&self) -> Value;

    /// Reads what [`Field::to_json`] made.
    fn from_json(shown: &Value) -> Result<Self, Damaged>;
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

/// Implements [`Record`] for a struct, with its fields in the order given. New fields need a new version.
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

            $crate::store::record!(json { $($field),* });
        }
    };
    // Versions that have more fields than those before: what an older record lacks is its type's default. Each `since`
    // is the version that brought its fields; the last is the one that is written.
    ($name:ident, version $version:literal, { $($field:ident),* $(,)? }, $(since $since:literal { $($added:ident),* $(,)? }),+) => {
        impl $crate::store::Record for $name {
            const NAME: &'static str = stringify!($name);

            fn to_bytes(&self) -> Vec<u8> {
                let mut out = vec![$version];
                $($crate::store::Field::put(&self.$field, &mut out);)*
                $($($crate::store::Field::put(&self.$added, &mut out);)*)+
                out
            }

            fn from_bytes(bytes: &[u8]) -> Result<Self, $crate::store::Damaged> {
                let Some((&version @ 1..=$version, rest)) = bytes.split_first() else { return Err($crate::store::Damaged) };
                let mut input = $crate::store::Reader(rest);
                let record = Self {
                    $($field: $crate::store::Field::take(&mut input)?,)*
                    $($($added: if version < $since { Default::default() } else { $crate::store::Field::take(&mut input)? },)*)+
                };
                if input.is_at_end() { Ok(record) } else { Err($crate::store::Damaged) }
            }

            fn to_json(&self) -> serde_json::Value {
                serde_json::json!({
                    $(stringify!($field): $crate::store::Field::to_json(&self.$field),)*
                    $($(stringify!($added): $crate::store::Field::to_json(&self.$added),)*)+
                })
            }

            fn from_json(json: &serde_json::Value) -> Result<Self, $crate::store::Damaged> {
                let members = json.as_object().ok_or($crate::store::Damaged)?;
                let member = |name: &str| members.get(name).ok_or($crate::store::Damaged);
                // The number of members identifies the version.
                let mut counts = vec![(1, [$(stringify!($field)),*].len())];
                $(counts.push(($since, counts[counts.len() - 1].1 + [$(stringify!($added)),*].len()));)+
                let is_whole = |(_, count): &&(u8, usize)| *count == members.len();
                let (version, _) = *counts.iter().find(is_whole).ok_or($crate::store::Damaged)?;
                Ok(Self {
                    $($field: $crate::store::Field::from_json(member(stringify!($field))?)?,)*
                    $($($added: if version < $since { Default::default() } else { $crate::store::Field::from_json(member(stringify!($added))?)? },)*)+
                })
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

            $crate::store::record!(json { $($field),* });
        }
    };
    // The form that other programs read: an object of exactly these members.
    (json { $($field:ident),* }) => {
        fn to_json(&self) -> serde_json::Value {
            serde_json::json!({ $(stringify!($field): $crate::store::Field::to_json(&self.$field)),* })
        }

        fn from_json(shown: &serde_json::Value) -> Result<Self, $crate::store::Damaged> {
            let members = shown.as_object().ok_or($crate::store::Damaged)?;
            if members.len() != [$(stringify!($field)),*].len() {
                return Err($crate::store::Damaged);
            }
            let member = |name: &str| members.get(name).ok_or($crate::store::Damaged);
            Ok(Self { $($field: $crate::store::Field::from_json(member(stringify!($field))?)?),* })
        }
    };
}
pub(crate) use record;
pub(crate) use stored_enum::stored_enum;

/// Implements [`Record`] for tables whose value is one field.
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

            fn to_json(&self) -> Value {
                Field::to_json(self)
            }

            fn from_json(shown: &Value) -> Result<Self, Damaged> {
                Field::from_json(shown)
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
    use crate::base::Timestamp;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

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

    #[derive(Clone, Debug, PartialEq)]
    struct Grown {
        number: u64,
        maybe: Option<u64>,
    }
    record!(Grown, version 2, { number }, since 2 { maybe });

    #[test]
    fn what_an_older_record_lacks_is_the_default() {
        assert_eq!(Grown::from_bytes(&[1, 7]), Ok(Grown { number: 7, maybe: None }));
        assert_eq!(Grown::from_bytes(&[2, 7, 1, 9]), Ok(Grown { number: 7, maybe: Some(9) }));
        for damaged in [&[1, 7, 0][..], &[2, 7], &[3, 7, 0], &[0, 7]] {
            assert_eq!(Grown::from_bytes(damaged), Err(Damaged), "{damaged:?}");
        }
        let grown = Grown { number: 7, maybe: Some(9) };
        assert_eq!(Grown::from_json(&grown.to_json()), Ok(grown));
        assert_eq!(Grown::from_json(&serde_json::json!({"number": 7})), Ok(Grown { number: 7, maybe: None }));
        assert_eq!(Grown::from_json(&serde_json::json!({"number": 7, "other": 1})), Err(Damaged));
    }

    #[derive(Clone, Debug, PartialEq)]
    struct GrownTwice {
        number: u64,
        maybe: Option<u64>,
        text: String,
        flag: bool,
    }
    record!(GrownTwice, version 3, { number }, since 2 { maybe }, since 3 { text, flag });

    #[test]
    fn a_record_can_grow_again_and_again() {
        let grown = |maybe, text: &str, flag| GrownTwice { number: 7, maybe, text: text.into(), flag };
        for (bytes, json, expected) in [
            (&[1, 7][..], serde_json::json!({"number": 7}), grown(None, "", false)),
            (&[2, 7, 1, 9], serde_json::json!({"number": 7, "maybe": 9}), grown(Some(9), "", false)),
            (
                &[3, 7, 1, 9, 1, b'x', 1],
                serde_json::json!({"number": 7, "maybe": 9, "text": "x", "flag": true}),
                grown(Some(9), "x", true),
            ),
        ] {
            assert_eq!(GrownTwice::from_bytes(bytes), Ok(expected.clone()));
            assert_eq!(GrownTwice::from_json(&json), Ok(expected));
        }
        for damaged in [&[1, 7, 0][..], &[2, 7, 0, 0], &[3, 7, 0, 0], &[4, 7, 0, 0, 0], &[0, 7]] {
            assert_eq!(GrownTwice::from_bytes(damaged), Err(Damaged), "{damaged:?}");
        }
        let grown = grown(None, "y", true);
        assert_eq!(grown.to_bytes(), [3, 7, 0, 1, b'y', 1]);
        assert_eq!(GrownTwice::from_json(&grown.to_json()), Ok(grown));
        assert_eq!(GrownTwice::from_json(&serde_json::json!({"number": 7, "flag": true})), Err(Damaged));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(number: u64, flag: bool, text: String, bytes: Vec<u8>, id: [u8; 16], maybe: Option<u64>, set: BTreeSet<String>) {
            let sample = Sample { number, flag, text, bytes, id, maybe, set };
            prop_assert_eq!(<Sample as Record>::from_json(&Record::to_json(&sample)), Ok(sample.clone()));
            prop_assert_eq!(Sample::from_bytes(&sample.to_bytes()), Ok(sample));
        }

        #[test]
        fn every_time_is_shown_and_read(seconds: u64, near in 0u64..5_000_000_000) {
            for seconds in [seconds, near] {
                let time = Timestamp::from_seconds(seconds);
                prop_assert_eq!(Timestamp::from_json(&Field::to_json(&time)), Ok(time));
            }
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
