//! The fake clouds: state machines that answer HTTP requests as the real services do.
//!
//! A front end (hyper on simulated sockets, or on loopback) reads a whole request, asks [`Cloud::handle`], records the
//! [`Handled::events`] at once, and then carries out the [`Action`]. Faults are a part of the answer, so that a front
//! end never decides anything.
//!
//! Invariant: nothing here reads a clock, opens a socket, or draws a number that does not come from the run's seed.

pub mod aws;
pub mod azure;
mod call;
mod faults;
pub mod gcp;
mod seeds;

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};

use crate::trace::What;

pub(crate) use call::{cut, garbage};

/// A cloud: one account at one provider, with its token service.
pub trait Cloud: Send {
    /// Answers one request. The state changes as if the answer had been given, also where the action withholds it.
    fn handle(&mut self, arrival: &Arrival, request: &Request<Bytes>) -> Handled;
}

/// How a request came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The cloud's own wall clock at that moment. It may differ from the clock of whoever calls.
    pub at: SystemTime,
    /// The endpoint through which it came, as the scenario names it: `private-a`, `public`, `sts`.
    pub via: String,
    /// Whether that endpoint is a private one.
    pub private: bool,
}

/// What came of a request.
#[derive(Debug)]
pub struct Handled {
    /// What the front end does next.
    pub action: Action,
    /// What the trace is told, in order, before the action is carried out. A grant stands before its call.
    pub events: Vec<What>,
}

/// What a front end does with the connection on which a request came.
#[derive(Debug)]
pub enum Action {
    /// Sends the answer.
    Respond(Response<Bytes>),
    /// Waits in simulated time, then goes on.
    Delay(Duration, Box<Action>),
    /// Keeps the connection open and stays silent until the peer gives up.
    Hang,
    /// Closes the connection before any byte of an answer.
    Reset,
    /// Sends the head with the Content-Length of the whole body, then that many bytes of the body (always fewer than
    /// it has), then closes the connection.
    Cut {
        /// The whole answer.
        response: Response<Bytes>,
        /// How many bytes of its body leave.
        after_bytes: usize,
    },
}

/// How well a fact about a real service is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// Seen in a recording of the real service.
    Observed,
    /// Stated by the provider's documentation or API model.
    Documented,
    /// Follows from what is known, or is widely quoted; no recording was seen.
    Inferred,
    /// Made up by this fake, because the real service says nothing of the kind or would never be asked.
    Ours,
}
