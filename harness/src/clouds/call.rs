//! One request at a cloud, as far as it is the same for all of them: what is planned to go wrong with it, and what the
//! trace is told of it.
//!
//! Invariant: whatever arrives becomes exactly one action and exactly one call in the trace, which stands last.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::faults::{Course, Faults, Mishap, Service, Target};
use super::{Action, Arrival, Handled};
use crate::trace::{Trace, What};

/// RFC 9110, section 5.6.7: IMF-fixdate.
const DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// An account whose services can misbehave.
pub(super) trait Account {
    /// How they do.
    type Fault: Mishap;

    /// What is planned to go wrong.
    fn faults(&mut self) -> &mut Faults<Self::Fault>;

    /// The service that a request means, as far as can be told, and the operation by its name in traces.
    fn guess(request: &Request<Bytes>) -> (<Self::Fault as Mishap>::Service, String);

    /// Answers as the service would, with no fault but those that the service itself would report.
    fn serve(
        &mut self,
        arrival: &Arrival,
        request: &Request<Bytes>,
        fault: Option<Self::Fault>,
    ) -> (Response<Bytes>, Vec<What>);
}

/// One request on its way: struck by what is planned for it, or served.
pub(super) fn handle<A: Account>(account: &mut A, arrival: &Arrival, request: &Request<Bytes>) -> Handled {
    let (service, operation) = A::guess(request);
    let strike = account.faults().strike(Target { via: &arrival.via, service, operation: &operation });
    let unanswered = |why: &str, action: Action| {
        let call = Call::new(service, operation.clone());
        Handled { action, events: vec![call.event(0, Some(why.to_owned()))] }
    };
    let mut handled = match strike.fault.map_or(Course::Answered, Mishap::course) {
        Course::Hang => unanswered("no answer", Action::Hang),
        Course::Reset => unanswered("connection reset", Action::Reset),
        Course::Garbage => unanswered("not an answer of the service", Action::Respond(garbage())),
        Course::Cut(after_bytes) => {
            let (response, events) = account.serve(arrival, request, None);
            cut(response, events, after_bytes)
        }
        Course::Answered | Course::Slow(_) => {
            let (response, events) = account.serve(arrival, request, strike.fault);
            Handled { action: Action::Respond(response), events }
        }
    };
    if !strike.delay.is_zero() {
        handled.action = Action::Delay(strike.delay, Box::new(handled.action));
    }
    handled
}

/// One call on its way through a service: what the trace will be told of it.
pub(super) struct Call {
    service: &'static str,
    pub(super) operation: String,
    pub(super) cmk: Option<String>,
    pub(super) principal: Option<String>,
    /// What was opened with which key, to be fingerprinted.
    pub(super) opened: Option<(String, Vec<u8>)>,
    /// What was handed over to be wrapped, whatever came of that.
    pub(super) handed: Option<Vec<u8>>,
}

impl Call {
    pub(super) fn new(service: impl Service, operation: String) -> Self {
        Call { service: service.name(), operation, cmk: None, principal: None, opened: None, handed: None }
    }

    /// From now on what was opened or is to be wrapped may stand in no text.
    pub(super) fn name_secrets(&self, trace: &Trace) {
        let opened = self.opened.as_ref().map(|(_, plaintext)| plaintext);
        opened
            .into_iter()
            .chain(&self.handed)
            .for_each(|plaintext| trace.secret("a key that the cloud wraps", plaintext));
    }

    pub(super) fn event(self, status: u16, code: Option<String>) -> What {
        What::Call {
            service: self.service.to_owned(),
            operation: self.operation,
            cmk: self.cmk,
            principal: self.principal,
            status,
            code,
        }
    }
}

/// What a captive portal says.
pub(crate) fn garbage() -> Response<Bytes> {
    let page = Bytes::from_static(b"<!doctype html><title>Sign in</title><p>Sign in to use this network.</p>\n");
    let mut response = Response::new(page);
    response.headers_mut().insert("content-type", HeaderValue::from_static("text/html"));
    response
}

/// The work is done and its grant stands; the call counts as unanswered all the same.
pub(crate) fn cut(response: Response<Bytes>, mut events: Vec<What>, after_bytes: usize) -> Handled {
    if let Some(What::Call { status, code, .. }) = events.last_mut() {
        *status = 0;
        *code = Some("answer cut short".to_owned());
    }
    let last = response.body().len().saturating_sub(1);
    Handled { action: Action::Cut { response, after_bytes: after_bytes.min(last) }, events }
}

/// A moment as the header Date has it.
pub(super) fn date(at: SystemTime) -> String {
    OffsetDateTime::from(at).format(DATE).expect("a year of four digits has this form")
}
