//! Registrations that an administrator decides on, after their address was confirmed.

use crate::audit::{Act, Source};
use crate::base::RegistrationId;
use crate::config::RegistrationMode;
use crate::mail::Letter;
use crate::sessions::Client;
use crate::store::{Snapshot, StoreError};
use crate::throttle::MailPurpose;

use super::create_account::{Added, CreatedBy, Creation};
use super::person::Person;
use super::registration::{self, REGISTRATIONS, Registration};
use super::{Env, Work, accept_registration, administrators, mail_rules};

/// Administrators, at most, who are told of one registration.
const MAX_TOLD: usize = 20;

/// Whether an administrator has to decide on it: an invitation is a decision already.
pub(super) fn is_needed(env: &Env, registration: &Registration) -> bool {
    env.config.registration.mode == RegistrationMode::Approval && registration.invitation.is_none()
}

/// Puts a registration on the list of those that wait for approval, after its address was confirmed, and tells the
/// administrators.
pub(super) fn ask(
    work: &mut Work<'_>,
    id: RegistrationId,
    mut registration: Registration,
    client: &Client,
) -> Result<(), StoreError> {
    registration.confirmed_at = Some(work.now());
    registration::save(work.tx, id, &registration)?;
    work.audit(&client.anyone(), Act::ApprovalAsked, id)?;
    let letter = Letter::ApprovalAsked {
        address: registration.email.as_str().to_owned(),
        link: work.env.config.site.url.link("/admin/approvals"),
    };
    // Limited by mailbox as well: a flood of registrations must not become a flood of mail to administrators, who see
    // all of them in one list.
    for person in administrators::find_active(work.tx, work.env, |_| true, MAX_TOLD)? {
        if let Some(to) = person.verified_address()
            && mail_rules::may_take_mail(work, MailPurpose::Approval, to)?
        {
            work.mail(person.at(to), &letter)?;
        }
    }
    Ok(())
}

/// A page of the registrations that wait for a decision, oldest first, at most `limit` behind `after`; and where to go
/// on.
#[allow(clippy::type_complexity, reason = "rows and a place")]
pub fn waiting(
    view: &dyn Snapshot,
    mut after: Option<RegistrationId>,
    limit: usize,
) -> Result<(Vec<(RegistrationId, Registration)>, Option<RegistrationId>), StoreError> {
    const PAGE: usize = 500;
    let mut found = Vec::new();
    loop {
        let page = REGISTRATIONS.page(view, after.as_ref(), PAGE)?;
        let is_last = page.len() < PAGE;
        for (id, registration) in page {
            after = Some(id);
            if registration.confirmed_at.is_some() && !registration::is_void(view, &registration)? {
                found.push((id, registration));
            }
            if found.len() == limit {
                return Ok((found, after));
            }
        }
        if is_last {
            return Ok((found, None));
        }
    }
}

/// An administrator's decision.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Decision {
    /// The account is opened.
    Approve,
    /// The registration is deleted.
    Decline,
}

/// The outcome of a decision.
#[derive(Clone, Debug)]
pub enum Decided {
    /// The account exists.
    Approved(Box<Person>),
    /// The registration is gone.
    Declined,
    /// No registration of this id waits for a decision.
    Unknown,
    /// The address has got another account meanwhile.
    AddressTaken,
}

/// Decides on a registration, and tells whoever made it, with the administrator's note if it is not empty. If the user
/// name was taken meanwhile, the account has none.
pub fn decide(
    work: &mut Work<'_>,
    source: &Source,
    id: RegistrationId,
    decision: Decision,
    note: &str,
) -> Result<Decided, StoreError> {
    let Some(registration) =
        registration::find(work.tx, id)?.filter(|registration| registration.confirmed_at.is_some())
    else {
        return Ok(Decided::Unknown);
    };
    let to = registration.email.clone();
    if decision == Decision::Decline {
        registration::remove(work.tx, id, &registration)?;
        work.audit(source, Act::RegistrationDeclined, id)?;
        work.mail(registration.addressee(), &Letter::RegistrationDeclined { note: note.to_owned() })?;
        return Ok(Decided::Declined);
    }
    // The name may have been taken while the registration waited, which is no reason to turn the person away.
    let nameless = Registration { username: None, ..registration.clone() };
    let detail = id.to_string();
    let how = Creation { by: CreatedBy::Other(source), act: Act::RegistrationApproved, detail: &detail };
    let added = match accept_registration::accept(work, how, registration, None)? {
        Some(Added::UsernameTaken) => accept_registration::accept(work, how, nameless, None)?,
        added => added,
    };
    let Some(Added::Done(person)) = added else { return Ok(Decided::AddressTaken) };
    let login = work.env.config.site.url.link("/login");
    work.mail(person.at(&to), &Letter::RegistrationApproved { login, note: note.to_owned() })?;
    Ok(Decided::Approved(person))
}
