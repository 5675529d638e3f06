//! K2: no key is returned or used unless its provider opened it for that very request.
//!
//! Grants and uses are matched one to one, by fingerprint, within the time between a request and its answer. For the
//! provider `local` the grant is the reading of its key file.

use super::{Found, Invariant};
use crate::checker::{Run, seconds};
use crate::trace::{Event, Fingerprint, What};

pub(super) const INVARIANT: Invariant = Invariant {
    id: "K2",
    name: "no-key-without-provider",
    meaning: "no key is returned or used unless its provider opened it between the request and its answer",
    judge,
};

fn judge(run: &Run<'_>) -> Found {
    let mut found = Found::default();
    let mut spent: Vec<u64> = Vec::new();
    let mut held: Vec<&Fingerprint> = Vec::new();
    for exchange in run.exchanges() {
        for answer in &exchange.answers {
            let What::Answer { material: Some(material), .. } = &answer.what else { continue };
            found.exercised += 1;
            held.push(material);
            let grant =
                exchange.between.iter().find(|event| grants(event, material) && !spent.contains(&event.ordinal));
            match grant {
                Some(grant) => spent.push(grant.ordinal),
                None => found.broken.push(format!(
                    "at {} a key was returned that no provider had opened since {}",
                    seconds(answer.at),
                    seconds(exchange.sent.at)
                )),
            }
        }
    }
    for event in run.events() {
        match &event.what {
            What::Made { material, .. } => held.push(material),
            What::Used { material, key } => {
                found.exercised += 1;
                if !held.contains(&material) {
                    let text = format!("at {} {} used {key}, which it was never given", seconds(event.at), event.host);
                    found.broken.push(text);
                }
            }
            _ => {}
        }
    }
    found
}

fn grants(event: &Event, wanted: &Fingerprint) -> bool {
    match &event.what {
        What::Grant { material, .. } => material == wanted,
        What::File { operation, path } => {
            operation == "read" && path.ends_with(LOCAL_KEY_FILE) && event.host == "proxy"
        }
        _ => false,
    }
}

/// Where the worlds put the wrapping key of the provider `local`.
const LOCAL_KEY_FILE: &str = "local.key";
