//! Forgotten and reset passwords, and what needs the present one: changing
//! it, changing the address, deleting the account.

use std::sync::Arc;

use crate::accounts::attempt_limits::AttemptLimits;
use crate::accounts::change_address::{self, AddressChange};
use crate::accounts::delete_account::{self};
use crate::accounts::forgot::{self, ResetRefused, Usable};
use crate::accounts::mail_requests::{self, MailRequest};
use crate::accounts::usernames::{self, Chosen};
use crate::accounts::{change_password, start_session};
use crate::audit::{Act, Outcome, Subject};
use crate::base::{EmailAddress, Username};
use crate::crypto::{Bearer, Digest, Password, PasswordFault, PasswordHash, TokenFault};
use crate::sessions::{Client, Session};
use crate::throttle::{self, Kind};

use super::login::to_its_end;
use super::{App, Caller, Fault, KnownCaller};
use crate::accounts::change_refused::ChangeRefused;
use crate::accounts::owner::Owner;
use crate::accounts::start_session::StartedSession;

impl App {
    /// Queues a reset link for the address, if it has a confirmed account.
    pub async fn forgot(self: &Arc<Self>, email: EmailAddress, client: Client) -> Result<(), Fault> {
        self.request_mail(Act::ResetRequested, MailRequest::Forgot(email), client).await
    }

    /// Queues a mail with a forgotten user name for the address, if it has a confirmed account.
    pub async fn recover_username(self: &Arc<Self>, email: EmailAddress, client: Client) -> Result<(), Fault> {
        self.request_mail(Act::UsernameRequested, MailRequest::Username(email), client).await
    }

    /// Changes the caller's user name.
    pub async fn choose_username(
        self: &Arc<Self>,
        asking: &Caller,
        new: Username,
        client: Client,
    ) -> Result<Chosen, Fault> {
        self.require_room()?;
        let account = asking.person.id;
        self.write_as(asking.limited_by(Kind::Acts), move |work| usernames::choose(work, account, &new, &client)).await
    }

    /// Records a request for mail, and what it costs. No account is looked up, so
    /// known and unknown addresses take the same time.
    pub(super) async fn request_mail(
        self: &Arc<Self>,
        act: Act,
        request: MailRequest,
        client: Client,
    ) -> Result<(), Fault> {
        self.require_room_to_grow()?;
        let reservation = self.reserve(AttemptLimits::for_mail(&self.env(), &client)).await?;
        let tries = reservation.tries.clone();
        let written = self.write(move |work| {
            tries.record(work, &client.anyone(), (act, Outcome::Done), Subject::NONE)?;
            mail_requests::request_by_stranger(work, &request, &client)
        });
        Ok(written.await?)
    }

    /// Looks a reset link up without changing anything.
    pub async fn check_reset(&self, token: &str, client: &Client) -> Result<Result<Usable, TokenFault>, Fault> {
        self.require_clock()?;
        self.reserve(AttemptLimits::for_link(&self.env(), client)).await?;
        Ok(self.read(|view| forgot::look_up(view, &self.env(), token, self.now())).await?)
    }

    /// Charges a network for posting a link that is not valid.
    pub async fn charge_link(self: &Arc<Self>, client: Client) -> Result<(), Fault> {
        let tries = AttemptLimits::for_link(&self.env(), &client);
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
    ) -> Result<Result<Option<StartedSession>, ResetRefused>, Fault> {
        self.require_room()?;
        let usable = match self.check_reset(&token, &client).await? {
            Ok(usable) => usable,
            Err(fault) => return Ok(Err(ResetRefused::Token(fault))),
        };
        // Only behind a valid link is anything hashed.
        if let Err(fault) = self.accept_password(&password, &usable.person) {
            return Ok(Err(ResetRefused::Password(fault)));
        }
        // Refused, because somebody else knew the password that was in use when the account was taken back. The present
        // one may be chosen again: whoever forgot it, or used up its attempts, has not lost it to anybody.
        if let Some(retired) = &usable.person.account.retired_password
            && self.hasher.verify(password.clone(), retired.clone()).await?
        {
            return Ok(Err(ResetRefused::Password(PasswordFault::Reused)));
        }
        let hash = self.hasher.hash(password, self.moment()).await?;
        let outcome = self
            .write(move |work| {
                let person = match forgot::reset(work, &token, &hash, &client)? {
                    Ok(person) => person,
                    Err(fault) => return Ok(Err(ResetRefused::Token(fault))),
                };
                if !work.env.config.tokens.login_after_reset {
                    return Ok(Ok(None));
                }
                Ok(Ok(start_session::start_after_link(work, person, &client, replaces)?))
            })
            .await?;
        Ok(outcome)
    }

    /// Changes the caller's password. Their other sessions end; this one goes on under a new secret.
    pub async fn change_password(
        self: &Arc<Self>,
        asking: &Caller,
        current: Option<Password>,
        new: Password,
        client: Client,
    ) -> Result<Result<(Bearer, Session), ChangeRefused>, Fault> {
        if let Err(fault) = self.accept_password(&new, &asking.person) {
            return Ok(Err(ChangeRefused::Password(fault)));
        }
        if current.as_ref().is_some_and(|current| new.is_same_as(current)) {
            return Ok(Err(ChangeRefused::Password(PasswordFault::Reused)));
        }
        let verified = match self.prove_present(asking, current, Act::PasswordChanged, &client).await? {
            Ok(verified) => verified,
            Err(refused) => return Ok(Err(refused)),
        };
        let hash = self.hasher.hash(new, self.moment()).await?;
        let owner = Owner { session: asking.session.id, person: asking.person.clone(), client };
        let done = self
            .write_as(asking.limited_by(Kind::ProvenActs), move |work| {
                change_password::change(work, &owner, verified.as_ref(), &hash)
            })
            .await?;
        Ok(done)
    }

    /// Asks for another address in place of the present one. It takes effect when it is confirmed.
    pub async fn change_address(
        self: &Arc<Self>,
        asking: &Caller,
        current: Option<Password>,
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
        let verified = match self.prove_present(asking, current, Act::AddressChangeAsked, &client).await? {
            Ok(verified) => verified,
            Err(refused) => return Ok(Err(refused)),
        };
        let account = asking.person.id;
        let asked = self
            .write_as(asking.limited_by(Kind::ProvenActs), move |work| {
                change_address::ask(work, account, verified.as_ref(), &new, &client)
            })
            .await?;
        Ok(asked)
    }

    /// Deletes the caller's account.
    pub async fn close_account(
        self: &Arc<Self>,
        asking: &Caller,
        current: Option<Password>,
        client: Client,
    ) -> Result<Result<(), ChangeRefused>, Fault> {
        if self.needs_more_than_password(asking) {
            return Ok(Err(ChangeRefused::NotFresh));
        }
        let verified = match self.prove_present(asking, current, Act::AccountDeleted, &client).await? {
            Ok(verified) => verified,
            Err(refused) => return Ok(Err(refused)),
        };
        let account = asking.person.id;
        let done = self
            .write_as(asking, move |work| delete_account::delete_own(work, account, verified.as_ref(), &client))
            .await?;
        Ok(done)
    }

    /// Whether the password that comes with a request is not proof enough, because the caller has a second factor.
    fn needs_more_than_password(&self, asking: &KnownCaller) -> bool {
        asking.has_second_factor && !self.is_fresh(asking)
    }

    /// Verifies that the caller owns the account: by its password, or, where it has none, by a session whose last proof
    /// is fresh. Returns the hash that matched, for the transaction to check again.
    async fn prove_present(
        self: &Arc<Self>,
        asking: &KnownCaller,
        current: Option<Password>,
        act: Act,
        client: &Client,
    ) -> Result<Result<Option<PasswordHash>, ChangeRefused>, Fault> {
        let has_password = asking.person.account.password.is_some();
        Ok(match current.filter(|_| has_password) {
            Some(password) => {
                self.verify_present(asking, password, act, client).await?.map(Some).ok_or(ChangeRefused::WrongPassword)
            }
            None if has_password => Err(ChangeRefused::WrongPassword),
            None if self.is_fresh(asking) => Ok(None),
            None => Err(ChangeRefused::NotFresh),
        })
    }

    /// Returns the hash that `password` matched; the transaction checks that it is still the account's. Guesses count
    /// against the session they come from, even if it has ended meanwhile, and the owner is told of many.
    pub(super) async fn verify_present(
        self: &Arc<Self>,
        asking: &KnownCaller,
        password: Password,
        act: Act,
        client: &Client,
    ) -> Result<Option<PasswordHash>, Fault> {
        self.require_room()?;
        let Some(hash) = asking.person.account.password.clone() else { return Ok(None) };
        let (account, session) = (asking.person.id, asking.session.id);
        let reservation = self.reserve(AttemptLimits::in_session(&self.env(), account, session)).await?;
        let (app, client) = (Arc::clone(self), client.clone());
        to_its_end(async move {
            let matches = app.hasher.verify(password, hash.clone()).await?;
            let tries = reservation.tries.clone();
            let noted = app.write(move |work| {
                if matches {
                    throttle::passed_in_session(work.tx, session)?;
                    return throttle::passed(work.tx, account, None);
                }
                // Committed before the refusal is answered, or hanging up and asking again would make guesses free.
                let (source, what) = (client.owner_of(account), (act, Outcome::WrongPassword));
                tries.record(work, &source, what, account)?;
                mail_requests::request(work.tx, work.moment, &MailRequest::FailedLogin(account))
            });
            noted.await?;
            drop(reservation);
            Ok(matches.then_some(hash))
        })
        .await
    }
}
