//! Logging in by mail.

use std::sync::Arc;

use crate::accounts::login_by_mail::{self, KeyCheck, LoginKey, Usable};

use crate::accounts::attempt_limits::AttemptLimits;
use crate::accounts::start_session::SessionRequest;
use crate::audit::Act;
use crate::base::Identity;
use crate::crypto::{Bearer, BearerKind, Digest, TokenFault, TypedCode};
use crate::factors::{self, CodePurpose};
use crate::sessions::Client;

use super::login::to_its_end;
use super::{App, Fault};
use crate::accounts::login_outcome::{FirstStep, LoginRefused};
use crate::accounts::mail_requests::MailRequest;

/// The proof of a login by mail.
#[derive(Clone, Debug)]
pub enum MailKey {
    /// The link in the mail.
    Link {
        /// Its token.
        token: String,
        /// The browser that presents the link, if it has the cookie of one that asked.
        browser: Option<Digest>,
        /// Whether the person means this browser, although another one asked for the mail.
        here: bool,
    },
    /// The digits, and the browser that asked for them.
    Code(TypedCode, Digest),
}

impl App {
    /// Queues a mail with link and digits for the identity, if it has an
    /// account. The secret is for the browser that asks.
    pub async fn request_mail_login(
        self: &Arc<Self>,
        identity: Identity,
        client: Client,
    ) -> Result<Option<Bearer>, Fault> {
        if !self.env().config.login.by_mail {
            return Ok(None);
        }
        let secret = Bearer::draw(BearerKind::MailLogin, &mut self.moment());
        let request = MailRequest::LogIn(identity, CodePurpose::login(secret.digest()));
        self.request_mail(Act::LoginRequested, request, client).await?;
        Ok(Some(secret))
    }

    /// Looks a link up without changing anything.
    pub async fn check_mail_login(&self, token: &str, client: &Client) -> Result<Result<Usable, TokenFault>, Fault> {
        self.require_clock()?;
        self.reserve(AttemptLimits::for_link(&self.env(), client)).await?;
        Ok(self.read(|view| login_by_mail::look_up(view, &self.env(), token, self.now())).await?)
    }

    /// Returns the limits of an attempt. Digits are few enough to be guessed, so wrong ones count for the account
    /// they were mailed to, wherever they come from.
    async fn tries_for(&self, key: &LoginKey, client: &Client) -> Result<AttemptLimits, Fault> {
        let env = self.env();
        // A link carries 256 bits of code, so only the network that tries links pays; digits can be guessed.
        Ok(match key {
            LoginKey::Link(_) => AttemptLimits::for_link(&env, client),
            LoginKey::Code(_, context) => {
                let now = self.now();
                let account = self.read(|view| factors::waiting_code(view, now, *context)).await?;
                AttemptLimits::for_mailed_digits(&env, account, client)
            }
        })
    }

    /// Logs somebody in by a mailed link or mailed digits.
    ///
    /// # Errors
    /// When the store fails, or too many did not work.
    pub async fn log_in_by_mail(self: &Arc<Self>, key: MailKey, request: SessionRequest) -> Result<FirstStep, Fault> {
        if !self.env().config.login.by_mail {
            return Ok(Err(LoginRefused::NotOffered));
        }
        self.require_clock()?;
        let key = match key {
            MailKey::Code(code, browser) => LoginKey::Code(code, CodePurpose::login(browser)),
            MailKey::Link { token, browser, here } => {
                match self.check_mail_login(&token, &request.client).await? {
                    Err(fault) => return Ok(Err(LoginRefused::BadLink(fault))),
                    // A link that opens in any browser could be a login that somebody else
                    // asked for, so it takes the asking one, or a click.
                    Ok(usable) if !here && browser.map(CodePurpose::login) != Some(usable.context) => {
                        return Ok(Err(LoginRefused::OtherBrowser));
                    }
                    Ok(_) => {}
                }
                LoginKey::Link(token)
            }
        };
        let reservation = self.reserve(self.tries_for(&key, &request.client).await?).await?;
        let check = KeyCheck { tries: reservation.tries.clone(), is_locked_out: reservation.is_locked_out };
        let app = Arc::clone(self);
        to_its_end(async move {
            let concluded = app.write(move |work| login_by_mail::conclude(work, &key, &check, &request)).await?;
            drop(reservation);
            Ok(concluded)
        })
        .await
    }
}
