//! `gatelodge check`: validates the configuration and prints what it resolved to.

use serde_json::Value;

use crate::cli::out::say;
use crate::config::notes;

use super::{Common, Exit, show};

pub fn run(common: &Common) -> Result<(), Exit> {
    let config = common.config()?;
    let mut shown = serde_json::to_value(&config).map_err(Exit::failed)?;
    shown["store"]["key_file"] = Value::String(config.sealing_key_path().display().to_string());
    if common.json {
        let notes = notes(&config);
        return show::json(&serde_json::json!({"configuration": shown, "notes": notes}));
    }
    let mut lines = Vec::new();
    flatten("", &shown, &mut lines);
    for line in lines {
        say!("{line}");
    }
    for note in notes(&config) {
        say!("note: {note}");
    }
    say!("{}: the configuration is valid", common.config_path().display());
    Ok(())
}

/// `section.key = value`, one per line. Secrets are in files, and only the files' names are printed.
fn flatten(prefix: &str, value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&key, member, lines);
            }
        }
        Value::Null => lines.push(format!("# {prefix} is not set")),
        other => lines.push(format!("{prefix} = {other}")),
    }
}
