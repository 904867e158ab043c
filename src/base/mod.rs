//! Values that every other module speaks in. Nothing here does I/O.

mod email;
mod id;
mod moment;
mod person;
mod secret;
mod time;

pub use email::{EmailAddress, NotAnAddress};
pub use id::{AccountId, Id, JobId, MailId, RegistrationId, SessionId};
pub use moment::{Clock, ManualClock, Moment, Seed};
pub use person::{DisplayName, GroupName, Identity, NotAName, Username};
pub use secret::Secret;
pub use time::{DAY, HOUR, MINUTE, Seconds, Timestamp};
