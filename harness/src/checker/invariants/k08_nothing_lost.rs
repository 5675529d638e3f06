//! K8: what was given out is on the disk, and what is on the disk is whole.
//!
//! Judged twice: on what the proxy did to its files before it answered (the key's file has its name, and the name is
//! synced, and nobody else's key had the identifier; a change of state is written as a new key is), and on what a power
//! cut at the end of the run would leave. Where a world does not see what is done to files, the second alone is judged. A
//! world in which a real mongod keeps documents says so where they are not there after a restart. The crash points within
//! a write are enumerated by a test of their own (`harness/tests/crash_points.rs`).

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::{Found, Invariant};
use crate::checker::{Exchange, Reply, Run, seconds};
use crate::trace::{Event, Unseen, What};

pub(super) const INVARIANT: Invariant = Invariant {
    id: "K8",
    name: "nothing-lost",
    meaning: "every identifier that was given out names one key, which survives a power cut, as does every change of \
              state that was answered; every file is whole, and metadata files are never written",
    judge,
};

fn judge(run: &Run<'_>) -> Found {
    let mut found = Found::default();
    given_out(run, &mut found);
    changed_state(run, &mut found);
    whole(run, &mut found);
    for event in run.events() {
        if let What::Finding { invariant, text } = &event.what
            && invariant == INVARIANT.id
        {
            found.exercised += 1;
            found.broken.push(format!("at {} {text}", seconds(event.at)));
        }
        if let Some((operation, path)) = changed(event)
            && path.to_string_lossy().ends_with(METADATA)
        {
            let (at, path) = (seconds(event.at), path.display());
            found.broken.push(format!("at {at} the proxy did a {operation} to `{path}`, which is the operator's"));
        }
    }
    found
}

const KEY_FILE: &str = ".key.json";
const METADATA: &str = ".metadata";

fn given_out(run: &Run<'_>, found: &mut Found) {
    let exchanges = run.exchanges();
    let mut known: BTreeSet<&str> = run.played.existing.keys().map(String::as_str).collect();
    for (index, exchange) in exchanges.iter().enumerate() {
        for reply in exchange.replies().iter().filter(|reply| reply.succeeded && reply.makes()) {
            let Some(key) = reply.key else { continue };
            found.exercised += 1;
            let at = seconds(reply.event.at);
            // Not even a destroyed object gives its identifier back (KMIP 1.4 section 3.1).
            if !known.insert(key) {
                found.broken.push(format!("at {at} {key} was given out, and was given out before"));
            }
            if !run.is_unseen(Unseen::Files) && !durable_before(exchange, reply, key) {
                found.broken.push(format!("at {at} {key} was given out before its file and its name were durable"));
            }
            if exchanges[index..].iter().any(|later| destroys(later, key)) {
                continue;
            }
            let file = run.played.disk.iter().find(|(path, _)| names(path, key));
            // What others did to it is not the product's loss.
            if tampered(run, key) {
                continue;
            }
            match file.map(|(_, content)| serde_json::from_slice::<Value>(content).unwrap_or_default()) {
                None => found.broken.push(format!("at {at} {key} was given out, and it is not on the disk")),
                Some(file) if file["uniqueIdentifier"] != key || !holds_a_key(&file) => {
                    found
                        .broken
                        .push(format!("at {at} {key} was given out, and its file on the disk holds no such key"));
                }
                Some(_) => {}
            }
        }
    }
}

/// Success means a change: whoever asks for what is so already is refused (KMIP 1.4 sections 11.20 to 11.22).
fn changed_state(run: &Run<'_>, found: &mut Found) {
    if run.is_unseen(Unseen::Files) {
        return;
    }
    for exchange in run.exchanges() {
        let replies = exchange.replies();
        let changes = |reply: &&Reply<'_>| matches!(reply.operation, "Activate" | "Revoke" | "Destroy");
        for reply in replies.iter().filter(|reply| reply.succeeded).filter(changes) {
            // What an answer names wrongly is for others to judge; a batch may mean the key that it has made.
            let Some(key) = exchange.key.or(reply.key) else { continue };
            found.exercised += 1;
            if !durable_before(&exchange, reply, key) {
                let (at, operation) = (seconds(reply.event.at), reply.operation);
                found.broken.push(format!("at {at} the {operation} of {key} was answered before it was durable"));
            }
        }
    }
}

/// Whether the proxy gave a file its key's name, and then synced the directory of it, before the answer.
fn durable_before(exchange: &Exchange<'_>, reply: &Reply<'_>, key: &str) -> bool {
    let mut named: Option<&Path> = None;
    for event in exchange.between.iter().take_while(|event| event.ordinal < reply.event.ordinal) {
        match &event.what {
            What::File { operation, path } if event.host == "proxy" => match operation.as_str() {
                "rename" if names(Path::new(path), key) => named = Path::new(path).parent(),
                "sync" if named.is_some_and(|directory| directory == Path::new(path)) => return true,
                _ => {}
            },
            _ => {}
        }
    }
    false
}

/// Whether somebody has removed or damaged the file of a key.
fn tampered(run: &Run<'_>, key: &str) -> bool {
    let files = run.events().iter().filter(|event| event.host == "operator").filter_map(|event| match &event.what {
        What::File { path, .. } if names(Path::new(path), key) => Some(Path::new(path)),
        _ => None,
    });
    files.into_iter().any(|path| matches!(run.done_to(path), Some("remove" | "damage")))
}

fn destroys(exchange: &Exchange<'_>, key: &str) -> bool {
    let replies = exchange.replies();
    exchange.key == Some(key) && replies.iter().any(|reply| reply.succeeded && reply.operation == "Destroy")
}

fn holds_a_key(file: &Value) -> bool {
    file.pointer("/keyMaterial/$binary/base64").and_then(Value::as_str).is_some_and(|text| !text.is_empty())
}

fn whole(run: &Run<'_>, found: &mut Found) {
    for (path, content) in &run.played.disk {
        let name = path.to_string_lossy();
        if !name.ends_with(KEY_FILE) && !name.ends_with(METADATA) {
            continue;
        }
        // What the lab has placed, and nobody has touched, proves nothing.
        let touched = run.events().iter().filter_map(changed).any(|(_, changed)| changed == path);
        found.exercised += u64::from(touched);
        let whole = serde_json::from_slice::<Value>(content).is_ok_and(|file| file.is_object());
        if !whole && run.done_to(path) != Some("damage") {
            found.broken.push(format!("`{}` is not whole: {} bytes", path.display(), content.len()));
        }
    }
}

/// What the proxy did to a file that was more than to look at it.
fn changed(event: &Event) -> Option<(&str, &Path)> {
    match &event.what {
        What::File { operation, path } if event.host == "proxy" => {
            let changes = matches!(operation.as_str(), "write" | "rename" | "remove");
            changes.then(|| (operation.as_str(), Path::new(path)))
        }
        _ => None,
    }
}

/// Whether a path is that of a key's file: `<key>.<provider>.key.json`.
fn names(path: &Path, key: &str) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let provider = name.strip_prefix(key).and_then(|rest| rest.strip_prefix('.')?.strip_suffix(KEY_FILE));
    provider.is_some_and(|provider| !provider.contains('.'))
}

#[cfg(test)]
mod tests {
    use crate::checker::story::{AnswerParts, KEY, Story};
    use crate::trace::{Unseen, What};

    const FOLDER: &str = "/data/db/cloudProviderCredentials";
    const PATH: &str = "/data/db/cloudProviderCredentials/key-1.aws.key.json";
    const CONTENT: &str = r#"{"uniqueIdentifier": "key-1", "keyMaterial": {"$binary": {"base64": "AAEC"}}}"#;

    /// A request to make a key, before its answer.
    fn making(operation: &str) -> Story {
        Story::plain().without_existing().ask(operation)
    }

    #[test]
    fn what_a_world_finds_lost_after_a_restart_breaks_it_and_other_findings_do_not() {
        let finding = |invariant: &str| {
            let text = "document 7 of 100 is gone".to_owned();
            Story::plain().event("lab", What::Finding { invariant: invariant.to_owned(), text })
        };
        assert_eq!(finding("K8").found("K8"), (1, vec!["at 0.000s document 7 of 100 is gone".to_owned()]));
        assert_eq!(finding("K3").found("K8"), (0, vec![]));
    }

    #[test]
    fn an_identifier_is_given_out_once() {
        let again = durable(durable(making("Register")).succeed(|_| {}).ask("Register")).succeed(|_| {});
        let told = format!("at 0.000s {KEY} was given out, and was given out before");
        assert_eq!(broken(again.file(PATH, CONTENT)), std::slice::from_ref(&told));
        let existing = durable(Story::plain().ask("Register")).succeed(|_| {});
        assert_eq!(broken(existing.file(PATH, CONTENT)), [told]);
    }

    fn durable(story: Story) -> Story {
        story.touch("proxy", "rename", PATH).touch("proxy", "sync", FOLDER)
    }

    fn broken(story: Story) -> Vec<String> {
        story.found("K8").1
    }

    #[test]
    fn an_identifier_that_was_given_out_must_be_on_the_disk() {
        for operation in ["Register", "Create"] {
            let made = || durable(making(operation)).succeed(|_| {});
            assert_eq!(made().file(PATH, CONTENT).found("K8"), (2, vec![]));
            let lost = format!("at 0.000s {KEY} was given out, and it is not on the disk");
            assert_eq!(made().found("K8"), (1, vec![lost]));
            for other in ["key-10.aws", "key-1.other.aws"] {
                let other = format!("{FOLDER}/{other}.key.json");
                assert_eq!(broken(made().file(&other, CONTENT)).len(), 1, "another key has a longer name");
            }
        }
    }

    #[test]
    fn who_does_not_see_files_judges_what_lies_there_in_the_end() {
        let unseen = |story: Story| story.without_seeing(&[Unseen::Files]);
        let made = || making("Register").succeed(|_| {});
        assert_eq!(unseen(made().file(PATH, CONTENT)).found("K8"), (1, vec![]));
        assert_eq!(broken(made().file(PATH, CONTENT)).len(), 1, "not durable before");
        let lost = format!("at 0.000s {KEY} was given out, and it is not on the disk");
        assert_eq!(broken(unseen(made())), [lost]);
        let activated = || Story::plain().ask("Activate").succeed(|_| {});
        assert_eq!(unseen(activated()).found("K8"), (0, vec![]));
        assert_eq!(broken(activated()).len(), 1);
    }

    #[test]
    fn its_file_must_hold_that_key() {
        let made = |content: &str| broken(durable(making("Register")).succeed(|_| {}).file(PATH, content));
        let told = format!("at 0.000s {KEY} was given out, and its file on the disk holds no such key");
        assert_eq!(made("{}"), [told.as_str()]);
        assert_eq!(made(&CONTENT.replace("key-1", "key-2")), [told.as_str()]);
        assert_eq!(made(&CONTENT.replace("AAEC", "")), [told.as_str()]);
        assert_eq!(made(""), [told.as_str(), &format!("`{PATH}` is not whole: 0 bytes")]);
    }

    #[test]
    fn a_key_that_was_destroyed_afterwards_need_not_be_there() {
        let made = || durable(making("Register")).succeed(|_| {});
        assert_eq!(broken(durable(made().ask("Destroy")).succeed(|_| {})), Vec::<String>::new());
        assert_eq!(broken(made().ask("Destroy").fail("permission-denied", |_| {})).len(), 1);
    }

    #[test]
    fn the_file_must_have_been_durable_before_the_answer() {
        let told = [format!("at 0.000s {KEY} was given out before its file and its name were durable")];
        let answered = |story: Story| story.succeed(|_| {}).file(PATH, CONTENT);
        let early = |story: Story| broken(answered(story));
        assert_eq!(broken(durable(answered(making("Register")))), told, "after the answer");
        assert_eq!(early(durable(Story::plain().without_existing()).ask("Register")), told, "before the request");
        assert_eq!(early(making("Register").touch("proxy", "rename", PATH)), told, "the name is not synced");
        let backwards = making("Register").touch("proxy", "sync", FOLDER).touch("proxy", "rename", PATH);
        assert_eq!(early(backwards), told);
        let elsewhere = making("Register").touch("proxy", "rename", PATH).touch("proxy", "sync", "/data/db");
        assert_eq!(early(elsewhere), told);
        let by_another = making("Register").touch("mongod", "rename", PATH).touch("mongod", "sync", FOLDER);
        assert_eq!(early(by_another), told);
    }

    #[test]
    fn a_change_of_state_must_have_been_durable_before_the_answer() {
        for operation in ["Activate", "Revoke", "Destroy"] {
            let asked = || Story::plain().ask(operation);
            let told = [format!("at 0.000s the {operation} of {KEY} was answered before it was durable")];
            assert_eq!(durable(asked()).succeed(|_| {}).found("K8"), (1, vec![]));
            assert_eq!(broken(durable(asked().succeed(|_| {}))), told, "after the answer");
            assert_eq!(broken(durable(Story::plain()).ask(operation).succeed(|_| {})), told, "before the request");
            let unsynced = asked().touch("proxy", "rename", PATH);
            assert_eq!(broken(unsynced.succeed(|_| {})), told, "the name is not synced");
            let other = asked().touch("proxy", "rename", &PATH.replace("key-1", "key-2"));
            assert_eq!(broken(other.touch("proxy", "sync", FOLDER).succeed(|_| {})), told, "another key");
            assert_eq!(asked().fail("permission-denied", |_| {}).found("K8"), (0, vec![]), "nothing has changed");
        }
        assert_eq!(Story::plain().ask("Get").succeed(|_| {}).found("K8"), (0, vec![]), "a Get changes nothing");
    }

    #[test]
    fn a_change_of_state_is_of_the_key_that_was_asked_for_and_else_of_the_one_that_the_answer_names() {
        let named = |key: Option<&str>| {
            let story = durable(Story::plain().ask("Revoke"));
            broken(story.succeed(|answer| answer.key = key.map(str::to_owned)))
        };
        assert_eq!(named(None), Vec::<String>::new());
        assert_eq!(named(Some("key-2")), Vec::<String>::new());
        let unnamed = |key: Option<&str>| {
            let of = |answer: &mut AnswerParts| {
                (answer.operation, answer.key) = (Some("Activate"), key.map(str::to_owned));
            };
            Story::plain().ask("Register").succeed(of).found("K8")
        };
        assert_eq!(unnamed(None), (0, vec![]), "nobody can tell of which key");
        assert_eq!(unnamed(Some(KEY)).1.len(), 1);
    }

    #[test]
    fn an_answer_of_failure_gives_nothing_out() {
        assert_eq!(making("Register").fail("general-failure", |_| {}).found("K8"), (0, vec![]));
    }

    #[test]
    fn a_file_that_is_cut_off_breaks_it_unless_it_is_what_a_write_left_beside_one() {
        for content in ["{\"format\"", "[{}, 123]"] {
            let found = Story::plain().file(PATH, content).found("K8");
            assert_eq!(found, (0, vec![format!("`{PATH}` is not whole: 9 bytes")]));
        }
        assert_eq!(broken(Story::plain().file("/data/db/key-1.aws.metadata", "")).len(), 1);
        assert_eq!(Story::plain().file(&format!("{PATH}.new"), "").found("K8"), (0, vec![]));
    }

    #[test]
    fn what_somebody_has_removed_or_damaged_is_not_the_products_loss_and_what_was_restored_is() {
        let made = || durable(making("Register")).succeed(|_| {});
        assert_eq!(broken(made().touch("operator", "remove", PATH)), Vec::<String>::new());
        let restored = made().touch("operator", "remove", PATH).touch("operator", "restore", PATH);
        assert_eq!(broken(restored).len(), 1);
        let damaged = || Story::plain().touch("operator", "damage", PATH).file(PATH, "{");
        assert_eq!(broken(damaged()), Vec::<String>::new());
        assert_eq!(broken(damaged().touch("operator", "forbid", PATH)), Vec::<String>::new(), "it is still damaged");
        assert_eq!(broken(damaged().touch("operator", "restore", PATH)).len(), 1);
        assert_eq!(broken(made().touch("proxy", "remove", PATH)).len(), 1, "the product is no operator");
    }

    #[test]
    fn a_damaged_file_that_is_forbidden_then_is_damaged_still() {
        let damaged = Story::plain().touch("operator", "damage", PATH).touch("operator", "forbid", PATH);
        assert_eq!(broken(damaged.file(PATH, "{")), Vec::<String>::new());
        let forbidden = Story::plain().touch("operator", "forbid", PATH);
        assert_eq!(broken(forbidden.file(PATH, "{")).len(), 1, "nobody damaged it");
    }

    #[test]
    fn only_what_the_proxy_has_written_exercises_it() {
        assert_eq!(Story::plain().file(PATH, CONTENT).found("K8"), (0, vec![]));
        let touched = |host: &str| Story::plain().touch(host, "rename", PATH).file(PATH, CONTENT).found("K8");
        assert_eq!(touched("proxy"), (1, vec![]));
        assert_eq!(touched("operator"), (0, vec![]));
    }

    #[test]
    fn a_metadata_file_that_the_proxy_changes_breaks_it() {
        let path = "/data/db/cloudProviderCredentials/key-1.aws.metadata";
        for operation in ["write", "rename", "remove"] {
            let told = format!("at 0.000s the proxy did a {operation} to `{path}`, which is the operator's");
            assert_eq!(broken(Story::plain().touch("proxy", operation, path)), [told]);
        }
        assert_eq!(broken(Story::plain().touch("proxy", "read", path)), Vec::<String>::new());
        assert_eq!(broken(Story::plain().touch("operator", "edit", path)), Vec::<String>::new());
    }
}
