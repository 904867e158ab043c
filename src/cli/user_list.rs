//! What `gatelodge user list` looks for.

use clap::Args;

use crate::admin::PeopleWanted;

use super::common::Page;

#[derive(Debug, Args)]
pub(super) struct Found {
    /// The beginnings of words of the name, the address, the user name or the number.
    #[arg(value_name = "WORDS")]
    text: Option<String>,
    /// Members of this group only.
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Locked accounts only.
    #[arg(long)]
    disabled: bool,
    /// Accounts only whose address was never confirmed.
    #[arg(long)]
    unconfirmed: bool,
    /// People without a second factor only.
    #[arg(long)]
    without_second_factor: bool,
    #[command(flatten)]
    page: Page,
}

impl Found {
    /// Returns the filter.
    pub(super) fn wanted(self) -> PeopleWanted {
        let Self { text, group, disabled, unconfirmed, without_second_factor, page: Page { after, limit } } = self;
        PeopleWanted { text, group, disabled, unconfirmed, without_second_factor, after, limit }
    }
}
