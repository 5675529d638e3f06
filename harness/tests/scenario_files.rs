//! The committed scenario files are right, the wrong ones are refused with messages that help, and the committed schema
//! is the one that the program reads by.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests read the repository")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kmiplab::clouds;
use kmiplab::scenario::{
    self, Action, Expected, Found, LARGEST_FILE, Outcome, Process, Running, Scenario, VERBS, When,
};

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every committed scenario file, canaries included.
fn committed() -> Vec<Found> {
    let canaries = root().join("canaries").to_str().expect("the repository's path is UTF-8").to_owned();
    let mut found = scenario::find(&root().join("scenarios"), &[]).expect("the families can be listed");
    found.extend(scenario::find(&root().join("scenarios"), &[canaries]).expect("the canaries can be listed"));
    found
}

/// A scenario for each provider.
fn load(found: &Found) -> Vec<Scenario> {
    scenario::load_file(found).unwrap_or_else(|error| panic!("{}", error.render(false)))
}

#[test]
fn every_committed_scenario_is_valid() {
    for found in committed() {
        for scenario in load(&found) {
            assert_eq!(scenario.id(), found.id());
        }
    }
}

#[test]
fn every_family_is_explained_and_has_a_scenario() {
    let found = committed();
    let families: BTreeSet<_> = found.iter().map(|found| found.family.as_str()).collect();
    let expected = [
        "canaries",
        "damaged-snapshots",
        "expired-credentials",
        "key-rotation",
        "kms-outage",
        "mismatched-providers",
        "other-clients",
        "private-endpoint-failover",
    ];
    assert_eq!(families, BTreeSet::from(expected));
    for found in &found {
        let readme = Path::new(&found.path).with_file_name("README.md");
        assert!(readme.is_file(), "{} is missing", readme.display());
    }
}

#[test]
fn every_scenario_leads_editors_to_the_schema() {
    for found in committed() {
        let text = fs::read_to_string(&found.path).unwrap();
        let schema = text.lines().next().and_then(|line| line.strip_prefix("#:schema ")).expect(&found.path);
        let schema = Path::new(&found.path).with_file_name(schema);
        assert!(schema.ends_with("scenario-1.schema.json"), "{}", found.path);
        assert!(schema.is_file(), "{} names {}", found.path, schema.display());
    }
}

#[test]
fn the_committed_schema_is_current() {
    let committed = fs::read_to_string(root().join("scenarios/scenario-1.schema.json")).unwrap();
    assert!(committed == scenario::schema_text(), "scenarios/scenario-1.schema.json is old: run `cargo xtask schema`");
}

#[test]
fn every_verb_is_shown_by_a_scenario_and_explained_in_the_readme() {
    let found = committed();
    let scenarios: Vec<_> = found.iter().flat_map(load).collect();
    let used: BTreeSet<_> = scenarios.iter().flat_map(|scenario| &scenario.timeline).map(|event| event.verb).collect();
    let unused: Vec<_> = VERBS.iter().filter(|verb| !used.contains(*verb)).collect();
    assert!(unused.is_empty(), "no scenario shows {unused:?}");
    let readme = fs::read_to_string(root().join("scenarios/README.md")).unwrap();
    let unexplained: Vec<_> = VERBS.iter().filter(|verb| !readme.contains(&format!("`{verb}"))).collect();
    assert!(unexplained.is_empty(), "scenarios/README.md does not explain {unexplained:?}");
}

#[test]
fn the_readme_names_every_key_of_the_world_with_its_default() {
    let schema = scenario::schema();
    let readme = fs::read_to_string(root().join("scenarios/README.md")).unwrap();
    for table in ["Mongod", "Proxy", "Kms", "Aws", "Credentials", "Snapshot", "Network"] {
        for (key, value) in schema["$defs"][table]["properties"].as_object().unwrap() {
            let row =
                readme.lines().find(|line| line.contains(&format!("`{key}` |"))).unwrap_or_else(|| panic!("{key}"));
            if let Some(default) = value.get("default") {
                assert!(row.contains(&format!("| `{default}` |")), "{table}.{key} is {default} by default: {row}");
            }
        }
    }
}

#[test]
fn a_refusal_is_expected_with_its_class_and_both_of_its_texts() {
    for found in committed().iter().filter(|found| !found.path.contains("canaries")) {
        let scenario = load(found).swap_remove(0);
        let mut refusals: u32 = 0;
        for event in &scenario.timeline {
            let Some(then) = &event.then else { continue };
            if then.answers.iter().flatten().any(|answer| matches!(answer, Expected::Reason(_))) {
                refusals += 1;
                let complete = then.class.is_some() && then.message.is_some() && then.operator.is_some();
                assert!(complete, "{} line {}: class, message, and operator are wanted", found.path, event.line);
            }
            // A key that is not active is no failure of the proxy: the answer is well, and the client says that it ends.
            refusals += u32::from(then.log.is_some() && then.mongod == Some(Running::Exited));
        }
        assert!(scenario.outcome == Outcome::Opens || refusals > 0, "{} stays closed and refuses nothing", found.path);
    }
}

#[test]
fn every_family_has_a_database_that_opens_and_one_that_stays_closed() {
    let found = committed();
    let families: BTreeSet<_> = found.iter().map(|found| found.family.as_str()).collect();
    for family in families.into_iter().filter(|family| *family != "canaries") {
        for outcome in [Outcome::Opens, Outcome::StaysClosed] {
            let ends = |found: &Found| found.family == family && load(found)[0].outcome == outcome;
            assert!(found.iter().any(ends), "no scenario of {family} ends as {outcome:?}");
        }
    }
}

#[test]
fn every_invalid_file_is_refused_with_a_message_that_helps() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/invalid-scenarios");
    // A new verb must not rewrite what has nothing to do with it.
    let (last, others) = VERBS.split_last().expect("there are verbs");
    let every_verb = format!("`{}`, or `{last}`", others.join("`, `"));
    let mut seen = 0;
    for found in scenario::find(&root().join("scenarios"), &[folder.to_str().unwrap().to_owned()]).unwrap() {
        let bytes = fs::read(&found.path).unwrap();
        let error = scenario::load(&format!("{}.toml", found.name), "key-rotation", &bytes).unwrap_err();
        insta::with_settings!({ snapshot_path => "invalid-scenarios", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(found.name.as_str(), error.render(false).replace(&every_verb, "{every verb}"));
        });
        seen += 1;
    }
    assert!(seen >= 22, "only {seen} invalid files were found");
}

#[test]
fn a_file_of_ten_megabytes_is_refused_with_the_place_where_the_limit_is_reached() {
    let folder = std::env::temp_dir().join(format!("kmiplab-large-scenario-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("large.toml");
    // Lines of 64 bytes: the limit of 262,144 bytes ends line 4096.
    let line = format!("# {}\n", "x".repeat(61));
    fs::write(&path, line.repeat(10 * 1024 * 1024 / line.len())).unwrap();
    let error = scenario::load_file(&Found::at(&path).unwrap()).unwrap_err().render(false);
    fs::remove_dir_all(&folder).unwrap();
    let error = error.replace(path.to_str().unwrap(), "large.toml");
    insta::assert_snapshot!(error.trim(), @r"
    × large.toml:4097:1: here a scenario file must have ended (256 KiB), and this one has 10485760 bytes
      help: a scenario says what happens, one event a line: split it into several files
    ");
}

#[test]
fn ten_thousand_hosts_are_refused_at_the_first_that_is_too_many() {
    let endpoints: Vec<_> = (0..10_000).map(|number| format!("  \"private-{number}\",\n")).collect();
    let text = format!(
        "format = \"1.0\"\ntitle = \"Hosts\"\nwhy = \"Many.\"\nend = \"9s\"\nfinal = \"opens\"\n\
         world.kms.endpoints = [\n{}]\ntimeline = [{{ at = \"1s\", start = \"mongod\" }}]\n",
        endpoints.concat(),
    );
    let error = scenario::load("hosts.toml", "folder", text.as_bytes()).unwrap_err().render(false);
    insta::assert_snapshot!(error, @r#"
     × 10000 endpoints are more than a world can hold
       ╭─[hosts.toml:23:3]
    22 │   "private-15",
    23 │   "private-16",
       ·   ──────┬─────
       ·         ╰── here the 16 are full
    24 │   "private-17",
       ╰────
     help: name at most 16: a misfortune needs two or three
    "#);
}

#[test]
fn a_file_within_the_limit_is_read_and_one_byte_more_is_not() {
    let limit = usize::try_from(LARGEST_FILE).unwrap();
    let mut text = fs::read(root().join("scenarios/mismatched-providers/local-key-file.toml")).unwrap();
    text.resize(limit, b'\n');
    assert!(scenario::load("a.toml", "mismatched-providers", &text).is_ok());
    text.push(b'\n');
    assert!(scenario::load("a.toml", "mismatched-providers", &text).is_err());
}

#[test]
fn what_stands_in_a_file_is_what_is_played() {
    let text = r#"format = "1.0"
title = "A scenario"
why = "To be read."
end = "2m"
final = "opens"
seeds = ["0x5eed"]
world.mongod.key_state_polling = "off"
world.kms = { keys = ["cmk-2", "cmk-1"], endpoints = ["private-a", "public"] }
world.snapshot = { wrapped_by = "cmk-1", state = "pre-active" }

[[timeline]]
at = "1s..2s"
start = "mongod"
then = { get = "permission-denied", class = "credentials-expired", within = "500ms" }

[[timeline]]
at = "2s"
stop = "mongod"
"#;
    let scenario = scenario::load("folder/read.toml", "folder", text.as_bytes()).unwrap();
    assert_eq!(scenario.id(), "folder/read");
    assert_eq!(scenario.end, Duration::from_secs(120));
    assert_eq!(scenario.seeds, [0x5eed]);
    assert_eq!(scenario.world.mongod.key_state_polling, None);
    assert_eq!(scenario.world.mongod.connect_timeout, Duration::from_secs(5));
    assert_eq!(scenario.world.kms.endpoints.iter().map(|endpoint| endpoint.private).collect::<Vec<_>>(), [true, false]);
    assert_eq!(scenario.world.snapshot.wrapped_by.as_deref(), Some("cmk-1"));
    assert!(!scenario.world.snapshot.active);
    let [start, stop] = scenario.timeline.as_slice() else { panic!("two events") };
    assert_eq!(start.at, When::Between(Duration::from_secs(1), Duration::from_secs(2)));
    assert!(matches!(start.action, Action::Start(Process::Mongod)));
    assert!(matches!(stop.action, Action::Stop(Process::Mongod)));
    assert_eq!((start.verb, start.line, stop.line), ("start", 11, 16));
    let then = start.then.as_ref().unwrap();
    assert_eq!(then.answers[0], Some(scenario::Expected::Reason("permission-denied".to_owned())));
    assert_eq!(then.class.as_deref(), Some("credentials-expired"));
    assert_eq!(then.within, Some(Duration::from_millis(500)));
    assert!(text[then.span.clone()].starts_with("{ get ="));
}

#[test]
fn an_event_carries_what_happens_in_it_but_neither_when_nor_what_must_follow() {
    let texts = |name: &str| {
        let path = root().join(format!("scenarios/{name}.toml"));
        load(&Found::at(&path).unwrap()).swap_remove(0).timeline.into_iter().map(|event| event.text).collect::<Vec<_>>()
    };
    assert_eq!(
        texts("private-endpoint-failover/a-rejected-b-takes-over"),
        [r#"start = "mongod""#, r#"stop = "mongod""#, r#"reject = "private-a""#, r#"start = "mongod""#]
    );
    assert_eq!(
        texts("mismatched-providers/restarted-with-the-right-provider")[2],
        r#"start = "proxy", cloud_provider = "{provider}""#
    );
}

#[test]
fn a_file_cut_off_anywhere_is_refused_in_good_order() {
    // A list is whole when its bracket closes; a file of `[[timeline]]` tables is a shorter one wherever a table ends.
    let path = root().join("scenarios/private-endpoint-failover/a-rejected-b-takes-over.toml");
    let whole = fs::read(path).unwrap();
    let complete = whole.iter().rposition(|byte| *byte == b']').unwrap();
    for length in 0..=complete {
        let error = scenario::load("cut.toml", "private-endpoint-failover", &whole[..length]).unwrap_err();
        assert!(error.render(false).contains("cut.toml"), "{length}");
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(
        at in 0_usize..900,
        inserted in proptest::collection::vec(proptest::num::u8::ANY, 0..6),
        removed in 0_usize..40,
    ) {
        let path = root().join("scenarios/expired-credentials/credentials-on-the-command-line.toml");
        let mut bytes = fs::read(path).unwrap();
        let at = at.min(bytes.len());
        let end = (at + removed).min(bytes.len());
        bytes.splice(at..end, inserted);
        if let Err(error) = scenario::load("damaged.toml", "expired-credentials", &bytes) {
            assert!(!error.render(false).is_empty());
            assert!(!error.mistakes().is_empty());
        }
    }
}

#[test]
fn filters_select_by_name_and_by_path() {
    let scenarios = root().join("scenarios");
    let ids = |filter: &str| {
        let found = scenario::find(&scenarios, &[filter.to_owned()]).unwrap();
        found.iter().map(Found::id).collect::<Vec<_>>()
    };
    assert_eq!(ids("failover/a-rej"), ["private-endpoint-failover/a-rejected-b-takes-over"]);
    assert_eq!(ids(root().join("canaries/must-fail.toml").to_str().unwrap()), ["canaries/must-fail"]);
    assert!(ids("mismatched-providers").len() >= 3);
    assert!(ids("no such thing").is_empty());
    let error = scenario::find(&scenarios, &["canaries/must-fial.toml".to_owned()]).unwrap_err();
    assert!(error.to_string().starts_with("canaries/must-fial.toml: no such scenario file"), "{error}");
}

#[test]
fn scenarios_are_found_in_the_order_of_their_paths() {
    let found = scenario::find(&root().join("scenarios"), &[]).unwrap();
    assert!(found.is_sorted());
    assert!(!found.iter().any(|found| found.family == "canaries"));
}

#[test]
fn the_personas_that_a_file_can_name_are_those_of_the_cast() {
    // Two lists, because scenario files must not know who plays them.
    let cast: Vec<_> = kmiplab::cast::PERSONAS.iter().map(|persona| persona.name).collect();
    assert_eq!(scenario::PERSONAS, cast);
}

#[test]
fn the_error_codes_that_a_file_can_name_are_those_with_which_the_fake_can_answer_a_call_to_a_key() {
    // Two lists, because scenario files must not know who plays the cloud.
    let unplayable: Vec<_> =
        scenario::ERROR_CODES.iter().filter(|code| clouds::aws::Fault::from_name(code).is_none()).collect();
    assert_eq!(unplayable, Vec::<&&str>::new());
    let of_kms = clouds::aws::Error::ALL.iter().filter_map(|error| error.fact().kms).map(|answer| answer.code);
    // The fake says these of requests that the proxy never makes: managing keys, other operations, other hosts.
    let never = ["AlreadyExistsException", "ConflictException", "UnknownOperationException", "UnknownHost"];
    let missing: BTreeSet<_> =
        of_kms.filter(|code| !scenario::ERROR_CODES.contains(code) && !never.contains(code)).collect();
    assert_eq!(missing, BTreeSet::new());
}

#[test]
fn every_verb_says_what_it_does_in_one_line() {
    for verb in VERBS {
        let meaning = scenario::meaning_of_verb(verb).unwrap_or_else(|| panic!("{verb} says nothing"));
        assert!(meaning.ends_with('.') && !meaning.contains('\n'), "{verb}: {meaning:?}");
    }
    assert_eq!(scenario::meaning_of_verb("explode"), None);
}

#[test]
fn a_filter_that_selects_nothing_leads_to_what_was_meant() {
    let meant = |filter| scenario::meant(&root().join("scenarios"), filter).unwrap();
    assert_eq!(meant("userkeys").as_deref(), Some("expired-credentials/user-keys-revoked"));
    assert_eq!(meant("key-rotatoin").as_deref(), Some("key-rotation"));
    assert_eq!(
        meant("scenarios/x/heals-after-outtage.toml").as_deref(),
        Some("private-endpoint-failover/heals-after-outage")
    );
    assert_eq!(meant("weather"), None);
}
