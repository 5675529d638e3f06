//! A fake cloud that stands alone, for other people's tests: an account with keys, on one port, for key service and token
//! service alike, and the card that tells how to reach it.
//!
//! Invariant: the same seed gives the same keys and credentials, so that what one such cloud has wrapped the next one
//! opens.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use kmip_proxy::env::{Access, Env};
use kmip_proxy::keys::Provider;

use super::{Clock, EndpointSpec, Journal, Loopback, LoopbackError};
use crate::clouds::Cloud;
use crate::clouds::aws::LocalStack;
use crate::clouds::azure::Azure;
use crate::clouds::gcp::Gcp;
use crate::trace::Trace;
use crate::world::Entropy;

/// The name of the one endpoint.
const ENDPOINT: &str = "public";
/// The vault of Azure.
const VAULT: &str = "kmiplab";
/// Who calls Azure and Google Cloud.
const CALLER: &str = "kmiplab";
/// The authority's file.
pub(super) const AUTHORITY: &str = "ca.pem";
/// The file with the key of Google's service account.
pub(super) const ACCOUNT_KEY: &str = "service-account.json";

/// What is wanted of such a cloud.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Whose it is.
    pub provider: Provider,
    /// Where it listens; port 0 lets the system choose.
    pub at: SocketAddr,
    /// The folder for the authority of its certificates; without one it speaks plain HTTP.
    pub tls: Option<PathBuf>,
    /// Where keys are, in the cloud's own spelling; without one, where each cloud's first region is.
    pub region: Option<String>,
    /// What keys and credentials are drawn from.
    pub seed: u64,
    /// The names of the keys.
    pub keys: Vec<String>,
    /// Whether AWS verifies signatures.
    pub strict: bool,
}

/// Why it does not stand.
#[derive(Debug, thiserror::Error)]
pub enum AloneError {
    /// The provider is no cloud.
    #[error("a key file has no cloud; name aws, azure or gcp")]
    NoCloud,
    /// It cannot be put on its port.
    #[error(transparent)]
    Loopback(#[from] LoopbackError),
    /// A file could not be written.
    #[error("cannot write `{path}`: {why}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        why: std::io::Error,
    },
}

/// A fake cloud on a port of its own. Dropping it ends it, and takes the files away that nobody named a folder for.
#[derive(Debug)]
pub struct Alone {
    loopback: Loopback,
    card: String,
    _folder: Option<tempfile::TempDir>,
}

/// An account as its card tells of it.
struct Account {
    cloud: Arc<Mutex<dyn Cloud>>,
    /// What it is: `AWS (KMS, STS)`.
    title: &'static str,
    /// Rows: what it is, and what it says.
    rows: Vec<(String, String)>,
    /// The flags of the proxy after those of the endpoint.
    flags: Vec<String>,
    /// What else its users should know.
    notes: Vec<String>,
    /// What is written for its users: the name of a file, and its content.
    file: Option<(&'static str, String)>,
}

impl Alone {
    /// Puts a cloud on its port.
    ///
    /// # Errors
    ///
    /// When the port is taken, or a file cannot be written.
    pub fn start(wanted: &Wanted, journal: Journal) -> Result<Self, AloneError> {
        let env = Env::os();
        let now = env.clock.now();
        let mut account = account(wanted, now)?;
        let spec = EndpointSpec {
            listen: wanted.at,
            known_as: wanted.at,
            tls: wanted.tls.is_some(),
            also: vec!["127.0.0.1".to_owned(), "::1".to_owned(), wanted.at.ip().to_string()],
            ..EndpointSpec::new(ENDPOINT, "localhost", "kms", false)
        };
        let clock: Clock = Arc::new(move || env.clock.now());
        let loopback = Loopback::start(account.cloud.clone(), vec![spec], clock, journal)?;
        let temporary = account.file.is_some() && wanted.tls.is_none();
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |why| AloneError::Write { path, why }
        };
        let folder = temporary.then(tempfile::tempdir).transpose().map_err(failed(&std::env::temp_dir()))?;
        let place = wanted.tls.as_deref().or(folder.as_ref().map(tempfile::TempDir::path));
        let files = Env::os().files;
        if let Some(place) = place {
            files.create_directory(place).map_err(failed(place))?;
        }
        let authority = wanted.tls.as_ref().map(|place| place.join(AUTHORITY));
        if let Some(path) = &authority {
            files.replace(path, loopback.ca_pem().as_bytes(), Access::Everyone).map_err(failed(path))?;
        }
        if let (Some((name, content)), Some(place)) = (account.file.take(), place) {
            let path = place.join(name);
            files.replace(&path, content.as_bytes(), Access::Owner).map_err(failed(&path))?;
            let shown = path.display().to_string();
            account.rows.push(("service account".to_owned(), shown.clone()));
            account.flags.extend(["--gcp-service-account-key".to_owned(), shown]);
        }
        let at = loopback.address(ENDPOINT).unwrap_or(wanted.at);
        let card = card(wanted, &account, at, authority.as_deref());
        Ok(Alone { loopback, card, _folder: folder })
    }

    /// How to reach it and with what, for reading and copying.
    pub fn card(&self) -> &str {
        &self.card
    }

    /// Where it listens.
    pub fn address(&self) -> Option<SocketAddr> {
        self.loopback.address(ENDPOINT)
    }
}

fn account(wanted: &Wanted, now: SystemTime) -> Result<Account, AloneError> {
    // Nobody reads this trace, and no fingerprint of it leaves.
    let trace = Trace::new(b"", || Duration::ZERO);
    let entropy = Entropy::new(wanted.seed);
    let region = |first: &str| wanted.region.clone().unwrap_or_else(|| first.to_owned());
    match wanted.provider {
        Provider::Aws => Ok(aws(wanted, &region("us-east-1"), entropy.key("aws"), now, trace)),
        Provider::Azure => Ok(azure(wanted, &region("eastus"), entropy.key("azure"), now, trace)),
        Provider::Gcp => Ok(gcp(wanted, &region("us-east1"), entropy.key("gcp"), now, trace)),
        Provider::Local => Err(AloneError::NoCloud),
    }
}

fn aws(wanted: &Wanted, region: &str, seed: [u8; 32], now: SystemTime, trace: Trace) -> Account {
    let mut cloud = LocalStack::new(region, seed, now, trace, wanted.strict);
    let keys: Vec<(String, String)> =
        wanted.keys.iter().map(|name| (name.clone(), cloud.aws().add_key(name))).collect();
    for name in &wanted.keys {
        // The key was added in the line above.
        let _ = cloud.aws().add_alias(name, name);
    }
    let note = if wanted.strict {
        "Signatures are verified, and keys are in this region alone."
    } else {
        "Any access key, signature and region will do, as at LocalStack; --strict verifies them."
    };
    let mut rows = pairs(&[("region", region), ("access key id", "test"), ("secret access key", "test")]);
    rows.extend(keys.iter().map(|(name, arn)| (format!("key {name}"), arn.clone())));
    let mut flags =
        flags(&[("--aws-access-key", "test"), ("--aws-secret-access-key", "test"), ("--aws-region", region)]);
    flags.extend(first_key(&keys));
    Account {
        cloud: Arc::new(Mutex::new(cloud)),
        title: "AWS (KMS, STS)",
        rows,
        flags,
        notes: vec![
            note.to_owned(),
            "More keys are made with CreateKey, and a key has its name as an alias.".to_owned(),
        ],
        file: None,
    }
}

fn azure(wanted: &Wanted, region: &str, seed: [u8; 32], now: SystemTime, trace: Trace) -> Account {
    let mut azure = Azure::new(region, VAULT, seed, now, trace);
    let host = Azure::vault_host(VAULT);
    for name in &wanted.keys {
        azure.add_key(name);
    }
    let keys: Vec<(String, String)> =
        wanted.keys.iter().map(|name| (name.clone(), format!("https://{host}/keys/{name}"))).collect();
    let issued = azure.add_application(CALLER);
    let mut rows = pairs(&[
        ("tenant", &issued.tenant_id),
        ("application", &issued.client_id),
        ("client secret", &issued.client_secret),
    ]);
    rows.extend(keys.iter().map(|(name, kid)| (format!("key {name}"), kid.clone())));
    let mut flags = flags(&[
        ("--azure-tenant-id", &issued.tenant_id),
        ("--azure-client-id", &issued.client_id),
        ("--azure-client-secret", &issued.client_secret),
    ]);
    flags.extend(first_key(&keys));
    let note = format!("Tokens are given out at /{}/oauth2/v2.0/token of the same port.", issued.tenant_id);
    Account {
        cloud: Arc::new(Mutex::new(azure)),
        title: "Azure (Key Vault, Microsoft Entra ID)",
        rows,
        flags,
        notes: vec![note],
        file: None,
    }
}

fn gcp(wanted: &Wanted, location: &str, seed: [u8; 32], now: SystemTime, trace: Trace) -> Account {
    let mut gcp = Gcp::new(location, seed, now, trace);
    let keys: Vec<(String, String)> = wanted.keys.iter().map(|name| (name.clone(), gcp.add_key(name))).collect();
    let issued = gcp.add_account_key(CALLER);
    Account {
        cloud: Arc::new(Mutex::new(gcp)),
        title: "Google Cloud (Cloud KMS, OAuth 2.0)",
        rows: keys.iter().map(|(name, resource)| (format!("key {name}"), resource.clone())).collect(),
        flags: first_key(&keys),
        notes: vec!["Tokens are given out at /token of the same port.".to_owned()],
        file: Some((ACCOUNT_KEY, issued.json)),
    }
}

fn pairs(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn flags(rows: &[(&str, &str)]) -> Vec<String> {
    rows.iter().flat_map(|(flag, value)| [(*flag).to_owned(), (*value).to_owned()]).collect()
}

fn first_key(keys: &[(String, String)]) -> Vec<String> {
    keys.first().map(|(_, key)| vec!["--kms-key".to_owned(), key.clone()]).unwrap_or_default()
}

/// What the program prints.
fn card(wanted: &Wanted, account: &Account, at: SocketAddr, authority: Option<&Path>) -> String {
    // Everywhere is nowhere to connect to.
    let host = match at.ip() {
        ip if ip.is_unspecified() || (wanted.tls.is_some() && ip.is_loopback()) => "localhost".to_owned(),
        ip => SocketAddr::new(ip, 0).to_string().trim_end_matches(":0").to_owned(),
    };
    let url = format!("{}://{host}:{}", if authority.is_some() { "https" } else { "http" }, at.port());
    let mut text = format!("A fake {} at {url}\n\n", account.title);
    let mut rows = account.rows.clone();
    rows.extend(authority.map(|path| ("authority".to_owned(), path.display().to_string())));
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, value) in rows {
        // Writing into a text does not fail.
        let _ = writeln!(text, "  {name:width$}  {value}");
    }
    let mut flags = vec!["--kms-endpoint".to_owned(), url.clone(), "--token-endpoint".to_owned(), url.clone()];
    match authority {
        Some(path) => flags.extend(["--cloud-ca".to_owned(), path.display().to_string()]),
        None => flags.push("--allow-plain-http".to_owned()),
    }
    flags.extend(account.flags.clone());
    let _ = write!(text, "\nThe proxy:\n\n  kmipProxyStandalone -cloudProvider {} -dbpath DIR", wanted.provider);
    for flag in &flags {
        let _ = match flag.starts_with("--") {
            true => write!(text, " \\\n    {flag}"),
            false => write!(text, " {flag}"),
        };
    }
    text.push_str("\n\n");
    if wanted.provider == Provider::Aws {
        let bundle = authority.map(|path| format!("AWS_CA_BUNDLE={} ", path.display())).unwrap_or_default();
        let _ = writeln!(
            text,
            "Any other client:\n\n  {bundle}AWS_ENDPOINT_URL={url} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test \\\n    AWS_DEFAULT_REGION={} aws kms list-keys\n",
            wanted.region.as_deref().unwrap_or("us-east-1")
        );
    }
    for note in &account.notes {
        let _ = writeln!(text, "{note}");
    }
    let _ = writeln!(text, "Seed {:#x} gives the same keys again. Nothing else is kept; Ctrl-C ends it.", wanted.seed);
    text
}
