//! The RSA keys of service accounts: four throw-away keys from `fixtures/gcp`, since the library that signs and verifies
//! here cannot make any.
//!
//! Invariant: which key is given out depends on how many were given out before, never on the seed.

use ring::rsa::KeyPair;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;

const PEMS: [&str; 4] = [
    include_str!("../../../../fixtures/gcp/service-account-1.pem"),
    include_str!("../../../../fixtures/gcp/service-account-2.pem"),
    include_str!("../../../../fixtures/gcp/service-account-3.pem"),
    include_str!("../../../../fixtures/gcp/service-account-4.pem"),
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
}

impl RsaKeys {
    /// The next key. After the last one comes the first again: a file of a key long revoked then names another key id,
    /// and is told from the new one by that alone.
    pub(super) fn next(&mut self) -> RsaKey {
        let key = RsaKey { pem: PEMS[self.given % PEMS.len()] };
        self.given += 1;
        key
    }
}

impl RsaKey {
    /// The private key as it stands in the file that the console gives out.
    pub(super) fn pem(self) -> &'static str {
        self.pem
    }

    /// Some lines of the PEM in which nothing of the public key stands: it ends within the seventh line of base64.
    pub(super) fn secret_lines(self) -> impl Iterator<Item = &'static str> {
        self.pem.lines().skip(1).skip(8).step_by(6).filter(|line| !line.starts_with('-'))
    }

    /// The private key in its binary form.
    pub(super) fn der(self) -> Vec<u8> {
        let der =
            PrivatePkcs8KeyDer::from_pem_slice(self.pem.as_bytes()).expect("the fixtures are PEM: a test reads them");
        der.secret_pkcs8_der().to_vec()
    }

    /// The public key, as it verifies.
    pub(super) fn public(self) -> Vec<u8> {
        let pair = KeyPair::from_pkcs8(&self.der()).expect("the fixtures are RSA keys: a test reads them");
        pair.public().as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_fixtures_are_four_different_keys_and_come_in_turn() {
        let mut keys = RsaKeys::default();
        let given: Vec<Vec<u8>> = (0..8).map(|_| keys.next().public()).collect();
        assert_eq!(given[..4].iter().collect::<BTreeSet<_>>().len(), 4);
        assert_eq!(given[..4], given[4..]);
    }
}
