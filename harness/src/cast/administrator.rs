//! An administrator of keys with a KMIP client: what somebody does to the master key behind MongoDB's back.
//!
//! Not a persona: it is sent by the world and does one thing over one connection, in KMIP 1.2, with mongod's client
//! certificate. The bytes are those of PyKMIP's client; the connection is a [`Session`].
//!
//! Invariant: every outcome, also none, is a text.

use std::time::SystemTime;

use super::{Session, Settings, Stage, client_config};
use crate::wire::message::request;
use crate::wire::names::*;
use crate::wire::{Answer, Header, Item, Value};

// Choices of the standard (clauses 9.1.3.2.27 and 9.1.3.2.19).
const REVOKE: u32 = 0x13;
const DESTROY: u32 = 0x14;
const KEY_COMPROMISE: u32 = 0x02;
const CESSATION_OF_OPERATION: u32 = 0x06;

/// Revokes a key at the first server: for good reason it is deactivated, or it is called compromised. Comes to what came
/// of it, in one line.
///
/// The exchange is recorded under the stage's host.
pub async fn revoke(stage: &Stage, settings: &Settings, identifier: &str, compromised: bool) -> String {
    let since = stage.env.clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    ask(stage, settings, "Revoke", identifier, &revocation(identifier, compromised.then_some(now))).await
}

/// Destroys a key at the first server. Comes to what came of it, in one line.
///
/// The exchange is recorded under the stage's host. A key that is active cannot be destroyed: revoke it first.
pub async fn destroy(stage: &Stage, settings: &Settings, identifier: &str) -> String {
    ask(stage, settings, "Destroy", identifier, &destruction(identifier)).await
}

/// A request to revoke; with the time since which the key is compromised, where it is.
fn revocation(identifier: &str, compromised: Option<i64>) -> Item {
    let code = if compromised.is_some() { KEY_COMPROMISE } else { CESSATION_OF_OPERATION };
    let reason = vec![Item::enumeration(REVOCATION_REASON_CODE, code)];
    let mut payload = vec![Item::text(UNIQUE_IDENTIFIER, identifier), Item::structure(REVOCATION_REASON, reason)];
    // Only a compromise has such a date (clause 4.20).
    payload.extend(compromised.map(|since| Item::new(COMPROMISE_OCCURRENCE_DATE, Value::DateTime(since))));
    one(REVOKE, payload)
}

fn destruction(identifier: &str) -> Item {
    one(DESTROY, vec![Item::text(UNIQUE_IDENTIFIER, identifier)])
}

fn one(operation: u32, payload: Vec<Item>) -> Item {
    let header = Header { version: (1, 2), maximum_response_size: None, time_stamp: None };
    request(&header, &[(operation, payload)])
}

async fn ask(stage: &Stage, settings: &Settings, what: &str, identifier: &str, request: &Item) -> String {
    let outcome = match exchange(stage, settings, request).await {
        Ok(answer) => told(&answer),
        Err(why) => format!("failed: {why}"),
    };
    format!("{what} of {identifier} {outcome}")
}

async fn exchange(stage: &Stage, settings: &Settings, request: &Item) -> Result<Answer, String> {
    let config = client_config(&stage.env, settings)?;
    let host = settings.hosts().next().unwrap_or_default();
    let said = |failure: super::Failure| failure.to_string();
    let mut session =
        Session::open(stage, host, settings.port, &config, settings.connect_timeout).await.map_err(said)?;
    let answer = session.exchange(request).await.map_err(said)?;
    session.close().await.map_err(said)?;
    Ok(answer)
}

fn told(answer: &Answer) -> String {
    match answer.items.first() {
        Some(item) if item.status == "Success" => "succeeded".to_owned(),
        Some(item) => {
            let reason = item.reason.as_deref().unwrap_or("without reason");
            format!("was refused: {reason}: {}", item.message.as_deref().unwrap_or("without message"))
        }
        None => "failed: the answer is empty".to_owned(),
    }
}

#[cfg(test)]
mod tests;
