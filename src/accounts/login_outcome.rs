//! What comes of logging in, by whatever means: named once, and told unchanged to what answers.

use crate::base::Seconds;
use crate::crypto::{Bearer, TokenFault};
use crate::factors::ProofOption;
use crate::sessions::Carrier;

use super::start_session::StartedSession;

/// What a first step that was right leads to.
#[derive(Debug)]
pub enum Passed {
    /// In.
    LoggedIn(Box<StartedSession>),
    /// A second factor is asked for.
    SecondFactorRequired {
        /// The secret of the login that waits, handed out here, once.
        secret: Bearer,
        /// What may be given.
        options: Vec<ProofOption>,
        /// How the session is to be carried.
        carrier: Carrier,
    },
}

/// Why somebody is not logged in. Nobody is told more than these say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LoginRefused {
    /// Unknown, wrong, disabled, not confirmed: which of these does not show.
    InvalidCredentials,
    /// It would be right, but so many logins to the account succeeded of late that this one has to wait so many seconds.
    TooMany(Seconds),
    /// The mailed link does not work.
    BadLink(TokenFault),
    /// Another browser asked for the link, and nobody said that this one is meant.
    OtherBrowser,
    /// The code is wrong, or was used.
    WrongCode,
    /// There is no login that waits for a second step, or not any more: it begins with the first again.
    Over,
    /// This site does not do that.
    NotOffered,
}

/// What came of a first step.
pub type FirstStep = Result<Passed, LoginRefused>;
