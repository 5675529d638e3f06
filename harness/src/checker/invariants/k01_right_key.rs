//! K1: a successful Get returns exactly the key material of its identifier.

use super::{Found, Invariant};
use crate::checker::{Run, seconds};

pub(super) const INVARIANT: Invariant = Invariant {
    id: "K1",
    name: "right-key",
    meaning: "a successful Get returns exactly the key material of its identifier",
    judge,
};

fn judge(run: &Run<'_>) -> Found {
    let mut found = Found::default();
    // What the proxy made by itself nobody else has seen: its material is whatever the proxy says.
    let mut created: Vec<&str> = Vec::new();
    for exchange in run.exchanges() {
        for reply in exchange.replies().iter().filter(|reply| reply.succeeded) {
            if reply.operation == "Create" {
                created.extend(reply.key);
            }
            if reply.operation != "Get" {
                continue;
            }
            found.exercised += 1;
            let at = seconds(reply.event.at);
            let asked = exchange.key.or(reply.key).unwrap_or_default();
            if let Some(key) = reply.key.filter(|key| *key != asked) {
                found.broken.push(format!("at {at} Get of {asked} was answered for {key}"));
            }
            match (reply.material, run.meaning_of(asked)) {
                (None, _) => found.broken.push(format!("at {at} Get of {asked} succeeded without key material")),
                (Some(material), Some(meant)) if material != meant => {
                    found.broken.push(format!("at {at} Get of {asked} returned another key's material"));
                }
                (Some(_), None) if !created.contains(&asked) => {
                    found.broken.push(format!("at {at} Get of {asked} succeeded, and nobody ever made such a key"));
                }
                _ => {}
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

    #[test]
    fn a_key_that_nobody_made_breaks_it_unless_the_proxy_made_it() {
        let get = |story: Story| story.ask("Get").succeed(|answer| answer.material = Some(material(KEY))).found("K1");
        let broken = format!("at 0.000s Get of {KEY} succeeded, and nobody ever made such a key");
        assert_eq!(get(Story::plain().without_existing()), (1, vec![broken]));
        assert_eq!(get(Story::plain().without_existing().ask("Create").succeed(|_| {})), (1, vec![]));
        assert_eq!(get(Story::plain().without_existing().ask("Create").fail("general-failure", |_| {})).1.len(), 1);
    }

    #[test]
    fn success_without_material_breaks_it() {
        let broken = format!("at 0.000s Get of {KEY} succeeded without key material");
        assert_eq!(Story::plain().ask("Get").succeed(|_| {}).found("K1"), (1, vec![broken]));
        assert_eq!(Story::plain().ask("GetAttributes").succeed(|_| {}).found("K1"), (0, vec![]));
    }
}
