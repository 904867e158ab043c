//! Whoever sends a request, as far as it says.

use crate::audit::Source;
use crate::base::{AccountId, is_hidden};

/// Who asks, and with what: for the list of sessions, the audit log and the limits on tries.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// The network address.
    pub network: String,
    /// The browser or program, as it calls itself; at most 200 characters are kept.
    pub agent: String,
    /// The cookie by which it shows who logged in with it before; it is read where it is judged.
    pub device: String,
    /// The cookie by which it shows whose trust it has; it is read where it is judged.
    pub trust: String,
}

impl Client {
    const MAX_AGENT_CHARS: usize = 200;

    /// Takes what the request says.
    #[must_use]
    pub fn new(network: String, agent: &str, device: &str) -> Self {
        let agent = agent.chars().filter(|c| !is_hidden(*c)).take(Self::MAX_AGENT_CHARS).collect();
        Self { network, agent, device: device.to_owned(), trust: String::new() }
    }

    /// With the cookie of a trusted browser.
    #[must_use]
    pub fn trusted_by(self, trust: &str) -> Self {
        Self { trust: trust.to_owned(), ..self }
    }

    /// Its user as somebody who has not proved who they are.
    #[must_use]
    pub fn anyone(&self) -> Source {
        Source::anyone(&self.network)
    }

    /// Its user as the owner of an account.
    #[must_use]
    pub fn owner_of(&self, account: AccountId) -> Source {
        Source::account(account, &self.network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_calls_itself_is_kept_without_what_nobody_sees() {
        let agent = |text: &str| Client::new(String::new(), text, "").agent;
        assert_eq!(agent("Fire\u{202e}fox\u{200b}/1.0\n\u{e0041}"), "Firefox/1.0");
        assert_eq!(agent(&"x".repeat(300)).len(), 200);
    }
}
