//! A start that the file's next line did not wait for: a mongod on a busy machine, which waits for nobody.
//!
//! The windows of a file are held open for a real program (`checker/expectations.rs`), and a file's lines fire when they
//! are due. What such a start came to is then the machine's doing, and nothing can be said of the product.
//!
//! Invariant: a mongod that waits for an answer, or was refused one, is never excused.

use crate::scenario::Scenario;
use crate::trace::{Played, ProcessState, What};
use crate::world::process::database::MONGOD;

/// Why nothing can be said of a run, if a start in it was overtaken by the next line.
pub(super) fn start(scenario: &Scenario, played: &Played) -> Option<String> {
    // What the product has done, or was seen to do, is judged whatever else the machine is too slow for.
    if played.broke.is_some() || played.events.iter().any(|event| matches!(event.what, What::Finding { .. })) {
        return None;
    }
    for (index, line) in scenario.timeline.iter().enumerate() {
        let expects = line.then.as_ref().is_some_and(|then| then.mongod.is_some());
        let Some(&opens) = played.fired.get(index).filter(|_| expects) else { continue };
        let next = played.fired.get(index + 1).copied().unwrap_or(played.epilogue);
        let mut starting = None;
        let of_mongod = played.events.iter().filter(|event| event.host == MONGOD);
        for event in of_mongod.filter(|event| event.at >= opens && event.at <= next) {
            match &event.what {
                What::Process { state: ProcessState::Started, .. } => starting = Some(true),
                What::Process { .. } => starting = None,
                What::Request { .. } | What::NoAnswer { .. } | What::Malformed { .. } => {
                    starting = starting.map(|_| false);
                }
                What::Answer { status, .. } => starting = starting.map(|_| status == "Success"),
                _ => {}
            }
        }
        if starting == Some(true) {
            return Some(format!(
                "mongod was still starting {} s after line {}, and waited for no answer: this machine is too slow for the \
                 file",
                (next - opens).as_secs(),
                line.line
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scenario;
    use crate::trace::{Event, Lane};
    use crate::world::sim::{self, Planted};

    /// A run in which mongod says what a simulated one says up to some event of its start, and nothing more.
    fn cut(last: fn(&What) -> bool) -> (Scenario, Played) {
        let text = "format = \"1.0\"\ntitle = \"A start\"\nwhy = \"It may be slow.\"\nend = \"10s\"\n\
                    final = \"opens\"\nprovider = [\"local\"]\ntimeline = [\n  \
                    { at = \"1s\", start = \"mongod\", then = { mongod = \"running\", within = \"5s\" } },\n]\n";
        let scenario = scenario::load("story.toml", "stories", text.as_bytes());
        let scenario = scenario.unwrap_or_else(|error| panic!("{}", error.render(false)));
        let mut played = sim::play(&scenario, 7, &Planted::default());
        played.lane = Lane::Container;
        let is_last = |event: &Event| event.host == MONGOD && last(&event.what);
        let end = played.events.iter().position(is_last).expect("it comes to that");
        played.events.truncate(end + 1);
        played.epilogue = Duration::from_secs(10);
        (scenario, played)
    }

    /// Why nothing can be said of such a run.
    fn why(last: fn(&What) -> bool) -> Option<String> {
        let (scenario, played) = cut(last);
        start(&scenario, &played)
    }

    #[test]
    fn what_the_product_has_done_is_judged_however_slow_the_machine_is() {
        let (scenario, mut played) = cut(|what| matches!(what, What::Process { state: ProcessState::Started, .. }));
        assert!(start(&scenario, &played).is_some());
        let broke = Played { broke: Some("the proxy ended by itself".to_owned()), ..played.clone() };
        assert_eq!(start(&scenario, &broke), None);
        let mut seen = played.events[0].clone();
        seen.what = What::Finding { invariant: "K3".to_owned(), text: "a secret stood in a line".to_owned() };
        played.events.push(seen);
        assert_eq!(start(&scenario, &played), None);
    }

    #[test]
    fn a_start_that_is_overtaken_says_nothing_of_the_product_unless_it_waits_for_an_answer() {
        let slow = "mongod was still starting 9 s after line 8, and waited for no answer: this machine is too slow for \
                    the file";
        let started = |what: &What| matches!(what, What::Process { state: ProcessState::Started, .. });
        assert_eq!(why(started).as_deref(), Some(slow), "it has not asked yet");
        assert_eq!(why(|what| matches!(what, What::Answer { .. })).as_deref(), Some(slow));
        assert_eq!(why(|what| matches!(what, What::Request { .. })), None);
        assert_eq!(why(|what| matches!(what, What::Process { state: ProcessState::Ready, .. })), None);
    }
}
