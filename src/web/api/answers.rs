//! Answers with a session in them.

use crate::app::Entered;
use crate::crypto::Bearer;
use crate::sessions::Session;

use crate::web::acts::{self, Passed};
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::reply::Reply;
use crate::web::request::Request;
use crate::web::status::Success;

use super::documents::{LoggedInDocument, SessionDocument, UserDocument};

pub(super) fn let_in(web: &Web, request: &Request, passed: Passed) -> Reply {
    match passed {
        Passed::In(entered) if entered.session.carrier.is_bearer() => logged_in(&entered),
        Passed::In(entered) => acts::hand_over(web, request, logged_in(&entered), (&entered.secret, &entered.session)),
        Passed::Halfway { secret, ways, is_bearer: true } => {
            Reply::problem_with(&Failure::SecondFactorRequired(ways), Some(secret.expose()))
        }
        Passed::Halfway { secret, ways, is_bearer: false } => {
            let reply = Reply::problem(&Failure::SecondFactorRequired(ways));
            reply.with_cookie(web.cookies.set_pending(&secret))
        }
    }
}

pub(super) fn logged_in(entered: &Entered) -> Reply {
    let document = LoggedInDocument {
        status: "logged_in",
        user: UserDocument::of(&entered.person, &entered.permissions),
        session: SessionDocument::of(&entered.session).with(&entered.secret),
    };
    Reply::json(Success::Ok, &document)
}

/// A document with the session that goes on under a new secret: a program finds it there, a browser gets a cookie.
pub(super) fn with_renewed(
    web: &Web,
    request: &Request,
    mut document: serde_json::Value,
    (secret, session): &(Bearer, Session),
) -> Reply {
    document["session"] = serde_json::json!(SessionDocument::of(session).with(secret));
    acts::hand_over(web, request, Reply::json(Success::Ok, &document), (secret, session))
}

pub(super) fn with_session(web: &Web, request: &Request, reply: Reply, session: Option<&(Bearer, Session)>) -> Reply {
    match session {
        Some((secret, session)) => acts::hand_over(web, request, reply, (secret, session)),
        None => reply,
    }
}
