//! Answers that carry a session.

use crate::crypto::Bearer;
use crate::sessions::Session;

use crate::accounts::login_outcome::Passed;
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::operations;
use crate::web::reply::Reply;
use crate::web::request::Request;
use crate::web::status::Success;

use super::documents::{LoggedInDocument, SessionDocument, UserDocument};
use crate::accounts::start_session::StartedSession;

/// Answers a first step: with the session, or with the challenge of a second factor. A program gets the secrets in the
/// body; a browser gets them in cookies only, where no script can read them.
pub(super) async fn first_step(web: &Web, request: &Request, passed: Passed) -> Reply {
    match passed {
        Passed::LoggedIn(started) if started.session.carrier.is_bearer() => logged_in(&started),
        Passed::LoggedIn(started) => {
            operations::hand_over(web, request, logged_in(&started), (&started.secret, &started.session)).await
        }
        Passed::SecondFactorRequired { secret, options, carrier } if carrier.is_bearer() => {
            Reply::problem_with(&Failure::SecondFactorRequired(options), Some(secret.expose()))
        }
        Passed::SecondFactorRequired { secret, options, .. } => {
            let reply = Reply::problem(&Failure::SecondFactorRequired(options));
            reply.with_cookie(web.cookies.set_pending(&secret))
        }
    }
}

pub(super) fn logged_in(started: &StartedSession) -> Reply {
    let document = LoggedInDocument {
        status: "logged_in",
        user: UserDocument::of(&started.person, &started.permissions),
        session: SessionDocument::of(&started.session).with(&started.secret),
    };
    Reply::json(Success::Ok, &document)
}

/// A document with the session under its new secret: a program finds it there, a browser gets a cookie.
pub(super) async fn with_renewed(
    web: &Web,
    request: &Request,
    mut document: serde_json::Value,
    (secret, session): &(Bearer, Session),
) -> Reply {
    document["session"] = serde_json::json!(SessionDocument::of(session).with(secret));
    operations::hand_over(web, request, Reply::json(Success::Ok, &document), (secret, session)).await
}

pub(super) async fn with_session(
    web: &Web,
    request: &Request,
    reply: Reply,
    session: Option<(&Bearer, &Session)>,
) -> Reply {
    match session {
        Some(session) => operations::hand_over(web, request, reply, session).await,
        None => reply,
    }
}
