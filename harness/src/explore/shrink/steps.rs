//! The ways in which a sketch gets smaller, each until it leads no further.

use std::time::Duration;

use toml::Value;

use super::Search;
use crate::explore::draw::sensible;
use crate::explore::sketch::{Line, Sketch};
use crate::scenario::When;

/// Times that are easy to read, shortest first.
const EASY: [u64; 8] = [1, 2, 3, 5, 10, 20, 30, 60];

/// Expectations are no part of a run: those that hold are of no use here.
pub(super) fn forget_other_expectations(search: &mut Search<'_>) {
    for index in 0..search.best.sketch.lines.len() {
        let mut sketch = search.best.sketch.clone();
        if !std::mem::take(&mut sketch.lines[index].then).is_empty() {
            search.try_sketch(sketch);
        }
    }
}

/// The fewest events from the beginning that suffice, and the earliest end.
pub(super) fn cut_the_end(search: &mut Search<'_>) {
    for count in 1..search.best.sketch.lines.len() {
        let mut sketch = search.best.sketch.clone();
        sketch.lines.truncate(count);
        if search.try_sketch(sketch) {
            break;
        }
    }
    let last = search.best.sketch.lines.last().map(|line| line.at.latest()).unwrap_or_default();
    for rest in EASY {
        let end = Duration::from_secs(last.as_secs() + rest);
        if end >= search.best.sketch.end || search.try_sketch(Sketch { end, ..search.best.sketch.clone() }) {
            break;
        }
    }
}

/// Takes away as many events at once as can be spared: halves first, then ever smaller parts.
pub(super) fn remove_events(search: &mut Search<'_>) {
    let mut size = search.best.sketch.lines.len().div_ceil(2);
    while size >= 1 {
        let mut start = 0;
        while start < search.best.sketch.lines.len() {
            let mut sketch = search.best.sketch.clone();
            let end = (start + size).min(sketch.lines.len());
            sketch.lines.drain(start..end);
            // What was started there is not there to be stopped any more.
            sketch.lines = sensible(sketch.lines);
            if !search.try_sketch(sketch) {
                start += size;
            }
        }
        size /= 2;
    }
}

/// A start of the database and nothing else: where that fails, the schedule did not matter.
pub(super) fn only_start(search: &mut Search<'_>) {
    let start = Line::new(Duration::from_secs(1), "start", "mongod");
    search.try_sketch(Sketch { lines: vec![start], ..search.best.sketch.clone() });
}

/// Back to the defaults of the world: all of them, then one by one; and lists with fewer names.
pub(super) fn remove_settings(search: &mut Search<'_>) {
    search.try_sketch(Sketch { world: Vec::new(), ..search.best.sketch.clone() });
    one_name(search, "kms.endpoints", "public");
    one_name(search, "kms.keys", "cmk-1");
    let mut index = 0;
    while index < search.best.sketch.world.len() {
        let mut sketch = search.best.sketch.clone();
        sketch.world.remove(index);
        if !search.try_sketch(sketch) {
            shorten_list(search, index);
            index += 1;
        }
    }
}

/// The name that is there by default, in the place of all others.
fn one_name(search: &mut Search<'_>, list: &str, name: &str) {
    let Some(Value::Array(names)) = search.best.sketch.setting(list).cloned() else { return };
    let others = |text: &str| names.iter().any(|other| other.as_str() == Some(text));
    let mut sketch = search.best.sketch.clone();
    sketch.world.retain(|(key, _)| key != list);
    for (_, value) in sketch.world.iter_mut().filter(|(key, _)| key.starts_with("snapshot.")) {
        match value {
            Value::String(text) if others(text) => *text = name.to_owned(),
            Value::Array(texts) if texts.iter().any(|text| text.as_str().is_some_and(others)) => {
                *texts = vec![Value::String(name.to_owned())];
            }
            _ => {}
        }
    }
    for line in &mut sketch.lines {
        let options = line.options.iter_mut().map(|(_, value)| value);
        options.chain([&mut line.argument]).filter(|text| others(text)).for_each(|text| *text = name.to_owned());
    }
    search.try_sketch(sketch);
}

fn shorten_list(search: &mut Search<'_>, index: usize) {
    let mut place = 0;
    while let Value::Array(names) = &search.best.sketch.world[index].1 {
        if names.len() < 2 || place >= names.len() {
            break;
        }
        let mut sketch = search.best.sketch.clone();
        if let Value::Array(names) = &mut sketch.world[index].1 {
            names.remove(place);
        }
        if !search.try_sketch(sketch) {
            place += 1;
        }
    }
}

/// What stands beside a verb goes, and a range becomes the moment that the seed drew.
pub(super) fn simplify_events(search: &mut Search<'_>) {
    for index in 0..search.best.sketch.lines.len() {
        let mut option = 0;
        while option < search.best.sketch.lines[index].options.len() {
            let mut sketch = search.best.sketch.clone();
            sketch.lines[index].options.remove(option);
            if !search.try_sketch(sketch) {
                option += 1;
            }
        }
        let line = &search.best.sketch.lines[index];
        if let (When::Between(..), Some(fired)) = (&line.at, search.best.fired.get(index).copied()) {
            let mut sketch = search.best.sketch.clone();
            sketch.lines[index].at = When::At(fired);
            search.try_sketch(sketch);
        }
    }
}

/// Every event on a whole second, and as soon after the one before it as will do.
pub(super) fn hurry(search: &mut Search<'_>) {
    for step in [2, 5, 10] {
        let mut sketch = search.best.sketch.clone();
        for (index, line) in sketch.lines.iter_mut().enumerate() {
            line.at = When::At(Duration::from_secs(1 + step * index as u64));
        }
        let last = sketch.lines.len().saturating_sub(1) as u64;
        sketch.end = Duration::from_secs(1 + step * (last + 1));
        if sketch.end < search.best.sketch.end && search.try_sketch(sketch) {
            break;
        }
    }
    for index in 0..search.best.sketch.lines.len() {
        let before = match index {
            0 => Duration::ZERO,
            _ => search.best.sketch.lines[index - 1].at.latest(),
        };
        let now = search.best.sketch.lines[index].at.earliest();
        for gap in EASY {
            let moment = Duration::from_secs(before.as_secs() + gap);
            if moment >= now {
                break;
            }
            if search.try_sketch(earlier(&search.best.sketch, index, now - moment)) {
                break;
            }
        }
        whole_second(search, index);
    }
    cut_the_end(search);
}

/// An event and all after it, earlier by some time.
fn earlier(sketch: &Sketch, from: usize, by: Duration) -> Sketch {
    let mut sketch = sketch.clone();
    let shift = |line: &mut Line| {
        line.at = match line.at {
            When::At(at) => When::At(at.saturating_sub(by)),
            When::Between(first, last) => When::Between(first.saturating_sub(by), last.saturating_sub(by)),
        }
    };
    sketch.lines[from..].iter_mut().for_each(shift);
    sketch.end = sketch.end.saturating_sub(by);
    sketch
}

fn whole_second(search: &mut Search<'_>, index: usize) {
    let When::At(at) = search.best.sketch.lines[index].at else { return };
    for unit in [1000, 100] {
        let ms = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
        if ms.is_multiple_of(unit) {
            return;
        }
        let mut sketch = search.best.sketch.clone();
        sketch.lines[index].at = When::At(Duration::from_millis(ms / unit * unit));
        if search.try_sketch(sketch) {
            return;
        }
    }
}
