//! `kmiplab oasis`: the OASIS KMIP test cases, played against any KMIP server.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use kmip_proxy::env::Env;
use rustls_pki_types::ServerName;

use super::{exit, host_and_port, print, say};
use crate::oasis::connection::{self, Address, Connection, Credentials};
use crate::oasis::expectations::{matches, pattern};
use crate::oasis::{Case, Expectations, Options, Report, Target, find, run};

/// What to play, and against whom.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The folder with the XML files of the test cases, or one of them
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The server: HOST:PORT, or `proxy` to start kmipProxyStandalone anew for each case
    #[arg(long, value_name = "HOST:PORT", required_unless_present = "list")]
    target: Option<String>,
    /// PEM file of the authorities that the server's certificate must come from
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// PEM file of the client's certificate, with its chain
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// PEM file of the client's private key [default: that of --cert]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The name that the server's certificate must have [default: the host of --target]
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Only cases that match this glob, such as `1.2/SKLC-*`; repeat for more
    #[arg(long, value_name = "GLOB")]
    filter: Vec<String>,
    /// TOML file of the cases that may fail, with a reason each; an entry that is out of date fails the run
    #[arg(long, value_name = "FILE")]
    expect: Option<PathBuf>,
    /// The longest time for one exchange, such as 30s or 1500ms
    #[arg(long, value_name = "TIME", default_value = "30s")]
    deadline: Deadline,
    /// Play also what the server does not claim in Query and Discover Versions
    #[arg(long)]
    ignore_query: bool,
    /// List the cases with their version and profile, and play nothing
    #[arg(long, visible_alias = "dry-run")]
    list: bool,
    /// How to print the report
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    message_format: Format,
    /// Print the request and the answer in which something was wrong
    #[arg(long)]
    messages: bool,
    /// Also write the report as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// The program that `--target proxy` starts [default: kmipProxyStandalone beside this program]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug)]
struct Deadline(Duration);

impl FromStr for Deadline {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()));
        let number: u64 = number.parse().map_err(|_| "it does not begin with a number".to_owned())?;
        let time = match unit {
            "ms" => Duration::from_millis(number),
            "s" | "" => Duration::from_secs(number),
            "m" | "min" => Duration::from_secs(number.saturating_mul(60)),
            _ => return Err(format!("`{unit}` is no unit: ms, s or min")),
        };
        if time.is_zero() { Err("no time at all".to_owned()) } else { Ok(Deadline(time)) }
    }
}

pub(super) fn execute(arguments: &Arguments) -> u8 {
    super::told(attempt(arguments))
}

fn attempt(arguments: &Arguments) -> Result<u8, String> {
    let env = Env::os();
    let expectations = match &arguments.expect {
        Some(file) => {
            let failed = |error: String| format!("`{}`: {error}", file.display());
            let bytes = env.files.read(file).map_err(|error| failed(error.to_string()))?;
            Expectations::read(&String::from_utf8_lossy(&bytes)).map_err(failed)?
        }
        None => Expectations::default(),
    };
    let folder = &arguments.folder;
    let all = find(&env, folder).map_err(|error| format!("cannot read `{}`: {error}", folder.display()))?;
    let names: Vec<Vec<String>> = all.iter().map(Case::names).collect();
    let filters = arguments.filter.iter().map(|glob| pattern(glob)).collect::<Result<Vec<_>, _>>()?;
    let wanted = |case: &Case| filters.is_empty() || filters.iter().any(|filter| matches(filter, &case.names()));
    let cases: Vec<Case> = all.into_iter().filter(wanted).collect();
    if cases.is_empty() {
        say(&format!(
            "error: no case is selected in `{}`\n\nhint: `kmiplab oasis {} --list` shows what there is",
            folder.display(),
            folder.display()
        ));
        return Ok(exit::NOTHING_SELECTED);
    }
    if arguments.list {
        cases.iter().for_each(|case| print(&listed(case)));
        return Ok(exit::AS_EXPECTED);
    }
    let target = target(&env, arguments)?;
    let options = Options { believe_claims: !arguments.ignore_query };
    let played = run(&env, &cases, &target, options, &|_| ());
    let report = Report::new(target.name(), &cases, played, &expectations, &names);
    if let Some(file) = &arguments.junit {
        let xml = report.junit();
        std::fs::write(file, xml).map_err(|error| format!("cannot write `{}`: {error}", file.display()))?;
    }
    print(&match arguments.message_format {
        Format::Text => report.text(arguments.messages),
        Format::Json => report.json(),
    });
    Ok(if report.failed() {
        exit::FAILED
    } else if report.inconclusive() {
        exit::INCONCLUSIVE
    } else {
        exit::AS_EXPECTED
    })
}

fn listed(case: &Case) -> String {
    let what = match &case.conversation {
        Ok(conversation) => format!("{} exchanges", conversation.exchanges.len()),
        Err(mistake) => format!("not readable: {mistake}"),
    };
    format!("{:<5} {:<12} {}: {what}\n", case.version(), case.profile(), case.name)
}

fn target(env: &Env, arguments: &Arguments) -> Result<Target, String> {
    let wanted = arguments.target.as_deref().unwrap_or_default();
    if wanted == "proxy" {
        let program = match &arguments.program {
            // It is started in a directory of its own.
            Some(program) => std::path::absolute(program).unwrap_or_else(|_| program.clone()),
            None => beside().ok_or("there is no kmipProxyStandalone beside this program\n\nhint: `cargo build -p kmip-proxy`, with --release for `cargo lab`; or name it with --program")?,
        };
        return Ok(Target::Proxy(program, arguments.deadline.0));
    }
    let (host, port) = host_and_port(wanted).ok_or_else(|| format!("`{wanted}` is neither HOST:PORT nor `proxy`"))?;
    let (Some(authority), Some(certificate)) = (arguments.ca.as_deref(), arguments.cert.as_deref()) else {
        return Err("mutual TLS needs --ca and --cert\n\nhint: --key too, where the key is in a file of its own".into());
    };
    let key = arguments.key.as_deref().unwrap_or(certificate);
    let name = arguments.server_name.clone().unwrap_or_else(|| host.clone());
    let name = ServerName::try_from(name.clone()).map_err(|_| format!("`{name}` is no name of a server"))?;
    let tls = connection::tls(env, &Credentials { authority, certificate, key })?;
    let address = Address { host, port, name, tls, deadline: arguments.deadline.0 };
    // Nothing is played against nobody: a wrong port or certificate is said once, not for every case.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(Connection::open(&address)).map_err(|error| format!("{wanted}: {error}; nothing was played"))?;
    Ok(Target::Server(address))
}

/// The proxy from the same build.
fn beside() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    // Tests stand one folder deeper.
    let folders = [own.parent(), own.parent().and_then(Path::parent)];
    let name = format!("kmipProxyStandalone{}", std::env::consts::EXE_SUFFIX);
    folders.into_iter().flatten().map(|folder| folder.join(&name)).find(|program| program.is_file())
}
