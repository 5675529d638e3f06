//! Lanes with real programs: scenario by scenario, several side by side, within a time.
//!
//! Time is real here, so that one seed is enough: it draws identifiers and phases, and no latency.
//!
//! Invariant: every scenario that was selected has a cell for each peer, whatever came of it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{Plan, agreement, cell, empty, head};
use crate::checker;
use crate::report::{Cell, Verdict};
use crate::scenario::Scenario;
use crate::trace::{Lane, Played};
use crate::transcript::Compared;
use crate::world::{self, Attempt, Means, World};

/// How long a lane may take. What has not begun by then is inconclusive, and what has begun is played to its end.
const LANE: Duration = Duration::from_secs(4 * 60);

/// Plays all scenarios of a plan in a lane. Beside a cell stands how it compares with the simulation, if it was compared.
pub(super) fn play(plan: &Plan, lane: Lane, finished: &(dyn Fn(&Cell) + Sync)) -> Vec<(Cell, Option<Compared>)> {
    let world = match world::open(lane, &plan.means) {
        Ok(world) => world,
        Err(why) => {
            let not_run = |scenario| (without(scenario, lane, Verdict::NotRun, &why), None);
            return plan.scenarios.iter().map(not_run).collect();
        }
    };
    let of = |scenario| world.peers_for(scenario).into_iter().map(move |peer| (scenario, peer));
    let mut jobs: Vec<(&Scenario, String)> = plan.scenarios.iter().flat_map(of).collect();
    // Should the time be over before the end, then every file has been played, and by the first peer.
    let peers = world.peers();
    jobs.sort_by_key(|(scenario, peer)| {
        let provider = scenario.providers.iter().position(|provider| *provider == scenario.world.provider);
        (peers.iter().position(|other| other == peer), provider)
    });
    let (next, cells) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let last = deadline();
    thread::scope(|scope| {
        for _ in 0..world.side_by_side().clamp(1, jobs.len().max(1)) {
            scope.spawn(|| {
                while let Some((scenario, peer)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let late = is_over(last);
                    let (cell, compared) = one(plan, lane, &*world, scenario, peer, late);
                    finished(&cell);
                    cells.lock().expect("no worker panics while it holds the pile").push((cell, compared));
                }
            });
        }
    });
    cells.into_inner().expect("no worker panics while it holds the pile")
}

#[expect(clippy::disallowed_methods, reason = "real programs take real time, and a lane has only so much of it")]
fn deadline() -> Instant {
    Instant::now() + LANE
}

#[expect(clippy::disallowed_methods, reason = "see deadline")]
fn is_over(last: Instant) -> bool {
    Instant::now() >= last
}

fn one(
    plan: &Plan,
    lane: Lane,
    world: &dyn World,
    scenario: &Scenario,
    peer: &str,
    late: bool,
) -> (Cell, Option<Compared>) {
    let attempt = in_time(&plan.means, late, || world.play(scenario, peer, plan.seeds.first));
    let with = chosen(plan, lane, scenario);
    let reason = |verdict, why: String| {
        let mut cell = without(scenario, lane, verdict, &why);
        cell.peer = peer.to_owned();
        cell.replay += &with;
        (cell, None)
    };
    match attempt {
        Attempt::Played(played) => judged(plan, scenario, &played, &with),
        Attempt::NotApplicable(why) => reason(Verdict::NotApplicable, why),
        Attempt::NotRun(why) => reason(Verdict::NotRun, why),
        Attempt::Inconclusive(why) => reason(Verdict::Inconclusive, why),
    }
}

/// Plays if there is still time. What could have been played and was not is inconclusive: unlike what cannot be had here
/// at all, it must not look like a lane that came to its end.
fn in_time(means: &Means, late: bool, play: impl FnOnce() -> Attempt) -> Attempt {
    let attempt = if means.is_interrupted() {
        Attempt::NotRun("interrupted".to_owned())
    } else if late {
        return Attempt::Inconclusive("the lane's four minutes were over".to_owned());
    } else {
        play()
    };
    match attempt {
        Attempt::NotRun(why) if means.is_interrupted() => Attempt::Inconclusive(why),
        attempt => attempt,
    }
}

/// What the command line has to say besides, for the same to be played again.
fn chosen(plan: &Plan, lane: Lane, scenario: &Scenario) -> String {
    let provider = scenario.world.provider;
    let cloud = plan.means.clouds.get(&provider).filter(|_| lane == Lane::Process);
    cloud.map(|url| format!(" --cloud {provider}={url}")).unwrap_or_default()
}

fn judged(plan: &Plan, scenario: &Scenario, played: &Played, with: &str) -> (Cell, Option<Compared>) {
    let mut cell = cell(scenario, played, &checker::judge(scenario, played));
    cell.replay += with;
    let compared = agreement::with_simulation(scenario, played);
    if let Some(compared) = &compared {
        agreement::write_into(&mut cell, compared, &plan.recorded, with);
    }
    (head(cell), compared)
}

fn without(scenario: &Scenario, lane: Lane, verdict: Verdict, why: &str) -> Cell {
    let mut cell = empty(scenario, None, lane);
    cell.verdict = verdict;
    cell.why = Some(why.to_owned());
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(means: &Means, late: bool, why: &str) -> String {
        match in_time(means, late, || Attempt::NotRun(why.to_owned())) {
            Attempt::NotRun(why) => format!("not-run: {why}"),
            Attempt::Inconclusive(why) => format!("inconclusive: {why}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_not_here_is_not_run_and_what_was_cut_short_is_inconclusive() {
        let (going, ended) = (Means::default(), Means::default());
        ended.interrupted.store(true, Ordering::Relaxed);
        assert_eq!(verdict(&going, false, "image absent"), "not-run: image absent");
        assert_eq!(verdict(&going, true, "image absent"), "inconclusive: the lane's four minutes were over");
        assert_eq!(verdict(&ended, false, "image absent"), "inconclusive: interrupted");
    }

    #[test]
    fn who_is_interrupted_while_playing_is_inconclusive() {
        let means = Means::default();
        let attempt = in_time(&means, false, || {
            means.interrupted.store(true, Ordering::Relaxed);
            Attempt::NotRun("interrupted in the middle".to_owned())
        });
        assert!(matches!(attempt, Attempt::Inconclusive(why) if why == "interrupted in the middle"));
    }
}
