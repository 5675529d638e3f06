//! Wall clocks of a run: a date at the start, the time since then on top, and what `pass` has skipped. The machine's
//! clock may be off by what `skew` says; everybody else's is right.
//!
//! In a simulation the time since the start is turmoil's, and the date is fixed. Where sockets are real, the date is
//! today's; where programs are real, so is the time.
//!
//! Invariant: `pass` moves wall clocks only (credentials, certificates, deletion dates); timers do not notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use kmip_proxy::env::Clock;

/// When every simulated run begins: 2026-11-22 00:00:00 UTC.
pub(crate) const EPOCH: Duration = Duration::from_secs(1_795_305_600);

/// How long two looks at clocks may take to count as one.
const AT_ONCE: Duration = Duration::from_millis(1);

/// The wall clock that all hosts of a run share. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct WallClock {
    /// The date at the start, counted from the Unix epoch.
    start: Duration,
    /// What `pass` has skipped, in milliseconds.
    skipped: Arc<AtomicU64>,
    since: Since,
}

/// Where the time since the start comes from.
#[derive(Clone, Debug)]
enum Since {
    /// turmoil, and, for what happens between the hosts' turns, the driver's time in nanoseconds.
    Simulated(Arc<AtomicU64>),
    /// The operating system.
    Real(Instant),
}

impl Default for WallClock {
    fn default() -> Self {
        WallClock::simulated(EPOCH)
    }
}

impl WallClock {
    /// A clock on turmoil's time, with this date at the start.
    pub(crate) fn simulated(start: Duration) -> Self {
        WallClock { start, skipped: Arc::default(), since: Since::Simulated(Arc::default()) }
    }

    /// A clock that goes as the operating system's does.
    #[expect(clippy::disallowed_methods, reason = "where programs are real, so is the time")]
    pub(crate) fn real() -> Self {
        // Both clocks at one moment: whoever is interrupted between the two looks asks again.
        let (began, date) = loop {
            let began = Instant::now();
            let date = SystemTime::now();
            if began.elapsed() < AT_ONCE {
                break (began, date);
            }
        };
        let start = date.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(EPOCH);
        WallClock { start, skipped: Arc::default(), since: Since::Real(began) }
    }

    /// The date at the start of the run.
    pub(crate) fn start(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.start
    }

    /// Time since the start of the run, as timers feel it.
    pub(crate) fn elapsed(&self) -> Duration {
        match &self.since {
            Since::Simulated(driver) => {
                turmoil::sim_elapsed().unwrap_or_else(|| Duration::from_nanos(driver.load(Ordering::Relaxed)))
            }
            Since::Real(start) => start.elapsed(),
        }
    }

    /// Skips time.
    pub(crate) fn pass(&self, time: Duration) {
        self.skipped.fetch_add(time.as_millis() as u64, Ordering::Relaxed);
    }

    /// Tells the time of the driver, which is no host.
    pub(crate) fn drive(&self, elapsed: Duration) {
        if let Since::Simulated(driver) = &self.since {
            driver.store(elapsed.as_nanos() as u64, Ordering::Relaxed);
        }
    }

    /// The wall time at a simulated time, if no more time is skipped.
    pub(crate) fn at(&self, elapsed: Duration) -> SystemTime {
        self.start() + elapsed + Duration::from_millis(self.skipped.load(Ordering::Relaxed))
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
