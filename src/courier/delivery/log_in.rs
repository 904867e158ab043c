//! Logging in to a mail server (RFC 4954): each way in turn that it offers and we know, until one lets us in.
//!
//! A server may offer what it then refuses, for a mechanism that its configuration lacks, or for want of the account; others let
//! the same credentials in by the next.

use crate::base::Secret;
use crate::crypto::base64;

use super::answer::Answer;
use super::dialogue::{Dialogue, Failure, Step, Why};

/// Who we are to a mail server.
pub struct Credentials {
    /// The name.
    pub username: String,
    /// The password.
    pub password: Secret<String>,
}

/// A way to log in. Over anything but loopback it is encrypted, so that neither has to hide the password by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    /// Name and password at once (RFC 4616), with the command.
    Plain,
    /// The name when it is asked for, then the password (draft-murchison-sasl-login). What the questions say differs, their order
    /// does not.
    Login,
    /// As [`Way::Plain`] once it is asked for: there are servers that take nothing with the command.
    PlainWhenAsked,
}

impl Way {
    /// In the order in which they are tried.
    const ALL: [(Self, &str); 3] = [(Self::Plain, "PLAIN"), (Self::Login, "LOGIN"), (Self::PlainWhenAsked, "PLAIN")];

    /// The command, and what is said to each question behind it.
    fn says(self, credentials: &Credentials) -> (Secret<String>, Vec<Secret<String>>) {
        let encoded = |text: &str| Secret::new(base64(text.as_bytes()) + "\r\n");
        let (username, password) = (credentials.username.as_str(), credentials.password.expose().as_str());
        let both = Secret::new(format!("\0{username}\0{password}"));
        match self {
            // A server that asks all the same did not look at what came with the command.
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
    /// Logs in, in whichever way the server lets us.
    pub async fn log_in(&mut self, credentials: &Credentials) -> Result<(), Failure> {
        self.step = Step::LogIn;
        let mut refusal: Option<Answer> = None;
        for (way, mechanism) in Way::ALL {
            let is_offered = self.offers.mechanisms.iter().any(|offered| offered == mechanism);
            // Once credentials were refused it is not how they were said.
            let is_needed = way != Way::PlainWhenAsked || !refusal.as_ref().is_some_and(is_about_credentials);
            if !is_offered || !is_needed {
                continue;
            }
            match (self.try_to_log_in(way, credentials).await, &refusal) {
                (Ok(answer), _) if answer.is_good() => return Ok(()),
                (Ok(answer), None) if !answer.is_permanent() && !answer.is_question() => {
                    return Err(self.failed(Why::Answered(answer)));
                }
                // What was said of the credentials tells more than that another way is not there either.
                (Ok(_), Some(before)) if is_about_credentials(before) => {}
                (Ok(answer), _) => refusal = Some(answer),
                // A server that ends the connection after a refusal has said what there is to say.
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
            // There is nothing more to say: the exchange is called off (RFC 4954, 4).
            self.ask("*\r\n").await?;
        }
        Ok(answer)
    }
}

/// RFC 4954, 6: 535 refuses them, 534 finds the way too weak for them.
fn is_about_credentials(answer: &Answer) -> bool {
    matches!(answer.code, 534 | 535)
}
