//! Tests of the fake AWS through its one door, [`Cloud::handle`], with requests that are signed as a client signs them.
//!
//! The signer (`sign`) builds on the fake's own arithmetic; `signatures` proves that arithmetic against AWS' published
//! examples and against requests that boto3 signed.

mod behaviour;
mod credentials;
mod faults;
mod localstack;
mod making;
mod policies;
mod refusals;
mod regions;
mod rotation;
mod signatures;
mod states;
mod sts;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::{Aws, IssuedCredentials, sign};
use crate::clouds::{Action, Arrival, Cloud, Handled};
use crate::trace::Trace;

/// 2026-11-22T03:22:01Z, when the captured requests were signed.
pub(super) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_317_721)
}

pub(super) const KMS_HOST: &str = "kms.us-east-1.amazonaws.com";
pub(super) const STS_HOST: &str = "sts.us-east-1.amazonaws.com";
pub(super) const MASTER_KEY: &[u8] = b"a master key of thirty-two bytes";

/// An account with one key, one user, and somebody who calls.
pub(super) struct Bench {
    pub(super) aws: Aws,
    pub(super) trace: Trace,
    pub(super) key: String,
    pub(super) user: IssuedCredentials,
    /// With what the next calls are signed.
    pub(super) client: Client,
    pub(super) arrival: Arrival,
}

/// A caller and its clock.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) credentials: IssuedCredentials,
    pub(super) at: SystemTime,
    pub(super) region: String,
}

/// An answer as a client reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Bench {
    pub(super) fn new() -> Self {
        Bench::seeded([7; 32], "us-east-1")
    }

    pub(super) fn seeded(seed: [u8; 32], region: &str) -> Self {
        let trace = Trace::new(b"fingerprint key", || Duration::ZERO);
        let mut aws = Aws::new(region, seed, now() - Duration::from_secs(86_400), trace.clone());
        let key = aws.add_key("master");
        let user = aws.add_user("atlas");
        let client = Client { credentials: user.clone(), at: now(), region: region.to_owned() };
        let arrival = Arrival { at: now(), via: "vpce-a".to_owned(), private: true };
        Bench { aws, trace, key, user, client, arrival }
    }

    pub(super) fn handle(&mut self, request: &Request<Bytes>) -> Handled {
        self.aws.handle(&self.arrival, request)
    }

    pub(super) fn send(&mut self, request: &Request<Bytes>) -> Reply {
        reply(self.handle(request).action)
    }

    pub(super) fn kms(&mut self, operation: &str, body: &Value) -> Reply {
        let request = self.client.kms(operation, &body.to_string());
        self.send(&request)
    }

    pub(super) fn sts(&mut self, form: &str) -> Reply {
        let request = self.client.sts(form);
        self.send(&request)
    }

    /// A ciphertext of the master key, made without a call.
    pub(super) fn wrapped(&mut self) -> String {
        let blob = self.aws.encrypt_directly("master", MASTER_KEY, &BTreeMap::new()).unwrap();
        STANDARD.encode(blob)
    }

    pub(super) fn decrypt(&mut self, blob: &str) -> Reply {
        self.kms("Decrypt", &json!({"CiphertextBlob": blob}))
    }
}

impl Client {
    pub(super) fn kms(&self, operation: &str, body: &str) -> Request<Bytes> {
        let mut request = Request::post("/")
            .header("host", KMS_HOST.replace("us-east-1", &self.region))
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("TrentService.{operation}"))
            .body(Bytes::from(body.to_owned()))
            .unwrap();
        self.sign(&mut request, "kms");
        request
    }

    pub(super) fn sts(&self, form: &str) -> Request<Bytes> {
        let mut request = Request::post("/")
            .header("host", STS_HOST.replace("us-east-1", &self.region))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(form.to_owned()))
            .unwrap();
        self.sign(&mut request, "sts");
        request
    }

    /// Signs all headers that the request has.
    pub(super) fn sign(&self, request: &mut Request<Bytes>, service: &str) {
        sign(request, &self.credentials, self.at, &self.region, service).unwrap();
    }
}

pub(super) fn reply(action: Action) -> Reply {
    match action {
        Action::Respond(response) => {
            Reply { status: response.status().as_u16(), body: String::from_utf8(response.body().to_vec()).unwrap() }
        }
        other => panic!("not an answer: {other:?}"),
    }
}

pub(super) fn member(reply: &Reply, name: &str) -> String {
    assert_eq!(reply.status, 200, "{}", reply.body);
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    body[name].as_str().unwrap_or_default().to_owned()
}
