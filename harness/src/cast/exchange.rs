//! What of an exchange goes into the trace, whoever holds it.
//!
//! In order: the request before it leaves, then its answer before anyone acts on it, then what came after the answer.
//!
//! Invariant: key material, and what was encrypted or decrypted, is named a secret before the event that could tell it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};

use super::Stage;
use crate::trace::{Trace, What};
use crate::wire::message::{Asked, encode};
use crate::wire::{Answer, Item, leaves, younger};

/// Puts a request of a persona into the trace. Comes to the number of its exchange, and to its bytes.
pub(super) fn asked(stage: &Stage, request: &Item) -> (u64, Vec<u8>) {
    let (bytes, asked) = encode(request);
    (sent(&stage.trace, &stage.host, asked, &bytes), bytes)
}

/// Puts an answer to a persona into the trace, as [`received`] does.
pub(super) fn answered(stage: &Stage, exchange: u64, request: &Item, bytes: &[u8], after: Duration) -> Option<Answer> {
    received(&stage.trace, &stage.host, exchange, request, bytes, after)
}

/// Puts a request into the trace. Comes to the number of its exchange.
pub(crate) fn sent(trace: &Trace, host: &str, asked: Asked, bytes: &[u8]) -> u64 {
    let exchange = trace.next_exchange();
    let event = What::Request {
        exchange,
        operations: asked.operations,
        version: asked.version,
        key: asked.key,
        maximum_response_size: asked.maximum_response_size,
        length: bytes.len(),
    };
    trace.record_bytes(host, event, bytes);
    exchange
}

/// Puts an answer into the trace that came `after` this time, and reads it; `None` where it is not KMIP at all.
pub(crate) fn received(
    trace: &Trace,
    host: &str,
    exchange: u64,
    request: &Item,
    bytes: &[u8],
    after: Duration,
) -> Option<Answer> {
    let malformed = |why: String| trace.record_bytes(host, What::Malformed { exchange, why }, bytes);
    let answer = match Answer::read(bytes) {
        Ok(answer) => answer,
        Err(error) => {
            malformed(error.to_string());
            return None;
        }
    };
    if let Some(why) = answer.malformed() {
        malformed(why);
    }
    let operations = Asked::read(request).operations;
    let younger = younger(&answer.message, &leaves(request));
    for (index, item) in answer.items.iter().enumerate() {
        let key = item.unique_identifier.as_deref().unwrap_or("an unnamed key");
        let secrets = [("key material of", &item.key_material), ("data of", &item.data)];
        for (what, secret) in secrets {
            if let Some(secret) = secret {
                trace.secret(&format!("{what} {key}"), secret);
            }
        }
        // What was encrypted is no key; what was decrypted is one.
        let decrypted = item.data.as_ref().filter(|_| operations.get(index).is_some_and(|name| name == "Decrypt"));
        let material = item.key_material.as_ref().or(decrypted);
        let event = What::Answer {
            exchange,
            operation: item.operation.clone(),
            version: answer.version.clone(),
            key: item.unique_identifier.clone(),
            status: item.status.clone(),
            reason: item.reason.clone(),
            message: item.message.clone(),
            state: item.state.clone(),
            material: material.map(|material| trace.fingerprint(material)),
            younger: younger.clone(),
            length: bytes.len(),
            after,
        };
        trace.record_bytes(host, event, bytes);
    }
    Some(answer)
}

/// Looks once, without waiting, for bytes that have come and nobody has asked for.
pub(crate) async fn waiting(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut bytes = [0; 256];
    let mut buffer = ReadBuf::new(&mut bytes);
    poll_fn(|context| Poll::Ready(Pin::new(&mut *stream).poll_read(context, &mut buffer).is_ready())).await;
    buffer.filled().to_vec()
}

/// Puts into the trace that the server sent more than its answer (invariant K6).
pub(super) fn surplus(stage: &Stage, exchange: u64, length: usize) {
    unasked(&stage.trace, &stage.host, exchange, length);
}

/// The same, for any host.
pub(crate) fn unasked(trace: &Trace, host: &str, exchange: u64, length: usize) {
    trace.record(host, What::Malformed { exchange, why: format!("{length} bytes or more after the answer") });
}
