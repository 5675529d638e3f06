//! Places for connections: so many at the same time, and when all are taken, whoever has kept the server waiting longest
//! gives its place up.
//!
//! A connection is silent while the server waits for its client: for a handshake, for a request to begin or to arrive
//! whole, for an answer to be read. It is not while an answer is made. Who has not shaken hands goes before all others,
//! because anybody can connect, and whose answer is on its way goes last.
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

/// Why a connection is silent, in the order in which such connections give way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Silence {
    /// The client has not shaken hands: it may be anybody.
    Handshake,
    /// The client has no request, or not all of it.
    Request,
    /// The client has not read its answer.
    Answer,
}

/// When somebody fell silent, and why.
type Turn = (Silence, u64);

/// Who is silent, the next to give way first.
#[derive(Default)]
struct Silent {
    next: u64,
    since: BTreeMap<Turn, Arc<Notify>>,
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
                lock(&self.silent).make_room();
                self.free.clone().acquire_owned().await.expect("the semaphore is never closed")
            }
        };
        let gives_way = Arc::new(Notify::new());
        let mut silent = lock(&self.silent);
        silent.wanted = false;
        // It is on the list before its task runs, or a burst of strangers would find only others to drive out.
        let entered = silent.enter(Silence::Handshake, &gives_way).map(|turn| (turn, gives_way));
        Place { silent: self.silent.clone(), entered: Mutex::new(entered), _slot: slot }
    }

    /// Waits until all places are free.
    pub(super) async fn all_free(&self) {
        // It cannot fail: the semaphore is never closed.
        let _ = self.free.acquire_many(self.all).await;
    }
}

/// One connection's place.
pub(super) struct Place {
    silent: Arc<Mutex<Silent>>,
    /// Its turn from when the place was taken, until the first wait.
    entered: Mutex<Option<(Turn, Arc<Notify>)>>,
    _slot: OwnedSemaphorePermit,
}

impl Place {
    /// Waits for the client; `None` where the place is needed for somebody else.
    pub(super) async fn silently<T>(&self, silence: Silence, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let entered = lock(&self.entered).take();
        let (turn, gives_way) = match entered {
            Some(entered) => entered,
            None => {
                // What can be done at once needs no waiting, and an answer that is ready goes out.
                if let Poll::Ready(done) = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
                    return Some(done);
                }
                let gives_way = Arc::new(Notify::new());
                (lock(&self.silent).enter(silence, &gives_way)?, gives_way)
            }
        };
        let _registered = Registered { silent: &self.silent, turn };
        let mut gives_way = pin!(gives_way.notified());
        let done = poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => gives_way.as_mut().poll(context).map(|()| None),
        })
        .await;
        let mut silent = lock(&self.silent);
        if done.is_some() && silent.since.remove(&turn).is_none() {
            // It was asked to give way at the moment at which its client spoke. Somebody else must.
            silent.make_room();
        }
        done
    }
}

impl Silent {
    /// A turn on the list; none where somebody waits for the next one who falls silent. An answer on its way is finished.
    fn enter(&mut self, silence: Silence, gives_way: &Arc<Notify>) -> Option<Turn> {
        if silence != Silence::Answer && std::mem::take(&mut self.wanted) {
            return None;
        }
        self.next += 1;
        let turn = (silence, self.next);
        self.since.insert(turn, gives_way.clone());
        Some(turn)
    }

    /// Asks the next one on the list to give way, or whoever comes onto it next.
    fn make_room(&mut self) {
        match self.since.pop_first() {
            Some((_, gives_way)) => gives_way.notify_one(),
            None => self.wanted = true,
        }
    }
}

/// Takes a connection off the list when its silence is over, however it ends.
struct Registered<'p> {
    silent: &'p Mutex<Silent>,
    turn: Turn,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        lock(self.silent).since.remove(&self.turn);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((turn, _)) = lock(&self.entered).take() {
            lock(&self.silent).since.remove(&turn);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
