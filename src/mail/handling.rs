//! The handling of each letter: its urgency, its topic, how long it is of use.

use crate::base::{DAY, MINUTE, Seconds};

use super::{Letter, Notable, Urgency};

/// Notices are worth reading for as long as a server may be down.
const NOTICE_USEFUL: Seconds = 4 * DAY;
/// A code is worth reading as long as it is valid.
const CODE_USEFUL: Seconds = 10 * MINUTE;

impl Letter {
    /// Returns what it notifies the owner of an account of, if it may be summed up with others of its kind. What holds
    /// a link that undoes something is mailed by itself, and so is what is limited already.
    #[must_use]
    pub fn notable(&self) -> Option<Notable> {
        Some(match self {
            Self::PasswordChanged { .. } => Notable::PasswordChanged,
            Self::AddressChangeAsked { .. } => Notable::AddressAsked,
            Self::PhoneChanged { .. } => Notable::PhoneChanged,
            Self::NewLogin { .. } => Notable::NewLogin,
            Self::UsernameChanged { .. } => Notable::UsernameChanged,
            Self::FactorAdded { .. } => Notable::FactorAdded,
            Self::FactorUsed { .. } => Notable::FactorUsed,
            Self::FactorRemoved { .. } => Notable::FactorRemoved,
            Self::RecoveryCodesMade { .. } => Notable::CodesMade,
            Self::ApiTokenMade { .. } => Notable::TokenMade,
            Self::AppPasswordMade { .. } => Notable::AppPasswordMade,
            _ => return None,
        })
    }

    /// Whether somebody waits for it at this moment.
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        match self {
            Self::ConfirmRegistration { .. }
            | Self::AlreadyRegistered { .. }
            | Self::ResetPassword { .. }
            | Self::ChoosePassword { .. }
            | Self::TakenBack { .. }
            | Self::ConfirmAddress { .. }
            | Self::Username { .. }
            | Self::LogIn { .. }
            | Self::SecondFactorCode { .. }
            | Self::Invitation { .. }
            | Self::Test => Urgency::Awaited,
            Self::PasswordChanged { .. }
            | Self::AddressChangeAsked { .. }
            | Self::AddressChanged { .. }
            | Self::PhoneChanged { .. }
            | Self::NewLogin { .. }
            | Self::LoginsFailed { .. }
            | Self::AccountDeleted { .. }
            | Self::UsernameChanged { .. }
            | Self::CodesFailed { .. }
            | Self::FactorAdded { .. }
            | Self::FactorUsed { .. }
            | Self::FactorRemoved { .. }
            | Self::RecoveryCodeUsed { .. }
            | Self::RecoveryCodesMade { .. }
            | Self::FactorResetAsked { .. }
            | Self::FactorsReset { .. }
            | Self::ApiTokenMade { .. }
            | Self::AppPasswordMade { .. }
            | Self::MoreNotices { .. }
            | Self::ApprovalAsked { .. }
            | Self::RegistrationApproved { .. }
            | Self::RegistrationDeclined { .. }
            | Self::AttentionNeeded { .. } => Urgency::Notice,
        }
    }

    /// Returns the seconds for which delivering it makes sense: a dead link is not worth sending.
    #[must_use]
    pub fn useful_for(&self) -> Seconds {
        match self {
            Self::ConfirmRegistration { within, .. }
            | Self::ResetPassword { within, .. }
            | Self::ChoosePassword { within, .. }
            | Self::TakenBack { within, .. }
            | Self::ConfirmAddress { within, .. } => within.seconds().min(NOTICE_USEFUL),
            Self::LogIn { .. } | Self::SecondFactorCode { .. } => CODE_USEFUL,
            Self::Invitation { at, until, .. } => until.since(*at),
            _ => NOTICE_USEFUL,
        }
    }
}
