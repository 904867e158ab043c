//! Register and confirm.

use std::sync::Arc;

use crate::accounts::Person;
use crate::accounts::confirm::{self, Confirmed, Proof, Target};
use crate::accounts::invitations::{self, Invitation};
use crate::accounts::links::Wish;
use crate::accounts::login;
use crate::accounts::register::{self, NewRegistration, Registered, Registration};
use crate::accounts::tries::Tries;
use crate::audit::{Act, Outcome};
use crate::base::{DisplayName, EmailAddress, RegistrationId, Username};
use crate::config::RegistrationMode;
use crate::crypto::{Bearer, BearerKind, Digest, Password, PasswordFault, TokenFault};
use crate::sessions::{Client, Session};

use super::entering::to_its_end;
use super::{App, Fault};

/// What somebody registers with.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// The address.
    pub email: EmailAddress,
    /// The chosen password.
    pub password: Password,
    /// The wished user name.
    pub username: Option<Username>,
    /// What the person is called.
    pub name: Option<DisplayName>,
    /// The digest of an invitation's secret.
    pub invitation: Option<Digest>,
    /// Where the request comes from.
    pub client: Client,
}

/// What came of registering.
#[derive(Clone, Debug)]
pub enum NowRegistered {
    /// A mail follows, or not. The secret is for the browser's cookie: it may confirm without the password.
    Accepted(Bearer),
    /// The account exists.
    Opened,
}

/// What came of confirming.
#[derive(Debug)]
pub enum NowConfirmed {
    /// The address is confirmed.
    Done,
    /// And the person is logged in.
    In(Box<(Bearer, Session)>),
    /// An administrator decides.
    AwaitsApproval,
}

/// Why a registration is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RegisterRefused {
    /// Nobody can register here.
    Closed,
    /// Whoever registers here is invited first.
    InvitationNeeded,
    /// The invitation does not work.
    NotInvited(TokenFault),
    /// The invitation is for another address.
    InvitedElsewhere,
    /// The password may not be chosen.
    Password(PasswordFault),
    /// Addresses of its domain may not come in.
    Domain,
    /// The address has an account; only where nothing is hidden.
    AddressTaken,
    /// The user name is somebody's; only where nothing is hidden.
    UsernameTaken,
    /// The user name is reserved.
    UsernameReserved,
}

/// What somebody confirms with.
#[derive(Clone, Debug)]
pub struct Confirmation {
    /// The mailed token.
    pub token: String,
    /// The cookie of the browser that registered.
    pub browser: Option<Digest>,
    /// The password chosen at registration.
    pub password: Option<Password>,
    /// A password that is chosen now, in place of one that somebody else may have registered the address with.
    pub new_password: Option<Password>,
    /// Another user name, if the first was taken meanwhile.
    pub username: Option<Username>,
    /// Where the request comes from.
    pub client: Client,
    /// The session that the client has now.
    pub replaces: Option<Digest>,
}

/// Why a confirmation is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ConfirmRefused {
    /// The token does not work.
    Token(TokenFault),
    /// Another browser registered: the password chosen there is needed.
    PasswordNeeded,
    /// It is another.
    WrongPassword,
    /// Somebody took the user name meanwhile.
    UsernameTaken,
    /// The password that is to be chosen now may not be.
    Password(PasswordFault),
    /// The user name is reserved.
    UsernameReserved,
    /// Nobody registers here any more.
    Closed,
    /// Whoever registers here is invited first, by now.
    InvitationNeeded,
}

/// Registrations of an address whose password is compared with the one that is given: each costs a hash. Whoever registered
/// before more than these chooses a password anew.
const MAX_COMPARED: usize = 4;

impl App {
    /// Registers somebody.
    ///
    /// # Errors
    /// When the store fails, or too many passwords wait.
    pub async fn register(self: &Arc<Self>, new: NewPerson) -> Result<Result<NowRegistered, RegisterRefused>, Fault> {
        let services = self.services();
        match (services.config.registration.mode, new.invitation) {
            (RegistrationMode::Closed, _) => return Ok(Err(RegisterRefused::Closed)),
            (RegistrationMode::Invite, None) => return Ok(Err(RegisterRefused::InvitationNeeded)),
            _ => {}
        }
        // Whom an administrator invites by name comes from where they will.
        let invited = match new.invitation.map(|secret| self.look_up_invitation(secret, &new.client)).transpose()? {
            Some(Err(fault)) => return Ok(Err(RegisterRefused::NotInvited(fault))),
            Some(Ok(invitation)) => invitation.email,
            None => None,
        };
        if invited.is_none() && !services.config.registration.lets_in(&new.email) {
            return Ok(Err(RegisterRefused::Domain));
        }
        if new
            .username
            .as_ref()
            .is_some_and(|name| services.config.registration.reserves(name, &services.config.site.name))
        {
            return Ok(Err(RegisterRefused::UsernameReserved));
        }
        let mut words = services.site_words();
        words.push(new.email.as_str());
        words.extend(new.username.as_ref().map(Username::as_str));
        words.extend(new.name.as_ref().map(DisplayName::as_str));
        if let Err(fault) = self.services().password_policy().accept(&new.password, &words) {
            return Ok(Err(RegisterRefused::Password(fault)));
        }
        self.require_room_to_grow()?;
        let admitted = self.admit(Tries::for_mail(&self.services(), &new.client))?;
        let browser = Bearer::draw(BearerKind::Browser, &mut self.moment());
        let password = self.hasher.hash(new.password, self.moment()).await?;
        let row = NewRegistration {
            email: new.email,
            password,
            username: new.username,
            name: new.name,
            browser: browser.digest(),
            invitation: new.invitation,
            tries: admitted.tries.clone(),
            client: new.client,
        };
        let outcome = self.write(move |tx, moment, services| register::register(tx, moment, services, &row)).await?;
        drop(admitted);
        Ok(match outcome {
            Registered::Accepted => Ok(NowRegistered::Accepted(browser)),
            Registered::Opened => Ok(NowRegistered::Opened),
            Registered::NotInvited(fault) => Err(RegisterRefused::NotInvited(fault)),
            Registered::InvitedElsewhere => Err(RegisterRefused::InvitedElsewhere),
            Registered::AddressTaken => Err(RegisterRefused::AddressTaken),
            Registered::UsernameTaken => Err(RegisterRefused::UsernameTaken),
        })
    }

    /// Looks an invitation up and changes nothing.
    ///
    /// # Errors
    /// When the store fails, or too many links that do not work were tried.
    pub fn look_up_invitation(&self, secret: Digest, client: &Client) -> Result<Result<Invitation, TokenFault>, Fault> {
        self.require_clock()?;
        self.admit(Tries::for_link(&self.services(), client))?;
        let found = self.read(|view| invitations::look_up(view, &self.services(), secret, self.now()))?;
        Ok(found.map(|(_, invitation)| invitation))
    }

    /// Has the confirmation of an address mailed again, if there is anything to confirm.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn resend_confirmation(self: &Arc<Self>, email: EmailAddress, client: Client) -> Result<(), Fault> {
        self.wish(Act::ConfirmationWished, Wish::Resend(email), client).await
    }

    /// Looks a confirmation link up and changes nothing. Says whether a password is needed beside it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn check_confirmation(
        &self,
        token: &str,
        browser: Option<Digest>,
        client: &Client,
    ) -> Result<Result<bool, TokenFault>, Fault> {
        self.require_clock()?;
        self.admit(Tries::for_link(&self.services(), client))?;
        let target = self.read(|view| confirm::look_up(view, &self.services(), token, self.now()))?;
        Ok(target.map(|target| match target {
            Target::Registrations(all) => all.iter().all(|(_, registration)| browser != Some(registration.browser)),
            Target::Address(_) => false,
        }))
    }

    /// Confirms a registration or an address. With `tokens.login_after_confirm` a session begins.
    ///
    /// # Errors
    /// When the store fails, or too many passwords wait.
    pub async fn confirm(
        self: &Arc<Self>,
        confirmation: Confirmation,
    ) -> Result<Result<NowConfirmed, ConfirmRefused>, Fault> {
        self.require_clock()?;
        self.require_room()?;
        let proof = match self.prove(&confirmation).await? {
            Ok(proof) => proof,
            Err(refused) => return Ok(Err(refused)),
        };
        let outcome = self
            .write(move |tx, moment, services| {
                let username = confirmation.username.as_ref();
                let confirmed = confirm::confirm(
                    tx,
                    moment,
                    services,
                    (&confirmation.token, &proof),
                    username,
                    &confirmation.client,
                )?;
                // Not after a change of address: that link proves a mailbox and no person. A mistyped address would let its owner
                // in without password and second factor.
                let may_log_in = services.config.tokens.login_after_confirm && !matches!(proof, Proof::None);
                let client = (&confirmation.client, confirmation.replaces);
                Ok(match confirmed {
                    Confirmed::Done(person) if may_log_in => {
                        let started = login::start_after_link(tx, moment, services, &person, client)?;
                        Ok(started.map_or(NowConfirmed::Done, |started| NowConfirmed::In(Box::new(started))))
                    }
                    Confirmed::Done(_) => Ok(NowConfirmed::Done),
                    Confirmed::AwaitsApproval => Ok(NowConfirmed::AwaitsApproval),
                    Confirmed::UsernameTaken => Err(ConfirmRefused::UsernameTaken),
                    Confirmed::UsernameReserved => Err(ConfirmRefused::UsernameReserved),
                    Confirmed::Closed => Err(ConfirmRefused::Closed),
                    Confirmed::InvitationNeeded => Err(ConfirmRefused::InvitationNeeded),
                    Confirmed::Refused(fault) => Err(ConfirmRefused::Token(fault)),
                })
            })
            .await?;
        Ok(outcome)
    }

    /// Finds out whether the confirming person is the one who registered; a hash is computed only for a good token.
    async fn prove(self: &Arc<Self>, confirmation: &Confirmation) -> Result<Result<Proof, ConfirmRefused>, Fault> {
        self.admit(Tries::for_link(&self.services(), &confirmation.client))?;
        let target = self.read(|view| confirm::look_up(view, &self.services(), &confirmation.token, self.now()))?;
        let all = match target {
            Err(fault) => return Ok(Err(ConfirmRefused::Token(fault))),
            Ok(Target::Address(_)) => return Ok(Ok(Proof::None)),
            Ok(Target::Registrations(all)) => all,
        };
        if let Some(password) = confirmation.new_password.clone() {
            return self.choose_now(&all, password).await;
        }
        let is_covered = |proof: &Proof| all.iter().any(|(id, registration)| proof.covers(*id, registration));
        if let Some(proof) = confirmation.browser.map(Proof::Browser).filter(is_covered) {
            return Ok(Ok(proof));
        }
        let Some(password) = confirmation.password.clone() else { return Ok(Err(ConfirmRefused::PasswordNeeded)) };
        let (client, Some((id, first))) = (confirmation.client.clone(), all.first().cloned()) else {
            return Ok(Err(ConfirmRefused::PasswordNeeded));
        };
        let admitted = self.admit(Tries::of_registration(&self.services(), &first.email, &client))?;
        let app = Arc::clone(self);
        let matching = to_its_end(async move {
            let mut matching = None;
            for (id, registration) in all.into_iter().take(MAX_COMPARED) {
                // All of them, in any case: which one matched does not show in the time.
                if app.hasher.verify(password.clone(), registration.password).await? {
                    matching = matching.or(Some(id));
                }
            }
            if matching.is_none() {
                let tries = admitted.tries.clone();
                let noted = app.write(move |tx, moment, services| {
                    let what = (Act::Confirmed, Outcome::WrongPassword);
                    tries.refuse(tx, moment, services, &client.anyone(), what, id)
                });
                noted.await?;
            }
            drop(admitted);
            Ok(matching)
        })
        .await?;
        Ok(matching.map(Proof::Password).ok_or(ConfirmRefused::WrongPassword))
    }

    /// Whoever has the mailbox chooses a password: strangers who registered the address before keep its owner from nothing.
    async fn choose_now(
        self: &Arc<Self>,
        all: &[(RegistrationId, Registration)],
        password: Password,
    ) -> Result<Result<Proof, ConfirmRefused>, Fault> {
        let services = self.services();
        let mut words = services.site_words();
        words.extend(all.first().map(|(_, registration)| registration.email.as_str()));
        if let Err(fault) = services.password_policy().accept(&password, &words) {
            return Ok(Err(ConfirmRefused::Password(fault)));
        }
        Ok(Ok(Proof::Mailbox(self.hasher.hash(password, self.moment()).await?)))
    }

    /// Whether this person may choose `password`.
    pub(super) fn accept_password(&self, password: &Password, person: &Person) -> Result<(), PasswordFault> {
        self.services().password_policy().accept(password, &self.services().words_about(person))
    }
}
