//! Confirm: makes an account of a registration, or a new address an account's own.

use crate::audit::Act;
use crate::base::{AccountId, RegistrationId, Timestamp, Username};
use crate::config::RegistrationMode;
use crate::crypto::{Digest, Opened, PasswordFault, PasswordHash, Purpose, TokenFault};
use crate::sessions::Client;
use crate::store::{Snapshot, StoreError};

use super::create_account::{Added, CreatedBy};
use super::registration::{self, Registration};
use super::start_session::StartedSession;
use super::{
    Env, Person, Work, accept_registration, approvals, change_address, confirm_links, identity, links, start_session,
};

/// What a token would confirm.
#[derive(Clone, Debug)]
pub enum Target {
    /// The registrations of an address, that for which the link was mailed first. One of them is confirmed: by the browser that
    /// made it, or by the password chosen with it. Or none of them, and whoever has the mailbox chooses a password now.
    Registrations(Vec<(RegistrationId, Registration)>),
    /// An account's address, or a new one. The link is proof enough: the change was asked for with the password. But where somebody
    /// registered the address meanwhile, its reader may mean that registration, and the account a stranger's: then the account has
    /// to be the reader's own (CWE-287, account pre-hijacking).
    Address {
        /// Whose address.
        account: AccountId,
        /// Whether somebody registered it meanwhile.
        is_contested: bool,
    },
}

/// Looks a token up and changes nothing.
pub fn look_up(
    view: &dyn Snapshot,
    env: &Env,
    token: &str,
    now: Timestamp,
) -> Result<Result<Target, TokenFault>, StoreError> {
    let purposes = &[Purpose::ConfirmRegistration, Purpose::ConfirmAddress];
    links::open(view, env, (token, purposes), now, |opened| match opened.purpose {
        Purpose::ConfirmRegistration => find_registration(view, env, opened),
        Purpose::ConfirmAddress => {
            let Some((person, new)) = change_address::find(view, env, opened)? else { return Ok(None) };
            let is_contested = !registration::of_address(view, &new)?.is_empty();
            Ok(Some(Target::Address { account: person.id, is_contested }))
        }
        _ => Ok(None),
    })
}

fn find_registration(view: &dyn Snapshot, env: &Env, opened: &Opened<'_>) -> Result<Option<Target>, StoreError> {
    let id = RegistrationId::from_bytes(opened.subject);
    let Some(registration) = registration::find(view, id)? else { return Ok(None) };
    let is_bound = confirm_links::is_newest(view, env, opened, &registration.email)?;
    let is_free = identity::owner_of_email(view, &registration.email)?.is_none();
    let waits = registration.confirmed_at.is_none();
    if !is_bound || !is_free || !waits {
        return Ok(None);
    }
    let mut all = registration::of_address(view, &registration.email)?;
    all.retain(|(_, registration)| registration.confirmed_at.is_none());
    // The one that the link was mailed for comes first, wherever it stands among the others.
    all.retain(|(other, _)| *other != id);
    all.insert(0, (id, registration));
    Ok(Some(Target::Registrations(all)))
}

/// What came of confirming.
#[derive(Debug)]
pub enum Confirmed {
    /// The address is confirmed; for a registration the account exists now.
    Done,
    /// And the person is logged in.
    LoggedIn(Box<StartedSession>),
    /// The address is confirmed; an administrator decides.
    AwaitsApproval,
}

/// Why a confirmation is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ConfirmRefused {
    /// The token does not work, or no longer.
    Token(TokenFault),
    /// Another browser registered: the password chosen there is needed.
    PasswordNeeded,
    /// It is another.
    WrongPassword,
    /// Somebody took the user name meanwhile; another may be given.
    UsernameTaken,
    /// The password that is to be chosen now may not be.
    Password(PasswordFault),
    /// The user name is reserved; another may be given.
    UsernameReserved,
    /// Nobody registers here any more.
    Closed,
    /// Whoever registers here is invited first, by now.
    InvitationNeeded,
}

/// What somebody confirms with.
#[derive(Clone, Debug)]
pub struct ConfirmRequest {
    /// The mailed token.
    pub token: String,
    /// How the person proved that it is theirs.
    pub proof: Proof,
    /// Another user name, if the first was taken meanwhile.
    pub username: Option<Username>,
    /// Where the request comes from.
    pub client: Client,
    /// The session that the client has now.
    pub replaces: Option<Digest>,
}

/// How the confirming person proved that a registration is their own.
#[derive(Clone, Debug)]
pub enum Proof {
    /// By the browser that made it, whose cookie has this digest.
    Browser(Digest),
    /// By the password that was chosen with it: it was verified against this registration.
    Password(RegistrationId),
    /// By the mailbox alone: none of the registrations is believed, and this password is chosen in place of theirs.
    Mailbox(PasswordHash),
    /// By a session of the account, or its password: for a change to an address that somebody registered as well.
    Account(AccountId),
    /// Not at all; enough for a change of address.
    None,
}

impl Proof {
    /// Whether it proves that this registration is the person's own.
    #[must_use]
    pub fn covers(&self, id: RegistrationId, registration: &Registration) -> bool {
        match self {
            Self::Browser(digest) => *digest == registration.browser,
            Self::Password(verified) => *verified == id,
            Self::Mailbox(_) | Self::Account(_) | Self::None => false,
        }
    }

    /// The registration among these that it proves, as it is to become an account.
    fn choose(&self, all: Vec<(RegistrationId, Registration)>) -> Option<(RegistrationId, Registration)> {
        if let Self::Mailbox(password) = self {
            // Names and browser were a stranger's choice, perhaps. The invitation was for whoever has the address.
            let (id, registration) = all.into_iter().next()?;
            let own = Registration { password: password.clone(), username: None, name: None, ..registration };
            return Some((id, own));
        }
        all.into_iter().find(|(id, registration)| self.covers(*id, registration))
    }
}

/// Confirms, and consumes the token. With `tokens.login_after_confirm` a session begins.
pub fn confirm(work: &mut Work<'_>, request: &ConfirmRequest) -> Result<Result<Confirmed, ConfirmRefused>, StoreError> {
    let person = match carry_out(work, request)? {
        Err(refused) => return Ok(Err(refused)),
        Ok(person) => person,
    };
    links::spend(work.tx, work.moment, &request.token)?;
    let Some(person) = person else { return Ok(Ok(Confirmed::AwaitsApproval)) };
    // Not after a change of address: that link proves a mailbox and no person. A mistyped address would let its owner in without
    // password and second factor.
    let is_address = matches!(request.proof, Proof::None | Proof::Account(_));
    if is_address || !work.env.config.tokens.login_after_confirm {
        return Ok(Ok(Confirmed::Done));
    }
    let started = start_session::start_after_link(work, *person, &request.client, request.replaces)?;
    Ok(Ok(started.map_or(Confirmed::Done, |started| Confirmed::LoggedIn(Box::new(started)))))
}

/// Whose address is confirmed; none where an administrator decides.
fn carry_out(
    work: &mut Work<'_>,
    ConfirmRequest { token, proof, username, client, .. }: &ConfirmRequest,
) -> Result<Result<Option<Box<Person>>, ConfirmRefused>, StoreError> {
    match look_up(work.tx, work.env, token, work.moment.now())? {
        Err(fault) => Ok(Err(ConfirmRefused::Token(fault))),
        Ok(Target::Address { account, is_contested }) => match proof {
            Proof::Account(proved) if *proved == account => change_address::complete(work, account, client).map(done),
            _ if !is_contested => change_address::complete(work, account, client).map(done),
            // Registered since the proof was looked at.
            _ => Ok(Err(ConfirmRefused::Token(TokenFault::Invalid))),
        },
        Ok(Target::Registrations(all)) => {
            let Some((id, mut registration)) = proof.choose(all) else {
                return Ok(Err(ConfirmRefused::Token(TokenFault::Invalid)));
            };
            if let Some(refused) = judge(work.env, &registration, username.as_ref()) {
                return Ok(Err(refused));
            }
            if approvals::is_needed(work.env, &registration) {
                registration.username = username.clone().or(registration.username);
                if let Some(wanted) = &registration.username
                    && identity::owner_of_username(work.tx, wanted)?.is_some()
                {
                    return Ok(Err(ConfirmRefused::UsernameTaken));
                }
                approvals::ask(work, (id, registration), client)?;
                return Ok(Ok(None));
            }
            let (made_by, detail) = (CreatedBy::Owner(client), id.to_string());
            let how = (made_by, Act::Confirmed, detail.as_str());
            Ok(match accept_registration::accept(work, how, registration, username.as_ref())? {
                Some(Added::Done(person)) => done(person),
                Some(Added::UsernameTaken) => Err(ConfirmRefused::UsernameTaken),
                // Others were quicker, or the invitation was taken back.
                _ => Err(ConfirmRefused::Token(TokenFault::Invalid)),
            })
        }
    }
}

fn done(person: Box<Person>) -> Result<Option<Box<Person>>, ConfirmRefused> {
    Ok(Some(person))
}

/// Whether a registration that its owner confirms comes too late. Who may come in is decided when somebody does, not when they began:
/// a house that was closed because of those who registered in masses does not let in those who wait. Whoever was invited has a
/// decision of an administrator's, which is taken back by itself; and what an administrator confirms or approves is their decision too.
fn judge(env: &Env, registration: &Registration, username: Option<&Username>) -> Option<ConfirmRefused> {
    let settings = &env.config.registration;
    match settings.mode {
        RegistrationMode::Closed if registration.invitation.is_none() => return Some(ConfirmRefused::Closed),
        RegistrationMode::Invite if registration.invitation.is_none() => return Some(ConfirmRefused::InvitationNeeded),
        _ => {}
    }
    let chosen = username.or(registration.username.as_ref());
    chosen.is_some_and(|name| env.config.reserves(name)).then_some(ConfirmRefused::UsernameReserved)
}
