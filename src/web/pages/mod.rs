//! Pages for people. They work without JavaScript, and opening one changes nothing.

mod account;
mod account_recovery;
pub(super) mod admin;
mod app_passwords;
mod doors;
mod entry;
mod factors;
mod files;
mod form;
mod front_end;
mod language;
mod links;
mod mail_login;
mod page;
mod recovery_file;
mod system;
mod tokens;

pub(super) use account::{
    account, change_email, change_password, change_password_place, change_username, delete_account, delete_form,
    email_form, end_other_sessions, end_session, password_form, sessions, username_form,
};
pub(super) use app_passwords::{app_passwords, make_app_password, revoke_app_password};
pub(super) use doors::{agree, door, start_elsewhere};
pub(super) use entry::{
    accept_invitation, invitation_form, login, login_form, login_path, logout, logout_form, proof_path, register,
    register_form, register_sent,
};
pub(super) use factors::{
    add_mail_codes, add_text_codes, begin_totp, confirm_totp, end_trust, overview, proof, prove_again, remake_codes,
    remove_factor, send_session_code, send_step_code, step, take_second_step, totp,
};
pub(super) use links::{
    confirm, confirm_form, forgot, forgot_form, forgot_sent, recover_username, resend, resend_form, reset, reset_form,
    set_up, set_up_form, username_form as recover_form,
};

pub(super) use language::choose_language;

pub(super) use account_recovery::{not_me_form, take_back, undo_form};
pub(super) use tokens::{make_token, revoke_token, tokens};

pub(super) use mail_login::{
    code_form, link_form, log_in_by_code, log_in_by_link, mail_login_form, request_mail_login,
};

pub(super) use files::{asset, house_file, icon, robots, security, style, touch_icon};
pub(super) use page::{DONE_ALREADY, SECOND_FACTOR, failure};
pub(super) use system::{health, home, ready};
