//! Summaries of what happens to an account too often to be reported each time.

use crate::base::AccountId;
use crate::mail::Letter;
use crate::mail::notices::{self, Summary, Topic};
use crate::store::StoreError;
use crate::texts::advice;

use super::{Work, person, recovery_link};

/// Mails a summary of what was collected in each of these rows.
pub fn sum_up(work: &mut Work<'_>, rows: &[(AccountId, u8)]) -> Result<(), StoreError> {
    for key in rows {
        let Some(summary) = notices::take(work.tx, *key, work.moment.earliest())? else { continue };
        let Some(person) = person::load(work.tx, summary.account)? else { continue };
        let Some(to) = person.verified_address() else { continue };
        let Summary { topic, since, last, lines, .. } = summary;
        let (advice, link) = match topic {
            Topic::Logins => (advice::take_back(), recovery_link::sign(work, &person)?),
            Topic::Tokens => (advice::revoke(), work.env.config.site.url.link("/account/tokens")),
            Topic::AppPasswords => (advice::revoke(), work.env.config.site.url.link("/account/app-passwords")),
            Topic::Factors | Topic::FactorUses | Topic::Password | Topic::Names | Topic::Address => {
                (advice::choose(), work.env.forgot_link())
            }
        };
        work.mail(person.at(to), &Letter::MoreNotices { lines, since, last, advice, link })?;
    }
    Ok(())
}
