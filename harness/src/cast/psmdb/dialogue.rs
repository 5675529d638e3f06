//! What Percona Server says within one session, byte for byte, and what it demands of the answers.
//!
//! Three dialogues: read a key (its state first, where that is asked for), save a key (and activate it), ask for a
//! key's state. Every message is KMIP 1.0 with a MaximumResponseSize, a time stamp and one batch item.
//!
//! Invariant: apart from the time stamp and the unique identifiers the bytes are those of the captures in
//! `fixtures/kmip/psmdb`.

use std::future::Future;
use std::time::SystemTime;

use kmip_proxy::env::Env;
use kmip_proxy::keys::Secret;

use super::Dialect;
use crate::cast::requests::{self, *};
use crate::cast::{Failure, Session};
use crate::wire::message::request;
use crate::wire::names::{self, *};
use crate::wire::{Answer, AnswerItem, Header, Item, Value};

/// The state of a key that may be used.
pub(super) const ACTIVE: &str = "Active";

/// The state of a key that was never activated.
pub(super) const PRE_ACTIVE: &str = "Pre-Active";

/// The MaximumResponseSize of every request.
const LONGEST_ANSWER: i32 = 8192;

/// The ResultStatus of a failure (KMIP 1.4, clause 9.1.3.2.28).
const OPERATION_FAILED: u32 = 0x01;

/// Why a dialogue was not held to its end.
pub(super) enum Trouble {
    /// Worth another server.
    Failed(Failure),
    /// The answer brings the process down, and why.
    Crashed(String),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Trouble::Failed(failure)
    }
}

/// Something to be settled within one session.
pub(super) trait Dialogue: Sync {
    /// What comes of it.
    type Outcome: Send;
    /// How an error begins once no server could be brought to it.
    const FAILED: &'static str;
    /// Holds it. A failure is worth another server; an outcome is not.
    fn hold(&self, session: &mut Session<'_>, env: &Env)
    -> impl Future<Output = Result<Self::Outcome, Trouble>> + Send;
}

/// Fetches a key.
pub(super) struct ReadKey<'a> {
    pub(super) identifier: &'a str,
    /// Whether the key must be active.
    pub(super) verify: bool,
    pub(super) dialect: &'a Dialect,
}

/// What came of fetching a key.
pub(super) enum Read {
    /// The key, and its state where that was asked for.
    Key(Secret, Option<String>),
    Absent,
    /// The key is in this state and was not fetched.
    NotActive(String),
}

impl Dialogue for ReadKey<'_> {
    type Outcome = Read;
    const FAILED: &'static str = "reading the master key from the KMIP server failed: ";

    async fn hold(&self, session: &mut Session<'_>, env: &Env) -> Result<Read, Trouble> {
        let mut state = None;
        if self.verify {
            state = KeyState { identifier: self.identifier }.hold(session, env).await?;
            match state.as_deref() {
                Some(ACTIVE) => {}
                Some(PRE_ACTIVE) if self.dialect.tolerates_pre_active => {}
                Some(state) => return Ok(Read::NotActive(state.to_owned())),
                None => return Ok(Read::Absent),
            }
        }
        let answer = session.exchange(&get(self.identifier, seconds(env))).await?;
        let Some(item) = present(checked(answer, GET)?)? else { return Ok(Read::Absent) };
        same_object(&item, self.identifier)?;
        if item.object_type.as_deref() != Some("SymmetricKey") {
            return Err(Failure("object mismatch; reason: object type mismatch".to_owned()).into());
        }
        if item.key_format.as_deref() != Some("Raw") {
            return Err(Failure("object mismatch; reason: key format type mismatch".to_owned()).into());
        }
        match item.key_material {
            Some(material) if !item.wrapped => Ok(Read::Key(Secret::new(material), state)),
            _ => Err(Failure("object mismatch; reason: unexpected wrapped key".to_owned()).into()),
        }
    }
}

/// Hands a new key over; comes to its Unique Identifier.
pub(super) struct SaveKey<'a> {
    pub(super) key: &'a Secret,
    pub(super) activate: bool,
}

impl Dialogue for SaveKey<'_> {
    type Outcome = String;
    const FAILED: &'static str = "saving the master key to the KMIP server failed: ";

    async fn hold(&self, session: &mut Session<'_>, env: &Env) -> Result<String, Trouble> {
        let answer = session.exchange(&register(self.key.expose(), seconds(env))).await?;
        let registered = succeeded(checked(answer, REGISTER)?)?;
        let identifier = registered.unique_identifier.ok_or_else(|| Failure("malformed response".to_owned()))?;
        if self.activate {
            // If this fails, the key stays behind, registered and not active, and the next attempt registers again.
            let answer = session.exchange(&activate(&identifier, seconds(env))).await?;
            same_object(&succeeded(checked(answer, ACTIVATE)?)?, &identifier)?;
        }
        Ok(identifier)
    }
}

/// Asks for a key's state; comes to `None` where there is no such key.
pub(super) struct KeyState<'a> {
    pub(super) identifier: &'a str,
}

impl Dialogue for KeyState<'_> {
    type Outcome = Option<String>;
    const FAILED: &'static str = "retrieving the state of the master key on the KMIP server failed: ";

    async fn hold(&self, session: &mut Session<'_>, env: &Env) -> Result<Option<String>, Trouble> {
        let answer = session.exchange(&get_state(self.identifier, seconds(env))).await?;
        let Some(item) = present(checked(answer, GET_ATTRIBUTES)?)? else { return Ok(None) };
        same_object(&item, self.identifier)?;
        // Only the first attribute is looked at.
        match item.state {
            Some(state) if item.first_attribute.as_deref() == Some("State") => Ok(Some(state)),
            _ => Err(Failure("malformed response; reason: attribute type mismatch".to_owned()).into()),
        }
    }
}

pub(super) fn register(key: &[u8], time_stamp: i64) -> Item {
    let block = vec![
        Item::enumeration(KEY_FORMAT_TYPE, FORMAT_RAW),
        Item::structure(KEY_VALUE, vec![Item::new(KEY_MATERIAL, Value::Bytes(key.to_vec()))]),
        Item::enumeration(CRYPTOGRAPHIC_ALGORITHM, AES),
        Item::integer(CRYPTOGRAPHIC_LENGTH, bits(key)),
    ];
    let payload = vec![
        Item::enumeration(OBJECT_TYPE, TYPE_SYMMETRIC_KEY),
        Item::structure(TEMPLATE_ATTRIBUTE, key_attributes(bits(key))),
        Item::structure(SYMMETRIC_KEY, vec![Item::structure(KEY_BLOCK, block)]),
    ];
    one((REGISTER, payload), time_stamp)
}

pub(super) fn activate(identifier: &str, time_stamp: i64) -> Item {
    one(requests::activate(identifier), time_stamp)
}

pub(super) fn get(identifier: &str, time_stamp: i64) -> Item {
    one(requests::get(identifier), time_stamp)
}

pub(super) fn get_state(identifier: &str, time_stamp: i64) -> Item {
    one(requests::get_state(identifier), time_stamp)
}

fn one(asking: Asking, time_stamp: i64) -> Item {
    let header = Header { version: (1, 0), maximum_response_size: Some(LONGEST_ANSWER), time_stamp: Some(time_stamp) };
    request(&header, &[asking])
}

fn seconds(env: &Env) -> i64 {
    let since = env.clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Whether libkmip 82988b2 falls over an answer: it reads the ResultMessage of every failed item before anyone looks at
/// the item, whatever its operation and reason, and whether or not one stands in its place behind the reason.
fn crashes(answer: &Answer) -> bool {
    let items = answer.message.children().iter().filter(|item| item.tag == BATCH_ITEM);
    items.into_iter().any(|item| {
        let mut rest = item.children().iter().skip_while(|field| field.tag != RESULT_STATUS);
        let failed = rest.next().and_then(Item::as_enumeration) == Some(OPERATION_FAILED);
        failed && rest.find(|field| field.tag != RESULT_REASON).is_none_or(|field| field.tag != RESULT_MESSAGE)
    })
}

/// The one item of an answer, which must be about the operation that was asked for.
fn checked(mut answer: Answer, operation: u32) -> Result<AnswerItem, Trouble> {
    if crashes(&answer) {
        let operation = value_name(OPERATION, operation);
        return Err(Trouble::Crashed(format!("the answer to {operation} is a failure without a ResultMessage")));
    }
    let malformed = |reason: &str| Failure(format!("malformed response; reason: {reason}"));
    match answer.items.pop() {
        Some(item) if answer.items.is_empty() => {
            if item.operation.as_deref() != Some(value_name(OPERATION, operation).as_str()) {
                return Err(malformed("operation type mismatch").into());
            }
            Ok(item)
        }
        _ => Err(malformed("unexpected batch item count or no batch item").into()),
    }
}

/// An item that tells of success; any other is a failure.
fn succeeded(item: AnswerItem) -> Result<AnswerItem, Failure> {
    if item.status == "Success" {
        return Ok(item);
    }
    let status = match item.status.as_str() {
        "OperationFailed" => "operation failed",
        "OperationPending" => "operation pending",
        "OperationUndone" => "operation undone",
        other => other,
    };
    let reason = item.reason.as_deref().map_or("", |reason| {
        let titles = names::values(RESULT_REASON).map(|(_, title)| title);
        titles.into_iter().find(|title| kebab(title) == reason).unwrap_or(reason)
    });
    let message = item.message.as_deref().unwrap_or_default();
    Err(Failure(format!("the KMIP server returned the '{status}' status; reason: {reason}; message: {message}")))
}

/// An item that tells of success, or `None` where the object does not exist, which is no failure.
fn present(item: AnswerItem) -> Result<Option<AnswerItem>, Failure> {
    if item.status == "OperationFailed" && item.reason.as_deref() == Some("item-not-found") {
        return Ok(None);
    }
    succeeded(item).map(Some)
}

fn same_object(item: &AnswerItem, identifier: &str) -> Result<(), Failure> {
    if item.unique_identifier.as_deref() == Some(identifier) {
        return Ok(());
    }
    Err(Failure("malformed response; reason: object identifier mismatch".to_owned()))
}
