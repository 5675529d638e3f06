//! K5: ItemNotFound is said of an object only if it never existed or is destroyed.
//!
//! Percona Server shuts a node down when it reads ItemNotFound, so a failure of a file, a credential or a cloud must
//! never look like it.

use super::{Found, Invariant};
use crate::checker::{Run, seconds};
use crate::trace::What;

pub(super) const INVARIANT: Invariant = Invariant {
    id: "K5",
    name: "honest-not-found",
    meaning: "ItemNotFound only for an object that never existed or is destroyed",
    judge,
};

fn judge(run: &Run<'_>) -> Found {
    let mut found = Found::default();
    for exchange in run.exchanges() {
        for answer in &exchange.answers {
            let What::Answer { status, reason, .. } = &answer.what else { continue };
            if status == "Success" {
                continue;
            }
            found.exercised += 1;
            let Some(key) = exchange.key else { continue };
            if reason.as_deref() == Some("item-not-found") && run.meaning_of(key).is_some() {
                let text = format!("at {} {key} exists, and the answer was ItemNotFound", seconds(answer.at));
                found.broken.push(text);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::checker::story::{KEY, Story, material};
    use crate::trace::What;

    #[test]
    fn not_found_of_a_key_that_exists_breaks_it_and_another_reason_does_not() {
        let refused = |reason: &str| Story::plain().ask("Get").fail(reason, |_| {}).found("K5");
        assert_eq!(refused("permission-denied"), (1, vec![]));
        let broken = format!("at 0.000s {KEY} exists, and the answer was ItemNotFound");
        assert_eq!(refused("item-not-found"), (1, vec![broken]));
    }

    #[test]
    fn not_found_of_a_key_that_was_made_in_the_run_breaks_it() {
        let made = What::Made { key: KEY.to_owned(), material: material(KEY) };
        let story = Story::plain().without_existing().ask("Get").fail("item-not-found", |_| {});
        assert_eq!(story.found("K5"), (1, vec![]), "it never existed");
        assert_eq!(story.event("mongod", made).found("K5").1.len(), 1);
    }
}
