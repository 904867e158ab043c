//! Passwords that programs send with every request (`Authorization: Basic`).
//!
//! Hashing one takes as long as a login. So what a hash has shown is remembered for a while, under a keyed digest of
//! name and password and for as long as the account does not change: a right one for a minute, a wrong one for good.
//! That keeps a program whose password has become stale from using up its owner's attempts: it is one guess, however
//! often it is sent.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use crate::accounts::login::Authenticated;
use crate::accounts::person;
use crate::base::{Identity, MINUTE, Seconds, Secret};
use crate::crypto::Password;
use crate::factors;
use crate::groups;
use crate::sessions::{Client, Grant, Method, Session};
use crate::store::Snapshot;

use super::basic_pairs::BasicPassword;
use super::{App, Fault, KnownCaller};

/// Seconds for which a password that was right is not hashed again.
const RIGHT_FOR: Seconds = MINUTE;

impl App {
    /// Reads a pair. None if one of the two can be nobody's.
    pub fn basic_password(&self, name: &str, password: &Secret<String>) -> Option<BasicPassword> {
        let identity = Identity::parse_as(name, &self.env().config.login.identities);
        // All spellings of a name are one, so that none of them brings a guess more.
        let canonical = identity.canonical()?;
        let digest = self.basic_passwords.digest_of(&canonical, password);
        let password = password.expose();
        Some(BasicPassword { identity, password: Password::parse(password).ok()?, digest })
    }

    /// Returns who sends a pair that was right a moment ago, without asking anybody. None says nothing.
    pub fn find_cached_basic(&self, pair: &BasicPassword) -> Option<Arc<KnownCaller>> {
        self.find_cached_caller(pair.digest)
    }

    /// Returns who sends a pair, if the password is right, and all that the account has.
    ///
    /// # Errors
    /// [`Fault::Busy`], [`Fault::TooManyAttempts`]; or when the store fails.
    pub async fn find_basic(
        self: &Arc<Self>,
        pair: BasicPassword,
        client: Client,
    ) -> Result<Option<Arc<KnownCaller>>, Fault> {
        let turn = self.basic_passwords.turn(pair.digest);
        let _mine = turn.comes().await;
        self.verify_basic(pair, client).await
    }

    async fn verify_basic(
        self: &Arc<Self>,
        pair: BasicPassword,
        client: Client,
    ) -> Result<Option<Arc<KnownCaller>>, Fault> {
        let now = self.now();
        if self.session_cache.is_refused(&pair.digest) {
            return Ok(None);
        }
        if let Some(caller) = self.find_cached_basic(&pair) {
            return Ok(Some(caller));
        }
        let digest = pair.digest;
        let heard = self.session_cache.heard(&digest);
        let attempt = self.authenticate(pair.identity, pair.password, client).await?;
        let Ok(Authenticated { person: found, .. }) = attempt.outcome else {
            // Nothing but a change of the account makes it good, whether it is wrong or its account is barred: the two are
            // remembered alike, or the time of the next answer would tell which. Too many failures end by themselves,
            // and until then neither is remembered.
            if !attempt.is_locked_out {
                self.session_cache.refuse(digest, attempt.account, heard);
            }
            return Ok(None);
        };
        // Read again, because the attempt was committed meanwhile: what is remembered must be what was there after that.
        let heard = self.session_cache.heard(&digest);
        let env = self.env();
        let read = |view: &dyn Snapshot| {
            let Some(person) = person::load(view, found.id)? else { return Ok(None) };
            let permissions = groups::permissions_of(view, &person.account.groups)?;
            let has_second_factor = factors::has_any(view, person.id)?;
            Ok(Some((person, permissions, has_second_factor)))
        };
        let Some((person, permissions, has_second_factor)) = self.read(read).await? else { return Ok(None) };
        if person.account.security_stamp != found.account.security_stamp {
            return Ok(None);
        }
        // The password is one of two proofs: it must not open more here than it does anywhere else. That stays so until
        // the account changes.
        if has_second_factor {
            self.session_cache.refuse(digest, Some(person.id), heard);
            return Ok(None);
        }
        let session = Session::of_request(person.id, Method::Password, env.generation, self.now(), RIGHT_FOR);
        let lacks_second_factor = env.config.second_factor.is_required_for(&person.account.groups);
        let caller = Arc::new(KnownCaller {
            digest,
            session,
            person,
            permissions,
            grant: Grant::Password,
            has_second_factor,
            lacks_second_factor,
            document: OnceLock::new(),
            at_door: OnceLock::new(),
            seen_at: AtomicU64::new(now.seconds()),
        });
        self.session_cache.remember(&caller, heard);
        Ok(Some(caller))
    }
}
