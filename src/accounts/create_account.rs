//! Creates accounts: the one place where they come from.

use std::collections::BTreeSet;

use crate::audit::{Act, Outcome, Source};
use crate::base::{AccountId, DisplayName, EmailAddress, GroupName, PhoneNumber, Username};
use crate::crypto::PasswordHash;
use crate::sessions::Client;
use crate::store::StoreError;
use crate::texts::Language;

use super::person::{self, Account, Person};
use super::{Work, former_addresses, identity, registration, set_up};

/// An account to be created.
#[derive(Clone, Debug, Default)]
pub struct NewAccount {
    /// Its address, if it has one.
    pub email: Option<EmailAddress>,
    /// Its user name, if it has one.
    pub username: Option<Username>,
    /// Its telephone number, if it has one.
    pub phone: Option<PhoneNumber>,
    /// The person's display name.
    pub name: Option<DisplayName>,
    /// The person's language, if it is known.
    pub language: Option<Language>,
    /// The password's hash; without one, the person sets a password by the link that confirms the address.
    pub password: Option<PasswordHash>,
    /// Whether the address is known to be the person's.
    pub confirmed: bool,
    /// The groups it is put in.
    pub groups: BTreeSet<GroupName>,
}

/// The outcome of creating an account.
#[derive(Clone, Debug)]
pub enum Added {
    /// It exists.
    Done(Box<Person>),
    /// Another account has the address.
    AddressTaken,
    /// Another account has the user name, or had it.
    UsernameTaken,
    /// Another account has the telephone number.
    PhoneTaken,
}

/// The creator of an account.
#[derive(Clone, Copy, Debug)]
pub enum CreatedBy<'a> {
    /// The person whose account it becomes.
    Owner(&'a Client),
    /// Somebody else: an administrator, or the appliance.
    Other(&'a Source),
}

/// How an account comes about, for the audit log.
#[derive(Clone, Copy, Debug)]
pub struct Creation<'a> {
    /// Its creator.
    pub by: CreatedBy<'a>,
    /// The act that creates it.
    pub act: Act,
    /// What else there is to say.
    pub detail: &'a str,
}

/// Creates an account, and audits it: by the action that created it, and by each group it is put in, as any other way
/// into a group is. Deletes the address's registrations: nothing of theirs survives.
pub fn create(
    work: &mut Work<'_>,
    Creation { by, act, detail }: Creation<'_>,
    new: NewAccount,
) -> Result<Added, StoreError> {
    if let Some(email) = &new.email {
        // An address that was changed away from is kept for its former owner for a while: only a proof of the mailbox
        // gets past that, or the thief of an account could take the old address at once.
        let is_kept = !new.confirmed && former_addresses::is_reserved(work.tx, email, work.moment.now())?;
        if is_kept || identity::owner_of_email(work.tx, email)?.is_some() {
            return Ok(Added::AddressTaken);
        }
    }
    if let Some(username) = &new.username
        && identity::is_username_taken(work.tx, username, None)?
    {
        return Ok(Added::UsernameTaken);
    }
    if let Some(phone) = &new.phone
        && identity::owner_of_phone(work.tx, phone)?.is_some()
    {
        return Ok(Added::PhoneTaken);
    }
    let (id, now) = (AccountId::draw(work.moment), work.now());
    let mut account = Account::new(new.password, new.name, now);
    account.reads = new.language;
    account.groups = new.groups;
    account.confirmed_at = (new.confirmed || new.email.is_none()).then_some(now);
    person::save(work.tx, id, &account)?;
    // By whatever way somebody became the first administrator: the set-up link must die.
    if account.is_administrator() {
        set_up::end(work.tx)?;
    }
    if let Some(email) = &new.email {
        identity::set_email(work.tx, id, email, new.confirmed.then_some(now))?;
        registration::remove_all(work.tx, email)?;
    }
    if let Some(username) = &new.username {
        identity::set_username(work.tx, id, username, now)?;
    }
    identity::set_phone(work.tx, id, new.phone.as_ref(), now)?;
    // Whoever creates their own account acts as its owner, and has no id before now.
    let source = match by {
        CreatedBy::Owner(client) => client.owner_of(id),
        CreatedBy::Other(source) => source.clone(),
    };
    work.audit_in_detail(&source, (act, Outcome::Done), id, detail)?;
    for group in &account.groups {
        work.audit_in_detail(&source, Act::GroupJoined, id, group.as_str())?;
    }
    let person = person::load(work.tx, id)?.ok_or(StoreError::Damaged("an account just made"))?;
    Ok(Added::Done(Box::new(person)))
}
