//! Forward auth: a reverse proxy asks about each request to another application, and is told whether to let it in, and
//! who makes it.
//!
//! The answers are a contract with the proxies: only 2xx lets in; nginx knows 401 and 403 besides, and makes an error of
//! anything else. So there are no others but redirects, whatever goes wrong.

mod answer;
mod credential;
mod endpoint;
mod metadata;

use std::sync::Arc;

use crate::app::KnownCaller;
use crate::config::Config;
use crate::gate::{AccessDecision, AccessRules, Allow, OriginalRequest, judge};
use crate::sessions::Scope;
use crate::store::StoreError;

use super::reply::Reply;
use super::service::Service;
use credential::Credential;
use metadata::NotKnown;

pub(in crate::web) use endpoint::Endpoint;
pub(super) use endpoint::{
    AUTH_REQUEST, AUTHENTIK, AUTHENTIK_NGINX, EXT_AUTHZ, FORWARD_AUTH, OAUTH2_PROXY, TINYAUTH, TINYAUTH_ENVOY,
    TINYAUTH_NGINX, VERIFY, VOUCH,
};
pub(in crate::web) use metadata::Asked;

/// What is decided about a request.
enum Verdict {
    /// It is let in; nobody has to be known for that, or this caller is.
    LetIn(Option<Arc<KnownCaller>>),
    /// A login would help.
    NeedsLogin,
    /// The login was not enough.
    NeedsSecondFactor,
    /// The program's credential is nobody's.
    BadCredential,
    /// It is refused, and no login would help.
    Refused,
}

impl Endpoint {
    /// Whether it is served: the endpoints of other programs only where they are asked for.
    pub(super) fn is_served(&self, config: &Config) -> bool {
        self.alias.is_none_or(|alias| config.access.aliases.contains(&alias))
    }
}

impl Service {
    /// Answers a proxy where the store need not be asked; none says that it has to be.
    pub(super) fn answer_proxy_at_once(
        &self,
        endpoint: &Endpoint,
        asked: &Asked<'_>,
        config: &Config,
    ) -> Option<Reply> {
        let original = match asked.original(endpoint.source, &config.proxy.trusted) {
            Ok(original) => original,
            Err(reason) => return Some(self.not_known(asked, reason)),
        };
        let rules = self.web.app.access_rules();
        let verdict = match self.without_caller(&rules, &original, asked) {
            Some(verdict) => verdict,
            None => match Credential::of(asked.headers) {
                Credential::None => Verdict::NeedsLogin,
                Credential::Bad => Verdict::BadCredential,
                Credential::Door(digest) => {
                    let caller = self.web.app.find_cached_door(digest, original.url.host())?;
                    with_caller(&rules, &original, caller)
                }
                Credential::Token(digest) => {
                    let caller = self.web.app.find_cached_caller(digest)?;
                    with_token(&rules, &original, caller)
                }
                Credential::AppPassword(..) | Credential::Password(..) => return None,
            },
        };
        Some(self.tell_proxy(endpoint, asked, &original, verdict))
    }

    /// Answers a proxy.
    pub(super) async fn answer_proxy(&self, endpoint: &Endpoint, asked: &Asked<'_>) -> Reply {
        let env = self.web.app.env().clone();
        let original = match asked.original(endpoint.source, &env.config.proxy.trusted) {
            Ok(original) => original,
            Err(reason) => return self.not_known(asked, reason),
        };
        match self.judge_slowly(asked, &original).await {
            Ok(verdict) => self.tell_proxy(endpoint, asked, &original, verdict),
            Err(error) => {
                tracing::error!(%error, "nobody is let in to other applications: the store cannot be read");
                Reply::forbidden()
            }
        }
    }

    async fn judge_slowly(&self, asked: &Asked<'_>, original: &OriginalRequest) -> Result<Verdict, StoreError> {
        let rules = Arc::clone(&self.web.app.access_rules());
        if let Some(verdict) = self.without_caller(&rules, original, asked) {
            return Ok(verdict);
        }
        Ok(match Credential::of(asked.headers) {
            Credential::None => Verdict::NeedsLogin,
            Credential::Bad | Credential::AppPassword(..) | Credential::Password(..) => Verdict::BadCredential,
            Credential::Door(digest) => match self.web.app.find_door(digest, original.url.host()).await? {
                Some(caller) => with_caller(&rules, original, caller),
                None => Verdict::NeedsLogin,
            },
            Credential::Token(digest) => match self.web.app.find_caller(digest).await? {
                Some(caller) => with_token(&rules, original, caller),
                None => Verdict::BadCredential,
            },
        })
    }

    /// Decides where it does not matter who makes the request: then no credential is looked at.
    fn without_caller(&self, rules: &AccessRules, original: &OriginalRequest, asked: &Asked<'_>) -> Option<Verdict> {
        let matched = match rules.find(original) {
            Ok(Some(matched)) => matched,
            Ok(None) => {
                let reason = NotKnown::NoRule;
                self.refusals
                    .note_for_proxy(asked.received.network, &format_args!("{reason}: {}", original.url.host()));
                return Some(Verdict::Refused);
            }
            Err(doubt) => {
                self.refusals.note_for_proxy(asked.received.network, &NotKnown::Doubt(doubt));
                return Some(Verdict::Refused);
            }
        };
        match matched.rule.terms.allow {
            Allow::LoggedIn | Allow::SecondFactor => None,
            Allow::Anyone | Allow::Nobody => Some(verdict_of(judge(matched, None), None)),
        }
    }

    /// Refuses a request of which nothing is certain, and says why in the log.
    fn not_known(&self, asked: &Asked<'_>, reason: NotKnown) -> Reply {
        self.refusals.note_for_proxy(asked.received.peer, &reason);
        Reply::forbidden()
    }
}

/// Decides about somebody who is known.
fn with_caller(rules: &AccessRules, original: &OriginalRequest, caller: Arc<KnownCaller>) -> Verdict {
    let Ok(Some(matched)) = rules.find(original) else { return Verdict::Refused };
    match judge(matched, Some(&caller.at_door().visitor)) {
        // Whoever must have a second factor does nothing before it is set up.
        AccessDecision::LetIn(_) if caller.lacks_second_factor => Verdict::NeedsSecondFactor,
        decision => verdict_of(decision, Some(caller)),
    }
}

/// Decides about a program with an API token, which is good for this only with its scope.
fn with_token(rules: &AccessRules, original: &OriginalRequest, caller: Arc<KnownCaller>) -> Verdict {
    let _ = Scope::Profile;
    with_caller(rules, original, caller)
}

fn verdict_of(decision: AccessDecision, caller: Option<Arc<KnownCaller>>) -> Verdict {
    match decision {
        AccessDecision::LetIn(_) => Verdict::LetIn(caller),
        AccessDecision::NeedsLogin(_) => Verdict::NeedsLogin,
        AccessDecision::NeedsSecondFactor(_) => Verdict::NeedsSecondFactor,
        AccessDecision::NotAllowed(_) | AccessDecision::NoRule | AccessDecision::Doubt(_) => Verdict::Refused,
    }
}
