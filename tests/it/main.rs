//! Everything that is tested from outside the modules: one binary, so that it links once.

mod acme;
mod backups;
mod bad_input;
mod commands;
mod config_files;
mod courier;
mod disk;
mod doctor;
mod faults;
mod floods;
mod http2;
mod keys;
mod kills;
mod knocking;
mod mail_faults;
mod mutations;
mod observing;
mod openapi;
mod process;
mod readme;
mod refused_starts;
mod setup;
mod smtp;
mod store;
mod stories;
mod supervised;
#[path = "../support/targets.rs"]
mod targets;
mod texts;
mod tidy;
mod tls;
mod units;
mod upgrades;
mod weaknesses;
mod webhooks;
mod world;
