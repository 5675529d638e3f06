//! A dialogue that a real driver had in a simulated world, played again without it.

mod support;

#[cfg(test)]
mod recorded {
    use kmiplab::cast::recorded::dialogue::Dialogue;
    use kmiplab::trace::{Tier, What};
    use kmiplab::world::{Replayed, replay};

    const DIALOGUE: &str = include_str!("../../fixtures/kmip/dialogues/libmongocrypt-registers-a-seed.dialogue.json");

    fn replayed(dialogue: &Dialogue) -> Replayed {
        let scenario = super::support::load(&format!("{}[{}]", dialogue.scenario, dialogue.provider));
        replay(&scenario, dialogue).unwrap()
    }

    #[test]
    fn a_recorded_driver_gets_the_same_answers_and_the_same_bytes_every_time() {
        let dialogue = Dialogue::parse(DIALOGUE).unwrap();
        assert_eq!(dialogue.peer.tier, Tier::RealDriver);
        let (first, second) = (replayed(&dialogue), replayed(&dialogue));
        assert_eq!(first.differences, Vec::<String>::new());
        assert_eq!(first.played.broke, None);
        assert_eq!(first.played.digest, second.played.digest);
        let asked = first.played.events.iter().filter(|event| matches!(event.what, What::Request { .. })).count();
        // Register, Activate and Get at the first start; a Get for what is written, and one for what is read, at the second;
        // one at the third.
        assert_eq!(asked, 6);
        assert_eq!(first.played.peer.tier, Tier::Simulated, "nobody real took part this time");
    }

    #[test]
    fn an_answer_that_was_another_one_is_the_first_difference() {
        let mut dialogue = Dialogue::parse(DIALOGUE).unwrap();
        let answer = dialogue.messages().nth(3).unwrap();
        // The Result Status of the Activate: tag, type and length, then the value.
        let tag = [0x42, 0x00, 0x7f, 0x05, 0, 0, 0, 4];
        let at = answer.windows(tag.len()).position(|window| window == tag).unwrap() + tag.len();
        answer[at + 3] = 1;
        let differences = replayed(&dialogue).differences;
        let [only] = &differences[..] else { panic!("{differences:?}") };
        assert!(only.ends_with("status `Success` instead of `OperationFailed`"), "{only}");
    }

    #[test]
    fn a_dialogue_of_fewer_starts_than_its_scenario_has_is_told() {
        let mut dialogue = Dialogue::parse(DIALOGUE).unwrap();
        dialogue.starts.pop();
        let differences = replayed(&dialogue).differences;
        assert_eq!(differences, ["the client was started 3 times, and 2 times then"]);
    }
}
