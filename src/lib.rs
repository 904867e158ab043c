//! Gatelodge: an authentication appliance for small networks.
//!
//! The modules stand in dependency order: each uses only those above it. `ARCHITECTURE.md` is the map.

pub mod base;

pub mod texts;

pub mod crypto;

pub mod gate;

pub mod config;

pub mod templates;

pub mod appearance;

pub mod metrics;

pub mod store;

pub mod audit;

pub mod throttle;

pub mod mail;

pub mod groups;

pub mod sessions;

pub mod factors;

pub mod accounts;

pub mod webhooks;

pub mod app;

pub mod net;

pub mod tls;

pub mod courier;

pub mod acme;

pub mod export;

pub mod admin;

pub mod web;

pub mod workers;

pub mod control;

pub mod cli;
