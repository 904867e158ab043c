//! `gatelodge setup`: asks for what cannot be known, tries each answer, and writes a configuration with comments.
//! Nothing is written before the end.

mod answers;
mod ask;
mod plan;
mod questions;
mod tls_questions;
mod trials;

use std::path::{Path, PathBuf};

use clap::Args;

use crate::admin::Command;
use crate::admin::answers::Account;
use crate::base::EmailAddress;
use crate::cli::out::say;
use crate::config::{Config, SiteUrl};

use super::common::Common;
use super::offline::carry_out;
use super::{Exit, anew};

use answers::Answers;
use ask::{Asker, Question};
use plan::{MailPlan, Plan};

#[derive(Debug, Args)]
pub(super) struct Setup {
    /// Take answers from this file: TOML, with the flags' names as keys.
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Ask nothing: what is missing is an error.
    #[arg(long)]
    no_input: bool,
    /// Replace a configuration that is there; the old one is kept beside it.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    given: Answers,
}

/// All decisions, secrets included.
struct Decided {
    plan: Plan,
    smtp_password: Option<String>,
    administrator: Option<(EmailAddress, String)>,
}

impl Setup {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let target = common.config_path();
        if target.exists() && !self.force {
            return Err(Exit::failed(format!(
                "{} is there already: nothing was changed\nhint: edit it, see `gatelodge doctor`, or begin anew with --force",
                target.display()
            )));
        }
        let given = match &self.answers {
            Some(file) => self.given.clone().completed_by(file)?,
            None => self.given.clone(),
        };
        let mut asker = Asker::new(!self.no_input);
        asker.tell("This sets Gatelodge up. Each question has its flag, see `gatelodge setup --help`; nothing is written before the end.");
        let files = Files::beside(&target, given.state.as_deref());
        try_places(&target, given.state.as_deref())?;
        let decided = decide(&mut asker, &given, &files, &target)?;
        asker.tell(&format!("This goes into {}:\n\n{}", target.display(), decided.plan));
        if !asker.confirms("Write it?")? {
            return Err(Exit::failed("nothing was written"));
        }
        write(&target, &files, &decided)?;
        say!("{} is written.", target.display());
        let config = common.config()?;
        if let Some((email, password)) = decided.administrator {
            add_administrator(config, &email, password)?;
        }
        say!("{}", how_to_go_on(&target));
        Ok(())
    }
}

/// Checks the target folders before anything is asked: otherwise what was typed would be lost.
fn try_places(target: &Path, state: Option<&str>) -> Result<(), Exit> {
    let folder = target.parent().unwrap_or(Path::new(""));
    trials::takes_files(folder).map_err(|problem| {
        Exit::failed(format!("--config: {problem}")).with_hint("set-up is for root, or for whom the folder belongs to")
    })?;
    let Some(state) = state else { return Ok(()) };
    let problem = if state.trim().is_empty() {
        Err("write a folder's name, or leave it out".to_owned())
    } else if trials::lies_in(Path::new(state), target) {
        Err(format!("{state} is where the configuration goes: the store needs a folder"))
    } else {
        trials::takes_files(Path::new(state))
    };
    problem.map_err(|problem| Exit::failed(format!("--state: {problem}")))
}

/// The paths that are written to.
struct Files {
    state: PathBuf,
    /// The file with the mail server's password, and whether systemd hands it over as a credential.
    smtp_password: PathBuf,
    is_credential: bool,
}

impl Files {
    /// Chooses the paths. The folder of credentials comes with the package; without it the configuration names the
    /// password's file.
    fn beside(target: &Path, state: Option<&str>) -> Self {
        let folder = target.parent().unwrap_or(Path::new("."));
        let credentials = folder.join("credentials");
        let is_credential = credentials.is_dir();
        let smtp_password = if is_credential { credentials } else { folder.to_owned() }.join("smtp-password");
        Self { state: state.unwrap_or(plan::STATE).into(), smtp_password, is_credential }
    }
}

/// Asks until the answers form a valid configuration: when asked again, earlier answers are the defaults.
fn decide(asker: &mut Asker, given: &Answers, files: &Files, target: &Path) -> Result<Decided, Exit> {
    let mut administrator = None;
    loop {
        let problem = match decide_once(asker, given, files, &mut administrator)? {
            Ok((mut plan, mut smtp_password)) => {
                let email = administrator.as_ref().and_then(|who: &Administrator| who.as_ref()).map(|(email, _)| email);
                try_mail(asker, given, (&mut plan, &mut smtp_password), email)?;
                if let MailPlan::Smtp(smtp) = &mut plan.mail {
                    let is_file = smtp.username.is_some() && !files.is_credential;
                    smtp.password_file = is_file.then(|| files.smtp_password.clone());
                }
                match judge(&plan, target) {
                    Ok(_) => return Ok(Decided { plan, smtp_password, administrator: administrator.flatten() }),
                    Err(problem) => problem,
                }
            }
            Err(problem) => problem,
        };
        if !asker.can_ask() {
            return Err(Exit::failed(format!("these answers do not go together: {problem}; nothing was written")));
        }
        say!("\n  {problem}\n  So once more; what you typed stands in brackets.");
        asker.begin_again();
    }
}

/// The first administrator and their password, if they are to be added here.
type Administrator = Option<(EmailAddress, String)>;

/// Asks everything but the test mail; returns what is wrong with the answers together.
fn decide_once(
    asker: &mut Asker,
    given: &Answers,
    files: &Files,
    administrator: &mut Option<Administrator>,
) -> Result<Result<(Plan, Option<String>), String>, Exit> {
    let url = questions::url(asker, given)?;
    let name = questions::name(asker, given)?;
    let tls = match &url {
        Some(url) => tls_questions::tls(asker, given, url)?,
        None => None,
    };
    let registration = match &url {
        Some(url) => questions::registration(asker, given, url)?,
        None => None,
    };
    if administrator.is_none() {
        let context = [name.as_deref(), url.as_ref().map(SiteUrl::host), Some("gatelodge")];
        let context: Vec<&str> = context.into_iter().flatten().collect();
        *administrator = Some(questions::administrator(asker, given, &context)?);
    }
    let sender = match (&url, &name) {
        (Some(url), Some(name)) => questions::sender(asker, given, url, name)?,
        _ => None,
    };
    let mail = questions::mail(asker, given, None)?;
    asker.require_all()?;
    let (Some(url), Some(name), Some(tls), Some(registration), Some(sender), Some((mail, smtp_password))) =
        (url, name, tls, registration, sender, mail)
    else {
        return Err(Exit::failed("set-up needs more answers"));
    };
    let mut plan = Plan { url, name, tls, mail, sender, registration, state: files.state.clone() };
    // The password's file does not exist yet; everything else is checked before a mail is sent with it.
    if let MailPlan::Smtp(smtp) = &mut plan.mail {
        smtp.password_file = smtp.username.is_some().then(|| files.smtp_password.clone());
    }
    let judged = judge(&plan, Path::new("set-up"));
    if let MailPlan::Smtp(smtp) = &mut plan.mail {
        smtp.password_file = None;
    }
    Ok(judged.map(|_| (plan, smtp_password)))
}

/// Checks the plan by the rules of a service start. Errors name no line: there is no such file yet.
fn judge(plan: &Plan, path: &Path) -> Result<Config, String> {
    Config::parse(&plan.text(), path).map_err(|error| {
        let path = path.display().to_string();
        let message = error.to_string();
        let faults = message
            .lines()
            .filter_map(|line| line.strip_prefix(&path))
            .map(|fault| fault.trim_start_matches(|c: char| c == ':' || c.is_ascii_digit()).trim_start());
        let faults: Vec<&str> = faults.filter(|fault| !fault.ends_with("things are wrong")).collect();
        faults.join("; ")
    })
}

/// Sends a mail as the service would. Until one arrives, the mail server can be described again.
fn try_mail(
    asker: &mut Asker,
    given: &Answers,
    (plan, password): (&mut Plan, &mut Option<String>),
    administrator: Option<&EmailAddress>,
) -> Result<(), Exit> {
    let MailPlan::Smtp(_) = &plan.mail else { return Ok(()) };
    let default = administrator.filter(|_| asker.can_ask()).map_or("none".to_owned(), ToString::to_string);
    let question =
        Question { flag: "test-mail", words: "Where shall a test mail go (or none)?", default: Some(default) };
    let address = asker.settle(&question, given.test_mail.as_ref(), |text| {
        if text == "none" || text.is_empty() {
            return Ok(None);
        }
        EmailAddress::parse(text).map(Some).map_err(|error| error.to_string())
    })?;
    let Some(address) = address.flatten() else { return Ok(()) };
    loop {
        let MailPlan::Smtp(smtp) = plan.mail.clone() else { return Ok(()) };
        let problem = match send(plan, password.as_deref(), address.as_str()) {
            Ok(()) => {
                say!("  {}:{} accepted a test mail to {address}.", smtp.host, smtp.port);
                return Ok(());
            }
            Err(problem) => problem,
        };
        if !asker.can_ask() {
            return Err(Exit::failed(format!("{problem}\nhint: --test-mail none skips this; nothing was written")));
        }
        say!("  {problem}");
        if !asker.confirms("Describe the mail server anew?")? {
            return Ok(());
        }
        let Some((mail, other)) = questions::mail(asker, &Answers::default(), Some(&smtp))? else { return Ok(()) };
        (plan.mail, *password) = (mail, other);
    }
}

/// Sends it with the password in a temporary file: the transport reads it from a file.
fn send(plan: &mut Plan, password: Option<&str>, address: &str) -> Result<(), String> {
    let temporary = std::env::temp_dir().join(format!("gatelodge-setup-{}", std::process::id()));
    if let (MailPlan::Smtp(smtp), Some(password)) = (&mut plan.mail, password) {
        write_secret(&temporary, password).map_err(|error| error.to_string())?;
        smtp.password_file = Some(temporary.clone());
    }
    let sent = judge(plan, Path::new("set-up")).and_then(|config| trials::test_mail(&config, address));
    let _ = std::fs::remove_file(&temporary);
    if let MailPlan::Smtp(smtp) = &mut plan.mail {
        smtp.password_file = None;
    }
    sent
}

fn write(target: &Path, files: &Files, decided: &Decided) -> Result<(), Exit> {
    let told = |path: &Path| {
        let path = path.display().to_string();
        move |error: std::io::Error| {
            Exit::failed(format!("{path}: {error}\nhint: set-up is for root, or for whom the folder belongs to"))
        }
    };
    if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(told(folder))?;
    }
    // Everything is written beside its target first, and renamed into place last.
    let unfinished = target.with_extension("toml.new");
    // Readable by everybody, because secrets are in files of their own.
    anew::write(&unfinished, &decided.plan.text(), 0o644).map_err(told(&unfinished))?;
    if let Some(password) = &decided.smtp_password {
        let beside = files.smtp_password.with_extension("new");
        write_secret(&beside, password).map_err(told(&beside))?;
        std::fs::rename(&beside, &files.smtp_password).map_err(told(&files.smtp_password))?;
    }
    if target.exists() {
        let old = target.with_extension("toml.old");
        std::fs::rename(target, &old).map_err(told(target))?;
        say!("The old configuration is {} now.", old.display());
    }
    std::fs::rename(&unfinished, target).map_err(told(target))
}

/// Writes a secret that only its owner can read, from the first byte on.
fn write_secret(path: &Path, secret: &str) -> std::io::Result<()> {
    anew::write(path, &format!("{secret}\n"), 0o600)
}

fn add_administrator(config: Config, email: &EmailAddress, password: String) -> Result<(), Exit> {
    let command = Command::UserAdd {
        email: Some(email.to_string()),
        username: None,
        phone: None,
        name: None,
        password: Some(password),
        admin: true,
        confirmed: true,
        groups: vec![],
    };
    carry_out::<Account>(config, command).map_err(|exit| {
        exit.with_hint(
            "the configuration is written; make the administrator with `gatelodge user add EMAIL --admin --confirmed`",
        )
    })?;
    say!("{email} administers the site.");
    Ok(())
}

fn how_to_go_on(target: &Path) -> String {
    if target == Path::new(Config::DEFAULT_PATH) && Path::new("/run/systemd/system").is_dir() {
        "Start it: systemctl enable --now gatelodge.service gatelodge-backup.timer\nThen see: gatelodge doctor".into()
    } else if target == Path::new(Config::DEFAULT_PATH) {
        "Start it: gatelodge serve".into()
    } else {
        format!("Start it: gatelodge serve --config {}", target.display())
    }
}
