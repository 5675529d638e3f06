//! K2: no key is returned or used unless its provider opened it for that very request.
//!
//! Grants and uses are matched one to one, by fingerprint, within the time between a request and its answer. For the
//! provider `local` the grant is the reading of its key file; where a world does not see that, nothing is asked of it. An Encrypt or Decrypt that succeeds has used a key, whose
//! fingerprint is known only if the key existed before the run; else one grant of any key must be its own. What a process
//! uses it must have been given, or have made, since it was started.

use std::collections::BTreeMap;

use super::{Found, Invariant};
use crate::checker::{Run, seconds};
use crate::scenario::Provider;
use crate::trace::{Event, Fingerprint, ProcessState, Unseen, What};

pub(super) const INVARIANT: Invariant = Invariant {
    id: "K2",
    name: "no-key-without-provider",
    meaning: "no key is returned or used unless its provider opened it between the request and its answer",
    judge,
};

fn judge(run: &Run<'_>) -> Found {
    let mut found = Found::default();
    returned(run, &mut found);
    used(run, &mut found);
    found
}

/// Every key that is returned, or that encrypts or decrypts, was opened for that very request.
fn returned(run: &Run<'_>, found: &mut Found) {
    if run.is_unseen(Unseen::Files) && run.scenario.world.snapshot.provider == Provider::Local {
        return;
    }
    let mut spent: Vec<u64> = Vec::new();
    for exchange in run.exchanges() {
        for reply in exchange.replies() {
            // What a cipher returns is not what the provider opened.
            let ciphered = reply.succeeded && matches!(reply.operation, "Encrypt" | "Decrypt");
            let wanted = match reply.material {
                _ if ciphered => exchange.key.and_then(|key| run.played.existing.get(key)),
                Some(material) => Some(material),
                None => continue,
            };
            found.exercised += 1;
            let grant = exchange.between.iter().find(|event| grants(event, wanted) && !spent.contains(&event.ordinal));
            match grant {
                Some(grant) => spent.push(grant.ordinal),
                None => found.broken.push(format!(
                    "at {} a key was {} that no provider had opened since {}",
                    seconds(reply.event.at),
                    if ciphered { "used" } else { "returned" },
                    seconds(exchange.sent.at)
                )),
            }
        }
    }
}

/// Every key that is used was given to this very process under this very identifier, or made by it.
fn used(run: &Run<'_>, found: &mut Found) {
    let mut held: BTreeMap<&str, Vec<(&str, &Fingerprint)>> = BTreeMap::new();
    for event in run.events() {
        let holds = held.entry(&event.host).or_default();
        match &event.what {
            // A process that begins anew knows nothing.
            What::Process { state: ProcessState::Started, .. } => holds.clear(),
            What::Answer { key: Some(key), material: Some(material), .. } | What::Made { key, material } => {
                holds.push((key, material));
            }
            What::Used { material, key } => {
                found.exercised += 1;
                if !holds.contains(&(key, material)) {
                    let text = format!("at {} {} used {key}, which it was never given", seconds(event.at), event.host);
                    found.broken.push(text);
                }
            }
            _ => {}
        }
    }
}

/// Whether a provider opens this key, or any where nobody knows its material.
fn grants(event: &Event, wanted: Option<&Fingerprint>) -> bool {
    match &event.what {
        What::Grant { material, .. } => wanted.is_none_or(|wanted| material == wanted),
        // Only a read that succeeds is recorded as one.
        What::File { operation, path } => operation == "read" && path == LOCAL_KEY_FILE && event.host == "proxy",
        _ => false,
    }
}

/// Where the worlds put the wrapping key of the provider `local`.
const LOCAL_KEY_FILE: &str = "/data/db/local.key";

#[cfg(test)]
mod tests {
    use crate::checker::story::{KEY, Story, material};
    use crate::trace::{ProcessState, Unseen, What};

    fn given(story: Story) -> Story {
        story.succeed(|answer| answer.material = Some(material(KEY)))
    }

    #[test]
    fn one_grant_within_the_exchange_covers_one_answer() {
        assert_eq!(given(Story::plain().ask("Get").grant(KEY)).found("K2"), (1, vec![]));
        let (_, broken) = given(Story::plain().ask("Get")).found("K2");
        assert_eq!(broken, ["at 0.000s a key was returned that no provider had opened since 0.000s"]);
    }

    #[test]
    fn who_does_not_see_files_asks_nothing_of_a_key_file_and_as_much_as_ever_of_a_cloud() {
        let unseen: &[Unseen] = &[Unseen::Files];
        let line = "  { at = \"1s\", start = \"mongod\" },";
        let local = || given(Story::of("final = \"opens\"\nprovider = [\"local\"]", line).ask("Get"));
        assert_eq!(local().found("K2").1.len(), 1, "the file was not read");
        assert_eq!(local().without_seeing(unseen).found("K2"), (0, vec![]));
        assert_eq!(given(Story::plain().ask("Get")).without_seeing(unseen).found("K2").1.len(), 1);
    }

    #[test]
    fn a_grant_before_the_request_or_of_another_key_covers_nothing() {
        assert_eq!(given(Story::plain().grant(KEY).ask("Get")).found("K2").1.len(), 1);
        assert_eq!(given(Story::plain().ask("Get").grant("another")).found("K2").1.len(), 1);
    }

    #[test]
    fn two_answers_within_one_exchange_need_two_grants() {
        let twice = |story: Story| given(given(story)).found("K2").1.len();
        assert_eq!(twice(Story::plain().ask("Get").grant(KEY)), 1);
        assert_eq!(twice(Story::plain().ask("Get").grant(KEY).grant(KEY)), 0);
    }

    #[test]
    fn a_grant_that_was_spent_on_one_request_does_not_cover_the_next() {
        let first = given(Story::plain().ask("Get").grant(KEY));
        assert_eq!(given(first.at(1000).ask("Get")).found("K2").1.len(), 1);
        let first = given(Story::plain().ask("Get").grant(KEY));
        assert_eq!(given(first.at(1000).ask("Get").grant(KEY)).found("K2").1.len(), 0);
    }

    #[test]
    fn what_encrypts_or_decrypts_needs_a_grant_of_its_own_of_the_key_and_not_of_the_data() {
        let data = || Some(material("the data key"));
        for operation in ["Encrypt", "Decrypt"] {
            let found = |story: Story| story.succeed(|answer| answer.material = data()).found("K2");
            assert_eq!(found(Story::plain().ask(operation).grant(KEY)), (1, vec![]), "{operation}");
            let broken = "at 0.000s a key was used that no provider had opened since 0.000s".to_owned();
            assert_eq!(found(Story::plain().ask(operation)), (1, vec![broken]), "{operation}");
            assert_eq!(found(Story::plain().ask(operation).grant("the data key")).1.len(), 1, "{operation}");
            assert_eq!(found(Story::plain().grant(KEY).ask(operation)).1.len(), 1, "{operation} after the grant");
            let once = Story::plain().ask(operation).grant(KEY).succeed(|_| {}).at(1000);
            assert_eq!(
                found(once.ask(operation)),
                (2, vec!["at 1.000s a key was used that no provider had opened since 1.000s".to_owned()])
            );
            let refused = Story::plain().ask(operation).fail("permission-denied", |_| {});
            assert_eq!(refused.found("K2"), (0, vec![]), "{operation}");
        }
    }

    #[test]
    fn a_key_that_nobody_but_the_proxy_has_seen_needs_a_grant_of_whatever_key() {
        let encrypt = |story: Story| story.succeed(|_| {}).found("K2");
        let asked = || Story::plain().without_existing().ask("Encrypt");
        assert_eq!(encrypt(asked().grant("created")), (1, vec![]));
        assert_eq!(encrypt(asked()).1.len(), 1);
    }

    #[test]
    fn a_data_key_that_was_decrypted_may_be_used() {
        let used = What::Used { key: KEY.to_owned(), material: material("the data key") };
        let decrypted = Story::plain().ask("Decrypt").grant(KEY);
        let decrypted = decrypted.succeed(|answer| answer.material = Some(material("the data key")));
        assert_eq!(decrypted.event("mongod", used).found("K2"), (2, vec![]));
    }

    #[test]
    fn only_what_was_given_or_made_may_be_used() {
        let used = || What::Used { key: KEY.to_owned(), material: material(KEY) };
        let (_, broken) = Story::plain().event("mongod", used()).found("K2");
        assert_eq!(broken, [format!("at 0.000s mongod used {KEY}, which it was never given")]);
        let made = What::Made { key: KEY.to_owned(), material: material(KEY) };
        assert_eq!(Story::plain().event("mongod", made).event("mongod", used()).found("K2"), (1, vec![]));
        assert_eq!(given(Story::plain().ask("Get").grant(KEY)).event("mongod", used()).found("K2"), (2, vec![]));
    }

    #[test]
    fn what_is_used_must_have_been_given_under_that_identifier_to_that_process() {
        let used = |key: &str| What::Used { key: key.to_owned(), material: material(KEY) };
        let held = || given(Story::plain().ask("Get").grant(KEY));
        assert_eq!(held().event("mongod", used("key-2")).found("K2").1.len(), 1, "another identifier");
        assert_eq!(held().event("driver", used(KEY)).found("K2").1.len(), 1, "another process");
        let restarted = held().process("mongod", ProcessState::Started);
        assert_eq!(restarted.event("mongod", used(KEY)).found("K2").1.len(), 1, "before it was started anew");
        let other_starts = held().process("proxy", ProcessState::Started);
        assert_eq!(other_starts.event("mongod", used(KEY)).found("K2"), (2, vec![]));
    }

    #[test]
    fn with_a_key_file_the_proxy_reading_it_is_the_grant() {
        let read = |host: &str, operation: &str, path: &str| {
            given(Story::plain().ask("Get").touch(host, operation, path)).found("K2").1.len()
        };
        assert_eq!(read("proxy", "read", "/data/db/local.key"), 0);
        assert_eq!(read("mongod", "read", "/data/db/local.key"), 1, "what mongod reads is no grant");
        assert_eq!(read("proxy", "read", "/tmp/local.key"), 1, "another file of that name");
        assert_eq!(read("proxy", "read", "/data/db/not-local.key"), 1, "another name");
        assert_eq!(read("proxy", "sync", "/data/db/local.key"), 1);
    }
}
