//! Sends one real mail, for an administrator who wants to know whether mail works.

use crate::base::{EmailAddress, MailId, Moment};
use crate::config::{Config, MailTransport};
use crate::courier::delivery::Outcome;
use crate::courier::{CallOptions, Courier};
use crate::mail::{Composer, Letter};
use crate::templates::load_languages;
use crate::texts::refusal;

use super::Refusal;
use super::answers::TestMail;

/// Sends a test mail, bypassing the outbox, and returns what the server made of it.
///
/// # Errors
/// When it cannot be made, or was not accepted.
pub async fn send_test(
    config: &Config,
    courier: &Courier,
    address: &str,
    moment: &mut Moment,
) -> Result<TestMail, Refusal> {
    let to = EmailAddress::parse(address).map_err(|_| {
        Refusal::invalid(refusal::not_an_address(format!("{address:?}")), refusal::written_like("ada@example.org"))
    })?;
    let broken = |error: &dyn std::fmt::Display| Refusal::failed(refusal::reason(error), refusal::see_templates());
    let composer = Composer::new(config, load_languages(config).languages).map_err(|error| broken(&error))?;
    let id = MailId::draw(moment);
    let message = composer.compose(&Letter::Test, (&to).into(), id, moment).map_err(|error| broken(&error))?;
    let way = match config.mail.transport {
        MailTransport::Smtp => format!("{}:{}", config.mail.smtp.host, config.mail.smtp.port),
        MailTransport::File => config.mail.directory.display().to_string(),
    };
    // With the timeout of every delivery, so that the result holds for other mails too.
    let outcome = courier.deliver(id, &to, &message.bytes, CallOptions::ordinary(moment.now())).await;
    courier.part().await;
    match outcome {
        Outcome::Accepted => {
            Ok(TestMail { accepted: true, by: way, to: to.as_str().to_owned(), message_id: id.to_string() })
        }
        Outcome::Later(reason) => {
            Err(Refusal::failed(refusal::mail_not_accepted(reason), refusal::mail_not_accepted_hint()))
        }
        Outcome::Never(reason) => Err(Refusal::failed(refusal::mail_refused(reason), refusal::mail_refused_hint())),
    }
}
