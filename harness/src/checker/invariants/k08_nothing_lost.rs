//! K8: what was given out is on the disk, and what is on the disk is whole.
//!
//! Judged on what a power cut at the end of the run would leave. The crash points within a write are enumerated by a
//! test of their own (`harness/tests/crash_points.rs`).

use serde_json::Value;

use super::{Found, Invariant};
use crate::checker::{Run, seconds};
use crate::trace::What;

pub(super) const INVARIANT: Invariant = Invariant {
    id: "K8",
    name: "nothing-lost",
    meaning: "every identifier that was given out names a key that survives a power cut, and every file is whole",
    judge,
};

fn judge(run: &Run<'_>) -> Found {
    let mut found = Found::default();
    for exchange in run.exchanges() {
        if !exchange.operations.iter().any(|name| name == "Register" || name == "Create") {
            continue;
        }
        for answer in &exchange.answers {
            let What::Answer { status, key: Some(key), .. } = &answer.what else { continue };
            if status != "Success" {
                continue;
            }
            found.exercised += 1;
            if !run.played.disk.keys().any(|path| names(path, key)) {
                found.broken.push(format!("at {} {key} was given out, and it is not on the disk", seconds(answer.at)));
            }
        }
    }
    for (path, content) in &run.played.disk {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        if !name.ends_with(".key.json") && !name.ends_with(".metadata") {
            continue;
        }
        found.exercised += 1;
        if serde_json::from_slice::<Value>(content).is_err() {
            found.broken.push(format!("`{}` is not whole: {} bytes", path.display(), content.len()));
        }
    }
    found
}

fn names(path: &std::path::Path, key: &str) -> bool {
    path.file_name().is_some_and(|name| {
        let name = name.to_string_lossy();
        name.starts_with(&format!("{key}.")) && name.ends_with(".key.json")
    })
}

#[cfg(test)]
mod tests {
    use crate::checker::story::{KEY, Story};

    const KEY_FILE: &str = "/data/db/cloudProviderCredentials/key-1.aws.key.json";

    #[test]
    fn an_identifier_that_was_given_out_must_be_on_the_disk() {
        let registered = || Story::plain().ask("Register").succeed(|_| {});
        assert_eq!(registered().file(KEY_FILE, "{}").found("K8"), (2, vec![]));
        let lost = format!("at 0.000s {KEY} was given out, and it is not on the disk");
        assert_eq!(registered().found("K8"), (1, vec![lost]));
        let other = KEY_FILE.replace("key-1", "key-10");
        assert_eq!(registered().file(&other, "{}").found("K8").1.len(), 1, "another key has a longer name");
    }

    #[test]
    fn an_answer_of_failure_gives_nothing_out() {
        assert_eq!(Story::plain().ask("Register").fail("general-failure", |_| {}).found("K8"), (0, vec![]));
    }

    #[test]
    fn a_file_that_is_cut_off_breaks_it_unless_it_is_what_a_write_left_beside_one() {
        let (_, broken) = Story::plain().file(KEY_FILE, "{\"format\"").found("K8");
        assert_eq!(broken, [format!("`{KEY_FILE}` is not whole: 9 bytes")]);
        assert_eq!(Story::plain().file("/data/db/key-1.aws.metadata", "").found("K8").1.len(), 1);
        assert_eq!(Story::plain().file(&format!("{KEY_FILE}.new"), "").found("K8"), (0, vec![]));
    }
}
