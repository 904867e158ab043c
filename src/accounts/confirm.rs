//! Confirmation: turns a registration into an account, or makes a new address an account's own.

use crate::audit::Act;
use crate::base::{AccountId, RegistrationId, Timestamp, Username};
use crate::config::RegistrationMode;
use crate::crypto::{Digest, OpenedToken, PasswordFault, PasswordHash, Purpose, TokenFault};
use crate::sessions::Client;
use crate::store::{Snapshot, StoreError};

use super::create_account::{Added, CreatedBy, Creation};
use super::registration::{self, Registration};
use super::start_session::StartedSession;
use super::{
    Env, Person, Work, accept_registration, approvals, change_address, confirm_links, identity, links, start_session,
};

/// The thing that a token would confirm.
#[derive(Clone, Debug)]
pub enum Target {
    /// The registrations of an address, that for which the link was mailed first. One of them is confirmed: by the
    /// browser that made it, or by the password chosen with it. Or none of them, and whoever has the mailbox chooses a
    /// password now.
    Registrations(Vec<(RegistrationId, Registration)>),
    /// An account's address, or a new one. The link is proof enough, as the change was asked for with the password. But
    /// where somebody registered the address meanwhile, its reader may mean that registration while the account is a
    /// stranger's: then they must prove that the account is their own (CWE-287, account pre-hijacking).
    Address {
        /// The account that the address is for.
        account: AccountId,
        /// Whether somebody registered the address meanwhile.
        is_contested: bool,
    },
}

/// Looks up a token and changes nothing.
pub fn look_up(
    view: &dyn Snapshot,
    env: &Env,
    token: &str,
    now: Timestamp,
) -> Result<Result<Target, TokenFault>, StoreError> {
    let purposes = &[Purpose::ConfirmRegistration, Purpose::ConfirmAddress];
    links::open(view, env, links::Presented { token, purposes }, now, |opened| match opened.purpose {
        Purpose::ConfirmRegistration => find_registration(view, env, opened),
        Purpose::ConfirmAddress => {
            let Some((person, new)) = change_address::find(view, env, opened)? else { return Ok(None) };
            let is_contested = !registration::of_address(view, &new)?.is_empty();
            Ok(Some(Target::Address { account: person.id, is_contested }))
        }
        _ => Ok(None),
    })
}

fn find_registration(view: &dyn Snapshot, env: &Env, opened: &OpenedToken<'_>) -> Result<Option<Target>, StoreError> {
    let id = RegistrationId::from_bytes(opened.subject);
    let Some(registration) = registration::find(view, id)? else { return Ok(None) };
    // The address may have got an owner since the link was mailed, by another of its links or by an administrator.
    let is_bound = confirm_links::is_newest(view, env, opened, &registration.email)?;
    let is_free = identity::owner_of_email(view, &registration.email)?.is_none();
    let waits = registration.confirmed_at.is_none();
    if !is_bound || !is_free || !waits {
        return Ok(None);
    }
    let mut all = registration::of_address(view, &registration.email)?;
    all.retain(|(_, registration)| registration.confirmed_at.is_none());
    // The one that the link was mailed for comes first, however many newer ones there are: a mailbox proof confirms the
    // first, with its invitation.
    all.retain(|(other, _)| *other != id);
    all.insert(0, (id, registration));
    Ok(Some(Target::Registrations(all)))
}

/// The outcome of a confirmation.
#[derive(Debug)]
pub enum Confirmed {
    /// The address is confirmed; for a registration the account exists now.
    Done,
    /// The same, and the person is logged in.
    LoggedIn(Box<StartedSession>),
    /// The address is confirmed; an administrator decides.
    AwaitsApproval,
}

/// The reason for refusing a confirmation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ConfirmRefused {
    /// The token does not work, or no longer.
    Token(TokenFault),
    /// Another browser registered: the password chosen with the registration is needed.
    PasswordNeeded,
    /// The password is not the one chosen with the registration.
    WrongPassword,
    /// Somebody took the user name meanwhile; another may be given.
    UsernameTaken,
    /// The policy refuses the password that was to be chosen now.
    Password(PasswordFault),
    /// The user name is reserved; another may be given.
    UsernameReserved,
    /// Registration has been closed.
    Closed,
    /// Registration has come to need an invitation.
    InvitationNeeded,
}

/// A confirmation as it is asked for.
#[derive(Clone, Debug)]
pub struct ConfirmRequest {
    /// The mailed token.
    pub token: String,
    /// The proof that the registration or the account is the person's own.
    pub proof: Proof,
    /// Another user name, if the first was taken meanwhile.
    pub username: Option<Username>,
    /// The client that sent the request.
    pub client: Client,
    /// The session that the client has now; it ends if another begins.
    pub replaces: Option<Digest>,
}

/// A proof that a registration, or an account, is the confirming person's own.
#[derive(Clone, Debug)]
pub enum Proof {
    /// The browser that registered, whose cookie has this digest.
    Browser(Digest),
    /// The password chosen at registration, verified against this one.
    Password(RegistrationId),
    /// The mailbox alone: none of the registrations is trusted, and this password replaces theirs.
    Mailbox(PasswordHash),
    /// A session of the account, or its password: for a change to an address that somebody registered as well.
    Account(AccountId),
    /// No proof; enough for a change to an address that is not contested.
    None,
}

impl Proof {
    /// Whether it proves that this registration is the person's own.
    #[must_use]
    pub fn covers(&self, id: RegistrationId, registration: &Registration) -> bool {
        match self {
            // Digests of random secrets: what a comparison that stops early shows of them leads to no secret.
            Self::Browser(digest) => *digest == registration.browser,
            Self::Password(verified) => *verified == id,
            Self::Mailbox(_) | Self::Account(_) | Self::None => false,
        }
    }

    /// Picks the registration that it proves, as it is to become an account.
    fn choose(&self, all: Vec<(RegistrationId, Registration)>) -> Option<(RegistrationId, Registration)> {
        if let Self::Mailbox(password) = self {
            // A stranger may have chosen name and password, so they go. The invitation stays: it was for whoever has
            // the address.
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
    // A refusal above leaves the token as it was: another user name or password may be tried with the same link.
    links::spend(work.tx, work.moment, &request.token)?;
    let Some(person) = person else { return Ok(Ok(Confirmed::AwaitsApproval)) };
    // Never after a change of address: that link proves a mailbox, not a person. Whoever receives it because of a
    // typing error would be logged in without password or second factor.
    let is_address = matches!(request.proof, Proof::None | Proof::Account(_));
    if is_address || !work.env.config.tokens.login_after_confirm {
        return Ok(Ok(Confirmed::Done));
    }
    let started = start_session::start_after_link(work, *person, &request.client, request.replaces)?;
    Ok(Ok(started.map_or(Confirmed::Done, |started| Confirmed::LoggedIn(Box::new(started)))))
}

/// Confirms in this transaction. Returns the person; none where an administrator has yet to decide.
fn carry_out(
    work: &mut Work<'_>,
    ConfirmRequest { token, proof, username, client, .. }: &ConfirmRequest,
) -> Result<Result<Option<Box<Person>>, ConfirmRefused>, StoreError> {
    // Looked up again: the proof was made outside this transaction, and of two posts of one link the second must find
    // it used.
    match look_up(work.tx, work.env, token, work.moment.now())? {
        Err(fault) => Ok(Err(ConfirmRefused::Token(fault))),
        Ok(Target::Address { account, is_contested }) => match proof {
            Proof::Account(proved) if *proved == account => change_address::complete(work, account, client).map(done),
            _ if !is_contested => change_address::complete(work, account, client).map(done),
            // Contested only since the proof was looked at, when none was needed.
            _ => Ok(Err(ConfirmRefused::Token(TokenFault::Invalid))),
        },
        Ok(Target::Registrations(all)) => {
            let Some((id, mut registration)) = proof.choose(all) else {
                return Ok(Err(ConfirmRefused::Token(TokenFault::Invalid)));
            };
            if let Some(refused) = judge(work.env, &registration, username.as_ref()) {
                return Ok(Err(refused));
            }
            // Whoever approves must see the name that the account will have, so a name that is taken is refused now.
            if approvals::is_needed(work.env, &registration) {
                registration.username = username.clone().or(registration.username);
                if let Some(wanted) = &registration.username
                    && identity::is_username_taken(work.tx, wanted, None)?
                {
                    return Ok(Err(ConfirmRefused::UsernameTaken));
                }
                approvals::ask(work, id, registration, client)?;
                return Ok(Ok(None));
            }
            let detail = id.to_string();
            let how = Creation { by: CreatedBy::Owner(client), act: Act::Confirmed, detail: &detail };
            Ok(match accept_registration::accept(work, how, registration, username.as_ref())? {
                Some(Added::Done(person)) => done(person),
                Some(Added::UsernameTaken) => Err(ConfirmRefused::UsernameTaken),
                // Somebody else got the address first, or the invitation was revoked.
                _ => Err(ConfirmRefused::Token(TokenFault::Invalid)),
            })
        }
    }
}

fn done(person: Box<Person>) -> Result<Option<Box<Person>>, ConfirmRefused> {
    Ok(Some(person))
}

/// Refuses a registration that its owner confirms too late. Who may register is decided when they confirm, not when
/// they began: closing registration because of a flood also stops those who wait. An invitation is an administrator's
/// decision and is revoked by itself; what an administrator confirms or approves does not come here.
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
