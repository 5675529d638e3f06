//! KMIP operations, one file each, named as in the standard, and one line each in the table at the end of this file.
//!
//! A message goes: decode, refuse what we cannot do at all, carry out the batch item by item, encode. The ID Placeholder
//! (KMIP 1.4 section 4) lives as long as the message. Failures of files and clouds are told to the operator once, in his
//! words, and to the client in one line.
//!
//! Invariants: every message that was framed gets exactly one answer. Item Not Found is said only of an object that
//! never existed or is destroyed, because some databases shut down when they read it.

mod attributes;
mod check;
mod cipher;
mod failed;
mod new_object;
mod transition;
mod unknown;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use tokio::time::{Sleep, sleep};
use zeroize::Zeroizing;

use crate::env::Env;
use crate::keys::{Found, Layout, Listing, Provider, WrappedKey};
use crate::kmip::enums::{BatchErrorContinuationOption, Enumeration as _, Operation, ResultReason};
use crate::kmip::payload::{CipherRequest, Get};
use crate::kmip::{
    BatchItem, Payload, RequestHeader, RequestMessage, ResponseItem, ResponseMessage, ResponsePayload, Younger,
};
use crate::kms::{Class, Kms};
use crate::operator::{self, Failure, Operator};

pub use check::Checked;
use failed::Failed;

/// What an item comes to: a payload, or why there is none.
type Outcome = Result<ResponsePayload<'static>, Failed>;

/// What an operation is carried out with, besides its payload.
struct Request<'r> {
    operations: &'r Operations,
    header: &'r RequestHeader<'r>,
    /// The ID Placeholder: the object that the batch made last.
    placeholder: &'r mut Option<String>,
}

/// How much longer than its provider's deadline a message may take in all: a batch shares one deadline.
const GRACE: Duration = Duration::from_millis(100);

/// The longest answer, in bytes. A client may say that it takes less (KMIP 1.4 section 6.3); without this it could have any
/// number of objects gathered in memory by naming them.
const LONGEST_ANSWER: usize = 4 << 20;

/// Answers KMIP messages from a layout of wrapped keys and the provider that opens them.
#[derive(Clone, Debug)]
pub struct Operations {
    /// The door to the outside.
    pub env: Env,
    /// Where the keys are.
    pub layout: Arc<dyn Layout>,
    /// Who opens them.
    pub kms: Arc<dyn Kms>,
    /// The provider that was configured.
    pub provider: Provider,
    /// The customer's key that wraps new keys; else that of the newest key.
    pub kms_key: Option<String>,
    /// How long one message may take.
    pub deadline: Duration,
    /// Who is told of failures.
    pub operator: Arc<dyn Operator>,
    /// Whether each client is kept to the objects that it made, and to those that nobody is named for.
    pub own_objects: bool,
    /// Whose view this is, where clients are kept apart; see [`Operations::of`].
    pub client: Option<String>,
}

impl Operations {
    /// The same as one client sees it, and what it makes is its own. An owner is a name that lasts longer than a
    /// certificate; see [`crate::tls::owner`].
    pub fn of(&self, owner: String) -> Self {
        Operations { client: Some(owner), ..self.clone() }
    }

    /// Whether the client may know of an object: it made it, or nobody is named for it.
    fn may_see(&self, key: &WrappedKey) -> bool {
        match (&self.client, &key.object.owner) {
            (Some(client), Some(owner)) => client == owner,
            _ => true,
        }
    }

    /// The answer to one framed message, in memory that is wiped: it may hold a key.
    pub async fn answer(&self, message: &[u8]) -> Zeroizing<Vec<u8>> {
        let now = self.now();
        let mut answer = Zeroizing::new(Vec::new());
        let request = match RequestMessage::decode(message) {
            Ok(request) => request,
            Err(error) => {
                error.answer(now).encode(&mut answer);
                return answer;
            }
        };
        let RequestHeader { version, maximum_response_size, .. } = request.header;
        let items = self.batch(&request).await;
        let response = ResponseMessage { version, time_stamp: now, items };
        let left_out = response.encode_within(maximum_response_size, &mut answer);
        if !left_out.is_empty() {
            self.operator.tell(&operator::left_out(&version.to_string(), left_out.iter().map(Younger::to_string)));
        }
        answer
    }

    async fn batch<'a>(&'a self, request: &'a RequestMessage<'_>) -> Vec<ResponseItem<'a>> {
        let mut deadline = pin!(sleep(self.deadline + GRACE));
        let mut placeholder = None;
        let mut items = Vec::with_capacity(request.items.len());
        // What is left for payloads, when each item has had its room for failing.
        let failing = ResponseMessage::failures_bound(request.items.iter().map(|item| item.unique_batch_item_id));
        let mut room = LONGEST_ANSWER.saturating_sub(failing);
        let option = request.header.batch_error_continuation.unwrap_or(BatchErrorContinuationOption::STOP);
        for item in &request.items {
            let outcome = match self.admit(&request.header, item, option) {
                Err(refused) => Err(refused),
                Ok(payload) => {
                    let placeholder = &mut placeholder;
                    let mut request = Request { operations: self, header: &request.header, placeholder };
                    let outcome = before(deadline.as_mut(), dispatch(&mut request, payload)).await;
                    outcome.unwrap_or_else(|| Err(request.late(payload)))
                }
            };
            let failed = outcome.is_err();
            items.push(match outcome {
                Ok(payload) => match room.checked_sub(payload.size_bound()) {
                    Some(left) => {
                        room = left;
                        ResponseItem::Success { unique_batch_item_id: item.unique_batch_item_id, payload }
                    }
                    None => too_large().item(item),
                },
                Err(failed) => failed.item(item),
            });
            // KMIP 1.4 section 6.13: Stop is what is meant where nothing is said.
            if failed && option != BatchErrorContinuationOption::CONTINUE {
                break;
            }
        }
        items
    }

    /// The payload, unless the item is refused before anybody looks at that.
    fn admit<'a>(
        &self,
        header: &RequestHeader<'_>,
        item: &'a BatchItem<'_>,
        option: BatchErrorContinuationOption,
    ) -> Result<&'a Payload<'a>, Failed> {
        let payload = item.payload.as_ref().map_err(|error| Failed::new(error.reason(), error.to_string()))?;
        if option == BatchErrorContinuationOption::UNDO && header.batch_count > 1 {
            let why = "this server cannot undo a batch; use Stop or Continue";
            return Err(Failed::new(ResultReason::FEATURE_NOT_SUPPORTED, why));
        }
        if let Some(extension) = item.extension.filter(|extension| extension.critical) {
            let why =
                format!("the message extension of {} is critical and unknown here", extension.vendor_identification);
            return Err(Failed::new(ResultReason::FEATURE_NOT_SUPPORTED, why));
        }
        match item.operation {
            Some(operation) if !operation.allowed_in(header.version) => Err(unknown::refuse(operation)),
            _ => Ok(payload),
        }
    }

    /// The object that a request means, or why it cannot be had.
    fn find(&self, id: &str) -> Result<WrappedKey, Failed> {
        let failure = match self.layout.find(id) {
            // Not Item Not Found: some databases shut down when they read that, and the object is there.
            Ok(Found::Present(key)) if !self.may_see(&key) => {
                let why = format!("object {id} was made by a client with another certificate");
                return Err(Failed::new(ResultReason::PERMISSION_DENIED, why));
            }
            Ok(Found::Present(mut key)) => {
                key.object.pass_to(self.now());
                return Ok(*key);
            }
            Ok(Found::NeverExisted) => return Err(not_found(id)),
            Ok(Found::MetadataWithoutKey { .. }) => match self.layout.files_of(id) {
                Some(files) => Failure::without_key_file(id, self.provider, &files),
                None => return Err(not_found(id)),
            },
            Ok(Found::OtherProvider { provider, path }) => {
                Failure::of_other_provider(id, self.provider, provider, path)
            }
            Err(error) => Failure::of_layout(id, self.provider, &error).with_files(self.layout.files_of(id)),
        };
        Err(self.tell(&failure))
    }

    /// All keys of the dbpath that the client may know of.
    fn list(&self) -> Result<Listing, Failed> {
        let listing = self.layout.list();
        let mut listing = listing.map_err(|error| self.tell(&Failure::of_layout("(all)", self.provider, &error)))?;
        listing.keys.retain(|key| self.may_see(key));
        Ok(listing)
    }

    /// Tells the operator of a failure, and returns what the client is told.
    fn tell(&self, failure: &Failure) -> Failed {
        self.operator.tell(&operator::notice(failure));
        let answer = operator::answer(failure);
        Failed::new(ResultReason::from_number(answer.reason.number()), answer.message)
    }

    /// Seconds since 1970, as KMIP counts.
    fn now(&self) -> i64 {
        let since = self.env.clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }
}

impl Request<'_> {
    /// The message's deadline has passed. Only what waits for a provider can be late: a key that is opened or made.
    fn late(&self, payload: &Payload<'_>) -> Failed {
        let key = match payload {
            Payload::Get(Get { unique_identifier, .. })
            | Payload::Encrypt(CipherRequest { unique_identifier, .. })
            | Payload::Decrypt(CipherRequest { unique_identifier, .. }) => {
                unique_identifier.or(self.placeholder.as_deref()).unwrap_or("(unknown)")
            }
            _ => "(new)",
        };
        let mut failure = Failure::new(Class::DeadlineExceeded, key, self.operations.provider);
        failure.detail = Some("the time for the whole request had passed before this was done".to_owned());
        self.operations.tell(&failure)
    }

    /// The identifier that an item names, or that of the object that the batch made last.
    fn meant<'a>(&'a self, named: Option<&'a str>) -> Result<&'a str, Failed> {
        named.or(self.placeholder.as_deref()).ok_or_else(|| {
            Failed::new(ResultReason::ITEM_NOT_FOUND, "no Unique Identifier is given, and the ID Placeholder is empty")
        })
    }
}

/// KMIP 1.4 sections 11.20 and 11.21: a template has no state that could change.
fn refuse_template(key: &WrappedKey, done: &str) -> Result<(), Failed> {
    if key.object.object_type.has_material() {
        return Ok(());
    }
    Err(Failed::new(ResultReason::ILLEGAL_OPERATION, format!("a template cannot be {done}")))
}

fn too_large() -> Failed {
    let why = format!("there is no room for this in an answer of {LONGEST_ANSWER} bytes; ask for less at once");
    Failed::new(ResultReason::RESPONSE_TOO_LARGE, why)
}

fn not_found(id: &str) -> Failed {
    Failed::new(ResultReason::ITEM_NOT_FOUND, format!("there is no object {id}"))
}

/// The same reason, and another text: whoever reads it need not look for a lost file.
fn destroyed(id: &str) -> Failed {
    Failed::new(ResultReason::ITEM_NOT_FOUND, format!("object {id} was destroyed by a client; nothing brings it back"))
}

/// Waits for work until the message's deadline has come; `None` if that was first.
async fn before<T>(mut deadline: Pin<&mut Sleep>, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    std::future::poll_fn(|context| {
        if let Poll::Ready(outcome) = work.as_mut().poll(context) {
            return Poll::Ready(Some(outcome));
        }
        deadline.as_mut().poll(context).map(|()| None)
    })
    .await
}

/// Declares the operations: the variant of the payload, the operation in the standard, and the module with its `run`.
macro_rules! operations {
    ($($Payload:ident, $OPERATION:ident: $module:ident;)+) => {
        $(mod $module;)+

        /// The operations of this server, for Query.
        const OPERATIONS: &[Operation] = &[$(Operation::$OPERATION),+];

        async fn dispatch(request: &mut Request<'_>, payload: &Payload<'_>) -> Outcome {
            match payload {
                $(Payload::$Payload(payload) => $module::run(request, payload).await,)+
                Payload::Other(operation) => Err(unknown::refuse(*operation)),
            }
        }
    };
}

operations! {
    Create, CREATE: create;
    Register, REGISTER: register;
    Locate, LOCATE: locate;
    Check, CHECK: check_use;
    Get, GET: get;
    GetAttributes, GET_ATTRIBUTES: get_attributes;
    GetAttributeList, GET_ATTRIBUTE_LIST: get_attribute_list;
    AddAttribute, ADD_ATTRIBUTE: add_attribute;
    ModifyAttribute, MODIFY_ATTRIBUTE: modify_attribute;
    DeleteAttribute, DELETE_ATTRIBUTE: delete_attribute;
    ObtainLease, OBTAIN_LEASE: obtain_lease;
    Activate, ACTIVATE: activate;
    Revoke, REVOKE: revoke;
    Destroy, DESTROY: destroy;
    Query, QUERY: query;
    DiscoverVersions, DISCOVER_VERSIONS: discover_versions;
    Encrypt, ENCRYPT: encrypt;
    Decrypt, DECRYPT: decrypt;
}
