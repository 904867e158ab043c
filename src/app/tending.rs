//! What the workers do, step by step; each step can be repeated safely.

use std::sync::Arc;

use crate::accounts::register::Patience;
use crate::accounts::{
    Services, confirm_links, factor_resets, invitations, keyring, links, notices, person, register, second_step, spent,
    taking_back,
};
use crate::audit::{self, Act, Outcome, Source, Subject};
use crate::base::{ClockState, EmailAddress, MailId, Moment, PhoneNumber, Timestamp};
use crate::crypto::Digest;
use crate::factors;
use crate::mail::{self, Channel, Recipient};
use crate::sessions;
use crate::store::{Snapshot, StoreError, Transaction};
use crate::throttle;
use crate::webhooks;

use super::{App, Fault};

/// Wishes in one transaction.
const WISHES_PER_STEP: usize = 32;
/// Rows looked at in one transaction of a sweep.
const ROWS_PER_STEP: usize = 500;

impl App {
    /// Queues the mails that people's wishes call for. False when none waits.
    pub async fn fulfil_wishes(self: &Arc<Self>) -> Result<bool, Fault> {
        // A link is good for a time, and nobody knows what time it is: the wishes wait until somebody does.
        let time = self.time();
        if time.state != ClockState::Sure || self.is_unsettled() {
            return Ok(false);
        }
        let services = self.services();
        let is_any =
            |view: &dyn Snapshot| Ok(links::any_waiting(view)? || links::any_due(view, &services, time.earlier)?);
        if !self.read(is_any)? {
            return Ok(false);
        }
        self.write(|tx, moment, services| links::fulfil(tx, moment, services, WISHES_PER_STEP)).await?;
        Ok(true)
    }

    /// Tells owners together what happened to their accounts often.
    pub async fn sum_up_notices(self: &Arc<Self>) -> Result<(), Fault> {
        let (now, mut after) = (self.time().earlier, None);
        loop {
            let (rows, next) = self.read(|view| mail::notices::over(view, now, after, ROWS_PER_STEP))?;
            if !rows.is_empty() {
                self.write(move |tx, moment, services| notices::sum_up(tx, moment, services, &rows)).await?;
            }
            after = next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Whether wishes wait for their turn.
    pub fn has_deferred_wishes(&self) -> Result<bool, Fault> {
        Ok(self.read(links::any_deferred)?)
    }

    /// Looks at the end of the audit log before anything is written, or begins it. What is found is remembered there; it keeps
    /// nobody from starting, nor does a store that cannot be written at present.
    pub fn begin_log(&self) {
        let services = self.services.load_full();
        let begun = self.store.write(self.moment(), move |tx, moment| audit::begin(tx, moment, &services.seal));
        if let Err(error) = begun {
            tracing::warn!(%error, "the audit log could not be looked at");
        }
    }

    /// Notes that the appliance has started, in this version.
    pub async fn note_start(self: &Arc<Self>, version: &'static str) -> Result<(), Fault> {
        let noted = self.write(move |tx, moment, services| {
            let what = (Act::Started, Outcome::Done);
            services.audit_in_detail(tx, moment, &Source::appliance(), what, Subject::NONE, version)
        });
        Ok(noted.await?)
    }

    /// Notes that the configuration was read again, and which settings were taken.
    pub async fn note_reconfigured(self: &Arc<Self>, taken: String) -> Result<(), Fault> {
        let noted = self.write(move |tx, moment, services| {
            let what = (Act::Reconfigured, Outcome::Done);
            services.audit_in_detail(tx, moment, &Source::appliance(), what, Subject::NONE, &taken)
        });
        Ok(noted.await?)
    }

    /// Gives the webhooks of the configuration their places in the audit log: they are told what happens from now on.
    pub async fn place_webhooks(self: &Arc<Self>) -> Result<(), Fault> {
        let is_placed = |services: &Services| {
            let names: Vec<&String> = services.config.webhooks.keys().collect();
            self.read(|view| webhooks::are_placed(view, &names))
        };
        if is_placed(&self.services())? {
            return Ok(());
        }
        Ok(self.write(|tx, _, services| webhooks::take_places(tx, &services.config.webhooks)).await?)
    }

    /// Notes that a backup was made.
    pub async fn note_backup(self: &Arc<Self>, what: &'static str) -> Result<(), Fault> {
        let noted = self.write(move |tx, moment, services| {
            let made = (Act::BackupMade, Outcome::Done);
            services.audit_in_detail(tx, moment, &Source::appliance(), made, Subject::NONE, what)
        });
        Ok(noted.await?)
    }

    /// Attempts that were under way when the program stopped are due at once.
    pub async fn release_mail_claims(self: &Arc<Self>) -> Result<(), Fault> {
        Ok(self.write(|tx, moment, _| mail::release_claims(tx, moment.earliest())).await?)
    }

    /// Takes the mail that is due first: its id, its recipient and its bytes. An attempt on it has begun.
    pub async fn claim_mail(self: &Arc<Self>) -> Result<Option<(MailId, EmailAddress, Vec<u8>)>, Fault> {
        Ok(match self.claim(Channel::Mail).await? {
            Some((id, Recipient::Email(to), bytes)) => Some((id, to, bytes)),
            _ => None,
        })
    }

    /// Takes the text message that is due first: its id, its recipient and its text. An attempt on it has begun.
    pub async fn claim_text(self: &Arc<Self>) -> Result<Option<(MailId, PhoneNumber, String)>, Fault> {
        Ok(match self.claim(Channel::Text).await? {
            Some((id, Recipient::Phone(to), bytes)) => Some((id, to, String::from_utf8_lossy(&bytes).into_owned())),
            _ => None,
        })
    }

    async fn claim(self: &Arc<Self>, channel: Channel) -> Result<Option<(MailId, Recipient, Vec<u8>)>, Fault> {
        while let Some(id) = self.read(|view| mail::due(view, channel, self.time().earlier))? {
            let claiming = self.write(move |tx, moment, services| {
                let claimed = mail::claim(tx, &services.seal, id, moment.earliest())?;
                if claimed.is_none() && mail::is_failed(tx, id)? {
                    note_given_up(tx, moment, services, id)?;
                }
                Ok(claimed)
            });
            let claimed = claiming.await?;
            if let Some((to, bytes)) = claimed {
                return Ok(Some((id, to, bytes)));
            }
        }
        Ok(None)
    }

    /// Notes that an attempt at a mail failed for now, or (`for_good`) for ever.
    pub async fn note_failed_mail(self: &Arc<Self>, id: MailId, reason: String, for_good: bool) -> Result<(), Fault> {
        let noted = self.write(move |tx, moment, services| {
            let given_up = if for_good {
                mail::fail(tx, id, &reason).map(|()| true)?
            } else {
                mail::postpone(tx, id, &reason, moment.earliest())?
            };
            if given_up { note_given_up(tx, moment, services, id) } else { Ok(()) }
        });
        Ok(noted.await?)
    }

    /// When the next mail, or text message, is due, if any waits.
    pub fn next_due(&self, channel: Channel) -> Result<Option<Timestamp>, Fault> {
        Ok(self.read(|view| mail::next_due(view, channel))?)
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
    /// Nothing is removed while the clock is in doubt.
    pub async fn sweep(self: &Arc<Self>) -> Result<(), Fault> {
        self.note_seen().await?;
        if self.time().state != ClockState::Sure {
            return Ok(());
        }
        self.sweep_pages(|tx, moment, services, after: Option<Digest>| {
            sessions::sweep(tx, moment.earliest(), &services.generation, after, ROWS_PER_STEP)
        })
        .await?;
        self.sweep_pages(|tx, moment, services, after: Option<Digest>| {
            sessions::sweep_tokens(tx, moment.earliest(), &services.generation, after, ROWS_PER_STEP)
        })
        .await?;
        self.sweep_pages(|tx, moment, _, after| taking_back::sweep(tx, moment.earliest(), after, ROWS_PER_STEP))
            .await?;
        self.sweep_registrations().await?;
        self.sweep_pages(|tx, moment, _, after| invitations::sweep(tx, moment.earliest(), after, ROWS_PER_STEP))
            .await?;
        self.sweep_pages(|tx, moment, _, after| spent::sweep(tx, moment.earliest(), after, ROWS_PER_STEP)).await?;
        self.sweep_pages(|tx, moment, _, after| second_step::sweep(tx, moment.earliest(), after, ROWS_PER_STEP))
            .await?;
        self.sweep_pages(|tx, moment, _, after| factors::sweep_codes(tx, moment.earliest(), after, ROWS_PER_STEP))
            .await?;
        self.sweep_pages(|tx, moment, _, after| factors::sweep_trusts(tx, moment.earliest(), after, ROWS_PER_STEP))
            .await?;
        self.sweep_pages(|tx, moment, services, after| {
            factor_resets::carry_out_due(tx, moment, services, after, ROWS_PER_STEP)
        })
        .await?;
        self.sweep_pages(|tx, moment, services, after: Option<String>| {
            let oldest = moment.earliest().minus(services.config.tokens.confirm_within.seconds());
            confirm_links::sweep(tx, oldest, after.as_ref(), ROWS_PER_STEP)
        })
        .await?;
        self.sweep_pages(|tx, moment, _, after| {
            throttle::sweep(tx, moment.earliest(), after, ROWS_PER_STEP, person::exists)
        })
        .await?;
        self.sweep_pages(|tx, moment, services, _: Option<()>| {
            let oldest = moment.earliest().minus(services.config.audit.keep.seconds());
            let more = audit::retain(tx, moment, &services.seal, oldest, ROWS_PER_STEP)?;
            Ok(more.then_some(()))
        })
        .await?;
        self.write(|tx, moment, services| {
            mail::sweep(tx, moment.earliest())?;
            keyring::rotate_by_schedule(tx, moment, &services.seal, services.config.longest_token_lifetime())
        })
        .await?;
        Ok(())
    }

    /// Removes registrations that waited in vain, and says so: somebody may come and ask.
    async fn sweep_registrations(self: &Arc<Self>) -> Result<(), Fault> {
        let (mut after, mut removed) = (None, 0);
        loop {
            let swept = self.write(move |tx, moment, services| {
                let patience = Patience {
                    confirm_within: services.config.tokens.confirm_within.seconds(),
                    approve_within: services.config.registration.approve_within.seconds(),
                };
                register::sweep(tx, moment.earliest(), patience, after, ROWS_PER_STEP)
            });
            let (count, next) = swept.await?;
            (removed, after) = (removed + count, next);
            if after.is_none() {
                break;
            }
        }
        if removed > 0 {
            tracing::info!(removed, "registrations that nobody confirmed or approved in time were removed");
        }
        Ok(())
    }

    /// Runs one part of a sweep page by page, each in a transaction of its own, so that nobody waits long for it.
    async fn sweep_pages<K, W>(self: &Arc<Self>, work: W) -> Result<(), Fault>
    where
        K: Clone + Send + 'static,
        W: FnMut(&mut dyn Transaction, &mut Moment, &Services, Option<K>) -> Result<Option<K>, StoreError>
            + Clone
            + Send
            + 'static,
    {
        let mut after: Option<K> = None;
        loop {
            let (mut page, from) = (work.clone(), after.clone());
            after = self.write(move |tx, moment, services| page(tx, moment, services, from.clone())).await?;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

/// A mail that nobody will get is worth a row in the audit log.
fn note_given_up(tx: &mut dyn Transaction, moment: &Moment, services: &Services, id: MailId) -> Result<(), StoreError> {
    services.audit(tx, moment, &Source::appliance(), (Act::MailGivenUp, Outcome::Done), id)
}
