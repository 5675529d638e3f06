use super::dialogue::{Answered, Connection, Dialogue, Words};
use super::*;
use crate::scenario::Provider;
use crate::trace::{Peer, Tier};
use crate::wire::names::*;
use crate::wire::{Item, Value};

fn dialogue() -> Dialogue {
    let peer = Peer { name: "a client".to_owned(), tier: Tier::RealDriver, proof: vec!["it said so".to_owned()] };
    let mut dialogue = Dialogue::new("a/b".to_owned(), Provider::Gcp, "0x5eed".to_owned(), 1, peer, vec![1000]);
    let exchange =
        Exchange { at: 1020, request: vec![1, 0xab], answer: Some(Answered { at: 1040, message: vec![0xff] }) };
    let connection = Connection { at: 1010, exchanges: vec![exchange], closed: Some(1050) };
    dialogue.starts.push(Start {
        at: 1000,
        connections: vec![connection],
        said: vec![Words { at: 1041, text: "oh".to_owned() }],
        ready: Some(1060),
        exited: None,
    });
    dialogue
}

#[test]
fn a_dialogue_is_the_same_after_it_was_written_and_read() {
    let written = dialogue();
    assert_eq!(Dialogue::parse(&written.text()), Ok(written.clone()));
    assert_eq!(written.seed(), Some(0x5eed));
    assert!(written.text().contains("\"request\": \"01ab\"") && written.text().contains("\"provider\": \"gcp\""));
}

#[test]
fn what_is_no_dialogue_is_refused_with_its_reason() {
    let text = dialogue().text();
    for (old, new, why) in [
        (
            "kmiplab-dialogue/1",
            "kmiplab-dialogue/2",
            "format `kmiplab-dialogue/2`, this program reads `kmiplab-dialogue/1`",
        ),
        ("01ab", "01a", "bytes are pairs of hexadecimal digits"),
        ("01ab", "01xy", "bytes are pairs of hexadecimal digits"),
        ("\"gcp\"", "\"moon\"", "`moon` is no provider"),
        ("\"ready\"", "\"steady\"", "unknown field `steady`"),
    ] {
        let error = Dialogue::parse(&text.replace(old, new)).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
    let error = Dialogue::load("/nowhere/x.dialogue.json".as_ref()).unwrap_err();
    assert!(error.starts_with("cannot read `/nowhere/x.dialogue.json`: "), "{error}");
}

#[test]
fn steps_come_in_the_order_of_their_times() {
    let dialogue = dialogue();
    let names: Vec<&str> = steps(&dialogue.starts[0])
        .iter()
        .map(|(_, step)| match step {
            Step::Open(_) => "open",
            Step::Ask(..) => "ask",
            Step::Close(_) => "close",
            Step::Say(_) => "say",
            Step::Ready => "ready",
            Step::Exit(_) => "exit",
        })
        .collect();
    assert_eq!(names, ["open", "ask", "say", "close", "ready"]);
}

/// An answer to a Register or a Get.
fn answer(operation: u32, identifier: &str, failed: Option<(u32, &str)>, key: Option<&[u8]>) -> Vec<u8> {
    let version = vec![Item::integer(PROTOCOL_VERSION_MAJOR, 1), Item::integer(PROTOCOL_VERSION_MINOR, 0)];
    let head = vec![
        Item::structure(PROTOCOL_VERSION, version),
        Item::new(TIME_STAMP, Value::DateTime(7)),
        Item::integer(BATCH_COUNT, 1),
    ];
    let mut item = vec![Item::enumeration(OPERATION, operation)];
    item.push(Item::enumeration(RESULT_STATUS, u32::from(failed.is_some())));
    if let Some((reason, message)) = failed {
        item.extend([Item::enumeration(RESULT_REASON, reason), Item::text(RESULT_MESSAGE, message)]);
    } else {
        let mut payload = vec![Item::text(UNIQUE_IDENTIFIER, identifier)];
        payload.extend(key.map(|key| {
            let value = Item::structure(KEY_VALUE, vec![Item::new(KEY_MATERIAL, Value::Bytes(key.to_vec()))]);
            Item::structure(SECRET_DATA, vec![Item::structure(KEY_BLOCK, vec![value])])
        }));
        item.push(Item::structure(RESPONSE_PAYLOAD, payload));
    }
    let message = vec![Item::structure(RESPONSE_HEADER, head), Item::structure(BATCH_ITEM, item)];
    wire::write(&Item::structure(RESPONSE_MESSAGE, message))
}

const REGISTER: u32 = 3;
const GET: u32 = 10;

#[test]
fn identifiers_that_are_given_out_newly_are_learned_and_put_into_what_follows() {
    let again = Again::default();
    again.compare("1", &answer(REGISTER, "aaaa", None, None), &answer(REGISTER, "bbbb", None, None));
    assert_eq!(again.with_what_was_given(b"get aaaa, aaaa"), b"get bbbb, bbbb");
    again.compare("2", &answer(GET, "aaaa", None, Some(&[1; 16])), &answer(GET, "bbbb", None, Some(&[1; 16])));
    let missing = |identifier: &str| answer(GET, "", Some((1, &format!("there is no {identifier}"))), None);
    again.compare("3", &missing("aaaa"), &missing("bbbb"));
    assert_eq!(again.differences(), Vec::<String>::new());
}

#[test]
fn an_answer_that_means_something_else_is_told_and_no_key_is_shown() {
    let told = |recorded: Vec<u8>, now: Vec<u8>| {
        let again = Again::default();
        again.compare("exchange 1", &recorded, &now);
        again.differences().join("; ")
    };
    let got = || answer(GET, "aaaa", None, Some(&[1; 16]));
    assert_eq!(told(got(), got()), "");
    assert_eq!(told(got(), answer(GET, "aaaa", None, Some(&[2; 16]))), "exchange 1: another key");
    assert_eq!(
        told(got(), answer(GET, "cccc", None, Some(&[1; 16]))),
        "exchange 1: identifier `cccc` instead of `aaaa`"
    );
    let refused = answer(GET, "", Some((12, "no")), None);
    assert_eq!(told(got(), refused.clone()), "exchange 1: status `OperationFailed` instead of `Success`");
    let other = answer(GET, "", Some((12, "nay")), None);
    assert_eq!(told(refused, other), "exchange 1: message `nay` instead of `no`");
    assert!(told(got(), vec![1, 2, 3]).starts_with("exchange 1: the answer is no KMIP: "));
}

#[test]
fn only_what_has_one_length_is_replaced() {
    let pairs = [(b"aa".to_vec(), b"bb".to_vec()), (b"c".to_vec(), b"dd".to_vec()), (Vec::new(), Vec::new())];
    assert_eq!(replaced(b"aaxaac", &pairs), b"bbxbbc");
}
