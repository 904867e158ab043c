//! The administrators' pages, one file per screen. Each act is a command of `admin`, which command line and API share.

mod appliance;
mod approvals;
mod audit;
mod groups;
mod invitations;
mod limits;
mod mails;
mod people;
mod person;
mod shell;

pub(crate) use appliance::{configuration, overview, retry_webhook, webhooks};
pub(crate) use approvals::{approvals, approve, ask_decline, decline};
pub(crate) use audit::{audit, audit_export};
pub(crate) use groups::{ask_disband, disband, forbid, groups, permit};
pub(crate) use invitations::{invitations, invite, revoke_invitation};
pub(crate) use limits::{ask_lift, lift, limits};
pub(crate) use mails::{ask_drop, drop_mail, mails, release_mails, retry_mail, retry_mails};
pub(crate) use people::people;
pub(crate) use person::{act, ask, end_session, end_sessions, logins, person, send_reset};
