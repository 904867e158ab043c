//! Values that every other module speaks in. Nothing here does I/O.

mod email;
mod id;
mod moment;
mod person;
mod secret;
mod time;
mod timekeeper;

pub use email::{EmailAddress, NotAnAddress};
pub use id::{AccountId, ApiTokenId, BrowserId, FactorId, Id, InvitationId, JobId, MailId, RegistrationId, SessionId};
pub use moment::{Clock, ManualClock, Moment, Seed};
pub use person::{DisplayName, GroupName, Identity, NotAName, Permission, Username};
pub use secret::Secret;
pub use time::{BUILD_DATE, DAY, HOUR, MINUTE, Seconds, Timestamp};
pub use timekeeper::{ClockState, HOLD, LEAP, Reading, SLACK, Timekeeper};
