//! Dispatches commands.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::accounts::keyring::{self, Rotation};
use crate::app::{App, Principal};
use crate::audit::{Act, Subject};

use super::command::{self, Named};
use super::{
    Command, Outcome, Refusal, adding, approvals, clock, groups, inspection, invitations, limits, log, mails, sessions,
    tokens, users, webhooks,
};

/// Executes a command in somebody's name, whom the audit log records.
///
/// # Errors
/// When it is refused, or the store fails.
pub async fn execute(app: &Arc<App>, command: Command, by: &Principal) -> Outcome {
    match command {
        Command::UserAdd { email, username, phone, name, password, admin, confirmed, groups } => {
            let draft = adding::Draft {
                email,
                username,
                phone,
                name,
                password,
                groups,
                is_admin: admin,
                is_confirmed: confirmed,
            };
            adding::add(app, draft, by).await
        }
        Command::UserList { part, after, limit } => users::list(app, part.as_deref(), after, limit),
        Command::UserShow(Named { user }) => users::show(app, &user),
        Command::UserPasswd { user, password } => users::set_password(app, user, &password, by).await,
        Command::UserConfirm(Named { user }) => users::confirm(app, user, by).await,
        Command::UserDisable(Named { user }) => users::set_disabled(app, user, true, by).await,
        Command::UserEnable(Named { user }) => users::set_disabled(app, user, false, by).await,
        Command::UserDelete(Named { user }) => users::delete(app, user, by).await,
        Command::UserResetFactors(Named { user }) => users::reset_factors(app, user, by).await,
        Command::UserPhone { user, phone } => users::set_phone(app, user, phone, by).await,
        Command::UserGroup { user, group, member } => users::set_group(app, user, &group, member, by).await,
        Command::SessionEnd { user: Some(user) } => sessions::end(app, user, by).await,
        Command::SessionEnd { user: None } => sessions::end_all(app, by).await,
        Command::TokenAdd { user, name, scopes, within } => {
            tokens::make(app, user, tokens::Draft { name, scopes, within }, by).await
        }
        Command::TokenList(Named { user }) => tokens::list(app, &user),
        Command::TokenRevoke { user, id } => tokens::revoke(app, user, &id, by).await,
        Command::InviteAdd { email, within, uses, groups } => {
            invitations::add(app, (email, within, uses, groups), by).await
        }
        Command::InviteList(command::Page { after, limit }) => invitations::list(app, after, limit),
        Command::InviteRevoke { id } => invitations::revoke(app, &id, by).await,
        Command::ApprovalList(command::Page { after, limit }) => approvals::list(app, after, limit),
        Command::ApprovalDecide { id, approve } => approvals::decide(app, &id, approve, by).await,
        Command::GroupList => groups::list(app),
        Command::GroupMembers { group, after, limit } => groups::members(app, &group, after, limit),
        Command::GroupPermit { group, permission, given } => groups::permit(app, &group, &permission, given, by).await,
        Command::GroupDisband { group } => groups::disband(app, &group, by).await,
        Command::Inspect => inspection::inspect(app).await,
        Command::ProbeExpect { word } => {
            app.expect_probe(word);
            Ok(Value::Null)
        }
        Command::ProbeTake => Ok(inspection::take_probe(app)),
        Command::WebhookList => webhooks::list(app),
        Command::WebhookRetry(command::Webhook { name }) => webhooks::retry(app, name, by).await,
        Command::MailTest { .. } | Command::MailProbe | Command::WebhookTest(command::Webhook { .. }) => {
            Err(Refusal::failed("only a running server does that", ""))
        }
        Command::MailList(command::Page { after, limit }) => mails::list(app, after, limit),
        Command::MailRetry { id } => mails::retry(app, id, by).await,
        Command::MailRelease => mails::release(app, by).await,
        Command::Backup => back_up(app, by, "backup").await,
        Command::Export => back_up(app, by, "export").await,
        Command::KeyRotate => rotate_key(app, by).await,
        Command::KeyRevoke => revoke_keys(app, by).await,
        Command::ThrottleList(command::Page { after, limit }) => limits::list(app, after, limit),
        Command::ThrottleLift { who } => limits::lift(app, who, by).await,
        Command::AuditList(wanted) => log::list(app, &wanted),
        Command::AuditVerify => log::verify(app),
        Command::AuditWitness(witness) => log::goes_on_from(app, &witness),
        Command::ClockShow => Ok(clock::describe(&app.clock_report())),
        Command::ClockReset => clock::reset(app, by).await,
    }
}

/// Records that a backup is made; its bytes follow the answer.
async fn back_up(app: &Arc<App>, by: &Principal, what: &'static str) -> Outcome {
    let source = by.source();
    let noted = app.write_as(by, move |work| work.audit_in_detail(&source, Act::BackupMade, Subject::NONE, what));
    noted.await?;
    Ok(json!({"follows": what}))
}

async fn rotate_key(app: &Arc<App>, by: &Principal) -> Outcome {
    let source = by.source();
    let rotated = app.write_as(by, move |work| {
        let rotation = keyring::rotate(work.tx, work.moment, &work.env.seal, work.env.config.longest_token_lifetime())?;
        if rotation == Rotation::Rotated {
            work.audit(&source, Act::KeyRotated, Subject::NONE)?;
        }
        Ok(rotation)
    });
    match rotated.await? {
        Rotation::Rotated => Ok(json!({"rotated": true})),
        Rotation::TooMany => Err(Refusal::conflict(
            "there are too many signing keys",
            "wait until the links signed with the old ones have expired",
        )),
    }
}

async fn revoke_keys(app: &Arc<App>, by: &Principal) -> Outcome {
    let source = by.source();
    let revoked = app.write_as(by, move |work| {
        keyring::revoke(work.tx, work.moment, &work.env.seal)?;
        work.audit_in_detail(&source, Act::KeyRotated, Subject::NONE, "links that were out are dead")
    });
    revoked.await?;
    Ok(json!({"rotated": true, "revoked": true}))
}
