//! The proxy put together: files, certificates, listener, operations.
//!
//! It starts in this order: prepare the dbpath; listen; make or read certificates, so that mongod finds them; tell the
//! operator what to do next; serve until told to stop. Listening comes before certificates, because a second proxy that
//! finds the port taken must not have replaced those of the first. The program and the laboratory both call [`run`]; they differ in
//! the [`Env`] that they give it, and in nothing else.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::env::{BoxFuture, Env};
use crate::keys::{CredentialSource, Layout, LayoutError, Provider, SnapshotLayout};
use crate::kms::endpoints::EndpointError;
use crate::kms::{self, Kms};
use crate::operations::{Checked, Operations};
use crate::operator::Operator;
use crate::operator::startup::{self, Listening};
use crate::server::{self, Answer, Limits};
use crate::tls::{self, TlsError};

/// What a start needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// mongod's data directory.
    pub dbpath: PathBuf,
    /// Where to listen.
    pub bind: SocketAddr,
    /// mongod's own port, for the command line that the operator is shown.
    pub mongod_port: u16,
    /// Whose keys are served.
    pub cloud_provider: Provider,
    /// Credentials from outside the metadata files.
    pub credentials: CredentialSource,
    /// The customer's key that wraps new keys; else that of the newest key.
    pub kms_key: Option<String>,
    /// How the provider is reached.
    pub kms: kms::Settings,
    /// Where certificates come from.
    pub certificates: Certificates,
    /// What the listener bounds.
    pub limits: Limits,
    /// Whether clients are kept to the objects that they made.
    pub own_objects: bool,
}

impl Settings {
    /// What the command line says, with endpoints read and the authorities of the clouds loaded.
    pub fn from_config(config: Config, env: &Env) -> Result<Self, StartError> {
        let endpoints = config.kms_endpoints.iter().map(|text| text.parse()).collect::<Result<Vec<_>, _>>()?;
        let token_endpoint = config.token_endpoint.as_deref().map(str::parse).transpose()?;
        let cloud_ca = config.cloud_ca.as_deref().map(|path| authorities(env, path)).transpose()?;
        let kms = kms::Settings {
            endpoints,
            token_endpoint,
            require_private_networking: config.require_private_networking,
            allow_plain_http: config.allow_plain_http,
            deadline: config.kms_deadline,
            cloud_ca,
            azure_unwrap_key: config.azure_unwrap_key,
            ..kms::Settings::default()
        };
        kms.check()?;
        let certificates = match (config.tls, config.client_ca) {
            (None, None) => Certificates::Generated,
            (Some(files), Some(client_ca)) => {
                Certificates::Given { certificate: files.certificate, key: files.key, client_ca }
            }
            (Some(_), None) => return Err(StartError::Certificates("--client-ca")),
            (None, Some(_)) => return Err(StartError::Certificates("--tls-cert and --tls-key")),
        };
        Ok(Settings {
            dbpath: config.dbpath,
            bind: SocketAddr::new(config.bind, config.kmip_port),
            mongod_port: config.mongod_port,
            cloud_provider: config.cloud_provider,
            credentials: config.credentials,
            kms_key: config.kms_key,
            kms,
            certificates,
            limits: Limits::default(),
            own_objects: config.own_objects,
        })
    }
}

impl Answer for Operations {
    fn answer<'a>(
        &'a self,
        client: Option<&'a CertificateDer<'static>>,
        message: &'a [u8],
    ) -> BoxFuture<'a, Zeroizing<Vec<u8>>> {
        if !self.own_objects {
            return Box::pin(Operations::answer(self, message));
        }
        // Who cannot be named owns nothing, and is nobody whose objects others could have.
        let owner = client.and_then(tls::owner).unwrap_or_else(|| "unnamed".to_owned());
        let view = self.of(owner);
        Box::pin(async move { view.answer(message).await })
    }
}

fn authorities(env: &Env, path: &Path) -> Result<Arc<RootCertStore>, StartError> {
    let mut roots = RootCertStore::empty();
    for certificate in tls::certificates(env, path)? {
        roots.add(certificate).map_err(|why| TlsError::Unusable(format!("`{}`: {why}", path.display())))?;
    }
    Ok(Arc::new(roots))
}

/// What a proxy locks in its dbpath while it serves. The file stays, and is empty.
const LOCK_FILE: &str = "kmip-proxy.lock";

/// Where the certificates come from.
#[derive(Clone, Debug)]
pub enum Certificates {
    /// Made at the start and written into the dbpath.
    Generated,
    /// Given as files.
    Given {
        /// The server's certificate chain.
        certificate: PathBuf,
        /// Its private key.
        key: PathBuf,
        /// The authority of the clients.
        client_ca: PathBuf,
    },
}

/// Why the proxy did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The dbpath does not serve.
    #[error("{0}; -dbpath must name mongod's data directory, which the proxy reads and writes")]
    Dbpath(#[from] LayoutError),
    /// Another proxy serves the dbpath.
    #[error(
        "another proxy serves {} already, on another port: stop it, or give this one a dbpath of its own",
        dbpath.display()
    )]
    Served {
        /// The dbpath.
        dbpath: PathBuf,
    },
    /// Certificates could not be had.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Certificates are given in part.
    #[error("certificates are given in part: {0} is missing; give all three, or none to have them made")]
    Certificates(&'static str),
    /// An endpoint cannot be used as written.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Another program listens there.
    #[error(
        "{address} is taken: another proxy, or another program, listens there; stop it or choose another -kmipPort"
    )]
    PortTaken {
        /// The address.
        address: SocketAddr,
    },
    /// The address cannot be listened at.
    #[error(
        "cannot listen at {address}: {why}; --bind must name an address of this machine, and -kmipPort a port that \
         this user may open"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        why: io::Error,
    },
}

/// Opens every key once and serves nothing. The operator is told why a key does not open, or why there is none.
pub async fn check(
    settings: Settings,
    env: Env,
    kms: Arc<dyn Kms>,
    operator: Arc<dyn Operator>,
) -> Result<Vec<Checked>, StartError> {
    let provider = settings.cloud_provider;
    let layout: Arc<dyn Layout> =
        Arc::new(SnapshotLayout::new(env.files.clone(), settings.dbpath, provider, settings.credentials));
    let listing = layout.list()?;
    if listing.keys.is_empty() && listing.problems.is_empty() {
        for notice in startup::files(&*layout, &listing, provider) {
            operator.tell(&notice);
        }
    }
    let (kms_key, deadline) = (settings.kms_key, settings.kms.deadline);
    Ok(Operations { env, layout, kms, provider, kms_key, deadline, operator, own_objects: false, client: None }
        .check()
        .await?)
}

/// Serves until `stop` turns true. `kms` is the provider's client.
pub async fn run(
    settings: Settings,
    env: Env,
    kms: Arc<dyn Kms>,
    operator: Arc<dyn Operator>,
    stop: watch::Receiver<bool>,
) -> Result<(), StartError> {
    let layout: Arc<dyn Layout> = Arc::new(SnapshotLayout::new(
        env.files.clone(),
        settings.dbpath.clone(),
        settings.cloud_provider,
        settings.credentials,
    ));
    layout.prepare()?;
    let listing = layout.list()?;

    let listener = env.network.listen(settings.bind).await.map_err(|why| match why.kind() {
        io::ErrorKind::AddrInUse => StartError::PortTaken { address: settings.bind },
        _ => StartError::Listen { address: settings.bind, why },
    })?;
    let address = listener.local_address().map_err(|why| StartError::Listen { address: settings.bind, why })?;

    // Two proxies would overwrite each other's certificates, and changes of keys.
    let lock = settings.dbpath.join(LOCK_FILE);
    let _only_one = env.files.lock(&lock).map_err(|why| match why.kind() {
        io::ErrorKind::WouldBlock => StartError::Served { dbpath: settings.dbpath.clone() },
        _ => StartError::Dbpath(LayoutError::unavailable(&lock, "lock", &why)),
    })?;

    let (tls, ca_file, client_file, written) = match &settings.certificates {
        Certificates::Generated => {
            let tls = tls::generate(&env, &settings.dbpath, settings.bind.ip())?;
            let (ca, client) = (settings.dbpath.join(tls::CA_FILE), settings.dbpath.join(tls::CLIENT_FILE));
            (tls, ca.clone(), Some(client.clone()), vec![ca, client])
        }
        Certificates::Given { certificate, key, client_ca } => {
            (tls::given(&env, certificate, key, client_ca)?, client_ca.clone(), None, Vec::new())
        }
    };

    for notice in startup::files(&*layout, &listing, settings.cloud_provider) {
        operator.tell(&notice);
    }
    let started = Listening {
        address,
        provider: settings.cloud_provider,
        dbpath: settings.dbpath,
        mongod_port: settings.mongod_port,
        ca_file,
        client_file,
        written,
        keys: listing.keys.len(),
    };
    for notice in startup::listening(&started) {
        operator.tell(&notice);
    }
    let operations = Operations {
        env: env.clone(),
        layout,
        kms,
        provider: settings.cloud_provider,
        kms_key: settings.kms_key,
        deadline: settings.kms.deadline,
        operator,
        own_objects: settings.own_objects,
        client: None,
    };
    server::serve(&env, listener, tls, settings.limits, Arc::new(operations), stop).await;
    Ok(())
}
