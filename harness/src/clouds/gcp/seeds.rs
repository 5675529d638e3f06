//! Streams of random bytes, one a name, all from the seed of the world.
//!
//! Invariant: what one name draws does not depend on what others have drawn, so that adding a key to a world leaves the
//! bytes of every other key as they were.

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

    /// The stream of one name, from its beginning.
    pub(super) fn stream(&self, name: &str) -> Stream {
        let tag = hmac::sign(&self.0, name.as_bytes());
        Stream(ChaCha8Rng::from_seed(tag.as_ref().try_into().expect("HMAC-SHA-256 gives 32 bytes")))
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

    /// That many decimal digits.
    pub(super) fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.bytes::<1>()[0] % 10)).collect()
    }
}
