//! Managed objects, their states and attributes, and the snapshot layout on disk.
//!
//! Invariant: this room never talks to a cloud.

mod credentials;
mod provider;
mod secret;

pub use credentials::{AwsCredentials, AwsRole, Credentials, LocalCredentials};
pub use provider::{Provider, UnknownProvider};
pub use secret::{Secret, SecretText};
