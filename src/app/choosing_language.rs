//! Choosing the language of pages and mails.

use std::sync::Arc;

use crate::accounts::choose_language;
use crate::sessions::Client;
use crate::texts::Language;
use crate::throttle::Kind;

use super::{App, Caller, Fault};

impl App {
    /// Notes in which language the caller reads pages and mails; with none, that of the site holds.
    pub async fn choose_language(
        self: &Arc<Self>,
        asking: &Caller,
        language: Option<Language>,
        client: Client,
    ) -> Result<(), Fault> {
        // Nothing is written for a choice that changes nothing.
        if asking.person.account.reads == language {
            return Ok(());
        }
        self.require_room()?;
        let account = asking.person.id;
        self.write_as(asking.limited_by(Kind::Acts), move |work| {
            choose_language::choose(work, account, language.as_ref(), &client)
        })
        .await
    }
}
