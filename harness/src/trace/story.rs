//! A run as a story: one line an event, for people.
//!
//! A line is: simulated seconds, the host, and what happened. Bytes, closes, what programs do with files, and the ends
//! of long attributes (of informations) are told only when asked for (`--verbose`): the digest has them all.

use std::time::Duration;

use super::{Event, ProcessState, What};

/// Where the text of an event begins in a line.
const MARGIN: usize = 22;

/// How many characters of an attribute of a log line are told.
const ATTRIBUTE: usize = 80;

/// The line of an event; `None` where only a verbose story tells it.
pub fn line(event: &Event, verbose: bool) -> Option<String> {
    let told = tell(&event.what, verbose)?;
    let indent = " ".repeat(MARGIN);
    let told = told.trim_end().replace('\n', &format!("\n{indent}"));
    Some(format!("{:>10}  {:<8}  {told}", seconds(event.at), event.host))
}

fn tell(what: &What, verbose: bool) -> Option<String> {
    Some(match what {
        What::Action { line: 0, text } => format!("== {text}"),
        What::Action { line, text } => format!("== {text}  (line {line})"),
        What::Process { state, why } => {
            let state = match state {
                ProcessState::Started => "starts",
                ProcessState::Ready => "is ready",
                ProcessState::Stopped => "is stopped",
                ProcessState::Exited => "ends by itself",
                ProcessState::Crashed => "is cut off",
            };
            with(state, why.as_deref())
        }
        What::Log { severity, id, text, attributes } => {
            let id = id.map(|id| format!(" {id}")).unwrap_or_default();
            let mut line = format!("{severity}{id} {text}");
            for (name, value) in attributes {
                line += &format!(
                    "\n{name}: {}",
                    if verbose || *severity != 'I' { value.clone() } else { shortened(value) }
                );
            }
            line
        }
        // What is told at start is long, and nobody replays a run to read it.
        What::Operator { class: None, text, .. } if !verbose => text.lines().next().unwrap_or_default().to_owned(),
        What::Operator { text, .. } => text.clone(),
        What::Request { exchange, operations, version, key, .. } => {
            let key = key.as_deref().map(|key| format!(" {key}")).unwrap_or_default();
            format!("-> #{exchange} {}{key} (KMIP {version})", operations.join("+"))
        }
        What::Answer { exchange, operation, key, status, reason, message, state, after, .. } => {
            let mut text = format!("<- #{exchange} {} {status}", operation.as_deref().unwrap_or("(no operation)"));
            for extra in [reason, state, key].into_iter().flatten() {
                text += &format!(" {extra}");
            }
            if let Some(message) = message {
                text += &format!(" `{message}`");
            }
            text + &format!(" after {}", seconds(*after))
        }
        What::NoAnswer { exchange, why } => format!("<- #{exchange} nothing: {why}"),
        What::NotClosed { exchange, why } => format!("<- #{exchange} not closed: {why}"),
        What::Malformed { exchange, why } => format!("<- #{exchange} malformed: {why}"),
        What::Made { key, .. } => format!("has made key {key}"),
        What::Used { key, .. } => format!("opens its data files with key {key}"),
        What::Resolve { name, answer } => match answer {
            Ok(addresses) => format!("resolves {name} to {}", addresses.join(", ")),
            Err(error) => format!("resolves {name}: {error}"),
        },
        What::Connect { to, service, error: None, .. } => format!("connects to {service} at {to}"),
        What::Connect { to, service, error: Some(error), .. } => {
            format!("cannot connect to {service} at {to}: {error}")
        }
        What::Call { service, operation, cmk, principal, status, code } => {
            let mut text = format!("{service} {operation}");
            if let Some(cmk) = cmk {
                text += &format!(" with {cmk}");
            }
            if let Some(principal) = principal {
                text += &format!(" for {principal}");
            }
            match (status, code) {
                (0, code) => with(&(text + ": no answer"), code.as_deref()),
                (status, None) => format!("{text}: {status}"),
                (status, Some(code)) => format!("{text}: {status} {code}"),
            }
        }
        // The call that follows names the customer's key.
        What::Grant { .. } => "opens a master key".to_owned(),
        What::Finding { invariant, text } => format!("{invariant} is broken: {text}"),
        What::Bytes { connection, sent, length } if verbose => {
            format!("{} {length} bytes on connection {connection}", if *sent { "sends" } else { "receives" })
        }
        What::Close { connection } if verbose => format!("closes connection {connection}"),
        What::File { operation, path } if verbose || operation == "edit" => format!("{operation}s {path}"),
        What::Bytes { .. } | What::Close { .. } | What::File { .. } => return None,
    })
}

fn with(text: &str, why: Option<&str>) -> String {
    why.map_or_else(|| text.to_owned(), |why| format!("{text}: {why}"))
}

fn shortened(value: &str) -> String {
    match value.char_indices().nth(ATTRIBUTE) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

fn seconds(at: Duration) -> String {
    format!("{}.{:03}", at.as_secs(), at.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_attribute_of_an_information_ends_in_an_ellipsis_and_a_failure_is_told_whole() {
        let event = |severity: char, value: &str| Event {
            at: Duration::from_millis(1_250),
            ordinal: 0,
            host: "mongod".to_owned(),
            what: What::Log {
                severity,
                id: Some(29117),
                text: "KMIP session failed".to_owned(),
                attributes: vec![("reason".to_owned(), value.to_owned())],
            },
        };
        let told = |severity, value: &str, verbose| line(&event(severity, value), verbose).unwrap();
        let reads = |severity: char, value: &str| {
            format!("     1.250  mongod    {severity} 29117 KMIP session failed\n                      reason: {value}")
        };
        let long = "ä".repeat(81);
        assert_eq!(told('I', "short", false), reads('I', "short"));
        assert_eq!(told('I', &long, false), reads('I', &format!("{}…", "ä".repeat(80))));
        assert_eq!(told('I', &long, true), reads('I', &long));
        for severity in ['W', 'E', 'F'] {
            assert_eq!(told(severity, &long, false), reads(severity, &long), "what MongoDB complains of is the point");
        }
    }

    #[test]
    fn files_that_programs_touch_are_told_on_request_and_what_the_operator_edits_always() {
        let event = |operation: &str| Event {
            at: Duration::ZERO,
            ordinal: 0,
            host: "operator".to_owned(),
            what: What::File { operation: operation.to_owned(), path: "/data/db/x".to_owned() },
        };
        assert_eq!(line(&event("edit"), false).as_deref(), Some("     0.000  operator  edits /data/db/x"));
        assert_eq!(line(&event("read"), false), None);
        assert_eq!(line(&event("read"), true).as_deref(), Some("     0.000  operator  reads /data/db/x"));
    }
}
