//! What the laboratory itself asks of the cloud, by the API of AWS KMS: making keys, wrapping, changing keys.
//!
//! Everybody's credentials there are `test` and `test`.
//!
//! Invariant: an answer that is not understood is told as such, never taken for a refusal of KMS.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use kmip_proxy::env::Env;
use serde_json::{Value, json};

use super::address::Address;
use crate::clouds::aws::{self, IssuedCredentials};

/// The access key id and the secret of everybody.
pub(super) const TEST: &str = "test";

/// In how many days a key goes that nobody needs any more: the fewest that AWS takes.
const WINDOW: u32 = 7;

/// KMS of one region.
#[derive(Clone, Debug)]
pub(super) struct Kms {
    pub(super) address: Address,
    pub(super) region: String,
}

/// Why a call has not come to its answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failed {
    /// Nobody answers.
    #[error("{0}")]
    Silent(String),
    /// KMS refuses.
    #[error("{operation}: {code}{}", message.as_ref().map(|message| format!(": {message}")).unwrap_or_default())]
    Refused {
        /// What was asked.
        operation: &'static str,
        /// AWS' code.
        code: String,
        /// The text beside it.
        message: Option<String>,
    },
    /// Somebody answers, and not as KMS does.
    #[error("{operation} is answered with {what}")]
    Senseless {
        /// What was asked.
        operation: &'static str,
        /// How.
        what: String,
    },
}

impl Failed {
    /// Whether KMS has refused with this code.
    pub(super) fn is(&self, wanted: &str) -> bool {
        matches!(self, Failed::Refused { code, .. } if code == wanted)
    }
}

impl Kms {
    /// Whether it lists keys.
    pub(super) fn list(&self) -> Result<(), Failed> {
        let host = self.address.authority();
        self.list_as(&host, &host)
    }

    /// The same for a request that is signed for one name and sent under another.
    pub(super) fn list_as(&self, signed: &str, sent: &str) -> Result<(), Failed> {
        const LIST: &str = "ListKeys";
        let request = self.signed(signed, LIST, &json!({"Limit": 1})).and_then(|mut request| {
            request.headers_mut().insert(header::HOST, HeaderValue::from_str(sent)?);
            Ok(request)
        });
        let answer = self.send(LIST, request)?;
        answer["Keys"].as_array().map(|_| ()).ok_or_else(|| senseless(LIST, "no Keys"))
    }

    /// Makes a key, and comes to its ARN.
    pub(super) fn make(&self, description: &str) -> Result<String, Failed> {
        let answer = self.call("CreateKey", &json!({"Description": description}))?;
        let arn = answer["KeyMetadata"]["Arn"].as_str();
        arn.map(str::to_owned).ok_or_else(|| senseless("CreateKey", "no KeyMetadata.Arn"))
    }

    /// Wraps, with no encryption context, as the product does.
    pub(super) fn encrypt(&self, key: &str, plaintext: &[u8]) -> Result<Vec<u8>, Failed> {
        let answer = self.call("Encrypt", &json!({"KeyId": key, "Plaintext": STANDARD.encode(plaintext)}))?;
        decoded(&answer["CiphertextBlob"]).ok_or_else(|| senseless("Encrypt", "no CiphertextBlob"))
    }

    /// Opens what a key has wrapped.
    pub(super) fn decrypt(&self, key: &str, wrapped: &[u8]) -> Result<Vec<u8>, Failed> {
        let answer = self.call("Decrypt", &json!({"KeyId": key, "CiphertextBlob": STANDARD.encode(wrapped)}))?;
        decoded(&answer["Plaintext"]).ok_or_else(|| senseless("Decrypt", "no Plaintext"))
    }

    /// The key's state in AWS' spelling.
    pub(super) fn state(&self, key: &str) -> Result<String, Failed> {
        let answer = self.call("DescribeKey", &json!({"KeyId": key}))?;
        let state = answer["KeyMetadata"]["KeyState"].as_str();
        state.map(str::to_owned).ok_or_else(|| senseless("DescribeKey", "no KeyMetadata.KeyState"))
    }

    /// ScheduleKeyDeletion, as soon as AWS lets it be.
    pub(super) fn schedule_deletion(&self, key: &str) -> Result<(), Failed> {
        self.call("ScheduleKeyDeletion", &json!({"KeyId": id(key), "PendingWindowInDays": WINDOW})).map(|_| ())
    }

    /// An operation that is told a key and nothing else.
    pub(super) fn change(&self, operation: &'static str, key: &str) -> Result<(), Failed> {
        self.call(operation, &json!({"KeyId": id(key)})).map(|_| ())
    }

    fn call(&self, operation: &'static str, members: &Value) -> Result<Value, Failed> {
        self.send(operation, self.signed(&self.address.authority(), operation, members))
    }

    fn send(&self, operation: &'static str, request: http::Result<Request<Bytes>>) -> Result<Value, Failed> {
        let request = request.map_err(|error| senseless(operation, &error.to_string()))?;
        let answer = self.address.ask(request).map_err(Failed::Silent)?;
        let said: Option<Value> = serde_json::from_slice(answer.body()).ok();
        match (answer.status().as_u16(), said, code(&answer)) {
            (200, Some(said), None) => Ok(said),
            // What has no members may be answered with nothing at all.
            (200, None, _) if answer.body().is_empty() => Ok(Value::Null),
            (_, said, Some(code)) => {
                let message = said.as_ref().and_then(|said| said["message"].as_str().or(said["Message"].as_str()));
                Err(Failed::Refused { operation, code, message: message.map(str::to_owned) })
            }
            (status, ..) => Err(senseless(operation, &format!("status {status} and nothing that KMS would say"))),
        }
    }

    fn signed(&self, host: &str, operation: &str, members: &Value) -> http::Result<Request<Bytes>> {
        let mut request = Request::post("/")
            .header("host", host)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("TrentService.{operation}"))
            .body(Bytes::from(members.to_string()))?;
        aws::sign(&mut request, &credentials(), Env::os().clock.now(), &self.region, "kms")?;
        Ok(request)
    }
}

/// A key by its id alone: moto falls over ARNs where a key is changed, and AWS takes either.
fn id(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

/// The credentials of everybody.
fn credentials() -> IssuedCredentials {
    IssuedCredentials { access_key_id: TEST.to_owned(), secret_access_key: TEST.to_owned(), session_token: None }
}

/// The code of an error answer of KMS; nothing where it is none.
pub(super) fn code(answer: &Response<Bytes>) -> Option<String> {
    let said: Value = serde_json::from_slice(answer.body()).ok()?;
    let code = said["__type"].as_str()?;
    // Some write the shape's whole name: `com.amazonaws.kms#DisabledException`.
    Some(code.rsplit('#').next().unwrap_or(code).to_owned())
}

/// Bytes in base64 that are not none.
pub(super) fn decoded(value: &Value) -> Option<Vec<u8>> {
    STANDARD.decode(value.as_str()?).ok().filter(|bytes| !bytes.is_empty())
}

fn senseless(operation: &'static str, what: &str) -> Failed {
    Failed::Senseless { operation, what: what.to_owned() }
}
