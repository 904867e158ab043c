//! `[throttle]`: the rate limits.

use serde::{Deserialize, Serialize};

use crate::base::{HOUR, MINUTE};
use crate::config::Rate;

/// `[throttle]`
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Throttle {
    /// Whether rate limits are applied.
    pub enabled: bool,
    /// Wrong passwords for one name, and for one account by whatever name.
    pub name: Rate,
    /// Wrong passwords from a browser that the owner logged in with before.
    pub device: Rate,
    /// Wrong passwords from one network: an IPv4 address, or an IPv6 /64.
    pub network: Rate,
    /// Wrong passwords from one IPv6 /48.
    pub wide_network: Rate,
    /// Wrong passwords from everybody together, except from known browsers.
    /// Whoever comes when it is empty waits for a while.
    pub everybody: Rate,
    /// The share of networks that have hardly failed, while `everybody` is empty.
    pub reserve: Rate,
    /// Requests from one network that may lead to a mail: register, resend, forgot.
    pub mail_network: Rate,
    /// The same from one IPv6 /48.
    pub mail_wide_network: Rate,
    /// Mails requested by somebody who is not logged in, over all accounts; and, counted separately, over all addresses
    /// without an account. What is beyond it is mailed later.
    pub mail_everybody: Rate,
    /// Mails of one purpose to one address that is not the account's own, or that somebody requested
    /// without being logged in. One an hour goes on for ever, because greylisting and spam filters lose
    /// some, and an owner who asks again must get one.
    pub mail_address: Rate,
    /// Mails to log in by, to one address: as often as such a mail lives, so
    /// that strangers leave its owner one that is valid.
    pub mail_logins: Rate,
    /// Mails to addresses that are not the account's own, caused by one account.
    pub mail_by_account: Rate,
    /// Codes by mail to one account.
    pub code_account: Rate,
    /// Codes by text message to one account.
    pub text_account: Rate,
    /// Invalid links, tried from one network.
    pub link_network: Rate,
    /// Wrong codes of a second factor for one account; and, counted separately,
    /// wrong digits of those that were mailed to log in.
    pub second_factor: Rate,
    /// Changes that one account makes; counted separately, those for which it gives its password.
    pub acts: Rate,
    /// Changes that one administrator makes for others, by page or API. The command line has no limit.
    pub admin_acts: Rate,
    /// Successful logins to one account; counted separately, those from one known browser.
    pub logins: Rate,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            enabled: true,
            name: Rate::new(10, 15 * MINUTE),
            device: Rate::new(10, 5 * MINUTE),
            network: Rate::new(30, MINUTE),
            wide_network: Rate::new(120, 20),
            everybody: Rate::new(1000, 2),
            reserve: Rate::new(50, 1),
            mail_network: Rate::new(20, 3 * MINUTE),
            mail_wide_network: Rate::new(60, MINUTE),
            mail_everybody: Rate::new(300, 10),
            mail_address: Rate::new(5, HOUR),
            mail_logins: Rate::new(5, 10 * MINUTE),
            mail_by_account: Rate::new(10, HOUR),
            code_account: Rate::new(10, 5 * MINUTE),
            text_account: Rate::new(10, 15 * MINUTE),
            link_network: Rate::new(60, 10),
            second_factor: Rate::new(10, 5 * MINUTE),
            acts: Rate::new(60, MINUTE),
            admin_acts: Rate::new(1000, 1),
            logins: Rate::new(60, MINUTE),
        }
    }
}
