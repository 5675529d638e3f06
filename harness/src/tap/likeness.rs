//! How far a persona is like the program that was recorded.
//!
//! The persona is played once more, against a server that gives it the answers of the recording: for each request the
//! first answer that was not given yet to such operations. What it asks is then compared with what was recorded, in form:
//! operations in order, versions, and the items of each message. Identifiers, dates and secrets are every run's own.
//!
//! Invariant: nothing here decides that a persona is wrong; it says what is different, and people decide.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kmip_proxy::env::Env;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::dialogue::Exchange;
use super::recording::Recording;
use super::settings::{self, Shown};
use crate::cast::{Database, Exit, Persona, Settings, Stage};
use crate::trace::{ProcessState, Trace, What};
use crate::wire::message::Asked;
use crate::wire::names::{self, ATTRIBUTE_NAME, ATTRIBUTE_VALUE, REQUEST_MESSAGE};
use crate::wire::{Answer, Item, Value, parse};

/// How long a persona may take in all: everything it asks is answered at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// What comparing came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Likeness {
    /// The persona's name.
    pub persona: String,
    /// How it is known that it behaves as it does.
    pub evidence: String,
    /// Request by request, as far as the persona goes.
    pub steps: Vec<Step>,
    /// What was recorded after that of what the persona asks, too: operations and version.
    pub after: Vec<String>,
    /// How the persona ended, if it did not come to serve.
    pub ended: Option<String>,
}

/// A request of the one, of the other, or of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Both ask for the same operations.
    Both {
        /// What was recorded: operations and version.
        recorded: String,
        /// What is different, a line each; `+` only the recorded one has, `-` only the persona's.
        differences: Vec<String>,
    },
    /// The persona does not ask for this, or not here.
    OnlyRecorded(String),
    /// This was not recorded from here on.
    OnlyPersona(String),
}

impl Likeness {
    /// Plays a persona against a recording.
    pub fn of(recording: &Recording, persona: &Persona) -> Result<Self, String> {
        let recorded = recording.exchanges();
        if recorded.is_empty() {
            return Err("nothing was asked in this recording".to_owned());
        }
        let (asked, ended) = play(&recorded, persona)?;
        let there = connections(recorded.iter().map(|exchange| exchange.connection));
        let here = connections(asked.iter().map(|(connection, _)| *connection));
        let mut steps = Vec::new();
        let mut next = 0;
        for ((_, own), here) in asked.iter().zip(here) {
            let wanted = operations(own);
            let same = |exchange: &Exchange| operations(&exchange.request) == wanted;
            let Some(between) = recorded[next..].iter().position(same) else {
                steps.push(Step::OnlyPersona(title(own)));
                continue;
            };
            let skipped = recorded[next..next + between].iter();
            steps.extend(skipped.map(|exchange| Step::OnlyRecorded(title(&exchange.request))));
            next += between;
            let mut differences = different(&recorded[next].request, own);
            if there[next] != here {
                differences.insert(0, format!("! over {}, the persona's over {here}", there[next]));
            }
            steps.push(Step::Both { recorded: title(&recorded[next].request), differences });
            next += 1;
        }
        // What stands later is the same again, as polls are; what the persona never asks is a difference.
        let known: BTreeSet<_> = asked.iter().map(|(_, own)| operations(own)).collect();
        let (after, unknown): (Vec<&Exchange>, Vec<&Exchange>) =
            recorded[next..].iter().partition(|exchange| known.contains(&operations(&exchange.request)));
        steps.extend(unknown.into_iter().map(|exchange| Step::OnlyRecorded(title(&exchange.request))));
        Ok(Likeness {
            persona: persona.name.to_owned(),
            evidence: persona.evidence.to_owned(),
            steps,
            after: after.into_iter().map(|exchange| title(&exchange.request)).collect(),
            ended,
        })
    }

    /// Whether nothing is different as far as the persona goes, and it comes to serve.
    pub fn is_alike(&self) -> bool {
        let same = |step: &Step| matches!(step, Step::Both { differences, .. } if differences.is_empty());
        self.ended.is_none() && self.steps.iter().all(same)
    }

    /// The comparison for people.
    pub fn text(&self) -> String {
        let mut text = format!("{} ({})\n", self.persona, self.evidence);
        for step in &self.steps {
            let _ = match step {
                Step::Both { recorded, differences } if differences.is_empty() => {
                    writeln!(text, "  alike             {recorded}")
                }
                Step::Both { recorded, differences } => {
                    let lines = differences.iter().map(|difference| format!("      {difference}\n"));
                    write!(text, "  different         {recorded}\n{}", lines.collect::<String>())
                }
                Step::OnlyRecorded(title) => writeln!(text, "  only recorded     {title}"),
                Step::OnlyPersona(title) => writeln!(text, "  only the persona  {title}"),
            };
        }
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        self.after.iter().for_each(|title| *counts.entry(title).or_default() += 1);
        for (title, count) in counts {
            let _ = writeln!(text, "  after that        {title}, {count} times");
        }
        if let Some(ended) = &self.ended {
            let _ = writeln!(text, "  the persona could go no further: {ended}");
        }
        text
    }
}

/// Operations and version.
fn title(request: &[u8]) -> String {
    match parse(request) {
        Ok(request) => {
            let asked = Asked::read(&request);
            format!("{} {}", asked.operations.join("+"), asked.version)
        }
        Err(error) => format!("not TTLV: {error}"),
    }
}

/// For each request whether it has a connection of its own, or one that was there.
fn connections(of: impl Iterator<Item = u64>) -> Vec<&'static str> {
    let mut before = None;
    of.map(
        |connection| {
            if before.replace(connection) == Some(connection) { "the same connection" } else { "a new connection" }
        },
    )
    .collect()
}

/// What is different in form.
fn different(recorded: &[u8], own: &[u8]) -> Vec<String> {
    let forms = |bytes: &[u8]| {
        parse(bytes).map(|item| {
            let mut forms = Vec::new();
            form(&item, "", &mut forms);
            forms
        })
    };
    let (Ok(recorded), Ok(own)) = (forms(recorded), forms(own)) else {
        return vec!["! what was recorded is not TTLV".to_owned()];
    };
    let (there, here): (BTreeSet<_>, BTreeSet<_>) = (recorded.iter().collect(), own.iter().collect());
    let more = recorded.iter().filter(|line| !here.contains(line)).map(|line| format!("+ {line}"));
    let less = own.iter().filter(|line| !there.contains(line)).map(|line| format!("- {line}"));
    let mut lines: Vec<_> = more.chain(less).collect();
    if lines.is_empty() && recorded != own {
        lines.push("! the same items in another order or number".to_owned());
    }
    lines
}

/// A line for each item that is no structure with something in it: its path, and its value where that is part of the
/// form. What is in a message at all is a request.
fn form(item: &Item, above: &str, lines: &mut Vec<String>) {
    let named = item.child(ATTRIBUTE_NAME).and_then(Item::as_text);
    // Attributes are told apart by their names.
    let name = match named {
        Some(named) => format!("{}[{named}]", names::tag_name(item.tag)),
        None => names::tag_name(item.tag),
    };
    let path = if above.is_empty() { name } else { format!("{above}/{name}") };
    let line = match &item.value {
        Value::Structure(items) if items.is_empty() => format!("{path} (empty)"),
        Value::Structure(items) => {
            let inside = if item.tag == REQUEST_MESSAGE { "" } else { &path };
            for child in items.iter().filter(|child| child.tag != ATTRIBUTE_NAME) {
                match (&child.value, named.and_then(names::tag_of_title)) {
                    // What an attribute's choices mean, its name says.
                    (Value::Enumeration(value), Some(tag)) if child.tag == ATTRIBUTE_VALUE => {
                        lines.push(format!("{path} = {}", names::value_name(tag, *value)));
                    }
                    _ => form(child, inside, lines),
                }
            }
            return;
        }
        Value::Enumeration(value) => format!("{path} = {}", names::value_name(item.tag, *value)),
        Value::Integer(value) => format!("{path} = {value}"),
        Value::Boolean(value) => format!("{path} = {value}"),
        Value::Interval(value) => format!("{path} = {value} s"),
        Value::Bytes(bytes) | Value::BigInteger(bytes) => format!("{path} ({} bytes)", bytes.len()),
        Value::Text(_) => format!("{path} (text)"),
        Value::DateTime(_) => format!("{path} (date)"),
        Value::LongInteger(_) => format!("{path} (long integer)"),
    };
    lines.push(line);
}

/// What a persona asks when it is answered as it was recorded, each with its connection, and how it ended by itself.
type Asking = Vec<(u64, Vec<u8>)>;

fn play(recorded: &[Exchange], persona: &Persona) -> Result<(Asking, Option<String>), String> {
    let failed = |error: std::io::Error| error.to_string();
    let folder = TempDir::new().map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let script = Arc::new(Mutex::new(Script { answers: recorded.to_vec(), asked: Vec::new(), connections: 0 }));
    let ended = runtime.block_on(perform(recorded, persona, &folder, &script))?;
    let asked = std::mem::take(&mut script.lock().unwrap_or_else(PoisonError::into_inner).asked);
    Ok((asked, ended))
}

/// What a server has to say, and what it was asked.
struct Script {
    answers: Vec<Exchange>,
    asked: Asking,
    connections: u64,
}

impl Script {
    /// Notes a request, and gives the first answer to such operations that was not given yet.
    fn answer(&mut self, connection: u64, request: &[u8]) -> Option<Vec<u8>> {
        self.asked.push((connection, request.to_vec()));
        let wanted = operations(request);
        let at = self
            .answers
            .iter()
            .position(|exchange| exchange.answer.is_some() && operations(&exchange.request) == wanted)?;
        self.answers.remove(at).answer
    }
}

fn operations(request: &[u8]) -> Vec<String> {
    parse(request).map(|request| Asked::read(&request).operations).unwrap_or_default()
}

async fn perform(
    recorded: &[Exchange],
    persona: &Persona,
    folder: &TempDir,
    script: &Arc<Mutex<Script>>,
) -> Result<Option<String>, String> {
    let env = Env::os();
    let authority = folder.path().join("ca.pem");
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    let made = Shown::Made { authority: authority.clone() }.prepare(&env, [127, 0, 0, 1].into());
    let made = made.map_err(|error| error.to_string())?.ok_or("no certificate was made")?;
    let client = folder.path().join("client.pem");
    let pem = settings::client_pem(&env).map_err(|error| error.to_string())?;
    env.files.write(&client, pem.as_bytes(), kmip_proxy::env::Access::Owner).map_err(|error| error.to_string())?;
    let tls = made.tls(&env)?;
    let dbpath = folder.path().join("dbpath");
    env.files.create_directory(&dbpath).map_err(|error| error.to_string())?;
    if let Some((identifier, key)) = restart(recorded) {
        let laid = Database::write(env.files.as_ref(), &dbpath, &identifier, &key);
        laid.map_err(|error| error.to_string())?;
    }
    let began = tokio::time::Instant::now();
    let trace = Trace::new(b"nobody compares these", move || began.elapsed());
    let stage = Stage { env, trace: trace.clone(), host: "mongod".to_owned() };
    let all: Vec<_> = recorded.iter().flat_map(|exchange| operations(&exchange.request)).collect();
    let settings = Settings {
        server_name: "127.0.0.1".to_owned(),
        port,
        ca_file: Some(authority),
        client_certificate_file: client,
        connect_retries: 0,
        connect_timeout: PATIENCE,
        // Whoever neither activates nor asks for states was told not to.
        activate_keys: all.iter().any(|operation| matches!(operation.as_str(), "Activate" | "GetAttributes")),
        key_state_polling: None,
        key_identifier: None,
        rotate_master_key: false,
    };
    let mut server = JoinSet::new();
    server.spawn(serve(listener, TlsAcceptor::from(tls), script.clone()));
    let mut play = persona.play(stage, settings, dbpath);
    let ready =
        || trace.events().iter().any(|event| matches!(event.what, What::Process { state: ProcessState::Ready, .. }));
    let mut late = std::pin::pin!(tokio::time::sleep(PATIENCE));
    let address = format!("127.0.0.1:{port}");
    let ended = std::future::poll_fn(|context| {
        use std::task::Poll;
        match play.as_mut().poll(context) {
            // Where it asked is this comparison's own.
            Poll::Ready(Exit { reason, .. }) => Poll::Ready(Some(reason.replace(&address, "the server"))),
            // Whatever else it asked would be asked in its own time.
            Poll::Pending if ready() => Poll::Ready(None),
            Poll::Pending => late.as_mut().poll(context).map(|()| Some("it waits for something".to_owned())),
        }
    })
    .await;
    Ok(ended)
}

/// The key with which the data of a client was encrypted that began with fetching it; none for a first start.
fn restart(recorded: &[Exchange]) -> Option<(String, Vec<u8>)> {
    let makes = |exchange: &Exchange| {
        operations(&exchange.request).iter().any(|name| matches!(name.as_str(), "Create" | "Register"))
    };
    if recorded.iter().any(makes) {
        return None;
    }
    let answers =
        recorded.iter().filter_map(|exchange| exchange.answer.as_deref()).filter_map(|bytes| Answer::read(bytes).ok());
    let mut items = answers.flat_map(|answer| answer.items);
    items.find_map(|item| Some((item.unique_identifier?, item.key_material?)))
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, script: Arc<Mutex<Script>>) {
    let mut open = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        open.spawn(converse(stream, tls.clone(), script.clone()));
    }
}

async fn converse(stream: TcpStream, tls: TlsAcceptor, script: Arc<Mutex<Script>>) {
    let connection = {
        let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
        script.connections += 1;
        script.connections
    };
    let Ok(mut stream) = tls.accept(stream).await else { return };
    let mut header = [0; 8];
    while stream.read_exact(&mut header).await.is_ok() {
        // A persona's own message: its length is its own.
        let length = u32::from_be_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let mut request = header.to_vec();
        request.resize(8 + length, 0);
        if stream.read_exact(&mut request[8..]).await.is_err() {
            return;
        }
        let answer = script.lock().unwrap_or_else(PoisonError::into_inner).answer(connection, &request);
        let Some(answer) = answer else { break };
        if stream.write_all(&answer).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
    let _ = stream.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tap::recording::{Entry, FORMAT, Header, Line, Message, Secrets};
    use crate::wire::parse;

    /// A recording of exchanges that were captured, each with its connection.
    fn recording(exchanges: &[(u64, &str, &str)]) -> Recording {
        let header = Header {
            format: FORMAT,
            program: String::new(),
            secrets: Secrets::Kept,
            warning: None,
            began: String::new(),
            listen: String::new(),
            to: String::new(),
            server_name: String::new(),
        };
        let message = |hex: &str| Message { length: 0, tree: Vec::new(), hex: hex.trim().to_owned() };
        let lines = (1..).zip(exchanges).flat_map(|(exchange, (connection, request, answer))| {
            let request = Entry::Request {
                exchange,
                operations: Vec::new(),
                version: String::new(),
                key: None,
                message: message(request),
            };
            let answer = Entry::Answer {
                exchange: Some(exchange),
                after_ms: 0.0,
                version: String::new(),
                items: Vec::new(),
                message: message(answer),
            };
            [request, answer].map(|entry| Line { connection: *connection, ms: 0.0, entry })
        });
        Recording { header, lines: lines.collect() }
    }

    macro_rules! captured {
        ($name:literal) => {
            (
                include_str!(concat!("../../../fixtures/kmip/psmdb/", $name, ".req.hex")),
                include_str!(concat!("../../../fixtures/kmip/psmdb/", $name, ".resp.hex")),
            )
        };
    }

    const STATE: (&str, &str) = captured!("02-restart-verify-active.1-get_attributes");
    const GET: (&str, &str) = captured!("02-restart-verify-active.2-get");

    fn likeness(exchanges: &[(u64, (&str, &str))], persona: &str) -> Likeness {
        let exchanges: Vec<_> = exchanges.iter().map(|(of, (request, answer))| (*of, *request, *answer)).collect();
        Likeness::of(&recording(&exchanges), Persona::find(persona).unwrap()).unwrap()
    }

    #[test]
    fn a_restart_that_was_captured_is_like_the_persona_that_was_made_of_it() {
        let found = likeness(&[(1, STATE), (1, GET)], "psmdb-8");
        assert!(found.is_alike() && found.ended.is_none(), "{}", found.text());
        assert_eq!((found.steps.len(), found.after.len()), (2, 0));
    }

    #[test]
    fn what_one_has_asked_and_the_other_has_not_is_told_where_it_stands() {
        let polled = likeness(&[(1, STATE), (1, GET), (2, STATE), (3, STATE)], "psmdb-8");
        assert!(polled.is_alike(), "what comes in its own time is no difference: {}", polled.text());
        assert_eq!(polled.after, ["GetAttributes 1.0", "GetAttributes 1.0"]);
        let unverified = likeness(&[(1, GET)], "psmdb-8");
        assert!(unverified.is_alike(), "who asks for no state was told not to: {}", unverified.text());
        let twice = likeness(&[(1, STATE), (1, STATE), (1, GET)], "psmdb-8");
        let [Step::Both { .. }, Step::OnlyRecorded(more), Step::Both { .. }] = twice.steps.as_slice() else {
            panic!("{}", twice.text())
        };
        assert_eq!(more, "GetAttributes 1.0");
        let only_state = likeness(&[(1, STATE)], "enterprise-1.2");
        let own =
            only_state.steps.iter().filter(|step| matches!(step, Step::OnlyPersona(title) if title == "Create 1.2"));
        assert_eq!(own.count(), 1, "{}", only_state.text());
    }

    #[test]
    fn what_the_persona_never_asks_is_a_difference_also_at_the_end() {
        let queried = {
            let request = super::super::recording::bytes(GET.0.trim());
            let mut query = parse(&request).unwrap();
            rename(&mut query, 0x0a, 0x18);
            crate::trace::hex(&crate::wire::write(&query))
        };
        let found = likeness(&[(1, STATE), (1, GET), (1, (&queried, GET.1)), (2, STATE)], "psmdb-8");
        assert!(!found.is_alike(), "{}", found.text());
        assert_eq!(found.steps.last(), Some(&Step::OnlyRecorded("Query 1.0".to_owned())));
        assert_eq!(found.after, ["GetAttributes 1.0"]);
    }

    #[test]
    fn a_persona_that_gives_up_is_like_nobody() {
        // The answer to a Get holds no attribute.
        let found = likeness(&[(1, (STATE.0, GET.1)), (1, GET)], "psmdb-8");
        assert!(found.ended.is_some() && !found.is_alike(), "{}", found.text());
    }

    /// Makes one operation of another (KMIP 1.0, 9.1.3.2.27).
    fn rename(item: &mut Item, from: u32, to: u32) {
        match &mut item.value {
            Value::Structure(items) => items.iter_mut().for_each(|item| rename(item, from, to)),
            Value::Enumeration(operation) if item.tag == names::OPERATION && *operation == from => *operation = to,
            _ => {}
        }
    }

    #[test]
    fn another_connection_another_version_and_each_other_item_are_differences() {
        let apart = likeness(&[(1, STATE), (2, GET)], "psmdb-8");
        let Step::Both { differences, .. } = &apart.steps[1] else { panic!("{}", apart.text()) };
        assert_eq!(differences, &["! over a new connection, the persona's over the same connection"]);
        let other = likeness(&[(1, STATE), (1, GET)], "enterprise-1.2");
        let Step::Both { differences, .. } = &other.steps[1] else { panic!("{}", other.text()) };
        let expected = [
            "+ RequestHeader/ProtocolVersion/ProtocolVersionMinor = 0",
            "+ RequestHeader/MaximumResponseSize = 8192",
            "+ RequestHeader/TimeStamp (date)",
            "- RequestHeader/ProtocolVersion/ProtocolVersionMinor = 2",
        ];
        assert_eq!(differences, &expected);
    }

    #[test]
    fn the_same_items_in_another_order_are_a_difference() {
        let mut turned = parse(&super::super::recording::bytes(GET.0.trim())).unwrap();
        let Value::Structure(parts) = &mut turned.value else { panic!("a message") };
        let Value::Structure(header) = &mut parts[0].value else { panic!("a header") };
        header.swap(1, 2);
        let turned = crate::wire::write(&turned);
        let found = different(&turned, &super::super::recording::bytes(GET.0.trim()));
        assert_eq!(found, ["! the same items in another order or number"]);
    }
}
