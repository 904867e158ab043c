//! All routes, and who may call each.

use super::access::Access::{Administrator, Anyone, Asking, Enrolling, Helpdesk, LoggedIn};
use super::access::Audience;
use super::api::{admin, factors, tokens, upkeep};
use super::pages::admin as admin_pages;
use super::route::{Handler, Route};
use super::{api, forward_auth, pages};
use crate::audit::Act;
use crate::sessions::Scope;

macro_rules! routes {
    (@scope) => { None };
    (@scope $scope:ident) => { Some(Scope::$scope) };
    (@act) => { None };
    (@act $act:ident) => { Some(Act::$act) };
    (@fresh) => { false };
    (@fresh fresh) => { true };
    (@handler $module:ident $handler:ident) => { Handler::Later(|web, request| Box::pin($module::$handler(web, request))) };
    (@handler $module:ident $handler:ident door) => { Handler::Door(&$module::$handler) };
    (@handler $module:ident $handler:ident once) => { Handler::Now($module::$handler) };
    ($($audience:ident {
        $($method:literal $path:literal $access:ident $(+ $fresh:ident)? $module:ident :: $handler:ident $(at $once:ident)? $(by $scope:ident)? $(renews $act:ident)?;)*
    })*) => {
        &[$($(Route {
            method: $method,
            path: $path,
            audience: Audience::$audience,
            access: $access,
            fresh: routes!(@fresh $($fresh)?),
            scope: routes!(@scope $($scope)?),
            renews_for: routes!(@act $($act)?),
            handler: routes!(@handler $module $handler $($once)?),
        }),*),*]
    };
}

/// Every route there is. A handler without a row is dead code; a row without an access does not compile. With `+fresh`
/// the route needs a recent proof (reauthentication). With `at once` the handler is a plain function that waits for
/// nothing, for routes that are called again and again. With `renews` and an act the session goes on under a new
/// secret, and a second click is told that the act is done.
#[rustfmt::skip]
pub static ROUTES: &[Route] = routes! {
    Page {
        "GET"    "/"                                          Anyone               pages::home;
        "GET"    "/healthz"                                   Anyone               pages::health at once;
        "GET"    "/readyz"                                    Anyone               pages::ready;
        "GET"    "/assets/style.css"                          Anyone               pages::style at once;
        "GET"    "/assets/icon.svg"                           Anyone               pages::icon at once;
        "GET"    "/assets/{name}"                             Anyone               pages::asset at once;
        "GET"    "/static/{*path}"                            Anyone               pages::house_file at once;
        "GET"    "/favicon.ico"                               Anyone               pages::icon at once;
        "GET"    "/apple-touch-icon.png"                      Anyone               pages::touch_icon at once;
        "GET"    "/robots.txt"                                Anyone               pages::robots at once;
        "GET"    "/.well-known/security.txt"                  Anyone               pages::security at once;

        "GET"    "/register"                                  Anyone               pages::register_form;
        "POST"   "/register"                                  Anyone               pages::register;
        "GET"    "/register/sent"                             Anyone               pages::register_sent;
        "GET"    "/invite/{token}"                            Anyone               pages::invitation_form;
        "POST"   "/invite/{token}"                            Anyone               pages::accept_invitation;
        "GET"    "/confirm/resend"                            Anyone               pages::resend_form;
        "POST"   "/confirm/resend"                            Anyone               pages::resend;
        "GET"    "/confirm/{token}"                           Anyone               pages::confirm_form;
        "POST"   "/confirm/{token}"                           Anyone               pages::confirm;
        "GET"    "/login"                                     Anyone               pages::login_form;
        "POST"   "/login"                                     Anyone               pages::login;
        "GET"    "/login/second-factor"                       Anyone               pages::step;
        "POST"   "/login/second-factor"                       Anyone               pages::take_second_step;
        "POST"   "/login/second-factor/send"                  Anyone               pages::send_step_code;
        "GET"    "/login/mail"                                Anyone               pages::mail_login_form;
        "POST"   "/login/mail"                                Anyone               pages::request_mail_login;
        "GET"    "/login/mail/code"                           Anyone               pages::code_form;
        "POST"   "/login/mail/code"                           Anyone               pages::log_in_by_code;
        "GET"    "/login/mail/{token}"                        Anyone               pages::link_form;
        "POST"   "/login/mail/{token}"                        Anyone               pages::log_in_by_link;
        "GET"    "/door/{code}"                               Anyone               pages::door;
        "POST"   "/door/{code}"                               Anyone               pages::agree;
        "GET"    "/outpost.goauthentik.io/start"              Anyone               pages::start_elsewhere;
        "GET"    "/oauth2/start"                              Anyone               pages::start_elsewhere;
        "GET"    "/oauth2/sign_in"                            Anyone               pages::start_elsewhere;
        "GET"    "/logout"                                    Anyone               pages::logout_form;
        "POST"   "/logout"                                    Anyone               pages::logout;
        "POST"   "/language"                                  Anyone               pages::choose_language;
        "GET"    "/forgot"                                    Anyone               pages::forgot_form;
        "POST"   "/forgot"                                    Anyone               pages::forgot;
        "GET"    "/forgot/sent"                               Anyone               pages::forgot_sent;
        "GET"    "/username/recover"                          Anyone               pages::recover_form;
        "POST"   "/username/recover"                          Anyone               pages::recover_username;
        "GET"    "/reset/{token}"                             Anyone               pages::reset_form;
        "POST"   "/reset/{token}"                             Anyone               pages::reset;

        "GET"    "/not-me/{token}"                            Anyone               pages::not_me_form;
        "POST"   "/not-me/{token}"                            Anyone               pages::take_back;
        "GET"    "/email/undo/{token}"                        Anyone               pages::undo_form;
        "POST"   "/email/undo/{token}"                        Anyone               pages::take_back;
        "GET"    "/setup/{token}"                             Anyone               pages::set_up_form;
        "POST"   "/setup/{token}"                             Anyone               pages::set_up;

        "GET"    "/account"                                   LoggedIn             pages::account;
        "GET"    "/account/password"                          LoggedIn             pages::password_form;
        "POST"   "/account/password"                          LoggedIn             pages::change_password renews PasswordChanged;
        "GET"    "/.well-known/change-password"               Anyone               pages::change_password_place at once;
        "GET"    "/account/username"                          LoggedIn+fresh       pages::username_form;
        "POST"   "/account/username"                          LoggedIn+fresh       pages::change_username;
        "GET"    "/account/email"                             LoggedIn             pages::email_form;
        "POST"   "/account/email"                             LoggedIn             pages::change_email;
        "GET"    "/account/sessions"                          LoggedIn             pages::sessions;
        "POST"   "/account/sessions/end-others"               LoggedIn             pages::end_other_sessions renews SessionsEnded;
        "POST"   "/account/sessions/{id}/end"                 LoggedIn             pages::end_session;
        "GET"    "/account/delete"                            LoggedIn             pages::delete_form;
        "POST"   "/account/delete"                            LoggedIn             pages::delete_account;

        "GET"    "/account/verify"                            Enrolling            pages::proof;
        "POST"   "/account/verify"                            Enrolling            pages::prove_again renews ProvedAgain;
        "POST"   "/account/verify/send"                       Enrolling            pages::send_session_code;
        "GET"    "/account/second-factor"                     Enrolling            pages::overview;
        "GET"    "/account/second-factor/totp"                Enrolling+fresh      pages::totp;
        "POST"   "/account/second-factor/totp"                Enrolling+fresh      pages::begin_totp;
        "POST"   "/account/second-factor/totp/confirm"        Enrolling+fresh      pages::confirm_totp renews FactorAdded;
        "POST"   "/account/second-factor/mail"                Enrolling+fresh      pages::add_mail_codes renews FactorAdded;
        "POST"   "/account/second-factor/sms"                 Enrolling+fresh      pages::add_text_codes renews FactorAdded;
        "POST"   "/account/second-factor/recovery-codes"      LoggedIn+fresh       pages::remake_codes;
        "POST"   "/account/second-factor/{id}/remove"         LoggedIn+fresh       pages::remove_factor renews FactorRemoved;
        "POST"   "/account/second-factor/browsers/{id}/end"   LoggedIn             pages::end_trust;
        "GET"    "/account/tokens"                            LoggedIn             pages::tokens;
        "POST"   "/account/tokens"                            LoggedIn+fresh       pages::make_token;
        "POST"   "/account/tokens/{id}/revoke"                LoggedIn             pages::revoke_token;
        "GET"    "/account/app-passwords"                     LoggedIn             pages::app_passwords;
        "POST"   "/account/app-passwords"                     LoggedIn+fresh       pages::make_app_password;
        "POST"   "/account/app-passwords/{id}/revoke"         LoggedIn             pages::revoke_app_password;

        "GET"    "/admin"                                      Helpdesk             admin_pages::overview;
        "GET"    "/admin/people"                               Helpdesk             admin_pages::people;
        "GET"    "/admin/people/{user}"                        Helpdesk             admin_pages::person;
        "GET"    "/admin/people/{user}/logins"                 Helpdesk             admin_pages::logins;
        "POST"   "/admin/people/{user}/send-reset"             Helpdesk+fresh       admin_pages::send_reset;
        "GET"    "/admin/people/{user}/end-sessions"           Helpdesk             admin_pages::ask;
        "POST"   "/admin/people/{user}/end-sessions"           Helpdesk+fresh       admin_pages::end_sessions;
        "POST"   "/admin/people/{user}/sessions/{id}/end"      Helpdesk+fresh       admin_pages::end_session;
        "GET"    "/admin/people/{user}/{act}"                  Administrator        admin_pages::ask;
        "POST"   "/admin/people/{user}/{act}"                  Administrator+fresh  admin_pages::act;
        "GET"    "/admin/groups"                               Administrator        admin_pages::groups;
        "POST"   "/admin/groups/permit"                        Administrator+fresh  admin_pages::permit;
        "POST"   "/admin/groups/forbid"                        Administrator+fresh  admin_pages::forbid;
        "GET"    "/admin/groups/{group}/disband"               Administrator        admin_pages::ask_disband;
        "POST"   "/admin/groups/{group}/disband"               Administrator+fresh  admin_pages::disband;
        "GET"    "/admin/invitations"                          Administrator        admin_pages::invitations;
        "POST"   "/admin/invitations"                          Administrator+fresh  admin_pages::invite;
        "POST"   "/admin/invitations/{id}/revoke"              Administrator+fresh  admin_pages::revoke_invitation;
        "GET"    "/admin/approvals"                            Administrator        admin_pages::approvals;
        "POST"   "/admin/approvals/{id}/approve"               Administrator+fresh  admin_pages::approve;
        "GET"    "/admin/approvals/{id}/decline"               Administrator        admin_pages::ask_decline;
        "POST"   "/admin/approvals/{id}/decline"               Administrator+fresh  admin_pages::decline;
        "GET"    "/admin/mails"                                Administrator        admin_pages::mails;
        "POST"   "/admin/mails/retry"                          Administrator+fresh  admin_pages::retry_mails;
        "POST"   "/admin/mails/release"                        Administrator+fresh  admin_pages::release_mails;
        "POST"   "/admin/mails/{id}/retry"                     Administrator+fresh  admin_pages::retry_mail;
        "GET"    "/admin/mails/{id}/drop"                      Administrator        admin_pages::ask_drop;
        "POST"   "/admin/mails/{id}/drop"                      Administrator+fresh  admin_pages::drop_mail;
        "GET"    "/admin/limits"                               Administrator        admin_pages::limits;
        "GET"    "/admin/limits/lift"                          Administrator        admin_pages::ask_lift;
        "POST"   "/admin/limits/lift"                          Administrator+fresh  admin_pages::lift;
        "GET"    "/admin/audit"                                Administrator        admin_pages::audit;
        "GET"    "/admin/audit/export"                         Administrator        admin_pages::audit_export;
        "GET"    "/admin/webhooks"                             Administrator        admin_pages::webhooks;
        "POST"   "/admin/webhooks/{name}/retry"                Administrator+fresh  admin_pages::retry_webhook;
        "GET"    "/admin/configuration"                        Administrator        admin_pages::configuration;
    }
    Door {
        "*"      "/api/authz/forward-auth"                    Anyone               forward_auth::FORWARD_AUTH at door;
        "*"      "/api/authz/auth-request"                    Anyone               forward_auth::AUTH_REQUEST at door;
        "*"      "/api/authz/ext-authz"                       Anyone               forward_auth::EXT_AUTHZ at door;
        "*"      "/api/authz/ext-authz/"                      Anyone               forward_auth::EXT_AUTHZ at door;
        "*"      "/api/authz/ext-authz/{*path}"               Anyone               forward_auth::EXT_AUTHZ at door;
        "*"      "/api/verify"                                Anyone               forward_auth::VERIFY at door;

        "*"      "/api/auth/traefik"                          Anyone               forward_auth::TINYAUTH at door;
        "*"      "/api/auth/caddy"                            Anyone               forward_auth::TINYAUTH at door;
        "*"      "/api/auth/nginx"                            Anyone               forward_auth::TINYAUTH_NGINX at door;
        "*"      "/api/auth/envoy"                            Anyone               forward_auth::TINYAUTH_ENVOY at door;
        "*"      "/outpost.goauthentik.io/auth/traefik"       Anyone               forward_auth::AUTHENTIK at door;
        "*"      "/outpost.goauthentik.io/auth/caddy"         Anyone               forward_auth::AUTHENTIK at door;
        "*"      "/outpost.goauthentik.io/auth/nginx"         Anyone               forward_auth::AUTHENTIK_NGINX at door;
        "*"      "/outpost.goauthentik.io/auth/envoy/"        Anyone               forward_auth::AUTHENTIK_ENVOY at door;
        "*"      "/outpost.goauthentik.io/auth/envoy/{*path}" Anyone               forward_auth::AUTHENTIK_ENVOY at door;
        "*"      "/oauth2/auth"                               Anyone               forward_auth::OAUTH2_PROXY at door;
        "*"      "/validate"                                  Anyone               forward_auth::VOUCH at door;
    }
    Api {
        "GET"    "/api/v1/openapi.json"                       Anyone               api::openapi at once;
        "POST"   "/api/v1/register"                           Anyone               api::register;
        "POST"   "/api/v1/confirm"                            Anyone               api::confirm;
        "POST"   "/api/v1/confirm/resend"                     Anyone               api::resend;
        "POST"   "/api/v1/login"                              Anyone               api::login;
        "POST"   "/api/v1/login/mail"                         Anyone               api::request_mail_login;
        "POST"   "/api/v1/login/mail/code"                    Anyone               api::log_in_by_code;
        "POST"   "/api/v1/login/mail/link"                    Anyone               api::log_in_by_link;
        "POST"   "/api/v1/login/second-factor"                Anyone               factors::take_second_step;
        "POST"   "/api/v1/login/second-factor/send"           Anyone               factors::send_step_code;
        "POST"   "/api/v1/logout"                             Anyone               api::logout;
        "GET"    "/api/v1/session"                            Enrolling            api::session at once by Profile;
        "POST"   "/api/v1/session/refresh"                    Anyone               api::refresh;
        "POST"   "/api/v1/session/verify"                     Enrolling            factors::prove_again;
        "POST"   "/api/v1/session/verify/send"                Enrolling            factors::send_session_code;
        "POST"   "/api/v1/forgot"                             Anyone               api::forgot;
        "POST"   "/api/v1/reset/check"                        Anyone               api::check_reset;
        "POST"   "/api/v1/reset"                              Anyone               api::reset;
        "POST"   "/api/v1/account/take-back"                  Anyone               api::take_back;
        "POST"   "/api/v1/setup"                              Anyone               api::set_up;
        "POST"   "/api/v1/account/password"                   LoggedIn             api::change_password;
        "POST"   "/api/v1/account/username"                   LoggedIn+fresh       api::change_username;
        "PUT"    "/api/v1/account/language"                   LoggedIn             api::change_language;
        "POST"   "/api/v1/username/recover"                   Anyone               api::recover_username;
        "POST"   "/api/v1/account/email"                      LoggedIn             api::change_email;
        "POST"   "/api/v1/account/delete"                     LoggedIn             api::delete_account;
        "GET"    "/api/v1/account/sessions"                   LoggedIn             api::sessions;
        "DELETE" "/api/v1/account/sessions"                   LoggedIn             api::end_other_sessions;
        "DELETE" "/api/v1/account/sessions/{id}"              LoggedIn             api::end_session;
        "GET"    "/api/v1/account/logins"                     LoggedIn             api::logins;
        "GET"    "/api/v1/account/factors"                    Enrolling            factors::factors;
        "POST"   "/api/v1/account/factors/totp"               Enrolling+fresh      factors::begin_totp;
        "POST"   "/api/v1/account/factors/totp/confirm"       Enrolling+fresh      factors::confirm_totp;
        "POST"   "/api/v1/account/factors/mail"               Enrolling+fresh      factors::add_mail_codes;
        "POST"   "/api/v1/account/factors/sms"                Enrolling+fresh      factors::add_text_codes;
        "DELETE" "/api/v1/account/factors/{id}"               LoggedIn+fresh       factors::remove_factor;
        "POST"   "/api/v1/account/recovery-codes"             LoggedIn+fresh       factors::remake_codes;
        "GET"    "/api/v1/account/browsers"                   LoggedIn             factors::browsers;
        "DELETE" "/api/v1/account/browsers/{id}"              LoggedIn             factors::end_trust;
        "GET"    "/api/v1/account/tokens"                     LoggedIn             tokens::tokens;
        "POST"   "/api/v1/account/tokens"                     LoggedIn+fresh       tokens::make_token;
        "DELETE" "/api/v1/account/tokens/{id}"                LoggedIn             tokens::revoke_token;
        "GET"    "/api/v1/account/app-passwords"              LoggedIn             tokens::app_passwords;
        "POST"   "/api/v1/account/app-passwords"              LoggedIn+fresh       tokens::make_app_password;
        "DELETE" "/api/v1/account/app-passwords/{id}"         LoggedIn             tokens::revoke_app_password;
        "GET"    "/api/v1/may/{permission}"                   LoggedIn             api::may at once by Profile;
        "GET"    "/api/v1/users/{user}/may/{permission}"      Asking               api::may_they by Ask;

        "GET"    "/api/v1/admin/users"                        Helpdesk             admin::users by AdminRead;
        "POST"   "/api/v1/admin/users"                        Administrator+fresh  admin::add_user by AdminWrite;
        "GET"    "/api/v1/admin/users/{user}"                 Helpdesk             admin::show_user by AdminRead;
        "DELETE" "/api/v1/admin/users/{user}"                 Administrator+fresh  admin::delete_user by AdminWrite;
        "POST"   "/api/v1/admin/users/{user}/confirm"         Administrator+fresh  admin::confirm_user by AdminWrite;
        "POST"   "/api/v1/admin/users/{user}/disable"         Administrator+fresh  admin::disable_user by AdminWrite;
        "POST"   "/api/v1/admin/users/{user}/enable"          Administrator+fresh  admin::enable_user by AdminWrite;
        "POST"   "/api/v1/admin/users/{user}/reset-factors"   Administrator+fresh  admin::reset_factors by AdminWrite;
        "POST"   "/api/v1/admin/users/{user}/password"        Administrator+fresh  admin::set_password;
        "PUT"    "/api/v1/admin/users/{user}/phone"           Administrator+fresh  admin::set_phone by AdminWrite;
        "DELETE" "/api/v1/admin/users/{user}/phone"           Administrator+fresh  admin::remove_phone by AdminWrite;
        "PUT"    "/api/v1/admin/users/{user}/name"            Administrator+fresh  admin::set_name by AdminWrite;
        "DELETE" "/api/v1/admin/users/{user}/name"            Administrator+fresh  admin::remove_name by AdminWrite;
        "PUT"    "/api/v1/admin/users/{user}/username"        Administrator+fresh  admin::set_username by AdminWrite;
        "PUT"    "/api/v1/admin/users/{user}/email"           Administrator+fresh  admin::set_email by AdminWrite;
        "POST"   "/api/v1/admin/users/{user}/send-reset"      Helpdesk+fresh       admin::send_reset by AdminWrite;
        "GET"    "/api/v1/admin/users/{user}/sessions"        Helpdesk             admin::sessions by AdminRead;
        "DELETE" "/api/v1/admin/users/{user}/sessions"        Helpdesk+fresh       admin::end_sessions by AdminWrite;
        "DELETE" "/api/v1/admin/users/{user}/sessions/{id}"   Helpdesk+fresh       admin::end_session by AdminWrite;
        "GET"    "/api/v1/admin/users/{user}/logins"          Helpdesk             admin::logins by AdminRead;
        "GET"    "/api/v1/admin/users/{user}/tokens"          Administrator        admin::tokens by AdminRead;
        "POST"   "/api/v1/admin/users/{user}/tokens"          Administrator+fresh  admin::make_token;
        "DELETE" "/api/v1/admin/users/{user}/tokens/{id}"     Administrator+fresh  admin::revoke_token by AdminWrite;
        "PUT"    "/api/v1/admin/users/{user}/groups/{group}"  Administrator+fresh  admin::join_group by AdminWrite;
        "DELETE" "/api/v1/admin/users/{user}/groups/{group}"  Administrator+fresh  admin::leave_group by AdminWrite;
        "GET"    "/api/v1/admin/invitations"                  Administrator        admin::invitations by AdminRead;
        "POST"   "/api/v1/admin/invitations"                  Administrator+fresh  admin::invite by AdminWrite;
        "DELETE" "/api/v1/admin/invitations/{id}"             Administrator+fresh  admin::revoke_invitation by AdminWrite;
        "GET"    "/api/v1/admin/approvals"                    Administrator        admin::approvals by AdminRead;
        "POST"   "/api/v1/admin/approvals/{id}/approve"       Administrator+fresh  admin::approve by AdminWrite;
        "POST"   "/api/v1/admin/approvals/{id}/decline"       Administrator+fresh  admin::decline by AdminWrite;
        "GET"    "/api/v1/admin/webhooks"                     Administrator        admin::webhooks by AdminRead;
        "POST"   "/api/v1/admin/webhooks/{name}/retry"        Administrator+fresh  admin::retry_webhook by AdminWrite;
        "GET"    "/api/v1/admin/groups"                       Administrator        admin::groups by AdminRead;
        "DELETE" "/api/v1/admin/groups/{group}"               Administrator+fresh  admin::disband_group by AdminWrite;
        "GET"    "/api/v1/admin/groups/{group}/members"       Administrator        admin::members by AdminRead;
        "PUT"    "/api/v1/admin/groups/{group}/permissions/{permission}" Administrator+fresh  admin::permit by AdminWrite;
        "DELETE" "/api/v1/admin/groups/{group}/permissions/{permission}" Administrator+fresh  admin::forbid by AdminWrite;
        "GET"    "/api/v1/admin/overview"                     Administrator        upkeep::overview by AdminRead;
        "GET"    "/api/v1/admin/configuration"                Administrator        upkeep::configuration by AdminRead;
        "GET"    "/api/v1/admin/mails"                        Administrator        upkeep::mails by AdminRead;
        "POST"   "/api/v1/admin/mails/retry"                  Administrator+fresh  upkeep::retry_mails by AdminWrite;
        "POST"   "/api/v1/admin/mails/release"                Administrator+fresh  upkeep::release_mails by AdminWrite;
        "POST"   "/api/v1/admin/mails/{id}/retry"             Administrator+fresh  upkeep::retry_mail by AdminWrite;
        "DELETE" "/api/v1/admin/mails/{id}"                   Administrator+fresh  upkeep::drop_mail by AdminWrite;
        "GET"    "/api/v1/admin/limits"                       Administrator        upkeep::limits by AdminRead;
        "POST"   "/api/v1/admin/limits/lift"                  Administrator+fresh  upkeep::lift_limits by AdminWrite;
        "GET"    "/api/v1/admin/audit"                        Administrator        upkeep::audit by AdminRead;
        "GET"    "/api/v1/admin/audit/export"                 Administrator        upkeep::audit_export by AdminRead;
        "DELETE" "/api/v1/admin/sessions"                     Administrator+fresh  admin::end_all_sessions;
    }
};
