//! What the program says while it runs: log lines in mongod's form, and events for whoever listens.
//!
//! Both come from the trace's listener, so that what is said is what was recorded, without secrets. The first line says
//! what this program is; an event is one line of JSON, written whole at the moment it is recorded.
//!
//! Invariant: nothing is said before the first line, and no event is lost without an error.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use kmip_proxy::env::Clock;
use mongodb::bson::{Bson, Document, doc};
use serde::Serialize;
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::sync::watch;

use super::VERSION;
use crate::cast::Persona;
use crate::trace::{Event, Line, ProcessState, What};

/// Log lines without a number of mongod's have this one.
const NO_ID: u32 = 0;

/// Writes log lines. Cheap to clone.
#[derive(Clone)]
pub(super) struct Log {
    clock: Arc<dyn Clock>,
    /// Nothing for standard output.
    file: Option<Arc<Mutex<File>>>,
}

/// One log line but its time.
pub(super) struct Entry<'a> {
    pub(super) severity: char,
    pub(super) component: &'a str,
    pub(super) id: Option<u32>,
    pub(super) context: &'a str,
    pub(super) message: &'a str,
    /// In order, as mongod keeps it.
    pub(super) attributes: Document,
}

impl Log {
    /// To standard output, or to the end of a file.
    pub(super) fn open(clock: Arc<dyn Clock>, path: Option<&Path>) -> io::Result<Self> {
        let file = path.map(|path| OpenOptions::new().append(true).create(true).open(path)).transpose()?;
        Ok(Log { clock, file: file.map(|file| Arc::new(Mutex::new(file))) })
    }

    /// Says what this is: always the first line of standard output, and of the log where that is a file.
    pub(super) fn introduce(&self, persona: &Persona) {
        let attributes = doc! {
            "persona": persona.name,
            "description": persona.description,
            "evidence": persona.evidence,
            "version": VERSION,
            "pid": i64::from(std::process::id()),
        };
        let message = "This is mongod-persona, not mongod: it speaks KMIP as the persona does, and keeps no data";
        let entry = Entry::control('I', None, "main", message, attributes);
        let text = text(&Form { persona: Some(true), ..self.form(&entry) });
        let _ = io::stdout().write_all(text.as_bytes());
        if self.file.is_some() {
            self.write(&text);
        }
    }

    /// Writes a line.
    pub(super) fn say(&self, entry: &Entry<'_>) {
        self.write(&text(&self.form(entry)));
    }

    fn form<'a>(&self, entry: &'a Entry<'a>) -> Form<'a> {
        Form {
            time: Time { date: date(self.clock.now().into()) },
            severity: entry.severity,
            component: entry.component,
            id: entry.id.unwrap_or(NO_ID),
            context: entry.context,
            message: entry.message,
            attributes: Some(&entry.attributes).filter(|attributes| !attributes.is_empty()),
            persona: None,
        }
    }

    /// Whoever does not read the log is no reason to stop.
    fn write(&self, text: &str) {
        let _ = match &self.file {
            Some(file) => file.lock().unwrap_or_else(PoisonError::into_inner).write_all(text.as_bytes()),
            None => io::stdout().write_all(text.as_bytes()),
        };
    }
}

impl<'a> Entry<'a> {
    /// A line of the component that starts and stops the process.
    pub(super) fn control(
        severity: char,
        id: Option<u32>,
        context: &'a str,
        message: &'a str,
        attributes: Document,
    ) -> Self {
        Entry { severity, component: "CONTROL", id, context, message, attributes }
    }
}

/// How far the persona is, for those who wait for it.
pub(super) struct Watched {
    /// Whether the data is open.
    pub(super) ready: watch::Receiver<bool>,
    /// Why an event could not be written.
    pub(super) lost: watch::Receiver<Option<String>>,
}

/// What is called with every event, and what it finds out.
pub(super) fn listener(log: Log, mut events: Option<File>) -> (impl FnMut(&Event) + Send + 'static, Watched) {
    let ((ready, ready_seen), (lost, lost_seen)) = (watch::channel(false), watch::channel(None));
    let listener = move |event: &Event| {
        if let Some(file) = &mut events
            && let Err(error) = file.write_all(Line::of(event).text().as_bytes())
        {
            lost.send_replace(Some(error.to_string()));
            events = None;
        }
        match &event.what {
            What::Log { severity, id, text, attributes } => {
                let attributes = attributes.iter().map(|(name, value)| (name.clone(), attribute(value))).collect();
                log.say(&Entry {
                    severity: *severity,
                    component: component(*id),
                    id: *id,
                    context: "initandlisten",
                    message: text,
                    attributes,
                });
            }
            What::Process { state: ProcessState::Ready, .. } => {
                ready.send_replace(true);
            }
            _ => {}
        }
    };
    (listener, Watched { ready: ready_seen, lost: lost_seen })
}

/// Opens the file or pipe for events. A pipe is waited for until somebody reads it.
pub(super) fn open_events(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

/// The component of a line, as far as Percona's sources tell; elsewhere mongod's own default.
fn component(id: Option<u32>) -> &'static str {
    match id {
        Some(29117 | 29118) => "NETWORK",
        _ => "-",
    }
}

/// An attribute that is an object stands as such in the line.
fn attribute(text: &str) -> Bson {
    match serde_json::from_str::<Document>(text) {
        Ok(object) => Bson::Document(object),
        Err(_) => Bson::from(text),
    }
}

/// A line in the order in which mongod writes it.
#[derive(Serialize)]
struct Form<'a> {
    #[serde(rename = "t")]
    time: Time,
    #[serde(rename = "s")]
    severity: char,
    #[serde(rename = "c")]
    component: &'a str,
    id: u32,
    #[serde(rename = "ctx")]
    context: &'a str,
    #[serde(rename = "msg")]
    message: &'a str,
    #[serde(rename = "attr", skip_serializing_if = "Option::is_none")]
    attributes: Option<&'a Document>,
    #[serde(skip_serializing_if = "Option::is_none")]
    persona: Option<bool>,
}

#[derive(Serialize)]
struct Time {
    #[serde(rename = "$date")]
    date: String,
}

fn text(form: &Form<'_>) -> String {
    let mut text = serde_json::to_string(form).expect("a line is plain data");
    text.push('\n');
    text
}

/// As mongod writes dates.
fn date(now: OffsetDateTime) -> String {
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]+00:00");
    now.format(&form).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_mongod_writes_them() {
        let moment = OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(1_795_305_600_007);
        assert_eq!(date(moment), "2026-11-22T00:00:00.007+00:00");
    }

    #[test]
    fn only_objects_are_more_than_texts_in_attributes() {
        let chain = r#"{"what":"a","reason":{"what":"b","keyIdentifier":{"kmipKeyIdentifier":"5"}}}"#;
        assert_eq!(serde_json::to_string(&attribute(chain)).unwrap(), chain, "and keep their order");
        assert_eq!(attribute("5"), Bson::from("5"));
        assert_eq!(attribute("127.0.0.1:5696"), Bson::from("127.0.0.1:5696"));
    }
}
