//! Logging in to a mail server (RFC 4954): tries each way that it offers and we know, until one succeeds.
//!
//! A server may offer a way that it then refuses, because its configuration lacks the mechanism or the account; others
//! accept the same credentials by the next one.

use crate::base::Secret;
use crate::crypto::base64;

use super::answer::Answer;
use super::dialogue::{Dialogue, Failure, Step, Why};

/// Our credentials at a mail server.
pub(super) struct Credentials {
    /// The name.
    pub username: String,
    /// The password.
    pub password: Secret<String>,
}

/// A way to log in. Beyond loopback the connection is encrypted, so none of them has to hide the password by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    /// Name and password together (RFC 4616), with the command.
    Plain,
    /// The name when asked for, then the password (draft-murchison-sasl-login). The words of the questions differ,
    /// their order does not.
    Login,
    /// As [`Way::Plain`], but only when asked for: some servers take nothing with the command.
    PlainWhenAsked,
}

impl Way {
    /// All ways, in the order in which they are tried.
    const ALL: [(Self, &str); 3] = [(Self::Plain, "PLAIN"), (Self::Login, "LOGIN"), (Self::PlainWhenAsked, "PLAIN")];

    /// Returns the command, and the reply to each question that follows.
    fn says(self, credentials: &Credentials) -> (Secret<String>, Vec<Secret<String>>) {
        let encoded = |text: &str| Secret::new(base64(text.as_bytes()) + "\r\n");
        let (username, password) = (credentials.username.as_str(), credentials.password.expose().as_str());
        let both = Secret::new(format!("\0{username}\0{password}"));
        match self {
            // A server that asks all the same has ignored what came with the command.
            Self::Plain => {
                let command = Secret::new(format!("AUTH PLAIN {}", encoded(both.expose()).expose()));
                (command, vec![encoded(both.expose())])
            }
            Self::Login => (Secret::new("AUTH LOGIN\r\n".into()), vec![encoded(username), encoded(password)]),
            Self::PlainWhenAsked => (Secret::new("AUTH PLAIN\r\n".into()), vec![encoded(both.expose())]),
        }
    }
}

impl Dialogue {
    /// Logs in, by whichever way the server accepts.
    pub(super) async fn log_in(&mut self, credentials: &Credentials) -> Result<(), Failure> {
        self.step = Step::LogIn;
        let mut refusal: Option<Answer> = None;
        for (way, mechanism) in Way::ALL {
            let is_offered = self.offers.mechanisms.iter().any(|offered| offered == mechanism);
            // Refused credentials do not become right by being sent in another form.
            let is_needed = way != Way::PlainWhenAsked || !refusal.as_ref().is_some_and(is_about_credentials);
            if !is_offered || !is_needed {
                continue;
            }
            match (self.try_to_log_in(way, credentials).await, &refusal) {
                (Ok(answer), _) if answer.is_good() => return Ok(()),
                (Ok(answer), None) if !answer.is_permanent() && !answer.is_question() => {
                    return Err(self.failed(Why::Answered(answer)));
                }
                // A refusal of the credentials tells more than that another way is not there either.
                (Ok(_), Some(before)) if is_about_credentials(before) => {}
                (Ok(answer), _) => refusal = Some(answer),
                // A server that closes the connection after a refusal has said what there is to say.
                (Err(_), Some(_)) => break,
                (Err(failure), None) => return Err(failure),
            }
        }
        Err(self.failed(refusal.map_or_else(|| Why::NoWayIn(self.offers.mechanisms.clone()), Why::Answered)))
    }

    async fn try_to_log_in(&mut self, way: Way, credentials: &Credentials) -> Result<Answer, Failure> {
        let (command, replies) = way.says(credentials);
        let mut answer = self.ask(command.expose()).await?;
        for reply in replies {
            if !answer.is_question() {
                break;
            }
            answer = self.ask(reply.expose()).await?;
        }
        if answer.is_question() {
            // We have nothing more to say, so the exchange is cancelled (RFC 4954, 4).
            self.ask("*\r\n").await?;
        }
        Ok(answer)
    }
}

/// Whether an answer is about the credentials (RFC 4954, 6): 535 refuses them, 534 finds the mechanism too weak for
/// them.
fn is_about_credentials(answer: &Answer) -> bool {
    matches!(answer.code, 534 | 535)
}
