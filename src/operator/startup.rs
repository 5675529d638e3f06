//! What is told at start: where the proxy listens, what stands in the dbpath, and how to start mongod next.
//!
//! What is wrong with a file is told as a Get would tell it, because the snapshot may be out of reach by then.
//!
//! Invariant: mongod is said to make a key only where nothing at all stands in the folder.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use super::message::columns;
use super::text::shell;
use super::{Failure, Notice, Severity, notice};
use crate::keys::{Layout, LayoutError, Listing, Provider};

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
    vec![
        information(format!("listening for KMIP on {}", start.address), lines),
        prose("next, start mongod".to_owned(), mongod(start)),
    ]
}

/// What is to be said of the files: each credential file is read, and no cloud is asked.
pub fn files(layout: &dyn Layout, listing: &Listing, provider: Provider) -> Vec<Notice> {
    let of_layout = |id: &str, error: &LayoutError| {
        warning(notice(&Failure::of_layout(id, provider, error).with_files(layout.files_of(id))))
    };
    let mut notices: Vec<Notice> = listing.problems.iter().map(|(id, problem)| of_layout(id, problem)).collect();
    let mut seen = BTreeSet::new();
    let mut credentials = |id: &str| {
        // Many keys may borrow one file: what is wrong with it is said once.
        let error = layout.credentials(id, provider).err().filter(|error| seen.insert(error.path.clone()));
        error.map(|error| of_layout(id, &error))
    };
    let alive = listing.keys.iter().filter(|key| !key.object.state.is_destroyed());
    notices.extend(alive.filter_map(|key| credentials(key.id())));
    match (listing.keys.as_slice(), listing.without_key.as_slice()) {
        ([], [id]) => notices.extend(credentials(id).into_iter().chain(lender(layout, id))),
        (_, ids) => notices.extend(ids.iter().filter_map(|id| {
            let files = layout.files_of(id)?;
            Some(warning(notice(&Failure::without_key_file(id, provider, &files))))
        })),
    }
    if listing.keys.is_empty() && listing.without_key.is_empty() {
        notices.push(no_key(listing, provider));
    }
    notices
}

/// The only metadata file of a dbpath without keys may have been put there for keys to come, or be what is left of one.
fn lender(layout: &dyn Layout, id: &str) -> Option<Notice> {
    let files = layout.files_of(id)?;
    let lines = vec![
        ("file", files.metadata.display().to_string()),
        (
            "note",
            format!("no key has been made here yet; in a snapshot {} is missing: restore it", files.key.display()),
        ),
    ];
    Some(Notice { key: Some(id.to_owned()), ..information(format!("credentials for new keys: {id}"), lines) })
}

fn no_key(listing: &Listing, provider: Provider) -> Notice {
    let headline = format!("the dbpath holds no wrapped key of {}", provider.title());
    let check = "check -dbpath and -cloudProvider, or bring the key by `kmipProxyStandalone import`.";
    let text = if listing.problems.is_empty() && listing.others.is_empty() {
        // What a new key is wrapped with must be named; without it the first start would fail.
        let first = match provider {
            Provider::Aws | Provider::Azure | Provider::Gcp => {
                "A first start of mongod makes one, under the CMK that --kms-key names. "
            }
            Provider::Local => "A first start of mongod makes one, under the key that --local-key-file names. ",
        };
        format!("{first}For a snapshot, {check}")
    } else if let Some((key, _)) = listing.of_others.first() {
        let other = key.master_key.provider();
        format!("There are keys of {} here: start the proxy with -cloudProvider {other}", other.title())
    } else {
        format!("Other files stand there, so that a key may be missing. Before mongod is started, {check}")
    };
    warning(prose(headline, text))
}

fn warning(notice: Notice) -> Notice {
    Notice { severity: Severity::Warning, ..notice }
}

fn information(headline: String, details: Vec<(&'static str, String)>) -> Notice {
    Notice { details: details.clone(), ..prose(headline, columns(&details)) }
}

fn prose(headline: String, text: String) -> Notice {
    Notice { class: None, severity: Severity::Information, key: None, headline, text, details: Vec::new() }
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
