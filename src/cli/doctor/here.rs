//! What can be seen on this machine: the configuration, files and who may read them, the certificate's files, the
//! server's report, backups.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::admin::Command;
use crate::admin::answers::{self, Inspection, TestMail};
use crate::app::{DiskSpace, newest_good_snapshot};
use crate::base::{BUILD_DATE, Clock, ClockState, DAY, Timestamp};
use crate::cli::Exit;
use crate::cli::common::Common;
use crate::cli::mail::wait_for_mail_server;
use crate::cli::offline::carry_out;
use crate::cli::progress::patiently;
use crate::cli::show::{Cell, counted};
use crate::cli::surroundings::{self, Eyes};
use crate::cli::system_clock::SystemClock;
use crate::config::{Config, MailTransport, TlsMode, is_open_to_everybody, notes};
use crate::store::read_key;
use crate::tls::Lint;

use super::asking::ask;
use super::findings::Findings;

/// The folder of nightly snapshots, as in the systemd units.
const SNAPSHOTS: &str = "/var/backups/gatelodge";

/// Checks the configuration and everything that it names. Returns it, and whether the service would start with it. A
/// fault in what it names does not end the examination.
pub(super) fn configuration(common: &Common, findings: &mut Findings) -> (Option<Config>, bool) {
    let mut draft = common.draft();
    let settings = draft.settings().cloned().filter(|_| draft.is_sound());
    let seen = surroundings::look(&mut draft, Eyes::Checking, SystemClock.now().max(BUILD_DATE));
    let mut is_served = true;
    let finished = draft.finish();
    let is_valid = finished.is_ok();
    match finished {
        Ok(_) => findings.good("configuration", format!("{} is valid", common.config_path().display())),
        Err(error) => {
            for (key, said) in error.faults() {
                let is_of_certificate = key.is_some_and(|key| key.starts_with("tls."));
                is_served &= !is_of_certificate;
                let what = if is_of_certificate { "certificate" } else { "configuration" };
                findings.wrong(what, said, "gatelodge setup writes one");
            }
        }
    }
    let Some(config) = settings else { return (None, is_valid) };
    for note in notes(&config).into_iter().chain(seen.doubts) {
        findings.note("configuration", note, "");
    }
    for unseen in seen.unseen {
        findings.note("configuration", format!("not looked at: {unseen}"), "ask as root, or as the service's user");
    }
    if config.tls.mode == TlsMode::Files && is_served {
        certificate(&config, &seen.certificate, findings);
    }
    (Some(config), is_valid)
}

/// Reports what browsers will object to about a certificate that can be served.
fn certificate(config: &Config, doubts: &[Lint], findings: &mut Findings) {
    let path = config.tls.certificate.clone().unwrap_or_default();
    for doubt in doubts {
        if doubt.is_certain {
            findings.wrong("certificate", doubt.to_string(), "");
        } else {
            findings.note("certificate", doubt.to_string(), "");
        }
    }
    if doubts.is_empty() {
        findings.good("certificate", format!("{} can be served", path.display()));
    }
}

/// Checks for secrets that every user can read, and for a state folder that is not the service's.
pub(super) fn files(config: &Config, findings: &mut Findings) {
    let mut secrets = config.secret_files();
    secrets.push(("the store", config.store.path.clone()));
    let mut is_fine = true;
    for (what, path) in secrets {
        if is_open_to_everybody(&path) {
            is_fine = false;
            findings.wrong(
                "files",
                format!("{}: {what} is open to every user of this machine", path.display()),
                format!("chmod 600 {}", path.display()),
            );
        }
    }
    let Some(folder) = config.store.path.parent() else { return };
    if let (Ok(owner), Ok(store)) = (std::fs::metadata(folder), std::fs::metadata(&config.store.path))
        && owner.uid() != store.uid()
    {
        is_fine = false;
        let (folder, path) = (folder.display(), config.store.path.display());
        findings.wrong(
            "files",
            format!("{path} belongs to another user than its folder: the service cannot open it"),
            format!("chown --reference={folder} {path}*"),
        );
    }
    if is_fine {
        findings.good("files", "secrets are their owner's alone");
    }
}

/// Reports what the running server says of itself.
pub(super) fn service(config: &Config, report: &Inspection, findings: &mut Findings) {
    let version = report.version.cell();
    if version == env!("CARGO_PKG_VERSION") {
        findings.good("service", format!("version {version} runs"));
    } else {
        findings.note("service", format!("version {version} runs, and this is another"), "systemctl restart gatelodge");
    }
    if !report.stuck_workers.is_empty() {
        let stuck = format!("stuck: {}", report.stuck_workers.cell());
        findings.wrong("service", stuck, "restart it, and keep its log");
    }
    owner(config, report, findings);
    store(report, findings);
    match report.disk {
        DiskSpace::Plenty => findings.good("disk", "there is room"),
        other => findings.wrong("disk", format!("room is {}", other.as_str()), "make room where the store is"),
    }
    let answers::Clock { state, wall, now, floor } = report.clock;
    match state {
        ClockState::Sure => findings.good("clock", format!("it is {now}")),
        ClockState::Behind | ClockState::Leapt => findings.wrong(
            "clock",
            format!("the machine shows {wall}, which is doubted; it is at least {floor}"),
            "set the clock (NTP); if it is right: gatelodge clock reset",
        ),
    }
    if let Some(trouble) = &report.certificate {
        findings.wrong(
            "certificate",
            trouble.as_str(),
            "the authority must reach this machine at port 80 or 443 by the site's name",
        );
    }
    if report.failed_mails > 0 {
        let given_up = counted(report.failed_mails, "mail was given up", "mails were given up");
        findings.note("mail", given_up, "gatelodge mail list; gatelodge mail retry");
    }
    for hook in &report.webhooks {
        let Some(error) = &hook.last_error else { continue };
        findings.note(
            "webhooks",
            format!("{} was not told: {}", hook.name, error.cell()),
            "gatelodge webhook list; gatelodge webhook test NAME",
        );
    }
}

fn owner(config: &Config, report: &Inspection, findings: &mut Findings) {
    let folder = config.store.path.parent().unwrap_or(Path::new("."));
    let owner = std::fs::metadata(folder).map(|found| found.uid()).ok();
    // Without /proc, as in a bare chroot, the server does not know its user.
    if owner.zip(report.user).is_some_and(|(owner, user)| owner != user) {
        let folder = folder.display();
        findings.wrong("files", format!("{folder} is not the service's own"), format!("chown -R gatelodge: {folder}"));
    }
}

fn store(report: &Inspection, findings: &mut Findings) {
    match report.store.as_str() {
        Inspection::WRITABLE => {}
        trouble => findings.wrong("store", trouble, "the log says why nothing can be written"),
    }
    match &report.damage {
        None => findings.good("store", format!("{} records, each can be read", report.records.cell())),
        Some(damage) => findings.wrong("store", damage.as_str(), "gatelodge restore the newest good snapshot"),
    }
    match report.audit.as_str() {
        Inspection::WHOLE => findings.good("audit log", "its chain is whole"),
        trouble => findings.wrong("audit log", trouble, "gatelodge audit verify"),
    }
}

/// Inspects the store itself, where no server runs.
pub(super) fn store_at_rest(config: &Config, findings: &mut Findings) {
    if surroundings::is_store_gone(config) {
        let said = format!("{}: the store is missing, but there was one", config.store.path.display());
        return findings.wrong("store", said, "put it back, or restore a backup: gatelodge restore");
    }
    if !config.store.path.exists() {
        return findings.note("store", "there is none yet", "it is made at the first start");
    }
    match carry_out(config.clone(), Command::Inspect) {
        Ok(report) => store(&report, findings),
        Err(exit) => findings.wrong("store", Exit::to_string(&exit), ""),
    }
}

/// Checks that the mail server accepts our login, or a mail.
pub(super) fn mail(config: &Config, address: Option<String>, findings: &mut Findings) {
    if config.mail.transport == MailTransport::File {
        let folder = config.mail.directory.display();
        return findings.note(
            "mail",
            format!("mails are kept in {folder}: nobody gets one"),
            "[mail] transport = \"smtp\"",
        );
    }
    let (asked, done) = match address {
        Some(address) => {
            let command = Command::MailTest { address };
            let asked = patiently(&wait_for_mail_server(config), || ask::<TestMail>(config, &command));
            (asked.map(drop), "the mail server accepted a mail")
        }
        None => (ask::<()>(config, &Command::MailProbe), "the mail server lets us in; --mail ADDRESS sends a mail too"),
    };
    match asked {
        Ok(()) => findings.good("mail", done),
        Err(reason) => findings.wrong("mail", reason, "docs/mail.md says what refusals mean"),
    }
}

/// Checks that there is a recent backup.
pub(super) fn backups(config: &Config, findings: &mut Findings) {
    let folder = config.backup.directory.as_deref().unwrap_or(Path::new(SNAPSHOTS));
    let key = read_key(&config.sealing_key_path()).ok().flatten();
    let newest = newest_good_snapshot(folder, key.as_ref());
    let made_at = newest.as_ref().and_then(|path| std::fs::metadata(path).ok()?.modified().ok());
    let made_at = made_at.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    match made_at.map(|since| Timestamp::from_seconds(since.as_secs())) {
        Some(at) if SystemClock.now().since(at) <= 3 * DAY => {
            findings.good("backup", format!("the newest snapshot in {} is of {at}", folder.display()));
        }
        Some(at) => findings.note(
            "backup",
            format!("the newest snapshot in {} is of {at}", folder.display()),
            "see gatelodge-backup.timer, or backup.directory",
        ),
        None => findings.note(
            "backup",
            format!("there is no snapshot in {}", folder.display()),
            "systemctl enable --now gatelodge-backup.timer, or set backup.directory",
        ),
    }
}
