//! Between whom a tap stands, and with which files. Files are read anew for each connection: a server that makes its
//! certificates at every start may come and go.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use kmip_proxy::env::{Access, Env};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer};
use rcgen::{KeyPair, KeyUsagePurpose};
use rustls::{ClientConfig, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use time::{Duration, OffsetDateTime};

use super::credentials::{self, Credentials};
use super::{TapError, names, relay};

/// How long a certificate holds that a tap makes for itself.
const VALIDITY: Duration = Duration::days(825);

/// The subject of the authority that a tap makes.
const AUTHORITY: &str = "kmiplab tap authority";

/// Where a tap stands.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// What clients are shown.
    pub shown: Shown,
    /// PEM file of the authorities that a client's certificate must come from; without one, clients show none.
    pub client_authority: Option<PathBuf>,
    /// To whom everything is passed on.
    pub upstream: Upstream,
}

/// The certificate that clients are shown.
#[derive(Clone, Debug)]
pub enum Shown {
    /// From PEM files.
    Files {
        /// The chain.
        certificate: PathBuf,
        /// The key; may be the same file.
        key: PathBuf,
    },
    /// One made at the start, for loopback and the address that is listened at.
    Made {
        /// Where to write its authority for clients to trust.
        authority: PathBuf,
    },
}

/// The KMIP server, and who the tap is towards it.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Its host name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The name that its certificate must have; none for the host's.
    pub name: Option<String>,
    /// PEM file of the authorities that its certificate must come from.
    pub authority: PathBuf,
    /// PEM files of the certificate and the key that it is shown, if any; may be the same file twice.
    pub own: Option<(PathBuf, PathBuf)>,
}

/// A certificate that was made at the start.
#[derive(Debug)]
pub(super) struct Own {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Settings {
    /// Reads all files once; the error names the first that does not serve. That a server may make them later is the
    /// reason why a tap itself does not ask.
    pub fn check(&self) -> Result<(), String> {
        let env = Env::os();
        if let Shown::Files { certificate, key } = &self.shown {
            credentials::pair(&env, certificate, key)?;
        }
        if let Some(file) = &self.client_authority {
            credentials::certificates(&env, file)?;
        }
        self.upstream.tls(&env)?;
        self.upstream.server_name()?;
        Ok(())
    }

    /// The server's side of TLS.
    pub(super) fn tls(&self, env: &Env, own: Option<&Own>) -> Result<Arc<ServerConfig>, String> {
        let (chain, key) = match (&self.shown, own) {
            (_, Some(own)) => (vec![own.certificate.clone()], own.key.clone_key()),
            (Shown::Files { certificate, key }, None) => credentials::pair(env, certificate, key)?,
            (Shown::Made { .. }, None) => return Err("no certificate was made".to_owned()),
        };
        credentials::server_tls(env, chain, key, self.client_authority.as_deref())
    }
}

impl Upstream {
    /// The client's side of TLS.
    pub fn tls(&self, env: &Env) -> Result<Arc<ClientConfig>, String> {
        let own = self.own.as_ref().map(|(certificate, key)| (certificate.as_path(), key.as_path()));
        credentials::client_tls(env, &Credentials { authority: &self.authority, own })
    }

    /// Whether it can be reached now, within a time; the reason why not.
    pub fn try_to_reach(&self, within: std::time::Duration) -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        runtime.block_on(relay::try_to_reach(self, &Env::os(), within))
    }

    /// The name that its certificate must have.
    pub fn server_name(&self) -> Result<ServerName<'static>, String> {
        let name = self.name.as_ref().unwrap_or(&self.host);
        ServerName::try_from(name.clone()).map_err(|_| format!("`{name}` is no name of a server"))
    }
}

impl std::fmt::Display for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            return write!(f, "[{}]:{}", self.host, self.port);
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Shown {
    /// Makes the certificate if there is one to make, and writes its authority.
    pub(super) fn prepare(&self, env: &Env, at: IpAddr) -> Result<Option<Own>, TapError> {
        let Shown::Made { authority: file } = self else { return Ok(None) };
        // A slip of the hand must not cost somebody else's certificates.
        let strange = |found: Vec<CertificateDer<'_>>| !found.iter().all(|found| names::is_subject(found, AUTHORITY));
        let there = env.files.read(file).is_ok_and(|bytes| !bytes.is_empty());
        if there && credentials::certificates(env, file).map_or(true, strange) {
            let why =
                io::Error::new(io::ErrorKind::AlreadyExists, "it holds something else than the authority of a tap");
            return Err(TapError::Authority { file: file.clone(), why });
        }
        let (own, authority) = make(env, at)?;
        // A bare name has no folder that could be synced.
        let whole = std::path::absolute(file).unwrap_or_else(|_| file.clone());
        let written = env.files.replace(&whole, authority.as_bytes(), Access::Everyone);
        written.map_err(|why: io::Error| TapError::Authority { file: file.clone(), why })?;
        Ok(Some(own))
    }
}

impl Own {
    /// A server's side of TLS that asks clients for nothing.
    pub(super) fn tls(&self, env: &Env) -> Result<Arc<ServerConfig>, String> {
        credentials::server_tls(env, vec![self.certificate.clone()], self.key.clone_key(), None)
    }
}

/// A certificate and its key for a client whom nobody asks for them.
pub(super) fn client_pem(env: &Env) -> Result<String, rcgen::Error> {
    let key = env.crypto.new_certificate_key()?;
    let certificate = CertificateParams::new(Vec::new())?.self_signed(&key)?;
    Ok(format!("{}{}", certificate.pem(), key.serialize_pem()))
}

/// A certificate and the PEM text of its authority, whose key is dropped at once.
fn make(env: &Env, at: IpAddr) -> Result<(Own, String), rcgen::Error> {
    let now = OffsetDateTime::from(env.clock.now());
    let named = |name: &str, names: Vec<String>| -> Result<CertificateParams, rcgen::Error> {
        let mut params = CertificateParams::new(names)?;
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CommonName, name);
        params.distinguished_name = subject;
        // A clock that runs a little behind must not refuse a fresh certificate.
        params.not_before = now - Duration::hours(1);
        params.not_after = now + VALIDITY;
        Ok(params)
    };
    let authority_key: KeyPair = env.crypto.new_certificate_key()?;
    let mut params = named(AUTHORITY, Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = params.self_signed(&authority_key)?;
    let issuer = Issuer::from_params(&params, &authority_key);
    let mut names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    let at = at.to_canonical();
    if !at.is_unspecified() && !names.contains(&at.to_string()) {
        names.push(at.to_string());
    }
    let key = env.crypto.new_certificate_key()?;
    let mut params = named("kmiplab tap", names)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key, &issuer)?.der().clone();
    Ok((Own { certificate, key: PrivateKeyDer::Pkcs8(key.serialize_der().into()) }, authority.pem()))
}
