//! How strong the evidence of a program is that stands where mongod stands: decided by what it answers, never by what it
//! is called.
//!
//! In this order: whatever bears the mark of a persona is one, whatever else it claims; then the program must say that
//! it is MongoDB Enterprise or Percona Server; then that it encrypts its files with a key from a KMIP server; then it
//! must be known which bytes ran.
//!
//! Invariant: [`tier`] is a function of the answers alone. What was not answered is not assumed.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::trace::Tier;

/// What a program has answered, and what is known of where it comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// What it prints for `--version`.
    pub version: Option<String>,
    /// The first line of its log.
    pub first_line: Option<String>,
    /// The labels of its image.
    pub labels: BTreeMap<String, String>,
    /// The bytes that ran.
    pub bytes: Option<Bytes>,
    /// `buildInfo`.
    pub build_info: Option<Value>,
    /// `getCmdLineOpts`.
    pub options: Option<Value>,
    /// `hello`.
    pub hello: Option<Value>,
    /// `serverStatus`, of which `encryptionAtRest` alone is looked at.
    pub server_status: Option<Value>,
}

/// Which bytes ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bytes {
    /// An image: its digest in a registry where it has one, else the digest of its configuration.
    Image(String),
    /// A program of this machine: `sha256:…` of its file.
    Program(String),
}

/// Why a program is of no tier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It did not answer.
    #[error("it does not answer {0}, so nobody knows what it is")]
    Silent(&'static str),
    /// It is neither MongoDB Enterprise nor Percona Server.
    #[error("it is a community mongod ({0}), which does not encrypt its files")]
    Community(String),
    /// It claims to be both.
    #[error("it says that it is MongoDB Enterprise and Percona Server at once")]
    Both,
    /// Its files are not encrypted with a key from a KMIP server.
    #[error("getCmdLineOpts has no {0}: nothing shows that its key came from the proxy")]
    NotEncrypting(&'static str),
    /// Nobody knows which bytes ran.
    #[error("neither the digest of its image nor that of its file is known")]
    Unknown,
}

/// The tier of a program.
pub fn tier(answers: &Answers) -> Result<Tier, Refusal> {
    if mark(answers).is_some() {
        return Ok(Tier::Persona);
    }
    let build = answers.build_info.as_ref().ok_or(Refusal::Silent("buildInfo"))?;
    let modules = build.get("modules").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let enterprise = modules.iter().any(|module| module == "enterprise");
    let percona = build.get("psmdbVersion").and_then(Value::as_str).is_some_and(|version| !version.is_empty());
    let tier = match (enterprise, percona) {
        (true, true) => return Err(Refusal::Both),
        (true, false) => Tier::RealEnterprise,
        (false, true) => Tier::RealPsmdb,
        (false, false) => {
            let version = build.get("version").and_then(Value::as_str).unwrap_or("of unknown version");
            return Err(Refusal::Community(version.to_owned()));
        }
    };
    let options = answers.options.as_ref().ok_or(Refusal::Silent("getCmdLineOpts"))?;
    if options.pointer("/parsed/security/enableEncryption") != Some(&Value::Bool(true)) {
        return Err(Refusal::NotEncrypting("security.enableEncryption"));
    }
    if options.pointer("/parsed/security/kmip/serverName").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(Refusal::NotEncrypting("security.kmip"));
    }
    match &answers.bytes {
        Some(Bytes::Image(digest) | Bytes::Program(digest)) if digest.contains("sha256:") => Ok(tier),
        _ => Err(Refusal::Unknown),
    }
}

/// The mark of a persona, where there is one: where it stands.
pub fn mark(answers: &Answers) -> Option<&'static str> {
    let says = |text: &Option<String>| text.as_deref().is_some_and(is_marked);
    if says(&answers.version) {
        return Some("--version");
    }
    if says(&answers.first_line) {
        return Some("the first line of its log");
    }
    if ["persona", "not-mongod"].iter().any(|label| answers.labels.get(*label).is_some_and(|value| value == "true")) {
        return Some("the labels of its image");
    }
    let build = answers.build_info.as_ref()?;
    let modules = build.get("modules").and_then(Value::as_array).is_some_and(|all| all.iter().any(|m| m == "persona"));
    let version = build.get("version").and_then(Value::as_str).is_some_and(|version| version.contains("persona"));
    (build.get("persona") == Some(&Value::Bool(true)) || modules || version).then_some("buildInfo")
}

/// Whether a text is a persona's. Personas say `"persona":true`, and their program's name.
fn is_marked(text: &str) -> bool {
    let dense: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    dense.contains("\"persona\":true") || text.contains("mongod-persona") || text.contains("-persona")
}

/// What a tier rests on, one fact a line.
pub fn proof(answers: &Answers) -> Vec<String> {
    let mut proof = Vec::new();
    if let Some(mark) = mark(answers) {
        proof.push(format!("persona, not mongod: it says so in {mark}"));
    }
    let mut say = |name: &str, value: Option<&Value>| {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            proof.push(format!("{name}: {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
        }
    };
    let of = |document: &'_ Option<Value>, pointer: &str| document.as_ref()?.pointer(pointer).cloned();
    for field in ["version", "modules", "psmdbVersion", "gitVersion"] {
        say(&format!("buildInfo.{field}"), of(&answers.build_info, &format!("/{field}")).as_ref());
    }
    for field in ["enableEncryption", "kmip/serverName", "kmip/port", "kmip/activateKeys"] {
        let value = of(&answers.options, &format!("/parsed/security/{field}"));
        say(&format!("getCmdLineOpts.parsed.security.{}", field.replace('/', ".")), value.as_ref());
    }
    say("hello.maxWireVersion", of(&answers.hello, "/maxWireVersion").as_ref());
    for field in ["encryptionEnabled", "encryptionCipherMode", "encryptionKeyId"] {
        let value = of(&answers.server_status, &format!("/encryptionAtRest/{field}"));
        say(&format!("serverStatus.encryptionAtRest.{field}"), value.as_ref());
    }
    match &answers.bytes {
        Some(Bytes::Image(digest)) => proof.push(format!("image {digest}")),
        Some(Bytes::Program(digest)) => proof.push(format!("program {digest}")),
        None => {}
    }
    proof
}

/// How the text of [`unknown_option`] begins.
pub const UNKNOWN_OPTION: &str = "unknown option";

/// Why a program that has ended has ended, if it was an option that it does not know.
pub fn unknown_option(code: Option<i64>, lines: &[String]) -> Option<String> {
    let option = lines.iter().find_map(|line| {
        let on_the_line = line.split_once("unrecognised option '").and_then(|(_, rest)| rest.split_once('\''));
        let in_the_file = line.split_once("Unrecognized option: ").map(|(_, rest)| (rest.trim(), ""));
        on_the_line.or(in_the_file).map(|(option, _)| option.to_owned())
    })?;
    let code = code.map_or_else(|| "no exit code".to_owned(), |code| format!("exit code {code}"));
    let meaning = if ["enableEncryption", "kmipServerName"].iter().any(|name| option.contains(name)) {
        "this mongod has no encryption at rest".to_owned()
    } else {
        format!("this mongod does not know {option}")
    };
    Some(format!("{UNKNOWN_OPTION}, {code}: {meaning}"))
}

#[cfg(test)]
mod tests;
