//! Invitations: links by which people may register whom an administrator chose, so many, until a time, into groups.
//!
//! One that was mailed proves its reader's address, so the account exists at once; any other is followed by a
//! confirmation.

use std::collections::BTreeSet;

use crate::audit::{Act, Actor, Source};
use crate::base::{EmailAddress, GroupName, InvitationId, Moment, Seconds, Timestamp};
use crate::crypto::{Bearer, BearerKind, Digest, TokenFault, constant_time_eq};
use crate::mail::Letter;
use crate::store::{Snapshot, StoreError, Table, Transaction, record, schema};
use crate::throttle::MailPurpose;

use super::{Env, Work, administrators, attempt_limits, identity, spent};

/// An invitation.
#[derive(Clone, Debug)]
pub struct Invitation {
    digest: Digest,
    /// The store's generation: an invitation used or revoked after a backup stays so when the backup is restored.
    generation: [u8; 16],
    /// The address that it was mailed to; nobody else can use it.
    pub email: Option<EmailAddress>,
    /// The groups that its users are put in.
    pub groups: BTreeSet<GroupName>,
    /// The number of people who may still use it.
    pub uses_left: u32,
    /// The time at which it was made.
    pub created_at: Timestamp,
    /// The time from which on it is refused.
    pub expires_at: Timestamp,
    /// The administrator who made it; none for one of a version that did not record it.
    pub made_by: Option<Actor>,
}
record!(Invitation, version 2, { digest, generation, email, groups, uses_left, created_at, expires_at }, since 2 { made_by });

impl Invitation {
    /// Whether its maker could still make it. One into the administrators' group makes an administrator of whoever uses
    /// it, so it is as good as its maker: when they are demoted, disabled or deleted it is dead, and a registration
    /// made with it waits in vain. The maker of an older one is unknown, so older ones into `admins` are dead too; they
    /// are made again in a minute. Into other groups it was the site that invited, whoever wrote the invitation, so
    /// those stand.
    fn stands(&self, view: &(impl Snapshot + ?Sized)) -> Result<bool, StoreError> {
        if !self.groups.contains(&GroupName::administrators()) {
            return Ok(true);
        }
        match self.made_by {
            Some(Actor::Account(id)) => administrators::is_active(view, id),
            maker => Ok(maker.is_some()),
        }
    }
}

pub(crate) const INVITATIONS: Table<InvitationId, Invitation> = Table::at(schema::INVITATIONS);

/// People who may use one invitation, at most.
pub const MAX_USES: u32 = 1000;
/// Seconds for which an invitation may work, at most.
pub const LONGEST: Seconds = 365 * crate::base::DAY;

/// An invitation as it is asked for.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// The address to mail it to. Without, whoever has the link may use it.
    pub email: Option<EmailAddress>,
    /// The groups that its users are put in.
    pub groups: BTreeSet<GroupName>,
    /// The number of people who may use it.
    pub uses: u32,
    /// Seconds for which it works.
    pub within: Seconds,
}

/// The outcome of inviting.
#[derive(Clone, Debug)]
pub enum Invited {
    /// It is on its way to its address.
    Mailed(InvitationId, Invitation),
    /// The link, which is handed out here, once.
    Link(InvitationId, Invitation, String),
    /// The address has an account.
    AddressTaken,
    /// The address was mailed enough invitations of late.
    MailedEnough,
}

/// Derives the id from the secret, so that the one finds the other.
fn id_of(secret: Digest) -> InvitationId {
    InvitationId::from_bytes(*secret.0.first_chunk().expect("16 of 32 bytes"))
}

/// Makes an invitation.
pub fn invite(work: &mut Work<'_>, source: &Source, new: &NewInvitation) -> Result<Invited, StoreError> {
    if let Some(address) = &new.email
        && identity::owner_of_email(work.tx, address)?.is_some()
    {
        return Ok(Invited::AddressTaken);
    }
    // Limited as every mail to an address that is not the account's own: an administrator's token can be stolen, too.
    if let Some(address) = &new.email {
        let digest = attempt_limits::address_digest(work.env, address);
        if !work.may_mail(MailPurpose::Invite, digest)? {
            return Ok(Invited::MailedEnough);
        }
    }
    let secret = Bearer::draw(BearerKind::Invitation, work.moment);
    let (id, now) = (id_of(secret.digest()), work.now());
    let invitation = Invitation {
        digest: secret.digest(),
        generation: work.env.generation,
        email: new.email.clone(),
        groups: new.groups.clone(),
        uses_left: if new.email.is_some() { 1 } else { new.uses },
        created_at: now,
        expires_at: now.plus(new.within),
        made_by: Some(source.actor),
    };
    INVITATIONS.put(work.tx, &id, &invitation)?;
    work.audit(source, Act::Invited, id)?;
    let link = work.env.config.site.url.link(&format!("/invite/{}", secret.expose()));
    match &new.email {
        Some(address) => {
            work.mail(address.into(), &Letter::Invitation { link, until: invitation.expires_at, at: now })?;
            Ok(Invited::Mailed(id, invitation))
        }
        None => Ok(Invited::Link(id, invitation, link)),
    }
}

/// Finds the invitation with this secret, if it can be used, and changes nothing.
pub fn look_up(
    view: &(impl Snapshot + ?Sized),
    env: &Env,
    secret: Digest,
    now: Timestamp,
) -> Result<Result<(InvitationId, Invitation), TokenFault>, StoreError> {
    let id = id_of(secret);
    // Found by half of the digest, so the whole of it is compared, in constant time: the row must not help to guess it.
    let found = INVITATIONS.get(view, &id)?.filter(|invitation| {
        constant_time_eq(&invitation.digest.0, &secret.0) && invitation.generation == env.generation
    });
    Ok(match found {
        Some(invitation) if !invitation.stands(view)? => Err(TokenFault::Invalid),
        Some(invitation) if now >= invitation.expires_at => Err(TokenFault::Expired),
        Some(invitation) if invitation.uses_left > 0 => Ok((id, invitation)),
        _ => Err(spent::used_at(view, secret)?.map_or(TokenFault::Invalid, TokenFault::Used)),
    })
}

/// Finds the invitation of a registration, if it still has a use. One that expired after the registration counts; one
/// that was revoked or used up does not, nor one into `admins` whose maker no longer administers.
pub fn of_registration(
    view: &(impl Snapshot + ?Sized),
    env: &Env,
    id: InvitationId,
) -> Result<Option<Invitation>, StoreError> {
    let Some(found) = INVITATIONS.get(view, &id)? else { return Ok(None) };
    let works = found.uses_left > 0 && found.generation == env.generation && found.stands(view)?;
    Ok(works.then_some(found))
}

/// Counts one use. The caller has found that there is one left.
pub fn use_once(
    tx: &mut dyn Transaction,
    moment: &Moment,
    id: InvitationId,
    mut invitation: Invitation,
) -> Result<(), StoreError> {
    invitation.uses_left -= 1;
    // Remembered as used, so that whoever opens the link again is told that rather than that it never was good.
    if invitation.uses_left == 0 {
        spent::note(tx, moment, invitation.digest)?;
    }
    INVITATIONS.put(tx, &id, &invitation)
}

/// Revokes an invitation. False if there is none of this id.
pub fn revoke(work: &mut Work<'_>, source: &Source, id: InvitationId) -> Result<bool, StoreError> {
    if INVITATIONS.get(work.tx, &id)?.is_none() {
        return Ok(false);
    }
    INVITATIONS.delete(work.tx, &id)?;
    work.audit(source, Act::InvitationRevoked, id)?;
    Ok(true)
}

/// A page of invitations, in the order of their ids.
pub fn page(
    view: &dyn Snapshot,
    after: Option<InvitationId>,
    limit: usize,
) -> Result<Vec<(InvitationId, Invitation)>, StoreError> {
    INVITATIONS.page(view, after.as_ref(), limit)
}

/// Seconds for which an invitation is still listed after it has expired; a registration made with it may wait as long.
const KEEP: Seconds = 30 * crate::base::DAY;

/// Removes invitations that expired long ago, looking at up to `limit` behind `after`. Returns where to go on, or none
/// at the end.
pub fn sweep(
    tx: &mut dyn Transaction,
    now: Timestamp,
    after: Option<InvitationId>,
    limit: usize,
) -> Result<Option<InvitationId>, StoreError> {
    INVITATIONS.sweep(tx, after.as_ref(), limit, |tx, id, invitation| {
        if now.since(invitation.expires_at) > KEEP {
            INVITATIONS.delete(tx, id)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::set_of;
    use crate::store::{Engine, Field, MemoryEngine, Record};

    #[test]
    fn one_of_a_version_that_noted_no_maker_leads_to_every_group_but_the_administrators() {
        let made = |group: &str| {
            let maker = Some(Actor::CommandLine(0));
            let invitation = Invitation {
                digest: Digest([7; 32]),
                generation: [8; 16],
                email: None,
                groups: set_of([GroupName::parse(group).expect("a name")]),
                uses_left: 1,
                created_at: Timestamp::default(),
                expires_at: Timestamp::default(),
                made_by: maker,
            };
            let (mut bytes, mut added) = (invitation.to_bytes(), Vec::new());
            maker.put(&mut added);
            bytes.truncate(bytes.len() - added.len());
            bytes[0] = 1;
            [invitation, Invitation::from_bytes(&bytes).expect("an older one is read")]
        };
        let stands = |invitation: &Invitation| {
            let mut stands = None;
            let mut look = |view: &dyn Snapshot| {
                stands = Some(invitation.stands(view)?);
                Ok(())
            };
            MemoryEngine::default().read(&mut look).expect("memory does not fail");
            stands.expect("looked")
        };
        assert_eq!(made("staff").each_ref().map(stands), [true, true]);
        assert_eq!(made("admins").each_ref().map(stands), [true, false]);
    }
}
