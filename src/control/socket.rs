//! A socket in the file system, created in place of one that a dead server left, and of nothing else.

use std::fmt;
use std::fs::{File, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use tokio::net::{UnixListener, UnixStream};

/// The most bytes of a socket's path (unix(7): 108 with the terminating zero).
pub const MAX_PATH_BYTES: usize = 107;

/// How often, and at what pauses, the lock of another start is waited for.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// The socket cannot be created.
#[derive(Debug)]
pub struct BindError {
    path: PathBuf,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    /// Something other than a socket is there, and may be precious.
    NoSocket,
    /// Another server answers there.
    Answered,
    /// The system takes no path of this length.
    TooLong,
    /// It cannot be determined whether anybody answers there.
    Unknown(io::Error),
    Io(io::Error),
}

impl BindError {
    /// Whether the system refused to make it.
    #[must_use]
    pub const fn is_the_systems(&self) -> bool {
        matches!(self.reason, Reason::Io(_))
    }
}

impl std::error::Error for BindError {}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.reason {
            Reason::NoSocket => write!(
                f,
                "{path}: is there and is no socket; it was left as it is\nhint: set listen.control (of a courier: --listen) to a path of its own"
            ),
            Reason::Answered => write!(
                f,
                "{path}: another server answers there\nhint: stop it, or give each configuration a listen.control of its own"
            ),
            Reason::TooLong => write!(
                f,
                "{path}: the path of a socket may have {MAX_PATH_BYTES} bytes\nhint: set a shorter one in listen.control (of a courier: --listen)"
            ),
            Reason::Unknown(error) => write!(
                f,
                "{path}: there is a socket, and it cannot be told whether a server answers there: {error}\nhint: remove it if it is nobody's, or set another listen.control"
            ),
            Reason::Io(error) => write!(
                f,
                "{path}: the control socket cannot be made: {error}\nhint: its folder must exist and belong to the service's user; set listen.control"
            ),
        }
    }
}

/// Creates a socket that only our own user can use, replacing one on which nobody answers.
///
/// # Errors
/// When something else is there, when somebody answers there, or when it cannot be made.
pub async fn bind(path: &Path) -> Result<(UnixListener, SocketPlace), BindError> {
    let listener = make(path).await.map_err(|reason| BindError { path: path.into(), reason })?;
    let made = std::fs::symlink_metadata(path).ok().as_ref().map(identity);
    Ok((listener, SocketPlace { path: path.into(), made }))
}

/// The place of a socket. Dropping it removes the socket.
#[derive(Debug)]
pub struct SocketPlace {
    path: PathBuf,
    made: Option<(u64, u64)>,
}

impl SocketPlace {
    /// Returns the system user who owns the socket.
    pub fn owner(&self) -> Option<u32> {
        std::fs::symlink_metadata(&self.path).ok().map(|found| found.uid())
    }
}

impl Drop for SocketPlace {
    /// Removes the socket, unless another has replaced it.
    fn drop(&mut self) {
        let found = std::fs::symlink_metadata(&self.path).ok().as_ref().map(identity);
        if found.is_some() && found == self.made {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Returns a file's device and inode, which are the same by whatever path it is reached.
pub(super) fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

async fn make(path: &Path) -> Result<UnixListener, Reason> {
    if path.as_os_str().len() > MAX_PATH_BYTES {
        return Err(Reason::TooLong);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(Reason::Io)?;
    // Two that start at once check and create one after the other. If the folder cannot be locked, or somebody else
    // keeps it locked, each still checks: whoever may read the folder can lock it, and must not keep the service from
    // starting.
    let folder = File::open(folder).map_err(Reason::Io)?;
    for _ in 0..LOCK_TRIES {
        match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => tokio::time::sleep(LOCK_PAUSE).await,
            _ => break,
        }
    }
    if stands_empty(path).await? {
        std::fs::remove_file(path).map_err(Reason::Io)?;
    }
    let listener = UnixListener::bind(path).map_err(Reason::Io)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(Reason::Io)?;
    Ok(listener)
}

/// Whether a socket is there on which nobody answers.
async fn stands_empty(path: &Path) -> Result<bool, Reason> {
    // A link is not followed: it is no socket that a server of ours left, even if it leads to one.
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Reason::Io(error)),
        Ok(found) if !found.file_type().is_socket() => return Err(Reason::NoSocket),
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(true),
        // It was removed in between.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        // Its backlog is full, so somebody owns it.
        Err(error) if error.kind() == ErrorKind::WouldBlock => Err(Reason::Answered),
        Err(error) => Err(Reason::Unknown(error)),
        Ok(_) => Err(Reason::Answered),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("gatelodge-socket-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("made");
        folder
    }

    #[tokio::test]
    async fn what_is_no_socket_is_left_as_it_is() {
        let folder = folder("precious");
        let (file, link, inner) = (folder.join("file"), folder.join("link"), folder.join("folder"));
        std::fs::write(&file, "precious").expect("written");
        std::os::unix::fs::symlink(&file, &link).expect("made");
        std::fs::create_dir(&inner).expect("made");
        rustix::fs::mknodat(rustix::fs::CWD, folder.join("fifo"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .expect("made");
        for path in [&file, &link, &inner, &folder.join("fifo")] {
            let error = bind(path).await.expect_err("it is no socket").to_string();
            assert!(error.contains("is there and is no socket"), "{error}");
            assert!(path.symlink_metadata().is_ok());
        }
        assert_eq!(std::fs::read_to_string(&link).expect("there"), "precious");
        std::fs::remove_dir_all(&folder).expect("removed");
    }

    #[tokio::test]
    async fn a_path_that_is_too_long_is_told() {
        let folder = folder("long");
        let path = folder.join("x".repeat(107));
        let error = bind(&path).await.expect_err("it is too long").to_string();
        assert!(error.contains("may have 107 bytes"), "{error}");
        std::fs::remove_dir_all(&folder).expect("removed");
    }

    #[tokio::test]
    async fn a_socket_is_taken_from_the_dead_alone() {
        let folder = folder("dead");
        let path = folder.join("control.sock");
        let first = bind(&path).await.expect("made");
        let error = bind(&path).await.expect_err("the first lives").to_string();
        assert!(error.contains("another server answers there"), "{error}");
        drop(first);
        assert!(!path.exists(), "whoever ends takes it away");
        // A server that was killed leaves it.
        drop(std::os::unix::net::UnixListener::bind(&path).expect("made"));
        let second = bind(&path).await.expect("nobody answers there");
        // Not what another put into its place.
        std::fs::remove_file(&path).expect("removed");
        let third = bind(&path).await.expect("made");
        drop(second);
        UnixStream::connect(&path).await.expect("the third is still there");
        drop(third);
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
