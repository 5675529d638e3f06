//! Messages as a whole: several items, versions, sizes, extensions, and what cannot be read.

use super::wire::{activate, create_aes, get, get_attributes, item};
use super::*;

fn reasons(answered: &Answered) -> Vec<Option<ResultReason>> {
    answered.items.iter().map(|item| item.reason).collect()
}

const NOT_FOUND: Option<ResultReason> = Some(ResultReason::ITEM_NOT_FOUND);

#[tokio::test]
async fn items_are_answered_in_order_with_their_names() {
    let bench = Bench::new();
    let answered = bench.ask(Ask::batch([get_attributes(Some(KEY), &["State"]), get(Some(KEY))])).await;
    let names: Vec<_> = answered.items.iter().map(|item| (item.operation, item.id.clone())).collect();
    assert_eq!(names, [(Some(0x0B), Some(vec![0])), (Some(0x0A), Some(vec![1]))]);
    assert_eq!(reasons(&answered), [None, None]);
}

#[tokio::test]
async fn a_batch_stops_or_goes_on_after_a_failure_as_it_says() {
    let batch = || Ask::batch([get(Some(KEY)), get(Some("nobody")), get(Some(KEY))]);
    let bench = Bench::new();
    assert_eq!(reasons(&bench.ask(batch()).await), [None, NOT_FOUND], "Stop is meant where nothing is said");
    let stop = Ask { continuation: Some(2), ..batch() };
    assert_eq!(reasons(&bench.ask(stop).await), [None, NOT_FOUND]);
    assert_eq!(bench.kms.calls().len(), 2);
    let go_on = Ask { continuation: Some(1), ..batch() };
    assert_eq!(reasons(&bench.ask(go_on).await), [None, NOT_FOUND, None]);
}

#[tokio::test]
async fn undo_is_refused_for_a_batch_and_means_nothing_for_one_item() {
    let bench = Bench::new();
    let batch = Ask { continuation: Some(3), ..Ask::batch([create_aes(), get(None)]) };
    assert_eq!(reasons(&bench.ask(batch).await), [Some(ResultReason::FEATURE_NOT_SUPPORTED)]);
    assert_eq!(bench.kms.calls(), [""; 0]);
    let one = Ask { continuation: Some(3), ..Ask::of(get(Some(KEY))) };
    assert_eq!(reasons(&bench.ask(one).await), [None]);
}

#[tokio::test]
async fn the_placeholder_holds_the_key_that_the_batch_made_and_no_longer() {
    let bench = Bench::new();
    let register = || wire::Registered::aes(&[9; 32]).item();
    for new in [create_aes, register] {
        let ask = Ask::batch([new(), activate(None), get_attributes(None, &["State"]), get(None)]);
        let answered = bench.ask(ask).await;
        assert_eq!(reasons(&answered), [None; 4]);
        let id = answered.items[0].value("UniqueIdentifier");
        assert!(answered.items.iter().all(|item| item.value("UniqueIdentifier") == id));
        assert_eq!(answered.items[2].value("AttributeValue"), "2");
    }
    for item in [get(None), activate(None), get_attributes(None, &[])] {
        assert_eq!(bench.one(item).await.refusal(), ResultReason::ITEM_NOT_FOUND);
    }
}

#[tokio::test]
async fn a_message_extension_that_is_critical_is_refused_and_another_is_ignored() {
    let bench = Bench::new();
    let refused = bench.one(get(Some(KEY)).extended(true)).await;
    assert_eq!(refused.refusal(), ResultReason::FEATURE_NOT_SUPPORTED);
    assert!(refused.message.contains("ACME"), "{}", refused.message);
    assert_eq!(bench.one(get(Some(KEY)).extended(false)).await.reason, None);
}

#[tokio::test]
async fn an_answer_stays_within_the_size_that_the_client_takes() {
    let bench = Bench::new();
    let ask = |maximum| Ask { maximum: Some(maximum), ..Ask::of(get(Some(KEY))) };
    let whole = bench.ask(ask(8192)).await;
    assert_eq!(reasons(&whole), [None]);
    let exactly = i32::try_from(whole.length).unwrap();
    assert_eq!(reasons(&bench.ask(ask(exactly)).await), [None]);
    for maximum in [exactly - 1, 160, 1, 0] {
        let small = bench.ask(ask(maximum)).await;
        assert_eq!(reasons(&small), [Some(ResultReason::RESPONSE_TOO_LARGE)], "{maximum}");
        assert_eq!(small.items[0].operation, Some(0x0A));
    }
}

#[tokio::test]
async fn of_a_batch_the_items_fail_for_which_there_is_no_room_and_the_first_ones_stay() {
    let bench = Bench::new();
    let items = || [get_attributes(Some(KEY), &[]), get(Some(KEY)), get_attributes(Some(KEY), &["State"])];
    let ask = |maximum| Ask { maximum: Some(maximum), continuation: Some(1), ..Ask::batch(items()) };
    let whole = bench.ask(ask(1 << 20)).await;
    assert_eq!(reasons(&whole), [None, None, None]);
    let whole = i32::try_from(whole.length).unwrap();
    let large = Some(ResultReason::RESPONSE_TOO_LARGE);
    // All attributes take more room than the key, the key more than the state, and the state more than a failure.
    for (maximum, expected) in [
        (whole, vec![None, None, None]),
        (whole - 1, vec![None, None, large]),
        (whole - 110, vec![None, large, None]),
        (700, vec![large, None, None]),
        (360, vec![large, large, large]),
        (250, vec![large]),
    ] {
        let answered = bench.ask(ask(maximum)).await;
        assert_eq!(reasons(&answered), expected, "{maximum} of {whole}");
        assert!(i32::try_from(answered.length).unwrap() <= maximum);
        let ids: Vec<_> = answered.items.iter().map(|item| item.id.clone()).collect();
        assert_eq!(ids, (0..).take(expected.len()).map(|id| Some(vec![id])).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_names_its_operation_and_item_as_far_as_there_is_room() {
    let bench = Bench::new();
    let ask = |maximum| Ask { maximum: Some(maximum), ..Ask::batch([get(Some(KEY)), get(Some(KEY))]) };
    // Without either it has 144 bytes; an operation takes 16 more, an identifier of one byte as well.
    let cases = [
        (176, true, true, 176),
        (175, true, false, 160),
        (160, true, false, 160),
        (159, false, false, 144),
        (144, false, false, 144),
        // Where nothing fits, the operation is worth more than the size.
        (143, true, false, 160),
        (0, true, false, 160),
    ];
    for (maximum, operation, id, length) in cases {
        let small = bench.ask(ask(maximum)).await;
        assert_eq!(reasons(&small), [Some(ResultReason::RESPONSE_TOO_LARGE)], "{maximum}");
        let item = &small.items[0];
        assert_eq!((item.operation.is_some(), item.id.is_some(), small.length), (operation, id, length), "{maximum}");
    }
}

#[tokio::test]
async fn what_an_answer_leaves_out_is_told_once_and_what_query_does_not_list_is_not() {
    let bench = Bench::new();
    let mut object = ManagedObject::new("new".to_owned(), ObjectType::SymmetricKey, NOW);
    object.algorithm = Some(crate::kmip::enums::CryptographicAlgorithm::CHACHA20.0);
    bench.store(object, Some(&[7; 32]));
    bench.disk.put("new.aws.metadata", METADATA);
    let ask = |version| Ask { version, ..Ask::batch([get(Some("new")), get(Some("new"))]) };
    assert_eq!(reasons(&bench.ask(ask((1, 4))).await), [None, None]);
    let query = item(0x18, |writer| writer.enumeration(crate::kmip::tag::QUERY_FUNCTION, 1));
    let query = bench.ask(Ask { version: (1, 0), ..Ask::of(query) }).await;
    assert_eq!(reasons(&query), [None]);
    assert!(bench.told.0.lock().unwrap().is_empty(), "nothing was left out that anybody could miss");

    assert_eq!(reasons(&bench.ask(ask((1, 0))).await), [None, None]);
    let told = bench.told.0.lock().unwrap();
    let [notice] = told.as_slice() else { panic!("{told:?}") };
    let printed = operator::render(notice, operator::LogFormat::Text, SystemTime::UNIX_EPOCH);
    insta::assert_snapshot!(printed, @r"
    warning: an answer in KMIP 1.0 went out without what is younger than that
      left out    ChaCha20 (since KMIP 1.4)
      next        let the client ask in a later version of KMIP if it needs that
    ");
}

#[tokio::test]
async fn every_version_is_answered_in_kind() {
    let bench = Bench::new();
    for minor in 0..=4 {
        let answered = bench.ask(Ask { version: (1, minor), ..Ask::of(get(Some(KEY))) }).await;
        assert_eq!((answered.version, reasons(&answered)), ((1, minor), vec![None]));
    }
    for version in [(1, 5), (2, 0), (2, 1), (0, 9), (-1, 0)] {
        let answered = bench.ask(Ask { version, ..Ask::of(get(Some(KEY))) }).await;
        assert_eq!((answered.version, answered.items[0].operation), ((1, 0), None), "{version:?}");
        assert_eq!(answered.items[0].refusal(), ResultReason::INVALID_MESSAGE);
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_answered_once_and_nothing_of_it_is_done() {
    let bench = Bench::new();
    let whole = Ask::of(get(Some(KEY))).bytes();
    for cut in 0..whole.len() {
        let answered = Answered::read(&bench.operations.answer(&whole[..cut]).await);
        assert_eq!(reasons(&answered), [Some(ResultReason::INVALID_MESSAGE)], "cut at {cut}");
        assert_eq!(answered.items[0].operation, None);
    }
    let twice = [whole.as_slice(), whole.as_slice()].concat();
    assert_eq!(
        Answered::read(&bench.operations.answer(&twice).await).items[0].refusal(),
        ResultReason::INVALID_MESSAGE
    );
    assert_eq!(bench.kms.calls(), [""; 0]);
}

#[tokio::test]
async fn an_item_that_cannot_be_read_names_its_operation_and_spares_the_others() {
    let bench = Bench::new();
    let unreadable = item(0x0A, |writer| writer.integer(crate::kmip::tag::UNIQUE_IDENTIFIER, 3));
    let ask = Ask { continuation: Some(1), ..Ask::batch([unreadable, get(Some(KEY))]) };
    let answered = bench.ask(ask).await;
    assert_eq!(reasons(&answered), [Some(ResultReason::INVALID_MESSAGE), None]);
    assert_eq!(answered.items[0].operation, Some(0x0A));
}

#[tokio::test(start_paused = true)]
async fn a_batch_shares_one_deadline() {
    let bench = Bench::new();
    *bench.kms.silent.lock().unwrap() = true;
    let begun = tokio::time::sleep(bench.operations.deadline + Duration::from_millis(200));
    let begun = pin!(begun);
    let ask =
        Ask { continuation: Some(1), ..Ask::batch([get(Some(KEY)), create_aes(), get_attributes(Some(KEY), &[])]) };
    let answered = bench.ask(ask).await;
    assert!(!begun.is_elapsed(), "the message took more than its deadline");
    let late = Some(ResultReason::GENERAL_FAILURE);
    assert_eq!(reasons(&answered), [late, late, None], "what needs no provider is done all the same");
    assert_eq!(bench.told.classes(), [Class::DeadlineExceeded; 2]);
    let told: Vec<_> = bench.told.0.lock().unwrap().iter().filter_map(|notice| notice.key.clone()).collect();
    assert_eq!(told, [KEY, "(new)"]);
    assert!(answered.items[0].message.contains(KEY), "{}", answered.items[0].message);
}

#[tokio::test]
async fn a_thousand_items_are_carried_out_and_of_one_more_none_is() {
    let bench = Bench::new();
    let many = |count: usize| Ask::batch((0..count).map(|_| activate(Some(KEY))));
    let continued = |count| Ask { continuation: Some(1), ..many(count) };
    let refused = bench.ask(continued(1001)).await;
    assert_eq!(reasons(&refused), [Some(ResultReason::INVALID_MESSAGE)]);
    let message = &refused.items[0].message;
    assert!(message.contains("1001 batch items") && message.contains("at most 1000"), "{message}");
    assert_eq!(bench.ask(continued(1000)).await.items.len(), 1000);

    // A count that says less does not let more in.
    let mut few = continued(1001).bytes();
    let count = few.windows(4).position(|bytes| bytes == 1001_u32.to_be_bytes()).unwrap();
    few[count..count + 4].copy_from_slice(&1_u32.to_be_bytes());
    let refused = Answered::read(&bench.operations.answer(&few).await);
    assert!(refused.items[0].message.contains("1001 batch items"), "{}", refused.items[0].message);
}

#[tokio::test]
async fn of_an_answer_that_would_be_longer_than_4_mib_the_last_items_fail() {
    let bench = Bench::new();
    let mut object = ManagedObject::new("long".to_owned(), ObjectType::SymmetricKey, NOW);
    object.algorithm = Some(3);
    bench.store(object, Some(&[7; 4096]));
    bench.disk.put("long.aws.metadata", METADATA);
    let answered = bench.ask(Ask::batch((0..1000).map(|_| get(Some("long"))))).await;
    let reasons = reasons(&answered);
    let served = reasons.iter().take_while(|reason| reason.is_none()).count();
    assert!(reasons[served..].iter().all(|reason| *reason == Some(ResultReason::RESPONSE_TOO_LARGE)), "{reasons:?}");
    assert_eq!(reasons.len(), 1000, "what is too large stops no batch, as with a client's own limit");
    // Failures keep their room, so that it is not used to the last byte.
    assert!((3 << 20..=4 << 20).contains(&answered.length), "{served} served in {} bytes", answered.length);
    assert!(answered.items[999].message.contains("4194304 bytes"), "{}", answered.items[999].message);
}
