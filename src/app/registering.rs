//! Registration.

use std::sync::Arc;

use crate::accounts::Person;
use crate::accounts::attempt_limits::AttemptLimits;
use crate::accounts::invitations::{self, Invitation};
use crate::accounts::mail_requests::MailRequest;
use crate::accounts::register::{self, NewRegistration, RegisterRefused, Registered};
use crate::audit::Act;
use crate::base::{DisplayName, EmailAddress, Username};
use crate::config::RegistrationMode;
use crate::crypto::{Digest, Password, PasswordFault, TokenFault};
use crate::sessions::Client;
use crate::texts::Language;

use super::{App, Fault};

/// The data of a registration.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// The address.
    pub email: EmailAddress,
    /// The chosen password.
    pub password: Password,
    /// The requested user name.
    pub username: Option<Username>,
    /// The display name.
    pub name: Option<DisplayName>,
    /// The digest of an invitation's secret.
    pub invitation: Option<Digest>,
    /// The client that the request comes from.
    pub client: Client,
    /// The language of the page that they registered on.
    pub language: Language,
}

impl App {
    /// Registers somebody, pending confirmation.
    pub async fn register(self: &Arc<Self>, new: NewPerson) -> Result<Result<Registered, RegisterRefused>, Fault> {
        let env = self.env();
        match (env.config.registration.mode, new.invitation) {
            (RegistrationMode::Closed, _) => return Ok(Err(RegisterRefused::Closed)),
            (RegistrationMode::Invite, None) => return Ok(Err(RegisterRefused::InvitationNeeded)),
            _ => {}
        }
        // Whom an administrator invites by name may have an address of any domain.
        let invited = match new.invitation {
            Some(secret) => match self.look_up_invitation(secret, &new.client).await? {
                Ok(invitation) => invitation.email,
                Err(fault) => return Ok(Err(RegisterRefused::NotInvited(fault))),
            },
            None => None,
        };
        if invited.is_none() && !env.config.registration.lets_in(&new.email) {
            return Ok(Err(RegisterRefused::Domain));
        }
        if new.username.as_ref().is_some_and(|name| env.config.reserves(name)) {
            return Ok(Err(RegisterRefused::UsernameReserved));
        }
        let mut words = env.site_words();
        words.push(new.email.as_str());
        words.extend(new.username.as_ref().map(Username::as_str));
        words.extend(new.name.as_ref().map(DisplayName::as_str));
        if let Err(fault) = self.env().password_policy().accept(&new.password, &words) {
            return Ok(Err(RegisterRefused::Password(fault)));
        }
        self.require_room_to_grow()?;
        let reservation = self.reserve(AttemptLimits::for_mail(&self.env(), &new.client)).await?;
        // Hashed before anybody looks whether the address is taken, so that the answer takes as long either way.
        let password = self.hasher.hash(new.password, self.moment()).await?;
        let row = NewRegistration {
            email: new.email,
            password,
            username: new.username,
            name: new.name,
            invitation: new.invitation,
            tries: reservation.tries.clone(),
            client: new.client,
            language: new.language,
        };
        let outcome = self.write(move |work| register::register(work, &row)).await?;
        drop(reservation);
        Ok(outcome)
    }

    /// Looks an invitation up without changing anything.
    ///
    /// # Errors
    /// When the store fails, or too many links that do not work were tried.
    pub async fn look_up_invitation(
        &self,
        secret: Digest,
        client: &Client,
    ) -> Result<Result<Invitation, TokenFault>, Fault> {
        self.require_clock()?;
        self.reserve(AttemptLimits::for_link(&self.env(), client)).await?;
        let found = self.read(|view| invitations::look_up(view, &self.env(), secret, self.now())).await?;
        Ok(found.map(|(_, invitation)| invitation))
    }

    /// Queues another mail to confirm an address, if there is anything to confirm.
    pub async fn resend_confirmation(self: &Arc<Self>, email: EmailAddress, client: Client) -> Result<(), Fault> {
        self.request_mail(Act::ConfirmationRequested, MailRequest::Resend(email), client).await
    }

    /// Checks whether this person may choose `password`.
    pub(super) fn accept_password(&self, password: &Password, person: &Person) -> Result<(), PasswordFault> {
        self.env().password_policy().accept(password, &person.context_words(&self.env()))
    }
}
