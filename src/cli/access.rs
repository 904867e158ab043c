//! `gatelodge access`: who may use the applications behind the reverse proxy.

use std::net::IpAddr;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::admin::Command;
use crate::admin::answers::AccountInDetail;
use crate::admin::command::Named;
use crate::base::GroupName;
use crate::cli::out::say;
use crate::config::{Config, RuleSettings};
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
    /// and second factors are those of the account now, and the login is taken to be with all of them.
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
    decision: AccessDecision,
    reason: String,
}

impl Access {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let Self::Check(check) = self;
        let config = common.config()?;
        let account = check.user.clone().map(|user| account(&config, user)).transpose()?;
        let finding = check.decide(&config, account.as_ref());
        let rule = finding.decision.rule().and_then(|number| Some((number, config.access.rules.get(number - 1)?)));
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
        if finding.decision.lets_in() {
            if !common.json {
                say!("let in: {}", finding.reason);
            }
            return Ok(());
        }
        let exit = Exit::failed(format!("not let in: {}", finding.reason));
        Err(match hint(finding.decision) {
            Some(hint) => exit.with_hint(hint),
            None => exit,
        })
    }
}

/// Asks whoever has the store for the account.
fn account(config: &Config, user: String) -> Result<AccountInDetail, Exit> {
    carry_out(config.clone(), Command::UserShow(Named { user }))
}

impl Check {
    fn decide(&self, config: &Config, account: Option<&AccountInDetail>) -> Finding {
        let who = account.filter(|found| found.account.disabled_at.is_none()).map(visitor);
        let url = OriginalUrl::parse(&self.url);
        let shown = url.as_ref().ok().map(ToString::to_string);
        let decision = match self.request(url) {
            Ok(request) => decide(&config.access.rules(), &request, who.as_ref()),
            Err(doubt) => AccessDecision::Doubt(doubt),
        };
        let rule = decision.rule().and_then(|number| config.access.rules.get(number - 1));
        Finding { url: shown, decision, reason: reason(decision, rule, account) }
    }

    fn request(&self, url: Result<OriginalUrl, Doubt>) -> Result<OriginalRequest, Doubt> {
        Ok(OriginalRequest { url: url?, method: RequestMethod::parse(&self.method)?, client: self.from })
    }
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

fn reason(decision: AccessDecision, rule: Option<&RuleSettings>, account: Option<&AccountInDetail>) -> String {
    let is_for_anyone = rule.is_some_and(|rule| rule.allow == Some(Allow::Anyone));
    let is_for_nobody = rule.is_some_and(|rule| rule.allow == Some(Allow::Nobody));
    let is_disabled = account.is_some_and(|found| found.account.disabled_at.is_some());
    match decision {
        AccessDecision::LetIn(number) if is_for_anyone => format!("rule {number} lets everybody in"),
        AccessDecision::LetIn(number) => format!("rule {number} lets this visitor in"),
        AccessDecision::NeedsLogin(number) if is_disabled => {
            format!("rule {number} asks for a login, and the account is disabled")
        }
        AccessDecision::NeedsLogin(number) => format!("rule {number} asks for a login"),
        AccessDecision::NeedsSecondFactor(number) => {
            format!("rule {number} asks for a second factor, and the account has none")
        }
        AccessDecision::NotAllowed(number) if is_for_nobody => format!("rule {number} lets nobody in"),
        AccessDecision::NotAllowed(number) => {
            format!("rule {number} names neither the visitor nor one of the visitor's groups")
        }
        AccessDecision::NoRule => "no rule is for this request".to_owned(),
        AccessDecision::Doubt(doubt) => doubt.to_string(),
    }
}

const fn hint(decision: AccessDecision) -> Option<&'static str> {
    match decision {
        AccessDecision::NoRule => Some("where no rule of [[access.rules]] matches, nobody is let in"),
        AccessDecision::Doubt(Doubt::NotAUrl | Doubt::Scheme) => Some("write it like https://wiki.example.org/page"),
        AccessDecision::Doubt(Doubt::Method) => Some("write it like --method GET"),
        _ => None,
    }
}

const fn word(decision: AccessDecision) -> &'static str {
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
        "let_in": finding.decision.lets_in(),
        "decision": word(finding.decision),
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
