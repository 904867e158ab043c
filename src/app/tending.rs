//! What the workers do, step by step; each step can be repeated safely.

use std::sync::Arc;

use crate::accounts::{keyring, links, register};
use crate::base::{EmailAddress, MailId, RegistrationId, Timestamp};
use crate::crypto::Digest;
use crate::mail;
use crate::sessions;

use super::{App, Fault};

/// Wishes in one transaction.
const WISHES_PER_STEP: usize = 32;
/// Rows looked at in one transaction of a sweep.
const ROWS_PER_STEP: usize = 500;

impl App {
    /// Queues the mails that people's wishes call for. False when none waits.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn fulfil_wishes(self: &Arc<Self>) -> Result<bool, Fault> {
        if !self.read(links::any_waiting)? {
            return Ok(false);
        }
        self.write(|tx, moment, services| links::fulfil(tx, moment, services, WISHES_PER_STEP)).await?;
        Ok(true)
    }

    /// Attempts that were under way when the program stopped are due at once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn release_mail_claims(self: &Arc<Self>) -> Result<(), Fault> {
        Ok(self.write(|tx, moment, _| mail::release_claims(tx, moment.now())).await?)
    }

    /// Takes the mail that is due first: its id, its recipient and its bytes. An attempt on it has begun.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn claim_mail(self: &Arc<Self>) -> Result<Option<(MailId, EmailAddress, Vec<u8>)>, Fault> {
        while let Some(id) = self.read(|view| mail::due(view, self.now()))? {
            let claimed =
                self.write(move |tx, moment, services| mail::claim(tx, &services.seal, id, moment.now())).await?;
            if let Some((to, bytes)) = claimed {
                return Ok(Some((id, to, bytes)));
            }
        }
        Ok(None)
    }

    /// When the next mail is due, if any waits.
    ///
    /// # Errors
    /// When the store fails.
    pub fn next_mail_due(&self) -> Result<Option<Timestamp>, Fault> {
        Ok(self.read(mail::next_due)?)
    }

    /// Writes down when sessions were last used.
    ///
    /// # Errors
    /// When the store fails; the notes are lost, which only makes sessions look less used.
    pub async fn note_seen(self: &Arc<Self>) -> Result<(), Fault> {
        let seen = self.take_seen();
        if seen.is_empty() {
            return Ok(());
        }
        Ok(self.write(move |tx, _, _| sessions::note_seen(tx, &seen)).await?)
    }

    /// Removes what is over: sessions, registrations nobody confirmed, failed mails nobody looked after, old keys.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sweep(self: &Arc<Self>) -> Result<(), Fault> {
        self.note_seen().await?;
        let mut after: Option<Digest> = None;
        loop {
            after = self
                .write(move |tx, moment, services| {
                    sessions::sweep(tx, moment.now(), &services.generation, after, ROWS_PER_STEP)
                })
                .await?;
            if after.is_none() {
                break;
            }
        }
        let mut after: Option<RegistrationId> = None;
        loop {
            after = self
                .write(move |tx, moment, services| {
                    let within = services.config.tokens.confirm_within.seconds();
                    register::sweep(tx, moment.now(), within, after, ROWS_PER_STEP)
                })
                .await?;
            if after.is_none() {
                break;
            }
        }
        self.write(|tx, moment, services| {
            mail::sweep(tx, moment.now())?;
            keyring::rotate_by_schedule(tx, moment, &services.seal, services.config.longest_token_lifetime())
        })
        .await?;
        Ok(())
    }
}
