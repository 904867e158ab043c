//! Values that every other module uses. Nothing here does I/O.

mod colour;
mod email;
mod id;
mod moment;
mod nearest;
mod node;
mod not_a_name;
mod packed;
mod person;
mod phone;
mod secret;
mod set;
mod time;
mod timekeeper;
mod typed;
mod visible;
mod words;

pub use colour::Colour;
pub use email::{EmailAddress, NotAnAddress};
pub use id::{AccountId, ApiTokenId, BrowserId, FactorId, Id, InvitationId, JobId, MailId, RegistrationId, SessionId};
pub use moment::{Clock, ManualClock, Moment, Seed};
pub use nearest::nearest;
pub use node::NodeId;
pub use not_a_name::NotAName;
pub use packed::Packed;
pub use person::{DisplayName, GroupName, Identity, IdentityKind, Permission, Username};
pub use phone::PhoneNumber;
pub use secret::Secret;
pub use set::{map_of, set_of, try_set_of};
pub use time::{BUILD_DATE, DAY, HOUR, MINUTE, NotATime, Seconds, Timestamp};
pub use timekeeper::{ClockState, HOLD, LEAP, Reading, SLACK, Timekeeper};
pub use typed::{bare, ungrouped};
pub use visible::{is_hidden, is_visible, legible};
pub use words::{NameSource, plain_letters, sought_words};
