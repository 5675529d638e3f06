//! mongod's log, line by line: what of it belongs into the trace.
//!
//! mongod writes a JSON document a line since 4.4. Whatever else comes is a message of its start, or of the script that
//! an image starts it with.
//!
//! Invariant: no line makes the laboratory fail; what is not understood is left out.

use std::time::SystemTime;

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::trace::What;

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It serves.
    Ready,
    /// Something worth keeping: warnings, errors and fatal ones, and whatever is said of the master key.
    Log(Box<What>),
    /// Anything else.
    Nothing,
}

/// The id of "Waiting for connections".
const WAITING: u64 = 23016;

/// Words with which a line of the start says what is wrong.
const COMPLAINTS: [&str; 5] = ["Error", "error:", "Unrecognized option", "Invalid command", "exec "];

/// Reads a line.
pub fn read(line: &str) -> Said {
    let Ok(Value::Object(document)) = serde_json::from_str(line) else {
        if COMPLAINTS.iter().any(|words| line.starts_with(words)) {
            return Said::Log(Box::new(What::Log {
                severity: 'E',
                id: None,
                text: line.to_owned(),
                attributes: Vec::new(),
            }));
        }
        return Said::Nothing;
    };
    let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default();
    let id = document.get("id").and_then(Value::as_u64);
    let message = text("msg");
    if id == Some(WAITING) || message == "Waiting for connections" {
        return Said::Ready;
    }
    let severity = text("s").chars().next().unwrap_or('I');
    let of_the_key = message.contains("encryption key") || message.contains("KMIP") || message.contains("master key");
    if !matches!(severity, 'W' | 'E' | 'F') && !of_the_key {
        return Said::Nothing;
    }
    let attributes = document.get("attr").and_then(Value::as_object).into_iter().flatten();
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Said::Log(Box::new(What::Log {
        severity,
        id: id.and_then(|id| u32::try_from(id).ok()),
        text: message.to_owned(),
        attributes: attributes.map(|(name, value)| (name.clone(), plain(value))).collect(),
    }))
}

/// The date of a line, to the millisecond.
pub fn date(line: &str) -> Option<SystemTime> {
    let line: Value = serde_json::from_str(line).ok()?;
    let date = OffsetDateTime::parse(line.pointer("/t/$date")?.as_str()?, &Rfc3339).ok()?;
    Some(date.into())
}

/// Whether another program has the port.
pub fn port_taken(lines: &[String]) -> bool {
    lines.iter().any(|line| line.contains("Address already in use"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(line: &str) -> (char, Option<u32>, String, Vec<(String, String)>) {
        let Said::Log(what) = read(line) else { panic!("nothing is kept of {line}") };
        let What::Log { severity, id, text, attributes } = *what else { panic!("{line} is no log line") };
        (severity, id, text, attributes)
    }

    #[test]
    fn a_line_has_the_date_that_mongod_wrote_whatever_its_zone() {
        let at = |text: &str| date(&format!(r#"{{"t":{{"$date":"{text}"}},"msg":"a line"}}"#));
        let moment = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(1_767_225_600_007);
        assert_eq!(at("2026-01-01T00:00:00.007+00:00"), Some(moment));
        assert_eq!(at("2026-01-01T02:00:00.007+02:00"), Some(moment));
        assert_eq!((at("yesterday"), date("no JSON"), date("{}")), (None, None, None));
    }

    #[test]
    fn a_mongod_that_waits_for_connections_is_ready() {
        let line = r#"{"t":{"$date":"2026-01-01T00:00:00Z"},"s":"I","c":"NETWORK","id":23016,"ctx":"listener","msg":"Waiting for connections","attr":{"port":27017,"ssl":"off"}}"#;
        assert_eq!(read(line), Said::Ready);
    }

    #[test]
    fn warnings_are_kept_with_id_and_attributes_by_name() {
        let line = r#"{"s":"W","c":"NETWORK","id":29117,"msg":"KMIP session failed","attr":{"serverHost":"127.0.0.1:5696","reason":{"code":1}}}"#;
        let attributes = [("reason", r#"{"code":1}"#), ("serverHost", "127.0.0.1:5696")];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        assert_eq!(log(line), ('W', Some(29117), "KMIP session failed".to_owned(), attributes));
    }

    #[test]
    fn what_is_said_of_the_master_key_is_kept() {
        let line =
            r#"{"s":"I","id":29115,"msg":"Master encryption key has been read from the key management facility."}"#;
        assert_eq!(log(line).1, Some(29115));
        assert_eq!(read(r#"{"s":"I","id":4615611,"msg":"MongoDB starting"}"#), Said::Nothing);
    }

    #[test]
    fn complaints_of_a_start_are_kept_and_chatter_is_not() {
        let line = "Error parsing command line: unrecognised option '--enableEncryption'";
        assert_eq!(log(line), ('E', None, line.to_owned(), Vec::new()));
        for line in ["", "try 'mongod --help' for more information", "[1, 2", "null", "[]"] {
            assert_eq!(read(line), Said::Nothing, "{line}");
        }
    }

    #[test]
    fn a_port_that_somebody_has_is_noticed() {
        let line = r#"{"s":"E","id":23024,"msg":"Failed to set up listener","attr":{"error":"SocketException: Address already in use"}}"#;
        assert!(port_taken(&[line.to_owned()]));
        assert!(!port_taken(&["{}".to_owned()]));
    }
}
