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
    let mongod = |wanted: ProcessState| {
        let of_mongod = after.iter().filter(|event| event.host == "mongod");
        of_mongod.into_iter().any(|event| matches!(event.what, What::Process { state, .. } if state == wanted))
    };
    let asked = after.iter().any(|event| matches!(event.what, What::Request { .. }));
    let opened = mongod(ProcessState::Ready);
    let what = match run.scenario.outcome {
        Outcome::Opens if !opened => "still does not get its key",
        Outcome::StaysClosed if opened => "opened what must stay closed",
        _ if !asked => "did not even ask",
        // Silence keeps a database closed, too, and is no refusal.
        Outcome::StaysClosed if !refused(run) => "was not refused its key, it got no answer",
        Outcome::StaysClosed if !mongod(ProcessState::Exited) => "was refused its key, and does not end",
        _ => return found,
    };
    found.broken.push(format!("healed at {}, and mongod {what}", seconds(run.played.epilogue)));
    found
}

/// Whether a request of the epilogue was answered with a failure, with a state in which a key may not be used, or with no
/// key where one was sought by its name.
fn refused(run: &Run<'_>) -> bool {
    let of_epilogue = run.exchanges().into_iter().filter(|exchange| exchange.sent.at >= run.played.epilogue);
    of_epilogue.flat_map(|exchange| exchange.replies()).any(|reply| {
        let none = reply.operation == "Locate" && reply.key.is_none();
        !reply.succeeded || none || reply.state.is_some_and(|state| state != "Active")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::story::Story;

    /// A scenario of that outcome in its epilogue. What opened before is no answer to the question.
    fn healed(outcome: &str) -> Story {
        let lines = format!("final = \"{outcome}\"");
        let story = Story::of(&lines, "  { at = \"1s\", start = \"mongod\" },").at(5000);
        story.ask("Get").fail("general-failure", |_| {}).process("mongod", ProcessState::Ready).at(61_000)
    }

    fn broken(story: Story) -> Vec<String> {
        story.found("K7").1
    }

    #[test]
    fn the_outcome_of_the_epilogue_is_what_the_file_says() {
        let opened = |outcome| healed(outcome).ask("Get").succeed(|_| {}).process("mongod", ProcessState::Ready);
        let refused = |outcome| {
            healed(outcome).ask("Get").fail("permission-denied", |_| {}).process("mongod", ProcessState::Exited)
        };
        assert_eq!(broken(opened("opens")), Vec::<String>::new());
        assert_eq!(broken(refused("opens")), ["healed at 60.000s, and mongod still does not get its key"]);
        assert_eq!(broken(refused("stays-closed")), Vec::<String>::new());
        assert_eq!(broken(opened("stays-closed")), ["healed at 60.000s, and mongod opened what must stay closed"]);
    }

    #[test]
    fn a_mongod_that_does_not_even_ask_has_not_healed() {
        let (_, broken) = Story::plain().at(61_000).process("mongod", ProcessState::Ready).found("K7");
        assert_eq!(broken, ["healed at 60.000s, and mongod did not even ask"]);
    }

    #[test]
    fn silence_is_no_refusal() {
        let silent = healed("stays-closed").ask("Get").at(66_000).give_up().process("mongod", ProcessState::Exited);
        let told = ["healed at 60.000s, and mongod was not refused its key, it got no answer"];
        assert_eq!(broken(silent), told);
        let unusable = |state: &str| {
            let story = healed("stays-closed").ask("GetAttributes");
            broken(
                story.succeed(|answer| answer.state = Some(state.to_owned())).process("mongod", ProcessState::Exited),
            )
        };
        assert_eq!(unusable("Deactivated"), Vec::<String>::new());
        assert_eq!(unusable("Active"), told);
        let located = |key: Option<&str>| {
            let story = healed("stays-closed").ask("Locate").succeed(|answer| answer.key = key.map(str::to_owned));
            broken(story.process("mongod", ProcessState::Exited))
        };
        assert_eq!(located(None), Vec::<String>::new());
        assert_eq!(located(Some("key-1")), told);
    }

    #[test]
    fn who_is_refused_ends() {
        let hangs = healed("stays-closed").ask("Get").fail("permission-denied", |_| {});
        assert_eq!(broken(hangs), ["healed at 60.000s, and mongod was refused its key, and does not end"]);
    }
}
