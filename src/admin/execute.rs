//! Dispatches commands.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::accounts::keyring::{self, Rotation};
use crate::app::{App, Fault, Principal};
use crate::audit::{Act, Subject};
use crate::texts::refusal;

use super::answers::{Follows, NewKey};
use super::command::{self, Named};
use super::{
    Command, Refusal, adding, app_passwords, approvals, clock, correcting, groups, inspection, invitations, limits,
    log, mails, overview, people, sessions, tokens, users, webhooks,
};

/// Executes a command in somebody's name, whom the audit log records.
///
/// # Errors
/// When it is refused, or the store fails.
pub async fn execute(app: &Arc<App>, command: Command, by: &Principal) -> Result<Value, Refusal> {
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
            document(adding::add(app, draft, by).await)
        }
        Command::UserList(wanted) => document(people::list(app, wanted).await),
        Command::UserShow(Named { user }) => document(users::show(app, &user).await),
        Command::UserPasswd { user, password } => document(users::set_password(app, user, &password, by).await),
        Command::UserConfirm(Named { user }) => document(users::confirm(app, user, by).await),
        Command::UserDisable(Named { user }) => document(users::set_disabled(app, user, true, by).await),
        Command::UserEnable(Named { user }) => document(users::set_disabled(app, user, false, by).await),
        Command::UserDelete(Named { user }) => document(users::delete(app, user, by).await),
        Command::UserFreeUsername { username } => document(users::free_username(app, &username, by).await),
        Command::UserResetFactors(Named { user }) => document(users::reset_factors(app, user, by).await),
        Command::UserPhone { user, phone } => document(users::set_phone(app, user, phone, by).await),
        Command::UserName { user, name } => document(correcting::set_name(app, user, name, by).await),
        Command::UserUsername { user, username } => document(correcting::set_username(app, user, &username, by).await),
        Command::UserEmail { user, email, confirmed } => {
            document(correcting::set_email(app, user, (&email, confirmed), by).await)
        }
        Command::UserSendReset(Named { user }) => document(correcting::send_reset(app, user, by).await),
        Command::UserGroup { user, group, member } => document(users::set_group(app, user, &group, member, by).await),
        Command::SessionEnd { user: Some(user) } => document(sessions::end(app, user, by).await),
        Command::SessionEnd { user: None } => document(sessions::end_all(app, by).await),
        Command::SessionList(Named { user }) => document(sessions::list(app, &user).await),
        Command::SessionEndOne { user, id } => document(sessions::end_one(app, user, &id, by).await),
        Command::LoginList { user, after, limit } => document(log::logins(app, user, after, limit).await),
        Command::TokenAdd { user, name, scopes, within } => {
            document(tokens::make_token(app, user, &tokens::TokenDraft { name, scopes, within }, by).await)
        }
        Command::TokenList(Named { user }) => document(tokens::tokens_of(app, &user).await),
        Command::TokenRevoke { user, id } => document(tokens::revoke(app, user, &id, by).await),
        Command::AppPasswordAdd { user, name, hosts, expires_at } => {
            document(app_passwords::add(app, user, (&name, &hosts, expires_at.as_deref()), by).await)
        }
        Command::AppPasswordList(Named { user }) => document(app_passwords::app_passwords_of(app, &user).await),
        Command::AppPasswordRevoke { user, id } => document(app_passwords::revoke(app, user, &id, by).await),
        Command::InviteAdd { email, within, uses, groups } => {
            document(invitations::add(app, (email, within, uses, groups), by).await)
        }
        Command::InviteList(command::Page { after, limit }) => document(invitations::list(app, after, limit).await),
        Command::InviteRevoke { id } => document(invitations::revoke(app, &id, by).await),
        Command::ApprovalList(command::Page { after, limit }) => {
            document(approvals::waiting_registrations(app, after, limit).await)
        }
        Command::ApprovalDecide { id, approve, note } => {
            document(approvals::decide(app, &id, (approve, note), by).await)
        }
        Command::GroupList => document(groups::list(app).await),
        Command::GroupMembers { group, after, limit } => document(groups::members(app, &group, after, limit).await),
        Command::GroupPermit { group, permission, given } => {
            document(groups::permit(app, &group, &permission, given, by).await)
        }
        Command::GroupDisband { group } => document(groups::disband(app, &group, by).await),
        Command::Health => document(Ok(inspection::readiness(&app.health().await))),
        Command::Overview => document(overview::show(app).await),
        Command::Configuration => document(overview::configuration(&app.env().config)),
        Command::Inspect => document(inspection::inspect(app).await),
        Command::ProbeExpect { word } => {
            app.expect_probe(word);
            Ok(Value::Null)
        }
        Command::ProbeTake => document(Ok(inspection::take_probe(app))),
        Command::WebhookList => document(webhooks::list(app).await),
        Command::WebhookRetry(command::Webhook { name }) => document(webhooks::retry(app, name, by).await),
        Command::MailTest { .. } | Command::MailProbe | Command::WebhookTest(command::Webhook { .. }) => {
            Err(Refusal::failed(refusal::only_a_server(), None))
        }
        Command::MailList(command::Page { after, limit }) => document(mails::list(app, after, limit).await),
        Command::MailRetry { id } => document(mails::retry(app, id, by).await),
        Command::MailDrop { id } => document(mails::discard(app, &id, by).await),
        Command::MailRelease => document(mails::release(app, by).await),
        Command::Backup => document(back_up(app, by, "backup").await),
        Command::Export => document(back_up(app, by, "export").await),
        Command::KeyRotate => document(rotate_key(app, by).await),
        Command::KeyRevoke => document(revoke_keys(app, by).await),
        Command::ThrottleList(command::Page { after, limit }) => document(limits::list(app, after, limit).await),
        Command::ThrottleLift { who } => document(limits::lift(app, who, by).await),
        Command::AuditList(wanted) => document(log::list(app, &wanted).await),
        Command::AuditVerify => document(log::verify(app).await),
        Command::AuditWitness(witness) => document(log::goes_on_from(app, &witness).await),
        Command::ClockShow => document(Ok(clock::describe(&app.clock_report()))),
        Command::ClockReset => document(clock::reset(app, by).await),
    }
}

/// Writes an answer as the JSON document that the API sends and the command line reads.
///
/// # Errors
/// When the answer is a refusal.
pub fn document<T: Serialize>(answer: Result<T, Refusal>) -> Result<Value, Refusal> {
    serde_json::to_value(answer?).map_err(|_| Fault::Internal.into())
}

/// Records that a backup is made; its bytes follow the answer.
async fn back_up(app: &Arc<App>, by: &Principal, what: &'static str) -> Result<Follows, Refusal> {
    let source = by.source();
    let noted = app.write_as(by, move |work| work.audit_in_detail(&source, Act::BackupMade, Subject::NONE, what));
    noted.await?;
    Ok(Follows { follows: what.to_owned() })
}

async fn rotate_key(app: &Arc<App>, by: &Principal) -> Result<NewKey, Refusal> {
    let source = by.source();
    let rotated = app.write_as(by, move |work| {
        let rotation = keyring::rotate(work.tx, work.moment, &work.env.seal, work.env.config.longest_token_lifetime())?;
        if rotation == Rotation::Rotated {
            work.audit(&source, Act::KeyRotated, Subject::NONE)?;
        }
        Ok(rotation)
    });
    match rotated.await? {
        Rotation::Rotated => Ok(NewKey { rotated: true, revoked: false }),
        Rotation::TooMany => Err(Refusal::conflict(refusal::too_many_keys(), refusal::too_many_keys_hint())),
    }
}

async fn revoke_keys(app: &Arc<App>, by: &Principal) -> Result<NewKey, Refusal> {
    let source = by.source();
    let revoked = app.write_as(by, move |work| {
        keyring::revoke(work.tx, work.moment, &work.env.seal)?;
        work.audit_in_detail(&source, Act::KeyRotated, Subject::NONE, "links that were out are dead")
    });
    revoked.await?;
    Ok(NewKey { rotated: true, revoked: true })
}
