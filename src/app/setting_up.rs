//! Set-up of the first administrator.

use std::sync::Arc;

use crate::accounts::attempt_limits::AttemptLimits;
use crate::accounts::create_account::NewAccount;
use crate::accounts::{administrators, first_administrator, set_up};
use crate::base::{DisplayName, EmailAddress, GroupName, Username, set_of};
use crate::crypto::{Bearer, Password, TokenFault};
use crate::sessions::Client;
use crate::texts::Language;

use super::{App, Fault};
use crate::accounts::first_administrator::SetUpRefused;

/// The data of the first administrator.
#[derive(Clone, Debug)]
pub struct FirstAdministrator {
    /// Their address; it counts as confirmed.
    pub email: EmailAddress,
    /// Their password.
    pub password: Password,
    /// Their user name, if they want one.
    pub username: Option<Username>,
    /// Their display name.
    pub name: Option<DisplayName>,
    /// The language of the page.
    pub language: Language,
}

impl App {
    /// Returns the address of the page that makes the first administrator, if nobody administers the appliance and
    /// nobody ever did. It is valid for half an hour, and once.
    pub async fn begin_set_up(self: &Arc<Self>) -> Result<Option<String>, Fault> {
        let has_administrator = match self.read(|view| set_up::noted(view)).await? {
            Some(true) => return Ok(None),
            Some(false) => false,
            None => {
                let app = Arc::clone(self);
                let looked = tokio::task::spawn_blocking(move || app.read_blocking(|view| administrators::exist(view)));
                looked.await.map_err(|_| Fault::Internal)??
            }
        };
        let secret = self.write(move |work| set_up::begin(work.tx, work.moment, has_administrator)).await?;
        let link = |secret: Bearer| self.env().config.site.url.link(&format!("/setup/{}", secret.expose()));
        Ok(secret.map(link))
    }

    /// Looks such a link up without changing anything.
    pub async fn check_set_up(&self, secret: &str, client: &Client) -> Result<Result<(), TokenFault>, Fault> {
        self.require_clock()?;
        self.reserve(AttemptLimits::for_link(&self.env(), client)).await?;
        Ok(self.read(|view| set_up::look_up(view, secret, self.now())).await?)
    }

    /// Makes the first administrator.
    pub async fn set_up(
        self: &Arc<Self>,
        secret: String,
        first: FirstAdministrator,
        client: Client,
    ) -> Result<Result<(), SetUpRefused>, Fault> {
        self.require_room_to_grow()?;
        if let Err(fault) = self.check_set_up(&secret, &client).await? {
            return Ok(Err(SetUpRefused::Token(fault)));
        }
        let env = self.env();
        let mut words = env.site_words();
        words.push(first.email.as_str());
        words.extend(first.username.as_ref().map(Username::as_str));
        words.extend(first.name.as_ref().map(DisplayName::as_str));
        if let Err(fault) = env.password_policy().accept(&first.password, &words) {
            return Ok(Err(SetUpRefused::Password(fault)));
        }
        let new = NewAccount {
            phone: None,
            language: Some(first.language),
            email: Some(first.email),
            username: first.username,
            name: first.name,
            password: Some(self.hasher.hash(first.password, self.moment()).await?),
            confirmed: true,
            groups: set_of([GroupName::administrators()]),
        };
        let finished = self.write(move |work| first_administrator::finish(work, &client.anyone(), &secret, &new));
        Ok(finished.await?)
    }
}
