//! `gatelodge throttle`: rate limits.

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::admin::{Command, command};
use crate::cli::out::say;
use crate::config::Span;

use super::common::{Common, Page};
use super::offline::carry_out;
use super::{Exit, show};

#[derive(Debug, Subcommand)]
pub enum Throttle {
    /// List whose tries are counted at present: accounts, names, networks, browsers, and what is left to them.
    ///
    /// Names as they were typed are kept as digests only, so they are shown without the name.
    List(Page),
    /// Let somebody try again at once: an account, a name that nobody has, or a network.
    Lift(Whom),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Whom {
    /// Id, address or user name of an account; or a network address.
    who: Option<String>,
    /// Everybody.
    #[arg(long)]
    all: bool,
}

impl Throttle {
    pub fn run(self, common: &Common) -> Result<(), Exit> {
        let config = common.config()?;
        let (is_list, command) = match self {
            Self::List(page) => (true, Command::ThrottleList(command::Page { after: page.after, limit: page.limit })),
            Self::Lift(whom) => (false, Command::ThrottleLift { who: whom.who }),
        };
        let shown = carry_out(config, command)?;
        if common.json {
            return show::json(&shown);
        }
        if !is_list {
            let counters = show::counted(&shown["lifted"], "counter was", "counters were");
            if shown["lifted"] == 0 {
                say!("Nothing was counted.");
            } else {
                say!("Tries pass again; {counters} taken back.");
            }
            return Ok(());
        }
        let items = shown["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        if items.is_empty() {
            say!("Nobody has used up any tries.");
        } else {
            let columns = ["kind", "who", "left", "of", "next_in", "full_at", "failures_in_a_row", "out_of_use"];
            show::table(&items.iter().map(with_words).collect::<Vec<_>>(), &columns);
        }
        show::say_how_to_go_on(&shown);
        Ok(())
    }
}

/// Adds the time to wait, in words.
fn with_words(item: &Value) -> Value {
    let wait = item["next_in_seconds"].as_u64().filter(|seconds| *seconds > 0);
    let mut item = item.clone();
    item["next_in"] = wait.map(|seconds| Span::from_seconds(seconds).at_most_in_words()).into();
    item
}
