//! The sections of the file, key by key, each with its default.

mod keeping;
mod mailing;
mod people;
mod serving;
mod telling;

pub use keeping::{Audit, Backups, EngineKind, StoreSettings};
pub use mailing::{Mail, MailTransport, Security, Smtp};
pub use people::{
    LogIns, LoginNotices, Passwords, Registration, RegistrationMode, SecondFactors, Sessions, Spa, Throttle, Tokens,
    UsernameRule,
};
pub use serving::{Acme, Listen, Log, LogFormat, Metrics, Proxy, Site, Tls, TlsMode};
pub use telling::{HookEvent, Sms, SmsMethod, Webhook};
