//! Bugs planted on purpose, to prove that each invariant notices its own.
//!
//! A bug wraps one of the traits that the product is given, or rewrites bytes on their way; it never is a code path of
//! the product, which stays unmodified.

use std::sync::Arc;

use kmip_proxy::env::{Files, Network};
use kmip_proxy::kms::Kms;

use crate::trace::Trace;

/// What is wrong with this world. Nothing, by default.
#[derive(Clone, Default)]
pub struct Planted {
    /// Wraps the proxy's key service.
    pub kms: Option<Wrapper<dyn Kms>>,
    /// Wraps the proxy's files.
    pub files: Option<Wrapper<dyn Files>>,
    /// Wraps the proxy's network.
    pub network: Option<Wrapper<dyn Network>>,
    /// Rewrites KMIP answers between the proxy and mongod, in a relay that ends TLS on both sides.
    pub answers: Option<Rewrite>,
    /// Rewrites the bodies of the key service's answers.
    pub kms_answers: Option<Rewrite>,
}

/// Puts something around a trait object.
pub type Wrapper<T> = Arc<dyn Fn(Arc<T>, &Trace) -> Arc<T>>;

/// Turns one message into what is sent in its stead: nothing swallows it, several repeat it.
pub type Rewrite = Arc<dyn Fn(&[u8]) -> Vec<Vec<u8>> + Send + Sync>;

impl std::fmt::Debug for Planted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Planted")
            .field("kms", &self.kms.is_some())
            .field("files", &self.files.is_some())
            .field("network", &self.network.is_some())
            .field("answers", &self.answers.is_some())
            .field("kms_answers", &self.kms_answers.is_some())
            .finish()
    }
}
