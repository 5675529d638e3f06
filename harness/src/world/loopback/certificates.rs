//! What the relay shows to TLS clients: one authority, and below it the right certificate, one that has expired, and one
//! for another name.
//!
//! Clients here are programs with clocks of their own, so that all dates hang on the machine's clock, not on the cloud's.
//! People may come to trust this authority, so that its key is drawn at random, and not from a seed as in a simulation.
//!
//! Invariant: the authority's private key is forgotten as soon as it has signed.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kmip_proxy::env::Env;
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer};
use rustls::ServerConfig;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls_pki_types::PrivateKeyDer;
use time::OffsetDateTime;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long ago certificates began to hold: more than any clock is behind.
const BEFORE: Duration = Duration::from_secs(30 * DAY.as_secs());

/// How long they hold: longer than any of these clouds runs.
const AFTER: Duration = Duration::from_secs(825 * DAY.as_secs());

/// How long ago an expired one has expired: more than any clock is behind.
const EXPIRED: Duration = Duration::from_secs(7 * DAY.as_secs());

/// The name in a certificate for another name.
const ANOTHER_NAME: &str = "another.endpoint.example";

/// What the endpoints of a cloud show, and whom clients have to trust.
#[derive(Clone)]
pub(super) struct Certificates {
    /// The right one.
    pub(super) right: Arc<ServerConfig>,
    /// One that has expired.
    pub(super) expired: Arc<ServerConfig>,
    /// One for another name.
    pub(super) misnamed: Arc<ServerConfig>,
    /// The authority, as PEM.
    pub(super) authority: String,
}

impl Certificates {
    /// An authority made for this occasion, and certificates for these names and addresses.
    pub(super) fn new(names: &[String], env: &Env) -> Result<Self, String> {
        let now = env.clock.now();
        let make = |error: rcgen::Error| error.to_string();
        let authority_key = env.crypto.new_certificate_key().map_err(make)?;
        let mut authority_params = params("kmiplab cloud authority", now, Vec::new()).map_err(make)?;
        authority_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = authority_params.self_signed(&authority_key).map_err(make)?;
        let issuer = Issuer::from_params(&authority_params, &authority_key);
        let show = |names: Vec<String>, until: SystemTime| -> Result<Arc<ServerConfig>, String> {
            let key = env.crypto.new_certificate_key().map_err(make)?;
            let mut params = params("kmiplab cloud", now, names).map_err(make)?;
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            params.not_after = OffsetDateTime::from(until);
            let leaf = params.signed_by(&key, &issuer).map_err(make)?;
            let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
            let provider = env.crypto.provider();
            let certified = CertifiedKey::from_der(vec![leaf.der().clone()], key, &provider);
            let certified = Arc::new(certified.map_err(|error| error.to_string())?);
            let server = ServerConfig::builder_with_details(provider, env.tls_time())
                .with_safe_default_protocol_versions()
                .map_err(|error| error.to_string())?
                .with_no_client_auth()
                .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
            Ok(Arc::new(server))
        };
        Ok(Certificates {
            right: show(names.to_vec(), now + AFTER)?,
            expired: show(names.to_vec(), now - EXPIRED)?,
            misnamed: show(vec![ANOTHER_NAME.to_owned()], now + AFTER)?,
            authority: authority.pem(),
        })
    }
}

fn params(name: &str, now: SystemTime, names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    params.distinguished_name = subject;
    params.not_before = OffsetDateTime::from(now - BEFORE);
    params.not_after = OffsetDateTime::from(now + AFTER);
    Ok(params)
}
