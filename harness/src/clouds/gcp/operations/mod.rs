//! The operations of Cloud KMS, one a file, and what they share: finding and guarding the key, reading fields, checksums.
//!
//! Invariant: the table below is the list of what the fake can do; everything else is refused by name.

mod decrypt;
mod encrypt;
mod get_crypto_key;
mod get_crypto_key_version;

use std::time::SystemTime;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::Method;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::accounts::Account;
use super::errors::{Error, Refusal};
use super::keys::{CryptoKey, Version};
use super::names::KeyName;
use super::{Fault, Gcp, policy};
use crate::clouds::Arrival;
use crate::clouds::call::Call;

/// The longest plaintext and the longest additional data, in bytes (REST reference, `encrypt`).
const LONGEST: usize = 64 * 1024;
/// Protocol buffers take base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One operation.
pub(super) struct Operation {
    /// The method of the service in its protocol buffers.
    pub(super) name: &'static str,
    method: Method,
    /// What follows the colon in the path.
    verb: Option<&'static str>,
    takes: Takes,
    /// What the caller must be allowed.
    pub(super) permission: &'static str,
    /// The field whose bytes it works on.
    pub(super) field: &'static str,
    /// Runs it for a caller who is known.
    pub(super) run: fn(&mut Gcp, &Caller<'_>, &[u8], &mut Call) -> Result<String, Refusal>,
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What stands in the path of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Key,
    Version,
    Either,
}

static OPERATIONS: [Operation; 4] = [
    Operation {
        name: "Decrypt",
        method: Method::POST,
        verb: Some("decrypt"),
        takes: Takes::Key,
        permission: "cloudkms.cryptoKeyVersions.useToDecrypt",
        field: "ciphertext",
        run: decrypt::run,
    },
    Operation {
        name: "Encrypt",
        method: Method::POST,
        verb: Some("encrypt"),
        takes: Takes::Either,
        permission: "cloudkms.cryptoKeyVersions.useToEncrypt",
        field: "plaintext",
        run: encrypt::run,
    },
    Operation {
        name: "GetCryptoKey",
        method: Method::GET,
        verb: None,
        takes: Takes::Key,
        permission: "cloudkms.cryptoKeys.get",
        field: "name",
        run: get_crypto_key::run,
    },
    Operation {
        name: "GetCryptoKeyVersion",
        method: Method::GET,
        verb: None,
        takes: Takes::Version,
        permission: "cloudkms.cryptoKeyVersions.get",
        field: "name",
        run: get_crypto_key_version::run,
    },
];

/// The operation of that method and verb on such a name.
pub(super) fn find(method: &Method, verb: Option<&str>, name: Option<&KeyName>) -> Option<&'static Operation> {
    let is_version = name?.version.is_some();
    let takes = |takes: Takes| takes == Takes::Either || (takes == Takes::Version) == is_version;
    OPERATIONS.iter().find(|operation| operation.method == *method && operation.verb == verb && takes(operation.takes))
}

/// Whether one of the operations has that verb.
pub(super) fn is_verb(verb: &str) -> bool {
    OPERATIONS.iter().any(|operation| operation.verb == Some(verb))
}

/// Who calls, how the call came, and what it is about.
pub(super) struct Caller<'a> {
    pub(super) arrival: &'a Arrival,
    pub(super) account: &'a Account,
    pub(super) operation: &'static Operation,
    pub(super) name: &'a KeyName,
    pub(super) fault: Option<Fault>,
}

impl Caller<'_> {
    /// Finds the key, and refuses a caller who may not use it.
    fn key<'a>(&self, gcp: &'a mut Gcp, call: &mut Call) -> Result<&'a CryptoKey, Refusal> {
        if gcp.policy.keeps_out(self.arrival, &self.name.key) {
            return Err(policy::violation(&gcp.violation_identifier()));
        }
        let key = gcp.keys.find(self.name);
        call.cmk = key.map(|key| key.resource.to_string());
        let name = key.map(|key| key.name.as_str());
        gcp.policy.check(self.account, self.operation.permission, name, &self.name.to_string())?;
        key.ok_or_else(|| self.not_found())
    }

    /// The version that the path names.
    fn version<'a>(&self, key: &'a CryptoKey, number: &str) -> Result<&'a Version, Refusal> {
        number.parse().ok().and_then(|number| key.version(number)).ok_or_else(|| self.not_found())
    }

    fn not_found(&self) -> Refusal {
        Refusal::new(Error::NotFound, &[("version", &self.name.to_string())])
    }

    /// A checksum for the answer.
    fn checksum(&self, bytes: &[u8]) -> String {
        let spoilt = u32::from(self.fault == Some(Fault::WrongChecksum));
        (crc32c::crc32c(bytes) ^ spoilt).to_string()
    }

    /// Whether the answer says that a checksum was verified.
    fn confirms(&self, verified: bool) -> bool {
        verified && self.fault != Some(Fault::Unverified)
    }
}

impl Gcp {
    /// The identifier of one more violation of the perimeter: 54 characters, as in answers that were seen.
    pub(super) fn violation_identifier(&mut self) -> String {
        URL_SAFE_NO_PAD.encode(self.streams.violations.bytes::<40>())
    }
}

/// The fields of a request's body. A field that is `null` counts as absent.
struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a body that has none but these fields.
    fn read(body: &[u8], known: &[&str]) -> Result<Self, Refusal> {
        let fields = match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => fields,
            _ => return Err(Error::InvalidJson.into()),
        };
        match fields.keys().find(|name| !known.contains(&name.as_str())) {
            Some(unknown) => Err(Refusal::new(Error::UnknownField, &[("field", unknown)])),
            None => Ok(Fields(fields)),
        }
    }

    /// A field of bytes, empty where it is absent. Its value is never repeated in a refusal.
    fn bytes(&self, name: &str) -> Result<Vec<u8>, Refusal> {
        let text = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::String(text)) => text.replace('-', "+").replace('_', "/"),
            Some(_) => return Err(invalid(name, "TYPE_BYTES", "not a string.")),
        };
        BASE64.decode(text).map_err(|_| invalid(name, "TYPE_BYTES", "Base64 decoding failed."))
    }

    /// The same, with a bound.
    fn bounded(&self, name: &str) -> Result<Vec<u8>, Refusal> {
        let bytes = self.bytes(name)?;
        if bytes.len() > LONGEST {
            let length = bytes.len().to_string();
            return Err(Refusal::new(Error::TooLong, &[("field", &snake(name)), ("length", &length)]));
        }
        Ok(bytes)
    }

    /// Verifies the checksum of a field's bytes; tells whether there was one. An int64 stands in JSON as a string, and is
    /// taken as a number too.
    fn verify(&self, name: &str, bytes: &[u8]) -> Result<bool, Refusal> {
        let field = format!("{name}Crc32c");
        let stated = match self.0.get(&field) {
            None | Some(Value::Null) => return Ok(false),
            Some(Value::String(text)) => text.parse::<i64>().ok(),
            Some(Value::Number(number)) => number.as_i64(),
            Some(_) => None,
        };
        match stated {
            None => Err(invalid(&field, "TYPE_INT64", "not a whole number.")),
            Some(stated) if stated == i64::from(crc32c::crc32c(bytes)) => Ok(true),
            Some(_) => Err(Refusal::new(Error::Checksum, &[("field", &snake(name))])),
        }
    }
}

fn invalid(name: &str, kind: &str, reason: &str) -> Refusal {
    Refusal::new(Error::InvalidValue, &[("field", &snake(name)), ("type", kind), ("reason", reason)])
}

/// A field's name as the protocol buffers spell it, and with them every text.
fn snake(name: &str) -> String {
    name.chars().fold(String::new(), |mut text, letter| {
        if letter.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
        text
    })
}

/// A Timestamp as JSON spells it (RFC 3339).
fn timestamp(at: SystemTime) -> String {
    OffsetDateTime::from(at).format(&Rfc3339).expect("a year of four digits has this form")
}
