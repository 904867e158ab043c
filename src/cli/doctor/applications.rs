//! The applications behind the reverse proxy, as somebody who is not logged in finds them (forward auth): whether it
//! asks about them, about what was visited, and does what it is told; and whether people can log in.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::admin::Command;
use crate::admin::answers::Probed;
use crate::base::{BUILD_DATE, Clock};
use crate::cli::system_clock::SystemClock;
use crate::config::{AccessDomain, Config, CookieDomain, RuleSettings};
use crate::crypto::base64url;
use crate::gate::{
    AccessDecision, AccessRules, Allow, Host, HostPattern, OriginalRequest, OriginalUrl, RequestMethod, Scheme, decide,
};
use crate::web::PROBE_COOKIE;

use super::asking::ask;
use super::findings::Findings;
use super::judging::{FORWARD_AUTH, judge, tls_in_front};
use super::visit::{ANSWERED_BY_TLS, Answer, Visit};

/// The most applications that are visited.
const MAX_VISITED: usize = 20;
/// When no further visit begins: names that nobody answers to take ten seconds each.
const TIME_FOR_VISITS: Duration = Duration::from_mins(1);

pub(super) fn look(config: &Config, at: Option<IpAddr>, findings: &mut Findings) {
    let access = &config.access;
    if access.rules.is_empty() {
        return;
    }
    for hosts in hosts_without_cookie(config).into_iter().take(MAX_VISITED) {
        findings.wrong(
            FORWARD_AUTH,
            format!("cookie domain: a rule asks for a login at {hosts}, below no cookie of access.domains: nobody stays logged in there"),
            "give it an entry of its own in access.domains, with a portal below the same domain",
        );
    }
    if config.proxy.trusted.is_empty() {
        return findings.wrong(
            FORWARD_AUTH,
            "missing header: there are access rules, and proxy.trusted names no proxy: whatever one says is refused",
            "write the proxy's network into [proxy]: trusted = [\"127.0.0.1/32\"]",
        );
    }
    let (visitor, began) = (Visitor { config, at }, Instant::now());
    for domain in &access.domains {
        if let (Some(cookie), Some(url)) = (&domain.cookie, &domain.url)
            && let Err(reason) = visitor.portal(cookie, url.origin(), findings)
        {
            findings.note(
                FORWARD_AUTH,
                format!("{url}: not looked at: {reason}"),
                "--at ADDRESS visits the proxy there",
            );
        }
    }
    let rules = access.rules();
    let hosts = named_hosts(config);
    let pages = hosts.into_iter().filter_map(|host| first_page(config, &rules, host));
    for (number, page) in pages.enumerate() {
        if number == MAX_VISITED || began.elapsed() > TIME_FOR_VISITS {
            findings.note(FORWARD_AUTH, format!("{} and what follows: not visited any more", page.return_to()), "");
            break;
        }
        if let Err(reason) = visitor.application(&page, findings) {
            let said = format!("{}: not looked at: {reason}", page.return_to());
            findings.note(FORWARD_AUTH, said, "--at ADDRESS visits the proxy there");
        }
    }
}

/// Lists the hosts of rules that ask for a login, below no domain that has a cookie.
fn hosts_without_cookie(config: &Config) -> BTreeSet<&HostPattern> {
    let asks = |rule: &&RuleSettings| matches!(rule.allow, Some(Allow::LoggedIn | Allow::SecondFactor));
    let hosts = config.access.rules.iter().filter(asks).flat_map(|rule| &rule.hosts);
    hosts.filter(|hosts| config.access.domain_of(hosts.host()).is_none()).collect()
}

/// Lists the hosts that rules name, each once, in their order; without those where people log in.
fn named_hosts(config: &Config) -> Vec<&Host> {
    let mut seen: BTreeSet<&Host> =
        config.access.domains.iter().filter_map(|domain| Some(domain.url.as_ref()?.host())).collect();
    let hosts = config.access.rules.iter().flat_map(|rule| &rule.hosts).filter(|hosts| !hosts.is_below());
    hosts.map(HostPattern::host).filter(|host| seen.insert(host)).collect()
}

/// Returns the first page of a host for which the rules ask whoever comes for a login. It is looked for by the scheme
/// and at the port of the domain's portal: the same proxy stands before both.
fn first_page(config: &Config, rules: &AccessRules, host: &Host) -> Option<OriginalUrl> {
    let access = &config.access;
    let domain: &AccessDomain = access.domain_of(host).or(access.domains.first())?;
    let portal = OriginalUrl::parse(domain.url.as_ref()?.origin()).ok()?;
    let authority = format!("{host}:{}", portal.port());
    let for_host = access.rules.iter().filter(|rule| rule.hosts.iter().any(|hosts| hosts.matches(host)));
    let mut paths = for_host.flat_map(|rule| {
        let everything = rule.paths.is_empty().then_some("/");
        rule.paths.iter().map(|path| path.path()).chain(everything)
    });
    paths.find_map(|path| {
        let url = OriginalUrl::from_parts(portal.scheme().as_str(), &authority, path).ok()?;
        let request = OriginalRequest { url, method: RequestMethod::parse("GET").ok()?, client: None };
        matches!(decide(rules, &request, None), AccessDecision::NeedsLogin(_)).then_some(request.url)
    })
}

/// Somebody with a browser, who is not logged in.
struct Visitor<'a> {
    config: &'a Config,
    /// The address of the proxy, in place of those that names lead to.
    at: Option<IpAddr>,
}

impl Visitor<'_> {
    fn get(&self, url: &OriginalUrl, word: &str) -> Result<Answer, String> {
        let visit = Visit {
            host: url.host().as_str(),
            port: url.port(),
            is_https: url.scheme() == Scheme::Https,
            at: self.at,
            now: SystemClock.now().max(BUILD_DATE),
        };
        let headers = format!("Accept: text/html\r\nCookie: {PROBE_COOKIE}={word}\r\n");
        visit.get(url.target(), &headers)
    }

    /// Has the service expect a word.
    fn expect(&self) -> Result<String, String> {
        let word = base64url(&SystemClock.seed()[..16]);
        ask::<()>(self.config, &Command::ProbeExpect { word: word.clone() }).map(|()| word)
    }

    /// Asks the service what came of the word.
    fn take(&self) -> Result<Probed, String> {
        ask(self.config, &Command::ProbeTake)
    }

    fn application(&self, page: &OriginalUrl, findings: &mut Findings) -> Result<(), String> {
        let word = self.expect()?;
        let answer = self.get(page, &word)?;
        judge(self.config, page, &answer, self.take()?.question.as_ref(), findings);
        Ok(())
    }

    /// Looks at the page where people log in, and at the cookie that they get there.
    fn portal(&self, cookie: &CookieDomain, origin: &str, findings: &mut Findings) -> Result<(), String> {
        let page = |target: &str| OriginalUrl::parse(&format!("{origin}{target}")).map_err(|doubt| doubt.to_string());
        let word = self.expect()?;
        let login = match self.get(&page("/login")?, &word) {
            Err(reason) if reason == ANSWERED_BY_TLS => {
                tls_in_front(self.config, &format!("{origin}: {reason}"), findings);
                return Ok(());
            }
            login => login?,
        };
        let health = self.get(&page(&format!("/healthz?probe={word}"))?, &word)?;
        let Probed { arrival, question } = self.take()?;
        let leads_to_login = login.location().is_some_and(|place| place.ends_with("/login"));
        match (question, arrival) {
            (Some(_), _) => findings.wrong(
                FORWARD_AUTH,
                format!("the portal behind itself: the proxy asks about {origin}, where people log in"),
                "leave the portal out of the check: it has a block, router or virtual host of its own",
            ),
            (None, None) if login.status >= 500 || leads_to_login => tls_in_front(
                self.config,
                &format!("{origin}/login answers {}, and nothing arrives here", login.status),
                findings,
            ),
            (None, None) => findings.wrong(
                FORWARD_AUTH,
                format!("{origin} leads to something else than this server (it answered {})", login.status),
                "see where the name points, and what the proxy passes on",
            ),
            (None, Some(_)) if login.status != 200 => findings.wrong(
                FORWARD_AUTH,
                format!("{origin}/login answers {} in place of the page to log in", login.status),
                "421: name the proxy in proxy.trusted; else the log says why",
            ),
            (None, Some(_)) => match cookie_trouble(&health, &word, cookie) {
                None => findings.good(FORWARD_AUTH, format!("{origin} is where people log in, for all of {cookie}")),
                Some(trouble) => findings.wrong(
                    FORWARD_AUTH,
                    format!("cookie domain: {origin} sets a cookie for {cookie}, and {trouble}"),
                    "the proxy rewrites Set-Cookie (nginx: proxy_cookie_domain, proxy_hide_header)",
                ),
            },
        }
        Ok(())
    }
}

/// Says what became of the cookie for all hosts of a domain, if a browser would not send it there.
fn cookie_trouble(answer: &Answer, word: &str, cookie: &CookieDomain) -> Option<String> {
    let domain_of = |line: &&str| {
        let attributes = line.split(';').map(|part| part.trim().to_ascii_lowercase());
        attributes.filter_map(|part| part.strip_prefix("domain=").map(str::to_owned)).next_back()
    };
    let is_for = |line: &&str| domain_of(line).is_some_and(|domain| domain.trim_start_matches('.') == cookie.as_str());
    let ours: Vec<&str> = answer.headers("set-cookie").filter(|line| line.contains(word)).collect();
    if ours.iter().any(is_for) {
        return None;
    }
    Some(
        ours.iter()
            .find_map(domain_of)
            .map_or_else(|| "it does not arrive".to_owned(), |domain| format!("it arrives for {domain}")),
    )
}
