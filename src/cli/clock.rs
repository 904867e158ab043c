//! `gatelodge clock`: the time that is believed.

use clap::Subcommand;

use crate::admin::{Command, answers};
use crate::base::ClockState;
use crate::cli::out::say;

use super::common::Common;
use super::input::Sure;
use super::offline::carry_out;
use super::{Exit, show};

#[derive(Debug, Subcommand)]
pub(super) enum Clock {
    /// Show the machine's clock, and what is made of it.
    Show,
    /// Believe the machine's clock as it is now, and forget any later time that was seen.
    ///
    /// For a clock that was once years ahead and is right again. Look at the clock first: what has expired may come to
    /// life again when it is set back.
    Reset {
        #[command(flatten)]
        sure: Sure,
    },
}

impl Clock {
    pub(super) fn run(self, common: &Common) -> Result<(), Exit> {
        let config = common.config()?;
        let command = match self {
            Self::Show => Command::ClockShow,
            Self::Reset { sure } => {
                sure.make(
                    "This machine's clock is believed as it is: what has expired by a later time may live again.",
                )?;
                Command::ClockReset
            }
        };
        let shown: answers::Clock = carry_out(config, command)?;
        if common.json {
            return show::json(&shown);
        }
        say!("the machine's clock shows  {}", shown.wall);
        say!("it is taken to be          {}", shown.now);
        say!("the latest time believed   {}", shown.floor);
        match shown.state {
            ClockState::Behind => say!(
                "THE CLOCK IS BEHIND a time that has been: mailed links do not work until it is right.\nhint: set the clock (systemd-timesyncd, chrony); if the later time was wrong, `gatelodge clock reset`"
            ),
            ClockState::Leapt => say!(
                "THE CLOCK HAS LEAPT forward by more than a week; it is believed when it still says so in ten minutes."
            ),
            ClockState::Sure => say!("The clock is believed."),
        }
        Ok(())
    }
}
