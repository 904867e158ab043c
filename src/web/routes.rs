//! All routes, and who may call each.

use std::pin::Pin;

use super::access::Access::{self, Administrator, Anyone, LoggedIn};
use super::api::admin;
use super::failure::Failure;
use super::reply::Reply;
use super::request::Request;
use super::{Web, api, pages};

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send + 'a>>;
type Handler = for<'a> fn(&'a Web, &'a Request) -> Answer<'a>;

/// One row of the list.
pub struct Route {
    /// GET stands for HEAD too.
    pub method: &'static str,
    /// With `{name}` for one segment of anything.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    pub(super) handler: Handler,
}

macro_rules! routes {
    ($($method:literal $path:literal $access:ident $module:ident :: $handler:ident;)*) => {
        &[$(Route {
            method: $method,
            path: $path,
            access: $access,
            handler: |web, request| Box::pin($module::$handler(web, request)),
        }),*]
    };
}

/// Every route there is. A handler without a row is dead code; a row without an access does not compile.
#[rustfmt::skip]
pub static ROUTES: &[Route] = routes! {
    "GET"    "/"                              Anyone   pages::home;
    "GET"    "/healthz"                       Anyone   pages::health;
    "GET"    "/readyz"                        Anyone   pages::ready;
    "GET"    "/assets/style.css"              Anyone   pages::style;
    "GET"    "/assets/icon.svg"               Anyone   pages::icon;

    "GET"    "/register"                      Anyone   pages::register_form;
    "POST"   "/register"                      Anyone   pages::register;
    "GET"    "/register/sent"                 Anyone   pages::register_sent;
    "GET"    "/invite/{token}"                Anyone   pages::invitation_form;
    "POST"   "/invite/{token}"                Anyone   pages::accept_invitation;
    "GET"    "/confirm/resend"                Anyone   pages::resend_form;
    "POST"   "/confirm/resend"                Anyone   pages::resend;
    "GET"    "/confirm/{token}"               Anyone   pages::confirm_form;
    "POST"   "/confirm/{token}"               Anyone   pages::confirm;
    "GET"    "/login"                         Anyone   pages::login_form;
    "POST"   "/login"                         Anyone   pages::login;
    "POST"   "/logout"                        Anyone   pages::logout;
    "GET"    "/forgot"                        Anyone   pages::forgot_form;
    "POST"   "/forgot"                        Anyone   pages::forgot;
    "GET"    "/forgot/sent"                   Anyone   pages::forgot_sent;
    "GET"    "/reset/{token}"                 Anyone   pages::reset_form;
    "POST"   "/reset/{token}"                 Anyone   pages::reset;

    "GET"    "/setup/{token}"                 Anyone   pages::set_up_form;
    "POST"   "/setup/{token}"                 Anyone   pages::set_up;

    "GET"    "/account"                       LoggedIn pages::account;
    "GET"    "/account/password"              LoggedIn pages::password_form;
    "POST"   "/account/password"              LoggedIn pages::change_password;
    "GET"    "/account/email"                 LoggedIn pages::email_form;
    "POST"   "/account/email"                 LoggedIn pages::change_email;
    "GET"    "/account/sessions"              LoggedIn pages::sessions;
    "POST"   "/account/sessions/end-others"   LoggedIn pages::end_other_sessions;
    "POST"   "/account/sessions/{id}/end"     LoggedIn pages::end_session;
    "GET"    "/account/delete"                LoggedIn pages::delete_form;
    "POST"   "/account/delete"                LoggedIn pages::delete_account;

    "GET"    "/admin/approvals"               Administrator pages::approvals;
    "POST"   "/admin/approvals/{id}/approve"  Administrator pages::approve;
    "POST"   "/admin/approvals/{id}/decline"  Administrator pages::decline;

    "GET"    "/api/v1/openapi.json"           Anyone   api::openapi;
    "POST"   "/api/v1/register"               Anyone   api::register;
    "POST"   "/api/v1/confirm"                Anyone   api::confirm;
    "POST"   "/api/v1/confirm/resend"         Anyone   api::resend;
    "POST"   "/api/v1/login"                  Anyone   api::login;
    "POST"   "/api/v1/logout"                 Anyone   api::logout;
    "GET"    "/api/v1/session"                LoggedIn api::session;
    "POST"   "/api/v1/forgot"                 Anyone   api::forgot;
    "POST"   "/api/v1/reset/check"            Anyone   api::check_reset;
    "POST"   "/api/v1/reset"                  Anyone   api::reset;
    "POST"   "/api/v1/setup"                  Anyone   api::set_up;
    "POST"   "/api/v1/account/password"       LoggedIn api::change_password;
    "POST"   "/api/v1/account/email"          LoggedIn api::change_email;
    "POST"   "/api/v1/account/delete"         LoggedIn api::delete_account;
    "GET"    "/api/v1/account/sessions"       LoggedIn api::sessions;
    "DELETE" "/api/v1/account/sessions"       LoggedIn api::end_other_sessions;
    "DELETE" "/api/v1/account/sessions/{id}"  LoggedIn api::end_session;
    "GET"    "/api/v1/may/{permission}"       LoggedIn api::may;

    "GET"    "/api/v1/admin/users"                                    Administrator admin::users;
    "POST"   "/api/v1/admin/users"                                    Administrator admin::add_user;
    "GET"    "/api/v1/admin/users/{user}"                             Administrator admin::show_user;
    "DELETE" "/api/v1/admin/users/{user}"                             Administrator admin::delete_user;
    "POST"   "/api/v1/admin/users/{user}/confirm"                     Administrator admin::confirm_user;
    "POST"   "/api/v1/admin/users/{user}/disable"                     Administrator admin::disable_user;
    "POST"   "/api/v1/admin/users/{user}/enable"                      Administrator admin::enable_user;
    "PUT"    "/api/v1/admin/users/{user}/groups/{group}"              Administrator admin::join_group;
    "DELETE" "/api/v1/admin/users/{user}/groups/{group}"              Administrator admin::leave_group;
    "GET"    "/api/v1/admin/invitations"                              Administrator admin::invitations;
    "POST"   "/api/v1/admin/invitations"                              Administrator admin::invite;
    "DELETE" "/api/v1/admin/invitations/{id}"                         Administrator admin::revoke_invitation;
    "GET"    "/api/v1/admin/approvals"                                Administrator admin::approvals;
    "POST"   "/api/v1/admin/approvals/{id}/approve"                   Administrator admin::approve;
    "POST"   "/api/v1/admin/approvals/{id}/decline"                   Administrator admin::decline;
    "GET"    "/api/v1/admin/groups"                                   Administrator admin::groups;
    "DELETE" "/api/v1/admin/groups/{group}"                           Administrator admin::disband_group;
    "GET"    "/api/v1/admin/groups/{group}/members"                   Administrator admin::members;
    "PUT"    "/api/v1/admin/groups/{group}/permissions/{permission}"  Administrator admin::permit;
    "DELETE" "/api/v1/admin/groups/{group}/permissions/{permission}"  Administrator admin::forbid;
};
