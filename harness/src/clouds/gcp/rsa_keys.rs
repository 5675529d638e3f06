//! The RSA keys of service accounts: four throw-away keys from `fixtures/gcp`, since the library that signs and verifies
//! here cannot make any.
//!
//! Invariant: which key is given out depends on how many were given out before, never on the seed.

/// The private key as PEM (PKCS #8), and the public key as DER (RFC 8017, appendix A.1.1): to work the one out from the
/// other at every start of a world takes its time.
macro_rules! fixture {
    ($name:literal) => {
        RsaKey {
            pem: include_str!(concat!("../../../../fixtures/gcp/", $name, ".pem")),
            public: include_bytes!(concat!("../../../../fixtures/gcp/", $name, ".public.der")),
        }
    };
}

const KEYS: [RsaKey; 4] = [
    fixture!("service-account-1"),
    fixture!("service-account-2"),
    fixture!("service-account-3"),
    fixture!("service-account-4"),
];

/// The next keys, in turn.
#[derive(Debug, Default)]
pub(super) struct RsaKeys {
    given: usize,
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub(super) struct RsaKey {
    pem: &'static str,
    public: &'static [u8],
}

impl RsaKeys {
    /// The next key. After the last one comes the first again: a file of a key long revoked then names another key id,
    /// and is told from the new one by that alone.
    pub(super) fn next(&mut self) -> RsaKey {
        let key = KEYS[self.given % KEYS.len()];
        self.given += 1;
        key
    }
}

impl RsaKey {
    /// The private key as it stands in the file that the console gives out.
    pub(super) fn pem(self) -> &'static str {
        self.pem
    }

    /// The lines of the PEM that hold nothing but what is secret: the public key ends within the seventh line of base64.
    pub(super) fn secret_lines(self) -> impl Iterator<Item = &'static str> {
        self.pem.lines().skip(1).skip(7).filter(|line| !line.starts_with('-'))
    }

    /// The public key, as it verifies.
    pub(super) fn public(self) -> &'static [u8] {
        self.public
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ring::rsa::KeyPair;
    use rustls_pki_types::PrivatePkcs8KeyDer;
    use rustls_pki_types::pem::PemObject as _;

    use super::*;

    #[test]
    fn the_fixtures_are_four_different_keys_with_their_public_halves_and_come_in_turn() {
        let mut keys = RsaKeys::default();
        let given: Vec<RsaKey> = (0..8).map(|_| keys.next()).collect();
        for key in &given {
            let der = PrivatePkcs8KeyDer::from_pem_slice(key.pem().as_bytes()).unwrap();
            let pair = KeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
            assert_eq!(key.public(), pair.public().as_ref());
            assert_eq!(key.secret_lines().count(), 19);
        }
        let public: Vec<&[u8]> = given.iter().map(|key| key.public()).collect();
        assert_eq!(public[..4].iter().collect::<BTreeSet<_>>().len(), 4);
        assert_eq!(public[..4], public[4..]);
    }
}
