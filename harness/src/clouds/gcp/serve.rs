//! One request on its way through the project: the planned fault, the door, what time has brought, the service, and what
//! the trace is told.
//!
//! Invariant: whatever arrives becomes exactly one action and exactly one call in the trace, which stands last.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};

use super::errors::{Detail, Refusal};
use super::route::{self, Door, Service};
use super::{Fault, Gcp, kms, oauth};
use crate::clouds::call::{self, Account, Call, date};
use crate::clouds::faults::Faults;
use crate::clouds::{Arrival, Cloud, Handled};
use crate::trace::What;

/// What Google's front end says of every answer (seen in public issues with raw answers).
const HEADERS: [(&str, &str); 5] = [
    ("Server", "ESF"),
    ("Cache-Control", "private"),
    ("X-XSS-Protection", "0"),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("X-Content-Type-Options", "nosniff"),
];

impl Cloud for Gcp {
    fn handle(&mut self, arrival: &Arrival, request: &Request<Bytes>) -> Handled {
        call::handle(self, arrival, request)
    }
}

impl Account for Gcp {
    type Fault = Fault;

    fn faults(&mut self) -> &mut Faults<Fault> {
        &mut self.faults
    }

    fn guess(request: &Request<Bytes>) -> (Service, String) {
        (route::guess(request), route::operation(request))
    }

    fn serve(
        &mut self,
        arrival: &Arrival,
        request: &Request<Bytes>,
        fault: Option<Fault>,
    ) -> (Response<Bytes>, Vec<What>) {
        self.keys.advance(arrival.at);
        let service = route::guess(request);
        let mut call = Call::new(service, route::operation(request));
        let visit = Visit { arrival, request, fault };
        let result = route::door(request).and_then(|door| match door {
            Door::Kms { operation, name } => self.kms(&visit, operation, &name, &mut call),
            Door::Token => self.token(&visit, &mut call),
        });
        let (status, code, body, page) = match result {
            Ok(body) => (200, None, body, false),
            Err(refusal) => {
                let answer = refusal.answer(service);
                let page = refusal.error.fact().detail == Detail::Page;
                let body = match service {
                    _ if page => refusal.message.clone(),
                    Service::Kms => kms::error_body(&answer, &refusal),
                    Service::Oauth => oauth::error_body(&answer, &refusal),
                };
                (answer.status, Some((answer.code.to_owned(), refusal)), body, page)
            }
        };
        call.name_secrets(&self.trace);
        let mut events: Vec<What> = call.opened.iter().map(|(cmk, plaintext)| self.grant(cmk, plaintext)).collect();
        let mut response = respond(status, page, body, arrival.at);
        if let Some((_, refusal)) = &code {
            say_more(&mut response, service, refusal, fault);
        }
        events.push(call.event(status, code.map(|(code, _)| code)));
        (response, events)
    }
}

impl Gcp {
    fn grant(&self, cmk: &str, plaintext: &[u8]) -> What {
        What::Grant { provider: "gcp".to_owned(), cmk: cmk.to_owned(), material: self.trace.fingerprint(plaintext) }
    }
}

/// A request at a door.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit<'a> {
    pub(super) arrival: &'a Arrival,
    pub(super) request: &'a Request<Bytes>,
    /// What is to go wrong.
    pub(super) fault: Option<Fault>,
}

fn respond(status: u16, page: bool, body: String, at: SystemTime) -> Response<Bytes> {
    let kind = if page { "text/html; charset=UTF-8" } else { "application/json; charset=UTF-8" };
    let mut builder = Response::builder().status(status).header("Content-Type", kind).header("Date", date(at));
    for (name, value) in HEADERS {
        builder = builder.header(name, value);
    }
    builder.body(Bytes::from(body)).expect("the table's statuses and our header values are well-formed")
}

/// What some refusals say in headers: how to prove who one is (RFC 6750, section 3), and when to come again (RFC 9110,
/// section 10.2.3).
fn say_more(response: &mut Response<Bytes>, service: Service, refusal: &Refusal, fault: Option<Fault>) {
    let headers = response.headers_mut();
    if refusal.answer(service).code == "UNAUTHENTICATED" {
        let missing = refusal.error == super::Error::TokenMissing;
        let realm = if missing { REALM } else { INVALID_TOKEN };
        headers.insert("www-authenticate", HeaderValue::from_static(realm));
    }
    if let (Some(Fault::RetryAfter(wait)), super::Error::Throttled) = (fault, refusal.error) {
        headers.insert("retry-after", HeaderValue::from(wait.as_secs()));
    }
}

const REALM: &str = "Bearer realm=\"https://accounts.google.com/\"";
const INVALID_TOKEN: &str = "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"";
