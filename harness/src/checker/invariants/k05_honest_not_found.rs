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
