//! A letter of each kind, with values of its form.

use crate::base::{DAY, Secret, Timestamp};
use crate::config::Span;
use crate::texts::{advice, agent, happened};

use super::Letter;

impl Letter {
    /// Returns one of each, to check whether the templates can be rendered.
    pub(super) fn samples() -> Vec<Self> {
        let link = || "https://auth.example.org/confirm/glt_x".to_owned();
        let (within, at) = (Span::from_seconds(DAY), Timestamp::from_seconds(1_795_000_000));
        let masked = |letter: char| format!("{letter}...@example.org");
        vec![
            Self::ConfirmRegistration { link: link(), within },
            Self::AlreadyRegistered { login: link(), forgot: link() },
            Self::ResetPassword { link: link(), within },
            Self::ChoosePassword { link: link(), within },
            Self::TakenBack { link: link(), within, forgot: link() },
            Self::PasswordChanged { at, by_administrator: true, forgot: link() },
            Self::ConfirmAddress { link: link(), within, account: "ada".into() },
            Self::AddressChangeAsked { knew_password: true, new: masked('b'), forgot: link() },
            Self::AddressChanged { old: masked('a'), new: masked('b'), undo: link() },
            Self::PhoneChanged { phone: "+4930123456".into(), at },
            Self::NewLogin {
                at,
                network: "192.0.2.7".into(),
                device: agent::browser_on_system("Firefox", "Linux"),
                link: link(),
            },
            Self::LoginsFailed { is_out_of_use: true, forgot: link() },
            Self::AccountDeleted { at, by_administrator: true },
            Self::UsernameChanged { username: "ada".into(), at, forgot: link() },
            Self::Username { username: "ada".into(), login: link() },
            Self::LogIn { link: link(), code: Secret::new("123456".into()), within },
            Self::SecondFactorCode { code: Secret::new("123456".into()), forgot: link() },
            Self::CodesFailed { forgot: link() },
            Self::FactorAdded { at, forgot: link() },
            Self::FactorUsed { at, forgot: link() },
            Self::FactorRemoved { at, is_last: true, forgot: link() },
            Self::RecoveryCodeUsed { at, left: 1, forgot: link() },
            Self::RecoveryCodesMade { at, forgot: link() },
            Self::FactorResetAsked { due: at, login: link() },
            Self::FactorsReset { at, must_have_one: true, forgot: link() },
            Self::ApiTokenMade { scopes: "profile".into(), at, tokens: link() },
            Self::AppPasswordMade { at, app_passwords: link() },
            Self::MoreNotices {
                lines: vec![happened::token_made(3)],
                since: at,
                last: at,
                advice: advice::revoke(),
                link: link(),
            },
            Self::Invitation { link: link(), at, until: at.plus(DAY) },
            Self::ApprovalAsked { address: "ada@example.org".into(), link: link() },
            Self::RegistrationApproved { login: link(), note: "Welcome!".into() },
            Self::RegistrationDeclined { note: String::new() },
            Self::AttentionNeeded {
                failed_mails: 2,
                certificate: "the authority could not be reached".into(),
                disk_is_short: true,
                snapshots_overdue: true,
                link: link(),
            },
            Self::Test,
        ]
    }
}
