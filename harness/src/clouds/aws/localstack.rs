//! The account as LocalStack serves one: for programs that were written for LocalStack, and have nothing but its address
//! and the credentials `test`.
//!
//! Anybody may call: any access key with any signature is taken, and so is a call without one. The region is the one
//! that the signature's scope names, and comes into being with the first call. There is one account, whatever the access
//! key. With `strict` all of that is as at AWS, but for the account's number and for a user `test` whose secret is
//! `test`.
//!
//! Invariant: beyond who may call, everything is the fake AWS: no answer of KMS or STS is made here.

use std::time::SystemTime;

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::json;

use super::Aws;
use super::identities::{self, IssuedCredentials, Principal};
use super::sigv4::Authorization;
use crate::clouds::call::Call;
use crate::clouds::{Action, Arrival, Cloud, Handled};
use crate::trace::Trace;

/// The account of everybody at LocalStack.
const ACCOUNT: &str = "000000000000";

/// The access key id and the secret of everybody at LocalStack.
const CREDENTIALS: &str = "test";

/// An account that answers at LocalStack's paths too.
#[derive(Debug)]
pub struct LocalStack {
    aws: Aws,
}

impl LocalStack {
    /// An empty account; see [`Aws::new`].
    pub fn new(region: &str, seed: [u8; 32], created: SystemTime, trace: Trace, strict: bool) -> Self {
        let mut aws = Aws::with_account(ACCOUNT, region, seed, created, trace);
        aws.open = !strict;
        let known = IssuedCredentials {
            access_key_id: CREDENTIALS.to_owned(),
            secret_access_key: CREDENTIALS.to_owned(),
            session_token: None,
        };
        if strict {
            aws.identities.adopt(CREDENTIALS, &known);
        }
        LocalStack { aws }
    }

    /// The account, to add keys to it.
    pub fn aws(&mut self) -> &mut Aws {
        &mut self.aws
    }

    /// What LocalStack tells of itself (seen from version 4.14.0). Edition and version are this fake's own.
    fn own(request: &Request<Bytes>) -> Option<serde_json::Value> {
        let (edition, version) = ("kmiplab", env!("CARGO_PKG_VERSION"));
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/_localstack/health") => {
                let services = json!({"kms": "running", "sts": "running"});
                Some(json!({"services": services, "edition": edition, "version": version}))
            }
            (&Method::GET, "/_localstack/info") => Some(json!({"edition": edition, "version": version})),
            _ => None,
        }
    }
}

impl Aws {
    /// Who calls where anybody may: the holder of the access key, if it was given out here, else the account's root.
    pub(super) fn anybody(&self, request: &Request<Bytes>, call: &mut Call) -> Principal {
        let authorization = Authorization::read(request.headers()).ok();
        let holder = authorization.as_ref().and_then(|given| self.identities.holder(&given.access_key_id));
        let principal = holder.cloned().unwrap_or_else(|| Principal {
            name: "root".to_owned(),
            arn: format!("arn:aws:iam::{}:root", self.account),
            id: self.account.clone(),
        });
        let by = authorization.map(|given| identities::shortened(&given.access_key_id));
        call.principal = Some(format!("{} ({})", principal.arn, by.unwrap_or_else(|| "unsigned".to_owned())));
        principal
    }
}

impl Cloud for LocalStack {
    fn handle(&mut self, arrival: &Arrival, request: &Request<Bytes>) -> Handled {
        if let Some(told) = LocalStack::own(request) {
            let mut response = Response::new(Bytes::from(told.to_string()));
            response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
            return Handled { action: Action::Respond(response), events: Vec::new() };
        }
        self.aws.handle(arrival, request)
    }
}
