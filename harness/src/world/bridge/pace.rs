//! How fast a simulation goes that real programs take part in.
//!
//! While a real client has a connection, every step takes as long as the time that it simulates, so that both sides
//! measure the same. While the client is at work by itself, the simulation stands: what a program needs for loading and
//! computing is no part of the scenario. While nobody real is waiting for anything, the simulation runs ahead.
//!
//! Invariant: simulated time never lags behind because somebody was patient, and a wait always has an end.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a cell may take.
pub(super) const CELL: Duration = Duration::from_secs(60);

/// How long the simulation stands for a client that says nothing. After that time flows, as a client that sleeps wants.
const STANDS: Duration = Duration::from_secs(20);

/// How far the simulation may be behind the clock on the wall before it gives that up: a burst of steps to catch up with
/// an hour of sleep would be no fair pace.
const BEHIND: Duration = Duration::from_millis(250);

/// What the real side is doing. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Pulse(Arc<(Mutex<State>, Condvar)>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    /// Connections of real clients that stand.
    connections: usize,
    /// What was said and has not been heard inside.
    unheard: usize,
    /// Whether the client has an order that it has not answered.
    busy: bool,
    /// Which start of the client it is. What those before it still say is nobody's to hear.
    start: u64,
}

/// What the next step has to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nothing: nobody real is waiting.
    Ahead,
    /// The clock on the wall.
    Paced,
    /// The client.
    Stands,
}

impl Pulse {
    /// A connection stands, or is no more.
    pub(super) fn connected(&self, more: bool) {
        self.change(|state| {
            state.connections = if more { state.connections + 1 } else { state.connections.saturating_sub(1) };
        });
    }

    /// The client is started. Comes to the number of the start.
    pub(super) fn begin(&self) -> u64 {
        self.nobody();
        self.lock().start
    }

    /// Something was said in a start, or was heard inside.
    pub(super) fn said(&self, start: u64) {
        self.change(|state| state.unheard += usize::from(state.start == start));
    }

    pub(super) fn heard(&self, start: u64) {
        self.change(|state| state.unheard = state.unheard.saturating_sub(usize::from(state.start == start)));
    }

    /// The client has something to do, or has done it.
    pub(super) fn busy(&self, busy: bool) {
        self.change(|state| state.busy = busy);
    }

    /// A process is no more, and with it whatever it was at.
    pub(super) fn nobody(&self) {
        self.change(|state| (state.busy, state.unheard, state.start) = (false, 0, state.start + 1));
    }

    fn mode(state: State) -> Mode {
        match state {
            State { connections: 1.., .. } => Mode::Paced,
            State { unheard: 1.., .. } => Mode::Ahead,
            State { busy: true, .. } => Mode::Stands,
            State { .. } => Mode::Ahead,
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.0.1.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The clock on the wall, as far as a pace needs it.
pub(super) trait Wall {
    /// The time since it was looked at first.
    fn now(&self) -> Duration;

    /// Waits until that time.
    fn sleep_until(&self, until: Duration);

    /// Waits until the real side does something else than stand, or that much time has passed.
    fn wait_for(&self, pulse: &Pulse, at_most: Duration);
}

/// The operating system's.
#[derive(Debug)]
pub(super) struct OnTheWall(Instant);

impl OnTheWall {
    #[expect(clippy::disallowed_methods, reason = "real clients have real time")]
    pub(super) fn new() -> Self {
        OnTheWall(Instant::now())
    }
}

impl Wall for OnTheWall {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "a simulation that keeps pace with real clients has to wait")]
    fn sleep_until(&self, until: Duration) {
        std::thread::sleep(until.saturating_sub(self.now()));
    }

    fn wait_for(&self, pulse: &Pulse, at_most: Duration) {
        let stands = |state: &mut State| Pulse::mode(*state) == Mode::Stands;
        let waited = pulse.0.1.wait_timeout_while(pulse.lock(), at_most, stands);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

/// Keeps the pace of one cell.
#[derive(Debug)]
pub(super) struct Pace<W> {
    pulse: Pulse,
    wall: W,
    tick: Duration,
    /// When the next paced step is due, if the last one was paced.
    due: Option<Duration>,
    /// Since when the simulation stands.
    standing: Option<Duration>,
}

impl<W: Wall> Pace<W> {
    pub(super) fn new(pulse: Pulse, wall: W, tick: Duration) -> Self {
        Pace { pulse, wall, tick, due: None, standing: None }
    }

    /// Waits for as long as the next step has to wait. The error is that the cell has taken too long.
    pub(super) fn wait(&mut self) -> Result<(), String> {
        loop {
            let now = self.wall.now();
            if now > CELL {
                return Err(format!("not over after {} s by the clock on the wall", CELL.as_secs()));
            }
            let state = *self.pulse.lock();
            let mut mode = Pulse::mode(state);
            if mode == Mode::Stands {
                let since = *self.standing.get_or_insert(now);
                if now < since + STANDS {
                    self.due = None;
                    self.wall.wait_for(&self.pulse, since + STANDS - now);
                    continue;
                }
                // It sleeps, or it waits for something that only time brings.
                mode = Mode::Paced;
            } else {
                self.standing = None;
            }
            if mode == Mode::Ahead {
                self.due = None;
                return Ok(());
            }
            let due = self.due.unwrap_or(now).max(now.saturating_sub(BEHIND));
            self.wall.sleep_until(due);
            self.due = Some(due + self.tick);
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// A clock that goes on only when somebody waits, and tells for what.
    struct Hand {
        now: Cell<Duration>,
        slept: Cell<Duration>,
        stood: Cell<Duration>,
        /// What the client does when the simulation stands for it.
        wakes: Option<fn(&Pulse)>,
    }

    impl Wall for &Hand {
        fn now(&self) -> Duration {
            self.now.get()
        }

        fn sleep_until(&self, until: Duration) {
            let by = until.saturating_sub(self.now.get());
            self.now.set(self.now.get() + by);
            self.slept.set(self.slept.get() + by);
        }

        fn wait_for(&self, pulse: &Pulse, at_most: Duration) {
            let by = if self.wakes.is_some() { Duration::from_millis(700) } else { at_most };
            self.now.set(self.now.get() + by);
            self.stood.set(self.stood.get() + by);
            self.wakes.iter().for_each(|wake| wake(pulse));
        }
    }

    const TICK: Duration = Duration::from_millis(1);

    fn hand(wakes: Option<fn(&Pulse)>) -> Hand {
        Hand { now: Cell::default(), slept: Cell::default(), stood: Cell::default(), wakes }
    }

    fn steps(pace: &mut Pace<&Hand>, count: u32) {
        for _ in 0..count {
            pace.wait().unwrap();
        }
    }

    #[test]
    fn nobody_waits_while_nobody_real_does() {
        let hand = hand(None);
        steps(&mut Pace::new(Pulse::default(), &hand, TICK), 100_000);
        assert_eq!((hand.slept.get(), hand.stood.get()), (Duration::ZERO, Duration::ZERO));
    }

    #[test]
    fn while_a_client_is_connected_a_step_takes_what_it_simulates() {
        let (hand, pulse) = (hand(None), Pulse::default());
        let mut pace = Pace::new(pulse.clone(), &hand, TICK);
        pulse.connected(true);
        // The first step is due at once.
        steps(&mut pace, 501);
        assert_eq!(hand.now.get(), Duration::from_millis(500));
        pulse.connected(false);
        steps(&mut pace, 500);
        assert_eq!(hand.now.get(), Duration::from_millis(500), "it runs ahead again");
        pulse.connected(true);
        steps(&mut pace, 11);
        assert_eq!(hand.now.get(), Duration::from_millis(510), "and nothing is made up for");
    }

    #[test]
    fn a_simulation_that_fell_behind_catches_up_by_a_little_and_no_more() {
        let (hand, pulse) = (hand(None), Pulse::default());
        let mut pace = Pace::new(pulse.clone(), &hand, TICK);
        pulse.connected(true);
        steps(&mut pace, 1);
        hand.now.set(Duration::from_secs(10));
        steps(&mut pace, 251);
        assert_eq!(hand.slept.get(), Duration::ZERO, "a quarter of a second of steps at once");
        steps(&mut pace, 20);
        assert_eq!(hand.slept.get(), Duration::from_millis(20), "and then the pace of the wall");
    }

    #[test]
    fn the_simulation_stands_for_a_client_at_work_until_it_connects() {
        let (hand, pulse) = (hand(Some(|pulse| pulse.connected(true))), Pulse::default());
        let mut pace = Pace::new(pulse.clone(), &hand, TICK);
        pulse.busy(true);
        steps(&mut pace, 3);
        assert_eq!(hand.stood.get(), Duration::from_millis(700));
        assert_eq!(hand.slept.get(), 2 * TICK, "then it goes at the client's pace");
        // Its answer is to be heard at once.
        pulse.connected(false);
        pulse.said(0);
        steps(&mut pace, 5);
        assert_eq!(hand.now.get(), Duration::from_millis(702));
    }

    #[test]
    fn the_last_words_of_an_earlier_start_let_nothing_run_ahead() {
        let (hand, pulse) = (hand(Some(|pulse| pulse.connected(true))), Pulse::default());
        let mut pace = Pace::new(pulse.clone(), &hand, TICK);
        let before = pulse.begin();
        pulse.said(before);
        let now = pulse.begin();
        // Its process is gone, and the thread that hears it says so only now.
        pulse.said(before);
        pulse.busy(true);
        steps(&mut pace, 1);
        assert_eq!(hand.stood.get(), Duration::from_millis(700), "it stands for the one that is there");
        pulse.connected(false);
        pulse.said(now);
        pulse.heard(before);
        steps(&mut pace, 1);
        assert_eq!(hand.stood.get(), Duration::from_millis(700), "what was said now is still to be heard");
    }

    #[test]
    fn a_client_that_sleeps_is_given_time_after_a_while() {
        let (hand, pulse) = (hand(None), Pulse::default());
        let mut pace = Pace::new(pulse.clone(), &hand, TICK);
        pulse.busy(true);
        steps(&mut pace, 1001);
        assert_eq!(hand.stood.get(), STANDS);
        assert_eq!(hand.slept.get(), Duration::from_secs(1));
    }

    #[test]
    fn a_cell_has_an_end_whatever_its_client_does() {
        let (hand, pulse) = (hand(None), Pulse::default());
        let mut pace = Pace::new(pulse.clone(), &hand, Duration::from_secs(1));
        pulse.busy(true);
        let error = (0..100).find_map(|_| pace.wait().err()).unwrap();
        assert_eq!(error, "not over after 60 s by the clock on the wall");
        pulse.nobody();
        assert!(pace.wait().is_err(), "and does not begin anew");
    }
}
