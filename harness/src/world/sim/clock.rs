//! Wall clocks of a run: a fixed date at the start, turmoil's time on top, and what `pass` has skipped. The machine's
//! clock may be off by what `skew` says; everybody else's is right.
//!
//! Invariant: `pass` moves wall clocks only (credentials, certificates, deletion dates); timers do not notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use kmip_proxy::env::Clock;

/// When every run begins: 2026-11-22 00:00:00 UTC.
pub(crate) const EPOCH: Duration = Duration::from_secs(1_795_305_600);

/// The wall clock that all hosts of a run share. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct WallClock {
    /// What `pass` has skipped, in milliseconds.
    skipped: Arc<AtomicU64>,
    /// The driver's time in nanoseconds, for what happens between the hosts' turns.
    driver: Arc<AtomicU64>,
}

impl WallClock {
    /// Simulated time since the start of the run, as timers feel it.
    pub(crate) fn elapsed(&self) -> Duration {
        turmoil::sim_elapsed().unwrap_or_else(|| Duration::from_nanos(self.driver.load(Ordering::Relaxed)))
    }

    /// Skips time.
    pub(crate) fn pass(&self, time: Duration) {
        self.skipped.fetch_add(time.as_millis() as u64, Ordering::Relaxed);
    }

    /// Tells the time of the driver, which is no host.
    pub(crate) fn drive(&self, elapsed: Duration) {
        self.driver.store(elapsed.as_nanos() as u64, Ordering::Relaxed);
    }

    /// The wall time at a simulated time, if no more time is skipped.
    pub(crate) fn at(&self, elapsed: Duration) -> SystemTime {
        SystemTime::UNIX_EPOCH + EPOCH + elapsed + Duration::from_millis(self.skipped.load(Ordering::Relaxed))
    }
}

/// The clock of the machine on which mongod and the proxy run. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct MachineClock {
    wall: WallClock,
    /// How far it is ahead of the true time, in milliseconds; negative where it is behind.
    ahead: Arc<AtomicI64>,
}

impl MachineClock {
    /// A clock that is right, until it is skewed.
    pub(crate) fn new(wall: WallClock) -> Self {
        MachineClock { wall, ahead: Arc::default() }
    }

    /// Sets it ahead of the true time, or behind.
    pub(crate) fn skew(&self, ahead: bool, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.ahead.store(if ahead { by } else { -by }, Ordering::Relaxed);
    }
}

impl Clock for MachineClock {
    fn now(&self) -> SystemTime {
        let ahead = self.ahead.load(Ordering::Relaxed);
        let by = Duration::from_millis(ahead.unsigned_abs());
        if ahead < 0 { self.wall.now() - by } else { self.wall.now() + by }
    }
}

impl Clock for WallClock {
    fn now(&self) -> SystemTime {
        self.at(self.elapsed())
    }
}
