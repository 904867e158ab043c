//! Prints data, for people or as JSON.

use serde_json::Value;

use super::Exit;
use crate::cli::escape::one_line;
use crate::cli::out::say;

/// Prints a document.
pub fn json(value: &Value) -> Result<(), Exit> {
    say!("{}", serde_json::to_string_pretty(value).map_err(Exit::failed)?);
    Ok(())
}

/// Prints the result of a command: as JSON on request, a list as a table of these columns, or without columns member by
/// member.
pub fn outcome(shown: &Value, columns: &[&str], as_json: bool) -> Result<(), Exit> {
    if as_json {
        return json(shown);
    }
    if columns.is_empty() {
        object(shown);
    } else {
        table(shown["items"].as_array().map(Vec::as_slice).unwrap_or_default(), columns);
        say_how_to_go_on(shown);
    }
    Ok(())
}

/// Prints the members of an object, one per line.
pub fn object(value: &Value) {
    for (name, member) in value.as_object().into_iter().flatten() {
        match member {
            Value::Array(items) if items.iter().any(Value::is_object) => {
                say!("{name}:");
                for item in items {
                    say!("  - {}", inline(item));
                }
            }
            other => say!("{name}: {}", plain(other)),
        }
    }
}

fn inline(item: &Value) -> String {
    let members = item.as_object().into_iter().flatten().map(|(name, member)| format!("{name}: {}", plain(member)));
    members.collect::<Vec<_>>().join(", ")
}

/// Returns what people call the account of a document: its address, else another of its names.
pub fn name_of(shown: &Value) -> String {
    let names = ["email", "username", "phone", "id"].map(|member| shown[member].as_str());
    one_line(names.into_iter().flatten().next().unwrap_or_default())
}

/// Counts things: "1 mail", "2 mails".
pub fn counted(number: &Value, one: &str, many: &str) -> String {
    if *number == 1 { format!("1 {one}") } else { format!("{} {many}", plain(number)) }
}

/// Formats a value without quotes, on one line.
pub fn plain(value: &Value) -> String {
    let text = match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    one_line(&text)
}

/// Prints a table of the named members.
pub fn table(items: &[Value], columns: &[&str]) {
    let rows: Vec<Vec<String>> = std::iter::once(columns.iter().map(|name| name.to_uppercase()).collect())
        .chain(items.iter().map(|item| columns.iter().map(|name| plain(&item[*name])).collect()))
        .collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default())
        .collect();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        say!("{}", cells.join("  ").trim_end());
    }
}

/// Says how to go on after a list that was cut off.
pub fn say_how_to_go_on(shown: &Value) {
    if let Some(next) = shown["next"].as_str() {
        say!("There are more: go on with --after {next}");
    }
}
