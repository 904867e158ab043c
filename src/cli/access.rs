//! `gatelodge access`: who may use the applications behind the reverse proxy.

use std::net::IpAddr;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::admin::Command;
use crate::admin::answers::AccountInDetail;
use crate::admin::command::Named;
use crate::base::GroupName;
use crate::cli::out::say;
use crate::config::{Config, PortalUrl, RuleSettings};
use crate::gate::{
    AccessDecision, Allow, Doubt, OriginalRequest, OriginalUrl, ProofKind, RequestMethod, RuleUser, Visitor, decide,
};

use super::common::Common;
use super::offline::carry_out;
use super::{Exit, show};

#[derive(Debug, Subcommand)]
pub(super) enum Access {
    /// Say which access rule decides about a request, and why; exit 0 if it lets the visitor in, else 1.
    ///
    /// The rules are those of the configuration file, [[access.rules]], counted from 1: the first that matches decides.
    /// Without --as the visitor is somebody who is not logged in, and nothing but the file is read. With it, the groups
    /// and second factors are those of the account now, and the login is taken to be with all of them. Where it is not
    /// known who USER is, the exit status is 2: it is neither yes nor no.
    Check(Check),
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The URL, percent-encoded as browsers copy it. Quote it if it has a query.
    url: String,
    /// The visitor, logged in: id, address or user name.
    #[arg(long = "as", value_name = "USER")]
    user: Option<String>,
    /// The visitor's address. Without it no rule with `networks` matches.
    #[arg(long, value_name = "IP")]
    from: Option<IpAddr>,
    /// The request's method, in capital letters.
    #[arg(long, value_name = "METHOD", default_value = "GET")]
    method: String,
}

/// What is made of a request.
struct Finding {
    /// The URL in its canonical form, if it is one.
    url: Option<String>,
    outcome: Outcome,
    reason: String,
    hint: Option<String>,
}

/// What the endpoints for proxies answer.
#[derive(Clone, Copy)]
enum Outcome {
    /// What the rules make of the request.
    Decided(AccessDecision),
    /// A refusal, because the rule with this number asks people to log in where they are asked already.
    Portal(usize),
}

impl Outcome {
    const fn rule(self) -> Option<usize> {
        match self {
            Self::Decided(decision) => decision.rule(),
            Self::Portal(number) => Some(number),
        }
    }

    const fn lets_in(self) -> bool {
        matches!(self, Self::Decided(decision) if decision.lets_in())
    }
}

impl Access {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let Self::Check(check) = self;
        let config = common.config()?;
        let account = check.user.clone().map(|user| account(&config, user)).transpose()?;
        let finding = check.decide(&config, account.as_ref());
        let rule = finding.outcome.rule().and_then(|number| Some((number, config.access.rules.get(number - 1)?)));
        if common.json {
            show::json(&document(&finding, rule, account.as_ref()))?;
        } else {
            say!("{}", finding.url.as_deref().unwrap_or(&check.url));
            say!(
                "visitor: {}",
                account.as_ref().map_or("not logged in".to_owned(), |found| show::name_of(&found.account))
            );
            if let Some((number, rule)) = rule {
                say!("rule {number}: {}", in_words(rule));
            }
        }
        if finding.outcome.lets_in() {
            if !common.json {
                say!("let in: {}", finding.reason);
            }
            return Ok(());
        }
        let exit = Exit::failed(format!("not let in: {}", finding.reason));
        Err(match finding.hint {
            Some(hint) => exit.with_hint(hint),
            None => exit,
        })
    }
}

/// Asks whoever has the store for the account.
fn account(config: &Config, user: String) -> Result<AccountInDetail, Exit> {
    carry_out(config.clone(), Command::UserShow(Named { user })).map_err(Exit::instead_of_an_answer)
}

impl Check {
    fn decide(&self, config: &Config, account: Option<&AccountInDetail>) -> Finding {
        let who = account.filter(|found| found.account.disabled_at.is_none()).map(visitor);
        let url = OriginalUrl::parse(&self.url);
        let shown = url.as_ref().ok().map(ToString::to_string);
        let is_portal = url.as_ref().is_ok_and(|url| portals(config).any(|portal| portal.host() == url.host()));
        let decision = match self.request(url) {
            Ok(request) => decide(&config.access.rules(), &request, who.as_ref()),
            Err(doubt) => AccessDecision::Doubt(doubt),
        };
        let rule = decision.rule().and_then(|number| config.access.rules.get(number - 1));
        let asks = rule.is_some_and(|rule| rule.allow != Some(Allow::Anyone));
        let lacks_factor =
            who.as_ref().is_some_and(|who| !who.has_second_factor && config.second_factor.is_required_for(&who.groups));
        let outcome = match decision {
            AccessDecision::LetIn(number)
            | AccessDecision::NeedsLogin(number)
            | AccessDecision::NeedsSecondFactor(number)
                if is_portal && asks =>
            {
                Outcome::Portal(number)
            }
            // Whoever must have a second factor does nothing before it is set up.
            AccessDecision::LetIn(number) if asks && lacks_factor => {
                Outcome::Decided(AccessDecision::NeedsSecondFactor(number))
            }
            decision => Outcome::Decided(decision),
        };
        let case = Case { rule, account, must_have_factor: decision.lets_in() && lacks_factor };
        let reason = match outcome {
            Outcome::Decided(decision) => case.reason(decision),
            Outcome::Portal(number) => {
                format!("rule {number} asks for a login at the host where people log in, which would lead in a circle")
            }
        };
        let hint = match outcome {
            Outcome::Portal(_) => Some(LEAVE_PORTAL_OUT.to_owned()),
            Outcome::Decided(AccessDecision::NoRule) if is_portal => Some(LEAVE_PORTAL_OUT.to_owned()),
            Outcome::Decided(decision) => case.hint(decision, config),
        };
        Finding { url: shown, outcome, reason, hint }
    }

    fn request(&self, url: Result<OriginalUrl, Doubt>) -> Result<OriginalRequest, Doubt> {
        Ok(OriginalRequest { url: url?, method: RequestMethod::parse(&self.method)?, client: self.from })
    }
}

const LEAVE_PORTAL_OUT: &str =
    "leave this host out of the proxy's check, or have a rule with allow = \"anyone\" for it";

/// Returns where people log in for applications, the first of all before the others.
fn portals(config: &Config) -> impl Iterator<Item = &PortalUrl> {
    config.access.domains.iter().filter_map(|domain| domain.url.as_ref())
}

/// Takes somebody to be logged in with all the factors that they have.
fn visitor(found: &AccountInDetail) -> Visitor {
    let names = [&found.account.username, &found.account.email].into_iter().flatten().cloned();
    Visitor {
        names: names.filter_map(|name| RuleUser::try_from(name).ok()).collect(),
        groups: found.account.groups.iter().filter_map(|name| GroupName::parse(name).ok()).collect(),
        has_second_factor: !found.second_factors.is_empty(),
        proof: ProofKind::Session,
    }
}

/// A decision's circumstances, for its explanation.
struct Case<'a> {
    rule: Option<&'a RuleSettings>,
    account: Option<&'a AccountInDetail>,
    /// Whether the rule would do without the second factor that the account must have.
    must_have_factor: bool,
}

impl Case<'_> {
    fn allows(&self, allow: Allow) -> bool {
        self.rule.is_some_and(|rule| rule.allow == Some(allow))
    }

    fn is_disabled(&self) -> bool {
        self.account.is_some_and(|found| found.account.disabled_at.is_some())
    }

    fn reason(&self, decision: AccessDecision) -> String {
        match decision {
            AccessDecision::LetIn(number) if self.allows(Allow::Anyone) => format!("rule {number} lets everybody in"),
            AccessDecision::LetIn(number) => format!("rule {number} lets this visitor in"),
            AccessDecision::NeedsLogin(number) if self.is_disabled() => {
                format!("rule {number} asks for a login, and the account is disabled")
            }
            AccessDecision::NeedsLogin(number) => format!("rule {number} asks for a login"),
            AccessDecision::NeedsSecondFactor(number) if self.must_have_factor => {
                format!(
                    "rule {number} asks for a login, and the account has no second factor, which its groups require"
                )
            }
            AccessDecision::NeedsSecondFactor(number) => {
                format!("rule {number} asks for a second factor, and the account has none")
            }
            AccessDecision::NotAllowed(number) if self.allows(Allow::Nobody) => {
                format!("rule {number} lets nobody in")
            }
            AccessDecision::NotAllowed(number) => {
                format!("rule {number} names neither the visitor nor one of the visitor's groups")
            }
            AccessDecision::NoRule => "no rule is for this request".to_owned(),
            AccessDecision::Doubt(doubt) => doubt.to_string(),
        }
    }

    fn hint(&self, decision: AccessDecision, config: &Config) -> Option<String> {
        let said = match decision {
            AccessDecision::LetIn(_) => return None,
            AccessDecision::NeedsLogin(_) if self.is_disabled() => "`gatelodge user enable USER` opens the account",
            AccessDecision::NeedsLogin(_) => "--as USER says what becomes of somebody who is logged in",
            AccessDecision::NeedsSecondFactor(_) => {
                let site = portals(config).next().map_or(config.site.url.origin(), PortalUrl::origin);
                return Some(format!("it is set up at {site}/account/second-factor, where the browser is led"));
            }
            AccessDecision::NotAllowed(_) if self.allows(Allow::Nobody) => {
                "the first rule that matches decides: put one that lets somebody in before it"
            }
            AccessDecision::NotAllowed(_) => {
                "add the account to one of the groups with `gatelodge user group add USER GROUP`, or to the rule's users"
            }
            AccessDecision::NoRule => "where no rule of [[access.rules]] matches, nobody is let in",
            AccessDecision::Doubt(doubt) => hint_about(doubt)?,
        };
        Some(said.to_owned())
    }
}

const fn hint_about(doubt: Doubt) -> Option<&'static str> {
    Some(match doubt {
        Doubt::NotAUrl | Doubt::Scheme | Doubt::NoHost | Doubt::Host | Doubt::Port => {
            "write it like https://wiki.example.org/page"
        }
        Doubt::PlainHttp => {
            "browsers are let in by https:// only: have the proxy say https where something in front of it ends TLS"
        }
        Doubt::Fragment => "leave out the # and what follows",
        Doubt::UserInfo => "leave out what stands before the @",
        Doubt::ControlCharacter | Doubt::Whitespace | Doubt::NotAscii => {
            "copy it from the browser's address bar: a blank is %20"
        }
        Doubt::MalformedEncoding => "a percent sign itself is written %25",
        Doubt::Method => "write it like --method GET",
        Doubt::Ambiguous | Doubt::DotSegments | Doubt::TooManyReadings => {
            "ask for the path as browsers send it, without `..`, `//` and `%2F`"
        }
        Doubt::TooLong | Doubt::Backslash | Doubt::NotUtf8 | Doubt::EncodedTooOften | Doubt::PathParameter => {
            return None;
        }
    })
}

const fn word(outcome: Outcome) -> &'static str {
    let Outcome::Decided(decision) = outcome else { return "portal" };
    match decision {
        AccessDecision::LetIn(_) => "let-in",
        AccessDecision::NeedsLogin(_) => "needs-login",
        AccessDecision::NeedsSecondFactor(_) => "needs-second-factor",
        AccessDecision::NotAllowed(_) => "not-allowed",
        AccessDecision::NoRule => "no-rule",
        AccessDecision::Doubt(_) => "doubt",
    }
}

fn document(finding: &Finding, rule: Option<(usize, &RuleSettings)>, account: Option<&AccountInDetail>) -> Value {
    json!({
        "url": finding.url,
        "let_in": finding.outcome.lets_in(),
        "decision": word(finding.outcome),
        "reason": finding.reason,
        "rule": rule.map(|(number, _)| number),
        "settings": rule.map(|(_, rule)| rule),
        "visitor": account.map(|found| &found.account.id),
    })
}

/// Says what a rule is for, and what it asks for: the keys that it sets.
fn in_words(rule: &RuleSettings) -> String {
    fn listed<T: ToString>(name: &str, items: &[T]) -> Option<String> {
        let items: Vec<String> = items.iter().map(ToString::to_string).collect();
        (!items.is_empty()).then(|| format!("{name} {}", items.join(" ")))
    }
    let parts = [
        listed("hosts", &rule.hosts),
        listed("paths", &rule.paths),
        rule.pattern.as_ref().map(|pattern| format!("pattern {}", pattern.as_str())),
        listed("methods", &rule.methods),
        listed("networks", &rule.networks),
        rule.allow.map(|allow| format!("allow {}", allow.as_str())),
        listed("groups", &rule.groups),
        listed("users", &rule.users),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}
