//! Runs written by hand, for the tests of this room: a scenario of a few lines, and what happens after each.

use std::time::Duration;

use super::Transcript;
use crate::scenario::{self, Scenario};
use crate::trace::{Event, Fingerprint, ProcessState, What};

/// A run that is being written.
#[derive(Clone)]
pub(super) struct Sketch {
    scenario: Scenario,
    events: Vec<Event>,
    now: Duration,
    exchange: u64,
}

/// The lines of every sketch: a moment and words each. The third and the fourth are of one moment.
const LINES: [(u32, u64, &str); 4] = [
    (7, 1, "start = \"mongod\""),
    (8, 10, "disable = \"cmk-1\""),
    (9, 20, "enable = \"cmk-1\""),
    (10, 20, "start = \"mongod\""),
];

impl Sketch {
    /// A run in which nothing has happened yet.
    pub(super) fn new() -> Self {
        let lines: String = LINES.iter().map(|(_, at, text)| format!("  {{ at = \"{at}s\", {text} }},\n")).collect();
        let text = format!(
            "format = \"1.0\"\ntitle = \"A sketch\"\nwhy = \"To be compared.\"\nend = \"60s\"\nfinal = \"opens\"\n\
             timeline = [\n{lines}]\n"
        );
        let scenario = scenario::load("sketch.toml", "sketches", text.as_bytes())
            .unwrap_or_else(|error| panic!("{}", error.render(false)));
        Sketch { scenario, events: Vec::new(), now: Duration::ZERO, exchange: 0 }
    }

    /// Moves to a moment, in milliseconds.
    pub(super) fn at(mut self, milliseconds: u64) -> Self {
        self.now = Duration::from_millis(milliseconds);
        self
    }

    /// Something happens on a host.
    pub(super) fn event(mut self, host: &str, what: What) -> Self {
        let ordinal = self.events.len() as u64;
        self.events.push(Event { at: self.now, ordinal, host: host.to_owned(), what });
        self
    }

    /// A line of the timeline fires, by its number from 0.
    pub(super) fn fire(self, index: usize) -> Self {
        let (line, at, text) = LINES[index];
        self.at(at * 1000).event("lab", What::Action { line, text: text.to_owned() })
    }

    /// Everything is healed.
    pub(super) fn epilogue(self) -> Self {
        self.at(60_000).event("lab", What::Action { line: 0, text: "everything is healed".to_owned() })
    }

    /// A process changes state.
    pub(super) fn process(self, host: &str, state: ProcessState) -> Self {
        self.event(host, What::Process { state, why: None })
    }

    /// A process ends by itself.
    pub(super) fn ends(self, host: &str, why: &str) -> Self {
        self.event(host, What::Process { state: ProcessState::Exited, why: Some(why.to_owned()) })
    }

    /// mongod sends a request that names a key.
    pub(super) fn ask(mut self, operation: &str, key: &str) -> Self {
        self.exchange += 1;
        let what = What::Request {
            exchange: self.exchange,
            operations: vec![operation.to_owned()],
            version: "1.0".to_owned(),
            key: Some(key.to_owned()),
            maximum_response_size: None,
            length: 100,
        };
        self.event("mongod", what)
    }

    /// It is answered: `ok`, or a reason.
    pub(super) fn answer(self, operation: &str, key: &str, outcome: &str) -> Self {
        self.answer_with(operation, key, outcome, None)
    }

    /// It is answered with key material.
    pub(super) fn answer_with(self, operation: &str, key: &str, outcome: &str, material: Option<&str>) -> Self {
        let ok = outcome == "ok";
        let what = What::Answer {
            exchange: self.exchange,
            operation: Some(operation.to_owned()),
            version: "1.0".to_owned(),
            key: ok.then(|| key.to_owned()),
            status: if ok { "Success" } else { "OperationFailed" }.to_owned(),
            reason: (!ok).then(|| outcome.to_owned()),
            message: (!ok).then(|| "in words of its own".to_owned()),
            state: None,
            material: material.map(|material| Fingerprint(material.to_owned())),
            younger: Vec::new(),
            length: 100,
            after: Duration::from_millis(10),
        };
        self.event("mongod", what)
    }

    /// A request and its answer, with the call that it leads to.
    pub(super) fn get(self, key: &str, outcome: &str) -> Self {
        let status = if outcome == "ok" { None } else { Some("DisabledException") };
        self.ask("Get", key).call("public", "Decrypt", status).answer("Get", key, outcome)
    }

    /// A cloud answers a call: well, or with a code.
    pub(super) fn call(self, endpoint: &str, operation: &str, code: Option<&str>) -> Self {
        let what = What::Call {
            service: "kms".to_owned(),
            operation: operation.to_owned(),
            cmk: Some("arn".to_owned()),
            principal: None,
            status: if code.is_some() { 400 } else { 200 },
            code: code.map(str::to_owned),
        };
        self.event(endpoint, what)
    }

    /// The operator is told of a failure.
    pub(super) fn tell(self, class: &str) -> Self {
        let text = format!("error[{class}]: in words");
        self.event("proxy", What::Operator { class: Some(class.to_owned()), key: None, text })
    }

    /// The first start of mongod, in which all is well.
    pub(super) fn opened(self, key: &str) -> Self {
        self.process("mongod", ProcessState::Started).get(key, "ok").process("mongod", ProcessState::Ready)
    }

    /// What it comes to.
    pub(super) fn transcript(&self) -> Transcript {
        Transcript::of_log(Some(&self.scenario), &self.events)
    }
}
