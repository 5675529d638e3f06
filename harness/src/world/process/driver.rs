//! The application of a MongoDB driver in mongod's place, with a community mongod of its own behind it.
//!
//! A start goes in this order: the tap stands before the proxy, the certificates are laid out, Python loads everything
//! while the time of the run stands, and then the application is told what its [`Course`] says, answer by answer. What it
//! says on the wire is recorded by the tap; that it has used what it was given, when an order has succeeded.
//!
//! Its needs are told from outside: one a second, each of which counts as the file's whole period. So the minute for which
//! libmongocrypt keeps a data key is over when it is over in the file, and nobody waits for it.
//!
//! A stop lets the process end by itself, a crash kills it. mongod behind it goes on, with the data key and a document.
//!
//! Invariant: what the application could not do for its key is an event of the run; what it could not do for anything else
//! is no word about the product.

use std::cell::RefCell;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

use kmip_proxy::env::Env;
use tempfile::TempDir;

use super::database::{Database, MONGOD, Standing};
use super::record::Record;
use super::tapped::Tapped;
use crate::cast::{self, Settings};
use crate::trace::{Peer, Tier, What};
use crate::world::driver::{About, Application, Community, Course, Errand, Next, Order, Said, Setup, Told, Turn};

/// A driver's application.
pub(crate) struct DriverProgram {
    setup: Setup,
    running: Option<Running>,
    about: Option<About>,
    tap: Tapped,
    data: Data,
    /// How often the application needs its key in the file.
    period: Option<Duration>,
    // After those who have their files in it.
    certificates: TempDir,
}

/// What an application has, beside the proxy.
pub(crate) struct Data {
    /// Where it keeps its key vault and its document.
    pub(crate) database: Rc<RefCell<Community>>,
    /// Whether the server encrypts its data keys.
    pub(crate) delegated: bool,
    /// The data keys that were encrypted before the run, with the master keys under which they are.
    pub(crate) made: Vec<(String, Vec<u8>)>,
}

/// A process of it.
struct Running {
    application: Application,
    answers: Receiver<Result<Said, String>>,
    course: Course,
    dbpath: PathBuf,
    /// How many events there were when it was given its last order.
    ordered: usize,
    /// In which period it needs its key here.
    period: Option<Duration>,
    /// How often it has needed its key.
    needs: u32,
    /// When it needs it next, in real time.
    due: Option<Duration>,
    hangs: bool,
}

impl DriverProgram {
    /// An application that does not run yet.
    pub(crate) fn new(setup: &Setup, data: Data, period: Option<Duration>) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("kmiplab-driver-").tempdir();
        let certificates = folder.map_err(|error| format!("cannot make a folder for certificates: {error}"))?;
        // As the application calls them: application.py.
        let tap = Tapped::new(certificates.path().join("kmipCA.pem"));
        Ok(DriverProgram { setup: setup.clone(), running: None, about: None, tap, data, period, certificates })
    }

    /// Lays the client's certificate out: the proxy may make another one at any time, and the application reads it anew.
    fn lay_out(&self, certificate: &Path) -> Result<(), String> {
        let link = self.certificates.path().join("kmipClient.pem");
        let is_there = std::fs::read_link(&link).is_ok_and(|target| target == certificate);
        let made = if is_there { Ok(()) } else { symlink(certificate, &link) };
        made.map_err(|error| format!("cannot lay out the client's certificate: {error}"))
    }

    /// Its next turn, if one has come.
    fn turn(&mut self, record: &Record) -> Option<Turn> {
        let running = self.running.as_mut()?;
        match running.answers.try_recv() {
            Ok(Ok(said)) => {
                let now = running.needs * self.period.unwrap_or_default();
                let Next { told, turn } = running.course.said(said, now);
                told.into_iter().for_each(|told| running.tell(told, record));
                Some(turn)
            }
            Ok(Err(why)) => Some(Turn::Broken(why)),
            Err(TryRecvError::Disconnected) => Some(Turn::Broken("the application says nothing any more".to_owned())),
            Err(TryRecvError::Empty) => {
                running.due.take_if(|at| record.stopwatch().real() >= *at)?;
                running.needs += 1;
                Some(Turn::Order(running.course.needed(running.needs * self.period.unwrap_or_default())))
            }
        }
    }
}

impl Running {
    /// Tells the run what has followed from an answer.
    fn tell(&self, told: Told, record: &Record) {
        if let Some(what) = told.event() {
            record.note(MONGOD, what);
        }
        match told {
            Told::Used => self.used(record),
            Told::Under(key) => {
                // An administrator looks for it there. The data themselves are with the real mongod.
                let _ = cast::Database::write(Env::os().files.as_ref(), &self.dbpath, &key, &[]);
            }
            Told::ReadsOther | Told::Trouble(_) | Told::Ready | Told::Prepared => {}
        }
    }

    /// Records that it has used what it was given since its last order: keys, and data keys that were decrypted.
    fn used(&self, record: &Record) {
        for event in record.trace().events().into_iter().skip(self.ordered).filter(|event| event.host == MONGOD) {
            if let What::Answer { key: Some(key), status, material: Some(material), .. } = event.what
                && status == "Success"
            {
                record.note(MONGOD, What::Used { key, material });
            }
        }
    }

    fn order(&mut self, order: &Order, record: &Record) -> Result<(), String> {
        self.ordered = record.len();
        self.application.order(order)
    }
}

impl Database for DriverProgram {
    fn start(&mut self, settings: &Settings, dbpath: &Path, record: &Record) -> Result<(), String> {
        let port = self.tap.port(settings, record)?;
        self.lay_out(&settings.client_certificate_file)?;
        let (send, answers) = channel();
        // Whoever has asked is gone with the process.
        let hear = move |said| drop(send.send(said));
        let loading = record.stopwatch().stand();
        let uri = self.data.database.borrow().uri();
        let application = Application::start(&self.setup, &uri, port, self.certificates.path(), hear)?;
        drop(loading);
        self.about = Some(application.about.clone());
        let errand = if settings.rotate_master_key { Errand::Rewrap } else { Errand::Serve };
        let (course, first) = Course::new(errand, self.data.delegated);
        let (dbpath, period) = (dbpath.to_owned(), settings.key_state_polling);
        let (ordered, needs, due, hangs) = (0, 0, None, false);
        let mut running = Running { application, answers, course, dbpath, ordered, period, needs, due, hangs };
        running.order(&first, record)?;
        self.running = Some(running);
        Ok(())
    }

    fn look(&mut self, record: &Record) -> Standing {
        while let Some(turn) = self.turn(record) {
            let Some(running) = &mut self.running else { break };
            match turn {
                Turn::Order(order) => {
                    if let Err(why) = running.order(&order, record) {
                        self.running = None;
                        return Standing::Broken(why);
                    }
                }
                Turn::Wait => running.due = running.period.map(|period| record.stopwatch().real() + period),
                Turn::Ends(words) => {
                    self.stop(record);
                    return Standing::Ended(words);
                }
                Turn::Broken(why) => {
                    self.running = None;
                    return Standing::Broken(why);
                }
            }
        }
        if self.running.is_some() { Standing::Up } else { Standing::Down }
    }

    fn stop(&mut self, _: &Record) {
        let Some(mut running) = self.running.take() else { return };
        // One that hangs hears nothing. Whoever has nothing to do ends by himself; all others are cut off.
        running.application.resume();
        if running.course.waits() {
            running.application.end();
        }
    }

    fn crash(&mut self, _: &Record) {
        self.running = None;
    }

    fn stall(&mut self) {
        if let Some(running) = &mut self.running {
            running.hangs = true;
            running.application.stall();
        }
    }

    fn resume(&mut self) {
        if let Some(running) = &mut self.running {
            running.hangs = false;
            running.application.resume();
        }
    }

    fn is_at_work(&self) -> bool {
        self.running.as_ref().is_some_and(|running| !running.hangs && !running.course.waits())
    }

    fn brings(&self) -> Option<Vec<(String, Vec<u8>)>> {
        Some(self.data.made.clone())
    }

    fn peer(&self) -> Option<Peer> {
        let about = self.about.as_ref()?;
        Some(Peer { name: about.name(), tier: Tier::RealDriver, proof: about.proof() })
    }
}
