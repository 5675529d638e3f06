//! Each rule with an answer that it excuses and one that it does not, and the ways in which answers differ.
//!
//! The messages are written here in the standard's XML, the file's side and the server's side alike.

use ring::digest;

use super::super::placeholders::Bindings;
use super::super::rules::RULES;
use super::super::{placeholders, values, xml};
use super::*;

/// A moment long before and after nothing.
const NOW: i64 = 1_700_000_000;

fn field(source: &str) -> Field {
    let nodes = xml::parse(source.as_bytes()).unwrap();
    let xml::Node::Element(element) = &nodes[0] else { panic!("{source}") };
    values::field(element).unwrap()
}

fn item(source: &str) -> Item {
    placeholders::item(&field(source), &Bindings::new(NOW)).unwrap()
}

fn request(operation: &str, payload: &str) -> String {
    format!(
        r#"<RequestMessage><RequestHeader/><BatchItem><Operation type="Enumeration" value="{operation}"/>
        <RequestPayload>{payload}</RequestPayload></BatchItem></RequestMessage>"#
    )
}

fn response(operation: &str, payload: &str) -> String {
    format!(
        r#"<ResponseMessage><ResponseHeader/><BatchItem><Operation type="Enumeration" value="{operation}"/>
        <ResultStatus type="Enumeration" value="Success"/><ResponsePayload>{payload}</ResponsePayload></BatchItem>
        </ResponseMessage>"#
    )
}

/// A conversation of requests with their expected and their real answers: the rules that were needed, or the
/// difference as `path: expected, got`.
fn judge_with(ledger: &mut Ledger, asked: &str, expected: &str, got: &str) -> Result<Vec<&'static str>, String> {
    let asked = placeholders::item(&field(asked), &ledger.bindings).map_err(|mistake| mistake.to_string())?;
    ledger.sent(&asked);
    match compare(&field(expected), &item(got), &asked, ledger) {
        Ok(excused) => Ok(excused.iter().map(|excused| excused.rule.name()).collect()),
        Err(Difference { path, expected, got, .. }) => Err(format!("{path}: {expected}, {got}")),
    }
}

/// One exchange: operation, request payload, expected payload, real payload.
fn judge(operation: &str, asked: &str, expected: &str, got: &str) -> Result<Vec<&'static str>, String> {
    let (asked, expected, got) = (request(operation, asked), response(operation, expected), response(operation, got));
    judge_with(&mut Ledger::new(NOW, false), &asked, &expected, &got)
}

fn text(tag: &str, value: &str) -> String {
    format!(r#"<{tag} type="TextString" value="{value}"/>"#)
}

fn bytes(tag: &str, value: &str) -> String {
    format!(r#"<{tag} type="ByteString" value="{value}"/>"#)
}

fn choice(tag: &str, value: &str) -> String {
    format!(r#"<{tag} type="Enumeration" value="{value}"/>"#)
}

fn attribute(name: &str, value: &str) -> String {
    format!("<Attribute>{}{value}</Attribute>", text("AttributeName", name))
}

fn key(material: &str) -> String {
    let value = format!("<KeyValue>{}</KeyValue>", bytes("KeyMaterial", material));
    format!("<SymmetricKey><KeyBlock>{}{value}</KeyBlock></SymmetricKey>", choice("KeyFormatType", "Raw"))
}

fn date(name: &str, moment: &str) -> String {
    attribute(name, &format!(r#"<AttributeValue type="DateTime" value="{moment}"/>"#))
}

#[test]
fn what_is_equal_needs_no_rule_and_what_differs_is_named_with_its_path() {
    let name = attribute("Contact Information", &text("AttributeValue", "Foo"));
    assert_eq!(judge("GetAttributes", "", &name, &name), Ok(vec![]));
    let other = attribute("Contact Information", &text("AttributeValue", "Bar"));
    let path = "BatchItem 1 (GetAttributes)/ResponsePayload/Attribute[Contact Information]";
    let difference = format!(r#"{path}/AttributeValue: "Foo", "Bar""#);
    assert_eq!(judge("GetAttributes", "", &name, &other), Err(difference));
    assert_eq!(judge("GetAttributes", "", &name, ""), Err(format!("{path}: Attribute[Contact Information], nothing")));
    let number = attribute("Contact Information", r#"<AttributeValue type="Integer" value="1"/>"#);
    assert_eq!(judge("GetAttributes", "", &name, &number), Err(format!(r#"{path}/AttributeValue: "Foo", 1"#)));
    let more = text("Username", "x");
    let difference = "BatchItem 1 (Get)/ResponsePayload/Username: nothing, \"x\"".to_owned();
    assert_eq!(judge("Get", "", "", &more), Err(difference));
}

#[test]
fn a_failure_is_told_with_the_servers_reason_and_text() {
    let failed = r#"<ResponseMessage><ResponseHeader/><BatchItem><Operation type="Enumeration" value="Get"/>
        <ResultStatus type="Enumeration" value="OperationFailed"/><ResultReason type="Enumeration" value="ItemNotFound"/>
        <ResultMessage type="TextString" value="gone"/></BatchItem></ResponseMessage>"#;
    let ledger = &mut Ledger::new(NOW, false);
    let told = judge_with(ledger, &request("Get", ""), &response("Get", ""), failed);
    let path = "BatchItem 1 (Get)/ResultStatus";
    assert_eq!(told, Err(format!(r#"{path}: Success, OperationFailed, ItemNotFound, "gone""#)));
    // Another text is excused, another reason is not.
    assert_eq!(
        judge_with(ledger, &request("Get", ""), failed, &failed.replace("gone", "lost")),
        Ok(vec!["result-message"])
    );
    let without = failed.replace(r#"<ResultMessage type="TextString" value="gone"/>"#, "");
    assert_eq!(judge_with(ledger, &request("Get", ""), failed, &without), Ok(vec!["result-message"]));
    let denied = failed.replace("ItemNotFound", "PermissionDenied");
    let told = judge_with(ledger, &request("Get", ""), failed, &denied);
    assert_eq!(told, Err("BatchItem 1 (Get)/ResultReason: ItemNotFound, PermissionDenied".to_owned()));
}

#[test]
fn an_identifier_is_bound_at_first_sight_and_must_be_the_same_afterwards() {
    let ledger = &mut Ledger::new(NOW, false);
    let id = |id: &str| text("UniqueIdentifier", id);
    let expected = |id: &str| response("Create", &text("UniqueIdentifier", id));
    let first = judge_with(ledger, &request("Create", ""), &expected("$UNIQUE_IDENTIFIER_0"), &expected("a"));
    assert_eq!(first, Ok(vec!["unique-identifier"]));
    let again = judge_with(
        ledger,
        &request("Get", &id("$UNIQUE_IDENTIFIER_0")),
        &expected("$UNIQUE_IDENTIFIER_0"),
        &expected("a"),
    );
    assert_eq!(again, Ok(vec![]));
    let other = judge_with(ledger, &request("Get", ""), &expected("$UNIQUE_IDENTIFIER_0"), &expected("b"));
    let path = "BatchItem 1 (Create)/ResponsePayload/UniqueIdentifier";
    assert_eq!(other, Err(format!(r#"{path}: "a" ($UNIQUE_IDENTIFIER_0), "b""#)));
    let twice = judge_with(ledger, &request("Get", ""), &expected("$UNIQUE_IDENTIFIER_1"), &expected("a"));
    assert_eq!(twice, Err(format!(r#"{path}: another object ($UNIQUE_IDENTIFIER_1), "a", which has a name already"#)));
    // One that the file spells out stands for the server's own, in answers and in requests.
    let spelled = judge_with(ledger, &request("Create", ""), &expected("1"), &expected("c"));
    assert_eq!(spelled, Ok(vec!["unique-identifier"]));
    let sent = placeholders::item(&field(&id("1")), &ledger.bindings).unwrap();
    assert_eq!(sent.as_text(), Some("c"));
    let unbound = judge_with(ledger, &request("Get", &id("$UNIQUE_IDENTIFIER_7")), &expected("a"), &expected("a"));
    assert_eq!(
        unbound,
        Err("line 2: no answer before this request has given `$UNIQUE_IDENTIFIER_7` a value".to_owned())
    );
}

#[test]
fn an_answer_that_differs_teaches_nothing() {
    let ledger = &mut Ledger::new(NOW, false);
    let with = |id: &str, kind: &str| response("Create", &(text("UniqueIdentifier", id) + &choice("ObjectType", kind)));
    let expected = with("$UNIQUE_IDENTIFIER_0", "SymmetricKey");
    assert!(judge_with(ledger, &request("Create", ""), &expected, &with("a", "SecretData")).is_err());
    assert_eq!(ledger.bindings.get("UNIQUE_IDENTIFIER_0"), None);
}

#[test]
fn a_batch_item_identifier_is_that_of_the_request() {
    let message = |root: &str, id: &str| {
        format!("<{root}>{}</{root}>", format_args!("<BatchItem>{}</BatchItem>", bytes("UniqueBatchItemID", id)))
    };
    let ledger = &mut Ledger::new(NOW, false);
    let asked = message("RequestMessage", "01");
    let mut judge = |expected: &str, got: &str| {
        judge_with(ledger, &asked, &message("ResponseMessage", expected), &message("ResponseMessage", got))
    };
    assert_eq!(judge("01", "01"), Ok(vec![]));
    assert_eq!(judge("02", "01"), Ok(vec!["batch-item-identifier"]));
    assert_eq!(judge("02", "02"), Err("BatchItem 1/UniqueBatchItemID: 01, 02".to_owned()));
}

#[test]
fn generated_keys_may_be_any_of_the_same_length_and_registered_ones_only_themselves() {
    let (file, other, longer) = ("00112233", "44556677", "4455667788");
    assert_eq!(judge("Get", "", &key(file), &key(other)), Ok(vec!["generated-key"]));
    assert!(judge("Get", "", &key(file), &key(longer)).unwrap_err().contains("KeyMaterial: 4 bytes"));
    let told = judge("Get", &key(file), &key(file), &key(other)).unwrap_err();
    assert!(told.contains("KeyMaterial: 4 bytes") && !told.contains(other), "no key is printed: {told}");
}

#[test]
fn digests_are_free_but_not_those_of_what_was_registered() {
    let digest = |hash: &str, value: &str| {
        let value = format!("{}{}", choice("HashingAlgorithm", hash), bytes("DigestValue", value));
        attribute("Digest", &format!("<AttributeValue>{value}</AttributeValue>"))
    };
    let (a, b) = ("aa".repeat(32), "bb".repeat(32));
    let (one, two) = (digest("SHA_256", &a), digest("SHA_256", &b));
    assert_eq!(judge("GetAttributes", "", &one, &two), Ok(vec!["digest"]));
    let short = digest("SHA_256", "bbbb");
    assert!(judge("GetAttributes", "", &one, &short).unwrap_err().contains("DigestValue"));
    assert_eq!(judge("GetAttributes", "", &one, &digest("SHA_512", &"cc".repeat(64))), Ok(vec!["digest"]));
    let known = hex(digest::digest(&digest::SHA256, &[1, 2]).as_ref());
    let known = digest("SHA_256", &known);
    assert!(judge("GetAttributes", &key("0102"), &known, &two).unwrap_err().contains("DigestValue"));
}

#[test]
fn dates_are_free_where_no_request_has_fixed_them() {
    let (file, other) = ("2012-04-27T08:12:24+00:00", "2026-01-01T00:00:00+00:00");
    assert_eq!(judge("GetAttributes", "", &date("Initial Date", file), &date("Initial Date", other)), Ok(vec!["date"]));
    let fixed = judge(
        "AddAttribute",
        &date("Activation Date", file),
        &date("Activation Date", file),
        &date("Activation Date", other),
    );
    assert!(fixed.unwrap_err().ends_with("AttributeValue: 2012-04-27T08:12:24Z, 2026-01-01T00:00:00Z"));
    // A date relative to the beginning is one date in the request and in the answer.
    let (relative, then) = (date("Activation Date", "$NOW-3600"), date("Activation Date", &(NOW - 3600).to_string()));
    assert_eq!(judge("AddAttribute", &relative, &relative, &then), Ok(vec![]));
    assert!(judge("AddAttribute", &relative, &relative, &date("Activation Date", file)).is_err());
    // Another attribute's date fixes nothing.
    let last = date("Last Change Date", other);
    assert_eq!(judge("AddAttribute", &relative, &date("Last Change Date", "$NOW-3600"), &last), Ok(vec!["date"]));
}

#[test]
fn the_time_stamp_and_what_only_headers_have_are_free() {
    let header = |fields: &str| format!("<ResponseMessage><ResponseHeader>{fields}</ResponseHeader></ResponseMessage>");
    let stamp = |moment: &str| header(&format!(r#"<TimeStamp type="DateTime" value="{moment}"/>"#));
    let ledger = &mut Ledger::new(NOW, false);
    let asked = "<RequestMessage/>";
    let told = judge_with(ledger, asked, &stamp("2012-04-27T08:12:24Z"), &stamp("2026-01-01T00:00:00Z"));
    assert_eq!(told, Ok(vec!["time-stamp"]));
    let told = judge_with(ledger, asked, &stamp("2012-04-27T08:12:24Z"), &header(""));
    assert_eq!(told, Err("ResponseHeader/TimeStamp: 2012-04-27T08:12:24Z, nothing".to_owned()));
    for correlation in ["ServerCorrelationValue", "ClientCorrelationValue"] {
        let told = judge_with(ledger, asked, &header(""), &header(&text(correlation, "x")));
        assert_eq!(told, Ok(vec!["extension"]), "{correlation}");
    }
}

#[test]
fn output_of_chance_or_of_a_generated_key_is_free_and_all_other_output_is_not() {
    let (one, two, long) = (bytes("Data", "0011"), bytes("Data", "2233"), bytes("Data", "223344"));
    assert_eq!(judge("Encrypt", "", &one, &two), Ok(vec!["random-output"]));
    assert!(judge("Encrypt", &key("0102"), &one, &two).is_err(), "the key was registered");
    assert!(judge("Decrypt", &one, &one, &two).is_err(), "the plaintext was sent");
    assert_eq!(judge("RNGRetrieve", "", &one, &two), Ok(vec!["random-output"]));
    assert!(judge("RNGRetrieve", "", &one, &long).is_err());
    assert!(judge("Hash", "", &one, &two).is_err());
    let (one, two) = (bytes("SignatureData", "0011"), bytes("SignatureData", "2233"));
    assert_eq!(judge("Sign", &key("0102"), &one, &two), Ok(vec!["random-output"]));
    let (open, got) = (bytes("Data", "$DATA_0"), bytes("Data", "0011"));
    assert_eq!(judge("Encrypt", &key("0102"), &open, &got), Ok(vec!["random-output"]));
}

#[test]
fn what_a_file_spells_out_where_a_placeholder_belongs_is_what_the_server_gave() {
    let ledger = &mut Ledger::new(NOW, false);
    let exchange = |ledger: &mut Ledger, operation: &str, asked: &str, expected: &str, got: &str| {
        let (asked, expected, got) =
            (request(operation, asked), response(operation, expected), response(operation, got));
        judge_with(ledger, &asked, &expected, &got)
    };
    let (plain, file, ours) = (bytes("Data", "0102"), bytes("Data", "aabb"), bytes("Data", "ccdd"));
    assert_eq!(exchange(ledger, "Encrypt", &plain, &file, &ours), Ok(vec!["random-output"]));
    let asked = placeholders::item(&field(&request("Decrypt", &file)), &ledger.bindings).unwrap();
    assert_eq!(asked.descendant(&[BATCH_ITEM, REQUEST_PAYLOAD, DATA]).unwrap().value, Value::Bytes(vec![0xCC, 0xDD]));
    assert_eq!(exchange(ledger, "Decrypt", &file, &plain, &plain), Ok(vec![]));
    assert!(exchange(ledger, "Decrypt", &file, &plain, &file).is_err(), "the plaintext was sent");

    // An identifier of the server that the file was recorded on: the answer must be of the object that was asked for.
    let id = |value: &str| text("UniqueIdentifier", value);
    let told = exchange(ledger, "Get", &id("ours"), &id("recorded"), &id("another"));
    let path = "BatchItem 1 (Get)/ResponsePayload/UniqueIdentifier";
    assert_eq!(told, Err(format!(r#"{path}: "ours", "another""#)));
    assert_eq!(exchange(ledger, "Get", &id("ours"), &id("recorded"), &id("ours")), Ok(vec!["unique-identifier"]));
}

#[test]
fn lists_may_be_in_another_order_and_have_more_of_attributes_but_not_fewer() {
    let names = |names: &[&str]| names.iter().map(|name| text("AttributeName", name)).collect::<String>();
    let list = |expected: &[&str], got: &[&str]| judge("GetAttributeList", "", &names(expected), &names(got));
    assert_eq!(list(&["State", "Name"], &["Name", "State"]), Ok(vec!["order"]));
    assert_eq!(list(&["State"], &["State", "Digest"]), Ok(vec!["more-attributes"]));
    let path = "BatchItem 1 (GetAttributeList)/ResponsePayload/AttributeName";
    assert_eq!(list(&["State", "Digest"], &["State", "Name"]), Err(format!(r#"{path}: "Digest", "Name""#)));
    assert_eq!(list(&["State", "Object Group"], &["State"]), Ok(vec!["object-group"]));
    let group = attribute("Object Group", &text("AttributeValue", "g"));
    let told = judge("GetAttributeList", &group, &names(&["State", "Object Group"]), &names(&["State"]));
    assert!(told.is_err(), "a request has named the group");
    let x = attribute("x-One", &text("AttributeValue", "1"));
    let y = attribute("y-Two", &text("AttributeValue", "2"));
    assert_eq!(judge("GetAttributes", "", &x, &(y.clone() + &x)), Ok(vec!["more-attributes"]));
    assert!(judge("Get", "", &x, &text("Username", "u")).is_err());
    // Since 2.0 attributes stand in a structure, by their tags.
    let attributes = |fields: &str| format!("<Attributes>{fields}</Attributes>");
    let (state, more) = (choice("State", "Active"), text("ContactInformation", "Foo"));
    let told = judge("GetAttributes", "", &attributes(&state), &attributes(&(more + &state)));
    assert_eq!(told, Ok(vec!["more-attributes"]));
}

#[test]
fn an_attribute_index_of_0_may_be_there_or_not_and_another_index_may_not() {
    let indexed = |index: &str| {
        let index = format!(r#"<AttributeIndex type="Integer" value="{index}"/>"#);
        attribute("Contact Information", &(index + &text("AttributeValue", "Foo")))
    };
    let without = attribute("Contact Information", &text("AttributeValue", "Foo"));
    assert_eq!(judge("AddAttribute", "", &indexed("0"), &without), Ok(vec!["attribute-index"]));
    assert_eq!(judge("AddAttribute", "", &without, &indexed("0")), Ok(vec!["attribute-index"]));
    assert!(judge("AddAttribute", "", &without, &indexed("1")).is_err());
}

#[test]
fn locate_may_find_what_others_left_but_nothing_of_this_conversation_that_should_not_be_there() {
    let ledger = &mut Ledger::new(NOW, false);
    let ids = |operation: &str, ids: &[&str]| {
        response(operation, &ids.iter().map(|id| text("UniqueIdentifier", id)).collect::<String>())
    };
    let create = |ledger: &mut Ledger, name: &str, id: &str| {
        judge_with(ledger, &request("Create", ""), &ids("Create", &[name]), &ids("Create", &[id])).unwrap();
    };
    create(ledger, "$UNIQUE_IDENTIFIER_0", "a");
    create(ledger, "$UNIQUE_IDENTIFIER_1", "b");
    let mut locate = |expected: &[&str], got: &[&str]| {
        judge_with(ledger, &request("Locate", ""), &ids("Locate", expected), &ids("Locate", got))
    };
    let both = ["$UNIQUE_IDENTIFIER_0", "$UNIQUE_IDENTIFIER_1"];
    assert_eq!(locate(&both, &["b", "a"]), Ok(vec!["order"]));
    assert_eq!(locate(&both[..1], &["foreign", "a"]), Ok(vec!["others-objects"]));
    let path = "BatchItem 1 (Locate)/ResponsePayload/UniqueIdentifier";
    assert_eq!(locate(&both[..1], &["a", "b"]), Err(format!(r#"{path}: nothing, "b""#)));
    assert_eq!(locate(&[], &["a"]), Err(format!(r#"{path}: nothing, "a""#)));
    let located = r#"<LocatedItems type="Integer" value="1"/>"#;
    assert_eq!(judge("Locate", "", "", located), Ok(vec!["located-items"]));
}

#[test]
fn query_may_offer_more_and_in_a_use_case_fewer_and_the_server_may_be_anybody() {
    let list = |names: &[&str]| names.iter().map(|name| choice("Operation", name)).collect::<String>();
    assert_eq!(judge("Query", "", &list(&["Get"]), &list(&["Get", "Locate"])), Ok(vec!["more-offered"]));
    let fewer = judge("Query", "", &list(&["Get", "Locate"]), &list(&["Get"]));
    assert_eq!(fewer, Err("BatchItem 1 (Query)/ResponsePayload/Operation: Locate, nothing".to_owned()));
    let (asked, expected) = (request("Query", ""), response("Query", &list(&["Get", "Locate"])));
    let got = response("Query", &list(&["Get"]));
    assert_eq!(judge_with(&mut Ledger::new(NOW, true), &asked, &expected, &got), Ok(vec!["fewer-offered"]));
    let (vendor, other) = (text("VendorIdentification", "A"), text("VendorIdentification", "B"));
    assert_eq!(judge("Query", "", &vendor, &other), Ok(vec!["server-information"]));
    let version = |minor: i32| {
        format!(
            r#"<ProtocolVersion><ProtocolVersionMajor type="Integer" value="1"/><ProtocolVersionMinor type="Integer" value="{minor}"/></ProtocolVersion>"#
        )
    };
    let told = judge("DiscoverVersions", "", &version(1), &(version(2) + &version(1)));
    assert_eq!(told, Ok(vec!["more-offered"]));
}

#[test]
fn leases_templates_extensions_correlations_and_empty_payloads_are_free() {
    let lease = |seconds: u32| format!(r#"<LeaseTime type="Interval" value="{seconds}"/>"#);
    assert_eq!(judge("ObtainLease", "", &lease(3600), &lease(60)), Ok(vec!["lease"]));
    assert!(judge("ObtainLease", "", &lease(3600), &lease(0)).is_err(), "no lease is none");
    assert_eq!(judge("Create", "", "", "<TemplateAttribute/>"), Ok(vec!["template-attribute"]));
    assert_eq!(judge("Create", "", "<TemplateAttribute/>", ""), Ok(vec!["template-attribute"]));
    let told =
        judge("Poll", "", &bytes("AsynchronousCorrelationValue", "01"), &bytes("AsynchronousCorrelationValue", "02"));
    assert_eq!(told, Ok(vec!["correlation-value"]));
    let (with, without) =
        (response("Destroy", ""), response("Destroy", "").replace("<ResponsePayload></ResponsePayload>", ""));
    let ledger = &mut Ledger::new(NOW, false);
    assert_eq!(judge_with(ledger, &request("Destroy", ""), &with, &without), Ok(vec!["empty-payload"]));
    assert_eq!(judge_with(ledger, &request("Destroy", ""), &without, &with), Ok(vec!["empty-payload"]));
    assert_eq!(judge("Login", "", &text("Username", "$NOBODY"), &text("Username", "x")), Ok(vec!["placeholder"]));
}

#[test]
fn big_integers_are_compared_as_numbers() {
    let big = |digits: &str| format!(r#"<Modulus type="BigInteger" value="{digits}"/>"#);
    assert_eq!(judge("Get", "", &big("7f"), &big("0000000000000000000000000000007f")), Ok(vec![]));
    assert!(judge("Get", "", &big("ff"), &big("00000000000000ff")).is_err(), "-1 is not 255");
}

#[test]
fn fewer_or_more_batch_items_are_a_difference() {
    let one = response("Get", "");
    let item = &one[one.find("<BatchItem>").unwrap()..one.find("</ResponseMessage>").unwrap()];
    let two = one.replace("</ResponseMessage>", &format!("{item}</ResponseMessage>"));
    let ledger = &mut Ledger::new(NOW, false);
    let told = judge_with(ledger, &request("Get", ""), &two, &one);
    assert_eq!(told, Err("BatchItem 2 (Get): a batch item, none".to_owned()));
    assert_eq!(judge_with(ledger, &request("Get", ""), &one, &two), Err(": 1 batch items, 2".to_owned()));
}

#[test]
fn every_rule_has_a_name_of_its_own_and_a_test_that_needs_it() {
    let tests = include_str!("tests.rs");
    for (index, (rule, name, _)) in RULES.iter().enumerate() {
        assert_eq!(rule.name(), *name);
        assert!(RULES.iter().skip(index + 1).all(|(_, other, _)| other != name), "{name} twice");
        assert!(tests.contains(&format!("[\"{name}\"]")), "no test needs {name}");
    }
}
