//! What people ask to have mailed. The request only writes a wish down, without looking anybody up, so that it takes the same time
//! for everybody; [`super::links`] decides later whether there is anything to mail.

use crate::base::{AccountId, EmailAddress, Identity, JobId, Moment, RegistrationId, Timestamp};
use crate::factors::Context;
use crate::sessions::Client;
use crate::store::{StoreError, Table, Transaction, record, schema};
use crate::throttle::Kind;

use super::Work;
use super::tries::Tries;

/// Who is to be mailed, if anybody.
#[derive(Clone, Debug)]
pub enum Wish {
    /// Somebody registered.
    Registered(RegistrationId),
    /// Somebody wants the confirmation of an address again.
    Resend(EmailAddress),
    /// Somebody forgot the password of an address.
    Forgot(EmailAddress),
    /// An account's address, or the new one in its place, is to be confirmed.
    ConfirmAddress(AccountId),
    /// Somebody for whom an account was made is to choose its first password.
    ChoosePassword(AccountId),
    /// A login was refused; with the right password of an unconfirmed registration its mail is sent again.
    RefusedLogin(Option<RegistrationId>),
    /// Somebody forgot the user name of an address.
    Username(EmailAddress),
    /// Somebody wants to log in by mail.
    LogIn(Identity, Context),
    /// A login to an account failed; its owner is told if there were many.
    FailedLogin(AccountId),
}

/// A wish as it is stored: every kind has the same shape.
pub(crate) struct StoredWish {
    pub kind: u32,
    subject: [u8; 16],
    address: String,
    pub asked_at: Timestamp,
    /// Whether it comes from where little was asked for of late.
    pub is_quiet: bool,
}
record!(StoredWish, version 2, { kind, subject, address, asked_at }, since 2 { is_quiet });

pub(crate) const WISHES: Table<JobId, StoredWish> = Table::at(schema::LINK_REQUESTS);

impl Wish {
    fn to_stored(&self, asked_at: Timestamp, is_quiet: bool) -> StoredWish {
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
        StoredWish { kind, subject, address, asked_at, is_quiet }
    }

    /// The limit over all mails that its own counts in: mails to accounts are counted apart from those to addresses that are
    /// nobody's yet, which strangers can name without end.
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

    pub(super) fn from_stored(stored: &StoredWish) -> Option<Self> {
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
            8 => Self::LogIn(Identity::parse(&stored.address), Context::from_bytes(stored.subject)),
            10 => Self::ChoosePassword(AccountId::from_bytes(stored.subject)),
            _ => return None,
        })
    }
}

/// Writes a wish down that somebody has who is known, or that leads to no mail that a crowd could ask for.
pub fn wish(tx: &mut dyn Transaction, moment: &mut Moment, wish: &Wish) -> Result<(), StoreError> {
    let id = JobId::draw_in_order(moment);
    let is_quiet = matches!(wish, Wish::ConfirmAddress(_) | Wish::ChoosePassword(_));
    WISHES.put(tx, &id, &wish.to_stored(moment.earliest(), is_quiet))
}

/// Writes a stranger's wish down. It is noted whether they asked for little of late: then a crowd does not hold them up.
pub fn wish_of_stranger(work: &mut Work<'_>, wish: &Wish, client: &Client) -> Result<(), StoreError> {
    let is_quiet = Tries::ask_for_little(work.tx, work.env, client, work.moment.earliest())?;
    let id = JobId::draw_in_order(work.moment);
    WISHES.put(work.tx, &id, &wish.to_stored(work.moment.earliest(), is_quiet))
}
