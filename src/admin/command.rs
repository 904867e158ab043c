//! Every command there is.

use serde::{Deserialize, Serialize};

use crate::store::LogEnd;

/// What an administrator asks for.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Makes an account.
    UserAdd {
        /// Its address.
        email: Option<String>,
        /// Its user name.
        username: Option<String>,
        /// Its telephone number.
        phone: Option<String>,
        /// What the person is called.
        name: Option<String>,
        /// Its password; without one the person sets it by "forgot password".
        password: Option<String>,
        /// Whether it administers the appliance.
        admin: bool,
        /// Whether the address counts as confirmed.
        confirmed: bool,
        /// Further groups.
        groups: Vec<String>,
    },
    /// A page of accounts.
    UserList {
        /// What is in the address, a name or the number of those that are wanted.
        part: Option<String>,
        /// The id to go on behind.
        after: Option<String>,
        /// How many.
        limit: usize,
    },
    /// One account and its sessions.
    UserShow(Named),
    /// Sets a password.
    UserPasswd {
        /// Id, address or user name.
        user: String,
        /// The new one.
        password: String,
    },
    /// Confirms an address in its owner's stead.
    UserConfirm(Named),
    /// Locks an account.
    UserDisable(Named),
    /// Opens it again.
    UserEnable(Named),
    /// Deletes an account.
    UserDelete(Named),
    /// Takes somebody's second factors away.
    UserResetFactors(Named),
    /// Gives somebody a telephone number, or takes it.
    UserPhone {
        /// Id, address or user name.
        user: String,
        /// The number; none takes it.
        phone: Option<String>,
    },
    /// Puts somebody into a group, or takes them out.
    UserGroup {
        /// Id, address or user name.
        user: String,
        /// The group.
        group: String,
        /// In, or out.
        member: bool,
    },
    /// Ends somebody's sessions, or everybody's.
    SessionEnd {
        /// Id, address or user name; none for everybody.
        user: Option<String>,
    },
    /// Makes an API token for somebody; its secret is told once.
    TokenAdd {
        /// Id, address or user name.
        user: String,
        /// What to call it.
        name: String,
        /// What it is good for.
        scopes: Vec<String>,
        /// How long it works: "90d".
        within: Option<String>,
    },
    /// Somebody's API tokens.
    TokenList(Named),
    /// Revokes an API token.
    TokenRevoke {
        /// Id, address or user name.
        user: String,
        /// Which.
        id: String,
    },
    /// Invites somebody: by mail, or by a link that is told once.
    InviteAdd {
        /// Whom to mail it to.
        email: Option<String>,
        /// How long it works: "7d".
        within: Option<String>,
        /// How many may use the link.
        uses: Option<u32>,
        /// The groups they are put in.
        groups: Vec<String>,
    },
    /// A page of invitations.
    InviteList(Page),
    /// Takes an invitation back.
    InviteRevoke {
        /// Which.
        id: String,
    },
    /// A page of the registrations that wait for a decision.
    ApprovalList(Page),
    /// Decides on a registration.
    ApprovalDecide {
        /// Which.
        id: String,
        /// Let in, or not.
        approve: bool,
    },
    /// All groups and what their members may do.
    GroupList,
    /// A page of the members of a group.
    GroupMembers {
        /// The group.
        group: String,
        /// The id to go on behind.
        after: Option<String>,
        /// How many.
        limit: usize,
    },
    /// Gives a group a permission, or takes it.
    GroupPermit {
        /// The group.
        group: String,
        /// The permission.
        permission: String,
        /// Given, or taken.
        given: bool,
    },
    /// Takes everybody out of a group, and its permissions.
    GroupDisband {
        /// The group.
        group: String,
    },
    /// A look at everything: whether it is writable, whole, on time.
    Inspect,
    /// Waits for a request with this word, to see how it arrives.
    ProbeExpect {
        /// The word.
        word: String,
    },
    /// How it arrived, if it did.
    ProbeTake,
    /// Goes to the mail server, logs in, and sends nothing.
    MailProbe,
    /// Sends one real mail, past the outbox.
    MailTest {
        /// Whom to.
        address: String,
    },
    /// A page of the mails that wait or have failed.
    MailList(Page),
    /// Queues failed mails again.
    MailRetry {
        /// One of them, or all.
        id: Option<String>,
    },
    /// All webhooks, and how far they have come.
    WebhookList,
    /// Has a webhook try again now.
    WebhookRetry(Webhook),
    /// Tells a webhook something that did not happen.
    WebhookTest(Webhook),
    /// Lets mails go that a restore held back.
    MailRelease,
    /// Makes a new signing key.
    KeyRotate,
    /// Makes a new signing key and drops every other.
    KeyRevoke,
    /// Everything: after the answer come the bytes of a backup, to the end of the connection.
    Backup,
    /// Everything as JSON lines, which come behind the answer likewise.
    Export,
    /// A page of the buckets that somebody took tries from.
    ThrottleList(Page),
    /// Lets tries pass again.
    ThrottleLift {
        /// An account, a name or a network; without it everybody.
        who: Option<String>,
    },
    /// Rows of the audit log.
    AuditList(AuditWanted),
    /// Follows the chain of the audit log.
    AuditVerify,
    /// Whether the audit log goes on from where it ended when a backup was made.
    AuditWitness(LogEnd),
    /// What time it is believed to be.
    ClockShow,
    /// Believes the machine's clock as it is.
    ClockReset,
}

impl Command {
    /// Whether it makes a store where there is none, as the server does when it starts. Everything else is about what is there, and a
    /// mistyped path is no reason for an empty one.
    #[must_use]
    pub const fn begins_a_store(&self) -> bool {
        matches!(self, Self::UserAdd { .. })
    }

    /// Whether it only ends what something else began. Nobody is kept from that by a rate limit: whoever stole an administrator's
    /// session could use the limit up first.
    #[must_use]
    pub const fn only_ends(&self) -> bool {
        matches!(
            self,
            Self::UserDisable(_)
                | Self::UserDelete(_)
                | Self::UserGroup { member: false, .. }
                | Self::TokenRevoke { .. }
                | Self::InviteRevoke { .. }
                | Self::ApprovalDecide { approve: false, .. }
                | Self::SessionEnd { .. }
        )
    }
}

// Those that several commands have stand apart: each is then read and written by one piece of the program.

/// An account.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Id, address, user name or telephone number.
    pub user: String,
}

/// A page of a list.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// The id, or place, to go on behind.
    pub after: Option<String>,
    /// How many.
    pub limit: usize,
}

/// A webhook.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Its name.
    pub name: String,
}

/// Which rows of the audit log.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AuditWanted {
    /// By or about this account: id, address or user name.
    pub user: Option<String>,
    /// This act.
    pub act: Option<String>,
    /// With this outcome.
    pub outcome: Option<String>,
    /// From this network address.
    pub network: Option<String>,
    /// Not before this time.
    pub since: Option<String>,
    /// Before this time.
    pub until: Option<String>,
    /// Behind the row of this number.
    pub after: Option<u64>,
    /// How many.
    pub limit: usize,
    /// Oldest first.
    pub oldest_first: bool,
}
