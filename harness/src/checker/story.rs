//! Runs written by hand, for the tests of judges: a scenario, and events at moments.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::{INVARIANTS, Judgement, Run, judge};
use crate::scenario::{self, Scenario};
use crate::trace::{Event, Fingerprint, Lane, Peer, Played, ProcessState, Tier, Unseen, What, Written};

/// The key that every story is about.
pub(super) const KEY: &str = "key-1";

/// A run that is being written.
pub(super) struct Story {
    scenario: Scenario,
    played: Played,
    now: Duration,
    exchange: u64,
    sent: Duration,
    operation: String,
}

impl Story {
    /// A run of a scenario whose file has these lines besides what every file needs.
    pub(super) fn of(lines: &str, timeline: &str) -> Self {
        let text = format!(
            "format = \"1.0\"\ntitle = \"A story\"\nwhy = \"To be judged.\"\nend = \"60s\"\n{lines}\n\
             timeline = [\n{timeline}\n]\n"
        );
        let scenario = scenario::load("story.toml", "stories", text.as_bytes())
            .unwrap_or_else(|error| panic!("{}", error.render(false)));
        let played = Played {
            lane: Lane::Sim,
            peer: Peer { name: "psmdb-8".to_owned(), tier: Tier::Simulated, proof: Vec::new() },
            seed: 1,
            events: Vec::new(),
            digest: String::new(),
            semantic_digest: String::new(),
            simulated: Duration::from_secs(80),
            drawn: Vec::new(),
            fired: vec![Duration::from_secs(1); scenario.timeline.len()],
            epilogue: Duration::from_secs(60),
            existing: BTreeMap::from([(KEY.to_owned(), material(KEY))]),
            disk: BTreeMap::new(),
            written: Vec::new(),
            unseen: &[],
            cloud: None,
            broke: None,
        };
        let (now, sent) = (Duration::ZERO, Duration::ZERO);
        Story { scenario, played, now, exchange: 0, sent, operation: String::new() }
    }

    /// A run of a scenario that opens, and in which nothing goes wrong.
    pub(super) fn plain() -> Self {
        Story::of("final = \"opens\"", "  { at = \"1s\", start = \"mongod\" },")
    }

    /// It was played in a lane.
    pub(super) fn in_lane(mut self, lane: Lane) -> Self {
        self.played.lane = lane;
        self
    }

    /// Moves to a moment, in milliseconds.
    pub(super) fn at(mut self, milliseconds: u64) -> Self {
        self.now = Duration::from_millis(milliseconds);
        self
    }

    /// Something happens on a host.
    pub(super) fn event(mut self, host: &str, what: What) -> Self {
        let ordinal = self.played.events.len() as u64;
        self.played.events.push(Event { at: self.now, ordinal, host: host.to_owned(), what });
        self
    }

    /// A process changes state.
    pub(super) fn process(self, host: &str, state: ProcessState) -> Self {
        self.event(host, What::Process { state, why: None })
    }

    /// mongod asks, in KMIP 1.0, and takes answers of up to 8192 bytes.
    pub(super) fn ask(mut self, operation: &str) -> Self {
        self.exchange += 1;
        self.sent = self.now;
        self.operation = operation.to_owned();
        let what = What::Request {
            exchange: self.exchange,
            operations: vec![operation.to_owned()],
            version: "1.0".to_owned(),
            // Who makes a key, or looks for one, cannot name it.
            key: (!matches!(operation, "Register" | "Create" | "Locate")).then(|| KEY.to_owned()),
            maximum_response_size: Some(8192),
            length: 100,
        };
        self.event("mongod", what)
    }

    /// mongod reads an answer of success, which the closure may change.
    pub(super) fn succeed(self, change: impl FnOnce(&mut AnswerParts)) -> Self {
        let mut parts = AnswerParts { key: Some(KEY.to_owned()), ..AnswerParts::default() };
        change(&mut parts);
        self.answer(parts)
    }

    /// mongod reads an answer of failure, which the closure may change.
    pub(super) fn fail(self, reason: &str, change: impl FnOnce(&mut AnswerParts)) -> Self {
        let mut parts = AnswerParts {
            status: "OperationFailed",
            reason: Some(reason.to_owned()),
            message: Some("why it failed".to_owned()),
            ..AnswerParts::default()
        };
        change(&mut parts);
        self.answer(parts)
    }

    fn answer(self, parts: AnswerParts) -> Self {
        let what = What::Answer {
            exchange: self.exchange,
            operation: parts
                .has_operation
                .then(|| parts.operation.map_or_else(|| self.operation.clone(), str::to_owned)),
            version: parts.version.to_owned(),
            key: parts.key,
            status: parts.status.to_owned(),
            reason: parts.reason,
            message: parts.message,
            state: parts.state,
            material: parts.material,
            younger: parts.younger,
            length: parts.length,
            after: self.now - self.sent,
        };
        self.event("mongod", what)
    }

    /// mongod gives up on the answer.
    pub(super) fn give_up(self) -> Self {
        let exchange = self.exchange;
        self.event("mongod", What::NoAnswer { exchange, why: "timed out".to_owned() })
    }

    /// A cloud opens key material.
    pub(super) fn grant(self, of: &str) -> Self {
        self.event(
            "public",
            What::Grant { provider: "aws".to_owned(), cmk: "cmk-1".to_owned(), material: material(of) },
        )
    }

    /// The proxy tries to connect to KMS.
    pub(super) fn connect(self, to: &str, service: &str, private: bool) -> Self {
        let (to, service) = (to.to_owned(), service.to_owned());
        self.event("proxy", What::Connect { connection: 1, to, service, private, error: None })
    }

    /// The lab does something: a line of the timeline fires.
    pub(super) fn action(self, text: &str) -> Self {
        self.event("lab", What::Action { line: 1, text: text.to_owned() })
    }

    /// A program does something to a file.
    pub(super) fn touch(self, host: &str, operation: &str, path: &str) -> Self {
        self.event(host, What::File { operation: operation.to_owned(), path: path.to_owned() })
    }

    /// A program wrote a file, in which these secrets stand.
    pub(super) fn written(mut self, host: &str, path: &str, secrets: &[&str]) -> Self {
        let secrets = secrets.iter().map(|name| (*name).to_owned()).collect();
        self.played.written.push(Written { host: host.to_owned(), path: PathBuf::from(path), secrets });
        self
    }

    /// The server does not close the connection of the last exchange.
    pub(super) fn not_closed(self) -> Self {
        let exchange = self.exchange;
        self.event("mongod", What::NotClosed { exchange, why: "still open".to_owned() })
    }

    /// What lies on the disk in the end.
    pub(super) fn file(mut self, path: &str, content: &str) -> Self {
        self.played.disk.insert(PathBuf::from(path), content.as_bytes().to_vec());
        self
    }

    /// The world of the run does not see such things.
    pub(super) fn without_seeing(mut self, what: &'static [Unseen]) -> Self {
        self.played.unseen = what;
        self
    }

    /// No key existed before the run.
    pub(super) fn without_existing(mut self) -> Self {
        self.played.existing.clear();
        self
    }

    /// When a line of the timeline fired, in milliseconds.
    pub(super) fn fired(mut self, index: usize, milliseconds: u64) -> Self {
        self.played.fired[index] = Duration::from_millis(milliseconds);
        self
    }

    /// Whether a process hung for some time between two moments.
    pub(super) fn stalled(&self, from: Duration, to: Duration) -> bool {
        Run { scenario: &self.scenario, played: &self.played }.stalled(from, to)
    }

    /// What one invariant finds: how often it was exercised, and what is broken.
    pub(super) fn found(&self, id: &str) -> (u64, Vec<String>) {
        let invariant = INVARIANTS.iter().find(|invariant| invariant.id == id).expect("the invariant exists");
        let found = (invariant.judge)(&Run { scenario: &self.scenario, played: &self.played });
        (found.exercised, found.broken)
    }

    /// Of each exchange: the events until its end, its answers, and whether its client gave up.
    pub(super) fn exchanges(&self) -> Vec<(usize, usize, bool)> {
        let run = Run { scenario: &self.scenario, played: &self.played };
        let count = |exchange: super::Exchange<'_>| {
            (exchange.between.len(), exchange.answers.len(), exchange.gave_up.is_some())
        };
        run.exchanges().into_iter().map(count).collect()
    }

    /// The whole judgement.
    pub(super) fn judged(&self) -> Judgement {
        judge(&self.scenario, &self.played)
    }
}

/// What an answer says, as far as judges look.
pub(super) struct AnswerParts {
    pub(super) has_operation: bool,
    /// What it says instead of the operation that was asked for.
    pub(super) operation: Option<&'static str>,
    pub(super) version: &'static str,
    pub(super) key: Option<String>,
    pub(super) status: &'static str,
    pub(super) reason: Option<String>,
    pub(super) message: Option<String>,
    pub(super) state: Option<String>,
    pub(super) material: Option<Fingerprint>,
    pub(super) younger: Vec<String>,
    pub(super) length: usize,
}

impl Default for AnswerParts {
    fn default() -> Self {
        AnswerParts {
            has_operation: true,
            operation: None,
            version: "1.0",
            key: None,
            status: "Success",
            reason: None,
            message: None,
            state: None,
            material: None,
            younger: Vec::new(),
            length: 200,
        }
    }
}

/// The fingerprint of a key's material.
pub(super) fn material(key: &str) -> Fingerprint {
    Fingerprint(format!("the material of {key}"))
}
