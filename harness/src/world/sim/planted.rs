//! Bugs planted on purpose, to prove that each invariant notices its own.
//!
//! A bug wraps one of the traits that the product is given, or rewrites bytes on their way; it never is a code path of
//! the product, which stays unmodified.

use std::sync::Arc;

use kmip_proxy::env::{Clock, Crypto, Env, Files, Network, Resolver, Roots};
use kmip_proxy::kms::Kms;
use kmip_proxy::operator::Operator;

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
    /// Wraps the proxy's name service.
    pub resolver: Option<Wrapper<dyn Resolver>>,
    /// Wraps the proxy's wall clock.
    pub clock: Option<Wrapper<dyn Clock>>,
    /// Wraps the proxy's randomness and TLS.
    pub crypto: Option<Wrapper<dyn Crypto>>,
    /// Wraps the authorities that the proxy trusts.
    pub roots: Option<Wrapper<dyn Roots>>,
    /// Wraps whom the proxy tells what happens.
    pub operator: Option<Wrapper<dyn Operator>>,
    /// Rewrites KMIP answers between the proxy and mongod, in a relay that ends TLS on both sides.
    pub answers: Option<Rewrite>,
    /// Rewrites the bodies of the key service's answers.
    pub kms_answers: Option<Rewrite>,
}

/// Puts something around a trait object.
pub type Wrapper<T> = Arc<dyn Fn(Arc<T>, &Trace) -> Arc<T>>;

/// Turns one message into what is sent in its stead: nothing swallows it, several repeat it.
pub type Rewrite = Arc<dyn Fn(&[u8]) -> Vec<Vec<u8>> + Send + Sync>;

impl Planted {
    /// The outside with everything that is wrong with it.
    pub(crate) fn spoil(&self, env: Env, trace: &Trace) -> Env {
        Env {
            network: wrapped(&self.network, env.network, trace),
            resolver: wrapped(&self.resolver, env.resolver, trace),
            clock: wrapped(&self.clock, env.clock, trace),
            files: wrapped(&self.files, env.files, trace),
            crypto: wrapped(&self.crypto, env.crypto, trace),
            roots: wrapped(&self.roots, env.roots, trace),
            spawn: env.spawn,
        }
    }
}

/// What a bug makes of something; without one, the thing itself.
pub(crate) fn wrapped<T: ?Sized>(wrap: &Option<Wrapper<T>>, inner: Arc<T>, trace: &Trace) -> Arc<T> {
    match wrap {
        Some(wrap) => wrap(inner, trace),
        None => inner,
    }
}

impl std::fmt::Debug for Planted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Planted")
            .field("kms", &self.kms.is_some())
            .field("files", &self.files.is_some())
            .field("network", &self.network.is_some())
            .field("resolver", &self.resolver.is_some())
            .field("clock", &self.clock.is_some())
            .field("crypto", &self.crypto.is_some())
            .field("roots", &self.roots.is_some())
            .field("operator", &self.operator.is_some())
            .field("answers", &self.answers.is_some())
            .field("kms_answers", &self.kms_answers.is_some())
            .finish()
    }
}
