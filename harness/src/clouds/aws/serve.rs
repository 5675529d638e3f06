//! One request on its way through the account: the planned fault, the door, what time has brought, the service, and what
//! the trace is told.
//!
//! Invariant: whatever arrives becomes exactly one action and exactly one call in the trace, which stands last.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::faults::Target;
use super::route::{self, Door, Service};
use super::{Aws, Fault, kms, sts};
use crate::clouds::{Action, Arrival, Cloud, Handled};
use crate::trace::What;

/// RFC 9110, section 5.6.7: IMF-fixdate.
const DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

impl Cloud for Aws {
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

impl Aws {
    /// Answers as the service would, with no fault but those that the service itself would report.
    fn serve(
        &mut self,
        arrival: &Arrival,
        request: &Request<Bytes>,
        fault: Option<Fault>,
    ) -> (Response<Bytes>, Vec<What>) {
        self.keys.advance(arrival.at);
        let regions: Vec<&str> = self.keys.regions().collect();
        let routed = route::door(request, &regions, &self.home);
        // Somebody who reads the answer by chance finds JSON, as at most of AWS' doors.
        let door = routed.as_ref().map_or_else(|_| Door::new(Service::Kms, &self.home), Door::clone);
        let service = door.service;
        let request_id = self.streams(&door.region).request_ids.uuid();
        let mut call = Call::new(service);
        if routed.is_err() {
            call.operation = format!("{} {}", request.method(), request.uri().path());
        }
        let visit = Visit { arrival, request, door: &door, fault };
        let result = routed.and_then(|_| match service {
            Service::Kms => self.kms(&visit, &mut call),
            Service::Sts => self.sts(&visit, &request_id, &mut call),
        });
        let (status, code, body) = match result {
            Ok(body) => (200, None, body),
            Err(refusal) => {
                let answer = refusal.answer(service);
                let body = match service {
                    Service::Kms => kms::error_body(&answer, refusal.message.as_deref()),
                    Service::Sts => sts::error_body(&answer, refusal.message.as_deref(), &request_id),
                };
                (answer.status, Some(answer.code.to_owned()), body)
            }
        };
        let mut events: Vec<What> = call.opened.iter().map(|(cmk, plaintext)| self.grant(cmk, plaintext)).collect();
        events.push(call.event(status, code));
        let response = Response::builder()
            .status(status)
            .header("x-amzn-RequestId", &request_id)
            .header("Content-Type", service.content_type())
            .header("Date", date(arrival.at))
            .body(Bytes::from(body))
            .expect("the table's statuses and our header values are well-formed");
        (response, events)
    }

    fn grant(&self, cmk: &str, plaintext: &[u8]) -> What {
        What::Grant { provider: "aws".to_owned(), cmk: cmk.to_owned(), material: self.trace.fingerprint(plaintext) }
    }
}

/// A request at the door of a service.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit<'a> {
    pub(super) arrival: &'a Arrival,
    pub(super) request: &'a Request<Bytes>,
    pub(super) door: &'a Door,
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
    fn new(service: Service) -> Self {
        Call { service, operation: "unknown".to_owned(), cmk: None, principal: None, opened: None }
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

fn unanswered(request: &Request<Bytes>, why: &str, action: Action) -> Handled {
    let mut call = Call::new(route::guess(request));
    call.operation = route::operation(request);
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
