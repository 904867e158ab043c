//! Sentences for people: code and templates name them by a key, and a catalogue has the words of a language.
//!
//! A sentence of code is built by its function in `sentences.rs` and travels as a [`Text`]; whatever shows it (a page, a
//! mail, the API, the command line) asks a [`Voice`] for its words at the very end, or for English. Another language is
//! another file in `catalogues`, and a line in `built_in.rs`.

mod accept;
mod built_in;
mod catalogue;
mod check;
mod language;
mod languages;
mod length;
mod message;
mod sentences;
mod speaker;
mod text;
mod time_zone;

pub use built_in::{built_in, built_in_languages, english};
pub use catalogue::{Catalogue, CatalogueFault};
pub use language::{Language, NotALanguage};
pub use languages::{Languages, Voice};
pub use length::Length;
pub use message::{Form, Part};
pub use text::Text;
pub use time_zone::{NotAZone, TimeZone};

pub use sentences::sentences;

pub(crate) use sentences::{advice, agent, field, happened, identity, notice, page, password, refusal, sms};
pub(crate) use text::TextValue;
