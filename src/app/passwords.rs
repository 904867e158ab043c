//! Forgot, reset, and what needs the present password: changing it, changing the address, deleting the account.

use std::sync::Arc;

use crate::accounts::forgot::{self, Usable};
use crate::accounts::links::{self, Wish};
use crate::accounts::login::{self, Attempt};
use crate::accounts::{change_address, change_password, close};
use crate::base::EmailAddress;
use crate::crypto::{Bearer, Digest, Password, PasswordFault, PasswordHash, TokenFault};
use crate::sessions::{Carrier, Client, Session};

use super::{App, Fault, LoggedIn};

/// Why a reset is refused; the token is not consumed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ResetRefused {
    /// The token does not work.
    Token(TokenFault),
    /// The password may not be chosen.
    Password(PasswordFault),
}

/// Why something that needs the present password is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChangeRefused {
    /// The present password is another.
    WrongPassword,
    /// The new password may not be chosen.
    Password(PasswordFault),
    /// The new address is the present one.
    SameAddress,
}

impl App {
    /// Has a reset link mailed, if the address has a confirmed account.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forgot(self: &Arc<Self>, email: EmailAddress) -> Result<(), Fault> {
        Ok(self.write(move |tx, moment, _| links::wish(tx, moment, &Wish::Forgot(email.clone()))).await?)
    }

    /// Looks a reset link up and changes nothing.
    ///
    /// # Errors
    /// When the store fails.
    pub fn check_reset(&self, token: &str) -> Result<Result<Usable, TokenFault>, Fault> {
        Ok(self.read(|view| forgot::look_up(view, &self.services, token, self.now()))?)
    }

    /// Sets a new password by a mailed link. With `tokens.login_after_reset` a session begins.
    ///
    /// # Errors
    /// When the store fails, or too many passwords wait.
    pub async fn reset(
        self: &Arc<Self>,
        token: String,
        password: Password,
        client: Client,
        replaces: Option<Digest>,
    ) -> Result<Result<Option<(Bearer, Session)>, ResetRefused>, Fault> {
        let usable = match self.check_reset(&token)? {
            Ok(usable) => usable,
            Err(fault) => return Ok(Err(ResetRefused::Token(fault))),
        };
        if let Err(fault) = self.accept_password(&password, &usable.person) {
            return Ok(Err(ResetRefused::Password(fault)));
        }
        let hash = self.hasher.hash(password, self.moment()).await?;
        let outcome = self
            .write(move |tx, moment, services| {
                let person = match forgot::reset(tx, moment, services, &token, &hash)? {
                    Ok(person) => person,
                    Err(fault) => return Ok(Err(ResetRefused::Token(fault))),
                };
                if !services.config.tokens.login_after_reset {
                    return Ok(Ok(None));
                }
                let attempt = Attempt::proven(Carrier::BrowserCookie, &client, replaces);
                Ok(Ok(Some(login::start_session(tx, moment, services, &person, &attempt)?)))
            })
            .await?;
        Ok(outcome)
    }

    /// Changes the password of the person who asks. Their other sessions end.
    ///
    /// # Errors
    /// When the store fails, or too many passwords wait.
    pub async fn change_password(
        self: &Arc<Self>,
        asking: &LoggedIn,
        current: Password,
        new: Password,
    ) -> Result<Result<(), ChangeRefused>, Fault> {
        if let Err(fault) = self.accept_password(&new, &asking.person) {
            return Ok(Err(ChangeRefused::Password(fault)));
        }
        let Some(verified) = self.verify_present(asking, current).await? else {
            return Ok(Err(ChangeRefused::WrongPassword));
        };
        let hash = self.hasher.hash(new, self.moment()).await?;
        let who = (asking.person.id, asking.session.id);
        let done = self
            .write(move |tx, moment, services| change_password::change(tx, moment, services, who, &verified, &hash))
            .await?;
        Ok(if done { Ok(()) } else { Err(ChangeRefused::WrongPassword) })
    }

    /// Asks for another address in place of the present one. It takes effect when it is confirmed.
    ///
    /// # Errors
    /// When the store fails, or too many passwords wait.
    pub async fn change_address(
        self: &Arc<Self>,
        asking: &LoggedIn,
        current: Password,
        new: EmailAddress,
    ) -> Result<Result<(), ChangeRefused>, Fault> {
        if asking.person.verified_address() == Some(&new) {
            return Ok(Err(ChangeRefused::SameAddress));
        }
        let Some(verified) = self.verify_present(asking, current).await? else {
            return Ok(Err(ChangeRefused::WrongPassword));
        };
        let account = asking.person.id;
        let done = self
            .write(move |tx, moment, services| change_address::ask(tx, moment, services, account, &verified, &new))
            .await?;
        Ok(if done { Ok(()) } else { Err(ChangeRefused::WrongPassword) })
    }

    /// Deletes the account of the person who asks.
    ///
    /// # Errors
    /// When the store fails, or too many passwords wait.
    pub async fn close_account(
        self: &Arc<Self>,
        asking: &LoggedIn,
        current: Password,
    ) -> Result<Result<(), ChangeRefused>, Fault> {
        let Some(verified) = self.verify_present(asking, current).await? else {
            return Ok(Err(ChangeRefused::WrongPassword));
        };
        let account = asking.person.id;
        let done =
            self.write(move |tx, moment, services| close::close(tx, moment, services, account, &verified)).await?;
        Ok(if done { Ok(()) } else { Err(ChangeRefused::WrongPassword) })
    }

    /// The hash that `password` matched; the transaction checks that it is still the account's.
    async fn verify_present(&self, asking: &LoggedIn, password: Password) -> Result<Option<PasswordHash>, Fault> {
        let Some(hash) = asking.person.account.password.clone() else { return Ok(None) };
        let matches = self.hasher.verify(password, hash.clone()).await?;
        Ok(matches.then_some(hash))
    }
}
