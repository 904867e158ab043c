//! The client side of the control socket.

use std::fmt;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use crate::admin::Command;
use crate::config::Config;
use crate::courier::CallOptions;

use super::served::Served;
use super::{Answer, GREETING};

/// The time for the server to answer: a password hash may be queued.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(2);

/// The reason why there is no answer.
#[derive(Debug)]
pub enum CallError {
    /// Nothing listens: no server runs.
    NobodyThere,
    /// The socket is another program's, or this user may not use it.
    Failed(std::io::Error),
    /// The server serves another store than our configuration names.
    OtherStore {
        /// The server's store.
        served: PathBuf,
        /// The store of our configuration.
        wanted: PathBuf,
        /// The server's socket.
        socket: PathBuf,
    },
    /// The server is of another version.
    OtherVersion(String),
}

impl std::error::Error for CallError {}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NobodyThere => f.write_str("no server is running"),
            Self::Failed(error) if error.kind() == ErrorKind::PermissionDenied => {
                f.write_str("you may not talk to the running server\nhint: run the command as root, or as the user the service runs as")
            }
            Self::Failed(error) => write!(f, "the running server cannot be reached: {error}\nhint: see listen.control in the configuration"),
            Self::OtherStore { served, wanted, socket } => write!(
                f,
                "the server that answers at {} serves {}, and not {}; nothing was done\nhint: give each configuration a listen.control of its own",
                socket.display(),
                served.display(),
                wanted.display()
            ),
            Self::OtherVersion(greeting) => {
                write!(f, "the running server speaks {greeting:?}, this program {GREETING:?}\nhint: restart the service")
            }
        }
    }
}

impl From<std::io::Error> for CallError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => Self::NobodyThere,
            _ => Self::Failed(error),
        }
    }
}

/// Sends a command to the running server.
///
/// # Errors
/// When none runs, or it cannot be talked to.
pub fn call(config: &Config, command: &Command) -> Result<Answer, CallError> {
    call_for_stream(config, command).map(|(answer, _)| answer)
}

/// Sends a command whose result follows the answer.
///
/// # Errors
/// When none runs, or it cannot be talked to.
pub fn call_for_stream(config: &Config, command: &Command) -> Result<(Answer, impl Read + use<>), CallError> {
    let (line, reader) = converse(config, command)?;
    let answer = serde_json::from_str(&line).map_err(|error| CallError::Failed(error.into()))?;
    Ok((answer, reader))
}

/// Sends a command, and returns the line that answers it.
fn converse(config: &Config, command: &Command) -> Result<(String, BufReader<UnixStream>), CallError> {
    let stream = UnixStream::connect(&config.listen.control)?;
    stream.set_read_timeout(Some(patience(command)))?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let greeting = next_line(&mut reader)?;
    if greeting != GREETING {
        return Err(CallError::OtherVersion(greeting));
    }
    // Checked before anything is sent: a command may hold a password, and would change accounts of another store.
    let served: Served =
        serde_json::from_str(&next_line(&mut reader)?).map_err(|error| CallError::Failed(error.into()))?;
    if !served.is(&Served::at(&config.store.path)) {
        let (wanted, socket) = (config.store.path.clone(), config.listen.control.clone());
        return Err(CallError::OtherStore { served: served.store, wanted, socket });
    }
    let mut line = serde_json::to_vec(command).map_err(|error| CallError::Failed(error.into()))?;
    line.push(b'\n');
    writer.write_all(&line)?;
    Ok((next_line(&mut reader)?, reader))
}

/// Returns the timeout of a command. A test mail has that of every delivery, and time to close the connection.
fn patience(command: &Command) -> Duration {
    match command {
        Command::MailTest { .. } => CallOptions::TIMEOUT + ANSWER_TIMEOUT,
        _ => ANSWER_TIMEOUT,
    }
}

fn next_line(reader: &mut impl BufRead) -> Result<String, CallError> {
    let mut line = String::new();
    match reader.read_line(&mut line) {
        Ok(0) => Err(CallError::Failed(ErrorKind::UnexpectedEof.into())),
        Ok(_) => Ok(line.trim_end().to_owned()),
        Err(error) => Err(CallError::Failed(error)),
    }
}
