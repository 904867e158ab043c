//! Forgot, reset, and what needs the present password: changing it, changing the address, deleting the account.

use std::sync::Arc;

use crate::accounts::change_address::{self, Asked};
use crate::accounts::delete_account::{self, Deletion};
use crate::accounts::forgot::{self, Usable};
use crate::accounts::mail_requests::{self, MailRequest};
use crate::accounts::tries::Tries;
use crate::accounts::usernames::{self, Chosen};
use crate::accounts::{change_password, start_session};
use crate::audit::{Act, Outcome, Subject};
use crate::base::{EmailAddress, Username};
use crate::crypto::{Bearer, Digest, Password, PasswordFault, PasswordHash, TokenFault};
use crate::sessions::{Client, Session};
use crate::throttle::{self, Kind};

use super::entering::to_its_end;
use super::{App, Caller, Fault, LoggedIn};

/// Why a reset is refused; the token is not consumed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ResetRefused {
    /// The token does not work.
    Token(TokenFault),
    /// The password may not be chosen.
    Password(PasswordFault),
}

/// What came of asking for another address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AddressChange {
    /// A link is mailed to it, or not.
    Asked,
    /// It is the present one, written in another way from now on.
    Respelled,
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
    /// Addresses of its domain may not come in.
    Domain,
    /// Nobody else administers the appliance.
    LastAdministrator,
    /// With a second factor, the password alone is not enough after a while.
    NotFresh,
}

impl App {
    /// Has a reset link mailed, if the address has a confirmed account.
    pub async fn forgot(self: &Arc<Self>, email: EmailAddress, client: Client) -> Result<(), Fault> {
        self.wish(Act::ResetWished, MailRequest::Forgot(email), client).await
    }

    /// Has a forgotten user name mailed, if the address has a confirmed account.
    pub async fn recover_username(self: &Arc<Self>, email: EmailAddress, client: Client) -> Result<(), Fault> {
        self.wish(Act::UsernameWished, MailRequest::Username(email), client).await
    }

    /// Gives the person who asks another user name.
    pub async fn choose_username(
        self: &Arc<Self>,
        asking: &Caller,
        new: Username,
        client: Client,
    ) -> Result<Chosen, Fault> {
        self.require_room()?;
        let account = asking.person.id;
        self.write_as(asking.limited_by(Kind::Acts), move |work| usernames::choose(work, (account, &new), &client))
            .await
    }

    /// Writes down that somebody asked for a link, and what that costs. Nobody is looked up.
    pub(super) async fn wish(self: &Arc<Self>, act: Act, wish: MailRequest, client: Client) -> Result<(), Fault> {
        self.require_room_to_grow()?;
        let reservation = self.reserve(Tries::for_mail(&self.env(), &client))?;
        let tries = reservation.tries.clone();
        let written = self.write(move |work| {
            tries.refuse(work, &client.anyone(), (act, Outcome::Done), Subject::NONE)?;
            mail_requests::request_by_stranger(work, &wish, &client)
        });
        Ok(written.await?)
    }

    /// Looks a reset link up and changes nothing.
    pub fn check_reset(&self, token: &str, client: &Client) -> Result<Result<Usable, TokenFault>, Fault> {
        self.require_clock()?;
        self.reserve(Tries::for_link(&self.env(), client))?;
        Ok(self.read(|view| forgot::look_up(view, &self.env(), token, self.now()))?)
    }

    /// Notes that somebody posted a link that does not work.
    pub async fn charge_link(self: &Arc<Self>, client: Client) -> Result<(), Fault> {
        let tries = Tries::for_link(&self.env(), &client);
        let charged = self.write(move |work| tries.charge(work, &client.anyone(), Subject::NONE));
        Ok(charged.await?)
    }

    /// Sets a new password by a mailed link. With `tokens.login_after_reset` a session begins.
    pub async fn reset(
        self: &Arc<Self>,
        token: String,
        password: Password,
        client: Client,
        replaces: Option<Digest>,
    ) -> Result<Result<Option<(Bearer, Session)>, ResetRefused>, Fault> {
        self.require_room()?;
        let usable = match self.check_reset(&token, &client)? {
            Ok(usable) => usable,
            Err(fault) => return Ok(Err(ResetRefused::Token(fault))),
        };
        if let Err(fault) = self.accept_password(&password, &usable.person) {
            return Ok(Err(ResetRefused::Password(fault)));
        }
        // Somebody else knew the one that was in use when the account was taken back. The present one may be chosen once more:
        // whoever forgot it, or used up its tries, has not lost it to anybody.
        if let Some(retired) = &usable.person.account.retired_password
            && self.hasher.verify(password.clone(), retired.clone()).await?
        {
            return Ok(Err(ResetRefused::Password(PasswordFault::Reused)));
        }
        let hash = self.hasher.hash(password, self.moment()).await?;
        let outcome = self
            .write(move |work| {
                let person = match forgot::reset(work, (&token, &hash), &client)? {
                    Ok(person) => person,
                    Err(fault) => return Ok(Err(ResetRefused::Token(fault))),
                };
                if !work.env.config.tokens.login_after_reset {
                    return Ok(Ok(None));
                }
                Ok(Ok(start_session::start_after_link(work, &person, (&client, replaces))?))
            })
            .await?;
        Ok(outcome)
    }

    /// Changes the password of the person who asks. Their other sessions end; this one goes on under a new secret.
    pub async fn change_password(
        self: &Arc<Self>,
        asking: &Caller,
        current: Password,
        new: Password,
        client: Client,
    ) -> Result<Result<(Bearer, Session), ChangeRefused>, Fault> {
        if let Err(fault) = self.accept_password(&new, &asking.person) {
            return Ok(Err(ChangeRefused::Password(fault)));
        }
        if new.is_same_as(&current) {
            return Ok(Err(ChangeRefused::Password(PasswordFault::Reused)));
        }
        let Some(verified) = self.verify_present(asking, current, Act::PasswordChanged, &client).await? else {
            return Ok(Err(ChangeRefused::WrongPassword));
        };
        let hash = self.hasher.hash(new, self.moment()).await?;
        let who = (asking.person.id, asking.session.id);
        let done = self
            .write_as(asking.limited_by(Kind::ProvenActs), move |work| {
                change_password::change(work, who, (&verified, &hash), &client)
            })
            .await?;
        Ok(done.ok_or(ChangeRefused::WrongPassword))
    }

    /// Asks for another address in place of the present one. It takes effect when it is confirmed.
    pub async fn change_address(
        self: &Arc<Self>,
        asking: &Caller,
        current: Password,
        new: EmailAddress,
        client: Client,
    ) -> Result<Result<AddressChange, ChangeRefused>, Fault> {
        if asking.person.verified_address().is_some_and(|present| present.as_str() == new.as_str()) {
            return Ok(Err(ChangeRefused::SameAddress));
        }
        if !self.env().config.registration.lets_in(&new) {
            return Ok(Err(ChangeRefused::Domain));
        }
        if self.needs_more_than_password(asking) {
            return Ok(Err(ChangeRefused::NotFresh));
        }
        let Some(verified) = self.verify_present(asking, current, Act::AddressChangeAsked, &client).await? else {
            return Ok(Err(ChangeRefused::WrongPassword));
        };
        let account = asking.person.id;
        let asked = self
            .write_as(asking.limited_by(Kind::ProvenActs), move |work| {
                change_address::ask(work, (account, &verified), &new, &client)
            })
            .await?;
        match asked {
            Asked::Done => Ok(Ok(AddressChange::Asked)),
            Asked::Respelled => Ok(Ok(AddressChange::Respelled)),
            Asked::Overtaken => Ok(Err(ChangeRefused::WrongPassword)),
            Asked::TooMany(seconds) => Err(Fault::TooManyAttempts(seconds)),
        }
    }

    /// Deletes the account of the person who asks.
    pub async fn close_account(
        self: &Arc<Self>,
        asking: &Caller,
        current: Password,
        client: Client,
    ) -> Result<Result<(), ChangeRefused>, Fault> {
        if self.needs_more_than_password(asking) {
            return Ok(Err(ChangeRefused::NotFresh));
        }
        let Some(verified) = self.verify_present(asking, current, Act::AccountDeleted, &client).await? else {
            return Ok(Err(ChangeRefused::WrongPassword));
        };
        let account = asking.person.id;
        let done =
            self.write_as(asking, move |work| delete_account::delete_own(work, account, &verified, &client)).await?;
        Ok(match done {
            Deletion::Done => Ok(()),
            Deletion::PasswordChanged => Err(ChangeRefused::WrongPassword),
            Deletion::LastAdministrator => Err(ChangeRefused::LastAdministrator),
        })
    }

    /// The password that comes with a request is proof enough for whoever has no second factor.
    fn needs_more_than_password(&self, asking: &LoggedIn) -> bool {
        asking.has_second_factor && !self.is_fresh(asking)
    }

    /// The hash that `password` matched; the transaction checks that it is still the account's. Guesses count against the session
    /// they come from, also when whoever guesses was thrown out meanwhile, and the owner is told of many.
    pub(super) async fn verify_present(
        self: &Arc<Self>,
        asking: &LoggedIn,
        password: Password,
        act: Act,
        client: &Client,
    ) -> Result<Option<PasswordHash>, Fault> {
        self.require_room()?;
        let Some(hash) = asking.person.account.password.clone() else { return Ok(None) };
        let (account, session) = (asking.person.id, asking.session.id);
        let reservation = self.reserve(Tries::in_session(&self.env(), account, session))?;
        let (app, client) = (Arc::clone(self), client.clone());
        to_its_end(async move {
            let matches = app.hasher.verify(password, hash.clone()).await?;
            let tries = reservation.tries.clone();
            let noted = app.write(move |work| {
                if matches {
                    throttle::passed_in_session(work.tx, session)?;
                    return throttle::passed(work.tx, account, None);
                }
                let (source, what) = (client.owner_of(account), (act, Outcome::WrongPassword));
                tries.refuse(work, &source, what, account)?;
                mail_requests::request(work.tx, work.moment, &MailRequest::FailedLogin(account))
            });
            noted.await?;
            drop(reservation);
            Ok(matches.then_some(hash))
        })
        .await
    }
}
