//! Invitations.

use std::sync::Arc;

use crate::accounts::invitations::{self, Invitation, Invited, LONGEST, MAX_USES, NewInvitation};
use crate::app::{App, Principal};
use crate::base::{DAY, EmailAddress, InvitationId};
use crate::config::{RegistrationMode, Span};
use crate::texts::refusal;

use super::answers::{self, Page, Revoked};
use super::reach::Reach;
use super::{MAX_ROWS, Refusal, Remedy, Wanted, named, parse, quoted};

/// An invitation as it was typed: address, lifetime, uses, groups.
type Draft = (Option<String>, Option<String>, Option<u32>, Vec<String>);

pub(super) async fn add(
    app: &Arc<App>,
    (email, within, uses, groups): Draft,
    by: &Principal,
) -> Result<answers::Invitation, Refusal> {
    if app.env().config.registration.mode == RegistrationMode::Closed {
        return Err(Refusal::conflict(refusal::registration_closed(), refusal::registration_closed_hint())
            .with(Remedy::AddAccount));
    }
    let named = email.clone().unwrap_or_default();
    let email = email.map(|text| parse(&text, Wanted::Address, EmailAddress::parse)).transpose()?;
    let within = within.map_or(Ok(Span::from_seconds(7 * DAY)), |text| {
        let like = || refusal::written_like("\"7d\"");
        Span::try_from(text.clone()).map_err(|_| Refusal::invalid(refusal::not_a_time(quoted(&text)), like()))
    })?;
    let uses = uses.unwrap_or(1);
    if email.is_some() && uses != 1 {
        return Err(Refusal::invalid(refusal::invitation_for_one(), refusal::invitation_for_one_hint()));
    }
    if !(1..=MAX_USES).contains(&uses) || !(1..=LONGEST).contains(&within.seconds()) {
        return Err(Refusal::invalid(refusal::invitation_bounds(MAX_USES), None));
    }
    let groups = named::read_groups(&groups)?;
    Reach::of(by).change_members(&groups)?;
    let new = NewInvitation { email, groups, uses, within: within.seconds() };
    let source = by.source();
    let invited = app.write_as(by, move |work| invitations::invite(work, &source, &new)).await?;
    match invited {
        Invited::Mailed(id, invitation) => Ok(describe(id, &invitation)),
        Invited::Link(id, invitation, link) => {
            // Shown this once: the store keeps only the hash of its secret.
            Ok(answers::Invitation { link: Some(link), ..describe(id, &invitation) })
        }
        Invited::AddressTaken => Err(Refusal::conflict(refusal::has_account(named), None).with(Remedy::ShowAccount)),
        Invited::MailedEnough => Err(Refusal::conflict(refusal::invited_enough(), refusal::invited_enough_hint())),
    }
}

fn describe(id: InvitationId, invitation: &Invitation) -> answers::Invitation {
    answers::Invitation {
        id: id.to_string(),
        email: invitation.email.as_ref().map(ToString::to_string),
        groups: invitation.groups.iter().map(|group| group.as_str().to_owned()).collect(),
        uses_left: invitation.uses_left,
        made_by: invitation.made_by.map(|actor| actor.to_string()),
        created_at: invitation.created_at,
        expires_at: invitation.expires_at,
        link: None,
    }
}

pub(super) async fn list(app: &App, after: Option<String>, limit: usize) -> Result<Page<answers::Invitation>, Refusal> {
    let after = after.map(|text| parse(&text, Wanted::InvitationId, str::parse::<InvitationId>)).transpose()?;
    let limit = limit.clamp(1, MAX_ROWS);
    let found = app.read(|view| invitations::page(view, after, limit)).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|(id, _)| id.to_string());
    Ok(Page { items: found.iter().map(|(id, invitation)| describe(*id, invitation)).collect(), next })
}

pub(super) async fn revoke(app: &Arc<App>, id: &str, by: &Principal) -> Result<Revoked, Refusal> {
    let unknown = || Refusal::unknown(refusal::no_invitation(id), None).with(Remedy::ListInvitations);
    let invitation: InvitationId = id.parse().map_err(|_| unknown())?;
    let source = by.source();
    let revoked = app.write_as(by, move |work| invitations::revoke(work, &source, invitation));
    if revoked.await? { Ok(Revoked { revoked: id.to_owned() }) } else { Err(unknown()) }
}
