//! Checks what the configuration names: files, folders, templates and pictures. A start checks in the same way as
//! `gatelodge check`, so that what passes there starts.

mod appearance;
mod files;
mod folders;
mod templates;
mod texts;

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::path::Path;

use crate::base::Timestamp;
use crate::config::{Config, Draft, TlsMode, Unreadable};
use crate::store::lock_path;
use crate::tls::Lint;

pub(super) use folders::why_not_writable;

/// The one who checks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Eyes {
    /// Somebody who wants to know; the service may run as another user.
    Checking,
    /// The service itself, which makes all connections.
    Serving,
    /// The service, which leaves connections and their secrets to a courier.
    ServingBehindCourier,
    /// The courier: mails and requests alone.
    Carrying,
}

impl Eyes {
    fn serves(self) -> bool {
        self != Self::Carrying
    }

    fn carries(self) -> bool {
        self != Self::ServingBehindCourier
    }

    /// Whether a file that this user may not read is no fault, because another user will.
    fn are_a_guests(self) -> bool {
        self == Self::Checking
    }
}

/// Findings that are no faults.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// What this user could not check.
    pub unseen: Vec<String>,
    /// What works, but perhaps not as expected.
    pub doubts: Vec<String>,
    /// What browsers will object to about the certificate.
    pub certificate: Vec<Lint>,
    /// The folders and their owners.
    pub folders: Vec<String>,
}

/// Checks everything that is named; what cannot be used is noted in the draft.
pub(super) fn look(draft: &mut Draft, eyes: Eyes, now: Timestamp) -> Seen {
    let Some(config) = draft.settings().cloned() else { return Seen::default() };
    let mut look = Look { draft, config: &config, eyes, now, seen: Seen::default() };
    if eyes.serves() {
        look.certificate();
        look.sealing_key();
        look.templates();
        look.texts();
        look.house_files();
        look.folders();
        look.container();
    }
    if eyes.are_a_guests() {
        look.addresses();
    }
    if eyes.carries() {
        look.mail_server();
        look.authority();
        look.gateway();
        look.webhooks();
    }
    look.seen
}

/// Whether the store is gone: an earlier start created one, and no other is created in its place.
pub(super) fn is_store_gone(config: &Config) -> bool {
    let path = &config.store.path;
    let is_there = path.metadata().is_ok_and(|found| found.len() > 0);
    let was_there = lock_path(path).metadata().is_ok_and(|found| found.len() > 0);
    was_there && !is_there
}

struct Look<'a> {
    draft: &'a mut Draft,
    config: &'a Config,
    eyes: Eyes,
    now: Timestamp,
    seen: Seen,
}

impl Look<'_> {
    /// Whether these settings were understood, so that what they name can be checked.
    fn is_clear(&self, settings: &[&str]) -> bool {
        !settings.iter().any(|setting| self.draft.is_doubtful(setting))
    }

    /// Notes a fault of a file, or that this user cannot tell.
    fn blame(&mut self, key: &str, path: &Path, fault: Unreadable) {
        if !self.is_clear(&[key]) {
            return;
        }
        let line = fault.place.map(|(line, _)| format!(":{line}")).unwrap_or_default();
        let said = format!("{}{line}: {}", path.display(), fault.reason);
        if fault.is_forbidden && self.eyes.are_a_guests() {
            self.seen.unseen.push(format!("{key}: {said}"));
        } else {
            self.draft.blame(key, said, fault.hint);
        }
    }

    /// Warns about addresses that this machine does not have now; the start would fail.
    fn addresses(&mut self) {
        let config = self.config;
        let named = [
            ("listen.https", &config.listen.https),
            ("listen.http", &config.listen.http),
            ("metrics.listen", &config.metrics.listen),
        ];
        for (key, address) in named.into_iter().flat_map(|(key, list)| list.iter().map(move |address| (key, address))) {
            // A UDP socket on a free port: nothing is listened on, and no port is taken from anybody.
            let bound = UdpSocket::bind((address.ip(), 0));
            let is_missing = bound.is_err_and(|error| error.kind() == ErrorKind::AddrNotAvailable);
            if is_missing && !address.ip().is_unspecified() {
                let said = format!("{key}: this machine does not have the address {} now", address.ip());
                self.seen.doubts.push(format!("{said}; `ip address` shows those it has"));
            }
        }
    }

    /// Warns about a container that nobody reaches: a published port leads into its network, and not to its loopback.
    /// Engines, and our image, set the variable `container` (<https://systemd.io/CONTAINER_INTERFACE>).
    fn container(&mut self) {
        if std::env::var_os("container").is_none() || !self.is_clear(&["listen.https", "listen.http", "tls.mode"]) {
            return;
        }
        let Config { listen, tls, .. } = self.config;
        let https = listen.https.iter().filter(|_| tls.mode != TlsMode::Off);
        let mut addresses = https.chain(&listen.http).peekable();
        if addresses.peek().is_some() && addresses.all(|address| address.ip().is_loopback()) {
            let said =
                "listen: only loopback is listened on, and this is a container, which no published port reaches there";
            self.seen.doubts.push(format!("{said}; write [::] in place of it, unless the proxy shares its network"));
        }
    }

    /// Returns the result of a check, or notes its fault.
    fn take<T>(&mut self, key: &str, path: &Path, looked: Result<T, Unreadable>) -> Option<T> {
        looked.map_err(|fault| self.blame(key, path, fault)).ok()
    }
}
