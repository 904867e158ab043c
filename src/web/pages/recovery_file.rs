//! Recovery codes as a text file. The file stands in the link itself: the codes are not sent a second time.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::accounts::Person;
use crate::config::Site;

/// What the file says besides the codes: where they are good, for whom, and since when.
pub(super) struct RecoveryFile<'a> {
    pub site: &'a Site,
    pub person: &'a Person,
    pub made_at: &'a str,
}

impl RecoveryFile<'_> {
    /// Returns the link that saves it.
    pub(super) fn link(&self, codes: &[String]) -> String {
        let text = format!("{}\n{}\n\n{}\n", self.head(), self.made_at, codes.join("\n"));
        format!("data:text/plain;charset=utf-8,{}", utf8_percent_encode(&text, NON_ALPHANUMERIC))
    }

    fn head(&self) -> String {
        let username = self.person.username.as_ref().map(|name| name.as_str());
        let name = username.or(self.person.email.as_ref().map(|email| email.shown.as_str())).unwrap_or_default();
        format!("{} ({})\n{name}", self.site.name, self.site.url)
    }

    /// Returns its name.
    pub(super) fn name(&self) -> String {
        format!("{}-recovery-codes.txt", self.site.url.host().trim_matches(['[', ']']).replace(':', "-"))
    }
}
