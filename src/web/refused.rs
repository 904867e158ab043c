//! Maps the refusals of each use case to failures.

use crate::accounts::change_refused::ChangeRefused;
use crate::accounts::confirm::ConfirmRefused;
use crate::accounts::first_administrator::SetUpRefused;
use crate::accounts::forgot::ResetRefused;
use crate::accounts::login_outcome::LoginRefused;
use crate::accounts::reauthentication::ProofRefused;
use crate::accounts::register::RegisterRefused;
use crate::admin::{Refusal, Remedy};
use crate::app::Fault;
use crate::texts::{Text, refusal as say};

use super::failure::{Failure, FieldErrors};

impl From<RegisterRefused> for Failure {
    fn from(refused: RegisterRefused) -> Self {
        match refused {
            RegisterRefused::Closed => Self::RegistrationClosed,
            RegisterRefused::InvitationNeeded => Self::InvitationNeeded,
            RegisterRefused::NotInvited(fault) => fault.into(),
            RegisterRefused::InvitedElsewhere => FieldErrors::of("email", "not_invited").into(),
            RegisterRefused::Password(fault) => FieldErrors::of("password", fault).into(),
            RegisterRefused::Domain => FieldErrors::of("email", "domain_not_allowed").into(),
            RegisterRefused::AddressTaken => FieldErrors::of("email", "taken").into(),
            RegisterRefused::UsernameTaken => FieldErrors::of("username", "taken").into(),
            RegisterRefused::UsernameReserved => FieldErrors::of("username", "reserved").into(),
        }
    }
}

impl From<ConfirmRefused> for Failure {
    fn from(refused: ConfirmRefused) -> Self {
        match refused {
            ConfirmRefused::Token(fault) => fault.into(),
            ConfirmRefused::PasswordNeeded => Self::PasswordNeeded,
            ConfirmRefused::WrongPassword => Self::WrongPassword,
            ConfirmRefused::UsernameTaken => Self::UsernameTaken,
            ConfirmRefused::Password(fault) => FieldErrors::of("new_password", fault).into(),
            ConfirmRefused::UsernameReserved => FieldErrors::of("username", "reserved").into(),
            ConfirmRefused::Closed => Self::RegistrationClosed,
            ConfirmRefused::InvitationNeeded => Self::InvitationNeeded,
        }
    }
}

impl From<LoginRefused> for Failure {
    fn from(refused: LoginRefused) -> Self {
        match refused {
            LoginRefused::InvalidCredentials => Self::InvalidCredentials,
            LoginRefused::TooMany(seconds) => Fault::TooManyAttempts(seconds).into(),
            LoginRefused::BadLink(fault) => fault.into(),
            LoginRefused::OtherBrowser => Self::OtherBrowser,
            LoginRefused::WrongCode => Self::WrongCode,
            LoginRefused::Over => Self::LoginOver,
            LoginRefused::NotOffered => Self::NotFound,
        }
    }
}

impl From<ProofRefused> for Failure {
    fn from(refused: ProofRefused) -> Self {
        match refused {
            ProofRefused::WrongPassword => Self::WrongPassword,
            ProofRefused::CodeNeeded(options) => Self::SecondFactorRequired(options),
            ProofRefused::WrongCode => Self::WrongCode,
        }
    }
}

impl From<ResetRefused> for Failure {
    fn from(refused: ResetRefused) -> Self {
        match refused {
            ResetRefused::Token(fault) => fault.into(),
            ResetRefused::Password(fault) => FieldErrors::of("password", fault).into(),
        }
    }
}

impl From<SetUpRefused> for Failure {
    fn from(refused: SetUpRefused) -> Self {
        match refused {
            SetUpRefused::Token(fault) => fault.into(),
            SetUpRefused::Password(fault) => FieldErrors::of("password", fault).into(),
            SetUpRefused::AddressTaken => FieldErrors::of("email", "taken").into(),
            SetUpRefused::UsernameTaken => FieldErrors::of("username", "taken").into(),
        }
    }
}

impl From<ChangeRefused> for Failure {
    fn from(refused: ChangeRefused) -> Self {
        match refused {
            ChangeRefused::WrongPassword => Self::WrongPassword,
            ChangeRefused::NotFresh => Self::ReauthenticationRequired(vec![]),
            ChangeRefused::Password(fault) => FieldErrors::of("new_password", fault).into(),
            ChangeRefused::SameAddress => FieldErrors::of("email", "unchanged").into(),
            ChangeRefused::LastAdministrator => Self::LastAdministrator,
            ChangeRefused::TooMany(seconds) => Fault::TooManyAttempts(seconds).into(),
            ChangeRefused::Domain => FieldErrors::of("email", "domain_not_allowed").into(),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        if let Some(fault) = refusal.fault {
            return fault.into();
        }
        let remedy = refusal.remedy.as_ref().and_then(in_words);
        let message = refusal.message;
        let text = match (refusal.hint, remedy) {
            (Some(hint), Some(remedy)) => say::with_two_hints(message, hint, remedy),
            (Some(hint), None) | (None, Some(hint)) => say::with_hint(message, hint),
            (None, None) => say::alone(message),
        };
        Self::Refused(refusal.kind, text)
    }
}

/// Returns the words for a remedy, where they say more than the refusal itself: programs know their requests.
fn in_words(remedy: &Remedy) -> Option<Text> {
    match remedy {
        Remedy::AddAccount => Some(say::or_add_account()),
        Remedy::ReplaceRegistrations => Some(say::replace_registrations()),
        Remedy::GivePassword => Some(say::give_password()),
        Remedy::NotePhone => Some(say::phone_field()),
        Remedy::FreeUsername(_) => Some(say::username_given_up_hint()),
        Remedy::ListAccounts
        | Remedy::ListGroups
        | Remedy::ListInvitations
        | Remedy::ListMails
        | Remedy::ListRegistrations
        | Remedy::ListTokens
        | Remedy::ListAppPasswords
        | Remedy::ListLimits
        | Remedy::ShowAccount
        | Remedy::AddByUsername(_)
        | Remedy::AddAdministrator
        | Remedy::DisbandGroup => None,
    }
}
