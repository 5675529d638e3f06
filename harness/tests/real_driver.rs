//! The lane driver: pymongo with libmongocrypt, and a community mongod, before the real proxy.
//!
//! What `cargo xtask clients` sets up must be there, and the proxy must be built; without them these tests print that they
//! were skipped. Each has a folder for temporary files of its own, which must be empty in the end, as must be the list of
//! processes that name it: no port of a process is left then, either.
#![cfg(unix)]

mod support;

#[cfg(test)]
mod real_driver {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use serde_json::Value;

    use crate::place::{Place, signal};
    use crate::support;

    /// A file with a start, a stop and a restart.
    const FIRST_KEY: &str = "other-clients/libmongocrypt-registers-a-seed";

    fn place() -> Option<Place> {
        let place = Place::with_a_driver("driver")?;
        let program = Path::new(env!("CARGO_BIN_EXE_kmiplab"));
        if program.with_file_name("kmipProxyStandalone").is_file() {
            return Some(place);
        }
        eprintln!("skipped: kmipProxyStandalone is not built; `cargo build` builds it");
        None
    }

    /// The only cell of a scenario with AWS.
    fn cell(place: &Place, scenario: &str) -> Value {
        let mut cells = place.cells(&[scenario, "--provider", "aws"], |_| true);
        assert_eq!(cells.len(), 1, "{cells:#?}");
        cells.remove(0)
    }

    #[test]
    fn real_driver_has_a_key_made_at_its_first_start_and_opens_it_after_a_restart() {
        let Some(place) = place() else { return };
        let cell = cell(&place, FIRST_KEY);
        assert_eq!(cell["verdict"], "pass", "{cell:#}");
        assert_eq!((&cell["lane"], &cell["tier"]), (&Value::from("driver"), &Value::from("real-driver")), "{cell:#}");
        assert_eq!(cell["peer"], "pymongo 4.20.0 + libmongocrypt 1.21.0 + mongod 6.0.5");
        assert_eq!(cell["agreement"]["agrees"], true, "{cell:#}");
    }

    #[test]
    fn real_driver_that_needs_its_key_in_an_outage_says_what_the_simulation_says() {
        let Some(place) = place() else { return };
        // A snapshot, needs that the cache does not hold, a throttled minute, and the next need.
        let cell = cell(&place, "kms-outage/libmongocrypt-throttled-once");
        assert_eq!((&cell["verdict"], &cell["agreement"]["agrees"]), (&"pass".into(), &true.into()), "{cell:#}");
        // Beside each answer stands that the driver has used it.
        let times = |invariant: &str| cell["exercised"][invariant].as_u64();
        assert!(times("K1") > Some(0) && times("K2") > times("K1") && times("K7") == Some(1), "{cell:#}");
    }

    #[test]
    fn real_driver_that_is_refused_otherwise_than_a_file_expects_fails_it() {
        let Some(place) = place() else { return };
        let right = support::load("mismatched-providers/libmongocrypt-local-proxy[aws]");
        let text = right.source.replacen("then.get = \"invalid-field\"", "then.get = \"item-not-found\"", 1);
        assert_ne!(text, right.source);
        let folder = tempfile::tempdir().unwrap();
        // A family is named as a folder of the repository is.
        let family = folder.path().join("mistakes");
        fs::create_dir(&family).unwrap();
        let file = family.join("wrong.toml");
        fs::write(&file, text).unwrap();
        let cell = cell(&place, file.to_str().unwrap());
        let told = cell["failures"].to_string();
        assert_eq!(cell["verdict"], "fail", "{cell:#}");
        assert!(told.contains("invalid-field"), "{told}");
    }

    #[test]
    fn real_driver_that_somebody_kills_is_no_verdict_and_leaves_nothing() {
        let Some(place) = place() else { return };
        let (child, victim) = place.once_it_runs(&[FIRST_KEY, "--provider", "aws"], "kmiplab-driver-");
        signal("-KILL", victim);
        let (_, cells) = place.ended(child);
        assert_eq!(cells[0]["verdict"], "inconclusive", "{cells:#?}");
        let why = cells[0]["why"].as_str().unwrap();
        // Between two orders, it is noticed by the next one.
        let noticed = why.starts_with("the application ") && why.contains("ended") || why.contains("takes no orders");
        assert!(noticed, "{why}");
    }

    #[test]
    fn real_driver_is_ended_by_ctrl_c_and_leaves_nothing() {
        let Some(place) = place() else { return };
        // Named, so that several are to be played.
        let (child, _) = place.once_it_runs(&["other-clients/libmongocrypt"], "kmiplab-driver-");
        signal("-INT", child.id());
        let (_, cells) = place.ended(child);
        assert!(cells.iter().any(|cell| cell["why"] == "interrupted"), "{cells:#?}");
        assert!(cells.iter().all(|cell| cell["verdict"] != "fail"), "{cells:#?}");
    }

    #[test]
    fn real_driver_that_is_not_set_up_is_not_run_and_the_next_step_is_named() {
        // The same programs where nothing is beside them.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let beside = folder.path().join("far/from/everything");
        fs::create_dir_all(&beside).unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_kmiplab"));
        for name in ["kmiplab", "mongod-persona"] {
            fs::hard_link(program.with_file_name(name), beside.join(name)).unwrap();
        }
        // It is not started.
        fs::write(beside.join("kmipProxyStandalone"), "").unwrap();
        let mut command = Command::new(beside.join("kmiplab"));
        command.current_dir(support::root()).env("NEXTEST", "1");
        let report = folder.path().join("report");
        command.args(["run", "--lane", "driver", FIRST_KEY, "--report"]).arg(&report);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(6), "{said}");
        assert!(said.contains("pymongo and a community mongod are not set up: `cargo xtask clients`"), "{said}");
    }
}

#[cfg(test)]
#[path = "real_bridge/place.rs"]
mod place;
