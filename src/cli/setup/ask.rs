//! Asking: on the terminal if there is one, else only what the flags and the file say.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

use crate::cli::out::{self, say, tell};
use crate::cli::{Exit, input};

/// The one who asks. What was answered beforehand is not asked for, unless the answer will not do.
#[derive(Default)]
pub struct Asker {
    is_terminal: bool,
    missing: Vec<&'static str>,
    /// What would do, by its flag.
    answered: BTreeMap<&'static str, String>,
    is_again: bool,
}

/// A question: its flag, what is printed before the prompt, and what a blank answer stands for.
pub struct Question<'a> {
    pub flag: &'static str,
    pub words: &'a str,
    pub default: Option<String>,
}

impl Asker {
    pub fn new(may_ask: bool) -> Self {
        Self { is_terminal: may_ask && std::io::stdin().is_terminal(), ..Self::default() }
    }

    /// Whether somebody is there to answer.
    pub fn can_ask(&self) -> bool {
        self.is_terminal
    }

    /// Everything is asked for from now on, also what was given beforehand; what was answered is what a blank answer stands for.
    pub fn begin_again(&mut self) {
        self.is_again = true;
    }

    /// Prints what the next questions are about.
    pub fn tell(&self, words: &str) {
        if self.is_terminal {
            say!("\n{words}");
        }
    }

    /// Something that is allowed but may not be meant.
    pub fn doubt(&self, words: &str) {
        if self.is_terminal {
            say!("  note: {words}");
        } else {
            tell!("gatelodge: note: {words}");
        }
    }

    /// The answer, once it will do: `check` makes it a value, or says why not.
    pub fn settle<T>(
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

    /// A secret that is typed unseen; blank if nobody can be asked.
    pub fn secret(&self, prompt: &str) -> Result<String, Exit> {
        if !self.is_terminal {
            return Ok(String::new());
        }
        rpassword::prompt_password(format!("  {prompt} (not shown): ")).map_err(Exit::failed)
    }

    /// Yes unless the answer is no.
    pub fn confirms(&self, words: &str) -> Result<bool, Exit> {
        if !self.is_terminal {
            return Ok(true);
        }
        let question = Question { flag: "", words, default: Some("yes".into()) };
        Ok(!ask(&question)?.trim().to_lowercase().starts_with('n'))
    }

    /// All that nobody answered, at once.
    pub fn require_all(&self) -> Result<(), Exit> {
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
