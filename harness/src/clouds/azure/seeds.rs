//! Random bytes by name, all grown from the one seed of the world.
//!
//! Invariant: how much one name draws changes nothing for any other name; a key that is added leaves all bytes of the
//! others alone.

use std::fmt;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use ring::hmac;

/// The seed of a world.
#[derive(Clone)]
pub(super) struct Seed(hmac::Key);

impl Seed {
    /// Takes the seed over.
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Seed(hmac::Key::new(hmac::HMAC_SHA256, &seed))
    }

    /// What belongs to one name, from its first byte.
    pub(super) fn stream(&self, name: &str) -> Stream {
        let tag = hmac::sign(&self.0, name.as_bytes());
        let seed = tag.as_ref().try_into().expect("HMAC-SHA-256 gives 32 bytes");
        Stream(ChaCha8Rng::from_seed(seed))
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// The bytes of one name.
#[derive(Clone, Debug)]
pub(super) struct Stream(ChaCha8Rng);

impl Stream {
    /// The next bytes.
    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// Text of that many letters and digits, of which there are 64.
    pub(super) fn letters(&mut self, count: usize) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
        (0..count).map(|_| char::from(ALPHABET[usize::from(self.bytes::<1>()[0]) % ALPHABET.len()])).collect()
    }

    /// A GUID: a UUID of version 4.
    pub(super) fn guid(&mut self) -> String {
        let mut bytes = self.bytes::<16>();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let text = crate::trace::hex(&bytes);
        format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
    }
}
