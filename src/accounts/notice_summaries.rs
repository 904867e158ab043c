//! Summaries of what happens to an account too often to be reported each time.

use crate::base::AccountId;
use crate::mail::Letter;
use crate::mail::notices::{self, Summary, Topic};
use crate::store::StoreError;

use super::{Work, person, recovery_link};

const TAKE_BACK: &str = "If it was not, open this link and press the button: everybody is logged out, the password is taken out of use, and a link to choose a new one is mailed to you. It works for 7 days:";

const REVOKE: &str = "If it was not, revoke what you do not know, then choose a new password:";

const CHOOSE: &str = "If it was not, choose a new password at once:";

/// Mails a summary of what was collected in each of these rows.
pub fn sum_up(work: &mut Work<'_>, rows: &[(AccountId, u8)]) -> Result<(), StoreError> {
    for key in rows {
        let Some(summary) = notices::take(work.tx, *key, work.moment.earliest())? else { continue };
        let Some(person) = person::load(work.tx, summary.account)? else { continue };
        let Some(to) = person.verified_address() else { continue };
        let Summary { topic, since, last, lines, .. } = summary;
        let (advice, link) = match topic {
            Topic::Logins => (TAKE_BACK, recovery_link::sign(work, &person)?),
            Topic::Tokens => (REVOKE, work.env.config.site.url.link("/account/tokens")),
            Topic::AppPasswords => (REVOKE, work.env.config.site.url.link("/account/app-passwords")),
            Topic::Factors | Topic::FactorUses | Topic::Password | Topic::Names | Topic::Address => {
                (CHOOSE, work.env.forgot_link())
            }
        };
        work.mail(to, &Letter::MoreNotices { lines, since, last, advice, link })?;
    }
    Ok(())
}
