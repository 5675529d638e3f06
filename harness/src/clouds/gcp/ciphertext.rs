//! What a version's material makes: ciphertexts.
//!
//! A ciphertext begins with the bytes that Google's begin with, a field of 36 bytes that tells who made it, and
//! continues in a layout of our own: the id of the material, a checksum over it, nonce, AES-256-GCM ciphertext with its
//! tag. The checksum makes a damaged id a damaged ciphertext, and not one of another key.
//!
//! Invariant: material never leaves this file.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::digest;

use super::errors::{Error, Refusal};
use crate::clouds::seeds::Stream;

/// The first bytes of every symmetric ciphertext of Cloud KMS: `CiQA` in base64, which protocol buffers read as field 1
/// with 36 bytes, the first of them 0.
const PREFIX: [u8; 3] = [0x0a, 0x24, 0x00];
/// The rest of the field is this and the checksum.
const MATERIAL_ID: usize = 31;
const CHECKSUM: usize = 4;
/// The length of a nonce of AES-GCM, in bytes.
pub(super) const NONCE: usize = 12;

/// The material of one version.
#[derive(Clone)]
pub(super) struct Material {
    id: [u8; MATERIAL_ID],
    bytes: [u8; 32],
}

impl Material {
    /// The material of a key's next version.
    pub(super) fn draw(source: &mut Stream) -> Self {
        Material { id: source.bytes(), bytes: source.bytes() }
    }

    /// Whether a ciphertext says that this material made it.
    pub(super) fn made(&self, sealed: &Sealed<'_>) -> bool {
        sealed.material_id == self.id
    }

    /// Wraps.
    pub(super) fn seal(&self, plaintext: &[u8], aad: &[u8], nonce: [u8; NONCE]) -> Vec<u8> {
        let mut sealed = [&PREFIX[..], &self.id, &checksum(&self.id), &nonce].concat();
        let mut body = plaintext.to_vec();
        self.cipher()
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut body)
            .expect("AES-GCM takes every plaintext of this size");
        sealed.append(&mut body);
        sealed
    }

    /// Opens, if neither the ciphertext nor the additional data were changed.
    pub(super) fn open(&self, sealed: &Sealed<'_>, aad: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut body = sealed.body.to_vec();
        let nonce = Nonce::assume_unique_for_key(sealed.nonce);
        let opened = self.cipher().open_in_place(nonce, Aad::from(aad), &mut body);
        opened.map(|plaintext| plaintext.to_vec()).map_err(|_| Error::CiphertextInvalid.into())
    }

    fn cipher(&self) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &self.bytes).expect("AES-256 takes 32 bytes"))
    }
}

/// A ciphertext, taken apart.
pub(super) struct Sealed<'a> {
    material_id: &'a [u8],
    nonce: [u8; NONCE],
    body: &'a [u8],
}

impl<'a> Sealed<'a> {
    /// Takes a ciphertext apart. What this fake did not make, or what was damaged since, is refused.
    pub(super) fn read(blob: &'a [u8]) -> Result<Self, Refusal> {
        Self::parse(blob).ok_or_else(|| Error::CiphertextInvalid.into())
    }

    fn parse(blob: &'a [u8]) -> Option<Self> {
        let (material_id, rest) = blob.strip_prefix(&PREFIX)?.split_at_checked(MATERIAL_ID)?;
        let (stated, rest) = rest.split_at_checked(CHECKSUM)?;
        let (nonce, body) = rest.split_at_checked(NONCE)?;
        let sealed = Sealed { material_id, nonce: nonce.try_into().ok()?, body };
        (stated == checksum(material_id)).then_some(sealed)
    }
}

fn checksum(material_id: &[u8]) -> [u8; CHECKSUM] {
    let digest = digest::digest(&digest::SHA256, material_id);
    digest.as_ref()[..CHECKSUM].try_into().expect("SHA-256 gives 32 bytes")
}
