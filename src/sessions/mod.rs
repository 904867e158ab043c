//! Sessions: who is logged in, on which device, until when. They survive restarts and end when they should.

mod agent;
mod api_tokens;
mod client;
mod doors;
mod epochs;
mod grant;
mod lifecycle;
mod logins;
mod method;
mod refreshing;
mod session;

pub use agent::{in_words as agent_in_words, text as agent_text};
pub use api_tokens::{
    ApiToken, MAX_TOKENS, NewToken, TokenKind, find_token, has_token_rows, make, revoke, revoke_all, sweep_tokens,
    tokens_of,
};
pub(crate) use api_tokens::{TOKENS, TOKENS_OF};
pub use client::Client;
pub(crate) use doors::DOORS;
pub use doors::{DoorCookie, find_door, make_doors, sweep_doors};
pub(crate) use epochs::EPOCHS;
pub use epochs::{EVERYBODY, Endable, EpochKey, epoch_of, raise_epoch, raise_everybodys, sweep_epochs};
pub use grant::{Grant, Scope};
pub use lifecycle::{NewSession, end, end_all, end_by_id, end_everybodys, note_seen, renew, start, sweep};
pub(crate) use logins::LOGINS;
pub use logins::{LoginNote, Logins, Novelty, forget_logins, forget_places, logins_of, note_login};
pub use method::Method;
pub use refreshing::{Refreshed, has_family, refresh};
pub use session::{
    Carrier, MAX_SESSIONS, Session, count, find, find_by_id, find_renewed, has_rows, of_account, secret_of,
};
pub(crate) use session::{FAMILIES, OF_ACCOUNT, SESSIONS};
