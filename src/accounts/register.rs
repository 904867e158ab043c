//! Registration: a row of its own for each, so that what was acknowledged is there, whoever else uses the address.

use crate::audit::{Act, Source, Subject};
use crate::base::{DisplayName, EmailAddress, InvitationId, RegistrationId, Username};
use crate::crypto::{Bearer, BearerKind, Digest, PasswordFault, PasswordHash, Purpose, TokenFault};
use crate::sessions::Client;
use crate::store::StoreError;
use crate::texts::Language;

use super::attempt_limits::AttemptLimits;
use super::create_account::{self, Added, CreatedBy, Creation, NewAccount};
use super::invitations::{self, Invitation};
use super::mail_requests::{self, MailRequest};
use super::mail_rules::{is_recent, may_take_mail};
use super::registration::OF_ADDRESS;
use super::{Registration, Work, already_registered, confirm_links, identity, registration};
use crate::config::RegistrationMode;
use crate::mail::Letter;
use crate::throttle::MailPurpose;

/// The data that somebody registers with.
#[derive(Clone, Debug)]
pub struct NewRegistration {
    /// The address.
    pub email: EmailAddress,
    /// The hash of the chosen password.
    pub password: PasswordHash,
    /// The user name that is asked for, if one is.
    pub username: Option<Username>,
    /// The person's display name.
    pub name: Option<DisplayName>,
    /// The digest of an invitation's secret.
    pub invitation: Option<Digest>,
    /// The buckets that the request is charged to.
    pub tries: AttemptLimits,
    /// The client that sent it.
    pub client: Client,
    /// The language of the page that they registered on.
    pub language: Language,
}

/// The outcome of a registration.
#[derive(Debug)]
pub enum Registered {
    /// A mail may follow: a worker decides later. The secret is for the browser's cookie, which may confirm without the
    /// password.
    Accepted(Bearer),
    /// The account exists: the invitation was mailed to this address.
    Opened,
}

/// The reason for refusing a registration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RegisterRefused {
    /// Registration is closed.
    Closed,
    /// Registration needs an invitation.
    InvitationNeeded,
    /// The invitation does not work.
    NotInvited(TokenFault),
    /// The invitation is for another address.
    InvitedElsewhere,
    /// The policy refuses the password.
    Password(PasswordFault),
    /// Addresses of its domain may not be registered.
    Domain,
    /// The address has an account; only told where nothing is hidden (`confirm_email = false`).
    AddressTaken,
    /// The user name is taken; only told where nothing is hidden.
    UsernameTaken,
    /// The user name is reserved.
    UsernameReserved,
}

/// Records a registration, without looking whether the address is known.
pub fn register(work: &mut Work<'_>, new: &NewRegistration) -> Result<Result<Registered, RegisterRefused>, StoreError> {
    // Charged whatever comes of it: a registration that is refused has cost a hash.
    new.tries.charge(work, &new.client.anyone(), Subject::NONE)?;
    let invitation = match new.invitation {
        None => None,
        Some(secret) => match invitations::look_up(work.tx, work.env, secret, work.moment.now())? {
            Ok(found) => Some(found),
            Err(fault) => return Ok(Err(RegisterRefused::NotInvited(fault))),
        },
    };
    let invited = invitation.as_ref().and_then(|(_, invitation)| invitation.email.as_ref());
    if invited.is_some_and(|address| *address != new.email) {
        return Ok(Err(RegisterRefused::InvitedElsewhere));
    }
    if invited.is_some() || !work.env.config.registration.confirm_email {
        return open_account(work, new, invitation);
    }
    let browser = Bearer::draw(BearerKind::Browser, work.moment);
    let id = RegistrationId::draw_in_order(work.moment);
    let registration = Registration {
        email: new.email.clone(),
        password: new.password.clone(),
        username: new.username.clone(),
        name: new.name.clone(),
        language: new.language.clone(),
        browser: browser.digest(),
        created_at: work.earliest(),
        mailed_at: None,
        invitation: invitation.map(|(id, _)| id),
        confirmed_at: None,
        // Read for every address alike.
        epoch: confirm_links::epoch_of(work.tx, &new.email.canonical())?,
    };
    // Neither address nor user name is looked up: both are judged when the address is confirmed, since a refusal here
    // would show who has an account.
    registration::save(work.tx, id, &registration)?;
    OF_ADDRESS.put(work.tx, &(new.email.canonical(), id), &())?;
    work.audit(&new.client.anyone(), Act::Registered, id)?;
    mail_requests::request_by_stranger(work, &MailRequest::Registered(id), &new.client)?;
    Ok(Ok(Registered::Accepted(browser)))
}

/// Opens the account at once, where no confirmation is needed, or where the invitation that was mailed to the address
/// proves it. An address that nothing proves is mailed a link all the same, because no reset mail ever goes to an
/// unconfirmed address.
fn open_account(
    work: &mut Work<'_>,
    new: &NewRegistration,
    invitation: Option<(InvitationId, Invitation)>,
) -> Result<Result<Registered, RegisterRefused>, StoreError> {
    let confirmed = invitation.as_ref().is_some_and(|(_, invitation)| invitation.email.is_some());
    let account = NewAccount {
        phone: None,
        email: Some(new.email.clone()),
        username: new.username.clone(),
        name: new.name.clone(),
        password: Some(new.password.clone()),
        language: Some(new.language.clone()),
        confirmed,
        groups: invitation.as_ref().map(|(_, invitation)| invitation.groups.clone()).unwrap_or_default(),
    };
    let detail = invitation.as_ref().map(|(id, _)| format!("invitation {id}")).unwrap_or_default();
    let how = Creation { by: CreatedBy::Owner(&new.client), act: Act::Registered, detail: &detail };
    let person = match create_account::create(work, how, account)? {
        Added::AddressTaken | Added::PhoneTaken => return Ok(Err(RegisterRefused::AddressTaken)),
        Added::UsernameTaken => return Ok(Err(RegisterRefused::UsernameTaken)),
        Added::Done(person) => person,
    };
    if let Some((id, invitation)) = invitation {
        invitations::use_once(work.tx, work.moment, id, invitation)?;
    }
    if confirmed {
        return Ok(Ok(Registered::Opened));
    }
    mail_requests::request_by_stranger(work, &MailRequest::ConfirmAddress(person.id), &new.client)?;
    let browser = Bearer::draw(BearerKind::Browser, work.moment);
    Ok(Ok(Registered::Accepted(browser)))
}

/// Mails a registration's link; if the address has an account, tells its owner instead.
pub(super) fn mail_link(work: &mut Work<'_>, id: RegistrationId) -> Result<(), StoreError> {
    // Registration may have been closed meanwhile: then the link would confirm nothing, and is not worth a mail.
    let may_confirm = |registration: &Registration| {
        registration.invitation.is_some()
            || !matches!(work.env.config.registration.mode, RegistrationMode::Closed | RegistrationMode::Invite)
    };
    let waits_for_link = |registration: &Registration| registration.confirmed_at.is_none() && may_confirm(registration);
    let Some(mut registration) = registration::find(work.tx, id)?.filter(waits_for_link) else { return Ok(()) };
    if identity::owner_of_email(work.tx, &registration.email)?.is_some() {
        registration::remove(work.tx, id, &registration)?;
        return already_registered::tell(work, &registration.email);
    }
    let canonical = registration.email.canonical();
    // Where none is mailed because the address had enough of them, the newest that is out serves this registration as
    // well: others who register an address do not keep its owner from confirming.
    let limited = work.env.config.throttle.enabled;
    if limited && is_recent(registration.mailed_at, work.moment)
        || !may_take_mail(work, MailPurpose::Confirm, &registration.email)?
    {
        return Ok(());
    }
    let within = work.env.config.tokens.confirm_within;
    registration.mailed_at = Some(work.earliest());
    registration::save(work.tx, id, &registration)?;
    let count = confirm_links::begin_next(work.tx, &canonical, work.moment.earliest())?;
    let state: [&[u8]; 2] = [canonical.as_bytes(), &count.to_be_bytes()];
    let link = work.signed_link(Purpose::ConfirmRegistration, *id.bytes(), &state, within)?;
    work.audit(&Source::appliance(), Act::ConfirmationMailed, id)?;
    work.mail(registration.addressee(), &Letter::ConfirmRegistration { link, within })
}
