//! Event logs that were written to a file, a line of JSON each, as `kmiplab replay --trace` writes them.

use crate::trace::Event;

/// Reads a log. What is wrong names its line.
///
/// # Errors
///
/// If a line is no event.
pub fn read_log(text: &str) -> Result<Vec<Event>, String> {
    let lines = text.lines().enumerate();
    // What `kmiplab replay --events` prints ends with the digest.
    let events = lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with("digest "));
    events
        .map(|(index, line)| serde_json::from_str(line).map_err(|error| format!("line {}: {error}", index + 1)))
        .collect()
}
