//! A tap in a KMIP connection on real sockets: it ends TLS on both sides, passes on what comes, and tells what it was.
//!
//! For each connection in order: the first byte of the client, the files that the [`Settings`] name, read anew, the
//! connection and handshake towards the server, the handshake with the client, and then bytes both ways as they come
//! until both sides have ended. The server comes first, so that a client meets one that is not there as early as it
//! would without the tap. What passes is told to a [`Sink`]: into a [`Trace`](crate::trace::Trace) ([`Recorder`]), into
//! memory ([`Dialogue`]), or into a file ([`Log`]).
//!
//! Invariant: every byte of the one side reaches the other, unchanged and after it was told. When a [`Tap`] is dropped,
//! nothing listens and no connection is open.

mod credentials;
mod dialogue;
mod event;
mod framing;
mod likeness;
mod line;
mod log;
mod names;
mod recorder;
mod recording;
mod redact;
mod relay;
mod settings;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::future::{Future, poll_fn};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::Duration;

use kmip_proxy::env::Env;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use credentials::{Credentials, client_tls};
pub use dialogue::{Dialogue, Exchange};
pub use event::{All, Channel, End, Event, Happened, Opened, Peer, Side, Sink, Tls};
pub use likeness::{Likeness, Step};
pub use log::{Log, LogError, Summary};
pub use recorder::Recorder;
pub use recording::{Entry, Header, Line, Message, Outcome, Recording, Secrets};
pub use settings::{Settings, Shown, Upstream};

/// How long connections that are open may take to say good-bye when the tap ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why a tap cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TapError {
    /// Nothing can be listened at there.
    #[error("cannot listen at {at}: {why}")]
    Listen {
        /// The address.
        at: SocketAddr,
        /// The system's reason.
        why: io::Error,
    },
    /// A certificate of its own could not be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// Its authority could not be written down.
    #[error("cannot write `{file}`: {why}", file = file.display())]
    Authority {
        /// The file.
        file: std::path::PathBuf,
        /// The system's reason.
        why: io::Error,
    },
    /// The system has no thread left, or no timer.
    #[error("cannot start: {0}")]
    System(io::Error),
}

/// A tap at work. It ends when it is dropped.
#[derive(Debug)]
pub struct Tap {
    address: SocketAddr,
    /// Dropped to say that it is over.
    over: Option<watch::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A tap that has its port and does not answer yet.
#[derive(Debug)]
pub struct Bound {
    env: Env,
    settings: Settings,
    own: Option<settings::Own>,
    listener: TcpListener,
}

impl Bound {
    /// The settings, with the port that the system has chosen.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// From now on tells the sink of every connection.
    pub fn start(self, sink: Arc<dyn Sink>) -> Result<Tap, TapError> {
        let Bound { env, settings, own, listener } = self;
        let address = settings.listen;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(TapError::System)?;
        let (over, watched) = watch::channel(());
        let relay = Arc::new(relay::Relay::new(env, settings, own, sink));
        let body = move || runtime.block_on(serve(listener, &relay, Over(watched)));
        let thread = std::thread::Builder::new().name("kmip-tap".to_owned()).spawn(body).map_err(TapError::System)?;
        Ok(Tap { address, over: Some(over), thread: Some(thread) })
    }
}

impl Tap {
    /// Listens, and from now on tells the sink of every connection. Of the files in the settings none has to be there yet.
    pub fn start(settings: Settings, sink: Arc<dyn Sink>) -> Result<Self, TapError> {
        Tap::bind(settings)?.start(sink)
    }

    /// Takes the port, and makes the certificate if there is one to make.
    pub fn bind(mut settings: Settings) -> Result<Bound, TapError> {
        let env = Env::os();
        let listen = |why| TapError::Listen { at: settings.listen, why };
        let listener = TcpListener::bind(settings.listen).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        // After the port: whoever else has it may have written the same file.
        let own = settings.shown.prepare(&env, address.ip())?;
        settings.listen = address;
        Ok(Bound { env, settings, own, listener })
    }

    /// Where it listens: the port is known where the settings left it to the system.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        drop(self.over.take());
        // A thread that has panicked is over as well, and its sockets with it.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Tells when the tap is over.
#[derive(Clone)]
struct Over(watch::Receiver<()>);

impl Over {
    /// Runs a step unless the tap ends first, which is `None`.
    async fn or<T>(&mut self, step: impl Future<Output = T>) -> Option<T> {
        let (mut step, mut over) = (pin!(step), pin!(self.0.changed()));
        poll_fn(|context| {
            // The end goes first, so that a tap under load ends as well.
            if over.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            step.as_mut().poll(context).map(Some)
        })
        .await
    }
}

async fn serve(listener: TcpListener, relay: &Arc<relay::Relay>, mut over: Over) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let mut connections = JoinSet::new();
    while let Some(accepted) = over.or(listener.accept()).await {
        match accepted {
            Ok((stream, from)) => drop(connections.spawn(relay.clone().run(stream, from, over.clone()))),
            // The system is short of something that will come back, or the client has gone already.
            Err(_) => drop(over.or(tokio::time::sleep(Duration::from_millis(50))).await),
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    // Whoever does not come to an end is cut off with the runtime.
    let _ = tokio::time::timeout(FAREWELL, all).await;
}
