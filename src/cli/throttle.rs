//! `gatelodge throttle`: rate limits.

use clap::{Args, Subcommand};

use crate::admin::answers::{self, LiftedLimits, RateLimit};
use crate::admin::{Command, command};
use crate::cli::out::say;
use crate::config::Span;

use super::common::{Common, Page};
use super::offline::carry_out;
use super::show::{Cell, columns};
use super::{Exit, show};

#[derive(Debug, Subcommand)]
pub(super) enum Throttle {
    /// List whose tries are counted at present: accounts, names, networks, browsers, and what is left to them.
    ///
    /// Names as they were typed are kept as digests only, so they are shown without the name.
    List(Page),
    /// Let somebody try again at once: an account, a name that nobody has, or a network.
    Lift(Whom),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Whom {
    /// Id, address or user name of an account; or a network address.
    who: Option<String>,
    /// Everybody.
    #[arg(long)]
    all: bool,
}

impl Throttle {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let config = common.config()?;
        match self {
            Self::List(page) => {
                let command = Command::ThrottleList(command::Page { after: page.after, limit: page.limit });
                list(common, &carry_out(config, command)?)
            }
            Self::Lift(whom) => lifted(common, &carry_out(config, Command::ThrottleLift { who: whom.who })?),
        }
    }
}

fn list(common: &Common, shown: &answers::Page<RateLimit>) -> Result<(), Exit> {
    if common.json {
        return show::json(shown);
    }
    if shown.items.is_empty() {
        say!("Nobody has used up any tries.");
    } else {
        show::table(
            &shown.items,
            columns![kind, who, left, of, next_in by next_in, full_at, failures_in_a_row, out_of_use],
        );
    }
    show::say_how_to_go_on(shown.next.as_ref());
    Ok(())
}

/// Returns the time to wait, in words.
fn next_in(limit: &RateLimit) -> String {
    let wait = Some(limit.next_in_seconds).filter(|seconds| *seconds > 0);
    wait.map(|seconds| Span::from_seconds(seconds).at_most_in_words()).cell()
}

fn lifted(common: &Common, shown: &LiftedLimits) -> Result<(), Exit> {
    if common.json {
        return show::json(shown);
    }
    if shown.lifted == 0 {
        say!("Nothing was counted.");
    } else {
        let counters = show::counted(shown.lifted, "counter was", "counters were");
        say!("Tries pass again; {counters} taken back.");
    }
    Ok(())
}
