//! What comes through the endpoints of a world, on its way to the cloud and back.
//!
//! The relays before it end TLS and treat connections as they are told to, as with the fake clouds; here the request goes on
//! as the proxy has signed it, but for its Host where the cloud cannot read that. What lies between a cloud and its clients can be the laboratory's doing: answers that are
//! late, that break off, or that somebody else gives. What the cloud answers is the cloud's.
//!
//! Invariant: whatever arrives becomes exactly one call in the trace, under the names of the run, and a key that was opened
//! becomes a grant before it.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use serde_json::Value;

use super::address::Address;
use super::kms;
use crate::clouds::{self, Action, Arrival, Cloud, Handled, aws};
use crate::scenario::EndpointState;
use crate::trace::{Trace, What};
use crate::world::cloud::TRUNCATED_AFTER;

/// The way of one run.
pub(super) struct Way {
    pub(super) address: Address,
    /// Whether requests keep the name for which they were signed; else they get that of the address.
    pub(super) by_name: bool,
    pub(super) trace: Trace,
    /// The ARNs by which the run knows keys, by those that the cloud has given them.
    pub(super) known: BTreeMap<String, String>,
    /// What happens between the cloud and whoever comes through an endpoint, by the endpoint's name.
    pub(super) states: BTreeMap<String, EndpointState>,
    /// Why nothing can be said of the product any more.
    pub(super) gone: Option<String>,
}

impl Cloud for Way {
    fn handle(&mut self, arrival: &Arrival, request: &Request<Bytes>) -> Handled {
        let state = self.states.get(&arrival.via).cloned();
        if state == Some(EndpointState::Garbling) {
            let call = Self::unanswered(request, "not an answer of the service");
            return Handled { action: Action::Respond(clouds::garbage()), events: vec![call] };
        }
        let mut handed = request.clone();
        if let (false, Ok(own)) = (self.by_name, HeaderValue::from_str(&self.address.authority())) {
            handed.headers_mut().insert(header::HOST, own);
        }
        let response = match self.address.ask(handed) {
            Ok(response) => response,
            Err(why) => {
                self.gone = Some(format!("the AWS at {} has gone away in the middle of the run: {why}", self.address));
                return Handled { action: Action::Reset, events: vec![Self::unanswered(request, "no answer")] };
            }
        };
        // No fault was asked for, so that it is the cloud's own, and none of the product's.
        if response.status().is_server_error() {
            let (address, status) = (&self.address, response.status().as_u16());
            self.gone = Some(format!("the AWS at {address} has answered with {status} in the middle of the run"));
        }
        let events = self.events(request, &response);
        match state {
            Some(EndpointState::Truncating) => clouds::cut(response, events, TRUNCATED_AFTER),
            Some(EndpointState::Slow(by)) => {
                Handled { action: Action::Delay(by, Box::new(Action::Respond(response))), events }
            }
            _ => Handled { action: Action::Respond(response), events },
        }
    }
}

impl Way {
    fn unanswered(request: &Request<Bytes>, why: &str) -> What {
        let (service, operation) = aws::named(request);
        let (service, code) = (service.to_owned(), Some(why.to_owned()));
        What::Call { service, operation, cmk: None, principal: None, status: 0, code }
    }

    /// What the trace is told of a call.
    fn events(&self, request: &Request<Bytes>, response: &Response<Bytes>) -> Vec<What> {
        let (service, operation) = aws::named(request);
        let read = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap_or_default();
        let (asked, said) = (read(request.body()), read(response.body()));
        let status = response.status().as_u16();
        // The answer names the key by its ARN; a refusal names none.
        let cmk = said["KeyId"].as_str().or(asked["KeyId"].as_str());
        let cmk = cmk.map(|arn| self.known.get(arn).cloned().unwrap_or_else(|| arn.to_owned()));
        let opened = kms::decoded(&said["Plaintext"]).filter(|_| status == 200 && operation == "Decrypt");
        let grant = opened.map(|plaintext| What::Grant {
            provider: "aws".to_owned(),
            cmk: cmk.clone().unwrap_or_default(),
            material: self.trace.fingerprint(&plaintext),
        });
        let code = kms::code(response);
        let call = What::Call { service: service.to_owned(), operation, cmk, principal: None, status, code };
        grant.into_iter().chain([call]).collect()
    }
}
