//! The machine on which mongod and the proxy run: one disk, one loopback, two hosts.
//!
//! A process is a simulated host whose software waits for orders: run, or do not. Telling a process to stop is an order;
//! cutting it off is the driver's (the host is crashed, and its software begins anew with the orders that stand).
//!
//! Invariant: the product is given its `Env` here, and nothing else of the simulation.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use kmip_proxy::env::{BoxFuture, Env, Files, Network, Roots, Spawn};
use kmip_proxy::keys::Provider;
use rustls::RootCertStore;
use tokio::sync::watch;

use super::crypto::SimCrypto;
use super::disk::Disk;
use super::network::{Map, SimNetwork};
use crate::scenario::ObjectChange;
use crate::trace::{ProcessState, Trace, What};
use crate::world::clock::{MachineClock, WallClock};
use crate::world::machine::Machine;

/// Where the database lives.
pub(crate) const DBPATH: &str = "/data/db";

/// The port of the proxy.
pub(crate) const KMIP_PORT: u16 = 5696;

/// The number of each host's random streams.
pub(crate) const MONGOD: usize = 0;
pub(crate) const PROXY: usize = 1;
pub(crate) const CLOUD: usize = 2;
pub(crate) const RELAY: usize = 3;
pub(crate) const ADMINISTRATOR: usize = 4;
pub(crate) const CHECK: usize = 5;

/// Whose streams they are, by their numbers.
pub(crate) const STREAMS: [&str; 6] = ["mongod", "proxy", "cloud", "relay", "administrator", "check"];

/// The host on which the product serves.
pub(crate) const PRODUCT: &str = "proxy";

/// The host on which its subcommand `check` runs.
pub(crate) const CHECKER: &str = "check";

/// What a process is told. A higher generation means: begin anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Orders<T> {
    pub(crate) generation: u64,
    /// How to run; `None` means not at all.
    pub(crate) run: Option<T>,
}

impl<T> Default for Orders<T> {
    fn default() -> Self {
        Orders { generation: 0, run: None }
    }
}

/// How to run the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProxyOrders {
    pub(crate) cloud_provider: Provider,
    /// The ARN of `--kms-key`.
    pub(crate) kms_key: Option<String>,
}

/// What an administrator is sent to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Errand {
    pub(crate) change: ObjectChange,
    /// The Unique Identifier.
    pub(crate) object: String,
}

/// How to run mongod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MongodOrders {
    pub(crate) rotate_master_key: bool,
}

/// What all hosts of a run share.
#[derive(Clone)]
pub(crate) struct Ground {
    /// The true time.
    pub(crate) clock: WallClock,
    /// The machine's idea of it.
    pub(crate) machine_clock: MachineClock,
    pub(crate) disk: Disk,
    pub(crate) map: Arc<Map>,
    pub(crate) roots: Arc<RootCertStore>,
    pub(crate) trace: Trace,
}

impl Ground {
    /// The outside as a program on this host is given it.
    pub(crate) fn env(&self, host: &str, stream: usize) -> Env {
        let network = Arc::new(SimNetwork::new(host, self.map.clone(), &self.trace));
        Env {
            network: network.clone() as Arc<dyn Network>,
            resolver: network,
            clock: Arc::new(self.machine_clock.clone()),
            files: Arc::new(self.disk.of(&self.trace, host)) as Arc<dyn Files>,
            crypto: Arc::new(SimCrypto::new(stream)),
            roots: Arc::new(CloudRoots(self.roots.clone())),
            spawn: Arc::new(Local),
        }
    }
}

impl Machine for Ground {
    fn dbpath(&self) -> &Path {
        Path::new(DBPATH)
    }

    fn clock(&self) -> &WallClock {
        &self.clock
    }

    fn trace(&self) -> &Trace {
        &self.trace
    }

    fn place(&self, path: &Path, content: &[u8]) {
        self.disk.place(path, content);
    }

    fn content(&self, path: &Path) -> Option<Vec<u8>> {
        self.disk.durable(path)
    }

    fn paths(&self) -> Vec<PathBuf> {
        self.disk.durable_paths()
    }

    fn take(&self, path: &Path) {
        self.disk.take(path);
    }

    fn forbid(&self, path: &Path, forbidden: bool) {
        self.disk.forbid(path, forbidden);
    }

    fn files(&self) -> &dyn Files {
        &self.disk
    }

    fn env(&self) -> Env {
        Ground::env(self, "lab", PROXY)
    }
}

/// Runs a process as its orders say, for as long as the host lives.
///
/// `stopping` decides what an order to stop does: whether the program is told (and finishes), or is dropped on the spot.
pub(crate) async fn process<T, F>(
    host: &'static str,
    trace: Trace,
    mut orders: watch::Receiver<Orders<T>>,
    begin: impl Fn(T, watch::Receiver<bool>) -> F,
    stopping: Stopping,
) -> io::Result<Infallible>
where
    T: Clone,
    F: Future<Output = String>,
{
    loop {
        let now = orders.borrow_and_update().clone();
        let Some(run) = now.run else {
            wait(&mut orders).await?;
            continue;
        };
        trace.record(host, What::Process { state: ProcessState::Started, why: None });
        let (tell, told) = watch::channel(false);
        let mut program = pin!(begin(run, told));
        let ended = either(program.as_mut(), wait(&mut orders)).await;
        match ended {
            Either::Program(why) => {
                trace.record(host, What::Process { state: ProcessState::Exited, why: Some(why) });
                wait(&mut orders).await?;
            }
            Either::Orders(changed) => {
                changed?;
                if stopping == Stopping::Tell {
                    let _ = tell.send(true);
                    program.await;
                }
                trace.record(host, What::Process { state: ProcessState::Stopped, why: None });
            }
        }
    }
}

/// What an order to stop does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopping {
    /// The program is told, and finishes what it does, as on SIGTERM.
    Tell,
    /// The program is dropped where it stands.
    Drop,
}

enum Either<T> {
    Program(T),
    Orders(io::Result<()>),
}

/// Waits until something else is ordered than before.
pub(crate) async fn wait<T>(orders: &mut watch::Receiver<T>) -> io::Result<()> {
    orders.changed().await.map_err(|_| io::Error::other("the driver is gone"))
}

async fn either<T>(program: impl Future<Output = T>, orders: impl Future<Output = io::Result<()>>) -> Either<T> {
    let (mut program, mut orders) = (pin!(program), pin!(orders));
    std::future::poll_fn(|context| {
        if let std::task::Poll::Ready(changed) = orders.as_mut().poll(context) {
            return std::task::Poll::Ready(Either::Orders(changed));
        }
        program.as_mut().poll(context).map(Either::Program)
    })
    .await
}

/// The path of a file in the dbpath.
pub(crate) fn in_dbpath(name: &str) -> PathBuf {
    PathBuf::from(DBPATH).join(name)
}

/// Trusts the simulated clouds.
#[derive(Debug)]
struct CloudRoots(Arc<RootCertStore>);

impl Roots for CloudRoots {
    fn roots(&self) -> io::Result<Arc<RootCertStore>> {
        Ok(self.0.clone())
    }
}

/// Keeps every task on the host's own list: tokio's shared list orders tasks by a number that counts through the whole
/// process, which would let earlier runs show in later ones.
#[derive(Debug)]
struct Local;

impl Spawn for Local {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        tokio::task::spawn_local(task);
    }
}
