//! What an act is about.

use serde_json::Value;

use crate::base::{AccountId, ApiTokenId, BrowserId, FactorId, Id, InvitationId, MailId, RegistrationId, SessionId};
use crate::store::{Damaged, Field, Reader, stored_enum};

stored_enum! {
    /// The kind of thing that an act is about.
    SubjectKind {
        /// Nothing in particular. Stored like any other: the length of a row must not tell whether a refused login was
        /// of somebody.
        Nothing = 0 "nothing",
        /// An account.
        Account = 1 "account",
        /// A registration that waits.
        Registration = 2 "registration",
        /// An invitation.
        Invitation = 3 "invitation",
        /// A session.
        Session = 4 "session",
        /// An API token.
        ApiToken = 5 "api-token",
        /// A second factor.
        Factor = 6 "factor",
        /// A browser that is trusted.
        Browser = 7 "browser",
        /// A mail.
        Mail = 8 "mail",
    }
}

/// What an act is about: a thing of one kind, or nothing in particular.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Subject {
    id: [u8; 16],
    kind: Option<SubjectKind>,
}

impl Subject {
    /// Nothing in particular.
    pub const NONE: Self = Self { id: [0; 16], kind: Some(SubjectKind::Nothing) };

    /// Returns its id, if it is something.
    #[must_use]
    pub fn id(self) -> Option<Id<()>> {
        (self.id != Self::NONE.id).then(|| Id::from_bytes(self.id))
    }

    /// Returns its kind. None in rows that were written before kinds were.
    #[must_use]
    pub const fn kind(self) -> Option<SubjectKind> {
        self.kind
    }

    /// Returns the account that it is, or may be where no kind is known.
    #[must_use]
    pub fn account(self) -> Option<AccountId> {
        let id = self.id().filter(|_| self.kind.is_none_or(|kind| kind == SubjectKind::Account))?;
        Some(AccountId::from_bytes(*id.bytes()))
    }

    pub(super) const fn of_kind(self, kind: Option<SubjectKind>) -> Self {
        Self { kind, ..self }
    }
}

macro_rules! subjects {
    ($($id:ty: $kind:ident),* $(,)?) => {
        $(impl From<$id> for Subject {
            fn from(id: $id) -> Self {
                Self { id: *id.bytes(), kind: Some(SubjectKind::$kind) }
            }
        })*
    };
}

subjects! {
    AccountId: Account,
    RegistrationId: Registration,
    InvitationId: Invitation,
    SessionId: Session,
    ApiTokenId: ApiToken,
    FactorId: Factor,
    BrowserId: Browser,
    MailId: Mail,
}

/// The id alone: within an entry it stands as it did before there were kinds. The kind stands in the row.
impl Field for Subject {
    fn put(&self, out: &mut Vec<u8>) {
        self.id.put(out);
    }

    fn take(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        <[u8; 16]>::take(input).map(|id| Self { id, kind: None })
    }

    fn to_json(&self) -> Value {
        self.id().to_json()
    }

    fn from_json(shown: &Value) -> Result<Self, Damaged> {
        let id = Option::<Id<()>>::from_json(shown)?;
        Ok(Self { id: id.map_or(Self::NONE.id, |id| *id.bytes()), kind: None })
    }
}
