//! A campaign that is split and joined gives the files of one that was not, byte for byte but for the machine block;
//! and what does not belong together is refused with the name of the file.
//!
//! The real program plays and joins. Folding, which begins at more seeds than a test can play, is tried on the library.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kmiplab::campaign::{self, Part, Plan, Seeds, Shard};
use kmiplab::report::{FORMS, Report, Verdict, json};
use serde_json::{Value, json};

/// Four families, an endpoint state each, and a scenario that takes a moment.
const FILTERS: [&str; 4] = [
    "mismatched-providers/local-key-file",
    "private-endpoint-failover/a-rejected",
    "expired-credentials/user-keys",
    "key-rotation/cmk-disabled",
];

/// What the program did: exit code, standard output, standard error.
struct Ran {
    code: Option<i32>,
    out: String,
    told: String,
}

fn kmiplab(arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_kmiplab"))
        .current_dir(support::root())
        .env("LC_ALL", "C.UTF-8")
        // No machine has a container engine there.
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
        .args(arguments)
        .output()
        .expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
    Ran { code: output.status.code(), out: text(output.stdout), told: text(output.stderr) }
}

/// A folder of one test alone.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shards").join(name);
        if path.exists() {
            fs::remove_dir_all(&path).expect("what an earlier test left can be removed");
        }
        Folder(path)
    }

    fn of(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("the target folder is UTF-8").to_owned()
    }

    /// Plays what the filters select into a folder of that name, and gives its path.
    fn run(&self, name: &str, filters: &[&str], more: &[&str]) -> (Ran, String) {
        let folder = self.of(name);
        (kmiplab(&[&["run", "--report", &folder], filters, more].concat()), folder)
    }

    fn merge(&self, parts: &[&str], more: &[&str]) -> (Ran, String) {
        let folder = self.of("whole");
        (kmiplab(&[&["report", "--report", &folder], more, &["--merge"], parts].concat()), folder)
    }
}

fn read(folder: &str, file: &str) -> String {
    fs::read_to_string(Path::new(folder).join(file)).unwrap_or_else(|error| panic!("{folder}/{file}: {error}"))
}

fn report(folder: &str) -> Report {
    json::parse(&read(folder, "report.json")).unwrap_or_else(|error| panic!("{folder}: {error}"))
}

/// Writes a changed `report.json` into a folder of that name.
fn changed(folder: &Folder, name: &str, from: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut value: Value = serde_json::from_str(&read(from, "report.json")).expect("report.json is JSON");
    change(&mut value);
    let path = folder.of(name);
    fs::create_dir_all(&path).expect("the target folder can be written");
    fs::write(Path::new(&path).join("report.json"), value.to_string()).expect("the target folder can be written");
    path
}

/// Compares the files of two folders, byte for byte, as if both had been played at the same time on the same machine.
fn assert_same_files(one: &str, other: &str) {
    let mut reports = [report(one), report(other)];
    for (folder, report) in [one, other].into_iter().zip(&reports) {
        for form in FORMS {
            assert!(read(folder, form.file) == (form.render)(report), "{folder}/{} shows other facts", form.file);
        }
    }
    reports[1].machine = reports[0].machine.clone();
    for form in FORMS {
        let [one, other] = [&reports[0], &reports[1]].map(form.render);
        let differing = one.lines().zip(other.lines()).find(|(one, other)| one != other);
        assert!(one == other, "{} differs: {differing:#?}", form.file);
    }
}

#[test]
fn four_parts_joined_are_the_report_of_the_whole_byte_for_byte() {
    let folder = Folder::new("four");
    let (whole, unsharded) = folder.run("unsharded", &FILTERS, &["--seeds", "8"]);
    assert_eq!(whole.code, Some(0), "{}{}", whole.out, whole.told);
    let mut parts = Vec::new();
    let (mut elapsed, mut cores) = (0, 0);
    for number in 1..=4 {
        let shard = format!("{number}/4");
        let (ran, part) = folder.run(&format!("part-{number}"), &FILTERS, &["--seeds", "8", "--shard", &shard]);
        assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.told);
        assert!(
            ran.out.contains(&format!("Summary shard {shard}: 4 scenarios, 10 cases: 10 passed (20 runs")),
            "{}",
            ran.out
        );
        let report = report(&part);
        assert_eq!((report.shard.as_deref(), report.cells.len()), (Some(shard.as_str()), 20));
        (elapsed, cores) = (elapsed + report.machine.elapsed_ms, cores + report.machine.cores);
        parts.push(part);
    }
    // The order in which they are named does not show.
    parts.swap(0, 2);
    let (merged, joined) = folder.merge(&parts.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    assert_eq!(merged.code, Some(0), "{}{}", merged.out, merged.told);
    assert_same_files(&unsharded, &joined);
    assert_eq!(merged.out, whole.out, "the terminal shows the same");
    let machine = report(&joined).machine;
    assert_eq!((machine.elapsed_ms, machine.cores), (elapsed, cores));
    let begun: Vec<String> = parts.iter().map(|part| report(part).machine.started).collect();
    assert_eq!(Some(&machine.started), begun.iter().min());
}

#[test]
fn a_campaign_that_fails_fails_joined_and_one_whose_lane_is_missing_misses_it() {
    let folder = Folder::new("fails");
    for (name, filters, lane, code) in [
        ("fails", ["canaries/must-fail.toml"], "sim", 1),
        ("lane", ["mismatched-providers/local-key-file"], "container", 6),
    ] {
        let more = ["--seeds", "2", "--lane", lane];
        let (whole, unsharded) = folder.run(&format!("{name}-unsharded"), &filters, &more);
        let parts: Vec<_> = (1..=3)
            .map(|number| {
                let shard = format!("{number}/3");
                folder.run(&format!("{name}-{number}"), &filters, &[&more[..], &["--shard", &shard]].concat())
            })
            .collect();
        // There are two seeds: the third part has nothing to play, which is no mistake of its own.
        assert_eq!(parts[2].0.code, Some(0), "{}{}", parts[2].0.out, parts[2].0.told);
        assert!(parts[2].0.out.contains("shard 3/3: no seed belongs to this part"), "{}", parts[2].0.out);
        let folders: Vec<_> = parts.iter().map(|(_, folder)| folder.as_str()).collect();
        let (merged, joined) = folder.merge(&folders, &[]);
        assert_eq!((whole.code, merged.code), (Some(code), Some(code)), "{name}: {}{}", merged.out, merged.told);
        assert_same_files(&unsharded, &joined);
    }
}

#[test]
fn a_missing_part_is_an_error_and_with_partial_every_case_is_not_run() {
    let folder = Folder::new("partial");
    let filters = &FILTERS[..1];
    let part = |number: u64| {
        let shard = format!("{number}/4");
        folder.run(&shard.replace('/', "-"), filters, &["--seeds", "4", "--shard", &shard]).1
    };
    let (first, last) = (part(1), part(4));
    let (refused, joined) = folder.merge(&[&first, &last], &[]);
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""));
    let told =
        "error: shards 2-3 of 4 are missing: name every folder, or list what is missing as not run with --partial\n";
    assert_eq!(refused.told, told);
    assert!(!Path::new(&joined).exists(), "a report was written of what was refused");

    let (taken, joined) = folder.merge(&[&first, &last], &["--partial"]);
    assert_eq!(taken.code, Some(0), "{}{}", taken.out, taken.told);
    let line = taken.out.lines().find(|line| line.contains(filters[0])).expect("the case is shown");
    assert!(line.contains("NOT RUN") && line.contains("shards 2-3 of 4 are missing"), "{line}");
    let report = report(&joined);
    assert_eq!((report.shard.as_deref(), report.cells.len(), report.runs()), (Some("1,4/4"), 3, 2));
    let (again, _) = folder.merge(&[&joined, &part(2)], &["--partial"]);
    assert_eq!(again.code, Some(2));
    assert!(
        again.told.contains("is no part of a split campaign, but several, merged already: `1,4/4`"),
        "{}",
        again.told
    );
}

#[test]
fn what_does_not_belong_together_is_refused_with_the_file_and_what_differs() {
    let folder = Folder::new("refused");
    let part = |number: u64| {
        let shard = format!("{number}/2");
        folder.run(&shard.replace('/', "-"), &FILTERS[..1], &["--seeds", "2", "--shard", &shard]).1
    };
    let (first, second) = (part(1), part(2));
    let refused = |name: &str, expected: &str, change: &dyn Fn(&mut Value)| {
        let wrong = changed(&folder, name, &second, change);
        let (ran, joined) = folder.merge(&[&first, &wrong], &[]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{name}: {}", ran.told);
        let file = Path::new(&wrong).join("report.json");
        assert!(ran.told.contains(&format!("`{}`", file.display())), "{name}: {}", ran.told);
        assert!(ran.told.contains(expected), "{name}: {}", ran.told);
        assert!(!Path::new(&joined).exists(), "{name}: a report was written");
    };
    let scenario = FILTERS[0];
    refused("format", "a report of format 2, and this program reads format 1", &|it| it["format"] = json!(2));
    refused("commit", "the commit is `another` in the former", &|it| it["subject"]["commit"] = json!("another"));
    refused("no-commit", "the commit is unknown in the former", &|it| it["subject"]["commit"] = json!(null));
    refused("version", "the subject is `kmip-proxy 9` in the former", &|it| it["subject"]["version"] = json!("9"));
    refused("parts", "the number of shards is 3 in the former and 2 in the latter", &|it| it["shard"] = json!("2/3"));
    refused("seed", "the first seed is `0x7` in the former and `0x5eed` in the", &|it| {
        it["plan"]["first_seed"] = json!("0x7")
    });
    refused("seeds", "the number of seeds is 3 in the former and 2 in", &|it| it["plan"]["seeds"] = json!(3));
    refused("lane", "the lane is unknown in the former and `sim` in", &|it| it["plan"]["lane"] = json!(null));
    refused("folded", "whether passing runs are folded is true in", &|it| it["plan"]["folded"] = json!(true));
    refused("selection", "whether every scenario was selected is true in", &|it| it["whole"] = json!(true));
    refused("file", &format!("the file of scenario `{scenario}` is sha256:0 in the former"), &|it| {
        it["plan"]["scenarios"][scenario] = json!("sha256:0");
    });
    refused("more", "the file of scenario `a/b` is sha256:0 in the former and absent in the latter", &|it| {
        it["plan"]["scenarios"]["a/b"] = json!("sha256:0");
    });
    refused("invariant", "invariant `K1` is another in the former", &|it| it["invariants"]["K1"] = json!("another"));
    refused("word", "the known word `a-class` is class in the former and absent in", &|it| {
        it["counts"]["classes"]["a-class"] = json!(0);
    });
    refused("same", "are both of shard 1/2: name each part once", &|it| it["shard"] = json!("1/2"));
    refused("whole-one", "is no part of a split campaign, but the report of a whole one", &|it| {
        it["shard"] = json!(null)
    });
    let syntax = changed(&folder, "syntax", &second, |it| *it = json!("no report"));
    let nothing = folder.of("nothing");
    for (wrong, expected) in [(&syntax, "not a report: "), (&nothing, "No such file")] {
        let (ran, _) = folder.merge(&[&first, wrong], &[]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{}", ran.told);
        assert!(ran.told.contains(&format!("cannot read `{wrong}/report.json`: {expected}")), "{}", ran.told);
    }
    assert_eq!(folder.merge(&[&first, &second], &[]).0.code, Some(0), "what belongs together is merged");
}

#[test]
fn a_part_that_there_is_not_is_a_wrong_command_line() {
    let table = [
        ("0/4", "there is no part 0"),
        ("5/4", "there is no part 5"),
        ("1/0", "a campaign has 1 to 1000000 parts, not 0"),
        ("1/1000001", "a campaign has 1 to 1000000 parts, not 1000001"),
        ("half", "expected a part and the number of parts, such as 2/4"),
    ];
    for (shard, expected) in table {
        let ran = kmiplab(&["run", FILTERS[0], "--shard", shard]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{shard}");
        assert!(ran.told.starts_with("error: ") && ran.told.contains(expected), "{shard}: {}", ran.told);
    }
    let wrong: [&[&str]; 5] = [
        &["report"],
        &["report", "--partial"],
        &["report", "a", "--merge", "b"],
        &["report", "a", "--report", "b"],
        &["report", "a", "--format", "pdf"],
    ];
    for arguments in wrong {
        let ran = kmiplab(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{arguments:?}: {}", ran.told);
    }
}

#[test]
fn a_report_is_printed_in_any_form_as_it_was_written() {
    let folder = Folder::new("printed");
    let (ran, path) = folder.run("one", &FILTERS[..1], &["--seeds", "1"]);
    for form in FORMS {
        let printed = kmiplab(&["report", &path, "--format", form.name]);
        assert_eq!((printed.code, printed.out), (Some(0), read(&path, form.file)), "{}", form.name);
    }
    assert_eq!(kmiplab(&["report", &path]).out, ran.out, "and without a form as the run printed it");
}

/// A plan over quick scenarios and one that fails, with so few seeds that it folds only because it is told to.
fn plan(fold_above: u64, shard: Option<Shard>) -> Plan {
    let mut scenarios: Vec<_> = [FILTERS[0], "expired-credentials/user-keys-revoked"].map(support::load).into();
    // Pinned seeds that are not among those asked for, and one that is.
    scenarios[0].seeds = vec![0xf00d, 0x5eee];
    scenarios.push(support::canary("must-fail"));
    Plan {
        scenarios,
        seeds: Seeds { first: 0x5eed, count: 8 },
        shard,
        fold_above,
        whole: false,
        commit: Some("3f9c2e1".to_owned()),
        lane: Some("sim".to_owned()),
        lanes: Vec::new(),
        means: Default::default(),
        recorded: Default::default(),
    }
}

fn play(fold_above: u64, shard: Option<Shard>) -> Report {
    campaign::play(&plan(fold_above, shard), &|_| {})
}

#[test]
fn folded_parts_joined_are_the_folded_whole_in_every_form() {
    let mut whole = play(7, None);
    let parts: Vec<Part> = (1..=4)
        .map(|number| {
            let report = play(7, Shard::new(number, 4).ok());
            // As it comes out of a file.
            let report = json::parse(&json::render(&report)).expect("a report is read as it was written");
            Part { file: format!("part-{number}"), report }
        })
        .collect();
    assert!(parts.iter().all(|part| part.report.plan.folded), "a part folds as the whole does, few as its seeds are");
    let joined = campaign::merge(parts.clone(), false).expect("they belong together");
    whole.machine = joined.machine.clone();
    for form in FORMS {
        assert!((form.render)(&whole) == (form.render)(&joined), "{} differs", form.file);
    }
    let missing = campaign::merge(parts[1..].to_vec(), true).expect("a part may be missing");
    let cells = missing.cells.iter().filter(|cell| cell.verdict == Verdict::NotRun);
    assert_eq!((cells.count(), missing.shard.as_deref()), (3, Some("2-4/4")), "one for each case");
}

#[test]
fn folding_changes_what_is_kept_and_nothing_that_is_counted() {
    let (folded, unfolded) = (play(7, None), play(8, None));
    assert_eq!((folded.plan.folded, unfolded.plan.folded), (true, false));
    assert_eq!((folded.passed.len(), unfolded.passed.len()), (2, 0));
    assert!(folded.cells.iter().all(|cell| cell.verdict == Verdict::Fail), "only what did not pass stays a cell");
    let passed = &folded.passed;
    assert_eq!(passed.iter().map(|passed| passed.count).collect::<Vec<_>>(), [8, 9], "the second has a pinned seed");
    for passed in passed {
        let first = unfolded.cells.iter().find(|cell| cell.id() == passed.example.id()).expect("it was played");
        assert_eq!(&passed.example, first);
    }
    assert_eq!((&folded.summary, &folded.counts), (&unfolded.summary, &unfolded.counts));
    assert_eq!((&folded.exercised, &folded.first_line), (&unfolded.exercised, &unfolded.first_line));
    assert_eq!((folded.exit_code(), folded.summary.seeds), (unfolded.exit_code(), 9));
    let told =
        |report: &Report| -> Vec<_> { report.cases().iter().map(|case| (case.verdict(), case.seeds())).collect() };
    assert_eq!(told(&folded), told(&unfolded));
    // Nobody can tell from the tables whether a report is folded: they show cases.
    for form in FORMS.iter().filter(|form| form.name == "html" || form.name == "markdown") {
        let mut folded = folded.clone();
        folded.machine = unfolded.machine.clone();
        assert!((form.render)(&folded) == (form.render)(&unfolded), "{}", form.file);
    }
}
