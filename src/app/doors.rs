//! Other applications' doors: who stands there, by the cookie of their domain, and how the cookie gets to another
//! domain.

use std::sync::Arc;

use arc_swap::Guard;

use crate::config::CookieDomain;
use crate::crypto::{Bearer, BearerKind, Digest};
use crate::gate::{AccessRules, Host};
use crate::sessions::{self, Client, DoorCookie};
use crate::store::StoreError;

use super::door_codes::{Browser, CODE_WITHIN, Passage};
use super::{App, KnownCaller};

impl App {
    /// Returns the rules for other applications.
    pub fn access_rules(&self) -> Guard<Arc<AccessRules>> {
        self.access_rules.load()
    }

    /// Returns the holder of the session that this door leads to, if the session is alive and the door is good for the
    /// host.
    pub async fn find_door(&self, digest: Digest, host: &Host) -> Result<Option<Arc<KnownCaller>>, StoreError> {
        let door = match self.session_cache.find_door(&digest) {
            Some(cached) => cached,
            None => match self.read(|view| sessions::find_door(view, digest)).await? {
                Some(door) => self.session_cache.remember_door(digest, door),
                None => return Ok(None),
            },
        };
        if self.is_good_at(&door, host) { self.find_caller(door.session).await } else { Ok(None) }
    }

    /// As [`App::find_door`], where the store need not be asked. None says nothing: then it has to be.
    pub fn find_cached_door(&self, digest: Digest, host: &Host) -> Option<Arc<KnownCaller>> {
        let door = self.session_cache.find_door(&digest)?;
        if self.is_good_at(&door, host) { self.find_cached_caller(door.session) } else { None }
    }

    /// Whether a host lies in the domain of a door: every application there sees the cookie, and nobody elsewhere
    /// believes it.
    fn is_good_at(&self, door: &DoorCookie, host: &Host) -> bool {
        let domain = self.env().config.access.domain_of(host).and_then(|domain| domain.cookie.clone());
        domain.is_some_and(|domain| domain.as_str() == door.domain)
    }

    /// Makes the doors of the session with this secret, where there is one and any is missing: it may have begun before
    /// the domain was in the configuration.
    pub async fn ensure_doors(self: &Arc<Self>, secret: &Bearer) -> Result<(), StoreError> {
        let env = self.env();
        let missing = self.read(|view| {
            for domain in env.config.access.domains.iter().filter_map(|domain| domain.cookie.as_ref()) {
                if sessions::find_door(view, secret.door(domain.as_str()).digest())?.is_none() {
                    return Ok(true);
                }
            }
            Ok(false)
        });
        if !missing.await? {
            return Ok(());
        }
        let secret = secret.clone();
        self.write(move |work| match sessions::find(work.tx, secret.digest())? {
            Some(session) => sessions::make_doors(work.tx, &secret, &session, &work.env.config.access.domains),
            None => Ok(()),
        })
        .await
    }

    /// Makes a code that carries the session with this secret to another domain: it works once, for a minute.
    pub fn make_door_code(&self, secret: &Bearer, domain: &CookieDomain, client: &Client) -> Bearer {
        let mut moment = self.moment();
        let code = Bearer::draw(BearerKind::DoorCode, &mut moment);
        let (door, domain) = (secret.door(domain.as_str()), domain.as_str().to_owned());
        let browser = Browser::from(client);
        let passage = Passage { door, session: secret.digest(), domain, made_at: moment.now(), browser };
        self.door_codes.lock().put(code.digest(), passage);
        code
    }

    /// Uses a code. Returns what comes of it at this host; none if it does not work, or its session is over.
    ///
    /// A link with somebody's own code makes whoever opens it that somebody (login CSRF), and nothing that a browser sends
    /// tells such a link from the usual redirect. So another browser than the code was made for is asked before: then
    /// the code is not used up, and `confirmed` says that its holder agreed.
    pub async fn use_door_code(
        &self,
        code: Digest,
        host: &Host,
        client: &Client,
        confirmed: bool,
    ) -> Result<Option<UsedCode>, StoreError> {
        let found = self.door_codes.lock().find(code).cloned();
        let Some(Passage { door, made_at, browser, .. }) = found else { return Ok(None) };
        if self.now().since(made_at) >= CODE_WITHIN {
            return Ok(None);
        }
        let Some(caller) = self.find_door(door.digest(), host).await? else { return Ok(None) };
        if browser != Browser::from(client) && !confirmed {
            return Ok(Some(UsedCode::Asks(caller)));
        }
        // Of two at once one has it.
        let taken = self.door_codes.lock().take(code);
        Ok(taken.map(|_| UsedCode::Opens(door, caller)))
    }
}

/// What comes of a code.
pub enum UsedCode {
    /// The door is open: its secret, and whose session it is.
    Opens(Bearer, Arc<KnownCaller>),
    /// Its holder is to be asked whether they are this person.
    Asks(Arc<KnownCaller>),
}
