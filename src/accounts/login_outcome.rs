//! The outcomes of logging in, by whatever means: named once, and passed on unchanged to what answers.

use crate::base::Seconds;
use crate::crypto::{Bearer, TokenFault};
use crate::factors::ProofOption;
use crate::sessions::Carrier;

use super::start_session::StartedSession;

/// The outcome of a first step that was right.
#[derive(Debug)]
pub enum Passed {
    /// A session has started.
    LoggedIn(Box<StartedSession>),
    /// A second factor is needed.
    SecondFactorRequired {
        /// The secret of the pending login, handed out here, once.
        secret: Bearer,
        /// The kinds of proof that may be given.
        options: Vec<ProofOption>,
        /// The way in which the session is to be carried.
        carrier: Carrier,
    },
}

/// The reason for refusing a login, which is all that anybody is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LoginRefused {
    /// Unknown, wrong, disabled or not confirmed: these are not told apart.
    InvalidCredentials,
    /// The proof was right, but so many logins to the account succeeded of late that this one has to wait this many
    /// seconds.
    TooMany(Seconds),
    /// The mailed link does not work.
    BadLink(TokenFault),
    /// Another browser asked for the link, and nobody said that this one is meant.
    OtherBrowser,
    /// The code is wrong, or was used.
    WrongCode,
    /// The pending login is over, or never was: it begins with the first step again.
    Over,
    /// The site does not offer this way to log in.
    NotOffered,
}

/// The outcome of a first step.
pub type FirstStep = Result<Passed, LoginRefused>;
