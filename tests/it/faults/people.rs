//! People who use the appliance while its disk fails, and a memory of what they were told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use gatelodge::accounts::attempt_limits::{AttemptLimits, Claim};
use gatelodge::accounts::create_account::NewAccount;
use gatelodge::accounts::login::{self, PasswordCheck};
use gatelodge::accounts::login_outcome::Passed;
use gatelodge::accounts::register::{self, NewRegistration};
use gatelodge::accounts::{
    Env, Work, administer, forgot, identity, mail_requests, person, process_mail_requests, registration,
};
use gatelodge::audit::{self, Act, Outcome, Source};
use gatelodge::base::{AccountId, ClockState, EmailAddress, Identity, MailId, Moment, NodeId, Reading, Timestamp};
use gatelodge::config::Config;
use gatelodge::crypto::{Bearer, Cost, Digest, Memory, Password, PasswordHash, SealingKey};
use gatelodge::export::TABLES;
use gatelodge::mail::{self, Composer};
use gatelodge::sessions::{self, Carrier, Client, Refreshed};
use gatelodge::store::{Direction, KeySpan, Overlay, Snapshot, Store, StoreError, schema};
use gatelodge::templates::load_languages;
use gatelodge::texts::Language;
use gatelodge::throttle::{self, Bucket, Kind};

use super::Chance;
use gatelodge::accounts::start_session::SessionRequest;

pub const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);
const MEMBERS: u64 = 3;

/// What an act needs besides its transaction.
pub fn env() -> Arc<Env> {
    let text = "[site]\nurl = \"https://auth.example.org\"\n[mail]\nfrom = \"auth@example.org\"\ntransport = \"file\"\n\
                [throttle]\nname = \"1000, then one every 1d\"\nnetwork = \"1000, then one every 1d\"\nmail_address = \"1000, then one every 1d\"\n";
    let config = Config::parse(text, Path::new("faults.toml")).expect("valid");
    let languages = load_languages(&config).languages;
    let composer = Composer::new(&config, Arc::clone(&languages)).expect("well formed");
    let seal = SealingKey::draw(&mut Moment::new(NOW, [1; 32]));
    Arc::new(Env { config, seal: Arc::new(seal), languages, composer, generation: [7; 16], node: NodeId::ONE })
}

/// What somebody was told, once a commit was answered.
#[derive(Debug)]
enum Told {
    Registered(EmailAddress),
    Processed,
    Delivered(EmailAddress),
    LoggedIn(u64, Bearer),
    /// For this token, the next one.
    Refreshed(u64, Bearer, Bearer),
    Refused(u64),
    LoggedOut(Digest),
    PasswordSet(u64, PasswordHash),
    ResetUsed(u64, PasswordHash, String),
    Unchanged(u64),
    Nothing,
}

/// A member: what is known of their account.
#[derive(Debug, Default)]
struct Member {
    /// The password that was acknowledged last.
    password: Option<PasswordHash>,
    /// Passwords that may have taken effect since.
    perhaps: Vec<PasswordHash>,
    /// Refused logins that were acknowledged since the last act that may have taken them back.
    failures: u32,
    /// How many acts are under way, or were when the disk failed, that take the failures back.
    forgiving: u32,
}

/// What people were told, and what they do not know.
#[derive(Debug, Default)]
pub struct Oracle {
    registered: BTreeSet<String>,
    delivered: BTreeSet<String>,
    perhaps_delivered: BTreeSet<String>,
    sessions: BTreeMap<Digest, u64>,
    /// The refresh tokens of sessions that have any, each the last one of its family, and whose they are.
    families: Vec<(u64, Bearer)>,
    used_refreshes: Vec<Bearer>,
    ended: BTreeSet<Digest>,
    perhaps_ended: BTreeSet<Digest>,
    used_tokens: Vec<String>,
    members: BTreeMap<u64, Member>,
    /// Acts that were acknowledged, and those that nobody knows of.
    counts: BTreeMap<&'static str, (u64, u64)>,
    answered: u64,
}

/// Everybody, with the store they use.
pub struct People<'a> {
    pub env: &'a Arc<Env>,
    pub chance: Chance,
    pub oracle: &'a mut Oracle,
}

type Answers = Receiver<Option<Told>>;

fn client() -> Client {
    Client::at([192, 0, 2, 1].into())
}

fn email_of(member: u64) -> EmailAddress {
    EmailAddress::parse(&format!("member{member}@example.org")).expect("an address")
}

impl People<'_> {
    fn moment(&mut self) -> Moment {
        Moment::new(NOW, self.chance.bytes())
    }

    /// A hash that no other is equal to.
    fn new_hash(&mut self) -> PasswordHash {
        let cost = Cost { memory_kib: 8, iterations: 1, lanes: 1 };
        let password = Password::parse(&format!("a password {:x}", self.chance.next())).expect("printable");
        PasswordHash::make(&password, cost, &mut self.moment(), &mut Memory::default())
    }

    /// Hands an act to the writer. The answer comes later, if it comes.
    fn ask<F>(&mut self, store: &Store, act: &'static str, mut run: F) -> Answers
    where
        F: FnMut(&mut Work<'_>) -> Result<Told, StoreError> + Send + 'static,
    {
        self.oracle.counts.entry(act).or_default().1 += 1;
        let (tell, told) = channel();
        let env = Arc::clone(self.env);
        store.write_then(
            self.moment(),
            move |tx, moment| run(&mut Work { tx, moment, env: &env }),
            move |done| drop(tell.send(done.ok())),
        );
        told
    }

    /// Several acts at once, so that they are committed together. False when none was answered: the disk is gone, or fails.
    pub fn act_together(&mut self, store: &Store) -> bool {
        let mut asked = Vec::new();
        for _ in 0..=self.chance.below(4) {
            let act = self.chance.below(16);
            asked.extend(self.act(store, act));
        }
        let mut answered = 0;
        for (act, answers) in asked {
            if let Ok(Some(told)) = answers.recv() {
                answered += 1;
                self.note(act, told);
            }
        }
        self.oracle.answered += answered;
        answered > 0
    }

    /// How many acts were answered.
    pub fn answered(&self) -> u64 {
        self.oracle.answered
    }

    fn act(&mut self, store: &Store, act: u64) -> Option<(&'static str, Answers)> {
        match act {
            0..=3 => Some(("registered", self.register(store))),
            4 | 5 => Some(("fulfilled", self.fulfil(store))),
            6 => self.deliver(store),
            7 => self.log_in(store, Carrier::KeptCookie),
            8 => self.log_in(store, Carrier::RefreshedToken),
            9 => self.fail_to_log_in(store),
            10 => self.log_out(store),
            11 => self.refresh(store).or_else(|| self.log_out(store)),
            12 | 13 => Some(("password-set", self.set_password(store))),
            14 => Some(("reset-wished", self.forget(store))),
            _ => self.use_reset_link(store),
        }
    }

    fn register(&mut self, store: &Store) -> Answers {
        let email = EmailAddress::parse(&format!("person{:x}@example.org", self.chance.next())).expect("an address");
        let row = NewRegistration {
            invitation: None,
            email: email.clone(),
            password: PasswordHash::decoy(Cost { memory_kib: 8, iterations: 1, lanes: 1 }),
            username: None,
            name: None,
            tries: AttemptLimits::default(),
            client: client(),
            language: Language::english(),
        };
        self.ask(store, "registered", move |work| {
            register::register(work, &row)?.expect("nobody is refused");
            Ok(Told::Registered(email.clone()))
        })
    }

    fn fulfil(&mut self, store: &Store) -> Answers {
        self.ask(store, "fulfilled", |work| {
            process_mail_requests::process(work, 4)?;
            Ok(Told::Processed)
        })
    }

    /// A mail leaves: claimed in one commit, and once the server has said 250 wiped in another.
    fn deliver(&mut self, store: &Store) -> Option<(&'static str, Answers)> {
        let (id, to): (MailId, EmailAddress) = store
            .read(|view| Ok(mail::list(view, None, 1)?.into_iter().next()))
            .ok()?
            .and_then(|(id, mail)| mail.to.email().cloned().map(|to| (id, to)))?;
        self.oracle.perhaps_delivered.insert(to.canonical());
        let answers = self.ask(store, "delivered", move |work| {
            mail::delivered(work.tx, id)?;
            Ok(Told::Delivered(to.clone()))
        });
        Some(("delivered", answers))
    }

    fn candidate(&self, store: &Store, member: u64) -> Option<login::Candidate> {
        let identity = Identity::Email(email_of(member));
        store.read(|view| login::look_up(view, self.env, &identity)).ok().filter(|found| found.account().is_some())
    }

    fn check(&self, store: &Store, member: u64, matched: bool) -> Option<PasswordCheck> {
        let identity = Identity::Email(email_of(member));
        let reading = Reading { later: NOW, earlier: NOW, state: ClockState::Sure };
        let tries = store.read(|view| {
            let account = login::look_up(view, self.env, &identity)?.account();
            AttemptLimits::at_login(view, self.env, Claim { identity: &identity, account }, &client(), reading)
        });
        Some(PasswordCheck { matched, is_locked_out: false, tries: tries.ok()?, rehashed: None })
    }

    fn log_in(&mut self, store: &Store, carrier: Carrier) -> Option<(&'static str, Answers)> {
        let member = self.chance.below(MEMBERS);
        let (candidate, check) = (self.candidate(store, member)?, self.check(store, member, true)?);
        let request = SessionRequest { carrier, client: client(), replaces: None };
        self.oracle.members.entry(member).or_default().forgiving += 1;
        let answers = self.ask(store, "login", move |work| {
            Ok(match login::conclude(work, &candidate, &check, &request)? {
                Ok(Passed::LoggedIn(started)) => Told::LoggedIn(member, started.secret.clone()),
                Ok(Passed::SecondFactorRequired { .. }) | Err(_) => Told::Unchanged(member),
            })
        });
        Some(("login", answers))
    }

    fn fail_to_log_in(&mut self, store: &Store) -> Option<(&'static str, Answers)> {
        let member = self.chance.below(MEMBERS);
        let (candidate, check) = (self.candidate(store, member)?, self.check(store, member, false)?);
        let request = SessionRequest { carrier: Carrier::KeptCookie, client: client(), replaces: None };
        let answers = self.ask(store, "login-refused", move |work| {
            let _ = login::conclude(work, &candidate, &check, &request)?;
            Ok(Told::Refused(member))
        });
        Some(("login-refused", answers))
    }

    /// Takes a refresh token for the next one: what it opened until then opens nothing any more.
    fn refresh(&mut self, store: &Store) -> Option<(&'static str, Answers)> {
        let oracle = &mut *self.oracle;
        let at = oracle.families.iter().position(|(_, token)| oracle.is_open(token.access().digest()))?;
        let (member, token) = oracle.families.swap_remove(at);
        oracle.perhaps_ended.insert(token.access().digest());
        let answers = self.ask(store, "refreshed", move |work| {
            Ok(
                match sessions::refresh(
                    work.tx,
                    work.moment,
                    &token,
                    &work.env.generation,
                    work.env.config.spa.access.seconds(),
                )? {
                    Refreshed::Done(done) => Told::Refreshed(member, token.clone(), done.0),
                    Refreshed::Refused | Refreshed::Reused(_) => Told::Nothing,
                },
            )
        });
        Some(("refreshed", answers))
    }

    fn log_out(&mut self, store: &Store) -> Option<(&'static str, Answers)> {
        let digest = *self.oracle.sessions.keys().find(|digest| self.oracle.is_open(**digest))?;
        self.oracle.perhaps_ended.insert(digest);
        let answers = self.ask(store, "logout", move |work| {
            login::log_out(work, &client(), digest)?;
            Ok(Told::LoggedOut(digest))
        });
        Some(("logout", answers))
    }

    /// An administrator makes the account, or sets its password: sessions end, a notice is mailed, links die.
    fn set_password(&mut self, store: &Store) -> Answers {
        let member = self.chance.below(MEMBERS);
        let hash = self.new_hash();
        self.expect_password(member, &hash);
        self.ask(store, "password-set", move |work| {
            let source = Source::appliance();
            let named = email_of(member);
            if let Some(mut person) = administer::find(work.tx, named.as_str())? {
                administer::set_password(work, &source, &mut person, &hash)?;
            } else {
                let new = NewAccount {
                    phone: None,
                    language: None,
                    email: Some(named),
                    username: None,
                    name: None,
                    password: Some(hash.clone()),
                    confirmed: true,
                    groups: std::collections::BTreeSet::new(),
                };
                administer::add(work, &source, &new)?;
            }
            Ok(Told::PasswordSet(member, hash.clone()))
        })
    }

    /// Whatever becomes of it, the password may be this one from now on, and the sessions of before may have ended.
    fn expect_password(&mut self, member: u64, hash: &PasswordHash) {
        let known = self.oracle.members.entry(member).or_default();
        known.perhaps.push(hash.clone());
        known.forgiving += 1;
        let ended = self.oracle.sessions.iter().filter(|(_, owner)| **owner == member).map(|(digest, _)| *digest);
        self.oracle.perhaps_ended.extend(ended);
    }

    fn forget(&mut self, store: &Store) -> Answers {
        let email = email_of(self.chance.below(MEMBERS));
        self.ask(store, "reset-wished", move |work| {
            mail_requests::request(work.tx, work.moment, &mail_requests::MailRequest::Forgot(email.clone()))?;
            Ok(Told::Nothing)
        })
    }

    /// Uses the link in a queued mail: reads it as the transport would.
    fn use_reset_link(&mut self, store: &Store) -> Option<(&'static str, Answers)> {
        let mails = store.read(|view| mail::list(view, None, 100)).ok()?;
        let (id, _) = mails.into_iter().find(|(_, mail)| mail.letter == "reset-password")?;
        let env = Arc::clone(self.env);
        let claimed =
            store.write(self.moment(), move |tx, _| mail::claim(tx, (env.node, &env.seal), id, NOW)).ok()??;
        let text = String::from_utf8(claimed.1).ok()?.replace("=\r\n", "");
        let token: String =
            text[text.find("glt_")?..].chars().take_while(|c| c.is_ascii_alphanumeric() || "_-".contains(*c)).collect();
        let usable = store.read(|view| forgot::look_up(view, self.env, &token, NOW)).ok()?.ok()?;
        let name = usable.person.email?.shown;
        let member = (0..MEMBERS).find(|member| email_of(*member).as_str() == name)?;
        let hash = self.new_hash();
        self.expect_password(member, &hash);
        let answers = self.ask(store, "password-reset", move |work| {
            Ok(match forgot::reset(work, &token, &hash, &client())? {
                Ok(_) => Told::ResetUsed(member, hash.clone(), token.clone()),
                Err(_) => Told::Unchanged(member),
            })
        });
        Some(("password-reset", answers))
    }

    fn note(&mut self, act: &'static str, told: Told) {
        let count = self.oracle.counts.entry(act).or_default();
        *count = (count.0, count.1.saturating_sub(1));
        if !matches!(told, Told::Nothing | Told::Unchanged(_)) {
            count.0 += 1;
        }
        match told {
            Told::Registered(email) => drop(self.oracle.registered.insert(email.canonical())),
            Told::Delivered(to) => drop(self.oracle.delivered.insert(to.canonical())),
            Told::LoggedIn(member, secret) => {
                self.oracle.open(member, secret);
                self.oracle.forgive(member);
            }
            Told::Refreshed(member, used, next) => {
                self.oracle.ended.insert(used.access().digest());
                self.oracle.used_refreshes.push(used);
                self.oracle.open(member, next);
            }
            Told::Refused(member) => {
                let known = self.oracle.members.entry(member).or_default();
                known.failures += u32::from(known.forgiving == 0);
            }
            Told::LoggedOut(digest) => drop(self.oracle.ended.insert(digest)),
            Told::PasswordSet(member, hash) => self.oracle.settle(member, hash),
            Told::ResetUsed(member, hash, token) => {
                self.oracle.settle(member, hash);
                self.oracle.used_tokens.push(token);
            }
            Told::Unchanged(member) => {
                let known = self.oracle.members.entry(member).or_default();
                known.forgiving = known.forgiving.saturating_sub(1);
            }
            Told::Processed | Told::Nothing => {}
        }
    }
}

impl Oracle {
    /// A secret was handed out.
    fn open(&mut self, member: u64, secret: Bearer) {
        let digest = secret.access().digest();
        self.sessions.insert(digest, member);
        // A password that was set beside it may have ended it.
        if !self.members.entry(member).or_default().perhaps.is_empty() {
            self.perhaps_ended.insert(digest);
        }
        if secret.family().is_some() {
            self.families.push((member, secret));
        }
    }

    fn is_open(&self, digest: Digest) -> bool {
        !self.ended.contains(&digest) && !self.perhaps_ended.contains(&digest)
    }

    /// This password was acknowledged; those that were asked for before it are past.
    fn settle(&mut self, member: u64, hash: PasswordHash) {
        let known = self.members.entry(member).or_default();
        // Acts are taken in the order in which they were asked for.
        let later = known.perhaps.iter().position(|other| *other == hash).map_or(0, |at| at + 1);
        known.perhaps.drain(..later);
        known.password = Some(hash);
        self.forgive(member);
    }

    /// The owner has shown that they are there: failures begin anew. Another such act may still be under way.
    fn forgive(&mut self, member: u64) {
        let known = self.members.entry(member).or_default();
        (known.failures, known.forgiving) = (0, known.forgiving.saturating_sub(1));
    }

    /// After a failure whatever is there counts, and what nobody was told of is settled.
    pub fn take_stock(&mut self, view: &dyn Snapshot) -> Result<(), StoreError> {
        for (member, known) in &mut self.members {
            let person = administer::find(view, email_of(*member).as_str())?;
            known.password = person.and_then(|person| person.account.password);
            known.perhaps.clear();
            (known.failures, known.forgiving) = (0, 0);
        }
        for digest in std::mem::take(&mut self.perhaps_ended) {
            if sessions::find(view, digest)?.is_none() {
                self.ended.insert(digest);
            }
        }
        Ok(())
    }

    /// The first promise that was broken.
    pub fn judge(&self, view: &dyn Snapshot, env: &Env) -> Result<(), String> {
        let read = |error: StoreError| error.to_string();
        self.judge_registrations(view).map_err(read)??;
        self.judge_sessions(view).map_err(read)??;
        self.judge_refreshes(view).map_err(read)??;
        self.judge_members(view).map_err(read)??;
        self.judge_audit(view, env).map_err(read)??;
        for token in &self.used_tokens {
            if forgot::look_up(view, env, token, NOW).map_err(read)?.is_ok() {
                return Err("a link that was used works again".into());
            }
        }
        nothing_by_half(view).map_err(read)?
    }

    /// Each acknowledged registration is there, with a mail that is wished for, waits, or has left.
    fn judge_registrations(&self, view: &dyn Snapshot) -> Result<Result<(), String>, StoreError> {
        let mut mailed: BTreeSet<String> = mail::list(view, None, usize::MAX)?
            .into_iter()
            .filter_map(|(_, mail)| mail.to.email().map(EmailAddress::canonical))
            .collect();
        mailed.extend(self.delivered.iter().chain(&self.perhaps_delivered).cloned());
        let wishes = view.scan(&KeySpan::prefix(&[schema::LINK_REQUESTS.prefix]), Direction::Up, usize::MAX)?;
        for address in &self.registered {
            let parsed = EmailAddress::parse(address).expect("parsed before");
            let Some((id, _)) = registration::of_address(view, &parsed)?.into_iter().next() else {
                return Ok(Err(format!("the acknowledged registration of {address} is lost")));
            };
            let is_wished = wishes.iter().any(|(_, value)| value.windows(16).any(|bytes| bytes == id.bytes()));
            if !is_wished && !mailed.contains(address) {
                return Ok(Err(format!("the mail to {address} is lost")));
            }
        }
        Ok(Ok(()))
    }

    fn judge_sessions(&self, view: &dyn Snapshot) -> Result<Result<(), String>, StoreError> {
        for digest in self.sessions.keys() {
            let may_be_gone = self.ended.contains(digest) || self.perhaps_ended.contains(digest);
            if sessions::find(view, *digest)?.is_none() && !may_be_gone {
                return Ok(Err("an acknowledged session is lost".into()));
            }
        }
        for digest in &self.ended {
            if sessions::find(view, *digest)?.is_some() {
                return Ok(Err("an ended session lives again".into()));
            }
        }
        Ok(Ok(()))
    }

    /// A refresh token that was handed out works, and one that was used does not. What trying them changes is thrown away.
    fn judge_refreshes(&self, view: &dyn Snapshot) -> Result<Result<(), String>, StoreError> {
        let works = |token: &Bearer| {
            let refreshed =
                sessions::refresh(&mut Overlay::new(view), &mut Moment::new(NOW, [2; 32]), token, &[7; 16], 900)?;
            Ok::<_, StoreError>(matches!(refreshed, Refreshed::Done(_)))
        };
        for (_, token) in self.families.iter().filter(|(_, token)| self.is_open(token.access().digest())) {
            if !works(token)? {
                return Ok(Err("a refresh token that was handed out does not work".into()));
            }
        }
        for token in &self.used_refreshes {
            if works(token)? {
                return Ok(Err("a refresh token that was used works again".into()));
            }
        }
        Ok(Ok(()))
    }

    fn judge_members(&self, view: &dyn Snapshot) -> Result<Result<(), String>, StoreError> {
        for (member, known) in &self.members {
            let person = administer::find(view, email_of(*member).as_str())?;
            let stored = person.as_ref().and_then(|person| person.account.password.clone());
            let is_known = stored == known.password || stored.as_ref().is_some_and(|hash| known.perhaps.contains(hash));
            if !is_known {
                return Ok(Err(format!("the password of member {member} is neither the old nor the new one")));
            }
            let Some(person) = person else { continue };
            let account = Bucket::of(Kind::Account, *person.id.bytes());
            let failures = throttle::level_of(view, &account)?.failures;
            if failures < known.failures && known.forgiving == 0 {
                return Ok(Err(format!("of {} failed logins {failures} are counted", known.failures)));
            }
        }
        Ok(Ok(()))
    }

    /// The chain holds, and each act has its row.
    fn judge_audit(&self, view: &dyn Snapshot, env: &Env) -> Result<Result<(), String>, StoreError> {
        if let Err(broken) = audit::verify(view, env.chain())? {
            return Ok(Err(format!("the audit log does not hold: {broken:?}")));
        }
        let rows = audit::page(view, NodeId::ONE, None, Direction::Up, usize::MAX)?;
        let count = |act: Act, is_done: bool| {
            let fits = |row: &audit::Row| row.entry.act == act && (row.entry.outcome == Outcome::Done) == is_done;
            rows.iter().filter(|(_, row)| fits(row)).count() as u64
        };
        for (name, act, is_done) in [
            ("registered", Act::Registered, true),
            ("login", Act::Login, true),
            ("login-refused", Act::Login, false),
            ("logout", Act::Logout, true),
            ("password-reset", Act::PasswordReset, true),
        ] {
            let (told, unknown) = self.counts.get(name).copied().unwrap_or_default();
            let written = count(act, is_done);
            // A login that raced a change of the password is refused, and has a row of its own.
            let raced =
                if name == "login-refused" { self.counts.get("login").copied().unwrap_or_default().1 } else { 0 };
            let raced = raced + if name == "login-refused" { rows.len() as u64 } else { 0 };
            if written < told || written > told + unknown + raced {
                return Ok(Err(format!("{name}: {told} acknowledged, {unknown} unknown, {written} in the audit log")));
            }
        }
        Ok(Ok(()))
    }
}

/// No record without those it belongs to.
fn nothing_by_half(view: &dyn Snapshot) -> Result<Result<(), String>, StoreError> {
    let count = |range: schema::Range| {
        view.scan(&KeySpan::prefix(&[range.prefix]), Direction::Up, usize::MAX).map(|rows| rows.len())
    };
    for [one, other] in [
        [schema::REGISTRATIONS, schema::REGISTRATIONS_OF],
        [schema::SESSIONS, schema::SESSIONS_OF],
        [schema::IDENTITIES, schema::IDENTITIES_OF],
        [schema::ACCOUNTS, schema::IDENTITIES],
        [schema::MAILS, schema::MAILS_OF],
    ] {
        let counts = (count(one)?, count(other)?);
        if counts.0 != counts.1 {
            return Ok(Err(format!(
                "an act is there by half: {} {} and {} {}",
                counts.0, one.name, counts.1, other.name
            )));
        }
    }
    let due = count(schema::MAILS_DUE)? + count(schema::MAILS_BEHIND)?;
    if due != count(schema::MAILS)? {
        return Ok(Err(format!("an act is there by half: {} mails and {due} due", count(schema::MAILS)?)));
    }
    for person in person::page(view, None::<AccountId>, 100)? {
        let owner = person.email.as_ref().map(|email| identity::owner_of_email(view, &email.address)).transpose()?;
        if owner.flatten() != Some(person.id) {
            return Ok(Err("an address leads to another account".into()));
        }
    }
    // By the rows themselves: those of sessions that ended all at once stay, with what belongs to them, until they are
    // swept.
    let sessions = view.scan(&KeySpan::prefix(&[schema::SESSIONS.prefix]), Direction::Up, usize::MAX)?;
    let table = TABLES.iter().find(|table| table.range() == schema::SESSIONS).expect("a table");
    let mut families = 0;
    for (key, value) in &sessions {
        families += usize::from(table.row_to_json(&key[1..], value)?.1["carrier"] == "refreshed-token");
    }
    if families != count(schema::REFRESH_FAMILIES)? {
        return Ok(Err("refresh tokens without a session, or a session without".into()));
    }
    Ok(Ok(()))
}
