//! The decision about a request: by which rule, and who makes it.

use std::sync::Arc;

use crate::app::{Fault, KnownCaller, ProxyDecision, ProxyQuestion};
use crate::base::Identity;
use crate::config::Config;
use crate::gate::{AccessDecision, AccessRules, Allow, Host, MatchedRule, OriginalRequest, judge};
use crate::sessions::Client;
use crate::store::StoreError;

use crate::web::cookies::{PROBE_COOKIE, only};
use crate::web::reply::Reply;
use crate::web::service::Service;

use super::credential::Credential;
use super::endpoint::Endpoint;
use super::metadata::{Asked, NotKnown};

/// What is decided about a request.
pub(super) enum Verdict {
    /// It is let in; nobody has to be known for that, or this caller is.
    LetIn(Option<Arc<KnownCaller>>),
    /// A login would help; whether programs are to be asked for a password.
    NeedsLogin { basic: bool },
    /// The login was not enough.
    NeedsSecondFactor,
    /// The program's credential is nobody's.
    BadCredential,
    /// It is refused, and no login would help.
    Refused,
}

impl From<&Verdict> for ProxyDecision {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::LetIn(_) => Self::LetIn,
            Verdict::NeedsLogin { .. } | Verdict::NeedsSecondFactor => Self::NeedsLogin,
            Verdict::BadCredential | Verdict::Refused => Self::Refused,
        }
    }
}

/// Who makes a request.
enum Who {
    /// Nobody says.
    Nobody,
    /// A program's credential is nobody's.
    Bad,
    /// Somebody, by a session or by a program's credential.
    Known(Arc<KnownCaller>),
}

impl Service {
    /// Answers a proxy where the store need not be asked; none says that it has to be.
    pub(in crate::web) fn answer_proxy_at_once(
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
        let verdict = match self.look(&rules, &original, asked) {
            Ok(matched) => {
                let who = self.who_at_once(Credential::of(asked.headers), original.url.host())?;
                decide(matched, who, original.url.host())
            }
            Err(verdict) => verdict,
        };
        Some(self.tell_proxy(endpoint, asked, &original, verdict))
    }

    /// Answers a proxy.
    pub(in crate::web) async fn answer_proxy(&self, endpoint: &Endpoint, asked: &Asked<'_>) -> Reply {
        let env = self.web.app.env().clone();
        let original = match asked.original(endpoint.source, &env.config.proxy.trusted) {
            Ok(original) => original,
            Err(reason) => return self.not_known(asked, reason),
        };
        let rules = Arc::clone(&self.web.app.access_rules());
        let verdict = match self.look(&rules, &original, asked) {
            Ok(matched) => match self.who(asked, original.url.host()).await {
                Ok(who) => decide(matched, who, original.url.host()),
                Err(error) => {
                    tracing::error!(%error, "nobody is let in to other applications: the store cannot be read");
                    Verdict::Refused
                }
            },
            Err(verdict) => verdict,
        };
        self.tell_proxy(endpoint, asked, &original, verdict)
    }

    /// Finds the rule that asks who makes a request, or decides by one for which that does not matter: then no
    /// credential is looked at.
    fn look<'a>(
        &self,
        rules: &'a AccessRules,
        original: &OriginalRequest,
        asked: &Asked<'_>,
    ) -> Result<MatchedRule<'a>, Verdict> {
        let network = asked.received.network;
        match rules.find(original) {
            Ok(Some(matched)) => match matched.rule.terms.allow {
                Allow::LoggedIn | Allow::SecondFactor => Ok(matched),
                Allow::Anyone | Allow::Nobody => Err(verdict_of(judge(matched, None), None)),
            },
            Ok(None) => {
                let host = original.url.host();
                self.refusals.note_for_proxy(network, &format_args!("{}: {host}", NotKnown::NoRule));
                Err(Verdict::Refused)
            }
            Err(doubt) => {
                self.refusals.note_for_proxy(network, &NotKnown::Doubt(doubt));
                Err(Verdict::Refused)
            }
        }
    }

    /// Returns who makes a request, if the store need not be asked for that.
    fn who_at_once(&self, credential: Credential, host: &Host) -> Option<Who> {
        let app = &self.web.app;
        match credential {
            Credential::None => Some(Who::Nobody),
            Credential::Bad => Some(Who::Bad),
            Credential::Door(digest) => app.find_cached_door(digest, host).map(Who::Known),
            Credential::Doors(_) => None,
            Credential::Token(digest) => app.find_cached_caller(digest).map(Who::Known),
            Credential::AppPassword(name, digest) => {
                let caller = app.find_cached_caller(digest)?;
                Some(if is_named(&caller, &name) { Who::Known(caller) } else { Who::Bad })
            }
            Credential::Password(name, password) => {
                if !app.env().config.access.basic_passwords {
                    return Some(Who::Bad);
                }
                match app.basic_password(&name, &password) {
                    Some(pair) => app.find_cached_basic(&pair).map(Who::Known),
                    None => Some(Who::Bad),
                }
            }
        }
    }

    /// Returns who makes a request.
    async fn who(&self, asked: &Asked<'_>, host: &Host) -> Result<Who, StoreError> {
        let app = &self.web.app;
        let known_or = |found: Option<Arc<KnownCaller>>, otherwise: Who| found.map_or(otherwise, Who::Known);
        Ok(match Credential::of(asked.headers) {
            Credential::None => Who::Nobody,
            Credential::Bad => Who::Bad,
            // One that opens nothing any more is none: the person logs in again.
            Credential::Door(digest) => known_or(app.find_door(digest, host).await?, Who::Nobody),
            Credential::Doors(digests) => {
                let mut found: Option<Arc<KnownCaller>> = None;
                for digest in digests {
                    let Some(caller) = app.find_door(digest, host).await? else { continue };
                    // Two people at once: one of the cookies was planted, and nobody can tell which (cookie tossing).
                    if found.as_ref().is_some_and(|other| other.person.id != caller.person.id) {
                        return Ok(Who::Nobody);
                    }
                    found = Some(caller);
                }
                known_or(found, Who::Nobody)
            }
            Credential::Token(digest) => known_or(app.find_caller(digest).await?, Who::Bad),
            Credential::AppPassword(name, digest) => {
                let caller = app.find_caller(digest).await?;
                known_or(caller.filter(|caller| is_named(caller, &name)), Who::Bad)
            }
            Credential::Password(name, password) => {
                let pair = app.basic_password(&name, &password).filter(|_| app.env().config.access.basic_passwords);
                let client = Client::at(asked.received.network);
                match pair {
                    // Too many tries, or no thread to hash: it is not known that the password is right.
                    Some(pair) => match app.find_basic(pair, client).await {
                        Ok(found) => known_or(found, Who::Bad),
                        Err(Fault::Store(error)) => return Err(error),
                        Err(_) => Who::Bad,
                    },
                    None => Who::Bad,
                }
            }
        })
    }

    /// Refuses a request of which nothing is certain, and says why in the log.
    fn not_known(&self, asked: &Asked<'_>, reason: NotKnown) -> Reply {
        self.note_for_doctor(asked, || (Err(reason.to_string()), ProxyDecision::Refused));
        self.refusals.note_for_proxy(asked.received.peer, &reason);
        Reply::forbidden()
    }

    /// Notes what was asked and decided, if it is about a request of the doctor's.
    pub(super) fn note_for_doctor(
        &self,
        asked: &Asked<'_>,
        what: impl FnOnce() -> (Result<String, String>, ProxyDecision),
    ) {
        let app = &self.web.app;
        let Some(word) = app.expects_probe().then(|| only(asked.headers, PROBE_COOKIE)).flatten() else { return };
        app.note_question(word, || {
            let (url, decision) = what();
            ProxyQuestion { peer: asked.received.peer, endpoint: asked.uri.path().to_owned(), url, decision }
        });
    }
}

/// Whether a name, in whatever spelling, is one of the caller's.
fn is_named(caller: &KnownCaller, name: &str) -> bool {
    match Identity::parse(name) {
        Identity::Email(address) => {
            caller.person.email.as_ref().is_some_and(|email| email.address.canonical() == address.canonical())
        }
        Identity::Username(name) => caller.person.username.as_ref() == Some(&name),
        Identity::Phone(_) | Identity::Nobody => false,
    }
}

/// Decides by a rule that asks who makes the request.
fn decide(matched: MatchedRule<'_>, who: Who, host: &Host) -> Verdict {
    let caller = match who {
        Who::Known(caller) => caller,
        Who::Nobody => return Verdict::NeedsLogin { basic: matched.rule.terms.basic },
        Who::Bad => return Verdict::BadCredential,
    };
    if !caller.grant.opens_host(host) {
        return Verdict::Refused;
    }
    match judge(matched, Some(&caller.at_door().visitor)) {
        // Whoever must have a second factor does nothing before it is set up.
        AccessDecision::LetIn(_) if caller.lacks_second_factor => Verdict::NeedsSecondFactor,
        decision => verdict_of(decision, Some(caller)),
    }
}

fn verdict_of(decision: AccessDecision, caller: Option<Arc<KnownCaller>>) -> Verdict {
    match decision {
        AccessDecision::LetIn(_) => Verdict::LetIn(caller),
        AccessDecision::NeedsLogin(_) => Verdict::NeedsLogin { basic: false },
        AccessDecision::NeedsSecondFactor(_) => Verdict::NeedsSecondFactor,
        AccessDecision::NotAllowed(_) | AccessDecision::NoRule | AccessDecision::Doubt(_) => Verdict::Refused,
    }
}
