//! The JSON API under `/api/v1`: each handler parses the body, calls the use case, and replies.

pub(super) mod admin;
mod answers;
mod documents;
pub(super) mod factors;
mod people;
pub(super) mod tokens;
pub(super) mod upkeep;

pub(super) use people::{
    change_email, change_language, change_password, change_username, check_reset, confirm, delete_account,
    end_other_sessions, end_session, forgot, log_in_by_code, log_in_by_link, login, logins, logout, may, may_they,
    openapi, recover_username, refresh, register, request_mail_login, resend, reset, session, sessions, set_up,
    take_back,
};
