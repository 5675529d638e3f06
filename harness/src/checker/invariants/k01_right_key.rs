//! K1: a successful Get returns exactly the key material of its identifier.

use super::{Found, Invariant};
use crate::checker::{Run, seconds};
use crate::trace::What;

pub(super) const INVARIANT: Invariant = Invariant {
    id: "K1",
    name: "right-key",
    meaning: "a successful Get returns exactly the key material of its identifier",
    judge,
};

fn judge(run: &Run<'_>) -> Found {
    let mut found = Found::default();
    for exchange in run.exchanges() {
        for answer in &exchange.answers {
            let What::Answer { material: Some(material), key, .. } = &answer.what else { continue };
            let asked = exchange.key.or(key.as_deref()).unwrap_or_default();
            let Some(meant) = run.meaning_of(asked) else { continue };
            found.exercised += 1;
            if material != meant {
                found.broken.push(format!("at {} Get of {asked} returned another key's material", seconds(answer.at)));
            }
            if key.as_deref().is_some_and(|key| key != asked) {
                found.broken.push(format!("at {} Get of {asked} was answered for {key:?}", seconds(answer.at)));
            }
        }
    }
    found
}
