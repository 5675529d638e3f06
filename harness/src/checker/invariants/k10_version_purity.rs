//! K10: nothing in an answer is younger than the version of its request.
//!
//! Judged by the lab's own reader and its own list of versions, never by the product's table. The field case: a server
//! put a KMIP 1.4 field into a 1.0 answer, and the database did not start.

use super::{Found, Invariant};
use crate::checker::{Run, seconds};
use crate::trace::What;

pub(super) const INVARIANT: Invariant = Invariant {
    id: "K10",
    name: "version-purity",
    meaning: "nothing in an answer is younger than its request's version",
    judge,
};

fn judge(run: &Run<'_>) -> Found {
    let mut found = Found::default();
    for event in run.events() {
        let What::Answer { younger, version, .. } = &event.what else { continue };
        found.exercised += 1;
        if !younger.is_empty() {
            let names = younger.join(", ");
            found.broken.push(format!("at {} an answer of version {version} carries {names}", seconds(event.at)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::checker::story::Story;

    #[test]
    fn anything_too_young_breaks_it() {
        assert_eq!(Story::plain().ask("Get").succeed(|_| {}).found("K10"), (1, vec![]));
        let young = "tag ServerCorrelationValue (since 1.4)";
        let story = Story::plain().ask("Get").succeed(|answer| answer.younger = vec![young.to_owned()]);
        assert_eq!(story.found("K10"), (1, vec![format!("at 0.000s an answer of version 1.0 carries {young}")]));
    }
}
