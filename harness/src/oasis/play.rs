//! Plays one conversation: sends each request, judges each answer, and cleans up after itself.
//!
//! One connection serves a file; where the file has several clients, each has its own. A request that the file repeats
//! is sent again until the expected answer comes or the time for one exchange is over.
//!
//! Before an answer is compared it is searched for what is younger than its version; that is a leak, and no rule excuses it.
//!
//! Invariant: what the conversation created and did not destroy is destroyed at its end, however it ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kmip_proxy::env::Env;

use crate::wire::names::{
    BATCH_ITEM, COMPROMISE_OCCURRENCE_DATE, OPERATION, PRIVATE_KEY_UNIQUE_IDENTIFIER, PUBLIC_KEY_UNIQUE_IDENTIFIER,
    REQUEST_PAYLOAD, RESPONSE_PAYLOAD, RESULT_STATUS, REVOCATION_REASON, REVOCATION_REASON_CODE, UNIQUE_IDENTIFIER,
};
use crate::wire::{Header, Item, Value, leaves, message, names, parse, text, write, younger};

use super::claims::Claims;
use super::compare::{Excused, compare};
use super::connection::{Address, Connection};
use super::ledger::Ledger;
use super::placeholders;
use super::read::{Conversation, Exchange};
use super::verdict::Verdict;

/// How long to wait before a request is repeated.
const PAUSE: Duration = Duration::from_millis(200);

/// What came of a conversation.
#[derive(Clone, Debug)]
pub struct Played {
    /// In one word.
    pub verdict: Verdict,
    /// Why, where it is no pass.
    pub reason: Option<String>,
    /// The differences that rules have excused.
    pub excused: Vec<Excused>,
    /// The last request and its answer as trees, where something was wrong with them.
    pub messages: Option<String>,
}

impl Played {
    /// One that ended before its first answer.
    pub fn without(verdict: Verdict, reason: impl Into<String>) -> Self {
        Played { verdict, reason: Some(reason.into()), excused: Vec::new(), messages: None }
    }
}

/// Plays a conversation against the server at an address. `use_case` is whether it comes from the use cases, whose
/// lists of Query require nothing.
pub async fn play(env: &Env, conversation: &Conversation, address: &Address, claims: bool, use_case: bool) -> Played {
    let mut connections = BTreeMap::new();
    if claims {
        let asked = match Connection::open(address).await {
            Ok(mut connection) => Claims::ask(&mut connection, conversation.version).await,
            Err(error) => return Played::without(Verdict::Error, error),
        };
        // Who does not answer Query is asked the case itself, on a new connection.
        if let Some(lack) = asked.ok().and_then(|claims| claims.lacks(conversation)) {
            return Played::without(Verdict::NotOffered, lack);
        }
    }
    let now = env.clock.now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut stage = Stage {
        address,
        ledger: Ledger::new(i64::try_from(now).unwrap_or(i64::MAX), use_case),
        excused: Vec::new(),
        left: BTreeSet::new(),
    };
    let mut ended = None;
    for (index, exchange) in conversation.exchanges.iter().enumerate() {
        let client = exchange.client.clone().unwrap_or_default();
        let connection = match connections.remove(&client) {
            Some(connection) => Ok(connection),
            None => Connection::open(address).await,
        };
        let (number, line) = (index + 1, exchange.request.line);
        let result = match connection {
            Ok(mut connection) => {
                let result = stage.exchange(exchange, &mut connection).await;
                connections.insert(client, connection);
                result
            }
            Err(error) => Err(End { verdict: Verdict::Error, reason: error, messages: None }),
        };
        if let Err(end) = result {
            let reason = format!("exchange {number} (line {line}): {}", end.reason);
            ended = Some(End { reason, ..end });
            break;
        }
    }
    drop(connections);
    stage.clean_up(conversation.version).await;
    let Stage { excused, .. } = stage;
    match ended {
        Some(End { verdict, reason, messages }) => Played { verdict, reason: Some(reason), excused, messages },
        None if excused.is_empty() => Played { verdict: Verdict::Pass, reason: None, excused, messages: None },
        None => Played { verdict: Verdict::PassWithVariations, reason: None, excused, messages: None },
    }
}

/// An end before the end of the conversation.
struct End {
    verdict: Verdict,
    reason: String,
    messages: Option<String>,
}

struct Stage<'a> {
    address: &'a Address,
    ledger: Ledger,
    excused: Vec<Excused>,
    /// What was created and not destroyed.
    left: BTreeSet<String>,
}

impl Stage<'_> {
    async fn exchange(&mut self, exchange: &Exchange, connection: &mut Connection) -> Result<(), End> {
        let request = placeholders::item(&exchange.request, &self.ledger.bindings).map_err(|mistake| End {
            verdict: Verdict::NotReadable,
            reason: mistake.to_string(),
            messages: None,
        })?;
        self.ledger.sent(&request);
        let bytes = write(&request);
        let again = self.address.deadline.as_millis() / PAUSE.as_millis().max(1);
        let mut left = if exchange.repeated { again } else { 0 };
        loop {
            let failed = |reason: String, answer: &str| End {
                verdict: Verdict::Error,
                reason,
                messages: Some(format!("{}{answer}", text(&request))),
            };
            let answer = connection.exchange(&bytes).await.map_err(|error| failed(error, ""))?;
            let answer = parse(&answer).map_err(|error| failed(format!("the answer is no TTLV: {error}"), ""))?;
            self.note(&request, &answer);
            let leaked = younger(&answer, &leaves(&request));
            if !leaked.is_empty() {
                let reason = format!("the answer holds what is younger than its version: {}", leaked.join(", "));
                let messages = Some(format!("{}{}", text(&request), text(&answer)));
                return Err(End { verdict: Verdict::Leak, reason, messages });
            }
            match compare(&exchange.expected, &answer, &request, &mut self.ledger) {
                Ok(excused) => {
                    self.excused.extend(excused);
                    return Ok(());
                }
                Err(_) if left > 0 => {
                    left -= 1;
                    tokio::time::sleep(PAUSE).await;
                }
                Err(difference) => {
                    let path = if difference.path.is_empty() { "the message" } else { &difference.path };
                    let (expected, got, line) = (&difference.expected, &difference.got, difference.line);
                    let reason = format!("{path}: expected {expected} (line {line}), got {got}");
                    let messages = Some(format!("{}{}", text(&request), text(&answer)));
                    return Err(End { verdict: Verdict::Fail, reason, messages });
                }
            }
        }
    }

    /// Notes what an answer says was created or destroyed.
    fn note(&mut self, request: &Item, answer: &Item) {
        let items = |message: &Item| -> Vec<Item> {
            message.children().iter().filter(|item| item.tag == BATCH_ITEM).cloned().collect()
        };
        for (asked, told) in items(request).iter().zip(items(answer)) {
            let succeeded = told.child(RESULT_STATUS).and_then(Item::as_enumeration) == Some(0);
            let operation = asked.child(OPERATION).and_then(Item::as_enumeration);
            let (Some(operation), true) = (operation, succeeded) else { continue };
            let identifiers = told.child(RESPONSE_PAYLOAD).into_iter().flat_map(|payload| {
                let tags = [UNIQUE_IDENTIFIER, PRIVATE_KEY_UNIQUE_IDENTIFIER, PUBLIC_KEY_UNIQUE_IDENTIFIER];
                payload.children().iter().filter(move |item| tags.contains(&item.tag)).filter_map(Item::as_text)
            });
            match names::value_name(OPERATION, operation).as_str() {
                "Create" | "CreateKeyPair" | "Register" | "ReKey" | "ReKeyKeyPair" | "DeriveKey" | "Certify"
                | "ReCertify" | "CreateSplitKey" | "JoinSplitKey" | "Import" => {
                    self.left.extend(identifiers.map(str::to_owned));
                }
                "Destroy" => {
                    let named = asked.descendant(&[REQUEST_PAYLOAD, UNIQUE_IDENTIFIER]).and_then(Item::as_text);
                    for identifier in identifiers.chain(named) {
                        self.left.remove(identifier);
                    }
                }
                _ => {}
            }
        }
    }

    /// Destroys what is left: first as it is, then after a revocation, which an active key needs.
    async fn clean_up(&mut self, version: (i32, i32)) {
        if self.left.is_empty() {
            return;
        }
        let Ok(mut connection) = Connection::open(self.address).await else { return };
        let header = Header { version, maximum_response_size: None, time_stamp: None };
        for identifier in &self.left {
            let named = Item::text(UNIQUE_IDENTIFIER, identifier);
            // Revocation Reason Code 2 is Key Compromise, which needs the date (KMIP 1.4, clause 4.20).
            let reason = Item::structure(REVOCATION_REASON, vec![Item::enumeration(REVOCATION_REASON_CODE, 2)]);
            let date = Item::new(COMPROMISE_OCCURRENCE_DATE, Value::DateTime(self.ledger.bindings.now()));
            let steps = [
                ("Destroy", vec![named.clone()]),
                ("Revoke", vec![named.clone(), reason, date]),
                ("Destroy", vec![named]),
            ];
            for (operation, payload) in steps {
                let operation = names::operation(operation).unwrap_or_default();
                let request = write(&message::request(&header, &[(operation, payload)]));
                let Ok(answer) = connection.exchange(&request).await else { return };
                let status = parse(&answer)
                    .ok()
                    .and_then(|answer| answer.descendant(&[BATCH_ITEM, RESULT_STATUS]).and_then(Item::as_enumeration));
                if status == Some(0) && operation == names::operation("Destroy").unwrap_or_default() {
                    break;
                }
            }
        }
    }
}
