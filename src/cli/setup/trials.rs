//! Tries answers as soon as they are given.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::Path;

use crate::admin::send_test;
use crate::base::{BUILD_DATE, Clock, Moment};
use crate::cli::mail::wait_for_mail_server;
use crate::cli::progress::patiently;
use crate::cli::system_clock::SystemClock;
use crate::config::Config;
use crate::courier::Courier;
use crate::tls::{self, TlsError};

/// Returns a warning if a name cannot be looked up; not an error, since the entry may be made later.
pub(super) fn resolves(host: &str) -> Option<String> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_known = (bare, 0).to_socket_addrs().is_ok_and(|mut found| found.next().is_some());
    (!is_known).then(|| {
        format!("{host} cannot be looked up from here; nobody reaches the site until it has an entry in the DNS")
    })
}

/// Checks that nobody else listens on an address. Missing rights for ports below 1024 do not matter: systemd opens them
/// for us.
pub(super) fn is_free(address: SocketAddr) -> Result<(), String> {
    match TcpListener::bind(address) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            Err(format!("another program listens on {address}: stop it, or choose another port"))
        }
        Err(error) if error.kind() == ErrorKind::AddrNotAvailable => {
            Err(format!("{address} is no address of this machine"))
        }
        _ => Ok(()),
    }
}

/// Checks that HTTPS and plain HTTP do not share a port; port zero is any free one.
pub(super) fn are_apart(https: SocketAddr, http: SocketAddr) -> Result<(), String> {
    let is_shared = https.ip() == http.ip() || https.ip().is_unspecified() || http.ip().is_unspecified();
    if https.port() == http.port() && https.port() != 0 && is_shared {
        return Err(format!("HTTPS comes in by {https}, and a port speaks one protocol: choose another, or none"));
    }
    Ok(())
}

/// Whether a path equals another, or leads through it.
pub(super) fn lies_in(path: &Path, other: &Path) -> bool {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute(path).starts_with(absolute(other))
}

/// Checks that files can be created in a folder, creating it if necessary. Nothing of that remains.
pub(super) fn takes_files(folder: &Path) -> Result<(), String> {
    let folder = std::path::absolute(folder).or_else(|_| std::env::current_dir()).unwrap_or_default();
    let missing: Vec<&Path> = folder.ancestors().take_while(|folder| folder.symlink_metadata().is_err()).collect();
    let trial = folder.join(format!(".gatelodge-setup-{}", std::process::id()));
    let tried = std::fs::create_dir_all(&folder).and_then(|()| std::fs::create_dir(&trial));
    let _ = std::fs::remove_dir(&trial);
    for made in missing {
        let _ = std::fs::remove_dir(made);
    }
    tried.map_err(|error| match error.kind() {
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            format!("{} is no folder, or leads through something that is none", folder.display())
        }
        _ => format!("nothing can be made in {}: {error}", folder.display()),
    })
}

/// Checks that a file holds a certificate.
pub(super) fn certificate(certificate: &Path, host: &str) -> Result<(), String> {
    let now = SystemClock.now().max(BUILD_DATE);
    tls::try_certificate(certificate, host, now).map(drop).map_err(|fault| without_hint(&fault.to_string()))
}

/// The reason why a certificate cannot be served with a key.
pub(super) struct Mispaired {
    pub words: String,
    /// Whether the key's file is to blame; else the two do not match.
    pub is_of_the_key: bool,
}

/// Checks that certificate and key can be served, and returns what browsers will object to.
pub(super) fn pair(certificate: &Path, private_key: &Path, host: &str) -> Result<Vec<String>, Mispaired> {
    let now = SystemClock.now().max(BUILD_DATE);
    tls::try_files(certificate, private_key, host, now)
        .map(|doubts| doubts.iter().map(ToString::to_string).collect())
        .map_err(|errors| Mispaired {
            is_of_the_key: errors
                .iter()
                .all(|error| matches!(error, TlsError::File { path, .. } if path == private_key)),
            words: errors.iter().map(|error| without_hint(&error.to_string())).collect::<Vec<_>>().join("; "),
        })
}

/// Sends a real mail.
pub(super) fn test_mail(config: &Config, address: &str) -> Result<(), String> {
    let mut moment = Moment::new(SystemClock.now().max(BUILD_DATE), SystemClock.seed());
    let courier = Courier::new(config, moment.now()).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let sent = patiently(&wait_for_mail_server(config), || {
        runtime.block_on(send_test(config, &courier, address, &mut moment))
    });
    sent.map(drop).map_err(|refusal| refusal.message.in_english())
}

/// Returns the first line: hints speak of settings, which nobody has seen yet.
fn without_hint(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}
