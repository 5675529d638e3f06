//! Which endpoint is asked next, how often, and what a call that failed everywhere is called.
//!
//! One pass goes through the endpoints in order. It moves on when no answer came, when the provider failed by itself,
//! and, among private endpoints alone, when an endpoint's policy refused; any other answer is final. One more pass
//! asks those again who throttled, failed, or sent what was damaged, after [`BACKOFF`] or after as long as they have asked
//! for.
//!
//! Invariant: a call sends at most [`most_attempts`] requests and ends within its deadline, whatever the network does.

use std::sync::Arc;
use std::time::Duration;

use super::endpoints::{Endpoint, NetworkClass};
use super::http::{Channel, Deadline, Transport, TransportError};
use super::{Attempt, Class, KmsError};
use crate::env::BoxFuture;
use crate::keys::Provider;

/// How often the endpoints are gone through.
pub const PASSES: usize = 2;

/// The wait before the second pass. It does not vary: one proxy has one caller, so there is no herd to disperse.
pub const BACKOFF: Duration = Duration::from_millis(200);

/// How many requests one call to one service sends at most.
pub const fn most_attempts(endpoints: usize) -> usize {
    PASSES * endpoints
}

/// A call to one service that may go through any of its endpoints.
#[derive(Debug)]
pub(super) struct Errand<'a> {
    pub(super) transport: &'a Arc<Transport>,
    pub(super) endpoints: &'a [Endpoint],
    /// Whether public endpoints and public addresses are out of bounds.
    pub(super) only_private: bool,
    pub(super) provider: Provider,
    pub(super) cmk: &'a str,
    pub(super) deadline: Deadline,
}

impl Errand<'_> {
    /// Sends the request through one endpoint after the other until one answers for good.
    pub(super) async fn run<'f, T>(
        &self,
        send: impl Fn(Channel) -> BoxFuture<'f, Result<T, Failure>> + Send + Sync,
    ) -> Result<T, KmsError> {
        let mut history = History::default();
        let mut round: Vec<&Endpoint> = self.endpoints.iter().collect();
        let mut only_private = self.only_private;
        let mut wait = BACKOFF;
        for pass in 0..PASSES {
            if pass > 0 && (round.is_empty() || self.deadline.limit(tokio::time::sleep(wait)).await.is_none()) {
                break;
            }
            let mut again = Vec::new();
            for (position, endpoint) in round.iter().copied().enumerate() {
                if only_private && endpoint.network == NetworkClass::Public {
                    history.skipped(endpoint, "not tried: it is public");
                    continue;
                }
                if self.deadline.left().is_zero() {
                    history.skipped(endpoint, "not tried: no time was left");
                    history.out_of_time = true;
                    continue;
                }
                let channel = Channel {
                    transport: self.transport.clone(),
                    endpoint: endpoint.clone(),
                    only_private: self.only_private,
                    deadline: self.deadline.share(round.len() - position),
                };
                let mut failure = match send(channel).await {
                    Ok(answer) => return Ok(answer),
                    Err(failure) => failure,
                };
                let next = failure.next(self.deadline.left());
                wait = wait.max(failure.wait(next));
                history.failed(endpoint, failure);
                match next {
                    Next::Stop => return Err(history.into_error(self.provider, self.cmk)),
                    Next::Endpoint => {}
                    Next::PrivateEndpoint => only_private = true,
                    Next::EndpointAndAgain => again.push(endpoint),
                    Next::Again => {
                        again.push(endpoint);
                        break;
                    }
                }
            }
            round = again;
        }
        Err(history.into_error(self.provider, self.cmk))
    }
}

/// How one attempt failed.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// No answer came.
    Transport(TransportError),
    /// An answer came, or the request could not even be made.
    Answer(Answer),
    /// An answer came whose checksums say that it, or the request, has changed on the way.
    Damaged(Answer),
}

/// An answer that is not the one hoped for.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) class: Class,
    pub(super) code: Option<String>,
    pub(super) status: Option<u16>,
    pub(super) detail: Option<String>,
    /// Whether it has the form of the provider's answers. If not, somebody else has answered in its place.
    pub(super) genuine: bool,
    /// How long the provider asks to be left alone.
    pub(super) retry_after: Option<Duration>,
}

impl Answer {
    /// Whether the same question may be answered in a while.
    fn is_passing(&self) -> bool {
        matches!(self.class, Class::CloudInternal | Class::Throttled)
    }

    /// Whether the provider asks to be left alone for longer than this; if so, the detail says it.
    fn asks_for_more_than(&mut self, left: Duration) -> bool {
        let Some(wait) = self.retry_after.filter(|wait| *wait >= left) else { return false };
        let said = self.detail.take().map(|said| format!(": {said}")).unwrap_or_default();
        let seconds = wait.as_secs();
        self.detail = Some(format!("it asks to wait {seconds} s, which is longer than the request may take{said}"));
        true
    }
}

/// What to do after a failed attempt.
#[derive(Clone, Copy)]
enum Next {
    /// Nothing: the answer is final.
    Stop,
    /// Ask the next endpoint.
    Endpoint,
    /// Ask the next endpoint that is private.
    PrivateEndpoint,
    /// Ask the next endpoint, and this one again in the next pass.
    EndpointAndAgain,
    /// Ask this one again in the next pass: the others share its quota.
    Again,
}

impl Failure {
    /// The same failure, as one that another attempt may do without.
    pub(super) fn damaged(self) -> Self {
        match self {
            Failure::Answer(answer) => Failure::Damaged(answer),
            other => other,
        }
    }

    fn class(&self) -> Class {
        match self {
            Failure::Transport(error) => error.class(),
            Failure::Answer(answer) | Failure::Damaged(answer) => answer.class,
        }
    }

    /// What follows, with so much time left. A provider that asks for more patience than that is not asked again, and
    /// the detail says so.
    fn next(&mut self, left: Duration) -> Next {
        match self {
            Failure::Transport(_) => Next::Endpoint,
            Failure::Damaged(_) => Next::EndpointAndAgain,
            Failure::Answer(answer) => {
                let too_long = answer.is_passing() && answer.asks_for_more_than(left);
                match answer.class {
                    Class::CloudInternal if too_long => Next::Endpoint,
                    Class::CloudInternal => Next::EndpointAndAgain,
                    Class::Throttled if too_long => Next::Stop,
                    Class::Throttled => Next::Again,
                    Class::EndpointPolicyDenied => Next::PrivateEndpoint,
                    _ if !answer.genuine => Next::Endpoint,
                    _ => Next::Stop,
                }
            }
        }
    }

    /// The wait that the provider asks for, where it will be asked again.
    fn wait(&self, next: Next) -> Duration {
        match (self, next) {
            (Failure::Answer(answer), Next::Again | Next::EndpointAndAgain) => answer.retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        }
    }

    fn outcome(&self) -> String {
        match self {
            Failure::Transport(error) => error.to_string(),
            Failure::Answer(answer) | Failure::Damaged(answer) => match answer {
                Answer { status: Some(status), code: Some(code), .. } => format!("{status} {code}"),
                Answer { status: Some(status), detail: Some(detail), .. } => format!("{status}, {detail}"),
                Answer { detail, class, .. } => detail.clone().unwrap_or_else(|| class.meaning().to_owned()),
            },
        }
    }

    /// How far the attempt got. The class of a call is that of the attempt that got furthest, because a provider's
    /// word says more than a missing route.
    fn progress(&self) -> u8 {
        match self.class() {
            Class::NetworkNotPrivate => 0,
            Class::EndpointUnreachable | Class::FileUnavailable => 1,
            Class::DeadlineExceeded => 2,
            Class::BadResponse => 3,
            _ => 4,
        }
    }
}

/// What has been tried so far.
#[derive(Default)]
struct History {
    attempts: Vec<Attempt>,
    /// The endpoint and the failure of the attempt that got furthest; among equals, the last.
    furthest: Option<(String, Failure)>,
    /// Whether an endpoint was left out for want of time.
    out_of_time: bool,
    /// Whether an attempt failed for another reason than a certificate.
    beside_certificates: bool,
}

impl History {
    fn skipped(&mut self, endpoint: &Endpoint, why: &str) {
        self.attempts.push(Attempt { endpoint: endpoint.name.clone(), outcome: why.to_owned() });
    }

    fn failed(&mut self, endpoint: &Endpoint, failure: Failure) {
        self.attempts.push(Attempt { endpoint: endpoint.name.clone(), outcome: failure.outcome() });
        self.beside_certificates |= !matches!(failure, Failure::Transport(TransportError::Certificate(_)));
        if self.furthest.as_ref().is_none_or(|(_, before)| before.progress() <= failure.progress()) {
            self.furthest = Some((endpoint.name.clone(), failure));
        }
    }

    fn into_error(self, provider: Provider, cmk: &str) -> KmsError {
        let only_certificates = self.furthest.is_some() && !self.beside_certificates;
        let mut error = match self.furthest {
            Some((_, Failure::Answer(answer) | Failure::Damaged(answer))) => KmsError {
                code: answer.code,
                status: answer.status,
                detail: answer.detail,
                ..KmsError::new(answer.class, provider, cmk)
            },
            Some((endpoint, Failure::Transport(error))) => {
                KmsError::new(error.class(), provider, cmk).because(format!("{endpoint}: {error}"))
            }
            None if self.out_of_time => {
                KmsError::new(Class::DeadlineExceeded, provider, cmk).because("no time was left to ask for the key")
            }
            // Nobody was asked although there was time: all endpoints must be public.
            None => KmsError::new(Class::NetworkNotPrivate, provider, cmk)
                .because("private networking is required, and no endpoint is marked private"),
        };
        error.attempts = self.attempts;
        error.only_certificates = only_certificates;
        error
    }
}
