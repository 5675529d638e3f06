//! An open KMIP proxy for MongoDB: master keys, opened by the customer's cloud KMS.
//!
//! A request walks one way through the rooms: `server` frames it, [`ttlv`] and [`kmip`] read it, `operations` decide,
//! [`keys`] and [`kms`] open the key, and the answer goes back out. Each room uses only the rooms above it in this
//! list: [`ttlv`], [`kmip`], [`env`], [`keys`], [`kms`], `operator`, `operations`, `tls`, `server`, `config`.

pub mod env;
pub mod keys;
pub mod kmip;
pub mod kms;
pub mod ttlv;
