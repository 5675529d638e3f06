//! The cast member who says again what a real client once said.
//!
//! In order of the recorded times: connections are opened, requests sent, log lines written, until the client is ready,
//! or ends. A request goes out at its time or as soon as it can, on the connection on which it was sent. What the server
//! gives out newly in each run (identifiers, ciphertexts, initialisation vectors) is put in place of what it gave out in
//! the recorded one; then every answer must mean what the recorded one meant.
//!
//! Invariant: nothing is decided here. A recorded client does what was recorded, whatever it is answered.

pub mod dialogue;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kmip_proxy::env::BoxStream;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Exit, Settings, Stage, client_config, exchange};
use crate::trace::{ProcessState, What};
use crate::wire::message::Asked;
use crate::wire::{self, Answer};
use dialogue::{Exchange, Start};

/// What a run shares between the starts of its client. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Again(Arc<Mutex<Learned>>);

#[derive(Debug, Default)]
struct Learned {
    /// What the server gave out in the recorded run, and what in this one; each pair has one length.
    given: Vec<(Vec<u8>, Vec<u8>)>,
    /// What an answer meant otherwise, in order.
    differences: Vec<String>,
}

/// What happens in a start, by its time.
enum Step<'a> {
    Open(usize),
    Ask(usize, &'a Exchange),
    Close(usize),
    Say(&'a str),
    Ready,
    Exit(&'a str),
}

/// Says again what was said in a start.
pub async fn play(start: &Start, again: &Again, stage: &Stage, settings: &Settings) -> Exit {
    let mut open: BTreeMap<usize, TlsStream<BoxStream>> = BTreeMap::new();
    for (at, step) in steps(start) {
        sleep(Duration::from_millis(at).saturating_sub(stage.trace.now())).await;
        match step {
            Step::Open(connection) => match connect(stage, settings).await {
                Ok(stream) => drop(open.insert(connection, stream)),
                Err(why) => again.differs(format!("connection {connection} is not made: {why}")),
            },
            Step::Ask(connection, exchange) => match open.get_mut(&connection) {
                Some(stream) => ask(stream, exchange, again, stage, until(start, connection, exchange)).await,
                None => again.differs(format!("a request of connection {connection} cannot be sent")),
            },
            Step::Close(connection) => drop(open.remove(&connection)),
            Step::Say(text) => stage.log('E', None, text, &[]),
            Step::Ready => stage.record(What::Process { state: ProcessState::Ready, why: None }),
            Step::Exit(why) => return Exit { reason: why.to_owned(), code: "as recorded" },
        }
    }
    // It was ended from outside.
    std::future::pending().await
}

fn steps(start: &Start) -> Vec<(u64, Step<'_>)> {
    let mut steps = Vec::new();
    for (number, connection) in start.connections.iter().enumerate() {
        steps.push((connection.at, Step::Open(number)));
        steps.extend(connection.exchanges.iter().map(|exchange| (exchange.at, Step::Ask(number, exchange))));
        steps.extend(connection.closed.map(|at| (at, Step::Close(number))));
    }
    steps.extend(start.said.iter().map(|words| (words.at, Step::Say(&words.text))));
    steps.extend(start.ready.map(|at| (at, Step::Ready)));
    steps.extend(start.exited.as_ref().map(|words| (words.at, Step::Exit(&words.text))));
    // Stable: of one moment, what was said on connections comes first.
    steps.sort_by_key(|(at, _)| *at);
    steps
}

/// How long the client waited for an answer that never came.
fn until(start: &Start, connection: usize, exchange: &Exchange) -> Option<Duration> {
    let closed = start.connections.get(connection).and_then(|connection| connection.closed);
    match exchange.answer {
        Some(_) => None,
        None => closed.map(|closed| Duration::from_millis(closed.saturating_sub(exchange.at))),
    }
}

async fn connect(stage: &Stage, settings: &Settings) -> Result<TlsStream<BoxStream>, String> {
    let config = client_config(&stage.env, settings)?;
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, settings.port));
    let stream = stage.env.network.connect(to).await.map_err(|error| error.to_string())?;
    let shaken = TlsConnector::from(config).connect(ServerName::from(to.ip()), stream).await;
    shaken.map_err(|error| error.to_string())
}

async fn ask(
    stream: &mut TlsStream<BoxStream>,
    recorded: &Exchange,
    again: &Again,
    stage: &Stage,
    patience: Option<Duration>,
) {
    let bytes = again.with_what_was_given(&recorded.request);
    let Ok(request) = wire::parse(&bytes) else {
        again.differs("a recorded request is no KMIP".to_owned());
        return;
    };
    let asked = Asked::read(&request);
    let name = asked.operations.join(", ");
    let number = exchange::sent(&stage.trace, &stage.host, asked, &bytes);
    let began = stage.trace.now();
    let talk = async {
        stream.write_all(&bytes).await?;
        stream.flush().await?;
        let mut head = [0; 8];
        stream.read_exact(&mut head).await?;
        let [.., a, b, c, d] = head;
        let mut answer = head.to_vec();
        stream.take(u64::from(u32::from_be_bytes([a, b, c, d]))).read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = match patience {
        Some(patience) => timeout(patience, talk).await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())),
        None => talk.await,
    };
    let at = format!("exchange {number}, {name} at {:.3} s", began.as_secs_f64());
    match (answer, &recorded.answer) {
        (Ok(answer), Some(expected)) => {
            let after = stage.trace.now().saturating_sub(began);
            exchange::received(&stage.trace, &stage.host, number, &request, &answer, after);
            again.compare(&at, &expected.message, &answer);
        }
        (Ok(_), None) => again.differs(format!("{at}: it has an answer now, and had none")),
        (Err(error), expected) => {
            stage.record(What::NoAnswer { exchange: number, why: error.to_string() });
            if expected.is_some() {
                again.differs(format!("{at}: it has no answer now ({error}), and had one"));
            }
        }
    }
}

impl Again {
    /// What answers meant otherwise than in the recorded run, in order.
    pub fn differences(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).differences.clone()
    }

    fn differs(&self, what: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).differences.push(what);
    }

    /// A recorded message with what this run's server gave out in place of what the recorded one's did.
    fn with_what_was_given(&self, message: &[u8]) -> Vec<u8> {
        let learned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        replaced(message, &learned.given)
    }

    /// Compares two answers, and learns what the server gives out newly.
    fn compare(&self, at: &str, recorded: &[u8], now: &[u8]) {
        let difference = match (Answer::read(recorded), Answer::read(now)) {
            (Err(_), _) => Some("the recorded answer is no KMIP".to_owned()),
            (_, Err(error)) => Some(format!("the answer is no KMIP: {error}")),
            (Ok(recorded), Ok(now)) => {
                self.learn(&recorded, &now);
                self.difference(&recorded, &now)
            }
        };
        if let Some(difference) = difference {
            self.differs(format!("{at}: {difference}"));
        }
    }

    fn learn(&self, recorded: &Answer, now: &Answer) {
        let mut learned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (recorded, now) in recorded.items.iter().zip(&now.items) {
            let mut pairs = Vec::new();
            let operation = recorded.operation.as_deref().unwrap_or_default();
            if matches!(operation, "Register" | "Create") {
                let text = |text: &Option<String>| text.clone().map(String::into_bytes);
                pairs.push((text(&recorded.unique_identifier), text(&now.unique_identifier)));
            }
            if operation == "Encrypt" {
                pairs.push((recorded.data.clone(), now.data.clone()));
                pairs.push((recorded.iv.clone(), now.iv.clone()));
            }
            for pair in pairs {
                // What is longer or shorter does not fit into a message.
                if let (Some(old), Some(new)) = pair
                    && old.len() == new.len()
                    && !old.is_empty()
                {
                    learned.given.push((old, new));
                }
            }
        }
    }

    /// In what two answers mean something else, if in anything.
    fn difference(&self, recorded: &Answer, now: &Answer) -> Option<String> {
        if recorded.items.len() != now.items.len() {
            return Some(format!("{} items instead of {}", now.items.len(), recorded.items.len()));
        }
        if recorded.version != now.version {
            return Some(format!("version {} instead of {}", now.version, recorded.version));
        }
        for (recorded, now) in recorded.items.iter().zip(&now.items) {
            let text = |text: &Option<String>| {
                let bytes = self.with_what_was_given(text.as_deref().unwrap_or_default().as_bytes());
                String::from_utf8_lossy(&bytes).into_owned()
            };
            let said = |text: &Option<String>| text.clone().unwrap_or_default();
            let fields = [
                ("operation", said(&recorded.operation), said(&now.operation)),
                ("status", recorded.status.clone(), now.status.clone()),
                ("reason", said(&recorded.reason), said(&now.reason)),
                ("message", text(&recorded.message), said(&now.message)),
                ("identifier", text(&recorded.unique_identifier), said(&now.unique_identifier)),
                ("state", said(&recorded.state), said(&now.state)),
                ("object type", said(&recorded.object_type), said(&now.object_type)),
            ];
            for (what, recorded, now) in fields {
                if recorded != now {
                    return Some(format!("{what} `{now}` instead of `{recorded}`"));
                }
            }
            // No bytes of keys are shown, not even of those that a seed gives.
            if recorded.key_material != now.key_material {
                return Some("another key".to_owned());
            }
            let same = match recorded.operation.as_deref() {
                Some("Encrypt") => recorded.data.as_ref().map(Vec::len) == now.data.as_ref().map(Vec::len),
                _ => recorded.data == now.data,
            };
            if !same {
                return Some("other data".to_owned());
            }
        }
        None
    }
}

/// A message in which every occurrence of the first of a pair gives way to the second. Both have one length.
pub fn replaced(message: &[u8], pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut out = message.to_vec();
    for (old, new) in pairs.iter().filter(|(old, new)| old.len() == new.len() && !old.is_empty()) {
        let places = message.windows(old.len()).enumerate().filter(|(_, window)| window == old);
        for (at, _) in places {
            out[at..at + new.len()].copy_from_slice(new);
        }
    }
    out
}

#[cfg(test)]
mod tests;
