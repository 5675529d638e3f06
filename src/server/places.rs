//! Places for connections: so many at the same time, and when all are taken, whoever has kept the server waiting longest
//! gives its place up.
//!
//! A connection is silent while the server waits for its client: for a handshake, for a request to begin or to arrive
//! whole, for an answer to be read. It is not while an answer is made.
//!
//! Invariant: nobody loses a place while an answer is made for them, and a thousand silent clients keep nobody out.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// All places of a server.
pub(super) struct Places {
    free: Arc<Semaphore>,
    all: u32,
    silent: Arc<Mutex<Silent>>,
}

/// Who is silent, the longest first.
#[derive(Default)]
struct Silent {
    next: u64,
    since: BTreeMap<u64, Arc<Notify>>,
    /// Whether somebody waits for a place, and nobody was silent when it was wanted.
    wanted: bool,
}

impl Places {
    pub(super) fn new(all: u32) -> Self {
        Places { free: Arc::new(Semaphore::new(all as usize)), all, silent: Arc::default() }
    }

    /// A place, at once or as soon as somebody gives one up.
    pub(super) async fn take(&self) -> Place {
        let slot = match self.free.clone().try_acquire_owned() {
            Ok(slot) => slot,
            Err(_) => {
                self.make_room();
                self.free.clone().acquire_owned().await.expect("the semaphore is never closed")
            }
        };
        lock(&self.silent).wanted = false;
        Place { silent: self.silent.clone(), _slot: slot }
    }

    /// Waits until all places are free.
    pub(super) async fn all_free(&self) {
        // It cannot fail: the semaphore is never closed.
        let _ = self.free.acquire_many(self.all).await;
    }

    fn make_room(&self) {
        let mut silent = lock(&self.silent);
        match silent.since.pop_first() {
            Some((_, gives_way)) => gives_way.notify_one(),
            None => silent.wanted = true,
        }
    }
}

/// One connection's place.
pub(super) struct Place {
    silent: Arc<Mutex<Silent>>,
    _slot: OwnedSemaphorePermit,
}

impl Place {
    /// Waits for the client; `None` where the place is needed for somebody else.
    pub(super) async fn silently<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        // What can be done at once needs no waiting, and an answer that is ready goes out.
        if let Poll::Ready(done) = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
            return Some(done);
        }
        let gives_way = Arc::new(Notify::new());
        let number = lock(&self.silent).enter(&gives_way)?;
        let _registered = Registered { silent: &self.silent, number };
        let mut gives_way = pin!(gives_way.notified());
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => gives_way.as_mut().poll(context).map(|()| None),
        })
        .await
    }
}

impl Silent {
    /// A number on the list; none where somebody waits for the next one who falls silent.
    fn enter(&mut self, gives_way: &Arc<Notify>) -> Option<u64> {
        if std::mem::take(&mut self.wanted) {
            return None;
        }
        self.next += 1;
        self.since.insert(self.next, gives_way.clone());
        Some(self.next)
    }
}

/// Takes a connection off the list when its silence is over, however it ends.
struct Registered<'p> {
    silent: &'p Mutex<Silent>,
    number: u64,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        lock(self.silent).since.remove(&self.number);
    }
}

fn lock(silent: &Mutex<Silent>) -> MutexGuard<'_, Silent> {
    silent.lock().unwrap_or_else(PoisonError::into_inner)
}
