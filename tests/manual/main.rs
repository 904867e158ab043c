//! Writes what packages bring beside the program: a manual page for each command, and completions for shells.
//!
//!     cargo run --example manual -- FOLDER

#![allow(unreachable_pub, reason = "nothing of a test is reached from outside")]

use std::fs::{create_dir_all, write};
use std::path::Path;

use clap::Command;
use clap_complete::{Shell, generate_to};
use gatelodge::cli;

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "target/manual".into());
    let (pages, completions) = (Path::new(&folder).join("man"), Path::new(&folder).join("completions"));
    create_dir_all(&pages)?;
    create_dir_all(&completions)?;
    let mut command = cli::command();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut command, "gatelodge", &completions)?;
    }
    command.build();
    write_pages(&command, "gatelodge", &pages)
}

/// A page for a command and those below it: `gatelodge-user-add.1`.
fn write_pages(command: &Command, name: &str, pages: &Path) -> std::io::Result<()> {
    let mut page = Vec::new();
    let titled = command.clone().name(name.to_owned().leak() as &'static str);
    clap_mangen::Man::new(titled).render(&mut page)?;
    write(pages.join(format!("{name}.1")), page)?;
    let mut below = command.get_subcommands().filter(|below| below.get_name() != "help");
    below.try_for_each(|below| write_pages(below, &format!("{name}-{}", below.get_name()), pages))
}
