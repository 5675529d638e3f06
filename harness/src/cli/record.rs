//! `kmiplab record`: stands between a KMIP client and its server, and writes down what they say; or looks at what was
//! written down.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::{exit, host_and_port, interrupt, print, say};
use crate::cast::Persona;
use crate::tap::{Entry, Likeness, Line, Log, Recording, Secrets, Settings, Shown, Summary, Tap};
use crate::tap::{TapError, Upstream};

/// How long the server may take at the start before a warning is given.
const FIRST_LOOK: Duration = Duration::from_secs(5);

/// Between whom to stand, with which certificates, and where to write.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A recording to look at, instead of making one: with --expect-persona or --fixture
    #[arg(value_name = "RECORDING", conflicts_with_all = ["listen", "to", "out", "ca", "tls_cert", "ca_out"])]
    recording: Option<PathBuf>,
    /// Where clients connect, instead of the server
    #[arg(long, value_name = "ADDRESS:PORT", required_unless_present = "recording")]
    listen: Option<SocketAddr>,
    /// The KMIP server
    #[arg(long, value_name = "HOST:PORT", required_unless_present = "recording")]
    to: Option<String>,
    /// The file to write, JSON lines; it must not be there yet
    #[arg(long, value_name = "FILE", required_unless_present = "recording")]
    out: Option<PathBuf>,
    /// PEM file of the authorities that the server's certificate must come from
    #[arg(long, value_name = "FILE", required_unless_present = "recording")]
    ca: Option<PathBuf>,
    /// PEM file of the certificate to show to the server: that of the client whose place is taken
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// PEM file of its private key [default: that of --cert]
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// The name that the server's certificate must have [default: the host of --to]
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// PEM file of the certificate to show to clients, with its chain
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// PEM file of its private key [default: that of --tls-cert]
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Make a certificate for loopback and the address of --listen, and write its authority to this file: clients must
    /// trust it
    #[arg(long, value_name = "FILE", conflicts_with = "tls_cert")]
    ca_out: Option<PathBuf>,
    /// PEM file of the authorities that clients must have a certificate of [default: clients are not asked for one]
    #[arg(long, value_name = "FILE")]
    client_ca: Option<PathBuf>,
    /// Write keys, passwords and data as they are, instead of zeros of the same length. Whoever has the file has the keys
    #[arg(long)]
    keep_secrets: bool,
    /// At the end say in what the client is not like this persona: operations, versions, items of its requests
    #[arg(long, value_name = "PERSONA")]
    expect_persona: Option<String>,
    /// Write the dialogue of RECORDING into this folder, in the form of fixtures/kmip/dialogues
    #[arg(long, value_name = "DIR", requires = "recording")]
    fixture: Option<PathBuf>,
}

pub(super) fn execute(arguments: &Arguments) -> u8 {
    super::told(attempt(arguments))
}

fn attempt(arguments: &Arguments) -> Result<u8, String> {
    let persona = arguments.expect_persona.as_deref().map(persona).transpose()?;
    match &arguments.recording {
        Some(file) => look_at(file, persona, arguments.fixture.as_deref()),
        None => record(arguments, persona),
    }
}

fn persona(name: &str) -> Result<&'static Persona, String> {
    let hint = "`kmiplab list --words personas` shows what there is";
    Persona::find(name).ok_or_else(|| format!("there is no persona `{name}`\n\nhint: {hint}"))
}

fn read(file: &Path) -> Result<Recording, String> {
    let content =
        std::fs::read_to_string(file).map_err(|error| format!("cannot read `{}`: {error}", file.display()))?;
    Recording::read(&content).map_err(|error| format!("`{}` is no recording: {error}", file.display()))
}

fn look_at(file: &Path, persona: Option<&Persona>, fixture: Option<&Path>) -> Result<u8, String> {
    let recording = read(file)?;
    if persona.is_none() && fixture.is_none() {
        return Err("a recording is looked at with --expect-persona or --fixture".to_owned());
    }
    if let Some(folder) = fixture {
        let name = format!("{}.tsv", file.file_stem().unwrap_or_default().to_string_lossy());
        let to = folder.join(&name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // What was kept of secrets is for its owner alone, here as there.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&to).and_then(|mut to| to.write_all(recording.dialogue().as_bytes()));
        written.map_err(|error| format!("cannot write `{}`: {error}", to.display()))?;
        if recording.header.secrets == Secrets::Kept {
            shout(&format!("`{}` HOLDS KEYS IN CLEAR TEXT, as the recording does.", to.display()));
        }
        say(&format!("`{}` is written; its row for PROVENANCE.md, in which you know what is open:", to.display()));
        print(&format!("{}\n", recording.provenance(&name)));
    }
    persona.map_or(Ok(exit::AS_EXPECTED), |persona| compare(&recording, persona))
}

/// Says in what a client is not like a persona. That it is not is what somebody wanted to know, and an exit code.
fn compare(recording: &Recording, persona: &Persona) -> Result<u8, String> {
    let likeness = Likeness::of(recording, persona)?;
    print(&likeness.text());
    Ok(if likeness.is_alike() { exit::AS_EXPECTED } else { exit::FAILED })
}

fn record(arguments: &Arguments, persona: Option<&Persona>) -> Result<u8, String> {
    let file = arguments.out.as_ref().ok_or("no --out")?;
    let out = file.display();
    if file.exists() {
        return Err(format!(
            "`{out}` is there already, and a recording is never overwritten\n\nhint: name another --out"
        ));
    }
    let settings = settings(arguments)?;
    settings.check()?;
    let told = interrupt::told_to_end();
    let bound = Tap::bind(settings).map_err(|error| match error {
        TapError::Listen { .. } => format!("{error}\n\nhint: another --listen; port 0 lets the system choose"),
        TapError::Authority { .. } => format!("{error}\n\nhint: another --ca-out"),
        error => error.to_string(),
    })?;
    let settings = bound.settings().clone();
    let secrets = if arguments.keep_secrets { Secrets::Kept } else { Secrets::Redacted };
    let log = Log::create(file, secrets, &settings).map_err(|error| error.to_string())?;
    let log = Arc::new(log.telling(watch, |why| say(&format!("error: {why}"))));
    if let Err(why) = settings.upstream.try_to_reach(FIRST_LOOK) {
        say(&format!("warning: {}: {why}; clients are refused until that is mended", settings.upstream));
    }
    let tap = bound.start(log.clone()).map_err(|error| error.to_string())?;
    if arguments.keep_secrets {
        shout(&format!("--keep-secrets: every key, password and plaintext goes into `{out}` IN CLEAR TEXT."));
    }
    if let Shown::Made { authority } = &settings.shown {
        say(&format!("clients must trust `{}`", authority.display()));
    }
    say(&format!("recording {} -> {} into `{out}`; Ctrl-C ends it", tap.address(), settings.upstream));
    told.wait();
    drop(tap);
    print(&summary(&log.summary(), &out.to_string()));
    if arguments.keep_secrets {
        shout(&format!("`{out}` HOLDS KEYS IN CLEAR TEXT. Whoever reads it can open the data. Do not pass it on."));
    }
    match log.failed() {
        Some(why) => {
            say(&format!("error: the recording is not whole: {why}"));
            Ok(exit::FAILED)
        }
        None => persona.map_or(Ok(exit::AS_EXPECTED), |persona| compare(&read(file)?, persona)),
    }
}

fn settings(arguments: &Arguments) -> Result<Settings, String> {
    let (listen, to) = (arguments.listen.ok_or("no --listen")?, arguments.to.as_ref().ok_or("no --to")?);
    let (host, port) = host_and_port(to).ok_or_else(|| format!("`{to}` is no HOST:PORT"))?;
    let own = |certificate: &PathBuf, key: &Option<PathBuf>| {
        (certificate.clone(), key.as_ref().unwrap_or(certificate).clone())
    };
    let shown = match (&arguments.tls_cert, &arguments.ca_out) {
        (Some(certificate), _) => {
            let (certificate, key) = own(certificate, &arguments.tls_key);
            Shown::Files { certificate, key }
        }
        (None, Some(authority)) => Shown::Made { authority: authority.clone() },
        (None, None) => {
            return Err(
                "there is no certificate to show to clients\n\nhint: --ca-out FILE has one made, and --tls-cert \
                        with --tls-key takes yours"
                    .to_owned(),
            );
        }
    };
    let upstream = Upstream {
        host,
        port,
        name: arguments.server_name.clone(),
        authority: arguments.ca.clone().ok_or("no --ca")?,
        own: arguments.cert.as_ref().map(|certificate| own(certificate, &arguments.key)),
    };
    Ok(Settings { listen, shown, client_authority: arguments.client_ca.clone(), upstream })
}

/// Shows whoever watches that something happens.
fn watch(line: &Line) {
    if let Some(headline) = line.entry.headline() {
        let what = if matches!(line.entry, Entry::Answer { .. }) { "  " } else { "" };
        print(&format!("{what}connection {}: {headline}\n", line.connection));
    }
}

fn shout(text: &str) {
    let line = "!".repeat(text.chars().count().min(100));
    say(&format!("{line}\n{text}\n{line}"));
}

fn summary(summary: &Summary, file: &str) -> String {
    let count = |number: u64, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
    let Summary { connections, refused, requests, answers, operations } = summary;
    let mut text = format!(
        "{}, {} refused, {}, {}: `{file}`\n",
        count(*connections, "connection", "connections"),
        refused,
        count(*requests, "request", "requests"),
        count(*answers, "answer", "answers"),
    );
    for (operation, number) in operations {
        text += &format!("{number:>8}  {operation}\n");
    }
    text
}
