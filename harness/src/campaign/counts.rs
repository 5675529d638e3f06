//! What a run exercised, read from its trace: classes of failure, states of endpoints, the persona, verbs.
//!
//! The words come from the tables that the scenario files and the product use, so that a new class, state, persona or
//! verb is counted from its first run on, and shown as zero before.
//!
//! Invariant: counting is a function of the scenario and the played run, and changes neither.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use kmip_proxy::kms::Class;

use crate::report::Counts;
use crate::scenario::{Action, EndpointState, PERSONAS, Scenario, VERBS};
use crate::trace::{Event, Played, What};
use crate::world::{self, CloudEndpoint};

/// Every word, each with zero.
pub fn words() -> Counts {
    fn zeros<'a>(words: impl Iterator<Item = &'a str>) -> BTreeMap<String, u64> {
        words.map(|word| (word.to_owned(), 0)).collect()
    }
    Counts {
        classes: zeros(Class::ALL.iter().map(|class| class.code())),
        endpoints: zeros(EndpointState::NAMES.iter().copied()),
        personas: zeros(PERSONAS.iter().copied()),
        verbs: zeros(VERBS.iter().copied()),
    }
}

/// What one run exercised; what it did not is left out.
pub fn counts(scenario: &Scenario, played: &Played) -> Counts {
    let mut counts = Counts::default();
    once_more(&mut counts.personas, &scenario.world.mongod.persona);
    let mut endpoints = Endpoints::new(scenario);
    for event in &played.events {
        match &event.what {
            // The laboratory's own line: everything around is healed.
            What::Action { line: 0, .. } => endpoints.heal(),
            What::Action { line, text } => {
                let fired = scenario.timeline.iter().find(|event| event.line == *line && event.text == *text);
                if let Some(fired) = fired {
                    once_more(&mut counts.verbs, fired.verb);
                    if let Action::Endpoint { name, state } = &fired.action {
                        endpoints.set(name, state.name());
                    }
                }
            }
            What::Operator { class: Some(class), .. } => once_more(&mut counts.classes, class),
            _ => {}
        }
        if let Some(state) = endpoints.met(event) {
            once_more(&mut counts.endpoints, state);
        }
    }
    counts
}

fn once_more(counts: &mut BTreeMap<String, u64>, word: &str) {
    match counts.get_mut(word) {
        Some(times) => *times += 1,
        None => drop(counts.insert(word.to_owned(), 1)),
    }
}

/// The endpoints of a world while its trace is read: where each is, and in which state.
struct Endpoints<'a> {
    all: Vec<CloudEndpoint>,
    states: BTreeMap<&'a str, &'static str>,
}

impl<'a> Endpoints<'a> {
    fn new(scenario: &Scenario) -> Self {
        let mut all = world::endpoints(&scenario.world);
        all.retain(|endpoint| endpoint.service == "kms");
        Endpoints { all, states: BTreeMap::new() }
    }

    fn heal(&mut self) {
        self.states.clear();
    }

    fn set(&mut self, name: &'a str, state: &'static str) {
        self.states.insert(name, state);
    }

    /// The state that the proxy met, if the event is an attempt of the proxy to reach an endpoint. An attempt that fails
    /// already at the name is one, too.
    fn met(&self, event: &Event) -> Option<&'static str> {
        if event.host != "proxy" {
            return None;
        }
        let endpoint = match &event.what {
            What::Resolve { name, answer: Err(_) } => {
                self.all.iter().find(|endpoint| endpoint.by_name && endpoint.server == *name)?
            }
            // A second event of the same connection says that it failed.
            What::Connect { to, error: None, .. } => {
                let to: SocketAddr = to.parse().ok()?;
                self.all.iter().find(|endpoint| endpoint.address == to.ip())?
            }
            _ => return None,
        };
        let state = self.states.get(endpoint.name.as_str()).copied();
        Some(state.unwrap_or(EndpointState::Available.name()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scenario;
    use crate::world::sim::{self, Planted};

    fn scenario(endpoints: &str, timeline: &str) -> Scenario {
        let text = format!(
            "format = \"1.0\"\ntitle = \"A story\"\nwhy = \"To be counted.\"\nend = \"20s\"\nfinal = \"opens\"\n\
             world.kms = {{ endpoints = [{endpoints}] }}\ntimeline = [\n{timeline}\n]\n"
        );
        scenario::load("story.toml", "stories", text.as_bytes()).unwrap_or_else(|e| panic!("{}", e.render(false)))
    }

    fn of(scenario: &Scenario) -> Counts {
        counts(scenario, &sim::play(scenario, 1, &Planted::default()))
    }

    fn map(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
        pairs.iter().map(|(word, times)| ((*word).to_owned(), *times)).collect()
    }

    #[test]
    fn a_run_counts_the_states_that_its_proxy_met_and_the_epilogue_finds_all_well() {
        let scenario = scenario(
            "\"private-a\", \"public\"",
            "{ at = \"1s\", refuse = \"private-a\" },\n{ at = \"2s\", reject = \"public\" },\n{ at = \"3s\", start = \"mongod\" },",
        );
        let counts = of(&scenario);
        assert_eq!(counts.verbs, map(&[("refuse", 1), ("reject", 1), ("start", 1)]));
        assert_eq!(counts.personas, map(&[("psmdb-8", 1)]));
        assert_eq!(counts.classes, map(&[("endpoint-unreachable", 1)]));
        // In the epilogue the first endpoint is there, and the second one is not asked.
        assert_eq!(counts.endpoints.get("available"), Some(&1), "{counts:?}");
        assert!(counts.endpoints.contains_key("refusing") && counts.endpoints.contains_key("rejected"), "{counts:?}");
    }

    #[test]
    fn a_state_that_nobody_met_is_not_counted() {
        let timeline = "{ at = \"1s\", start = \"mongod\" },\n{ at = \"10s\", reset = \"private-a\" },";
        let counts = of(&scenario("\"private-a\"", timeline));
        assert_eq!(counts.verbs.get("reset"), Some(&1));
        assert!(!counts.endpoints.contains_key("resetting"), "{counts:?}");
    }

    #[test]
    fn a_name_that_is_not_found_meets_the_state_and_other_hosts_do_not() {
        let scenario = scenario("\"private-a\", \"private-a-2\"", "{ at = \"1s\", refuse = \"private-a-2\" },");
        let mut played = sim::play(&scenario, 1, &Planted::default());
        let action = What::Action { line: scenario.timeline[0].line, text: scenario.timeline[0].text.clone() };
        let lost = |host: &str, name: &str| {
            (host.to_owned(), What::Resolve { name: name.to_owned(), answer: Err("no".into()) })
        };
        let events = [
            ("lab".to_owned(), action),
            lost("proxy", "vpce-a-2-lab.kms.us-east-1.vpce.amazonaws.com"),
            lost("proxy", "sts.us-east-1.amazonaws.com"),
            lost("mongod", "vpce-a-lab.kms.us-east-1.vpce.amazonaws.com"),
            lost("proxy", "vpce-a-lab.kms.us-east-1.vpce.amazonaws.com"),
        ];
        let events = (0..).zip(events).map(|(ordinal, (host, what))| Event { at: Duration::ZERO, ordinal, host, what });
        played.events = events.collect();
        assert_eq!(counts(&scenario, &played).endpoints, map(&[("available", 1), ("refusing", 1)]));
    }

    #[test]
    fn every_word_of_a_run_stands_in_the_tables() {
        let words = words();
        assert_eq!((words.classes.len(), words.verbs.len()), (Class::ALL.len(), VERBS.len()));
        assert_eq!((words.endpoints.len(), words.personas.len()), (EndpointState::NAMES.len(), PERSONAS.len()));
        let mut sum = words.clone();
        sum.add(&of(&scenario("\"private-a\"", "{ at = \"1s\", start = \"mongod\" },")));
        assert_eq!(sum.zeroed(), words);
    }
}
