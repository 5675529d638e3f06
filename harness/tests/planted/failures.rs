//! Bugs in what is told of a failure: to the client, and to the operator.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kmip_proxy::keys::Credentials;
use kmip_proxy::kms::{Call, Class, Kms, KmsError};
use kmip_proxy::operator::{Notice, Operator};
use kmiplab::world::sim::Planted;

use super::key_services::{Bug, Opened, Spoilt, lock};

/// Takes one class of failure for another.
pub(crate) fn mistakes(is: Class, said: Class) -> impl Fn(Arc<dyn Kms>) -> Arc<dyn Kms> {
    move |inner| {
        let spoil = move |_: Call<'_>, mut error: KmsError| {
            if error.class == is {
                error.class = said;
            }
            error
        };
        Arc::new(Spoilt(Fails { inner, spoil }))
    }
}

/// Quotes the secret access key when something fails.
pub(crate) fn gossips(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    let spoil = |call: Call<'_>, error: KmsError| match call.credentials {
        Credentials::Aws(aws) => error.because(format!("tried with {}", aws.secret_access_key.expose())),
        _ => error,
    };
    Arc::new(Spoilt(Fails { inner, spoil }))
}

/// Quotes the session token when something fails, in base64 behind a name, as a header that is logged may have it.
pub(crate) fn logs_the_token(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    let spoil = |call: Call<'_>, error: KmsError| match call.credentials {
        Credentials::Aws(aws) => {
            let token = aws.session_token.as_ref().map_or("", |token| token.expose());
            error.because(format!("Authorization: Basic {}", STANDARD.encode(format!("session:{token}"))))
        }
        _ => error,
    };
    Arc::new(Spoilt(Fails { inner, spoil }))
}

struct Fails<F> {
    inner: Arc<dyn Kms>,
    spoil: F,
}

impl<F> std::fmt::Debug for Fails<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fails")
    }
}

impl<F: Fn(Call<'_>, KmsError) -> KmsError + Send + Sync> Bug for Fails<F> {
    fn inner(&self) -> &Arc<dyn Kms> {
        &self.inner
    }

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> Opened<'a> {
        Box::pin(async move { self.inner.unwrap(call, ciphertext).await.map_err(|error| (self.spoil)(call, error)) })
    }
}

/// Tells the operator something else, or nothing.
pub(crate) fn tells(change: fn(&Notice) -> Option<Notice>) -> Planted {
    Planted { operator: Some(Arc::new(move |inner, _| Arc::new(Tells { inner, change }))), ..Planted::default() }
}

/// Tells the operator, with every failure, the key that was opened last.
pub(crate) fn blurts_out_the_key() -> Planted {
    let last: Arc<Mutex<Vec<u8>>> = Arc::default();
    let heard = last.clone();
    Planted {
        kms: Some(Arc::new(move |inner, _| Arc::new(Spoilt(Overhears { inner, last: last.clone() })))),
        operator: Some(Arc::new(move |inner, _| Arc::new(BlurtsOut { inner, last: heard.clone() }))),
        ..Planted::default()
    }
}

#[derive(Debug)]
struct Tells {
    inner: Arc<dyn Operator>,
    change: fn(&Notice) -> Option<Notice>,
}

impl Operator for Tells {
    fn tell(&self, notice: &Notice) {
        if let Some(notice) = (self.change)(notice) {
            self.inner.tell(&notice);
        }
    }
}

#[derive(Debug)]
struct Overhears {
    inner: Arc<dyn Kms>,
    last: Arc<Mutex<Vec<u8>>>,
}

impl Bug for Overhears {
    fn inner(&self) -> &Arc<dyn Kms> {
        &self.inner
    }

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> Opened<'a> {
        Box::pin(async move {
            let opened = self.inner.unwrap(call, ciphertext).await?;
            *lock(&self.last) = opened.expose().to_vec();
            Ok(opened)
        })
    }
}

#[derive(Debug)]
struct BlurtsOut {
    inner: Arc<dyn Operator>,
    last: Arc<Mutex<Vec<u8>>>,
}

impl Operator for BlurtsOut {
    fn tell(&self, notice: &Notice) {
        let text = format!("{}\nlast key   {:02x?}", notice.text, lock(&self.last));
        self.inner.tell(&Notice { text, ..notice.clone() });
    }
}
