//! Bugs in what the key service is asked: how often, with what, and for whom.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kmip_proxy::keys::{Credentials, Secret};
use kmip_proxy::kms::{Call, Kms, KmsError};
use tokio::sync::oneshot;

use super::key_services::{Bug, Opened, Spoilt, lock};

/// Opens every key a second time, to be sure.
pub(crate) fn asks_twice(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    Arc::new(Spoilt(AsksTwice { inner }))
}

#[derive(Debug)]
struct AsksTwice {
    inner: Arc<dyn Kms>,
}

impl Bug for AsksTwice {
    fn inner(&self) -> &Arc<dyn Kms> {
        &self.inner
    }

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> Opened<'a> {
        Box::pin(async move {
            self.inner.unwrap(call, ciphertext).await?;
            self.inner.unwrap(call, ciphertext).await
        })
    }
}

/// Opens a key again once it has been given out, so that it is warm for whoever comes next.
pub(crate) fn works_ahead(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    Arc::new(Spoilt(WorksAhead { inner }))
}

#[derive(Debug)]
struct WorksAhead {
    inner: Arc<dyn Kms>,
}

impl Bug for WorksAhead {
    fn inner(&self) -> &Arc<dyn Kms> {
        &self.inner
    }

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> Opened<'a> {
        Box::pin(async move {
            let opened = self.inner.unwrap(call, ciphertext).await;
            let (inner, kept) = (self.inner.clone(), Kept::of(call, ciphertext));
            tokio::task::spawn_local(async move {
                tokio::time::sleep(Duration::from_secs(2)).await;
                let _ = kept.make(&inner).await;
            });
            opened
        })
    }
}

/// Tries a call that has failed again in the background, once a second, until it succeeds.
pub(crate) fn does_not_let_go(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    Arc::new(Spoilt(DoesNotLetGo { inner }))
}

#[derive(Debug)]
struct DoesNotLetGo {
    inner: Arc<dyn Kms>,
}

impl Bug for DoesNotLetGo {
    fn inner(&self) -> &Arc<dyn Kms> {
        &self.inner
    }

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> Opened<'a> {
        Box::pin(async move {
            let opened = self.inner.unwrap(call, ciphertext).await;
            if opened.is_err() {
                let (inner, kept) = (self.inner.clone(), Kept::of(call, ciphertext));
                tokio::task::spawn_local(async move {
                    for _ in 0..10 {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        if kept.make(&inner).await.is_ok() {
                            break;
                        }
                    }
                });
            }
            opened
        })
    }
}

/// Goes on with a call although its client has hung up.
pub(crate) fn outlives_its_client(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    Arc::new(Spoilt(OutlivesItsClient { inner }))
}

#[derive(Debug)]
struct OutlivesItsClient {
    inner: Arc<dyn Kms>,
}

impl Bug for OutlivesItsClient {
    fn inner(&self) -> &Arc<dyn Kms> {
        &self.inner
    }

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> Opened<'a> {
        Box::pin(async move {
            let (inner, kept) = (self.inner.clone(), Kept::of(call, ciphertext));
            let (done, opened) = oneshot::channel();
            tokio::task::spawn_local(async move {
                let _ = done.send(kept.make(&inner).await);
            });
            opened.await.expect("the task ends with an answer")
        })
    }
}

/// Tries every failure fifty times.
pub(crate) fn storms(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    Arc::new(Spoilt(Storms { inner }))
}

#[derive(Debug)]
struct Storms {
    inner: Arc<dyn Kms>,
}

impl Bug for Storms {
    fn inner(&self) -> &Arc<dyn Kms> {
        &self.inner
    }

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> Opened<'a> {
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

/// Calls with the credentials of its first call for ever.
pub(crate) fn keeps_credentials(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    Arc::new(Spoilt(Keeps { inner, what: Habit::Credentials, first: Mutex::default() }))
}

/// Calls in the region of its first call for ever.
pub(crate) fn keeps_region(inner: Arc<dyn Kms>) -> Arc<dyn Kms> {
    Arc::new(Spoilt(Keeps { inner, what: Habit::Region, first: Mutex::default() }))
}

#[derive(Clone, Copy, Debug)]
enum Habit {
    Credentials,
    Region,
}

#[derive(Debug)]
struct Keeps {
    inner: Arc<dyn Kms>,
    what: Habit,
    first: Mutex<Option<Kept>>,
}

impl Bug for Keeps {
    fn inner(&self) -> &Arc<dyn Kms> {
        &self.inner
    }

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> Opened<'a> {
        Box::pin(async move {
            let first = lock(&self.first).get_or_insert_with(|| Kept::of(call, ciphertext)).clone();
            let call = match self.what {
                Habit::Credentials => Call { credentials: &first.credentials, ..call },
                Habit::Region => Call { region: first.region.as_deref(), ..call },
            };
            self.inner.unwrap(call, ciphertext).await
        })
    }
}

/// A call that outlives whoever made it.
#[derive(Clone, Debug)]
struct Kept {
    key_id: String,
    credentials: Credentials,
    cmk: String,
    region: Option<String>,
    context: BTreeMap<String, String>,
    ciphertext: Vec<u8>,
}

impl Kept {
    fn of(call: Call<'_>, ciphertext: &[u8]) -> Self {
        Kept {
            key_id: call.key_id.to_owned(),
            credentials: call.credentials.clone(),
            cmk: call.cmk.to_owned(),
            region: call.region.map(str::to_owned),
            context: call.context.clone(),
            ciphertext: ciphertext.to_vec(),
        }
    }

    async fn make(&self, inner: &Arc<dyn Kms>) -> Result<Secret, KmsError> {
        let call = Call {
            key_id: &self.key_id,
            credentials: &self.credentials,
            cmk: &self.cmk,
            region: self.region.as_deref(),
            context: &self.context,
        };
        inner.unwrap(call, &self.ciphertext).await
    }
}
