//! Taking an account back by a mailed link.

use std::sync::Arc;

use crate::accounts::account_recovery::{self, Recovered, RecoveryLink};
use crate::accounts::attempt_limits::AttemptLimits;
use crate::crypto::TokenFault;
use crate::sessions::{Client, Logins};

use super::{App, Fault, KnownCaller};

impl App {
    /// Looks up the account that a link takes back.
    ///
    /// # Errors
    /// When the store fails, or the clock is unsure.
    pub async fn check_taking_back(
        &self,
        token: &str,
        client: &Client,
    ) -> Result<Result<RecoveryLink, TokenFault>, Fault> {
        self.require_clock()?;
        self.reserve(AttemptLimits::for_link(&self.env(), client)).await?;
        Ok(self.read(|view| account_recovery::look_up(view, &self.env(), token, self.now())).await?)
    }

    /// Takes the account back, if the link is valid.
    ///
    /// # Errors
    /// When the store fails, or the clock is unsure.
    pub async fn take_back(self: &Arc<Self>, token: String, client: Client) -> Result<Recovered, Fault> {
        if let Err(fault) = self.check_taking_back(&token, &client).await? {
            return Ok(Recovered::Refused(fault));
        }
        let taken = self.write(move |work| account_recovery::recover(work, &token, &client));
        Ok(taken.await?)
    }

    /// Returns how often the caller has logged in, and the last times.
    pub async fn logins_of(&self, asking: &KnownCaller) -> Result<Logins, Fault> {
        Ok(self.read(|view| crate::sessions::logins_of(view, asking.person.id)).await?)
    }
}
