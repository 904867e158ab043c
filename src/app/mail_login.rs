//! Logging in by mail.

use std::sync::Arc;

use crate::accounts::login_by_mail::{self, ByMail, Key, Usable};
use crate::accounts::mail_requests::MailRequest;
use crate::accounts::start_session::Attempt;
use crate::accounts::tries::Tries;
use crate::audit::Act;
use crate::base::Identity;
use crate::crypto::{Bearer, BearerKind, Digest, TokenFault, TypedCode};
use crate::factors::{self, Context};
use crate::sessions::{Carrier, Client};

use super::entering::to_its_end;
use super::{App, Fault, LogIn};

/// By what somebody logs in who got a mail.
#[derive(Clone, Debug)]
pub enum MailKey {
    /// The link.
    Link {
        /// Its token.
        token: String,
        /// The browser that asked, if it is this one.
        browser: Option<Digest>,
        /// Whether the person means this browser, although another one asked.
        here: bool,
    },
    /// The digits, and the browser that asked for them.
    Code(TypedCode, Digest),
}

/// Somebody at the door with a mail in their hand.
#[derive(Clone, Debug)]
pub struct MailLogin {
    /// What they have.
    pub key: MailKey,
    /// How the session is to be carried.
    pub carrier: Carrier,
    /// Where they come from.
    pub client: Client,
    /// The session that their cookie names; it ends.
    pub replaces: Option<Digest>,
}

/// Why somebody is not logged in by mail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MailLoginRefused {
    /// This site does not do that.
    NotOffered,
    /// The link does not work.
    Token(TokenFault),
    /// Another browser asked for it, and nobody said that this one is meant.
    OtherBrowser,
    /// The digits are wrong.
    WrongCode,
}

impl App {
    /// Has link and digits mailed to whoever is meant, if anybody is. The secret is for the browser that asks.
    pub async fn wish_mail_login(
        self: &Arc<Self>,
        identity: Identity,
        client: Client,
    ) -> Result<Option<Bearer>, Fault> {
        if !self.env().config.login.by_mail {
            return Ok(None);
        }
        let secret = Bearer::draw(BearerKind::MailLogin, &mut self.moment());
        let wish = MailRequest::LogIn(identity, Context::login(secret.digest()));
        self.wish(Act::LoginWished, wish, client).await?;
        Ok(Some(secret))
    }

    /// Looks a link up and changes nothing.
    pub fn check_mail_login(&self, token: &str, client: &Client) -> Result<Result<Usable, TokenFault>, Fault> {
        self.require_clock()?;
        self.reserve(Tries::for_link(&self.env(), client))?;
        Ok(self.read(|view| login_by_mail::look_up(view, &self.env(), token, self.now()))?)
    }

    /// Digits are few enough to be guessed, so wrong ones count for the account they were mailed to, wherever they come from.
    fn tries_for(&self, key: &Key, client: &Client) -> Result<Tries, Fault> {
        let env = self.env();
        Ok(match key {
            Key::Link(_) => Tries::for_link(&env, client),
            Key::Code(_, context) => {
                let now = self.now();
                let account = self.read(|view| factors::waiting_code(view, now, *context))?;
                Tries::for_mailed_digits(&env, account, client)
            }
        })
    }

    /// Logs somebody in by what was mailed to them.
    ///
    /// # Errors
    /// When the store fails, or too many did not work.
    pub async fn log_in_by_mail(self: &Arc<Self>, login: MailLogin) -> Result<Result<LogIn, MailLoginRefused>, Fault> {
        if !self.env().config.login.by_mail {
            return Ok(Err(MailLoginRefused::NotOffered));
        }
        self.require_clock()?;
        let MailLogin { key, carrier, client, replaces } = login;
        let (key, method) = match key {
            MailKey::Code(code, browser) => (Key::Code(code, Context::login(browser)), "login-code"),
            MailKey::Link { token, browser, here } => {
                match self.check_mail_login(&token, &client)? {
                    Err(fault) => return Ok(Err(MailLoginRefused::Token(fault))),
                    Ok(usable) if !here && browser.map(Context::login) != Some(usable.context) => {
                        return Ok(Err(MailLoginRefused::OtherBrowser));
                    }
                    Ok(_) => {}
                }
                (Key::Link(token), "login-link")
            }
        };
        let reservation = self.reserve(self.tries_for(&key, &client)?)?;
        let (tries, is_locked_out) = (reservation.tries.clone(), reservation.is_locked_out);
        let attempt = Attempt { is_locked_out, tries, method, ..Attempt::proven(carrier, &client, replaces) };
        let app = Arc::clone(self);
        let outcome = to_its_end(async move {
            let concluded = app.write(move |work| login_by_mail::conclude(work, &key, &attempt)).await?;
            drop(reservation);
            Ok(concluded)
        });
        match outcome.await? {
            ByMail::Passed(login) => Ok(Ok(self.came_in(login)?)),
            ByMail::Refused(fault) => Ok(Err(MailLoginRefused::Token(fault))),
            ByMail::WrongCode => Ok(Err(MailLoginRefused::WrongCode)),
        }
    }
}
