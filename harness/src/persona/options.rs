//! mongod's command line, as far as it concerns encryption: one table of options.
//!
//! In order: words and the lines of a configuration file are matched with the table, values are read, the persona is
//! chosen, and what contradicts itself is refused. Refusals that a real mongod has, too, are in its words (community
//! 6.0.5 was asked); the others begin with the program's own name.
//!
//! Invariant: an option that is not in the table is refused exactly as mongod refuses one.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use kmip_proxy::env::Env;

use super::{Code, EVENTS, FINGERPRINT_KEY, VERSION, codes, config_file};
use crate::cast::{PERSONAS, Persona, Settings};

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Any text.
    Text,
    /// A number of this range.
    Number(i64, i64),
    /// There or not.
    Flag,
    /// `true` or `false` may follow; there is `true`.
    Truth,
}

/// An option.
#[derive(Debug)]
struct Known {
    /// Its name on the command line.
    name: &'static str,
    /// Its place in a configuration file; options without one stand on the command line alone.
    key: Option<&'static str>,
    kind: Kind,
    help: &'static str,
}

const ANY: i64 = i32::MAX as i64;

/// Every option, in the order of the help.
const OPTIONS: &[Known] = &[
    known("help", None, Kind::Flag, "this text"),
    known("version", None, Kind::Flag, "what this program is, and is not"),
    known("persona", None, Kind::Text, "which client is played; see below"),
    known("config", None, Kind::Text, "a configuration file of mongod's (YAML), for the options below"),
    known("dbpath", Some("storage.dbPath"), Kind::Text, "the data folder (/data/db)"),
    known("port", Some("net.port"), Kind::Number(0, 65535), "where to answer (27017; 0 for any free port)"),
    known("bind_ip", Some("net.bindIp"), Kind::Text, "addresses with commas between them (localhost)"),
    known("bind_ip_all", Some("net.bindIpAll"), Kind::Flag, "every address of the machine"),
    known("logpath", Some("systemLog.path"), Kind::Text, "the log is appended there, instead of standard output"),
    known("enableEncryption", Some("security.enableEncryption"), Kind::Flag, "required: without it nothing is played"),
    known("encryptionCipherMode", Some("security.encryptionCipherMode"), Kind::Text, "read, and not used"),
    known("kmipServerName", Some("security.kmip.serverName"), Kind::Text, "KMIP servers with commas between them"),
    known("kmipPort", Some("security.kmip.port"), Kind::Number(0, 65535), "the port of all of them (5696)"),
    known("kmipServerCAFile", Some("security.kmip.serverCAFile"), Kind::Text, "whom to trust, as PEM"),
    known(
        "kmipClientCertificateFile",
        Some("security.kmip.clientCertificateFile"),
        Kind::Text,
        "private key and certificates in one PEM file",
    ),
    known(
        "kmipConnectRetries",
        Some("security.kmip.connectRetries"),
        Kind::Number(0, ANY),
        "rounds after the first (0)",
    ),
    known("kmipConnectTimeoutMS", Some("security.kmip.connectTimeoutMS"), Kind::Number(1000, ANY), "5000"),
    known("kmipActivateKeys", Some("security.kmip.activateKeys"), Kind::Truth, "true or false (true)"),
    known("kmipKeyIdentifier", Some("security.kmip.keyIdentifier"), Kind::Text, "the key to use"),
    known("kmipRotateMasterKey", Some("security.kmip.rotateMasterKey"), Kind::Flag, "take a new key, and end"),
    known(
        "kmipKeyStatePollingSeconds",
        Some("security.kmip.keyStatePollingSeconds"),
        Kind::Number(-ANY, ANY),
        "900; -1 switches it off",
    ),
    known(
        "kmipUseLegacyProtocol",
        Some("security.kmip.useLegacyProtocol"),
        Kind::Flag,
        "KMIP 1.0 of MongoDB Enterprise",
    ),
];

/// What configuration files hold besides, and what is read over: where the log goes follows from `systemLog.path`.
const READ_OVER: &[&str] = &["systemLog.destination", "systemLog.logAppend"];

const fn known(name: &'static str, key: Option<&'static str>, kind: Kind, help: &'static str) -> Known {
    Known { name, key, kind, help }
}

/// What the command line asks for.
#[derive(Debug)]
pub(super) enum Wish {
    /// To be played.
    Run(Box<Options>),
    /// A text.
    Tell(String),
}

/// What to play.
#[derive(Debug)]
pub(super) struct Options {
    /// The command line, as `getCmdLineOpts` shows it.
    pub(super) argv: Vec<String>,
    /// What was given, as the configuration file would hold it: key and value.
    pub(super) given: AllGiven,
    pub(super) persona: &'static Persona,
    pub(super) dbpath: PathBuf,
    pub(super) port: u16,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) logpath: Option<PathBuf>,
    /// Nothing where encryption with KMIP is not switched on.
    pub(super) kmip: Option<Settings>,
    /// What is out of its range, in mongod's words: it says so in its log.
    pub(super) out_of_range: Option<String>,
}

/// What was given: the key in a configuration file, and the value.
pub(super) type AllGiven = Vec<(&'static str, Given)>;

/// A value that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Text(String),
    Number(i64),
    Truth(bool),
}

/// Why nothing is played.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) code: Code,
    /// For standard output.
    pub(super) out: String,
    /// For standard error.
    pub(super) err: String,
}

/// Reads the command line, and the configuration file where it names one.
pub(super) fn read(program: &str, words: &[String], env: &Env) -> Result<Wish, Refused> {
    let refused = |why: String| Refused {
        code: Code::BadOptions,
        out: String::new(),
        err: format!("{why}\ntry '{program} --help' for more information\n"),
    };
    let mut values = match on_command_line(words) {
        Ok(values) => values,
        Err(Mistake::Line(why)) => return Err(refused(format!("Error parsing command line: {why}"))),
        Err(Mistake::Word(word)) => {
            let out = format!("Invalid command: {word}\n{}", help());
            return Err(Refused { code: Code::BadValue, out, err: String::new() });
        }
    };
    if values.contains_key("help") {
        return Ok(Wish::Tell(help()));
    }
    if values.contains_key("version") {
        return Ok(Wish::Tell(version()));
    }
    if let Some(path) = values.get("config") {
        let said = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => "No such file or directory".to_owned(),
            _ => error.to_string(),
        };
        let content = env.files.read(path.as_ref());
        let content =
            content.map_err(|error| refused(format!("Error opening config file '{path}': {}", said(error))))?;
        let lines = config_file::read(&String::from_utf8_lossy(&content))
            .map_err(|why| refused(format!("Error parsing YAML config file: {why}")))?;
        for (key, value) in lines {
            match OPTIONS.iter().find(|known| known.key == Some(key.as_str())) {
                // The command line goes before the file.
                Some(known) => values.entry(known.name).or_insert(value),
                None if READ_OVER.contains(&key.as_str()) => continue,
                None => return Err(refused(format!("Unrecognized option: {key}"))),
            };
        }
    }
    let mut argv = vec![program.to_owned()];
    argv.extend_from_slice(words);
    Values(values).options(argv).map(|options| Wish::Run(Box::new(options))).map_err(refused)
}

/// What is wrong with the command line.
enum Mistake {
    /// It cannot be read.
    Line(String),
    /// A word that belongs to no option.
    Word(String),
}

/// The values by the options' names, in mongod's ways: two dashes or one, a blank or `=` before the value.
fn on_command_line(words: &[String]) -> Result<BTreeMap<&'static str, String>, Mistake> {
    let mut values = BTreeMap::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let Some(long) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')).filter(|rest| !rest.is_empty())
        else {
            return Err(Mistake::Word(word.clone()));
        };
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (long, None),
        };
        let name = match word.as_str() {
            "-h" => "help",
            "-f" => "config",
            _ => name,
        };
        let unknown = || Mistake::Line(format!("unrecognised option '{word}'"));
        let known = OPTIONS.iter().find(|known| known.name == name).ok_or_else(unknown)?;
        let name = known.name;
        let value = match (known.kind, value) {
            (Kind::Flag, Some(_)) => {
                return Err(Mistake::Line(format!("option '--{name}' does not take any arguments")));
            }
            (Kind::Flag, None) => "true".to_owned(),
            (_, Some(value)) => value,
            (Kind::Truth, None) => match words.next_if(|next| matches!(next.as_str(), "true" | "false")) {
                Some(value) => value.clone(),
                None => "true".to_owned(),
            },
            // A number may begin with a dash, an option never with a digit after it.
            (Kind::Number(..), None) => words
                .next_if(|next| !next.starts_with('-') || next[1..].starts_with(|digit: char| digit.is_ascii_digit()))
                .cloned()
                .ok_or_else(|| missing(name))?,
            (Kind::Text, None) => words.next_if(|next| !next.starts_with('-')).cloned().ok_or_else(|| missing(name))?,
        };
        if values.insert(name, value).is_some() {
            // Two blanks, as mongod has them.
            return Err(Mistake::Line(format!(" Multiple occurrences of option \"--{name}\"")));
        }
    }
    Ok(values)
}

fn missing(name: &str) -> Mistake {
    Mistake::Line(format!("the required argument for option '--{name}' is missing"))
}

/// The values that were given, by the options' names.
struct Values(BTreeMap<&'static str, String>);

impl Values {
    fn options(self, argv: Vec<String>) -> Result<Options, String> {
        let (given, out_of_range) = self.given()?;
        let persona = self.persona()?;
        let port = match self.number("port", 27017)? {
            port if (0..=65535).contains(&port) => u16::try_from(port).unwrap_or_default(),
            _ => return Err("BadValue: bad --port number".to_owned()),
        };
        Ok(Options {
            persona,
            dbpath: self.text("dbpath").unwrap_or("/data/db").into(),
            port,
            addresses: self.addresses()?,
            logpath: self.text("logpath").map(PathBuf::from),
            kmip: self.kmip()?,
            argv,
            given,
            out_of_range,
        })
    }

    /// Every value that stands in configuration files, and the first that is out of its range.
    fn given(&self) -> Result<(AllGiven, Option<String>), String> {
        let (mut given, mut out_of_range) = (Vec::new(), None);
        for known in OPTIONS {
            let (Some(key), Some(value)) = (known.key, self.0.get(known.name)) else { continue };
            let value = match known.kind {
                Kind::Text => Given::Text(value.clone()),
                Kind::Flag | Kind::Truth => match value.as_str() {
                    "true" => Given::Truth(true),
                    "false" => Given::Truth(false),
                    // Inferred from what it says of numbers.
                    _ => return Err(format!("Error parsing option \"{}\" as bool: {value}", known.name)),
                },
                Kind::Number(least, most) => {
                    let number = self.number(known.name, 0)?;
                    let bound = match number {
                        _ if number < least => Some(("greater", least)),
                        _ if number > most => Some(("less", most)),
                        _ => None,
                    };
                    if let Some((side, bound)) = bound.filter(|_| known.name != "port") {
                        out_of_range.get_or_insert(format!("{key} must be {side} than or equal to {bound}"));
                    }
                    Given::Number(number)
                }
            };
            given.push((key, value));
        }
        Ok((given, out_of_range))
    }

    fn persona(&self) -> Result<&'static Persona, String> {
        let legacy = self.truth("kmipUseLegacyProtocol", false);
        let name = match (self.text("persona"), legacy) {
            (None, false) => "psmdb-8",
            (None | Some("enterprise-1.2"), true) => "enterprise-legacy-1.0",
            (Some(name), false) => name,
            (Some("enterprise-legacy-1.0"), true) => "enterprise-legacy-1.0",
            (Some(_), true) => {
                // As its original would: nobody but MongoDB Enterprise is known to have the option.
                return Err("Error parsing command line: unrecognised option '--kmipUseLegacyProtocol'".to_owned());
            }
        };
        Persona::find(name).ok_or_else(|| {
            let names: Vec<&str> = PERSONAS.iter().map(|persona| persona.name).collect();
            format!("mongod-persona: there is no persona `{name}`; there are {}", names.join(", "))
        })
    }

    fn addresses(&self) -> Result<Vec<IpAddr>, String> {
        let list = match self.text("bind_ip") {
            _ if self.truth("bind_ip_all", false) => "*",
            Some(list) => list,
            None => "localhost",
        };
        let address = |name: &str| match name.trim() {
            "*" => Ok([0, 0, 0, 0].into()),
            "localhost" => Ok([127, 0, 0, 1].into()),
            other => other.parse().map_err(|_| format!("mongod-persona: --bind_ip takes addresses, not `{other}`")),
        };
        list.split(',').map(address).collect()
    }

    fn kmip(&self) -> Result<Option<Settings>, String> {
        let Some(server_name) = self.text("kmipServerName").filter(|_| self.truth("enableEncryption", false)) else {
            return Ok(None);
        };
        let file = self.text("kmipClientCertificateFile").ok_or(
            // That the one requires the other is in Percona's sources; the words were not seen.
            "BadValue: option kmipServerName requires option kmipClientCertificateFile",
        )?;
        let polling = self.number("kmipKeyStatePollingSeconds", 900)?;
        Ok(Some(Settings {
            server_name: server_name.to_owned(),
            port: u16::try_from(self.number("kmipPort", 5696)?).unwrap_or_default(),
            ca_file: self.text("kmipServerCAFile").map(PathBuf::from),
            client_certificate_file: file.into(),
            connect_retries: u32::try_from(self.number("kmipConnectRetries", 0)?).unwrap_or_default(),
            connect_timeout: Duration::from_millis(
                u64::try_from(self.number("kmipConnectTimeoutMS", 5000)?).unwrap_or_default(),
            ),
            activate_keys: self.truth("kmipActivateKeys", true),
            key_state_polling: u64::try_from(polling).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs),
            key_identifier: self.text("kmipKeyIdentifier").map(str::to_owned),
            rotate_master_key: self.truth("kmipRotateMasterKey", false),
        }))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn truth(&self, name: &str, default: bool) -> bool {
        self.text(name).map_or(default, |value| value == "true")
    }

    fn number(&self, name: &str, default: i64) -> Result<i64, String> {
        let Some(text) = self.text(name) else { return Ok(default) };
        let whole = text.parse::<i32>().map(i64::from);
        whole.map_err(|_| format!("Error parsing option \"{name}\" as int: Did not consume whole string."))
    }
}

fn version() -> String {
    format!(
        "mongod-persona {VERSION}\nThis is not mongod. It is a client for tests of KMIP servers, which behaves towards \
         them as a MongoDB program does,\nas far as its persona's evidence goes. It keeps no data, and nothing that it \
         does proves what a real mongod does.\n"
    )
}

fn help() -> String {
    let mut text = format!(
        "{}\nOptions, as mongod has them (one dash or two, `--option value` or `--option=value`):\n",
        version().trim_end()
    );
    for known in OPTIONS {
        let value = match known.kind {
            Kind::Flag => "",
            Kind::Truth => " [true|false]",
            Kind::Text | Kind::Number(..) => " arg",
        };
        text.push_str(&format!("  --{:<36} {}\n", format!("{}{value}", known.name), known.help));
    }
    text.push_str(
        "\nPersonas (--persona; by itself psmdb-8, and enterprise-legacy-1.0 with --kmipUseLegacyProtocol):\n",
    );
    for persona in PERSONAS {
        text.push_str(&format!("  {:<24} {}\n", persona.name, persona.description));
    }
    text.push_str(
        "Percona Server is said to take kmipActivateKeys as a switch, so that its configuration file alone can say false; \
         here every persona\ntakes a value.\n",
    );
    text.push_str("\nExit codes (own: the real ones are not public):\n");
    text.push_str(&codes::help());
    text.push_str(&format!(
        "\nEnvironment:\n  {EVENTS}=PATH            appends a line of JSON for every event to a file or pipe\n  \
         {FINGERPRINT_KEY}=HEX   the key for fingerprints of keys in these events\n"
    ));
    text
}

#[cfg(test)]
mod tests;
