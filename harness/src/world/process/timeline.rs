//! Plays the timeline with real programs: fires what is due, and lets time run until it has settled.
//!
//! Time is real while anything is under way and skipped while nothing is ([`Stopwatch`]), so that what strikes in the
//! middle of a request in the file does so here, and what the file waits for costs nothing. Settled is a run when nothing
//! was recorded for a moment, no exchange is open, mongod is not between its start and its being ready, nor at work on
//! what it needs, nobody checks, the operations that the line's `then` names have been asked and answered (whatever came of them), and, where the file leaves
//! time for a poll of the key's state, mongod has polled.
//!
//! Invariant: a run depends on the names in a `then`, never on what they must come to.

use std::collections::BTreeSet;
use std::time::Duration;

use super::database::{MONGOD, Standing};
use super::house::House;
use super::program::rest;
use super::proxy::Check;
use crate::cast;
use crate::scenario::{Action, Expected, GivenBy, Mongod, ObjectChange, Process, Scenario, Then};
use crate::trace::{Drawn, Event, ProcessState, What};
use crate::world::kept_files::{self, KeptFiles};
use crate::world::machine::Machine as _;
use crate::world::{Means, snapshot};

/// For how long nothing must have been recorded: longer than programs of one machine take to notice each other.
const QUIET: Duration = Duration::from_millis(150);

/// How long after a line, in real time, nobody waits any more for an operation that its `then` names.
const ASKED: Duration = Duration::from_secs(15);

/// How long after a line, in real time, nobody waits any more for a poll of one who is not kept waiting.
const POLLED: Duration = Duration::from_secs(8);

/// How long after it is ready, in real time, nobody waits any more for what mongod does at once.
const AT_ONCE: Duration = Duration::from_secs(2);

/// How long a cell may take in real time.
const CELL: Duration = Duration::from_secs(90);

/// The period of polls in real time, where the file has any.
const POLL: Duration = Duration::from_secs(1);

/// Why a run is not played to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// Somebody wants it all to end.
    Interrupted,
    /// The laboratory broke down.
    Inconclusive(String),
    /// The product broke down: what is there is judged.
    Broke(String),
}

/// One run.
pub(crate) struct Timeline<'a> {
    scenario: &'a Scenario,
    means: &'a Means,
    pub(crate) house: House,
    kept_files: KeptFiles,
    check: Option<Check>,
    pub(crate) drawn: Vec<Drawn>,
    pub(crate) fired: Vec<Duration>,
    /// The processes that hang.
    hanging: BTreeSet<Process>,
    /// When the last line had been carried out, which may take a moment.
    done: Duration,
    /// How many events there were when somebody looked last, and since when, in real time.
    quiet: (usize, Duration),
}

impl<'a> Timeline<'a> {
    pub(crate) fn new(scenario: &'a Scenario, means: &'a Means, house: House, drawn: Vec<Drawn>) -> Self {
        let (kept_files, quiet) = (KeptFiles::default(), (0, Duration::ZERO));
        let (fired, done) = (Vec::new(), Duration::ZERO);
        Timeline {
            scenario,
            means,
            house,
            kept_files,
            check: None,
            drawn,
            fired,
            hanging: BTreeSet::new(),
            done,
            quiet,
        }
    }

    /// Plays to the end, epilogue included; comes to the moments when the epilogue began and when the run was over.
    pub(crate) fn play(&mut self, times: &[Duration]) -> Result<(Duration, Duration), Halt> {
        self.start_proxy()?;
        for (index, at) in times.iter().enumerate() {
            self.advance(index.checked_sub(1), *at)?;
            self.fired.push(self.now());
            self.fire(index)?;
            self.done = self.now();
        }
        self.advance(times.len().checked_sub(1), self.scenario.end)?;
        self.epilogue()
    }

    /// Lets time run until a moment has come, or until what the line before has brought about has settled.
    fn advance(&mut self, line: Option<usize>, to: Duration) -> Result<(), Halt> {
        let since = self.house.stopwatch.real();
        while self.now() < to {
            self.look()?;
            if self.is_settled(line, to, self.house.stopwatch.real().saturating_sub(since)) {
                self.house.skip_to(to);
                return Ok(());
            }
            rest();
        }
        self.look()
    }

    /// Takes over what the programs have told. Fails where the run cannot go on.
    fn look(&mut self) -> Result<(), Halt> {
        if self.means.is_interrupted() {
            return Err(Halt::Interrupted);
        }
        let record = &self.house.record;
        self.house.proxy.look(record);
        if let Some(check) = &mut self.check
            && check.look(record).map_err(Halt::Broke)?
        {
            self.check = None;
        }
        match self.house.database.look(record) {
            Standing::Down | Standing::Up => {}
            Standing::Ended(why) => record.process(MONGOD, ProcessState::Exited, Some(why)),
            Standing::Broken(why) => return Err(Halt::Inconclusive(why)),
        }
        if let Some(why) = self.house.account.gone() {
            return Err(Halt::Inconclusive(why));
        }
        if let Some(why) = self.house.proxy.broke() {
            return Err(Halt::Broke(why.to_owned()));
        }
        let (seen, real) = (record.len(), self.house.stopwatch.real());
        if seen != self.quiet.0 {
            self.quiet = (seen, real);
        }
        if real > CELL {
            return Err(Halt::Inconclusive(format!("it did not come to its end within {} s", CELL.as_secs())));
        }
        Ok(())
    }

    /// Whether what a line has brought about has settled, after so much real time.
    fn is_settled(&self, line: Option<usize>, to: Duration, waited: Duration) -> bool {
        // The cheap questions come first.
        let quiet = self.house.stopwatch.real().saturating_sub(self.quiet.1) >= QUIET;
        if !quiet || self.check.is_some() || self.house.database.is_at_work() {
            return false;
        }
        let events = self.house.record.events();
        if exchange_is_open(&events) || state_of(&events, MONGOD) == Some(ProcessState::Started) {
            return false;
        }
        if self.polls_at_once(&events) {
            return false;
        }
        let Some(index) = line else { return true };
        let (Some(&fired), Some(event)) = (self.fired.get(index), self.scenario.timeline.get(index)) else {
            return true;
        };
        let asked = match &event.then {
            Some(then) if waited < ASKED && !is_over(then, fired, self.now()) => all_asked(&events, then, fired),
            _ => true,
        };
        asked
            && self.is_between_polls(&events)
            && (waited >= self.patience() || !self.polls_between(&events, fired, to) || has_polled(&events, self.done))
    }

    /// Whether the next poll of the key's state is not about to begin: nothing is to strike it by chance. Who has not polled
    /// for longer than a period does not poll.
    fn is_between_polls(&self, events: &[Event]) -> bool {
        let polls = self.polling().is_some_and(|period| period == POLL);
        if !polls || state_of(events, MONGOD) != Some(ProcessState::Ready) {
            return true;
        }
        let last = events.iter().rev().find(|event| event.host == MONGOD).map_or(Duration::ZERO, |event| event.at);
        let since = self.now().saturating_sub(last);
        since < POLL * 6 / 10 || since > POLL * 2
    }

    /// Whether mongod has just become ready, and has still to ask for the key's state for the first time: Percona Server does
    /// so at once.
    fn polls_at_once(&self, events: &[Event]) -> bool {
        let Mongod { persona, activate_keys, key_state_polling, .. } = &self.scenario.world.mongod;
        let last = events
            .iter()
            .rev()
            .filter(|event| event.host == MONGOD)
            .find(|event| matches!(event.what, What::Process { .. } | What::Request { .. }));
        let just_ready = last.is_some_and(|event| {
            let ready = matches!(event.what, What::Process { state: ProcessState::Ready, .. });
            ready && self.now().saturating_sub(event.at) < AT_ONCE
        });
        just_ready && persona.starts_with("psmdb") && *activate_keys && key_state_polling.is_some()
    }

    /// The period in which mongod is told to poll here. Where the file ends before the first poll there is none.
    fn polling(&self) -> Option<Duration> {
        let end = self.scenario.end;
        self.scenario.world.mongod.key_state_polling.map(|period| if period < end { POLL.min(period) } else { period })
    }

    /// How long after a line, in real time, nobody waits any more for a poll: some clients poll nothing.
    fn patience(&self) -> Duration {
        if self.hanging.is_empty() { POLLED } else { POLLED + self.scenario.world.mongod.connect_timeout }
    }

    /// Whether the file leaves time for a poll of the key's state between a line and the next.
    fn polls_between(&self, events: &[Event], fired: Duration, to: Duration) -> bool {
        let Some(period) = self.scenario.world.mongod.key_state_polling else { return false };
        let ready = events.iter().rev().filter(|event| event.host == MONGOD).find_map(|event| match event.what {
            What::Process { state, .. } => Some((event.at, state)),
            _ => None,
        });
        let Some((ready, ProcessState::Ready)) = ready else { return false };
        let before = |moment: Duration| moment.saturating_sub(ready).as_millis() / period.as_millis().max(1);
        before(to) > before(fired)
    }

    fn fire(&mut self, index: usize) -> Result<(), Halt> {
        let scenario = self.scenario;
        let event = &scenario.timeline[index];
        self.note(event.line, &event.text);
        let now = self.house.cloud_now();
        match &event.action {
            Action::Start(Process::Proxy) => self.start_proxy()?,
            Action::StartProxy { cloud_provider, kms_key } => {
                if let Some(provider) = cloud_provider {
                    self.house.flags.cloud_provider = *provider;
                }
                if let Some(name) = kms_key {
                    self.house.flags.kms_key = Some(self.house.account.key(name));
                }
                self.start_proxy()?;
            }
            Action::Start(Process::Mongod) => self.start_mongod(false)?,
            Action::RotateMasterKey => self.start_mongod(true)?,
            Action::Stop(Process::Proxy) => self.house.proxy.stop(&self.house.record),
            Action::Stop(Process::Mongod) => self.stop_mongod()?,
            Action::Crash(Process::Proxy) => self.house.proxy.crash(&self.house.record),
            Action::Crash(Process::Mongod) => {
                self.house.record.process(MONGOD, ProcessState::Crashed, None);
                self.house.database.crash(&self.house.record);
            }
            Action::Stall(process) => {
                self.hanging.insert(*process);
                match process {
                    Process::Proxy => self.house.proxy.stall(),
                    Process::Mongod => self.house.database.stall(),
                }
            }
            Action::Resume(process) => self.resume(*process),
            Action::Endpoint { name, state } => {
                let drawn = self.house.set(name, state).map_err(Halt::Inconclusive)?;
                self.drawn.extend(drawn.filter(|drawn| !self.drawn.contains(drawn)));
            }
            Action::Key { name, change } => self.told(self.house.account.change_key(name, *change, now)),
            Action::Role { trusted } => self.told(self.house.account.trust(*trusted)),
            Action::ExpireCredentials => self.house.account.expire(now),
            Action::RenewCredentials => {
                self.house.account.renew(&scenario.world.credentials, now);
                match scenario.world.credentials.given_by {
                    // New flags take a new start.
                    GivenBy::Flags => self.start_proxy()?,
                    GivenBy::Metadata => self.edit_metadata(),
                }
            }
            Action::EditMetadata { region } => {
                if let Some(region) = region {
                    self.house.account.set_region(region);
                }
                self.edit_metadata();
            }
            Action::EditKeyFile { kms_key } => {
                kept_files::edit_key_files(&self.house.machine, &self.house.account.master_key(kms_key));
            }
            Action::File { file, change } => self.kept_files.change(&self.house.machine, *file, *change),
            Action::Object(change) => self.administer(*change)?,
            Action::Check => {
                self.check = Some(self.house.check().map_err(Halt::Inconclusive)?);
            }
            Action::Skew { ahead, by } => self.house.skew(*ahead, *by),
            Action::PowerCut { .. } | Action::Disk { .. } | Action::Pass(_) => {
                return Err(Halt::Inconclusive(format!("`{}` cannot be done here", event.text)));
            }
        }
        Ok(())
    }

    /// Heals everything around, starts mongod once more, and waits until it opens or gives up: with that the run is over.
    fn epilogue(&mut self) -> Result<(Duration, Duration), Halt> {
        self.note(0, "everything around is healed, and mongod is started once more");
        self.house.heal().map_err(Halt::Inconclusive)?;
        self.resume(Process::Mongod);
        self.resume(Process::Proxy);
        self.look()?;
        if !self.house.proxy.runs() {
            self.start_proxy()?;
        }
        self.stop_mongod()?;
        let settled = self.now() + Duration::from_secs(1);
        self.advance(None, settled)?;
        let started = self.now();
        self.start_mongod(false)?;
        let last = self.house.stopwatch.real() + self.house.database.patience();
        while self.house.stopwatch.real() < last {
            self.look()?;
            let events = self.house.record.events();
            let ended = events.iter().rev().filter(|event| event.host == MONGOD && event.at >= started).find(|event| {
                matches!(event.what, What::Process { state: ProcessState::Ready | ProcessState::Exited, .. })
            });
            if let Some(at) = ended.map(|ended| ended.at) {
                // What the proxy says of it comes by another way, and may come after it.
                let last = self.house.stopwatch.real() + QUIET;
                while self.house.stopwatch.real() < last {
                    rest();
                    self.look()?;
                }
                return Ok((started, at));
            }
            rest();
        }
        Ok((started, self.now()))
    }

    fn resume(&mut self, process: Process) {
        self.hanging.remove(&process);
        match process {
            Process::Proxy => self.house.proxy.resume(),
            Process::Mongod => self.house.database.resume(),
        }
    }

    fn start_proxy(&mut self) -> Result<(), Halt> {
        self.hanging.remove(&Process::Proxy);
        self.house.start_proxy().map_err(Halt::Inconclusive)?;
        self.look()
    }

    fn start_mongod(&mut self, rotate_master_key: bool) -> Result<(), Halt> {
        self.hanging.remove(&Process::Mongod);
        self.stop_mongod()?;
        let mut settings = self.settings().map_err(Halt::Inconclusive)?;
        settings.rotate_master_key = rotate_master_key;
        let record = &self.house.record;
        record.process(MONGOD, ProcessState::Started, None);
        self.house.database.start(&settings, self.house.machine.dbpath(), record).map_err(Halt::Inconclusive)
    }

    /// Ends mongod, if it runs.
    fn stop_mongod(&mut self) -> Result<(), Halt> {
        let record = &self.house.record;
        // What it has told so far may be its end.
        match self.house.database.look(record) {
            Standing::Ended(why) => record.process(MONGOD, ProcessState::Exited, Some(why)),
            Standing::Broken(why) => return Err(Halt::Inconclusive(why)),
            Standing::Down | Standing::Up => {}
        }
        let state = state_of(&record.events(), MONGOD);
        if matches!(state, Some(ProcessState::Started | ProcessState::Ready)) {
            self.house.database.stop(record);
            record.process(MONGOD, ProcessState::Stopped, None);
        }
        Ok(())
    }

    /// The options of a KMIP client on the machine.
    fn settings(&self) -> Result<cast::Settings, String> {
        let Mongod { servers, connect_retries, connect_timeout, activate_keys, .. } = &self.scenario.world.mongod;
        Ok(cast::Settings {
            server_name: servers.join(","),
            port: self.house.proxy.port()?,
            ca_file: Some(self.house.machine.in_dbpath("kmipCA.pem")),
            client_certificate_file: self.house.machine.in_dbpath("kmipClient.pem"),
            connect_retries: *connect_retries,
            connect_timeout: *connect_timeout,
            activate_keys: *activate_keys,
            key_state_polling: self.polling(),
            key_identifier: None,
            rotate_master_key: false,
        })
    }

    /// Sends an administrator to the key with which the database is encrypted now.
    fn administer(&mut self, change: ObjectChange) -> Result<(), Halt> {
        let machine = &self.house.machine;
        let Ok(Some(database)) = cast::Database::read(machine.files(), machine.dbpath()) else {
            self.in_vain("there is no database yet, and so no master key".to_owned());
            return Ok(());
        };
        let settings = cast::Settings {
            // The tool is given the address of the proxy, whatever list mongod has.
            server_name: "127.0.0.1".to_owned(),
            ..self.settings().map_err(Halt::Inconclusive)?
        };
        let object = database.key_identifier;
        super::administrator::send(&self.house.record, &machine.env(), &settings, change, &object)
            .map_err(Halt::Inconclusive)
    }

    fn edit_metadata(&self) {
        let machine = &self.house.machine;
        snapshot::write_credentials(machine, &self.scenario.world, &*self.house.account);
        kept_files::note(machine, "edit", &machine.in_dbpath("cloudProviderCredentials"));
    }

    /// Whoever changes something in the cloud is told why it stays as it is.
    fn told(&self, changed: Result<(), String>) {
        if let Err(why) = changed {
            self.in_vain(why);
        }
    }

    /// Notes why a line of the timeline has changed nothing.
    fn in_vain(&self, text: String) {
        self.house.record.note("lab", What::Log { severity: 'W', id: None, text, attributes: Vec::new() });
    }

    fn note(&self, line: u32, text: &str) {
        self.house.record.note("lab", What::Action { line, text: text.to_owned() });
    }

    fn now(&self) -> Duration {
        self.house.stopwatch.now()
    }
}

/// The last state of a process.
fn state_of(events: &[Event], host: &str) -> Option<ProcessState> {
    let of_host = events.iter().rev().filter(|event| event.host == host);
    of_host
        .filter_map(|event| match event.what {
            What::Process { state, .. } => Some(state),
            _ => None,
        })
        .next()
}

/// Whether a client waits for an answer.
fn exchange_is_open(events: &[Event]) -> bool {
    events
        .iter()
        .enumerate()
        .any(|(index, sent)| matches!(sent.what, What::Request { .. }) && !is_answered(&events[index..], sent))
}

/// Whether a request is over: answered, given up, or its client is no more.
fn is_answered(rest: &[Event], sent: &Event) -> bool {
    let What::Request { exchange, .. } = &sent.what else { return true };
    rest.iter().any(|event| match &event.what {
        What::Answer { exchange: of, .. }
        | What::NoAnswer { exchange: of, .. }
        | What::Malformed { exchange: of, .. } => of == exchange,
        What::Process { state: ProcessState::Stopped | ProcessState::Exited | ProcessState::Crashed, .. } => {
            event.host == sent.host
        }
        _ => false,
    })
}

/// Whether what must follow a line must have followed by now.
fn is_over(then: &Then, fired: Duration, now: Duration) -> bool {
    then.within.is_some_and(|within| now > fired + within)
}

/// Whether all operations that are named have been asked since a line fired, and answered.
fn all_asked(events: &[Event], then: &Then, fired: Duration) -> bool {
    let named = Then::OPERATIONS
        .iter()
        .zip(&then.answers)
        .filter(|(_, expected)| expected.as_ref().is_some_and(|expected| *expected != Expected::NoAnswer));
    named.into_iter().all(|(name, _)| {
        events.iter().enumerate().any(|(index, sent)| {
            let asks = matches!(&sent.what, What::Request { operations, .. } if operations.iter().any(|of| of == name));
            asks && sent.at >= fired && is_answered(&events[index..], sent)
        })
    })
}

/// Whether mongod has asked for something since a line was carried out and since it is ready, and been answered, or has
/// complained of getting no answer.
fn has_polled(events: &[Event], fired: Duration) -> bool {
    let ready = events
        .iter()
        .rev()
        .find(|event| event.host == MONGOD && matches!(event.what, What::Process { state: ProcessState::Ready, .. }));
    let since = ready.map_or(fired, |ready| ready.at.max(fired));
    events.iter().enumerate().any(|(index, sent)| {
        let asks = match sent.what {
            What::Request { .. } => is_answered(&events[index..], sent),
            What::Log { severity, .. } => severity != 'I',
            _ => false,
        };
        asks && sent.host == MONGOD && sent.at > since
    })
}
