//! What people do, told as stories.

mod account;
mod auditing;
mod clocks;
mod grouping;
mod guessing;
mod logging_in;
mod mailing;
mod operating;
mod pages;
mod registering;
mod resetting;
mod setting_up;
