//! What stands in for RSA: an envelope of our own that behaves like RSA 2048 from outside.
//!
//! A ciphertext is as long as the modulus and names neither its key nor its version. Inside are a nonce, and under
//! AES-256-GCM the length of the plaintext, the plaintext, and zeros. The algorithm is authenticated with it, so that
//! what one padding made another does not open. (`Evidence::Ours`, all of it but the lengths.)
//!
//! Invariant: the secret of a version never leaves this file.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::clouds::seeds::Stream;

/// The modulus of RSA 2048, in bytes, and so the length of everything that it encrypts (RFC 8017, 7.1.1).
pub(super) const MODULUS: usize = 256;
/// The length of a nonce, in bytes.
pub(super) const NONCE: usize = NONCE_LEN;
/// The length of the plaintext with what stands before and behind it: what nonce and tag leave.
const BODY: usize = MODULUS - NONCE - 16;

/// A padding of RSA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// OAEP with SHA-1.
    RsaOaep,
    /// OAEP with SHA-256.
    RsaOaep256,
}

impl Algorithm {
    const ALL: [Algorithm; 2] = [Algorithm::RsaOaep, Algorithm::RsaOaep256];

    /// The algorithm of that name (Key Vault REST reference, `JsonWebKeyEncryptionAlgorithm`).
    pub(super) fn named(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Algorithm::RsaOaep => "RSA-OAEP",
            Algorithm::RsaOaep256 => "RSA-OAEP-256",
        }
    }

    /// The longest plaintext: modulus less two hashes and two bytes (RFC 8017, 7.1.1, step 1b).
    pub(super) fn longest(self) -> usize {
        match self {
            Algorithm::RsaOaep => MODULUS - 2 * 20 - 2,
            Algorithm::RsaOaep256 => MODULUS - 2 * 32 - 2,
        }
    }
}

/// What one version of a key is made of.
pub(super) struct Material {
    /// What GetKey shows as `n`.
    pub(super) modulus: [u8; MODULUS],
    secret: [u8; 32],
}

impl Material {
    /// The next material of a key.
    pub(super) fn draw(source: &mut Stream) -> Self {
        let mut modulus = source.bytes();
        modulus[0] |= 0x80;
        modulus[MODULUS - 1] |= 1;
        Material { modulus, secret: source.bytes() }
    }

    /// Wraps; `None` for a plaintext that the padding leaves no room for.
    pub(super) fn seal(&self, algorithm: Algorithm, plaintext: &[u8], mut nonce: [u8; NONCE]) -> Option<Vec<u8>> {
        let length = u8::try_from(plaintext.len()).ok().filter(|_| plaintext.len() <= algorithm.longest())?;
        // As a number, what RSA makes is smaller than the modulus.
        nonce[0] &= 0x7f;
        let mut body = [&[length], plaintext].concat();
        body.resize(BODY, 0);
        self.cipher()
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(algorithm.name()), &mut body)
            .expect("AES-GCM takes every plaintext of this size");
        Some([&nonce[..], &body].concat())
    }

    /// Opens, if this version wrapped it with that padding and nothing was changed since.
    pub(super) fn open(&self, algorithm: Algorithm, sealed: &[u8; MODULUS]) -> Option<Vec<u8>> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE>()?;
        let mut body = body.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.cipher().open_in_place(nonce, Aad::from(algorithm.name()), &mut body).ok()?;
        let (&length, rest) = opened.split_first()?;
        rest.get(..usize::from(length)).map(<[u8]>::to_vec)
    }

    fn cipher(&self) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &self.secret).expect("AES-256 takes 32 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clouds::seeds::Seed;

    fn material(name: &str) -> Material {
        Material::draw(&mut Seed::new([3; 32]).stream(name))
    }

    fn sealed(material: &Material, algorithm: Algorithm, plaintext: &[u8]) -> [u8; MODULUS] {
        material.seal(algorithm, plaintext, [0xff; NONCE]).unwrap().try_into().unwrap()
    }

    #[test]
    fn every_length_up_to_the_paddings_limit_comes_back_and_is_as_long_as_the_modulus() {
        for (algorithm, longest) in [(Algorithm::RsaOaep, 214), (Algorithm::RsaOaep256, 190)] {
            let key = material("a");
            for length in [0, 1, 32, longest] {
                let plaintext = vec![0; length];
                assert_eq!(key.open(algorithm, &sealed(&key, algorithm, &plaintext)), Some(plaintext));
            }
            assert!(key.seal(algorithm, &vec![0; longest + 1], [0; NONCE]).is_none(), "{algorithm:?}");
        }
    }

    #[test]
    fn another_version_another_padding_and_a_changed_bit_open_nothing() {
        let (key, other) = (material("a"), material("b"));
        let blob = sealed(&key, Algorithm::RsaOaep256, b"secret");
        assert_eq!(other.open(Algorithm::RsaOaep256, &blob), None);
        assert_eq!(key.open(Algorithm::RsaOaep, &blob), None);
        for at in 0..MODULUS {
            let mut damaged = blob;
            damaged[at] ^= 1;
            assert_eq!(key.open(Algorithm::RsaOaep256, &damaged), None, "byte {at}");
        }
        assert!(blob[0] < key.modulus[0], "smaller than the modulus");
    }
}
