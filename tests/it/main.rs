//! Everything that is tested from outside the modules: one binary, so that it links once.

#![allow(unreachable_pub, reason = "nothing of a test is reached from outside")]

mod access;
mod acme;
mod backups;
mod bad_input;
mod certificates;
mod checking;
mod circles;
mod commands;
mod config_files;
mod containers;
mod control_sockets;
mod courier;
mod crashes;
mod disk;
mod doctor;
mod door_confusions;
mod every_command;
mod faults;
mod fields;
mod floods;
mod forward_auth;
mod http2;
mod keys;
mod log_sinks;
mod loud;
mod mail_certificates;
mod mail_faults;
mod mail_habits;
mod observing;
mod openapi;
mod parser_mutations;
mod passwords;
mod places;
mod printing;
mod process;
mod readme;
mod refused_starts;
mod regressions;
mod scripted_mail;
mod setup;
mod shared_engine;
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
mod webhooks;
mod world;
