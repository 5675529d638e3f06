//! The operations of KMS, one a file, and what they share: reading members, finding and guarding the key.
//!
//! Invariant: the table below is the list of what the fake can do; everything else is refused by name.

mod cancel_key_deletion;
mod create_alias;
mod create_key;
mod decrypt;
mod describe_key;
mod disable_key;
mod enable_key;
mod enable_key_rotation;
mod encrypt;
mod get_key_rotation_status;
mod list_aliases;
mod list_keys;
mod rotate_key_on_demand;
mod schedule_key_deletion;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::Aws;
use super::errors::{Error, Refusal};
use super::identities::Principal;
use super::keys::{CustomerKey, Lookup};
use super::policy::Resource;
use crate::clouds::Arrival;
use crate::clouds::call::Call;

/// The only algorithm of a symmetric key.
const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";
/// All algorithms, in the order in which a refusal lists them.
const ALGORITHMS: [&str; 4] = ["SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"];

/// One operation.
pub(super) struct Operation {
    name: &'static str,
    /// Runs it for a caller who is known.
    pub(super) run: fn(&mut Aws, &Caller<'_>, &Members, &mut Call) -> Result<Value, Refusal>,
}

const OPERATIONS: [Operation; 14] = [
    Operation { name: "CancelKeyDeletion", run: cancel_key_deletion::run },
    Operation { name: "CreateAlias", run: create_alias::run },
    Operation { name: "CreateKey", run: create_key::run },
    Operation { name: "Decrypt", run: decrypt::run },
    Operation { name: "DescribeKey", run: describe_key::run },
    Operation { name: "DisableKey", run: disable_key::run },
    Operation { name: "EnableKey", run: enable_key::run },
    Operation { name: "EnableKeyRotation", run: enable_key_rotation::run },
    Operation { name: "Encrypt", run: encrypt::run },
    Operation { name: "GetKeyRotationStatus", run: get_key_rotation_status::run },
    Operation { name: "ListAliases", run: list_aliases::run },
    Operation { name: "ListKeys", run: list_keys::run },
    Operation { name: "RotateKeyOnDemand", run: rotate_key_on_demand::run },
    Operation { name: "ScheduleKeyDeletion", run: schedule_key_deletion::run },
];

/// The operation of that name.
pub(super) fn find(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}

/// The names of all operations.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|operation| operation.name)
}

/// Who calls, how the call came, and to which region.
pub(super) struct Caller<'a> {
    pub(super) arrival: &'a Arrival,
    pub(super) region: &'a str,
    pub(super) principal: &'a Principal,
}

impl Caller<'_> {
    /// Finds the key that KeyId names, and refuses a caller who may not use it.
    fn key<'a>(&self, aws: &'a Aws, key_id: &str, action: &str, call: &mut Call) -> Result<&'a CustomerKey, Refusal> {
        let key = aws.keys.lookup(self.region, key_id, self.arrival.at).map_err(|miss| match miss {
            Lookup::Refused(refusal) => refusal,
            Lookup::OtherAccount(arn) => {
                let values = [("user", self.principal.arn.as_str()), ("action", action), ("arn", &arn)];
                Refusal::new(Error::NotAllowedByKey, &values)
            }
        })?;
        call.cmk = Some(key.arn.clone());
        self.check(aws, key, action)?;
        Ok(key)
    }

    /// Refuses a caller who may not do what is done to no key in particular.
    fn check_at_large(&self, aws: &Aws, action: &str) -> Result<(), Refusal> {
        aws.policy.check(self.arrival, self.principal, action, Resource { name: "*", arn: "*" })
    }

    fn check(&self, aws: &Aws, key: &CustomerKey, action: &str) -> Result<(), Refusal> {
        aws.policy.check(self.arrival, self.principal, action, Resource { name: &key.name, arn: &key.arn })
    }
}

/// The members of a request's body. A member that is `null` counts as absent.
pub(super) struct Members(Map<String, Value>);

impl Members {
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Members(members)),
            _ => Err(Error::Serialization.into()),
        }
    }

    fn member(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        match self.member(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Error::Serialization.into()),
        }
    }

    /// KeyId: 1 to 2048 characters.
    fn key_id(&self) -> Result<Option<&str>, Refusal> {
        let Some(text) = self.text("KeyId")? else { return Ok(None) };
        check_length(&format!("Value '{text}' at 'keyId'"), text.chars().count(), 2048)?;
        Ok(Some(text))
    }

    fn required_key_id(&self) -> Result<&str, Refusal> {
        self.key_id()?.ok_or_else(|| invalid("Value null at 'keyId'", "Member must not be null"))
    }

    /// A required member of bytes, at most so many. Its value is never repeated in a refusal.
    fn bytes(&self, name: &str, most: usize) -> Result<Vec<u8>, Refusal> {
        let place = format!("Value at '{}{}'", name[..1].to_ascii_lowercase(), &name[1..]);
        let text = self.text(name)?.ok_or_else(|| invalid(&place, "Member must not be null"))?;
        let bytes = STANDARD.decode(text).map_err(|_| Error::Serialization)?;
        check_length(&place, bytes.len(), most)?;
        Ok(bytes)
    }

    fn context(&self) -> Result<BTreeMap<String, String>, Refusal> {
        let pairs = match self.member("EncryptionContext") {
            None => return Ok(BTreeMap::new()),
            Some(Value::Object(pairs)) => pairs,
            Some(_) => return Err(Error::Serialization.into()),
        };
        let pair = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        pairs.iter().map(pair).collect::<Option<_>>().ok_or_else(|| Error::Serialization.into())
    }

    /// Refuses every algorithm that a symmetric key does not know.
    fn check_algorithm(&self) -> Result<(), Refusal> {
        match self.text("EncryptionAlgorithm")? {
            None | Some(SYMMETRIC) => Ok(()),
            Some(other) if ALGORITHMS.contains(&other) => {
                Err(Refusal::new(Error::AlgorithmInvalid, &[("algorithm", other)]))
            }
            Some(other) => {
                let constraint = format!("Member must satisfy enum value set: [{}]", ALGORITHMS.join(", "));
                Err(invalid(&format!("Value '{other}' at 'encryptionAlgorithm'"), &constraint))
            }
        }
    }

    /// A whole number within a range.
    fn number(&self, name: &str, range: &RangeInclusive<u32>) -> Result<Option<u32>, Refusal> {
        let Some(value) = self.member(name) else { return Ok(None) };
        let number = value.as_i64().ok_or(Error::Serialization)?;
        check_range(name, number, range).map(Some)
    }

    /// Whether the caller only wants to know.
    fn dry_run(&self) -> Result<bool, Refusal> {
        self.flag("DryRun")
    }

    /// A member that is true or false, and false where it is absent.
    fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.member(name) {
            None => Ok(false),
            Some(Value::Bool(set)) => Ok(*set),
            Some(_) => Err(Error::Serialization.into()),
        }
    }

    /// Refuses a member that says anything but what the fake's keys are anyway.
    fn only(&self, name: &str, known: &str) -> Result<(), Refusal> {
        match self.text(name)? {
            Some(other) if other != known => {
                Err(Refusal::new(Error::NotImplemented, &[("what", &format!("{name} {other}"))]))
            }
            _ => Ok(()),
        }
    }

    /// Refuses every token of a grant: nobody gave one.
    fn check_grant_tokens(&self) -> Result<(), Refusal> {
        match self.member("GrantTokens") {
            None => Ok(()),
            Some(Value::Array(tokens)) if tokens.is_empty() => Ok(()),
            Some(Value::Array(_)) => Err(Error::InvalidGrantToken.into()),
            Some(_) => Err(Error::Serialization.into()),
        }
    }

    /// Refuses, by name, members that would change the answer in a way that the fake does not know.
    fn refuse(&self, names: &[&str]) -> Result<(), Refusal> {
        let empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
        match names.iter().find(|name| self.member(name).is_some_and(|value| !empty(value))) {
            Some(name) => Err(Refusal::new(Error::NotImplemented, &[("what", name)])),
            None => Ok(()),
        }
    }
}

fn check_length(place: &str, length: usize, most: usize) -> Result<(), Refusal> {
    if length < 1 {
        return Err(invalid(place, "Member must have length greater than or equal to 1"));
    }
    if length > most {
        return Err(invalid(place, &format!("Member must have length less than or equal to {most}")));
    }
    Ok(())
}

/// A number within a range, or AWS' refusal of it.
pub(super) fn check_range(name: &str, number: i64, range: &RangeInclusive<u32>) -> Result<u32, Refusal> {
    let place = format!("Value '{number}' at '{}{}'", name[..1].to_ascii_lowercase(), &name[1..]);
    match u32::try_from(number) {
        Ok(number) if range.contains(&number) => Ok(number),
        _ if number < i64::from(*range.start()) => {
            Err(invalid(&place, &format!("Member must have value greater than or equal to {}", range.start())))
        }
        _ => Err(invalid(&place, &format!("Member must have value less than or equal to {}", range.end()))),
    }
}

/// A timestamp as KMS writes it: seconds, with milliseconds as a fraction.
fn seconds(at: SystemTime) -> f64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs() as f64 + f64::from(since.subsec_millis()) / 1000.0
}

/// A violated constraint in AWS' words.
pub(super) fn invalid(place: &str, constraint: &str) -> Refusal {
    Refusal::new(Error::Validation, &[("what", &format!("{place} failed to satisfy constraint: {constraint}"))])
}
