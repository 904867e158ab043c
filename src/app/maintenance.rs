//! The workers' tasks, step by step; each step can be repeated safely.

use std::sync::Arc;

use crate::accounts::registration::Deadlines;
use crate::accounts::{
    Work, confirm_links, delete_account, factor_resets, former_addresses, invitations, keyring, mail_requests,
    notice_summaries, person, process_mail_requests, registration, second_step, spent,
};
use crate::audit::{self, Act, Source, Subject};
use crate::base::{AccountId, ClockState, EmailAddress, MailId, PhoneNumber, Timestamp};
use crate::crypto::Digest;
use crate::factors;
use crate::mail::{self, Channel, Recipient};
use crate::sessions::{self, Endable};
use crate::store::{Snapshot, StoreError};
use crate::throttle;
use crate::webhooks;

use super::{App, Fault};

/// Requests of each queue in one write, the deferred ones among them: three queues. Each request has up to ten rows, and a
/// write changes fewer than a hundred.
const REQUESTS_PER_WRITE: usize = 3;
/// Writes at a time, which share a commit as far as the engine takes them.
const WRITES_PER_STEP: usize = 12;
/// Rows looked at in one transaction of a sweep. Each may have others beside it: a step changes fewer than a hundred, which is what a
/// replicated store takes at once.
pub(super) const ROWS_PER_STEP: usize = 24;
/// Summaries in one write: each is a mail.
const SUMMARIES_PER_STEP: usize = 12;
/// Resets in one write: each ends sessions, and is a mail.
const RESETS_PER_STEP: usize = 2;
/// Uses of sessions in one write: each has one row.
const USES_PER_STEP: usize = 90;

impl App {
    /// Queues the mails that requests for mail call for. False when none waits.
    pub async fn process_mail_requests(self: &Arc<Self>) -> Result<bool, Fault> {
        // A link is valid for a time, and nobody knows what time it is: the requests wait until somebody does.
        let time = self.time();
        if time.state != ClockState::Sure || self.is_unsettled() {
            return Ok(false);
        }
        let env = self.env();
        let is_any = |view: &dyn Snapshot| {
            Ok(mail_requests::any_waiting(view)? || process_mail_requests::any_due(view, &env, time.earlier)?)
        };
        if !self.read(is_any).await? {
            return Ok(false);
        }
        let process = || self.write(|work| process_mail_requests::process(work, REQUESTS_PER_WRITE));
        let writes: [_; WRITES_PER_STEP] = std::array::from_fn(|_| process());
        for write in writes {
            write.await?;
        }
        Ok(true)
    }

    /// Sends owners one summary of what happened to their accounts often.
    pub async fn sum_up_notices(self: &Arc<Self>) -> Result<(), Fault> {
        let (now, mut after) = (self.time().earlier, None);
        loop {
            let (rows, next) = self.read(|view| mail::notices::over(view, now, after, SUMMARIES_PER_STEP)).await?;
            if !rows.is_empty() {
                self.write(move |work| notice_summaries::sum_up(work, &rows)).await?;
            }
            after = next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Whether requests wait for their turn.
    pub async fn has_deferred_mail_requests(&self) -> Result<bool, Fault> {
        Ok(self.read(mail_requests::any_deferred).await?)
    }

    /// Verifies the end of the audit log before anything is written, or begins the log. A break is recorded in it, but
    /// prevents no start; nor does a store that cannot be written at present.
    pub fn begin_log(&self) {
        let env = self.env.load_full();
        let begun = self.store.write(self.moment(), move |tx, moment| audit::begin(tx, moment, env.chain()));
        if let Err(error) = begun {
            tracing::warn!(%error, "the audit log could not be looked at");
        }
    }

    /// Records that the appliance has started, in this version.
    pub async fn note_start(self: &Arc<Self>, version: &'static str) -> Result<(), Fault> {
        let noted =
            self.write(move |work| work.audit_in_detail(&Source::appliance(), Act::Started, Subject::NONE, version));
        Ok(noted.await?)
    }

    /// Records that the configuration was read again, and which settings were applied.
    pub async fn note_reconfigured(self: &Arc<Self>, taken: String) -> Result<(), Fault> {
        let noted = self
            .write(move |work| work.audit_in_detail(&Source::appliance(), Act::Reconfigured, Subject::NONE, &taken));
        Ok(noted.await?)
    }

    /// Sets the positions of the webhooks of the configuration in the audit log: they get what happens from now on.
    pub async fn place_webhooks(self: &Arc<Self>) -> Result<(), Fault> {
        let env = Arc::clone(&self.env());
        let names: Vec<&String> = env.config.webhooks.keys().collect();
        if self.read(|view| webhooks::are_placed(view, env.node, &names)).await? {
            return Ok(());
        }
        Ok(self.write(webhooks::take_places).await?)
    }

    /// Records that a backup was made.
    pub async fn note_backup(self: &Arc<Self>, what: &'static str) -> Result<(), Fault> {
        let noted = self.write(move |work| {
            let made = Act::BackupMade;
            work.audit_in_detail(&Source::appliance(), made, Subject::NONE, what)
        });
        Ok(noted.await?)
    }

    /// Makes attempts that were under way when the program stopped due at once.
    pub async fn release_mail_claims(self: &Arc<Self>) -> Result<(), Fault> {
        let released = self.in_steps(|work, after| {
            Ok(mail::release_claims(work.tx, work.env.node, after, work.moment.earliest())?.after)
        });
        Ok(released.await?)
    }

    /// Claims the mail that is due first: its id, its recipient and its bytes. An attempt at it has begun.
    pub async fn claim_mail(self: &Arc<Self>) -> Result<Option<(MailId, EmailAddress, Vec<u8>)>, Fault> {
        Ok(match self.claim(Channel::Mail).await? {
            Some((id, Recipient::Email(to), bytes)) => Some((id, to, bytes)),
            _ => None,
        })
    }

    /// Claims the text message that is due first: its id, its recipient and its text. An attempt at it has begun.
    pub async fn claim_text(self: &Arc<Self>) -> Result<Option<(MailId, PhoneNumber, String)>, Fault> {
        Ok(match self.claim(Channel::Text).await? {
            Some((id, Recipient::Phone(to), bytes)) => Some((id, to, String::from_utf8_lossy(&bytes).into_owned())),
            _ => None,
        })
    }

    async fn claim(self: &Arc<Self>, channel: Channel) -> Result<Option<(MailId, Recipient, Vec<u8>)>, Fault> {
        while let Some(id) = self.read(|view| mail::due(view, channel, self.time().earlier)).await? {
            let claiming = self.write(move |work| {
                let claimed = mail::claim(work.tx, (work.env.node, &work.env.seal), id, work.moment.earliest())?;
                if claimed.is_none() && mail::is_failed(work.tx, id)? {
                    note_given_up(work, id)?;
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

    /// Records that an attempt at a mail failed for now, or (`for_good`) for ever.
    pub async fn note_failed_mail(self: &Arc<Self>, id: MailId, reason: String, for_good: bool) -> Result<(), Fault> {
        let noted = self.write(move |work| {
            let given_up = if for_good {
                mail::fail(work.tx, id, &reason).map(|()| true)?
            } else {
                mail::postpone(work.tx, id, &reason, work.moment.earliest())?
            };
            if given_up { note_given_up(work, id) } else { Ok(()) }
        });
        Ok(noted.await?)
    }

    /// Returns when the next mail, or text message, is due, if any waits.
    pub async fn next_due(&self, channel: Channel) -> Result<Option<Timestamp>, Fault> {
        Ok(self.read(|view| mail::next_due(view, channel)).await?)
    }

    /// Writes down when sessions were last used.
    ///
    /// # Errors
    /// When the store fails; the notes are lost, which only makes sessions look less used.
    pub async fn note_seen(self: &Arc<Self>) -> Result<(), Fault> {
        let seen = self.take_seen();
        for together in seen.chunks(USES_PER_STEP * WRITES_PER_STEP) {
            let note = |some: &[(Digest, Timestamp)]| {
                let some = some.to_vec();
                self.write(move |work| sessions::note_seen(work.tx, &some))
            };
            let notes: Vec<_> = together.chunks(USES_PER_STEP).map(note).collect();
            for noted in notes {
                noted.await?;
            }
        }
        Ok(())
    }

    /// Removes what is over: sessions, registrations that nobody confirmed, failed mails that nobody attended to, old
    /// keys. Nothing is removed while the clock is in doubt.
    pub async fn sweep(self: &Arc<Self>) -> Result<(), Fault> {
        // Noted first, or a session in use could be swept away as idle.
        self.note_seen().await?;
        if self.time().state != ClockState::Sure {
            return Ok(());
        }
        self.in_steps(|work, after: Option<Digest>| {
            sessions::sweep(work.tx, work.moment.earliest(), &work.env.generation, after, ROWS_PER_STEP)
        })
        .await?;
        self.in_steps(|work, after: Option<Digest>| {
            sessions::sweep_tokens(work.tx, work.moment.earliest(), &work.env.generation, after, ROWS_PER_STEP)
        })
        .await?;
        self.in_steps(|work, after: Option<Digest>| sessions::sweep_doors(work.tx, after, ROWS_PER_STEP)).await?;
        self.in_steps(|work, after| former_addresses::sweep(work.tx, work.moment.earliest(), after, ROWS_PER_STEP))
            .await?;
        self.sweep_registrations().await?;
        self.in_steps(|work, after| invitations::sweep(work.tx, work.moment.earliest(), after, ROWS_PER_STEP)).await?;
        self.in_steps(|work, after| spent::sweep(work.tx, work.moment.earliest(), after, ROWS_PER_STEP)).await?;
        self.in_steps(|work, after| second_step::sweep(work.tx, work.moment.earliest(), after, ROWS_PER_STEP)).await?;
        self.in_steps(|work, after| factors::sweep_codes(work.tx, work.moment.earliest(), after, ROWS_PER_STEP))
            .await?;
        self.in_steps(|work, after| factors::sweep_trusts(work.tx, work.moment.earliest(), after, ROWS_PER_STEP))
            .await?;
        self.in_steps(|work, after| delete_account::sweep(work.tx, after)).await?;
        self.in_steps(|work, after| sessions::sweep_epochs(work.tx, after, ROWS_PER_STEP, has_rows)).await?;
        self.in_steps(|work, after| factor_resets::carry_out_due(work, after, RESETS_PER_STEP)).await?;
        self.in_steps(|work, after: Option<String>| {
            let oldest = work.moment.earliest().minus(work.env.config.tokens.confirm_within.seconds());
            confirm_links::sweep(work.tx, oldest, after.as_ref(), ROWS_PER_STEP, registration::has_rows)
        })
        .await?;
        self.in_steps(|work, after| {
            throttle::sweep(work.tx, work.moment.earliest(), after, ROWS_PER_STEP, person::exists)
        })
        .await?;
        self.in_steps(|work, _: Option<()>| {
            let oldest = work.moment.earliest().minus(work.env.config.audit.keep.seconds());
            let more = audit::retain(work.tx, work.moment, work.env.chain(), oldest, ROWS_PER_STEP)?;
            Ok(more.then_some(()))
        })
        .await?;
        self.in_steps(|work, after| Ok(mail::sweep(work.tx, after, work.moment.earliest())?.after)).await?;
        self.write(|work| {
            keyring::rotate_by_schedule(work.tx, work.moment, &work.env.seal, work.env.config.longest_token_lifetime())
        })
        .await?;
        Ok(())
    }

    /// Removes registrations that waited in vain, and logs how many: somebody may come and ask.
    async fn sweep_registrations(self: &Arc<Self>) -> Result<(), Fault> {
        let (mut after, mut removed) = (None, 0);
        loop {
            let swept = self.write(move |work| {
                let deadlines = Deadlines {
                    confirm_within: work.env.config.tokens.confirm_within.seconds(),
                    approve_within: work.env.config.registration.approve_within.seconds(),
                };
                registration::sweep(work.tx, work.moment.earliest(), deadlines, after, ROWS_PER_STEP)
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

    /// Runs `step` until it says that there is nothing behind, each time in a transaction of its own, so that nobody waits long for it.
    pub(super) async fn in_steps<K, F>(self: &Arc<Self>, step: F) -> Result<(), StoreError>
    where
        K: Clone + Send + 'static,
        F: FnMut(&mut Work<'_>, Option<K>) -> Result<Option<K>, StoreError> + Clone + Send + 'static,
    {
        let mut after: Option<K> = None;
        loop {
            let (mut step, from) = (step.clone(), after.clone());
            after = self.write(move |work| step(work, from.clone())).await?;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

/// Whether there is any row of what an epoch of an account tells the end of.
fn has_rows(view: &dyn Snapshot, account: AccountId, what: Endable) -> Result<bool, StoreError> {
    match what {
        Endable::Sessions => sessions::has_rows(view, account),
        Endable::ApiTokens => sessions::has_token_rows(view, account),
        Endable::TrustedBrowsers => factors::has_trust_rows(view, account),
        Endable::PendingLogins => second_step::has_rows(view, account),
    }
}

/// Records a mail that nobody will get in the audit log.
fn note_given_up(work: &mut Work<'_>, id: MailId) -> Result<(), StoreError> {
    work.audit(&Source::appliance(), Act::MailGivenUp, id)
}
