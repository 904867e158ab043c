//! What every use case may use besides its transaction and its moment.

use std::sync::Arc;

use crate::audit::{self, Act, Entry, Outcome, Source, Subject};
use crate::base::{EmailAddress, Moment, PhoneNumber, Secret};
use crate::config::{Config, Span};
use crate::crypto::{PasswordPolicy, Purpose, SealingKey, Ticket};
use crate::factors::CODE_WORKS_FOR;
use crate::mail::{self, Composer, Letter};
use crate::store::{StoreError, Transaction};

use super::{Person, keyring};

/// Settings and keys. Settings may be read anew while the program runs: one transaction goes by the same ones throughout.
pub struct Services {
    /// What the administrator decided.
    pub config: Config,
    /// Seals what must be readable.
    pub seal: Arc<SealingKey>,
    /// Writes mails.
    pub composer: Composer,
    /// The store's generation, bound into tokens and sessions.
    pub generation: [u8; 16],
}

impl Services {
    /// What a new password has to fulfil.
    #[must_use]
    pub fn password_policy(&self) -> PasswordPolicy {
        PasswordPolicy { min_chars: self.config.password.min_length }
    }

    /// The words that everybody would try for this site.
    #[must_use]
    pub fn site_words(&self) -> Vec<&str> {
        vec![&self.config.site.name, self.config.site.url.host(), "gatelodge"]
    }

    /// The words that everybody would try for this person at this site.
    #[must_use]
    pub fn words_about<'a>(&'a self, person: &'a Person) -> Vec<&'a str> {
        let mut words = self.site_words();
        words.extend(person.email.as_ref().map(|email| email.shown.as_str()));
        words.extend(person.username.as_ref().map(|name| name.as_str()));
        words.extend(person.account.name.as_ref().map(|name| name.as_str()));
        words
    }

    /// Queues a mail.
    pub fn mail(
        &self,
        tx: &mut dyn Transaction,
        moment: &mut Moment,
        to: &EmailAddress,
        letter: &Letter,
    ) -> Result<(), StoreError> {
        if mail::queue(tx, moment, &self.composer, &self.seal, to, letter)?.is_none() {
            // What was to be told of has happened all the same, and the mails behind this one must leave.
            let what = (Act::MailRequestDropped, Outcome::Done);
            self.audit_in_detail(tx, moment, &Source::appliance(), what, Subject::NONE, letter.name())?;
        }
        Ok(())
    }

    /// Queues a code as a text message. Its last line binds it to this site, so that browsers offer it nowhere else
    /// (<https://wicg.github.io/sms-one-time-codes/>).
    pub fn text_code(
        &self,
        tx: &mut dyn Transaction,
        moment: &mut Moment,
        to: &PhoneNumber,
        code: &Secret<String>,
    ) -> Result<(), StoreError> {
        let (site, host, digits) = (&self.config.site.name, self.config.site.url.host(), code.expose());
        let text = format!("{digits} is your code for {site}. Do not pass it on.\n\n@{host} #{digits}");
        mail::queue_text(tx, moment, &self.seal, to, ("second-factor-code", &text), CODE_WORKS_FOR).map(drop)
    }

    /// Signs a link to `path`, valid for `within` and as long as `state` stays what it is.
    pub fn signed_link(
        &self,
        tx: &mut dyn Transaction,
        moment: &mut Moment,
        path: &str,
        (purpose, subject): (Purpose, [u8; 16]),
        state: &[&[u8]],
        within: Span,
    ) -> Result<String, StoreError> {
        let keys = keyring::load_or_make(tx, moment, &self.seal)?;
        let issued_at = moment.now();
        let ticket = Ticket { purpose, subject, issued_at, expires_at: issued_at.plus(within.seconds()), state };
        let token = ticket.sign(&keys).ok_or(StoreError::Damaged("keyring"))?;
        Ok(self.config.site.url.link(&format!("{path}{token}")))
    }

    /// Writes a row of the audit log, in the transaction of the act it tells of.
    pub fn audit(
        &self,
        tx: &mut dyn Transaction,
        moment: &Moment,
        source: &Source,
        (act, outcome): (Act, Outcome),
        subject: impl Into<Subject>,
    ) -> Result<(), StoreError> {
        self.audit_in_detail(tx, moment, source, (act, outcome), subject, "")
    }

    /// As [`Services::audit`], with a word of ours that says more.
    pub fn audit_in_detail(
        &self,
        tx: &mut dyn Transaction,
        moment: &Moment,
        source: &Source,
        (act, outcome): (Act, Outcome),
        subject: impl Into<Subject>,
        detail: &str,
    ) -> Result<(), StoreError> {
        let entry = Entry {
            at: moment.now(),
            clock: moment.clock(),
            act,
            outcome,
            actor: source.actor,
            network: source.network.clone(),
            subject: subject.into(),
            detail: detail.to_owned(),
        };
        audit::record(tx, &self.seal, entry).map(drop)
    }

    /// Where a person asks for a new password.
    #[must_use]
    pub fn forgot_link(&self) -> String {
        self.config.site.url.link("/forgot")
    }
}
