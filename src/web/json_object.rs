//! A JSON body, read as one object.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::encoded::MAX_FIELDS;

/// A JSON document as far as it concerns us; `serde_json` alone would let the last of two equal members win.
pub(super) enum Document {
    Object(BTreeMap<String, Value>),
    Repeated,
    TooMany,
    Other,
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Document;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON document")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Document, A::Error> {
                let mut values = BTreeMap::new();
                let mut repeated = false;
                while let Some((name, value)) = members.next_entry::<String, Value>()? {
                    repeated |= values.insert(name, value).is_some();
                    // Counted while reading, and the rest skipped without being kept: a body of many members costs no
                    // more memory.
                    if values.len() > MAX_FIELDS {
                        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                        return Ok(Document::TooMany);
                    }
                }
                Ok(if repeated { Document::Repeated } else { Document::Object(values) })
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<Document, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Document::Other)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Document, E> {
                Ok(Document::Other)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Document, E> {
                Ok(Document::Other)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Document, E> {
                Ok(Document::Other)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Document, E> {
                Ok(Document::Other)
            }

            fn visit_str<E>(self, _: &str) -> Result<Document, E> {
                Ok(Document::Other)
            }

            fn visit_unit<E>(self) -> Result<Document, E> {
                Ok(Document::Other)
            }
        }

        deserializer.deserialize_any(Members)
    }
}
