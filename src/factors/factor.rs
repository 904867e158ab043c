//! A factor: what all kinds have in common, and what one kind keeps.

use serde_json::Value;

use crate::base::{AccountId, DisplayName, FactorId, Timestamp};
use crate::store::{Damaged, Direction, Record, Snapshot, StoreError, Table, record, schema};

use super::kind::FactorKind;

/// A factor of an account.
#[derive(Clone, Debug)]
pub struct Factor {
    /// The name that its owner gave it.
    pub name: DisplayName,
    /// The time at which it was begun.
    pub created_at: Timestamp,
    /// The time at which its owner showed that it works: it counts from then on.
    pub confirmed_at: Option<Timestamp>,
    /// The time at which it was last used.
    pub used_at: Option<Timestamp>,
    /// Its kind, with what that keeps.
    pub(super) state: FactorState,
}

/// What a factor keeps, by its kind.
#[derive(Clone, Debug)]
pub(super) enum FactorState {
    Totp(TotpState),
    Mail,
    Sms,
}

/// What an authenticator app's factor keeps.
#[derive(Clone, Debug)]
pub(super) struct TotpState {
    /// The shared secret, sealed.
    pub(super) sealed: Vec<u8>,
    /// The step of the last code that was taken.
    pub(super) last_step: u64,
    /// Whether that code was of the step before.
    pub(super) is_late: bool,
}

impl Factor {
    /// Makes one that does not count yet.
    pub(super) fn begin(name: DisplayName, state: FactorState, now: Timestamp) -> Self {
        Self { name, created_at: now, confirmed_at: None, used_at: None, state }
    }

    /// Returns its kind.
    #[must_use]
    pub const fn kind(&self) -> FactorKind {
        match self.state {
            FactorState::Totp(_) => FactorKind::Totp,
            FactorState::Mail => FactorKind::Mail,
            FactorState::Sms => FactorKind::Sms,
        }
    }

    /// Whether the last code was of the step before: the clock of the authenticator may be late.
    #[must_use]
    pub const fn is_late(&self) -> bool {
        matches!(self.state, FactorState::Totp(TotpState { is_late: true, .. }))
    }
}

/// The row of a factor: one layout for all kinds, in which each fills the fields that it needs.
struct FactorRow {
    kind: FactorKind,
    name: DisplayName,
    sealed: Vec<u8>,
    last_step: u64,
    is_late: bool,
    created_at: Timestamp,
    confirmed_at: Option<Timestamp>,
    used_at: Option<Timestamp>,
}
record!(FactorRow, version 1, { kind, name, sealed, last_step, is_late, created_at, confirmed_at, used_at });

impl From<&Factor> for FactorRow {
    fn from(factor: &Factor) -> Self {
        let (sealed, last_step, is_late) = match &factor.state {
            FactorState::Totp(kept) => (kept.sealed.clone(), kept.last_step, kept.is_late),
            FactorState::Mail | FactorState::Sms => Default::default(),
        };
        let Factor { name, created_at, confirmed_at, used_at, .. } = factor.clone();
        Self { kind: factor.kind(), name, sealed, last_step, is_late, created_at, confirmed_at, used_at }
    }
}

impl From<FactorRow> for Factor {
    fn from(row: FactorRow) -> Self {
        let FactorRow { name, created_at, confirmed_at, used_at, sealed, last_step, is_late, .. } = row;
        let state = match row.kind {
            FactorKind::Totp => FactorState::Totp(TotpState { sealed, last_step, is_late }),
            FactorKind::Mail => FactorState::Mail,
            FactorKind::Sms => FactorState::Sms,
        };
        Self { name, created_at, confirmed_at, used_at, state }
    }
}

impl Record for Factor {
    const NAME: &'static str = "Factor";

    fn to_bytes(&self) -> Vec<u8> {
        FactorRow::from(self).to_bytes()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        FactorRow::from_bytes(bytes).map(Self::from)
    }

    fn to_json(&self) -> Value {
        FactorRow::from(self).to_json()
    }

    fn from_json(shown: &Value) -> Result<Self, Damaged> {
        FactorRow::from_json(shown).map(Self::from)
    }
}

pub(crate) const FACTORS: Table<(AccountId, FactorId), Factor> = Table::at(schema::FACTORS);

/// Factors that an account may have.
pub const MAX_FACTORS: usize = 10;

/// The factors of an account, including those that are not confirmed yet.
pub fn of_account(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<Vec<(FactorId, Factor)>, StoreError> {
    let rows = FACTORS.under(view, &account, Direction::Up, MAX_FACTORS + 1)?;
    Ok(rows.into_iter().map(|((_, id), factor)| (id, factor)).collect())
}

/// The factors of an account that count.
pub fn confirmed(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<Vec<(FactorId, Factor)>, StoreError> {
    let mut factors = of_account(view, account)?;
    factors.retain(|(_, factor)| factor.confirmed_at.is_some());
    Ok(factors)
}

/// Whether the account asks for more than a password.
pub fn has_any(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<bool, StoreError> {
    Ok(!confirmed(view, account)?.is_empty())
}
