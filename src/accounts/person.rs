//! An account and the person whom it belongs to.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::base::{
    AccountId, DisplayName, EmailAddress, GroupName, Identity, NameSource, PhoneNumber, Timestamp, Username,
};
use crate::crypto::{Cost, Digest, Hashing, PasswordHash};
use crate::groups;
use crate::mail::Addressee;
use crate::store::{Record, Snapshot, StoreError, Table, Transaction, record, schema};
use crate::texts::Language;

use super::identity::{self, Claimed, StoredKind};
use super::search_index::{self, Renamed};
use super::{Env, hash_costs};

/// The record of an account; its address, user name and telephone number stand among the identities.
#[derive(Clone, Debug)]
pub struct Account {
    /// The password's hash; none until one is set by a link.
    pub password: Option<PasswordHash>,
    /// The time at which the password was last set.
    pub password_changed_at: Timestamp,
    /// The person's display name.
    pub name: Option<DisplayName>,
    /// What stood here before there were other languages: English, which nobody had chosen.
    pub language: String,
    /// The groups that the person is in.
    pub groups: BTreeSet<GroupName>,
    /// The time at which the account was created.
    pub created_at: Timestamp,
    /// The time at which an address of it was first confirmed.
    pub confirmed_at: Option<Timestamp>,
    /// The time since which nobody can log in to it, if it is disabled.
    pub disabled_at: Option<Timestamp>,
    /// The number of reset links sent or voided: a newer one kills the older.
    pub reset_count: u64,
    /// The time at which the reset link that is out was asked for.
    pub reset_asked_at: Option<Timestamp>,
    /// The address that waits to be confirmed.
    pub new_address: Option<EmailAddress>,
    /// The number of links to confirm an address that were sent or voided: a newer one kills the older.
    pub address_count: u64,
    /// The time at which the link that is out was mailed.
    pub address_asked_at: Option<Timestamp>,
    /// A count that is raised whenever the people who know the credentials may have changed: with a new password, or
    /// when the account is taken back. What is bound to it (known browsers, mailed codes, login links) dies with that.
    pub security_stamp: u64,
    /// The number of mails to log in by: a newer one kills the older.
    pub login_mail_count: u64,
    /// The password that was in use when the owner took the account back: somebody else knew it, so it is not chosen
    /// again.
    pub retired_password: Option<PasswordHash>,
    /// The language of pages and mails for its owner; that of the site, where it is none.
    pub reads: Option<Language>,
}
record!(Account, version 3, {
    password, password_changed_at, name, language, groups, created_at, confirmed_at, disabled_at,
    reset_count, reset_asked_at, new_address, address_count, address_asked_at,
}, since 2 { security_stamp, login_mail_count, retired_password }, since 3 { reads });

impl Account {
    /// Returns a new account without groups.
    #[must_use]
    pub fn new(password: Option<PasswordHash>, name: Option<DisplayName>, now: Timestamp) -> Self {
        Self {
            password,
            password_changed_at: now,
            name,
            language: "en".into(),
            groups: BTreeSet::new(),
            created_at: now,
            confirmed_at: None,
            disabled_at: None,
            reset_count: 0,
            reset_asked_at: None,
            new_address: None,
            address_count: 0,
            address_asked_at: None,
            security_stamp: 0,
            login_mail_count: 0,
            retired_password: None,
            reads: None,
        }
    }

    /// Sets a password, which kills every reset link that is out.
    pub fn set_password(&mut self, hash: PasswordHash, now: Timestamp) {
        self.password = Some(hash);
        self.security_stamp += 1;
        self.password_changed_at = now;
        self.reset_count += 1;
        self.reset_asked_at = None;
    }

    /// Whether the account administers the appliance.
    #[must_use]
    pub fn is_administrator(&self) -> bool {
        self.groups.contains(&GroupName::administrators())
    }

    /// Whether its owner helps people who cannot log in.
    #[must_use]
    pub fn is_helper(&self) -> bool {
        self.groups.contains(&GroupName::helpdesk())
    }
}

/// The address of an account.
#[derive(Clone, Debug)]
pub struct Email {
    /// The address.
    pub address: EmailAddress,
    /// The address as text.
    pub shown: String,
    /// The time at which its owner proved that it is theirs.
    pub verified_at: Option<Timestamp>,
}

/// An account with its identities.
#[derive(Clone, Debug)]
pub struct Person {
    /// Its id.
    pub id: AccountId,
    /// The account's record.
    pub account: Account,
    /// Its address; administrators can create accounts without.
    pub email: Option<Email>,
    /// Its user name.
    pub username: Option<Username>,
    /// Its telephone number, by which its owner may log in.
    pub phone: Option<PhoneNumber>,
}

impl Person {
    /// Returns the words by which a search finds the person, and the code of the name that has each.
    #[must_use]
    pub fn search_words(&self) -> Vec<(String, u8)> {
        let names = [
            (NameSource::Address, self.email.as_ref().map(|email| email.shown.as_str())),
            (NameSource::Username, self.username.as_ref().map(Username::as_str)),
            (NameSource::Phone, self.phone.as_ref().map(PhoneNumber::as_str)),
            (NameSource::DisplayName, self.account.name.as_ref().map(DisplayName::as_str)),
        ];
        let words = |(source, name): (NameSource, Option<&str>)| {
            let words = name.map(|name| source.words(name)).unwrap_or_default();
            words.into_iter().map(move |word| (word, source.code()))
        };
        names.into_iter().flat_map(words).collect()
    }

    /// The words that an attacker would try first for this person at this site.
    #[must_use]
    pub fn context_words<'a>(&'a self, env: &'a Env) -> Vec<&'a str> {
        let mut words = env.site_words();
        words.extend(self.email.as_ref().map(|email| email.shown.as_str()));
        words.extend(self.username.as_ref().map(|name| name.as_str()));
        words.extend(self.account.name.as_ref().map(|name| name.as_str()));
        words
    }

    /// A digest of the credentials, to which codes and links that log somebody in are bound: they die when the password
    /// is set anew, when the owner takes the account back, when the address changes, and when a newer mail to log in by
    /// is sent.
    #[must_use]
    pub fn credentials(&self) -> Digest {
        let address = self.verified_address().map(EmailAddress::canonical).unwrap_or_default();
        let mut hashing = Hashing::default();
        hashing.update(b"gatelodge credentials/1");
        hashing.update(&self.account.security_stamp.to_be_bytes());
        hashing.update(&self.account.login_mail_count.to_be_bytes());
        hashing.update(address.as_bytes());
        hashing.finish()
    }

    /// The address that mail may go to.
    #[must_use]
    pub fn verified_address(&self) -> Option<&EmailAddress> {
        self.email.as_ref().filter(|email| email.verified_at.is_some()).map(|email| &email.address)
    }

    /// The person as whoever reads mails at an address.
    pub(super) fn at<'a>(&'a self, address: &'a EmailAddress) -> Addressee<'a> {
        Addressee { address, language: self.account.reads.as_ref() }
    }
}

pub(crate) const ACCOUNTS: Table<AccountId, Account> = Table::at(schema::ACCOUNTS);

/// Loads the account of this id, with its identities.
pub fn load(view: &dyn Snapshot, id: AccountId) -> Result<Option<Person>, StoreError> {
    let Some(account) = ACCOUNTS.get(view, &id)? else { return Ok(None) };
    let damaged = StoreError::Damaged("an identity");
    let email = match identity::of_account(view, id, StoredKind::Email)? {
        None => None,
        Some(claimed) => {
            let address = EmailAddress::parse(&claimed.shown).map_err(|_| damaged.clone())?;
            Some(Email { address, shown: claimed.shown, verified_at: claimed.verified_at })
        }
    };
    let username = identity::of_account(view, id, StoredKind::Username)?;
    let username = username.map(|claimed| Username::parse(&claimed.shown)).transpose().map_err(|_| damaged.clone())?;
    let phone = identity::of_account(view, id, StoredKind::Phone)?;
    let phone = phone.map(|claimed| PhoneNumber::parse(&claimed.shown)).transpose().map_err(|_| damaged)?;
    Ok(Some(Person { id, account, email, username, phone }))
}

/// Does as much work for an unknown name as [`load`] does for a known one (equal work: user enumeration): the same
/// look-ups, which find nothing, and the same records read, which are samples. `nobody` stands in for the id: another
/// for each name, so that it is searched for where accounts are.
pub fn load_decoy(view: &dyn Snapshot, nobody: AccountId) -> Result<(), StoreError> {
    static SAMPLE: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(|| {
        let cost = Cost { memory_kib: 19456, iterations: 2, lanes: 1 };
        let now = Timestamp::from_seconds(1_800_000_000);
        let mut account = Account::new(Some(PasswordHash::decoy(cost)), None, now);
        account.confirmed_at = Some(now);
        let claimed = Claimed { shown: "somebody@example.org".into(), verified_at: Some(now), given_up: 0 };
        (account.to_bytes(), claimed.to_bytes())
    });
    let found = ACCOUNTS.get(view, &nobody)?;
    // Kept from the optimiser, which would drop work whose result nobody uses.
    std::hint::black_box((found, Account::read(&SAMPLE.0)?));
    let found = identity::of_account(view, nobody, StoredKind::Email)?;
    let claimed = Claimed::read(&SAMPLE.1)?;
    std::hint::black_box((found, EmailAddress::parse(&claimed.shown).ok(), claimed));
    std::hint::black_box(identity::of_account(view, nobody, StoredKind::Username)?);
    std::hint::black_box(identity::of_account(view, nobody, StoredKind::Phone)?);
    Ok(())
}

/// Finds the account that a person means by what they type.
pub fn find(view: &dyn Snapshot, identity: &Identity) -> Result<Option<Person>, StoreError> {
    identity::owner(view, identity)?.map_or(Ok(None), |id| load(view, id))
}

/// Writes an account, and keeps in step what is derived of it: the counts of hash costs, the index of group members, and
/// that of words.
pub fn save(tx: &mut dyn Transaction, id: AccountId, account: &Account) -> Result<(), StoreError> {
    note_changed(tx, id, Some(account))?;
    ACCOUNTS.put(tx, &id, account)
}

fn note_changed(tx: &mut dyn Transaction, id: AccountId, after: Option<&Account>) -> Result<(), StoreError> {
    let before = ACCOUNTS.get(tx, &id)?;
    let (before, none) = (before.as_ref(), BTreeSet::new());
    let password = |account: Option<&'_ Account>| account.and_then(|account| account.password.clone());
    hash_costs::replaced(tx, password(before).as_ref(), password(after).as_ref())?;
    let groups = |account: Option<&'_ Account>| account.map_or(&none, |account| &account.groups).clone();
    groups::note_changed(tx, id, &groups(before), &groups(after))?;
    let name = |account: Option<&'_ Account>| account.and_then(|account| account.name.clone());
    let (before, after) = (name(before), name(after));
    let names =
        Renamed { before: before.as_ref().map(DisplayName::as_str), after: after.as_ref().map(DisplayName::as_str) };
    search_index::note_changed(tx, id, NameSource::DisplayName, names)
}

/// Removes an account; its identities are released separately.
pub fn remove(tx: &mut dyn Transaction, id: AccountId) -> Result<(), StoreError> {
    note_changed(tx, id, None)?;
    ACCOUNTS.delete(tx, &id)
}

/// Whether there is an account of this id.
pub fn exists(view: &dyn Snapshot, id: AccountId) -> Result<bool, StoreError> {
    Ok(ACCOUNTS.get(view, &id)?.is_some())
}

/// The number of accounts, counted up to `most`.
pub fn count(view: &(impl Snapshot + ?Sized), most: usize) -> Result<usize, StoreError> {
    ACCOUNTS.count(view, most)
}

/// A page of accounts, in the order of their ids.
pub fn page(view: &dyn Snapshot, after: Option<AccountId>, limit: usize) -> Result<Vec<Person>, StoreError> {
    let mut people = Vec::new();
    for (id, _) in ACCOUNTS.page(view, after.as_ref(), limit)? {
        people.extend(load(view, id)?);
    }
    Ok(people)
}
