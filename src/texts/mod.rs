//! Sentences for people: code names them by a key, and a catalogue has the words of a language.
//!
//! A sentence is built by its function in `sentences.rs` and travels as a [`Text`]; whatever shows it (a page, the API,
//! the command line) asks for its words at the very end. So the next language is another catalogue beside
//! `english.toml`.

mod catalogue;
mod sentences;
mod text;

pub use catalogue::{Catalogue, NotACatalogue};
pub use text::Text;

pub(crate) use sentences::{field, notice, page, password, refusal};
