//! The application of a MongoDB driver on mongod's host of a simulation.
//!
//! In order, at each start: a process of the application is started, for which the simulation stands; it makes its data
//! key or opens it; then it needs the key as often as the scenario says. What a played application would do, a real
//! driver does here. Only when it needs the key, and when the minute is over for which the driver keeps it, is the
//! simulation's to say: the driver's own minute is one of the wall, so that it begins anew with every need after it.
//!
//! A stop lets the process end by itself, a crash kills it. mongod behind it goes on, but where the machine loses its
//! power.
//!
//! Invariant: what the application reads is compared with what was written; that it differs is a finding.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::client::{Client, Made, Start};
use crate::cast::{Database, Settings, Stage};
use crate::trace::{Peer, ProcessState, Tier, Trace, What};
use crate::world::driver::{About, Application, Community, Order, Said, Setup};
use crate::world::sim::{DBPATH, Guest, MongodOrders, Program};

/// How long libmongocrypt keeps a data key that it has opened.
const CACHED: Duration = Duration::from_secs(60);

/// What is encrypted and read back.
const CLEAR: &str = "457-55-5462";

/// What pymongo raises where anything but mongod is the reason.
const OF_ENCRYPTION: &str = "EncryptionError";

/// A driver on mongod's host. Cheap to clone.
#[derive(Clone)]
pub(super) struct Driver(Rc<Shared>);

struct Shared {
    setup: Setup,
    delegated: bool,
    client: Client,
    database: RefCell<Community>,
    about: RefCell<Option<About>>,
    /// While this stands, a start makes the data of the snapshot and nothing else, under this master key.
    prelude: RefCell<Option<String>>,
    /// What was made before the run.
    prepared: RefCell<Vec<Made>>,
}

/// Why a start does not go on.
enum Ends {
    /// It logs this and ends, or goes on without its key.
    Trouble(String),
    /// The process is gone.
    Gone(String),
}

impl Driver {
    pub(super) fn new(setup: &Setup, delegated: bool, interrupted: &Arc<AtomicBool>) -> Result<Self, String> {
        Ok(Driver(Rc::new(Shared {
            setup: setup.clone(),
            delegated,
            client: Client::new(interrupted)?,
            database: RefCell::new(Community::start(&setup.mongod)?),
            about: RefCell::default(),
            prelude: RefCell::default(),
            prepared: RefCell::default(),
        })))
    }

    /// The next start makes the snapshot's data under this master key, and nothing else.
    pub(super) fn prepare_under(&self, key_id: &str) {
        *self.0.prelude.borrow_mut() = Some(key_id.to_owned());
    }

    /// That is done; the error says that it was not.
    pub(super) fn prepared(&self) -> Result<(), String> {
        match self.0.prelude.borrow_mut().take() {
            None => {
                self.0.client.recording.forget();
                Ok(())
            }
            Some(_) => Err("the data of the snapshot could not be made".to_owned()),
        }
    }

    /// What all clients have.
    pub(super) fn client(&self) -> &Client {
        &self.0.client
    }

    /// Who it is, once it was asked.
    pub(super) fn peer(&self) -> Option<Peer> {
        let about = self.0.about.borrow();
        about.as_ref().map(|about| Peer { name: about.name(), tier: Tier::RealDriver, proof: about.proof() })
    }

    async fn start(&self, stage: &Stage, settings: &Settings, orders: &MongodOrders) -> Result<String, String> {
        let shared = &*self.0;
        shared.database.borrow_mut().resume()?;
        let start = shared.client.begin(stage, settings)?;
        let (uri, port) = (shared.database.borrow().uri(), shared.client.gateway.port());
        let certificates = shared.client.certificates();
        let application = Application::start(&shared.setup, &uri, port, certificates, start.hearing())?;
        *shared.about.borrow_mut() = Some(application.about.clone());
        let mut session = Session { shared, start, application: Some(application), waiting: false };
        let prelude = shared.prelude.borrow().clone();
        let ended = match prelude {
            Some(key_id) => session.prepare(key_id).await,
            None => session.run(settings.key_state_polling, orders.rotate_master_key).await,
        };
        Ok(match ended {
            Ok(words) => words,
            // Nobody decides to break down: whatever was the reason, it is not known to be the product.
            Err(Ends::Gone(why)) => return Err(format!("the client broke down: {why}")),
            Err(Ends::Trouble(why)) => {
                session.log(&why);
                format!("{why} ({OF_ENCRYPTION})")
            }
        })
    }
}

impl Guest for Driver {
    fn prepared(&self, trace: &Trace) {
        for made in self.0.prepared.borrow().iter().filter(|_| self.0.delegated) {
            // What the server encrypted once is what it has to give back.
            trace.secret("a key of the client", &made.material);
            trace.record("mongod", What::Made { key: made.key.clone(), material: trace.fingerprint(&made.material) });
        }
    }

    fn play(&self, stage: Stage, settings: Settings, orders: MongodOrders) -> Program {
        let driver = self.clone();
        Box::pin(async move {
            let (Ok(words) | Err(words)) = driver.client().halted.heed(driver.start(&stage, &settings, &orders)).await;
            driver.client().recording.exited(stage.trace.now(), &words);
            words
        })
    }

    fn wait(&self) -> Result<(), String> {
        self.client().wait()
    }

    fn cut_off(&self) {
        self.client().cut_off.set(true);
    }

    fn power_cut(&self) {
        self.0.database.borrow_mut().kill();
    }
}

/// One process of the application.
struct Session<'a> {
    shared: &'a Shared,
    start: Start<'a, Result<Said, String>>,
    application: Option<Application>,
    /// Whether an order has no answer yet.
    waiting: bool,
}

impl Session<'_> {
    /// Makes what an application had before the run: a data key under a master key that is there, and a document.
    async fn prepare(&mut self, key_id: String) -> Result<String, Ends> {
        let delegated = self.shared.delegated;
        self.order(&Order::Make { key_id: Some(key_id), delegated }).await?;
        let made = self.start.heard().made;
        for made in made.iter().filter(|made| !made.ciphertext.is_empty()) {
            self.shared.client.recording.hide_under_snapshot(&made.material, &made.iv, &made.ciphertext);
        }
        self.shared.prepared.borrow_mut().extend(made);
        self.order(&Order::Write { clear: CLEAR.to_owned() }).await?;
        self.shared.prelude.borrow_mut().take();
        Ok("prepared".to_owned())
    }

    async fn run(&mut self, period: Option<Duration>, rewrap: bool) -> Result<String, Ends> {
        let there = self.order(&Order::Look).await?;
        let opened = match (there, rewrap) {
            (Said::Found { key: false, .. }, true) => {
                return Ok("the key vault holds no data key (nothing to rewrap)".to_owned());
            }
            (Said::Found { key: true, .. }, true) => return self.rewrap().await,
            (Said::Found { key: false, .. }, false) => {
                let delegated = self.shared.delegated;
                if let Said::Made { made } = self.order(&Order::Make { key_id: None, delegated }).await? {
                    self.keep(&made);
                }
                // What was just made is not in the cache: that is filled by opening only.
                None
            }
            (Said::Found { key: true, document }, false) => {
                if !document {
                    self.order(&Order::Write { clear: CLEAR.to_owned() }).await?;
                }
                self.read(true).await?;
                Some(Instant::now())
            }
            (other, _) => return Err(Ends::Gone(format!("the application says {other:?}"))),
        };
        let trace = &self.start.stage.trace;
        trace.record(&self.start.stage.host, What::Process { state: ProcessState::Ready, why: None });
        self.shared.client.recording.ready(trace.now());
        self.serve(period, opened).await
    }

    async fn serve(&mut self, period: Option<Duration>, mut opened: Option<Instant>) -> Result<String, Ends> {
        let mut need = Instant::now();
        loop {
            match period {
                Some(period) => need = (need + period).max(Instant::now()),
                // Nobody needs anything, but the process may end.
                None => need += Duration::from_secs(24 * 60 * 60),
            }
            if let Ok(said) = timeout_at(need, self.start.next()).await {
                return Err(Ends::Gone(unasked(said)));
            }
            if period.is_none() {
                continue;
            }
            let cached = opened.is_some_and(|at| at.elapsed() <= CACHED);
            if !cached && !self.has_document().await? {
                match self.order(&Order::Write { clear: CLEAR.to_owned() }).await {
                    Err(Ends::Trouble(why)) => {
                        self.log(&why);
                        continue;
                    }
                    written => written?,
                };
            }
            match self.read(!cached).await {
                Ok(()) if cached => {}
                Ok(()) => opened = Some(Instant::now()),
                // The application outlives a failure: whoever needed the key is told.
                Err(Ends::Trouble(why)) => {
                    self.log(&why);
                    opened = None;
                }
                Err(gone) => return Err(gone),
            }
        }
    }

    async fn rewrap(&mut self) -> Result<String, Ends> {
        let delegated = self.shared.delegated;
        if let Said::Rewrapped { rewrapped, under } = self.order(&Order::Rewrap { delegated }).await? {
            if rewrapped != 1 {
                return Err(Ends::Trouble(format!("{rewrapped} data keys were wrapped anew")));
            }
            self.keep(&under);
        }
        // The proof: what was written before opens with what is wrapped now.
        if self.has_document().await? {
            self.read(true).await?;
        }
        Ok("the data key is wrapped under another master key (rewrapped)".to_owned())
    }

    async fn has_document(&mut self) -> Result<bool, Ends> {
        Ok(matches!(self.order(&Order::Look).await?, Said::Found { document: true, .. }))
    }

    /// Reads the document and compares it with what was written.
    async fn read(&mut self, fresh: bool) -> Result<(), Ends> {
        if let Said::Read { read, .. } = self.order(&Order::Read { fresh }).await?
            && read != CLEAR
        {
            let text = "the application read back something else than it had written".to_owned();
            self.record(What::Finding { invariant: "K1".to_owned(), text });
        }
        Ok(())
    }

    /// Gives an order and waits for its answer.
    async fn order(&mut self, order: &Order) -> Result<Said, Ends> {
        let Some(application) = &mut self.application else { return Err(Ends::Gone("it has ended".to_owned())) };
        self.shared.client.pulse.busy(true);
        self.waiting = true;
        application.order(order).map_err(Ends::Gone)?;
        let said = self.start.next().await;
        self.shared.client.pulse.busy(false);
        self.waiting = false;
        match said {
            Some(Ok(Said::Failed { failed, kind })) if kind == OF_ENCRYPTION => {
                // What it was given and could not use was not used.
                self.start.heard();
                Err(Ends::Trouble(failed))
            }
            Some(Ok(Said::Failed { failed, kind })) => {
                let why = format!("the application cannot go on, and not for its key: {kind}: {failed}");
                self.shared.client.give_up(why.clone());
                Err(Ends::Gone(why))
            }
            Some(Ok(said)) => {
                if !matches!(order, Order::Make { key_id: Some(_), .. }) {
                    for (key, material) in self.start.heard().given {
                        self.record(What::Used { key, material });
                    }
                }
                Ok(said)
            }
            Some(Err(why)) => Err(Ends::Gone(why)),
            None => Err(Ends::Gone("nobody speaks for the application any more".to_owned())),
        }
    }

    /// Lets everybody else on the machine know which master key is in use: an administrator looks for it there.
    fn keep(&self, key_id: &str) {
        let files = self.start.stage.env.files.as_ref();
        // The data themselves are with the real mongod, so that a full disk of the simulation is no trouble of its.
        let _ = Database::write(files, DBPATH.as_ref(), key_id, &[]);
    }

    fn log(&self, text: &str) {
        self.start.stage.log('E', None, text, &[]);
        self.shared.client.recording.said(self.start.stage.trace.now(), text);
    }

    fn record(&self, what: What) {
        self.start.stage.trace.record(&self.start.stage.host, what);
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        self.start.hang_up();
        let Some(mut application) = self.application.take() else { return };
        // Whoever is told to stop and has nothing to do ends by himself; all others are killed.
        if !self.waiting && !self.shared.client.cut_off.get() {
            application.end();
        }
    }
}

/// What a process says that was not asked.
fn unasked(said: Option<Result<Said, String>>) -> String {
    match said {
        Some(Ok(said)) => format!("the application says {said:?} and was not asked"),
        Some(Err(why)) => why,
        None => "nobody speaks for the application any more".to_owned(),
    }
}
