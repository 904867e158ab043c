//! Rate limits (throttling): how often somebody may fail before they have to wait.
//!
//! A wrong password costs one attempt of each bucket that it belongs to: of the name as it was typed, of the account
//! (by whatever name), of the network, and of everybody together. The first three slow down a guesser, the last one a
//! crowd of them. A browser that the account's owner logged in with before has a bucket of its own in place of all
//! these, so that nobody else's guesses lock the owner out (OWASP, "Slow Down Online Guessing Attacks with Device
//! Cookies").
//!
//! A 429 depends on the name as typed and on the network only. Whether the account behind the name is held up does not
//! show: it refuses as if the password were wrong, hash included.
//!
//! After a hundred failures in a row the password alone opens nothing (NIST SP 800-63B-4, 3.2.2), until it is set anew
//! by a mailed link, or used with success from a known browser.

mod bucket;
mod device;
mod kind;
mod level;
mod notices;

pub(crate) use bucket::BUCKETS;
pub use bucket::{
    Bucket, MAX_CONSECUTIVE, all, charge, count, forget, level_of, lift, passed, passed_in_session,
    passed_mailed_digits, passed_second_factor, sweep, take_back,
};
pub use device::{Device, DeviceId, Devices, MAX_DEVICES};
pub use kind::{Kind, MailPurpose};
pub use level::Level;
pub use notices::{MailQuota, is_out_of_use, should_notify, should_notify_of_codes, take, take_mail};
