//! A unit of work: what every use case is given, and what most of them do with it.

use crate::audit::{self, Act, Entry, Outcome, Source, Subject};
use crate::base::{Moment, PhoneNumber, Secret, Timestamp};
use crate::config::Span;
use crate::crypto::{Purpose, Ticket};
use crate::factors::CODE_WORKS_FOR;
use crate::mail::{Addressee, Letter, TextMessage};
use crate::metrics::DROPPED_MAILS;
use crate::store::{Overlay, StoreError, Transaction};
use crate::texts::{Language, sms};
use crate::throttle::{self, MailPurpose, MailQuota};

use super::{Env, keyring};

/// One transaction, its moment and its environment. It may be run twice, the second time from the beginning and with an
/// equal moment, so everything that it does must go through these three.
pub struct Work<'a> {
    /// The transaction, which holds all changes of one action.
    pub tx: &'a mut dyn Transaction,
    /// The time, read once, and the source of randomness.
    pub moment: &'a mut Moment,
    /// Settings and keys.
    pub env: &'a Env,
}

impl Work<'_> {
    /// The time by which validity is judged.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.moment.now()
    }

    /// The time by which deletion is judged: the earlier one, while the clock is in doubt.
    #[must_use]
    pub fn earliest(&self) -> Timestamp {
        self.moment.earliest()
    }

    /// Queues a mail.
    pub fn mail(&mut self, to: Addressee<'_>, letter: &Letter) -> Result<(), StoreError> {
        if self.env.mailer().queue(self.tx, self.moment, to, letter)?.is_none() {
            // A mail that cannot be queued must not undo what it reports, nor stop those behind it.
            self.note_dropped_mail(letter.name())?;
        }
        Ok(())
    }

    /// Records that a mail, or a request for one, was dropped.
    pub(super) fn note_dropped_mail(&mut self, what: &str) -> Result<(), StoreError> {
        DROPPED_MAILS.add();
        self.audit_in_detail(&Source::appliance(), Act::MailRequestDropped, Subject::NONE, what)
    }

    /// Does a part of the work. Where that fails, nothing of it is done, and the rest goes on.
    pub(super) fn attempt<T>(
        &mut self,
        part: impl FnOnce(&mut Work<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut overlay = Overlay::new(&*self.tx);
        let done = part(&mut Work { tx: &mut overlay, moment: self.moment, env: self.env })?;
        for (key, change) in overlay.into_changes() {
            match change {
                Some(value) => self.tx.put(&key, &value)?,
                None => self.tx.delete(&key)?,
            }
        }
        Ok(done)
    }

    /// Whether one more mail of this kind may go to whoever `address` names; takes it, if so.
    pub fn may_mail(&mut self, purpose: MailPurpose, address: [u8; 16]) -> Result<bool, StoreError> {
        let quota = MailQuota { purpose, address, node: self.env.node };
        throttle::take_mail(self.tx, self.moment, &self.env.config.throttle, quota)
    }

    /// Queues a code as a text message. Its last line binds it to this site, so that browsers offer it nowhere else
    /// (<https://wicg.github.io/sms-one-time-codes/>).
    pub fn text_code(
        &mut self,
        to: &PhoneNumber,
        language: Option<&Language>,
        code: &Secret<String>,
    ) -> Result<(), StoreError> {
        let (site, host, digits) = (&self.env.config.site.name, self.env.config.site.url.host(), code.expose());
        let words = self.env.languages.voice(language).say(&sms::code(digits, site));
        let text = format!("{words}\n\n@{host} #{digits}");
        let message = TextMessage { kind: "second-factor-code", text: &text, useful_for: CODE_WORKS_FOR };
        self.env.mailer().queue_text(self.tx, self.moment, to, message).map(drop)
    }

    /// Signs the link of this purpose, valid for `within` and as long as `state` stays what it is.
    pub fn signed_link(
        &mut self,
        purpose: Purpose,
        subject: [u8; 16],
        state: &[&[u8]],
        within: Span,
    ) -> Result<String, StoreError> {
        let keys = keyring::load_or_make(self.tx, self.moment, &self.env.seal)?;
        let issued_at = self.now();
        let state = &self.env.binding(state);
        let ticket = Ticket { purpose, subject, issued_at, expires_at: issued_at.plus(within.seconds()), state };
        let token = ticket.sign(&keys).ok_or(StoreError::Damaged("keyring"))?;
        let path = match purpose {
            Purpose::ConfirmRegistration | Purpose::ConfirmAddress => "/confirm/",
            Purpose::ResetPassword => "/reset/",
            Purpose::LogIn => "/login/mail/",
            Purpose::NotMe => "/not-me/",
            Purpose::UndoAddress => "/email/undo/",
        };
        Ok(self.env.config.site.url.link(&format!("{path}{token}")))
    }

    /// Writes a row of the audit log in the transaction of the action that it records: one that was done, or one with
    /// its outcome.
    pub fn audit(
        &mut self,
        source: &Source,
        what: impl Into<(Act, Outcome)>,
        subject: impl Into<Subject>,
    ) -> Result<(), StoreError> {
        self.audit_in_detail(source, what, subject, "")
    }

    /// Writes a row as [`Work::audit`] does, with a word of ours that says more.
    pub fn audit_in_detail(
        &mut self,
        source: &Source,
        what: impl Into<(Act, Outcome)>,
        subject: impl Into<Subject>,
        detail: &str,
    ) -> Result<(), StoreError> {
        let (act, outcome) = what.into();
        let entry = Entry {
            at: self.now(),
            clock: self.moment.clock(),
            act,
            outcome,
            actor: source.actor,
            network: source.network.clone(),
            subject: subject.into(),
            detail: detail.to_owned(),
        };
        audit::record(self.tx, self.env.chain(), entry).map(drop)
    }
}
