//! Revoke and Destroy: which states allow them, what they leave behind, and that they are durable before they are told.

use super::wire::{activate, create_aes, get, get_attributes, item};
use super::*;
use crate::keys::{Event, State};
use crate::kmip::tag;

/// Revoke for that Revocation Reason Code (KMIP 1.4 section 9.1.3.2.19).
fn revoke(id: Option<&str>, code: u32, occurred: Option<i64>) -> Item {
    item(0x13, |writer| {
        if let Some(id) = id {
            writer.text_string(tag::UNIQUE_IDENTIFIER, id);
        }
        writer.structure(tag::REVOCATION_REASON, |writer| {
            writer.enumeration(tag::REVOCATION_REASON_CODE, code);
            writer.text_string(tag::REVOCATION_MESSAGE, "found in a bin");
        });
        if let Some(occurred) = occurred {
            writer.date_time(tag::COMPROMISE_OCCURRENCE_DATE, occurred);
        }
    })
}

fn destroy(id: Option<&str>) -> Item {
    item(0x14, |writer| {
        if let Some(id) = id {
            writer.text_string(tag::UNIQUE_IDENTIFIER, id);
        }
    })
}

const KEY_COMPROMISE: u32 = 2;
const CESSATION_OF_OPERATION: u32 = 6;

/// Stores a key `k` that has lived through these events.
fn with_key(bench: &Bench, events: &[Event]) {
    let mut object = ManagedObject::new("k".to_owned(), ObjectType::SymmetricKey, NOW - 50);
    events.iter().for_each(|event| object.apply(*event, NOW - 40).unwrap());
    let material = (!object.state.is_destroyed()).then_some(&b"material"[..]);
    bench.store(object, material);
    bench.disk.put("k.aws.metadata", METADATA);
}

/// The state on disk, in the words of key files.
fn stored(bench: &Bench) -> WrappedKey {
    let Ok(Found::Present(key)) = bench.operations.layout.find("k") else { panic!("the key has a file") };
    *key
}

/// Every state, and how to get there.
const LIVES: [(State, &[Event]); 6] = [
    (State::PreActive, &[]),
    (State::Active, &[Event::Activate]),
    (State::Deactivated, &[Event::Activate, Event::Deactivate]),
    (State::Compromised, &[Event::Compromise]),
    (State::Destroyed, &[Event::Destroy]),
    (State::DestroyedCompromised, &[Event::Compromise, Event::Destroy]),
];

/// Asks for one thing in every state; `expected` are the states that it leads to, none where it is refused.
async fn assert_leads(ask: impl Fn() -> Item, refusal: ResultReason, expected: [Option<State>; 6]) {
    for ((state, events), expected) in LIVES.into_iter().zip(expected) {
        let bench = Bench::new();
        with_key(&bench, events);
        let before = stored(&bench);
        assert_eq!(before.object.state, state);
        let answer = bench.one(ask()).await;
        match expected {
            Some(expected) => {
                assert_eq!(answer.payload, ["UniqueIdentifier=k"], "{state}: {}", answer.message);
                assert_eq!(stored(&bench).object.state, expected, "{state}");
            }
            None => {
                assert_eq!(answer.refusal(), refusal, "{state}");
                assert!(answer.message.contains(&format!("in state {state} cannot be")), "{}", answer.message);
                assert_eq!(stored(&bench), before, "{state}: a refusal changes nothing");
            }
        }
        assert_eq!(bench.kms.calls(), [""; 0], "no cloud is asked");
    }
}

#[tokio::test]
async fn a_compromise_is_noted_in_every_state_but_that_of_an_earlier_one() {
    let (compromised, both) = (Some(State::Compromised), Some(State::DestroyedCompromised));
    for code in [KEY_COMPROMISE, 3] {
        let expected = [compromised, compromised, compromised, None, both, None];
        assert_leads(|| revoke(Some("k"), code, None), ResultReason::ILLEGAL_OPERATION, expected).await;
    }
}

#[tokio::test]
async fn any_other_reason_deactivates_what_is_active_and_nothing_else() {
    for code in [1, 4, 5, CESSATION_OF_OPERATION, 7] {
        let expected = [None, Some(State::Deactivated), None, None, None, None];
        assert_leads(|| revoke(Some("k"), code, None), ResultReason::ILLEGAL_OPERATION, expected).await;
    }
}

#[tokio::test]
async fn what_is_not_active_and_still_there_can_be_destroyed() {
    let (destroyed, both) = (Some(State::Destroyed), Some(State::DestroyedCompromised));
    let expected = [destroyed, None, destroyed, both, None, None];
    assert_leads(|| destroy(Some("k")), ResultReason::PERMISSION_DENIED, expected).await;
}

#[tokio::test]
async fn a_date_that_has_come_counts_before_the_state_in_the_file() {
    let bench = Bench::new();
    // The key of the bench is Pre-Active in its file, and has an activation date that has passed.
    assert_eq!(bench.one(destroy(Some(KEY))).await.refusal(), ResultReason::PERMISSION_DENIED);
    assert_eq!(bench.one(revoke(Some(KEY), CESSATION_OF_OPERATION, None)).await.reason, None);
    let told = bench.one(get_attributes(Some(KEY), &["State"])).await;
    assert_eq!(told.value("AttributeValue"), "3");
}

#[tokio::test]
async fn get_attributes_tells_the_dates_and_the_reason_of_a_revocation() {
    let names = ["State", "Deactivation Date", "Compromise Occurrence Date", "Compromise Date", "Revocation Reason"];
    let told = async |code, occurred| {
        let bench = Bench::new();
        with_key(&bench, &[Event::Activate]);
        assert_eq!(bench.one(revoke(Some("k"), code, occurred)).await.reason, None);
        let attributes = bench.one(get_attributes(Some("k"), &names)).await;
        attributes.payload[1..].join(" ").replace("AttributeName=", "").replace("AttributeValue=", "")
    };
    let reason = |code| format!("Revocation Reason RevocationReasonCode={code} RevocationMessage=found in a bin");
    let (now, initial) = (NOW, NOW - 50);
    assert_eq!(
        told(CESSATION_OF_OPERATION, None).await,
        format!("State 3 Deactivation Date {now} {}", reason(CESSATION_OF_OPERATION))
    );
    assert_eq!(
        told(KEY_COMPROMISE, Some(6)).await,
        format!("State 4 Compromise Occurrence Date 6 Compromise Date {now} {}", reason(KEY_COMPROMISE))
    );
    assert_eq!(
        told(KEY_COMPROMISE, None).await,
        format!("State 4 Compromise Occurrence Date {initial} Compromise Date {now} {}", reason(KEY_COMPROMISE)),
        "a compromise that nobody dates may be as old as the key"
    );
}

#[tokio::test]
async fn a_reason_that_is_none_or_a_date_without_a_compromise_is_an_invalid_field() {
    let bench = Bench::new();
    with_key(&bench, &[Event::Activate]);
    let before = stored(&bench);
    for code in [0, 8, 0x8000_0001] {
        let answer = bench.one(revoke(Some("k"), code, None)).await;
        assert_eq!(answer.refusal(), ResultReason::INVALID_FIELD);
        assert!(answer.message.contains(&format!("0x{code:08X}")), "{}", answer.message);
    }
    let answer = bench.one(revoke(Some("k"), CESSATION_OF_OPERATION, Some(6))).await;
    assert_eq!(answer.refusal(), ResultReason::INVALID_FIELD);
    assert_eq!(stored(&bench), before);
    let nothing = item(0x13, |writer| writer.text_string(tag::UNIQUE_IDENTIFIER, "k"));
    assert_eq!(bench.one(nothing).await.refusal(), ResultReason::INVALID_MESSAGE);
}

#[tokio::test]
async fn a_destroyed_key_is_gone_from_its_file_and_not_found_by_get_but_its_attributes_stay() {
    let bench = Bench::new();
    with_key(&bench, &[Event::Activate]);
    assert_eq!(bench.one(get(Some("k"))).await.value("KeyMaterial").len(), 16);
    assert_eq!(bench.one(revoke(Some("k"), CESSATION_OF_OPERATION, None)).await.reason, None);
    assert!(stored(&bench).wrapped.is_some(), "to revoke is not to destroy");
    assert_eq!(bench.one(destroy(Some("k"))).await.reason, None);

    assert_eq!(stored(&bench).wrapped, None);
    let file = bench.disk.read(&Path::new(FOLDER).join("k.aws.key.json")).unwrap();
    assert!(!str::from_utf8(&file).unwrap().contains("keyMaterial"));
    for asked in [get(Some("k")), activate(Some("k"))] {
        let answer = bench.one(asked).await;
        assert_eq!(answer.refusal(), ResultReason::ITEM_NOT_FOUND);
        assert_eq!(answer.message, "object k was destroyed by a client; nothing brings it back");
    }
    let told = bench.one(get_attributes(Some("k"), &["State", "Destroy Date"])).await;
    let expected = ["AttributeName=State", "AttributeValue=5", "AttributeName=Destroy Date"];
    assert_eq!(told.payload[1..4], expected);
    assert_eq!(told.payload[4], format!("AttributeValue={NOW}"));
    assert!(bench.told.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_never_existed_is_not_found_and_a_broken_file_is_never_taken_for_that() {
    let asks = || [revoke(Some(KEY), KEY_COMPROMISE, None), destroy(Some(KEY))];
    let bench = Bench::new();
    for asked in [revoke(Some("nobody"), KEY_COMPROMISE, None), destroy(Some("nobody"))] {
        assert_eq!(bench.one(asked).await.refusal(), ResultReason::ITEM_NOT_FOUND);
    }
    bench.disk.put(&format!("{KEY}.aws.key.json"), "{\"format\": \"kmip-pr");
    for asked in asks() {
        assert_eq!(bench.one(asked).await.refusal(), ResultReason::GENERAL_FAILURE);
    }
    bench.disk.take_away(&format!("{KEY}.aws.key.json"));
    for asked in asks() {
        assert_eq!(bench.one(asked).await.refusal(), ResultReason::GENERAL_FAILURE);
    }
    assert_eq!(bench.told.classes()[..2], [Class::KeyFileMalformed; 2]);
    assert_eq!(bench.told.classes()[2..], [Class::KeyFileMissing; 2]);
}

#[tokio::test]
async fn a_change_that_cannot_be_written_or_synced_is_not_told_as_done() {
    for broken in [Broken::Write, Broken::Sync, Broken::Rename] {
        for asked in [revoke(Some("k"), KEY_COMPROMISE, None), destroy(Some("k"))] {
            let bench = Bench::new();
            with_key(&bench, &[]);
            let before = stored(&bench);
            bench.disk.breaks(broken);
            assert_eq!(bench.one(asked).await.refusal(), ResultReason::GENERAL_FAILURE, "{broken:?}");
            assert_eq!(bench.told.classes(), [Class::FileUnavailable], "{broken:?}");
            assert_eq!(stored(&bench), before, "{broken:?}");
        }
    }
}

#[tokio::test]
async fn a_batch_may_make_a_key_and_throw_it_away_again() {
    let bench = Bench::new();
    let batch = || {
        let asks = [create_aes(), destroy(None), get(None), activate(None), revoke(None, KEY_COMPROMISE, None)];
        Ask { continuation: Some(1), ..Ask::batch(asks) }
    };
    let answered = bench.ask(batch()).await;
    let reasons: Vec<_> = answered.items.iter().map(|item| item.reason).collect();
    let not_found = Some(ResultReason::ITEM_NOT_FOUND);
    assert_eq!(reasons, [None, None, not_found, not_found, None], "also what is destroyed may turn out compromised");
    let id = answered.items[0].value("UniqueIdentifier");
    assert_eq!(bench.one(get_attributes(Some(id), &["State"])).await.value("AttributeValue"), "6");
}
