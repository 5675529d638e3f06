//! Small reports for the tests of this room. The runs in them are invented.

use std::collections::{BTreeMap, BTreeSet};

use super::agreement::{Agreement, Parting};
use super::counts::Counts;
use super::fold::Fold;
use super::model::{Cell, Failure, Machine, Place, Planned, Played, Report, Seed, Subject};
use super::verdict::{Tier, Verdict};

const INVARIANTS: [(&str, &str); 4] = [
    ("K1", "right-key"),
    ("K2", "no-key-without-provider"),
    ("K4", "private-stays-private"),
    ("K10", "version-purity"),
];

/// A cell with that verdict; those that did not run have no seed and a reason.
pub(super) fn cell(family: &str, scenario: &str, verdict: Verdict) -> Cell {
    let ran = verdict.ran();
    let file = format!("scenarios/{family}/{scenario}.toml");
    let why = match verdict {
        Verdict::Pass | Verdict::Fail => None,
        Verdict::ExpectedFailure => Some("known: mongod 6.0 asks twice after a rotation"),
        Verdict::UnexpectedPass => Some("recorded as failing: mongod 6.0 asks twice after a rotation"),
        Verdict::Inconclusive => Some("the checker ran out of time"),
        Verdict::NotApplicable => Some("a container cannot hold packets back"),
        Verdict::NotRun => Some("no mongod was found"),
    };
    Cell {
        agreement: None,
        cloud: None,
        counts: if ran { counts() } else { Counts::default() },
        digest: ran.then(|| format!("sha256:{}", "d1".repeat(32))),
        drawn: Vec::new(),
        exercised: if ran { exercised(3) } else { BTreeMap::new() },
        expected: None,
        failures: Vec::new(),
        family: family.to_owned(),
        replay: format!("kmiplab replay {file} --seed 0x1"),
        file,
        outcome: "opens".to_owned(),
        lane: "sim".to_owned(),
        observed: None,
        peer: "psmdb-8".to_owned(),
        proof: Vec::new(),
        provider: "aws".to_owned(),
        scenario: scenario.to_owned(),
        seed: ran.then_some(Seed(1)),
        semantic_digest: ran.then(|| format!("sha256:{}", "5e".repeat(32))),
        simulated_ms: if ran { 46_000 } else { 0 },
        tier: ran.then_some(Tier::Simulated),
        title: format!("What happens when {} is played", scenario.replace('-', " ")),
        verdict,
        why: why.map(str::to_owned),
    }
}

/// What a run exercises.
fn counts() -> Counts {
    let map = |word: &str, times| BTreeMap::from([(word.to_owned(), times)]);
    Counts {
        classes: map("credentials-expired", 1),
        endpoints: map("available", 2),
        personas: map("psmdb-8", 1),
        verbs: map("start", 2),
    }
}

/// What a run could exercise.
fn words() -> Counts {
    let map = |words: [&str; 3]| words.into_iter().map(|word| (word.to_owned(), 0)).collect();
    Counts {
        classes: map(["access-denied", "credentials-expired", "key-disabled"]),
        endpoints: map(["available", "refusing", "rejected"]),
        personas: BTreeMap::from([("psmdb-8".to_owned(), 0)]),
        verbs: map(["expire", "start", "stop"]),
    }
}

fn exercised(times: u64) -> BTreeMap<String, u64> {
    INVARIANTS.iter().map(|(id, _)| ((*id).to_owned(), times)).collect()
}

/// Cells of one case: a verdict for each seed, from 1.
pub(super) fn seeds(family: &str, scenario: &str, verdicts: &[Verdict]) -> Vec<Cell> {
    let cells = (1..).zip(verdicts).map(|(seed, verdict)| {
        let cell = cell(family, scenario, *verdict);
        let replay = format!("kmiplab replay {} --seed {:#x}", cell.file, seed);
        Cell { seed: Some(Seed(seed)), replay, ..cell }
    });
    cells.collect()
}

/// What a part of all scenarios was played for.
pub(super) fn played(cells: Vec<Cell>) -> Played {
    let seeds: BTreeSet<_> = cells.iter().filter_map(|cell| cell.seed).collect();
    Played {
        plan: Planned {
            first_seed: Some(Seed(1)),
            folded: false,
            lane: Some("sim".to_owned()),
            scenarios: cells.iter().map(|cell| (cell.id(), format!("sha256:{}", "f1".repeat(32)))).collect(),
            seeds: 1,
        },
        shard: None,
        seeds: u64::try_from(seeds.len()).unwrap(),
        words: words(),
        subject: Subject {
            commit: Some("3f9c2e1".to_owned()),
            name: "kmip-proxy".to_owned(),
            version: "0.1.0".to_owned(),
        },
        runs: Fold::from(cells),
        invariants: INVARIANTS.iter().map(|(id, says)| ((*id).to_owned(), (*says).to_owned())).collect(),
        whole: false,
        stale: Vec::new(),
        machine: Machine { cores: 2, elapsed_ms: 1_920, started: "2026-11-22T04:46:00Z".to_owned() },
    }
}

/// A report of those cells.
pub(super) fn report(cells: Vec<Cell>) -> Report {
    Report::new(played(cells))
}

/// The third of three seeds fails.
pub(super) fn failing_seeds() -> Vec<Cell> {
    let mut cells =
        seeds("expired-credentials", "token-expires-during-restart", &[Verdict::Pass, Verdict::Pass, Verdict::Fail]);
    if let Some(cell) = cells.last_mut() {
        let failure = Failure {
            requirement: "line 16: after `start mongod`, get = permission-denied within 5s".to_owned(),
            expected: "Get answers Permission Denied within 5 s of the start at 31 s".to_owned(),
            observed: "Get answered General Failure at 31.962 s".to_owned(),
            place: Some(Place {
                line: 16,
                column: 44,
                width: 25,
                source: r#"  { at = "31s", start = "mongod", then = { get = "permission-denied", within = "5s" } },"#
                    .to_owned(),
            }),
        };
        cell.expected = Some(failure.expected.clone());
        cell.observed = Some(failure.observed.clone());
        cell.failures = vec![failure];
        cell.why = Some("the retry through vpce-b got ExpiredTokenException <400> & gave up".to_owned());
        cell.drawn = vec!["latency 12 ms".to_owned(), "fault after the handshake".to_owned()];
    }
    cells
}

/// One cell, and it fails.
pub(super) fn one_failure() -> Report {
    report(failing_seeds().split_off(2))
}

/// A failure among passes and what did not run.
pub(super) fn failing() -> Report {
    let mut cells = failing_seeds();
    cells.extend(seeds("key-rotation", "rotate-while-serving", &[Verdict::Pass; 3]));
    let not_run = cell("key-rotation", "rotate-while-serving", Verdict::NotRun);
    cells.push(Cell { lane: "container".to_owned(), peer: "enterprise-8".to_owned(), ..not_run });
    report(cells)
}

/// Nothing but passes.
pub(super) fn passing() -> Report {
    let mut cells = seeds("key-rotation", "rotate-while-serving", &[Verdict::Pass; 20]);
    cells.push(cell("mismatched-providers", "aws-snapshot-azure-target", Verdict::Pass));
    report(cells)
}

/// What comes of comparing a cell with the simulation.
pub(super) fn agreement(agrees: bool, page: Option<&str>) -> Agreement {
    let first = Parting {
        actor: "mongod".to_owned(),
        at: "line 16: start = \"mongod\"".to_owned(),
        here: "Get of key 1: general-failure".to_owned(),
        line: Some(16),
        there: "Get of key 1: permission-denied".to_owned(),
    };
    Agreement {
        agrees,
        explained_by: page.map(str::to_owned),
        first: (!agrees).then_some(first),
        with: "sim".to_owned(),
    }
}

/// Three cells that were compared with the simulation, and one that was not. The three had a cloud of somebody else's.
pub(super) fn compared() -> Played {
    let cloud = "AWS at http://127.0.0.1:4566, which says it is LocalStack 4.14.0 (<community>)";
    let cell = |scenario: &str, lane: &str, verdict, agreement| Cell {
        cloud: (lane != "sim").then(|| cloud.to_owned()),
        lane: lane.to_owned(),
        tier: Some(if lane == "sim" { Tier::Simulated } else { Tier::Persona }),
        agreement,
        ..cell("key-rotation", scenario, verdict)
    };
    let mut differs = cell("rotate-while-serving", "process", Verdict::Fail, Some(agreement(false, None)));
    let failure = Failure {
        requirement: "agrees with the simulation".to_owned(),
        expected: "line 16: start = \"mongod\", mongod: `Get of key 1: permission-denied`, as in sim".to_owned(),
        observed: "`Get of key 1: general-failure`".to_owned(),
        place: None,
    };
    differs.expected = Some(failure.expected.clone());
    differs.observed = Some(failure.observed.clone());
    differs.failures = vec![failure];
    let explained = agreement(false, Some("docs/findings/late-answers.md"));
    let stale = "scenarios/differences.toml:3: `mongod: *` excuses nothing any more: take it away";
    Played {
        stale: vec![stale.to_owned()],
        ..played(vec![
            cell("restore-an-old-snapshot", "process", Verdict::Pass, Some(agreement(true, None))),
            cell("rotate-then-disable", "process", Verdict::Pass, Some(explained)),
            differs,
            cell("rotate-while-serving", "sim", Verdict::Pass, None),
        ])
    }
}

/// A cell that could not be judged.
pub(super) fn inconclusive() -> Cell {
    Cell {
        expected: Some("the trace is judged within 10 s".to_owned()),
        observed: Some("the checker was stopped after 412 events".to_owned()),
        ..cell("private-endpoint", "endpoint-flaps", Verdict::Inconclusive)
    }
}

/// A whole run that never tried K4.
pub(super) fn gap() -> Report {
    let mut cell = cell("key-rotation", "rotate-while-serving", Verdict::Pass);
    cell.exercised.remove("K4");
    Report::new(Played { whole: true, ..played(vec![cell]) })
}

/// Sixteen scenarios of four families on three lanes, and every verdict.
pub(super) fn everything() -> Report {
    let families = [
        ("expired-credentials", ["role-in-metadata", "token-expires-while-idle", "user-keys-refused"]),
        ("key-rotation", ["restore-an-old-snapshot", "rotate-then-disable", "rotate-while-serving"]),
        ("mismatched-providers", ["aws-snapshot-azure-target", "local-snapshot-aws-target", "wrong-region"]),
        ("private-endpoint", ["all-rejected", "cut-in-mid-answer", "first-rejected-second-approved"]),
    ];
    let mut cells = failing_seeds();
    for (family, scenarios) in families {
        for scenario in scenarios {
            cells.extend(seeds(family, scenario, &[Verdict::Pass; 3]));
            cells.push(Cell {
                lane: "process".to_owned(),
                tier: Some(Tier::Persona),
                ..cell(family, scenario, Verdict::Pass)
            });
            let not_run = cell(family, scenario, Verdict::NotRun);
            cells.push(Cell { lane: "container".to_owned(), peer: "enterprise-8".to_owned(), ..not_run });
        }
    }
    let mut closed = cell("private-endpoint", "deleted-endpoint", Verdict::ExpectedFailure);
    closed.outcome = "stays-closed".to_owned();
    cells.push(closed);
    cells.push(Cell {
        expected: Some("the recorded failure".to_owned()),
        observed: Some("everything was as expected; take the record away".to_owned()),
        ..cell("key-rotation", "double-get", Verdict::UnexpectedPass)
    });
    cells.push(Cell { lane: "process".to_owned(), tier: Some(Tier::Persona), ..inconclusive() });
    let container = cell("expired-credentials", "token-expires-during-restart", Verdict::NotApplicable);
    cells.push(Cell { lane: "container".to_owned(), peer: "enterprise-8".to_owned(), ..container });
    let azure = seeds("key-rotation", "rotate-while-serving", &[Verdict::Pass; 3]);
    cells.extend(azure.into_iter().map(|cell| Cell { provider: "azure".to_owned(), ..cell }));
    report(cells)
}
