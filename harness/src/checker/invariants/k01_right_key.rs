//! K1: a successful Get returns exactly the key material of its identifier, and a successful Decrypt exactly what was
//! encrypted.
//!
//! A client that has its data key encrypted says which one it was (`made`). What a key that existed before the run means
//! in a Decrypt is what its world says to have been made under it.

use super::{Found, Invariant};
use crate::checker::{Run, seconds};
use crate::trace::{Fingerprint, What};

pub(super) const INVARIANT: Invariant = Invariant {
    id: "K1",
    name: "right-key",
    meaning: "a successful Get returns exactly the key material of its identifier, a Decrypt exactly what was encrypted",
    judge,
};

fn judge(run: &Run<'_>) -> Found {
    let mut found = Found::default();
    // What the proxy made by itself nobody else has seen: its material is whatever the proxy says.
    let mut created: Vec<&str> = Vec::new();
    // A real client looks at what it decrypts, and its world says so where that is not what was encrypted.
    for event in run.events() {
        if let What::Finding { invariant, text } = &event.what
            && invariant == INVARIANT.id
        {
            found.exercised += 1;
            found.broken.push(format!("at {} {text}", seconds(event.at)));
        }
    }
    for exchange in run.exchanges() {
        for reply in exchange.replies().iter().filter(|reply| reply.succeeded) {
            if reply.operation == "Create" {
                created.extend(reply.key);
            }
            let asked = exchange.key.or(reply.key).unwrap_or_default();
            let meant: Vec<&Fingerprint> = match reply.operation {
                "Get" => run.meaning_of(asked).into_iter().collect(),
                // The material of the key itself would be no right answer.
                "Decrypt" => run.all_made(asked).collect(),
                _ => continue,
            };
            found.exercised += 1;
            let what = format!("at {} {} of {asked}", seconds(reply.event.at), reply.operation);
            if let Some(key) = reply.key.filter(|key| *key != asked) {
                found.broken.push(format!("{what} was answered for {key}"));
            }
            let known = !meant.is_empty();
            match (reply.material, known, reply.operation) {
                (None, _, "Get") => found.broken.push(format!("{what} succeeded without key material")),
                (None, ..) => found.broken.push(format!("{what} succeeded without data")),
                (Some(material), true, operation) if !meant.contains(&material) => found.broken.push(match operation {
                    "Get" => format!("{what} returned another key's material"),
                    _ => format!("{what} returned something else than was encrypted"),
                }),
                (Some(_), false, "Get") if !created.contains(&asked) => {
                    found.broken.push(format!("{what} succeeded, and nobody ever made such a key"));
                }
                (Some(_), false, "Decrypt") => {
                    found.broken.push(format!("{what} succeeded, and nobody ever encrypted anything under it"));
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
    use crate::trace::What;

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

    #[test]
    fn a_decrypt_returns_what_was_encrypted_and_neither_another_plaintext_nor_the_key_itself() {
        let decrypt = |story: Story, of: &str| {
            story.ask("Decrypt").succeed(|answer| answer.material = Some(material(of))).found("K1")
        };
        let encrypted =
            || Story::plain().event("mongod", What::Made { key: KEY.to_owned(), material: material("the data key") });
        assert_eq!(decrypt(encrypted(), "the data key"), (1, vec![]));
        let broken = format!("at 0.000s Decrypt of {KEY} returned something else than was encrypted");
        assert_eq!(decrypt(encrypted(), "another"), (1, vec![broken.clone()]));
        assert_eq!(decrypt(encrypted(), KEY), (1, vec![broken]));
        let broken = format!("at 0.000s Decrypt of {KEY} succeeded, and nobody ever encrypted anything under it");
        assert_eq!(decrypt(Story::plain(), KEY), (1, vec![broken.clone()]));
        let created = Story::plain().without_existing().ask("Create").succeed(|_| {});
        assert_eq!(decrypt(created, KEY), (1, vec![broken]), "who made the key is no excuse");
    }

    #[test]
    fn a_decrypt_returns_any_of_the_data_keys_that_were_encrypted_under_its_identifier() {
        let made = |of: &str| What::Made { key: KEY.to_owned(), material: material(of) };
        let decrypt = |of: &str| {
            let story = Story::plain().event("mongod", made("one data key")).event("mongod", made("another"));
            story.ask("Decrypt").succeed(|answer| answer.material = Some(material(of))).found("K1").1.len()
        };
        assert_eq!((decrypt("one data key"), decrypt("another"), decrypt("a third")), (0, 0, 1));
    }

    #[test]
    fn a_decrypt_without_data_breaks_it_and_an_encrypt_does_not_exercise_it() {
        let broken = format!("at 0.000s Decrypt of {KEY} succeeded without data");
        assert_eq!(Story::plain().ask("Decrypt").succeed(|_| {}).found("K1"), (1, vec![broken]));
        assert_eq!(Story::plain().ask("Decrypt").fail("cryptographic-failure", |_| {}).found("K1"), (0, vec![]));
        assert_eq!(Story::plain().ask("Encrypt").succeed(|_| {}).found("K1"), (0, vec![]));
    }
}
