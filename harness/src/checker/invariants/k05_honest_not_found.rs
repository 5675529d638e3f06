//! K5: ItemNotFound is said of an object only if it never existed or is destroyed.
//!
//! Percona Server shuts a node down when it reads ItemNotFound, so a failure of a file, a credential or a cloud must
//! never look like it. One thing does, and nobody can help it: an object all of whose files somebody has removed. Its
//! first releases look for their key by name, and make another where a Locate succeeds and names none. The trace does not
//! tell the name; but all keys of such a client that the lab and the client make bear the one that it asks for.

use std::collections::BTreeSet;

use super::{Found, Invariant};
use crate::checker::{Exchange, Reply, Run, seconds};
use crate::scenario::Metadata;
use crate::trace::{Event, ProcessState, What};

pub(super) const INVARIANT: Invariant = Invariant {
    id: "K5",
    name: "honest-not-found",
    meaning: "ItemNotFound, or a Locate that finds none, only for an object that never existed or is destroyed",
    judge,
};

fn judge(run: &Run<'_>) -> Found {
    let mut found = Found::default();
    let mut existing: BTreeSet<&str> = run.played.existing.keys().map(String::as_str).collect();
    let mut destroyed = false;
    let exchanges = run.exchanges();
    for exchange in &exchanges {
        for reply in exchange.replies() {
            // An operation that makes an object names none, so that none can be missing.
            let object = exchange.key.filter(|_| !reply.makes());
            if reply.succeeded {
                match reply.operation {
                    // Of several keys, the trace does not tell which one bears the name: all must be there.
                    "Locate" if !destroyed && begins_a_search(run, exchange.sent) => {
                        let there = |key: &&str| !key_file_removed(run, key, reply.event);
                        let all = !existing.is_empty() && existing.iter().all(there);
                        found.exercised += u64::from(all);
                        if all && reply.key.is_none() {
                            let at = seconds(reply.event.at);
                            found.broken.push(format!("at {at} a Locate found no key, though nobody has removed one"));
                        }
                    }
                    _ if reply.makes() => existing.extend(reply.key),
                    "Destroy" => {
                        existing.retain(|key| Some(*key) != object);
                        destroyed = true;
                    }
                    _ => {}
                }
                continue;
            }
            let exists = object.is_some_and(|key| {
                // Who is being destroyed may be gone before the one who asked for that has heard of it.
                let going =
                    exchanges.iter().any(|other| other.sent.ordinal < reply.event.ordinal && destroys(other, key));
                existing.contains(key) && !going && !left_no_trace(run, key, reply.event)
            });
            if !exists && !reply.makes() {
                continue;
            }
            found.exercised += 1;
            if reply.reason == Some("item-not-found") {
                let at = seconds(reply.event.at);
                found.broken.push(match object {
                    Some(key) => format!("at {at} {key} exists, and the answer was ItemNotFound"),
                    None => format!("at {at} {} was answered ItemNotFound, and it names nothing", reply.operation),
                });
            }
        }
    }
    found
}

/// Whether an exchange destroys an object.
fn destroys(exchange: &Exchange<'_>, key: &str) -> bool {
    let done = |reply: &Reply<'_>| reply.succeeded && reply.operation == "Destroy";
    exchange.key == Some(key) && exchange.replies().iter().any(done)
}

/// The client that looks for its key by name, once a start.
const LOCATES: &str = "psmdb-legacy-locate";

/// Whether this is the first Locate since its client started: later ones ask for what is left, which may be nothing.
fn begins_a_search(run: &Run<'_>, sent: &Event) -> bool {
    let before = run.events().iter().take_while(|event| event.ordinal < sent.ordinal);
    let asked_or_started = before.filter(|event| event.host == sent.host).filter_map(|event| match &event.what {
        What::Request { operations, .. } if operations.iter().any(|name| name == "Locate") => Some(false),
        What::Process { state: ProcessState::Started, .. } => Some(true),
        _ => None,
    });
    run.scenario.world.mongod.persona == LOCATES && asked_or_started.last().unwrap_or(true)
}

/// Whether a key's file was removed by somebody, and not restored, before an answer. A name stands in the key file alone.
fn key_file_removed(run: &Run<'_>, key: &str, answer: &Event) -> bool {
    let before = run.events().iter().take_while(|event| event.ordinal < answer.ordinal);
    let done = before.filter_map(|event| match &event.what {
        What::File { operation, path } if event.host == "operator" && path.ends_with(".key.json") => {
            let content = matches!(operation.as_str(), "remove" | "restore");
            (content && path.contains(&format!("/{key}."))).then_some(operation)
        }
        _ => None,
    });
    done.last().is_some_and(|last| last == "remove")
}

/// Whether somebody has removed the key file of an object that had no metadata file, or both of them.
fn left_no_trace(run: &Run<'_>, key: &str, asked: &Event) -> bool {
    let before = run.events().iter().take_while(|event| event.ordinal < asked.ordinal);
    let mut key_file = None;
    // A key that was made in the run has no metadata file of its own.
    let told = run.scenario.world.credentials.metadata != Metadata::Absent;
    let mut exists = run.played.existing.contains_key(key);
    let mut metadata = (told && exists).then_some("there");
    // Credentials are for keys of a cloud; what tells of a key file nobody edits.
    let edited = run.scenario.world.snapshot.provider.as_str() != "local";
    for event in before {
        let (operation, path) = match &event.what {
            What::File { operation, path } if event.host == "operator" => (operation, path),
            What::Answer { key: Some(answered), .. } => {
                exists |= answered == key;
                continue;
            }
            _ => continue,
        };
        let is_known = exists && (key_file != Some("remove") || metadata.is_some_and(|last| last != "remove"));
        if operation == "edit" && !path.ends_with(".key.json") && is_known && edited {
            // Whoever edits metadata writes a file for every key of which there is one.
            metadata = Some("there");
        }
        if path.contains(&format!("/{key}.")) {
            let last = if path.ends_with(".key.json") { &mut key_file } else { &mut metadata };
            *last = Some(operation);
        }
    }
    key_file == Some("remove") && matches!(metadata, None | Some("remove"))
}

#[cfg(test)]
mod tests {
    use crate::checker::story::{KEY, Story};
    use crate::trace::{ProcessState, What};

    #[test]
    fn not_found_of_a_key_that_exists_breaks_it_and_another_reason_does_not() {
        let refused = |reason: &str| Story::plain().ask("Get").fail(reason, |_| {}).found("K5");
        assert_eq!(refused("permission-denied"), (1, vec![]));
        let broken = format!("at 0.000s {KEY} exists, and the answer was ItemNotFound");
        assert_eq!(refused("item-not-found"), (1, vec![broken]));
    }

    #[test]
    fn a_key_exists_from_the_answer_that_gave_it_out_until_it_is_destroyed() {
        let not_found = |story: Story| story.ask("Activate").fail("item-not-found", |_| {}).found("K5");
        let none = || Story::plain().without_existing();
        assert_eq!(not_found(none()), (0, vec![]), "it never existed");
        for operation in ["Register", "Create"] {
            assert_eq!(not_found(none().ask(operation).succeed(|_| {})).1.len(), 1, "{operation}");
            let destroyed = none().ask(operation).succeed(|_| {}).ask("Destroy").succeed(|_| {});
            assert_eq!(not_found(destroyed), (0, vec![]), "{operation}");
            let kept = none().ask(operation).succeed(|_| {}).ask("Destroy").fail("permission-denied", |_| {});
            assert_eq!(not_found(kept).1.len(), 1, "{operation}");
        }
    }

    #[test]
    fn a_key_whose_files_somebody_has_removed_leaves_no_trace_and_half_of_them_is_one() {
        let found = |files: &[(&str, &str)]| {
            let story = files.iter().fold(Story::plain(), |story, (operation, suffix)| {
                story.touch("operator", operation, &format!("/data/db/cloudProviderCredentials/{KEY}.aws.{suffix}"))
            });
            story.ask("Get").fail("item-not-found", |_| {}).found("K5").1.len()
        };
        let (key, metadata) = (("remove", "key.json"), ("remove", "metadata"));
        assert_eq!(found(&[key, metadata]), 0);
        assert_eq!(found(&[key]), 1, "the metadata file tells of it");
        assert_eq!(found(&[metadata]), 1);
        assert_eq!(found(&[key, metadata, ("restore", "key.json")]), 1);
        assert_eq!(found(&[("forbid", "key.json"), metadata]), 1, "what cannot be read is there");
    }

    #[test]
    fn whoever_edits_metadata_writes_it_for_the_keys_that_there_are() {
        let folder = "/data/db/cloudProviderCredentials";
        let (key, metadata) = (format!("{folder}/{KEY}.aws.key.json"), format!("{folder}/{KEY}.aws.metadata"));
        let found = |files: &[(&str, &str)]| {
            let story =
                files.iter().fold(Story::plain(), |story, (operation, path)| story.touch("operator", operation, path));
            story.ask("Get").fail("item-not-found", |_| {}).found("K5").1.len()
        };
        let removed = [("remove", key.as_str()), ("remove", &metadata)];
        assert_eq!(found(&[removed[0], removed[1], ("edit", folder)]), 0, "nothing tells of it any more");
        assert_eq!(found(&[removed[1], ("edit", folder), removed[0]]), 1);
        let local = Story::of("final = \"opens\"\nprovider = [\"local\"]", "  { at = \"1s\", start = \"mongod\" },");
        let local = [removed[1], ("edit", folder), removed[0]].iter().fold(local, |story, (operation, path)| {
            story.touch("operator", operation, &path.replace(".aws.", ".local."))
        });
        assert_eq!(local.ask("Get").fail("item-not-found", |_| {}).found("K5").1.len(), 0, "no credentials are needed");
        let made = Story::plain().without_existing().touch("operator", "edit", folder).ask("Register").succeed(|_| {});
        let gone = made.touch("operator", "remove", &key).ask("Get").fail("item-not-found", |_| {});
        assert_eq!(gone.found("K5").1.len(), 0, "it was not there when the operator wrote");
    }

    #[test]
    fn a_key_that_is_being_destroyed_may_be_gone_before_that_is_answered() {
        let destroyed = |status: &str| What::Answer {
            exchange: 1,
            operation: Some("Destroy".to_owned()),
            version: "1.2".to_owned(),
            key: Some(KEY.to_owned()),
            status: status.to_owned(),
            reason: None,
            message: None,
            state: None,
            material: None,
            younger: Vec::new(),
            length: 100,
            after: std::time::Duration::ZERO,
        };
        let meanwhile = || Story::plain().ask("Destroy").ask("Get").fail("item-not-found", |_| {});
        let broken = |status: &str| meanwhile().event("administrator", destroyed(status)).found("K5").1.len();
        assert_eq!(broken("Success"), 0);
        assert_eq!(broken("OperationFailed"), 1, "it is there still");
        let before = Story::plain().ask("Get").fail("item-not-found", |_| {}).ask("Destroy").succeed(|_| {});
        assert_eq!(before.found("K5").1.len(), 1);
    }

    #[test]
    fn an_operation_that_makes_a_key_is_never_answered_not_found() {
        let broken = "at 0.000s Register was answered ItemNotFound, and it names nothing".to_owned();
        let refused = |reason: &str| Story::plain().without_existing().ask("Register").fail(reason, |_| {}).found("K5");
        assert_eq!(refused("item-not-found"), (1, vec![broken]));
        assert_eq!(refused("permission-denied"), (1, vec![]));
    }

    /// A run of the client that looks for its key by name.
    fn legacy() -> Story {
        let world = "final = \"opens\"\nworld.mongod = { persona = \"psmdb-legacy-locate\" }";
        Story::of(world, "  { at = \"1s\", start = \"mongod\" },").process("mongod", ProcessState::Started)
    }

    /// What comes of a Locate that succeeds and names no key.
    fn finds_none(story: Story) -> (u64, Vec<String>) {
        story.ask("Locate").succeed(|answer| answer.key = None).found("K5")
    }

    #[test]
    fn a_locate_that_finds_none_of_the_keys_that_there_are_breaks_it_and_a_failure_does_not() {
        let told = vec!["at 0.000s a Locate found no key, though nobody has removed one".to_owned()];
        assert_eq!(finds_none(legacy()), (1, told.clone()));
        assert_eq!(legacy().ask("Locate").succeed(|_| {}).found("K5"), (1, vec![]));
        assert_eq!(legacy().ask("Locate").fail("general-failure", |_| {}).found("K5"), (0, vec![]));
        assert_eq!(finds_none(legacy().without_existing()), (0, vec![]), "there is none");
        assert_eq!(finds_none(legacy().without_existing().ask("Register").succeed(|_| {})), (1, told));
        assert_eq!(finds_none(legacy().ask("Destroy").succeed(|_| {})), (0, vec![]), "it was destroyed");
        assert_eq!(finds_none(Story::plain()), (0, vec![]), "nobody knows what others ask for");
    }

    #[test]
    fn only_the_first_locate_since_a_start_begins_a_search() {
        let located = || legacy().ask("Locate").succeed(|_| {});
        assert_eq!(finds_none(located()), (1, vec![]), "there are no more");
        assert_eq!(finds_none(located().process("proxy", ProcessState::Started)), (1, vec![]), "the search goes on");
        assert_eq!(finds_none(located().process("mongod", ProcessState::Ready)), (1, vec![]), "the search goes on");
        assert_eq!(finds_none(located().process("mongod", ProcessState::Started)).1.len(), 1);
    }

    #[test]
    fn a_key_file_that_somebody_has_removed_cannot_be_located_until_it_is_restored() {
        let file = format!("/data/db/cloudProviderCredentials/{KEY}.aws.key.json");
        let metadata = file.replace("key.json", "metadata");
        let removed = || legacy().touch("operator", "remove", &file);
        assert_eq!(finds_none(removed()), (0, vec![]));
        assert_eq!(finds_none(removed().touch("operator", "forbid", &file)), (0, vec![]), "it is still removed");
        assert_eq!(finds_none(removed().touch("operator", "restore", &metadata)), (0, vec![]));
        assert_eq!(finds_none(removed().touch("operator", "restore", &file)).1.len(), 1);
        for (host, operation, path) in
            [("operator", "damage", &file), ("operator", "remove", &metadata), ("proxy", "remove", &file)]
        {
            assert_eq!(finds_none(legacy().touch(host, operation, path)).1.len(), 1, "{host} {operation}");
        }
        let other = file.replace(KEY, "key-2");
        assert_eq!(finds_none(legacy().touch("operator", "remove", &other)).1.len(), 1, "the file of another key");
        let afterwards = legacy().ask("Locate").succeed(|answer| answer.key = None).touch("operator", "remove", &file);
        assert_eq!(afterwards.found("K5").1.len(), 1);
    }
}
