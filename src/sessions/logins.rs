//! The record of an account's logins: how many there were, when and from where, and whether one comes from a new place.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::base::{AccountId, DAY, Seconds, Timestamp};
use crate::crypto::SealingKey;
use crate::store::{Snapshot, StoreError, Table, Transaction, record, schema};

use super::agent;

/// A login.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LoginNote {
    /// The time of the login.
    pub at: Timestamp,
    /// The network address that it came from.
    pub network: String,
    /// The browser or program, in our words.
    pub device: String,
}
record!(part LoginNote { at, network, device });

/// A device or network that somebody logged in from, as a keyed digest: the store keeps no list of places to read.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Place {
    seen_at: Timestamp,
    digest: [u8; 16],
}
record!(part Place { seen_at, digest });

/// The record of an account's logins.
#[derive(Clone, Debug, Default)]
pub struct Logins {
    /// The number of logins.
    pub count: u64,
    /// The latest login.
    pub current: Option<LoginNote>,
    /// The login before it.
    pub last: Option<LoginNote>,
    /// The number of times that the owner took the account back: each kills the links to do so.
    pub taken_back: u64,
    places: BTreeSet<Place>,
    /// The first of an unbroken chain of logins from new places, each within `STRANGE_FOR` of the one before.
    pub strange_since: Option<Timestamp>,
    /// The latest login of that chain.
    strange_at: Option<Timestamp>,
}
record!(Logins, version 2, { count, current, last, taken_back, places }, since 2 { strange_since, strange_at });

pub(crate) const LOGINS: Table<AccountId, Logins> = Table::at(schema::LOGINS);

/// Devices and networks remembered for an account; the one not seen for longest makes room.
const MAX_PLACES: usize = 40;

/// Seconds for which a login from a new place may be a stranger's: as long as the owner can say that it was not them.
const STRANGE_FOR: Seconds = 7 * DAY;

/// The parts of a login that were not seen before.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Novelty {
    /// Whether the browser or program is new.
    pub device: bool,
    /// Whether the network is new.
    pub network: bool,
}

/// The record of an account's logins.
pub fn logins_of(view: &(impl Snapshot + ?Sized), account: AccountId) -> Result<Logins, StoreError> {
    Ok(LOGINS.get(view, &account)?.unwrap_or_default())
}

/// Records a login. `knows_browser` says whether the browser showed that its owner logged in with it before.
pub fn note_login(
    tx: &mut dyn Transaction,
    seal: &SealingKey,
    account: AccountId,
    (at, network, agent): (Timestamp, IpAddr, &str),
    knows_browser: bool,
) -> Result<(LoginNote, Novelty), StoreError> {
    let mut logins = logins_of(tx, account)?;
    let note = LoginNote { at, network: network.to_string(), device: agent::in_words(agent) };
    let digest = |kind: &[u8], text: &str| -> [u8; 16] {
        let code = seal.code(b"gatelodge place of login/1", &[account.bytes(), kind, text.as_bytes()]);
        *code.first_chunk().expect("16 of 32 bytes")
    };
    // Remembered whether or not it is new, so that a place in use is not the one that makes room.
    let mut is_new = |digest: [u8; 16]| {
        let is_new = logins.places.iter().all(|place| place.digest != digest);
        logins.places.retain(|place| place.digest != digest);
        logins.places.insert(Place { seen_at: at, digest });
        while logins.places.len() > MAX_PLACES {
            logins.places.pop_first();
        }
        is_new
    };
    let is_unseen_network = is_new(digest(b"network", &neighbourhood(network)));
    let is_unseen_device = is_new(digest(b"device", &note.device));
    // At the first login everything is new, which is no news. A known browser is no new device, whatever it calls
    // itself by now: its cookie is signed, its name is not.
    let novelty = if logins.count == 0 {
        Novelty::default()
    } else {
        Novelty { device: is_unseen_device && !knows_browser, network: is_unseen_network }
    };
    // The start of the chain is kept: a thief may have come from several new places, and all that was added since the
    // first may be theirs.
    if novelty.device || novelty.network {
        let follows = logins.strange_at.is_some_and(|before| at.since(before) < STRANGE_FOR);
        logins.strange_since = logins.strange_since.filter(|_| follows).or(Some(at));
        logins.strange_at = Some(at);
    }
    logins.count += 1;
    logins.last = logins.current.replace(note.clone());
    LOGINS.put(tx, &account, &logins)?;
    Ok((note, novelty))
}

/// The network that counts as the same place: an IPv4 /24, an IPv6 /48.
fn neighbourhood(network: IpAddr) -> String {
    match network {
        IpAddr::V4(address) => format!("{:?}", &address.octets()[..3]),
        IpAddr::V6(address) => format!("{:x?}", &address.segments()[..3]),
    }
}

/// Makes every place new again, as the owner took the account back; with `ends_links` the links to do so die.
pub fn forget_places(tx: &mut dyn Transaction, account: AccountId, ends_links: bool) -> Result<(), StoreError> {
    let mut logins = logins_of(tx, account)?;
    logins.places.clear();
    if ends_links {
        (logins.strange_since, logins.strange_at) = (None, None);
        logins.taken_back += 1;
    }
    LOGINS.put(tx, &account, &logins)
}

/// Forgets the logins of a deleted account.
pub fn forget_logins(tx: &mut dyn Transaction, account: AccountId) -> Result<(), StoreError> {
    LOGINS.delete(tx, &account)
}
