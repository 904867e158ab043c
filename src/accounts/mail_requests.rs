//! The queue of requests for mail. Asking only writes a row, without looking anybody up, so that it takes the same time
//! for everybody (user enumeration: ASVS 5.0, 6.3.8); [`super::process_mail_requests`] decides later whether there is
//! anything to mail.

use crate::base::{AccountId, EmailAddress, Identity, JobId, Moment, RegistrationId, Timestamp};
use crate::factors::CodePurpose;
use crate::sessions::Client;
use crate::store::{Snapshot, StoreError, Table, Transaction, record, schema};
use crate::throttle::Kind;

use super::Work;
use super::attempt_limits::AttemptLimits;

/// A request for mail: what may have to be mailed, and to whom.
#[derive(Clone, Debug)]
pub enum MailRequest {
    /// Somebody registered.
    Registered(RegistrationId),
    /// Somebody asked for the confirmation of an address again.
    Resend(EmailAddress),
    /// Somebody forgot the password of an address.
    Forgot(EmailAddress),
    /// An account's address, or the new one in its place, is to be confirmed.
    ConfirmAddress(AccountId),
    /// An account was made without a password: its owner is to choose the first.
    ChoosePassword(AccountId),
    /// A login was refused. With the right password of an unconfirmed registration its mail is sent again; any other
    /// leads to no mail, and is queued so that every refused login writes the same rows.
    RefusedLogin(Option<RegistrationId>),
    /// Somebody forgot the user name of an address.
    Username(EmailAddress),
    /// Somebody asked to log in by mail.
    LogIn(Identity, CodePurpose),
    /// A login to an account failed; its owner is told if there were many.
    FailedLogin(AccountId),
}

/// A request as it is stored: every kind has the same shape, so that the commit does not show which it is.
pub(crate) struct StoredRequest {
    pub kind: u32,
    subject: [u8; 16],
    address: String,
    pub asked_at: Timestamp,
    /// Whether it comes from networks that asked for little of late.
    pub is_quiet: bool,
}
record!(StoredRequest, version 2, { kind, subject, address, asked_at }, since 2 { is_quiet });

pub(crate) const REQUESTS: Table<JobId, StoredRequest> = Table::at(schema::LINK_REQUESTS);
/// Requests whose mail waits until the limit over all mails allows one more. They are kept apart by limit, so that
/// mails to strangers do not hold up those to existing accounts.
pub(crate) const DEFERRED: Table<(u8, JobId), StoredRequest> = Table::at(schema::DEFERRED_REQUESTS);

impl MailRequest {
    fn to_stored(&self, asked_at: Timestamp, is_quiet: bool) -> StoredRequest {
        let (kind, subject, address) = match self {
            Self::Registered(id) => (1, *id.bytes(), String::new()),
            Self::Resend(address) => (2, [0; 16], address.as_str().to_owned()),
            Self::Forgot(address) => (3, [0; 16], address.as_str().to_owned()),
            Self::ConfirmAddress(id) => (4, *id.bytes(), String::new()),
            Self::RefusedLogin(None) => (5, [0; 16], String::new()),
            Self::RefusedLogin(Some(id)) => (6, *id.bytes(), String::new()),
            Self::FailedLogin(id) => (7, *id.bytes(), String::new()),
            Self::Username(address) => (9, [0; 16], address.as_str().to_owned()),
            Self::ChoosePassword(id) => (10, *id.bytes(), String::new()),
            Self::LogIn(identity, context) => (8, *context.bytes(), identity.typed()),
        };
        StoredRequest { kind, subject, address, asked_at, is_quiet }
    }

    /// The limit over all mails that its own counts in: mails to accounts are counted apart from those to addresses
    /// without one, which strangers can name without end.
    pub(super) const fn crowd(&self) -> Option<Kind> {
        match self {
            Self::Registered(_)
            | Self::RefusedLogin(Some(_))
            | Self::Resend(_)
            | Self::ConfirmAddress(_)
            | Self::ChoosePassword(_) => Some(Kind::MailStrangers),
            Self::Forgot(_) | Self::Username(_) | Self::LogIn(..) => Some(Kind::MailEverybody),
            Self::FailedLogin(_) | Self::RefusedLogin(None) => None,
        }
    }

    pub(super) fn from_stored(stored: &StoredRequest) -> Option<Self> {
        let address = || EmailAddress::parse(&stored.address).ok();
        Some(match stored.kind {
            1 => Self::Registered(RegistrationId::from_bytes(stored.subject)),
            2 => Self::Resend(address()?),
            3 => Self::Forgot(address()?),
            4 => Self::ConfirmAddress(AccountId::from_bytes(stored.subject)),
            5 => Self::RefusedLogin(None),
            6 => Self::RefusedLogin(Some(RegistrationId::from_bytes(stored.subject))),
            7 => Self::FailedLogin(AccountId::from_bytes(stored.subject)),
            9 => Self::Username(address()?),
            8 => Self::LogIn(Identity::parse(&stored.address), CodePurpose::from_bytes(stored.subject)),
            10 => Self::ChoosePassword(AccountId::from_bytes(stored.subject)),
            _ => return None,
        })
    }
}

/// Queues a request of somebody who is known, or one that leads to no mail that a crowd could ask for.
pub fn request(tx: &mut dyn Transaction, moment: &mut Moment, wanted: &MailRequest) -> Result<(), StoreError> {
    let id = JobId::draw_in_order(moment);
    let is_quiet = matches!(wanted, MailRequest::ConfirmAddress(_) | MailRequest::ChoosePassword(_));
    REQUESTS.put(tx, &id, &wanted.to_stored(moment.earliest(), is_quiet))
}

/// Queues a request of a stranger, with a note whether they asked for little of late: then a crowd does not hold them
/// up.
pub fn request_by_stranger(work: &mut Work<'_>, wanted: &MailRequest, client: &Client) -> Result<(), StoreError> {
    // Judged now: the worker no longer knows who asked, and no network is kept for it.
    let is_quiet = AttemptLimits::ask_for_little(work.tx, work.env, client, work.moment.earliest())?;
    let id = JobId::draw_in_order(work.moment);
    REQUESTS.put(work.tx, &id, &wanted.to_stored(work.moment.earliest(), is_quiet))
}

/// Whether any request waits to be looked at.
pub fn any_waiting(view: &dyn Snapshot) -> Result<bool, StoreError> {
    Ok(REQUESTS.count(view, 1)? > 0)
}

/// The number of requests that wait to be looked at, or for their turn, counted up to `most`. Not each becomes a mail.
pub fn count_waiting(view: &dyn Snapshot, most: usize) -> Result<usize, StoreError> {
    Ok((REQUESTS.count(view, most)? + DEFERRED.count(view, most)?).min(most))
}

/// Whether any request waits for its turn, now or later.
pub fn any_deferred(view: &dyn Snapshot) -> Result<bool, StoreError> {
    Ok(DEFERRED.count(view, 1)? > 0)
}
