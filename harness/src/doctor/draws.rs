//! The ledgers of two runs: the first draw that only one of them made.

use std::collections::BTreeMap;

use crate::trace::{Entry, Stream};

/// A stream that was drawn from more often in one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draws {
    /// The stream.
    pub stream: Stream,
    /// How often each run had drawn from it by then.
    pub times: [u64; 2],
    /// The index of the event before which that was.
    pub before: usize,
}

/// The streams that the runs had drawn from unequally often, at the first event up to `last` before which they had.
pub(super) fn unequal(one: &[Entry], other: &[Entry], last: usize) -> Vec<Draws> {
    let mut counts: BTreeMap<&Stream, [u64; 2]> = BTreeMap::new();
    for before in 0..=last {
        for (side, log) in [one, other].into_iter().enumerate() {
            for (stream, times) in log.get(before).iter().flat_map(|entry| &entry.evidence.drawn) {
                counts.entry(stream).or_default()[side] += times;
            }
        }
        let unequal: Vec<Draws> = counts
            .iter()
            .filter(|(_, [one, other])| one != other)
            .map(|(stream, times)| Draws { stream: (*stream).clone(), times: *times, before })
            .collect();
        if !unequal.is_empty() {
            return unequal;
        }
    }
    Vec::new()
}
