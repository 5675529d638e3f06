//! What the program answers a MongoDB driver: who it is, and that it keeps no data.
//!
//! Invariant: every answer says `persona: true`, and none holds a version or module of mongod's.

use std::time::{Duration, SystemTime};

use mongodb::bson::{Bson, DateTime, Document, doc};

use super::VERSION;
use super::options::{Given, Options};

/// What every command that reads or writes data is told.
const NO_DATA: &str = "this is a persona, not mongod: it keeps no data";

/// The numbers of wire versions that drivers of today agree to (MongoDB 7.0's), without which none would talk.
const WIRE_VERSION: i32 = 21;

/// What the answers tell of.
#[derive(Debug)]
pub(super) struct Identity {
    persona: &'static str,
    argv: Vec<String>,
    parsed: Document,
    started: SystemTime,
}

impl Identity {
    /// What was started with these options.
    pub(super) fn new(options: &Options, started: SystemTime) -> Self {
        let mut parsed = Document::new();
        for (key, value) in &options.given {
            let value = match value {
                Given::Text(text) => Bson::from(text.as_str()),
                Given::Number(number) => number_of(*number),
                Given::Truth(truth) => Bson::from(*truth),
            };
            put(&mut parsed, key, value);
        }
        Identity { persona: options.persona.name, argv: options.argv.clone(), parsed, started }
    }

    /// The answer to a command.
    pub(super) fn answer(&self, command: &Document, now: SystemTime) -> Document {
        let name = command.keys().next().map(String::as_str).unwrap_or_default();
        let mut answer = match name {
            "hello" | "isMaster" | "ismaster" => doc! {
                "helloOk": true,
                "isWritablePrimary": true,
                "ismaster": true,
                "maxBsonObjectSize": 16 * 1024 * 1024,
                "maxMessageSizeBytes": 48_000_000,
                "maxWriteBatchSize": 100_000,
                "localTime": DateTime::from_system_time(now),
                "minWireVersion": 0,
                "maxWireVersion": WIRE_VERSION,
                "readOnly": true,
            },
            "ping" => doc! {},
            "buildInfo" | "buildinfo" => doc! {
                "version": VERSION,
                "versionArray": [0, 0, 0, 0],
                "modules": ["persona"],
                "maxBsonObjectSize": 16 * 1024 * 1024,
            },
            "getCmdLineOpts" => doc! {
                "argv": self.argv.clone(),
                "parsed": self.parsed.clone(),
            },
            "serverStatus" => doc! {
                "version": VERSION,
                "process": "mongod-persona",
                "pid": i64::from(std::process::id()),
                "uptime": now.duration_since(self.started).unwrap_or(Duration::ZERO).as_secs_f64(),
                "localTime": DateTime::from_system_time(now),
                "modules": ["persona"],
            },
            // 59 is CommandNotFound.
            _ => {
                return self.signed(doc! {
                    "ok": 0.0, "errmsg": format!("{NO_DATA} ({name})"), "code": 59, "codeName": "CommandNotFound",
                });
            }
        };
        answer.insert("ok", 1.0);
        self.signed(answer)
    }

    fn signed(&self, mut answer: Document) -> Document {
        answer.insert("persona", true);
        answer.insert("personaName", self.persona);
        answer
    }
}

/// As mongod's configuration counts: 32 bits where they do.
fn number_of(number: i64) -> Bson {
    i32::try_from(number).map_or(Bson::Int64(number), Bson::Int32)
}

/// Puts a value where a key with dots in it points.
fn put(document: &mut Document, key: &str, value: Bson) {
    match key.split_once('.') {
        None => {
            document.insert(key, value);
        }
        Some((first, rest)) => {
            let inner = document.entry(first.to_owned()).or_insert_with(|| Bson::Document(Document::new()));
            if let Bson::Document(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}
