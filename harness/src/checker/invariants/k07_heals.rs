//! K7: once everything around is healed, the scenario's `final` holds.

use super::{Found, Invariant};
use crate::checker::{Run, seconds};
use crate::scenario::Outcome;
use crate::trace::{ProcessState, What};

pub(super) const INVARIANT: Invariant = Invariant {
    id: "K7",
    name: "heals",
    meaning: "after everything around is healed and mongod is started again, the outcome is what `final` says",
    judge,
};

fn judge(run: &Run<'_>) -> Found {
    let mut found = Found { exercised: 1, broken: Vec::new() };
    let after: Vec<_> = run.events().iter().filter(|event| event.at >= run.played.epilogue).collect();
    let asked = after.iter().any(|event| matches!(event.what, What::Request { .. }));
    let opened = after
        .iter()
        .any(|event| event.host == "mongod" && matches!(event.what, What::Process { state: ProcessState::Ready, .. }));
    let since = seconds(run.played.epilogue);
    match run.scenario.outcome {
        Outcome::Opens if !opened => {
            found.broken.push(format!("healed at {since}, and mongod still does not get its key"));
        }
        Outcome::StaysClosed if opened => {
            found.broken.push(format!("healed at {since}, and mongod opened what must stay closed"));
        }
        _ if !asked => found.broken.push(format!("healed at {since}, and mongod did not even ask")),
        _ => {}
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::story::Story;

    fn ended(outcome: &str, opened: bool) -> Vec<String> {
        let lines = format!("final = \"{outcome}\"");
        // What opened before the epilogue is no answer to the question.
        let story = Story::of(&lines, "  { at = \"1s\", start = \"mongod\" },").at(5000);
        let story = story.process("mongod", ProcessState::Ready).at(61_000).ask("Get");
        let state = if opened { ProcessState::Ready } else { ProcessState::Exited };
        story.process("mongod", state).found("K7").1
    }

    #[test]
    fn the_outcome_of_the_epilogue_is_what_the_file_says() {
        assert_eq!(ended("opens", true), Vec::<String>::new());
        assert_eq!(ended("opens", false), ["healed at 60.000s, and mongod still does not get its key"]);
        assert_eq!(ended("stays-closed", false), Vec::<String>::new());
        assert_eq!(ended("stays-closed", true), ["healed at 60.000s, and mongod opened what must stay closed"]);
    }

    #[test]
    fn a_mongod_that_does_not_even_ask_has_not_healed() {
        let (_, broken) = Story::plain().at(61_000).process("mongod", ProcessState::Ready).found("K7");
        assert_eq!(broken, ["healed at 60.000s, and mongod did not even ask"]);
    }
}
