//! A cloud on ports, and the product's client for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use kmip_proxy::env::Env;
use kmip_proxy::keys::{
    AwsCredentials, AzureCredentials, AzureEnvironment, Credentials, GcpCredentials, Provider, Secret, SecretText,
};
use kmip_proxy::kms::{self, Call, Kms, KmsError, Settings};
use kmiplab::clouds::Cloud;
use kmiplab::clouds::aws::Aws;
use kmiplab::clouds::azure::Azure;
use kmiplab::clouds::gcp::Gcp;
use kmiplab::trace::{Trace, What};
use kmiplab::world::Phase;
use kmiplab::world::loopback::{Clock, EndpointSpec, Loopback};
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

pub(super) const MASTER_KEY: &[u8] = b"a master key of thirty-two bytes";
const SEED: [u8; 32] = [7; 32];

/// The machine's clock.
pub(super) fn now() -> SystemTime {
    Env::os().clock.now()
}

pub(super) fn clock() -> Clock {
    Arc::new(now)
}

pub(super) fn trace() -> Trace {
    let began = now();
    Trace::new(b"a key of the test", move || now().duration_since(began).unwrap_or_default())
}

/// A cloud with one key, on ports, and who may call it.
pub(super) struct Laboratory {
    pub(super) loopback: Loopback,
    pub(super) trace: Trace,
    provider: Provider,
    credentials: Credentials,
    cmk: String,
}

impl Laboratory {
    /// A cloud with a private endpoint and a public one.
    pub(super) fn new(provider: Provider) -> Self {
        let trace = trace();
        let created = now() - Duration::from_secs(3600);
        let (cloud, credentials, cmk, names): (Arc<Mutex<dyn Cloud>>, _, _, [&str; 3]) = match provider {
            Provider::Aws => {
                let (aws, credentials, cmk) = aws(&trace);
                let names = [
                    "vpce-a-lab.kms.us-east-1.vpce.amazonaws.com",
                    "kms.us-east-1.amazonaws.com",
                    "sts.us-east-1.amazonaws.com",
                ];
                (Arc::new(Mutex::new(aws)), credentials, cmk, names)
            }
            Provider::Azure => {
                let mut azure = Azure::new("eastus", "kmiplab", SEED, created, trace.clone());
                azure.add_key("cmk-1");
                let issued = azure.add_application("proxy");
                let credentials = Credentials::Azure(AzureCredentials {
                    tenant_id: issued.tenant_id,
                    client_id: issued.client_id,
                    client_secret: SecretText::new(issued.client_secret),
                    environment: AzureEnvironment::Public,
                });
                let vault = "kmiplab.vault.azure.net";
                let names = [vault, vault, "login.microsoftonline.com"];
                (Arc::new(Mutex::new(azure)), credentials, format!("https://{vault}/keys/cmk-1"), names)
            }
            Provider::Gcp => {
                let mut gcp = Gcp::new("us-east1", SEED, created, trace.clone());
                let cmk = gcp.add_key("cmk-1");
                let issued = gcp.add_account_key("proxy");
                let credentials = Credentials::Gcp(GcpCredentials {
                    client_email: issued.email,
                    private_key: SecretText::new(issued.private_key),
                    private_key_id: Some(issued.key_id),
                    token_uri: None,
                });
                let names = ["cloudkms-a.p.googleapis.com", "cloudkms.googleapis.com", "oauth2.googleapis.com"];
                (Arc::new(Mutex::new(gcp)), credentials, cmk, names)
            }
            Provider::Local => unreachable!("it has no cloud"),
        };
        let endpoints = vec![
            EndpointSpec {
                known_as: "10.0.1.10:443".parse().unwrap(),
                ..EndpointSpec::new("private-a", names[0], "kms", true)
            },
            EndpointSpec {
                known_as: "203.0.113.2:443".parse().unwrap(),
                ..EndpointSpec::new("public", names[1], "kms", false)
            },
            EndpointSpec {
                known_as: "203.0.113.200:443".parse().unwrap(),
                ..EndpointSpec::new("tokens", names[2], "tokens", false)
            },
        ];
        let loopback = Loopback::start(cloud, endpoints, clock(), trace.clone()).unwrap();
        Laboratory { loopback, trace, provider, credentials, cmk }
    }

    /// AWS with one private endpoint of this name and phase, and the account behind it.
    pub(super) fn with_phase(phase: Phase) -> (Self, Arc<Mutex<Aws>>) {
        let trace = trace();
        let (aws, credentials, cmk) = aws(&trace);
        let aws = Arc::new(Mutex::new(aws));
        let name = "vpce-a-lab.kms.us-east-1.vpce.amazonaws.com";
        let spec = EndpointSpec { phase, ..EndpointSpec::new("private-a", name, "kms", true) };
        let loopback = Loopback::start(aws.clone(), vec![spec], clock(), trace.clone()).unwrap();
        (Laboratory { loopback, trace, provider: Provider::Aws, credentials, cmk }, aws)
    }

    /// The product's client. Whatever is silent, it waits for so long.
    pub(super) fn client(&self, deadline: Duration) -> Arc<dyn Kms> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.loopback.ca_pem().as_bytes()).unwrap()).unwrap();
        let settings = Settings {
            endpoints: self.loopback.kms_flags().iter().map(|flag| flag.parse().unwrap()).collect(),
            token_endpoint: self.loopback.token_flag().map(|flag| flag.parse().unwrap()),
            cloud_ca: Some(Arc::new(roots)),
            deadline,
            connect_timeout: deadline / 2,
            ..Settings::default()
        };
        kms::for_provider(self.provider, &Env::os(), &settings)
    }

    pub(super) async fn wrap(&self, client: &dyn Kms) -> Result<Vec<u8>, KmsError> {
        let context = BTreeMap::new();
        let wrapped = client.wrap(self.call(&context), &Secret::new(MASTER_KEY.to_vec())).await?;
        Ok(wrapped.ciphertext)
    }

    pub(super) async fn unwrap(&self, client: &dyn Kms, ciphertext: &[u8]) -> Result<Vec<u8>, KmsError> {
        let context = BTreeMap::new();
        client.unwrap(self.call(&context), ciphertext).await.map(|secret| secret.expose().to_vec())
    }

    fn call<'a>(&'a self, context: &'a BTreeMap<String, String>) -> Call<'a> {
        Call { key_id: "1", credentials: &self.credentials, cmk: &self.cmk, region: None, context }
    }

    /// What the trace says of connections and calls, in its order: `connect 10.0.1.10:443 kms private`, `kms Decrypt 200`.
    pub(super) fn told(&self) -> Vec<String> {
        let told = self.trace.events().into_iter().filter_map(|event| match event.what {
            What::Connect { to, service, private, .. } => {
                let private = if private { " private" } else { "" };
                Some(format!("{}: connect {to} {service}{private}", event.host))
            }
            What::Call { service, operation, status, .. } => {
                Some(format!("{}: {service} {operation} {status}", event.host))
            }
            _ => None,
        });
        told.collect()
    }

    /// Waits until so many connections have been accepted. A connection stands for its client before that.
    pub(super) fn wait_for_connections(&self, count: usize) {
        while self.told().iter().filter(|line| line.contains(": connect ")).count() < count {
            std::thread::yield_now();
        }
    }

    /// How many connections are open, by the trace.
    pub(super) fn open(trace: &Trace) -> i64 {
        let change = |what: &What| match what {
            What::Connect { .. } => 1,
            What::Close { .. } => -1,
            _ => 0,
        };
        trace.events().iter().map(|event| change(&event.what)).sum()
    }
}

fn aws(trace: &Trace) -> (Aws, Credentials, String) {
    let mut aws = Aws::new("us-east-1", SEED, now() - Duration::from_secs(3600), trace.clone());
    let cmk = aws.add_key("cmk-1");
    let issued = aws.add_user("proxy");
    let credentials = Credentials::Aws(AwsCredentials {
        access_key_id: issued.access_key_id,
        secret_access_key: SecretText::new(issued.secret_access_key),
        session_token: None,
        region: "us-east-1".to_owned(),
        role: None,
    });
    (aws, credentials, cmk)
}
