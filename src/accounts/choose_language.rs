//! Choosing the language of pages and mails.

use crate::audit::Act;
use crate::base::AccountId;
use crate::sessions::Client;
use crate::store::StoreError;
use crate::texts::Language;

use super::{Work, person};

/// Notes in which language the owner of an account reads; with none, that of the site holds.
pub fn choose(
    work: &mut Work<'_>,
    account: AccountId,
    language: Option<&Language>,
    client: &Client,
) -> Result<(), StoreError> {
    let Some(mut person) = person::load(work.tx, account)? else { return Ok(()) };
    if person.account.reads.as_ref() == language {
        return Ok(());
    }
    person.account.reads = language.cloned();
    person::save(work.tx, account, &person.account)?;
    work.audit_in_detail(
        &client.owner_of(account),
        Act::LanguageChanged,
        account,
        language.map(Language::as_str).unwrap_or_default(),
    )
}
