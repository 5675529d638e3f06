//! A notice as it is printed: text for people, or one JSON object a line for log collectors.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::SystemTime;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Notice;
use super::text::printable;

/// How notices are printed (`--log-format`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = UnknownLogFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err(UnknownLogFormat),
        }
    }
}

/// A log format that nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected text or json")]
pub struct UnknownLogFormat;

/// The notice as printed, with a newline at its end.
pub fn render(notice: &Notice, format: LogFormat, now: SystemTime) -> String {
    match format {
        LogFormat::Text => text(notice),
        LogFormat::Json => json(notice, now),
    }
}

fn text(notice: &Notice) -> String {
    let class = notice.class.map(|class| format!("[{}]", class.code())).unwrap_or_default();
    let mut shown = format!("{}{class}: {}\n", notice.severity.as_str(), printable(&notice.headline));
    for line in notice.text.lines() {
        shown.push_str(format!("  {}", printable(line)).trim_end());
        shown.push('\n');
    }
    shown
}

fn json(notice: &Notice, now: SystemTime) -> String {
    let time = OffsetDateTime::from(now).format(&Rfc3339).ok();
    // Each label has a list, because some are said several times: nobody need ask which.
    let mut details: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (label, said) in &notice.details {
        details.entry(label).or_default().push(printable(said));
    }
    let line = serde_json::json!({
        "time": time,
        "severity": notice.severity.as_str(),
        "class": notice.class.map(|class| class.code()),
        "key": notice.key,
        "headline": printable(&notice.headline),
        "details": details,
        "text": notice.text,
    });
    format!("{line}\n")
}
