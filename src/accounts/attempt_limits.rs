//! The rate limits of attempts: the buckets that one is charged to, and what a failed one costs.

use std::net::{IpAddr, Ipv6Addr};

use crate::audit::{Act, Outcome, Source, Subject};
use crate::base::{AccountId, EmailAddress, Identity, Reading, SessionId, Timestamp};
use crate::config::Rate;
use crate::sessions::Client;
use crate::store::{Snapshot, StoreError};
use crate::throttle::{self, Bucket, DeviceId, Kind, Level, MAX_CONSECUTIVE};

use super::{Env, Work, known_devices};

/// The buckets of one attempt.
#[derive(Clone, Debug, Default)]
pub struct AttemptLimits {
    /// The buckets that refuse visibly: when one of them is empty, the attempt gets a 429.
    pub open: Vec<Bucket>,
    /// The bucket that makes people wait: others emptied it, so the attempt waits for its turn before it is refused.
    pub crowd: Option<Bucket>,
    /// The bucket that refuses as if the password were wrong: it depends on whether somebody has an account, which must
    /// not show.
    pub hidden: Option<Bucket>,
    /// The bucket that refuses nobody: it is counted so that the owner can be told.
    pub noted: Option<Bucket>,
    /// The browser, if the owner logged in with it before. Then its own bucket is the only one that counts.
    pub device: Option<DeviceId>,
}

/// Attempts that a network may owe and still count as one that asks for little: people mistype.
const MISTYPED: u32 = 3;

/// Whether a bucket owes but a few attempts, when `under_way` others count as failed already.
#[must_use]
pub fn owes_little(level: &Level, rate: Rate, now: Timestamp, under_way: u32) -> bool {
    level.left(rate, now).saturating_sub(under_way) >= rate.burst.saturating_sub(MISTYPED)
}

/// A claim to be somebody, by a name.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The name, as it was typed.
    pub identity: &'a Identity,
    /// The account of that name, if it has one.
    pub account: Option<AccountId>,
}

impl AttemptLimits {
    /// Returns the buckets of a login by a name that belongs to `account`, if to any.
    pub fn at_login(
        view: &dyn Snapshot,
        env: &Env,
        Claim { identity, account }: Claim<'_>,
        client: &Client,
        time: Reading,
    ) -> Result<Self, StoreError> {
        if !env.config.throttle.enabled {
            return Ok(Self::default());
        }
        // A text that can be nobody's name is counted by the network it comes from; it may well be a password, which
        // must not name a row.
        let name = identity.canonical().unwrap_or_else(|| format!("nobody:{}", client.network));
        // Unknown names have a stand-in of the same form, so that the same rows are read and written for them.
        let decoy_id = decoy_id(env, &name);
        let owner = account.unwrap_or(decoy_id);
        // A known browser is judged by its own bucket alone: guesses from elsewhere must not lock the owner out (OWASP,
        // "Slow Down Online Guessing Attacks with Device Cookies").
        if let Some(device) = usable_device(view, env, owner, client, time)? {
            return Ok(Self::of_device(device, owner));
        }
        let mut open: Vec<Bucket> = networks(client.network, Kind::Network, Kind::WideNetwork).collect();
        let crowd = Bucket::everybody(Kind::Everybody, env.node);
        // What refuses visibly depends on the name as typed and on the network, which the guesser knows anyway. The
        // account is counted once more by whatever name, or each of its names would give ten more guesses; that this
        // bucket is empty must not show, since it would tell which names belong together.
        open.insert(0, Bucket::of(Kind::Name, digest(env, b"gatelodge name/1", &name)));
        let hidden = Some(Bucket::of(Kind::Account, *owner.bytes()));
        Ok(Self { open, crowd: Some(crowd), hidden, ..Self::default() })
    }

    /// Returns the buckets of a reauthentication by password or code. What a living session does depends on that
    /// session alone: whatever strangers fail with, its holder can act. A hundred failures in a row end that.
    #[must_use]
    pub fn in_session(env: &Env, account: AccountId, session: SessionId) -> Self {
        if !env.config.throttle.enabled {
            return Self::default();
        }
        // No network is counted: the holder of a session must not suffer from guesses that share their address. The
        // owner is told of failures all the same, as the session may be stolen.
        let noted = Some(Bucket::of(Kind::KnownDevices, *account.bytes()));
        Self { open: vec![Bucket::of(Kind::Session, *session.bytes())], noted, ..Self::default() }
    }

    /// Returns the buckets of an attempt with the password that was chosen with a registration of this address.
    #[must_use]
    pub fn of_registration(env: &Env, address: &EmailAddress, client: &Client) -> Self {
        if !env.config.throttle.enabled {
            return Self::default();
        }
        // A label of its own: guesses at a registration do not use up logins by that address. It may show, for only
        // whoever has the mailed link gets here.
        Self::visible(Bucket::of(Kind::Name, digest(env, b"gatelodge registration/1", &address.canonical())), client)
    }

    /// Returns the buckets of a second factor's code: wrong ones are counted apart from wrong passwords. A browser that
    /// the owner logged in with before is counted by itself, so that whoever learnt the password cannot use up the
    /// owner's attempts.
    pub fn at_second_factor(
        view: &dyn Snapshot,
        env: &Env,
        account: AccountId,
        client: &Client,
        time: Reading,
    ) -> Result<Self, StoreError> {
        if !env.config.throttle.enabled {
            return Ok(Self::default());
        }
        if let Some(device) = usable_device(view, env, account, client, time)? {
            return Ok(Self::of_device(device, account));
        }
        // A refusal by account may show: whoever gets here has passed the first step and knows that the account exists.
        Ok(Self::visible(Bucket::of(Kind::SecondFactor, *account.bytes()), client))
    }

    /// Returns the buckets of an attempt with the digits that were mailed to an account's owner; `account` is `None`
    /// where nothing was mailed, which must not show.
    #[must_use]
    pub fn for_mailed_digits(env: &Env, account: Option<AccountId>, client: &Client) -> Self {
        // Six digits can be guessed, so wrong ones count for the account wherever they come from, and its empty bucket
        // refuses like a wrong code: who was mailed anything does not show.
        let hidden = account.map(|account| Bucket::of(Kind::MailedDigits, *account.bytes()));
        let tries = Self::for_link(env, client);
        Self { hidden: hidden.filter(|_| env.config.throttle.enabled), ..tries }
    }

    /// Returns the buckets of a request that may lead to a mail.
    #[must_use]
    pub fn for_mail(env: &Env, client: &Client) -> Self {
        if !env.config.throttle.enabled {
            return Self::default();
        }
        // No bucket of everybody: it is counted where mails are written, and what is beyond it is mailed later.
        // Refusing here would let a few networks keep everybody else from asking.
        Self { open: networks(client.network, Kind::MailNetwork, Kind::MailWideNetwork).collect(), ..Self::default() }
    }

    /// Whether this client's networks asked for little of late, judged after the present request was counted.
    pub fn ask_for_little(view: &dyn Snapshot, env: &Env, client: &Client, now: Timestamp) -> Result<bool, StoreError> {
        for bucket in Self::for_mail(env, client).open {
            let rate = bucket.kind.rate(&env.config.throttle);
            if !owes_little(&throttle::level_of(view, &bucket)?, rate, now, 0) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns the buckets of following a link; only links that do not work are charged to them.
    #[must_use]
    pub fn for_link(env: &Env, client: &Client) -> Self {
        if !env.config.throttle.enabled {
            return Self::default();
        }
        // The narrow network alone: links have no bucket for an IPv6 /48.
        Self {
            open: networks(client.network, Kind::LinkNetwork, Kind::LinkNetwork).take(1).collect(),
            ..Self::default()
        }
    }

    fn of_device(device: DeviceId, owner: AccountId) -> Self {
        let noted = Some(Bucket::of(Kind::KnownDevices, *owner.bytes()));
        Self { open: vec![Bucket::of_device(device)], noted, device: Some(device), ..Self::default() }
    }

    fn visible(first: Bucket, client: &Client) -> Self {
        let mut open = vec![first];
        open.extend(networks(client.network, Kind::Network, Kind::WideNetwork));
        Self { open, ..Self::default() }
    }

    /// Iterates over every bucket.
    pub fn all(&self) -> impl Iterator<Item = &Bucket> {
        self.open.iter().chain(&self.crowd).chain(&self.hidden).chain(&self.noted)
    }

    /// Takes one attempt out of every bucket. A bucket that this empties is worth a row in the audit log.
    pub fn charge(&self, work: &mut Work<'_>, source: &Source, subject: Subject) -> Result<(), StoreError> {
        let buckets: Vec<Bucket> = self.all().cloned().collect();
        for kind in throttle::charge(work.tx, work.moment, &work.env.config.throttle, &buckets)? {
            work.audit_in_detail(source, Act::Throttled, subject, kind.as_str())?;
        }
        Ok(())
    }

    /// Records a failed attempt: charges it, and audits it.
    pub fn record(
        &self,
        work: &mut Work<'_>,
        source: &Source,
        what: (Act, Outcome),
        subject: impl Into<Subject>,
    ) -> Result<(), StoreError> {
        let subject = subject.into();
        self.charge(work, source, subject)?;
        work.audit(source, what, subject)
    }
}

/// Whether a password or code judged at this level opens nothing, because too many in a row have failed (NIST SP
/// 800-63B-4, 3.2.2).
#[must_use]
pub fn is_out_of_use(bucket: &Bucket, level: &Level) -> bool {
    bucket.kind.counts_in_a_row() && level.failures >= MAX_CONSECUTIVE
}

/// The id of the bucket that counts mails to an address. What stands behind a plus usually goes to the same mailbox
/// (RFC 5233), so it is counted as one: else a single mailbox could be flooded under many spellings.
#[must_use]
pub fn address_digest(env: &Env, address: &EmailAddress) -> [u8; 16] {
    let canonical = address.canonical();
    let mailbox = match canonical.rsplit_once('@') {
        Some((local, domain)) => match local.split_once('+') {
            Some((user, _)) if !user.is_empty() => format!("{user}@{domain}"),
            _ => canonical,
        },
        None => canonical,
    };
    digest(env, b"gatelodge mail address/1", &mailbox)
}

/// The id of the bucket that counts attempts by a name as it is typed; none for a text that can be nobody's name.
#[must_use]
pub fn name_digest(env: &Env, identity: &Identity) -> Option<[u8; 16]> {
    identity.canonical().map(|name| digest(env, b"gatelodge name/1", &name))
}

/// The stand-in for the account of a name that nobody has: always the same for the same name, and it does not reveal
/// which.
#[must_use]
pub fn decoy_id(env: &Env, name: &str) -> AccountId {
    AccountId::from_bytes(digest(env, b"gatelodge stand-in/1", name))
}

/// A keyed digest, so that the rows do not reveal the names to whoever reads the store without its key.
fn digest(env: &Env, label: &[u8], text: &str) -> [u8; 16] {
    let code = env.seal.code(label, &[text.as_bytes()]);
    *code.first_chunk().expect("a code has 32 bytes")
}

/// The known browser that the client is, unless it has failed too often itself: then it is like any other.
fn usable_device(
    view: &dyn Snapshot,
    env: &Env,
    owner: AccountId,
    client: &Client,
    time: Reading,
) -> Result<Option<DeviceId>, StoreError> {
    let Some(device) = known_devices::of_client(view, env, owner, client, time.later)? else { return Ok(None) };
    let bucket = Bucket::of_device(device);
    let level = throttle::level_of(view, &bucket)?;
    // A browser that used up its own bucket falls back to the common ones rather than being refused: guesses through a
    // stolen cookie must not keep the owner out either.
    let has_tries = level.wait(bucket.kind.rate(&env.config.throttle), time.earlier, 0) == 0;
    Ok((has_tries && !is_out_of_use(&bucket, &level)).then_some(device))
}

/// The buckets of a client's network: IPv4 by address, IPv6 by /64 and /48. A single IPv6 address would count nothing,
/// as every subscriber has a /64 of them at least.
fn networks(client: IpAddr, narrow: Kind, wide: Kind) -> impl Iterator<Item = Bucket> + use<> {
    let buckets = match client {
        address @ IpAddr::V4(_) => vec![network(narrow, address, 32)],
        IpAddr::V6(address) => {
            let within = |bits| IpAddr::V6(prefix(address, bits));
            vec![network(narrow, within(64), 64), network(wide, within(48), 48)]
        }
    };
    buckets.into_iter()
}

fn prefix(address: Ipv6Addr, bits: u32) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (128 - bits)))
}

fn network(kind: Kind, address: IpAddr, bits: u32) -> Bucket {
    let id = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    };
    Bucket { kind, id, shown: format!("{address}/{bits}") }
}

/// The bucket ids of a network that an administrator names: an address, or one with `/32`, `/64` or `/48` behind it.
#[must_use]
pub fn named_networks(text: &str) -> Vec<[u8; 16]> {
    let Ok(address) = text.split('/').next().unwrap_or_default().parse() else { return Vec::new() };
    networks(address, Kind::Network, Kind::WideNetwork).map(|bucket| bucket.id).collect()
}
