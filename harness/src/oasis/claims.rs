//! What a server says it can do: its answers to Discover Versions and Query.
//!
//! A server that answers neither, or lists nothing, is believed to claim everything: then the cases decide.
//!
//! Invariant: a case is called "not offered" only on the word of the server.

use crate::wire::names::{OBJECT_TYPE, OPERATION, PROTOCOL_VERSION, PROTOCOL_VERSION_MAJOR, PROTOCOL_VERSION_MINOR};
use crate::wire::names::{QUERY_FUNCTION, REQUEST_PAYLOAD, RESULT_STATUS};
use crate::wire::{Answer, Header, Item, message, names, write};

use super::connection::Connection;
use super::read::Conversation;
use super::values::Field;

/// Certificate, Public Key and Private Key among the Object Types.
const PAIR: [u32; 2] = [3, 4];

/// What a server claims.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    versions: Option<Vec<(i32, i32)>>,
    operations: Vec<u32>,
    objects: Vec<u32>,
}

impl Claims {
    /// Asks a server, in this protocol version. The answers of a server that fails here do not count against it.
    pub async fn ask(connection: &mut Connection, version: (i32, i32)) -> Result<Self, String> {
        let mut claims = Claims::default();
        if version >= (1, 1) {
            // Discover Versions (KMIP 1.1, clause 4.26) may be asked in any version that has it.
            let discover = names::operation("DiscoverVersions").unwrap_or_default();
            let asked = ask(connection, (1, 1), discover, Vec::new()).await?;
            let versions: Vec<_> =
                asked.iter().filter(|item| item.tag == PROTOCOL_VERSION).filter_map(number).collect();
            claims.versions = Some(versions).filter(|versions| !versions.is_empty());
        }
        if claims.lacks_version(version).is_some() {
            return Ok(claims);
        }
        let query = names::operation("Query").unwrap_or_default();
        let functions = [1, 2].map(|function| Item::enumeration(QUERY_FUNCTION, function));
        let asked = ask(connection, version, query, functions.to_vec()).await?;
        let listed = |tag| asked.iter().filter(|item| item.tag == tag).filter_map(Item::as_enumeration).collect();
        claims.operations = listed(OPERATION);
        claims.objects = listed(OBJECT_TYPE);
        Ok(claims)
    }

    /// What a conversation needs and the server does not claim, with the line that needs it.
    pub fn lacks(&self, conversation: &Conversation) -> Option<String> {
        if let Some(lack) = self.lacks_version(conversation.version) {
            return Some(lack);
        }
        let successes = conversation.exchanges.iter().flat_map(|exchange| {
            let asked = exchange.request.fields().iter().filter(|field| field.tag == names::BATCH_ITEM);
            let told = exchange.expected.fields().iter().filter(|field| field.tag == names::BATCH_ITEM);
            // What is expected to fail need not be offered.
            asked.zip(told).filter(|(_, told)| told.field(RESULT_STATUS).and_then(Field::choice) != Some(1))
        });
        successes.into_iter().find_map(|(asked, _)| self.lacks_item(asked))
    }

    fn lacks_version(&self, version: (i32, i32)) -> Option<String> {
        let versions = self.versions.as_ref()?;
        let lacks = !versions.contains(&version);
        lacks.then(|| format!("the server's Discover Versions does not list KMIP {}.{}", version.0, version.1))
    }

    fn lacks_item(&self, item: &Field) -> Option<String> {
        let operation = item.field(OPERATION)?.choice()?;
        let name = names::value_name(OPERATION, operation);
        if !self.operations.is_empty() && !self.operations.contains(&operation) {
            return Some(format!("the server's Query does not list the operation {name} (line {})", item.line));
        }
        let payload = item.field(REQUEST_PAYLOAD)?;
        let named = payload.field(OBJECT_TYPE).and_then(Field::choice);
        let made = match name.as_str() {
            "Create" | "Register" | "Import" | "DeriveKey" => named.into_iter().collect(),
            "CreateKeyPair" | "ReKeyKeyPair" => PAIR.to_vec(),
            _ => Vec::new(),
        };
        let lacking = made.into_iter().find(|kind| !self.objects.is_empty() && !self.objects.contains(kind))?;
        let kind = names::value_name(OBJECT_TYPE, lacking);
        Some(format!("the server's Query does not list the object {kind} (line {})", payload.line))
    }
}

/// The payload of the answer to a request of one item; empty where the server refuses.
async fn ask(
    connection: &mut Connection,
    version: (i32, i32),
    operation: u32,
    payload: Vec<Item>,
) -> Result<Vec<Item>, String> {
    let header = Header { version, maximum_response_size: None, time_stamp: None };
    let bytes = connection.exchange(&write(&message::request(&header, &[(operation, payload)]))).await?;
    let answer = Answer::read(&bytes).map_err(|error| format!("an answer that cannot be read: {error}"))?;
    let payload = answer.message.descendant(&[names::BATCH_ITEM, names::RESPONSE_PAYLOAD]);
    Ok(payload.map(|payload| payload.children().to_vec()).unwrap_or_default())
}

fn number(version: &Item) -> Option<(i32, i32)> {
    let number = |tag| version.child(tag).and_then(Item::as_integer);
    Some((number(PROTOCOL_VERSION_MAJOR)?, number(PROTOCOL_VERSION_MINOR)?))
}
