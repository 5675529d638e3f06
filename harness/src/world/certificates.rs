//! The certificates of the simulated clouds: one authority, and one certificate for every name of a world.
//!
//! The authority is what the proxy's `Roots` trusts, in place of the system's store.
//!
//! Invariant: certificates depend on the date at the start of a run and on their names alone, so that a thread makes them once for all its runs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kmip_proxy::env::Clock as _;
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer};
use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::{PrivateKeyDer, UnixTime};
use time::OffsetDateTime;

use super::clock::WallClock;
use super::sim::certificate_key;

/// How long before the start of a run the clouds' certificates began to hold.
const BEFORE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How long they hold after it: longer than any scenario's `pass` that does not mean them.
const AFTER: Duration = Duration::from_secs(20 * 365 * 24 * 60 * 60);

/// How long ago an expired certificate expired: more than any clock is behind.
const EXPIRED: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The name in a certificate for another name.
const ANOTHER_NAME: &str = "another.endpoint.example";

thread_local! {
    /// What this thread has made, by date and names.
    static MADE: RefCell<BTreeMap<(SystemTime, Vec<String>), Made>> = const { RefCell::new(BTreeMap::new()) };
}

/// What the clouds of a world show, and what the proxy trusts.
#[derive(Clone)]
pub(crate) struct CloudTls {
    /// The right certificate.
    pub(crate) server: Arc<ServerConfig>,
    /// One that has expired.
    pub(crate) expired: Arc<ServerConfig>,
    /// One for another name.
    pub(crate) misnamed: Arc<ServerConfig>,
    pub(crate) roots: Arc<RootCertStore>,
    /// The authority in PEM, for whoever reads it from a file.
    #[expect(dead_code, reason = "worlds with real programs hand it to them")]
    pub(crate) authority: Arc<str>,
}

impl CloudTls {
    /// An authority and one certificate for all names; `crypto` is the clouds', for the handshakes.
    pub(crate) fn new(names: Vec<String>, crypto: &Arc<CryptoProvider>, clock: &WallClock) -> Self {
        let wanted = (clock.start(), names);
        let made = MADE.with_borrow_mut(|made| match made.get(&wanted) {
            Some(made) => made.clone(),
            None => {
                let (start, names) = &wanted;
                let new = Made::new(*start, names, crypto).expect("the lab's own certificates are well formed");
                made.insert(wanted, new.clone());
                new
            }
        });
        let show = |certified: Arc<CertifiedKey>| {
            let time = Arc::new(TlsTime(clock.clone()));
            let mut server = ServerConfig::builder_with_details(crypto.clone(), time)
                .with_safe_default_protocol_versions()
                .expect("the provider serves the default versions")
                .with_no_client_auth()
                .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
            // A session that outlives its connection would tie one request to another.
            server.send_tls13_tickets = 0;
            Arc::new(server)
        };
        CloudTls {
            server: show(made.certified),
            expired: show(made.expired),
            misnamed: show(made.misnamed),
            roots: made.roots,
            authority: made.authority,
        }
    }
}

#[derive(Clone)]
struct Made {
    certified: Arc<CertifiedKey>,
    expired: Arc<CertifiedKey>,
    misnamed: Arc<CertifiedKey>,
    roots: Arc<RootCertStore>,
    authority: Arc<str>,
}

impl Made {
    fn new(
        now: SystemTime,
        names: &[String],
        crypto: &Arc<CryptoProvider>,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let authority_key = certificate_key([1; 32])?;
        let mut authority_params = params("lab cloud authority", 1, now, vec![])?;
        authority_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = authority_params.self_signed(&authority_key)?;
        let issuer = Issuer::from_params(&authority_params, &authority_key);
        let leaf = |serial, names: Vec<String>, expired: bool| -> Result<_, Box<dyn std::error::Error>> {
            let key = certificate_key([2; 32])?;
            let mut params = params("lab cloud", serial, now, names)?;
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            if expired {
                params.not_after = OffsetDateTime::from(now - EXPIRED);
            }
            let leaf = params.signed_by(&key, &issuer)?;
            let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
            Ok(Arc::new(CertifiedKey::from_der(vec![leaf.der().clone()], key, crypto)?))
        };
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone())?;
        Ok(Made {
            certified: leaf(2, names.to_vec(), false)?,
            expired: leaf(3, names.to_vec(), true)?,
            misnamed: leaf(4, vec![ANOTHER_NAME.to_owned()], false)?,
            roots: Arc::new(roots),
            authority: authority.pem().into(),
        })
    }
}

fn params(name: &str, serial: u64, now: SystemTime, names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    params.distinguished_name = subject;
    params.serial_number = Some(serial.into());
    params.not_before = OffsetDateTime::from(now - BEFORE);
    params.not_after = OffsetDateTime::from(now + AFTER);
    Ok(params)
}

/// Lets rustls read the run's wall clock.
#[derive(Debug)]
struct TlsTime(WallClock);

impl TimeProvider for TlsTime {
    fn current_time(&self) -> Option<UnixTime> {
        self.0.now().duration_since(SystemTime::UNIX_EPOCH).ok().map(UnixTime::since_unix_epoch)
    }
}
