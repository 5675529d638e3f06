//! Whole courses, without any program.

use super::*;

const NOW: Duration = Duration::from_secs(5);

fn said(text: &str) -> Said {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Plays answers, one after the other. Comes to everything that was told, and whose turn it was.
fn played(errand: Errand, answers: &[&str]) -> (Course, Vec<String>) {
    let (mut course, first) = Course::new(errand, true);
    let mut told = vec![shown(&Turn::Order(first))];
    for answer in answers {
        told.extend(heard(&mut course, answer, NOW));
    }
    (course, told)
}

fn heard(course: &mut Course, answer: &str, now: Duration) -> Vec<String> {
    let Next { told, turn } = course.said(said(answer), now);
    told.iter().map(|told| format!("{told:?}")).chain([shown(&turn)]).collect()
}

fn shown(turn: &Turn) -> String {
    match turn {
        Turn::Order(order) => serde_json::to_string(order).unwrap(),
        turn => format!("{turn:?}"),
    }
}

const LOOK: &str = r#"{"do":"look"}"#;
const OPEN: &str = r#"{"do":"read","fresh":true}"#;
const WRITE: &str = r#"{"do":"write","clear":"457-55-5462"}"#;
const MAKE: &str = r#"{"do":"make","delegated":true}"#;
const NO_KEY: &str = r#"{"key": false, "document": false}"#;
const KEY_ALONE: &str = r#"{"key": true, "document": false}"#;
const BOTH: &str = r#"{"key": true, "document": true}"#;
const MADE: &str = r#"{"made": "id-1"}"#;
const WROTE: &str = r#"{"wrote": "id-1"}"#;
const READ: &str = r#"{"read": "457-55-5462", "under": "id-1"}"#;
const REFUSED: &str = r#"{"failed": "no", "kind": "EncryptionError"}"#;

#[test]
fn a_first_start_makes_a_key_and_its_first_need_opens_it() {
    let (mut course, told) = played(Errand::Serve, &[NO_KEY, MADE]);
    assert_eq!(told, [LOOK, "Used", MAKE, "Used", r#"Under("id-1")"#, "Ready", "Wait"]);
    assert!(course.waits());
    // What was just made is in no cache, and there is no document yet.
    assert_eq!(course.needed(NOW), Order::Look);
    assert!(!course.waits());
    assert_eq!(heard(&mut course, KEY_ALONE, NOW), ["Used", WRITE]);
    assert_eq!(heard(&mut course, WROTE, NOW), ["Used", OPEN]);
    assert_eq!(heard(&mut course, READ, NOW), ["Used", "Wait"]);
    assert_eq!(course.needed(NOW), Order::Read { fresh: false });
}

#[test]
fn a_restart_opens_what_is_there_and_keeps_it_for_a_minute() {
    let (mut course, told) = played(Errand::Serve, &[BOTH, READ]);
    assert_eq!(told, [LOOK, "Used", OPEN, "Used", "Ready", "Wait"]);
    assert_eq!(course.needed(NOW + CACHED), Order::Read { fresh: false });
    assert_eq!(heard(&mut course, READ, NOW + CACHED), ["Used", "Wait"]);
    // What is read out of the cache is not opened, and grows old.
    assert_eq!(course.needed(NOW + CACHED + Duration::from_nanos(1)), Order::Look);
    let (_, told) = played(Errand::Serve, &[KEY_ALONE, WROTE, READ]);
    assert_eq!(told, [LOOK, "Used", WRITE, "Used", OPEN, "Used", "Ready", "Wait"]);
}

#[test]
fn who_is_refused_at_the_start_ends_and_who_is_refused_later_says_so_and_goes_on() {
    for answers in [&[NO_KEY, REFUSED][..], &[KEY_ALONE, REFUSED], &[BOTH, REFUSED]] {
        let (_, told) = played(Errand::Serve, answers);
        assert!(
            told.ends_with(&[r#"Trouble("no")"#.to_owned(), r#"Ends("no (EncryptionError)")"#.to_owned()]),
            "{told:?}"
        );
    }
    let (mut course, _) = played(Errand::Serve, &[BOTH, READ]);
    let later = NOW + CACHED * 2;
    course.needed(later);
    assert_eq!(heard(&mut course, BOTH, later), ["Used", OPEN]);
    assert_eq!(heard(&mut course, REFUSED, later), [r#"Trouble("no")"#, "Wait"]);
    // Nothing is in the cache now.
    assert_eq!(course.needed(later), Order::Look);
    heard(&mut course, KEY_ALONE, later);
    assert_eq!(heard(&mut course, REFUSED, later), [r#"Trouble("no")"#, "Wait"]);
    // Neither is it after a failure out of the cache.
    let (mut course, _) = played(Errand::Serve, &[BOTH, READ]);
    assert_eq!(course.needed(NOW), Order::Read { fresh: false });
    heard(&mut course, REFUSED, NOW);
    assert_eq!(course.needed(NOW), Order::Look);
}

#[test]
fn what_reads_other_than_it_was_written_is_a_finding_whenever_it_is_read() {
    let other = r#"{"read": "457-55-5463", "under": "id-1"}"#;
    let (mut course, told) = played(Errand::Serve, &[BOTH, other]);
    assert_eq!(told[3..], ["Used", "ReadsOther", "Ready", "Wait"]);
    course.needed(NOW);
    assert_eq!(heard(&mut course, other, NOW), ["Used", "ReadsOther", "Wait"]);
    let rewrapped = r#"{"rewrapped": 1, "under": "id-2"}"#;
    let (_, told) = played(Errand::Rewrap, &[BOTH, rewrapped, BOTH, other]);
    assert!(told.contains(&"ReadsOther".to_owned()), "{told:?}");
    assert!(matches!(Told::ReadsOther.event(), Some(What::Finding { invariant, .. }) if invariant == "K1"));
}

#[test]
fn a_rewrap_is_proved_with_what_was_written_before_where_there_is_any() {
    let rewrapped = r#"{"rewrapped": 1, "under": "id-2"}"#;
    let rewrap = r#"{"do":"rewrap","delegated":true}"#;
    let words = r#"Ends("the data key is wrapped under another master key (rewrapped)")"#;
    let (_, told) = played(Errand::Rewrap, &[BOTH, rewrapped, BOTH, READ]);
    assert_eq!(told, [LOOK, "Used", rewrap, "Used", r#"Under("id-2")"#, LOOK, "Used", OPEN, "Used", words]);
    let (_, told) = played(Errand::Rewrap, &[KEY_ALONE, rewrapped, KEY_ALONE]);
    assert_eq!(told[6..], ["Used", words]);
    let (_, told) = played(Errand::Rewrap, &[NO_KEY]);
    assert_eq!(told[2..], [r#"Ends("the key vault holds no data key (nothing to rewrap)")"#]);
    let (_, told) = played(Errand::Rewrap, &[BOTH, r#"{"rewrapped": 0, "under": "id-1"}"#]);
    assert_eq!(told.last().unwrap(), r#"Ends("0 data keys were wrapped anew (EncryptionError)")"#);
}

#[test]
fn before_the_run_a_data_key_and_a_document_are_made_and_no_use_of_a_key_is_told() {
    let (_, told) = played(Errand::Prepare("id-1".to_owned()), &[MADE, WROTE]);
    let make = r#"{"do":"make","keyId":"id-1","delegated":true}"#;
    assert_eq!(told, [make, WRITE, "Used", "Prepared", r#"Ends("prepared")"#]);
}

#[test]
fn what_is_no_matter_of_keys_says_nothing_of_the_product() {
    let broken = |errand: Errand, answers: &[&str]| {
        let (_, told) = played(errand, answers);
        let last = told.last().unwrap().clone();
        assert!(last.starts_with("Broken("), "{last}");
        last
    };
    let gone = r#"{"failed": "no mongod", "kind": "ServerSelectionTimeoutError"}"#;
    let why = broken(Errand::Serve, &[BOTH, gone]);
    assert!(why.contains("and not for its key: ServerSelectionTimeoutError: no mongod"), "{why}");
    assert!(broken(Errand::Serve, &[MADE]).contains("where Look is awaited"));
    assert!(broken(Errand::Serve, &[BOTH, READ, READ]).contains("and was not asked"));
}
