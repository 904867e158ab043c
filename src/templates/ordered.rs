//! Texts by name, in an order of their own: the engine's maps go by the alphabet.

use std::sync::Arc;

use minijinja::value::{Enumerator, Object};

use super::Value;

#[derive(Debug)]
struct Ordered(Vec<(String, String)>);

impl Object for Ordered {
    fn get_value(self: &Arc<Self>, name: &Value) -> Option<Value> {
        let name = name.as_str()?;
        self.0.iter().find(|(known, _)| known == name).map(|(_, text)| Value::from(text.as_str()))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.iter().map(|(name, _)| Value::from(name.as_str())).collect())
    }
}

/// Returns texts by name, in the order in which they are given.
#[must_use]
pub fn ordered(texts: Vec<(String, String)>) -> Value {
    Value::from_object(Ordered(texts))
}
