//! Correcting what people are called and where their mails go, and helping those who cannot log in.

use std::sync::Arc;

use crate::accounts::correct::{self, AddressProof, AddressSet};
use crate::accounts::forgot::{self, LinkSent};
use crate::accounts::usernames::{self, Chosen};
use crate::accounts::{Person, Work};
use crate::app::{App, Principal};
use crate::base::{DisplayName, EmailAddress, Username};
use crate::store::StoreError;
use crate::texts::refusal;

use super::adding::username_taken;
use super::answers::Account;
use super::reach::Reach;
use super::users::describe;
use super::{Refusal, Remedy, Wanted, parse};

/// Sets or removes the display name.
pub(super) async fn set_name(
    app: &Arc<App>,
    user: String,
    name: Option<String>,
    by: &Principal,
) -> Result<Account, Refusal> {
    let name = name.map(|text| parse(&text, Wanted::Name, DisplayName::parse)).transpose()?;
    let source = by.source();
    let (account, ()) =
        change(app, by, user, move |work, person| correct::set_name(work, &source, person, name.as_ref())).await?;
    Ok(account)
}

/// Sets the user name.
pub(super) async fn set_username(
    app: &Arc<App>,
    user: String,
    username: &str,
    by: &Principal,
) -> Result<Account, Refusal> {
    let name = parse(username, Wanted::Username, Username::parse)?;
    if name.is_an_id() || app.env().config.login.takes_otherwise(&name) {
        return Err(Refusal::invalid(refusal::username_read_otherwise(), refusal::username_read_otherwise_hint()));
    }
    let (source, new) = (by.source(), name.clone());
    let (account, chosen) =
        change(app, by, user, move |work, person| usernames::give(work, &source, person, &new)).await?;
    match chosen {
        Chosen::Done | Chosen::Unchanged => Ok(Account { username: Some(name.to_string()), ..account }),
        Chosen::Taken | Chosen::Reserved => Err(username_taken(app, name.to_string()).await?),
        Chosen::TooMany => Err(Refusal::conflict(refusal::too_many_usernames_kept(), None)),
    }
}

/// Sets the address: at once, or once a link that is mailed to it was followed.
pub(super) async fn set_email(
    app: &Arc<App>,
    user: String,
    (email, confirmed): (&str, bool),
    by: &Principal,
) -> Result<Account, Refusal> {
    let address = parse(email, Wanted::Address, EmailAddress::parse)?;
    let proved = if confirmed { AddressProof::ByAdministrator } else { AddressProof::ByLink };
    let source = by.source();
    let set = change(app, by, user, move |work, person| correct::set_email(work, &source, person, &address, proved));
    match set.await? {
        (account, AddressSet::Done | AddressSet::Asked) => Ok(account),
        (_, AddressSet::Taken) => Err(Refusal::conflict(refusal::address_taken(email), None).with(Remedy::ShowAccount)),
    }
}

/// Mails somebody a link to set a password.
pub(super) async fn send_reset(app: &Arc<App>, user: String, by: &Principal) -> Result<Account, Refusal> {
    let (source, named) = (by.source(), user.clone());
    match change(app, by, user, move |work, person| forgot::send_for(work, &source, person)).await? {
        (account, LinkSent::Done) => Ok(account),
        (_, LinkSent::NoAddress) => {
            Err(Refusal::conflict(refusal::no_address_for_link(named), refusal::no_address_for_link_hint()))
        }
        (_, LinkSent::Disabled) => Err(Refusal::conflict(refusal::is_disabled(named), None)),
        (_, LinkSent::MailedEnough) => Err(Refusal::conflict(refusal::mailed_enough(), refusal::invited_enough_hint())),
    }
}

/// Changes an account within the transaction that finds it, as far as the caller reaches. Returns the account as it is
/// then, and the outcome.
async fn change<T, F>(app: &Arc<App>, by: &Principal, user: String, mut act: F) -> Result<(Account, T), Refusal>
where
    T: Send + 'static,
    F: FnMut(&mut Work<'_>, &mut Person) -> Result<T, StoreError> + Send + 'static,
{
    let caller = by.clone();
    let changed = app.write_as(by, move |work| {
        let reach = Reach::within(work.tx, &caller)?;
        match reach.find(work.tx, &user)? {
            Ok(mut person) => Ok(Ok((act(work, &mut person)?, person))),
            Err(refusal) => Ok(Err(refusal)),
        }
    });
    let (outcome, person) = changed.await??;
    Ok((describe(&person), outcome))
}
