//! Tells owners what happens to their accounts, and sums up what happens often.

use crate::base::{AccountId, Moment};
use crate::mail::notices::{self, Summary, Topic};
use crate::mail::{Letter, Notable};
use crate::store::{StoreError, Transaction};

use super::{Person, Work, person, taking_back};

/// Tells the owner of an account, if mail may go to them: at once, or together with others of its kind.
pub fn tell(work: &mut Work<'_>, person: &Person, letter: &Letter) -> Result<(), StoreError> {
    let Some(to) = person.verified_address() else { return Ok(()) };
    let at_once = match letter.notable() {
        Some(what) if work.env.config.throttle.enabled => {
            notices::is_told_at_once(work.tx, (person.id, what), work.moment.earliest())?
        }
        _ => true,
    };
    if at_once { work.mail(to, letter) } else { Ok(()) }
}

/// Counts what is no mail by itself, for the summary that may follow.
pub fn count(
    tx: &mut dyn Transaction,
    moment: &Moment,
    (account, what): (AccountId, Notable),
) -> Result<(), StoreError> {
    notices::count(tx, (account, what), moment.earliest())
}

const TAKE_BACK: &str = "If it was not, open this link and press the button: everybody is logged out, the password is taken out of use, and a link to choose a new one is mailed to you. It works for 7 days:";
const REVOKE: &str = "If it was not, revoke what you do not know, then choose a new password:";
const CHOOSE: &str = "If it was not, choose a new password at once:";

/// Tells what was collected in these rows.
pub fn sum_up(work: &mut Work<'_>, rows: &[(AccountId, u8)]) -> Result<(), StoreError> {
    for key in rows {
        let Some(summary) = notices::take(work.tx, *key, work.moment.earliest())? else { continue };
        let Some(person) = person::load(work.tx, summary.account)? else { continue };
        let Some(to) = person.verified_address() else { continue };
        let Summary { topic, since, last, lines, .. } = summary;
        let (advice, link) = match topic {
            Topic::Logins => (TAKE_BACK, taking_back::not_me_link(work, &person)?),
            Topic::Tokens => (REVOKE, work.env.config.site.url.link("/account/tokens")),
            Topic::Factors | Topic::FactorUses | Topic::Password | Topic::Names | Topic::Address => {
                (CHOOSE, work.env.forgot_link())
            }
        };
        work.mail(to, &Letter::MoreNotices { lines, since, last, advice, link })?;
    }
    Ok(())
}
