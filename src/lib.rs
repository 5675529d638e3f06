//! An open KMIP proxy for MongoDB: master keys, opened by the customer's cloud KMS.
//!
//! A request walks one way through the rooms: [`server`] frames it, [`ttlv`] and [`kmip`] read it, [`operations`]
//! decide, [`keys`] and [`kms`] open the key, and the answer goes back out; [`operator`] tells the person at the terminal
//! what went wrong. Each room uses only the rooms above it in this list, which `cargo xtask order` checks.

pub mod ttlv;

pub mod kmip;

pub mod env;

pub mod keys;

pub mod kms;

pub mod operator;

pub mod operations;

pub mod tls;

pub mod server;

pub mod config;

pub mod proxy;

pub mod cli;
