//! Bugs around the key service: each wraps it and spoils `unwrap`, or `wrap`.

use std::sync::{Arc, Mutex};

use kmip_proxy::env::BoxFuture;
use kmip_proxy::keys::{Credentials, Provider, Secret};
use kmip_proxy::kms::{Call, Class, Description, Kms, KmsError};

/// Opens a key once, and gives it out for ever.
pub(crate) fn remembers(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    Arc::new(Remembers { inner, opened: Mutex::default() })
}

/// Quotes the secret access key when something fails.
pub(crate) fn gossips(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    Arc::new(Gossips { inner })
}

/// Never asks again once something has failed.
pub(crate) fn sulks(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    Arc::new(Sulks { inner, failed: Mutex::default() })
}

/// Tries every failure fifty times.
pub(crate) fn storms(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    Arc::new(Storms { inner })
}

/// Wraps nothing: what it is given it gives back.
pub(crate) fn shows(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    Arc::new(Shows { inner })
}

/// Refuses to wrap.
pub(crate) fn refuses(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    Arc::new(Refuses { inner })
}

/// Everything but `unwrap` goes through.
macro_rules! passes_on {
    () => {
        fn provider(&self) -> Provider {
            self.inner.provider()
        }

        fn wrap<'a>(&'a self, call: Call<'a>, plaintext: &'a Secret) -> BoxFuture<'a, Result<Vec<u8>, KmsError>> {
            self.inner.wrap(call, plaintext)
        }

        fn describe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Description, KmsError>> {
            self.inner.describe(call)
        }
    };
}

#[derive(Debug)]
struct Remembers {
    inner: Arc<dyn Kms>,
    opened: Mutex<Vec<(Vec<u8>, Secret)>>,
}

impl Kms for Remembers {
    passes_on!();

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> BoxFuture<'a, Result<Secret, KmsError>> {
        Box::pin(async move {
            let remembered = {
                let opened = self.opened.lock().expect("no bug panics while it holds the lock");
                opened.iter().find(|(wrapped, _)| wrapped == ciphertext).map(|(_, secret)| secret.clone())
            };
            if let Some(secret) = remembered {
                return Ok(secret);
            }
            let secret = self.inner.unwrap(call, ciphertext).await?;
            self.opened
                .lock()
                .expect("no bug panics while it holds the lock")
                .push((ciphertext.to_vec(), secret.clone()));
            Ok(secret)
        })
    }
}

#[derive(Debug)]
struct Gossips {
    inner: Arc<dyn Kms>,
}

impl Kms for Gossips {
    passes_on!();

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> BoxFuture<'a, Result<Secret, KmsError>> {
        Box::pin(async move {
            self.inner.unwrap(call, ciphertext).await.map_err(|error| match call.credentials {
                Credentials::Aws(aws) => error.because(format!("tried with {}", aws.secret_access_key.expose())),
                Credentials::Local(_) => error,
            })
        })
    }
}

#[derive(Debug)]
struct Sulks {
    inner: Arc<dyn Kms>,
    failed: Mutex<bool>,
}

impl Kms for Sulks {
    passes_on!();

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> BoxFuture<'a, Result<Secret, KmsError>> {
        Box::pin(async move {
            if *self.failed.lock().expect("no bug panics while it holds the lock") {
                return Err(KmsError::new(Class::CloudInternal, self.inner.provider(), call.cmk));
            }
            let opened = self.inner.unwrap(call, ciphertext).await;
            *self.failed.lock().expect("no bug panics while it holds the lock") |= opened.is_err();
            opened
        })
    }
}

#[derive(Debug)]
struct Storms {
    inner: Arc<dyn Kms>,
}

impl Kms for Storms {
    passes_on!();

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> BoxFuture<'a, Result<Secret, KmsError>> {
        Box::pin(async move {
            let mut last = self.inner.unwrap(call, ciphertext).await;
            for _ in 0..50 {
                if last.is_ok() {
                    break;
                }
                last = self.inner.unwrap(call, ciphertext).await;
            }
            last
        })
    }
}

#[derive(Debug)]
struct Shows {
    inner: Arc<dyn Kms>,
}

impl Kms for Shows {
    fn provider(&self) -> Provider {
        self.inner.provider()
    }

    fn wrap<'a>(&'a self, _: Call<'a>, plaintext: &'a Secret) -> BoxFuture<'a, Result<Vec<u8>, KmsError>> {
        Box::pin(async move { Ok(plaintext.expose().to_vec()) })
    }

    fn unwrap<'a>(&'a self, _: Call<'a>, ciphertext: &'a [u8]) -> BoxFuture<'a, Result<Secret, KmsError>> {
        Box::pin(async move { Ok(Secret::new(ciphertext.to_vec())) })
    }

    fn describe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Description, KmsError>> {
        self.inner.describe(call)
    }
}

#[derive(Debug)]
struct Refuses {
    inner: Arc<dyn Kms>,
}

impl Kms for Refuses {
    fn provider(&self) -> Provider {
        self.inner.provider()
    }

    fn wrap<'a>(&'a self, call: Call<'a>, _: &'a Secret) -> BoxFuture<'a, Result<Vec<u8>, KmsError>> {
        Box::pin(async move { Err(KmsError::new(Class::CloudInternal, self.inner.provider(), call.cmk)) })
    }

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> BoxFuture<'a, Result<Secret, KmsError>> {
        self.inner.unwrap(call, ciphertext)
    }

    fn describe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Description, KmsError>> {
        self.inner.describe(call)
    }
}
