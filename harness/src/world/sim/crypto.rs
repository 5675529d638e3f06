//! Seeded cryptography: the real ring provider with its three random doors replaced.
//!
//! rustls wants randomness and key exchange groups as `&'static`, so there is a fixed set of slots, one a host; a slot
//! reads a stream that belongs to the thread and is reseeded for each run. Signatures are Ed25519, which draws nothing.
//!
//! Invariant: no byte that a simulated host sends depends on the operating system's randomness.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;

use kmip_proxy::env::Crypto;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use rustls::crypto::{
    ActiveKeyExchange, CryptoProvider, GetRandomFailed, SecureRandom, SharedSecret, SupportedKxGroup,
};
use rustls::{Error, NamedGroup, PeerMisbehaved};
use rustls_pki_types::PrivatePkcs8KeyDer;
use x25519_dalek::{PublicKey, StaticSecret};

use super::machine;
use crate::trace::Stream;
use crate::world::{Entropy, ledger};

/// How many hosts of one run can have streams of their own.
pub(crate) const SLOTS: usize = 16;

static SLOT: [Slot; SLOTS] = {
    let mut slots = [const { Slot(0) }; SLOTS];
    let mut index = 0;
    while index < SLOTS {
        slots[index] = Slot(index);
        index += 1;
    }
    slots
};

thread_local! {
    static STREAMS: RefCell<Vec<ChaCha8Rng>> =
        RefCell::new((0..SLOTS as u64).map(ChaCha8Rng::seed_from_u64).collect());
}

/// Reseeds every slot of this thread: the first thing in a run.
pub fn reseed(entropy: &Entropy) {
    STREAMS.with_borrow_mut(|streams| {
        for (index, stream) in streams.iter_mut().enumerate() {
            *stream = entropy.stream(&format!("crypto/{index}"));
        }
    });
}

/// One host's randomness.
#[derive(Debug)]
struct Slot(usize);

impl Slot {
    /// The host whose randomness this is.
    fn host(&self) -> String {
        machine::STREAMS.get(self.0).map_or_else(|| format!("number {}", self.0), |host| (*host).to_owned())
    }

    fn fill_bytes(&self, buffer: &mut [u8]) {
        STREAMS.with_borrow_mut(|streams| streams[self.0].fill_bytes(buffer));
    }
}

impl SecureRandom for Slot {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), GetRandomFailed> {
        ledger::note(|| Stream::Tls(self.host()));
        self.fill_bytes(buffer);
        Ok(())
    }
}

impl SupportedKxGroup for Slot {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        ledger::note(|| Stream::Tls(self.host()));
        let mut scalar = [0; 32];
        self.fill_bytes(&mut scalar);
        let secret = StaticSecret::from(scalar);
        let public = PublicKey::from(&secret);
        Ok(Box::new(X25519 { secret, public }))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }

    fn ffdhe_group(&self) -> Option<rustls::ffdhe_groups::FfdheGroup<'static>> {
        None
    }
}

struct X25519 {
    secret: StaticSecret,
    public: PublicKey,
}

impl ActiveKeyExchange for X25519 {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let peer: [u8; 32] = peer.try_into().map_err(|_| Error::from(PeerMisbehaved::InvalidKeyShare))?;
        let shared = self.secret.diffie_hellman(&PublicKey::from(peer));
        if !shared.was_contributory() {
            return Err(PeerMisbehaved::InvalidKeyShare.into());
        }
        Ok(SharedSecret::from(&shared.as_bytes()[..]))
    }

    fn pub_key(&self) -> &[u8] {
        self.public.as_bytes()
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519
    }

    fn ffdhe_group(&self) -> Option<rustls::ffdhe_groups::FfdheGroup<'static>> {
        None
    }
}

/// The [`Crypto`] of one simulated host.
#[derive(Clone, Debug)]
pub struct SimCrypto {
    slot: usize,
    provider: Arc<CryptoProvider>,
}

impl SimCrypto {
    /// The crypto of the host with this number.
    pub fn new(host: usize) -> Self {
        let slot = &SLOT[host % SLOTS];
        let provider =
            CryptoProvider { kx_groups: vec![slot], secure_random: slot, ..rustls::crypto::ring::default_provider() };
        SimCrypto { slot: host % SLOTS, provider: Arc::new(provider) }
    }
}

impl Crypto for SimCrypto {
    fn provider(&self) -> Arc<CryptoProvider> {
        self.provider.clone()
    }

    fn new_certificate_key(&self) -> Result<rcgen::KeyPair, rcgen::Error> {
        ledger::note(|| Stream::CertificateKeys(SLOT[self.slot].host()));
        let mut seed = [0; 32];
        SLOT[self.slot].fill_bytes(&mut seed);
        certificate_key(seed)
    }

    fn random(&self, buffer: &mut [u8]) -> io::Result<()> {
        ledger::note(|| Stream::Bytes(SLOT[self.slot].host()));
        SLOT[self.slot].fill_bytes(buffer);
        Ok(())
    }
}

/// The Ed25519 key of a seed.
pub(crate) fn certificate_key(seed: [u8; 32]) -> Result<rcgen::KeyPair, rcgen::Error> {
    // PKCS#8 v1 of an Ed25519 seed (RFC 8410 section 7): a fixed prefix, then the seed.
    let prefix = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    let der = [&prefix[..], &seed[..]].concat();
    rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(der), &rcgen::PKCS_ED25519)
}
