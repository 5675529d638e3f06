//! What passes a cloud's front end, as HTTP/1.1 spells it: for those who compare runs.

use bytes::Bytes;
use http::{HeaderMap, Response, request};

/// A request, as the front end has read it.
pub(crate) fn request(head: &request::Parts, body: &Bytes) -> Vec<u8> {
    spelled(&format!("{} {} HTTP/1.1", head.method, head.uri), &head.headers, body)
}

/// An answer, as it leaves the cloud.
pub(crate) fn answer(response: &Response<Bytes>) -> Vec<u8> {
    spelled(&format!("HTTP/1.1 {}", response.status()), response.headers(), response.body())
}

fn spelled(first: &str, headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{first}\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}
