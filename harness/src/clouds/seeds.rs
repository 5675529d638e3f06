//! Streams of random bytes, one a name, all from the seed of the world.
//!
//! Invariant: what one name draws does not depend on what others have drawn, so that adding a key to a world leaves the
//! bytes of every other key as they were.

use std::fmt;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use ring::hmac;

/// Digits.
pub(super) const DECIMAL: &[u8] = b"0123456789";
/// The letters of AWS' identifiers.
pub(super) const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// What Azure's client secrets are made of.
pub(super) const UNRESERVED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";

/// The seed of a world.
#[derive(Clone)]
pub(super) struct Seed(hmac::Key);

impl Seed {
    /// Takes the seed over.
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Seed(hmac::Key::new(hmac::HMAC_SHA256, &seed))
    }

    /// The stream of one name, from its beginning.
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

/// A stream of random bytes.
#[derive(Clone, Debug)]
pub(super) struct Stream(ChaCha8Rng);

impl Stream {
    /// The next bytes.
    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// Text of that many characters of an alphabet.
    pub(super) fn text(&mut self, count: usize, alphabet: &[u8]) -> String {
        (0..count).map(|_| char::from(alphabet[usize::from(self.bytes::<1>()[0]) % alphabet.len()])).collect()
    }

    /// A UUID of version 4.
    pub(super) fn uuid(&mut self) -> String {
        let mut bytes = self.bytes::<16>();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let text = crate::trace::hex(&bytes);
        format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
    }
}
