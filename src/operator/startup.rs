//! What is told at start: where the proxy listens, which files it wrote, and how to start mongod next.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use super::message::columns;
use super::text::shell;
use super::{Notice, Severity};
use crate::keys::{LayoutError, Provider};

/// What the proxy knows once it listens.
#[derive(Clone, Debug)]
pub struct Listening {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whose keys it opens.
    pub provider: Provider,
    /// The data directory.
    pub dbpath: PathBuf,
    /// The port that mongod is to run on.
    pub mongod_port: u16,
    /// The authority that mongod is to trust.
    pub ca_file: PathBuf,
    /// mongod's certificate and key; `None` where the operator brought a client authority of their own.
    pub client_file: Option<PathBuf>,
    /// The files that were written at this start.
    pub written: Vec<PathBuf>,
    /// How many wrapped keys the dbpath holds for the provider.
    pub keys: usize,
}

/// The notices of a start, in the order in which they are told.
pub fn listening(start: &Listening) -> Vec<Notice> {
    let mut lines = vec![
        ("dbpath", start.dbpath.display().to_string()),
        ("provider", start.provider.title().to_owned()),
        ("keys", start.keys.to_string()),
    ];
    lines.extend(start.written.iter().map(|path| ("written", path.display().to_string())));
    let mut notices = vec![information(format!("listening for KMIP on {}", start.address), columns(&lines))];
    if start.keys == 0 {
        notices.push(Notice {
            severity: Severity::Warning,
            ..information(
                format!("the dbpath holds no wrapped key of {}", start.provider.title()),
                "A first start of mongod makes one. For a snapshot, check -dbpath and -cloudProvider, or bring the key \
                 by `kmipProxyStandalone import`."
                    .to_owned(),
            )
        });
    }
    notices.push(information("next, start mongod".to_owned(), mongod(start)));
    notices
}

/// A key file that cannot be read, found while the dbpath was looked through at start.
pub fn damaged(problem: &LayoutError) -> Notice {
    Notice { severity: Severity::Warning, ..information(problem.to_string(), String::new()) }
}

fn information(headline: String, text: String) -> Notice {
    Notice { class: None, severity: Severity::Information, key: None, headline, text }
}

/// The commands for the three kinds of mongod. Percona Server reads activateKeys as a switch, so that `false` can only
/// be said in its configuration file; Enterprise before 5.2 does not know the option.
fn mongod(start: &Listening) -> String {
    let server = server_name(start.address);
    let port = start.address.port();
    let ca = start.ca_file.display().to_string();
    let client = match &start.client_file {
        Some(path) => path.display().to_string(),
        None => "CLIENT.pem".to_owned(),
    };
    let dbpath = start.dbpath.display().to_string();
    let command = format!(
        "mongod --dbpath {} --port {} --enableEncryption --kmipServerName {server} --kmipPort {port} \
         --kmipServerCAFile {} --kmipClientCertificateFile {}",
        shell(&dbpath),
        start.mongod_port,
        shell(&ca),
        shell(&client),
    );
    let mut lines = vec![
        "MongoDB Enterprise 5.2 and later:".to_owned(),
        format!("  {command} --kmipActivateKeys false"),
        "MongoDB Enterprise before 5.2:".to_owned(),
        format!("  {command}"),
        "Percona Server for MongoDB: mongod --config FILE, with this in FILE:".to_owned(),
    ];
    let yaml = [
        "storage:".to_owned(),
        format!("  dbPath: {}", yaml_text(&dbpath)),
        "net:".to_owned(),
        format!("  port: {}", start.mongod_port),
        "security:".to_owned(),
        "  enableEncryption: true".to_owned(),
        "  kmip:".to_owned(),
        format!("    serverName: {}", yaml_text(&server)),
        format!("    port: {port}"),
        format!("    serverCAFile: {}", yaml_text(&ca)),
        format!("    clientCertificateFile: {}", yaml_text(&client)),
        "    activateKeys: false".to_owned(),
    ];
    lines.extend(yaml.into_iter().map(|line| format!("  {line}")));
    lines.join("\n")
}

/// The name by which a mongod on this machine reaches an address: loopback where it listens on all.
fn server_name(address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => "127.0.0.1".to_owned(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => "::1".to_owned(),
        ip => ip.to_string(),
    }
}

/// A text for YAML: in double quotes, as JSON writes it, where it is more than plain characters.
fn yaml_text(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-".contains(character);
    let starts_plain = text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '/');
    if starts_plain && text.chars().all(plain) { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}
