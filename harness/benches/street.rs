//! What the laboratory costs: one Get through the key service, against turmoil alone.
//!
//! Two worlds are built, played and torn down in turn. The street is the laboratory's own: certificates, snapshot, fake
//! cloud, the real proxy, the played mongod, and every event recorded, redacted and digested; mongod is started once,
//! and gets its key. The bare world has as many hosts, the same tick and latencies, and carries the same bytes in the
//! same order: a mutual TLS handshake and a request from mongod to the proxy, within it a TLS handshake and a request
//! from the proxy to the key service, both answers, and the close of both. Nothing stands in between: the messages are
//! zeros of the length that the street's have, nothing is read out of them, and nothing is recorded.
//!
//! The proxy makes an authority and two certificates whenever it starts, and so does the bare world in every run; the
//! key service's are made once in both. A second bare world is given all certificates ready, and has the handshakes
//! alone.
//!
//! Ratios are within one run of this program, the worlds by turns. Nothing is asserted: machines differ.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use kmiplab::scenario::{self, Scenario};
use kmiplab::trace::{Played, What};
use kmiplab::world::sim::{self, Planted};

#[path = "street/bare.rs"]
mod bare;

use bare::{Bare, Certificates, Sizes};

/// The shortest way to a key: an active key is not asked for its state, so that there is one Get and nothing else.
const STREET: &str = r#"
format = "1.0"
title = "One Get through the key service"
why = "The shortest run that there is, to measure what a run costs."
end = "10s"
final = "opens"

world.mongod.activate_keys = false
world.kms = { endpoints = ["private-a"] }

timeline = [{ at = "1s", start = "mongod" }]
"#;

/// A run with faults, longer than thirty simulated seconds with its epilogue.
const FAULTS: &str = "../scenarios/private-endpoint-failover/heals-after-outage.toml";

/// How often the two worlds take turns.
const ROUNDS: u64 = 15;

/// How many runs a turn has.
const RUNS: u64 = 100;

fn main() {
    let street = scenario::load("street.toml", "bench", STREET.as_bytes()).expect("the scenario above is in order");
    let sizes = Sizes::of(&sim::start_once(&street, 0));
    let bare = Bare::new(&street, sizes);
    // `cargo bench -- street 2000` plays one of the worlds alone, for a profiler.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [world, runs] = arguments.as_slice() {
        let runs = runs.parse().expect("the number of runs");
        match world.as_str() {
            "street" => (0..runs).for_each(|seed| drop(get(&street, seed))),
            "bare" => (0..runs).for_each(|seed| _ = bare.play(seed, Certificates::Made)),
            "ready" => (0..runs).for_each(|seed| _ = bare.play(seed, Certificates::Ready)),
            "faults" => (0..runs).for_each(|seed| drop(sim::play(&faults(), seed, &Planted::default()))),
            other => panic!("`{other}` is none of street, bare, ready and faults"),
        }
        return;
    }
    let mut costs: [Vec<Duration>; 3] = Default::default();
    for round in 0..ROUNDS {
        let seeds = round * RUNS..(round + 1) * RUNS;
        costs[0].push(each(seeds.clone(), |seed| drop(get(&street, seed))));
        costs[1].push(each(seeds.clone(), |seed| _ = bare.play(seed, Certificates::Made)));
        costs[2].push(each(seeds, |seed| _ = bare.play(seed, Certificates::Ready)));
    }

    println!("one core, {ROUNDS} rounds of {RUNS} runs of each world by turns, medians");
    println!("{:<45} {:>8} {:>9} {:>8} {:>7} {:>16}", "", "runs/s", "ms a run", "sim ms", "bytes", "street is of it");
    let played = get(&street, 1);
    row("street: one Get through the key service", median(&costs[0]), played.simulated, bytes(&played), "");
    let bares = [
        ("bare: the same handshakes and sizes", Certificates::Made),
        ("bare, all certificates ready", Certificates::Ready),
    ];
    for ((name, certificates), cost) in bares.into_iter().zip(&costs[1..]) {
        let mut ratios: Vec<f64> = costs[0].iter().zip(cost).map(|(one, two)| two.div_duration_f64(*one)).collect();
        ratios.sort_by(f64::total_cmp);
        let [least, middle, most] = [0, ratios.len() / 2, ratios.len() - 1].map(|index| ratios[index]);
        let (simulated, carried) = bare.play(1, certificates);
        row(name, median(cost), simulated, carried, &format!("{middle:.2} ({least:.2}-{most:.2})"));
    }

    let faults = faults();
    let mut simulated = Duration::ZERO;
    let cost = each(0..40, |seed| simulated = sim::play(&faults, seed, &Planted::default()).simulated);
    let events = sim::play(&faults, 39, &Planted::default());
    row(&faults.id(), cost, simulated, bytes(&events), "");
    println!("{:.0} simulated seconds in a second", simulated.div_duration_f64(cost));
}

fn faults() -> Scenario {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(FAULTS);
    let bytes = std::fs::read(path).expect("the repository's scenario");
    scenario::load("heals-after-outage.toml", "private-endpoint-failover", &bytes).expect("the file is in order")
}

/// Plays the street; a run in which mongod does not get its key measures nothing.
fn get(street: &Scenario, seed: u64) -> Played {
    let played = sim::start_once(street, seed);
    assert!(played.events.iter().any(|event| matches!(event.what, What::Used { .. })), "mongod has no key");
    played
}

/// The bytes that the connecting sides have sent and received.
fn bytes(played: &Played) -> usize {
    let lengths = played.events.iter().map(|event| match event.what {
        What::Bytes { length, .. } => length,
        _ => 0,
    });
    lengths.sum()
}

/// What one run costs, on average.
fn each(seeds: std::ops::Range<u64>, mut run: impl FnMut(u64)) -> Duration {
    let count = u32::try_from(seeds.end - seeds.start).expect("a few runs");
    let start = spent();
    seeds.for_each(&mut run);
    spent().saturating_sub(start) / count
}

/// The time that this thread has spent on a processor, so that other programs do not count; where the system does not
/// tell, the time that has passed.
#[expect(clippy::disallowed_methods, reason = "a measurement reads the machine's clock")]
fn spent() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = START.get_or_init(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.as_deref().and_then(|text| text.split_whitespace().next()?.parse().ok());
    nanoseconds.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

fn median(costs: &[Duration]) -> Duration {
    let mut costs = costs.to_vec();
    costs.sort();
    costs[costs.len() / 2]
}

fn row(name: &str, cost: Duration, simulated: Duration, bytes: usize, ratio: &str) {
    let (rate, cost) = (1.0 / cost.as_secs_f64(), cost.as_secs_f64() * 1e3);
    println!("{name:<45} {rate:>8.0} {cost:>9.3} {:>8} {bytes:>7} {ratio:>16}", simulated.as_millis());
}
