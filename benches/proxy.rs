//! What the proxy costs, as ratios within one run: against a bare TLS echo, against PyKMIP, and its codec against
//! kmip-ttlv.
//!
//! The proxy is the real program with the provider `local`, so that every Get reads its files and opens its key. The
//! echo is this program started once more: the same rustls, the same certificates, the same runtime, answers of the same
//! length, and nothing in between. One client asks them by turns, over one connection that is kept and over new ones.
//! PyKMIP takes part once `cargo xtask clients` has set it up, or where `KMIPLAB_PYTHON` names an interpreter that has it.
//!
//! Nothing is asserted: machines differ. Ratios are medians over rounds, with the least and the greatest.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "the benchmark stands outside the program")]

mod proxy {
    pub(crate) mod client;
    pub(crate) mod codec;
    pub(crate) mod echo;
    pub(crate) mod peers;
}

use std::time::{Duration, Instant};

use proxy::client::{Asking, Sizes};
use proxy::peers::{Certificates, Peer};
use proxy::{codec, echo};

/// How often the peers take turns.
const ROUNDS: usize = 15;
/// How many Gets a turn has on a connection that is kept.
const GETS: u32 = 1500;
/// How many new connections a turn has.
const CONNECTIONS: u32 = 60;
/// How many connections are held open to weigh them.
const HELD: u32 = 400;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [word, rest @ ..] = arguments.as_slice()
        && word == "echo"
    {
        return echo::run(rest);
    }
    // `cargo bench -p kmip-proxy -- get 200000` asks the proxy alone, for a profiler.
    if let [word, times] = arguments.as_slice()
        && word == "get"
    {
        let certificates = Certificates::new();
        let product = Peer::proxy(&certificates);
        let asking = product.asking(&certificates);
        let mut connection = asking.connect();
        return (0..times.parse().expect("a number of Gets")).for_each(|_| connection.ask());
    }
    if let [word, times] = arguments.as_slice()
        && word == "codec"
    {
        let times: u32 = times.parse().expect("a number of exchanges");
        return println!("{:.0} ns", each(times, codec::own).as_secs_f64() * 1e9);
    }
    codec();
    let certificates = Certificates::new();
    let mut product = Peer::proxy(&certificates);
    let asking = product.asking(&certificates);
    let sizes = asking.sizes();
    println!("\na Get is {} bytes, its answer {}", sizes.request, sizes.answer);
    let bare = Peer::echo(&certificates, sizes);
    let pykmip = Peer::pykmip(&certificates);
    over_tls(&certificates, &asking, &bare, sizes, pykmip.as_ref());
    weight(&certificates, &mut product, &asking);
}

fn codec() {
    assert_eq!(codec::own(), codec::kmip_ttlv(), "the two write different answers");
    let (mut own, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        own.push(each(20_000, codec::own));
        theirs.push(each(2_000, codec::kmip_ttlv));
    }
    println!("decode a Get, encode its answer ({} and {} bytes)", codec::REQUEST.len(), codec::own().len());
    println!("{:<42} {:>9}", "", "ns");
    println!("{:<42} {:>9.0}", "kmip-proxy", nanoseconds(&own));
    println!(
        "{:<42} {:>9.0}   kmip-proxy is {} times as fast",
        "kmip-ttlv",
        nanoseconds(&theirs),
        ratios(&theirs, &own)
    );
}

fn over_tls(certificates: &Certificates, asking: &Asking, bare: &Peer, sizes: Sizes, pykmip: Option<&Peer>) {
    let echoing = bare.echoing(certificates, sizes);
    let pykmip = pykmip.map(|peer| peer.asking(certificates));
    let mut kept: [Vec<Duration>; 3] = Default::default();
    let mut fresh: [Vec<Duration>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (index, peer) in [Some(asking), Some(&echoing), pykmip.as_ref()].into_iter().enumerate() {
            let Some(peer) = peer else { continue };
            // PyKMIP is slow, and its figures need no more digits.
            let share = if index == 2 { 10 } else { 1 };
            let mut connection = peer.connect();
            connection.ask();
            kept[index].push(each(GETS / share, || connection.ask()));
            fresh[index].push(each(CONNECTIONS / share, || peer.once()));
        }
    }
    for (what, costs) in [("Get on one connection that is kept", &kept), ("connect, Get, close", &fresh)] {
        println!("\n{what:<42} {:>9} {:>9}", "a second", "us each");
        for (name, cost) in ["kmip-proxy, provider local", "bare rustls echo", "PyKMIP"].into_iter().zip(costs) {
            if cost.is_empty() {
                println!("{name:<42} not measured: `cargo xtask clients` sets it up");
                continue;
            }
            let of = if name.starts_with("kmip") { String::new() } else { ratios(cost, &costs[0]) };
            let told = match name {
                "PyKMIP" => format!("   kmip-proxy serves {of} times as many"),
                "bare rustls echo" => format!("   kmip-proxy serves {of} of it"),
                _ => String::new(),
            };
            let micros = nanoseconds(cost) / 1000.0;
            println!("{name:<42} {:>9.0} {micros:>9.1}{told}", 1e6 / micros);
        }
    }
}

fn weight(certificates: &Certificates, product: &mut Peer, asking: &Asking) {
    println!("\n{:<42} {:>9}", "weight", "");
    let mut starts: Vec<Duration> = (0..ROUNDS).map(|_| Peer::proxy(certificates).started_within).collect();
    starts.sort();
    println!("{:<42} {:>9.1} ms (with certificates that are given)", "start to listening", millis(starts[ROUNDS / 2]));
    let mut fresh = Peer::proxy(certificates);
    println!("{:<42} {:>9.1} MiB", "memory at rest, nothing asked yet", mebibytes(fresh.memory()));
    let before = product.memory();
    println!("{:<42} {:>9.1} MiB", "memory after the rounds above", mebibytes(before));
    let held: Vec<_> = (0..HELD)
        .map(|_| {
            let mut connection = asking.connect();
            connection.ask();
            connection
        })
        .collect();
    let per_thousand = product.memory().saturating_sub(before) * 1000 / u64::from(HELD);
    println!("{:<42} {:>9.1} MiB ({HELD} were held)", "and per thousand connections", mebibytes(per_thousand));
    drop(held);
}

/// The time of one of so many.
fn each<T>(times: u32, mut work: impl FnMut() -> T) -> Duration {
    let begun = Instant::now();
    for _ in 0..times.max(1) {
        std::hint::black_box(work());
    }
    begun.elapsed() / times.max(1)
}

fn nanoseconds(costs: &[Duration]) -> f64 {
    let mut sorted = costs.to_vec();
    sorted.sort();
    sorted[sorted.len() / 2].as_secs_f64() * 1e9
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1048576.0
}

/// How many times one is the other, round by round: the median, the least and the greatest.
fn ratios(one: &[Duration], other: &[Duration]) -> String {
    let mut ratios: Vec<f64> = one.iter().zip(other).map(|(one, other)| one.div_duration_f64(*other)).collect();
    ratios.sort_by(f64::total_cmp);
    let [least, middle, most] = [0, ratios.len() / 2, ratios.len() - 1].map(|index| ratios[index]);
    format!("{middle:.2} ({least:.2}-{most:.2})")
}
