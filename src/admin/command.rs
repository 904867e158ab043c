//! All commands of administrators.

use serde::{Deserialize, Serialize};

use crate::store::LogEnd;

/// A command of an administrator.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Adds an account.
    UserAdd {
        /// Its address.
        email: Option<String>,
        /// Its user name.
        username: Option<String>,
        /// Its telephone number.
        phone: Option<String>,
        /// The display name.
        name: Option<String>,
        /// Its password; without one the person sets it by "forgot password".
        password: Option<String>,
        /// Whether it is an administrator's.
        admin: bool,
        /// Whether the address counts as confirmed.
        confirmed: bool,
        /// Further groups.
        groups: Vec<String>,
    },
    /// Finds accounts, by pages.
    UserList(PeopleWanted),
    /// Shows an account and its sessions.
    UserShow(Named),
    /// Sets a password.
    UserPasswd {
        /// Id, address or user name.
        user: String,
        /// The new password.
        password: String,
    },
    /// Confirms an address on its owner's behalf.
    UserConfirm(Named),
    /// Disables an account.
    UserDisable(Named),
    /// Enables an account again.
    UserEnable(Named),
    /// Deletes an account.
    UserDelete(Named),
    /// Frees a user name that somebody gave up.
    UserFreeUsername {
        /// The name.
        username: String,
    },
    /// Removes somebody's second factors.
    UserResetFactors(Named),
    /// Sets or removes somebody's telephone number.
    UserPhone {
        /// Id, address or user name.
        user: String,
        /// The number; `None` removes it.
        phone: Option<String>,
    },
    /// Sets or removes somebody's display name.
    UserName {
        /// Id, address or user name.
        user: String,
        /// The name; `None` removes it.
        name: Option<String>,
    },
    /// Sets somebody's user name.
    UserUsername {
        /// Id, address or user name.
        user: String,
        /// The name.
        username: String,
    },
    /// Sets somebody's address.
    UserEmail {
        /// Id, address or user name.
        user: String,
        /// The address.
        email: String,
        /// Whether it counts as confirmed; otherwise it is mailed a link.
        confirmed: bool,
    },
    /// Mails somebody a link to set a password.
    UserSendReset(Named),
    /// Adds somebody to a group, or removes them from it.
    UserGroup {
        /// Id, address or user name.
        user: String,
        /// The group.
        group: String,
        /// Whether to add them.
        member: bool,
    },
    /// Ends somebody's sessions, or everybody's.
    SessionEnd {
        /// Id, address or user name; `None` for everybody.
        user: Option<String>,
    },
    /// Lists somebody's sessions.
    SessionList(Named),
    /// Ends one session of somebody's.
    SessionEndOne {
        /// Id, address or user name.
        user: String,
        /// The session's id.
        id: String,
    },
    /// Lists the attempts to log in to somebody's account, newest first, by pages.
    LoginList {
        /// Id, address or user name.
        user: String,
        /// The number after which the page begins.
        after: Option<u64>,
        /// The most rows.
        limit: usize,
    },
    /// Makes an API token for somebody; its secret is shown once.
    TokenAdd {
        /// Id, address or user name.
        user: String,
        /// Its name.
        name: String,
        /// Its scopes.
        scopes: Vec<String>,
        /// Its lifetime, like "90d".
        within: Option<String>,
    },
    /// Lists somebody's API tokens.
    TokenList(Named),
    /// Revokes an API token.
    TokenRevoke {
        /// Id, address or user name.
        user: String,
        /// The token's id.
        id: String,
    },
    /// Makes an application password for somebody; it is shown once.
    AppPasswordAdd {
        /// Id, address or user name.
        user: String,
        /// Its name.
        name: String,
        /// The hosts that it is good for; none stands for all.
        hosts: Vec<String>,
        /// Its end, a time or a date; none for one without.
        expires_at: Option<String>,
    },
    /// Lists somebody's application passwords.
    AppPasswordList(Named),
    /// Revokes an application password.
    AppPasswordRevoke {
        /// Id, address or user name.
        user: String,
        /// The password's id.
        id: String,
    },
    /// Invites somebody: by mail, or by a link that is shown once.
    InviteAdd {
        /// The address to mail it to.
        email: Option<String>,
        /// Its lifetime, like "7d".
        within: Option<String>,
        /// The number of people who may use the link.
        uses: Option<u32>,
        /// The groups of whoever uses it.
        groups: Vec<String>,
    },
    /// Lists invitations, by pages.
    InviteList(Page),
    /// Revokes an invitation.
    InviteRevoke {
        /// The invitation's id.
        id: String,
    },
    /// Lists registrations that wait for approval, by pages.
    ApprovalList(Page),
    /// Approves or declines a registration.
    ApprovalDecide {
        /// The registration's id.
        id: String,
        /// Whether to approve it.
        approve: bool,
        /// A sentence for whoever registered.
        note: Option<String>,
    },
    /// Lists all groups and their permissions.
    GroupList,
    /// Lists the members of a group, by pages.
    GroupMembers {
        /// The group.
        group: String,
        /// The id after which the page begins.
        after: Option<String>,
        /// The most rows.
        limit: usize,
    },
    /// Gives a group a permission, or takes it away.
    GroupPermit {
        /// The group.
        group: String,
        /// The permission.
        permission: String,
        /// Whether to give it.
        given: bool,
    },
    /// Removes all members and permissions of a group.
    GroupDisband {
        /// The group.
        group: String,
    },
    /// Tells whether people can be served.
    Health,
    /// Shows the state of the appliance at a glance.
    Overview,
    /// Shows the configuration in force.
    Configuration,
    /// Inspects everything: whether it can be written, is whole, and on time.
    Inspect,
    /// Waits for a request with this word, to record how it arrives and what is asked about it.
    ProbeExpect {
        /// The word.
        word: String,
    },
    /// Returns how that request arrived, and what a reverse proxy asked about it.
    ProbeTake,
    /// Connects to the mail server and logs in, but sends nothing.
    MailProbe,
    /// Sends one real mail, bypassing the outbox.
    MailTest {
        /// The recipient.
        address: String,
    },
    /// Lists mails that wait or have failed, by pages.
    MailList(Page),
    /// Queues failed mails again.
    MailRetry {
        /// The mail's id; `None` for all.
        id: Option<String>,
    },
    /// Drops a mail that waits, is held or has failed.
    MailDrop {
        /// The mail's id.
        id: String,
    },
    /// Lists all webhooks and their progress.
    WebhookList,
    /// Makes a webhook try again now.
    WebhookRetry(Webhook),
    /// Sends a webhook a sample event.
    WebhookTest(Webhook),
    /// Releases the mails that a restore held back.
    MailRelease,
    /// Makes a new signing key.
    KeyRotate,
    /// Makes a new signing key and removes all others.
    KeyRevoke,
    /// Makes a backup, whose bytes follow the answer to the end of the connection.
    Backup,
    /// Exports everything as JSON lines, which follow the answer likewise.
    Export,
    /// Lists the rate-limit buckets that are in use, by pages.
    ThrottleList(Page),
    /// Lifts rate limits.
    ThrottleLift {
        /// An account, a name or a network; `None` for everybody.
        who: Option<String>,
    },
    /// Lists rows of the audit log.
    AuditList(AuditWanted),
    /// Verifies the chain of the audit log.
    AuditVerify,
    /// Checks that the audit log continues from where it ended when a backup was made.
    AuditWitness(LogEnd),
    /// Shows the time that is believed.
    ClockShow,
    /// Makes the appliance believe the system clock as it is.
    ClockReset,
}

impl Command {
    /// Whether it creates a store where there is none, as the server does when it starts. All other commands concern
    /// what is there: a mistyped path must not create an empty one.
    #[must_use]
    pub const fn begins_a_store(&self) -> bool {
        matches!(self, Self::UserAdd { .. })
    }

    /// Whether it only ends something. Rate limits do not apply then: whoever stole an administrator's session could
    /// use the limit up first, and keep the others from ending it.
    #[must_use]
    pub const fn only_ends(&self) -> bool {
        matches!(
            self,
            Self::UserDisable(_)
                | Self::UserDelete(_)
                | Self::UserGroup { member: false, .. }
                | Self::TokenRevoke { .. }
                | Self::AppPasswordRevoke { .. }
                | Self::InviteRevoke { .. }
                | Self::ApprovalDecide { approve: false, .. }
                | Self::SessionEnd { .. }
                | Self::SessionEndOne { .. }
                | Self::MailDrop { .. }
        )
    }
}

// Types that several commands share stand apart, so that the code to read and write each is compiled once.

/// Names an account.
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
    /// The id, or place, after which the page begins.
    pub after: Option<String>,
    /// The most rows.
    pub limit: usize,
}

/// A filter for accounts; everything that is set must hold.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PeopleWanted {
    /// Words, each of which begins a word of the person's names, address or number.
    pub text: Option<String>,
    /// A group that they are in.
    pub group: Option<String>,
    /// Whether only disabled accounts are meant.
    pub disabled: bool,
    /// Whether only accounts with an address that was never confirmed are meant.
    pub unconfirmed: bool,
    /// Whether only people without a second factor are meant.
    pub without_second_factor: bool,
    /// The place after which the page begins.
    pub after: Option<String>,
    /// The most rows.
    pub limit: usize,
}

/// Names a webhook.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Its name.
    pub name: String,
}

/// A filter for rows of the audit log.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AuditWanted {
    /// Rows by or about this account: id, address or user name.
    pub user: Option<String>,
    /// Rows about this act.
    pub act: Option<String>,
    /// Rows with this outcome.
    pub outcome: Option<String>,
    /// Rows from this network address.
    pub network: Option<String>,
    /// Rows not before this time.
    pub since: Option<String>,
    /// Rows before this time.
    pub until: Option<String>,
    /// The number after which the page begins.
    pub after: Option<u64>,
    /// The most rows.
    pub limit: usize,
    /// Whether the oldest come first.
    pub oldest_first: bool,
}
