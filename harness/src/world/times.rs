//! When the lines of a timeline fire: what the file leaves open is drawn from the seed.
//!
//! Invariant: a line's moment depends on the seed and its own words alone, in every world.

use std::time::Duration;

use super::Entropy;
use crate::scenario::{Scenario, When};
use crate::trace::Drawn;

/// The moments of all lines, in the order of the file.
pub(crate) fn draw(scenario: &Scenario, entropy: &Entropy, drawn: &mut Vec<Drawn>) -> Vec<Duration> {
    let mut times = Vec::new();
    for event in &scenario.timeline {
        times.push(match event.at {
            When::At(at) => at,
            When::Between(first, last) => {
                // Named by the event's own words, so that taking out another line shifts nothing.
                let at = entropy.moment(&format!("at/{first:?}/{last:?}/{}", event.text), first..last);
                let value = format!("{}.{:03}s", at.as_secs(), at.subsec_millis());
                drawn.push(Drawn { what: format!("when line {} fires", event.line), value });
                at
            }
        });
    }
    times
}
