//! The owner of an account, as somebody who changes it.

use crate::base::SessionId;
use crate::sessions::Client;

use super::Person;

/// A person who changes their own account.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The session that is kept.
    pub session: SessionId,
    /// The person, as they were when the request was let in.
    pub person: Person,
    /// The client that sent the request.
    pub client: Client,
}
