//! Confirming: what a mailed link is worth, and what it needs beside it.

use std::sync::Arc;

use crate::accounts::attempt_limits::{AttemptLimits, Claim};
use crate::accounts::confirm::{self, ConfirmRefused, ConfirmRequest, Confirmed, Proof, Target};
use crate::accounts::mail_requests::{self, MailRequest};
use crate::accounts::registration::Registration;
use crate::accounts::{identity, person};
use crate::audit::{Act, Outcome};
use crate::base::{AccountId, Identity, RegistrationId, Username};
use crate::crypto::{Digest, Password, TokenFault};
use crate::sessions::Client;
use crate::throttle;

use super::login::to_its_end;
use super::{App, Fault};

/// The data of a confirmation.
#[derive(Clone, Debug)]
pub struct Confirmation {
    /// The mailed token.
    pub token: String,
    /// The cookie of the browser that registered.
    pub browser: Option<Digest>,
    /// The password chosen at registration.
    pub password: Option<Password>,
    /// A password chosen now, in place of one that somebody else may have registered the address with.
    pub new_password: Option<Password>,
    /// Another user name, if the first was taken meanwhile.
    pub username: Option<Username>,
    /// The client that the request comes from.
    pub client: Client,
    /// The client's present session, which a new one replaces.
    pub replaces: Option<Digest>,
}

/// What a confirmation link needs beside it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Besides {
    /// It is enough.
    Nothing,
    /// The password chosen with the registration, or a new one.
    RegistrationPassword,
    /// The password of the account that the address is for.
    AccountPassword,
}

/// The most registrations of an address whose password is compared with the given one: each costs a hash. Whoever
/// registered before more than these chooses a password anew.
const MAX_COMPARED: usize = 4;

impl App {
    /// Looks a confirmation link up without changing anything. Returns what is needed
    /// beside it, in this browser with this session.
    pub async fn check_confirmation(
        &self,
        token: &str,
        (browser, session): (Option<Digest>, Option<Digest>),
        client: &Client,
    ) -> Result<Result<Besides, TokenFault>, Fault> {
        self.require_clock()?;
        self.reserve(AttemptLimits::for_link(&self.env(), client)).await?;
        let target = match self.read(|view| confirm::look_up(view, &self.env(), token, self.now())).await? {
            Ok(target) => target,
            Err(fault) => return Ok(Err(fault)),
        };
        Ok(Ok(match target {
            Target::Registrations(all) if all.iter().any(|(_, it)| browser == Some(it.browser)) => Besides::Nothing,
            Target::Registrations(_) => Besides::RegistrationPassword,
            Target::Address { account, is_contested: true } if !self.is_of(session, account).await? => {
                Besides::AccountPassword
            }
            Target::Address { .. } => Besides::Nothing,
        }))
    }

    /// Whether a session belongs to this account.
    async fn is_of(&self, session: Option<Digest>, account: AccountId) -> Result<bool, Fault> {
        let Some(digest) = session else { return Ok(false) };
        Ok(self.find_caller(digest).await?.is_some_and(|who| who.person.id == account))
    }

    /// Confirms a registration or an address. With `tokens.login_after_confirm` a session begins.
    pub async fn confirm(
        self: &Arc<Self>,
        confirmation: Confirmation,
    ) -> Result<Result<Confirmed, ConfirmRefused>, Fault> {
        self.require_clock()?;
        self.require_room()?;
        let proof = match self.prove(&confirmation).await? {
            Ok(proof) => proof,
            Err(refused) => return Ok(Err(refused)),
        };
        let Confirmation { token, username, client, replaces, .. } = confirmation;
        let request = ConfirmRequest { token, proof, username, client, replaces };
        Ok(self.write(move |work| confirm::confirm(work, &request)).await?)
    }

    /// Verifies that the confirming person is the one who registered; a hash is computed only for a valid token.
    async fn prove(self: &Arc<Self>, confirmation: &Confirmation) -> Result<Result<Proof, ConfirmRefused>, Fault> {
        self.reserve(AttemptLimits::for_link(&self.env(), &confirmation.client)).await?;
        let target = self.read(|view| confirm::look_up(view, &self.env(), &confirmation.token, self.now())).await?;
        let all = match target {
            Err(fault) => return Ok(Err(ConfirmRefused::Token(fault))),
            Ok(Target::Address { is_contested: false, .. }) => return Ok(Ok(Proof::None)),
            Ok(Target::Address { account, .. }) => return self.prove_account(account, confirmation).await,
            Ok(Target::Registrations(all)) => all,
        };
        // Before anything is hashed.
        if let Some(name) = &confirmation.username
            && self.read(|view| identity::is_username_taken(view, name, None)).await?
        {
            return Ok(Err(ConfirmRefused::UsernameTaken));
        }
        if let Some(password) = confirmation.new_password.clone() {
            return self.choose_now(&all, password).await;
        }
        let is_covered = |proof: &Proof| all.iter().any(|(id, registration)| proof.covers(*id, registration));
        // The browser's cookie stands for the password: whoever has it typed that password there.
        if let Some(proof) = confirmation.browser.map(Proof::Browser).filter(is_covered) {
            return Ok(Ok(proof));
        }
        let Some(password) = confirmation.password.clone() else { return Ok(Err(ConfirmRefused::PasswordNeeded)) };
        let (client, Some((id, first))) = (confirmation.client.clone(), all.first().cloned()) else {
            return Ok(Err(ConfirmRefused::PasswordNeeded));
        };
        let reservation = self.reserve(AttemptLimits::of_registration(&self.env(), &first.email, &client)).await?;
        let app = Arc::clone(self);
        let matching = to_its_end(async move {
            let mut matching = None;
            for (id, registration) in all.into_iter().take(MAX_COMPARED) {
                // All of them, in any case: which one matched must not show in the time.
                if app.hasher.verify(password.clone(), registration.password).await? {
                    matching = matching.or(Some(id));
                }
            }
            if matching.is_none() {
                let tries = reservation.tries.clone();
                let noted = app.write(move |work| {
                    let what = (Act::Confirmed, Outcome::WrongPassword);
                    tries.record(work, &client.anyone(), what, id)
                });
                noted.await?;
            }
            drop(reservation);
            Ok(matching)
        })
        .await?;
        Ok(matching.map(Proof::Password).ok_or(ConfirmRefused::WrongPassword))
    }

    /// Verifies that the confirming person owns the account that asked for
    /// the address: by their session, or its password.
    async fn prove_account(
        self: &Arc<Self>,
        account: AccountId,
        confirmation: &Confirmation,
    ) -> Result<Result<Proof, ConfirmRefused>, Fault> {
        if self.is_of(confirmation.replaces, account).await? {
            return Ok(Ok(Proof::Account(account)));
        }
        let Some(password) = confirmation.password.clone() else { return Ok(Err(ConfirmRefused::PasswordNeeded)) };
        let found = self
            .read(|view| person::load(view, account))
            .await?
            .and_then(|person| Some((person.email?, person.account.password?)));
        let Some((email, hash)) = found else { return Ok(Err(ConfirmRefused::WrongPassword)) };
        let client = confirmation.client.clone();
        // A guess here is a guess at the account's password, and counts as one at the login: whoever has such a link
        // gets no further attempts, and the owner is told (NIST SP 800-63B-4, 3.2.2).
        let (identity, time) = (Identity::Email(email.address), self.time());
        let claim = Claim { identity: &identity, account: Some(account) };
        let tries = self.read(|view| AttemptLimits::at_login(view, &self.env(), claim, &client, time)).await?;
        let reservation = self.reserve_in_turn(tries).await?;
        let app = Arc::clone(self);
        to_its_end(async move {
            let is_right = app.hasher.verify(password, hash).await? && !reservation.is_locked_out;
            let tries = reservation.tries.clone();
            let noted = app.write(move |work| {
                if is_right {
                    return throttle::passed(work.tx, account, tries.device);
                }
                let what = (Act::Confirmed, Outcome::WrongPassword);
                tries.record(work, &client.anyone(), what, account)?;
                mail_requests::request(work.tx, work.moment, &MailRequest::FailedLogin(account))
            });
            noted.await?;
            drop(reservation);
            Ok(if is_right { Ok(Proof::Account(account)) } else { Err(ConfirmRefused::WrongPassword) })
        })
        .await
    }

    /// Sets a new password for whoever has the mailbox: strangers who registered
    /// the address before keep its owner from nothing.
    async fn choose_now(
        self: &Arc<Self>,
        all: &[(RegistrationId, Registration)],
        password: Password,
    ) -> Result<Result<Proof, ConfirmRefused>, Fault> {
        let env = self.env();
        let mut words = env.site_words();
        words.extend(all.first().map(|(_, registration)| registration.email.as_str()));
        if let Err(fault) = env.password_policy().accept(&password, &words) {
            return Ok(Err(ConfirmRefused::Password(fault)));
        }
        Ok(Ok(Proof::Mailbox(self.hasher.hash(password, self.moment()).await?)))
    }
}
