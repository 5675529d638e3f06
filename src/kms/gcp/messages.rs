//! The bodies of Encrypt and Decrypt, with the checksums that go along in both directions.
//!
//! Whatever is sent has its CRC32C beside it, and Google says whether it got the same; whatever comes back is compared
//! with the CRC32C that Google computed (Cloud KMS, "Data integrity guidelines"). What does not match is asked for again.
//!
//! Invariant: no byte of an answer is used before its checksum has matched.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc::{CRC_32_ISCSI, Crc};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::name::KeyName;
use crate::keys::{Secret, SecretText};
use crate::kms::failover::Failure;
use crate::kms::rest::{Body, Reply};

/// CRC32C is the CRC of iSCSI: Castagnoli's polynomial (RFC 3720, 12.1).
const CRC32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// The encryption context as Google's additional authenticated data: the pairs as one JSON object, sorted by name and
/// without spaces, `{"a":"1","b":"2"}`, as UTF-8. Nothing at all is authenticated where there are no pairs.
#[derive(Clone, Debug)]
pub(super) struct Context(Option<Vec<u8>>);

impl Context {
    pub(super) fn of(pairs: &BTreeMap<String, String>) -> Self {
        // A map of texts can always be written.
        Context((!pairs.is_empty()).then(|| serde_json::to_vec(pairs).unwrap_or_default()))
    }

    fn fields(&self) -> Option<ContextFields> {
        self.0.as_deref().map(|data| ContextFields {
            additional_authenticated_data: STANDARD.encode(data),
            additional_authenticated_data_crc32c: checksum(data),
        })
    }
}

/// The request of Encrypt.
pub(super) fn encrypt(plaintext: &Secret, context: &Context) -> Body {
    let encoded = Zeroizing::new(STANDARD.encode(plaintext.expose()));
    Body::json(&Encrypt {
        plaintext: &encoded,
        plaintext_crc32c: checksum(plaintext.expose()),
        context: context.fields(),
    })
}

/// The request of Decrypt.
pub(super) fn decrypt(ciphertext: &[u8], context: &Context) -> Body {
    Body::json(&Decrypt {
        ciphertext: STANDARD.encode(ciphertext),
        ciphertext_crc32c: checksum(ciphertext),
        context: context.fields(),
    })
}

/// The ciphertext in the answer of Encrypt, if all of it was encrypted, by that key, and came back whole.
pub(super) fn encrypted(reply: &Reply, key: &KeyName, context: &Context) -> Result<Vec<u8>, Failure> {
    let answer: Encrypted = reply.expect()?;
    if !key.has_version(&answer.name) {
        return Err(reply.senseless("the answer is of another key"));
    }
    if !answer.verified_plaintext_crc32c {
        return Err(reply.senseless("Google did not get the plaintext as it was sent").damaged());
    }
    if context.0.is_some() && !answer.verified_additional_authenticated_data_crc32c {
        return Err(reply.senseless("Google did not get the encryption context as it was sent").damaged());
    }
    let ciphertext = STANDARD.decode(&answer.ciphertext).ok().filter(|ciphertext| !ciphertext.is_empty());
    let ciphertext = ciphertext.ok_or_else(|| reply.senseless("no ciphertext in the answer"))?;
    match answer.ciphertext_crc32c {
        Some(sum) if sum.is_of(&ciphertext) => Ok(ciphertext),
        _ => Err(reply.senseless("the checksum of the ciphertext does not match").damaged()),
    }
}

/// The plaintext in the answer of Decrypt, if it came back whole.
pub(super) fn decrypted(reply: &Reply) -> Result<Secret, Failure> {
    let answer: Decrypted = reply.expect()?;
    let plaintext = answer.plaintext.and_then(|text| STANDARD.decode(text.expose()).ok()).map(Secret::new);
    let plaintext = plaintext.filter(|plaintext| !plaintext.expose().is_empty());
    let plaintext = plaintext.ok_or_else(|| reply.senseless("no plaintext in the answer"))?;
    match answer.plaintext_crc32c {
        Some(sum) if sum.is_of(plaintext.expose()) => Ok(plaintext),
        _ => Err(reply.senseless("the checksum of the plaintext does not match").damaged()),
    }
}

/// A checksum as JSON has it: the fields are `int64`, which are texts there (ProtoJSON).
fn checksum(data: &[u8]) -> String {
    CRC32C.checksum(data).to_string()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Encrypt<'a> {
    plaintext: &'a str,
    plaintext_crc32c: String,
    #[serde(flatten)]
    context: Option<ContextFields>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Decrypt {
    ciphertext: String,
    ciphertext_crc32c: String,
    #[serde(flatten)]
    context: Option<ContextFields>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContextFields {
    additional_authenticated_data: String,
    additional_authenticated_data_crc32c: String,
}

/// What is false or empty is left out of the JSON.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Encrypted {
    name: String,
    ciphertext: String,
    ciphertext_crc32c: Option<Checksum>,
    verified_plaintext_crc32c: bool,
    verified_additional_authenticated_data_crc32c: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Decrypted {
    plaintext: Option<SecretText>,
    plaintext_crc32c: Option<Checksum>,
}

/// A checksum in an answer: a text, though whoever reads ProtoJSON must take the number, too.
#[derive(Deserialize)]
#[serde(untagged)]
enum Checksum {
    Text(String),
    Number(u32),
}

impl Checksum {
    fn is_of(&self, data: &[u8]) -> bool {
        let computed = CRC32C.checksum(data);
        match self {
            Checksum::Text(text) => text.parse() == Ok(computed),
            Checksum::Number(number) => *number == computed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_crc32c() {
        // The check value of the catalogue of CRC algorithms, and the vector of RFC 3720, B.4, for 32 bytes of zero.
        assert_eq!(CRC32C.checksum(b"123456789"), 0xE306_9283);
        assert_eq!(CRC32C.checksum(&[0; 32]), 0x8A91_36AA);
        assert_eq!(checksum(b""), "0");
        assert_eq!(checksum(b"123456789"), "3808858755");
    }

    #[test]
    fn the_context_is_sorted_json_and_nothing_where_there_are_no_pairs() {
        let pairs = BTreeMap::from([("b".to_owned(), "2".to_owned()), ("a".to_owned(), "1 \"ü\"".to_owned())]);
        assert_eq!(Context::of(&pairs).0.unwrap(), r#"{"a":"1 \"ü\"","b":"2"}"#.as_bytes());
        assert_eq!(Context::of(&BTreeMap::new()).0, None);
    }
}
