//! One request on its way through the account: the planned fault, the door, what time has brought, the service, and what
//! the trace is told.
//!
//! Invariant: whatever arrives becomes exactly one action and exactly one call in the trace, which stands last.

use bytes::Bytes;
use http::{Request, Response};

use super::route::{self, Door, Service};
use super::{Aws, Fault, kms, sts};
use crate::clouds::call::{self, Account, Call, date};
use crate::clouds::faults::Faults;
use crate::clouds::{Arrival, Cloud, Handled};
use crate::trace::What;

impl Cloud for Aws {
    fn handle(&mut self, arrival: &Arrival, request: &Request<Bytes>) -> Handled {
        call::handle(self, arrival, request)
    }
}

impl Account for Aws {
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
        if let Some(region) = route::scoped_region(request).filter(|_| self.open) {
            self.keys.add_region(&region);
        }
        let regions: Vec<&str> = self.keys.regions().collect();
        let routed = route::door(request, &regions, &self.home, self.open);
        // Somebody who reads the answer by chance finds JSON, as at most of AWS' doors.
        let door = routed.as_ref().map_or_else(|_| Door::new(Service::Kms, &self.home), Door::clone);
        let service = door.service;
        let request_id = self.streams(&door.region).request_ids.uuid();
        let mut call = Call::new(service, "unknown".to_owned());
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
        call.name_secrets(&self.trace);
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
}

impl Aws {
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
