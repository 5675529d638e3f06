//! Bugs around the key service, in what is made of its keys: each wraps it and spoils `unwrap`, or `wrap`.
//!
//! What it is asked, and how often, is in `calls.rs`; what is told of its failures in `failures.rs`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kmip_proxy::env::BoxFuture;
use kmip_proxy::keys::{Provider, Secret};
use kmip_proxy::kms::{self, Call, Class, Description, Kms, KmsError};

/// What a provider opens.
pub(crate) type Opened<'a> = BoxFuture<'a, Result<Secret, KmsError>>;
/// What a provider has wrapped.
pub(crate) type Wrapped<'a> = BoxFuture<'a, Result<kms::Wrapped, KmsError>>;

/// A key service with a bug: whatever is not spoilt goes through.
pub(crate) trait Bug: std::fmt::Debug + Send + Sync {
    fn inner(&self) -> &Arc<dyn Kms>;

    fn wrap<'a>(&'a self, call: Call<'a>, plaintext: &'a Secret) -> Wrapped<'a> {
        self.inner().wrap(call, plaintext)
    }

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> Opened<'a> {
        self.inner().unwrap(call, ciphertext)
    }
}

/// The bug as the product is given it.
#[derive(Debug)]
pub(crate) struct Spoilt<B>(pub(crate) B);

impl<B: Bug> Kms for Spoilt<B> {
    fn provider(&self) -> Provider {
        self.0.inner().provider()
    }

    fn wrap<'a>(&'a self, call: Call<'a>, plaintext: &'a Secret) -> Wrapped<'a> {
        self.0.wrap(call, plaintext)
    }

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> Opened<'a> {
        self.0.unwrap(call, ciphertext)
    }

    fn describe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Description, KmsError>> {
        self.0.inner().describe(call)
    }
}

pub(crate) fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens a key once, and gives it out for ever.
pub(crate) fn remembers(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    Arc::new(Spoilt(Remembers { inner, opened: Mutex::default() }))
}

#[derive(Debug)]
struct Remembers {
    inner: Arc<dyn Kms>,
    opened: Mutex<BTreeMap<Vec<u8>, Secret>>,
}

impl Bug for Remembers {
    fn inner(&self) -> &Arc<dyn Kms> {
        &self.inner
    }

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> Opened<'a> {
        Box::pin(async move {
            let remembered = lock(&self.opened).get(ciphertext).cloned();
            if let Some(secret) = remembered {
                return Ok(secret);
            }
            let secret = self.inner.unwrap(call, ciphertext).await?;
            lock(&self.opened).insert(ciphertext.to_vec(), secret.clone());
            Ok(secret)
        })
    }
}

/// Opens every key, and gives out the one that was opened first.
pub(crate) fn mixes_up(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    Arc::new(Spoilt(MixesUp { inner, first: Mutex::default() }))
}

#[derive(Debug)]
struct MixesUp {
    inner: Arc<dyn Kms>,
    first: Mutex<Option<Secret>>,
}

impl Bug for MixesUp {
    fn inner(&self) -> &Arc<dyn Kms> {
        &self.inner
    }

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> Opened<'a> {
        Box::pin(async move {
            let opened = self.inner.unwrap(call, ciphertext).await?;
            Ok(lock(&self.first).get_or_insert(opened).clone())
        })
    }
}

/// Never asks again once something has failed.
pub(crate) fn sulks(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    Arc::new(Spoilt(Sulks { inner, failed: Mutex::default() }))
}

#[derive(Debug)]
struct Sulks {
    inner: Arc<dyn Kms>,
    failed: Mutex<bool>,
}

impl Bug for Sulks {
    fn inner(&self) -> &Arc<dyn Kms> {
        &self.inner
    }

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> Opened<'a> {
        Box::pin(async move {
            if *lock(&self.failed) {
                return Err(KmsError::new(Class::CloudInternal, self.inner.provider(), call.cmk));
            }
            let opened = self.inner.unwrap(call, ciphertext).await;
            *lock(&self.failed) |= opened.is_err();
            opened
        })
    }
}

/// Wraps nothing: what it is given it gives back.
pub(crate) fn shows(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    Arc::new(Spoilt(Wraps { inner, how: |_, plaintext| Ok(plaintext.expose().to_vec()) }))
}

/// Refuses to wrap.
pub(crate) fn refuses(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    Arc::new(Spoilt(Wraps { inner, how: |call, _| Err(KmsError::new(Class::CloudInternal, Provider::Aws, call.cmk)) }))
}

/// Takes a new key for wrapped and comes to nothing.
pub(crate) fn wraps_nothing(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    Arc::new(Spoilt(Wraps { inner, how: |_, _| Ok(Vec::new()) }))
}

/// Wraps in a way of its own, without asking anybody, and opens nothing of it.
pub(crate) fn scrambles(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    Arc::new(Spoilt(Wraps {
        inner,
        how: |_, plaintext| Ok(plaintext.expose().iter().map(|byte| byte.wrapping_mul(167) ^ 0x5a).collect()),
    }))
}

#[derive(Debug)]
struct Wraps {
    inner: Arc<dyn Kms>,
    how: fn(Call<'_>, &Secret) -> Result<Vec<u8>, KmsError>,
}

impl Bug for Wraps {
    fn inner(&self) -> &Arc<dyn Kms> {
        &self.inner
    }

    fn wrap<'a>(&'a self, call: Call<'a>, plaintext: &'a Secret) -> Wrapped<'a> {
        Box::pin(async move { (self.how)(call, plaintext).map(kms::Wrapped::from) })
    }
}
