//! The time of a run with real programs. It goes as real time does, skips what the scenario file only waits for, and
//! stands while a program is loaded, which is no part of any scenario.
//!
//! Every moment of a trace is counted so, and a file's own times hold: what fires at 30s in the file is found at 30s in
//! the story, however long the programs really ran. Programs are never told of a skip or a stand; both happen while
//! nothing is under way between them.
//!
//! Invariant: it never goes back, and a moment that was told late (by a program that writes down its own dates) is
//! counted as time went then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::world::clock::WallClock;

/// The time of a run. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Stopwatch {
    real: WallClock,
    marks: Arc<Mutex<Vec<Mark>>>,
}

/// How time goes from a moment on.
#[derive(Clone, Copy, Debug)]
struct Mark {
    /// Real time since the start.
    real: Duration,
    /// The time of the run then.
    moment: Duration,
    /// Whether it goes on from there.
    goes: bool,
}

/// Time stands until this is dropped.
#[derive(Debug)]
pub(crate) struct Stand(Stopwatch);

impl Stopwatch {
    /// Begins now.
    pub(crate) fn new() -> Self {
        Stopwatch { real: WallClock::real(), marks: Arc::default() }
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

    /// The time of the run.
    pub(crate) fn now(&self) -> Duration {
        let marks = self.lock();
        moment(&marks, self.real.elapsed())
    }

    /// The moment of a date, as a program of this machine has written it down.
    pub(crate) fn moment(&self, date: SystemTime) -> Duration {
        moment(&self.lock(), date.duration_since(self.start()).unwrap_or_default())
    }

    /// Skips to a moment, if it is still to come. Returns how much was skipped.
    pub(crate) fn skip_to(&self, to: Duration) -> Duration {
        let mut marks = self.lock();
        let real = self.real.elapsed();
        let skipped = to.saturating_sub(moment(&marks, real));
        if !skipped.is_zero() {
            marks.push(Mark { real, moment: to, goes: true });
        }
        skipped
    }

    /// Lets time stand for as long as what is returned is held.
    #[must_use]
    pub(crate) fn stand(&self) -> Stand {
        self.mark(false);
        Stand(self.clone())
    }

    fn mark(&self, goes: bool) {
        let mut marks = self.lock();
        let real = self.real.elapsed();
        let moment = moment(&marks, real);
        marks.push(Mark { real, moment, goes });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Mark>> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.0.mark(true);
    }
}

/// The time of the run after so much real time.
fn moment(marks: &[Mark], real: Duration) -> Duration {
    let before = marks.iter().rev().find(|mark| mark.real <= real);
    before.map_or(real, |mark| mark.moment + if mark.goes { real - mark.real } else { Duration::ZERO })
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

    #[test]
    fn while_it_stands_no_moment_is_later_than_another_and_it_goes_on_from_there() {
        let watch = Stopwatch::new();
        watch.skip_to(Duration::from_secs(60));
        let stand = watch.stand();
        let (stood, date) = (watch.now(), watch.date());
        // As long as the clock of this machine needs to be told apart.
        while watch.date() == date {
            std::hint::spin_loop();
        }
        assert_eq!(watch.now(), stood);
        let within = watch.date();
        drop(stand);
        assert!(watch.now() >= stood);
        assert_eq!(watch.moment(within), stood, "also when it is told late");
        assert!(watch.moment(watch.date() + Duration::from_secs(9)) >= stood + Duration::from_secs(9));
        assert!(watch.now() < watch.real() + Duration::from_secs(60), "what it stood is not counted");
    }
}
