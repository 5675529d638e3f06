//! Mutual TLS on the KMIP side: the certificates that the proxy makes for itself, or is given.
//!
//! By default a certificate authority is made at every start; it signs one server and one client certificate, and its
//! private key is dropped before anything is written. `kmipCA.pem` and `kmipClient.pem` then stand in the dbpath, where
//! the documented `mongod` command line looks for them (facts: Atlas documentation, "Access an encrypted snapshot").
//!
//! Invariant: the authority's private key never touches the disk.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer};
use rcgen::{KeyUsagePurpose, SerialNumber};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::env::{Access, Env};

/// Where mongod finds the authority: `--kmipServerCAFile`.
pub const CA_FILE: &str = "kmipCA.pem";

/// Where mongod finds its own certificate and key, in one file: `--kmipClientCertificateFile`.
pub const CLIENT_FILE: &str = "kmipClient.pem";

/// How long generated certificates hold. They are made anew at every start.
pub const VALIDITY: Duration = Duration::from_secs(825 * 24 * 60 * 60);

/// A clock that runs a little behind must not refuse a fresh certificate.
const BACKDATED: Duration = Duration::from_secs(60 * 60);

/// The names under which mongod may reach the proxy: mongod checks the Subject Alternative Names.
const SERVER_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Certificates could not be made.
    #[error("cannot make certificates: {0}")]
    Generate(#[from] rcgen::Error),
    /// A file could not be read.
    #[error("cannot read `{path}`: {why}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        why: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write `{path}`: {why}; the proxy writes the certificates that mongod needs into the dbpath")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        why: io::Error,
    },
    /// A file is not PEM, or lacks what it should hold.
    #[error("`{path}` holds no {wanted} in PEM form: {why}")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        wanted: &'static str,
        /// What was found instead.
        why: String,
    },
    /// Certificate, key and authority do not make a server.
    #[error("these certificates cannot serve: {0}")]
    Unusable(String),
}

/// Makes an authority with a server and a client certificate, writes what mongod needs into the dbpath, and returns the
/// server's side. The server's certificate is good for loopback and for the address that the server is bound to.
pub fn generate(env: &Env, dbpath: &Path, bound_to: IpAddr) -> Result<Arc<ServerConfig>, TlsError> {
    let made = Generated::new(env, bound_to)?;
    write(env, &dbpath.join(CA_FILE), &made.authority_pem, Access::Everyone)?;
    write(env, &dbpath.join(CLIENT_FILE), &made.client_pem, Access::Owner)?;
    server_config(env, vec![made.server], made.server_key, vec![made.authority])
}

/// The server's side from given files, for continuous integration that wants stable certificates.
pub fn given(env: &Env, certificate: &Path, key: &Path, client_ca: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificates(env, certificate)?;
    let bytes = Zeroizing::new(read(env, key)?);
    let key_der = PrivateKeyDer::from_pem_slice(&bytes).map_err(|why| TlsError::Pem {
        path: key.to_owned(),
        wanted: "private key",
        why: why.to_string(),
    })?;
    server_config(env, chain, key_der, certificates(env, client_ca)?)
}

/// The certificates of a PEM file, at least one.
pub fn certificates(env: &Env, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(env, path)?;
    let pem = |why: String| TlsError::Pem { path: path.to_owned(), wanted: "certificate", why };
    let found =
        CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>().map_err(|e| pem(e.to_string()))?;
    if found.is_empty() {
        return Err(pem("no BEGIN CERTIFICATE line".to_owned()));
    }
    Ok(found)
}

/// The name of a certificate's owner for as long as its authority certifies the same subject: the SHA-256 of that, in
/// hexadecimal. None for a subject without a name, and for what is no certificate.
pub fn owner(certificate: &CertificateDer<'_>) -> Option<String> {
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    let subject = certificate.subject();
    let digest = ring::digest::digest(&ring::digest::SHA256, subject);
    (!subject.is_empty()).then(|| digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

struct Generated {
    authority: CertificateDer<'static>,
    authority_pem: String,
    server: CertificateDer<'static>,
    server_key: PrivateKeyDer<'static>,
    client_pem: Zeroizing<String>,
}

impl Generated {
    fn new(env: &Env, bound_to: IpAddr) -> Result<Self, TlsError> {
        let now = env.clock.now();
        let authority_key = env.crypto.new_certificate_key()?;
        let mut params = params(env, "kmip-proxy authority", now)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = params.self_signed(&authority_key)?;
        let issuer = Issuer::from_params(&params, &authority_key);

        let server_key = env.crypto.new_certificate_key()?;
        let mut names = SERVER_NAMES.map(str::to_owned).to_vec();
        let bound_to = bound_to.to_canonical();
        if !bound_to.is_unspecified() && !names.contains(&bound_to.to_string()) {
            names.push(bound_to.to_string());
        }
        let mut params = leaf(env, "kmip-proxy", now, ExtendedKeyUsagePurpose::ServerAuth)?;
        params.subject_alt_names = CertificateParams::new(names)?.subject_alt_names;
        let server = params.signed_by(&server_key, &issuer)?;
        let client_key = env.crypto.new_certificate_key()?;
        let client = leaf(env, "mongod", now, ExtendedKeyUsagePurpose::ClientAuth)?.signed_by(&client_key, &issuer)?;
        let client_key_pem = Zeroizing::new(client_key.serialize_pem());

        Ok(Generated {
            authority: authority.der().clone(),
            authority_pem: authority.pem(),
            server: server.der().clone(),
            server_key: PrivateKeyDer::Pkcs8(server_key.serialize_der().into()),
            client_pem: Zeroizing::new([client.pem().as_str(), client_key_pem.as_str()].concat()),
        })
    }
}

fn leaf(env: &Env, name: &str, now: SystemTime, usage: ExtendedKeyUsagePurpose) -> Result<CertificateParams, TlsError> {
    let mut params = params(env, name, now)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn params(env: &Env, name: &str, now: SystemTime) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::default();
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    params.distinguished_name = subject;
    params.not_before = OffsetDateTime::from(now - BACKDATED);
    params.not_after = OffsetDateTime::from(now + VALIDITY);
    let mut serial = [0_u8; 16];
    env.crypto.random(&mut serial).map_err(|why| TlsError::Unusable(why.to_string()))?;
    // RFC 5280 section 4.1.2.2: a positive number.
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

fn server_config(
    env: &Env,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    client_authorities: Vec<CertificateDer<'static>>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let unusable = |error: &dyn std::error::Error| TlsError::Unusable(error.to_string());
    let mut roots = RootCertStore::empty();
    for authority in client_authorities {
        roots.add(authority).map_err(|error| unusable(&error))?;
    }
    let provider = env.crypto.provider();
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| unusable(&error))?;
    let mut config = ServerConfig::builder_with_details(provider, env.tls_time())
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)
        .map_err(|error| unusable(&error))?;
    // Sessions are short and few, and a ticket would outlive the certificates of this start.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Ok(Arc::new(config))
}

fn read(env: &Env, path: &Path) -> Result<Vec<u8>, TlsError> {
    env.files.read(path).map_err(|why| TlsError::Read { path: path.to_owned(), why })
}

fn write(env: &Env, path: &Path, text: &str, access: Access) -> Result<(), TlsError> {
    env.files.replace(path, text.as_bytes(), access).map_err(|why| TlsError::Write { path: path.to_owned(), why })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn generated_files_serve_again_when_given() {
        let directory = tempfile::tempdir().unwrap();
        let env = Env::os();
        generate(&env, directory.path(), LOOPBACK).unwrap();
        let ca = directory.path().join(CA_FILE);
        let client = directory.path().join(CLIENT_FILE);
        // The client's file holds certificate and key in one, as mongod wants it, so it can stand in for both.
        given(&env, &client, &client, &ca).unwrap();
        assert!(!String::from_utf8(env.files.read(&ca).unwrap()).unwrap().contains("PRIVATE KEY"));
    }

    #[cfg(unix)]
    #[test]
    fn the_client_key_is_readable_by_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        generate(&Env::os(), directory.path(), LOOPBACK).unwrap();
        let path = directory.path().join(CLIENT_FILE);
        #[expect(clippy::disallowed_methods, reason = "the test looks at the real file")]
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_without_a_certificate_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let env = Env::os();
        let path = directory.path().join("empty.pem");
        env.files.write(&path, b"hello", Access::Everyone).unwrap();
        let error = certificates(&env, &path).unwrap_err().to_string();
        assert!(error.contains("empty.pem") && error.contains("no BEGIN CERTIFICATE line"), "{error}");
    }
}
