//! All commands with two examples each in their help.

use clap::{Command, CommandFactory};

use super::commands::Cli;

/// The words of a command after `gatelodge`, and the examples below its help.
type Examples = (&'static str, [&'static str; 2]);

#[rustfmt::skip]
const EXAMPLES: &[Examples] = &[
    ("", ["gatelodge demo", "gatelodge --config gatelodge.toml user list"]),
    ("serve", ["gatelodge serve", "gatelodge serve --config gatelodge.toml"]),
    ("courier", ["gatelodge courier --listen /run/gatelodge-courier/courier.sock", "gatelodge courier --idle 300"]),
    ("demo", ["gatelodge demo", "gatelodge demo --port 9443 --dir /tmp/demo"]),
    ("setup", ["gatelodge setup", "gatelodge setup --answers answers.toml --no-input"]),
    ("check", ["gatelodge check", "gatelodge check --config gatelodge.toml --json"]),
    ("doctor", ["gatelodge doctor", "gatelodge doctor --mail you@example.org"]),
    ("health", ["gatelodge health", "gatelodge health --json"]),
    ("user", ["gatelodge user add bob@example.org", "gatelodge user show bob@example.org"]),
    ("user add", ["gatelodge user add bob@example.org --no-password --group staff", "gatelodge user add you@example.org --admin --confirmed"]),
    ("user list", ["gatelodge user list", "gatelodge user list bob --json"]),
    ("user show", ["gatelodge user show bob@example.org", "gatelodge user show bob --json"]),
    ("user edit", ["gatelodge user edit bob@example.org --name \"Bob Builder\"", "gatelodge user edit bob --email bob@example.net --confirmed"]),
    ("user send-reset", ["gatelodge user send-reset bob@example.org", "gatelodge user send-reset bob --json"]),
    ("user passwd", ["gatelodge user passwd bob@example.org", "gatelodge user passwd bob --password-stdin"]),
    ("user confirm", ["gatelodge user confirm bob@example.org", "gatelodge user confirm bob --json"]),
    ("user disable", ["gatelodge user disable bob@example.org", "gatelodge user disable bob --json"]),
    ("user enable", ["gatelodge user enable bob@example.org", "gatelodge user enable bob --json"]),
    ("user delete", ["gatelodge user delete bob@example.org", "gatelodge user delete bob --yes"]),
    ("user free-username", ["gatelodge user free-username bob", "gatelodge user free-username bob --yes"]),
    ("user reset-factors", ["gatelodge user reset-factors bob@example.org", "gatelodge user reset-factors bob --yes"]),
    ("user phone", ["gatelodge user phone bob@example.org \"+49 30 123456\"", "gatelodge user phone bob --none"]),
    ("user group", ["gatelodge user group add bob@example.org staff", "gatelodge user group remove bob staff"]),
    ("user group add", ["gatelodge user group add bob@example.org staff", "gatelodge user group add bob admins"]),
    ("user group remove", ["gatelodge user group remove bob@example.org staff", "gatelodge user group remove bob admins"]),
    ("invite", ["gatelodge invite add bob@example.org", "gatelodge invite list"]),
    ("invite add", ["gatelodge invite add bob@example.org --group staff", "gatelodge invite add --uses 20 --within 30d"]),
    ("invite list", ["gatelodge invite list", "gatelodge invite list --limit 10 --json"]),
    ("invite revoke", ["gatelodge invite revoke 0123456789abcdef0123456789abcdef", "gatelodge invite revoke 0123456789abcdef0123456789abcdef --yes"]),
    ("approval", ["gatelodge approval list", "gatelodge approval approve 0123456789abcdef0123456789abcdef"]),
    ("approval list", ["gatelodge approval list", "gatelodge approval list --limit 10 --json"]),
    ("approval approve", ["gatelodge approval approve 0123456789abcdef0123456789abcdef", "gatelodge approval approve 0123456789abcdef0123456789abcdef --note \"Welcome!\""]),
    ("approval decline", ["gatelodge approval decline 0123456789abcdef0123456789abcdef", "gatelodge approval decline 0123456789abcdef0123456789abcdef --yes"]),
    ("group", ["gatelodge group list", "gatelodge group permit staff files:read"]),
    ("group list", ["gatelodge group list", "gatelodge group list --json"]),
    ("group members", ["gatelodge group members staff", "gatelodge group members admins --json"]),
    ("group permit", ["gatelodge group permit staff files:read", "gatelodge group permit apps gatelodge:ask"]),
    ("group forbid", ["gatelodge group forbid staff files:read", "gatelodge group forbid apps gatelodge:ask"]),
    ("group disband", ["gatelodge group disband staff", "gatelodge group disband staff --yes"]),
    ("session", ["gatelodge session end bob@example.org", "gatelodge session end --all"]),
    ("session end", ["gatelodge session end bob@example.org", "gatelodge session end --all --yes"]),
    ("token", ["gatelodge token add wiki --name Wiki --scope ask", "gatelodge token list wiki"]),
    ("token add", ["gatelodge token add wiki --name Wiki --scope ask", "gatelodge token add bob --name backup --scope admin:read --within 30d"]),
    ("token list", ["gatelodge token list bob@example.org", "gatelodge token list wiki --json"]),
    ("token revoke", ["gatelodge token revoke wiki 0123456789abcdef0123456789abcdef", "gatelodge token revoke wiki 0123456789abcdef0123456789abcdef --yes"]),
    ("app-password", ["gatelodge app-password add bob --name Calendar --host cal.example.org", "gatelodge app-password list bob"]),
    ("app-password add", ["gatelodge app-password add bob --name Calendar --host cal.example.org", "gatelodge app-password add bob --name Backup --host '*.lab.example.org' --expires-at 2027-01-31"]),
    ("app-password list", ["gatelodge app-password list bob@example.org", "gatelodge app-password list bob --json"]),
    ("app-password revoke", ["gatelodge app-password revoke bob 0123456789abcdef0123456789abcdef", "gatelodge app-password revoke bob 0123456789abcdef0123456789abcdef --yes"]),
    ("mail", ["gatelodge mail test you@example.org", "gatelodge mail list"]),
    ("mail test", ["gatelodge mail test you@example.org", "gatelodge mail test you@example.org --json"]),
    ("mail list", ["gatelodge mail list", "gatelodge mail list --json"]),
    ("mail retry", ["gatelodge mail retry", "gatelodge mail retry 0123456789abcdef0123456789abcdef"]),
    ("mail drop", ["gatelodge mail drop 0123456789abcdef0123456789abcdef", "gatelodge mail drop 0123456789abcdef0123456789abcdef --yes"]),
    ("mail release", ["gatelodge mail release", "gatelodge mail release --json"]),
    ("webhook", ["gatelodge webhook list", "gatelodge webhook test wiki"]),
    ("webhook list", ["gatelodge webhook list", "gatelodge webhook list --json"]),
    ("webhook test", ["gatelodge webhook test wiki", "gatelodge webhook test wiki --json"]),
    ("webhook retry", ["gatelodge webhook retry wiki", "gatelodge webhook retry wiki --json"]),
    ("backup", ["gatelodge backup gatelodge.backup", "gatelodge backup /srv/snapshots --keep 7"]),
    ("restore", ["gatelodge restore gatelodge.backup", "gatelodge restore gatelodge.export --from-export --force"]),
    ("export", ["gatelodge export gatelodge.jsonl", "gatelodge export -"]),
    ("import", ["gatelodge import gatelodge gatelodge.jsonl", "gatelodge import gatelodge gatelodge.jsonl --force"]),
    ("key", ["gatelodge key rotate", "gatelodge key rotate --sealing"]),
    ("key rotate", ["gatelodge key rotate", "gatelodge key rotate --revoke"]),
    ("throttle", ["gatelodge throttle list", "gatelodge throttle lift bob@example.org"]),
    ("throttle list", ["gatelodge throttle list", "gatelodge throttle list --json"]),
    ("throttle lift", ["gatelodge throttle lift bob@example.org", "gatelodge throttle lift 192.0.2.7"]),
    ("access", ["gatelodge access check https://wiki.example.org/", "gatelodge access check https://wiki.example.org/ --as bob"]),
    ("access check", ["gatelodge access check https://wiki.example.org/public --from 192.0.2.7", "gatelodge access check \"https://wiki.example.org/edit?page=a\" --as bob@example.org --method POST --json"]),
    ("audit", ["gatelodge audit list --since 24h", "gatelodge audit verify"]),
    ("audit list", ["gatelodge audit list --since 24h --act login", "gatelodge audit list --user bob@example.org --json"]),
    ("audit verify", ["gatelodge audit verify", "gatelodge audit verify --against gatelodge.backup"]),
    ("clock", ["gatelodge clock show", "gatelodge clock reset"]),
    ("clock show", ["gatelodge clock show", "gatelodge clock show --json"]),
    ("clock reset", ["gatelodge clock reset", "gatelodge clock reset --yes"]),
];

/// Returns all commands, with their examples.
#[must_use]
pub fn command() -> Command {
    with_examples(Cli::command(), "")
}

fn with_examples(command: Command, path: &str) -> Command {
    let below: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    let shown = EXAMPLES.iter().find(|(words, _)| *words == path).map(|(_, examples)| examples);
    let command = match shown {
        Some([first, second]) => command.after_help(format!("Examples:\n  {first}\n  {second}")),
        None => command,
    };
    below.into_iter().fold(command, |command, name| {
        let path = format!("{path} {name}").trim().to_owned();
        command.mut_subcommand(name, |below| with_examples(below, &path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command's words, and its help.
    fn all(command: &Command, path: &str, found: &mut Vec<(String, Command)>) {
        found.push((path.to_owned(), command.clone()));
        for below in command.get_subcommands() {
            all(below, format!("{path} {}", below.get_name()).trim(), found);
        }
    }

    #[test]
    fn every_help_shows_two_examples_of_its_command_that_the_program_takes() {
        let mut found = Vec::new();
        all(&command(), "", &mut found);
        assert_eq!(found.len(), EXAMPLES.len(), "an example for a command that is gone");
        for (path, mut told) in found {
            let help = told.render_help().to_string();
            let shown: Vec<&str> =
                help.split("Examples:\n").nth(1).unwrap_or_default().lines().map(str::trim).collect();
            assert_eq!(shown.len(), 2, "{path}: {help}");
            for example in shown {
                assert!(example.starts_with(format!("gatelodge {path}").trim()), "{path}: {example}");
                // As a shell splits it.
                let quoted = example.split('"').enumerate();
                let words: Vec<&str> = quoted
                    .flat_map(|(at, part)| if at % 2 == 1 { vec![part] } else { part.split_whitespace().collect() })
                    .collect();
                let taken = command().try_get_matches_from(words);
                assert!(taken.is_ok(), "{example}: {}", taken.expect_err("just seen"));
            }
        }
    }
}
