//! An answer beside the one in the file: the first difference, and every difference that a rule excuses.
//!
//! Fields are paired by tag, attributes also by name, batch items by their identifier or place. A field of a list is
//! paired with the first that it equals, whatever the order. What then differs, is missing, or is too much is either
//! excused by a rule or is the difference.
//!
//! Invariant: the answer is only looked at; what it taught ([`Ledger`]) is kept only where it was equal.

use crate::trace::hex;
use crate::wire::names::*;
use crate::wire::{Item, Value, names};

use super::ledger::Ledger;
use super::placeholders::{Piece, is_identifier, literal};
use super::rules::Rule;
use super::told::{content, label, value, veiled};
use super::values::{Content, Field, Kind};

/// Certificate Value: a certificate that the server issues is its own.
const CERTIFICATE_VALUE: u32 = 0x42001E;
/// Digest.
const DIGEST: u32 = 0x420034;
/// Lease Time.
const LEASE_TIME: u32 = 0x420049;
/// The Template-Attributes of answers.
const TEMPLATE_ATTRIBUTES: [u32; 4] = [TEMPLATE_ATTRIBUTE, 0x42001F, 0x420065, 0x42006E];
/// What Query tells beside operations and objects (1.3 and later): RNG Parameters, Validation Information, Profile
/// Information, Capability Information, and Client Registration Method.
const QUERY_MORE: [u32; 5] = [0x4200D9, 0x4200DF, 0x4200EB, 0x4200F7, 0x4200F6];

/// Operations that answer with the identifier that the request has named.
const ECHOING: [&str; 13] = [
    "Get",
    "GetAttributes",
    "GetAttributeList",
    "AddAttribute",
    "ModifyAttribute",
    "DeleteAttribute",
    "ObtainLease",
    "Check",
    "Activate",
    "Revoke",
    "Destroy",
    "Encrypt",
    "Decrypt",
];

/// A difference that no rule excuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where in the message, such as `BatchItem 1 (Get)/ResponsePayload/ObjectType`.
    pub path: String,
    /// The line of the file that expects something else, or of the structure that does not expect it.
    pub line: usize,
    /// What the file has there.
    pub expected: String,
    /// What the answer has there.
    pub got: String,
}

/// A difference that a rule excuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excused {
    /// The rule.
    pub rule: Rule,
    /// Where in the message.
    pub path: String,
}

/// Compares an answer with the expected one. What it teaches goes into the ledger where they are equal.
pub fn compare(
    expected: &Field,
    answer: &Item,
    request: &Item,
    ledger: &mut Ledger,
) -> Result<Vec<Excused>, Difference> {
    let mut trial = Judge { ledger: ledger.clone(), excused: Vec::new(), request };
    trial.message(expected, answer)?;
    *ledger = trial.ledger;
    Ok(trial.excused)
}

/// Where the comparison is.
#[derive(Clone)]
struct Place {
    path: String,
    line: usize,
    operation: Option<u32>,
    /// The tag of the attribute whose value this is.
    means: Option<u32>,
    /// Tags from the payload down.
    parents: Vec<u32>,
    /// Whether the key block around this holds a key that no request has brought.
    generated: bool,
    /// The place of the batch item in the request.
    index: usize,
}

impl Place {
    fn below(&self, field: &Field, label: &str) -> Place {
        let mut below = self.clone();
        below.path = if self.path.is_empty() { label.to_owned() } else { format!("{}/{label}", self.path) };
        below.line = field.line;
        below.parents.push(field.tag);
        below
    }

    fn within(&self, tag: u32) -> bool {
        self.parents.contains(&tag)
    }

    fn is(&self, operations: &[&str]) -> bool {
        let name = self.operation.map(|operation| names::value_name(OPERATION, operation));
        name.is_some_and(|name| operations.contains(&name.as_str()))
    }
}

#[derive(Clone)]
struct Judge<'a> {
    ledger: Ledger,
    excused: Vec<Excused>,
    request: &'a Item,
}

impl Judge<'_> {
    fn excuse(&mut self, rule: Rule, place: &Place) {
        self.excused.push(Excused { rule, path: place.path.clone() });
    }

    fn message(&mut self, expected: &Field, answer: &Item) -> Result<(), Difference> {
        let top = Place {
            path: String::new(),
            line: expected.line,
            operation: None,
            means: None,
            parents: Vec::new(),
            generated: true,
            index: 0,
        };
        if answer.tag != expected.tag {
            return Err(differs(&top, tag_name(expected.tag), tag_name(answer.tag)));
        }
        let is_item = |tag: u32| tag == BATCH_ITEM;
        let wanted: Vec<&Field> = expected.fields().iter().filter(|field| is_item(field.tag)).collect();
        let items: Vec<&Item> = answer.children().iter().filter(|item| is_item(item.tag)).collect();
        let asked: Vec<&Item> = self.request.children().iter().filter(|item| is_item(item.tag)).collect();
        // Items before the header: what went wrong in an item says more than that there are fewer.
        for (index, wanted) in wanted.iter().enumerate() {
            let operation = wanted.field(OPERATION).and_then(Field::choice);
            let name = operation.map(|operation| format!(" ({})", names::value_name(OPERATION, operation)));
            let label = format!("BatchItem {}{}", index + 1, name.unwrap_or_default());
            let mut place = top.below(wanted, &label);
            place.operation = operation;
            place.index = index;
            let id = asked.get(index).and_then(|asked| asked.child(UNIQUE_BATCH_ITEM_ID)).map(|id| &id.value);
            let by_id = id.and_then(|id| {
                items.iter().find(|item| item.child(UNIQUE_BATCH_ITEM_ID).is_some_and(|echo| echo.value == *id))
            });
            let Some(item) = by_id.or_else(|| items.get(index)) else {
                return Err(differs(&place, "a batch item".to_owned(), "none".to_owned()));
            };
            self.batch_item(wanted, item, &place)?;
        }
        if items.len() > wanted.len() {
            let (wanted, got) = (wanted.len().to_string(), items.len().to_string());
            return Err(differs(&top, format!("{wanted} batch items"), got));
        }
        let rest = |tag: u32| !is_item(tag);
        let wanted: Vec<&Field> = expected.fields().iter().filter(|field| rest(field.tag)).collect();
        let items: Vec<&Item> = answer.children().iter().filter(|item| rest(item.tag)).collect();
        self.pair(&wanted, &items, &top)
    }

    fn batch_item(&mut self, wanted: &Field, item: &Item, place: &Place) -> Result<(), Difference> {
        // The status first, with the server's reason, which explains everything else.
        let (status, got) = (wanted.field(RESULT_STATUS), item.child(RESULT_STATUS));
        if let (Some(status), Some(got)) = (status, got)
            && status.choice() != got.as_enumeration()
        {
            let mut told = value(got.tag, &got.value);
            for tag in [RESULT_REASON, RESULT_MESSAGE] {
                if let Some(more) = item.child(tag) {
                    told.push_str(&format!(", {}", value(tag, &more.value)));
                }
            }
            return Err(differs(&place.below(status, "ResultStatus"), content(status), told));
        }
        let wanted: Vec<&Field> = wanted.fields().iter().collect();
        self.pair(&wanted, &item.children().iter().collect::<Vec<_>>(), place)
    }

    /// Pairs the fields of a structure with the items of another.
    fn pair(&mut self, wanted: &[&Field], items: &[&Item], place: &Place) -> Result<(), Difference> {
        let mut free: Vec<Option<&Item>> = items.iter().copied().map(Some).collect();
        let mut order = Vec::new();
        for field in wanted {
            let label = label(field);
            let below = place.below(field, &label);
            let alike: Vec<usize> = (0..free.len())
                .filter(|at| free[*at].is_some_and(|item| key_of_item(item) == key_of_field(field)))
                .collect();
            let mut first = None;
            let mut found = None;
            for at in &alike {
                let Some(item) = free[*at] else { continue };
                let mut trial = self.clone();
                match trial.one(field, item, &below) {
                    Ok(()) => {
                        found = Some((*at, trial));
                        break;
                    }
                    Err(difference) => first = first.or(Some(difference)),
                }
            }
            if let Some((at, trial)) = found {
                *self = trial;
                free[at] = None;
                order.push(at);
                continue;
            }
            let list = wanted.iter().filter(|other| key_of_field(other) == key_of_field(field)).count() > 1;
            match (first, self.may_lack(field, &below)) {
                (Some(difference), _) if alike.len() == 1 && !list => return Err(difference),
                (_, Some(rule)) => self.excuse(rule, &below),
                (None, None) => return Err(differs(&below, content(field), "nothing".to_owned())),
                (Some(difference), None) => {
                    let others = alike.iter().filter_map(|at| free[*at]).map(|item| value(item.tag, &item.value));
                    let others: Vec<String> = others.filter(|other| !other.is_empty()).collect();
                    if others.is_empty() {
                        return Err(difference);
                    }
                    return Err(differs(&below, content(field), others.join(", ")));
                }
            }
        }
        if !order.is_sorted() {
            self.excuse(Rule::Order, place);
        }
        for item in free.into_iter().flatten() {
            let mut more = place.clone();
            let name = item.child(ATTRIBUTE_NAME).and_then(Item::as_text).map(|name| format!("[{name}]"));
            let label = format!("{}{}", tag_name(item.tag), name.unwrap_or_default());
            more.path = if place.path.is_empty() { label } else { format!("{}/{label}", place.path) };
            match self.may_have(item, place) {
                Some(rule) => self.excuse(rule, &more),
                None => {
                    let told = value(item.tag, &item.value);
                    let told = if told.is_empty() { "it".to_owned() } else { told };
                    return Err(differs(&more, "nothing".to_owned(), told));
                }
            }
        }
        Ok(())
    }

    fn one(&mut self, field: &Field, item: &Item, place: &Place) -> Result<(), Difference> {
        let fields = match &field.content {
            Content::Fields(fields) => fields,
            Content::Fixed(expected) => return self.fixed(field, expected, item, place),
            Content::Open(kind, pieces) => return self.open(field, *kind, pieces, item, place),
        };
        let Value::Structure(items) = &item.value else {
            // A key may come in another format than the file's, where the server made it.
            if field.tag == KEY_MATERIAL && place.generated {
                self.excuse(Rule::GeneratedKey, place);
                return Ok(());
            }
            return Err(differs(place, "a structure".to_owned(), value(item.tag, &item.value)));
        };
        let mut place = place.clone();
        if field.tag == ATTRIBUTE {
            place.means = field.field(ATTRIBUTE_NAME).and_then(Field::text).and_then(names::tag_of_title);
        }
        if field.tag == KEY_BLOCK {
            place.generated = !self.brought(field);
        }
        let digest = field.tag == DIGEST || place.means == Some(DIGEST);
        if digest
            && field.field(HASHING_ALGORITHM).and_then(Field::choice)
                != item.child(HASHING_ALGORITHM).and_then(Item::as_enumeration)
            && item.child(DIGEST_VALUE).is_some()
        {
            self.excuse(Rule::Digest, &place);
            return Ok(());
        }
        self.pair(&fields.iter().collect::<Vec<_>>(), &items.iter().collect::<Vec<_>>(), &place)
    }

    /// Whether a request has brought the material of this key block.
    fn brought(&self, field: &Field) -> bool {
        match &field.content {
            Content::Fields(fields) => fields.iter().any(|field| self.brought(field)),
            Content::Fixed(Value::Bytes(bytes) | Value::BigInteger(bytes)) => self.ledger.sent_bytes.contains(bytes),
            _ => false,
        }
    }

    fn open(
        &mut self,
        field: &Field,
        kind: Kind,
        pieces: &[Piece],
        item: &Item,
        place: &Place,
    ) -> Result<(), Difference> {
        if !is_of(kind, &item.value) {
            return Err(differs(place, content(field), value(item.tag, &item.value)));
        }
        match (self.ledger.bindings.fill(kind, field.tag, pieces), pieces) {
            (Ok(Value::DateTime(date)), _) => self.date(date, item, place),
            (Ok(bound), _) if bound == item.value => Ok(()),
            (Ok(bound), _) => {
                let expected = format!("{} ({})", value(item.tag, &bound), content(field));
                Err(differs(place, expected, value(item.tag, &item.value)))
            }
            (Err(_), [Piece::Name(name)]) => self.bind(name, item, place),
            (Err(_), _) => {
                self.excuse(Rule::Placeholder, place);
                Ok(())
            }
        }
    }

    /// Gives a name, seen for the first time, the value of the answer.
    fn bind(&mut self, name: &str, item: &Item, place: &Place) -> Result<(), Difference> {
        if let (true, Some(identifier)) = (is_identifier(item.tag) || place.within(UNIQUE_IDENTIFIER), item.as_text()) {
            // Two names of a file are two objects.
            if !self.ledger.identifiers.insert(identifier.to_owned()) {
                let expected = format!("another object (${name})");
                return Err(differs(place, expected, format!("{identifier:?}, which has a name already")));
            }
        }
        self.ledger.bindings.bind(name, &item.value);
        let rule = match item.tag {
            tag if is_identifier(tag) => Rule::UniqueIdentifier,
            ASYNCHRONOUS_CORRELATION_VALUE | CORRELATION_VALUE => Rule::CorrelationValue,
            DATA | SIGNATURE_DATA | MAC_DATA | IV_COUNTER_NONCE | AUTHENTICATED_ENCRYPTION_TAG => Rule::RandomOutput,
            KEY_MATERIAL => Rule::GeneratedKey,
            _ if place.means == Some(UNIQUE_IDENTIFIER) => Rule::UniqueIdentifier,
            _ => Rule::Placeholder,
        };
        self.excuse(rule, place);
        Ok(())
    }

    /// A date must be the file's only where a request has fixed it (or another one for the same attribute).
    fn date(&mut self, expected: i64, item: &Item, place: &Place) -> Result<(), Difference> {
        let Value::DateTime(got) = item.value else {
            return Err(differs(place, "a date".to_owned(), value(item.tag, &item.value)));
        };
        let means = place.means.filter(|_| item.tag == ATTRIBUTE_VALUE).unwrap_or(item.tag);
        if got == expected {
            return Ok(());
        }
        if self.ledger.sent_dates.contains(&(means, expected)) {
            return Err(differs(place, value(item.tag, &Value::DateTime(expected)), value(item.tag, &item.value)));
        }
        self.excuse(if item.tag == TIME_STAMP { Rule::TimeStamp } else { Rule::Date }, place);
        Ok(())
    }

    fn fixed(&mut self, field: &Field, expected: &Value, item: &Item, place: &Place) -> Result<(), Difference> {
        if field.tag == UNIQUE_BATCH_ITEM_ID {
            return self.batch_item_identifier(expected, item, place);
        }
        if let (Value::Text(text), true) = (expected, is_identifier(field.tag))
            && let Value::Text(got) = &item.value
        {
            return self.spelled_out(text, got, item, place);
        }
        if let Value::DateTime(date) = expected {
            return self.date(*date, item, place);
        }
        if equal(expected, &item.value) {
            return Ok(());
        }
        if std::mem::discriminant(expected) == std::mem::discriminant(&item.value)
            && let Some(rule) = self.may_differ(field.tag, expected, &item.value, place)
        {
            // What later requests spell out as the server of the file had it.
            if matches!(rule, Rule::CorrelationValue | Rule::RandomOutput)
                && let Value::Bytes(bytes) = expected
            {
                self.ledger.bindings.bind(&literal(&hex(bytes)), &item.value);
            }
            self.excuse(rule, place);
            return Ok(());
        }
        if field.tag == KEY_MATERIAL && place.generated && matches!(item.value, Value::Structure(_)) {
            self.excuse(Rule::GeneratedKey, place);
            return Ok(());
        }
        let secret = place.within(KEY_MATERIAL) || matches!(field.tag, DATA | PASSWORD);
        let (wanted, got) = (value(item.tag, expected), value(item.tag, &item.value));
        if secret {
            Err(differs(place, veiled(expected), veiled(&item.value)))
        } else {
            Err(differs(place, wanted, got))
        }
    }

    /// An identifier that the file spells out: that of the server on which it was recorded. What the request named may
    /// be echoed; otherwise the first answer says which object is meant.
    fn spelled_out(&mut self, text: &str, got: &str, item: &Item, place: &Place) -> Result<(), Difference> {
        let asked = self.request.children().iter().filter(|item| item.tag == BATCH_ITEM).nth(place.index);
        let named = asked.and_then(|asked| asked.descendant(&[REQUEST_PAYLOAD, item.tag])).and_then(Item::as_text);
        let name = literal(text);
        match self.ledger.bindings.get(&name) {
            Some(bound) if *bound == item.value => return Ok(()),
            Some(bound) if named != Some(got) => {
                return Err(differs(place, value(item.tag, bound), value(item.tag, &item.value)));
            }
            Some(_) => {}
            // The file spells out an identifier where its placeholder belongs; the answer must still be of what was asked.
            None if place.is(&ECHOING) && named.is_some_and(|named| named != got) => {
                let asked = Value::Text(named.unwrap_or_default().to_owned());
                return Err(differs(place, value(item.tag, &asked), value(item.tag, &item.value)));
            }
            None => {
                self.ledger.identifiers.insert(got.to_owned());
                self.ledger.bindings.bind(&name, &item.value);
            }
        }
        self.excuse(Rule::UniqueIdentifier, place);
        Ok(())
    }

    fn batch_item_identifier(&mut self, expected: &Value, item: &Item, place: &Place) -> Result<(), Difference> {
        let asked = self.request.children().iter().filter(|item| item.tag == BATCH_ITEM).nth(place.index);
        let asked = asked.and_then(|asked| asked.child(UNIQUE_BATCH_ITEM_ID)).map(|id| &id.value);
        if asked.unwrap_or(expected) != &item.value {
            let asked = asked.unwrap_or(expected);
            return Err(differs(place, value(item.tag, asked), value(item.tag, &item.value)));
        }
        if expected != &item.value {
            self.excuse(Rule::BatchItemIdentifier, place);
        }
        Ok(())
    }

    /// The rule by which a value of the same type may be another.
    fn may_differ(&self, tag: u32, expected: &Value, got: &Value, place: &Place) -> Option<Rule> {
        let sent = |value: &Value| match value {
            Value::Bytes(bytes) | Value::BigInteger(bytes) => self.ledger.sent_bytes.contains(bytes),
            _ => false,
        };
        let as_long = match (expected, got) {
            (Value::Bytes(expected), Value::Bytes(got)) => expected.len() == got.len(),
            _ => true,
        };
        match tag {
            RESULT_MESSAGE => Some(Rule::ResultMessage),
            ASYNCHRONOUS_CORRELATION_VALUE | CORRELATION_VALUE => Some(Rule::CorrelationValue),
            SERVER_CORRELATION_VALUE => Some(Rule::Extension),
            VENDOR_IDENTIFICATION | SERVER_INFORMATION => Some(Rule::ServerInformation),
            _ if place.within(SERVER_INFORMATION) => Some(Rule::ServerInformation),
            _ if place.within(MESSAGE_EXTENSION) => Some(Rule::Extension),
            LEASE_TIME => lease(expected, got),
            ATTRIBUTE_VALUE if place.means == Some(LEASE_TIME) => lease(expected, got),
            DIGEST_VALUE => {
                let known = matches!(expected, Value::Bytes(bytes) if self.ledger.digests_what_was_sent(bytes));
                (!known && as_long).then_some(Rule::Digest)
            }
            KEY_FORMAT_TYPE if place.within(DIGEST) || place.means == Some(DIGEST) => Some(Rule::Digest),
            KEY_FORMAT_TYPE if place.generated => Some(Rule::GeneratedKey),
            CERTIFICATE_VALUE => (!sent(expected)).then_some(Rule::GeneratedKey),
            _ if place.within(KEY_MATERIAL) => {
                let symmetric = place.within(SYMMETRIC_KEY);
                (!sent(expected) && (as_long || !symmetric)).then_some(Rule::GeneratedKey)
            }
            DATA if place.is(&["RNGRetrieve"]) => as_long.then_some(Rule::RandomOutput),
            DATA if place.is(&["Hash"]) => None,
            SIGNATURE_DATA | IV_COUNTER_NONCE => (!sent(expected)).then_some(Rule::RandomOutput),
            DATA | MAC_DATA | AUTHENTICATED_ENCRYPTION_TAG => {
                (!sent(expected) && !self.ledger.registered).then_some(Rule::RandomOutput)
            }
            LOCATED_ITEMS => Some(Rule::LocatedItems),
            _ => None,
        }
    }

    /// The rule by which an answer may lack a field.
    fn may_lack(&self, field: &Field, place: &Place) -> Option<Rule> {
        let query = place.is(&["Query"]) && place.within(RESPONSE_PAYLOAD);
        match field.tag {
            RESULT_MESSAGE => Some(Rule::ResultMessage),
            ATTRIBUTE_INDEX if field.number() == Some(0) => Some(Rule::AttributeIndex),
            tag if TEMPLATE_ATTRIBUTES.contains(&tag) => Some(Rule::TemplateAttribute),
            RESPONSE_PAYLOAD if field.fields().is_empty() => Some(Rule::EmptyPayload),
            CLIENT_CORRELATION_VALUE | SERVER_CORRELATION_VALUE | MESSAGE_EXTENSION => Some(Rule::Extension),
            LOCATED_ITEMS => Some(Rule::LocatedItems),
            SERVER_INFORMATION | VENDOR_IDENTIFICATION | EXTENSION_INFORMATION | APPLICATION_NAMESPACE if query => {
                Some(Rule::ServerInformation)
            }
            tag if query && QUERY_MORE.contains(&tag) => Some(Rule::ServerInformation),
            ATTRIBUTE | ATTRIBUTE_NAME | OBJECT_GROUP | ATTRIBUTE_REFERENCE
                if !self.ledger.grouped && names_object_group(field) =>
            {
                Some(Rule::ObjectGroup)
            }
            OPERATION | OBJECT_TYPE if query && self.ledger.use_case => Some(Rule::FewerOffered),
            _ => None,
        }
    }

    /// The rule by which an answer may have a field that the file has not.
    fn may_have(&self, item: &Item, place: &Place) -> Option<Rule> {
        let payload = place.parents.last() == Some(&RESPONSE_PAYLOAD);
        match item.tag {
            RESULT_MESSAGE => Some(Rule::ResultMessage),
            ATTRIBUTE_INDEX if item.as_integer() == Some(0) => Some(Rule::AttributeIndex),
            tag if TEMPLATE_ATTRIBUTES.contains(&tag) => Some(Rule::TemplateAttribute),
            RESPONSE_PAYLOAD if item.children().is_empty() => Some(Rule::EmptyPayload),
            // Server Hashed Password stands in headers since 2.0.
            CLIENT_CORRELATION_VALUE | SERVER_CORRELATION_VALUE | MESSAGE_EXTENSION | 0x420155 => Some(Rule::Extension),
            KEY_FORMAT_TYPE if place.within(DIGEST) || place.means == Some(DIGEST) => Some(Rule::Digest),
            ATTRIBUTE | ATTRIBUTE_NAME | ATTRIBUTE_REFERENCE if payload => Some(Rule::MoreAttributes),
            _ if place.within(ATTRIBUTES) => Some(Rule::MoreAttributes),
            UNIQUE_BATCH_ITEM_ID => {
                let asked = self.request.children().iter().filter(|item| item.tag == BATCH_ITEM).nth(place.index)?;
                (asked.child(UNIQUE_BATCH_ITEM_ID)? == item).then_some(Rule::BatchItemIdentifier)
            }
            UNIQUE_IDENTIFIER if payload && place.is(&["Locate"]) => {
                let known = item.as_text().is_some_and(|text| self.ledger.identifiers.contains(text));
                (!known).then_some(Rule::OthersObjects)
            }
            LOCATED_ITEMS => Some(Rule::LocatedItems),
            PROTOCOL_VERSION if payload => Some(Rule::MoreOffered),
            _ if payload && place.is(&["Query"]) => Some(Rule::MoreOffered),
            _ if place.within(SERVER_INFORMATION) => Some(Rule::ServerInformation),
            _ => None,
        }
    }
}

/// Whether a field of an answer is the attribute Object Group, or its name.
fn names_object_group(field: &Field) -> bool {
    let named = field.field(ATTRIBUTE_NAME).unwrap_or(field);
    field.tag == OBJECT_GROUP || named.text() == Some("Object Group") || named.choice() == Some(OBJECT_GROUP)
}

fn lease(expected: &Value, got: &Value) -> Option<Rule> {
    // No lease at all is another matter.
    let granted = |value: &Value| !matches!(value, Value::Interval(0));
    (granted(expected) == granted(got)).then_some(Rule::Lease)
}

/// What pairs a field with an item: the tag, and an attribute's name and index.
type Key = (u32, Option<String>, i32);

fn key_of_field(field: &Field) -> Key {
    let name = field.field(ATTRIBUTE_NAME).filter(|_| field.tag == ATTRIBUTE).and_then(Field::text);
    let index = field.field(ATTRIBUTE_INDEX).filter(|_| field.tag == ATTRIBUTE).and_then(Field::number);
    (field.tag, name.map(str::to_owned), index.unwrap_or(0))
}

fn key_of_item(item: &Item) -> Key {
    let name = item.child(ATTRIBUTE_NAME).filter(|_| item.tag == ATTRIBUTE).and_then(Item::as_text);
    let index = item.child(ATTRIBUTE_INDEX).filter(|_| item.tag == ATTRIBUTE).and_then(Item::as_integer);
    (item.tag, name.map(str::to_owned), index.unwrap_or(0))
}

fn differs(place: &Place, expected: String, got: String) -> Difference {
    let shown = |text: String| if text.is_empty() { "a structure".to_owned() } else { text };
    Difference { path: place.path.clone(), line: place.line, expected: shown(expected), got: shown(got) }
}

/// Equal as numbers where they are big, equal as they are otherwise.
fn equal(one: &Value, other: &Value) -> bool {
    let bare = |bytes: &[u8]| -> Vec<u8> {
        let fill = if bytes.first().is_some_and(|first| first & 0x80 != 0) { 0xFF } else { 0x00 };
        let start = bytes.iter().position(|byte| *byte != fill).unwrap_or(bytes.len());
        bytes[start..].to_vec()
    };
    match (one, other) {
        (Value::BigInteger(one), Value::BigInteger(other)) => {
            let sign = |bytes: &[u8]| bytes.first().is_some_and(|first| first & 0x80 != 0);
            sign(one) == sign(other) && bare(one) == bare(other)
        }
        _ => one == other,
    }
}

fn is_of(kind: Kind, value: &Value) -> bool {
    matches!(
        (kind, value),
        (Kind::Integer, Value::Integer(_))
            | (Kind::LongInteger, Value::LongInteger(_))
            | (Kind::BigInteger, Value::BigInteger(_))
            | (Kind::Enumeration, Value::Enumeration(_))
            | (Kind::Boolean, Value::Boolean(_))
            | (Kind::Text, Value::Text(_))
            | (Kind::Bytes, Value::Bytes(_))
            | (Kind::DateTime, Value::DateTime(_))
            | (Kind::Interval, Value::Interval(_))
    )
}

#[cfg(test)]
mod tests;
