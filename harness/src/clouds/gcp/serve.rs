//! One request on its way through the project: the planned fault, the door, what time has brought, the service, and what
//! the trace is told.
//!
//! Invariant: whatever arrives becomes exactly one action and exactly one call in the trace, which stands last.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::errors::{Detail, Refusal};
use super::faults::Target;
use super::route::{self, Door, Service};
use super::{Fault, Gcp, kms, oauth};
use crate::clouds::{Action, Arrival, Cloud, Handled};
use crate::trace::What;

/// RFC 9110, section 5.6.7: IMF-fixdate.
const DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
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
        let (service, operation) = (route::guess(request), route::operation(request));
        let strike = self.faults.strike(Target { via: &arrival.via, service, operation: &operation });
        let mut handled = match strike.fault {
            Some(Fault::Hang) => unanswered(request, "no answer", Action::Hang),
            Some(Fault::Reset) => unanswered(request, "connection reset", Action::Reset),
            Some(Fault::Garbage) => garbage(request),
            Some(Fault::Cut { after_bytes }) => {
                let (response, events) = self.serve(arrival, request, None);
                cut(response, events, after_bytes)
            }
            fault => {
                let (response, events) = self.serve(arrival, request, fault);
                Handled { action: Action::Respond(response), events }
            }
        };
        if !strike.delay.is_zero() {
            handled.action = Action::Delay(strike.delay, Box::new(handled.action));
        }
        handled
    }
}

impl Gcp {
    /// Answers as the service would, with no fault but those that the service itself would report.
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
        let mut events: Vec<What> = call.opened.iter().map(|(cmk, plaintext)| self.grant(cmk, plaintext)).collect();
        let mut response = respond(status, page, body, arrival.at);
        if let Some((_, refusal)) = &code {
            say_more(&mut response, service, refusal, fault);
        }
        events.push(call.event(status, code.map(|(code, _)| code)));
        (response, events)
    }

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

/// One call on its way through a service: what the trace will be told of it.
pub(super) struct Call {
    service: Service,
    pub(super) operation: String,
    pub(super) cmk: Option<String>,
    pub(super) principal: Option<String>,
    /// What was opened with which key, to be fingerprinted.
    pub(super) opened: Option<(String, Vec<u8>)>,
}

impl Call {
    fn new(service: Service, operation: String) -> Self {
        Call { service, operation, cmk: None, principal: None, opened: None }
    }

    fn event(self, status: u16, code: Option<String>) -> What {
        What::Call {
            service: self.service.as_str().to_owned(),
            operation: self.operation,
            cmk: self.cmk,
            principal: self.principal,
            status,
            code,
        }
    }
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

fn unanswered(request: &Request<Bytes>, why: &str, action: Action) -> Handled {
    let call = Call::new(route::guess(request), route::operation(request));
    Handled { action, events: vec![call.event(0, Some(why.to_owned()))] }
}

fn garbage(request: &Request<Bytes>) -> Handled {
    let page = Bytes::from_static(b"<!doctype html><title>Sign in</title><p>Sign in to use this network.</p>\n");
    let mut response = Response::new(page);
    response.headers_mut().insert("content-type", HeaderValue::from_static("text/html"));
    unanswered(request, "not an answer of the service", Action::Respond(response))
}

/// The work is done and its grant stands; the call counts as unanswered all the same.
fn cut(response: Response<Bytes>, mut events: Vec<What>, after_bytes: usize) -> Handled {
    if let Some(What::Call { status, code, .. }) = events.last_mut() {
        *status = 0;
        *code = Some("answer cut short".to_owned());
    }
    let last = response.body().len().saturating_sub(1);
    Handled { action: Action::Cut { response, after_bytes: after_bytes.min(last) }, events }
}

fn date(at: SystemTime) -> String {
    OffsetDateTime::from(at).format(DATE).expect("a year of four digits has this form")
}
