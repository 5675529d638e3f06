//! KMIP operations, one file each, named as in the standard.
//!
//! A message goes: decode, refuse what we cannot do at all, carry out the batch item by item, encode. The ID Placeholder
//! (KMIP 1.4 section 4) lives as long as the message. Failures of files and clouds are told to the operator once, in his
//! words, and to the client in one line.
//!
//! Invariants: every message that was framed gets exactly one answer. Item Not Found is said only of an object that
//! never existed or is destroyed, because some databases shut down when they read it.

mod activate;
mod create;
mod discover_versions;
mod failed;
mod get;
mod get_attributes;
mod new_object;
mod query;
mod register;
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
use crate::keys::{Found, Layout, Provider, WrappedKey};
use crate::kmip::enums::{BatchErrorContinuationOption, Enumeration as _, Operation, ResultReason};
use crate::kmip::{BatchItem, Payload, RequestHeader, RequestMessage, ResponseItem, ResponseMessage, ResponsePayload};
use crate::kms::{Class, Kms};
use crate::operator::{self, Failure, Operator};

use failed::Failed;

/// What an item comes to: a payload, or why there is none.
type Outcome<'a> = Result<ResponsePayload<'a>, Failed>;

/// How much longer than its provider's deadline a message may take in all: a batch shares one deadline.
const GRACE: Duration = Duration::from_millis(100);

/// Answers KMIP messages from a layout of wrapped keys and the provider that opens them.
#[derive(Debug)]
pub struct Operations {
    /// The door to the outside.
    pub env: Env,
    /// Where the keys are.
    pub layout: Arc<dyn Layout>,
    /// Who opens them; `None` for a provider that this version has no client for.
    pub kms: Option<Arc<dyn Kms>>,
    /// The provider that was configured.
    pub provider: Provider,
    /// The customer's key that wraps new keys; else that of the newest key.
    pub kms_key: Option<String>,
    /// How long one message may take.
    pub deadline: Duration,
    /// Who is told of failures.
    pub operator: Arc<dyn Operator>,
}

impl Operations {
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
        response.encode_within(maximum_response_size, &mut answer);
        answer
    }

    async fn batch<'a>(&'a self, request: &'a RequestMessage<'_>) -> Vec<ResponseItem<'a>> {
        let mut deadline = pin!(sleep(self.deadline + GRACE));
        let mut placeholder = None;
        let mut items = Vec::with_capacity(request.items.len());
        let option = request.header.batch_error_continuation.unwrap_or(BatchErrorContinuationOption::STOP);
        for item in &request.items {
            let outcome = match self.refusal(&request.header, item, option) {
                Some(refused) => Err(refused),
                None => before(deadline.as_mut(), self.item(&request.header, item, &mut placeholder)).await,
            };
            let failed = outcome.is_err();
            items.push(match outcome {
                Ok(payload) => ResponseItem::Success { unique_batch_item_id: item.unique_batch_item_id, payload },
                Err(failed) => failed.item(item),
            });
            // KMIP 1.4 section 6.13: Stop is what is meant where nothing is said.
            if failed && option != BatchErrorContinuationOption::CONTINUE {
                break;
            }
        }
        items
    }

    /// What is refused before anybody looks at the payload.
    fn refusal(
        &self,
        header: &RequestHeader<'_>,
        item: &BatchItem<'_>,
        option: BatchErrorContinuationOption,
    ) -> Option<Failed> {
        if let Err(error) = &item.payload {
            return Some(Failed::new(error.reason(), error.to_string()));
        }
        if option == BatchErrorContinuationOption::UNDO && header.batch_count > 1 {
            let why = "this server cannot undo a batch; use Stop or Continue";
            return Some(Failed::new(ResultReason::FEATURE_NOT_SUPPORTED, why));
        }
        if let Some(extension) = item.extension.filter(|extension| extension.critical) {
            let why =
                format!("the message extension of {} is critical and unknown here", extension.vendor_identification);
            return Some(Failed::new(ResultReason::FEATURE_NOT_SUPPORTED, why));
        }
        match item.operation {
            Some(operation) if !operation.allowed_in(header.version) => Some(unknown::refuse(operation)),
            _ => None,
        }
    }

    async fn item<'a>(
        &'a self,
        header: &RequestHeader<'_>,
        item: &'a BatchItem<'_>,
        placeholder: &mut Option<String>,
    ) -> Outcome<'a> {
        let Ok(payload) = &item.payload else {
            return Err(Failed::new(ResultReason::INVALID_MESSAGE, "the payload cannot be read"));
        };
        match payload {
            Payload::Activate(request) => activate::run(self, request, placeholder),
            Payload::Create(request) => create::run(self, request, placeholder).await,
            Payload::DiscoverVersions(request) => discover_versions::run(request),
            Payload::Get(request) => get::run(self, request, placeholder).await,
            Payload::GetAttributes(request) => get_attributes::run(self, request, header.version, placeholder),
            Payload::Query(request) => query::run(request),
            Payload::Register(request) => register::run(self, request, placeholder).await,
            Payload::Other(operation) => Err(unknown::refuse(*operation)),
        }
    }

    /// The object that a request means, or why it cannot be had.
    fn find(&self, id: &str) -> Result<WrappedKey, Failed> {
        let failure = match self.layout.find(id) {
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

    /// Tells the operator of a failure, and returns what the client is told.
    fn tell(&self, failure: &Failure) -> Failed {
        self.operator.tell(&operator::notice(failure));
        let answer = operator::answer(failure);
        Failed::new(ResultReason::from_number(answer.reason.number()), answer.message)
    }

    /// The provider's client, or the failure of having none.
    fn kms(&self, id: &str) -> Result<&dyn Kms, Failed> {
        self.kms.as_deref().ok_or_else(|| {
            let mut failure = Failure::new(Class::RoleNotUsable, id, self.provider);
            failure.detail = Some(format!("this version has no client for {}", self.provider.title()));
            self.tell(&failure)
        })
    }

    /// Seconds since 1970, as KMIP counts.
    fn now(&self) -> i64 {
        let since = self.env.clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }
}

/// The identifier that an item names, or that of the object that the batch made last.
fn meant<'a>(named: Option<&'a str>, placeholder: &'a Option<String>) -> Result<&'a str, Failed> {
    named.or(placeholder.as_deref()).ok_or_else(|| {
        Failed::new(ResultReason::ITEM_NOT_FOUND, "no Unique Identifier is given, and the ID Placeholder is empty")
    })
}

fn not_found(id: &str) -> Failed {
    Failed::new(ResultReason::ITEM_NOT_FOUND, format!("there is no object {id}"))
}

/// Waits for an item until the message's deadline has come.
async fn before<'a>(mut deadline: Pin<&mut Sleep>, work: impl Future<Output = Outcome<'a>>) -> Outcome<'a> {
    let mut work = pin!(work);
    std::future::poll_fn(|context| {
        if let Poll::Ready(outcome) = work.as_mut().poll(context) {
            return Poll::Ready(outcome);
        }
        deadline.as_mut().poll(context).map(|()| {
            Err(Failed::new(
                ResultReason::GENERAL_FAILURE,
                "the deadline of the request passed before this item was done",
            ))
        })
    })
    .await
}

/// The operations of this server, for Query.
const OPERATIONS: [Operation; 7] = [
    Operation::CREATE,
    Operation::REGISTER,
    Operation::GET,
    Operation::GET_ATTRIBUTES,
    Operation::ACTIVATE,
    Operation::QUERY,
    Operation::DISCOVER_VERSIONS,
];
