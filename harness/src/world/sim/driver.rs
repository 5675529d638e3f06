//! Plays the timeline: steps the simulation and fires what is due.
//!
//! Everything random is drawn before the first step. Faults change the network (turmoil's holds and partitions), an
//! endpoint's switch, the cloud's state, a process' orders, the wall clocks, or the operator's files; nothing else.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use turmoil::Sim;

use super::cloud::{self, CloudWorld};
use super::disk::{CrashPoint, Disk};
use super::endpoints::Endpoints;
use super::guest::Guest;
use super::machine::{Errand, Ground, MongodOrders, Orders, ProxyOrders};
use super::network::{Map, Place};
use super::planted::Planted;
use super::{machine, relay};
use crate::cast;
use crate::scenario::{Action, Database, GivenBy, ObjectChange, Process, Scenario};
use crate::trace::{Drawn, Fingerprint, Lane, Peer, Played, ProcessState, Tier, Trace, What};
use crate::world::clock::{MachineClock, WallClock};
use crate::world::kept_files::{self, KeptFiles};
use crate::world::{Entropy, ledger, snapshot, times};

/// How long the epilogue waits for mongod to open or to give up.
const EPILOGUE: Duration = Duration::from_secs(20);

/// How long after healing the network mongod is started: longer than any message is under way.
const SETTLE: Duration = Duration::from_secs(1);

/// The host that is not deterministic, in canaries only.
const SABOTEUR: &str = "saboteur";

/// One run.
pub(crate) struct Driver<'a> {
    scenario: &'a Scenario,
    sim: Sim<'static>,
    ground: Ground,
    cloud: CloudWorld,
    endpoints: Endpoints,
    kept_files: KeptFiles,
    times: Vec<Duration>,
    /// For each line with `at_write` the number of the disk operation after which the power goes.
    writes: BTreeMap<usize, u64>,
    /// Whether the power goes at a disk operation that is still to come.
    power_will_go: bool,
    /// The processes that hang.
    hanging: BTreeSet<Process>,
    drawn: Vec<Drawn>,
    proxy: watch::Sender<Orders<ProxyOrders>>,
    mongod: watch::Sender<Orders<MongodOrders>>,
    /// All errands of the administrator so far.
    errands: watch::Sender<Vec<Errand>>,
    check: watch::Sender<Orders<ProxyOrders>>,
    /// How the proxy is started next.
    flags: ProxyOrders,
    existing: BTreeMap<String, Fingerprint>,
    /// Who stands on mongod's host in place of a persona.
    guest: Option<Rc<dyn Guest>>,
}

impl<'a> Driver<'a> {
    pub(crate) fn new(
        scenario: &'a Scenario,
        entropy: Entropy,
        planted: &Planted,
        guest: Option<Rc<dyn Guest>>,
    ) -> Self {
        let world = &scenario.world;
        let clock = WallClock::default();
        let trace = {
            let clock = clock.clone();
            Trace::new(&entropy.key("fingerprints"), move || clock.elapsed())
        };
        ledger::attach(&trace);
        let mut drawn = Vec::new();
        let times = times::draw(scenario, &entropy, &mut drawn);
        let writes = draw_writes(scenario, &entropy, &mut drawn);
        let mut sim = turmoil::Builder::new()
            .rng_seed(entropy.number("network"))
            .epoch(clock.start())
            .tick_duration(world.tick)
            .min_message_latency(world.latency.start)
            .max_message_latency(world.latency.end)
            // The driver decides when a run is over.
            .simulation_duration(Duration::MAX)
            .build();

        let mut map = Map::default();
        let loopback = Place { host: "proxy".to_owned(), service: "kmip", private: true };
        map.add(Some("localhost"), Ipv4Addr::LOCALHOST.into(), loopback);
        let relayed = Place { host: "relay".to_owned(), service: "kmip", private: true };
        map.add_port((Ipv4Addr::LOCALHOST, relay::PORT).into(), relayed);
        let cloud = CloudWorld::new(world, &entropy, &clock, &trace, &mut map);
        let disk = Disk::new();
        // Where a database is to be made, its folder is all that there is.
        kmip_proxy::env::Files::create_directory(&disk, machine::DBPATH.as_ref()).expect("the lab's own disk is on");
        let map = Arc::new(map);
        let machine_clock = MachineClock::new(clock.clone());
        let ground = Ground { clock, machine_clock, disk, map, roots: cloud.tls.roots.clone(), trace };
        let played = guest.as_ref().is_none_or(|guest| !guest.brings_its_data());
        let existing = snapshot::prepare(&ground, world, &*cloud.account, &entropy, played)
            .expect("the scenario's keys were checked");
        if let Some(guest) = &guest {
            guest.prepared(&ground.trace);
        }

        let checks = scenario.timeline.iter().any(|event| event.action == Action::Check);
        let callers = if checks { vec![machine::PRODUCT, machine::CHECKER] } else { vec![machine::PRODUCT] };
        let endpoints = Endpoints::new(&cloud, &ground.map, callers, &entropy);
        for endpoint in &cloud.endpoints {
            cloud::host(&mut sim, &cloud, endpoint, endpoints.switch(&endpoint.name), &ground, planted);
        }
        let (proxy, proxy_orders) = watch::channel(Orders::default());
        let (mongod, mongod_orders) = watch::channel(Orders::default());
        super::hosts::proxy(&mut sim, &ground, scenario, &cloud, planted, proxy_orders);
        super::hosts::mongod(&mut sim, &ground, scenario, planted, guest.clone(), mongod_orders);
        let (check, check_orders) = watch::channel(Orders::default());
        if checks {
            super::hosts::check(&mut sim, &ground, scenario, &cloud, check_orders);
        }
        let (errands, given) = watch::channel(Vec::new());
        if scenario.timeline.iter().any(|event| matches!(event.action, Action::Object(_))) {
            super::hosts::administrator(&mut sim, &ground, scenario, given);
        }
        if planted.answers.is_some() {
            relay::host(&mut sim, &ground, planted);
        }
        if world.saboteur {
            saboteur(&mut sim, &ground.trace);
        }
        // Where a key exists, its own customer's key wraps new ones; a first key has nothing to follow.
        let first_key = world.kms.keys.first().filter(|_| world.mongod.database == Database::Empty);
        let flags = ProxyOrders {
            cloud_provider: world.proxy.cloud_provider,
            kms_key: first_key.map(|name| cloud.account.key(name)),
        };
        Driver {
            scenario,
            sim,
            ground,
            cloud,
            endpoints,
            kept_files: KeptFiles::default(),
            times,
            writes,
            power_will_go: false,
            hanging: BTreeSet::new(),
            drawn,
            proxy,
            mongod,
            errands,
            check,
            flags,
            existing,
            guest,
        }
    }

    /// Plays to the end, epilogue included.
    pub(crate) fn play(mut self, seed: u64) -> Played {
        let mut broke = None;
        self.start_proxy();
        for index in 0..self.times.len() {
            let at = self.times[index];
            if let Err(why) = self.advance(at) {
                broke = Some(why);
                break;
            }
            self.fire(index);
        }
        let mut epilogue = self.scenario.end;
        if broke.is_none() {
            broke = self.advance(self.scenario.end).err();
        }
        if broke.is_none() {
            match self.epilogue() {
                Ok(started) => epilogue = started,
                Err(why) => broke = Some(why),
            }
        }
        self.over(seed, epilogue, broke)
    }

    /// Plays one start of mongod to its end, and nothing else of the scenario.
    pub(crate) fn start_once(mut self, seed: u64) -> Played {
        self.start_proxy();
        self.start_mongod(false);
        let broke = self.until_mongod_settles(self.scenario.end).err();
        let end = self.scenario.end;
        self.over(seed, end, broke)
    }

    fn over(mut self, seed: u64, epilogue: Duration, broke: Option<String>) -> Played {
        let trace = self.ground.trace.clone();
        let disk = &self.ground.disk;
        let files = disk.durable_paths().into_iter().filter_map(|path| disk.durable(&path).map(|bytes| (path, bytes)));
        Played {
            lane: Lane::Sim,
            peer: Peer { name: self.scenario.world.mongod.persona.clone(), tier: Tier::Simulated, proof: Vec::new() },
            seed,
            simulated: self.sim.elapsed(),
            drawn: std::mem::take(&mut self.drawn),
            fired: self.times.clone(),
            epilogue,
            existing: std::mem::take(&mut self.existing),
            disk: files.collect(),
            written: disk.written(&trace),
            unseen: &[],
            cloud: None,
            broke,
            digest: trace.digest(),
            semantic_digest: trace.semantic_digest(),
            // Dropping the simulation closes what is still open; that is no part of the run.
            events: trace.take(),
        }
    }

    /// Steps until a moment has come.
    fn advance(&mut self, to: Duration) -> Result<(), String> {
        while self.sim.elapsed() < to {
            self.step()?;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), String> {
        if let Some(guest) = &self.guest {
            guest.wait()?;
        }
        self.sim.step().map_err(|error| error.to_string())?;
        self.ground.clock.drive(self.sim.elapsed());
        if self.power_will_go && self.ground.disk.is_off() {
            self.power_cut();
        }
        Ok(())
    }

    fn fire(&mut self, index: usize) {
        let event = &self.scenario.timeline[index];
        self.note(event.line, &event.text);
        match &event.action {
            Action::Start(Process::Proxy) => self.start_proxy(),
            Action::StartProxy { cloud_provider, kms_key } => {
                if let Some(provider) = cloud_provider {
                    self.flags.cloud_provider = *provider;
                }
                if let Some(name) = kms_key {
                    self.flags.kms_key = Some(self.cloud.account.key(name));
                }
                self.start_proxy();
            }
            Action::Start(Process::Mongod) => self.start_mongod(false),
            Action::RotateMasterKey => self.start_mongod(true),
            Action::Stop(process) => self.stop(*process),
            Action::Crash(process) => self.crash(*process),
            Action::PowerCut { at_write: None } => self.power_cut(),
            Action::PowerCut { at_write: Some(_) } => {
                self.ground.disk.crash_at(CrashPoint::After(self.writes[&index]));
                self.power_will_go = true;
            }
            // Either way nothing passes between the two; what the proxy has asked of others goes on.
            Action::Stall(process) => self.stall(*process),
            Action::Resume(process) => self.resume(*process),
            Action::Endpoint { name, state } => {
                let drawn = self.endpoints.set(&mut self.sim, &self.cloud, name, state);
                self.drawn.extend(drawn.filter(|drawn| !self.drawn.contains(drawn)));
            }
            Action::Key { name, change } => self.told(self.cloud.account.change_key(name, *change, self.now())),
            Action::Role { trusted } => self.told(self.cloud.account.trust(*trusted)),
            Action::ExpireCredentials => self.cloud.account.expire(self.now()),
            Action::RenewCredentials => {
                self.cloud.account.renew(&self.scenario.world.credentials, self.now());
                self.hand_over();
            }
            Action::EditMetadata { region } => {
                if let Some(region) = region {
                    self.cloud.account.set_region(region);
                }
                self.edit_metadata();
            }
            Action::EditKeyFile { kms_key } => {
                kept_files::edit_key_files(&self.ground, &self.cloud.account.master_key(kms_key))
            }
            Action::File { file, change } => self.kept_files.change(&self.ground, *file, *change),
            Action::Disk { full } => self.ground.disk.fill(*full),
            Action::Object(change) => self.administer(*change),
            Action::Check => {
                let run = Some(self.flags.clone());
                self.check.send_modify(|orders| *orders = Orders { generation: orders.generation + 1, run });
            }
            Action::Skew { ahead, by } => self.ground.machine_clock.skew(*ahead, *by),
            Action::Pass(time) => self.ground.clock.pass(*time),
        }
    }

    /// The true time.
    fn now(&self) -> SystemTime {
        self.ground.clock.at(self.sim.elapsed())
    }

    /// Heals everything around, starts mongod once more, and waits until it opens or gives up.
    fn epilogue(&mut self) -> Result<Duration, String> {
        self.note(0, "everything around is healed, and mongod is started once more");
        self.endpoints.heal(&mut self.sim, &self.cloud);
        self.resume(Process::Mongod);
        self.resume(Process::Proxy);
        // A power cut that has not come by now does not come any more.
        self.power_will_go = false;
        self.ground.disk.power_on();
        if self.proxy.borrow().run.is_none() || !self.runs(Process::Proxy) {
            self.start_proxy();
        }
        self.stop(Process::Mongod);
        self.advance(self.sim.elapsed() + SETTLE)?;
        let started = self.sim.elapsed();
        self.start_mongod(false);
        self.until_mongod_settles(started + EPILOGUE)?;
        Ok(started)
    }

    /// Steps until mongod opens or gives up, or a moment has come.
    fn until_mongod_settles(&mut self, last: Duration) -> Result<(), String> {
        while self.sim.elapsed() < last {
            let seen = self.ground.trace.len();
            self.step()?;
            let settled = self.ground.trace.any_since(seen, |event| {
                event.host == "mongod"
                    && matches!(event.what, What::Process { state: ProcessState::Ready | ProcessState::Exited, .. })
            });
            if settled {
                break;
            }
        }
        Ok(())
    }

    fn start_proxy(&mut self) {
        self.revive(Process::Proxy);
        let run = Some(self.flags.clone());
        self.proxy.send_modify(|orders| *orders = Orders { generation: orders.generation + 1, run });
    }

    fn start_mongod(&mut self, rotate_master_key: bool) {
        self.revive(Process::Mongod);
        let run = Some(MongodOrders { rotate_master_key });
        self.mongod.send_modify(|orders| *orders = Orders { generation: orders.generation + 1, run });
    }

    /// Sends an administrator to the key with which the database is encrypted now.
    fn administer(&mut self, change: ObjectChange) {
        let Ok(Some(database)) = cast::Database::read(&self.ground.disk, machine::DBPATH.as_ref()) else {
            self.in_vain("there is no database yet, and so no master key".to_owned());
            return;
        };
        self.errands.send_modify(|errands| errands.push(Errand { change, object: database.key_identifier }));
    }

    fn stop(&mut self, process: Process) {
        match process {
            Process::Proxy => {
                self.proxy.send_modify(|orders| *orders = Orders { generation: orders.generation + 1, run: None })
            }
            Process::Mongod => {
                self.mongod.send_modify(|orders| *orders = Orders { generation: orders.generation + 1, run: None })
            }
        }
    }

    fn crash(&mut self, process: Process) {
        let host = process.as_str();
        // What is no more does not hang.
        self.resume(process);
        if let Some(guest) = self.guest.as_ref().filter(|_| process == Process::Mongod) {
            guest.cut_off();
        }
        self.sim.crash(host);
        self.stop(process);
        self.ground.trace.record(host, What::Process { state: ProcessState::Crashed, why: None });
        self.close_port();
    }

    /// Where the proxy is cut off, its port is closed, and the machine says so at once. A crashed host would let clients
    /// wait.
    fn close_port(&mut self) {
        if !self.sim.is_host_running(Process::Proxy.as_str()) {
            self.sim.partition_oneway(Process::Mongod.as_str(), Process::Proxy.as_str());
        }
    }

    /// Ends both processes, and the disk forgets what was not synced.
    fn power_cut(&mut self) {
        self.crash(Process::Mongod);
        self.crash(Process::Proxy);
        if let Some(guest) = &self.guest {
            guest.power_cut();
        }
        self.ground.disk.power_cut();
        self.ground.disk.power_on();
        self.power_will_go = false;
    }

    /// Lets nothing pass between mongod and the proxy while one of them hangs.
    fn stall(&mut self, process: Process) {
        if self.hanging.is_empty() {
            self.sim.hold(Process::Mongod.as_str(), Process::Proxy.as_str());
        }
        self.hanging.insert(process);
    }

    /// Lets a process go on. Everything passes again if the other one does not hang as well.
    fn resume(&mut self, process: Process) {
        if self.hanging.remove(&process) && self.hanging.is_empty() {
            self.sim.release(Process::Mongod.as_str(), Process::Proxy.as_str());
            self.close_port();
        }
    }

    /// Lets a crashed host take orders again.
    fn revive(&mut self, process: Process) {
        // A new process does not hang, and listens again.
        self.resume(process);
        let host = process.as_str();
        if !self.sim.is_host_running(host) {
            if process == Process::Proxy {
                self.sim.repair_oneway(Process::Mongod.as_str(), host);
            }
            self.sim.bounce(host);
        }
    }

    /// Whether a process runs: its host does, too, after it has ended by itself.
    fn runs(&self, process: Process) -> bool {
        let events = self.ground.trace.events();
        let last =
            events.iter().rev().filter(|event| event.host == process.as_str()).find_map(|event| match event.what {
                What::Process { state, .. } => Some(state),
                _ => None,
            });
        matches!(last, Some(ProcessState::Started | ProcessState::Ready))
    }

    /// Gives the proxy the credentials that are valid now, in the way in which it is given credentials.
    fn hand_over(&mut self) {
        if self.scenario.world.credentials.given_by == GivenBy::Flags {
            // New flags take a new start.
            self.start_proxy();
            return;
        }
        self.edit_metadata();
    }

    fn edit_metadata(&self) {
        snapshot::write_credentials(&self.ground, &self.scenario.world, &*self.cloud.account);
        kept_files::note(&self.ground, "edit", &machine::in_dbpath("cloudProviderCredentials"));
    }

    /// Whoever changes something in the cloud is told why it stays as it is.
    fn told(&self, changed: Result<(), String>) {
        if let Err(why) = changed {
            self.in_vain(why);
        }
    }

    /// Notes why a line of the timeline has changed nothing.
    fn in_vain(&self, text: String) {
        self.ground.trace.record("lab", What::Log { severity: 'W', id: None, text, attributes: Vec::new() });
    }

    fn note(&self, line: u32, text: &str) {
        self.ground.trace.record("lab", What::Action { line, text: text.to_owned() });
    }
}

fn draw_writes(scenario: &Scenario, entropy: &Entropy, drawn: &mut Vec<Drawn>) -> BTreeMap<usize, u64> {
    let mut writes = BTreeMap::new();
    for (index, event) in scenario.timeline.iter().enumerate() {
        let Action::PowerCut { at_write: Some(range) } = &event.action else { continue };
        let count = usize::try_from(range.end() - range.start() + 1).unwrap_or(usize::MAX);
        let number = range.start() + entropy.pick(&format!("write/{}", event.text), count) as u64;
        if count > 1 {
            let what = format!("the disk operation after which the power goes, line {}", event.line);
            drawn.push(Drawn { what, value: number.to_string() });
        }
        writes.insert(index, number);
    }
    writes
}

/// A host that writes down what no seed decides.
fn saboteur(sim: &mut Sim<'static>, trace: &Trace) {
    let trace = trace.clone();
    sim.host(SABOTEUR, move || {
        let trace = trace.clone();
        async move {
            use std::hash::{BuildHasher as _, RandomState};
            tokio::time::sleep(Duration::from_secs(1)).await;
            let text = format!("a number from nowhere: {:x}", RandomState::new().hash_one(0));
            trace.record(SABOTEUR, What::Log { severity: 'I', id: None, text, attributes: Vec::new() });
            Ok(())
        }
    });
}
