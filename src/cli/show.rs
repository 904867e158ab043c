//! Prints data, for people or as JSON.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::Exit;
use crate::admin::answers::{Account, Page};
use crate::base::Timestamp;
use crate::cli::escape::one_line;
use crate::cli::out::say;

/// Prints a document.
pub(super) fn json(document: &impl Serialize) -> Result<(), Exit> {
    // By way of a value, which has its members in the order of the alphabet.
    let value = serde_json::to_value(document).map_err(Exit::failed)?;
    say!("{}", serde_json::to_string_pretty(&value).map_err(Exit::failed)?);
    Ok(())
}

/// Prints a document: as JSON on request, else member by member.
pub(super) fn document(document: &impl Serialize, as_json: bool) -> Result<(), Exit> {
    if as_json {
        return json(document);
    }
    let value = serde_json::to_value(document).map_err(Exit::failed)?;
    for (name, member) in value.as_object().into_iter().flatten() {
        match member {
            Value::Array(items) if items.iter().any(Value::is_object) => {
                say!("{name}:");
                for item in items {
                    say!("  - {}", inline(item));
                }
            }
            other => say!("{name}: {}", other.cell()),
        }
    }
    Ok(())
}

fn inline(item: &Value) -> String {
    let members = item.as_object().into_iter().flatten().map(|(name, member)| format!("{name}: {}", member.cell()));
    members.collect::<Vec<_>>().join(", ")
}

/// Prints a page of a list: as JSON on request, else as a table of these columns.
pub(super) fn page<T: Serialize>(page: &Page<T>, columns: &[Column<T>], as_json: bool) -> Result<(), Exit> {
    if as_json {
        return json(page);
    }
    table(&page.items, columns);
    say_how_to_go_on(page.next.as_ref());
    Ok(())
}

/// A column of a table.
pub(super) struct Column<T> {
    /// Its name, which is printed in capitals.
    pub name: &'static str,
    /// What stands there of a row.
    pub cell: fn(&T) -> String,
}

/// The columns of a table: members of the rows, or functions of a row with a name.
macro_rules! columns {
    (@cell $name:ident) => { |row| $crate::cli::show::Cell::cell(&row.$name) };
    (@cell $name:ident $cell:expr) => { $cell };
    ($($name:ident $(by $cell:expr)?),+ $(,)?) => {
        &[$($crate::cli::show::Column { name: stringify!($name), cell: columns!(@cell $name $($cell)?) }),+]
    };
}
pub(super) use columns;

/// Prints a table.
pub(super) fn table<T>(items: &[T], columns: &[Column<T>]) {
    let rows: Vec<Vec<String>> = std::iter::once(columns.iter().map(|column| column.name.to_uppercase()).collect())
        .chain(items.iter().map(|item| columns.iter().map(|column| (column.cell)(item)).collect()))
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
pub(super) fn say_how_to_go_on(next: Option<&impl Cell>) {
    if let Some(next) = next {
        say!("There are more: go on with --after {}", next.cell());
    }
}

/// Returns what people call an account: its address, else another of its names.
pub(super) fn name_of(account: &Account) -> String {
    let names = [&account.email, &account.username, &account.phone];
    one_line(names.into_iter().flatten().next().unwrap_or(&account.id))
}

/// Counts things: "1 mail", "2 mails".
pub(super) fn counted<N: Copy + fmt::Display + From<u8> + PartialEq>(number: N, one: &str, many: &str) -> String {
    if number == N::from(1) { format!("1 {one}") } else { format!("{number} {many}") }
}

/// What is printed on one line, without quotes.
pub(super) trait Cell {
    /// Formats it.
    fn cell(&self) -> String;
}

impl Cell for String {
    fn cell(&self) -> String {
        one_line(self)
    }
}

impl<T: Cell> Cell for Option<T> {
    fn cell(&self) -> String {
        self.as_ref().map_or_else(|| "-".to_owned(), Cell::cell)
    }
}

impl<T: Cell> Cell for Vec<T> {
    fn cell(&self) -> String {
        if self.is_empty() {
            return "-".to_owned();
        }
        self.iter().map(Cell::cell).collect::<Vec<_>>().join(", ")
    }
}

impl Cell for Value {
    fn cell(&self) -> String {
        match self {
            Self::Null => "-".to_owned(),
            Self::String(text) => text.cell(),
            Self::Array(items) => items.cell(),
            other => other.to_string(),
        }
    }
}

macro_rules! cells {
    ($($of:ty),+) => {
        $(impl Cell for $of {
            fn cell(&self) -> String {
                self.to_string()
            }
        })+
    };
}
cells!(bool, u32, u64, usize, Timestamp);
