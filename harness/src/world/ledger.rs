//! The ledger of draws: how often each source of chance was drawn from, where a run is compared with another.
//!
//! Streams, crypto and network belong to the thread on which a run is played, and so does its ledger. Whoever draws
//! notes it here; the trace takes what was noted since the last event. The AWS SDK's generator notes nothing and is
//! counted by how far it has gone on; the simulated network tells of each message that it is given.
//!
//! Invariant: a ledger counts and changes nothing, so that a run with it has the digest of one without.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Debug;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, Subscriber};
use tracing::{Event, Metadata};

use crate::trace::{Kept, Played, Stream, Trace};

/// How many draws of the SDK's generator are counted between two events; what was drawn more often is seeded anew.
const MOST: u64 = 10_000;

thread_local! {
    /// Whether this thread plays a run that is compared; what is asked before anything else.
    static OPEN: Cell<bool> = const { Cell::new(false) };
    static LEDGER: RefCell<Ledger> = const { RefCell::new(Ledger::new()) };
}

struct Ledger {
    drawn: BTreeMap<Stream, u64>,
    /// The state of the SDK's generator when it was last looked at.
    sdk: u64,
    trace: Option<Trace>,
}

impl Ledger {
    const fn new() -> Self {
        Ledger { drawn: BTreeMap::new(), sdk: 0, trace: None }
    }
}

/// Notes that a stream was drawn from. Where nothing is compared, this asks one flag.
pub(crate) fn note(stream: impl FnOnce() -> Stream) {
    if OPEN.get() {
        LEDGER.with_borrow_mut(|ledger| *ledger.drawn.entry(stream()).or_default() += 1);
    }
}

/// Lets the trace of a run keep evidence, if this thread plays one that is compared. The SDK's generator is seeded.
pub(crate) fn attach(trace: &Trace) {
    if !OPEN.get() {
        return;
    }
    trace.keep(taken);
    LEDGER.with_borrow_mut(|ledger| {
        ledger.sdk = fastrand::get_seed();
        ledger.trace = Some(trace.clone());
    });
}

/// Plays a run with a ledger, and hands it over with its evidence.
pub(crate) fn kept(play: impl FnOnce() -> Played) -> Kept {
    let _open = Open::new();
    let played = tracing::subscriber::with_default(Messages, play);
    let trace = LEDGER.with_borrow_mut(|ledger| ledger.trace.take());
    Kept::new(played, trace.map(|trace| trace.take_evidence()).unwrap_or_default())
}

/// An open ledger; closed when the run is over, also by a panic.
struct Open;

impl Open {
    fn new() -> Self {
        LEDGER.set(Ledger::new());
        OPEN.set(true);
        Open
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        OPEN.set(false);
        LEDGER.set(Ledger::new());
    }
}

/// What was drawn since this was last asked.
fn taken() -> Vec<(Stream, u64)> {
    LEDGER.with_borrow_mut(|ledger| {
        let now = fastrand::get_seed();
        if now != ledger.sdk {
            ledger.drawn.insert(Stream::Sdk, steps(ledger.sdk, now));
            ledger.sdk = now;
        }
        std::mem::take(&mut ledger.drawn).into_iter().collect()
    })
}

/// How many draws lie between two states of the SDK's generator.
fn steps(from: u64, to: u64) -> u64 {
    let mut generator = fastrand::Rng::with_seed(from);
    let mut steps = 0;
    while generator.get_seed() != to && steps < MOST {
        generator.u64(..);
        steps += 1;
    }
    steps
}

/// Counts the messages that turmoil's network is given: it draws a latency for each, from a generator of its own.
struct Messages;

impl Messages {
    /// Messages are the only events of turmoil that have a protocol.
    fn wants(metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target() == "turmoil" && metadata.fields().field("protocol").is_some()
    }
}

impl Subscriber for Messages {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if Self::wants(metadata) { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        Self::wants(metadata)
    }

    fn event(&self, event: &Event<'_>) {
        let mut sent = Sent(false);
        event.record(&mut sent);
        if sent.0 {
            note(|| Stream::Latency);
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Whether a message is given to the network; others are being delivered, held, or dropped.
struct Sent(bool);

impl Visit for Sent {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}") == "Send";
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_of_the_generator_are_counted() {
        let mut generator = fastrand::Rng::with_seed(7);
        generator.u32(..);
        generator.f64();
        generator.u64(..);
        assert_eq!(steps(7, generator.get_seed()), 3);
        assert_eq!(steps(7, 7), 0);
    }

    #[test]
    fn nothing_is_noted_where_nothing_is_compared() {
        note(|| unreachable!("nobody asks for the stream"));
    }
}
