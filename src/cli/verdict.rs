//! What `kmipProxyStandalone check` prints of a key: one line on standard output, for people or as JSON.
//!
//! Why a key does not open, and what to do next, has been told on standard error by then, as a Get would tell it.

use crate::operations::Checked;
use crate::operator::LogFormat;

/// The line of one key, with a newline at its end.
pub fn verdict(key: &Checked, format: LogFormat) -> String {
    let credentials = key.credentials.map(|origin| origin.as_str());
    if format == LogFormat::Json {
        let line = serde_json::json!({
            "key": key.key,
            "opens": key.opens,
            "provider": key.provider.as_str(),
            "cmk": key.cmk.as_ref().map(|(name, _)| name),
            "state": key.cmk.as_ref().map(|(_, state)| state),
            "credentials": credentials,
        });
        return format!("{line}\n");
    }
    let verdict = if key.opens { "opens" } else { "does not open" };
    let mut known = key.provider.title().to_owned();
    if let Some((name, state)) = &key.cmk {
        known.push_str(&format!(", CMK {} is {}", name.escape_debug(), state.escape_debug()));
    }
    match credentials {
        Some(origin) => known.push_str(&format!(", credentials {origin}")),
        None => known.push_str(", no credentials"),
    }
    format!("{}: {verdict} ({known})\n", key.key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{CredentialOrigin, Provider};

    #[test]
    fn a_verdict_names_key_provider_cmk_and_where_the_credentials_came_from() {
        let key = Checked {
            key: "k1".to_owned(),
            provider: Provider::Aws,
            cmk: Some(("alias/m\u{1b}".to_owned(), "Disabled".to_owned())),
            credentials: Some(CredentialOrigin::Flags),
            opens: false,
        };
        let expected = "k1: does not open (AWS KMS, CMK alias/m\\u{1b} is Disabled, credentials from flags)\n";
        assert_eq!(verdict(&key, LogFormat::Text), expected);
        let value: serde_json::Value = serde_json::from_str(&verdict(&key, LogFormat::Json)).unwrap();
        let expected = serde_json::json!({
            "key": "k1", "opens": false, "provider": "aws", "cmk": "alias/m\u{1b}", "state": "Disabled",
            "credentials": "from flags",
        });
        assert_eq!(value, expected);
        let nothing = Checked { cmk: None, credentials: None, opens: true, ..key };
        assert_eq!(verdict(&nothing, LogFormat::Text), "k1: opens (AWS KMS, no credentials)\n");
    }
}
