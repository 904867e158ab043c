//! How often somebody may fail before they have to wait.
//!
//! A wrong password costs one try of each bucket that the attempt belongs to: of the name as it was typed, of the account
//! (by whatever name), of the network, and of everybody together. The first three hold a guesser up, the last one a crowd of
//! them. A browser that the account's owner logged in with before has a bucket of its own in place of all these, so that
//! nobody else's guesses keep the owner out (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
//!
//! What is told apart: a 429 depends on the name as typed and on the network only. Whether the account behind the name is
//! held up does not show: its refusals look like wrong passwords, hash included.
//!
//! After a hundred failures in a row the password alone opens nothing any more (NIST SP 800-63B-4, 3.2.2), until it is set
//! anew by a mailed link, or used with success from a browser that is known.

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
