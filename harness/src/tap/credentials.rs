//! Both sides of TLS from PEM files. An error names the file, and what is wrong with it.

use std::path::Path;
use std::sync::Arc;

use kmip_proxy::env::Env;
use rustls::client::Resumption;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// The files of a client's side of TLS.
#[derive(Clone, Copy, Debug)]
pub struct Credentials<'a> {
    /// PEM file of the authorities that the server's certificate must come from.
    pub authority: &'a Path,
    /// PEM files of the client's certificate chain and of its key, if it has any; may be the same file twice.
    pub own: Option<(&'a Path, &'a Path)>,
}

/// The client's side of TLS. Every connection has a full handshake.
pub fn client_tls(env: &Env, credentials: &Credentials<'_>) -> Result<Arc<ClientConfig>, String> {
    let builder = ClientConfig::builder_with_details(env.crypto.provider(), env.tls_time())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots(env, credentials.authority)?);
    let mut config = match credentials.own {
        Some((certificate, key)) => {
            let (chain, key_der) = pair(env, certificate, key)?;
            let fits = builder.with_client_auth_cert(chain, key_der);
            fits.map_err(|error| format!("`{}`: {error}", certificate.display()))?
        }
        None => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// The server's side of TLS. `clients` is the file of the authorities that clients must have a certificate of, if any.
pub(super) fn server_tls(
    env: &Env,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    clients: Option<&Path>,
) -> Result<Arc<ServerConfig>, String> {
    let provider = env.crypto.provider();
    let builder = ServerConfig::builder_with_details(provider.clone(), env.tls_time())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match clients {
        Some(file) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(env, file)?), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| format!("`{}`: {error}", file.display()))?)
        }
        None => builder.with_no_client_auth(),
    };
    let config = builder.with_single_cert(chain, key);
    let mut config = config.map_err(|error| format!("the certificate that clients are shown: {error}"))?;
    // A ticket would outlive what stands in the files.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(config))
}

/// A chain and its key.
pub(super) fn pair(
    env: &Env,
    certificate: &Path,
    key: &Path,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let chain = certificates(env, certificate)?;
    let key_der = PrivateKeyDer::from_pem_slice(&read(env, key)?);
    let key_der = key_der.map_err(|error| format!("`{}` holds no private key: {error}", key.display()))?;
    Ok((chain, key_der))
}

/// The certificates of a PEM file, at least one.
pub(super) fn certificates(env: &Env, file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(env, file)?).collect();
    let found = found.map_err(|error| format!("`{}` is no PEM file: {error}", file.display()))?;
    if found.is_empty() { Err(format!("`{}` holds no certificate", file.display())) } else { Ok(found) }
}

fn roots(env: &Env, file: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(env, file)? {
        roots.add(authority).map_err(|error| format!("`{}`: {error}", file.display()))?;
    }
    Ok(roots)
}

fn read(env: &Env, file: &Path) -> Result<Vec<u8>, String> {
    env.files.read(file).map_err(|error| format!("cannot read `{}`: {error}", file.display()))
}
