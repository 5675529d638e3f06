//! Bugs around the clock, randomness and authorities, and in what a token service seems to answer.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use kmip_proxy::env::{Clock, Crypto, Roots};
use kmiplab::world::sim::{Planted, Rewrite};
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;

use super::key_services::lock;

/// Asks for the time once.
pub(crate) fn stands_still(inner: Arc<dyn Clock>) -> Arc<dyn Clock> {
    let first = inner.now();
    Arc::new(Tells { inner, time: move |_| first })
}

/// Takes the local time, two hours east of Greenwich, for the universal one.
pub(crate) fn tells_local_time(inner: Arc<dyn Clock>) -> Arc<dyn Clock> {
    Arc::new(Tells { inner, time: |now| now + Duration::from_secs(2 * 60 * 60) })
}

struct Tells<F> {
    inner: Arc<dyn Clock>,
    time: F,
}

impl<F> std::fmt::Debug for Tells<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tells")
    }
}

impl<F: Fn(SystemTime) -> SystemTime + Send + Sync> Clock for Tells<F> {
    fn now(&self) -> SystemTime {
        (self.time)(self.inner.now())
    }
}

/// Draws the same bytes again and again. TLS is not concerned.
pub(crate) fn repeats_itself(inner: Arc<dyn Crypto>) -> Arc<dyn Crypto> {
    Arc::new(RepeatsItself { inner })
}

#[derive(Debug)]
struct RepeatsItself {
    inner: Arc<dyn Crypto>,
}

impl Crypto for RepeatsItself {
    fn provider(&self) -> Arc<CryptoProvider> {
        self.inner.provider()
    }

    fn new_certificate_key(&self) -> Result<rcgen::KeyPair, rcgen::Error> {
        self.inner.new_certificate_key()
    }

    fn random(&self, buffer: &mut [u8]) -> io::Result<()> {
        buffer.fill(0x5a);
        Ok(())
    }
}

/// Finds no authorities, as in a container without their package.
pub(crate) fn trusts_nobody(_: Arc<dyn Roots>) -> Arc<dyn Roots> {
    Arc::new(Nobody)
}

#[derive(Debug)]
struct Nobody;

impl Roots for Nobody {
    fn roots(&self) -> io::Result<Arc<RootCertStore>> {
        Ok(Arc::new(RootCertStore::empty()))
    }
}

/// Takes the first session of a role for the only one there will ever be.
pub(crate) fn keeps_the_session() -> Planted {
    let first: Mutex<Option<Vec<u8>>> = Mutex::default();
    let rewrite = move |body: &[u8]| {
        let is_session = body.windows(14).any(|window| window == b"<SessionToken>");
        if !is_session {
            return vec![body.to_vec()];
        }
        vec![lock(&first).get_or_insert_with(|| body.to_vec()).clone()]
    };
    Planted { kms_answers: Some(Arc::new(rewrite) as Rewrite), ..Planted::default() }
}
