//! The configuration as it is resolved, for people to read.

use serde_json::Value;

use super::Config;
use super::words::without_secrets;

impl Config {
    /// Returns every setting as it is resolved. Secrets are in files, whose names alone are here; those in URLs of other
    /// services are masked.
    ///
    /// # Errors
    /// When a setting has no such form.
    pub fn in_force(&self) -> serde_json::Result<Value> {
        let mut shown = serde_json::to_value(self)?;
        shown["store"]["key_file"] = Value::String(self.sealing_key_path().display().to_string());
        mask(&mut shown);
        Ok(shown)
    }
}

/// Masks the secrets in URLs of other services.
fn mask(value: &mut Value) {
    match value {
        Value::String(text) => *text = without_secrets(text),
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(members) => members.values_mut().for_each(mask),
        _ => {}
    }
}
