//! Operations, shared by pages and API: parse the fields, call the use case, map its refusals.

mod account;
mod account_recovery;
mod admin;
mod audit_export;
mod entry;
mod factors;
mod language;
mod mail_login;
mod tokens;

pub(super) use account::{
    change_email, change_password, change_username, check_reset, delete_account, end_session, forgot, recover_username,
    reset,
};
pub(super) use account_recovery::take_back;
pub(super) use admin::{carry_out, queued_mail, read_answer, waiting_registration, waiting_registrations};
pub(super) use audit_export::{AuditFile, export_audit};
pub(super) use entry::{confirm, hand_over, log_in, log_out, refresh, register, resend, set_up};
pub(super) use factors::{
    AddedFactor, add_sent_codes, begin_totp, confirm_totp, end_trust, hand_over_stepped, prove_again, remake_codes,
    remove_factor, send_session_code, send_step_code, take_second_step, totp_uri,
};
pub(super) use language::{change_language, chosen_language};
pub(super) use mail_login::{log_in_by_code, log_in_by_link, request_mail_login};
pub(super) use tokens::{
    app_passwords, make_app_password, make_token, revoke_app_password, revoke_token, tokens, wanted_token,
};
