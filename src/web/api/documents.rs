//! The JSON documents that the API answers with.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::accounts::Person;
use crate::base::{AccountId, Permission, PhoneNumber, SessionId};
use crate::crypto::Bearer;
use crate::sessions::{Carrier, LoginNote, Logins, Session, agent_in_words};
use crate::texts::Language;
use crate::web::failure::{Failure, FieldErrors};
use crate::web::request::Request;

/// A user.
#[derive(Serialize)]
pub(super) struct UserDocument<'a> {
    id: String,
    email: Option<&'a str>,
    username: Option<&'a str>,
    phone: Option<&'a str>,
    name: Option<&'a str>,
    language: Option<&'a str>,
    groups: Vec<&'a str>,
    permissions: Vec<&'a str>,
    confirmed_at: Option<String>,
    created_at: String,
}

impl<'a> UserDocument<'a> {
    pub(super) fn of(person: &'a Person, permissions: &'a BTreeSet<Permission>) -> Self {
        let account = &person.account;
        Self {
            id: AccountId::to_string(&person.id),
            email: person.email.as_ref().map(|email| email.shown.as_str()),
            username: person.username.as_ref().map(|name| name.as_str()),
            phone: person.phone.as_ref().map(PhoneNumber::as_str),
            name: account.name.as_ref().map(|name| name.as_str()),
            language: account.reads.as_ref().map(Language::as_str),
            groups: account.groups.iter().map(|group| group.as_str()).collect(),
            permissions: permissions.iter().map(Permission::as_str).collect(),
            confirmed_at: account.confirmed_at.map(|at| at.to_string()),
            created_at: account.created_at.to_string(),
        }
    }
}

/// The caller's session. Its tokens stand here once, when they are made, and only if they were asked for.
#[derive(Serialize)]
pub(super) struct SessionDocument {
    id: String,
    expires_at: String,
    methods: Vec<&'static str>,
    proved_at: String,
    #[serde(skip)]
    is_bearer: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

impl SessionDocument {
    pub(super) fn of(session: &Session) -> Self {
        Self {
            id: session.id.to_string(),
            expires_at: session.ends_at.to_string(),
            methods: session.methods.iter().map(|method| method.as_str()).collect(),
            proved_at: session.proved_at.to_string(),
            is_bearer: session.carrier.is_bearer(),
            token: None,
            token_expires_at: session.access_until.map(|at| at.to_string()),
            refresh_token: None,
        }
    }

    /// Adds the tokens that open the session, unless a cookie does.
    pub(super) fn with(self, secret: &Bearer) -> Self {
        let refresh_token = secret.family().map(|_| secret.expose().to_owned());
        Self { token: self.is_bearer.then(|| secret.access().expose().to_owned()), refresh_token, ..self }
    }
}

/// The answer to `POST /login`.
#[derive(Serialize)]
pub(super) struct LoggedInDocument<'a> {
    pub status: &'static str,
    pub user: UserDocument<'a>,
    pub session: SessionDocument,
}

/// The answer to `GET /session`.
#[derive(Serialize)]
pub(super) struct WhoDocument<'a> {
    pub user: UserDocument<'a>,
    pub session: SessionDocument,
}

/// The answer to `GET /may/{permission}`.
#[derive(Serialize)]
pub(super) struct MayDocument {
    pub allowed: bool,
}

/// The answer to `POST /reset/check`.
#[derive(Serialize)]
pub(super) struct ValidDocument {
    pub status: &'static str,
    pub expires_at: String,
}

/// A login.
#[derive(Serialize)]
pub(super) struct LoginDocument<'a> {
    at: String,
    network: &'a str,
    device: &'a str,
}

/// The answer to `GET /account/logins`.
#[derive(Serialize)]
pub(super) struct LoginsDocument<'a> {
    count: u64,
    current: Option<LoginDocument<'a>>,
    last: Option<LoginDocument<'a>>,
}

impl<'a> LoginsDocument<'a> {
    pub(super) fn of(logins: &'a Logins) -> Self {
        fn login(note: &LoginNote) -> LoginDocument<'_> {
            LoginDocument { at: note.at.to_string(), network: &note.network, device: &note.device }
        }
        Self { count: logins.count, current: logins.current.as_ref().map(login), last: logins.last.as_ref().map(login) }
    }
}

/// A session in a list.
#[derive(Clone, Serialize)]
pub(super) struct SessionItem {
    pub id: String,
    current: bool,
    created_at: String,
    last_seen_at: String,
    expires_at: String,
    remembered: bool,
    bearer: bool,
    network: String,
    agent: String,
    device: String,
}

impl SessionItem {
    pub(super) fn of(session: &Session, current: SessionId) -> Self {
        Self {
            id: session.id.to_string(),
            current: session.id == current,
            created_at: session.created_at.to_string(),
            last_seen_at: session.seen_at.to_string(),
            expires_at: session.ends_at.to_string(),
            remembered: session.carrier == Carrier::KeptCookie,
            bearer: session.carrier.is_bearer(),
            network: session.network.clone(),
            agent: session.agent.clone(),
            device: agent_in_words(&session.agent),
        }
    }
}

/// A page of a list, and the id after which the next one begins.
#[derive(Serialize)]
pub(super) struct List<T> {
    items: Vec<T>,
    next: Option<String>,
}

impl<T: Clone> List<T> {
    const MAX: usize = 100;

    /// Returns the page that `?limit=&after=` ask for.
    pub(super) fn page(all: &[T], request: &Request, id: impl Fn(&T) -> &String) -> Result<Self, Failure> {
        request.takes_only(&["limit", "after"])?;
        let limit = match request.query("limit") {
            None => Self::MAX,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=Self::MAX).contains(limit))
                .ok_or_else(|| FieldErrors::of("limit", "wrong_type"))?,
        };
        let start = match request.query("after") {
            None => 0,
            Some(after) => all
                .iter()
                .position(|item| id(item) == after)
                .map(|at| at + 1)
                .ok_or_else(|| FieldErrors::of("after", "unknown"))?,
        };
        let items: Vec<T> = all.iter().skip(start).take(limit).cloned().collect();
        let more = all.len() > start + items.len();
        let next = items.last().filter(|_| more).map(|item| id(item).clone());
        Ok(Self { items, next })
    }
}
