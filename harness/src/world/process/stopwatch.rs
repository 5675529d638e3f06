//! The time of a run with real programs. It goes as real time does, and skips what the scenario file only waits for.
//!
//! Every moment of a trace is counted so, and a file's own times hold: what fires at 30s in the file is found at 30s in
//! the story, however long the programs really ran. Programs are never told of a skip; it happens while nothing is under
//! way between them.
//!
//! Invariant: it never goes back, and a moment that was told late (by a program that writes down its own dates) is
//! counted with the skips of its own time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::world::clock::WallClock;

/// The time of a run. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Stopwatch {
    real: WallClock,
    skips: Arc<Mutex<Vec<Skip>>>,
}

/// From a moment on so much has been skipped in all.
#[derive(Clone, Copy, Debug)]
struct Skip {
    /// Real time since the start.
    at: Duration,
    total: Duration,
}

impl Stopwatch {
    /// Begins now.
    pub(crate) fn new() -> Self {
        Stopwatch { real: WallClock::real(), skips: Arc::default() }
    }

    /// The date at the start.
    pub(crate) fn start(&self) -> SystemTime {
        self.real.start()
    }

    /// Real time since the start.
    pub(crate) fn real(&self) -> Duration {
        self.real.elapsed()
    }

    /// The real date now.
    pub(crate) fn date(&self) -> SystemTime {
        self.start() + self.real()
    }

    /// Time since the start of the run, with what was skipped.
    pub(crate) fn now(&self) -> Duration {
        let skips = self.lock();
        self.real.elapsed() + skips.last().map_or(Duration::ZERO, |skip| skip.total)
    }

    /// The moment of a date, as a program of this machine has written it down.
    pub(crate) fn moment(&self, date: SystemTime) -> Duration {
        let real = date.duration_since(self.start()).unwrap_or_default();
        let skips = self.lock();
        let before = skips.iter().rev().find(|skip| skip.at <= real);
        real + before.map_or(Duration::ZERO, |skip| skip.total)
    }

    /// Skips to a moment, if it is still to come. Returns how much was skipped.
    pub(crate) fn skip_to(&self, moment: Duration) -> Duration {
        let mut skips = self.lock();
        let real = self.real.elapsed();
        let before = skips.last().map_or(Duration::ZERO, |skip| skip.total);
        let skipped = moment.saturating_sub(real + before);
        if !skipped.is_zero() {
            skips.push(Skip { at: real, total: before + skipped });
        }
        skipped
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Skip>> {
        self.skips.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_is_for_what_comes_after_it_also_where_that_is_told_late() {
        let watch = Stopwatch::new();
        let before = watch.start() + watch.real();
        let minute = Duration::from_secs(60);
        watch.skip_to(minute);
        assert!(watch.now() >= minute);
        assert!(watch.moment(before) < minute, "it was before the skip");
        assert!(watch.moment(watch.start() + watch.real()) >= minute);
        assert_eq!(watch.skip_to(Duration::from_secs(30)), Duration::ZERO, "it is past");
        assert!(watch.now() < minute + minute);
    }
}
