//! The schema: all tables, on one page. A prefix is never given to another table, even when its own is gone.

/// A range of keys: all that begin with one byte.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Range {
    /// The first byte of every key.
    pub prefix: u8,
    /// The name, for messages.
    pub name: &'static str,
}

const fn range(prefix: u8, name: &'static str) -> Range {
    Range { prefix, name }
}

/// name → bytes: format version, instance id, generation, node, fingerprint of the sealing key.
pub const META: Range = range(0x00, "meta");
/// node → the highest time that any of its commits has seen.
pub const FLOORS: Range = range(0x0f, "time floors");
/// account id → account.
pub const ACCOUNTS: Range = range(0x10, "accounts");
/// account id → nothing: deleted accounts of which something is left to be swept.
pub const REMAINS: Range = range(0x13, "remains of accounts");
/// (kind, canonical form) → account id: the owner of an identity.
pub const IDENTITIES: Range = range(0x11, "identities");
/// (account id, kind) → identity as shown, and when it was verified.
pub const IDENTITIES_OF: Range = range(0x12, "identities of an account");
/// user name that an account gave up → that account, which alone may take it again.
pub const FORMER_USERNAMES: Range = range(0x14, "former user names");
/// (word, (account id, which name has it)) → nothing: whom a search for the word finds.
pub const SEARCH_WORDS: Range = range(0x15, "words that people are found by");
/// registration id → registration that waits to be confirmed.
pub const REGISTRATIONS: Range = range(0x18, "registrations");
/// (canonical address, registration id) → nothing: the registrations of an address.
pub const REGISTRATIONS_OF: Range = range(0x19, "registrations of an address");
/// canonical address → which of the links that confirm its registrations is the newest.
pub const CONFIRM_LINKS: Range = range(0x1b, "links to confirm");
/// digest of a secret that was used up → when.
pub const SPENT_SECRETS: Range = range(0x1c, "spent secrets");
/// digest of the secret → session.
pub const SESSIONS: Range = range(0x20, "sessions");
/// (account id, session id) → digest of the secret.
pub const SESSIONS_OF: Range = range(0x21, "sessions of an account");
/// digest of the secret → API token, or application password.
pub const API_TOKENS: Range = range(0x22, "API tokens");
/// (account id, token id) → digest of the secret.
pub const API_TOKENS_OF: Range = range(0x23, "API tokens of an account");
/// digest of the name of a family of refresh tokens → its session, and the digest of the valid one.
pub const REFRESH_FAMILIES: Range = range(0x24, "refresh tokens");
/// account id → how often its owner logged in, the last times, and the places that are known.
pub const LOGINS: Range = range(0x25, "logins");
/// (account id, change id) → address that was changed, and can be restored.
pub const FORMER_ADDRESSES: Range = range(0x26, "former addresses");
/// canonical address → its former owner, and until when nobody else gets it without proof.
pub const FORMER_OWNERS: Range = range(0x29, "owners of former addresses");
/// account id → the browsers that its owner logged in with.
pub const KNOWN_DEVICES: Range = range(0x27, "known devices");
/// (account id, kind) → which epoch it is in: all of the kind that records another has ended.
pub const EPOCHS: Range = range(0x2a, "epochs");
/// digest of the secret that applications know → the session behind it, and the domain that it is good for.
pub const DOORS: Range = range(0x2b, "doors");
/// key id → sealed signing key.
pub const SIGNING_KEYS: Range = range(0x28, "signing keys");
/// job id → request for mail, to be looked up by a worker.
pub const LINK_REQUESTS: Range = range(0x30, "link requests");
/// (which limit, job id) → request for mail that has to wait until the limit over all mails allows it.
pub const DEFERRED_REQUESTS: Range = range(0x31, "deferred link requests");
/// (account id, topic) → notices that are summed up.
pub const NOTICES: Range = range(0x32, "notices");
/// mail id → mail, its content sealed.
pub const MAILS: Range = range(0x38, "mails");
/// (when due, mail id) → nothing: the mails to be sent.
pub const MAILS_DUE: Range = range(0x39, "mails due");
/// (when due, mail id) → nothing: the text messages to be sent.
pub const TEXTS_DUE: Range = range(0x3a, "text messages due");
/// (lane, (when due, mail id)) → nothing: the mails behind those of `MAILS_DUE`.
pub const MAILS_BEHIND: Range = range(0x3b, "mails behind others");
/// (recipient, mail id) → nothing: the messages that wait, by recipient.
pub const MAILS_OF: Range = range(0x3c, "messages of a recipient");
/// name → sealed certificate and key that we made ourselves.
pub const CERTIFICATES: Range = range(0x40, "certificates");
/// name → certificate that an authority gave us, its key sealed.
pub const ISSUED_CERTIFICATES: Range = range(0x41, "issued certificates");
/// directory of an authority → our account there, sealed.
pub const ACME_ACCOUNTS: Range = range(0x42, "certificate authorities");
/// (node, number) → what was done: the audit log.
pub const AUDIT: Range = range(0x48, "audit");
/// node → first and last number of its audit log.
pub const AUDIT_HEADS: Range = range(0x49, "audit heads");
/// node → the last number of its audit log once more: its head may be gone.
pub const AUDIT_MARKS: Range = range(0x4a, "audit marks");
/// (kind, who) → attempts that failed.
pub const BUCKETS: Range = range(0x50, "throttle");
/// cost of a password hash → how many hashes of it are stored.
pub const COSTS: Range = range(0x58, "password costs");

/// name → whether there ever was an administrator, and the digest of the link that makes the first.
pub const SET_UP: Range = range(0x59, "set-up");

/// name of a group → what its members may do.
pub const GROUPS: Range = range(0x60, "groups");
/// (name of a group, account id) → nothing: the members of a group.
pub const MEMBERS: Range = range(0x61, "members of a group");

/// (account id, factor id) → second factor, its secret sealed.
pub const FACTORS: Range = range(0x68, "second factors");
/// account id → digests of recovery codes.
pub const RECOVERY: Range = range(0x69, "recovery codes");
/// (account id, browser id) → browser that is not asked for the second factor.
pub const TRUSTED: Range = range(0x6a, "trusted browsers");
/// what it is for → six digits that were sent, as a digest.
pub const MAILED_CODES: Range = range(0x6b, "mailed codes");
/// digest of the secret → login that waits for the second factor.
pub const PENDING_LOGINS: Range = range(0x6c, "logins under way");
/// name of a webhook → its position in the audit log.
pub const WEBHOOKS: Range = range(0x70, "webhooks");
/// account id → when its second factors are taken away.
pub const FACTOR_RESETS: Range = range(0x6d, "resets of second factors");
/// invitation id → invitation.
pub const INVITATIONS: Range = range(0x1a, "invitations");

/// Every range above.
pub const ALL: &[Range] = &[
    META,
    FLOORS,
    ACCOUNTS,
    REMAINS,
    IDENTITIES,
    IDENTITIES_OF,
    FORMER_USERNAMES,
    SEARCH_WORDS,
    REGISTRATIONS,
    REGISTRATIONS_OF,
    CONFIRM_LINKS,
    SPENT_SECRETS,
    SESSIONS,
    SESSIONS_OF,
    API_TOKENS,
    API_TOKENS_OF,
    REFRESH_FAMILIES,
    LOGINS,
    FORMER_ADDRESSES,
    FORMER_OWNERS,
    KNOWN_DEVICES,
    EPOCHS,
    DOORS,
    SIGNING_KEYS,
    LINK_REQUESTS,
    DEFERRED_REQUESTS,
    MAILS,
    MAILS_DUE,
    TEXTS_DUE,
    MAILS_BEHIND,
    MAILS_OF,
    NOTICES,
    CERTIFICATES,
    ISSUED_CERTIFICATES,
    ACME_ACCOUNTS,
    AUDIT,
    AUDIT_HEADS,
    AUDIT_MARKS,
    BUCKETS,
    COSTS,
    SET_UP,
    GROUPS,
    MEMBERS,
    INVITATIONS,
    FACTORS,
    RECOVERY,
    TRUSTED,
    MAILED_CODES,
    PENDING_LOGINS,
    FACTOR_RESETS,
    WEBHOOKS,
];

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn no_two_tables_share_a_prefix() {
        let mut prefixes: Vec<u8> = ALL.iter().map(|range| range.prefix).collect();
        prefixes.sort_unstable();
        prefixes.dedup();
        assert_eq!(prefixes.len(), ALL.len());
    }
}
