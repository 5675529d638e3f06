//! The application of a MongoDB driver on mongod's host of a simulation.
//!
//! In order, at each start: a process of the application is started, for which the simulation stands; then it is told
//! what its [`Course`] says. What a played application would do, a real driver does here. Only when it needs the key, and when the minute is over for which the driver keeps it, is the
//! simulation's to say: the driver's own minute is one of the wall, so that it begins anew with every need after it.
//!
//! A stop lets the process end by itself, a crash kills it. mongod behind it goes on, but where the machine loses its
//! power.
//!
//! Invariant: what a process was given and used is told as used, and nothing that it could not use.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::client::{Client, Made, Start};
use crate::cast::{Database, Settings, Stage};
use crate::trace::{Fingerprint, Peer, Tier, Trace, What};
use crate::world::driver::{About, Application, Community, Course, Errand, Next, Order, Said, Setup, Told, Turn};
use crate::world::sim::{DBPATH, Guest, MongodOrders, Program};

/// A driver on mongod's host. Cheap to clone.
#[derive(Clone)]
pub(super) struct Driver(Rc<Shared>);

struct Shared {
    setup: Setup,
    delegated: bool,
    client: Client,
    database: Rc<RefCell<Community>>,
    about: RefCell<Option<About>>,
    /// While this stands, a start makes the data of the snapshot and nothing else, under this master key.
    prelude: RefCell<Option<String>>,
    /// What was made before the run.
    prepared: RefCell<Vec<Made>>,
}

impl Driver {
    /// A driver before that database.
    pub(super) fn new(
        setup: &Setup,
        delegated: bool,
        database: Rc<RefCell<Community>>,
        interrupted: &Arc<AtomicBool>,
    ) -> Result<Self, String> {
        Ok(Driver(Rc::new(Shared {
            setup: setup.clone(),
            delegated,
            client: Client::new(interrupted)?,
            database,
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

    /// The data keys that were encrypted before the run, with the master keys under which they are.
    pub(super) fn made(&self) -> Vec<(String, Vec<u8>)> {
        let prepared = self.0.prepared.borrow();
        prepared.iter().filter(|_| self.0.delegated).map(|made| (made.key.clone(), made.material.clone())).collect()
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
        let errand = match (&*shared.prelude.borrow(), orders.rotate_master_key) {
            (Some(key_id), _) => Errand::Prepare(key_id.clone()),
            (None, true) => Errand::Rewrap,
            (None, false) => Errand::Serve,
        };
        let mut session = Session { shared, start, application: Some(application), waiting: false };
        // Nobody decides to break down: whatever was the reason, it is not known to be the product.
        let words = session.run(errand, settings.key_state_polling).await;
        words.map_err(|why| format!("the client broke down: {why}"))
    }
}

impl Guest for Driver {
    fn prepared(&self, trace: &Trace) {
        for (key, data_key) in self.made() {
            // What the server encrypted once is what it has to give back.
            trace.secret("a key of the client", &data_key);
            trace.record("mongod", What::Made { key, material: trace.fingerprint(&data_key) });
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
    /// Plays it to its end; comes to its last words, or to why nobody hears them.
    async fn run(&mut self, errand: Errand, period: Option<Duration>) -> Result<String, String> {
        let (mut course, first) = Course::new(errand, self.shared.delegated);
        let (began, mut need, mut turn) = (Instant::now(), None, Turn::Order(first));
        loop {
            let order = match turn {
                Turn::Order(order) => order,
                Turn::Wait => {
                    let last = need.unwrap_or_else(Instant::now);
                    need = period.map(|period| (last + period).max(Instant::now()));
                    self.wait(need).await?;
                    course.needed(began.elapsed())
                }
                Turn::Ends(words) => return Ok(words),
                Turn::Broken(why) => return Err(why),
            };
            let said = self.order(&order).await?;
            let Next { told, turn: next } = course.said(said, began.elapsed());
            let heard = self.start.heard();
            if self.shared.prelude.borrow().is_some() {
                self.prepared(heard.made);
            }
            told.into_iter().for_each(|told| self.tell(told, &heard.given));
            turn = next;
        }
    }

    /// Gives an order and waits for its answer; the error is that the process is gone.
    async fn order(&mut self, order: &Order) -> Result<Said, String> {
        let Some(application) = &mut self.application else { return Err("it has ended".to_owned()) };
        self.shared.client.pulse.busy(true);
        self.waiting = true;
        application.order(order)?;
        let said = self.start.next().await;
        self.shared.client.pulse.busy(false);
        self.waiting = false;
        said.unwrap_or_else(|| Err(NOBODY.to_owned()))
    }

    /// Waits until a need is due; where there never is one, until the process is gone.
    async fn wait(&mut self, need: Option<Instant>) -> Result<(), String> {
        loop {
            let until = need.unwrap_or_else(|| Instant::now() + Duration::from_secs(24 * 60 * 60));
            match timeout_at(until, self.start.next()).await {
                Ok(said) => return Err(unasked(said)),
                Err(_) if need.is_some() => return Ok(()),
                Err(_) => {}
            }
        }
    }

    /// Keeps what was made before the run.
    fn prepared(&self, made: Vec<Made>) {
        for made in made.iter().filter(|made| !made.ciphertext.is_empty()) {
            self.shared.client.recording.hide_under_snapshot(&made.material, &made.iv, &made.ciphertext);
        }
        self.shared.prepared.borrow_mut().extend(made);
    }

    /// Tells the run, and the dialogue, of what has followed from an answer.
    fn tell(&self, told: Told, given: &[(String, Fingerprint)]) {
        let (trace, recording) = (&self.start.stage.trace, &self.shared.client.recording);
        let record = |what: What| trace.record(&self.start.stage.host, what);
        if let Some(what) = told.event() {
            record(what);
        }
        match told {
            Told::Used => {
                for (key, material) in given.iter().cloned() {
                    record(What::Used { key, material });
                }
            }
            Told::Under(key_id) => self.keep(&key_id),
            Told::Trouble(text) => recording.said(trace.now(), &text),
            Told::Ready => recording.ready(trace.now()),
            Told::Prepared => drop(self.shared.prelude.borrow_mut().take()),
            Told::ReadsOther => {}
        }
    }

    /// Lets everybody else on the machine know which master key is in use: an administrator looks for it there.
    fn keep(&self, key_id: &str) {
        let files = self.start.stage.env.files.as_ref();
        // The data themselves are with the real mongod, so that a full disk of the simulation is no trouble of its.
        let _ = Database::write(files, DBPATH.as_ref(), key_id, &[]);
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

/// Why nothing comes any more.
const NOBODY: &str = "nobody speaks for the application any more";

/// What a process says that was not asked.
fn unasked(said: Option<Result<Said, String>>) -> String {
    match said {
        Some(Ok(said)) => format!("the application says {said:?} and was not asked"),
        Some(Err(why)) => why,
        None => NOBODY.to_owned(),
    }
}
