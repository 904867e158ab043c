//! The command line's end of the control socket.

use std::fmt;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::{Answer, Command, GREETING};

/// How long the server may take: a hash may have to wait for others.
const PATIENCE: Duration = Duration::from_mins(2);

/// Why no answer came.
#[derive(Debug)]
pub enum CallError {
    /// Nobody listens: no server runs.
    NobodyThere,
    /// It was somebody else's socket, or our own user may not use it.
    Failed(std::io::Error),
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

/// Asks the running server.
///
/// # Errors
/// When none runs, or it cannot be talked to.
pub fn call(socket: &Path, command: &Command) -> Result<Answer, CallError> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(&stream).lines();
    let mut next = || lines.next().unwrap_or_else(|| Err(ErrorKind::UnexpectedEof.into())).map_err(CallError::Failed);
    let greeting = next()?;
    if greeting != GREETING {
        return Err(CallError::OtherVersion(greeting));
    }
    let mut line = serde_json::to_vec(command).map_err(|error| CallError::Failed(error.into()))?;
    line.push(b'\n');
    (&stream).write_all(&line)?;
    serde_json::from_str(&next()?).map_err(|error| CallError::Failed(error.into()))
}
