//! Exit statuses: 0 done, 1 refused or failed, 2 wrong usage, 65 store damaged, missing or too new, 78 configuration
//! refused (the numbers of sysexits.h).

use std::fmt;
use std::process::ExitCode;

use crate::admin::Refusal;
use crate::config::ConfigError;
use crate::control::CallError;
use crate::store::OpenError;
use crate::tls::TlsError;

use super::escape::one_line;
use super::remedy;

/// An exit status with a message, which may have a hint on a line of its own.
#[derive(Debug)]
pub struct Exit {
    status: u8,
    message: String,
}

const FAILED: u8 = 1;
/// As clap exits.
pub(super) const USAGE: u8 = 2;
const DATA: u8 = 65;
const CONFIGURATION: u8 = 78;

impl Exit {
    /// A failed or refused operation.
    pub fn failed(message: impl fmt::Display) -> Self {
        Self { status: FAILED, message: message.to_string() }
    }

    /// A missing store.
    pub fn without_store(message: impl fmt::Display) -> Self {
        Self { status: DATA, message: message.to_string() }
    }

    /// A refused configuration.
    pub fn configuration(message: impl fmt::Display) -> Self {
        Self { status: CONFIGURATION, message: message.to_string() }
    }

    /// Tells a failure apart from the answer "no", where that is exit status 1.
    #[must_use]
    pub fn instead_of_an_answer(self) -> Self {
        Self { status: if self.status == FAILED { USAGE } else { self.status }, ..self }
    }

    /// Adds a line on what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl fmt::Display) -> Self {
        self.message = format!("{}\nhint: {hint}", self.message);
        self
    }

    /// Returns the message without its hint.
    pub fn message(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// The exit status.
    #[must_use]
    pub fn code(&self) -> ExitCode {
        ExitCode::from(self.status)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<ConfigError> for Exit {
    fn from(error: ConfigError) -> Self {
        Self::configuration(error)
    }
}

impl From<TlsError> for Exit {
    fn from(error: TlsError) -> Self {
        match &error {
            TlsError::File { .. } | TlsError::Mismatch { .. } | TlsError::Several(_) => Self::configuration(error),
            TlsError::SelfSigned(_) | TlsError::Store(_) => Self::failed(error),
        }
    }
}

impl From<OpenError> for Exit {
    fn from(error: OpenError) -> Self {
        let status = match &error {
            OpenError::Folder(_) | OpenError::NoFile(_) => CONFIGURATION,
            _ if error.is_about_data() => DATA,
            _ => FAILED,
        };
        Self { status, message: error.to_string() }
    }
}

impl From<Refusal> for Exit {
    fn from(refusal: Refusal) -> Self {
        let exit = Self::failed(one_line(&refusal.message.in_english()));
        match remedy::hint(&refusal) {
            Some(hint) => exit.with_hint(one_line(&hint)),
            None => exit,
        }
    }
}

impl From<CallError> for Exit {
    fn from(error: CallError) -> Self {
        Self::failed(error)
    }
}
