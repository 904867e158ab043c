//! `gatelodge doctor` looks at applications through a real nginx: at ones that are well, and at each thing that goes
//! wrong with forward auth.

use crate::doctor::{Found, Proxy};
use crate::process::{Server, configuration, file_mail, free_port};
use crate::store::Folder;

/// A server behind a proxy that asks it about a wiki.
struct House {
    folder: Folder,
    port: u16,
    behind: u16,
    config: String,
    _server: Server,
}

/// How the proxy is set up.
struct Setup {
    /// Where it asks.
    asks: String,
    /// What it says when it asks.
    says: &'static str,
    /// Lines for the wiki.
    wiki: &'static str,
    /// Where it finds the portal, and lines for that.
    portal: String,
}

const FORWARDS: &str = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";
const METHOD: &str = "proxy_set_header X-Original-Method $request_method;";
const URL: &str = "proxy_set_header X-Original-Method $request_method;\
                   proxy_set_header X-Original-URL $scheme://$http_host$request_uri;";
const ASKS: &str = "auth_request /authz; auth_request_set $login $upstream_http_location; error_page 401 =302 $login;";

impl House {
    fn new() -> Self {
        Self::configured("http", "127.0.0.1/32", "")
    }

    /// What listens where the proxy asks is `http`, `https`, or a `redirect` to HTTPS.
    fn configured(listener: &str, trusted: &str, rules: &str) -> Self {
        let (folder, port, behind) = (Folder::new(), free_port(), free_port());
        let tls = if listener == "http" { "[tls]\nmode = \"off\"\n" } else { "" };
        let more = format!(
            "{}{tls}[proxy]\ntrusted = [{trusted:?}]\n[access]\n\
             domains = [{{ cookie = \"home.test\", url = \"https://auth.home.test:{port}\" }}]\n\
             [[access.rules]]\nhosts = [\"wiki.home.test\"]\npaths = [\"/public\"]\nallow = \"anyone\"\n\
             [[access.rules]]\nhosts = [\"wiki.home.test\"]\nallow = \"logged-in\"\n{rules}",
            file_mail(&folder.0)
        );
        let config = configuration(&folder.0, port, &more);
        let text = std::fs::read_to_string(&config).expect("UTF-8");
        let listens = match listener {
            "http" => format!("https = []\nhttp = [\"127.0.0.1:{behind}\"]"),
            "https" => format!("https = [\"127.0.0.1:{behind}\"]\nhttp = []"),
            _ => format!("https = [\"127.0.0.1:{}\"]\nhttp = [\"127.0.0.1:{behind}\"]", free_port()),
        };
        let text = text.replace(&format!("https = [\"127.0.0.1:{port}\"]"), &listens);
        std::fs::write(&config, text.replace("trusted = [\"\"]", "trusted = []")).expect("written");
        let server = Server::start(&["serve", "--config", &config], port);
        Self { folder, port, behind, config, _server: server }
    }

    fn well(&self) -> Setup {
        let there = format!("http://127.0.0.1:{}", self.behind);
        Setup { asks: there.clone(), says: URL, wiki: ASKS, portal: format!("proxy_pass {there};") }
    }

    fn examined(&self, Setup { asks, says, wiki, portal }: Setup) -> Found {
        let Self { port, folder, config, .. } = self;
        let application = format!("unix:{}/wiki.sock", folder.0.display());
        let question = format!(
            "location = /authz {{ internal; proxy_pass {asks}/api/authz/auth-request; proxy_pass_request_body off;\
             proxy_set_header Content-Length \"\"; {says} {FORWARDS} }}"
        );
        let servers = format!(
            "server {{ listen 127.0.0.1:{port} ssl; server_name wiki.home.test; {question}\
             location / {{ {wiki} proxy_pass http://{application}; }} }}\
             server {{ listen {application}; location / {{ return 200 wiki; }} }}"
        );
        let locations = format!("{question} location / {{ proxy_set_header Host $http_host; {FORWARDS} {portal} }}");
        let proxy = Proxy::serving(&folder.0, *port, &locations, &servers);
        let found = Found::by(config, &["--at", "127.0.0.1"]);
        drop(proxy);
        std::fs::remove_file(folder.join("wiki.sock")).expect("nginx made it");
        found
    }
}

/// What an examination blames in each of these: the certificate is of an authority that nobody knows.
const BUT: &[&str] = &["certificate", "forward auth"];

#[test]
fn of_applications_that_are_well_nothing_is_wrong() {
    let house = House::new();
    let found = house.examined(house.well());
    found.blames_nothing_but(&["certificate"]);
    found.says("good", "forward auth", "is where people log in, for all of home.test").says(
        "good",
        "forward auth",
        &format!("https://wiki.home.test:{}/: the proxy asks, and leads", house.port),
    );
}

#[test]
fn a_portal_behind_itself_is_found() {
    let house = House::new();
    let portal = format!("{ASKS}{}", house.well().portal);
    let found = house.examined(Setup { portal, ..house.well() });
    found.says("wrong", "forward auth", "the portal behind itself: the proxy asks about https://auth.home.test");
}

#[test]
fn a_cookie_that_no_application_gets_is_found() {
    let house = House::configured(
        "http",
        "127.0.0.1/32",
        "[[access.rules]]\nhosts = [\"*.office.test\"]\nallow = \"logged-in\"\n",
    );
    let portal = format!("proxy_cookie_domain home.test office.test; {}", house.well().portal);
    let found = house.examined(Setup { portal, ..house.well() });
    found.says("wrong", "forward auth", "sets a cookie for home.test, and it arrives for office.test").says(
        "wrong",
        "forward auth",
        "cookie domain: a rule asks for a login at *.office.test, below no cookie",
    );
    let portal = format!("proxy_hide_header Set-Cookie; {}", house.well().portal);
    let found = house.examined(Setup { portal, ..house.well() });
    found.says("wrong", "forward auth", "and it does not arrive");
}

#[test]
fn a_missing_header_is_found() {
    let house = House::new();
    let found = house.examined(Setup { says: METHOD, ..house.well() });
    found.blames_nothing_but(BUT);
    found.says("wrong", "forward auth", "missing header: https://wiki.home.test").says(
        "wrong",
        "forward auth",
        "the proxy does not send x-original-url docs/reverse-proxies.md tells what /api/authz/auth-request needs",
    );
    let found = house.examined(Setup {
        says: "proxy_set_header Cookie \"\"; proxy_set_header X-Original-Method $request_method;\
               proxy_set_header X-Original-URL $scheme://$http_host$request_uri;",
        ..house.well()
    });
    found.says("wrong", "forward auth", "the proxy does not pass cookies on when it asks");
    let found = house.examined(Setup { wiki: "deny all;", ..house.well() });
    found.says("wrong", "forward auth", "/ answers 403, and no question about it arrives with our cookie");
}

#[test]
fn a_proxy_that_is_not_believed_is_found() {
    let house = House::configured("http", "192.0.2.0/24", "");
    let found = house.examined(house.well());
    found.says("wrong", "forward auth", "the proxy asks from 127.0.0.1, and is not believed").says(
        "wrong",
        "forward auth",
        "add the proxy's network to [proxy]: trusted = [\"127.0.0.1/32\"]",
    );
    let house = House::configured("http", "", "");
    let found = house.examined(house.well());
    found.says("wrong", "forward auth", "there are access rules, and proxy.trusted names no proxy");
}

#[test]
fn tls_where_none_is_spoken_is_found() {
    let house = House::new();
    let there = format!("https://127.0.0.1:{}", house.behind);
    let found = house.examined(Setup { asks: there.clone(), ..house.well() });
    found.blames_nothing_but(BUT);
    found.says("wrong", "forward auth", "TLS in front: https://wiki.home.test").says(
        "wrong",
        "forward auth",
        "/ answers 500, and no question about it arrives have the proxy reach an address of listen.http by http://",
    );
    let found = house.examined(Setup { portal: format!("proxy_pass {there};"), ..house.well() });
    found.says("wrong", "forward auth", "/login answers 502, and nothing arrives here");
}

#[test]
fn plain_http_where_tls_is_spoken_is_found() {
    let house = House::configured("https", "127.0.0.1/32", "");
    house
        .examined(house.well())
        .says("wrong", "forward auth", "/ answers 500, and no question about it arrives set tls.mode = \"off\"")
        .says("wrong", "forward auth", "what answers speaks TLS, and the proxy does not when it passes requests on");

    let house = House::configured("redirect", "127.0.0.1/32", "");
    house
        .examined(house.well())
        .says("wrong", "forward auth", "/ answers 403, and no question about it arrives set tls.mode = \"off\"")
        .says("wrong", "forward auth", "/login answers 308, and nothing arrives here");
}

#[test]
fn another_url_than_the_visitors_is_found() {
    let house = House::new();
    let asked = |url: &'static str| {
        let says = match url {
            "scheme" => {
                "proxy_set_header X-Original-Method GET; proxy_set_header X-Original-URL http://$http_host$request_uri;"
            }
            "port" => {
                "proxy_set_header X-Original-Method GET; proxy_set_header X-Original-URL https://$host$request_uri;"
            }
            _ => {
                "proxy_set_header X-Original-Method GET; proxy_set_header X-Original-URL https://$http_host/elsewhere;"
            }
        };
        house.examined(Setup { says, ..house.well() })
    };
    let visited = format!("https://wiki.home.test:{}/ was visited, and the proxy asks about", house.port);
    asked("scheme").says(
        "wrong",
        "forward auth",
        &format!("wrong scheme: {visited} http://wiki.home.test:{}/ something before", house.port),
    );
    let said = format!("wrong scheme: {visited} https://wiki.home.test/ have the proxy tell host and port");
    asked("port").says("wrong", "forward auth", &said);
    asked("path").says("wrong", "forward auth", &format!("wrong path: {visited}"));
}

#[test]
fn a_proxy_that_does_not_ask_or_does_not_listen_is_found() {
    let house = House::new();
    let found = house.examined(Setup { wiki: "", ..house.well() });
    found.blames_nothing_but(BUT);
    found.says("wrong", "forward auth", "the proxy does not ask: https://wiki.home.test").says(
        "wrong",
        "forward auth",
        "/ answers 200 to somebody who is not logged in",
    );
    let found = house.examined(Setup { wiki: "auth_request /authz;", ..house.well() });
    found.says("wrong", "forward auth", "and answers 401 in place of the way to the login");
    let found = house.examined(Setup { wiki: "auth_request /authz; error_page 401 =200 /authz;", ..house.well() });
    found.says("wrong", "forward auth", "and answers 200 have it let in only where the answer is 2xx");
}

#[test]
fn applications_that_cannot_be_reached_from_here_are_a_note() {
    let house = House::new();
    Found::by(&house.config, &[]).says("note", "forward auth", "https://wiki.home.test");
}
