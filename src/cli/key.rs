//! `gatelodge key`: the keys that sign mailed links.

use clap::Subcommand;

use crate::admin::Command;

use super::offline::carry_out;
use super::{Common, Exit, show};

#[derive(Debug, Subcommand)]
pub enum Key {
    /// Sign with a new key from now on. Links that are out keep working for their lifetime.
    Rotate,
}

impl Key {
    pub fn run(self, common: &Common) -> Result<(), Exit> {
        let Self::Rotate = self;
        let shown = carry_out(common.config()?, Command::KeyRotate)?;
        if common.json {
            return show::json(&shown);
        }
        println!("A new key signs from now on; links that are out keep working for their lifetime.");
        Ok(())
    }
}
