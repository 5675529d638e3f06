//! The peers that are measured: processes of their own, on loopback, with the same certificates.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kmip_proxy::env::Env;
use kmip_proxy::tls;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use tempfile::TempDir;

use super::client::{Asking, Sizes};

/// How long PyKMIP may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// An authority, a server's certificate and a client's, as files.
pub(crate) struct Certificates(TempDir);

impl Certificates {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let authority_key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&authority_key).expect("a certificate");
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).expect("the folder is ours");
        let issuer = Issuer::from_params(&params, &authority_key);
        for (name, usage) in
            [("server", ExtendedKeyUsagePurpose::ServerAuth), ("client", ExtendedKeyUsagePurpose::ClientAuth)]
        {
            let key = KeyPair::generate().expect("a key");
            let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
            params.distinguished_name.push(DnType::CommonName, name);
            params.extended_key_usages = vec![usage];
            let certificate = params.signed_by(&key, &issuer).expect("a certificate");
            std::fs::write(folder.path().join(format!("{name}.pem")), certificate.pem()).expect("the folder is ours");
            std::fs::write(folder.path().join(format!("{name}.key")), key.serialize_pem()).expect("the folder is ours");
        }
        Certificates(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn client(&self) -> Arc<ClientConfig> {
        let env = Env::os();
        let mut roots = RootCertStore::empty();
        roots.add(tls::certificates(&env, &self.file("ca.pem")).expect("it was written").remove(0)).expect("it is one");
        let key = std::fs::read(self.file("client.key")).expect("it was written");
        let key = PrivateKeyDer::from_pem_slice(&key).expect("it is a key");
        let chain = tls::certificates(&env, &self.file("client.pem")).expect("it was written");
        let config = ClientConfig::builder_with_details(env.crypto.provider(), env.tls_time())
            .with_safe_default_protocol_versions()
            .expect("rustls' own versions")
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .expect("they belong together");
        Arc::new(config)
    }
}

/// A server at work, which is killed when dropped.
pub(crate) struct Peer {
    child: Child,
    port: u16,
    /// From the start of the process until it said that it listens.
    pub(crate) started_within: Duration,
    _folder: TempDir,
}

impl Peer {
    /// The real program with the provider `local`.
    pub(crate) fn proxy(certificates: &Certificates) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let key = folder.path().join("local.key");
        std::fs::write(&key, [9; 32]).expect("the folder is ours");
        let mut command = Command::new(env!("CARGO_BIN_EXE_kmipProxyStandalone"));
        command.args(["-cloudProvider", "local", "-kmipPort", "0", "-dbpath"]).arg(folder.path());
        command.arg("--local-key-file").arg(key).arg("--tls-cert").arg(certificates.file("server.pem"));
        command.arg("--tls-key").arg(certificates.file("server.key"));
        command.arg("--client-ca").arg(certificates.file("ca.pem"));
        Peer::start(command, folder)
    }

    /// The bare echo.
    pub(crate) fn echo(certificates: &Certificates, sizes: Sizes) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.arg("echo").arg(certificates.file("server.pem")).arg(certificates.file("server.key"));
        command.arg(certificates.file("ca.pem")).args([sizes.request.to_string(), sizes.answer.to_string()]);
        Peer::start(command, folder)
    }

    /// PyKMIP's server, if there is an interpreter that has it.
    pub(crate) fn pykmip(certificates: &Certificates) -> Option<Self> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/real-clients/venv/bin/python");
        let python = std::env::var_os("KMIPLAB_PYTHON").map_or(own, PathBuf::from);
        if !python.exists() {
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let config = folder.path().join("server.conf");
        let path = |name| certificates.file(name).display().to_string();
        let text = format!(
            "[server]\nhostname=127.0.0.1\nport={port}\ncertificate_path={}\nkey_path={}\nca_path={}\nauth_suite=TLS1.2\n\
             policy_path={folder}\nenable_tls_client_auth=False\nlogging_level=WARNING\ndatabase_path={folder}/db\n",
            path("server.pem"),
            path("server.key"),
            path("ca.pem"),
            folder = folder.path().display(),
        );
        std::fs::write(&config, text).expect("the folder is ours");
        let run = "import sys; from kmip.services.server import server; sys.argv = ['server', '-f', sys.argv[1], '-l', \
                   sys.argv[2]]; server.main()";
        let begun = Instant::now();
        let child = Command::new(python)
            .args(["-W", "ignore", "-c", run])
            .arg(&config)
            .arg(folder.path().join("log"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut peer = Peer { child, port, started_within: Duration::ZERO, _folder: folder };
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begun.elapsed() > PATIENCE || peer.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return None;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        peer.started_within = begun.elapsed();
        Some(peer)
    }

    fn start(mut command: Command, folder: TempDir) -> Self {
        let begun = Instant::now();
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().expect("it was asked for")).lines();
        let port = loop {
            let line = lines.next().expect("the program listens").expect("it says so in text");
            if let Some((_, address)) = line.split_once("listening for KMIP on 127.0.0.1:") {
                break address.parse().expect("a port");
            }
        };
        let started_within = begun.elapsed();
        // What else it says must go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        Peer { child, port, started_within, _folder: folder }
    }

    /// To ask for a key of its own.
    pub(crate) fn asking(&self, certificates: &Certificates) -> Asking {
        Asking::a_key(self.port, certificates.client())
    }

    /// To send as many bytes and read as many.
    pub(crate) fn echoing(&self, certificates: &Certificates, sizes: Sizes) -> Asking {
        Asking {
            port: self.port,
            config: certificates.client(),
            request: vec![0x42; sizes.request],
            answer: sizes.answer,
        }
    }

    /// What it has in memory now, in bytes (`VmRSS`, proc(5)); 0 where the system does not say.
    pub(crate) fn memory(&mut self) -> u64 {
        let path = PathBuf::from(format!("/proc/{}/status", self.child.id()));
        let status = std::fs::read_to_string(Path::new(&path)).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = resident.and_then(|text| text.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kilobytes.unwrap_or_default() * 1024
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
