//! What mongod-persona says of itself in its log: who it is, and why it ends.
//!
//! Invariant: only who says so in its first line is a persona.

use serde_json::Value;

use crate::trace::{Peer, Tier};

/// How the persona says that it ends by itself, as a simulation records it.
pub(crate) fn last_words(line: &Value) -> Option<String> {
    let attribute = |name: &str| line["attr"][name].as_str();
    let (reason, symbol) = (attribute("reason")?, attribute("symbol")?);
    (line["msg"] == "The persona ends").then(|| format!("{reason} ({symbol})"))
}

/// Who a program is by its first line: only a persona says that it is one.
pub(crate) fn introduced(line: &Value) -> Option<Peer> {
    if line["persona"] != true {
        return None;
    }
    let attribute = |name: &str| line["attr"][name].as_str().unwrap_or_default().to_owned();
    let proof = vec![
        format!("its first line: {}", line["msg"].as_str().unwrap_or_default()),
        format!("it calls its version {}", attribute("version")),
    ];
    Some(Peer { name: attribute("persona"), tier: Tier::Persona, proof })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_who_says_so_in_its_first_line_is_a_persona() {
        let says = "This is mongod-persona, not mongod";
        let line =
            json!({"s": "I", "msg": says, "persona": true, "attr": {"persona": "psmdb-8", "version": "0.0.0-persona"}});
        let peer = introduced(&line).unwrap();
        assert_eq!((peer.name.as_str(), peer.tier), ("psmdb-8", Tier::Persona));
        assert!(peer.proof[0].contains("not mongod"));
        assert_eq!(introduced(&json!({"s": "I", "msg": "Build Info", "attr": {"persona": "psmdb-8"}})), None);
    }

    #[test]
    fn last_words_are_the_personas_reason_and_nothing_else() {
        let attributes = json!({"reason": "no key", "symbol": "start error"});
        let line = json!({"s": "F", "msg": "The persona ends", "attr": attributes});
        assert_eq!(last_words(&line).as_deref(), Some("no key (start error)"));
        assert_eq!(last_words(&json!({"s": "F", "msg": "Something else", "attr": attributes})), None);
    }
}
