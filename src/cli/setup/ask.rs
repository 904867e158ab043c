//! Asks questions on a terminal; without one, only flags and the file answer.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

use crate::cli::out::{self, say, tell};
use crate::cli::{Exit, input};

/// Asks questions. What was answered beforehand is asked only if that answer is refused.
#[derive(Default)]
pub(super) struct Asker {
    is_terminal: bool,
    missing: Vec<&'static str>,
    /// The accepted answers, by flag.
    answered: BTreeMap<&'static str, String>,
    is_again: bool,
}

/// A question: its flag, the words before the prompt, and the value of a blank answer.
pub(super) struct Question<'a> {
    pub flag: &'static str,
    pub words: &'a str,
    pub default: Option<String>,
}

impl Asker {
    pub(super) fn new(may_ask: bool) -> Self {
        Self { is_terminal: may_ask && std::io::stdin().is_terminal(), ..Self::default() }
    }

    /// Whether somebody can be asked.
    pub(super) fn can_ask(&self) -> bool {
        self.is_terminal
    }

    /// Asks everything from now on, even what was answered beforehand; earlier answers become the defaults.
    pub(super) fn begin_again(&mut self) {
        self.is_again = true;
    }

    /// Prints an introduction to the next questions.
    pub(super) fn tell(&self, words: &str) {
        if self.is_terminal {
            say!("\n{words}");
        }
    }

    /// Prints a warning about an answer that is allowed but may not be meant.
    pub(super) fn doubt(&self, words: &str) {
        if self.is_terminal {
            say!("  note: {words}");
        } else {
            tell!("gatelodge: note: {words}");
        }
    }

    /// Returns the answer once it is accepted: `check` parses it, or says what is wrong.
    pub(super) fn settle<T>(
        &mut self,
        question: &Question<'_>,
        given: Option<&String>,
        mut check: impl FnMut(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Exit> {
        let mut next = given.filter(|_| !self.is_again).cloned();
        let before = self.answered.get(question.flag).filter(|_| self.is_again);
        let default = before.or(question.default.as_ref()).cloned();
        let question = &Question { default, ..*question };
        loop {
            let answer = match next.take() {
                Some(answer) => answer,
                None if self.is_terminal => ask(question)?,
                None => {
                    let Some(default) = &question.default else {
                        self.missing.push(question.flag);
                        return Ok(None);
                    };
                    default.clone()
                }
            };
            match check(answer.trim()) {
                Ok(value) => {
                    self.answered.insert(question.flag, answer);
                    return Ok(Some(value));
                }
                Err(problem) if self.is_terminal => say!("  {problem}"),
                Err(problem) => return Err(Exit::failed(format!("--{}: {problem}", question.flag))),
            }
        }
    }

    /// Asks for a secret without echo; empty if nobody can be asked.
    pub(super) fn secret(&self, prompt: &str) -> Result<String, Exit> {
        if !self.is_terminal {
            return Ok(String::new());
        }
        rpassword::prompt_password(format!("  {prompt} (not shown): ")).map_err(Exit::failed)
    }

    /// Asks for confirmation; everything but "no" confirms.
    pub(super) fn confirms(&self, words: &str) -> Result<bool, Exit> {
        if !self.is_terminal {
            return Ok(true);
        }
        let question = Question { flag: "", words, default: Some("yes".into()) };
        Ok(!ask(&question)?.trim().to_lowercase().starts_with('n'))
    }

    /// Reports all missing answers at once.
    pub(super) fn require_all(&self) -> Result<(), Exit> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let flags: Vec<String> = self.missing.iter().map(|flag| format!("--{flag}")).collect();
        Err(Exit::failed(format!(
            "these answers are missing: {}\nhint: give them as flags or in the file of --answers, or run it on a terminal",
            flags.join(", ")
        )))
    }
}

fn ask(question: &Question<'_>) -> Result<String, Exit> {
    let default = question.default.as_deref().map(|default| format!(" [{default}]")).unwrap_or_default();
    out::write(format_args!("  {}{default}: ", question.words));
    std::io::stdout().flush().map_err(Exit::failed)?;
    let Some(line) = input::line()? else {
        return Err(Exit::failed("set-up was broken off; nothing was written"));
    };
    let typed = line.trim();
    match &question.default {
        Some(default) if typed.is_empty() => Ok(default.clone()),
        _ => Ok(typed.to_owned()),
    }
}
