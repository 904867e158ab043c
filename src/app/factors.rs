//! Second factors, as their owner sees and changes them.

use std::sync::Arc;

use crate::accounts::attempt_limits::AttemptLimits;
use crate::accounts::factor_changes::{self, Added, Removed};
use crate::accounts::owner::Owner;
use crate::base::{BrowserId, DisplayName, FactorId, Secret};
use crate::crypto::{TotpSeed, TypedCode};
use crate::factors::{self, Factor, FactorKind, TrustedBrowser};
use crate::sessions::Client;
use crate::throttle::Kind;

use super::{App, Caller, Fault, KnownCaller};

/// What somebody has besides the password.
#[derive(Debug)]
pub struct Factors {
    /// The confirmed factors.
    pub factors: Vec<(FactorId, Factor)>,
    /// The number of recovery codes left.
    pub codes_left: usize,
    /// Whether one of the person's groups requires a second factor.
    pub is_required: bool,
    /// The ways of sending codes that could still be added.
    pub offered: Vec<FactorKind>,
    /// The browsers that are not asked for a code.
    pub trusted: Vec<(BrowserId, TrustedBrowser)>,
}

/// An authenticator app whose set-up was begun.
#[derive(Debug)]
pub struct BegunTotp {
    /// Its id.
    pub id: FactorId,
    /// The seed that the program is told.
    pub seed: TotpSeed,
}

fn owner(asking: &KnownCaller, client: Client) -> Owner {
    Owner { session: asking.session.id, person: asking.person.clone(), client }
}

impl App {
    /// Returns the caller's second factors.
    pub async fn factors_of(&self, asking: &KnownCaller) -> Result<Factors, Fault> {
        let (env, account, now) = (self.env(), asking.person.id, self.now());
        Ok(self
            .read(|view| {
                let factors = factors::confirmed(view, account)?;
                let is_open = |kind: &FactorKind| {
                    let is_new = factors.iter().all(|(_, factor)| factor.kind() != *kind);
                    is_new && factor_changes::is_offered(&env, &asking.person, *kind)
                };
                let offered = [FactorKind::Mail, FactorKind::Sms].into_iter().filter(is_open).collect();
                let mut trusted = factors::trusts_of(view, account)?;
                trusted.retain(|(_, browser)| now < browser.expires_at);
                Ok(Factors {
                    codes_left: factors::codes_left(view, account)?.unwrap_or_default(),
                    is_required: env.config.second_factor.is_required_for(&asking.person.account.groups),
                    offered,
                    factors,
                    trusted,
                })
            })
            .await?)
    }

    /// Begins to set up an authenticator app. None if the account has too many factors.
    pub async fn begin_totp(self: &Arc<Self>, asking: &Caller, name: DisplayName) -> Result<Option<BegunTotp>, Fault> {
        self.require_clock()?;
        self.require_room()?;
        let account = asking.person.id;
        let begun = self.write_as(asking.limited_by(Kind::Acts), move |work| {
            factors::begin_totp(work.tx, work.moment, &work.env.seal, account, name.clone())
        });
        if begun.await?.is_none() {
            return Ok(None);
        }
        self.begun_totp(asking).await
    }

    /// Returns the authenticator app that the caller has begun and not confirmed.
    pub async fn begun_totp(&self, asking: &KnownCaller) -> Result<Option<BegunTotp>, Fault> {
        let begun = self.read(|view| factors::seed_of_begun(view, &self.env().seal, asking.person.id)).await?;
        Ok(begun.map(|(id, seed)| BegunTotp { id, seed }))
    }

    /// Confirms an authenticator app by a code that it shows.
    ///
    /// # Errors
    /// When the store fails, or too many codes were wrong.
    pub async fn confirm_totp(
        self: &Arc<Self>,
        asking: &Caller,
        id: FactorId,
        code: TypedCode,
        client: Client,
    ) -> Result<Added, Fault> {
        self.require_clock()?;
        self.require_room()?;
        let reservation =
            self.reserve(AttemptLimits::in_session(&self.env(), asking.person.id, asking.session.id)).await?;
        let (owner, tries) = (owner(asking, client), reservation.tries.clone());
        let confirmed = self
            .write_as(asking.limited_by(Kind::Acts), move |work| {
                factor_changes::confirm_totp(work, &owner, id, &code, &tries)
            })
            .await?;
        drop(reservation);
        Ok(confirmed)
    }

    /// Adds codes by mail, or by text message.
    pub async fn add_sent_codes(
        self: &Arc<Self>,
        asking: &Caller,
        kind: FactorKind,
        client: Client,
    ) -> Result<Added, Fault> {
        self.require_room()?;
        let owner = owner(asking, client);
        let added =
            self.write_as(asking.limited_by(Kind::Acts), move |work| factor_changes::add_sent(work, &owner, kind));
        added.await
    }

    /// Removes a factor.
    pub async fn remove_factor(
        self: &Arc<Self>,
        asking: &Caller,
        id: FactorId,
        client: Client,
    ) -> Result<Removed, Fault> {
        let owner = owner(asking, client);
        let removed = self.write_as(asking, move |work| factor_changes::remove(work, &owner, id));
        removed.await
    }

    /// Makes new recovery codes. None without a second factor.
    pub async fn remake_codes(
        self: &Arc<Self>,
        asking: &Caller,
        client: Client,
    ) -> Result<Option<Vec<Secret<String>>>, Fault> {
        self.require_room()?;
        let owner = owner(asking, client);
        let made = self.write_as(asking.limited_by(Kind::Acts), move |work| factor_changes::remake_codes(work, &owner));
        made.await
    }

    /// Ends the trust in a browser. False if none has this id.
    pub async fn end_trust(self: &Arc<Self>, asking: &Caller, id: BrowserId, client: Client) -> Result<bool, Fault> {
        let owner = owner(asking, client);
        let ended = self.write_as(asking, move |work| factor_changes::end_trust(work, &owner, id));
        ended.await
    }
}
