//! What people do, told as stories.

mod account;
mod logging_in;
mod mailing;
mod operating;
mod pages;
mod registering;
mod resetting;
