//! What real programs on one machine cannot be made to go through, with the reason: one table.
//!
//! It is asked before anything is started. A scenario that is turned away here is in the report as not applicable, with
//! the first reason that holds.
//!
//! Invariant: a reason is a fact of the machine or of time, never that the product fails.

use std::time::Duration;

use super::machine;
use crate::scenario::{Action, EndpointState, FileChange, Mongod, Process, Scenario};
use crate::world::endpoints;

/// How far the clouds' clock may be ahead of the machine's for the time that was skipped: within what AWS tolerates.
pub(crate) const AHEAD: Duration = Duration::from_secs(4 * 60);

/// How far off its own time AWS accepts what is signed.
const TOLERATED: Duration = Duration::from_secs(5 * 60);

/// What the loopback stands for: the latency of a world that says nothing of it.
const SHORT: Duration = Duration::from_millis(30);

/// How long a program takes to start, on a machine with other work.
const START: Duration = Duration::from_millis(500);

/// How the personas of a driver begin.
const LIBMONGOCRYPT: &str = "libmongocrypt";

/// How long a request is under way at most.
const REQUEST: Duration = Duration::from_secs(5);

/// A thing that cannot be done, and why.
struct Row {
    applies: fn(&Scenario) -> bool,
    why: &'static str,
}

const ROWS: &[Row] = &[
    Row { applies: |scenario| scenario.world.saboteur, why: "a host that is not deterministic is for simulations" },
    Row {
        applies: |scenario| any(scenario, |action| matches!(action, Action::Pass(_))),
        why: "time passes: the clocks of real programs are the machine's, and nobody sets that forward by days",
    },
    Row {
        applies: |scenario| any(scenario, |action| matches!(action, Action::Disk { .. })),
        why: "a full disk: the programs share the machine's own",
    },
    Row {
        applies: |scenario| any(scenario, |action| matches!(action, Action::PowerCut { .. })),
        why: "a power cut: what was not synced is not forgotten when programs are cut off",
    },
    Row {
        applies: |scenario| scenario.world.aws.replica.is_some(),
        why: "the proxy finds a second region by its name in DNS, which is not the laboratory's",
    },
    Row {
        applies: changes_dns,
        why: "a name vanishes from DNS, which is not the laboratory's: endpoints are dialed at their addresses",
    },
    Row {
        applies: |scenario| {
            let forbids = |action: &Action| matches!(action, Action::File { change: FileChange::Forbid, .. });
            any(scenario, forbids) && machine::reads_everything()
        },
        why: "nobody may read a file: this user is root, who reads everything",
    },
    Row {
        applies: |scenario| {
            let Mongod { servers, persona, .. } = &scenario.world.mongod;
            // A driver asks the first one, whatever comes of it.
            servers.len() > 1 && !persona.starts_with(LIBMONGOCRYPT)
        },
        why: "a KMIP server whose name leads nowhere: how fast that is known is up to this machine's resolver",
    },
    Row {
        applies: |scenario| scenario.world.latency.end > SHORT,
        why: "a slow network between the programs: the loopback has none",
    },
    Row {
        applies: strikes_a_start,
        why: "something strikes within a fraction of a second after a start: real programs do not start to the millisecond",
    },
    Row {
        applies: stalls_a_start,
        why: "the proxy hangs in the middle of a request: the deadline of a stopped program runs on, while in a \
              simulation the proxy works on and only its network is silent",
    },
    Row {
        applies: outlasts_an_outage,
        why: "retries go on while an endpoint changes: how many of them fit in is up to time, which is real here",
    },
    Row {
        applies: changes_twice_between_polls,
        why: "a key is changed twice between two polls of its state: polls are a second apart here, and one falls between",
    },
    Row {
        applies: |scenario| scenario.world.credentials.expires.is_some_and(|expires| expires > AHEAD),
        why: "credentials expire later than the clouds' clock can be set ahead: AWS tolerates five minutes",
    },
    Row {
        applies: skews_across_the_limit,
        why: "the clocks differ by nearly what AWS tolerates: the clouds' is set ahead for the time that is skipped, and \
              comes to the other side of that limit",
    },
];

/// The same for a client whose needs are its own to count. A driver's application is told when it needs its key.
const BY_ITS_OWN_CLOCK: &[Row] = &[Row {
    applies: needs_after_a_minute,
    why: "the driver keeps an opened key for a minute, and the lane has no minute to wait for its next need",
}];

/// Why a scenario cannot be played with a program in mongod's place, if it cannot.
pub(crate) fn unfit(scenario: &Scenario) -> Option<&'static str> {
    first(ROWS.iter().chain(BY_ITS_OWN_CLOCK), scenario)
}

/// The same with a driver's application, which is told when it needs its key.
pub(crate) fn unfit_for_a_driver(scenario: &Scenario) -> Option<&'static str> {
    first(ROWS.iter(), scenario)
}

fn first<'a>(mut rows: impl Iterator<Item = &'a Row>, scenario: &Scenario) -> Option<&'static str> {
    rows.find(|row| (row.applies)(scenario)).map(|row| row.why)
}

fn any(scenario: &Scenario, wanted: impl Fn(&Action) -> bool) -> bool {
    scenario.timeline.iter().any(|event| wanted(&event.action))
}

/// Whether an endpoint that is found by its name loses it. One that is dialed at an address falls silent instead, as it
/// does in a simulation.
fn changes_dns(scenario: &Scenario) -> bool {
    let endpoints = endpoints(&scenario.world);
    any(scenario, |action| match action {
        Action::Endpoint { name, state: EndpointState::Initiating | EndpointState::Vanished } => {
            endpoints.iter().any(|endpoint| endpoint.name == *name && endpoint.by_name)
        }
        _ => false,
    })
}

/// Whether skipped time takes clocks over the limit, one way or the other.
fn skews_across_the_limit(scenario: &Scenario) -> bool {
    let skipped = scenario.end.min(AHEAD);
    any(scenario, |action| match action {
        Action::Skew { ahead: false, by } => *by < TOLERATED && *by + skipped >= TOLERATED,
        Action::Skew { ahead: true, by } => *by > TOLERATED && by.saturating_sub(skipped) <= TOLERATED,
        _ => false,
    })
}

/// Pairs of a start of mongod and the line after it.
fn after_starts(scenario: &Scenario) -> impl Iterator<Item = (Duration, &Action)> {
    let starts = |action: &Action| matches!(action, Action::Start(Process::Mongod) | Action::RotateMasterKey);
    scenario
        .timeline
        .windows(2)
        .filter(move |pair| starts(&pair[0].action))
        .map(|pair| (pair[1].at.earliest().saturating_sub(pair[0].at.latest()), &pair[1].action))
}

fn strikes_a_start(scenario: &Scenario) -> bool {
    strikes_within(scenario, START)
}

/// Whether something is done to the run so soon after a start that a program may or may not be ready for it.
pub(crate) fn strikes_within(scenario: &Scenario, time: Duration) -> bool {
    after_starts(scenario).any(|(gap, _)| gap < time)
}

fn stalls_a_start(scenario: &Scenario) -> bool {
    after_starts(scenario).any(|(gap, action)| gap < REQUEST && matches!(action, Action::Stall(Process::Proxy)))
}

fn outlasts_an_outage(scenario: &Scenario) -> bool {
    scenario.world.mongod.connect_retries > 0
        && after_starts(scenario).any(|(gap, action)| gap < REQUEST && matches!(action, Action::Endpoint { .. }))
}

fn changes_twice_between_polls(scenario: &Scenario) -> bool {
    let Some(period) = scenario.world.mongod.key_state_polling.filter(|period| *period < scenario.end) else {
        return false;
    };
    let changes = |action: &Action| matches!(action, Action::Object(_));
    scenario.timeline.windows(2).any(|pair| {
        changes(&pair[0].action)
            && changes(&pair[1].action)
            && pair[1].at.earliest().saturating_sub(pair[0].at.latest()) < period
    })
}

/// Whether a driver that runs is expected to ask again, without being started anew.
fn needs_after_a_minute(scenario: &Scenario) -> bool {
    let runs_on = |action: &Action| !matches!(action, Action::Start(Process::Mongod) | Action::RotateMasterKey);
    scenario.world.mongod.persona.starts_with(LIBMONGOCRYPT)
        && scenario.timeline.iter().any(|event| {
            let asks = event.then.as_ref().is_some_and(|then| then.answers.iter().any(Option::is_some));
            asks && runs_on(&event.action)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;

    /// Why a world of so much time whose clock is moved once is turned away.
    fn skewed(by: &str, end: &str) -> Option<&'static str> {
        let text = format!(
            "format = \"1.0\"\ntitle = \"A\"\nwhy = \"B.\"\nend = \"{end}\"\nfinal = \"opens\"\ntimeline = [\n  \
             {{ at = \"1s\", skew = \"{by}\" }},\n  {{ at = \"2s\", start = \"mongod\" }},\n]\n"
        );
        let scenario = scenario::load("story.toml", "stories", text.as_bytes())
            .unwrap_or_else(|error| panic!("{}", error.render(false)));
        unfit(&scenario)
    }

    #[test]
    fn a_skew_that_skipped_time_would_take_across_the_limit_is_turned_away() {
        assert_eq!(skewed("-4m", "10s"), None);
        assert!(skewed("-4m", "2m").is_some_and(|why| why.contains("the other side of that limit")));
        assert_eq!(skewed("-10m", "2m"), None, "refused before and after");
        assert_eq!(skewed("+10m", "2m"), None, "refused before and after");
        assert!(skewed("+6m", "2m").is_some_and(|why| why.contains("the other side of that limit")));
    }
}
