//! Draws what happens: faults, and starts and stops of the database between them, in order of time.

use std::time::Duration;

use proptest::collection::vec;
use proptest::sample::select;
use proptest::strategy::{Strategy, Union};

use super::verbs::{ROWS, Said};
use super::{Class, Place};
use crate::explore::sketch::Line;
use crate::scenario::When;

/// The most events of a drawn schedule.
pub(crate) const MOST: usize = 12;

/// Lines and the end of the run, in a world where these classes of faults are on.
pub(super) fn schedules(place: &Place, on: &[Class]) -> impl Strategy<Value = (Vec<Line>, Duration)> + use<> {
    let rows = ROWS.iter().filter(|row| on.contains(&row.class));
    let verbs: Vec<_> = rows.filter_map(|row| row.draw(place).map(|draw| (row.weight, draw))).collect();
    // Short gaps for what meets in one request, longer ones for what comes after the other.
    let gap =
        Union::new_weighted(vec![(2, (1..40_u64).boxed()), (5, (100..700_u64).boxed()), (1, (1500..3000_u64).boxed())]);
    let width = select(vec![0, 0, 0, 0, 100, 1000, 2000_u64]);
    let steps = vec((Union::new_weighted(verbs), gap.prop_map(|tens| tens * 10), width), 1..=MOST);
    (proptest::bool::weighted(0.6), steps, 1..8_u64).prop_map(|(starts_first, steps, rest)| {
        let mut lines = Vec::new();
        let mut now = 1000;
        if starts_first {
            lines.push(Line::new(Duration::from_millis(now), "start", "mongod"));
        }
        for (said, gap, width) in steps {
            let Said { verb, argument, options } = said;
            let (first, last) = (now + gap, now + gap + width);
            now = last;
            let (first, last) = (Duration::from_millis(first), Duration::from_millis(last));
            let at = if width == 0 { When::At(first) } else { When::Between(first, last) };
            lines.push(Line { at, options, ..Line::new(first, verb, &argument) });
        }
        lines.truncate(MOST);
        let mut lines = sensible(lines);
        if lines.is_empty() {
            lines.push(Line::new(Duration::from_secs(1), "start", "mongod"));
        }
        let last = lines.last().map(|line| line.at.latest()).unwrap_or_default();
        (lines, Duration::from_secs(last.as_secs() + 1 + rest))
    })
}

/// Without the lines that end what does not run: the proxy runs from the beginning, mongod from its first start.
pub(crate) fn sensible(lines: Vec<Line>) -> Vec<Line> {
    let (mut mongod, mut proxy) = (false, true);
    let keep = |line: &Line| {
        let of_proxy = line.argument == "proxy";
        let running = if of_proxy { &mut proxy } else { &mut mongod };
        match (line.verb.as_str(), line.argument.as_str()) {
            ("start", "mongod" | "proxy") => *running = true,
            ("stop" | "crash", "mongod" | "proxy") => return std::mem::take(running),
            ("crash", "machine") if line.options.is_empty() => (mongod, proxy) = (false, false),
            _ => {}
        }
        true
    };
    let mut keep = keep;
    lines.into_iter().filter(|line| keep(line)).collect()
}
