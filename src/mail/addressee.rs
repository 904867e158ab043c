//! Who reads a mail.

use crate::base::EmailAddress;
use crate::texts::Language;

/// The address that a mail goes to, and the language of whoever reads it there; that of the site, if it is not known.
#[derive(Clone, Copy, Debug)]
pub struct Addressee<'a> {
    /// The address.
    pub address: &'a EmailAddress,
    /// The language.
    pub language: Option<&'a Language>,
}

impl<'a> From<&'a EmailAddress> for Addressee<'a> {
    fn from(address: &'a EmailAddress) -> Self {
        Self { address, language: None }
    }
}
