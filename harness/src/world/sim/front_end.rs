//! The front end of a fake cloud on simulated sockets: real TLS and HTTP/1.1 around a state machine.
//!
//! One front end is one endpoint: a private one, the public one, or a token service. All endpoints of a cloud share its
//! state, as all doors lead into the same house. What an endpoint does with connections is changed from outside through
//! an [`EndpointSwitch`]; everything else is decided by the cloud.
//!
//! Invariant: what the cloud did is in the trace before a byte of its answer leaves.

use std::cell::Cell;
use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kmip_proxy::env::Clock as _;
use tokio::io::AsyncReadExt as _;
use tokio_rustls::TlsAcceptor;
use turmoil::net::{TcpListener, TcpStream};

use super::plaintext;
use super::planted::Rewrite;
use crate::clouds::{Action, Arrival, Cloud, Handled};
use crate::trace::Trace;
use crate::world::certificates::CloudTls;
use crate::world::clock::WallClock;
use crate::world::conduct::{Conduct, Phase};

/// The port of every cloud.
pub(crate) const HTTPS: u16 = 443;

/// What an endpoint does with connections that reach it. What never reaches it is the network's business.
pub(crate) type EndpointSwitch = Rc<Cell<Conduct>>;

/// One endpoint of a cloud.
#[derive(Clone)]
pub(crate) struct FrontEnd {
    pub(crate) name: String,
    pub(crate) private: bool,
    pub(crate) cloud: Arc<Mutex<dyn Cloud>>,
    pub(crate) tls: CloudTls,
    pub(crate) clock: WallClock,
    pub(crate) trace: Trace,
    pub(crate) switch: EndpointSwitch,
    pub(crate) rewrite: Option<Rewrite>,
}

impl FrontEnd {
    /// Serves until the host is crashed.
    pub(crate) async fn serve(self) -> io::Result<Infallible> {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, HTTPS)).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            let front_end = self.clone();
            tokio::task::spawn_local(async move {
                // A client that hangs up, or a cut that was asked for, ends this connection only.
                let _ = front_end.connection(stream).await;
            });
        }
    }

    async fn connection(&self, stream: TcpStream) -> io::Result<()> {
        let shown = match self.switch.get() {
            Conduct::Cut(Phase::BeforeHandshake) => return Ok(()),
            Conduct::Silent(Phase::BeforeHandshake) => return silence(stream).await,
            Conduct::ShowExpired => &self.tls.expired,
            Conduct::ShowMisnamed => &self.tls.misnamed,
            Conduct::Serve | Conduct::Cut(_) | Conduct::Silent(_) => &self.tls.server,
        };
        let stream = TlsAcceptor::from(shown.clone()).accept(stream).await?;
        let service = service_fn(|request| self.answer(request));
        http1::Builder::new()
            // The Date header is the cloud's to send, from its own clock.
            .auto_date_header(false)
            .serve_connection(TokioIo::new(stream), service)
            .await
            .map_err(io::Error::other)
    }

    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Answer>> {
        match self.switch.get() {
            Conduct::Cut(Phase::AfterHandshake) => return Err(cut()),
            Conduct::Silent(Phase::AfterHandshake) => std::future::pending().await,
            _ => {}
        }
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        self.trace.overhear(&self.name, || plaintext::request(&head, &body));
        let arrival = Arrival { at: self.clock.now(), via: self.name.clone(), private: self.private };
        let Handled { mut action, events } = {
            let mut cloud = self.cloud.lock().unwrap_or_else(PoisonError::into_inner);
            cloud.handle(&arrival, &Request::from_parts(head, body))
        };
        for event in events {
            self.trace.record(&self.name, event);
        }
        loop {
            match action {
                Action::Respond(response) => return Ok(self.respond(response)),
                Action::Delay(time, then) => {
                    tokio::time::sleep(time).await;
                    action = *then;
                }
                Action::Hang => std::future::pending().await,
                Action::Reset => return Err(cut()),
                Action::Cut { response, after_bytes } => return Ok(break_off(response, after_bytes, End::Cut)),
            }
        }
    }

    fn respond(&self, response: Response<Bytes>) -> Response<Answer> {
        let half = response.body().len() / 2;
        match self.switch.get() {
            Conduct::Cut(Phase::MidAnswer) => return break_off(response, half, End::Cut),
            Conduct::Silent(Phase::MidAnswer) => return break_off(response, half, End::Silence),
            _ => {}
        }
        let response = match &self.rewrite {
            Some(rewrite) => {
                response.map(|body| rewrite(&body).into_iter().next().map(Bytes::from).unwrap_or_default())
            }
            None => response,
        };
        self.trace.overhear(&self.name, || plaintext::answer(&response));
        response.map(|bytes| Answer { bytes: Some(bytes), end: End::Whole })
    }
}

/// Keeps a connection open and says nothing, until the peer gives up.
async fn silence(mut stream: TcpStream) -> io::Result<()> {
    let mut ignored = [0; 1024];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}

fn break_off(response: Response<Bytes>, after_bytes: usize, end: End) -> Response<Answer> {
    let whole = response.body().len();
    let mut response = response.map(|bytes| Answer { bytes: Some(bytes.slice(..after_bytes.min(whole))), end });
    response.headers_mut().insert(CONTENT_LENGTH, whole.into());
    response
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the endpoint cuts the connection")
}

/// A body that may break off.
struct Answer {
    bytes: Option<Bytes>,
    end: End,
}

/// What comes after the bytes of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It is whole.
    Whole,
    /// The connection is cut.
    Cut,
    /// Nothing, for ever.
    Silence,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.bytes.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => match self.end {
                End::Whole => Poll::Ready(None),
                End::Cut => Poll::Ready(Some(Err(cut()))),
                End::Silence => Poll::Pending,
            },
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.bytes {
            Some(bytes) if self.end == End::Whole => SizeHint::with_exact(bytes.len() as u64),
            _ => SizeHint::default(),
        }
    }
}
