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
            if let Some(key) = key.as_deref().filter(|key| *key != asked) {
                found.broken.push(format!("at {} Get of {asked} was answered for {key}", seconds(answer.at)));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::checker::story::{KEY, Story, material};

    #[test]
    fn the_material_of_the_identifier_keeps_it_and_any_other_breaks_it() {
        let get =
            |of: &str| Story::plain().ask("Get").succeed(|answer| answer.material = Some(material(of))).found("K1");
        assert_eq!(get(KEY), (1, vec![]));
        let broken = format!("at 0.000s Get of {KEY} returned another key's material");
        assert_eq!(get("another"), (1, vec![broken]));
    }

    #[test]
    fn an_answer_for_another_identifier_breaks_it_even_with_the_right_material() {
        let (_, broken) = Story::plain()
            .ask("Get")
            .succeed(|answer| (answer.material, answer.key) = (Some(material(KEY)), Some("key-2".to_owned())))
            .found("K1");
        assert_eq!(broken, [format!("at 0.000s Get of {KEY} was answered for key-2")]);
    }

    #[test]
    fn an_answer_without_material_does_not_exercise_it() {
        assert_eq!(Story::plain().ask("Get").fail("permission-denied", |_| {}).found("K1"), (0, vec![]));
    }
}
