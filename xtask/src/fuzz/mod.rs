//! `cargo xtask fuzz [--time 20s] [TARGET]...`: the targets of `fuzz/`, each for a while, on the stable toolchain.
//!
//! First the corpora are laid out ([`seeds`]), then all targets are built once, with one set of flags, and each runs in
//! its turn. At the end stands a table, and below it each finding with its bytes and the command that runs them again.
//!
//! Coverage is what LLVM's own instrumentation gives, which stable has; sanitizers are not, and the product forbids
//! `unsafe`, so that there is little for them to find.
//!
//! Invariant: a target that did not run is an error or a note, never a green line.

mod seeds;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::program::Program;
use crate::test::Tool;

const COMPILER: Program<'_> = Program::new(&["c++", "--version"]);

const CARGO_FUZZ: Tool = Tool {
    probe: Program::new(&["cargo", "fuzz", "--version"]),
    install: Program::new(&["cargo", "install", "cargo-fuzz", "--locked"]),
};

const BUILD: Program<'_> = Program::new(&["cargo", "fuzz", "build", "--sanitizer", "none"]);

/// How long a target runs where nobody says.
const USUAL_TIME: Duration = Duration::from_secs(20);

/// How long a target runs within `cargo xtask test`: the corpora, and some thousands of changes to them.
const SMOKE_TIME: Duration = Duration::from_secs(5);

/// The most memory that a target may have, in megabytes. The instrumented program alone takes about fifty.
const MOST_MEMORY: u32 = 384;

/// The longest that one input may take, in seconds. Each takes microseconds; the machine may be busy.
const LONGEST_INPUT: u32 = 10;

/// `cargo xtask fuzz`, with what follows on the command line.
pub(crate) fn run(root: &Path, words: &[&str]) -> Result<(), String> {
    let wish = Wish::read(words, &seeds::targets(root)?)?;
    if !COMPILER.answers(root) {
        return Err(WITHOUT_COMPILER.to_owned());
    }
    fuzz(root, &wish)
}

/// The step of `cargo xtask test`: every target for some seconds. Without a C++ compiler it is a note.
pub(crate) fn smoke(root: &Path) -> Result<Vec<String>, String> {
    if !COMPILER.answers(root) {
        return Ok(vec![format!("the fuzz targets: {WITHOUT_COMPILER}")]);
    }
    fuzz(root, &Wish { time: SMOKE_TIME, targets: seeds::targets(root)? })?;
    Ok(Vec::new())
}

const WITHOUT_COMPILER: &str =
    "libFuzzer is C++, and `c++ --version` does not answer; install a C++ compiler, then run `cargo xtask fuzz`";

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wish {
    time: Duration,
    targets: Vec<String>,
}

impl Wish {
    fn read(words: &[&str], all: &[String]) -> Result<Self, String> {
        let mut wish = Wish { time: USUAL_TIME, targets: Vec::new() };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if *word == "--time" {
                wish.time = words.next().and_then(|text| time(text)).ok_or("--time wants a time such as 20s or 3m")?;
            } else if all.iter().any(|target| target == word) {
                wish.targets.push((*word).to_owned());
            } else {
                return Err(format!("there is no target {word}: there are {}", all.join(", ")));
            }
        }
        if wish.targets.is_empty() {
            wish.targets = all.to_vec();
        }
        Ok(wish)
    }
}

fn time(text: &str) -> Option<Duration> {
    let (digits, seconds) = match text.strip_suffix('m') {
        Some(digits) => (digits, 60),
        None => (text.strip_suffix('s')?, 1),
    };
    let count: u64 = digits.parse().ok().filter(|count| (1..=86_400).contains(count))?;
    Some(Duration::from_secs(count * seconds))
}

fn fuzz(root: &Path, wish: &Wish) -> Result<(), String> {
    CARGO_FUZZ.set_up(root)?;
    BUILD.run(root)?;
    let mut rows = Vec::new();
    for target in &wish.targets {
        let count = seeds::lay_out(root, target)?;
        eprintln!("      {target}: {} s from {count} seeds", wish.time.as_secs());
        rows.push(play(root, target, wish.time)?);
    }
    eprintln!("\n{}", table(&rows));
    let found = findings(&rows);
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// How a target fared.
#[derive(Debug, Default, PartialEq, Eq)]
struct Row {
    target: String,
    executions: u64,
    /// The points of coverage that were reached: edges, as libFuzzer counts them.
    coverage: u64,
    /// The peak of the resident memory, in megabytes. At least what Cargo had, which becomes the target (Linux keeps the
    /// peak over an exec), so that it shows large peaks alone.
    memory: u64,
    /// The file with the bytes that broke it, below the root, and what was said.
    finding: Option<(String, String)>,
}

fn play(root: &Path, target: &str, time: Duration) -> Result<Row, String> {
    let options = [
        format!("-max_total_time={}", time.as_secs()),
        format!("-rss_limit_mb={MOST_MEMORY}"),
        format!("-timeout={LONGEST_INPUT}"),
        // libFuzzer draws from this seed; how far it comes in the time is another matter.
        "-seed=1".to_owned(),
        "-print_final_stats=1".to_owned(),
    ];
    let mut words = vec!["cargo", "fuzz", "run", "--sanitizer", "none", target, "--"];
    words.extend(options.iter().map(String::as_str));
    let program = Program::new(&words);
    let (ended_well, said) = program.listen(root)?;
    let row = read(root, target, &said);
    if row.finding.is_none() && (!ended_well || row.executions == 0) {
        return Err(format!("{said}\n`{}` ended without a run and without a finding", program.line()));
    }
    Ok(row)
}

/// Reads what libFuzzer has printed.
fn read(root: &Path, target: &str, said: &str) -> Row {
    let mut row = Row { target: target.to_owned(), ..Row::default() };
    let statistic = |line: &str, name: &str| -> Option<u64> { line.strip_prefix(name)?.trim().parse().ok() };
    let mut artifact = None;
    for line in said.lines() {
        if let Some(executions) = statistic(line, "stat::number_of_executed_units:") {
            row.executions = executions;
        } else if let Some(memory) = statistic(line, "stat::peak_rss_mb:") {
            row.memory = memory;
        } else if let Some((_, file)) = line.split_once("Test unit written to ") {
            artifact = Some(file.trim());
        } else if line.starts_with('#') {
            let mut words = line.split_whitespace().skip_while(|word| *word != "cov:").skip(1);
            row.coverage = words.next().and_then(|count| count.parse().ok()).unwrap_or(row.coverage);
        }
    }
    row.finding = artifact.map(|file| {
        let file = Path::new(file).strip_prefix(root).unwrap_or(Path::new(file)).display().to_string();
        (file, reason(said))
    });
    row
}

/// The line that says what went wrong, and the one after a panic's place.
fn reason(said: &str) -> String {
    let mut lines =
        said.lines().skip_while(|line| !(line.contains("panicked at") || line.contains("ERROR: libFuzzer")));
    let first = lines.next().unwrap_or("(no reason was printed)").trim();
    match lines.next().filter(|_| first.contains("panicked at")) {
        Some(second) => format!("{first} {}", second.trim()),
        None => first.to_owned(),
    }
}

fn table(rows: &[Row]) -> String {
    let mut table =
        format!("{:<14}{:>12}{:>10}{:>10}{:>10}\n", "target", "executions", "coverage", "findings", "peak RSS");
    for Row { target, executions, coverage, memory, finding } in rows {
        let (findings, memory) = (u8::from(finding.is_some()), format!("{memory} MB"));
        writeln!(table, "{target:<14}{executions:>12}{coverage:>10}{findings:>10}{memory:>10}")
            .expect("writing to a string succeeds");
    }
    table
}

fn findings(rows: &[Row]) -> String {
    let found = rows.iter().filter_map(|row| row.finding.as_ref().map(|(file, reason)| (&row.target, file, reason)));
    let found = found.map(|(target, file, reason)| {
        format!("{target}: {reason}\n  bytes:  {file}\n  again:  cargo fuzz run --sanitizer none {target} {file}")
    });
    found.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<String> {
        vec!["config".to_owned(), "ttlv".to_owned()]
    }

    #[test]
    fn all_targets_run_where_none_is_named_and_times_have_units() {
        let usual = Wish { time: USUAL_TIME, targets: all() };
        assert_eq!(Wish::read(&[], &all()), Ok(usual));
        let three_minutes = Wish { time: Duration::from_secs(180), targets: vec!["ttlv".to_owned()] };
        assert_eq!(Wish::read(&["ttlv", "--time", "3m"], &all()), Ok(three_minutes));
        for wrong in [&["--time"][..], &["--time", "20"], &["--time", "0s"], &["--time", "-1s"]] {
            assert_eq!(Wish::read(wrong, &all()), Err("--time wants a time such as 20s or 3m".to_owned()));
        }
        let unknown = Wish::read(&["tls"], &all()).expect_err("there is no such target");
        assert_eq!(unknown, "there is no target tls: there are config, ttlv");
    }

    #[test]
    fn a_quiet_run_becomes_a_row() {
        let said = "INFO: Running with entropic power schedule (0xFF, 100).\n\
                    #2\tINITED cov: 61 ft: 62 corp: 1/1b exec/s: 0 rss: 40Mb\n\
                    #524288\tpulse  cov: 214 ft: 700 corp: 90/2Kb lim: 4096 exec/s: 262144 rss: 51Mb\n\
                    #900001\tDONE   cov: 220 ft: 710 corp: 93/2Kb lim: 4096 exec/s: 150000 rss: 55Mb\n\
                    Done 900001 runs in 6 second(s)\n\
                    stat::number_of_executed_units: 900001\nstat::peak_rss_mb:              55\n";
        let row = read(Path::new("/here"), "ttlv", said);
        let expected = Row { target: "ttlv".to_owned(), executions: 900_001, coverage: 220, memory: 55, finding: None };
        assert_eq!(row, expected);
        assert_eq!(
            table(&[row]),
            "target          executions  coverage  findings  peak RSS\n\
             ttlv                900001       220         0     55 MB\n"
        );
    }

    #[test]
    fn a_finding_names_its_bytes_and_the_command_that_runs_them_again() {
        let said = "#7\tNEW    cov: 9 ft: 9 corp: 2/3b exec/s: 0 rss: 40Mb\n\
                    thread '<unnamed>' (1) panicked at fuzz_targets/ttlv.rs:14:9:\nassertion failed\n\
                    ==1== ERROR: libFuzzer: deadly signal\n\
                    artifact_prefix='/here/fuzz/artifacts/ttlv/'; Test unit written to /here/fuzz/artifacts/ttlv/crash-1\n";
        let row = read(Path::new("/here"), "ttlv", said);
        assert_eq!(
            findings(&[row]),
            "ttlv: thread '<unnamed>' (1) panicked at fuzz_targets/ttlv.rs:14:9: assertion failed\n  \
             bytes:  fuzz/artifacts/ttlv/crash-1\n  \
             again:  cargo fuzz run --sanitizer none ttlv fuzz/artifacts/ttlv/crash-1"
        );
        let slow = "==1== ERROR: libFuzzer: timeout after 10 seconds\nTest unit written to x/timeout-1\n";
        assert_eq!(
            read(Path::new("/here"), "ttlv", slow).finding,
            Some(("x/timeout-1".to_owned(), "==1== ERROR: libFuzzer: timeout after 10 seconds".to_owned()))
        );
    }
}
