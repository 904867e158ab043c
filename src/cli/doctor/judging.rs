//! What a visit to an application tells of the reverse proxy before it, beside what the proxy asked meanwhile.

use crate::app::{ProxyDecision, ProxyQuestion};
use crate::config::{Config, TlsMode};
use crate::gate::OriginalUrl;

use super::address::trusting;
use super::findings::Findings;
use super::visit::Answer;

/// What findings about it are headed by.
pub(super) const FORWARD_AUTH: &str = "forward auth";

/// Judges a visit without a login to a page for which the rules ask for one.
pub(super) fn judge(
    config: &Config,
    page: &OriginalUrl,
    answer: &Answer,
    question: Option<&ProxyQuestion>,
    findings: &mut Findings,
) {
    let (url, status) = (page.return_to(), answer.status);
    let Some(ProxyQuestion { peer, endpoint, url: asked, decision }) = question else {
        return not_asked(config, &url, answer, findings);
    };
    let asked = match asked {
        Ok(asked) => asked,
        Err(_) if !config.proxy.trusted.iter().any(|network| network.contains(peer)) => {
            return findings.wrong(
                FORWARD_AUTH,
                format!("missing header: {url}: the proxy asks from {peer}, and is not believed"),
                trusting(*peer),
            );
        }
        Err(reason) => {
            return findings.wrong(
                FORWARD_AUTH,
                format!("missing header: {url}: {reason}"),
                format!("docs/reverse-proxies.md tells what {endpoint} needs"),
            );
        }
    };
    if *asked != url {
        return asked_about_another(page, asked, findings);
    }
    match decision {
        ProxyDecision::LetIn => findings.good(FORWARD_AUTH, format!("{url}: the proxy asks, and lets this machine in")),
        _ if (200..300).contains(&status) => findings.wrong(
            FORWARD_AUTH,
            format!("{url}: the proxy asks, is told that nobody gets in without a login, and answers {status}"),
            "have it let in only where the answer is 2xx (docs/reverse-proxies.md)",
        ),
        ProxyDecision::Refused => findings.note(
            FORWARD_AUTH,
            format!("{url}: the proxy asks, and this machine is refused"),
            "a rule for its network, or the service has other rules than the file: gatelodge access check",
        ),
        ProxyDecision::NeedsLogin if leads_to_login(config, answer) => {
            findings.good(FORWARD_AUTH, format!("{url}: the proxy asks, and leads to the login"));
        }
        ProxyDecision::NeedsLogin => findings.wrong(
            FORWARD_AUTH,
            format!("{url}: the proxy asks at {endpoint}, and answers {status} in place of the way to the login"),
            "nginx asks at /api/authz/auth-request, and needs error_page 401 =302 $redirection_url",
        ),
    }
}

/// Judges an application about which nothing was asked, as far as the service can tell.
fn not_asked(config: &Config, url: &str, answer: &Answer, findings: &mut Findings) {
    let status = answer.status;
    // A port that only leads to HTTPS refuses whatever a proxy asks there.
    let only_redirects = config.tls.mode != TlsMode::Off && !config.listen.http.is_empty();
    let is_out_of_reach = (500..=504).contains(&status) || only_redirects && status == 403;
    match status {
        _ if leads_to_login(config, answer) => findings.wrong(
            FORWARD_AUTH,
            format!("missing header: {url} leads to the login, but the proxy does not pass cookies on when it asks"),
            "have it pass Cookie (Traefik: authRequestHeaders; Envoy: allowed_headers)",
        ),
        _ if is_out_of_reach => {
            tls_in_front(config, &format!("{url} answers {status}, and no question about it arrives"), findings);
        }
        401 | 403 => findings.wrong(
            FORWARD_AUTH,
            format!("missing header: {url} answers {status}, and no question about it arrives with our cookie"),
            "have the proxy pass Cookie on when it asks; its log says who refuses",
        ),
        _ => findings.wrong(
            FORWARD_AUTH,
            format!("the proxy does not ask: {url} answers {status} to somebody who is not logged in"),
            "have the proxy ask about it (docs/reverse-proxies.md), and let nothing but the proxy lead there",
        ),
    }
}

fn asked_about_another(page: &OriginalUrl, asked: &str, findings: &mut Findings) {
    let url = page.return_to();
    let scheme = format!("{}://", page.scheme().as_str());
    let (what, hint) = if !asked.starts_with(&scheme) {
        (
            "wrong scheme",
            "something before the proxy takes TLS off: write the scheme as it is (nginx: https://$host$request_uri), or have the proxy believe that one's X-Forwarded-Proto",
        )
    } else if asked.starts_with(&page.root()) {
        ("wrong path", "have the proxy tell the path as it came (nginx: $request_uri)")
    } else {
        ("wrong scheme", "have the proxy tell host and port as browsers ask for them (nginx: $host:$server_port)")
    };
    findings.wrong(FORWARD_AUTH, format!("{what}: {url} was visited, and the proxy asks about {asked}"), hint);
}

/// Finds that the proxy does not reach the service, or in a way that it does not speak there.
pub(super) fn tls_in_front(config: &Config, said: &str, findings: &mut Findings) {
    let hint = if config.tls.mode == TlsMode::Off {
        "have the proxy reach an address of listen.http by http://; its log says what it tried"
    } else {
        "set tls.mode = \"off\" and have the proxy reach an address of listen.http by http://; or have it use https://, and trust the certificate"
    };
    findings.wrong(FORWARD_AUTH, format!("TLS in front: {said}"), hint);
}

/// Whether an answer leads to where people log in, and back.
fn leads_to_login(config: &Config, answer: &Answer) -> bool {
    let portal = config.access.domains.iter().find_map(|domain| domain.url.as_ref());
    let login = format!("{}/login?", portal.map_or(config.site.url.origin(), |portal| portal.origin()));
    (300..400).contains(&answer.status) && answer.location().is_some_and(|place| place.starts_with(&login))
}
