//! What a key's material makes: ciphertexts.
//!
//! A ciphertext begins with the bytes that AWS' begin with and continues in a layout of our own: length and text of the
//! key id, material id, nonce, a checksum over all of that, and AES-256-GCM ciphertext with its tag. The checksum makes
//! a damaged header a damaged ciphertext, and not one of another key.
//!
//! Invariant: backing material never leaves this file.

use std::collections::BTreeMap;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::digest;

use super::errors::{Error, Refusal};
use crate::clouds::seeds::Stream;
use crate::trace::hex;

/// The first bytes of every symmetric ciphertext of AWS KMS: `AQICAH` in base64.
const PREFIX: [u8; 5] = [0x01, 0x02, 0x02, 0x00, 0x78];
const MATERIAL_ID: usize = 32;
/// The length of a nonce of AES-GCM, in bytes.
pub(super) const NONCE: usize = 12;
const CHECKSUM: usize = 4;

/// One generation of a key's backing material.
pub(super) struct Material {
    id: [u8; MATERIAL_ID],
    bytes: [u8; 32],
}

impl Material {
    /// The next material of a key.
    pub(super) fn draw(source: &mut Stream) -> Self {
        Material { id: source.bytes(), bytes: source.bytes() }
    }

    /// Its id, in the spelling of KeyMaterialId.
    pub(super) fn name(&self) -> String {
        hex(&self.id)
    }

    /// Whether a ciphertext says that this material made it.
    pub(super) fn made(&self, sealed: &Sealed<'_>) -> bool {
        sealed.material_id == self.id
    }

    /// Wraps.
    pub(super) fn seal(
        &self,
        key_id: &str,
        plaintext: &[u8],
        context: &BTreeMap<String, String>,
        nonce: [u8; NONCE],
    ) -> Vec<u8> {
        let length = u8::try_from(key_id.len()).expect("a key id has 36 characters");
        let mut sealed = [&PREFIX[..], &[length], key_id.as_bytes(), &self.id, &nonce].concat();
        let checksum = digest::digest(&digest::SHA256, &sealed);
        sealed.extend_from_slice(&checksum.as_ref()[..CHECKSUM]);
        let mut body = plaintext.to_vec();
        self.cipher()
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(canonical(context)), &mut body)
            .expect("AES-GCM takes every plaintext of this size");
        sealed.append(&mut body);
        sealed
    }

    /// Opens, if neither the ciphertext nor the context was changed.
    pub(super) fn open(&self, sealed: &Sealed<'_>, context: &BTreeMap<String, String>) -> Option<Opened> {
        let mut body = sealed.body.to_vec();
        let nonce = Nonce::assume_unique_for_key(sealed.nonce);
        let opened = self.cipher().open_in_place(nonce, Aad::from(canonical(context)), &mut body);
        Some(Opened { plaintext: opened.ok()?.to_vec(), material_id: self.name() })
    }

    fn cipher(&self) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &self.bytes).expect("AES-256 takes 32 bytes"))
    }
}

/// What was opened, and by which material.
pub(super) struct Opened {
    pub(super) plaintext: Vec<u8>,
    pub(super) material_id: String,
}

/// A ciphertext, taken apart.
pub(super) struct Sealed<'a> {
    pub(super) key_id: &'a str,
    material_id: &'a [u8],
    nonce: [u8; NONCE],
    body: &'a [u8],
}

impl<'a> Sealed<'a> {
    /// Takes a ciphertext apart. What this fake did not make, or what was damaged since, is refused.
    pub(super) fn read(blob: &'a [u8]) -> Result<Self, Refusal> {
        Self::parse(blob).ok_or_else(|| Error::InvalidCiphertext.into())
    }

    fn parse(blob: &'a [u8]) -> Option<Self> {
        let (&length, rest) = blob.strip_prefix(&PREFIX)?.split_first()?;
        let (key_id, rest) = rest.split_at_checked(usize::from(length))?;
        let (material_id, rest) = rest.split_at_checked(MATERIAL_ID)?;
        let (nonce, rest) = rest.split_at_checked(NONCE)?;
        let (checksum, body) = rest.split_at_checked(CHECKSUM)?;
        let head = blob.get(..blob.len() - rest.len())?;
        if !digest::digest(&digest::SHA256, head).as_ref().starts_with(checksum) {
            return None;
        }
        Some(Sealed { key_id: std::str::from_utf8(key_id).ok()?, material_id, nonce: nonce.try_into().ok()?, body })
    }
}

/// The encryption context in one unambiguous form: sorted, each part with its length before it.
fn canonical(context: &BTreeMap<String, String>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in context.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}
