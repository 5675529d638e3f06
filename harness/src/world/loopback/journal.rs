//! Where relay and front note what happens: the trace of a run, or whoever watches a cloud that stands alone.
//!
//! Invariant: every connection that was noted as open is noted as closed, however it ends.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::trace::{Trace, What};

/// On whose side connections to a cloud are noted: the one that has made them.
const CALLER: &str = "proxy";

/// Somebody who watches: by host, what happened there.
type Watcher = Arc<dyn Fn(&str, &What) + Send + Sync>;

/// Where events go. Cheap to clone.
#[derive(Clone)]
pub struct Journal(Kind);

#[derive(Clone)]
enum Kind {
    Trace(Trace),
    Watcher(Watcher),
}

impl Journal {
    /// Tells somebody, and keeps nothing.
    pub fn watched(watcher: impl Fn(&str, &What) + Send + Sync + 'static) -> Self {
        Journal(Kind::Watcher(Arc::new(watcher)))
    }

    /// Notes that something happened on a host.
    pub(super) fn note(&self, host: &str, what: What) {
        match &self.0 {
            Kind::Trace(trace) => trace.record(host, what),
            Kind::Watcher(watcher) => watcher(host, &what),
        }
    }

    /// Notes a connection that has come in, under the address that the caller would name in a simulation.
    pub(super) fn open(&self, to: SocketAddr, service: &str, private: bool) -> Open {
        let connection = match &self.0 {
            Kind::Trace(trace) => trace.next_connection(),
            Kind::Watcher(_) => 0,
        };
        let service = service.to_owned();
        self.note(CALLER, What::Connect { connection, to: to.to_string(), service, private, error: None });
        Open { journal: self.clone(), connection }
    }
}

impl From<Trace> for Journal {
    fn from(trace: Trace) -> Self {
        Journal(Kind::Trace(trace))
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Journal(..)")
    }
}

/// A connection that is open until this is dropped.
pub(super) struct Open {
    journal: Journal,
    connection: u64,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.journal.note(CALLER, What::Close { connection: self.connection });
    }
}
