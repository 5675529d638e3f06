//! Says what a scenario must come to, from its world and its timeline alone.
//!
//! At the end the laboratory heals endpoints, what hangs and what does not run; keys, credentials, files, the disk,
//! clocks and flags stay as they are. So this fold follows what stays. Where a request may or may not have come through
//! (a first key, a rotation), it follows both ways, and where they end differently it knows nothing.
//!
//! It knows the clouds of AWS alone, which is all that is drawn; of a scenario of another cloud it knows nothing.
//!
//! Invariant: it shares nothing with the product or the checker, and guesses nothing: what is uncertain is `None`.

mod credentials;
mod customer_keys;
mod databases;
mod sure;

use std::time::Duration;

use self::credentials::Access;
use self::customer_keys::CustomerKeys;
use self::databases::{Databases, Standing};
use self::sure::Sure;
use crate::scenario::{Action, Database, EndpointState, Event, Outcome, Process, Provider, Scenario, World};

/// The client whose behaviour is known here.
const CLIENT: &str = "psmdb-8";

/// How far apart the clocks of a signer and of AWS may be (Signature Version 4: five minutes).
const WINDOW: Duration = Duration::from_secs(5 * 60);

/// A clock that was wrong by so much when certificates were made is noticed when it is right again.
const BACKDATED: Duration = Duration::from_secs(45 * 60);

/// How long a start or a rotation takes at most if nothing is in its way. The epilogue gives more.
const CALM: Duration = Duration::from_secs(8);

/// How long a request to change a key takes at most if nothing is in its way.
const ASKED: Duration = Duration::from_secs(2);

/// How long after the end the last start happens at the latest.
const EPILOGUE: Duration = Duration::from_secs(5);

/// What `final` must be, or `None` where it cannot be known.
pub fn foresee(scenario: &Scenario) -> Option<Outcome> {
    let world = &scenario.world;
    let known = matches!(world.provider, Provider::Aws | Provider::Local);
    if !known || world.mongod.persona != CLIENT || world.aws.replica.is_some() {
        return None;
    }
    let mut state = State::new(&scenario.world);
    for (index, event) in scenario.timeline.iter().enumerate() {
        let next = scenario.timeline.get(index + 1);
        let until = next.map_or(scenario.end, |next| next.at.earliest());
        state.meet(event, until.saturating_sub(event.at.latest()));
    }
    state.epilogue(scenario.end)
}

/// A moment by everybody's wall clock, which `pass` moves: no earlier, no later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment {
    earliest: Duration,
    latest: Duration,
}

impl Moment {
    /// Whether it has come to another moment.
    fn reaches(self, limit: Moment) -> Sure {
        match () {
            () if self.earliest >= limit.latest => Sure::Yes,
            () if self.latest < limit.earliest => Sure::No,
            () => Sure::Perhaps,
        }
    }

    fn after(self, time: Duration) -> Moment {
        Moment { earliest: self.earliest + time, latest: self.latest + time }
    }
}

/// Whether a database is one of those that were made.
fn made_by(made: &[(Standing, Sure)], standing: &Standing) -> bool {
    made.iter().any(|(one, _)| one == standing)
}

/// Everything that stays, as far as it is known.
struct State<'a> {
    world: &'a World,
    /// What `pass` has added to wall clocks.
    passed: Duration,
    now: Moment,
    keys: CustomerKeys,
    access: Access<'a>,
    databases: Databases,
    flags: Flags,
    /// By how much the machine's clock is off, in whichever direction.
    skew: Duration,
    full: bool,
    /// The proxy was started where it may have been unable to write its certificates, or with a clock that is wrong.
    unsound_start: bool,
    /// What mongod may still be trying to do, if it was started and nobody ended it.
    under_way: Option<Work>,
    /// The keys that a rotation under way may have read already: whatever happens to their files then is too late.
    read: Vec<Standing>,
    calm: Calm,
}

/// The proxy's flags as they are now.
#[derive(Clone)]
struct Flags {
    provider: Provider,
    kms_key: Option<String>,
}

/// What a start of mongod makes of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Start,
    Rotation,
}

/// What could be in the way of a request and heals in the end.
#[derive(Default)]
struct Calm {
    disturbed: Vec<String>,
    proxy_down: bool,
    stalled: Vec<Process>,
    power_will_go: bool,
}

impl Calm {
    fn goes_on(&mut self, process: Process) {
        self.stalled.retain(|stalled| *stalled != process);
    }

    fn is_calm(&self) -> bool {
        self.disturbed.is_empty() && !self.proxy_down && self.stalled.is_empty() && !self.power_will_go
    }
}

impl<'a> State<'a> {
    fn new(world: &'a World) -> Self {
        let empty = world.mongod.database == Database::Empty;
        // A first key is wrapped by the first key of the world; later ones follow the newest.
        let kms_key = world.kms.keys.first().filter(|_| empty).cloned();
        State {
            world,
            passed: Duration::ZERO,
            now: Moment { earliest: Duration::ZERO, latest: Duration::ZERO },
            keys: CustomerKeys::new(&world.kms.keys),
            access: Access::new(world),
            databases: Databases::new(world),
            flags: Flags { provider: world.proxy.cloud_provider, kms_key },
            skew: Duration::ZERO,
            full: false,
            unsound_start: false,
            under_way: None,
            read: Vec::new(),
            calm: Calm::default(),
        }
    }

    fn at(&mut self, earliest: Duration, latest: Duration) {
        self.now = Moment { earliest: earliest + self.passed, latest: latest + self.passed };
    }

    /// One event, and how long nothing else happens after it.
    fn meet(&mut self, event: &Event, quiet: Duration) {
        self.at(event.at.earliest(), event.at.latest());
        // What is under way may come through before the event, and after it.
        self.come_through();
        self.change(&event.action);
        if let Action::Object(change) = &event.action {
            // It is asked for over KMIP, and whatever is in the way may keep it from coming through.
            let alone = self.under_way != Some(Work::Rotation);
            let free = quiet >= ASKED && self.calm.is_calm() && alone && !self.full;
            self.databases.change_object(*change, self.flags.provider, free && !self.unsound_start);
        }
        self.come_through();
        if let Action::Start(Process::Mongod) | Action::RotateMasterKey = event.action
            && quiet >= CALM
            && self.calm.is_calm()
        {
            self.surely_comes_through();
        }
    }

    fn change(&mut self, action: &Action) {
        match action {
            Action::Start(Process::Mongod) => self.start_mongod(Work::Start),
            Action::RotateMasterKey => self.start_mongod(Work::Rotation),
            Action::Start(Process::Proxy) => self.start_proxy(),
            Action::StartProxy { cloud_provider, kms_key } => {
                self.flags.provider = cloud_provider.unwrap_or(self.flags.provider);
                self.flags.kms_key = kms_key.clone().or(self.flags.kms_key.take());
                self.start_proxy();
            }
            Action::Stop(Process::Mongod) | Action::Crash(Process::Mongod) => self.under_way = None,
            Action::Stop(Process::Proxy) | Action::Crash(Process::Proxy) => self.end_proxy(),
            Action::PowerCut { at_write: None } => {
                self.under_way = None;
                self.calm.power_will_go = false;
                self.end_proxy();
            }
            // When it goes, if it does, is not known; what is under way may be cut off or not.
            Action::PowerCut { at_write: Some(_) } => {
                self.calm.power_will_go = true;
                self.access.sessions_may_end();
            }
            Action::Stall(process) => self.calm.stalled.push(*process),
            Action::Resume(process) => self.calm.goes_on(*process),
            Action::Endpoint { name, state } => {
                self.calm.disturbed.retain(|other| other != name);
                if *state != EndpointState::Available {
                    self.calm.disturbed.push(name.clone());
                }
            }
            Action::Key { name, change } => self.keys.change(name, *change, self.now),
            Action::Role { trusted } => self.access.trust(*trusted),
            Action::ExpireCredentials => self.access.expire(self.now),
            Action::RenewCredentials => {
                self.access.renew(self.now);
                if self.access.by_flags() {
                    self.start_proxy();
                } else {
                    self.databases.write_metadata(self.access.current());
                }
            }
            Action::EditMetadata { region } => {
                // Another region is another world of keys.
                self.unsound_start |= region.as_ref().is_some_and(|region| *region != self.world.aws.region);
                self.databases.write_metadata(self.access.current());
            }
            Action::EditKeyFile { kms_key } => self.databases.edit_key_files(kms_key),
            Action::File { file, change } => self.databases.change_files(*file, *change),
            Action::Disk { full } => self.full = *full,
            // How surely it comes through depends on what happens next.
            Action::Object(_) => {}
            // It reads everything and changes nothing.
            Action::Check => {}
            Action::Skew { by, .. } => self.skew = *by,
            Action::Pass(time) => {
                self.passed += *time;
                self.now = self.now.after(*time);
                self.access.pass(*time);
            }
        }
    }

    fn start_mongod(&mut self, work: Work) {
        // A new process does not hang.
        self.calm.goes_on(Process::Mongod);
        self.under_way = Some(work);
        self.read.clear();
    }

    fn start_proxy(&mut self) {
        self.end_proxy();
        self.calm.proxy_down = false;
        self.calm.goes_on(Process::Proxy);
        self.unsound_start |= self.full || self.skew >= BACKDATED;
    }

    fn end_proxy(&mut self) {
        self.calm.proxy_down = true;
        self.access.sessions_end();
    }

    /// Every way in which what is under way may come through now is followed from here on, beside the ways in which it
    /// does not.
    fn come_through(&mut self) {
        let Some(work) = self.under_way else { return };
        self.access.session_may_begin();
        for standing in self.databases.all() {
            if work == Work::Rotation && self.reads(standing) != Sure::No && !self.read.contains(standing) {
                self.read.push(standing.clone());
            }
        }
        let made = self.made(work);
        self.databases.may_become(made.into_iter().filter(|(_, sure)| *sure != Sure::No).map(|(made, _)| made));
    }

    /// Nothing was in the way: where it is certain that a key was made, nothing else is followed any more.
    fn surely_comes_through(&mut self) {
        let Some(work) = self.under_way else { return };
        let made = self.made(work);
        let begin = |standing: &Standing| self.can_begin(work, standing) == Sure::Yes || made_by(&made, standing);
        if let [(one, Sure::Yes)] = made.as_slice()
            && self.databases.all().iter().all(begin)
        {
            self.databases.become_surely(one.clone());
        }
        // Both are done once: a rotation ends by itself, and a database with a key makes no other.
        self.under_way = None;
    }

    /// The databases that the work may lead to, and how surely it leads there from where it can begin.
    fn made(&self, work: Work) -> Vec<(Standing, Sure)> {
        let mut made: Vec<(Standing, Sure)> = Vec::new();
        let mut beginnings: Vec<&Standing> = self.databases.all().iter().collect();
        beginnings.extend(self.read.iter().filter(|standing| !self.databases.all().contains(standing)));
        for standing in beginnings {
            let begins = match self.can_begin(work, standing) {
                Sure::No if self.read.contains(standing) => Sure::Perhaps,
                begins => begins,
            };
            if begins == Sure::No {
                continue;
            }
            for cmk in self.wrapping_keys(standing) {
                let sure = begins.and(self.wraps(cmk.as_deref(), standing));
                let new = Standing::made(self.flags.provider, cmk, self.world.mongod.activate_keys);
                match made.iter_mut().find(|(other, _)| *other == new) {
                    Some((_, other)) => *other = other.or(sure),
                    None => made.push((new, sure)),
                }
            }
        }
        made
    }

    /// Whether the work makes a key where the database is like this.
    fn can_begin(&self, work: Work, standing: &Standing) -> Sure {
        match (work, standing) {
            (Work::Start, Standing::Empty) => Sure::Yes,
            (Work::Rotation, Standing::Keyed(_)) => self.reads(standing),
            _ => Sure::No,
        }
    }

    /// The customer's keys that may wrap the next key.
    fn wrapping_keys(&self, standing: &Standing) -> Vec<Option<String>> {
        if self.flags.provider != Provider::Aws {
            return vec![None];
        }
        if self.flags.kms_key.is_some() {
            return vec![self.flags.kms_key.clone()];
        }
        // The newest key is followed, and which of those in the snapshot that is depends on their identifiers.
        let mut names = vec![standing.named_cmk()];
        names.extend(self.world.snapshot.others.iter().cloned().map(Some));
        names.dedup();
        names
    }

    /// Whether a new key can be wrapped and kept.
    fn wraps(&self, cmk: Option<&str>, standing: &Standing) -> Sure {
        let cloud = match self.flags.provider {
            Provider::Local => Sure::from(self.world.snapshot.provider == Provider::Local),
            Provider::Aws => cmk.map_or(Sure::No, |cmk| self.opens_at_aws(cmk)),
            Provider::Azure | Provider::Gcp => Sure::No,
        };
        let lenders = self.databases.lenders(standing);
        cloud.and(self.access.usable(&lenders, self.flags.provider, self.now)).and(Sure::from(!self.full))
    }

    /// Whether a key can be read, whatever its state.
    fn reads(&self, standing: &Standing) -> Sure {
        let Standing::Keyed(key) = standing else { return Sure::No };
        let cloud = match (key.provider == self.flags.provider, key.cmk.as_deref()) {
            (false, _) => Sure::No,
            (true, Some(cmk)) => self.opens_at_aws(cmk),
            (true, None) => Sure::Yes,
        };
        let metadata = self.databases.metadata(standing);
        cloud.and(Sure::from(key.is_readable())).and(self.access.usable(&[metadata], key.provider, self.now))
    }

    /// Whether AWS wraps and opens with a key, for whoever has the right credentials.
    fn opens_at_aws(&self, cmk: &str) -> Sure {
        let endpoints = &self.world.kms.endpoints;
        let required = self.world.proxy.require_private_networking;
        if required && !endpoints.iter().any(|endpoint| endpoint.private) {
            return Sure::No;
        }
        let usable: Vec<bool> =
            endpoints.iter().map(|endpoint| endpoint.private).filter(|private| *private || !required).collect();
        let privately = match usable.as_slice() {
            [] => Sure::No,
            [first, ..] if *first => Sure::Yes,
            ways if ways.contains(&true) => Sure::Perhaps,
            _ => Sure::No,
        };
        self.keys.usable(cmk, privately).and(Sure::from(self.skew <= WINDOW))
    }

    /// What the last start finds.
    fn epilogue(mut self, end: Duration) -> Option<Outcome> {
        self.at(end, end + EPILOGUE);
        if self.calm.proxy_down {
            self.start_proxy();
        } else if self.calm.power_will_go {
            // It may have gone, and the proxy with it.
            self.access.sessions_may_end();
            self.unsound_start |= self.full || self.skew >= BACKDATED;
        }
        if self.unsound_start || self.databases.unclear {
            return None;
        }
        let opens = |standing: &Standing| match standing {
            Standing::Empty => self
                .wrapping_keys(standing)
                .iter()
                .fold(Sure::No, |sure, cmk| sure.or(self.wraps(cmk.as_deref(), standing))),
            Standing::Keyed(key) => self.reads(standing).and(key.may_be_used(self.world.mongod.activate_keys)),
        };
        let found: Vec<Sure> = self.databases.all().iter().map(opens).collect();
        match () {
            () if found.iter().all(|sure| *sure == Sure::Yes) => Some(Outcome::Opens),
            () if found.iter().all(|sure| *sure == Sure::No) => Some(Outcome::StaysClosed),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests;
