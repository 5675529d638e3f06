//! Opening and wrapping master keys, with one provider a file.
//!
//! [`Kms`] is the one trait: wrap, unwrap, describe. Every failure is a [`KmsError`] with a [`Class`], and the class
//! decides what the client and the operator are told.
//!
//! Invariant: this room knows no KMIP, and it keeps nothing unwrapped.

pub mod aws;
pub mod azure;
pub mod endpoints;
mod error;
pub mod failover;
pub mod gcp;
pub mod http;
mod local;
mod rest;
#[cfg(test)]
mod tests;
mod tokens;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use crate::env::{BoxFuture, Env};
use crate::keys::{Credentials, Provider, Secret};

pub use aws::AwsKms;
pub use azure::AzureKms;
pub use endpoints::{Endpoint, NetworkClass, Settings};
pub use error::{Attempt, Class, KmsError};
pub use gcp::GcpKms;
pub use local::LocalKms;

/// The provider of that name, reached as the settings say.
pub fn for_provider(provider: Provider, env: &Env, settings: &Settings) -> Arc<dyn Kms> {
    match provider {
        Provider::Aws => Arc::new(AwsKms::new(env.clone(), settings.clone())),
        Provider::Azure => Arc::new(AzureKms::new(env.clone(), settings.clone())),
        Provider::Gcp => Arc::new(GcpKms::new(env.clone(), settings.clone())),
        Provider::Local => Arc::new(LocalKms::new(env.clone())),
    }
}

/// A provider that wraps and opens master keys.
pub trait Kms: Debug + Send + Sync {
    /// Which provider this is.
    fn provider(&self) -> Provider;

    /// Wraps key material under the customer's key.
    fn wrap<'a>(&'a self, call: Call<'a>, plaintext: &'a Secret) -> BoxFuture<'a, Result<Wrapped, KmsError>>;

    /// Opens wrapped key material.
    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> BoxFuture<'a, Result<Secret, KmsError>>;

    /// Asks what the provider knows of the customer's key: for `kmipProxyStandalone check`, never on the way to a key.
    fn describe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Description, KmsError>>;
}

/// What every call needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The KMIP Unique Identifier of the master key: for messages, and bound into local wrapping.
    pub key_id: &'a str,
    /// With what to call.
    pub credentials: &'a Credentials,
    /// The customer's key: for AWS its ARN, id or alias; for Azure its identifier; for Google Cloud its resource name; for
    /// `local` the path of the key file.
    pub cmk: &'a str,
    /// Where the customer's key is: for AWS the region that is signed for and, without endpoints in the settings, dialed.
    /// The credentials' own region where it is not known. Token services keep to the credentials' region.
    pub region: Option<&'a str>,
    /// The encryption context, authenticated but not secret. Empty where there is none.
    pub context: &'a BTreeMap<String, String>,
}

/// What wrapping gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// The wrapped key material.
    pub ciphertext: Vec<u8>,
    /// The version of the customer's key that has wrapped it, where the ciphertext does not say so itself and it must be
    /// kept beside it: at Azure.
    pub key_version: Option<String>,
}

impl From<Vec<u8>> for Wrapped {
    /// A ciphertext that names by itself whatever opens it.
    fn from(ciphertext: Vec<u8>) -> Self {
        Wrapped { ciphertext, key_version: None }
    }
}

/// What a provider says of a customer's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The full name: for AWS the ARN.
    pub name: String,
    /// The provider's word for its state, such as `Enabled`.
    pub state: String,
    /// Whether it can open keys now.
    pub usable: bool,
}
