//! Whose tries an attempt takes from, and what a failed one costs.

use std::net::{IpAddr, Ipv6Addr};

use crate::audit::{Act, Outcome, Source, Subject};
use crate::base::{AccountId, EmailAddress, Identity, Moment, RegistrationId, Timestamp};
use crate::sessions::Client;
use crate::store::{Snapshot, StoreError, Transaction};
use crate::throttle::{self, Bucket, DeviceId, Devices, Kind, Level, MAX_CONSECUTIVE};

use super::Services;

/// The buckets of one attempt.
#[derive(Clone, Debug, Default)]
pub struct Tries {
    /// When one of these is empty, the attempt is refused with a 429.
    pub open: Vec<Bucket>,
    /// When this one is empty, the attempt is refused as if the password were wrong: it depends on whether somebody has
    /// an account, which must not show.
    pub hidden: Option<Bucket>,
    /// The browser, if the owner logged in with it before. Then its own bucket is the only one.
    pub device: Option<DeviceId>,
}

impl Tries {
    /// Of somebody who logs in by a name that `account` has, if it is anybody's.
    ///
    /// # Errors
    /// When the store fails.
    pub fn at_login(
        view: &dyn Snapshot,
        services: &Services,
        identity: &Identity,
        account: Option<AccountId>,
        client: &Client,
        (now, earliest): (Timestamp, Timestamp),
    ) -> Result<Self, StoreError> {
        if !services.config.throttle.enabled {
            return Ok(Self::default());
        }
        // A text that can be nobody's name is counted by where it comes from; it may well be a password.
        let name = identity.canonical().unwrap_or_else(|| format!("nobody:{}", client.network));
        // Unknown names have a stand-in of the same form, so that the same rows are written for them.
        let stand_in = stand_in(services, &name);
        let owner = account.unwrap_or(stand_in);
        if let Some(device) = known_device(view, services, owner, client, (now, earliest))? {
            return Ok(Self::of_device(device));
        }
        let mut open = vec![Bucket::of(Kind::Name, digest(services, b"gatelodge name/1", &name))];
        open.extend(networks(client, Kind::Network, Kind::WideNetwork));
        open.push(Bucket::everybody(Kind::Everybody));
        Ok(Self { open, hidden: Some(Bucket::of(Kind::Account, *owner.bytes())), device: None })
    }

    /// Of somebody who is logged in and gives the present password once more. Nothing needs to be hidden from them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn of_owner(
        view: &dyn Snapshot,
        services: &Services,
        account: AccountId,
        client: &Client,
        times: (Timestamp, Timestamp),
    ) -> Result<Self, StoreError> {
        if !services.config.throttle.enabled {
            return Ok(Self::default());
        }
        if let Some(device) = known_device(view, services, account, client, times)? {
            return Ok(Self::of_device(device));
        }
        Ok(Self::visible(Bucket::of(Kind::Account, *account.bytes()), client))
    }

    /// Of somebody who gives the password of a registration.
    #[must_use]
    pub fn of_registration(services: &Services, id: RegistrationId, client: &Client) -> Self {
        if !services.config.throttle.enabled {
            return Self::default();
        }
        Self::visible(Bucket::of(Kind::Account, *id.bytes()), client)
    }

    /// Of somebody who gives a code besides the password: wrong ones are counted apart from wrong passwords.
    #[must_use]
    pub fn at_second_factor(services: &Services, account: AccountId, client: &Client) -> Self {
        if !services.config.throttle.enabled {
            return Self::default();
        }
        Self::visible(Bucket::of(Kind::SecondFactor, *account.bytes()), client)
    }

    /// Of somebody who asks for something that may lead to a mail.
    #[must_use]
    pub fn for_mail(services: &Services, client: &Client) -> Self {
        if !services.config.throttle.enabled {
            return Self::default();
        }
        let mut open: Vec<Bucket> = networks(client, Kind::MailNetwork, Kind::MailWideNetwork).collect();
        open.push(Bucket::everybody(Kind::MailEverybody));
        Self { open, ..Self::default() }
    }

    /// Of somebody who follows a link.
    #[must_use]
    pub fn for_link(services: &Services, client: &Client) -> Self {
        if !services.config.throttle.enabled {
            return Self::default();
        }
        Self { open: networks(client, Kind::LinkNetwork, Kind::LinkNetwork).take(1).collect(), ..Self::default() }
    }

    fn of_device(device: DeviceId) -> Self {
        Self { open: vec![Bucket::of_device(device)], hidden: None, device: Some(device) }
    }

    fn visible(first: Bucket, client: &Client) -> Self {
        let mut open = vec![first];
        open.extend(networks(client, Kind::Network, Kind::WideNetwork));
        open.push(Bucket::everybody(Kind::Everybody));
        Self { open, ..Self::default() }
    }

    /// Every bucket.
    pub fn all(&self) -> impl Iterator<Item = &Bucket> {
        self.open.iter().chain(&self.hidden)
    }

    /// Takes one try out of every bucket. What this empties is worth a row in the audit log.
    ///
    /// # Errors
    /// When the store fails.
    pub fn charge(
        &self,
        tx: &mut dyn Transaction,
        moment: &Moment,
        services: &Services,
        source: &Source,
        subject: Subject,
    ) -> Result<(), StoreError> {
        let buckets: Vec<Bucket> = self.all().cloned().collect();
        for kind in throttle::charge(tx, moment, &services.config.throttle, &buckets)? {
            let what = (Act::Throttled, Outcome::Done);
            services.audit_in_detail(tx, moment, source, what, subject, kind.word())?;
        }
        Ok(())
    }

    /// Notes a failed attempt: what it costs, and that it was made.
    ///
    /// # Errors
    /// When the store fails.
    pub fn refuse(
        &self,
        tx: &mut dyn Transaction,
        moment: &Moment,
        services: &Services,
        source: &Source,
        what: (Act, Outcome),
        subject: impl Into<Subject>,
    ) -> Result<(), StoreError> {
        let subject = subject.into();
        self.charge(tx, moment, services, source, subject)?;
        services.audit(tx, moment, source, what, subject)
    }
}

/// Whether a password that is tried at this level is considered at all: after too many failures in a row it opens nothing.
#[must_use]
pub fn is_out_of_use(bucket: &Bucket, level: &Level) -> bool {
    bucket.kind.counts_in_a_row() && level.failures >= MAX_CONSECUTIVE
}

/// The bucket of mails to an address is named by this.
#[must_use]
pub fn address_digest(services: &Services, address: &EmailAddress) -> [u8; 16] {
    digest(services, b"gatelodge mail address/1", &address.canonical())
}

/// The bucket of a name as it is typed is named by this.
#[must_use]
pub fn name_digest(services: &Services, identity: &Identity) -> Option<[u8; 16]> {
    identity.canonical().map(|name| digest(services, b"gatelodge name/1", &name))
}

/// What stands in for the account of a name that nobody has: always the same for the same name, and it tells nobody which.
#[must_use]
pub fn stand_in(services: &Services, name: &str) -> AccountId {
    AccountId::from_bytes(digest(services, b"gatelodge stand-in/1", name))
}

/// Keyed, so that the rows tell nobody whose they are.
fn digest(services: &Services, label: &[u8], text: &str) -> [u8; 16] {
    let code = services.seal.code(label, &[text.as_bytes()]);
    *code.first_chunk().expect("a code has 32 bytes")
}

/// The browser that the owner logged in with before, unless it has failed too often itself: then it is like any other.
fn known_device(
    view: &dyn Snapshot,
    services: &Services,
    owner: AccountId,
    client: &Client,
    (now, earliest): (Timestamp, Timestamp),
) -> Result<Option<DeviceId>, StoreError> {
    let devices = Devices::read(&client.device, &services.seal, &services.generation, now);
    let Some(device) = devices.of(owner) else { return Ok(None) };
    let bucket = Bucket::of_device(device);
    let level = throttle::level_of(view, &bucket)?;
    let has_tries = level.wait(bucket.kind.rate(&services.config.throttle), earliest, 0) == 0;
    Ok((has_tries && !is_out_of_use(&bucket, &level)).then_some(device))
}

/// The buckets of a client's network: IPv4 by address, IPv6 by /64 and /48.
fn networks(client: &Client, narrow: Kind, wide: Kind) -> impl Iterator<Item = Bucket> + use<> {
    let address = client.network.parse().ok();
    let buckets = match address {
        None => vec![],
        Some(address @ IpAddr::V4(_)) => vec![network(narrow, address, 32)],
        Some(IpAddr::V6(address)) => {
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

/// The bucket id of a network that an administrator names: an address, or one with `/32`, `/64` or `/48` behind it.
#[must_use]
pub fn named_networks(text: &str) -> Vec<[u8; 16]> {
    let address = text.split('/').next().unwrap_or_default();
    let client = Client { network: address.to_owned(), ..Client::default() };
    networks(&client, Kind::Network, Kind::WideNetwork).map(|bucket| bucket.id).collect()
}
