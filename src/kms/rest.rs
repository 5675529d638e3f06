//! JSON over HTTP, as Azure and Google speak it: one question, one reply, and what a reply says beside its body.
//!
//! A [`Question`] goes through a [`Channel`]; a [`Reply`] is read as JSON or judged as a refusal by the provider's own
//! file. [`refusal`] puts the judgement into the failover's terms.
//!
//! Invariant: the body of a good answer is never quoted, and what is sent and received is wiped as far as it is ours.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{Method, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::PrimitiveDateTime;
use time::macros::format_description;
use zeroize::{Zeroize as _, Zeroizing};

use super::Class;
use super::failover::{Answer, Failure};
use super::http::{Channel, TransportError};
use crate::env::Clock;
use crate::keys::SecretText;

/// How this proxy calls itself.
const AGENT: &str = concat!("kmip-proxy/", env!("CARGO_PKG_VERSION"));

/// How long a detail may be; the messages name keys and callers and are long.
const LONGEST_DETAIL: usize = 400;

/// One request.
#[derive(Debug)]
pub(super) struct Question<'a> {
    /// Path and query, with its parts already encoded (see [`path_part`]).
    pub(super) path: &'a str,
    /// The token, where the service wants one.
    pub(super) bearer: Option<&'a SecretText>,
    /// What is asked.
    pub(super) body: Body,
}

/// What a request carries.
pub(super) enum Body {
    /// Nothing: GET.
    Nothing,
    /// JSON: POST.
    Json(Zeroizing<Vec<u8>>),
    /// A form (`application/x-www-form-urlencoded`): POST.
    Form(Zeroizing<Vec<u8>>),
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Body::Nothing => "Nothing",
            Body::Json(_) => "Json(..)",
            Body::Form(_) => "Form(..)",
        })
    }
}

impl Body {
    /// JSON of a value; its fields are sent in the order in which the type has them.
    pub(super) fn json(value: &impl Serialize) -> Self {
        // With room enough, so that no half of it stays behind where the buffer was before it grew.
        let mut body = Zeroizing::new(Vec::with_capacity(16 * 1024));
        // Cannot fail for structs of texts; half a body would be refused by whoever is asked.
        let _ = serde_json::to_writer(&mut *body, value);
        Body::Json(body)
    }

    /// A form of these pairs, in this order.
    pub(super) fn form(pairs: &[(&str, &str)]) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(1024));
        for (name, value) in pairs {
            if !text.is_empty() {
                text.push('&');
            }
            encode(name, &mut text);
            text.push('=');
            encode(value, &mut text);
        }
        Body::Form(Zeroizing::new(text.as_bytes().to_vec()))
    }
}

/// Sends the question and reads the whole reply, whatever its status.
pub(super) async fn ask(channel: &Channel, question: Question<'_>) -> Result<Reply, Failure> {
    let request = request(question).map_err(|what| Failure::Transport(TransportError::Io(what.to_owned())))?;
    let response = channel.send(request).await.map_err(Failure::Transport)?;
    let (parts, body) = response.into_parts();
    Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body })
}

fn request(question: Question<'_>) -> Result<Request<Bytes>, &'static str> {
    let (method, kind, body) = match question.body {
        Body::Nothing => (Method::GET, None, Bytes::new()),
        Body::Json(body) => (Method::POST, Some("application/json"), Bytes::from_owner(body)),
        Body::Form(body) => (Method::POST, Some("application/x-www-form-urlencoded"), Bytes::from_owner(body)),
    };
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = question.path.parse().map_err(|_| "the path of the request cannot be sent")?;
    let headers = request.headers_mut();
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    if let Some(kind) = kind {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    if let Some(token) = question.bearer {
        let value = Zeroizing::new(format!("Bearer {}", token.expose()).into_bytes());
        let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(value))
            .map_err(|_| "the token cannot stand in a header")?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(request)
}

/// An answer, whatever its status.
pub(super) struct Reply {
    /// The HTTP status.
    pub(super) status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    /// Whether it is a good answer.
    pub(super) fn is_success(&self) -> bool {
        self.status == 200
    }

    /// The body as JSON of that shape; `None` where it is something else. The fields of secrets should be
    /// [`SecretText`], which is wiped; serde's own error is not passed on, because it may quote what it read.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body of a good answer, or the failure that it has another shape: somebody else has answered then.
    pub(super) fn expect<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        self.read().ok_or_else(|| self.foreign("the answer is not the JSON that was expected"))
    }

    /// A header as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// An answer that makes no sense although it has the provider's form: nobody else is asked.
    pub(super) fn senseless(&self, what: &str) -> Failure {
        self.refusal(Refusal { detail: Some(what.to_owned()), ..Refusal::of(Class::BadResponse) })
    }

    /// An answer that has not the provider's form: a web proxy's, a captive portal's. Another endpoint may do better.
    pub(super) fn foreign(&self, what: &str) -> Failure {
        let refusal = Refusal { detail: Some(what.to_owned()), ..Refusal::of(Class::BadResponse) };
        self.refusal(Refusal { genuine: false, ..refusal })
    }

    /// A refusal in the failover's terms, with the status and the wait that the reply asks for.
    pub(super) fn refusal(&self, refusal: Refusal) -> Failure {
        Failure::Answer(Answer {
            class: refusal.class,
            code: refusal.code,
            status: Some(self.status),
            detail: refusal.detail,
            genuine: refusal.genuine,
            retry_after: self.retry_after(),
        })
    }

    /// How long the provider asks to be left alone (RFC 9110, 10.2.3). Only the form in seconds: the clouds send no
    /// other, and a date would be measured against a clock that may be wrong.
    fn retry_after(&self) -> Option<Duration> {
        let seconds = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    }

    /// How far the two clocks are apart, by the answer's Date header.
    pub(super) fn skew(&self, clock: &dyn Clock, whose: &str) -> Option<String> {
        let format =
            format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
        let date = self.headers.get(DATE)?.to_str().ok()?;
        let theirs = SystemTime::from(PrimitiveDateTime::parse(date, format).ok()?.assume_utc());
        Some(match theirs.duration_since(clock.now()) {
            Ok(behind) => format!("this machine's clock is {} s behind that of {whose}", behind.as_secs()),
            Err(ahead) => format!("this machine's clock is {} s ahead of that of {whose}", ahead.duration().as_secs()),
        })
    }
}

impl Drop for Reply {
    /// Wipes the body where nothing else holds it: a good answer has key material or a token in it.
    fn drop(&mut self) {
        if let Ok(mut body) = std::mem::take(&mut self.body).try_into_mut() {
            body.as_mut().zeroize();
        }
    }
}

/// What a provider's file has found out about an answer.
pub(super) struct Refusal {
    pub(super) class: Class,
    /// The provider's code.
    pub(super) code: Option<String>,
    /// One line; messages go through [`presentable`] first.
    pub(super) detail: Option<String>,
    /// Whether it has the form of the provider's answers.
    pub(super) genuine: bool,
}

impl Refusal {
    /// A genuine refusal of that class, of which nothing more is known yet.
    pub(super) fn of(class: Class) -> Self {
        Refusal { class, code: None, detail: None, genuine: true }
    }
}

/// A message in one printable line, without the secrets of the call.
pub(super) fn presentable(message: &str, secrets: &[&SecretText]) -> Option<String> {
    let mut text = message.to_owned();
    for secret in secrets.iter().map(|secret| secret.expose()).filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "(secret)");
    }
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = match text.char_indices().nth(LONGEST_DETAIL) {
        Some((end, _)) => format!("{}...", text.split_at(end).0),
        None => text,
    };
    (!text.is_empty()).then_some(text)
}

/// Whether a code could be one: who answers in the provider's place may write anything there.
pub(super) fn is_code(code: &str) -> bool {
    (1..=80).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// One part of a path, percent-encoded (RFC 3986, 2.1): everything but its unreserved characters.
pub(super) fn path_part(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    encode(text, &mut encoded);
    encoded
}

fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            let digit = |half: u8| char::from(if half < 10 { b'0' + half } else { b'A' + half - 10 });
            into.extend(['%', digit(byte >> 4), digit(byte & 0xf)]);
        }
    }
}
