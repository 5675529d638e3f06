//! From events to facts.
//!
//! First pass: windows open as lines fire; requests meet their answers; calls and classes are put to the exchange that
//! led to them. Second pass: polls that heard nothing new are taken out. Last: repetitions are taken out, actor by actor,
//! and what is left is put into its windows.
//!
//! Invariant: a fact stands where its outcome was known: an exchange at its answer, not at its request.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::rules::{AFTERWARDS, ROUND};
use super::{Actor, Fact, Place, Transcript, Window};
use crate::scenario::{Scenario, When};
use crate::trace::{Event, Fingerprint, ProcessState, What};

/// The host of `kmipProxyStandalone check`.
const CHECK: &str = "check";

/// What an exchange comes to whose client ends before it is answered.
const CUT_OFF: &str = "cut off";

/// Makes the transcript of an event log. `existing` says which key an identifier meant before the run.
pub(super) fn transcript(
    scenario: Option<&Scenario>,
    events: &[Event],
    existing: &BTreeMap<String, Fingerprint>,
) -> Transcript {
    let mut reader = Reader {
        windows: vec![Window { place: Place::Beginning, opened: Duration::ZERO, said: BTreeMap::new() }],
        meanings: existing.iter().map(|(key, material)| (key.as_str(), material)).collect(),
        keys: Vec::new(),
        exchanges: Vec::new(),
        checking: false,
        said: Vec::new(),
    };
    let lines = |event: &&Event| matches!(event.what, What::Action { line: 1.., .. });
    let last_line = events.iter().filter(lines).map(|event| event.ordinal).next_back();
    for event in events {
        match &event.what {
            What::Action { line: 0, .. } if last_line.is_none_or(|last| event.ordinal > last) => {
                reader.epilogue(event.at)
            }
            What::Action { line: line @ 1.., text } => reader.line(scenario, *line, text, event.at),
            _ => reader.read(event),
        }
    }
    reader.take_out_polls();
    Transcript { windows: reader.into_windows() }
}

/// What is read so far.
struct Reader<'a> {
    windows: Vec<Window>,
    /// The key material that an identifier means.
    meanings: BTreeMap<&'a str, &'a Fingerprint>,
    /// The identifiers in the order in which they were first named.
    keys: Vec<&'a str>,
    exchanges: Vec<Exchange<'a>>,
    /// Whether somebody runs `kmipProxyStandalone check`.
    checking: bool,
    said: Vec<Said>,
}

/// Something that was said, until it is put into its window.
struct Said {
    window: usize,
    /// The window in which it began: an exchange at its request, and what it leads to with it.
    begun: usize,
    at: Duration,
    host: String,
    what: String,
    kind: Kind,
    /// Whether a rule has taken it out.
    out: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Process(ProcessState),
    /// The exchange of this index.
    Exchange(usize),
    /// Part of a check, which asks key by key.
    Check,
    Other,
}

/// A request, with what came of it.
struct Exchange<'a> {
    host: &'a str,
    number: u64,
    operations: &'a [String],
    key: Option<&'a str>,
    /// In which window it was sent.
    window: usize,
    replies: Vec<String>,
    /// When it was over.
    ended: Option<Duration>,
    /// Which fact it is.
    fact: Option<usize>,
    /// Which facts it led to.
    led: Vec<usize>,
}

/// What a client has heard by polling, since it was started.
#[derive(Default)]
struct Client {
    ready: bool,
    /// By the operations that were asked for: how it ended, and everything that it led to.
    heard: BTreeMap<Vec<String>, Heard>,
}

/// How the last exchange of a kind has ended.
struct Heard {
    outcome: String,
    /// What it led to: the host, and what it said.
    led: BTreeSet<(String, String)>,
}

impl<'a> Reader<'a> {
    /// A line of the timeline fires.
    fn line(&mut self, scenario: Option<&Scenario>, line: u32, text: &str, at: Duration) {
        let moment = |line: u32| {
            let event = scenario?.timeline.iter().find(|event| event.line == line)?;
            if let When::At(at) = event.at { Some(at) } else { None }
        };
        if let Some(Window { place: Place::Line(before, words), .. }) = self.windows.last_mut()
            && moment(*before).is_some_and(|before| moment(line) == Some(before))
        {
            words.push_str("; ");
            words.push_str(text);
            return;
        }
        self.open(Place::Line(line, text.to_owned()), at);
    }

    fn epilogue(&mut self, at: Duration) {
        if self.windows.last().is_none_or(|window| window.place != Place::Epilogue) {
            self.open(Place::Epilogue, at);
        }
    }

    fn open(&mut self, place: Place, opened: Duration) {
        self.windows.push(Window { place, opened, said: BTreeMap::new() });
    }

    fn read(&mut self, event: &'a Event) {
        let host = event.host.as_str();
        match &event.what {
            What::Process { state, why } => {
                if !matches!(state, ProcessState::Started | ProcessState::Ready) {
                    self.cut_off(event);
                }
                if host == CHECK {
                    self.checking = *state == ProcessState::Started;
                }
                if *state == ProcessState::Ready && host == "proxy" {
                    return;
                }
                let what = match state {
                    ProcessState::Started => "started".to_owned(),
                    ProcessState::Ready => "ready".to_owned(),
                    ProcessState::Stopped => "stopped".to_owned(),
                    ProcessState::Crashed => "cut off".to_owned(),
                    ProcessState::Exited => format!("ended: {}", ending(why.as_deref().unwrap_or_default())),
                };
                self.say(event, what, Kind::Process(*state));
            }
            What::Request { exchange, operations, key, .. } => {
                let key = key.as_deref();
                if let Some(key) = key {
                    self.number(key);
                }
                self.exchanges.push(Exchange {
                    host,
                    number: *exchange,
                    operations,
                    key,
                    window: self.windows.len().saturating_sub(1),
                    replies: Vec::new(),
                    ended: None,
                    fact: None,
                    led: Vec::new(),
                });
            }
            What::Answer { exchange, key, status, reason, state, material, .. } => {
                let asked = self.asked(host, *exchange).and_then(|index| self.exchanges[index].key);
                let mut reply = if status == "Success" {
                    "ok".to_owned()
                } else {
                    reason.clone().unwrap_or_else(|| "a failure without a reason".to_owned())
                };
                if let Some(state) = state {
                    reply += &format!(", {state}");
                }
                if let Some(key) = key.as_deref().filter(|_| status == "Success") {
                    let number = self.number(key);
                    if asked != Some(key) {
                        reply += &format!(", key {number}");
                    }
                }
                if let (Some(key), Some(material)) = (key.as_deref().or(asked), material) {
                    reply += if self.means(key, material) { ", the same key" } else { ", another key" };
                }
                self.reply(event, *exchange, reply);
            }
            What::NoAnswer { exchange, .. } => self.reply(event, *exchange, "no answer".to_owned()),
            What::Malformed { exchange, .. } => self.reply(event, *exchange, "malformed".to_owned()),
            What::NotClosed { .. } => self.say(event, "the connection is not closed".to_owned(), Kind::Other),
            What::Made { key, material } => drop(self.meanings.insert(key, material)),
            What::Used { key, material } if !self.means(key, material) => {
                let number = self.number(key);
                self.say(event, format!("uses another key as key {number}"), Kind::Other);
            }
            What::Call { service, operation, status, code, .. } => {
                let outcome = match (status, code) {
                    (0, _) => "no answer".to_owned(),
                    (_, Some(code)) => code.clone(),
                    (200, None) => "ok".to_owned(),
                    (status, None) => status.to_string(),
                };
                self.led(event, format!("{service} {operation}: {outcome}"));
            }
            What::Operator { class: Some(class), .. } => self.led(event, format!("tells {class}")),
            _ => {}
        }
    }

    /// Whether an identifier means this key. Where nothing is known of it, it does from now on.
    fn means(&mut self, key: &'a str, material: &'a Fingerprint) -> bool {
        *self.meanings.entry(key).or_insert(material) == material
    }

    /// The number of a key: the first one that is named is 1.
    fn number(&mut self, key: &'a str) -> usize {
        match self.keys.iter().position(|known| *known == key) {
            Some(index) => index + 1,
            None => {
                self.keys.push(key);
                self.keys.len()
            }
        }
    }

    /// The exchange of a number on a host: the last one, because a process that is started anew may count anew.
    fn asked(&self, host: &str, number: u64) -> Option<usize> {
        self.exchanges.iter().rposition(|exchange| exchange.host == host && exchange.number == number)
    }

    /// Something comes back to a client.
    fn reply(&mut self, event: &Event, number: u64, reply: String) {
        let Some(index) = self.asked(&event.host, number) else { return };
        if self.exchanges[index].fact.is_none() {
            self.exchanges[index].fact = Some(self.said.len());
            self.exchanges[index].ended = Some(event.at);
            self.say(event, String::new(), Kind::Exchange(index));
            self.begins_with(index);
        }
        self.exchanges[index].replies.push(reply);
        let what = self.exchanges[index].told(&self.keys);
        if let Some(fact) = self.exchanges[index].fact {
            self.said[fact].what = what;
        }
    }

    /// A client is no more, and what it has asked stays without an answer.
    fn cut_off(&mut self, event: &Event) {
        let open = |exchange: &Exchange<'_>| exchange.host == event.host && exchange.ended.is_none();
        let numbers: Vec<u64> =
            self.exchanges.iter().filter(|exchange| open(exchange)).map(|exchange| exchange.number).collect();
        for number in numbers {
            self.reply(event, number, CUT_OFF.to_owned());
        }
    }

    /// Something happens on the way to an answer.
    fn led(&mut self, event: &Event, what: String) {
        let goes_on = |exchange: &Exchange<'_>| exchange.ended.is_none_or(|ended| event.at <= ended + AFTERWARDS);
        let exchange = self.exchanges.iter().rposition(goes_on).filter(|_| event.host != CHECK);
        if let Some(index) = exchange {
            let fact = self.said.len();
            self.exchanges[index].led.push(fact);
            self.say(event, what, Kind::Other);
            self.begins_with(index);
        } else {
            let checked = self.checking || event.host == CHECK;
            self.say(event, what, if checked { Kind::Check } else { Kind::Other });
        }
    }

    /// The last fact belongs to an exchange.
    fn begins_with(&mut self, exchange: usize) {
        let begun = self.exchanges[exchange].window;
        if let Some(said) = self.said.last_mut() {
            said.begun = begun;
        }
    }

    fn say(&mut self, event: &Event, what: String, kind: Kind) {
        let window = self.windows.len().saturating_sub(1);
        let host = event.host.clone();
        self.said.push(Said { window, begun: window, at: event.at, host, what, kind, out: false });
    }

    /// Applies the rule `poll`.
    fn take_out_polls(&mut self) {
        let mut clients: BTreeMap<String, Client> = BTreeMap::new();
        for fact in 0..self.said.len() {
            let Said { host, what, kind, .. } = &self.said[fact];
            let client = clients.entry(host.clone()).or_default();
            let index = match kind {
                Kind::Process(ProcessState::Ready) => {
                    client.ready = true;
                    continue;
                }
                Kind::Process(_) => {
                    *client = Client::default();
                    continue;
                }
                Kind::Exchange(index) => *index,
                Kind::Check | Kind::Other => continue,
            };
            let exchange = &self.exchanges[index];
            let all = exchange.led.iter().map(|led| (self.said[*led].host.clone(), self.said[*led].what.clone()));
            let led: BTreeSet<(String, String)> = all.collect();
            let cut_off = exchange.replies == [CUT_OFF];
            match client.heard.get_mut(exchange.operations) {
                // A poll that nobody lives to see answered is not an outcome, either.
                Some(heard) if heard.outcome == *what || (client.ready && cut_off) => {
                    if client.ready && led.is_subset(&heard.led) {
                        let facts = exchange.led.clone();
                        facts.into_iter().chain([fact]).for_each(|fact| self.said[fact].out = true);
                    } else {
                        heard.led.extend(led);
                    }
                }
                _ => {
                    let heard = Heard { outcome: what.clone(), led };
                    client.heard.insert(exchange.operations.to_vec(), heard);
                }
            }
        }
    }

    /// Applies the rules `check` and `repetition`, and puts facts into windows.
    fn into_windows(mut self) -> Vec<Window> {
        let mut sequences: BTreeMap<Actor, Vec<Said>> = BTreeMap::new();
        for said in self.said.into_iter().filter(|said| !said.out) {
            sequences.entry(Actor::of(&said.host)).or_default().push(said);
        }
        for (actor, mut sequence) in sequences {
            in_no_order(&mut sequence);
            once(&mut sequence);
            for Said { window, at, what, .. } in sequence {
                self.windows[window].said.entry(actor.clone()).or_default().push(Fact { what, at });
            }
        }
        self.windows
    }
}

impl Exchange<'_> {
    /// `Get of key 1: ok, the same key`.
    fn told(&self, keys: &[&str]) -> String {
        let number = self.key.and_then(|key| keys.iter().position(|known| *known == key));
        let of = number.map(|index| format!(" of key {}", index + 1)).unwrap_or_default();
        format!("{}{of}: {}", self.operations.join("+"), self.replies.join("; "))
    }
}

/// Puts what a check has come to into the order of the alphabet, each thing once.
fn in_no_order(sequence: &mut Vec<Said>) {
    let together =
        |one: &Said, next: &Said| one.kind == Kind::Check && next.kind == Kind::Check && one.window == next.window;
    for facts in sequence.chunk_by_mut(together) {
        facts.sort_by(|one, other| one.what.cmp(&other.what));
    }
    sequence.dedup_by(|next, one| together(one, next) && next.what == one.what);
}

/// Takes out rounds that come again at once, short ones first: those that begin in the window in which the round before
/// them ends. What starts a process is no part of a round.
fn once(sequence: &mut Vec<Said>) {
    let again = |one: &[Said], next: &[Said]| {
        let ended = one.last().map(|said| said.window);
        next.first().map(|said| said.begun) <= ended
            && !one.iter().any(|said| said.kind == Kind::Process(ProcessState::Started))
            && one.iter().zip(next).all(|(one, next)| one.what == next.what)
    };
    for length in 1..=ROUND {
        let mut first = 0;
        while first + 2 * length <= sequence.len() {
            let (one, rest) = sequence[first..].split_at(length);
            if again(one, &rest[..length]) {
                sequence.drain(first + length..first + 2 * length);
            } else {
                first += 1;
            }
        }
    }
}

/// Why a process has ended by itself, as one of a few kinds. What `check` comes to is a fact of its own.
fn ending(why: &str) -> &str {
    let numbers: Vec<&str> = why.split_whitespace().collect();
    if let [some, "of", all, "keys", "open"] = numbers[..]
        && [some, all].iter().all(|number| number.parse::<u32>().is_ok())
    {
        return why;
    }
    const CRASHED: [&str; 3] = ["crashed", "SIGSEGV", "signal"];
    const DONE: [&str; 5] =
        ["rotation completed", "wrapped under another master key", "told to stop", "succeeded", "no data key"];
    let any = |words: &[&str]| words.iter().any(|word| why.contains(word));
    if any(&CRASHED) {
        "crashed"
    } else if any(&DONE) {
        "done"
    } else {
        "failed"
    }
}
