//! Certificates from an authority, by ACME (RFC 8555). An authority gives one for a name if it finds us there: it looks at port
//! 80 or 443 for an answer that only we can give.

mod account;
mod order;
mod requests;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use instant_acme::{AccountBuilder, ChallengeType, Problem};

use crate::app::{App, Fault};
use crate::base::Timestamp;
use crate::courier::Replaceable;
use crate::tls::{Certificates, TlsError, issued};

pub(crate) use account::ACCOUNTS;
pub use account::reseal;

use requests::Requests;

/// How long all of it may take: an authority looks from several places, and may have others to serve.
const PATIENCE: Duration = Duration::from_mins(5);

/// Why there is no certificate.
#[derive(Debug)]
pub enum AcmeError {
    /// The authority did not find us: what it said about each name.
    NotFound(String),
    /// The authority refused something else.
    Refused(Box<Problem>),
    /// It could not be asked, or its answers make no sense.
    Failed(String),
    /// It took too long.
    Slow,
    /// What it gave cannot be served.
    Unusable(TlsError),
    /// The store failed.
    Store(Fault),
}

impl std::error::Error for AcmeError {}

impl fmt::Display for AcmeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(said) => write!(f, "the authority did not find this server: {said}"),
            Self::Refused(problem) => write!(f, "the authority refused: {problem}"),
            Self::Failed(reason) => write!(f, "the authority could not be asked: {reason}"),
            Self::Slow => write!(f, "the authority did not finish in {} minutes", PATIENCE.as_secs() / 60),
            Self::Unusable(error) => error.fmt(f),
            Self::Store(fault) => fault.fmt(f),
        }
    }
}

impl From<instant_acme::Error> for AcmeError {
    fn from(error: instant_acme::Error) -> Self {
        match error {
            instant_acme::Error::Api(problem) => Self::Refused(Box::new(problem)),
            instant_acme::Error::Timeout(_) => Self::Slow,
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<TlsError> for AcmeError {
    fn from(error: TlsError) -> Self {
        Self::Unusable(error)
    }
}

impl From<Fault> for AcmeError {
    fn from(fault: Fault) -> Self {
        Self::Store(fault)
    }
}

/// What is asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wanted {
    /// The authority's directory.
    pub directory: String,
    /// The names.
    pub hosts: BTreeSet<String>,
}

impl Wanted {
    /// What the configuration asks for.
    #[must_use]
    pub fn by(app: &App) -> Self {
        let env = app.env();
        let directory = env.config.tls.acme.directory.to_string();
        Self { directory, hosts: issued::hosts(&env.config) }
    }
}

/// Asks for a certificate and keeps it; gives until when it is good, and the port at which the authority found us. Nothing is
/// served anew here.
///
/// # Errors
/// When there is none; what was there before stays.
pub async fn obtain(
    app: &Arc<App>,
    courier: &Arc<Replaceable>,
    certificates: &Certificates,
    wanted: &Wanted,
) -> Result<(Timestamp, u16), AcmeError> {
    let asked = tokio::time::timeout(PATIENCE, ask(app, courier, certificates, wanted)).await;
    certificates.challenges().clear();
    let ((chain, key), port) = asked.map_err(|_| AcmeError::Slow)??;
    let Wanted { directory, hosts } = wanted.clone();
    Ok((issued::keep(app, (directory, hosts), chain, key, certificates.provider()).await?, port))
}

async fn ask(
    app: &Arc<App>,
    courier: &Arc<Replaceable>,
    certificates: &Certificates,
    wanted: &Wanted,
) -> Result<(order::Given, u16), AcmeError> {
    let builder = || -> AccountBuilder { requests::builder(Requests::new(Arc::clone(courier), app.now())) };
    let account = account::open(app, builder, wanted).await?;
    let mut said = Vec::new();
    for (kind, port) in [(ChallengeType::Http01, 80), (ChallengeType::TlsAlpn01, 443)] {
        if kind == ChallengeType::Http01 && !certificates.challenges().has_listener() {
            said.push("port 80 was not tried, because listen.http is empty".to_owned());
            continue;
        }
        match order::place(&account, certificates, wanted, kind).await {
            Err(AcmeError::NotFound(reason)) => said.push(format!("at port {port}, {reason}")),
            placed => return Ok((placed?, port)),
        }
    }
    Err(AcmeError::NotFound(said.join("; ")))
}
