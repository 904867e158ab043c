//! The client that sends a request, as far as it can be known.

use std::net::IpAddr;

use crate::audit::Source;
use crate::base::{AccountId, is_hidden};

/// A client: for the list of sessions, the audit log and the rate limits.
#[derive(Clone, Debug)]
pub struct Client {
    /// The network address.
    pub network: IpAddr,
    /// The browser or program, as it calls itself; at most 200 characters are kept.
    pub agent: String,
    /// The cookie of known browsers, which shows who logged in with it before; it is verified where it is judged.
    pub device: String,
    /// The cookie of a trusted browser; it is verified where it is judged.
    pub trust: String,
}

impl Client {
    /// Characters kept of a client's name for itself.
    const MAX_AGENT_CHARS: usize = 200;

    /// Makes a client from what the request says.
    #[must_use]
    pub fn new(network: IpAddr, agent: &str, device: &str) -> Self {
        // The text is the client's own and is shown to people: what nobody sees could reverse the text beside it, or
        // end its line.
        let agent = agent.chars().filter(|c| !is_hidden(*c)).take(Self::MAX_AGENT_CHARS).collect();
        Self { network, agent, device: device.to_owned(), trust: String::new() }
    }

    /// Makes a client of which nothing is known but where it is.
    #[must_use]
    pub fn at(network: IpAddr) -> Self {
        Self::new(network, "", "")
    }

    /// Adds the cookie of a trusted browser.
    #[must_use]
    pub fn trusted_by(self, trust: &str) -> Self {
        Self { trust: trust.to_owned(), ..self }
    }

    /// The client's user as somebody who has not proved who they are, for the audit log.
    #[must_use]
    pub fn anyone(&self) -> Source {
        Source::anyone(&self.network.to_string())
    }

    /// The client's user as the owner of an account, for the audit log.
    #[must_use]
    pub fn owner_of(&self, account: AccountId) -> Source {
        Source::account(account, &self.network.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn what_a_browser_calls_itself_is_kept_without_what_nobody_sees() {
        let agent = |text: &str| Client::new(Ipv4Addr::LOCALHOST.into(), text, "").agent;
        assert_eq!(agent("Fire\u{202e}fox\u{200b}/1.0\n\u{e0041}"), "Firefox/1.0");
        assert_eq!(agent(&"x".repeat(300)).len(), 200);
    }
}
