//! A cloud behind wiremock: a plain HTTP port on loopback, known to the relay alone.
//!
//! In order: the relay's private headers are taken off and the request put together as the client sent it; the cloud is
//! asked; its events are noted; the answer goes back as it is. What wiremock cannot do to a connection stands in one more
//! private header, which the relay takes off and carries out.
//!
//! Invariant: what the cloud did is noted before a byte of its answer leaves, and it sees no header of the laboratory's.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Respond, ResponseTemplate};

use super::Clock;
use super::journal::Journal;
use crate::clouds::{Action, Arrival, Cloud, Handled};

/// How long whoever gets through to a server that ends may have to wait for its end.
const FAREWELL: Duration = Duration::from_secs(5);

/// What all private headers begin with.
const PRIVATE: &str = "x-kmiplab-";
/// Proves that the relay of this very cloud has sent a request.
const TOKEN: HeaderName = HeaderName::from_static("x-kmiplab-token");
/// The endpoint through which it came.
const VIA: HeaderName = HeaderName::from_static("x-kmiplab-via");
/// There, if that endpoint is a private one.
const IS_PRIVATE: HeaderName = HeaderName::from_static("x-kmiplab-private");
/// Path and query as the client wrote them: wiremock reads them as a URL, which tidies them up.
const TARGET: HeaderName = HeaderName::from_static("x-kmiplab-target");
/// What becomes of the connection, where it is not simply answered.
const END: HeaderName = HeaderName::from_static("x-kmiplab-end");
/// There, if the answer has no Date: the HTTP library below wiremock adds one.
const UNDATED: HeaderName = HeaderName::from_static("x-kmiplab-undated");

/// Through which endpoint a request came, as it stands in private headers.
#[derive(Clone, Debug)]
pub(super) struct Seal {
    headers: HeaderMap,
}

impl Seal {
    /// The headers of an endpoint. Its name is one of a scenario: letters, digits and hyphens.
    pub(super) fn new(token: &str, via: &str, private: bool) -> Result<Self, http::header::InvalidHeaderValue> {
        let mut headers = HeaderMap::from_iter([(TOKEN, token.parse()?), (VIA, via.parse()?)]);
        if private {
            headers.insert(IS_PRIVATE, HeaderValue::from_static("yes"));
        }
        Ok(Seal { headers })
    }

    /// Makes a request ready for the front. Whatever private headers the client has sent are taken off.
    pub(super) fn put_on<B>(&self, request: &mut Request<B>) {
        strip(request.headers_mut());
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        // A URI is made of nothing that a header could not hold.
        let target = HeaderValue::from_str(target).unwrap_or_else(|_| HeaderValue::from_static("/"));
        *request.uri_mut() = Uri::from_static("/");
        request.headers_mut().extend(self.headers.clone());
        request.headers_mut().insert(TARGET, target);
    }
}

/// What becomes of the connection on which an answer is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The answer is sent.
    Whole,
    /// No answer, and the connection stands.
    Hang,
    /// The connection is cut before the answer.
    Reset,
    /// The connection is cut after so many bytes of the body.
    Cut(usize),
}

impl End {
    /// Reads it off an answer, which is then as the cloud made it.
    pub(super) fn take_off(response: &mut Response<Bytes>) -> End {
        let headers = response.headers_mut();
        if headers.contains_key(UNDATED) {
            headers.remove(http::header::DATE);
        }
        let end = headers.get(END).and_then(|end| end.to_str().ok()).map_or(End::Whole, |end| match end {
            "hang" => End::Hang,
            "reset" => End::Reset,
            bytes => bytes.parse().map_or(End::Whole, End::Cut),
        });
        strip(headers);
        end
    }

    fn write(self) -> Option<HeaderValue> {
        match self {
            End::Whole => None,
            End::Hang => Some(HeaderValue::from_static("hang")),
            End::Reset => Some(HeaderValue::from_static("reset")),
            End::Cut(bytes) => Some(HeaderValue::from(bytes)),
        }
    }
}

/// The wiremock server before a cloud.
pub(super) struct Front {
    server: MockServer,
}

impl Front {
    /// Puts a cloud on a port that the system chooses.
    pub(super) async fn start(
        cloud: Arc<Mutex<dyn Cloud>>,
        clock: Clock,
        journal: Journal,
        token: String,
    ) -> io::Result<Self> {
        // wiremock would panic where there is no port left.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        // Requests hold secrets, and a cloud may stand for days: nothing of them is kept.
        let server = MockServer::builder().listener(listener).disable_request_recording().start().await;
        Mock::given(any()).respond_with(Answers { cloud, clock, journal, token }).mount(&server).await;
        Ok(Front { server })
    }

    /// Where it is.
    pub(super) fn address(&self) -> SocketAddr {
        *self.server.address()
    }

    /// Ends it, and returns when its port is closed.
    pub(super) async fn stop(self) {
        let address = self.address();
        drop(self.server);
        // The server has a thread of its own. Whoever still gets through to it is hung up on when it ends. Once it has ended
        // the port may be anybody's, who need not hang up: another program's, or the one that this connection is given.
        if let Ok(mut stream) = TcpStream::connect(address).await {
            let _ = tokio::time::timeout(FAREWELL, stream.read(&mut [0])).await;
        }
    }
}

/// Answers as the cloud does.
struct Answers {
    cloud: Arc<Mutex<dyn Cloud>>,
    clock: Clock,
    journal: Journal,
    token: String,
}

impl Respond for Answers {
    fn respond(&self, request: &wiremock::Request) -> ResponseTemplate {
        let (arrival, request) = self.arrived(request);
        let Handled { mut action, events } = {
            let mut cloud = self.cloud.lock().unwrap_or_else(PoisonError::into_inner);
            cloud.handle(&arrival, &request)
        };
        for event in events {
            self.journal.note(&arrival.via, event);
        }
        let mut delay = Duration::ZERO;
        loop {
            match action {
                Action::Delay(time, then) => {
                    delay += time;
                    action = *then;
                }
                Action::Respond(response) => return template(response, End::Whole, delay),
                Action::Hang => return template(Response::default(), End::Hang, delay),
                Action::Reset => return template(Response::default(), End::Reset, delay),
                Action::Cut { response, after_bytes } => return template(response, End::Cut(after_bytes), delay),
            }
        }
    }
}

impl Answers {
    /// The request as the client sent it. Whoever comes past the relay has come through no endpoint, whatever it says.
    fn arrived(&self, request: &wiremock::Request) -> (Arrival, Request<Bytes>) {
        let mut headers = request.headers.clone();
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let relayed = text(TOKEN).is_some_and(|token| token == self.token);
        let (via, target) = match (relayed, text(VIA), text(TARGET)) {
            (true, Some(via), Some(target)) => (via, target),
            _ => ("nowhere".to_owned(), after_authority(&request.url)),
        };
        let arrival = Arrival { at: (self.clock)(), via, private: relayed && headers.contains_key(IS_PRIVATE) };
        strip(&mut headers);
        let mut arrived = Request::new(Bytes::copy_from_slice(&request.body));
        arrived.method_mut().clone_from(&request.method);
        *arrived.uri_mut() = target.parse().unwrap_or_default();
        *arrived.headers_mut() = headers;
        (arrival, arrived)
    }
}

/// Path and query of a URL.
fn after_authority(url: &impl ToString) -> String {
    let url = url.to_string();
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    rest.find('/').map_or("/", |at| &rest[at..]).to_owned()
}

fn template(response: Response<Bytes>, end: End, delay: Duration) -> ResponseTemplate {
    let (head, body) = response.into_parts();
    let mut template = ResponseTemplate::new(head.status);
    if !head.headers.contains_key(http::header::DATE) {
        template = template.append_header(UNDATED, HeaderValue::from_static("yes"));
    }
    for (name, value) in &head.headers {
        template = template.append_header(name, value);
    }
    if let Some(end) = end.write() {
        template = template.append_header(END, end);
    }
    if !body.is_empty() {
        template = template.set_body_bytes(body);
    }
    if delay.is_zero() { template } else { template.set_delay(delay) }
}

fn strip(headers: &mut HeaderMap) {
    let private: Vec<HeaderName> = headers.keys().filter(|name| name.as_str().starts_with(PRIVATE)).cloned().collect();
    for name in private {
        headers.remove(name);
    }
}
