//! The end of a log that several recorders wrote, each with its own moments: brought into the order of time.
//!
//! Where programs are real, the laboratory hears of what happened on a host after it has happened, and of two hosts in
//! any order. In order of work: events are sorted by their time, those of one moment stay as they were recorded, they
//! are numbered anew, and both digests are made over that order.
//!
//! Invariant: nothing is added, dropped or changed but the order and the numbers.

use super::{Digests, Event, Trace};

/// A log in the order of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InOrder {
    /// Every event.
    pub events: Vec<Event>,
    /// `sha256:…` over every event with its time. Bytes and what was struck out of an event have no part in it.
    pub digest: String,
    /// `sha256:…` over operations and outcomes.
    pub semantic_digest: String,
}

impl Trace {
    /// Takes everything out in the order of time: the end of a run that several have recorded.
    pub fn take_in_order(&self) -> InOrder {
        let mut events = self.take();
        events.sort_by_key(|event| event.at);
        let (mut digests, mut written) = (Digests::default(), Vec::new());
        for (ordinal, event) in (0..).zip(&mut events) {
            event.ordinal = ordinal;
            digests.add(event.at, &event.host, &event.what, &mut written, &[]);
        }
        InOrder { events, digest: digests.chain(), semantic_digest: digests.semantic() }
    }
}
